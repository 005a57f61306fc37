"""The options of the magics for runs that were started before."""

from __future__ import annotations

import argparse
from typing import TypeVar

from ..errors import UsageError
from .parser import Parser

RunOptions = TypeVar("RunOptions", bound="RunArguments")

NEWEST = 20
"""Runs that `%ds_history` shows where nothing else is said."""


class HistoryArguments(argparse.Namespace):
    help: bool
    all: bool
    status: list[str]
    number: int | None


class RunArguments(argparse.Namespace):
    help: bool
    id: str | None


class OutputArguments(RunArguments):
    file: str | None
    overwrite: bool


def number_of(text: str) -> int:
    """The value of ``-n``."""
    if not (text.isascii() and text.isdecimal() and int(text) > 0):
        raise UsageError(f"-n takes a number of runs above 0, not {text[:40]!r}.")
    return int(text)


HISTORY = Parser(
    "ds_history",
    usage="%ds_history [-n N | --all] [--status STATE ...]",
    description=f"Show your runs, from here and elsewhere, newest first: {NEWEST} if nothing is said.",
    examples="  %ds_history\n  %ds_history --status failed --status cancelled -n 50",
)
HISTORY.take("--all", action="store_true", about="show all of them")
HISTORY.take(
    "--status",
    action="extend",
    nargs="+",
    default=[],
    metavar="STATE",
    about="only runs in this state; repeatable",
    examples=("--status running", "--status failed lost"),
    completes="states",
)
HISTORY.take("-n", dest="number", metavar="N", type=number_of, about="how many")


def parse_history(line: str) -> HistoryArguments:
    """The options of ``%ds_history``; afterwards `number` None means all."""
    options = HISTORY.parse(line, HistoryArguments())
    if options.all and options.number is not None:
        raise UsageError("%ds_history shows either -n N runs or --all.")
    if not options.all and options.number is None:
        options.number = NEWEST
    return options


def _of_one_run(magic: str, description: str, *more: str, options: str = "") -> Parser:
    parser = Parser(
        magic,
        usage=f"%{magic} ID{options}",
        description=description,
        examples="\n".join(f"  {example}" for example in (f"%{magic} 0123456789abcdef", *more)),
    )
    parser.take(
        "id",
        nargs="?",
        metavar="ID",
        about="ID of the run, or its beginning (4 characters or more), as %%ds_history shows it",
        completes="runs",
    )
    return parser


ATTACH = _of_one_run(
    "ds_attach",
    "Show all of a run, from its beginning and then live, and end as its own cell would have: with its\n"
    "error, or its output variables (-o) here. Interrupting stops the watching; the run goes on.",
    "job = %ds_attach 0123",
)
CANCEL = _of_one_run(
    "ds_cancel",
    "Cancel a run, and say what came of it.",
    "%ds_cancel 0123",
)
OUTPUT = _of_one_run(
    "ds_output",
    "Show what a run has put out so far, and how it failed if it did; waits for nothing and raises nothing.",
    "%ds_output 0123 --file output.txt",
    options=" [--file PATH [--overwrite]]",
)


OUTPUT.take(
    "--file",
    metavar="PATH",
    about="write all of the text, and the traceback of a run that failed, to this file on this machine,"
    " and show nothing; a name that ends with .ipynb gets the executed notebook",
    examples=("--file output.txt", "--file nightly-run.ipynb", '--file "~/runs/nightly output.txt"'),
)
OUTPUT.take("--overwrite", action="store_true", about="replace the file of --file if it is there already")


def parse_run(parser: Parser, line: str) -> RunArguments:
    """The options of a magic that takes one run."""
    return _of_a_run(parser, parser.parse(line, RunArguments()))


def parse_output(line: str) -> OutputArguments:
    """The options of ``%ds_output``."""
    options = _of_a_run(OUTPUT, OUTPUT.parse(line, OutputArguments()))
    if options.overwrite and options.file is None:
        raise UsageError("%ds_output: --overwrite says what to do with a --file, and there is none.")
    return options


def _of_a_run(parser: Parser, options: RunOptions) -> RunOptions:
    if options.id is None and not options.help:
        raise UsageError(f"{parser.prog} takes the ID of a run.", hint="%ds_history lists them.")
    return options
