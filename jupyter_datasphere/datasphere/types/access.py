"""Who has which role in a community or project."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from .limits import PageSize
from .wire import Message

_BINDINGS_AT_ONCE = 1000


class AccessBinding(Message):
    """A role given to a subject."""

    class Subject(Message):
        """Who has the role: `type` is userAccount, serviceAccount, federatedUser or system.

        IDs of type system are allAuthenticatedUsers, allUsers, ``group:organization:<ID>:users`` and
        ``group:federation:<ID>:users``.
        """

        id: Annotated[str, Meta(min_length=1, max_length=100)]
        type: Annotated[str, Meta(min_length=1, max_length=100)]

    role_id: Annotated[str, Meta(min_length=1, max_length=64)]
    subject: Subject


class AccessBindingsRequest(Message):
    page_size: PageSize = 0
    page_token: Annotated[str, Meta(max_length=2000)] = ""


class AccessBindings(Message):
    """One page of the roles that a resource gives."""

    access_bindings: list[AccessBinding] = []
    next_page_token: str = ""


class SetAccessBindingsRequest(Message):
    """All roles that a resource is to give: what is not among them is taken away."""

    access_bindings: Annotated[list[AccessBinding], Meta(max_length=_BINDINGS_AT_ONCE)]


class AccessBindingDelta(Message):
    """One role given or taken away."""

    action: Literal["ADD", "REMOVE"]
    access_binding: AccessBinding


class UpdateAccessBindingsRequest(Message):
    access_binding_deltas: Annotated[
        list[AccessBindingDelta], Meta(min_length=1, max_length=_BINDINGS_AT_ONCE)
    ]
