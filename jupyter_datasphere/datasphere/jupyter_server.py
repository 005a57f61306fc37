"""A project's own Jupyter server, reached by its link: is it one, does the token work, what runs there.

aiohttp speaks HTTP and WebSocket over one session, and is there already; the messages of the Jupyter protocol
are JSON, so that no package of Jupyter is needed for them. The token travels in a header, never in a URL.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any, TypeVar
from urllib.parse import quote

import aiohttp
import msgspec
from yarl import URL

from ..errors import ChannelError, CredentialsError, ServiceError, UnavailableError
from .jupyter_kernel import KernelConnection
from .jupyter_link import PASTE_ANEW, Link

T = TypeVar("T")

TIMEOUT = 30.0
MAX_MESSAGE = 2**30
PING_SECONDS = 20.0
"""A connection over which no answer to a ping comes for half of that is taken to be dead."""


class _Version(msgspec.Struct):
    version: str


class _Kernel(msgspec.Struct):
    id: str


class _Session(msgspec.Struct):
    path: str
    kernel: _Kernel | None


class _KernelLanguage(msgspec.Struct):
    language: str = ""


class _KernelSpec(msgspec.Struct):
    spec: _KernelLanguage


class _KernelSpecs(msgspec.Struct):
    default: str
    kernelspecs: dict[str, _KernelSpec]


class JupyterServer:
    """Calls of a Jupyter server. Close with `aclose()`.

    Raises `UnavailableError` where it does not answer, `CredentialsError` (code "link-expired") where it
    refuses the token, `ServiceError` (code "not-jupyter") where it is something else.
    """

    def __init__(self, link: Link) -> None:
        self.link = link
        self._http: aiohttp.ClientSession | None = None

    async def aclose(self) -> None:
        if self._http is not None:
            await self._http.close()

    async def check(self) -> str:
        """The version of the Jupyter server, whose token works."""
        status, body = await self.call("GET", "api")
        try:
            version = msgspec.json.decode(body, type=_Version).version if status == 200 else None
        except msgspec.MsgspecError:
            version = None
        if version is None:
            raise self.no_jupyter()
        await self._get("api/kernels", list[_Kernel])
        return version

    async def find_kernel(self, name: str) -> str | None:
        """The ID of the kernel of that name; None where it does not run."""
        for session in await self._get("api/sessions", list[_Session]):
            if session.path == name and session.kernel is not None:
                return session.kernel.id
        return None

    async def kernel(self, name: str) -> str:
        """The ID of the kernel of that name, for Python, started if need be.

        The server itself remembers the name, as the path of one of its sessions: so the kernel is found again
        by whoever asks, and its user sees it by its name among the running ones. Raises `ChannelError` (code
        "no-ipython") where there is none for Python.
        """
        kernel = {"name": await self._python()}
        body = {"path": name, "name": name, "type": "console", "kernel": kernel}
        session = await self._get("api/sessions", _Session, "POST", body)
        if session.kernel is None:
            raise ServiceError(f"The Jupyter server at {self.link.host} started no kernel.")
        return session.kernel.id

    async def has_kernel(self, kernel_id: str) -> bool:
        """Whether a kernel runs."""
        status, _ = await self.call("GET", f"api/kernels/{quote(kernel_id, safe='')}")
        self.check_status(status)
        return status != 404

    async def interrupt(self, kernel_id: str) -> None:
        """As the interrupt button of a notebook does it."""
        status, _ = await self.call("POST", f"api/kernels/{quote(kernel_id, safe='')}/interrupt")
        self.check_status(status)

    async def connect(self, kernel_id: str) -> KernelConnection:
        """A connection to a kernel. Raises `ServiceError` (code "no-such-kernel") where it does not run."""
        try:
            socket = await self._session().ws_connect(
                f"{self.link.url}api/kernels/{quote(kernel_id, safe='')}/channels",
                max_msg_size=MAX_MESSAGE,
                heartbeat=PING_SECONDS,
            )
        except aiohttp.WSServerHandshakeError as error:
            self.check_status(error.status)
            if error.status == 404:
                await self.check()  # what stands before a VM that has stopped may answer so, too
                raise no_such_kernel(kernel_id) from None
            raise self.no_jupyter() from None
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise self._away(error) from None
        return KernelConnection(socket)

    async def call(self, verb: str, path: str, body: Any = None, **options: Any) -> tuple[int, bytes]:
        """Status and body of an answer. `path` is relative to the base URL, and quoted."""
        data = None if body is None else BytesIO(msgspec.json.encode(body))
        async with self.answer(verb, path, data=data, **options) as answer:
            return answer.status, await answer.read()

    @asynccontextmanager
    async def answer(self, verb: str, path: str, **options: Any) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer whose body is read within; `options` are those of aiohttp's requests."""
        url = URL(self.link.url + path, encoded=True)
        try:
            # A token must not follow a redirection to another host.
            async with self._session().request(verb, url, allow_redirects=False, **options) as answer:
                yield answer
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise self._away(error) from None

    def check_status(self, status: int) -> None:
        """Raise what a status means wherever it comes."""
        if status in (401, 403):
            raise CredentialsError(
                f"The Jupyter server at {self.link.host} refuses the token of the link: it has expired.",
                code="link-expired",
                hint=PASTE_ANEW,
            )
        if status in (502, 503, 504):
            raise self._away(f"HTTP {status}")
        if status >= 500:
            raise ServiceError(f"The Jupyter server at {self.link.host} failed (HTTP {status}).")

    def no_jupyter(self) -> ServiceError:
        """The error of an answer that no Jupyter server gives."""
        return ServiceError(
            f"What answers at {self.link.host} is no Jupyter server.", code="not-jupyter", hint=PASTE_ANEW
        )

    # Inside

    def _session(self) -> aiohttp.ClientSession:
        if self._http is not None and self._http.closed:
            raise self._away("its link was replaced")
        if self._http is None:
            self._http = aiohttp.ClientSession(
                headers={"Authorization": f"token {self.link.token}"},
                timeout=aiohttp.ClientTimeout(total=TIMEOUT),
                cookie_jar=aiohttp.DummyCookieJar(),  # with a cookie, the server would ask for XSRF tokens
                trust_env=True,
                middlewares=(self._send_once,),
            )
        return self._http

    async def _python(self) -> str:
        """The name of its kernel for Python: of the one that it starts by default, if that is one."""
        known = await self._get("api/kernelspecs", _KernelSpecs)
        languages = {name: one.spec.language.lower() for name, one in known.kernelspecs.items()}
        for name in (known.default, *languages):
            if languages.get(name) == "python":
                return name
        raise no_python(
            f"It has kernels for {', '.join(sorted(set(languages.values())))[:100] or 'nothing'}."
        )

    async def _send_once(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """aiohttp itself sends a PUT again whose connection broke; but a chunk may have been taken."""
        try:
            return await handler(request)
        except aiohttp.ClientError as error:
            if request.method != "PUT":
                raise
            raise self._away(error) from None

    async def _get(self, path: str, kind: type[T], verb: str = "GET", body: Any = None) -> T:
        status, answer = await self.call(verb, path, body)
        self.check_status(status)
        try:
            return msgspec.json.decode(answer, type=kind)
        except msgspec.MsgspecError:
            raise self.no_jupyter() from None

    def _away(self, reason: object) -> UnavailableError:
        return UnavailableError(
            f"The project's Jupyter server at {self.link.host} does not answer ({_words(reason)}).",
            code="link-unavailable",
            hint=f"Its VM may have stopped. {PASTE_ANEW}",
        )


def no_such_kernel(kernel_id: str) -> ServiceError:
    """What is said of a kernel that has ended."""
    return ServiceError(f"The kernel {kernel_id} does not run any more.", code="no-such-kernel")


def no_python(cause: str) -> ChannelError:
    """The error of a server, or kernel, that cannot run cells."""
    return ChannelError(
        f"The project's Jupyter server cannot run cells: {cause}",
        code="no-ipython",
        hint="It needs a kernel for Python, with IPython (ipykernel).",
    )


def _words(reason: object) -> str:
    if isinstance(reason, aiohttp.ClientConnectorError):
        number = reason.os_error.errno or 0
        # asyncio's own text has the address once more; that of a name that is not found is its own.
        return os.strerror(number) if number > 0 else reason.strerror or type(reason.os_error).__name__
    if isinstance(reason, BaseException):
        return type(reason).__name__  # a text might hold what was sent
    return str(reason)
