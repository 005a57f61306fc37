"""The DataSphere API through the extension: documented calls, and nothing else."""

from __future__ import annotations

import time
import uuid

import httpx
import pytest


def test_calls_come_through_with_their_answers(user: httpx.Client, emulator: dict[str, str]) -> None:
    answer = user.get(f"datasphere/api/v2/projects/{emulator['project_id']}")
    assert answer.status_code == 200
    assert answer.json()["name"] == "demo-project"
    assert answer.headers["x-request-id"]
    query = {"communityId": emulator["community_id"], "pageSize": 1}
    assert len(user.get("datasphere/api/v2/projects", params=query).json()["projects"]) == 1
    balance = user.get(f"datasphere/api/v2/projects/{emulator['project_id']}:unitBalance")
    assert balance.status_code == 200


def test_a_change_and_its_operation(user: httpx.Client, emulator: dict[str, str]) -> None:
    key = str(uuid.uuid4())
    body = {"communityId": emulator["community_id"], "name": "through"}
    answers = [
        user.post("datasphere/api/v2/projects", json=body, headers={"Idempotency-Key": key}) for _ in range(2)
    ]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    operation = user.get(f"datasphere/api/operations/{answers[0].json()['id']}").json()
    assert operation["metadata"]["projectId"]


def test_the_services_own_error_comes_through(user: httpx.Client) -> None:
    answer = user.get("datasphere/api/v2/projects/bt1nosuchproject")
    assert answer.status_code == 404
    assert answer.json()["code"] == 5
    assert answer.headers["x-request-id"] == answer.json()["details"][0]["requestId"]


def test_a_caller_that_takes_problems_gets_our_words_for_an_error(user: httpx.Client) -> None:
    headers = {"Accept": "application/json, application/problem+json"}
    answer = user.get("datasphere/api/v2/projects/bt1nosuchproject", headers=headers)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["code"], problem["status"]) == ("not-found", 404)
    assert problem["hint"] and problem["request_id"]


def test_session_tokens_stay_here(user: httpx.Client, emulator: dict[str, str]) -> None:
    operation = user.post(f"datasphere/api/v2/projects/{emulator['project_id']}/open").json()
    deadline = time.monotonic() + 20
    while not operation.get("done") and time.monotonic() < deadline:
        operation = user.get(f"datasphere/api/operations/{operation['id']}").json()
    assert operation["response"]["projectUrl"]
    assert operation["response"]["sessionToken"] == "<redacted>"


@pytest.mark.parametrize("tells_its_length", [True, False])
def test_a_body_that_is_too_large_is_not_taken(user: httpx.Client, tells_its_length: bool) -> None:
    """A caller that does not listen while it sends may find its connection closed."""
    large = 17 * 10**6
    pieces = (b" " * 10**6 for _ in range(17))
    headers = {"Content-Type": "application/json"}
    if tells_its_length:
        headers["Content-Length"] = str(large)
    try:
        answer = user.post("datasphere/api/v2/projects", content=pieces, headers=headers)
    except (httpx.WriteError, httpx.ReadError):
        pass
    else:
        assert answer.status_code == (413 if tells_its_length else 400)
    assert user.get("datasphere/status", params={"check": "false"}).status_code == 200


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", "datasphere/api/v2/projects/a/b"),
        ("GET", "datasphere/api/v2/projects/%2e%2e"),
        ("GET", "datasphere/api/v2/projects/a%2fb"),
        ("GET", "datasphere/api/v2/projects/a%3ab"),
        ("GET", "datasphere/api/v2/projects/a%0ab"),
        ("GET", "datasphere/api/v2/projects/%D0%B0"),
        ("GET", "datasphere/api/v2/secrets"),
        ("POST", "datasphere/api/v2/projects/a"),
        ("POST", "datasphere/api/iam/v1/tokens"),
        ("GET", "datasphere/api/operations/%2e%2e/v2/projects"),
        ("DELETE", "datasphere/api/operations/a"),
    ],
)
def test_what_is_not_documented_is_not_sent(user: httpx.Client, verb: str, path: str) -> None:
    answer = user.request(verb, path)
    assert answer.status_code == 404
    if answer.headers["content-type"].startswith("application/problem+json"):
        assert answer.json()["code"] == "no-such-method"


def test_limits_are_checked_here(user: httpx.Client, emulator: dict[str, str]) -> None:
    body = {"communityId": emulator["community_id"], "name": "Not Allowed"}
    answer = user.post("datasphere/api/v2/projects", json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "usage")
    answer = user.get("datasphere/api/v2/projects", params={"communityId": "x", "pageSize": 2000})
    assert answer.status_code == 400
    answer = user.post("datasphere/api/v2/projects", content="{")
    assert answer.status_code == 400
