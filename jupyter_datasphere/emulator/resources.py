"""Communities and projects.

Assumptions of ours: a pattern filters names (for communities descriptions too) without regard to case, with
``*`` and ``?`` as wildcards, and matches anywhere in them; lists are in the order of creation and hold what
the account has a role in; every community is public; one that holds projects cannot be deleted (code 9);
names need not be unique.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable
from typing import Any

import msgspec

from ..datasphere import types
from ..datasphere.methods import Kind
from ..datasphere.types import Community, Project
from . import masks
from .clock import now, timestamp
from .errors import ApiError, Code, invalid, not_found, quota_exceeded
from .ids import new_id
from .pages import DEFAULT_PAGE, page_token, position
from .store import Store

COMMUNITIES_PER_ORGANIZATION = 10
PROJECTS_PER_COMMUNITY = 50

COMMUNITY: Kind = "community"
PROJECT: Kind = "project"

Visible = Callable[[str], bool]
"""Whether the account that asks may see the resource with that ID."""


class Resources:
    """Communities of one organization, and their projects."""

    def __init__(self, store: Store, organization: str, *, zone_required: bool) -> None:
        self._store = store
        self._organization = organization
        self._zone_required = zone_required

    # Communities

    def create_community(self, request: types.CreateCommunityRequest, subject: str) -> Community:
        self._check_organization(request.organization_id)
        if self._zone_required and not request.zone_id:
            raise invalid("zoneId", "required")
        self._check_room(COMMUNITY, request.organization_id, COMMUNITIES_PER_ORGANIZATION)
        community = Community(
            id=new_id("bt1"),
            created_at=timestamp(now()),
            name=request.name,
            description=request.description,
            labels=dict(request.labels),
            created_by_id=subject,
            organization_id=request.organization_id,
            zone_id=request.zone_id,
        )
        self._insert(COMMUNITY, community.organization_id, community, subject)
        return community

    def community(self, community_id: str) -> Community:
        return msgspec.json.decode(self._data(COMMUNITY, community_id), type=Community)

    def list_communities(self, request: types.ListCommunitiesRequest, visible: Visible) -> dict[str, Any]:
        self._check_organization(request.organization_id)
        pattern = request.name_or_description_pattern

        def shown(community_id: str, data: bytes) -> bool:
            if not (request.list_public or visible(community_id)):
                return False
            if not pattern:
                return True
            community = msgspec.json.decode(data, type=Community)
            return _matches(pattern, community.name) or _matches(pattern, community.description)

        rows, token = self._page(
            COMMUNITY,
            request.organization_id,
            request.owned_by_id,
            request.page_size,
            request.page_token,
            f"{request.list_public} {pattern}",
            shown,
        )
        return _listing("communities", rows, token)

    def update_community(self, community_id: str, request: types.UpdateCommunityRequest) -> Community:
        resource = msgspec.json.decode(self._data(COMMUNITY, community_id))
        community = types.convert(masks.apply(resource, request, request.update_mask), Community)
        self._write(community.id, community)
        return community

    def delete_community(self, community_id: str) -> None:
        self.community(community_id)
        if self._count(PROJECT, community_id):
            raise ApiError(Code.FAILED_PRECONDITION, f"Community {community_id} holds projects")
        self._delete(community_id)

    # Projects

    def create_project(self, request: types.CreateProjectRequest, subject: str) -> Project:
        self.community(request.community_id)
        self._check_room(PROJECT, request.community_id, PROJECTS_PER_COMMUNITY)
        project = Project(
            id=new_id("bt1"),
            created_at=timestamp(now()),
            name=request.name,
            description=request.description,
            labels=dict(request.labels),
            created_by_id=subject,
            settings=request.settings,
            limits=request.limits,
            community_id=request.community_id,
        )
        self._insert(PROJECT, project.community_id, project, subject)
        return project

    def project(self, project_id: str) -> Project:
        return types.decode(self._data(PROJECT, project_id), Project)

    def list_projects(self, request: types.ListProjectsRequest, visible: Visible) -> dict[str, Any]:
        self.community(request.community_id)
        pattern = request.project_name_pattern

        def shown(project_id: str, data: bytes) -> bool:
            if not visible(project_id):
                return False
            return not pattern or _matches(pattern, types.decode(data, Project).name)

        rows, token = self._page(
            PROJECT,
            request.community_id,
            request.owned_by_id,
            request.page_size,
            request.page_token,
            pattern,
            shown,
        )
        return _listing("projects", rows, token)

    def update_project(self, project_id: str, request: types.UpdateProjectRequest) -> Project:
        resource = msgspec.json.decode(self._data(PROJECT, project_id))
        project = types.convert(masks.apply(resource, request, request.update_mask), Project)
        self._write(project.id, project)
        return project

    def delete_project(self, project_id: str) -> None:
        self.project(project_id)
        self._delete(project_id)

    # Both

    def kind(self, resource_id: str) -> Kind | None:
        """What that is the ID of, if of anything."""
        row = self._store.one("SELECT kind FROM resources WHERE id = ?", resource_id)
        return None if row is None else (COMMUNITY if row[0] == COMMUNITY else PROJECT)

    def _check_organization(self, organization: str) -> None:
        if organization != self._organization:
            raise not_found("Organization", organization)

    def _check_room(self, kind: str, parent: str, limit: int) -> None:
        if self._count(kind, parent) >= limit:
            raise quota_exceeded(parent, f"{parent} cannot hold more than {limit} of this kind: {kind}")

    def _count(self, kind: str, parent: str) -> int:
        row = self._store.one("SELECT COUNT(*) FROM resources WHERE kind = ? AND parent = ?", kind, parent)
        assert row is not None
        return int(row[0])

    def _data(self, kind: str, resource_id: str) -> bytes:
        row = self._store.one("SELECT data FROM resources WHERE id = ? AND kind = ?", resource_id, kind)
        if row is None:
            raise not_found(kind.capitalize(), resource_id)
        data: bytes = row[0]
        return data

    def _insert(self, kind: str, parent: str, resource: Community | Project, owner: str) -> None:
        self._store.execute(
            "INSERT INTO resources (id, kind, parent, owner, data) VALUES (?, ?, ?, ?, ?)",
            resource.id,
            kind,
            parent,
            owner,
            types.encode(resource),
        )

    def _write(self, resource_id: str, resource: Community | Project) -> None:
        self._store.execute("UPDATE resources SET data = ? WHERE id = ?", types.encode(resource), resource_id)

    def _delete(self, resource_id: str) -> None:
        self._store.execute("DELETE FROM resources WHERE id = ?", resource_id)

    def _page(
        self,
        kind: str,
        parent: str,
        owner: str,
        size: int,
        token: str,
        pattern: str,
        shown: Callable[[str, bytes], bool],
    ) -> tuple[list[bytes], str]:
        """One page of resources, and the token of the next one (empty at the end).

        `shown`: whether a resource with this ID and this content is in the list.
        """
        size = size or DEFAULT_PAGE
        question = (kind, parent, owner, pattern)
        page: list[tuple[int, bytes]] = []
        for number, resource_id, data in self._store.each(
            "SELECT number, id, data FROM resources WHERE kind = ? AND parent = ? AND number > ? "
            "AND (? IN ('', owner)) ORDER BY number",
            kind,
            parent,
            position(token, *question),
            owner,
        ):
            if not shown(resource_id, data):
                continue
            if len(page) == size:
                return [data for _, data in page], page_token(page[-1][0], *question)
            page.append((number, data))
        return [data for _, data in page], ""


def _matches(pattern: str, text: str) -> bool:
    return fnmatch.fnmatchcase(text.lower(), f"*{pattern.lower().replace('[', '[[]')}*")


def _listing(name: str, rows: list[bytes], token: str) -> dict[str, Any]:
    listing: dict[str, Any] = {name: [msgspec.Raw(row) for row in rows]}
    return {**listing, "nextPageToken": token} if token else listing
