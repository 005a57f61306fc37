"""Small tables, as text and as HTML in which nothing that came from elsewhere is markup."""

from __future__ import annotations

import html
from collections.abc import Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> dict[str, str]:
    """A MIME bundle of a table with column heads."""
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    text = "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
    return {
        "text/plain": text,
        "text/html": f"<table><thead>{_row('th', head)}</thead>"
        f"<tbody>{''.join(_row('td', row) for row in rows)}</tbody></table>",
    }


def facts(rows: Sequence[tuple[str, str]]) -> dict[str, str]:
    """A MIME bundle of named facts, one per line."""
    width = max(len(name) for name, _ in rows) + 1
    return {
        "text/plain": "\n".join(f"{name + ':':<{width}} {value}" for name, value in rows),
        "text/html": "<table><tbody>"
        + "".join(
            f"<tr><th style='text-align: left'>{html.escape(name)}</th>{_cell('td', value)}</tr>"
            for name, value in rows
        )
        + "</tbody></table>",
    }


def visible(text: str) -> str:
    """Text of others in one line: what would move a cursor or turn the direction of what follows is shown."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def _row(tag: str, cells: Sequence[str]) -> str:
    return f"<tr>{''.join(_cell(tag, cell) for cell in cells)}</tr>"


def _cell(tag: str, text: str) -> str:
    return f"<{tag} style='text-align: left'>{html.escape(text)}</{tag}>"
