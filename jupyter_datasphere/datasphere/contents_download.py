"""One file of a project on its way down from its own Jupyter server."""

from __future__ import annotations

import aiohttp

from ..errors import ConflictError, UnavailableError
from .contents_api import Contents, denied, quoted
from .jupyter_server import TIMEOUT, JupyterServer
from .local_files import CHUNK, Sink

RESTARTS = 5
"""How often it begins anew because the file became another one."""


class Download:
    """A file on its way down, over connections that may break."""

    def __init__(self, path: str, sink: Sink) -> None:
        self.place = 0
        """Bytes that have come."""
        self.done = False
        self._path = path
        self._sink = sink
        self._known = ""
        """By what the file is known again: its size and time of change."""
        self._restarts = 0

    async def go_on(self, server: JupyterServer) -> None:
        """Read what is still missing. Returns early where something came; raises where nothing did."""
        headers = {"Accept-Encoding": "identity"}
        if self.place:
            headers["Range"] = f"bytes={self.place}-"
        timeout = aiohttp.ClientTimeout(sock_connect=TIMEOUT, sock_read=TIMEOUT)
        begun = self.place
        try:
            async with server.answer(
                "GET", f"files/{quoted(self._path)}", headers=headers, timeout=timeout
            ) as answer:
                if not await self._fits(server, answer):
                    return
                async for chunk in answer.content.iter_chunked(CHUNK):
                    await self._sink.write(chunk)
                    self.place += len(chunk)
        except UnavailableError:
            if self.place > begun:
                return
            raise
        self.done = True

    async def _fits(self, server: JupyterServer, answer: aiohttp.ClientResponse) -> bool:
        """Whether what comes now is what is missing, or all from the beginning."""
        if answer.status == 200:
            self._known = _known(answer, answer.headers.get("Content-Length", ""))
            self._begin_anew()
            self._sink.begin(answer.content_length)
            return True
        first, _, size = answer.headers.get("Content-Range", "").partition("/")
        if answer.status == 206 and first.startswith(f"bytes {self.place}-"):
            if self._known == _known(answer, size):
                return True
            self._begin_anew()
            return False
        if answer.status == 416:
            self._begin_anew()
            return False
        contents = Contents(server)
        if answer.status in (301, 302, 303, 401, 403):  # asked to log in, or not allowed to read it
            await contents.look(self._path)  # raises for a token that is not taken
            raise denied(self._path)
        raise contents.failure(answer.status, b"", self._path)

    def _begin_anew(self) -> None:
        if self.place:
            self.place = 0
            self._restarts += 1
            if self._restarts > RESTARTS:
                raise ConflictError(
                    f"{self._path[:200]} changes all the time.", hint="Copy it over there, and get that."
                )


def _known(answer: aiohttp.ClientResponse, size: str) -> str:
    return f"{size} {answer.headers.get('ETag')} {answer.headers.get('Last-Modified')}"
