"""What the magics for communities, projects and what they may spend do, once their lines are parsed."""

from __future__ import annotations

import time
from typing import TypeVar

from ..errors import ExpectedError
from ..kernel.commands import Commands
from ..kernel.resource_arguments import (
    NO_LIMIT,
    BalanceArguments,
    CommunitiesArguments,
    LimitsArguments,
    OpenArguments,
    ProjectsArguments,
)
from ..kernel.steps import Steps
from ..kernel.tables import facts, table, visible
from ..protocol import ServerStatus
from . import listing, opening, restrictions, words
from . import units as unit_calls
from .asking import agreed
from .calls import Kind, get
from .data import ProjectData
from .sharing import NOTHING, Sharing

T = TypeVar("T")

NAMES_KEPT = 60.0
"""Seconds: the list of communities is asked of the service, which takes a while."""


class ResourceCommands(Sharing):
    """One per kernel."""

    def __init__(self, commands: Commands) -> None:
        super().__init__(commands)
        self._names: list[str] = []
        self._until = 0.0

    def community_names(self) -> list[str]:
        if time.monotonic() > self._until:
            self._names = [community.name for community in self.run(listing.communities())]
            self._until = time.monotonic() + NAMES_KEPT
        return self._names

    def communities(self, options: CommunitiesArguments) -> None:
        found = self.run(listing.communities(options.pattern, options.organization))
        if not found:
            self.say(_none("communities", options.pattern))
            return
        rows = [
            (visible(one.name), one.id, words.day(one.created_at), words.brief(one.description))
            for one in found
        ]
        self.show(table(("Community", "ID", "Created", "Description"), rows))

    def projects(self, options: ProjectsArguments) -> None:
        if options.community is None:
            communities = self.run(listing.communities())
        else:
            communities = [self.run(listing.community(options.community))]
        of = {one.id: visible(one.name) or one.id for one in communities}
        found: list[ProjectData] = []
        for community_id in of:
            found += self.run(listing.projects(community_id, options.pattern))
        if not found:
            self.say(_none("projects", options.pattern))
            return
        chosen = self._chosen()
        rows = [
            (
                visible(one.name),
                one.id,
                of.get(one.community_id, one.community_id),
                words.day(one.created_at),
                words.brief(one.description),
                "in force" if chosen in (one.id, one.name) else "",
            )
            for one in found
        ]
        self.show(table(("Project", "ID", "Community", "Created", "Description", ""), rows))

    def balance(self, options: BalanceArguments) -> None:
        project = self.project(options.project)
        if options.units is not None:
            self._set_balance(project, options, None if options.units == NO_LIMIT else options.units)
        else:
            before = self.run(unit_calls.balance(project.id))
            rows = [("Project", words.named(project)), ("Units left", words.units(before))]
            if before is not None:
                rows.append(("Lasts for", words.lasting(before, self.commands.settings.spec)))
            self.show(facts(rows))

    def _set_balance(self, project: ProjectData, options: BalanceArguments, after: int | None) -> None:
        try:
            before = words.units(self.run(unit_calls.balance(project.id)))
        except ExpectedError as error:
            if error.code != "permission-denied":
                raise
            before = "not shown to this account"  # what it lacks to set it, setting tells
        change = (visible(project.name), before, words.units(after))
        self.show(table(("Project", "Units left before", "After"), [change]))
        if (
            after == 0
            and not options.yes
            and not agreed(
                f"With 0 units everything that runs in {words.named(project)} is stopped. Set them?",
                "%ds_balance",
            )
        ):
            self.say(NOTHING)
            return
        self.run(unit_calls.set_balance(project.id, after))
        self.say("Set.")

    def limits(self, options: LimitsArguments) -> None:
        if options.community is not None:
            community = self.run(listing.community(options.community))
            self._show_limits([("Community", words.named(community))], "community", community.id)
            return
        project = self.project(options.project)
        wanted = {
            name: None if units == NO_LIMIT else units
            for name, units in (
                ("max_units_per_hour", options.per_hour),
                ("max_units_per_execution", options.per_execution),
            )
            if units is not None
        }
        if not wanted:
            hour = project.limits.max_units_per_hour
            rows = [
                ("Project", words.named(project)),
                ("Units per hour", words.units(hour) + words.affordable(hour)),
                ("Units per run", words.units(project.limits.max_units_per_execution)),
            ]
            self._show_limits(rows, "project", project.id)
            return
        self.run(unit_calls.set_limits(project.id, wanted))
        changes = [
            (_LIMITS[name], words.units(getattr(project.limits, name)), words.units(after))
            for name, after in wanted.items()
        ]
        self.show(table((visible(project.name), "Before", "After"), changes))
        self.say("Set.")

    def open(self, options: OpenArguments) -> None:
        project = self.run(listing.project_info(options.project or self.commands.project_id))
        if options.browser or not self.commands.link.has_pages:
            self.run(opening.in_browser(project.id))
            self.say(f"The browser of this desktop opens {words.named(project)}.")
        else:
            self.show(opening.link_to(self.commands.link.url, project))

    def _show_limits(self, rows: list[tuple[str, str]], kind: Kind, resource_id: str) -> None:
        found = self.run(restrictions.restrictions(kind, resource_id))
        rows += [
            (f"Restriction {visible(name)}", words.restriction(values)) for name, values in found.items()
        ]
        if not found:
            rows.append(("Restrictions", "none"))
        self.show(facts(rows))

    def _chosen(self) -> str | None:
        """Name or ID of the project in force in this kernel."""
        if self.commands.project_id is not None:
            return self.commands.project_id
        status = self.run(_status())
        return None if status.project is None else status.project.id


_LIMITS = {"max_units_per_hour": "Units per hour", "max_units_per_execution": "Units per run"}


def resource_commands(commands: Commands) -> ResourceCommands:
    return ResourceCommands(commands)


def _status() -> Steps[ServerStatus]:
    status: ServerStatus = yield from get("/status", ServerStatus, {"check": "false"})
    return status


def _none(what: str, pattern: str) -> str:
    matching = f" whose names match {pattern!r}" if pattern else ""
    return f"There are no {what}{matching} that this account may see."
