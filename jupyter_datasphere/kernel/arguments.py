"""The options of the magics, and their help: all in one place.

Mistakes are raised as `UsageError`: nothing is printed, and nothing exits.
"""

from __future__ import annotations

import argparse
import math
from keyword import iskeyword
from typing import NamedTuple, NoReturn, TypeVar

from ..errors import UsageError
from .suggest import did_you_mean
from .words import split


class Input(NamedTuple):
    """``-i NAME`` or ``-i NAME=EXPRESSION``."""

    name: str
    expression: str | None = None


class ProjectArguments(argparse.Namespace):
    help: bool
    name: str | None


class StatusArguments(argparse.Namespace):
    help: bool
    project: str | None


class VarsArguments(argparse.Namespace):
    help: bool
    names: list[str]
    notebook: str | None
    session: str | None
    project: str | None


class ExecuteArguments(argparse.Namespace):
    help: bool
    path: str | None
    cell: str | None
    direct: bool
    input: list[Input]
    output: list[str]
    project: str | None
    session: str | None
    spec: str | None
    timeout: float | None
    quiet: bool


Parsed = TypeVar("Parsed", bound=argparse.Namespace)


class Parser(argparse.ArgumentParser):
    """An argument parser for the line of a magic."""

    color = False  # Python 3.14 would colour the help, which becomes a docstring here.

    def __init__(self, magic: str, *, usage: str, description: str, examples: str) -> None:
        super().__init__(
            prog=f"%{magic}",
            usage=usage.replace("%", "%%"),  # argparse formats it
            description=description,
            epilog=f"examples:\n{examples}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
            add_help=False,
        )
        self.add_argument("-h", "--help", action="store_true", help="show this help")

    def parse(self, line: str, result: Parsed) -> Parsed:
        """Fill `result` with what the user wrote after the magic's name."""
        _, rest = self.parse_known_intermixed_args(split(line), result)
        if rest:
            self._refuse(rest)
        return result

    def _refuse(self, rest: list[str]) -> NoReturn:
        unknown = next((word for word in rest if word.startswith("-") and word != "-"), None)
        if unknown is None:
            raise UsageError(
                f"{self.prog}: {rest[0]!r} is one word too many.",
                hint=f"Quote what holds spaces; {self.prog}? shows the help.",
            )
        option = unknown.split("=", 1)[0]
        near = did_you_mean(
            option, [known for known in self._option_string_actions if known.startswith("--")]
        )
        raise UsageError(
            f"{self.prog} has no option {option}.", hint=near or f"{self.prog}? shows the options."
        )

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message}.", hint=f"{self.prog}? shows the help.")


def variable_name(text: str) -> str:
    """`text`, which must be a name that Python code can use."""
    if not text.isidentifier() or iskeyword(text):
        raise UsageError(f"{text!r} cannot be the name of a variable.")
    return text


def _input(text: str) -> Input:
    name, equals, expression = text.partition("=")
    if not equals:
        return Input(variable_name(name))
    if not expression.strip():
        raise UsageError(
            f"-i {text}: there is no expression after the equals sign.",
            hint=f'Quote it if it holds spaces: -i "{name}=EXPRESSION".',
        )
    return Input(variable_name(name.strip()), expression.strip())


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds > 0):
        raise UsageError(f"--timeout takes a number of seconds above 0, not {text!r}.")
    return seconds


def _add_project(parser: Parser) -> None:
    parser.add_argument(
        "-p", "--project", metavar="PROJECT", help="name or ID of the project (default: the one in force)"
    )


PROJECT = Parser(
    "ds_project",
    usage="%ds_project [NAME_OR_ID]",
    description="Show the DataSphere project of this kernel, or choose it.",
    examples="  %ds_project\n  %ds_project demo-project",
)
PROJECT.add_argument("name", nargs="?", metavar="NAME_OR_ID", help="the project to use from now on")

STATUS = Parser(
    "ds_status",
    usage="%ds_status [-p PROJECT]",
    description="Show the connection, the credentials and their expiry, the project and its balance.",
    examples="  %ds_status\n  %ds_status -p demo-project",
)
_add_project(STATUS)

VARS = Parser(
    "ds_vars",
    usage="%ds_vars [NAME ...] [--session NAME | --notebook PATH] [-p PROJECT]",
    description=(
        "Show the variables of a session or notebook in the project; with names, make them local variables."
    ),
    examples="  %ds_vars\n  %ds_vars model score --session training",
)
VARS.add_argument("names", nargs="*", metavar="NAME", type=variable_name, help="variables to bring here")
_where = VARS.add_mutually_exclusive_group()
_where.add_argument("--session", metavar="NAME", help="the session to look into (default: main)")
_where.add_argument("--notebook", metavar="PATH", help="the stored notebook to look into")
_add_project(VARS)

EXECUTE = Parser(
    "ds_execute",
    usage="%%ds_execute [options]             and code in the lines below\n"
    "       %ds_execute PATH.ipynb [options]   a stored notebook, cell by cell\n"
    "       %ds_execute --cell ID [options]    one stored cell",
    description=(
        "Run code in the DataSphere project. Its output appears here while it runs; what it raises\n"
        "is raised here as RemoteExecutionError; interrupting the cell cancels the run."
    ),
    examples=(
        "  %%ds_execute -i rows -i top='len(rows) // 10' -i unit=\"kg\" -o best\n"
        "  best = sorted(rows)[-top:]\n"
        "\n"
        "  %ds_execute reports/weekly.ipynb -i week=27 -o summary --spec g1.1 --timeout 600"
    ),
)
EXECUTE.add_argument("path", nargs="?", metavar="PATH.ipynb", help="a notebook stored in the project")
EXECUTE.add_argument("--cell", metavar="ID", help="run this stored cell, by the API as it is")
EXECUTE.add_argument(
    "--direct",
    action="store_true",
    help="let the API run the notebook as it is: no session, and only the outputs that the API gives back",
)
EXECUTE.add_argument(
    "-i",
    "--input",
    action="append",
    default=[],
    type=_input,
    metavar="NAME[=EXPRESSION]",
    help="send a local variable, or the value of an expression (in quotes if it holds spaces), under this"
    ' name: -i rows -i unit="kg" -i half="len(rows) // 2"; None, numbers, strings, lists and dicts with'
    " string keys can travel; repeatable",
)
EXECUTE.add_argument(
    "-o",
    "--output",
    action="append",
    default=[],
    type=variable_name,
    metavar="NAME",
    help="make this variable of the run a local one at its end; repeatable",
)
_add_project(EXECUTE)
EXECUTE.add_argument("-s", "--spec", metavar="SPEC", help="computing resources, for example c1.4")
EXECUTE.add_argument(
    "--session",
    metavar="NAME",
    help="the session whose variables the code shares (default: main; a notebook has its own)",
)
EXECUTE.add_argument(
    "--timeout", type=_seconds, metavar="SECONDS", help="cancel the run after this time, and raise"
)
EXECUTE.add_argument("--quiet", action="store_true", help="show neither a progress line nor a summary")


def parse_execute(line: str, *, cell: bool) -> ExecuteArguments:
    """The options of ``%ds_execute``, or of ``%%ds_execute`` if `cell`; exactly one thing to run is named."""
    options = EXECUTE.parse(line, ExecuteArguments())
    if options.help:
        return options
    stored = [what for what, given in (("PATH", options.path), ("--cell", options.cell)) if given is not None]
    if cell and (stored or options.direct):
        raise UsageError(
            f"%%ds_execute runs the code below it: {(stored or ['--direct'])[0]} belongs to %ds_execute.",
            hint="Run the stored notebook in a cell of its own, with one %.",
        )
    if not cell and len(stored) != 1:
        raise UsageError(
            "%ds_execute runs either a stored notebook (PATH.ipynb) or a stored cell (--cell ID).",
            hint="To run code, write it below %%ds_execute, with two %.",
        )
    if options.session is not None and (options.cell is not None or options.direct):
        raise UsageError("--session has no meaning for what the API runs as it is (--cell, --direct).")
    if options.direct and options.cell is not None:
        raise UsageError("--direct is for notebooks: a stored cell is always run by the API as it is.")
    for given in (options.output, [name for name, _ in options.input]):
        twice = next((name for name in given if given.count(name) > 1), None)
        if twice is not None:
            raise UsageError(f"{twice!r} is named twice.")
    return options
