"""What loading costs: `%load_ext` in a fresh kernel, and the extension in a Jupyter Server's start.

Each in a process of its own, with and without in turn. Writes `startup.md`.

    python benchmarks/startup.py [--rounds N]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from jupyter_client.manager import start_new_kernel
from tables import machine, write_table

LOAD = """
import time
begin = time.perf_counter()
get_ipython().run_line_magic("load_ext", "jupyter_datasphere")
print((time.perf_counter() - begin) * 1000)
"""

SERVER = """
import asyncio, sys, time
from jupyter_server.serverapp import ServerApp
begin = time.perf_counter()
app = ServerApp()
app.jpserver_extensions = {"jupyter_datasphere": True} if sys.argv[1] == "with" else {}
app.initialize(["--ServerApp.port=0", "--no-browser", "--allow-root"], find_extensions=False)
for point in app.extension_manager.extension_points.values():
    asyncio.get_event_loop().run_until_complete(point.app._start_jupyter_server_extension(app))
print((time.perf_counter() - begin) * 1000)
"""


def load_ext() -> float:
    """Milliseconds of `%load_ext` in a fresh kernel."""
    manager, client = start_new_kernel()
    texts: list[str] = []
    try:
        client.execute_interactive(LOAD, output_hook=lambda m: texts.append(m["content"].get("text", "")))
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    return float("".join(texts))


def server_start(which: str, folder: str) -> float:
    """Milliseconds until a server is initialized, with the extension or without."""
    environment = {
        "PYTHONPYCACHEPREFIX": os.environ["PYTHONPYCACHEPREFIX"],
        "JUPYTER_DATA_DIR": folder,
        "JUPYTER_RUNTIME_DIR": folder,
        "HOME": folder,
    }
    command = [sys.executable, "-c", SERVER, which]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def main(rounds: int) -> None:
    loads: list[float] = []
    starts: dict[str, list[float]] = {"without": [], "with": []}
    with tempfile.TemporaryDirectory() as folder:
        # Compiled, as pip leaves what it installed, also where the environment forbids to keep that.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = f"{folder}/compiled"
        for number in range(rounds + 1):
            load = load_ext()
            started = {which: server_start(which, folder) for which in starts}
            if number:  # the first fills the caches
                loads.append(load)
                for which, milliseconds in started.items():
                    starts[which].append(milliseconds)
    added = [on - off for on, off in zip(starts["with"], starts["without"], strict=True)]
    rows = [
        (name, f"{statistics.median(values):.1f}", f"{min(values):.1f}", f"{max(values):.1f}")
        for name, values in (
            ("`%load_ext jupyter_datasphere` in a fresh kernel", loads),
            ("start of a Jupyter Server without the extension", starts["without"]),
            ("the same with the extension", starts["with"]),
            ("what the extension adds, pair by pair", added),
        )
    ]
    note = f"{rounds} rounds, in turn. {machine()}"
    head = ("milliseconds", "median", "least", "most")
    write_table(Path(__file__).with_suffix(".md"), "What loading costs", note, head, rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=10)
    main(parser.parse_args().rounds)
