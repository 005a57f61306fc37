"""Files of projects: what the two methods of `ProjectDataService` do, without faults and status codes.

An upload is written beside the projects and moved into its place when it is complete: what is cut leaves
nothing, and who reads meanwhile sees the old file or the new one.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import secrets
import shutil
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterator
from pathlib import Path
from typing import IO, Literal

from ..datasphere.project_files_pb2 import (
    DownloadFileRequest,
    DownloadFileResponse,
    FileMetadata,
    UploadFileRequest,
    UploadFileResponse,
)
from ..datasphere.roles import FILES
from . import paths
from .access import Access
from .errors import ApiError, Code, invalid, not_found, quota_exceeded
from .notebooks import Notebooks

PathForm = Literal["absolute", "relative", "both"]

CHUNK = 1 << 18
"""Bytes of a message."""
BLOCK = 1 << 20
"""Bytes that a thread reads or writes at once."""
LONGEST_ID = 200
LONGEST_PATH = 4096
"""Bytes. The service's limit is undocumented; this is Linux's."""


class Files:
    """Reads and writes files of the projects' storage. Raises `ApiError`.

    `folder` holds uploads that are not complete, on the file system of the projects. `form`: which paths are
    taken, absolute over there, relative to the project, or both. `subject`, in all methods: the account that
    asks; it must be a developer of the project.
    """

    def __init__(self, access: Access, notebooks: Notebooks, folder: Path, form: PathForm) -> None:
        self._access = access
        self._notebooks = notebooks
        self._folder = folder
        self._form = form
        shutil.rmtree(folder, ignore_errors=True)  # of an emulator that was killed
        folder.mkdir()

    async def upload(self, requests: AsyncIterable[UploadFileRequest], subject: str) -> UploadFileResponse:
        """Codes 3 (no such request, path, size), 5 (no project), 7 (no role), 8 (disk full), 9 (a folder)."""
        stream = aiter(requests)
        first = await anext(stream, None)
        if first is None or first.WhichOneof("message") != "metadata":
            raise invalid("metadata", "the first message must be the metadata")
        metadata = first.metadata
        self._locate(subject, metadata.project_id, metadata.path, "metadata.path")
        size = 0
        with self._part() as (part, file):
            writer = _Writer(file)
            async for block in _blocks(stream):
                size += sum(map(len, block))
                await writer.write(block)
            await writer.finish()
            if metadata.size_bytes not in (0, size):
                raise invalid("metadata.size_bytes", f"{metadata.size_bytes} announced, {size} received")
            # Looked at again: meanwhile the project may have been deleted, or a link put into the way.
            target = self._locate(subject, metadata.project_id, metadata.path, "metadata.path")
            target.parent.mkdir(parents=True, exist_ok=True)
            part.replace(target)
        return UploadFileResponse(
            metadata=FileMetadata(project_id=metadata.project_id, path=metadata.path, size_bytes=size)
        )

    async def download(
        self, request: DownloadFileRequest, subject: str
    ) -> AsyncGenerator[DownloadFileResponse, None]:
        """The metadata, then the content. Codes 3 (no such path), 5 (no file), 7 (no role), 9 (a folder)."""
        source = self._locate(subject, request.project_id, request.file_path, "filePath")
        if not source.exists():
            raise not_found("File", request.file_path)
        with source.open("rb") as file:
            size = source.stat().st_size
            yield DownloadFileResponse(
                metadata=FileMetadata(project_id=request.project_id, path=request.file_path, size_bytes=size)
            )
            # As long as it is now: what is appended meanwhile belongs to the next download.
            while size and (block := await asyncio.to_thread(file.read, min(BLOCK, size))):
                size -= len(block)
                for begin in range(0, len(block), CHUNK):
                    yield DownloadFileResponse(chunk=block[begin : begin + CHUNK])

    def _locate(self, subject: str, project_id: str, path: str, field: str) -> Path:
        """The file of a path; it need not be there."""
        if not project_id:
            raise invalid("projectId", "required")
        if len(project_id) > LONGEST_ID:
            raise invalid("projectId", f"longer than {LONGEST_ID} characters")
        if not path:
            raise invalid(field, "required")
        if len(path.encode()) > LONGEST_PATH:
            raise invalid(field, f"longer than {LONGEST_PATH} bytes")
        self._access.check(subject, FILES.kind, project_id, FILES.level)
        if self._form != "both" and path.startswith("/") != (self._form == "absolute"):
            raise invalid(field, f"the path must be {self._form}")
        relative = paths.relative(path, field)
        root = self._notebooks.make_folder(project_id).resolve()
        try:
            file = (root / relative).resolve()
            in_the_way = file.is_dir() or any(parent.is_file() for parent in file.parents)
        except (OSError, RuntimeError) as error:  # a name that is too long, a loop of links
            raise invalid(field, f"there cannot be such a path: {_reason(error)}") from None
        if not file.is_relative_to(root):
            raise invalid(field, "the path leads out of the project")
        if in_the_way:
            raise ApiError(Code.FAILED_PRECONDITION, f"{path} is a folder, or leads through a file")
        return file

    @contextlib.contextmanager
    def _part(self) -> Iterator[tuple[Path, IO[bytes]]]:
        """A new file for an upload, gone afterwards unless it was moved. Raises code 8 for a full disk."""
        part = self._folder / secrets.token_hex(8)
        file = part.open("xb")
        try:
            yield part, file
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise quota_exceeded("storage", f"No space left in the project: {error.strerror}") from error
            raise
        finally:
            with contextlib.suppress(OSError):  # what a full disk did not take is dropped
                file.close()
            part.unlink(missing_ok=True)


class _Writer:
    """Writes a block in a thread while the next one is received."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._writing: asyncio.Task[None] | None = None

    async def write(self, block: list[bytes]) -> None:
        """Begin to write; raises what the block before met."""
        if self._writing is not None:
            await self._writing
        self._writing = asyncio.create_task(asyncio.to_thread(self._file.writelines, block))
        # Of an upload that is cut, nobody asks how the last write went.
        self._writing.add_done_callback(lambda task: task.cancelled() or task.exception())

    async def finish(self) -> None:
        if self._writing is not None:
            await self._writing
        await asyncio.to_thread(self._file.flush)


async def _blocks(stream: AsyncIterator[UploadFileRequest]) -> AsyncIterator[list[bytes]]:
    """The chunks of an upload, as many together as a thread writes at once."""
    block, size = list[bytes](), 0
    async for request in stream:
        if request.WhichOneof("message") != "chunk":
            raise invalid("chunk", "only chunks may follow the metadata")
        block.append(request.chunk)
        size += len(request.chunk)
        if size >= BLOCK:
            yield block
            block, size = [], 0
    yield block


def _reason(error: OSError | RuntimeError) -> str:
    """Without the name of the file, which is a matter of this machine."""
    return error.strerror or "" if isinstance(error, OSError) else "a loop of links"
