"""What an administrator restricts in a community or project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from ..errors import UsageError
from ..kernel.steps import Steps
from .calls import PLACES, TIMEOUT, Kind, change, get, path_of

Value: TypeAlias = bool | int | str

_LISTS: dict[type, str] = {bool: "boolValue", int: "longValue", str: "stringValue"}


class _Meta(msgspec.Struct, rename="camel"):
    name: str = ""
    value_type: str = ""


class _Metas(msgspec.Struct, rename="camel"):
    restrictions_meta: list[_Meta] = []


class _Restriction(msgspec.Struct, rename="camel"):
    name: str = ""
    bool_value: list[bool] = []
    long_value: list[int] = []
    string_value: list[str] = []


class _Restrictions(msgspec.Struct, rename="camel"):
    restrictions: list[_Restriction] = []


def known(kind: Kind) -> Steps[dict[str, str]]:
    """Which restrictions there are: their names, and the types of their values (BOOLEAN, LONG, STRING)."""
    answer: _Metas = yield from get(f"{PLACES[kind]}/restrictionsMeta", _Metas)
    return {one.name: one.value_type for one in answer.restrictions_meta}


def restrictions(kind: Kind, resource_id: str) -> Steps[dict[str, list[Value]]]:
    """Those in force, by name."""
    answer: _Restrictions = yield from get(path_of(kind, resource_id, ":restrictions"), _Restrictions)
    return {one.name: [*one.bool_value, *one.long_value, *one.string_value] for one in answer.restrictions}


def set_restrictions(
    kind: Kind,
    resource_id: str,
    values: Mapping[str, Value | Sequence[Value]],
    timeout: float = TIMEOUT,
) -> Steps[None]:
    """Raises `UsageError` for values that are not all booleans, all whole numbers or all texts."""
    body = {"restrictions": [_encoded(name, value) for name, value in values.items()]}
    yield from change("POST", path_of(kind, resource_id, ":setRestrictions"), body, timeout=timeout)


def _encoded(name: str, value: Value | Sequence[Value]) -> dict[str, Any]:
    values: list[Any] = [value] if isinstance(value, bool | int | str) else list(value)
    kinds = {type(one) for one in values}
    if len(kinds) > 1 or not kinds <= _LISTS.keys():
        raise UsageError(f"The values of {name[:60]!r} must be all booleans, all whole numbers or all texts.")
    encoded: dict[str, Any] = {"name": name}
    if values:
        (one,) = kinds
        encoded[_LISTS[one]] = [str(number) for number in values] if one is int else values
    return encoded
