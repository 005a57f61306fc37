"""Retries: which failures, which calls, how often. Against a small server that fails as it is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from aiohttp import web
from support import SettableClock

from jupyter_datasphere.datasphere import types
from jupyter_datasphere.datasphere.methods import METHODS
from jupyter_datasphere.datasphere.retries import Budget, Retry, RetryPolicy
from jupyter_datasphere.datasphere.transport import Endpoints, Transport
from jupyter_datasphere.errors import ServiceError, UnavailableError

QUICK = RetryPolicy(attempts=4, timeout=10, first=0.001, longest=0.002)


class Upstream:
    """Answers with what `answers` holds, one after the other, then with an empty object."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, str, dict[str, str]] | None] = []
        self.requests: list[dict[str, str]] = []
        self.url = ""
        self.holds = False
        """Whether it answers nothing."""
        self.holds_after: int | None = None
        """The number of requests after which it answers nothing."""
        self.delay = 0.0
        self.arrived = asyncio.Event()
        self.over = asyncio.Event()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(dict(request.headers))
        self.arrived.set()
        if self.holds or (self.holds_after is not None and len(self.requests) > self.holds_after):
            await self.over.wait()
        await asyncio.sleep(self.delay)
        if not self.answers:
            return web.json_response({"id": "x"})
        answer = self.answers.pop(0)
        if answer is None:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        status, body, headers = answer
        return web.Response(status=status, text=body, headers=headers)


@pytest_asyncio.fixture
async def upstream() -> AsyncIterator[Upstream]:
    upstream = Upstream()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", upstream.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    upstream.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield upstream
    upstream.over.set()
    await runner.cleanup()


@pytest_asyncio.fixture
async def transport(upstream: Upstream) -> AsyncIterator[Transport]:
    transport = Transport(Endpoints.one_origin(upstream.url), retry=QUICK)
    yield transport
    await transport.aclose()


def problem(code: int) -> str:
    return f'{{"code": {code}, "message": "told to fail", "details": [{{"requestId": "r-1", \
"@type": "type.googleapis.com/google.rpc.RequestInfo"}}]}}'


def given(*tokens: str) -> Callable[[], Awaitable[str]]:
    """Gives these tokens, one after the other."""
    rest = iter(tokens)

    async def token() -> str:
        return next(rest)

    return token


GET = METHODS["project.get"]
EXECUTE = METHODS["project.execute"]
IDS = {"projectId": "p"}


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_what_may_pass_is_tried_again(upstream: Upstream, transport: Transport, status: int) -> None:
    upstream.answers = [(status, problem(14), {})] * 3
    await transport.call(GET, IDS)
    assert len(upstream.requests) == 4


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 501])
async def test_what_will_not_pass_is_not(upstream: Upstream, transport: Transport, status: int) -> None:
    upstream.answers = [(status, problem(3), {})]
    with pytest.raises(ServiceError) as caught:
        await transport.call(GET, IDS)
    assert len(upstream.requests) == 1
    assert caught.value.request_id == "r-1"


async def test_the_last_failure_is_told(upstream: Upstream, transport: Transport) -> None:
    upstream.answers = [(503, problem(14), {})] * 9
    with pytest.raises(ServiceError, match="told to fail") as caught:
        await transport.call(GET, IDS)
    assert caught.value.code == "unavailable"
    assert len(upstream.requests) == QUICK.attempts


async def test_a_changing_call_is_tried_again_under_its_key_only(
    upstream: Upstream, transport: Transport
) -> None:
    request = types.ExecuteRequest(notebook_id="n")
    upstream.answers = [(503, problem(14), {}), None]
    await transport.call(EXECUTE, IDS, request, idempotency_key="k-1")
    assert [sent["idempotency-key"] for sent in upstream.requests] == ["k-1"] * 3
    upstream.requests.clear()
    upstream.answers = [(503, problem(14), {})]
    with pytest.raises(ServiceError):
        await transport.call(EXECUTE, IDS, request)
    assert len(upstream.requests) == 1


async def test_a_connection_that_breaks(upstream: Upstream, transport: Transport) -> None:
    upstream.answers = [None] * 20
    with pytest.raises(UnavailableError) as caught:
        await transport.call(EXECUTE, IDS, types.ExecuteRequest(notebook_id="n"), idempotency_key="k")
    assert caught.value.may_have_arrived
    assert upstream.url in str(caught.value)


@pytest.mark.parametrize("status", [401, 429])
async def test_an_earlier_attempt_may_have_been_taken(
    upstream: Upstream, transport: Transport, status: int
) -> None:
    upstream.answers = [None] + [(status, problem(8), {})] * 9
    with pytest.raises(ServiceError) as caught:
        await transport.call(EXECUTE, IDS, types.ExecuteRequest(notebook_id="n"), idempotency_key="k")
    assert caught.value.may_have_arrived
    with pytest.raises(ServiceError) as caught:
        await transport.call(EXECUTE, IDS, types.ExecuteRequest(notebook_id="n"), idempotency_key="k")
    assert not caught.value.may_have_arrived


async def test_each_attempt_has_the_token_of_its_moment(upstream: Upstream, transport: Transport) -> None:
    upstream.answers = [(503, problem(14), {})]
    await transport.call(GET, IDS, token=given("t1.a", "t1.b"))
    assert [sent["Authorization"] for sent in upstream.requests] == ["Bearer t1.a", "Bearer t1.b"]


async def test_a_token_is_fetched_while_all_places_are_taken(upstream: Upstream) -> None:
    transport = Transport(Endpoints.one_origin(upstream.url), retry=QUICK, at_once=1)

    async def token() -> str:
        await transport.call(METHODS["iam.createToken"])
        return "t1.a"

    await transport.call(GET, IDS, token=token)
    await transport.aclose()


async def test_nobody_there() -> None:
    transport = Transport(Endpoints.one_origin("http://127.0.0.1:9"), retry=QUICK)
    with pytest.raises(UnavailableError, match="No connection") as caught:
        await transport.call(EXECUTE, IDS, types.ExecuteRequest(notebook_id="n"), idempotency_key="k")
    assert not caught.value.may_have_arrived
    assert caught.value.hint
    await transport.aclose()


async def test_a_quota_that_is_used_up_is_no_throttle(upstream: Upstream, transport: Transport) -> None:
    detail = '{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": []}'
    body = f'{{"code": 8, "message": "50 projects at most", "details": [{detail}]}}'
    upstream.answers = [(429, body, {"Retry-After": "0"})]
    with pytest.raises(ServiceError, match="50 projects at most") as caught:
        await transport.call(GET, IDS)
    assert len(upstream.requests) == 1
    assert "quota" in (caught.value.hint or "") and "Wait" not in (caught.value.hint or "")


SLOW = RetryPolicy(attempts=3, first=30, longest=30, timeout=60)


async def test_retry_after_is_honoured(upstream: Upstream) -> None:
    slow = Transport(Endpoints.one_origin(upstream.url), retry=SLOW)
    date = "Mon, 30 Nov 2026 10:00:00 GMT"
    upstream.answers = [
        (429, problem(8), {"Retry-After": "0"}),
        (429, problem(8), {"Retry-After": date, "Date": date}),
    ]
    await slow.call(GET, IDS)
    assert len(upstream.requests) == 3
    await slow.aclose()


@pytest.mark.parametrize("after", ["3600", "Mon, 30 Nov 2026 11:00:00 GMT"])
async def test_a_longer_wait_than_the_call_has_is_told_at_once(upstream: Upstream, after: str) -> None:
    slow = Transport(Endpoints.one_origin(upstream.url), retry=SLOW)
    headers = {"Retry-After": after, "Date": "Mon, 30 Nov 2026 10:00:00 GMT"}
    upstream.answers = [(429, problem(8), headers)]
    with pytest.raises(ServiceError, match="told to fail") as caught:
        await slow.call(GET, IDS)
    assert "3,600 s" in (caught.value.hint or "")
    assert len(upstream.requests) == 1
    await slow.aclose()


@pytest.mark.parametrize("after", ["soon", "nan", "-5", ""])
async def test_an_odd_retry_after_is_no_reason_to_wait_longer(upstream: Upstream, after: str) -> None:
    transport = Transport(Endpoints.one_origin(upstream.url), retry=QUICK)
    upstream.answers = [(429, problem(8), {"Retry-After": after})]
    await transport.call(GET, IDS)
    assert len(upstream.requests) == 2
    await transport.aclose()


async def test_no_further_try_begins_where_its_wait_would_take_all_of_the_time(upstream: Upstream) -> None:
    policy = RetryPolicy(attempts=3, first=30, longest=30, timeout=10)
    transport = Transport(Endpoints.one_origin(upstream.url), retry=policy)
    upstream.answers = [(503, problem(14), {})]
    with pytest.raises(ServiceError, match="told to fail"):
        await transport.call(GET, IDS)
    assert len(upstream.requests) == 1
    await transport.aclose()


async def test_one_that_does_not_answer_costs_the_time_of_one_call(upstream: Upstream) -> None:
    transport = Transport(Endpoints.one_origin(upstream.url), timeout=0.3)
    upstream.holds = True
    with pytest.raises(UnavailableError, match=r"in time \(0.3 s\)") as caught:
        await transport.call(GET, IDS)
    assert (caught.value.code, caught.value.may_have_arrived) == ("timeout", True)
    assert len(upstream.requests) == 1
    await transport.aclose()


async def test_what_was_answered_before_the_time_was_over_is_told(upstream: Upstream) -> None:
    transport = Transport(Endpoints.one_origin(upstream.url), retry=RetryPolicy(timeout=1.0, first=0.01))
    upstream.answers = [(503, problem(14), {})]
    upstream.holds_after = 1
    with pytest.raises(ServiceError, match="told to fail") as caught:
        await transport.call(EXECUTE, IDS, types.ExecuteRequest(notebook_id="n"), idempotency_key="k")
    assert caught.value.may_have_arrived
    assert len(upstream.requests) == 2
    await transport.aclose()


async def test_a_token_that_does_not_come_is_waited_for_as_long_as_the_call_may_take(
    upstream: Upstream,
) -> None:
    transport = Transport(Endpoints.one_origin(upstream.url), timeout=0.3)

    async def never() -> str:
        await asyncio.Event().wait()
        return ""

    with pytest.raises(UnavailableError, match=r"No IAM token came within 0\.3 s") as caught:
        await transport.call(GET, IDS, token=never)
    assert not caught.value.may_have_arrived
    assert not upstream.requests
    await transport.aclose()


async def test_tries_that_share_their_time_end_with_it() -> None:
    budget = Budget(0.2)
    with pytest.raises(Retry) as caught:
        async for attempt in RetryPolicy(attempts=1000, first=0.01, longest=0.01).tries(budget):
            with attempt:
                raise Retry(UnavailableError("away"))
    assert budget.left < 0.01
    assert caught.value.error.message == "away"


async def test_waiting_for_ones_turn_takes_none_of_a_calls_time(upstream: Upstream) -> None:
    policy = RetryPolicy(attempts=3, timeout=2.0, first=0.001, longest=0.001)
    transport = Transport(Endpoints.one_origin(upstream.url), retry=policy, at_once=1)
    upstream.delay = 0.15
    upstream.answers = [(503, problem(14), {})] * 12
    # All of them need 2.7 s, each of them a sixth of that.
    answers = await asyncio.gather(*(transport.call(GET, IDS) for _ in range(6)))
    assert len(answers) == 6
    await transport.aclose()


async def test_a_404_without_the_services_body_is_a_missing_method(
    upstream: Upstream, transport: Transport
) -> None:
    upstream.answers = [(404, "page not found", {}), (404, problem(5), {}), (501, problem(12), {})]
    codes = []
    for _ in range(3):
        with pytest.raises(ServiceError) as caught:
            await transport.call(GET, IDS)
        codes.append(caught.value.code)
    assert codes == ["no-such-method", "not-found", "no-such-method"]


async def test_a_redirect_is_not_followed(upstream: Upstream, transport: Transport) -> None:
    upstream.answers = [(302, "", {"Location": "http://127.0.0.1:9/elsewhere"})]
    with pytest.raises(ServiceError):
        await transport.call(GET, IDS, token=given("t1.secret"))
    assert len(upstream.requests) == 1


async def test_no_secret_in_messages(upstream: Upstream, transport: Transport) -> None:
    upstream.answers = [(403, problem(7), {}), (302, "", {"Location": "http://127.0.0.1:9/"})]
    for _ in range(2):
        with pytest.raises(ServiceError) as caught:
            await transport.call(GET, IDS, token=given("t1.very-secret"))
        assert "very-secret" not in f"{caught.value}{caught.value!r}{caught.value.__cause__!r}"


async def test_a_refusal_that_repeats_the_secret_it_was_sent_is_told_without_it(
    upstream: Upstream, transport: Transport
) -> None:
    def repeating(secret: str) -> tuple[int, str, dict[str, str]]:
        return 403, json.dumps({"code": 7, "message": f"Not with {secret}!", "details": []}), {}

    upstream.answers = [repeating("t1.very-secret"), repeating("y0_very-secret")]
    iam = METHODS["iam.createToken"]
    for call in (
        transport.call(GET, IDS, token=given("t1.very-secret")),
        transport.call(iam, {}, types.TokenRequest(yandex_passport_oauth_token="y0_very-secret")),
    ):
        with pytest.raises(ServiceError, match="Not with <redacted>!") as caught:
            await call
        assert "very-secret" not in f"{caught.value!r}{caught.value.answer}"
    upstream.answers = [repeating("what is no token")]
    with pytest.raises(ServiceError, match="Not with what is no token!"):
        await transport.call(GET, IDS, token=given("e"))


class Sleepy(SettableClock):
    """Sleeps for an hour whenever a call has failed."""

    def __init__(self, upstream: Upstream) -> None:
        super().__init__()
        self._upstream = upstream

    def elapsed(self) -> float:
        return super().elapsed() + 3600 * len(self._upstream.requests)


async def test_a_key_is_not_used_again_after_a_sleep_but_what_changes_nothing_is_asked_again(
    upstream: Upstream,
) -> None:
    """How long a key holds, only the caller can judge."""
    transport = Transport(Endpoints.one_origin(upstream.url), retry=QUICK, here=Sleepy(upstream))
    upstream.answers = [None]
    with pytest.raises(UnavailableError) as caught:
        await transport.call(EXECUTE, IDS, types.ExecuteRequest(), idempotency_key="k")
    assert caught.value.may_have_arrived
    assert len(upstream.requests) == 1
    upstream.answers = [(503, problem(14), {})]
    await transport.call(GET, IDS)
    assert len(upstream.requests) == 3
    await transport.aclose()


async def test_calls_under_way_are_tried_again_when_all_connections_are_left(
    upstream: Upstream, transport: Transport
) -> None:
    upstream.holds = True
    call = asyncio.create_task(transport.call(GET, IDS))
    await upstream.arrived.wait()
    upstream.holds = False
    await transport.reconnect()
    assert (await call).is_success
