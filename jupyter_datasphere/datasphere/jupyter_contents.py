"""Files of a project through its own Jupyter server: whole files up and down, tried again where that is safe.

A file goes up by chunks under a name of its own beside its target, whose name it gets when all of it is
there. Each chunk's answer tells the size of the file so far, by which one that was lost, doubled or out of
order shows; then all begins anew. The server could tell a hash as well, but would read the whole file into
its memory for that.

No call of the contents API replaces a file. So where the target is there, it is renamed first and deleted
last: between two calls, some milliseconds unless the connection breaks there, nothing has the target's name.
Half a file never has it. If this process or the VM ends just then, the new file is there as
``jupyter-datasphere-….part`` and the old one as ``jupyter-datasphere-….old``; a process that ends while one
goes up may leave the former, too. What is deleted goes where that server puts deleted files, perhaps a trash.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from pathlib import PurePosixPath
from typing import TypeVar

from ..errors import ConflictError, ExpectedError, InternalError, UnavailableError, UsageError
from .contents_api import Contents, Entry
from .contents_download import Download
from .files import check_project, relative_path
from .jupyter_server import JupyterServer
from .local_files import Sink, Source
from .retries import Retry, RetryPolicy

T = TypeVar("T")

UPLOAD_CHUNK = 1 << 20
"""Bytes of a chunk: those of JupyterLab, which whatever is in front of the server lets pass."""
LONGEST_NAME = 255
AT_ONCE = 8
"""Transfers at once, of all projects."""
TIDY_SECONDS = 5.0
"""How long the deletion of what was left may take after a failure; else it is done before the next upload."""


class LinkedFiles:
    """Files of the projects whose links are known: a `Storage`.

    `server` gives the server of a project by its ID, or raises `CredentialsError` where no link is known; it
    is asked before each call, so that a link that is given anew is used at once. Every method raises what
    `Contents` and `JupyterServer` do. Paths are taken to begin at the server's top folder, which is the
    project's.
    """

    def __init__(
        self, server: Callable[[str], Awaitable[JupyterServer]], *, retry: RetryPolicy | None = None
    ) -> None:
        self._server = server
        self._retry = retry or RetryPolicy()
        self._places = asyncio.Semaphore(AT_ONCE)
        self._placing = asyncio.Lock()
        self._left: dict[str, set[str]] = {}
        """By project: files that could not be deleted after a failure."""

    async def send(self, project_id: str, path: str, source: Source) -> int:
        """Write a file, replacing one that is there, in a folder that is made if need be; gives its size."""
        check_project(project_id)
        target = _path(path)
        async with self._places:
            async with self._placing:
                await self._make_folder(project_id, str(target.parent))
            try:
                async for attempt in self._retry.tries():
                    with attempt:
                        await self._send(project_id, target, source)
            except Retry as failure:
                raise failure.error from failure.__cause__
        return source.size

    async def receive(self, project_id: str, path: str, sink: Sink) -> int:
        """Read a file into `sink`; after a cut it goes on where it was, if it is the same file still."""
        check_project(project_id)
        name = str(_path(path))
        async with self._places:
            entry = await self._persist(project_id, lambda contents: contents.look(name))
            if entry is None:
                raise Contents(await self._server(project_id)).failure(404, b"", name)
            _check_file(entry, name)
            download = Download(name, sink)
            while not download.done:  # each time anew, as something came
                await self._try(project_id, download.go_on)
            await sink.finish()
        return download.place

    async def size(self, project_id: str, path: str) -> int | None:
        """The bytes of a file, None where there is none."""
        check_project(project_id)
        name = str(_path(path))
        entry = await self._persist(project_id, lambda contents: contents.look(name))
        if entry is not None:
            _check_file(entry, name)
        return None if entry is None else entry.size

    # Up

    async def _send(self, project_id: str, target: PurePosixPath, source: Source) -> None:
        """One attempt for all of it. Raises `Retry` where chunks came in another way than they were sent."""
        for name in list(self._left.get(project_id, ())):
            await self._tidy(project_id, name)
        part = _beside(target, "part")
        try:
            await self._write(project_id, part, source)
            await self._put_in_place(project_id, part, target)
        except BaseException as error:
            await self._tidy(project_id, part)
            if isinstance(error, ExpectedError):
                error.message = error.message.replace(part, str(target))
            if isinstance(error, _Mixed) and source.repeatable:
                raise Retry(error) from None
            raise

    async def _write(self, project_id: str, part: str, source: Source) -> None:
        # Empty first: where the disk is full, the server's answer to the first chunk does not say so.
        await self._persist(project_id, lambda contents: contents.write(part, b"", 1))
        place, number = 0, 1
        async with aclosing(_blocks(source)) as blocks:
            async for block in blocks:
                number += 1
                last = place + len(block) >= source.size
                await self._persist(project_id, _Append(part, block, place, -1 if last else number).to)
                place += len(block)

    async def _put_in_place(self, project_id: str, part: str, target: PurePosixPath) -> None:
        name, old = str(target), _beside(target, "old")
        async with self._placing:
            entry = await self._persist(project_id, lambda contents: contents.look(name))
            if entry is None:
                await self._rename(project_id, part, name)
                return
            _check_file(entry, name)
            await self._rename(project_id, name, old)
            try:
                await self._rename(project_id, part, name)
            except BaseException as error:
                if not await self._restored(project_id, old, name) and isinstance(error, ExpectedError):
                    error.hint = f"In the project, the old version of {name} is called {old} now."
                raise
        try:
            await self._persist(project_id, lambda contents: contents.delete(old))
        except ExpectedError as error:
            error.message = f"{name} was written, but its old version could not be deleted: {error.message}"
            error.hint = f"Delete {old} in the project."
            raise

    async def _rename(self, project_id: str, name: str, other: str) -> None:
        doubtful = False

        async def once(contents: Contents) -> None:
            nonlocal doubtful
            if doubtful and await contents.look(name) is None and await contents.look(other) is not None:
                return  # the answer was lost, and not the request
            doubtful = True
            await contents.rename(name, other)

        await self._persist(project_id, once)

    async def _make_folder(self, project_id: str, folder: str) -> None:
        if folder == ".":
            return
        entry = await self._persist(project_id, lambda contents: contents.look(folder))
        if entry is None:
            await self._make_folder(project_id, str(PurePosixPath(folder).parent))
            await self._persist(project_id, lambda contents: contents.make_folder(folder))
        elif entry.type != "directory":
            raise UsageError(f"{folder[:200]} is a file of the project, and no folder.", code="bad-path")

    async def _restored(self, project_id: str, old: str, name: str) -> bool:
        """Give a file its name back, if that can be now."""
        try:
            async with asyncio.timeout(TIDY_SECONDS):
                await self._rename(project_id, old, name)
        except (ExpectedError, TimeoutError):
            return False
        return True

    async def _tidy(self, project_id: str, name: str) -> None:
        """Delete what is of no use, if that can be now; else before the next upload."""
        self._left.setdefault(project_id, set()).add(name)
        try:
            async with asyncio.timeout(TIDY_SECONDS):
                await Contents(await self._server(project_id)).delete(name)
        except (ExpectedError, TimeoutError):
            return
        self._left[project_id].discard(name)

    # Calls

    async def _persist(self, project_id: str, once: Callable[[Contents], Awaitable[T]]) -> T:
        return await self._try(project_id, lambda server: once(Contents(server)))

    async def _try(self, project_id: str, once: Callable[[JupyterServer], Awaitable[T]]) -> T:
        """Try until it is done or will not be."""
        try:
            async for attempt in self._retry.tries():
                with attempt:
                    server = await self._server(project_id)
                    try:
                        return await once(server)
                    except UnavailableError as error:
                        raise Retry(error) from error.__cause__
        except Retry as failure:
            raise failure.error from failure.__cause__
        raise InternalError("The retry policy allows no attempt.")


class _Mixed(ConflictError):
    """A file that goes up is not as long as it must be by now."""

    worth_repeating = True

    def __init__(self, part: str) -> None:
        super().__init__(
            f"The chunks of a file did not arrive as they were sent ({part}).", hint="Send the file again."
        )


class _Append:
    """One chunk of a file that goes up, until it is there, once."""

    def __init__(self, part: str, block: bytes, place: int, chunk: int) -> None:
        self._part = part
        self._block = block
        self._place = place
        self._chunk = chunk
        self._doubtful = False

    async def to(self, contents: Contents) -> None:
        end = self._place + len(self._block)
        if self._doubtful:
            entry = await contents.look(self._part)
            if entry is not None and entry.size == end:
                return  # the answer was lost, and not the chunk
            if entry is None or entry.size != self._place:
                raise _Mixed(self._part)
        self._doubtful = True
        if await contents.write(self._part, self._block, self._chunk) != end:
            raise _Mixed(self._part)


async def _blocks(source: Source) -> AsyncGenerator[bytes, None]:
    """All of a source in chunks for the server."""
    waiting = bytearray()
    async with aclosing(source.chunks()) as chunks:
        async for chunk in chunks:
            waiting += chunk
            while len(waiting) >= UPLOAD_CHUNK:
                yield bytes(waiting[:UPLOAD_CHUNK])
                del waiting[:UPLOAD_CHUNK]
    if waiting:
        yield bytes(waiting)


def _check_file(entry: Entry, name: str) -> None:
    if entry.type == "directory":
        raise UsageError(f"{name[:200]} is a folder of the project.", code="bad-path")


def _path(path: str) -> PurePosixPath:
    """A path relative to the project. Raises `UsageError`."""
    relative = relative_path(path)
    if any(len(part.encode()) > LONGEST_NAME for part in relative.parts):
        raise UsageError(
            f"The path {path[:100]!r} has a name of more than {LONGEST_NAME} bytes.", code="bad-path"
        )
    return relative


def _beside(target: PurePosixPath, kind: str) -> str:
    """A name beside a target that nobody else takes; hidden where that is, which the server may refuse."""
    dot = "." if target.name.startswith(".") else ""
    return str(target.with_name(f"{dot}jupyter-datasphere-{secrets.token_hex(8)}.{kind}"))
