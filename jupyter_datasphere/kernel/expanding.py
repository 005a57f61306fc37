"""What looks like a variable in the line of a magic, where nothing is put in.

Other magics have IPython put values in for ``$name`` and ``{expression}``. Ours do not, since ``-i`` takes
expressions. Who writes one all the same is told how the line is made in Python.
"""

from __future__ import annotations

import re

from ..errors import UsageError
from .words import is_assignment, split_raw, unquoted

_VARIABLE = re.compile(r"\$(?P<name>[^\W\d]\w*(?:\.[^\W\d]\w*)*)|\{[^{}]+\}")

_RUNS = frozenset({"ds_attach", "ds_cancel", "ds_output"})
"""Magics that take a run's ID, of which somebody has a handle, perhaps."""


def hint_for(magic: str, line: str, message: str, *, cell: bool) -> str | None:
    """The remedy for an error of such a line with that message; None where it is about something else."""
    try:
        words = split_raw(line)
    except UsageError:
        return None
    variables = [match[0] for text in _joined(words) for match in _VARIABLE.finditer(text)]
    found = next((variable for variable in variables if _about(variable, message)), None)
    if found is None:
        return None
    kind, code = ("cell", ", CODE") if cell else ("line", "")
    call = f'get_ipython().run_{kind}_magic("{magic}", {_f_string(words)}{code})'
    hint = f"%{magic} puts in no values for {found}: in Python, {call} does, in a loop, too."
    if magic in _RUNS:
        hint += " A handle needs no ID: it has .outputs, .text, .wait(), .save(PATH) and .cancel()."
    return hint


def _joined(words: list[str]) -> list[str]:
    """Texts without the expressions of ``-i``, in which braces have a meaning."""
    texts = [""]
    for word in words:
        if is_assignment(word):
            texts.append("")
        else:
            texts[-1] += f" {word}"
    return texts


def _about(variable: str, message: str) -> bool:
    variable = unquoted(variable)
    return variable in message or any(repr(word) in message for word in variable.split())


def _f_string(words: list[str]) -> str:
    """The line as Python code that puts the values in."""
    line = " ".join(
        word.replace("{", "{{").replace("}", "}}")
        if is_assignment(word)
        else _VARIABLE.sub(lambda match: f"{{{match['name']}}}" if match["name"] else match[0], word)
        for word in words
    )
    quote = next((quote for quote in ('"', "'") if quote not in line), '"""')
    return f"f{quote}{line}{quote}"
