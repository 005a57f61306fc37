"""The options of the magics for roles."""

from __future__ import annotations

import argparse

from ..errors import UsageError
from .arguments import add_project
from .parser import Parser
from .resource_arguments import add_community, add_yes

ROLES = ("viewer", "developer", "editor", "admin")
"""In short, each allowing what the one before does, too."""

SUBJECTS = (
    "allUsers",
    "allAuthenticatedUsers",
    "userAccount:",
    "serviceAccount:",
    "federatedUser:",
    "group:",
)
"""How subjects begin."""


class OfAResource(argparse.Namespace):
    help: bool
    project: str | None
    community: str | None
    yes: bool


class MembersArguments(OfAResource):
    json: bool
    file: str | None
    overwrite: bool
    replace: str | None


class RoleArguments(OfAResource):
    role: str | None
    subject: str | None


_ROLE = (
    "viewer, developer, editor or admin, each of which may do what the one before may; or the ID of a role"
)
_SUBJECT = (
    "ID of a user account; serviceAccount:ID or federatedUser:ID; allUsers, allAuthenticatedUsers, or"
    " group:organization:ID:users"
)
_COMMUNITY = "name or ID of a community, instead of a project"

MEMBERS = Parser(
    "ds_members",
    usage="%ds_members [-p PROJECT | --community COMMUNITY] [--json [--file PATH [--overwrite]]\n"
    "                    | --replace FILE [--yes]]",
    description=(
        "Show who has which role in a project or community. Roles that a community gives hold in its\n"
        "projects, too; the last column says where a role comes from."
    ),
    examples=(
        "  %ds_members\n"
        "  %ds_members --community demo-community\n"
        "\n"
        "  %ds_members --json --file members.json      what the project itself gives\n"
        "  %ds_members --replace members.json          shows the difference, and asks"
    ),
)
MEMBERS.take(
    "--json", action="store_true", about="print what the resource itself gives, as --replace takes it"
)
MEMBERS.take(
    "--file",
    metavar="PATH",
    about="with --json: write it to this file on this machine",
    examples=("--json --file members.json",),
    completes="files",
)
MEMBERS.take("--overwrite", action="store_true", about="replace the file of --file if it is there already")
MEMBERS.take(
    "--replace",
    metavar="FILE",
    about="make the members in this file all that the resource itself has: who is not in it loses the role",
    examples=("--replace members.json",),
    completes="files",
)
add_yes(MEMBERS)
add_project(MEMBERS)
add_community(MEMBERS, _COMMUNITY)


def _of_a_role(magic: str, description: str, verb: str) -> Parser:
    parser = Parser(
        magic,
        usage=f"%{magic} ROLE SUBJECT [-p PROJECT | --community COMMUNITY] [--yes]",
        description=f"{description} Shows the change, and asks.",
        examples=(
            f"  %{magic} viewer aje00000000000000000\n"
            f"  %{magic} developer serviceAccount:aje00000000000000000 --community demo-community\n"
            f"  %{magic} viewer allAuthenticatedUsers --yes"
        ),
    )
    parser.take("role", nargs="?", metavar="ROLE", about=_ROLE, completes="roles")
    parser.take(
        "subject", nargs="?", metavar="SUBJECT", about=f"whom to {verb}: {_SUBJECT}", completes="subjects"
    )
    add_yes(parser)
    add_project(parser)
    add_community(parser, _COMMUNITY)
    return parser


GRANT = _of_a_role("ds_grant", "Give a role in a project or community.", "give it")
REVOKE = _of_a_role("ds_revoke", "Take a role in a project or community.", "take it from")


def parse_members(line: str) -> MembersArguments:
    """The options of ``%ds_members``."""
    options = MEMBERS.parse(line, MembersArguments())
    _check(MEMBERS, options)
    if options.replace is not None and options.json:
        raise UsageError("%ds_members either prints the members (--json) or replaces them (--replace FILE).")
    if options.file is not None and not options.json:
        raise UsageError("%ds_members: --file is where --json writes.", hint="--replace FILE reads one.")
    if options.overwrite and options.file is None:
        raise UsageError("%ds_members: --overwrite says what to do with a --file, and there is none.")
    if options.yes and options.replace is None:
        raise UsageError("%ds_members: --yes answers the question of --replace, and there is none.")
    return options


def parse_role(parser: Parser, line: str) -> RoleArguments:
    """The options of ``%ds_grant`` or ``%ds_revoke``; if no help is asked for, both words are there."""
    options = parser.parse(line, RoleArguments())
    if options.help:
        return options
    if options.role is None or options.subject is None:
        raise UsageError(f"{parser.prog} takes a role and a subject.", hint=f"{parser.prog}? shows the help.")
    _check(parser, options)
    return options


def _check(parser: Parser, options: OfAResource) -> None:
    if options.project is not None and options.community is not None:
        raise UsageError(f"{parser.prog} is about either a --project or a --community.")
