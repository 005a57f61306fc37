"""Communities, and what is asked about them."""

from __future__ import annotations

from .limits import ID, CommunityName, Description, Labels, PageSize, PageToken, RequiredID, Timestamp
from .wire import Message


class Community(Message):
    """A community: the group of projects that share members and billing."""

    id: str
    created_at: Timestamp = ""
    name: str = ""
    description: str = ""
    labels: dict[str, str] = {}
    created_by_id: str = ""
    organization_id: str = ""
    zone_id: str = ""


class CreateCommunityRequest(Message):
    """`zone_id` is required since June 2024; revision 2024-03 takes the organization alone."""

    organization_id: RequiredID
    zone_id: ID = ""
    name: CommunityName = ""
    description: Description = ""
    billing_account_id: ID = ""
    labels: Labels = {}


class UpdateCommunityRequest(Message):
    """`update_mask` is a comma-separated list of camelCase paths; without it every field is written."""

    update_mask: str = ""
    name: CommunityName = ""
    description: Description = ""
    labels: Labels = {}


class ListCommunitiesRequest(Message):
    """`page_size` 0 means the service's default (100)."""

    organization_id: RequiredID
    page_size: PageSize = 0
    page_token: PageToken = ""
    name_or_description_pattern: str = ""
    owned_by_id: ID = ""
    list_public: bool = False


class ListCommunitiesResponse(Message):
    communities: list[Community] = []
    next_page_token: str = ""
