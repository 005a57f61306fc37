"""The executed notebook of a run: what its runner has read, with the outputs of its cells in place."""

from __future__ import annotations

import re
import secrets
from typing import Any

from ..errors import NotFoundError
from ..protocol import CellEvent, Event, FailureEvent, NotebookEvent, OutputEvent
from .outputs import Kept, Output, bundle, display_id, fields

_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")


class Executed:
    """Fed with the events of a run, in order.

    As nbclient leaves a notebook: a cell that ran has the outputs of this run and its number in it, one that
    did not has neither. An output that no cell of the notebook made is left out.
    """

    def __init__(self) -> None:
        self._stored: NotebookEvent | None = None
        self._cells: dict[int, Kept] = {}
        """By index among the code cells: those that were begun."""

    @property
    def remarks(self) -> list[str]:
        """In words, what the notebook is without."""
        if self._stored is None:
            return []
        total = sum(cell.get("cell_type") == "code" for cell in _cells(self._stored))
        said = [f"{len(self._cells)} of {total} cells ran"] if len(self._cells) < total else []
        if left_out := self._stored.left_out:
            names = ", ".join(left_out[:3]) + (", …" if len(left_out) > 3 else "")
            said.append(f"without attachments of its text, which are too large: {names}")
        return said

    def take(self, event: Event) -> None:
        match event:
            case NotebookEvent():
                self._stored = event
            case CellEvent(index=index):
                self._cells.setdefault(index, Kept())
            case OutputEvent(content=content) if display_id(content):  # one of another cell, perhaps
                for kept in self._cells.values():
                    kept.update(content)
                self._put(event)
            case OutputEvent() | FailureEvent():
                self._put(event)

    def _put(self, event: OutputEvent | FailureEvent) -> None:
        if event.cell in self._cells:
            self._cells[event.cell].take(event)

    def notebook(self) -> dict[str, Any]:
        """The notebook as nbformat 4 has it and as its validation wants it; all of it is in memory.

        Raises `NotFoundError` where it is not known.
        """
        if self._stored is None:
            raise NotFoundError(
                "No notebook is known of this run: it did not come so far as to read one, the API ran it as"
                " it is, or the runner in the project is of an older version.",
                code="no-notebook",
                hint="A file name that does not end with .ipynb gets the text of the run.",
            )
        stored = self._stored.content
        minor = stored.get("nbformat_minor")
        minor = minor if type(minor) is int and 0 <= minor < 5 else 5
        cells = [_cell(cell) for cell in _cells(self._stored)]
        if minor == 5:  # before that, cells had no IDs
            _name(cells, _cells(self._stored))
        notebook = {"nbformat": 4, "nbformat_minor": minor, "metadata": fields(stored.get("metadata"))}
        _check({**notebook, "cells": []}, None, minor)
        for cell in cells:
            _check(cell, f"{cell['cell_type']}_cell", minor)
        self._put_outputs([cell for cell in cells if cell["cell_type"] == "code"])
        return {**notebook, "cells": cells}

    def text(self) -> str:
        """The notebook as a file. Raises as `notebook` does."""
        import nbformat  # here: `%load_ext` has to be quick

        node = nbformat.from_dict(self.notebook())  # type: ignore[no-untyped-call]
        return f"{nbformat.writes(node)}\n"  # type: ignore[no-untyped-call]

    def _put_outputs(self, cells: list[dict[str, Any]]) -> None:
        count = 0
        for index, cell in enumerate(cells):
            kept = self._cells.get(index)
            if kept is None:
                continue
            cell["outputs"] = outputs = kept.finished()
            if not cell["source"].strip():
                continue  # to a kernel that is no execution
            count += 1
            cell["execution_count"] = count
            _number(outputs, count)


def _cells(stored: NotebookEvent) -> list[dict[str, Any]]:
    cells = stored.content.get("cells")
    return [fields(cell) for cell in cells] if isinstance(cells, list) else []


def _cell(stored: dict[str, Any]) -> dict[str, Any]:
    kind, source = stored.get("cell_type"), stored.get("source")
    cell = {
        "cell_type": kind if kind in ("code", "markdown") else "raw",
        "metadata": fields(stored.get("metadata")),
        "source": source if isinstance(source, str) else "",
    }
    if kind == "code":
        return {**cell, "execution_count": None, "outputs": []}
    attachments = fields(stored.get("attachments"))
    if attachments:
        cell["attachments"] = {name: bundle(data) for name, data in attachments.items()}
    return cell


def _check(part: dict[str, Any], schema: str | None, minor: int) -> None:
    """Take those metadata out of a part of a notebook that nbformat would refuse."""
    from nbformat.validator import isvalid

    def valid(metadata: dict[str, Any]) -> bool:
        return bool(isvalid({**part, "metadata": metadata}, schema, 4, minor))  # type: ignore[no-untyped-call]

    metadata = part["metadata"]
    if not valid(metadata):
        for name in [name for name, value in metadata.items() if not valid({name: value})]:
            del metadata[name]


def _name(cells: list[dict[str, Any]], stored: list[dict[str, Any]]) -> None:
    """Give each cell its ID; one of its own where that is missing, twice there or none."""
    taken = set[str]()
    for cell, known in zip(cells, stored, strict=True):
        name = known.get("id")
        if not (isinstance(name, str) and _ID.fullmatch(name)) or name in taken:
            name = secrets.token_hex(4)
        taken.add(name)
        cell["id"] = name


def _number(outputs: list[Output], count: int) -> None:
    for output in outputs:
        if output["output_type"] == "execute_result":
            output["execution_count"] = count
