"""What leaves and what is taken in: against a server that sends whatever it likes."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from datasphere.hostile import Answering, Hostile, answer, hostile

from jupyter_datasphere.datasphere import types
from jupyter_datasphere.datasphere.http import proxy_of_environment
from jupyter_datasphere.datasphere.methods import METHODS
from jupyter_datasphere.datasphere.retries import RetryPolicy
from jupyter_datasphere.datasphere.transport import Endpoints, Transport, read
from jupyter_datasphere.errors import ExpectedError, ServiceError, UnavailableError, UsageError

GET = METHODS["project.get"]
LIST = METHODS["project.list"]
EXECUTE = METHODS["project.execute"]
IDS = {"projectId": "p"}
ONCE = RetryPolicy(attempts=1, timeout=20)
LIMIT = 1_000_000


@asynccontextmanager
async def transport_to(
    *answers: bytes | Answering, proxied: bool = False
) -> AsyncIterator[tuple[Transport, Hostile]]:
    async with hostile(*answers) as server:
        endpoints = Endpoints.one_origin("http://datasphere.invalid" if proxied else server.url)
        proxy = server.url.replace("//", "//me:pass%20word@") if proxied else None
        transport = Transport(endpoints, retry=ONCE, proxy=proxy, largest_answer=LIMIT)
        try:
            yield transport, server
        finally:
            await transport.aclose()


def everything_about(error: BaseException | None) -> str:
    """What any log could say of it and of what it came from."""
    text = ""
    while error is not None:
        text += f"{error} {error!r} {vars(error)} {error.args}"
        error = error.__cause__ or error.__context__
    return text


async def token() -> str:
    return "t1.secret"


async def test_what_is_sent_is_on_a_list_of_its_own() -> None:
    async with transport_to(answer("{}")) as (transport, server):
        await transport.call(GET, IDS, token=token)
        await transport.call(
            EXECUTE, IDS, types.ExecuteRequest(notebook_id="n"), token=token, idempotency_key="k"
        )
        got, posted = server.asked
    plain = {"host", "accept", "accept-encoding", "user-agent", "authorization", "x-client-request-id"}
    assert set(got.headers) == plain
    assert set(posted.headers) == plain | {"content-type", "content-length", "idempotency-key"}
    assert got.line == "GET /datasphere/v2/projects/p HTTP/1.1"
    assert posted.body == b'{"notebookId":"n"}'


async def test_connections_are_used_again() -> None:
    async with transport_to(answer("{}")) as (transport, server):
        for _ in range(20):
            await transport.call(GET, IDS)
        assert server.connections == 1
        await asyncio.gather(*(transport.call(GET, IDS) for _ in range(64)))
        await asyncio.gather(*(transport.call(GET, IDS) for _ in range(64)))
        assert server.connections <= 64


async def test_a_query_is_quoted() -> None:
    async with transport_to(answer('{"projects": []}')) as (transport, server):
        request = types.ListProjectsRequest(community_id="c", project_name_pattern="a&b=ж #?/ \r\nX: y")
        await transport.call(LIST, request=request)
        assert server.asked[0].line == (
            "GET /datasphere/v2/projects?communityId=c"
            "&projectNamePattern=a%26b%3D%D0%B6+%23?/+%0D%0AX:+y HTTP/1.1"
        )


async def test_cookies_are_not_kept() -> None:
    cookie = answer("{}", Set_Cookie="session=theirs; Path=/")
    async with transport_to(cookie) as (transport, server):
        await transport.call(GET, IDS)
        await transport.call(GET, IDS)
        assert all("cookie" not in asked.headers for asked in server.asked)


@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"]
)
@pytest.mark.parametrize("verb", ["GET", "POST"])
async def test_no_redirect_is_followed(status: str, verb: str) -> None:
    async with (
        hostile(answer("{}")) as elsewhere,
        transport_to(answer("", status, Location=f"{elsewhere.url}/datasphere/v2/projects/p")) as (
            transport,
            _,
        ),
    ):
        method, request = (GET, None) if verb == "GET" else (EXECUTE, types.ExecuteRequest(notebook_id="n"))
        with pytest.raises(ServiceError, match="answered 30") as caught:
            await transport.call(method, IDS, request, token=token)
        assert caught.value.code == "service"
        assert elsewhere.asked == []


async def test_an_answer_of_a_stated_size_above_the_limit_is_not_read() -> None:
    read_on = asyncio.Event()

    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000001\r\n\r\n")
        await read_on.wait()  # nothing of the body comes

    async with transport_to(endless) as (transport, _):
        with pytest.raises(ServiceError, match="larger than 1 MB") as caught:
            await transport.call(GET, IDS)
        assert caught.value.code == "answer-too-large"
        assert "max_answer_megabytes" in (caught.value.hint or "")
        assert caught.value.may_have_arrived
        read_on.set()


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
async def test_an_answer_without_an_end_is_given_up_at_the_limit(packed: bool) -> None:
    piece = gzip.compress(bytes(10_000_000)) if packed else bytes(100_000)
    sent = 0
    gone = asyncio.Event()

    async def endless(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
        writer.write(head + (b"Content-Encoding: gzip\r\n\r\n" if packed else b"\r\n"))
        try:
            while sent < 1_000_000_000:
                writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                await writer.drain()
                sent += len(piece)
        finally:
            gone.set()

    async with transport_to(endless) as (transport, _):
        with pytest.raises(ServiceError, match="larger than 1 MB"):
            await transport.call(GET, IDS)
        await gone.wait()
    assert sent < 100_000_000


async def test_an_answer_up_to_the_limit_is_read() -> None:
    body = '{"id": "x", "name": "%s"}' % ("n" * (LIMIT - 24))
    async with transport_to(answer(body)) as (transport, _):
        project = read(await transport.call(GET, IDS), types.Project, GET)
        assert len(project.name) == LIMIT - 24


@pytest.mark.parametrize(
    "nonsense",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 100_000 + b"\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nbad name: x\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Encoding: gzip\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{}",
    ],
    ids=lambda text: text[:40].decode(),
)
async def test_what_is_no_proper_answer_is_one_error(nonsense: bytes) -> None:
    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(nonsense)
        await writer.drain()
        raise ConnectionError  # it hangs up

    async with transport_to(say) as (transport, server):
        with pytest.raises(ExpectedError) as caught:
            await transport.call(GET, IDS, token=token)
    assert caught.value.code in ("bad-answer", "unavailable")
    assert server.url in caught.value.message
    assert caught.value.may_have_arrived
    assert "secret" not in everything_about(caught.value)


async def test_odd_headers_of_an_answer_do_no_harm() -> None:
    odd = answer("{}", X_Request_Id="r\x01\xff-1", Date="yesterday", X_Empty="", Content_Type="text/\xe9")
    async with transport_to(odd) as (transport, _):
        assert (await transport.call(GET, IDS)).content == b"{}"


async def test_an_answer_that_is_no_json_names_the_remedy() -> None:
    async with transport_to(answer("<html>Log in to the hotel</html>")) as (transport, _):
        with pytest.raises(ServiceError) as caught:
            read(await transport.call(GET, IDS), types.Project, GET)
    assert (caught.value.code, caught.value.http_status) == ("bad-answer", 502)
    assert "endpoint" in (caught.value.hint or "")


# Proxies


async def test_a_proxy_is_asked_with_its_own_password_and_gets_it_alone() -> None:
    async with transport_to(answer("{}"), proxied=True) as (transport, proxy):
        await transport.call(GET, IDS, token=token)
        [asked] = proxy.asked
    assert asked.line == "GET http://datasphere.invalid/datasphere/v2/projects/p HTTP/1.1"
    assert asked.headers["proxy-authorization"] == "Basic bWU6cGFzcyB3b3Jk"
    assert asked.headers["authorization"] == "Bearer t1.secret"


async def test_a_proxy_that_is_none_is_refused_without_its_password() -> None:
    transport = Transport(Endpoints(), retry=ONCE, proxy="socks5://me:password@localhost:1")
    with pytest.raises(UsageError) as caught:
        await transport.call(GET, IDS)
    assert "password" not in str(caught.value).replace("a password", "")
    await transport.aclose()


def test_the_environment_names_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    assert proxy_of_environment("https://datasphere.invalid") is None
    monkeypatch.setenv("ALL_PROXY", "http://all:1")
    assert proxy_of_environment("https://datasphere.invalid") == "http://all:1"
    monkeypatch.setenv("HTTPS_PROXY", "http://tls:1")
    assert proxy_of_environment("https://datasphere.invalid") == "http://tls:1"
    assert proxy_of_environment("http://datasphere.invalid") == "http://all:1"
    monkeypatch.setenv("NO_PROXY", "datasphere.invalid,other:8")
    assert proxy_of_environment("https://datasphere.invalid") is None
    assert proxy_of_environment("https://api.datasphere.invalid") is None
    assert proxy_of_environment("https://other") == "http://tls:1"


async def test_nobody_at_the_proxy_is_a_connection_that_was_not_made() -> None:
    transport = Transport(Endpoints(), retry=ONCE, proxy="http://127.0.0.1:9")
    with pytest.raises(UnavailableError, match="No connection") as caught:
        await transport.call(EXECUTE, IDS, types.ExecuteRequest(notebook_id="n"), idempotency_key="k")
    assert not caught.value.may_have_arrived
    await transport.aclose()


async def test_a_proxy_that_refuses_is_told() -> None:
    refusal = answer("", "407 Proxy Authentication Required")
    async with hostile(refusal) as proxy:
        transport = Transport(Endpoints(), retry=ONCE, proxy=proxy.url)
        with pytest.raises(UnavailableError, match="the proxy answered 407") as caught:
            await transport.call(GET, IDS, token=token)
        assert not caught.value.may_have_arrived
        assert all("authorization" not in asked.headers for asked in proxy.asked)
        await transport.aclose()
