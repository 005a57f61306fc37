"""The options of the magics, and their help: all in one place."""

from __future__ import annotations

import argparse
import math
from typing import NamedTuple

from ..errors import UsageError
from .parser import Parser, input_name, variable_name
from .settings import CHANNELS

NO_TIMEOUT = math.inf
NO_MAX_UNITS = 0


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


class ProfileArguments(argparse.Namespace):
    help: bool
    name: str | None


class ConfigArguments(argparse.Namespace):
    help: bool
    settings: list[tuple[str, str]]
    reset: bool


class PanelArguments(argparse.Namespace):
    help: bool


class VarsArguments(argparse.Namespace):
    help: bool
    names: list[str]
    notebook: str | None
    session: str | None
    channel: str | None
    project: str | None


class ExecuteArguments(argparse.Namespace):
    """What is None was not said: the settings of `%ds_config` hold."""

    help: bool
    path: str | None
    upload: bool
    along: list[str]
    cell: str | None
    direct: bool
    input: list[Input]
    output: list[str]
    project: str | None
    session: str | None
    channel: str | None
    spec: str | None
    timeout: float | None
    """Seconds; `NO_TIMEOUT`: none, whatever the settings say."""
    max_units: int | None
    """`NO_MAX_UNITS`: no such limit, whatever the settings say."""
    detach: bool
    handle: str | None
    save: str | None
    overwrite: bool
    quiet: bool | None


def input_of(text: str) -> Input:
    """The value of ``-i``."""
    name, equals, expression = text.partition("=")
    if not equals:
        return Input(input_name(name))
    if not expression.strip():
        raise UsageError(
            f"-i {text}: there is no expression after the equals sign.",
            hint=f'Quote it if it holds spaces: -i "{name}=EXPRESSION".',
        )
    return Input(input_name(name.strip()), expression.strip())


def seconds_of(text: str) -> float:
    """The value of ``--timeout``."""
    if text == "none":
        return NO_TIMEOUT
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds > 0):
        raise UsageError(f"--timeout takes a number of seconds above 0, or none, not {text!r}.")
    return seconds


def units_of(text: str) -> int:
    """The value of ``--max-units``."""
    if text == "none":
        return NO_MAX_UNITS
    if not (text.isascii() and text.isdecimal() and int(text) > 0):
        raise UsageError(f"--max-units takes a whole number above 0, or none, not {text!r}.")
    return int(text)


def channel_of(text: str) -> str:
    """The value of ``--channel``."""
    if text not in CHANNELS:
        raise UsageError(f"There is no channel {text[:40]!r}.", hint=f"There are {', '.join(CHANNELS)}.")
    return text


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"%ds_config takes NAME=VALUE, not {text!r}.", hint="%ds_config? shows the help.")
    return name.strip(), value.strip().strip("\"'")


def add_project(parser: Parser) -> None:
    """Give a magic the option ``--project``."""
    parser.take(
        "-p",
        "--project",
        metavar="PROJECT",
        about="name or ID of the project (default: the one in force)",
        examples=("-p demo-project", "-p bt10000000000000demo"),
        completes="projects",
    )


def add_channel(parser: Parser) -> None:
    """Give a magic the option ``--channel``."""
    parser.take(
        "--channel",
        type=channel_of,
        metavar="CHANNEL",
        about="how code goes in and outputs come back: jupyter, state, files, or auto (the best that the"
        " project can use; %%ds_status shows them)",
        examples=("--channel files", "--channel auto"),
        completes="channels",
    )


PROJECT = Parser(
    "ds_project",
    usage="%ds_project [NAME_OR_ID]",
    description="Show the DataSphere project of this kernel, or choose it.",
    examples="  %ds_project\n  %ds_project demo-project",
)
PROJECT.take(
    "name", nargs="?", metavar="NAME_OR_ID", about="the project to use from now on", completes="projects"
)

STATUS = Parser(
    "ds_status",
    usage="%ds_status [-p PROJECT]",
    description="Show the connection, the credentials and their expiry, the project and its balance.",
    examples="  %ds_status\n  %ds_status -p demo-project",
)
add_project(STATUS)

PROFILE = Parser(
    "ds_profile",
    usage="%ds_profile [NAME | -]",
    description=(
        "Show the named credentials of the Jupyter server, or choose some for all of its notebooks.\n"
        "A hyphen goes back to those that the server began with. Runs keep to the ones they began with."
    ),
    examples="  %ds_profile\n  %ds_profile work\n  %ds_profile -",
)
PROFILE.take("name", nargs="?", metavar="NAME", about="the profile to use from now on", completes="profiles")

CONFIG = Parser(
    "ds_config",
    usage="%ds_config [NAME=VALUE ...] [--reset]",
    description=(
        "Show what holds in this kernel where an option is left out, or set it.\n"
        "For good: c.DataSphereMagics.NAME = VALUE in ipython_config.py."
    ),
    examples="  %ds_config\n  %ds_config spec=g1.1 timeout=600\n  %ds_config --reset",
)
CONFIG.take(
    "settings", nargs="*", metavar="NAME=VALUE", type=_setting, about="what to set", completes="settings"
)
CONFIG.take("--reset", action="store_true", about="first go back to what held when the kernel started")

PANEL = Parser(
    "ds_panel",
    usage="%ds_panel",
    description=(
        "Show a panel: choose the project, see its balance, the connection, the newest runs and the\n"
        "variables of the session, and cancel runs. Its buttons work while no cell is running."
    ),
    examples="  %ds_panel",
)

VARS = Parser(
    "ds_vars",
    usage="%ds_vars [NAME ...] [--session NAME | --notebook PATH] [-p PROJECT]",
    description=(
        "Show the variables of a session or notebook in the project; with names, make them local variables."
    ),
    examples="  %ds_vars\n  %ds_vars model score --session training",
)
VARS.take("names", nargs="*", metavar="NAME", type=variable_name, about="variables to bring here")
VARS.take(
    "--session",
    metavar="NAME",
    about="the session to look into (default: that of %%ds_config, which is main at first)",
    completes="sessions",
)
VARS.take("--notebook", metavar="PATH", about="the stored notebook to look into")
add_channel(VARS)
add_project(VARS)


def parse_vars(line: str) -> VarsArguments:
    """The options of ``%ds_vars``."""
    options = VARS.parse(line, VarsArguments())
    if options.session is not None and options.notebook is not None:
        raise UsageError("%ds_vars looks either into a --session or into a --notebook.")
    return options
