"""`jupyter datasphere demo`: JupyterLab with the quickstart, on the emulator."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from .files import QUICKSTART
from .processes import emulator, environment_for
from .workspace import demo_folder, unpack


def show(root: Path | None, *, port: int | None, browser: bool) -> int:
    """Start everything and wait until JupyterLab ends; gives its exit status."""
    with demo_folder(root) as folder, emulator(folder / "emulator") as facts:
        notebooks = unpack(folder)
        command = [
            sys.executable,
            "-m",
            "jupyter",
            "lab",
            f"--ServerApp.root_dir={notebooks}",
            f"--LabApp.default_url=/lab/tree/{QUICKSTART}",
            f"--DataSphere.ledger_dir={folder / 'ledger'}",
            "--DataSphere.project=demo-project",
        ]
        if not browser:
            command.append("--no-browser")
        if port is not None:
            command.append(f"--port={port}")
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.append("--allow-root")
        print(f"The emulator runs at {facts['url']}, its files are in {folder / 'emulator'}.", flush=True)
        with subprocess.Popen(command, env=environment_for(facts), cwd=notebooks) as lab:
            return _wait(lab)


def _wait(lab: subprocess.Popen[bytes]) -> int:
    """Wait for the end of JupyterLab, which itself asks before it ends on Ctrl-C; pass a SIGTERM on."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: lab.terminate())
    return lab.wait()
