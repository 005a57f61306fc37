"""The handles of runs that a program has started."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ..kernel.handle import Handle
from ..kernel.link import Link
from ..kernel.live import Board
from ..kernel.outcome import Outcome
from ..protocol import Execution


class Handles:
    """One per connection: in a notebook, handles that are shown follow their runs."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._board = Board(link)

    def of(self, execution: Execution, outputs: Sequence[str]) -> Handle:
        ipython = sys.modules.get("IPython")  # in a program that has not loaded it there is no shell
        handle = Handle(
            self._link,
            execution.id,
            outcome=Outcome(execution.id, outputs),
            board=self._board,
            shell=None if ipython is None else ipython.get_ipython(),
        )
        handle.know(execution)
        return handle
