"""The local end of a transfer: what is sent is read from here, what comes is written to there.

Files are read and written in threads, a block at a time, so that neither the event loop waits for a disk nor
memory grows with a file.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import secrets
from collections.abc import AsyncGenerator, AsyncIterable, Iterator
from pathlib import Path
from typing import IO, Protocol

from ..errors import ConflictError, StorageError, UsageError

CHUNK = 1 << 18
"""Bytes of a message. gRPC itself refuses messages above 4 MiB unless it is told otherwise."""
BLOCK = 1 << 20
"""Bytes that a thread reads or writes at once."""
KEPT = 4 << 20
"""Bytes of a stream that are kept, so that an early refusal does not end its upload."""


class Source(Protocol):
    """What is sent. `size` is its number of bytes."""

    size: int

    @property
    def repeatable(self) -> bool:
        """Whether `chunks` can (still) give everything from the beginning."""
        ...

    def chunks(self) -> AsyncGenerator[bytes, None]:
        """Everything, from the beginning."""
        ...


class Sink(Protocol):
    """Where to put what comes."""

    def begin(self, size: int | None) -> None:
        """A transfer begins, from the first byte: forget what came in an earlier attempt."""
        ...

    async def write(self, chunk: bytes) -> None: ...

    async def finish(self) -> None:
        """All has come."""
        ...


class FileSource:
    """A file, as long as it is when the transfer begins. Raises `UsageError` where it cannot be read."""

    repeatable = True

    def __init__(self, path: Path) -> None:
        self._path = path
        with _reading(path):
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            self.size = path.stat().st_size

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        with _reading(self._path), self._path.open("rb") as file:
            rest = self.size
            while rest:
                block = await asyncio.to_thread(file.read, min(BLOCK, rest))
                if not block:
                    raise ConflictError(
                        f"{self._path} became shorter while it was sent.", hint="Send it again."
                    )
                rest -= len(block)
                for begin in range(0, len(block), CHUNK):
                    yield block[begin : begin + CHUNK]


class BytesSource:
    """Bytes in memory."""

    repeatable = True

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        for begin in range(0, self.size, CHUNK):
            yield self._data[begin : begin + CHUNK]


class StreamSource:
    """Chunks that come once. What came first is kept, so that a refusal at the beginning can be mended."""

    def __init__(self, stream: AsyncIterable[bytes], size: int) -> None:
        self._stream = aiter(stream)
        self._kept: list[bytes] | None = []
        self._taken = 0
        self.size = size

    @property
    def repeatable(self) -> bool:
        return self._kept is not None

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        for chunk in list(self._kept or ()):
            yield chunk
        async for piece in self._stream:
            self._taken += len(piece)
            if self._kept is not None:
                self._kept = [*self._kept, piece] if self._taken <= KEPT else None
            for begin in range(0, len(piece), CHUNK):
                yield piece[begin : begin + CHUNK]
        if self._taken != self.size:
            raise UsageError(f"{self._taken:,} bytes were to be sent, but {self.size:,} were announced.")


class BytesSink:
    """Memory, up to a limit. Raises `UsageError` beyond it."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.data = bytearray()

    def begin(self, size: int | None) -> None:
        self.data.clear()
        self._check(size or 0)

    async def write(self, chunk: bytes) -> None:
        self._check(len(self.data) + len(chunk))
        self.data += chunk

    async def finish(self) -> None: ...

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise UsageError(
                f"The file is larger than {self._limit:,} bytes.",
                code="too-large",
                hint="Download it to a file instead.",
            )


class Announced(Exception):
    """The size of a file was told before its content, which is not needed."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size


class SizeSink:
    """Nowhere: for who wants to know a file's size. Ends the transfer by `Announced` where that was told."""

    def begin(self, size: int | None) -> None:
        if size is not None:
            raise Announced(size)

    async def write(self, chunk: bytes) -> None: ...

    async def finish(self) -> None: ...


class FileSink:
    """A file that is there when all of it has come, and not before. Use it in ``with``.

    Raises `StorageError` when the disk is full, `UsageError` where the file cannot be written.
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        self._waiting: list[bytes] = []
        self._amount = 0
        self._file: IO[bytes] | None = None

    def __enter__(self) -> FileSink:
        with self._writing():
            if self._target.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            # A name of its own, since the target's with something added may be too long.
            self._part = self._target.with_name(f".{secrets.token_hex(8)}.part")
            self._file = self._part.open("xb")
        return self

    def __exit__(self, *error: object) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):  # what a full disk does not take is given up here anyway
                self._file.close()
            self._part.unlink(missing_ok=True)

    def begin(self, size: int | None) -> None:
        self._waiting, self._amount = [], 0
        with self._writing():
            self._open_file.seek(0)
            self._open_file.truncate()

    async def write(self, chunk: bytes) -> None:
        self._waiting.append(chunk)
        self._amount += len(chunk)
        if self._amount >= BLOCK:
            await self._flush()

    async def finish(self) -> None:
        await self._flush()
        with self._writing():
            await asyncio.to_thread(self._replace)

    async def _flush(self) -> None:
        waiting, self._waiting, self._amount = self._waiting, [], 0
        with self._writing():
            await asyncio.to_thread(self._open_file.writelines, waiting)

    def _replace(self) -> None:
        self._open_file.flush()
        with contextlib.suppress(FileNotFoundError):
            self._part.chmod(self._target.stat().st_mode & 0o777)
        self._part.replace(self._target)

    @property
    def _open_file(self) -> IO[bytes]:
        assert self._file is not None
        return self._file

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise StorageError(
                    f"{self._target} could not be written: {error.strerror}.",
                    hint="Make room, or choose another place.",
                ) from error
            raise UsageError(f"{self._target} could not be written: {error.strerror}.") from error


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"{path} could not be read: {error.strerror}.") from error
