"""Starting Python kernels as processes of this machine, and seeing to it that none outlives the emulator.

A kernel listens on Unix domain sockets (on TCP where ZeroMQ has none), in a process group of its own.
"""

from __future__ import annotations

import asyncio
import fnmatch
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import zmq
import zmq.asyncio
from jupyter_client.connect import write_connection_file
from jupyter_client.session import Session, json_packer

from .kernel import Kernel
from .reaping import Reaper

SECRETS = ("YC_*", "JUPYTER_DATASPHERE_*", "*TOKEN*", "*SECRET*", "*PASSWORD*")
NOT_INHERITED = ("MPLBACKEND", "PYTHONSTARTUP", "JPY_*", "PYTEST_*")
"""What is about our own process; ipykernel sets an MPLBACKEND for the kernel."""


class Kernels:
    """Starts kernels; closing it ends them all. If the emulator is killed, the reaper does that.

    `folder` gets the kernels' log, and is where IPython looks for a profile and finds none.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()  # kernels run elsewhere
        self._ipython = self._folder / "ipython"
        self._ipython.mkdir(exist_ok=True)
        (self._folder / "ipython").mkdir(exist_ok=True)  # IPython wants it to be there
        self._sockets = Path(tempfile.mkdtemp(prefix="ds-emulator-"))
        self._context = zmq.asyncio.Context()
        # A message that waits here is never dropped, and a new kernel's socket is found at once.
        self._context.setsockopt(zmq.RCVHWM, 0)
        self._context.setsockopt(zmq.SNDHWM, 0)
        self._context.setsockopt(zmq.RECONNECT_IVL, 10)
        self._kernels: set[Kernel] = set()
        self._reaper = Reaper(self._sockets)
        self._started = 0

    async def start(self, folder: Path) -> Kernel:
        """A new kernel with the working directory `folder`. Raises `StartError`."""
        self._started += 1
        info, file = self._connection(f"kernel-{self._started}")
        with (self._folder / "kernels.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                str(Path(__file__).with_name("kernel_main.py")),
                f"--IPKernelApp.connection_file={file}",
                f"--IPKernelApp.ipython_dir={self._ipython}",
                "--HistoryManager.enabled=False",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=folder,
                env=kernel_environment(dict(os.environ)),
                start_new_session=True,
            )
        self._reaper.watch(process.pid)
        session = Session(key=info["key"].encode(), pack=_packed)
        shell, iopub = self._context.socket(zmq.DEALER), self._context.socket(zmq.SUB)
        iopub.subscribe(b"")
        for socket, port in ((shell, info["shell_port"]), (iopub, info["iopub_port"])):
            separator = "-" if info["transport"] == "ipc" else ":"
            socket.connect(f"{info['transport']}://{info['ip']}{separator}{port}")
        kernel = Kernel(process, session, shell, iopub, self._forget)
        self._kernels.add(kernel)
        try:
            await kernel.ready()
        except BaseException:
            await kernel.stop()
            raise
        return kernel

    async def close(self) -> None:
        """End all kernels."""
        await asyncio.gather(*(kernel.stop() for kernel in list(self._kernels)))
        self._reaper.close()
        self._context.destroy(linger=0)
        shutil.rmtree(self._sockets, ignore_errors=True)

    def _forget(self, kernel: Kernel) -> None:
        if kernel in self._kernels:
            self._kernels.remove(kernel)
            self._reaper.forget(kernel.pid)

    def _connection(self, name: str) -> tuple[dict[str, Any], Path]:
        file = self._sockets / f"{name}.json"
        transport = "ipc" if zmq.has("ipc") else "tcp"
        _, info = write_connection_file(
            str(file),
            transport=transport,
            ip=str(self._sockets / name) if transport == "ipc" else "127.0.0.1",
            key=secrets.token_hex(16).encode(),
        )
        return dict(info), file


def _packed(value: object) -> bytes:
    """JSON, some ten times as fast as Jupyter's packer; what is no proper text is left to that."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        packed: bytes = json_packer(value)
        return packed


def kernel_environment(environment: dict[str, str]) -> dict[str, str]:
    """What a kernel inherits of our environment: no secrets, nothing that is about our own process."""
    unwanted = (*SECRETS, *NOT_INHERITED)
    kept = {
        name: value
        for name, value in environment.items()
        if not any(fnmatch.fnmatchcase(name.upper(), pattern) for pattern in unwanted)
    }
    # ipykernel ends itself when its parent is no longer this process: for when the reaper is killed too.
    return {**kept, "JPY_PARENT_PID": str(os.getpid())}
