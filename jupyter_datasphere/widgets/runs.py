"""The list of runs, with a button to cancel each that goes on."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence

import ipywidgets as widgets  # type: ignore[import-untyped]

from ..kernel.describe import is_over, row
from ..protocol import Execution
from .facts import SHOWN


class Runs:
    """`widget` shows them. The rows are made once and used again: each widget costs the front end a model."""

    def __init__(self, cancel: Callable[[str], None]) -> None:
        self._none = widgets.HTML("<i>No runs yet.</i>")
        self._rows = [_Row(cancel) for _ in range(SHOWN)]
        title = widgets.HTML("<b>Runs</b>")
        self.widget = widgets.VBox([title, self._none, *(row.widget for row in self._rows)])

    def show(self, runs: Sequence[Execution]) -> None:
        _display(self._none, not runs)
        for number, line in enumerate(self._rows):
            line.show(runs[number] if number < len(runs) else None)


class _Row:
    def __init__(self, cancel: Callable[[str], None]) -> None:
        self._cancel = cancel
        self._id = ""
        self._text = widgets.HTML()
        self._button = widgets.Button(description="Cancel", layout={"width": "auto"})
        self._button.on_click(lambda _: self._cancel(self._id))
        self.widget = widgets.HBox([self._text, self._button], layout={"display": "none"})

    def show(self, run: Execution | None) -> None:
        _display(self.widget, run is not None)
        if run is None:
            return
        self._id = run.id
        name, *rest = (html.escape(word) for word in row(run))
        self._text.value = f"<code>{name}</code> {' · '.join(rest)}"
        # Hidden, not removed: so all rows are equally high.
        self._button.layout.visibility = "hidden" if is_over(run) else "visible"


def _display(widget: widgets.DOMWidget, shown: bool) -> None:
    widget.layout.display = None if shown else "none"
