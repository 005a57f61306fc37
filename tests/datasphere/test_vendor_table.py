"""The table of methods and the limits of its messages, against the vendor's descriptors."""

from __future__ import annotations

import re
import types as builtin_types
import typing
from typing import Annotated, Any, get_args, get_origin

import msgspec
import pytest
import vendor
from msgspec import Meta

from jupyter_datasphere.datasphere import types
from jupyter_datasphere.datasphere.methods import METHODS, Method

COMPARED = [method for method in METHODS.values() if method.name not in vendor.NO_LONGER]

FACTS = {
    "project.cellOutputs": ("GET", "/datasphere/v2/projects/{projectId}:cellOutputs"),
    "project.stateVariables": ("GET", "/datasphere/v2/projects/{projectId}:stateVariables"),
    "project.notebookMetadata": ("GET", "/datasphere/v1/projects/{projectId}:notebookMetadata"),
}
FIELDS = {
    "project.cellOutputs": {"cellId": (True, 200), "checkpointId": (False, None), "startAt": (False, None)},
    "project.stateVariables": {
        "notebookId": (True, 200),
        "variableNames": (False, None),
        "checkpointId": (False, None),
    },
    "project.notebookMetadata": {"notebookPath": (True, 200)},
}
"""Which fields are required, and their longest length, by the REST reference of revision 2024-03."""

STRICTER = {
    ("yandex.cloud.datasphere.v2.CreateCommunityRequest", "description"),
    ("yandex.cloud.datasphere.v2.CreateCommunityRequest", "organization_id"),
    ("yandex.cloud.datasphere.v2.CreateCommunityRequest", "zone_id"),
    ("yandex.cloud.datasphere.v2.CreateCommunityRequest", "billing_account_id"),
    ("yandex.cloud.datasphere.v2.CreateCommunityRequest", "labels"),
    ("yandex.cloud.datasphere.v2.UpdateCommunityRequest", "name"),
    ("yandex.cloud.datasphere.v2.UpdateCommunityRequest", "description"),
    ("yandex.cloud.datasphere.v2.UpdateCommunityRequest", "labels"),
    ("yandex.cloud.datasphere.v2.ListCommunitiesRequest", "organization_id"),
    ("yandex.cloud.datasphere.v2.ListCommunitiesRequest", "page_size"),
    ("yandex.cloud.datasphere.v2.ListCommunitiesRequest", "page_token"),
    ("yandex.cloud.datasphere.v2.ListCommunitiesRequest", "owned_by_id"),
    ("yandex.cloud.datasphere.v2.ListProjectsRequest", "community_id"),
    ("yandex.cloud.datasphere.v2.ListProjectsRequest", "owned_by_id"),
    *(
        ("yandex.cloud.datasphere.v2.Project.Settings", name)
        for name in ("service_account_id", "subnet_id", "data_proc_cluster_id", "default_folder_id")
    ),
    ("yandex.cloud.access.SetAccessBindingsRequest", "access_bindings"),
}
"""Fields of which the descriptors say less than the REST reference, which names the limits of others like them:
we hold ourselves to those. And whoever sets all roles has to give a list: to leave it out would take them all."""


def test_no_method_of_the_vendor_is_missing() -> None:
    """When this fails after an update of `yandexcloud`, the vendor has a method that we lack."""
    ours = {vendor.route(method.verb, method.path) for method in METHODS.values()}
    assert sorted(set(vendor.theirs()) - ours) == []


def test_no_method_of_ours_is_made_up() -> None:
    ours = {vendor.route(method.verb, method.path): method.name for method in METHODS.values()}
    unknown = {ours[key] for key in set(ours) - set(vendor.theirs())}
    assert unknown == vendor.NO_LONGER | set(vendor.ONCE_MORE)


@pytest.mark.parametrize("name", sorted(vendor.NO_LONGER))
def test_methods_that_are_gone_are_those_of_the_reference(name: str) -> None:
    method = METHODS[name]
    assert (method.verb, method.path) == FACTS[name]
    assert method.revision == "2024-03"
    assert method.request is not None
    found = {}
    for field in msgspec.structs.fields(method.request):
        limits = limits_of(method.request, field.name)
        found[field.encode_name] = (limits.required, limits.length[1])
    assert found == FIELDS[name]


@pytest.mark.parametrize("method", COMPARED, ids=lambda method: method.name)
def test_fields_are_those_of_the_vendor(method: Method) -> None:
    descriptor = vendor.their(method)
    expected = {
        field.json_name
        for field in descriptor.input_type.fields
        if field.name not in vendor.parameters_of(descriptor)
    }
    ours = (
        {field.encode_name for field in msgspec.structs.fields(method.request)} if method.request else set()
    )
    assert ours == expected


@pytest.mark.parametrize("method", COMPARED, ids=lambda method: method.name)
def test_answers_have_the_fields_of_the_vendor(method: Method) -> None:
    _same_fields(method.response, vendor.their(method).output_type)


def _same_fields(ours: Any, theirs: Any) -> None:
    fields = {field.encode_name: field for field in msgspec.structs.fields(ours)}
    assert set(fields) == {field.json_name for field in theirs.fields}, ours
    for field in theirs.fields:
        inner = _message_in(typing.get_type_hints(ours)[fields[field.json_name].name])
        if inner is not None and field.message_type is not None:
            _same_fields(inner, field.message_type)


def _message_in(annotation: Any) -> Any:
    """The struct that an annotation names, in a list or optional."""
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return None if annotation is types.Status else annotation
    return next((found for part in get_args(annotation) if (found := _message_in(part))), None)


@pytest.mark.parametrize("method", COMPARED, ids=lambda method: method.name)
def test_limits_are_those_of_the_vendor(method: Method) -> None:
    descriptor = vendor.their(method)
    for field in descriptor.input_type.fields:
        if method.request is None or field.name in vendor.parameters_of(descriptor):
            continue
        _same_limits(method.request, descriptor.input_type, field)


def _same_limits(ours: Any, owner: Any, field: Any) -> None:
    [name] = [one.name for one in msgspec.structs.fields(ours) if one.encode_name == field.json_name]
    found, rules = limits_of(ours, name), vendor.rules_of(field)
    where = (owner.full_name, field.name)
    if field.message_type is not None and field.message_type.full_name == "google.protobuf.Duration":
        return  # ours is a text, whose form is its only limit
    if where in STRICTER:
        assert rules != wanted(found), f"{where} is no longer an exception"
    else:
        assert wanted(found) == rules, where
    inner = _message_in(typing.get_type_hints(ours)[name])
    if inner is not None and field.message_type is not None and not field.message_type.GetOptions().map_entry:
        for one in field.message_type.fields:
            _same_limits(inner, field.message_type, one)


@pytest.mark.parametrize("method", COMPARED, ids=lambda method: method.name)
def test_names_of_values_are_those_of_the_vendor(method: Method) -> None:
    descriptor = vendor.their(method)
    if method.request is not None:
        _same_names(method.request, descriptor.input_type)
    _same_names(method.response, descriptor.output_type)


def _same_names(ours: Any, theirs: Any) -> None:
    hints = typing.get_type_hints(ours)
    for name, field in (
        (one.name, theirs.fields_by_camelcase_name.get(one.encode_name))
        for one in msgspec.structs.fields(ours)
    ):
        inner = _message_in(hints[name])
        if inner is not None and field.message_type is not None:
            _same_names(inner, field.message_type)
        if field.enum_type is not None:
            expected = [value.name for value in field.enum_type.values]
            names = _names_in(hints[name])
            assert sorted(names) in (sorted(expected), sorted(expected[1:])), name  # 0: not given


def _names_in(annotation: Any) -> list[str]:
    """The texts of the literals in an annotation."""
    if get_origin(annotation) is typing.Literal:
        return list(get_args(annotation))
    return [name for part in get_args(annotation) for name in _names_in(part)]


class Limits(typing.NamedTuple):
    required: bool
    pattern: str
    length: tuple[int | None, int | None]
    size: tuple[int | None, int | None]
    value: tuple[int | None, int | None]
    key_pattern: str = ""
    key_length: tuple[int | None, int | None] = (None, None)


def limits_of(struct: type[msgspec.Struct], name: str) -> Limits:
    """What our annotations demand of a field."""
    [field] = [one for one in msgspec.structs.fields(struct) if one.name == name]
    annotation = typing.get_type_hints(struct, include_extras=True)[name]
    required = field.default is msgspec.NODEFAULT and field.default_factory is msgspec.NODEFAULT
    metas, inner = _metas(annotation)
    key_pattern, key_length = "", (None, None)
    pattern, length, size, value = "", (None, None), (None, None), (None, None)
    for meta in metas:
        if get_origin(inner) in (list, dict):
            size = (meta.min_length, meta.max_length)
        else:
            pattern = meta.pattern or pattern
            length = (meta.min_length, meta.max_length)
            value = (meta.ge, meta.le)
    if get_origin(inner) is dict:
        key, content = get_args(inner)
        for meta in _metas(key)[0]:
            key_pattern, key_length = meta.pattern, (meta.min_length, meta.max_length)
        for meta in _metas(content)[0]:
            pattern, length = meta.pattern, (meta.min_length, meta.max_length)
    return Limits(required, pattern, length, size, value, key_pattern, key_length)


def _metas(annotation: Any) -> tuple[list[Meta], Any]:
    if get_origin(annotation) in (typing.Union, builtin_types.UnionType):
        parts = [part for part in get_args(annotation) if part is not type(None)]
        return _metas(parts[0]) if len(parts) == 1 else ([], annotation)
    if get_origin(annotation) is Annotated:
        inner, *metas = get_args(annotation)
        return [meta for meta in metas if isinstance(meta, Meta)], inner
    return [], annotation


def wanted(limits: Limits) -> vendor.Rules:
    """Our limits in the vendor's notation."""
    return vendor.Rules(
        required=limits.required and limits.size[0] is None,  # at least one says so, too
        pattern=_bare(limits.pattern),
        length=_range(limits.length, required=limits.required),
        size=_range(limits.size, required=False),
        value=_range(limits.value),
        key_pattern=_bare(limits.key_pattern),
        key_length=_range(limits.key_length),
    )


def _range(limits: tuple[int | None, int | None], *, required: bool = False) -> str:
    low, high = limits
    if high is None:
        return ""
    if low is None or (required and low == 1):  # an empty string is one that is not given
        return f"<={high}"
    return f"{low}-{high}"


def _bare(pattern: str) -> str:
    """Without the ends that our patterns spell out, and without the leave to be empty (not given)."""
    bare = re.sub(r"^\^|\$\(\?!\\n\)$", "", pattern or "")
    optional = re.fullmatch(r"\((.*)\)\?", bare)
    return optional[1] if optional and bare.endswith(")?") and _balanced(optional[1]) else bare


def _balanced(pattern: str) -> bool:
    depth = 0
    for character in re.sub(r"\\.|\[[^]]*\]", "", pattern):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth < 0:
            return False
    return depth == 0
