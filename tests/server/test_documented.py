"""What of a request is documented, and what of an answer may be seen: without a server."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jupyter_datasphere.datasphere import types
from jupyter_datasphere.datasphere.methods import METHODS
from jupyter_datasphere.errors import NotFoundError, ServiceError, UsageError
from jupyter_datasphere.server.documented import message_in_body, message_in_query, method_of
from jupyter_datasphere.server.redaction import redacted

CREATE, LIST, OPEN = (METHODS[name] for name in ("project.create", "project.list", "project.open"))
BINDINGS, EXECUTE = METHODS["project.updateAccessBindings"], METHODS["project.execute"]
JSON = "application/json; charset=utf-8"


def refusal(method: Any, body: Any, content_type: str = JSON) -> UsageError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(UsageError) as caught:
        message_in_body(method, raw, content_type)
    assert caught.value.http_status == 400
    return caught.value


def test_every_method_is_found_by_its_path() -> None:
    for method in METHODS.values():
        if method.host == "iam":
            continue
        path = method.path.removeprefix("/datasphere")
        for name in ("projectId", "communityId", "operationId", "resourceId"):
            path = path.replace(f"{{{name}}}", "bt1-x_9")
        found, ids = method_of(method.verb, path)
        assert found is method
        assert set(ids.values()) == ({"bt1-x_9"} if "{" in method.path else set())


@pytest.mark.parametrize(
    "path",
    [
        "/v2/projects/a%3Aexecute",
        "/v2/projects/a%2Fopen",
        "/v2/projects/..",
        "/v2/projects/{}:execute",
        "/v2/projects/a:execute:execute",
        "/v2/projects/a\n:execute",
        "/v2/projects/ж:execute",
        "/v2/projects//open",
        f"/v2/projects/{'a' * 51}:execute",
        "/v1/projects/a:execute",
    ],
)
def test_what_is_written_otherwise_is_no_path(path: str) -> None:
    with pytest.raises(NotFoundError):
        method_of("POST", path)


def test_fields_are_refused_by_name_at_every_level() -> None:
    error = refusal(CREATE, {"communityId": "c", "colour": "red", "settings": {"ide": "JUPYTER_LAB", "x": 1}})
    assert error.code == "undocumented-field"
    assert "colour, settings.x" in error.message
    delta = {"action": "ADD", "accessBinding": {"roleId": "r", "subject": {"id": "i", "type": "t", "y": 1}}}
    assert "accessBindingDeltas[1].accessBinding.subject.y" in (
        refusal(BINDINGS, {"accessBindingDeltas": [{"action": "ADD"}, delta]}).message
    )
    assert refusal(CREATE, {"community_id": "c"}).hint == "It is written communityId."
    assert "no documented field x" in refusal(OPEN, {"x": 1}).message


def test_names_that_are_the_users_own_are_no_fields() -> None:
    body = {"notebookId": "n", "inputVariables": {"any_thing": {"at": ["all"]}}}
    message = message_in_body(EXECUTE, json.dumps(body).encode(), JSON)
    assert isinstance(message, types.ExecuteRequest)
    assert message.input_variables == {"any_thing": {"at": ["all"]}}
    assert message_in_body(OPEN, b" ", "") is None


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b'{"name": NaN}',
        b'{"name": Infinity}',
        b'{"name": "\xff"}',
        b'{"a": 1e999}',
        b'{"name": "\\ud800"}',
        b"[" * 100000,
        b'{"inputVariables":' + b'{"a":' * 100 + b"1" + b"}" * 101,
    ],
    ids=lambda body: body[:24].decode("latin-1"),
)
def test_a_body_that_cannot_be_read_is_one_clear_error(body: bytes) -> None:
    assert refusal(EXECUTE, body).code == "bad-request"


def test_a_body_of_another_kind_is_refused() -> None:
    error = refusal(CREATE, {"communityId": "c"}, "application/x-www-form-urlencoded")
    assert "application/json" in (error.hint or "")


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"communityId": [b"a", b"b"]}, "given 2 times"),
        ({"communityId": [b"\xff"]}, "not UTF-8"),
        ({"communityId": [b"c"], "pageSize": [b"nan"]}, "limit of the API"),
        ({"communityId": [b"c"], "pageSize": [b"1001"]}, "limit of the API"),
        ({"communityId": [b"c"], "page_size": [b"1"]}, "no documented parameter page_size"),
    ],
)
def test_a_query_is_checked(parameters: dict[str, list[bytes]], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        message_in_query(LIST, parameters)


def test_session_tokens_are_taken_out_wherever_they_are() -> None:
    body = {
        "response": {
            "sessionToken": "s3cret",
            "more": [{"session_token": {"deep": "s3cret"}}],
            "projectUrl": "https://p.example/?sessionToken=s3cret&x=1",
        }
    }
    answer = redacted(json.dumps(body).encode(), "operation.get")
    assert b"s3cret" not in answer
    assert json.loads(answer)["response"]["projectUrl"] == "https://p.example/?sessionToken=<redacted>&x=1"
    escaped = b'{"s\\u0065ssi\\u006fnT\\u006fken": "s3cret"}'
    assert b"s3cret" not in redacted(escaped, "operation.get")
    plain = b'{"name":  "as it came"}'
    assert redacted(plain, "project.get") is plain


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b'{"sessionToken": "s3cret"', b'{"a": 1} x', b"[" * 100_000]
)
def test_what_is_not_json_does_not_go_on(body: bytes) -> None:
    with pytest.raises(ServiceError) as caught:
        redacted(body, "project.get")
    assert caught.value.code == "bad-answer"
    assert "s3cret" not in str(caught.value)
