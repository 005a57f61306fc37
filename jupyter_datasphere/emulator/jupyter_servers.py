"""A project's own Jupyter server, as the one on its VM: whoever has its link can run code in the project.

A process of its own for each project whose link was asked for, on a free port of 127.0.0.1, with a new token
each time. Its kernels inherit what kernels of the emulator inherit, and end with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import msgspec

from .errors import ApiError, Code
from .kernels import kernel_environment
from .reaping import Reaper

ADDRESS = "127.0.0.1"
START_SECONDS = 60.0
STOP_SECONDS = 5.0


class _Server(msgspec.Struct, frozen=True):
    process: asyncio.subprocess.Process
    link: str


class JupyterServers:
    """Starts Jupyter servers; closing it ends them with all their kernels.

    `root` gets their log; `storage` gives a project's folder. If the emulator is killed, they end by
    themselves, and if they cannot, the reaper does that.
    """

    def __init__(self, root: Path, storage: Callable[[str], Path]) -> None:
        self._root = root.resolve()
        self._storage = storage
        self._own = self._root / "jupyter"
        """What Jupyter keeps about a user, and knows about running servers."""
        shutil.rmtree(self._own, ignore_errors=True)
        self._reaper = Reaper(self._own)
        self._servers: dict[str, _Server] = {}
        self._starting: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def link(self, project_id: str) -> str:
        """The URL of a project's server, with its token; the server is started if none runs. Code 14."""
        async with self._starting[project_id]:
            server = self._servers.get(project_id)
            if server is not None and server.process.returncode is not None:
                self._reaper.forget(server.process.pid)
                server = None
            if server is None:
                server = self._servers[project_id] = await self._start(project_id)
            return server.link

    async def stop(self, project_id: str) -> bool:
        """End a project's server with its kernels, as when its VM stops; False where none runs."""
        async with self._starting[project_id]:
            server = self._servers.pop(project_id, None)
            if server is None:
                return False
            runs = server.process.returncode is None
            await self._stop(server.process)
            return runs

    async def close(self) -> None:
        """End all servers."""
        await asyncio.gather(*(self._stop(server.process) for server in self._servers.values()))
        self._reaper.close()
        shutil.rmtree(self._own, ignore_errors=True)

    async def _start(self, project_id: str) -> _Server:
        self._own.mkdir(mode=0o700, exist_ok=True)
        token = secrets.token_hex(24)
        folder = self._storage(project_id).resolve()
        with (self._root / "jupyter.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                str(Path(__file__).with_name("jupyter_main.py")),
                f"--ServerApp.root_dir={folder}",
                f"--ServerApp.ip={ADDRESS}",
                "--ServerApp.port=0",
                "--ServerApp.open_browser=False",
                "--ServerApp.allow_root=True",
                "--ServerApp.terminals_enabled=False",
                # The trash would be that of whoever runs the emulator.
                "--FileContentsManager.delete_to_trash=False",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                cwd=folder,
                env=self._environment(),
                start_new_session=True,
            )
        self._reaper.watch(process.pid, ends_by_itself=True)
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(f"{token}\n".encode())
            async with asyncio.timeout(START_SECONDS):
                port = int(await process.stdout.readline())
        except (TimeoutError, ValueError, ConnectionError) as error:
            await self._stop(process)
            raise ApiError(
                Code.UNAVAILABLE, f"The project's Jupyter server did not start; see {self._root}/jupyter.log"
            ) from error
        except BaseException:
            await self._stop(process)
            raise
        return _Server(process, f"http://{ADDRESS}:{port}/lab?token={token}")

    async def _stop(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        process.stdin.close()  # it ends itself and its kernels
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        self._reaper.forget(process.pid)

    def _environment(self) -> dict[str, str]:
        """What a kernel inherits, with folders of our own for what Jupyter and IPython keep about a user."""
        return {
            **kernel_environment(dict(os.environ)),
            "JUPYTER_CONFIG_DIR": str(self._own),
            "JUPYTER_DATA_DIR": str(self._own),
            "JUPYTER_RUNTIME_DIR": str(self._own / "runtime"),
            "IPYTHONDIR": str(self._root / "ipython"),
        }
