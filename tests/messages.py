"""Hypothesis strategies for the messages of the API: anything that the documented limits allow."""

from __future__ import annotations

import types as builtin_types
import typing
from datetime import datetime
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec
from hypothesis import strategies as st
from msgspec import Meta

from jupyter_datasphere.datasphere import types
from jupyter_datasphere.datasphere.types import limits

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
"""Unicode that JSON and protobuf can hold."""
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
"""JSON values that a google.protobuf.Struct holds exactly."""
TIMES = st.datetimes(min_value=datetime(1970, 1, 1)).map(
    lambda time: time.replace(microsecond=0).isoformat() + "Z"
)
MASKS = st.lists(st.sampled_from(["name", "description", "labels", "settings.ide"]), unique=True).map(
    ",".join
)


def messages(kind: type[types.Message]) -> st.SearchStrategy[Any]:
    """Messages of a kind, with each optional field there or not."""
    hints = typing.get_type_hints(kind, include_extras=True)
    fields = {}
    for field in msgspec.structs.fields(kind):
        value = _values(kind, field.name, hints[field.name])
        required = field.default is msgspec.NODEFAULT and field.default_factory is msgspec.NODEFAULT
        fields[field.name] = value if required else st.just(_default(field)) | value
    return st.builds(kind, **fields)


def _default(field: Any) -> Any:
    return field.default if field.default is not msgspec.NODEFAULT else field.default_factory()


def _values(kind: type, name: str, annotation: Any) -> st.SearchStrategy[Any]:
    if name == "update_mask":
        return MASKS
    if name.endswith("_at"):
        return TIMES
    if name in ("input_variables", "output_variables", "variables"):
        return st.dictionaries(TEXT, VALUES, max_size=3)
    return _of(annotation)


def _of(annotation: Any) -> st.SearchStrategy[Any]:
    if annotation == limits.Duration:
        return st.integers(0, 10**6).map("{}s".format)
    if get_origin(annotation) in (typing.Union, builtin_types.UnionType):
        return st.one_of(*(st.none() if part is type(None) else _of(part) for part in get_args(annotation)))
    if get_origin(annotation) is Literal:
        return st.sampled_from(get_args(annotation))
    if get_origin(annotation) is Annotated:
        inner, *metas = get_args(annotation)
        [meta] = [meta for meta in metas if isinstance(meta, Meta)]
        return _limited(inner, meta)
    if get_origin(annotation) is list:
        return st.lists(_of(get_args(annotation)[0]), max_size=3)
    if get_origin(annotation) is dict:
        key, value = get_args(annotation)
        return st.dictionaries(_of(key), _of(value), max_size=3)
    if annotation is types.Int64:
        return st.integers(-(2**63), 2**63 - 1).map(types.Int64)
    if annotation is bool:
        return st.booleans()
    if annotation is str:
        return TEXT
    if isinstance(annotation, type) and issubclass(annotation, types.Message):
        return messages(annotation)
    raise AssertionError(f"no strategy for {annotation}")


def _limited(inner: Any, meta: Meta) -> st.SearchStrategy[Any]:
    if inner is int:
        return st.integers(meta.ge, meta.le)
    if inner is str and meta.pattern:
        texts = st.from_regex(meta.pattern.replace(r"(?!\n)", ""), fullmatch=True)
        return texts.filter(lambda text: (meta.min_length or 0) <= len(text) <= (meta.max_length or 99))
    if inner is str:
        return st.text(
            st.characters(exclude_categories=["Cs"]), min_size=meta.min_length or 0, max_size=meta.max_length
        )
    if get_origin(inner) is dict:
        key, value = get_args(inner)
        return st.dictionaries(_of(key), _of(value), max_size=3)
    return st.lists(_of(get_args(inner)[0]), min_size=meta.min_length or 0, max_size=3)
