"""Update masks: which fields of a resource an update writes.

A mask is a comma-separated list of paths, camelCase or snake_case, nested with dots; spaces around a path
do not matter. Without a mask every updatable field is written, and what the request omits is reset.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import msgspec

from ..datasphere.types import Message, to_builtins
from .errors import invalid
from .protojson import camel


def apply(resource: dict[str, Any], request: Message, mask: str) -> dict[str, Any]:
    """A copy of `resource` (as on the wire) with the masked fields of `request`. Code 3 for unknown paths."""
    values = to_builtins(request)
    known = {path: steps for path, steps in _paths(type(request)) if path != "updateMask"}
    wanted = [camel(path.strip()) for path in mask.split(",")] if mask.strip() else _top_level(known)
    result = copy.deepcopy(resource)
    for path in wanted:
        if path not in known:
            raise invalid("updateMask", f"unknown path {path!r}")
        _write(result, values, known[path])
    return result


def _top_level(known: dict[str, list[str]]) -> list[str]:
    return [path for path, steps in known.items() if len(steps) == 1]


def _write(target: dict[str, Any], values: dict[str, Any], steps: list[str]) -> None:
    *parents, last = steps
    for step in parents:
        target = target.setdefault(step, {})
        values = values.get(step, {})
    if last in values:
        target[last] = values[last]
    else:
        target.pop(last, None)


def _paths(kind: type[msgspec.Struct], prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, list[str]]]:
    """All paths of a message, each with its steps; into messages, not into maps."""
    info = msgspec.inspect.type_info(kind)
    assert isinstance(info, msgspec.inspect.StructType)
    for field in info.fields:
        steps = (*prefix, field.encode_name)
        yield ".".join(steps), list(steps)
        options = field.type.types if isinstance(field.type, msgspec.inspect.UnionType) else (field.type,)
        for option in options:
            if isinstance(option, msgspec.inspect.StructType):
                yield from _paths(option.cls, steps)
