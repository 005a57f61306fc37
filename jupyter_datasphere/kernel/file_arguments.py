"""The options of the magics that move files."""

from __future__ import annotations

import argparse

from ..errors import UsageError
from .arguments import add_project
from .parser import Parser


class GetArguments(argparse.Namespace):
    help: bool
    remote: str | None
    local: str | None
    force: bool
    project: str | None


class PutArguments(argparse.Namespace):
    help: bool
    local: str | None
    remote: str | None
    force: bool
    project: str | None


_ON_AND_ANEW = (
    "A file is there when all of it has come, and not before: whatever breaks or is interrupted, what was\n"
    "there before is as it was. "
)

GET = Parser(
    "ds_get",
    usage="%ds_get REMOTE [LOCAL] [--force] [-p PROJECT]",
    description=(
        "Download a file of the project.\n" + _ON_AND_ANEW + "After a cut the download goes on where it was."
    ),
    examples=(
        "  %ds_get reports/weekly.csv              to weekly.csv in the folder of this kernel\n"
        "  %ds_get reports/weekly.csv data/        to data/weekly.csv\n"
        '  %ds_get model.bin "~/old models/m1.bin" --force'
    ),
)
GET.take(
    "remote",
    nargs="?",
    metavar="REMOTE",
    about="the file, by its path in the project (or absolute over there)",
)
GET.take(
    "local",
    nargs="?",
    metavar="LOCAL",
    about="the file to write here, or a folder that is there (default: the folder of this kernel)",
    completes="files",
)
GET.take("--force", action="store_true", about="replace LOCAL if it is there already")
add_project(GET)

PUT = Parser(
    "ds_put",
    usage="%ds_put LOCAL [REMOTE] [--force] [-p PROJECT]",
    description=(
        "Upload a file to the project.\n"
        + _ON_AND_ANEW
        + "After a cut the upload begins anew,\nsince the service has no way to go on."
    ),
    examples=(
        "  %ds_put data/rows.csv                   to rows.csv in the project's top folder\n"
        "  %ds_put data/rows.csv inputs/           to inputs/rows.csv\n"
        "  %ds_put data/rows.csv inputs/new.csv --force"
    ),
)
PUT.take("local", nargs="?", metavar="LOCAL", about="the file here", completes="files")
PUT.take(
    "remote",
    nargs="?",
    metavar="REMOTE",
    about="its path in the project; one that ends in / is a folder (default: the top folder)",
)
PUT.take("--force", action="store_true", about="replace REMOTE if it is there already")
add_project(PUT)


def parse_get(line: str) -> GetArguments:
    """The options of ``%ds_get``."""
    options = GET.parse(line, GetArguments())
    if options.remote is None and not options.help:
        raise UsageError("%ds_get takes the path of a file in the project.", hint="%ds_get? shows the help.")
    return options


def parse_put(line: str) -> PutArguments:
    """The options of ``%ds_put``."""
    options = PUT.parse(line, PutArguments())
    if options.local is None and not options.help:
        raise UsageError("%ds_put takes the path of a file here.", hint="%ds_put? shows the help.")
    return options
