"""Faults on purpose: the rules, and which call meets which fault. `injection` makes them happen.

A rule counts every call that its `method` matches, also one that an earlier rule takes; so adding a rule
moves neither the call numbers nor the random numbers of another. The first rule that fires takes the call.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from ..datasphere.methods import METHODS
from ..errors import UsageError

Seconds = Annotated[float, Meta(ge=0)]
Number = Annotated[int, Meta(ge=1)]
FaultStatus = Literal[403, 429, 500, 502, 503, 504]

KINDS = ("status", "delay", "cut", "lose", "expire_tokens", "forget_operation", "pause", "restart")
UPLOAD, DOWNLOAD = "files.upload", "files.download"
"""Names of the two gRPC methods."""
METADATA_TOKEN = "metadata.token"  # noqa: S105 - a name
"""Name of the call by which a VM gets a token; the others are those of the table."""
NAMES = (*METHODS, UPLOAD, DOWNLOAD, METADATA_TOKEN)
ONLY_FOR = {"forget_operation": "operation.get", "pause": "project.execute"}
"""Faults that mean something for one method only."""


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What happens to a call: exactly one of the fields, `retry_after` aside."""

    status: FaultStatus | None = None
    """Answer this error instead of performing the call."""
    retry_after: Annotated[int, Meta(ge=0)] | None = None
    """The seconds of a Retry-After header; goes with `status`."""
    delay: Seconds | None = None
    """Wait, then perform and answer as usual."""
    cut: Literal["before", "middle"] | None = None
    """Close the connection: before the call is performed, or in the middle of its answer."""
    lose: bool = False
    """Perform the call and close the connection instead of answering."""
    expire_tokens: bool = False
    """Make all IAM tokens given out so far invalid, and answer 401."""
    forget_operation: bool = False
    """Forget the operation that is asked for, and answer 404 about it for good."""
    pause: Seconds | None = None
    """Let the execution that this call starts wait before its first cell."""
    restart: bool = False
    """Cut the call before it is performed, and restart the emulator."""

    def __post_init__(self) -> None:
        if len(kinds := self.kinds()) != 1:
            given = f"not {' and '.join(kinds)}" if kinds else "there is none"
            raise ValueError(f"A fault has exactly one of {', '.join(KINDS)}; {given}")
        if self.retry_after is not None and self.status is None:
            raise ValueError("retry_after goes with status only")

    def kinds(self) -> list[str]:
        """The fields that say what happens; a valid fault has one."""
        values = {name: getattr(self, name) for name in KINDS}
        # By identity, since a delay of 0.0 equals False.
        return [name for name, value in values.items() if value is not None and value is not False]


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """When a fault happens: at a rate (reproducible with a seed), or at the calls of these numbers."""

    method: str
    """Name in the table of methods, or a pattern of names: ``project.*``, ``*``."""
    rate: Annotated[float, Meta(ge=0, le=1)] | None = None
    calls: tuple[Number, ...] | None = None
    """Counted from 1, over the calls that `method` matches."""
    fault: Fault
    seed: int | None = None

    def __post_init__(self) -> None:
        if (self.rate is None) == (self.calls is None):
            raise ValueError("A rule has exactly one of rate and calls")
        if self.seed is not None and self.rate is None:
            raise ValueError("seed goes with rate only")
        if not any(self.matches(name) for name in NAMES):
            raise ValueError(f"method: {self.method!r} matches none of {', '.join(NAMES)}")
        [kind] = self.fault.kinds()
        if self.method != ONLY_FOR.get(kind, self.method):
            raise ValueError(f"{kind} is for the method {ONLY_FOR[kind]} only, not for {self.method}")

    def matches(self, method: str) -> bool:
        return fnmatchcase(method, self.method)


class Report(msgspec.Struct, frozen=True):
    """A rule, how many calls it matched, and how often it fired, since it was set."""

    rule: Rule
    matched: int
    fired: int


class Faults:
    """The rules in force and their counts."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self._entries: list[_Entry] = []
        self.replace(rules)

    def replace(self, rules: Iterable[Rule]) -> None:
        """Set the rules; all counts begin anew."""
        self._entries = [_Entry(rule) for rule in rules]

    def next(self, method: str) -> Fault | None:
        """Count a call of `method`; the fault that it meets."""
        first: _Entry | None = None
        for entry in self._entries:
            if entry.rule.matches(method) and entry.count() and first is None:
                first = entry
        if first is None:
            return None
        first.fired += 1
        return first.rule.fault

    def report(self) -> list[Report]:
        return [Report(entry.rule, entry.matched, entry.fired) for entry in self._entries]


class _Entry:
    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.matched = 0
        self.fired = 0
        self._calls = frozenset(rule.calls or ())
        self._random = random.Random(rule.seed)  # noqa: S311 - repeatable on purpose, nothing secret

    def count(self) -> bool:
        """Count one more call; whether the rule would fire on it."""
        self.matched += 1
        if self.rule.rate is None:
            return self.matched in self._calls
        return self._random.random() < self.rule.rate


def parse_rules(data: bytes) -> tuple[Rule, ...]:
    """Rules from JSON. Raises `ValueError` with a text that names the field."""
    try:
        return msgspec.json.decode(data, type=tuple[Rule, ...])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from error
    except RecursionError as error:
        raise ValueError("The JSON is nested too deeply") from error


def read_rules(path: Path) -> tuple[Rule, ...]:
    """Rules from a file. Raises `UsageError`."""
    hint = "docs/emulator-faults.md describes the file."
    try:
        return parse_rules(path.read_bytes())
    except OSError as error:
        raise UsageError(f"The faults of {path} cannot be read: {error.strerror}.", hint=hint) from error
    except ValueError as error:
        raise UsageError(f"The faults of {path} are refused: {error}.", hint=hint) from error
