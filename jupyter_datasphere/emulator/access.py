"""Who has which role, and who may therefore do what.

Assumptions of ours: whoever creates a resource becomes its admin; giving a role a second time and taking one
that nobody has change nothing; an account that has no role in a resource is refused (code 7) where it names
it, and does not find it in lists.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from ..datasphere import types
from ..datasphere.methods import Kind
from ..datasphere.roles import Level, role_of
from .accounts import Account
from .errors import ApiError, Code, invalid, not_found
from .pages import DEFAULT_PAGE, page_token, position
from .roles import GIVEN_IN, level_of
from .store import Store

SUBJECT_TYPES = frozenset({"userAccount", "serviceAccount", "federatedUser", "system"})
_EVERYBODY = frozenset({"allAuthenticatedUsers", "allUsers"})
_GROUP = re.compile(r"group:(organization|federation):([\w-]+):users", flags=re.ASCII)


class Access:
    """The roles of all communities and projects. `account`: who that is, by the ID; None for nobody."""

    def __init__(self, store: Store, organization: str, account: Callable[[str], Account | None]) -> None:
        self._store = store
        self._organization = organization
        self._account = account

    # What somebody may do

    def level(self, subject: str, kind: Kind, resource_id: str) -> Level:
        """The highest level that an account has in a resource, or by the community it belongs to."""
        rows = self._store.all(
            "SELECT role, subject FROM bindings WHERE resource = ?1 OR resource = "
            "(SELECT parent FROM resources WHERE id = ?1 AND kind = 'project')",
            resource_id,
        )
        levels = [level_of(role, kind) for role, holder in rows if self._means(holder, subject)]
        return max(levels, default=Level.NONE)

    def check(self, subject: str, kind: Kind, resource_id: str, level: Level) -> None:
        """Code 7, naming the role that is missing; code 5 for a resource that does not exist."""
        if self.level(subject, kind, resource_id) >= level:
            return
        if self._store.one("SELECT 1 FROM resources WHERE id = ? AND kind = ?", resource_id, kind) is None:
            raise not_found(kind.capitalize(), resource_id)
        raise ApiError(
            Code.PERMISSION_DENIED,
            f"{subject} needs the role {role_of(kind, level)} in {kind} {resource_id}",
        )

    def visible(self, subject: str, kind: Kind, parent: str) -> Callable[[str], bool]:
        """Which resources of one community, or of the organization, an account may see."""
        if kind == "project" and self.level(subject, "community", parent) >= Level.VIEWER:
            return lambda project_id: True
        return lambda resource_id: self.level(subject, kind, resource_id) >= Level.VIEWER

    def _means(self, holder: str, subject: str) -> bool:
        """Whether a binding's subject is this account, or a group that has it. All accounts are of the one
        organization; all federated ones of one federation, which nobody needs to know the ID of."""
        if holder == subject or holder in _EVERYBODY:
            return True
        group = _GROUP.fullmatch(holder)
        if group is None:
            return False
        if group[1] == "organization":
            return group[2] == self._organization
        account = self._account(subject)
        return account is not None and account.type == "federatedUser"

    # Bindings

    def grant(self, kind: Kind, resource_id: str, level: Level, subject: str) -> None:
        """Give an account the role of that level."""
        account = self._account(subject)
        assert account is not None
        self._add(resource_id, role_of(kind, level), subject, account.type)

    def bindings(self, resource_id: str, request: types.AccessBindingsRequest) -> types.AccessBindings:
        """One page of the roles that a resource itself gives, in the order in which they were given."""
        size = request.page_size or DEFAULT_PAGE
        rows = self._store.all(
            "SELECT number, role, subject, type FROM bindings WHERE resource = ? AND number > ? "
            "ORDER BY number LIMIT ?",
            resource_id,
            position(request.page_token, resource_id),
            size + 1,
        )
        page = rows[:size]
        return types.AccessBindings(
            access_bindings=[
                types.AccessBinding(role_id=role, subject=types.AccessBinding.Subject(id=subject, type=kind))
                for _, role, subject, kind in page
            ],
            next_page_token=page_token(page[-1][0], resource_id) if len(rows) > size else "",
        )

    def set(self, kind: Kind, resource_id: str, bindings: Iterable[types.AccessBinding]) -> None:
        """Give these roles and no others."""
        wanted = list(bindings)
        for binding in wanted:
            self._check(kind, binding)
        self.forget(resource_id)
        for binding in wanted:
            self._add(resource_id, binding.role_id, binding.subject.id, binding.subject.type)

    def update(self, kind: Kind, resource_id: str, deltas: Iterable[types.AccessBindingDelta]) -> None:
        """Give and take roles, in the order of the deltas."""
        for delta in deltas:
            binding = delta.access_binding
            if delta.action == "ADD":
                self._check(kind, binding)
                self._add(resource_id, binding.role_id, binding.subject.id, binding.subject.type)
            else:
                self._store.execute(
                    "DELETE FROM bindings WHERE resource = ? AND role = ? AND subject = ? AND type = ?",
                    resource_id,
                    binding.role_id,
                    binding.subject.id,
                    binding.subject.type,
                )

    def forget(self, resource_id: str) -> None:
        """Take all roles of a resource."""
        self._store.execute("DELETE FROM bindings WHERE resource = ?", resource_id)

    def _add(self, resource_id: str, role: str, subject: str, kind: str) -> None:
        self._store.execute(
            "INSERT OR IGNORE INTO bindings (resource, role, subject, type) VALUES (?, ?, ?, ?)",
            resource_id,
            role,
            subject,
            kind,
        )

    def _check(self, kind: Kind, binding: types.AccessBinding) -> None:
        """Codes 3 and 5 for a role or a subject that there is not."""
        if binding.role_id not in GIVEN_IN[kind]:
            raise invalid("roleId", f"{binding.role_id} is no role of a {kind}")
        subject = binding.subject
        if subject.type not in SUBJECT_TYPES:
            raise invalid("subject.type", f"expected one of {', '.join(sorted(SUBJECT_TYPES))}")
        if subject.type == "system":
            if subject.id not in _EVERYBODY and not _GROUP.fullmatch(subject.id):
                raise invalid(
                    "subject.id", "expected allAuthenticatedUsers, allUsers or the users of a group"
                )
            return
        account = self._account(subject.id)
        if account is None or account.type != subject.type:
            raise not_found("Subject", f"{subject.type} {subject.id}")
