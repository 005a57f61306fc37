"""The choice of the project."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as widgets  # type: ignore[import-untyped]

from ..protocol import ProjectInfo


class ProjectChoice:
    """A field that offers the projects' names and takes any name or ID; `choose` is told what was entered."""

    def __init__(self, choose: Callable[[str], None]) -> None:
        self._choose = choose
        self._shown = ""
        self.widget = widgets.Combobox(
            description="Project",
            placeholder="name or ID",
            # Else each letter that is typed would be a choice.
            continuous_update=False,
        )
        self.widget.observe(self._entered, "value")

    def offer(self, projects: Sequence[ProjectInfo]) -> None:
        self.widget.options = tuple(sorted({project.name for project in projects}))

    def show(self, project: ProjectInfo | None) -> None:
        self._shown = "" if project is None else project.name
        self.widget.value = self._shown

    def _entered(self, change: dict[str, Any]) -> None:
        entered = change["new"].strip()
        if not entered:
            self.widget.value = self._shown
        elif entered != self._shown:
            self._choose(entered)
