"""The table of findings, row by row as they come, within the width of the terminal."""

from __future__ import annotations

import io
import os
import shutil
import sys
import textwrap

from .finding import Finding, Result

NARROWEST = 50
CHECK, RESULT = 16, 6
"""Widths of the first two columns; the third has the rest."""
_COLOURS: dict[Result, str] = {"ok": "32", "warn": "33", "fail": "31", "skip": "2"}


class Table:
    """Prints to stdout; in colours only where that is a terminal that wants them."""

    def __init__(self) -> None:
        self._width = max(NARROWEST, shutil.get_terminal_size((100, 24)).columns - 1)
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # an encoding may lack the lines and arrows
        self._waits = False
        self._terminal = sys.stdout.isatty()
        self._coloured = self._terminal and not os.environ.get("NO_COLOR")

    def head(self) -> None:
        print(f"{'Check':{CHECK}}{'Result':{RESULT}}  Found")
        print("─" * self._width)

    def waiting(self, text: str) -> None:
        """A line on a terminal that the next row takes the place of."""
        if self._terminal:
            self._waits = True
            print(text[: self._width], end="\r", flush=True)

    def row(self, finding: Finding) -> None:
        """One finding, its remedy below it."""
        room = self._width - CHECK - RESULT - 2
        lines = _wrapped(finding.found, room)
        if finding.remedy and finding.result != "ok":
            lines += [f"{'→ ' if first else '  '}{line}" for first, line in _marked(finding.remedy, room - 2)]
        if self._waits:
            self._waits = False
            print("\x1b[2K", end="")
        word = f"{finding.result:{RESULT}}"
        if self._coloured:
            word = f"\x1b[{_COLOURS[finding.result]}m{word}\x1b[0m"
        names = _wrapped(finding.check, CHECK - 1)
        for number in range(max(len(lines), len(names))):
            name = names[number] if number < len(names) else ""
            line = lines[number] if number < len(lines) else ""
            print(f"{name:{CHECK}}{word if number == 0 else ' ' * RESULT}  {line}".rstrip(), flush=True)

    def text(self, text: str) -> None:
        """A paragraph below the table."""
        print("\n".join(_wrapped(text, self._width)), flush=True)


def _marked(text: str, width: int) -> list[tuple[bool, str]]:
    return [(number == 0, line) for number, line in enumerate(_wrapped(text, width))]


def _wrapped(text: str, width: int) -> list[str]:
    """Lines of at most that width, in which nothing moves the terminal's cursor."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    return textwrap.wrap(printable, width, break_on_hyphens=False) or [""]
