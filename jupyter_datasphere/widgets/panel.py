"""The panel: project, balance and connection, runs, variables."""

from __future__ import annotations

import html
import threading
from collections.abc import Callable
from typing import Any

import ipywidgets as widgets  # type: ignore[import-untyped]

from ..errors import DataSphereError, UnavailableError
from ..kernel.commands import Commands
from ..kernel.describe import is_over
from ..kernel.link import Link
from ..kernel.status import balance, connection, credentials
from ..kernel.tables import facts as facts_table
from ..protocol import Execution, ServerStatus
from .facts import Facts, runs
from .project import ProjectChoice
from .refresh import Ticker
from .runs import Runs


class Panel:
    """Shows `Facts`. Refreshes by itself only while runs go on; `close` ends that and removes it.

    Where the server is away, it looks on until that is back.
    """

    def __init__(self, commands: Commands, facts: Facts) -> None:
        self._commands = commands
        self._link = commands.link.another()  # of the ticker's thread
        self._going_on: set[str] = set()
        self._away = False
        """Whether the message says that the ticker found nobody to ask."""
        self._lock = threading.Lock()  # the ticker and the buttons may show something at once
        self._project = ProjectChoice(lambda name: self._try(lambda: self._choose(name)))
        self._connection = widgets.HTML()
        self._runs = Runs(lambda run: self._try(lambda: self._cancel(run)))
        self._variables = widgets.HTML()
        self._message = widgets.HTML()
        self._widget = widgets.VBox(
            [
                widgets.HBox(
                    [
                        self._project.widget,
                        _button("Refresh", "refresh", lambda: self._try(self.refresh)),
                        _button("Close", "times", self.close),
                    ]
                ),
                self._message,
                self._connection,
                self._runs.widget,
                self._variables,
            ]
        )
        self._ticker = Ticker(self._look)
        commands.starting.append(self._ticker.wake)
        self._show(facts)
        self._try(self._offer)

    def view(self) -> dict[str, Any]:
        """The panel in the form that front ends with widgets take."""
        return {
            "application/vnd.jupyter.widget-view+json": {
                "version_major": 2,
                "version_minor": 0,
                "model_id": self._widget.model_id,
            }
        }

    def refresh(self) -> None:
        """Ask the server, and the service, for everything."""
        self._show(Facts.gather(self._commands, self._commands.link))
        self._say("")

    def close(self) -> None:
        self._ticker.stop()
        if self._ticker.wake in self._commands.starting:
            self._commands.starting.remove(self._ticker.wake)
        _close(self._widget)

    # What the user does

    def _choose(self, name: str) -> None:
        try:
            self._commands.choose_project(name)
        finally:
            self.refresh()

    def _cancel(self, execution_id: str) -> None:
        self._commands.link.cancel(execution_id)
        self._ticker.wake()

    def _offer(self) -> None:
        self._project.offer(self._commands.known.projects())

    def _try(self, action: Callable[[], None]) -> None:
        """Do it, and tell what keeps it from being done: an exception of a button would reach nobody."""
        try:
            action()
        except DataSphereError as error:
            away = isinstance(error, UnavailableError)
            self._tell(error, away=away)
            if away:
                self._ticker.wake()  # it knows when the server is back

    def _tell(self, error: DataSphereError, *, away: bool = False) -> None:
        self._say(f"<b>{html.escape(str(error))}</b>", away=away)

    def _say(self, message: str, *, away: bool = False) -> None:
        with self._lock:
            self._message.value = message
            self._away = away

    # Showing

    def _look(self) -> bool:
        """Of the ticker: show the runs, and everything when one has ended. Whether to look on."""
        try:
            if self._away:
                self._show(Facts.gather(self._commands, self._link))
                self._say("")
            else:
                self._show_runs(runs(self._link), self._link)
        except DataSphereError as error:
            self._tell(error, away=True)
            return True  # the runs go on meanwhile: what became of them is seen once the server is back
        return bool(self._going_on)

    def _show_runs(self, shown: list[Execution], link: Link) -> None:
        going_on = {run.id for run in shown if not is_over(run)}
        ended = self._going_on - going_on
        with self._lock:
            self._going_on = going_on
            self._runs.show(shown)
        if ended:
            self._show(Facts.gather(self._commands, link))

    def _show(self, facts: Facts) -> None:
        with self._lock:
            self._project.show(facts.status.project)
            self._connection.value = _connection(facts.status)
            self._runs.show(facts.runs)
            title = f"<b>Session {html.escape(facts.session)}</b>"
            self._variables.value = title + facts.variables_bundle()["text/html"]
            self._going_on = {run.id for run in facts.runs if not is_over(run)}
        if self._going_on:
            self._ticker.wake()


def _connection(status: ServerStatus) -> str:
    rows = [("Connection", connection(status)), *credentials(status)]
    if status.project is not None:
        rows.append(("Balance", balance(status.project)))
    return facts_table(rows)["text/html"]


def _button(text: str, icon: str, action: Callable[[], None]) -> widgets.Button:
    button = widgets.Button(description=text, icon=icon, layout={"width": "auto"})
    button.on_click(lambda _: action())
    return button


def _close(widget: widgets.Widget) -> None:
    for child in getattr(widget, "children", ()):
        _close(child)
    for part in (getattr(widget, "style", None), widget.layout, widget):
        if part is not None:
            part.close()
