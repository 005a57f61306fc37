"""Restrictions that an administrator puts on a community or project."""

from __future__ import annotations

from typing import Literal

from .wire import Int64, Message


class RestrictionMeta(Message):
    """A restriction that there is, and the type of its values."""

    name: str = ""
    value_type: Literal["RESTRICTION_VALUE_TYPE_UNSPECIFIED", "BOOLEAN", "LONG", "STRING"] = (
        "RESTRICTION_VALUE_TYPE_UNSPECIFIED"
    )


class RestrictionsMeta(Message):
    restrictions_meta: list[RestrictionMeta] = []


class Restriction(Message):
    """The values of one restriction, in the list of its type."""

    name: str = ""
    bool_value: list[bool] = []
    long_value: list[Int64] = []
    string_value: list[str] = []


class Restrictions(Message):
    """The restrictions of a resource; as a request, those to set."""

    restrictions: list[Restriction] = []
