"""What of a request the DataSphere API documents: its method, and the fields of its message.

All else is refused with its name before anything is sent: a field that was dropped in silence would do
something else than was asked for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

from ..datasphere import types
from ..datasphere.methods import METHODS, Method
from ..errors import NotFoundError, UsageError

DEEPEST = 100
"""Levels of objects and lists inside one another: so many the protobuf libraries read, too."""

_PARAMETER = re.compile(r"\{(\w+)\}")
_WITH_ID = re.compile(r"((?:/v[12])?/[a-z0-9]+/)([A-Za-z0-9_-]{1,50})([:/][A-Za-z]+)?", flags=re.ASCII)
_WORD = re.compile(r"_([a-z0-9])")
_SHOWN = 60
"""Characters of a name that are repeated to whoever sent it."""


def _routes() -> dict[tuple[str, str], Method]:
    """By verb and path, where an ID is written as ``{}``; none has more than one."""
    return {
        (method.verb, _PARAMETER.sub("{}", method.path.removeprefix("/datasphere"))): method
        for method in METHODS.values()
        if method.host != "iam"
    }


_ROUTES = _routes()
_ID_NAMES = {method.name: _PARAMETER.findall(method.path) for method in METHODS.values()}


def method_of(verb: str, path: str) -> tuple[Method, dict[str, str]]:
    """The method of a path below ``/datasphere/api``, and the IDs in it. Raises `NotFoundError`.

    The path is as it came: what is written in another way than the API writes it (``%3A``) is no path of it.
    """
    method = _ROUTES.get((verb, path))
    if method is not None and "{}" not in path:
        return method, {}
    parts = _WITH_ID.fullmatch(path)
    if parts is not None:
        collection, value, rest = parts.groups()
        method = _ROUTES.get((verb, f"{collection}{{}}{rest or ''}"))
        if method is not None:
            return method, {_ID_NAMES[method.name][0]: value}
    raise NotFoundError(
        f"{verb} {path[:200]} is no documented method of the DataSphere API.", code="no-such-method"
    )


def message_in_query(method: Method, parameters: Mapping[str, Sequence[bytes]]) -> types.Message | None:
    """The request message of a GET or DELETE. Raises `UsageError`."""
    target = method.request
    fields = {} if target is None else _fields(target)
    _refuse([name for name in parameters if name not in fields], method, target, "parameter")
    if target is None:
        return None
    lists = _lists(target)
    values: dict[str, Any] = {}
    for name, raw in parameters.items():
        try:
            texts = [value.decode() for value in raw]
        except UnicodeDecodeError:
            raise UsageError(f"The parameter {name} is not UTF-8.", code="bad-request") from None
        if name not in lists and len(texts) > 1:
            raise UsageError(f"The parameter {name} is given {len(texts)} times.", code="bad-request")
        values[name] = texts if name in lists else texts[0]
    return _converted(values, target)


def message_in_body(method: Method, body: bytes, content_type: str) -> types.Message | None:
    """The request message of a POST or PATCH; an empty body is an empty message. Raises `UsageError`."""
    data = _object(body, content_type) if body.strip() else {}
    _refuse(_unknown(data, method.request), method, method.request, "field")
    return None if method.request is None else _converted(data, method.request)


def _object(body: bytes, content_type: str) -> dict[str, Any]:
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in ("", "application/json"):
        raise UsageError(
            f"The body is said to be {kind[:_SHOWN]!r}.",
            code="bad-request",
            hint="Send JSON, with Content-Type: application/json.",
        )
    try:
        data = msgspec.json.decode(body)
        too_deep = _is_deeper(data, DEEPEST)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise UsageError(f"The body is not JSON: {error}.", code="bad-request") from error
    except RecursionError:
        too_deep = True
    if too_deep:
        raise UsageError(f"The body has more than {DEEPEST} levels.", code="bad-request")
    if not isinstance(data, dict):
        raise UsageError("The body is not a JSON object.", code="bad-request")
    return data


def _converted(data: dict[str, Any], target: type[types.Message]) -> types.Message:
    try:
        return types.convert(data, target)
    except msgspec.ValidationError as error:
        raise UsageError(f"The request breaks a limit of the API: {types.in_words(error)}.") from error


def _is_deeper(value: Any, levels: int) -> bool:
    layer = [value]
    while layer:
        if not levels:
            return True
        levels -= 1
        layer = [inner for outer in layer for inner in _inside(outer)]
    return False


def _inside(value: Any) -> list[Any]:
    values = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [inner for inner in values if isinstance(inner, dict | list)]


def _refuse(names: Sequence[str], method: Method, target: type[types.Message] | None, what: str) -> None:
    """Raise `UsageError` for names that are no fields, each given as a path."""
    if not names:
        return
    shown = ", ".join(name[:_SHOWN] for name in sorted(names)[:5])
    camel = _WORD.sub(lambda match: match[1].upper(), names[0])
    if target is None:
        hint = "It takes none."
    elif "." not in camel and camel != names[0] and camel in _fields(target):
        hint = f"It is written {camel}."
    else:
        hint = f"Documented are {', '.join(_fields(target))}."
    raise UsageError(
        f"{method.name} has no documented {what} {shown}{' …' if len(names) > 5 else ''}.",
        code="undocumented-field",
        hint=hint,
    )


def _unknown(data: dict[str, Any], target: type[types.Message] | None, where: str = "") -> list[str]:
    """Paths of what is no documented field, at every level."""
    fields = {} if target is None else _fields(target)
    found = []
    for name, value in data.items():
        if name not in fields:
            found.append(where + name)
        elif (inner := fields[name]) is not None:
            for number, item in enumerate(value if isinstance(value, list) else [value]):
                if isinstance(item, dict):
                    place = f"[{number}]" if isinstance(value, list) else ""
                    found += _unknown(item, inner, f"{where}{name}{place}.")
    return found


@cache
def _fields(target: type[types.Message]) -> dict[str, type[types.Message] | None]:
    """The names of a message's fields on the wire, each with the message inside, if there is one."""
    return {field.encode_name: _message_inside(field.type) for field in _struct(target).fields}


@cache
def _lists(target: type[types.Message]) -> frozenset[str]:
    return frozenset(
        field.encode_name for field in _struct(target).fields if isinstance(field.type, inspect.ListType)
    )


def _struct(target: type[types.Message]) -> inspect.StructType:
    struct = inspect.type_info(target)
    assert isinstance(struct, inspect.StructType)
    return struct


def _message_inside(kind: inspect.Type) -> type[types.Message] | None:
    if isinstance(kind, inspect.StructType):
        assert issubclass(kind.cls, types.Message)
        return kind.cls
    if isinstance(kind, inspect.ListType):
        return _message_inside(kind.item_type)
    if isinstance(kind, inspect.UnionType):
        return next((found for found in map(_message_inside, kind.types) if found), None)
    return None
