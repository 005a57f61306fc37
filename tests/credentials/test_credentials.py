"""Where tokens come from, and when they are fetched."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from support import Facts, SettableClock

from jupyter_datasphere.credentials import chain
from jupyter_datasphere.credentials.iam_token import GivenToken
from jupyter_datasphere.credentials.oauth import OAuthToken
from jupyter_datasphere.credentials.source import Token
from jupyter_datasphere.credentials.tokens import TokenCache
from jupyter_datasphere.datasphere.transport import Endpoints, Transport
from jupyter_datasphere.errors import CredentialsError, UnavailableError, UsageError


@pytest_asyncio.fixture
async def transport(emulator: Facts) -> AsyncIterator[Transport]:
    transport = Transport(Endpoints.one_origin(emulator["url"]))
    yield transport
    await transport.aclose()


@pytest.mark.parametrize(
    ("environment", "traits", "description"),
    [
        ({}, {}, None),
        ({"YC_TOKEN": "  "}, {}, None),
        ({"YC_IAM_TOKEN": "t1.a", "YC_TOKEN": "y0_b"}, {}, "IAM token from YC_IAM_TOKEN"),
        ({"YC_TOKEN": "y0_b", "YC_OAUTH_TOKEN": "y0_c"}, {}, "OAuth token from YC_TOKEN"),
        ({"YC_OAUTH_TOKEN": "y0_c"}, {}, "OAuth token from YC_OAUTH_TOKEN"),
        ({"YC_TOKEN": "t1.a"}, {}, "IAM token from YC_TOKEN"),
        ({"YC_IAM_TOKEN": "t1.a"}, {"oauth_token": "y0_d"}, "OAuth token from DataSphere.oauth_token"),
        ({"YC_IAM_TOKEN": "t1.a"}, {"iam_token": "t1.e"}, "IAM token from DataSphere.iam_token"),
    ],
)
async def test_the_first_configured_source_is_used(
    transport: Transport, environment: dict[str, str], traits: dict[str, str], description: str | None
) -> None:
    source = chain.pick(environment, transport, **traits)
    assert (source.description if source else None) == description


async def test_an_oauth_token_is_exchanged(transport: Transport, emulator: Facts) -> None:
    token = await OAuthToken(emulator["oauth_token"], "here", transport).fetch()
    assert token.value.startswith("t1.")
    assert token.expires_at is not None and token.expires_at > time.time()
    assert token.value not in repr(token) + str(token)


async def test_a_refused_oauth_token_says_what_to_do(transport: Transport) -> None:
    with pytest.raises(CredentialsError, match="YC_TOKEN") as caught:
        await OAuthToken("y0_wrong", "YC_TOKEN", transport).fetch()
    assert "y0_wrong" not in str(caught.value)
    with pytest.raises(UsageError):
        OAuthToken("y0_" + "x" * 4000, "YC_TOKEN", transport)


class Counting:
    """A source whose tokens live for as long as it is told."""

    description = "a test"
    renewable = True

    def __init__(self, life: float | None) -> None:
        self.life = life
        self.fetched = 0
        self.fail = False

    async def fetch(self) -> Token:
        self.fetched += 1
        await asyncio.sleep(0)
        if self.fail:
            raise UnavailableError("IAM is away.")
        return Token(f"t1.{self.fetched}", None if self.life is None else time.time() + self.life)


async def test_many_callers_cause_one_fetch() -> None:
    source = Counting(3600)
    tokens = TokenCache(source)
    assert set(await asyncio.gather(*(tokens.token() for _ in range(50)))) == {"t1.1"}
    assert source.fetched == 1


async def test_a_token_is_renewed_before_it_expires() -> None:
    source, clock = Counting(1000), SettableClock()
    tokens = TokenCache(source, clock)
    assert await tokens.token() == "t1.1"
    clock.sleep(850)
    assert await tokens.token() == "t1.1"
    clock.sleep(60)
    assert await tokens.token() == "t1.2"


@pytest.mark.parametrize("by", [-86400.0, 86400.0])
async def test_setting_the_clock_changes_nothing_in_a_tokens_life(by: float) -> None:
    source, clock = Counting(1000), SettableClock()
    tokens = TokenCache(source, clock)
    await tokens.token()
    clock.set(by)
    clock.sleep(850)
    assert await tokens.token() == "t1.1"
    clock.sleep(60)
    assert await tokens.token() == "t1.2"


async def test_by_a_clock_that_is_a_day_ahead_a_token_is_used_until_it_is_refused() -> None:
    source, clock = Counting(1000), SettableClock()
    clock.set(86400)
    tokens = TokenCache(source, clock)
    assert [await tokens.token() for _ in range(3)] == ["t1.1"] * 3
    assert await tokens.renew("t1.1")
    assert await tokens.token() == "t1.2"


async def test_a_refused_token_is_renewed_once_for_all() -> None:
    source = Counting(3600)
    tokens = TokenCache(source)
    token = await tokens.token()
    assert all(await asyncio.gather(*(tokens.renew(token) for _ in range(20))))
    assert source.fetched == 2
    assert await tokens.token() == "t1.2"


async def test_nobody_uses_a_refused_token_while_another_is_fetched() -> None:
    tokens = TokenCache(Counting(3600))
    token = await tokens.token()
    renewed, used = await asyncio.gather(tokens.renew(token), tokens.token())
    assert renewed and used == "t1.2"


async def test_while_iam_is_away_the_old_token_serves_to_its_end() -> None:
    source, clock = Counting(1000), SettableClock()
    tokens = TokenCache(source, clock)
    await tokens.token()
    source.fail = True
    clock.sleep(950)  # inside of the margin
    assert await tokens.token() == "t1.1"
    clock.sleep(51)
    with pytest.raises(UnavailableError):
        await tokens.token()
    source.fail = False
    assert (await tokens.token()).startswith("t1.")


async def test_a_given_token_cannot_be_renewed_and_none_is_an_error() -> None:
    assert not await TokenCache(GivenToken("t1.a", "YC_IAM_TOKEN")).renew("t1.a")
    with pytest.raises(CredentialsError, match="YC_TOKEN") as caught:
        await TokenCache(None).token()
    assert caught.value.code == "no-credentials"
