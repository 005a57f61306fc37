"""Stored notebooks, as far as running them goes."""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

PROJECT = "/home/jupyter/datasphere/project/"
"""Where the service has a project's files; paths that begin so are understood everywhere."""

ATTACHMENTS_SIZE = 1_000_000
"""Characters of attachments that are told with a notebook: the largest are left out."""

_OF_A_CELL = ("cell_type", "id", "metadata")

_PYTHON = re.compile(r"i?python[\d.]*", re.IGNORECASE)
_KERNELS = {
    "R": r"ir(kernel)?|xr",
    "Julia": r"julia.*",
    "Bash": r"bash",
    "Scala": r"scala.*|almond|apache_toree_scala|spylon-kernel",
    "JavaScript": r"javascript|jslab|deno",
    "TypeScript": r"typescript|tslab",
    "Java": r"i?java",
    "Kotlin": r"kotlin",
    "C++": r"xcpp.*",
    "C#": r"\.net-csharp",
    "Go": r"gophernotes|gonb",
    "Rust": r"rust|evcxr",
    "Ruby": r"i?ruby.*",
    "Octave": r"(xeus-)?octave",
    "MATLAB": r".*matlab.*",
    "SQL": r"sql|xsqlite",
}
"""Names of kernels by their language, for notebooks that tell no more; other names may be a Python's."""


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
    skipped: bool
    """Is not to be run."""


class Stored(NamedTuple):
    """A stored notebook."""

    cells: list[Cell]
    content: dict[str, Any]
    """What is told of it: its cells and metadata, without what earlier runs left there."""
    left_out: list[str]
    """Names of attachments that are not in `content`."""


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


def read(path: str, home: str) -> Stored:
    """A notebook, to be run and to be told. Raises `NotebookError` or `OSError`."""
    try:
        return _read(path, home)
    except RecursionError as error:
        raise NotebookError(f"{path} is no notebook: it is nested too deeply.") from error


def _read(path: str, home: str) -> Stored:
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
    language = _other_language(content.get("metadata"))
    if language is not None:
        raise NotebookError(
            f"{path} is written in {language}, and here Python is run: no cell of it was. Run it where there "
            f"is a kernel for {language}; if it is Python, open it with a kernel for that, and save it again."
        )
    found = []
    heading = ""
    for number, cell in enumerate(cells):
        if not isinstance(cell, dict):
            raise NotebookError(f"{path} is no notebook: its cell {number} is no object.")
        try:
            source, tags = _source(cell), _tags(cell)
        except TypeError as error:
            raise NotebookError(f"{path} is no notebook: the {error} (cell {number}).") from error
        if cell.get("cell_type") == "markdown":
            heading = heading or _heading(source)
        elif cell.get("cell_type") == "code":
            cell_id = cell.get("id")
            found.append(
                Cell(
                    source,
                    heading or _first_line(source),
                    cell_id if isinstance(cell_id, str) else None,
                    "raises-exception" in tags,
                    "parameters" in tags,
                    "skip-execution" in tags,
                )
            )
            heading = ""
    return Stored(found, *_told(content, cells))


def _other_language(metadata: Any) -> str | None:
    """The language of the cells, where it is known and is not Python."""
    info, spec = _part(metadata, "language_info"), _part(metadata, "kernelspec")
    for name in (info.get("name"), spec.get("language")):
        if isinstance(name, str) and name and not _PYTHON.fullmatch(name):
            return "".join(letter for letter in name[:40] if letter.isprintable())
    kernel = str(spec.get("name"))
    known = (language for language, names in _KERNELS.items() if re.fullmatch(names, kernel, re.IGNORECASE))
    return next(known, None)


def _part(metadata: Any, name: str) -> dict[str, Any]:
    part = metadata.get(name) if isinstance(metadata, dict) else None
    return part if isinstance(part, dict) else {}


def _told(content: dict[str, Any], cells: list[dict[str, Any]]) -> tuple[dict[str, Any], list[str]]:
    """The content without outputs and states of widgets, and which attachments it is without."""
    metadata = content.get("metadata")
    if isinstance(metadata, dict):
        metadata = {name: value for name, value in metadata.items() if name != "widgets"}
    told = [
        {**{name: cell[name] for name in _OF_A_CELL if name in cell}, "source": _source(cell)}
        for cell in cells
    ]
    left_out: list[str] = []
    room = ATTACHMENTS_SIZE
    for size, at in sorted(_attached(cells)):
        room -= size
        if room < 0:
            left_out.extend(cells[at]["attachments"])
        else:
            told[at]["attachments"] = cells[at]["attachments"]
    head = {name: content[name] for name in ("nbformat", "nbformat_minor") if name in content}
    return _finite({**head, "metadata": metadata, "cells": told}), left_out


def _attached(cells: list[dict[str, Any]]) -> Iterator[tuple[int, int]]:
    """Size of the attachments and number of each cell that has some."""
    for at, cell in enumerate(cells):
        if isinstance(cell.get("attachments"), dict):
            yield len(json.dumps(cell["attachments"])), at


def _finite(value: Any) -> Any:
    """The same as JSON of the standard, which knows no infinity."""
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _source(cell: dict[str, Any]) -> str:
    """The text of a cell. Raises `TypeError` where it is none."""
    lines = source if isinstance(source := cell.get("source", ""), list) else [source]
    if not all(isinstance(line, str) for line in lines):
        raise TypeError("source of a cell is neither a text nor a list of lines")
    return "".join(lines)


def _tags(cell: dict[str, Any]) -> list[Any]:
    """The tags of a cell. Raises `TypeError` where that cannot be told."""
    metadata = cell.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise TypeError("metadata of a cell are no object")
    tags = metadata.get("tags") or []
    if not isinstance(tags, list):
        raise TypeError("tags of a cell are no list")
    return tags


def _heading(source: str) -> str:
    for line in source.splitlines():
        if line.startswith("#"):
            return line.lstrip("#").strip()
    return ""


def _first_line(source: str) -> str:
    return next((line.strip() for line in source.splitlines() if line.strip()), "")
