"""A second opinion: the vendor's generated message classes, and what their descriptors say of the methods.

Messages are parsed by the strict proto3 JSON mapping: an unknown field or a value of another form fails.
"""

from __future__ import annotations

import functools
import importlib
import json
import pkgutil
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import yandex.cloud.datasphere.v2 as datasphere_v2
from google.protobuf import empty_pb2, json_format
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from yandex.cloud import validation_pb2
from yandex.cloud.access import access_pb2
from yandex.cloud.api import operation_pb2 as operation_options
from yandex.cloud.iam.v1 import iam_token_service_pb2
from yandex.cloud.operation import operation_service_pb2

from jupyter_datasphere.datasphere.methods import METHODS, Method

NO_LONGER = {"project.cellOutputs", "project.stateVariables", "project.notebookMetadata"}
"""Methods of revision 2024-03 that the classes of today do not hold."""
ONCE_MORE = {"project.openOld": "project.open"}
"""Other spellings of methods."""

GONE_FROM_EXECUTION = ("checkpointId", "outputVariables")
"""Fields that the response of an execution had in revision 2024-03."""

_RULES = ("required", "pattern", "length", "size", "value", "map_key")
assert empty_pb2 is not None and access_pb2 is not None  # types of fields, found in the pool


class Rules(NamedTuple):
    """What the options of a field demand."""

    required: bool = False
    pattern: str = ""
    length: str = ""
    size: str = ""
    value: str = ""
    key_pattern: str = ""
    key_length: str = ""


def services() -> Iterator[ServiceDescriptor]:
    """All services of the API's second version, those in packages below it too."""
    for module in pkgutil.walk_packages(datasphere_v2.__path__, datasphere_v2.__name__ + "."):
        if module.name.endswith("_pb2"):
            yield from importlib.import_module(module.name).DESCRIPTOR.services_by_name.values()


def http_of(method: MethodDescriptor) -> tuple[str, str] | None:
    """Verb and path of a method; None where it has no REST form."""
    for field, rule in method.GetOptions().ListFields():
        if field.full_name == "google.api.http":
            verb = rule.WhichOneof("pattern")
            return verb.upper(), getattr(rule, verb)
    return None


@functools.cache
def theirs() -> dict[str, MethodDescriptor]:
    """Their methods with a REST form, by verb and path, parameters without their names."""
    found = [*services()]
    found += operation_service_pb2.DESCRIPTOR.services_by_name.values()
    methods = [method for service in found for method in service.methods]
    methods += [
        iam_token_service_pb2.DESCRIPTOR.services_by_name["IamTokenService"].methods_by_name["Create"]
    ]
    return {route(*rest): method for method in methods if (rest := http_of(method)) is not None}


def route(verb: str, path: str) -> str:
    return f"{verb} {re.sub(r'{[^}]*}', '{}', path)}"


def their(method: Method) -> MethodDescriptor:
    """The descriptor of one of our methods."""
    name = ONCE_MORE.get(method.name, method.name)
    return theirs()[route(METHODS[name].verb, METHODS[name].path)]


def parameters_of(method: MethodDescriptor) -> set[str]:
    """The fields of a request that stand in the path."""
    rest = http_of(method)
    assert rest is not None
    return set(re.findall(r"{([^}=]*)", rest[1]))


def rules_of(field: FieldDescriptor) -> Rules:
    options = field.GetOptions()
    found = {name: options.Extensions[getattr(validation_pb2, name)] for name in _RULES}
    key = found.pop("map_key")
    return Rules(**found, key_pattern=key.pattern, key_length=key.length)


def request_of(method: Method, fields: dict[str, Any], ids: dict[str, str]) -> Message:
    """A request as the vendor reads it: what is in the body or query, and what is in the path."""
    descriptor = their(method)
    named = dict(zip(re.findall(r"{([^}]*)}", http_of(descriptor)[1]), ids.values(), strict=True))  # type: ignore[index]
    return _parse({**fields, **named}, GetMessageClass(descriptor.input_type))


def answer_of(method: Method, body: bytes) -> Message:
    """An answer as the vendor reads it; in an operation, metadata and response are those of the method."""
    descriptor = their(method)
    fields = json.loads(body)
    response = fields.get("response", {})
    if response.get("@type", "").endswith(".ProjectExecutionResponse"):
        for name in GONE_FROM_EXECUTION:
            response.pop(name, None)
    answer = _parse(fields, GetMessageClass(descriptor.output_type))
    if descriptor.output_type.full_name == "yandex.cloud.operation.Operation" and method.host == "datasphere":
        options = descriptor.GetOptions().Extensions[operation_options.operation]
        _is(answer.metadata, options.metadata, descriptor)  # type: ignore[attr-defined]
        if answer.HasField("response"):
            _is(answer.response, options.response, descriptor)  # type: ignore[attr-defined]
    return answer


def _is(content: Any, name: str, descriptor: MethodDescriptor) -> None:
    """Fail unless an Any holds the message that the method's options name."""
    expected = name if "." in name or not name else f"{descriptor.containing_service.file.package}.{name}"
    assert content.type_url.removeprefix("type.googleapis.com/") == expected, (descriptor.full_name, content)


def _parse(fields: dict[str, Any], kind: type[Message]) -> Message:
    try:
        return json_format.ParseDict(fields, kind())
    except json_format.ParseError as error:
        raise AssertionError(f"{kind.DESCRIPTOR.full_name} {fields}: {error}") from error
