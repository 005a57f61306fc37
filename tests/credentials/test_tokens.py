"""When a token is fetched, and who waits for it."""

from __future__ import annotations

import asyncio
import logging

import pytest
from support import SettableClock

from jupyter_datasphere.credentials.iam_token import GivenToken
from jupyter_datasphere.credentials.source import Token
from jupyter_datasphere.credentials.tokens import FAILED_SECONDS, UNTOLD_LIFE, TokenCache
from jupyter_datasphere.errors import CredentialsError, UnavailableError


class Counting:
    """A source whose tokens live for as long as it is told."""

    description = "a test"
    renewable = True
    remedy = "mend it"

    def __init__(self, life: float | None) -> None:
        self.life = life
        self.fetched = 0
        self.failure: Exception | None = None
        self.open = asyncio.Event()
        """Nothing is answered until it is set."""
        self.open.set()
        self.notice: str | None = None

    async def fetch(self) -> Token:
        self.fetched += 1
        number = self.fetched
        await self.open.wait()
        if self.failure is not None:
            raise self.failure
        return Token(f"t1.{number}", self.life)


async def settled() -> None:
    """Everything that is ready to go on has gone on."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_many_callers_cause_one_fetch() -> None:
    source = Counting(3600)
    tokens = TokenCache(source)
    assert set(await asyncio.gather(*(tokens.token() for _ in range(500)))) == {"t1.1"}
    assert source.fetched == 1


async def test_many_callers_share_one_failure_and_each_has_a_copy_of_it() -> None:
    source, clock = Counting(3600), SettableClock()
    tokens = TokenCache(source, clock)
    source.failure = UnavailableError("IAM is away.", hint="Wait.")
    failures = await asyncio.gather(*(tokens.token() for _ in range(50)), return_exceptions=True)
    assert {str(failure) for failure in failures} == {"IAM is away. Wait."}
    assert len({id(failure) for failure in failures}) == 50
    assert source.fetched == 1
    with pytest.raises(UnavailableError):  # a moment later it is not asked once more
        await tokens.token()
    assert source.fetched == 1
    source.failure = None
    clock.sleep(FAILED_SECONDS + 0.1)
    assert await tokens.token() == "t1.2"


async def test_nobody_waits_for_a_renewal_while_the_old_token_lives() -> None:
    source, clock = Counting(1000), SettableClock()
    tokens = TokenCache(source, clock)
    assert await tokens.token() == "t1.1"
    clock.sleep(850)
    assert await tokens.token() == "t1.1"
    assert source.fetched == 1
    clock.sleep(60)
    source.open.clear()
    assert {await tokens.token() for _ in range(50)} == {"t1.1"}
    await settled()
    assert source.fetched == 2
    source.open.set()
    await settled()
    assert await tokens.token() == "t1.2"


async def test_nothing_is_fetched_while_nobody_asks() -> None:
    source, clock = Counting(1000), SettableClock()
    tokens = TokenCache(source, clock)
    await tokens.token()
    clock.sleep(100_000)
    await settled()
    assert source.fetched == 1
    assert await tokens.token() == "t1.2"


async def test_a_token_is_not_used_to_its_last_moment() -> None:
    source, clock = Counting(1000), SettableClock()
    tokens = TokenCache(source, clock)
    await tokens.token()
    clock.sleep(998.5)
    assert await tokens.token() == "t1.2"


@pytest.mark.parametrize("by", [-86400.0, 86400.0])
async def test_setting_the_clock_changes_nothing_in_a_tokens_life(by: float) -> None:
    source, clock = Counting(1000), SettableClock()
    tokens = TokenCache(source, clock)
    await tokens.token()
    assert tokens.expires_at == pytest.approx(clock.wall() + 1000, abs=5)
    clock.set(by)
    assert tokens.expires_at == pytest.approx(clock.wall() + 1000, abs=5)
    clock.sleep(850)
    assert await tokens.token() == "t1.1"
    clock.sleep(151)
    assert await tokens.token() == "t1.2"


async def test_a_token_whose_end_nobody_tells_is_renewed_every_hour_and_used_meanwhile() -> None:
    source, clock = Counting(None), SettableClock()
    tokens = TokenCache(source, clock)
    await tokens.token()
    assert tokens.expires_at is None
    clock.sleep(UNTOLD_LIFE - 10)
    await tokens.token()
    await settled()
    assert source.fetched == 1
    clock.sleep(20)
    source.failure = UnavailableError("IAM is away.")
    assert await tokens.token() == "t1.1"
    await settled()
    assert source.fetched == 2
    clock.sleep(100_000)
    assert await tokens.token() == "t1.1"
    source.failure = None
    clock.sleep(100)
    await settled()
    await tokens.token()
    await settled()
    assert await tokens.token() == "t1.3"


async def test_a_refused_token_is_renewed_once_for_all() -> None:
    source = Counting(3600)
    tokens = TokenCache(source)
    token = await tokens.token()
    assert all(await asyncio.gather(*(tokens.renew(token) for _ in range(20))))
    assert source.fetched == 2
    assert await tokens.token() == "t1.2"
    assert await tokens.renew(token)  # by who used it and was slow to be answered
    assert source.fetched == 2


async def test_nobody_uses_a_refused_token_while_another_is_fetched() -> None:
    tokens = TokenCache(Counting(3600))
    token = await tokens.token()
    renewed, used = await asyncio.gather(tokens.renew(token), tokens.token())
    assert renewed and used == "t1.2"


class Same(Counting):
    """Gives the same token again and again, as a program does that keeps it."""

    async def fetch(self) -> Token:
        await super().fetch()
        return Token("t1.same", self.life)


async def test_a_source_that_gives_the_refused_token_again_has_none() -> None:
    tokens = TokenCache(Same(3600))
    assert not await tokens.renew(await tokens.token())


async def test_while_iam_is_away_the_old_token_serves_to_its_end(caplog: pytest.LogCaptureFixture) -> None:
    source, clock = Counting(1000), SettableClock()
    tokens = TokenCache(source, clock)
    await tokens.token()
    source.failure = UnavailableError("IAM is away.")
    clock.sleep(950)  # inside of the margin
    for _ in range(5):
        assert await tokens.token() == "t1.1"
        await settled()
    assert source.fetched == 2  # it is not asked again and again
    clock.sleep(11)
    assert await tokens.token() == "t1.1"
    await settled()
    assert source.fetched == 3
    assert [record.getMessage() for record in caplog.records] == [
        "The IAM token in use could not be renewed yet: IAM is away."
    ]
    clock.sleep(51)
    with pytest.raises(UnavailableError):
        await tokens.token()
    source.failure = None
    clock.sleep(FAILED_SECONDS + 0.1)
    assert (await tokens.token()).startswith("t1.")


async def test_who_stops_waiting_takes_nothing_from_the_others() -> None:
    source = Counting(3600)
    source.open.clear()
    tokens = TokenCache(source)
    first, second = asyncio.create_task(tokens.token()), asyncio.create_task(tokens.token())
    await settled()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    source.open.set()
    assert await second == "t1.1"
    assert source.fetched == 1


async def test_a_fetch_that_nobody_waits_for_any_more_ends_with_its_cache() -> None:
    source = Counting(3600)
    source.open.clear()
    tokens = TokenCache(source)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await tokens.token()
    await settled()
    await tokens.aclose()
    assert not [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]


async def test_what_should_be_known_of_a_source_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    source, clock = Counting(1000), SettableClock()
    source.notice = "It is being phased out."
    tokens = TokenCache(source, clock)
    with caplog.at_level(logging.DEBUG):
        for _ in range(3):
            await tokens.token()
            clock.sleep(1001)
    assert [record.getMessage() for record in caplog.records] == ["a test: It is being phased out."]


async def test_a_given_token_cannot_be_renewed() -> None:
    tokens = TokenCache(GivenToken("t1.a", "YC_IAM_TOKEN"))
    assert await tokens.token() == "t1.a"
    assert not await tokens.renew("t1.a")
    assert await tokens.token() == "t1.a"
    assert "YC_IAM_TOKEN" in tokens.remedy


async def test_a_fault_of_the_source_is_told_as_it_is() -> None:
    source = Counting(1000)
    source.failure = CredentialsError("The key file is gone.", code="key-file", hint="Bring it back.")
    with pytest.raises(CredentialsError, match="gone") as caught:
        await TokenCache(source).token()
    assert (caught.value.code, caught.value.hint) == ("key-file", "Bring it back.")
