"""Stored notebooks, as far as running them goes."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import Any, NamedTuple

PROJECT = "/home/jupyter/datasphere/project/"
"""Where the service has a project's files; paths that begin so are understood everywhere."""


class NotebookError(ValueError):
    """The file is no notebook that can be run."""


class Cell(NamedTuple):
    """A code cell."""

    source: str
    title: str
    cell_id: str | None
    may_raise: bool
    parameters: bool
    """Holds the defaults of the notebook's inputs."""


def locate(path: str, home: str) -> Path:
    """The file that `path` means. Raises `FileNotFoundError`, saying what there is instead."""
    file = Path(home, path)
    if path.startswith(PROJECT) and not file.exists():
        file = Path(home, path[len(PROJECT) :])
    if file.is_file():
        return file
    present = [other.name for other in file.parent.glob("*.ipynb")]
    close = difflib.get_close_matches(file.name, present, 3)
    hint = f" Did you mean {' or '.join(close)}?" if close else ""
    raise FileNotFoundError(f"There is no notebook {path!r} in the project (looked for {file}).{hint}")


def read(path: str, home: str) -> list[Cell]:
    """The code cells of a notebook. Raises `NotebookError` or `OSError`."""
    try:
        content = json.loads(locate(path, home).read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise NotebookError(f"{path} is no notebook: it is not JSON in UTF-8 ({error}).") from error
    cells = content.get("cells") if isinstance(content, dict) else None
    if not isinstance(cells, list):
        raise NotebookError(
            f"{path} is no notebook of format 4: it has no list of cells. "
            "Open it in a present Jupyter and save it again."
        )
    found = []
    heading = ""
    for number, cell in enumerate(cells):
        if not isinstance(cell, dict):
            raise NotebookError(f"{path} is no notebook: its cell {number} is no object.")
        source = _source(cell)
        if cell.get("cell_type") == "markdown":
            heading = heading or _heading(source)
        elif cell.get("cell_type") == "code":
            tags = (cell.get("metadata") or {}).get("tags") or []
            cell_id = cell.get("id")
            found.append(
                Cell(
                    source,
                    heading or _first_line(source),
                    cell_id if isinstance(cell_id, str) else None,
                    "raises-exception" in tags,
                    "parameters" in tags,
                )
            )
            heading = ""
    return found


def _source(cell: dict[str, Any]) -> str:
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(source)


def _heading(source: str) -> str:
    for line in source.splitlines():
        if line.startswith("#"):
            return line.lstrip("#").strip()
    return ""


def _first_line(source: str) -> str:
    return next((line.strip() for line in source.splitlines() if line.strip()), "")
