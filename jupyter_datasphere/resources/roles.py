"""Roles and subjects, as users write them."""

from __future__ import annotations

import re

from ..errors import UsageError
from ..kernel.member_arguments import ROLES as ROLES
from ..kernel.suggest import did_you_mean
from .calls import Kind
from .data import Member

PREFIXES: dict[Kind, str] = {
    "community": "datasphere.communities",
    "project": "datasphere.community-projects",
}
TYPES = ("userAccount", "serviceAccount", "federatedUser")
EVERYBODY = ("allUsers", "allAuthenticatedUsers")
_GROUP = re.compile(r"group:(?:organization|federation):[\w-]+:users", re.ASCII)

_ROLE_ID = re.compile(r"[a-z][-a-z0-9]*(?:\.[a-zA-Z][-a-zA-Z0-9]*)+", re.ASCII)

_SUBJECTS = (
    "A subject is an ID (of a userAccount), TYPE:ID with one of the types userAccount, serviceAccount and"
    " federatedUser, allUsers, allAuthenticatedUsers, or group:organization:ID:users."
)


def role_id(text: str, kind: Kind) -> str:
    """The whole ID of a role that a resource of that kind can give. Raises `UsageError`.

    A community gives roles in itself, which the short words mean, and also those of all its projects.
    """
    if text in ROLES:
        return f"{PREFIXES[kind]}.{text}"
    known = {f"{prefix}.{role}": of for of, prefix in PREFIXES.items() for role in ROLES}
    of = known.get(text)
    if of == "community" and kind == "project":
        raise UsageError(
            f"{text} is a role of communities, and this is a project.",
            code="other-kind",
            hint=f"In a project it is {PREFIXES['project']}.{text.rpartition('.')[2]}; to give it in the"
            " community, name that (--community).",
        )
    if of is not None:
        return text
    prefix, dot, _ = text.rpartition(".")
    if dot and prefix not in PREFIXES.values() and _ROLE_ID.fullmatch(text):
        return text  # one that we do not know: the service may
    raise UsageError(
        f"There is no role {text[:80]!r}.",
        code="unknown-role",
        hint=did_you_mean(text, [*ROLES, *known]) or f"There are {', '.join(ROLES)}.",
    )


def in_short(role: str, kind: Kind) -> str:
    """``"viewer"`` for a role in the resource itself; any other one whole."""
    prefix, _, name = role.rpartition(".")
    return name if prefix == PREFIXES[kind] and name in ROLES else role


def member(role: str, subject: str, kind: Kind) -> Member:
    """The member that these words mean. Raises `UsageError`."""
    name, subject_type = subject_of(subject)
    return Member(role_id(role, kind), name, subject_type or TYPES[0])


def subject_of(text: str) -> tuple[str, str | None]:
    """ID and type of a subject; the type is None where the text has none. Raises `UsageError`."""
    if text in EVERYBODY or _GROUP.fullmatch(text):
        return text, "system"
    subject_type, colon, name = text.rpartition(":")
    if colon and subject_type == "system" and name in EVERYBODY:
        return name, "system"
    if colon and subject_type not in TYPES:
        begun = [one for one in TYPES if one.lower().startswith(subject_type.lower())]
        near = f"Did you mean {begun[0]}:{name[:60]}?" if begun else did_you_mean(subject_type, TYPES)
        raise UsageError(f"{text[:80]!r} is no subject.", code="bad-subject", hint=near or _SUBJECTS)
    if near := did_you_mean(name, EVERYBODY):
        raise UsageError(f"{text[:80]!r} is no subject.", code="bad-subject", hint=near)
    if not re.fullmatch(r"[\w-]{1,100}", name, re.ASCII):
        raise UsageError(f"{text[:80]!r} is no subject.", code="bad-subject", hint=_SUBJECTS)
    return name, subject_type or None


def subject_word(member: Member) -> str:
    """What `subject_of` understands."""
    return member.subject if member.type in ("system", TYPES[0]) else f"{member.type}:{member.subject}"
