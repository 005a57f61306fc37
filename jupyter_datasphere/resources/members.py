"""Who has which role in a community or project."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec

from ..errors import ConflictError, NotFoundError, UsageError
from ..kernel.steps import Steps
from .calls import TIMEOUT, Kind, change, get, path_of
from .data import Difference, Member
from .listing import AT_ONCE
from .roles import PREFIXES, ROLES, role_id, subject_of

DELTAS_AT_ONCE = 1000
"""Roles that one call gives or takes at most: the service's own limit."""


class _Subject(msgspec.Struct):
    id: str
    type: str


class _Binding(msgspec.Struct, rename="camel"):
    role_id: str
    subject: _Subject


class _Page(msgspec.Struct, rename="camel"):
    access_bindings: list[_Binding] = []
    next_page_token: str = ""


def members(kind: Kind, resource_id: str) -> Steps[list[Member]]:
    """The roles that the resource itself gives, in the service's order; its community gives more."""
    found: list[Member] = []
    query: dict[str, Any] = {"pageSize": AT_ONCE}
    while True:
        page: _Page = yield from get(path_of(kind, resource_id, ":accessBindings"), _Page, query)
        found += [Member(one.role_id, one.subject.id, one.subject.type) for one in page.access_bindings]
        if not page.next_page_token:
            return found
        query["pageToken"] = page.next_page_token


def named(current: Iterable[Member], role: str, subject: str, kind: Kind) -> Member:
    """The member that these words mean among those that there are: the type of a subject may be left out.

    Raises `UsageError` where that is needed to tell two apart.
    """
    name, subject_type = subject_of(subject)
    whole = role_id(role, kind)
    found = [one for one in current if (one.role, one.subject) == (whole, name)]
    if subject_type is not None or not found:
        return Member(whole, name, subject_type or "userAccount")
    if len(found) > 1:
        words = ", ".join(f"{one.type}:{one.subject}" for one in found)
        raise UsageError(f"Several subjects have the ID {name}: {words}.", hint="Name one with its type.")
    return found[0]


def grant(kind: Kind, resource_id: str, member: Member, timeout: float = TIMEOUT) -> Steps[bool]:
    """Give a role; whether that changes anything: False where the subject has it."""
    current = yield from members(kind, resource_id)
    if member in current:
        return False
    yield from _apply(kind, resource_id, [("ADD", member)], timeout)
    return True


def revoke(kind: Kind, resource_id: str, role: str, subject: str, timeout: float = TIMEOUT) -> Steps[bool]:
    """Take a role; whether that changes anything: False where the subject does not have it."""
    current = yield from members(kind, resource_id)
    member = named(current, role, subject, kind)
    if member not in current:
        return False
    yield from _apply(kind, resource_id, [("REMOVE", member)], timeout)
    return True


def difference(current: Sequence[Member], wanted: Iterable[Member]) -> Difference:
    """What there is to change, in a stable order."""
    wanted = list(dict.fromkeys(wanted))
    return Difference(
        added=[one for one in wanted if one not in current],
        removed=[one for one in current if one not in wanted],
        unchanged=[one for one in current if one in wanted],
    )


def replace(
    kind: Kind,
    resource_id: str,
    wanted: Sequence[Member],
    *,
    expected: Sequence[Member] | None = None,
    timeout: float = TIMEOUT,
) -> Steps[Difference]:
    """Make these all the members that the resource itself has; what was changed for that.

    Only the differences are sent, those that give before those that take: so a role that somebody else gives
    in the same moment stays. Where the members are not those that were `expected`, `ConflictError` (code
    "members-changed") says what is different, and nothing is changed.
    """
    wanted = [
        msgspec.structs.replace(one, role=role_id(one.role, kind)) if one.role in ROLES else one
        for one in wanted
    ]
    current = yield from members(kind, resource_id)
    if expected is not None and set(expected) != set(current):
        meanwhile = difference(expected, current)
        words = [f"+ {one}" for one in meanwhile.added] + [f"- {one}" for one in meanwhile.removed]
        raise ConflictError(
            f"The members have been changed meanwhile ({', '.join(words)}), and were left as they are.",
            code="members-changed",
            hint="Look at them anew, and replace them then.",
        )
    changes = difference(current, wanted)
    deltas: list[tuple[Literal["ADD", "REMOVE"], Member]] = [("ADD", one) for one in changes.added]
    deltas += [("REMOVE", one) for one in changes.removed]
    yield from _apply(kind, resource_id, deltas, timeout)
    return changes


def admins(kind: Kind, among: Iterable[Member]) -> list[Member]:
    """Those who manage access."""
    return [one for one in among if one.role == f"{PREFIXES[kind]}.admin"]


def _apply(
    kind: Kind, resource_id: str, deltas: Sequence[tuple[Literal["ADD", "REMOVE"], Member]], timeout: float
) -> Steps[None]:
    for begin in range(0, len(deltas), DELTAS_AT_ONCE):
        body = {
            "accessBindingDeltas": [
                {
                    "action": action,
                    "accessBinding": {
                        "roleId": one.role,
                        "subject": {"id": one.subject, "type": one.type},
                    },
                }
                for action, one in deltas[begin : begin + DELTAS_AT_ONCE]
            ]
        }
        path = path_of(kind, resource_id, ":updateAccessBindings")
        try:
            yield from change("PATCH", path, body, timeout=timeout)
        except NotFoundError as error:
            error.hint = (
                f"{error.hint or ''} A service account is written serviceAccount:ID, a federated user"
                " federatedUser:ID."
            ).strip()
            raise
