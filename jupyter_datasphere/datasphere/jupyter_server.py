"""A project's own Jupyter server, reached by its link: is it one, does the token work, what runs there.

aiohttp speaks HTTP and WebSocket over one session, and is there already; the messages of the Jupyter protocol
are JSON, so that no package of Jupyter is needed for them. The token travels in a header, never in a URL.
"""

from __future__ import annotations

from typing import Any, TypeVar
from urllib.parse import parse_qs, quote, urlsplit

import aiohttp
import msgspec

from ..errors import CredentialsError, ExpectedError, ServiceError, UnavailableError, UsageError
from .jupyter_kernel import KernelConnection

T = TypeVar("T")

TIMEOUT = 30.0
MAX_MESSAGE = 2**30
PING_SECONDS = 20.0
"""A connection over which no answer to a ping comes for half of that is taken to be dead."""

_PAGES = ("lab", "tree", "notebooks", "doc", "edit", "login", "api", "retro", "nbclassic")
_HOME = ("127.0.0.1", "localhost", "::1")

PASTE_ANEW = "Open the project, copy its link for external IDE from the Share menu, and give that one."


class Link(msgspec.Struct, frozen=True):
    """Base URL of a Jupyter server, with a slash at its end, and the token for it, which is never shown."""

    url: str
    token: str

    def __repr__(self) -> str:
        return f"Link({self.url!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("url", self.url)]

    @classmethod
    def parse(cls, text: str) -> Link:
        """A link as it was pasted. Raises `UsageError`, which shows nothing of a token."""
        try:
            parts = urlsplit(text.strip())
            host, _ = parts.hostname, parts.port
        except ValueError:
            host = None
        if host is None or parts.scheme not in ("http", "https"):
            raise UsageError("This is no link of a Jupyter server.", code="bad-link", hint=PASTE_ANEW)
        if parts.scheme == "http" and host not in _HOME:
            raise UsageError(
                f"The link to {host} does not begin with https://: its token would travel in the clear.",
                code="bad-link",
                hint=PASTE_ANEW,
            )
        [token, *_] = parse_qs(parts.query).get("token", [""])
        if not token:
            raise UsageError(f"The link to {host} has no ?token=….", code="bad-link", hint=PASTE_ANEW)
        segments: list[str] = []
        for segment in parts.path.split("/"):
            if segment in _PAGES:
                break
            segments += [segment] if segment else []
        path = "".join(f"{segment}/" for segment in segments)
        return cls(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/{path}", token)

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc


class _Version(msgspec.Struct):
    version: str


class _Kernel(msgspec.Struct):
    id: str


class _Session(msgspec.Struct):
    path: str
    kernel: _Kernel | None


class JupyterServer:
    """Calls of a Jupyter server. Close with `aclose()`.

    Raises `UnavailableError` where it does not answer, `CredentialsError` (code "link-expired") where it
    refuses the token, `ExpectedError` (code "not-jupyter") where it is something else.
    """

    def __init__(self, link: Link) -> None:
        self.link = link
        self._http: aiohttp.ClientSession | None = None

    async def aclose(self) -> None:
        if self._http is not None:
            await self._http.close()

    async def check(self) -> str:
        """The version of the Jupyter server, whose token works."""
        status, body = await self._call("GET", "api")
        try:
            version = msgspec.json.decode(body, type=_Version).version if status == 200 else None
        except msgspec.MsgspecError:
            version = None
        if version is None:
            raise self._no_jupyter()
        await self._get("api/kernels", list[_Kernel])
        return version

    async def find_kernel(self, name: str) -> str | None:
        """The ID of the kernel of that name; None where it does not run."""
        for session in await self._get("api/sessions", list[_Session]):
            if session.path == name and session.kernel is not None:
                return session.kernel.id
        return None

    async def kernel(self, name: str) -> str:
        """The ID of the kernel of that name, started if need be.

        The server itself remembers the name, as the path of one of its sessions: so the kernel is found again
        by whoever asks, and its user sees it by its name among the running ones.
        """
        body = {"path": name, "name": name, "type": "console", "kernel": {}}
        session = await self._get("api/sessions", _Session, "POST", body)
        if session.kernel is None:
            raise ServiceError(f"The Jupyter server at {self.link.host} started no kernel.")
        return session.kernel.id

    async def interrupt(self, kernel_id: str) -> None:
        """As the interrupt button of a notebook does it."""
        status, _ = await self._call("POST", f"api/kernels/{quote(kernel_id, safe='')}/interrupt")
        self._check(status)

    async def connect(self, kernel_id: str) -> KernelConnection:
        """A connection to a kernel. Raises `ServiceError` (code "no-such-kernel") where it does not run."""
        try:
            socket = await self._session().ws_connect(
                f"{self.link.url}api/kernels/{quote(kernel_id, safe='')}/channels",
                max_msg_size=MAX_MESSAGE,
                heartbeat=PING_SECONDS,
            )
        except aiohttp.WSServerHandshakeError as error:
            self._check(error.status)
            if error.status == 404:
                raise ServiceError(
                    f"The kernel {kernel_id} does not run any more.", code="no-such-kernel"
                ) from None
            raise self._no_jupyter() from None
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise self._away(error) from None
        return KernelConnection(socket)

    # Inside

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            self._http = aiohttp.ClientSession(
                headers={"Authorization": f"token {self.link.token}"},
                timeout=aiohttp.ClientTimeout(total=TIMEOUT),
                cookie_jar=aiohttp.DummyCookieJar(),  # with a cookie, the server would ask for XSRF tokens
                trust_env=True,
            )
        return self._http

    async def _get(self, path: str, kind: type[T], verb: str = "GET", body: Any = None) -> T:
        status, answer = await self._call(verb, path, body)
        self._check(status)
        try:
            return msgspec.json.decode(answer, type=kind)
        except msgspec.MsgspecError:
            raise self._no_jupyter() from None

    async def _call(self, verb: str, path: str, body: Any = None) -> tuple[int, bytes]:
        data = None if body is None else msgspec.json.encode(body)
        try:
            # A token must not follow a redirection to another host.
            async with self._session().request(
                verb, self.link.url + path, data=data, allow_redirects=False
            ) as answer:
                return answer.status, await answer.read()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise self._away(error) from None

    def _check(self, status: int) -> None:
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

    def _away(self, reason: object) -> UnavailableError:
        return UnavailableError(
            f"The project's Jupyter server at {self.link.host} does not answer ({_words(reason)}).",
            code="link-unavailable",
            hint=f"Its VM may have stopped. {PASTE_ANEW}",
        )

    def _no_jupyter(self) -> ExpectedError:
        return ExpectedError(
            f"What answers at {self.link.host} is no Jupyter server.", code="not-jupyter", hint=PASTE_ANEW
        )


def _words(reason: object) -> str:
    if isinstance(reason, aiohttp.ClientConnectorError):
        return reason.strerror or type(reason.os_error).__name__
    if isinstance(reason, BaseException):
        return type(reason).__name__  # a text might hold what was sent
    return str(reason)
