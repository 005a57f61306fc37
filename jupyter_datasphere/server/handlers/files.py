"""``/datasphere/files`` and ``…/files/size``: whole files of a project. Query: `project`, `path` in it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine
from pathlib import PurePosixPath
from typing import Any, TypeVar
from urllib.parse import quote

from tornado.http1connection import HTTP1Connection
from tornado.iostream import StreamClosedError
from tornado.web import MissingArgumentError, stream_request_body

from ...datasphere.local_files import StreamSource
from ...datasphere.storage import Storage
from ...datasphere.types import Project
from ...errors import ConflictError, ExpectedError, UnavailableError, UsageError
from ...protocol import StoredFile
from ..passing import Inflow, Outflow, Prefix
from .base import DataSphereHandler, allow_unauthenticated

T = TypeVar("T")

OVERWRITE = "X-Overwrite"
PREFIX_DIGEST = "X-Prefix-Digest"
WHOLE_SIZE = "X-Whole-Size"
UPLOAD_CUT = "upload-cut"

_NUMBER = re.compile(r"[0-9]{1,18}")
_RANGE = re.compile(r"bytes=([0-9]{1,18})-")


class OneFile(DataSphereHandler):
    """Base of the handlers of one file."""

    async def _storage(self) -> tuple[Project, Storage]:
        named = self.get_query_argument("project", None) or self.backend.project_in_force
        project = await self.backend.projects.find(named)
        return project, await self.backend.storages.of(project.id)

    def _path(self) -> str:
        """To the letter, where tornado's own would leave out and replace some of them."""
        values = self.request.query_arguments.get("path")
        if not values:
            raise MissingArgumentError("path")
        return self.decode_argument(values[-1], "path")


class FileSizeHandler(OneFile):
    """Whether a file is there, and how large it is; little or nothing of it is read."""

    @allow_unauthenticated
    async def get(self) -> None:
        project, storage = await self._storage()
        path = self._path()
        self.answer(StoredFile(project.id, project.name, path, await storage.size(project.id, path)))


@stream_request_body
class FilesHandler(OneFile):
    """Content passes through in pieces: neither memory nor disk of this server grows with a file."""

    _prepared = False
    _transfer: asyncio.Task[Any] | None = None
    _inflow: Inflow | None = None
    _gone = False

    async def prepare(self) -> None:  # type: ignore[override] # as the base does
        await super().prepare()  # nothing of the body is taken before it is known who sends it
        if self.request.method == "PUT":
            await self._begin_upload()
        self._prepared = True

    @allow_unauthenticated
    async def get(self) -> None:
        """The content. ``Range: bytes=N-`` goes on after a cut: what the caller has is read and compared.

        Then `X-Prefix-Digest` has the BLAKE2b digest of the first N bytes in hexadecimal, `X-Whole-Size` the
        size of the whole file where that is known; a file that is another one by now is answered with 412.
        """
        prefix = self._prefix()
        project, storage = await self._storage()
        sink = Outflow(prefix, lambda size: self._start(size, prefix.length), self._pass_on)
        try:
            size = await self._while_there(storage.receive(project.id, self._path(), sink))
        except Exception as error:
            if not self._headers_written:
                raise
            # A status comes too late, and a proper end would make half of a file look like all of it.
            self.log.warning("A download broke off: %s", error)
            self._break_off()
            return
        if size is not None:
            self.finish(set_content_type="application/octet-stream")

    @allow_unauthenticated
    async def put(self) -> None:
        """Write the file with the body as its content; half of it is never there.

        One that is there is left as it is (409, `file-exists`) unless ``X-Overwrite: true``. The code
        `upload-cut` says that the same may succeed when it is sent once more.
        """
        assert self._inflow is not None  # since `prepare`
        self._inflow.end()
        try:
            size = await self._while_there(self._upload)
        except ExpectedError as error:
            if not error.worth_repeating:
                raise
            raise UnavailableError(
                error.message, code=UPLOAD_CUT, hint=error.hint, request_id=error.request_id
            ) from error
        if size is not None:
            self.answer(StoredFile(self._project.id, self._project.name, self._path(), size))

    def on_connection_close(self) -> None:
        super().on_connection_close()
        self._gone = True
        if self._transfer is not None:
            self._transfer.cancel()

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        if not self._prepared:
            # tornado reads nothing of the body then, and closes the connection: no other request may take it.
            self.set_header("Connection", "close")
        super().write_error(status_code, **kwargs)

    # Up

    async def _begin_upload(self) -> None:
        size = self._content_length()
        self._project, storage = await self._storage()
        path = self._path()
        overwrite = self.request.headers.get(OVERWRITE) == "true"
        if not overwrite and await storage.size(self._project.id, path) is not None:
            raise ConflictError(
                f"{path[:200]!r} is in the project already, and was left as it is.",
                code="file-exists",
                hint="Choose another name, or have it replaced with --force.",
            )
        if isinstance(self.request.connection, HTTP1Connection):
            self.request.connection.set_max_body_size(size)
        inflow = self._inflow = Inflow()
        source = StreamSource(inflow.pieces(), size)
        self._upload = self._begin(storage.send(self._project.id, path, source))
        # Once it has failed, what still comes has nobody to wait for; the answer says why.
        self._upload.add_done_callback(lambda _: inflow.close())

    async def data_received(self, chunk: bytes) -> None:
        if self._inflow is not None:
            await self._inflow.put(chunk)

    def _content_length(self) -> int:
        text = self.request.headers.get("Content-Length", "")
        if not _NUMBER.fullmatch(text):
            raise UsageError("The size of the file must be said in Content-Length.", http_status=411)
        return int(text)

    # Down

    def _prefix(self) -> Prefix:
        text = self.request.headers.get("Range")
        if text is None:
            return Prefix()
        begin = _RANGE.fullmatch(text)
        size = self.request.headers.get(WHOLE_SIZE)
        digest = self.request.headers.get(PREFIX_DIGEST)
        if begin is None or digest is None or (size is not None and not _NUMBER.fullmatch(size)):
            raise UsageError(
                f"A Range must be bytes=N-, with the digest of the first N bytes in {PREFIX_DIGEST}, and the"
                f" number of all bytes, where there is one, in {WHOLE_SIZE}."
            )
        length = int(begin[1])
        return Prefix(length, digest, None if size is None else int(size)) if length else Prefix()

    def _start(self, size: int | None, begin: int) -> None:
        name = quote(PurePosixPath(self._path()).name)
        self.set_header("Content-Type", "application/octet-stream")
        self.set_header("Content-Disposition", f"attachment; filename*=UTF-8''{name}")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "no-store")
        if size is not None:
            self.set_header("Content-Length", size - begin)
        if begin:
            self.set_status(206)
            if size is not None:
                self.set_header("Content-Range", f"bytes {begin}-{size - 1}/{size}")

    async def _pass_on(self, chunk: bytes) -> None:
        self.write(chunk)
        await self.flush()  # until the caller has taken it

    def _break_off(self) -> None:
        if isinstance(self.request.connection, HTTP1Connection):
            self.request.connection.close()

    # Both

    def _begin(self, transfer: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(transfer, name="transfer of a file")
        task.add_done_callback(lambda task: task.cancelled() or task.exception())  # nobody may be left to ask
        self._transfer = task
        if self._gone:
            task.cancel()
        return task

    async def _while_there(self, transfer: Coroutine[Any, Any, T] | asyncio.Task[T]) -> T | None:
        """The result of a transfer; None where the caller has gone, which ends it."""
        task = transfer if isinstance(transfer, asyncio.Task) else self._begin(transfer)
        try:
            await asyncio.wait([task])
        finally:
            task.cancel()
        if task.cancelled() or isinstance(task.exception(), StreamClosedError):
            return None
        return task.result()
