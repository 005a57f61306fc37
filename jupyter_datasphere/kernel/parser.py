"""The parser of a magic's line.

Mistakes are raised as `UsageError`: nothing is printed, and nothing exits.
"""

from __future__ import annotations

import argparse
import textwrap
from keyword import iskeyword
from typing import Any, NoReturn, TypeVar

from ..errors import UsageError
from .suggest import did_you_mean
from .words import split

_NO_OPTION = "\0"
"""Before a word after ``--`` that begins with a dash, which argparse would take for an option."""

_IPYTHONS = frozenset({"get_ipython", "In", "Out", "_ih", "_oh", "_dh"})
_ANOTHER_NAME = "Give the variable another name."

Parsed = TypeVar("Parsed", bound=argparse.Namespace)


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Breaks lines at spaces alone: what is to be typed, such as ``--per-hour``, stays in one piece."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        return textwrap.wrap(" ".join(text.split()), width, break_on_hyphens=False)


class Parser(argparse.ArgumentParser):
    """An argument parser for the line of a magic."""

    color = False  # Python 3.14 would colour the help, which becomes a docstring here.

    def __init__(self, magic: str, *, usage: str, description: str, examples: str) -> None:
        super().__init__(
            prog=f"%{magic}",
            usage=usage.replace("%", "%%"),  # argparse formats it
            description=description,
            epilog=f"examples:\n{examples}",
            formatter_class=_Formatter,
            allow_abbrev=False,
            add_help=False,
        )
        self.completes: dict[str, str] = {}
        """What completes the values of an argument, by its `dest`: see `completion.py`."""
        self.add_argument("-h", "--help", action="store_true", help="show this help")

    def take(
        self, *names: str, about: str, examples: tuple[str, ...] = (), completes: str = "", **rest: Any
    ) -> None:
        """`add_argument`: the help is what it is about, and examples; `completes` goes to the dict above."""
        shown = f"; for example: {' or: '.join(examples)}" if examples else ""
        action = self.add_argument(*names, help=f"{about}{shown}", **rest)
        if completes:
            self.completes[action.dest] = completes

    def options(self) -> dict[str, argparse.Action]:
        """Every option by each of its names."""
        return self._option_string_actions

    def positionals(self) -> list[argparse.Action]:
        return self._get_positional_actions()

    def parse(self, line: str, result: Parsed) -> Parsed:
        """Fill `result` with what the user wrote after the magic's name; ``--`` ends the options."""
        words = split(line)
        end = words.index("--") if "--" in words else len(words)
        literal = [_NO_OPTION + word if word.startswith("-") else word for word in words[end + 1 :]]
        _, rest = self.parse_known_intermixed_args([*words[:end], *literal], result)
        if rest:
            self._refuse(rest)
        return result

    def _get_value(self, action: argparse.Action, arg_string: str) -> Any:
        return super()._get_value(action, arg_string.removeprefix(_NO_OPTION))

    def _refuse(self, rest: list[str]) -> NoReturn:
        unknown = next((word for word in rest if word.startswith("-") and word != "-"), None)
        if unknown is None:
            raise UsageError(
                f"{self.prog}: {rest[0].removeprefix(_NO_OPTION)!r} is one word too many.",
                hint=f"Quote what holds spaces; {self.prog}? shows the help.",
            )
        option = unknown.split("=", 1)[0]
        near = did_you_mean(option, [known for known in self.options() if known.startswith("--")])
        hint = near or f"{self.prog}? shows the options."
        if near is None and self.positionals():
            hint += " What is no option and begins with a dash takes -- before it."
        raise UsageError(f"{self.prog} has no option {option}.", hint=hint)

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message}.", hint=f"{self.prog}? shows the help.")


def variable_name(text: str) -> str:
    """`text`, which must be a name that Python code can use."""
    if not text.isidentifier() or iskeyword(text):
        raise UsageError(f"{text!r} cannot be the name of a variable.")
    if text.startswith("__") and text.endswith("__") and text.strip("_"):
        # With another __builtins__ or __name__ no code runs any more, here or over there.
        raise UsageError(f"{text!r} is a name that Python needs for itself.", hint=_ANOTHER_NAME)
    return text


def input_name(text: str) -> str:
    """`text`, which must be a name that code over there can be given."""
    if variable_name(text) in _IPYTHONS:
        raise UsageError(f"{text!r} is a name that IPython needs over there.", hint=_ANOTHER_NAME)
    return text
