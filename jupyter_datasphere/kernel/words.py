"""Splits the line of a magic into words, so that Python expressions in it stay what they are.

Quotes work as in a shell, with one exception: in ``NAME=EXPRESSION`` they belong to the expression, as in
``unit="kg"`` or ``last=rows["a b"]``, unless they enclose all of it and it holds spaces, as in
``top="len(rows) // 10"``. A string with spaces takes both kinds of quotes: ``"title='two words'"``.
"""

from __future__ import annotations

import re

from ..errors import UsageError

_QUOTED = r""" "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' """
_WORD = re.compile(rf""" (?: [^\s"'] | {_QUOTED} )+ """, re.VERBOSE | re.DOTALL)
_ASSIGNMENT = re.compile(r"(?P<before>(?:--input=|-i)?[^\W\d]\w*=)(?P<expression>.*)", re.DOTALL)
_IN_QUOTES = re.compile(_QUOTED, re.VERBOSE | re.DOTALL)


def split(line: str) -> list[str]:
    """The words of a line; raises `UsageError` for a quote that is not closed."""
    return [_meant(word) for word in split_raw(line)]


def split_raw(line: str) -> list[str]:
    """The same words as they were written, in their quotes."""
    words = []
    place = 0
    while line[place:].strip():
        place += len(line[place:]) - len(line[place:].lstrip())
        word = _WORD.match(line, place)
        if word is None or line[word.end() : word.end() + 1] in ('"', "'"):
            raise UsageError("A quote in the line of the magic is not closed.")
        words.append(word.group())
        place = word.end()
    return words


def is_assignment(word: str) -> bool:
    """Whether a word as it was written is ``NAME=EXPRESSION``."""
    return _ASSIGNMENT.fullmatch(unquoted(word)) is not None


def _meant(word: str) -> str:
    assignment = _ASSIGNMENT.fullmatch(word)
    if assignment is None:
        return unquoted(word)
    before, expression = assignment.group("before", "expression")
    if _IN_QUOTES.fullmatch(expression) and any(map(str.isspace, expression)):
        return before + unquoted(expression)
    return word


def unquoted(word: str) -> str:
    """A word without the quotes that enclose it, or parts of it."""
    return _IN_QUOTES.sub(lambda quoted: re.sub(r"\\([\"'\\])", r"\1", quoted.group()[1:-1]), word)
