"""What the earlier runs of a session mean for the next one: its variables are where that one left them."""

from __future__ import annotations

from ..protocol import Cell, Execution, Source
from .ledger import Ledger

LOOKED_AT = 200
"""The newest runs of a project, among which those of a session are looked for."""


def session_of(source: Source) -> str | None:
    """The session whose variables a run shares; None: it has its own, or none at all."""
    return None if isinstance(source, Cell) else source.session


class SessionHistory:
    """By which channel a session's runs went. Raises `StorageError`."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._channels: dict[tuple[str, str], str | None] = {}

    def channel(self, project_id: str, session: str) -> str | None:
        """That of the session's last run; None: there was none, of late."""
        key = (project_id, session)
        if key not in self._channels:
            last = self._last(project_id, session, None, before=None)
            self._channels[key] = None if last is None else last.channel
        return self._channels[key]

    def goes(self, execution: Execution) -> None:
        """A run was started."""
        session = session_of(execution.source)
        if session is not None:
            self._channels[execution.project_id, session] = execution.channel

    def has_earlier(self, execution: Execution) -> bool:
        """Whether there was a run of the same session before, by the same channel."""
        session = session_of(execution.source)
        return session is not None and (
            self._last(execution.project_id, session, execution.channel, before=execution.created_at)
            is not None
        )

    def _last(
        self, project_id: str, session: str, channel: str | None, *, before: float | None
    ) -> Execution | None:
        """The newest run that began over there."""
        for execution in self._ledger.search(project_id=project_id, before=before, limit=LOOKED_AT):
            if (
                session_of(execution.source) == session
                and channel in (None, execution.channel)
                and execution.started_at is not None
            ):
                return execution
        return None


def switched(session: str, before: str | None, channel: str, refused: str | None) -> str | None:
    """What a user has to know whose session goes on by another channel than `before`.

    `refused`: why the one that would have been the best cannot be used now.
    """
    if refused is None and before in (None, channel):
        return None
    reason = refused or f"The last run of session {session} went by the channel {before}."
    return f"{reason} This goes by the channel {channel}, whose sessions have variables of their own."


BEGINS_ANEW = (
    "This session begins anew: the interpreter that had its variables over there ended after the last run."
)
