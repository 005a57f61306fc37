"""By which channel a request goes, and what its user has to know of that."""

from __future__ import annotations

from ..errors import UsageError
from ..protocol import Cell, ExecutionRequest, Notebook
from .channels.base import Channel
from .choice import Choices
from .session_history import SessionHistory, session_of, switched


class Routing:
    """Chooses for a request or a session; `choices` says what a project can use, `history` what it did use.

    `direct` is the way of what the API runs by itself.
    """

    def __init__(self, choices: Choices, history: SessionHistory, direct: Channel) -> None:
        self._choices = choices
        self._history = history
        self._direct = direct

    async def of_request(self, project_id: str, request: ExecutionRequest) -> tuple[Channel, str | None]:
        """As `of_session`. Raises `UsageError` for a channel that is named where none is used."""
        source = request.source
        if not (isinstance(source, Cell) or (isinstance(source, Notebook) and source.direct)):
            return await self.of_session(project_id, session_of(source), request.channel)
        if request.channel is not None:
            raise UsageError("What the API runs as it is takes no channel.")
        return self._direct, None

    async def of_session(
        self, project_id: str, session: str | None, wanted: str | None
    ) -> tuple[Channel, str | None]:
        """A channel, open, and a notice where it is another one than before. Raises as `Choices.choose`."""
        choice = await self._choices.choose(project_id, wanted)
        if wanted is not None:
            return choice.channel, None
        before = None if session is None else self._history.channel(project_id, session)
        return choice.channel, switched(session or "", before, choice.channel.name, choice.refused)
