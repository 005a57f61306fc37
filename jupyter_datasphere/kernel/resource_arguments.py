"""The options of the magics for communities, projects and what they may spend."""

from __future__ import annotations

import argparse

from ..errors import UsageError
from .arguments import add_project
from .parser import Parser

NO_LIMIT = -1
"""The value of what was given as ``none``."""


class CommunitiesArguments(argparse.Namespace):
    help: bool
    pattern: str
    organization: str | None


class ProjectsArguments(argparse.Namespace):
    help: bool
    pattern: str
    community: str | None


class BalanceArguments(argparse.Namespace):
    help: bool
    units: int | None
    """`NO_LIMIT`: none; None: nothing is to be set."""
    project: str | None
    yes: bool


class OpenArguments(argparse.Namespace):
    help: bool
    project: str | None
    browser: bool


class LimitsArguments(argparse.Namespace):
    help: bool
    per_hour: int | None
    per_execution: int | None
    """As `BalanceArguments.units`."""
    project: str | None
    community: str | None


def units_of(text: str) -> int:
    """Units: a whole number from 0, or ``none``."""
    if text == "none":
        return NO_LIMIT
    if not (text.isascii() and text.isdecimal() and int(text) < 2**63):
        raise UsageError(f"Units are a whole number from 0, or none, not {text[:40]!r}.")
    return int(text)


def add_community(parser: Parser, about: str) -> None:
    """Give a magic the option ``--community``."""
    parser.take(
        "--community",
        metavar="COMMUNITY",
        about=about,
        examples=("--community demo-community",),
        completes="communities",
    )


def add_yes(parser: Parser) -> None:
    """Give a magic the option ``--yes``."""
    parser.take("--yes", action="store_true", about="do it without asking")


COMMUNITIES = Parser(
    "ds_communities",
    usage="%ds_communities [PATTERN] [--organization ID]",
    description="Show the communities that this account may see.",
    examples="  %ds_communities\n  %ds_communities research",
)
COMMUNITIES.take(
    "pattern", nargs="?", default="", metavar="PATTERN", about="what their names or descriptions hold"
)
COMMUNITIES.take(
    "--organization",
    metavar="ID",
    about="the organization (default: the server's, DataSphere.organization)",
    examples=("--organization bpf00000000000000000",),
)

PROJECTS = Parser(
    "ds_projects",
    usage="%ds_projects [PATTERN] [--community COMMUNITY]",
    description="Show the projects that this account may see; %ds_project NAME_OR_ID chooses one.",
    examples="  %ds_projects\n  %ds_projects weekly --community demo-community",
)
PROJECTS.take("pattern", nargs="?", default="", metavar="PATTERN", about="what their names hold")
add_community(PROJECTS, "name or ID of one community (default: all of them)")

BALANCE = Parser(
    "ds_balance",
    usage="%ds_balance [UNITS | none] [-p PROJECT] [--yes]",
    description=(
        "Show the units that a project has left, and for how long they last; or set them. It takes an\n"
        "editor to see them, and an administrator to set them."
    ),
    examples="  %ds_balance\n  %ds_balance 500000\n  %ds_balance none       no limit",
)
BALANCE.take(
    "units",
    nargs="?",
    type=units_of,
    metavar="UNITS",
    about="units to be left from now on, or none for no limit; at 0 everything that runs is stopped",
)
add_project(BALANCE)
BALANCE.take("--yes", action="store_true", about="do not ask before 0 units stop what runs")

LIMITS = Parser(
    "ds_limits",
    usage="%ds_limits [--per-hour N] [--per-execution N] [-p PROJECT | --community COMMUNITY]",
    description=(
        "Show the units that a project may spend, and the restrictions that an administrator has put on it;\n"
        "or set the units. A community has restrictions only."
    ),
    examples="  %ds_limits\n  %ds_limits --per-hour 30000 --per-execution none",
)
LIMITS.take(
    "--per-hour",
    type=units_of,
    metavar="N",
    about="units per hour, or none for no limit: a spec whose rate exceeds them does not start",
    examples=("--per-hour 30000", "--per-hour none"),
)
LIMITS.take(
    "--per-execution",
    type=units_of,
    metavar="N",
    about="units per run, or none for no limit: a run that exceeds them is stopped",
    examples=("--per-execution 5000", "--per-execution none"),
)
add_project(LIMITS)
add_community(LIMITS, "name or ID of a community, to see its restrictions")


OPEN = Parser(
    "ds_open",
    usage="%ds_open [-p PROJECT] [--browser]",
    description=(
        "Open a project in the browser: shows a link to a page of this server that asks, and sends you on.\n"
        "The token that opens the project goes from the server to your browser, and to no notebook."
    ),
    examples="  %ds_open\n  %ds_open -p demo-project --browser",
)
add_project(OPEN)
OPEN.take(
    "--browser",
    action="store_true",
    about="have it opened by the browser of the desktop that the server runs on, at once and without a link;"
    " `jupyter datasphere serve`, which shows no pages, always does so",
)


def parse_limits(line: str) -> LimitsArguments:
    """The options of ``%ds_limits``."""
    options = LIMITS.parse(line, LimitsArguments())
    if options.community is not None:
        if options.project is not None:
            raise UsageError("%ds_limits looks either at a --project or at a --community.")
        if options.per_hour is not None or options.per_execution is not None:
            raise UsageError("A community has no limits of units: set those of its projects.")
    return options
