"""The events of several executions on one stream."""

from __future__ import annotations

import json
from typing import Any

import httpx


def start(user: httpx.Client, code: str) -> str:
    answer = user.post(
        "datasphere/executions", json={"project": "demo-project", "source": {"type": "code", "source": code}}
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def heard(user: httpx.Client, executions: str) -> list[dict[str, Any]]:
    """All events to the end of the stream."""
    with user.stream("GET", "datasphere/events", params={"executions": executions}) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"] == "text/event-stream"
        return [json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data: ")]


def texts(events: list[dict[str, Any]], execution_id: str) -> str:
    return "".join(
        event["event"]["content"]["text"]
        for event in events
        if event["execution"] == execution_id and event["event"]["type"] == "output"
    )


def test_several_on_one_stream_each_in_its_order(user: httpx.Client) -> None:
    runs = {start(user, f"for i in range(20): print({n}, i)"): n for n in range(3)}
    events = heard(user, ",".join(runs))
    for execution_id, n in runs.items():
        numbers = [event["number"] for event in events if event["execution"] == execution_id]
        assert numbers == list(range(1, len(numbers) + 1))
        assert texts(events, execution_id) == "".join(f"{n} {i}\n" for i in range(20))


def test_from_any_point_on(user: httpx.Client) -> None:
    first, second = start(user, "print('one')"), start(user, "print('two')")
    events = heard(user, f"{first},{second}")
    last = max(event["number"] for event in events if event["execution"] == first)
    rest = heard(user, f"{first}:{last - 1},{second}")
    assert [event["number"] for event in rest if event["execution"] == first] == [last]
    assert texts(rest, second) == "two\n"


def test_mistakes_are_told_before_the_stream_begins(user: httpx.Client) -> None:
    for bad in ("", "x", "0123456789abcdef:x", ",".join(["0123456789abcdef"] * 101)):
        answer = user.get("datasphere/events", params={"executions": bad})
        assert (answer.status_code, answer.json()["code"]) == (400, "usage")
    assert user.get("datasphere/events").status_code == 400


def test_one_that_is_not_known_stops_no_other(user: httpx.Client) -> None:
    known = start(user, "print('here')")
    told = heard(user, f"0123456789abcdef,{known}")
    problems = [one for one in told if "problem" in one]
    assert [(one["execution"], one["problem"]["code"]) for one in problems] == [
        ("0123456789abcdef", "no-such-execution")
    ]
    assert texts([one for one in told if "event" in one], known) == "here\n"
