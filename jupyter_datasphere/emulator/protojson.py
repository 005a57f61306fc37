"""Requests as the service takes them: the proto3 JSON mapping, and what the documents' own examples send.

Fields in lowerCamelCase or snake_case at every level, null for unset; parameters of a GET in the query or
as a JSON body; any content type or none (curl's ``-d`` says it is a form). Unknown fields are ignored.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from ..datasphere import types
from .errors import ApiError, invalid

M = TypeVar("M", bound=types.Message)

FREE_MAPS = frozenset({"labels", "inputVariables"})
"""Fields whose keys are the user's own words."""

_WORD = re.compile(r"_([a-z0-9])")
_FIELD = re.compile(r"`\$\.?([^`]*)`|field `(\w+)`")


def parse_body(body: bytes) -> dict[str, Any]:
    """The JSON object of a body, with its names in camelCase; empty for an empty body."""
    if not body.strip():
        return {}
    try:
        data = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise invalid("", f"The body is not JSON: {error}") from error
    except RecursionError as error:
        raise invalid("", "The body is nested too deeply") from error
    if not isinstance(data, dict):
        raise invalid("", "The body is not a JSON object")
    return _camel_keys(data)


def parse_query(query: Sequence[tuple[str, str]], target: type[types.Message]) -> dict[str, Any]:
    """The parameters of a query; the repeated ones as lists where the message has a list."""
    lists = _list_fields(target)
    data: dict[str, Any] = {}
    for key, value in query:
        name = camel(key)
        if name in lists:
            data.setdefault(name, []).append(value)
        else:
            data[name] = value
    return data


def message(data: Mapping[str, Any], target: type[M]) -> M:
    """Check the limits. Raises code 3 with the name of the field."""
    try:
        return types.convert(data, target)
    except msgspec.ValidationError as error:
        raise _explained(error) from error


def camel(name: str) -> str:
    """``project_id`` → ``projectId``; what is camelCase already stays."""
    return _WORD.sub(lambda match: match[1].upper(), name)


def _camel_keys(data: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in data.items():
        if value is None:
            continue
        name = camel(key)
        if isinstance(value, dict) and name not in FREE_MAPS:
            value = _camel_keys(value)
        elif isinstance(value, list):
            value = [_camel_keys(item) if isinstance(item, dict) else item for item in value]
        result[name] = value
    return result


@functools.cache
def _list_fields(target: type[types.Message]) -> frozenset[str]:
    info = msgspec.inspect.type_info(target)
    assert isinstance(info, msgspec.inspect.StructType)
    return frozenset(
        field.encode_name for field in info.fields if isinstance(field.type, msgspec.inspect.ListType)
    )


def _explained(error: msgspec.ValidationError) -> ApiError:
    text = str(error)
    match = _FIELD.search(text)
    field = "" if match is None else match[1] or match[2] or ""
    return invalid(field, text.split(" - at `")[0])
