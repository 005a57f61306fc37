"""A server that is never asked imports nothing heavy, and says nothing upstream."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import asyncio, sys
from jupyter_server.serverapp import ServerApp

app = ServerApp()
app.jpserver_extensions = {"jupyter_datasphere": True}  # JupyterLab itself imports httpx
app.initialize(["--ServerApp.port=0", "--no-browser", "--allow-root"], find_extensions=False)
extension = app.extension_manager.extension_points["jupyter_datasphere"].app
asyncio.get_event_loop().run_until_complete(extension._start_jupyter_server_extension(app))
for name in ("httpx", "aiohttp", "grpc", "keyring", "jwt", "cryptography", "ipywidgets", "jupyter_datasphere.executions.service"):
    if name in sys.modules:
        print("imported", name)
print("ready")
"""


def test_loading_the_extension_imports_nothing_heavy(tmp_path: Path) -> None:
    environment = {**os.environ, "JUPYTER_DATA_DIR": str(tmp_path), "JUPYTER_RUNTIME_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.split() == ["ready"], done.stdout + done.stderr
