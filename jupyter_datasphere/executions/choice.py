"""Which channel a run takes: what a project can use is found out, and the best of it is used.

A channel that does not open is left for the next one here, and nowhere else: before anything was sent.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Mapping
from typing import NamedTuple

from ..clocks import Clock
from ..errors import ExpectedError, UnavailableError, UsageError
from .channels.base import Channel, named
from .links import Links

ORDER = ("jupyter", "state", "files")
"""The best first: a link was given for this very purpose, and an interpreter that lives on keeps all."""

LOOK_SECONDS = 10.0
"""How long a look at one channel may take."""
LASTING_SECONDS = 600.0
AWAY_SECONDS = 30.0
"""How long a channel that did not open is left alone: for a lasting reason, and where nobody answered, since
to find that out again may take long."""

_LASTING = frozenset({"no-such-method", "no-files-endpoint"})
"""Codes of reasons that lie in the service or in the settings."""
_NOT_FOR_THIS = frozenset({"no-such-method", "no-runner"})
"""Codes of what the `state` channel meets where another one may do; all else is true of the whole API."""

OK = "ok"


class Choice(NamedTuple):
    """A channel that was opened; `refused` says why a better one cannot be used now."""

    channel: Channel
    refused: str | None = None


class _Refusal(NamedTuple):
    error: ExpectedError
    until: float


class Choices:
    """Chooses among `channels`, by their names."""

    def __init__(self, channels: Mapping[str, Channel], links: Links, clock: Clock) -> None:
        self._channels = channels
        self._links = links
        self._clock = clock
        self._refusals: dict[tuple[str, str], _Refusal] = {}

    async def choose(self, project_id: str, wanted: str | None) -> Choice:
        """The channel `wanted`, or else the best one that a project can use; it is open.

        Raises `UsageError` for a name that is none, and, where no channel opens, an `ExpectedError` that
        names the channel, the cause and the remedy.
        """
        if wanted is not None:
            return Choice(await self._wanted(project_id, wanted))
        await self._links.load(project_id)
        refusals: dict[str, ExpectedError] = {}
        for name in self._candidates(project_id):
            try:
                await self._open(project_id, name)
            except ExpectedError as error:
                if name == "state" and error.code not in _NOT_FOR_THIS:
                    raise
                refusals[name] = error
            else:
                return Choice(self._channels[name], _refused(refusals.get("jupyter")))
        raise self._none(project_id, refusals)

    async def findings(self, project_id: str) -> dict[str, str]:
        """Every channel, the best first, with the word "ok" or the reason why it cannot be used.

        Looks anew, and changes nothing over there.
        """
        await self._links.load(project_id)  # a keyring may take longer than a look
        words = await asyncio.gather(*(self._look(project_id, name) for name in ORDER))
        return dict(zip(ORDER, words, strict=True))

    async def is_linked(self, project_id: str) -> bool:
        """Whether a project's own Jupyter server is known and answers, or did a moment ago."""
        await self._links.load(project_id)
        if self._links.get(project_id) is None:
            return False
        try:
            await self._open(project_id, "jupyter")
        except ExpectedError:
            return False
        return True

    def forget(self, project_id: str) -> None:
        """Something has changed: try again what did not open."""
        for name in ORDER:
            self._refusals.pop((project_id, name), None)

    def forget_all(self) -> None:
        self._refusals.clear()

    # Inside

    def _candidates(self, project_id: str) -> list[str]:
        linked = self._links.get(project_id) is not None
        return [name for name in ORDER if name != "jupyter" or linked]

    async def _wanted(self, project_id: str, name: str) -> Channel:
        if name not in ORDER:
            raise UsageError(f"There is no channel {name[:40]!r}.", hint=f"There are {', '.join(ORDER)}.")
        try:
            await self._channels[name].open(project_id)
        except ExpectedError as error:
            raise named(name, error) from error
        return self._channels[name]

    async def _open(self, project_id: str, name: str) -> None:
        """Open a channel, or raise the reason for which it did not open a while ago."""
        key = (project_id, name)
        known = self._refusals.get(key)
        now = self._clock.elapsed()
        if known is not None and now < known.until:
            raise copy.copy(known.error)
        try:
            await self._channels[name].open(project_id)
        except ExpectedError as error:
            if error.code in _LASTING:
                self._refusals[key] = _Refusal(error, now + LASTING_SECONDS)
            elif isinstance(error, UnavailableError):
                self._refusals[key] = _Refusal(error, now + AWAY_SECONDS)
            raise
        self._refusals.pop(key, None)

    async def _look(self, project_id: str, name: str) -> str:
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await self._channels[name].look(project_id)
        except TimeoutError:
            return str(UnavailableError(f"No answer within {LOOK_SECONDS:g} s.", hint="Try again later."))
        except ExpectedError as error:
            return str(error)
        self._refusals.pop((project_id, name), None)
        return OK

    def _none(self, project_id: str, refusals: dict[str, ExpectedError]) -> ExpectedError:
        """The error that is mended soonest; it says of the other channels, too, why they do not do."""
        name = max(refusals, key=lambda name: (refusals[name].code not in _LASTING, ORDER.index(name)))
        error = named(name, refusals[name])
        others = [f" Channel {other}: {refusals[other].message}" for other in refusals if other != name]
        error.message += "".join(others)
        if self._links.get(project_id) is None:
            error.hint = f"{error.hint or ''} {_LINK_IT}".strip()
        return error


def _refused(linked: ExpectedError | None) -> str | None:
    return None if linked is None else f"The project's own Jupyter server cannot be used now: {linked}"


_LINK_IT = "Or give the link to the project's own Jupyter server: `jupyter datasphere link`."
