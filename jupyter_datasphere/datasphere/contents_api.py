"""The calls of a Jupyter server's contents API that files need, and what its refusals mean.

As jupyter_server 2.21 has it: a PUT with a chunk's number above 1, or -1 for the last, appends; a rename
refuses a name that is taken; names that begin with a dot are not there unless that server is told otherwise
(``ContentsManager.allow_hidden``); what is deleted goes to the trash unless it is told otherwise.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec

from ..errors import (
    ConflictError,
    ExpectedError,
    NotFoundError,
    ServiceError,
    UnavailableError,
    UsageError,
)
from .jupyter_server import TIMEOUT, JupyterServer

SLOW = aiohttp.ClientTimeout(total=10 * TIMEOUT, sock_connect=TIMEOUT, sock_read=TIMEOUT)
"""A chunk may take its time on its way; its answer may not."""

_AMBIGUOUS = frozenset({"checkpoints", "trust"})
"""Names that the server's routes take for something else at, or just before, the end of a path."""
_FULL = ("[Errno 28]", "[Errno 122]", "[Errno 27]")
"""How Linux says that a disk is full, a quota used up, or a file too large."""


class Entry(msgspec.Struct):
    """A file or folder, without its content."""

    type: str
    size: int | None = None


class _Failure(msgspec.Struct):
    message: str | None = None


class Contents:
    """Files of one Jupyter server, by paths below its top folder, each call made once.

    Raises what `JupyterServer` does, `NotFoundError`, `ConflictError` (a name that is taken), `UsageError`
    (a name that this server does not take), or `ServiceError`: "permission-denied", "resource-exhausted"
    (the disk is full), "too-large", or "service".
    """

    def __init__(self, server: JupyterServer) -> None:
        self._server = server

    async def look(self, path: str) -> Entry | None:
        """What there is of that name."""
        try:
            return await self._call("GET", path, query="?content=0")
        except NotFoundError:
            return None

    async def write(self, path: str, content: bytes, chunk: int) -> int:
        """Begin a file (1), go on with it (2, 3, …) or end it (-1); gives its size."""
        body = {"type": "file", "format": "base64", "chunk": chunk, "content": b64encode(content).decode()}
        return (await self._call("PUT", path, body)).size or 0

    async def make_folder(self, path: str) -> None:
        """Nothing is done where it is there."""
        await self._call("PUT", path, {"type": "directory"})

    async def rename(self, path: str, name: str) -> None:
        """Give a file another path, which must not be taken."""
        await self._call("PATCH", path, {"path": name})

    async def delete(self, path: str) -> None:
        """Nothing is done where it is not there."""
        status, answer = await self._server.call("DELETE", f"api/contents/{quoted(path)}")
        if status not in (204, 404):
            raise self.failure(status, answer, path)

    async def _call(self, verb: str, path: str, body: Any = None, query: str = "") -> Entry:
        status, answer = await self._server.call(
            verb, f"api/contents/{quoted(path)}{query}", body, timeout=SLOW
        )
        if status == 404:
            await self._server.check()  # what stands before a VM that has stopped may answer so, too
        if status not in (200, 201):
            raise self.failure(status, answer, path)
        try:
            return msgspec.json.decode(answer, type=Entry)
        except msgspec.MsgspecError:
            raise self._server.no_jupyter() from None

    def failure(self, status: int, answer: bytes, path: str) -> ExpectedError:
        """The error of an answer that is no success."""
        told = _message(answer)
        if status == 404:
            return NotFoundError(f"The project has no file {path[:200]!r}.", hint=_hint_of(path))
        if status == 409 or "[Errno 17]" in told:
            return ConflictError(f"{path[:200]} was written by somebody else meanwhile.", hint="Try again.")
        if status == 403 and told.startswith("Permission denied"):
            return denied(path)
        if status == 413:
            return ServiceError(
                f"What stands before the Jupyter server at {self._server.link.host} lets no chunk of a file "
                "pass (HTTP 413).",
                code="too-large",
            )
        if any(number in told for number in _FULL):
            return ServiceError(
                f"{path[:200]} could not be written: the project's disk is full.",
                code="resource-exhausted",
                hint="Make room in the project, or raise the size of its disk.",
                http_status=507,
            )
        if status < 400:
            return self._server.no_jupyter()  # leads to a page, where people log in for example
        if status < 500 and status not in (401, 403, 429):
            return UsageError(
                f"The project's Jupyter server does not take the name {path[:200]!r} (HTTP {status}).",
                code="bad-path",
                hint=_hint_of(path),
            )
        try:
            self._server.check_status(status)
        except ExpectedError as error:
            return error
        return UnavailableError(f"The Jupyter server at {self._server.link.host} is busy (HTTP {status}).")


def quoted(path: str) -> str:
    """A path as a part of a URL."""
    return "/".join(
        "".join(f"%{byte:02X}" for byte in part.encode()) if part in _AMBIGUOUS else quote(part, safe="")
        for part in path.split("/")
    )


def denied(path: str) -> ServiceError:
    """The error of a file that may not be read or written."""
    return ServiceError(
        f"The project's Jupyter server has no permission for {path[:200]!r}.",
        code="permission-denied",
        hint="Look at the file's permissions in the project.",
        http_status=403,
    )


def _hint_of(path: str) -> str | None:
    if any(part.startswith(".") for part in path.split("/")):
        return "That server shows and takes no names that begin with a dot, unless it is told otherwise."
    return None


def _message(answer: bytes) -> str:
    try:
        return msgspec.json.decode(answer, type=_Failure).message or ""
    except msgspec.MsgspecError:
        return ""
