"""The project: is it there, what may it spend, who has which role in it."""

from __future__ import annotations

from collections import defaultdict

from ...datasphere import types
from ...errors import ExpectedError, ServiceError
from ...executions import costs
from ..finding import Case, Check, Finding

CHEAPEST = min(types.SPECS.values(), key=lambda spec: spec.units).name
SHOWN = 3
"""So many of those who have a role are named."""
HIDDEN = "What is left is not shown to this account"
NOT_TOLD = "Whether this account may run code, the API does not tell: only a run shows it (--full)."


async def found(case: Case) -> list[Finding]:
    """Sets the project of the case."""
    project = await case.backend.projects.find(case.named, fresh=True)
    community = project.community_id
    try:
        community = (await case.backend.client.get_community(community)).name or community
    except ServiceError as error:  # who sees a project need not see what it is in
        community += f", which this account cannot see ({error.code})"
    case.project = project
    return [Finding("Project", "ok", f"{project.name} ({project.id}) in the community {community}.")]


async def _balance(case: Case, project_id: str) -> tuple[int | None, str]:
    """Units left, and that in words; who may run code need not see them."""
    try:
        balance = await case.backend.client.get_unit_balance(project_id)
    except ServiceError as error:
        if error.code != "permission-denied":
            raise
        return None, HIDDEN
    return balance, "No balance is set" if balance is None else f"{balance:,} units are left"


async def units(case: Case) -> list[Finding]:
    assert case.project is not None
    limits = case.project.limits or types.ProjectLimits()
    balance, words = await _balance(case, case.project.id)
    if limits.max_units_per_hour is not None:
        words += f", at most {limits.max_units_per_hour:,} in an hour"
    if limits.max_units_per_execution is not None:
        words += f", at most {limits.max_units_per_execution:,} in a run"
    if limits == types.ProjectLimits():
        words += ", and no limit is set" if words == HIDDEN else ", and no limit"
    try:
        costs.check(case.project, CHEAPEST, None)
        costs.check_balance(case.project, CHEAPEST, balance)
    except ExpectedError as error:
        remedy = "Let an administrator of the project raise that."
        return [Finding("Units", "fail", f"{words}. {error.message}", remedy)]
    return [Finding("Units", "ok", f"{words}.")]


async def roles(case: Case) -> list[Finding]:
    """As far as this account may read them; what it has by its groups or its community is not among them."""
    assert case.project is not None
    request = types.AccessBindingsRequest(page_size=1000)
    try:
        page = await case.backend.client.list_access_bindings("project", case.project.id, request)
    except ServiceError as error:
        if error.code not in ("permission-denied", "no-such-method"):
            raise
        return [Finding("Roles", "skip", f"Who has which role is not told ({error.code}). {NOT_TOLD}")]
    subjects: defaultdict[str, list[str]] = defaultdict(list)
    for binding in page.access_bindings:
        role = binding.role_id.removeprefix("datasphere.community-projects.")
        subjects[role].append(f"{binding.subject.type} {binding.subject.id}")
    more = " and more" if page.next_page_token else ""
    given = "; ".join(f"{role}: {_few(names)}" for role, names in sorted(subjects.items())) or "nobody"
    return [Finding("Roles", "ok", f"In the project itself{more}: {given}. {NOT_TOLD}")]


def _few(names: list[str]) -> str:
    named = ", ".join(names[:SHOWN])
    return named if len(names) <= SHOWN else f"{named} and {len(names) - SHOWN:,} more"


CHECKS = (
    Check("Project", found),
    Check("Units", units, needs_project=True),
    Check("Roles", roles, needs_project=True),
)
