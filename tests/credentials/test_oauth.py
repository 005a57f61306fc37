"""OAuth tokens, and what IAM, or something in its place, may answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from support import Facts, SettableClock

from jupyter_datasphere.credentials.oauth import OAuthToken
from jupyter_datasphere.datasphere.retries import RetryPolicy
from jupyter_datasphere.datasphere.transport import Endpoints, Transport
from jupyter_datasphere.errors import CredentialsError, ServiceError, UnavailableError

QUICK = RetryPolicy(attempts=3, first=0.001, longest=0.001)


@asynccontextmanager
async def iam(
    answer: Callable[[], web.Response | Awaitable[web.Response]], **options: Any
) -> AsyncIterator[Transport]:
    """The way to something that answers so."""

    async def handle(request: web.Request) -> web.Response:
        given = answer()
        return given if isinstance(given, web.Response) else await given

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    transport = Transport(Endpoints.one_origin(url), **{"retry": QUICK} | options)
    try:
        yield transport
    finally:
        await transport.aclose()
        await runner.cleanup()


async def test_an_oauth_token_is_exchanged(transport: Transport, emulator: Facts) -> None:
    token = await OAuthToken(emulator["oauth_token"], "here", transport).fetch()
    assert token.value.startswith("t1.")
    assert token.life is not None and 12 * 3600 - 60 < token.life <= 12 * 3600 + 1
    assert token.value not in repr(token) + str(token)


@pytest.mark.parametrize("wrong_by", [-3600.0, 3600.0, 86400.0])
async def test_by_a_clock_that_is_wrong_a_tokens_life_is_as_long(emulator: Facts, wrong_by: float) -> None:
    clock = SettableClock()
    clock.set(wrong_by)
    transport = Transport(Endpoints.one_origin(emulator["url"]), here=clock)
    token = await OAuthToken(emulator["oauth_token"], "here", transport).fetch()
    assert token.life is not None and 12 * 3600 - 60 < token.life <= 12 * 3600 + 1
    await transport.aclose()


async def test_a_refused_token_says_what_to_do(transport: Transport) -> None:
    with pytest.raises(CredentialsError, match="IAM refused the OAuth token from YC_TOKEN") as caught:
        await OAuthToken("y0_wrong", "YC_TOKEN", transport).fetch()
    assert "datasphere login" in (caught.value.hint or "") and "YC_TOKEN" in (caught.value.hint or "")
    assert caught.value.request_id
    assert "y0_wrong" not in str(caught.value)


async def test_one_that_is_too_long_is_not_sent(transport: Transport) -> None:
    with pytest.raises(CredentialsError, match="4000") as caught:
        await OAuthToken("y0_" + "x" * 4000, "YC_TOKEN", transport).fetch()
    assert "xxx" not in str(caught.value)


async def test_the_vendors_plan_is_told(transport: Transport) -> None:
    assert "phasing OAuth tokens out" in OAuthToken("y0_a", "here", transport).notice


HTML = "<html><body>An error page of a proxy</body></html>"


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("body", [HTML, '{"code": 13, "message": "internal error"}', ""])
async def test_a_service_that_is_ill_is_not_the_users_fault(status: int, body: str) -> None:
    async with iam(lambda: web.Response(status=status, text=body, content_type="text/html")) as transport:
        with pytest.raises(UnavailableError, match="IAM gives no token now") as caught:
            await OAuthToken("y0_a", "YC_TOKEN", transport).fetch()
        assert "not your credentials" in (caught.value.hint or "")
        assert transport.endpoints.iam in (caught.value.hint or "")
        assert "html" not in str(caught.value)


@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 404])
@pytest.mark.parametrize("body", [HTML, "", "{}", "[]", '{"iamToken": 7}'])
async def test_what_is_not_iam_is_named_as_such(status: int, body: str) -> None:
    async with iam(lambda: web.Response(status=status, text=body)) as transport:
        with pytest.raises(ServiceError, match="is not IAM") as caught:
            await OAuthToken("y0_a", "YC_TOKEN", transport).fetch()
        assert caught.value.code == "bad-endpoint"
        assert "proxy" in (caught.value.hint or "")


async def test_throttling_says_how_long(emulator: Facts) -> None:
    body = '{"code": 8, "message": "too many requests"}'
    headers = {"Retry-After": "1234"}
    async with iam(lambda: web.Response(status=429, text=body, headers=headers)) as transport:
        with pytest.raises(UnavailableError, match="too many requests") as caught:
            await OAuthToken("y0_a", "YC_TOKEN", transport).fetch()
        assert "1,234 s" in (caught.value.hint or "")


async def test_one_that_does_not_answer_is_left_within_the_time_of_a_call() -> None:
    import asyncio

    over = asyncio.Event()

    async def never() -> web.Response:
        await over.wait()
        return web.Response()

    async with iam(never, retry=RetryPolicy(timeout=0.3)) as transport:
        with pytest.raises(UnavailableError, match="did not answer in time") as caught:
            await OAuthToken("y0_a", "YC_TOKEN", transport).fetch()
        assert transport.endpoints.iam in str(caught.value)
        over.set()


async def test_nobody_there() -> None:
    transport = Transport(Endpoints.one_origin("http://127.0.0.1:9"), retry=QUICK)
    with pytest.raises(UnavailableError, match=r"No connection to http://127\.0\.0\.1:9"):
        await OAuthToken("y0_a", "YC_TOKEN", transport).fetch()
    await transport.aclose()


@pytest.mark.parametrize("end", ["", "never", "2020-01-01T00:00:00Z"])
async def test_an_end_that_cannot_be_told_is_not_made_up(end: str) -> None:
    body = f'{{"iamToken": "t1.x", "expiresAt": "{end}"}}'
    async with iam(lambda: web.Response(text=body, content_type="application/json")) as transport:
        assert (await OAuthToken("y0_a", "YC_TOKEN", transport).fetch()).life is None


async def test_it_works_again_once_the_trouble_is_over(
    transport: Transport, emulator: Facts, faults: Any
) -> None:
    source = OAuthToken(emulator["oauth_token"], "here", transport)
    faults({"method": "iam.createToken", "rate": 1, "fault": {"status": 502}})
    with pytest.raises(UnavailableError):
        await source.fetch()
    faults()
    assert (await source.fetch()).value.startswith("t1.")
