"""``GET /datasphere/operations/{id}``"""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest


def execute(user: httpx.Client, emulator: dict[str, Any], code: str) -> str:
    """Begin a run; gives the operation's ID."""
    body = {"source": {"type": "code", "source": code}, "project": emulator["project_id"]}
    run = user.post("datasphere/executions", json=body).json()
    while not run.get("operation_id"):
        time.sleep(0.01)
        run = user.get(f"datasphere/executions/{run['id']}").json()
    return str(run["operation_id"])


def test_it_is_waited_for_and_no_longer_than_asked(user: httpx.Client, emulator: dict[str, Any]) -> None:
    operation = execute(user, emulator, "import time\ntime.sleep(600)")
    for wait in ("0", "0.05"):
        answer = user.get(f"datasphere/operations/{operation}", params={"wait": wait})
        assert answer.json() == {"id": operation}  # not done
    user.get(f"datasphere/api/operations/{operation}:cancel")
    ended = user.get(f"datasphere/operations/{operation}", params={"wait": "30"})
    assert ended.json() == {"id": operation, "done": True}


def test_what_an_operation_gives_back_is_not_told(user: httpx.Client, emulator: dict[str, Any]) -> None:
    opening = user.post(f"datasphere/api/v2/projects/{emulator['project_id']}/open").json()["id"]
    answer = user.get(f"datasphere/operations/{opening}", params={"wait": "30"})
    assert answer.json() == {"id": opening, "done": True}


@pytest.mark.parametrize("wait", ["31", "-1", "nan", "inf", "x", ""])
def test_a_wait_must_be_a_short_time(user: httpx.Client, wait: str) -> None:
    answer = user.get("datasphere/operations/bt1x", params={"wait": wait})
    assert (answer.status_code, answer.json()["code"]) == (400, "usage")


def test_an_unknown_one(user: httpx.Client) -> None:
    answer = user.get("datasphere/operations/bt1nosuchoperation")
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    assert user.get("datasphere/operations/a%2fb").status_code == 404
