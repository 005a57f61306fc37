"""Which communities and projects there are, and finding one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ..errors import UsageError
from ..kernel.steps import Steps
from ..protocol import CommunityInfo, ProjectInfo, ServerStatus
from .calls import PLACES, get, path_of
from .data import CommunityData, ProjectData

AT_ONCE = 1000
"""Resources that one page holds at most: the service's own limit."""


class _Communities(msgspec.Struct, rename="camel"):
    communities: list[CommunityData] = []
    next_page_token: str = ""


class _Projects(msgspec.Struct, rename="camel"):
    projects: list[ProjectData] = []
    next_page_token: str = ""


def communities(pattern: str = "", organization: str | None = None) -> Steps[list[CommunityData]]:
    """All that this account may see, in the service's order; `pattern` is looked for in name and description.

    Raises `UsageError` (code "no-organization") where none is named and none is set.
    """
    if organization is None:
        status: ServerStatus = yield from get("/status", ServerStatus, {"check": "false"})
        if status.community and not status.organization:
            only = yield from community_by_id(status.community)
            return [only]
        organization = status.organization
    if not organization:
        raise UsageError(
            "Which organization's communities to list is not known.",
            code="no-organization",
            hint="Start the server with JUPYTER_DATASPHERE_ORGANIZATION (or DataSphere.organization), or name"
            " the organization's ID here.",
        )
    query = {"organizationId": organization, "nameOrDescriptionPattern": pattern}
    pages = yield from _pages(PLACES["community"], _Communities, query)
    return [community for page in pages for community in page.communities]


def projects(community: str | None = None, pattern: str = "") -> Steps[list[ProjectData]]:
    """All that this account may see, in the service's order: of one community (by name or ID), or of each.

    `pattern` is looked for in the names.
    """
    if community is None:
        found = yield from communities()
        ids = [one.id for one in found]
    else:
        named = yield from community_id(community)
        ids = [named]
    listed: list[ProjectData] = []
    for one in ids:
        query = {"communityId": one, "projectNamePattern": pattern}
        pages = yield from _pages(PLACES["project"], _Projects, query)
        listed += [project for page in pages for project in page.projects]
    return listed


def community(name_or_id: str | None) -> Steps[CommunityData]:
    """Raises `NotFoundError` for one that is not there, `UsageError` where several have the name."""
    found = yield from community_id(name_or_id)
    data = yield from community_by_id(found)
    return data


def community_by_id(community_id: str) -> Steps[CommunityData]:
    data: CommunityData = yield from get(path_of("community", community_id), CommunityData)
    return data


def project(name_or_id: str | None, community: str | None = None) -> Steps[ProjectData]:
    """None: the one in force at the server. Raises as `community` does."""
    found = yield from project_info(name_or_id, community)
    data = yield from project_by_id(found.id)
    return data


def project_by_id(project_id: str) -> Steps[ProjectData]:
    data: ProjectData = yield from get(path_of("project", project_id), ProjectData)
    return data


def community_id(name_or_id: str | None) -> Steps[str]:
    query = {} if name_or_id is None else {"community": name_or_id}
    info: CommunityInfo = yield from get("/communities/find", CommunityInfo, query)
    return info.id


def project_info(name_or_id: str | None, community: str | None = None) -> Steps[ProjectInfo]:
    """ID, name and community of a project, which the server may know without asking the service."""
    query = {} if name_or_id is None else {"project": name_or_id}
    if community is not None:
        query["community"] = yield from community_id(community)
    info: ProjectInfo = yield from get("/projects/find", ProjectInfo, query)
    return info


def _pages(path: str, kind: type[Any], query: Mapping[str, str]) -> Steps[list[Any]]:
    """All pages of a list."""
    query = {name: value for name, value in query.items() if value}
    pages: list[Any] = []
    token = ""
    while not pages or token:
        more = {"pageToken": token} if token else {}
        page = yield from get(path, kind, {**query, "pageSize": AT_ONCE, **more})
        pages.append(page)
        token = page.next_page_token
    return pages
