"""The executions routes, as a kernel uses them."""

from __future__ import annotations

import secrets
from typing import Any

import httpx
import pytest

SESSION = "of-these-tests"  # other tests leave their traces in theirs


def body(code: str, **rest: Any) -> dict[str, Any]:
    source = {"type": "code", "source": code, "session": SESSION}
    return {"source": source, "project": "demo-project", **rest}


def read_events(response: httpx.Response) -> list[tuple[int, dict[str, Any]]]:
    """Number and event of everything in an event stream that has ended."""
    assert response.headers["content-type"].startswith("text/event-stream")
    events = []
    for block in response.text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            events.append((int(fields["id"]), httpx.Response(200, text=fields["data"]).json()))
    return events


def test_start_and_read_in_one_request(kernel: httpx.Client) -> None:
    execution_id = secrets.token_hex(8)
    headers = {"Accept": "text/event-stream", "X-Execution-Id": execution_id}
    answer = kernel.post("datasphere/executions", json=body("print('hello')"), headers=headers)
    assert answer.status_code == 200
    assert answer.headers["x-execution-id"] == execution_id
    events = read_events(answer)
    assert [number for number, _ in events] == list(range(1, len(events) + 1))
    assert events[-1][1] == {**events[-1][1], "type": "status", "state": "succeeded"}
    assert any(event.get("content", {}).get("text") == "hello\n" for _, event in events)


def test_start_look_and_join_from_any_event(kernel: httpx.Client) -> None:
    answer = kernel.post("datasphere/executions", json=body("for i in range(3): print(i)"))
    assert answer.status_code == 201
    execution = answer.json()
    path = f"datasphere/executions/{execution['id']}"
    everything = read_events(kernel.get(f"{path}/events"))
    assert kernel.get(path).json()["state"] == "succeeded"
    for after in (0, 2, len(everything)):
        rest = read_events(kernel.get(f"{path}/events", headers={"Last-Event-ID": str(after)}))
        assert rest == everything[after:]
        assert rest == read_events(kernel.get(f"{path}/events", params={"after": after}))


def test_cancel(kernel: httpx.Client) -> None:
    execution = kernel.post("datasphere/executions", json=body("import time\ntime.sleep(60)")).json()
    path = f"datasphere/executions/{execution['id']}"
    assert kernel.post(f"{path}/cancel").status_code == 202
    assert read_events(kernel.get(f"{path}/events"))[-1][1]["state"] == "cancelled"


def test_list_newest_first(kernel: httpx.Client) -> None:
    ids = [kernel.post("datasphere/executions", json=body("1")).json()["id"] for _ in range(3)]
    for execution_id in ids:
        kernel.get(f"datasphere/executions/{execution_id}/events")
    listed = kernel.get("datasphere/executions", params={"limit": 2}).json()["executions"]
    assert [execution["id"] for execution in listed] == ids[:0:-1]
    older = {"before": listed[-1]["created_at"], "limit": 1}
    assert kernel.get("datasphere/executions", params=older).json()["executions"][0]["id"] == ids[0]
    assert kernel.get("datasphere/executions", params={"state": "running"}).json()["executions"] == []


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        ("not json", 400, "bad-request"),
        ('{"source": {"type": "other"}}', 400, "bad-request"),
        ('{"source": {"type": "code", "source": "1"}}', 400, "no-project"),
        ('{"source": {"type": "code", "source": "1"}, "project": "nowhere"}', 404, "unknown-project"),
        (
            '{"source": {"type": "notebook", "path": "none.ipynb"}, "project": "demo-project"}',
            404,
            "no-such-notebook",
        ),
    ],
)
def test_a_wrong_request_is_one_problem(kernel: httpx.Client, content: str, status: int, code: str) -> None:
    before = kernel.get("datasphere/executions").json()
    answer = kernel.post("datasphere/executions", content=content)
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert (answer.status_code, answer.json()["status"], answer.json()["code"]) == (status, status, code)
    assert kernel.get("datasphere/executions").json() == before


@pytest.mark.parametrize(
    "path",
    ["datasphere/executions/0000000000000000", "datasphere/executions/0000000000000000/events"],
)
def test_an_unknown_execution(kernel: httpx.Client, path: str) -> None:
    answer = kernel.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "no-such-execution")


def test_wrong_numbers(kernel: httpx.Client) -> None:
    for parameters in ({"limit": "x"}, {"before": "nan"}, {"state": "sleeping"}):
        answer = kernel.get("datasphere/executions", params=parameters)
        assert (answer.status_code, answer.json()["code"]) == (400, "usage")


def test_variables(kernel: httpx.Client) -> None:
    answer = kernel.post(
        "datasphere/executions",
        json=body("kept = {'a': [1, 2]}"),
        headers={"Accept": "text/event-stream"},
    )
    assert read_events(answer)[-1][1]["state"] == "succeeded"
    query = {"project": "demo-project", "session": SESSION, "name": "kept"}
    found = kernel.get("datasphere/variables", params=query).json()
    assert found["variables"] == [{**found["variables"][0], "name": "kept", "value": {"a": [1, 2]}}]
    answer = kernel.get("datasphere/variables", params={"project": "demo-project", "name": "no_such"})
    assert (answer.status_code, answer.json()["code"]) == (404, "no-such-variable")


def test_status(kernel: httpx.Client, emulator: dict[str, str]) -> None:
    status = kernel.get("datasphere/status", params={"project": "demo-project"}).json()
    assert status["endpoint"] == emulator["url"]
    assert status["credentials"] == "OAuth token from YC_TOKEN"
    assert status["project"]["id"] == emulator["project_id"]
    assert status["project"]["channels"]["state"] == "ok"
    assert "give it to `jupyter datasphere link`" in status["project"]["channels"]["jupyter"]
    assert emulator["oauth_token"] not in str(status)
    answer = kernel.get("datasphere/status", params={"project": "demo-projekt"})
    assert answer.status_code == 404
    assert "demo-project" in answer.json()["hint"]
