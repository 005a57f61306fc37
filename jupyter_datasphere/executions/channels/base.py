"""What every channel offers: a way to get code into a project and its outputs back."""

from __future__ import annotations

import copy
from typing import Protocol

import msgspec

from ...errors import ExpectedError
from ...protocol import Event, Execution, ExecutionRequest, Problem, State, Variable


def named(channel: str, error: ExpectedError) -> ExpectedError:
    """The same error, which names the channel."""
    copied = copy.copy(error)
    copied.message = f"Channel {channel}: {error.message}"
    return copied


class Namespace(msgspec.Struct, frozen=True):
    """Where variables live: exactly one of a session and a stored notebook (relative path)."""

    session: str | None = None
    notebook: str | None = None

    @property
    def key(self) -> str:
        """Its name in the runner."""
        return f"notebook:{self.notebook}" if self.session is None else self.session

    @property
    def label(self) -> str:
        """Its name in words."""
        return f"notebook {self.notebook}" if self.session is None else f"session {self.session}"


class Run(msgspec.Struct):
    """An execution as a channel sees it."""

    execution: Execution
    request: ExecutionRequest | None
    """None where the service has taken it before this process began."""
    idempotency_key: str
    operation_created_at: str = ""
    """The service's time stamp (RFC 3339) of the operation."""
    source_cursor: int = 0
    """Number of the last event of the runner that the ledger has."""
    outputs_seen: dict[int, int] = {}
    """Per cell, how many outputs the ledger has: for channels whose outputs carry no numbers."""
    joined: bool = False
    """Whether it was under way before this process began."""


class Outcome(msgspec.Struct, frozen=True):
    """How a run ended."""

    state: State
    problem: Problem | None = None


class Submission(msgspec.Struct, frozen=True):
    """What the service answered to a run that it took."""

    operation_id: str
    created_at: str


class News(msgspec.Struct):
    """What a look at a run brought: events in order, the runner's number of the last one, perhaps the end."""

    events: list[Event] = []
    source_cursor: int | None = None
    outcome: Outcome | None = None


class Feed(Protocol):
    """Follows one run."""

    async def news(self) -> News:
        """Ask once what is new. Raises `ServiceError` or `UnavailableError`; may then be asked again."""
        ...

    async def rest(self, seconds: float) -> None:
        """Wait so long before the next question, or until it is known that there is news."""
        ...

    async def settled(self) -> bool:
        """Whether the service has let go of the run, so that the next one in the same place may be sent.

        Asked once the run's end is in the ledger, with all of its events.
        """
        ...


class Channel(Protocol):
    """Starts, follows and cancels runs in one way."""

    name: str
    counts_units: bool
    """Whether the units of a run can be computed: its machine runs for nothing else."""

    async def look(self, project_id: str) -> None:
        """Raise an `ExpectedError` where a project cannot use this channel; changes nothing over there."""
        ...

    async def open(self, project_id: str) -> None:
        """Make ready in a project what runs there need. Raises an `ExpectedError` where that cannot be."""
        ...

    async def check(self, project_id: str, request: ExecutionRequest) -> None:
        """Raise an `ExpectedError` for what cannot work, before anything is sent or written."""
        ...

    def place(self, project_id: str, request: ExecutionRequest) -> str | None:
        """Runs in the same place wait for each other; None: this one waits for nobody."""
        ...

    async def submit(self, run: Run) -> Submission:
        """Send a run. May be called again under the same idempotency key."""
        ...

    def follow(self, run: Run) -> Feed:
        """Follow a run that was sent."""
        ...

    async def cancel(self, run: Run) -> None:
        """Ask the service to stop a run."""
        ...

    async def variables(
        self, project_id: str, namespace: Namespace, names: list[str]
    ) -> list[Variable] | None:
        """Variables of a session or notebook, those named or all; None: no such namespace here."""
        ...
