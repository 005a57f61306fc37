"""The connections to the service: httpx, over its aiohttp transport.

What the service sends is bounded in size while it is read. No redirect is followed and no cookie kept: we
send what we wrote ourselves, and to the configured hosts only. What httpx would do besides (defaults of the
client, query parameters, cookies, redirects) costs more time than to send the request, and is left out.
"""

from __future__ import annotations

import base64
import ssl
import urllib.request
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from ..errors import UsageError

CONNECT_SECONDS = 10.0
IDLE_SECONDS = 30.0
"""How long a connection that is not used is kept."""

_EXTENSIONS = {"timeout": {"connect": CONNECT_SECONDS}}  # for the whole, who calls has a limit


class Answer(NamedTuple):
    """What was answered, read to its end. Names of headers are in lower case."""

    status: int
    reason: str
    headers: Mapping[str, str]
    content: bytes

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


class TooLargeError(Exception):
    """An answer of more bytes than the limit; none of it was kept."""


class NonsenseError(Exception):
    """An answer that is not proper HTTP."""


class ProxyError(Exception):
    """A proxy that makes no connection; the message is the status that it gave."""


class Http:
    """Makes requests. Close with `aclose()`.

    `verify`: a context, a file of certificates, or whether certificates are verified at all. `proxy`: for all
    hosts; without one, as the environment says. `connections`: at most, by each way. `largest`: bytes of an
    answer, unpacked.
    """

    def __init__(
        self,
        *,
        verify: ssl.SSLContext | str | bool,
        proxy: str | None,
        connections: int,
        user_agent: str,
        largest: int,
    ) -> None:
        self.largest = largest
        if isinstance(verify, str):
            self._tls = ssl.create_default_context(cafile=verify)
        else:
            self._tls = httpx.create_ssl_context(verify)
        self._proxy = proxy
        self._connections = connections
        self._headers = {"user-agent": user_agent, "accept": "application/json"}
        self._origins: dict[str, _Origin] = {}
        self._clients: dict[str, _Client] = {}

    async def aclose(self) -> None:
        await self.leave()

    async def leave(self) -> None:
        """Leave all connections; requests that are under way fail. The next one connects anew."""
        clients, self._clients, self._origins = self._clients, {}, {}
        for client in clients.values():
            await client.aclose()

    async def request(self, verb: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        """Make a request. `url` is quoted where what it holds is no part of its syntax.

        Raises `httpx.HTTPError` where no (whole) answer came, `TooLargeError`, `NonsenseError`, `ProxyError`,
        and `UsageError` for a proxy that is none.
        """
        target = _parsed(url)
        origin = self._origin(target)
        # With a stream of its own, httpx adds no headers: aiohttp does what is needed.
        request = httpx.Request(
            verb,
            target,
            headers={**origin.headers, **headers},
            stream=httpx.ByteStream(body or b""),
            extensions=_EXTENSIONS,
        )
        request.read()
        try:
            response = await origin.client.send(request)
            try:
                heads = {
                    name.lower().decode("latin-1"): value.decode("latin-1")
                    for name, value in response.headers.raw
                }
                content = await self._content(response, heads)
            except BaseException:
                await response.aclose()  # which it is where it was read to its end
                raise
            return Answer(response.status_code, response.reason_phrase, heads, content)
        except httpx.ProxyError as error:
            failure: Exception = ProxyError(_refusal(error))
        except aiohttp.ClientResponseError:
            failure = NonsenseError()
        # Not in the context of those: aiohttp's hold the headers that were sent, and show them in their repr.
        raise failure

    async def _content(self, response: httpx.Response, headers: Mapping[str, str]) -> bytes:
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > self.largest:
            raise TooLargeError
        if "content-encoding" in headers:
            stream = response.aiter_bytes()
        else:
            assert isinstance(response.stream, httpx.AsyncByteStream)
            stream = aiter(response.stream)
        pieces, size = [], 0
        async for piece in stream:
            size += len(piece)
            if size > self.largest:
                raise TooLargeError
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _origin(self, target: httpx.URL) -> _Origin:
        name = f"{target.scheme}://{target.netloc.decode('ascii')}"
        if name not in self._origins:
            proxy = _proxy(self._proxy or proxy_of_environment(name))
            way = proxy.url if proxy else ""
            if way not in self._clients:
                self._clients[way] = self._open(proxy)
            # For https a proxy is asked for a connection, and does not see what is said over it.
            asked_itself = proxy is not None and target.scheme == "http"
            headers = self._headers | (proxy.headers if proxy is not None and asked_itself else {})
            self._origins[name] = _Origin(self._clients[way], headers)
        return self._origins[name]

    def _open(self, proxy: _Proxy | None) -> _Client:
        def session() -> aiohttp.ClientSession:
            connector = aiohttp.TCPConnector(
                limit=self._connections, keepalive_timeout=IDLE_SECONDS, ssl=self._tls
            )
            return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

        way = httpx.Proxy(proxy.url, headers=proxy.headers) if proxy else None
        return _Client(AiohttpTransport(verify=self._tls, proxy=way, client=session))


class _Client(httpx.AsyncClient):
    """httpx's client, which sends a request once and as it is.

    No cookie is added to it or kept, no redirect followed, no password looked for; nor is it logged.
    """

    def __init__(self, way: httpx.AsyncBaseTransport) -> None:
        super().__init__(transport=way, trust_env=False)
        self._way = way

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """The answer's body is still to be read."""
        response = await self._way.handle_async_request(request)
        response.request = request
        return response


class _Origin(NamedTuple):
    client: _Client
    headers: dict[str, str]
    """What each request to it says."""


class _Proxy(NamedTuple):
    url: str
    headers: dict[str, str]
    """Its password, if it has one."""


@lru_cache(maxsize=1024)
def _parsed(url: str) -> httpx.URL:
    """The same few are asked for again and again."""
    return httpx.URL(url)


def proxy_of_environment(url: str) -> str | None:
    """The proxy that HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY (or the system) name for a URL."""
    parts = urlsplit(url)
    if urllib.request.proxy_bypass(parts.netloc):
        return None
    proxies = urllib.request.getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")


def _proxy(named: str | None) -> _Proxy | None:
    if not named:
        return None
    try:
        url = httpx.URL(named if "://" in named else f"http://{named}")
    except httpx.InvalidURL:
        url = httpx.URL()
    if url.scheme not in ("http", "https") or not url.host:
        raise UsageError(
            "The proxy for calls to DataSphere is not one for HTTP.",  # its URL may hold a password
            code="bad-proxy",
            hint="DataSphere.proxy, or the environment variable HTTPS_PROXY, is a URL that begins with http://.",
        )
    if not url.userinfo:
        return _Proxy(str(url), {})
    credentials = base64.b64encode(f"{url.username}:{url.password}".encode()).decode()
    return _Proxy(
        str(url.copy_with(username=None, password=None)), {"proxy-authorization": f"Basic {credentials}"}
    )


def _refusal(error: httpx.ProxyError) -> str:
    answer = error.__cause__
    if isinstance(answer, aiohttp.ClientHttpProxyError):
        return f"{answer.status} {answer.message}".rstrip()
    return str(error)
