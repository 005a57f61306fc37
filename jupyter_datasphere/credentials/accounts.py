"""Who this server is to DataSphere: the source in force, its token, and the switch between profiles."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from ..clocks import SYSTEM, Clock
from ..datasphere.transport import Transport
from ..errors import CredentialsError
from . import chain
from .chain import Configured
from .choice import Choice
from .logins import Logins
from .profiles import Profiles
from .source import Source
from .tokens import TokenCache

LOOK_SECONDS = 1.0
"""How long it takes at most until a login, or a `yc` that was set up, is seen."""


class _Pin(NamedTuple):
    profile: str


_PINNED: ContextVar[_Pin | None] = ContextVar("profile", default=None)


@contextmanager
def pinned(profile: str) -> Iterator[None]:
    """Tasks that are begun inside keep to this profile (empty: none), whatever is chosen meanwhile."""
    before = _PINNED.set(_Pin(profile))
    try:
        yield
    finally:
        _PINNED.reset(before)


class _Entry(NamedTuple):
    choice: Choice
    cache: TokenCache


class Accounts:
    """Gives tokens, as `Tokens` of the client does; `profile` is the one in force, empty for none.

    What is in force may change while the server runs: by `choose`, or as a login comes or goes. Nothing is
    looked at more than once a second, and nobody is asked before a token is.
    """

    def __init__(
        self, configured: Configured, transport: Transport, logins: Logins | None, clock: Clock = SYSTEM
    ) -> None:
        self.profiles = Profiles(configured.profiles, logins)
        self.profile = configured.profile
        self._configured = configured
        self._transport = transport
        self._logins = logins
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        self._looked: dict[str, float] = {}
        self._left: list[TokenCache] = []

    # As the client's `Tokens`

    async def token(self) -> str:
        """A valid IAM token. Raises `CredentialsError`, `UnavailableError` or `ServiceError`."""
        return await self._cache(self._name()).token()

    async def renew(self, refused: str) -> bool:
        """Get another token than the one that was refused; False where there is none to be had."""
        return await self._cache(self._name()).renew(refused)

    @property
    def remedy(self) -> str:
        """What the user can do where the service refuses the tokens."""
        entry = self._entries.get(self._name())
        return "" if entry is None else entry.cache.remedy

    # What is in force

    def in_force(self) -> Source:
        """The source in force. Raises `CredentialsError` where there is none."""
        return self._cache(self._name()).source

    @property
    def source(self) -> Source | None:
        """The same, or None."""
        try:
            return self.in_force()
        except CredentialsError:
            return None

    @property
    def expires_at(self) -> float | None:
        """When the token in use expires, in seconds since the epoch; None where that is not known."""
        entry = self._entries.get(self._name())
        return None if entry is None else entry.cache.expires_at

    def describe(self, profile: str) -> str:
        """The source of a profile (empty: of none) in words. Raises `CredentialsError`."""
        return chain.source_of(
            self._pick(profile), self._configured, self._logins, self._transport
        ).description

    async def choose(self, profile: str | None) -> None:
        """Use another profile from now on; None: the one of the configuration, if it names one.

        It is tried first: where it gives no token, its error is raised and nothing changes.
        """
        wanted = self._configured.profile if profile is None else profile
        await self._cache(wanted).token()
        self.profile = wanted

    async def aclose(self) -> None:
        for cache in (*self._left, *(entry.cache for entry in self._entries.values())):
            await cache.aclose()

    def _name(self) -> str:
        pin = _PINNED.get()
        return self.profile if pin is None else pin.profile

    def _cache(self, profile: str) -> TokenCache:
        """Raises `CredentialsError`."""
        now = self._clock.elapsed()
        entry = self._entries.get(profile)
        if entry is not None and now - self._looked[profile] < LOOK_SECONDS:
            return entry.cache
        choice = self._pick(profile)
        self._looked[profile] = now
        if entry is None or entry.choice != choice:
            if entry is not None:
                self._left.append(entry.cache)
            source = chain.source_of(choice, self._configured, self._logins, self._transport)
            entry = self._entries[profile] = _Entry(choice, TokenCache(source, self._clock))
        return entry.cache

    def _pick(self, profile: str) -> Choice:
        if profile:
            return self.profiles.choice(profile)
        choice = chain.pick(self._configured, self._logins)
        if choice is None:
            raise chain.missing()
        return choice
