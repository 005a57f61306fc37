"""Two Jupyter servers of one user at once: one history, each follows its own runs, and one takes over from the dead."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from executions.damage import spoil_all_but_the_first_page
from support import Facts

from jupyter_datasphere.demo.processes import environment_for, jupyter


class Server:
    """One of them."""

    def __init__(self, folder: Path, facts: dict[str, Any], client: httpx.Client) -> None:
        self.client = client
        self._pid: int = facts["pid"]
        self._log = folder.parent / "jupyter.log"

    @property
    def log(self) -> str:
        return self._log.read_text()

    def start(self, source: str, **rest: Any) -> str:
        body = {"source": {"type": "code", "source": source}, "project": "demo-project", **rest}
        answer = self.client.post("datasphere/executions", json=body)
        assert answer.status_code == 201
        return str(answer.json()["id"])

    def history(self) -> list[str]:
        answer = self.client.get("datasphere/executions").json()
        return [execution["id"] for execution in answer["executions"]]

    def state(self, execution_id: str) -> str:
        return str(self.client.get(f"datasphere/executions/{execution_id}").json()["state"])

    def events(self, execution_id: str) -> Iterator[tuple[int, dict[str, Any]]]:
        with self.client.stream("GET", f"datasphere/executions/{execution_id}/events") as answer:
            number = 0
            for line in answer.iter_lines():
                name, _, rest = line.partition(": ")
                if name == "id":
                    number = int(rest)
                elif name == "data":
                    yield number, json.loads(rest)

    def until_printed(self, execution_id: str, text: str) -> None:
        for _, event in self.events(execution_id):
            if event["type"] == "output" and text in event["content"].get("text", ""):
                return
        raise AssertionError(f"{text!r} was not printed")

    def kill(self) -> None:
        os.kill(self._pid, signal.SIGKILL)


@contextmanager
def server(folder: Path, ledger: Path, emulator: Facts, **environment: str) -> Iterator[Server]:
    folder.mkdir(parents=True)
    options = [f"--DataSphere.ledger_dir={ledger}"]
    with jupyter("server", folder, environment_for(emulator) | environment, options=options) as facts:
        headers = {"Authorization": f"token {facts['token']}"}
        with httpx.Client(base_url=facts["url"], headers=headers, timeout=60) as client:
            yield Server(folder, facts, client)


@pytest.fixture
def two(tmp_path: Path, emulator: Facts) -> Iterator[tuple[Server, Server]]:
    with ExitStack() as stack:
        one, other = (
            stack.enter_context(server(tmp_path / name / "notebooks", tmp_path / "ledger", emulator))
            for name in ("one", "other")
        )
        yield one, other


def test_both_histories_are_seen_and_runs_are_watched_and_cancelled_from_either(
    two: tuple[Server, Server],
) -> None:
    one, other = two
    first = one.start("import time\nprint('first begun')\ntime.sleep(60)")
    one.until_printed(first, "first begun")
    second = other.start("print('second')")  # waits over there for the first
    assert one.history() == other.history() == [second, first]
    other.until_printed(first, "first begun")
    assert other.client.post(f"datasphere/executions/{first}/cancel").status_code == 202
    states = [event["state"] for _, event in other.events(first) if event["type"] == "status"]
    assert states[-1] == "cancelled"
    one.until_printed(second, "second")
    assert [one.state(second), other.state(first)] == ["succeeded", "cancelled"]


def test_a_server_goes_on_with_the_runs_of_one_that_dies(two: tuple[Server, Server]) -> None:
    """While somebody watches there: each event comes once, and the code ran once."""
    one, other = two
    source = (
        "import time\ncount = globals().get('count', 0) + 1\n"
        "for number in range(6):\n    print('step', number, flush=True)\n    time.sleep(0.5)\nprint('count', count)"
    )
    source = source.replace("count", f"count_{secrets.token_hex(4)}")
    execution = one.start(source)
    seen: list[tuple[int, dict[str, Any]]] = []
    for numbered in other.events(execution):
        seen.append(numbered)
        if "step 1" in str(numbered) and len([1 for s in seen if "step 1" in str(s)]) == 1:
            one.kill()
    assert [number for number, _ in seen] == list(range(1, len(seen) + 1))
    text = "".join(event["content"]["text"] for _, event in seen if event["type"] == "output")
    assert text.startswith("".join(f"step {number}\n" for number in range(6)))
    assert text.endswith(" 1\n")
    assert seen[-1][1]["state"] == "succeeded"
    assert other.history() == [execution]


async def test_a_timeout_of_a_run_whose_server_has_died_is_kept_although_nobody_looks(
    two: tuple[Server, Server], emulator: Facts
) -> None:
    one, other = two
    assert other.history() == []
    name = f"stopped-{secrets.token_hex(4)}"
    source = (
        "import pathlib, time\nprint('begun')\n"
        f"try:\n    time.sleep(100)\nfinally:\n    pathlib.Path({name!r}).touch()"
    )
    execution = one.start(source, timeout=5)
    one.until_printed(execution, "begun")
    one.kill()
    stopped = Path(emulator["root"]) / "projects" / emulator["project_id"] / name
    async with asyncio.timeout(60):
        while not stopped.exists():
            await asyncio.sleep(0.05)
    assert [event for _, event in other.events(execution)][-1]["problem"]["code"] == "timeout"
    stopped.unlink()


def test_a_server_without_credentials_leaves_the_runs_to_one_that_has_them(
    tmp_path: Path, emulator: Facts
) -> None:
    ledger = tmp_path / "ledger"
    with server(tmp_path / "poor" / "notebooks", ledger, emulator, YC_TOKEN="") as poor:
        with server(tmp_path / "one" / "notebooks", ledger, emulator) as one:
            execution = one.start("import time\nprint('begun')\ntime.sleep(3)\nprint('ended')")
            one.until_printed(execution, "begun")
            one.kill()
        assert poor.history() == [execution]
        assert poor.state(execution) == "running"
        with server(tmp_path / "later" / "notebooks", ledger, emulator) as later:
            later.until_printed(execution, "ended")
            assert [event for _, event in poor.events(execution)][-1]["state"] == "succeeded"


def test_a_ledger_folder_that_cannot_be_used_is_told_and_the_rest_works(
    tmp_path: Path, emulator: Facts
) -> None:
    (tmp_path / "file").touch()
    with server(tmp_path / "one" / "notebooks", tmp_path / "file" / "ledger", emulator) as one:
        status = one.client.get("datasphere/status").json()
        assert "problem" not in status
        assert "cannot be written" in status["ledger"]["problem"]
        assert one.history() == []
        body = {"source": {"type": "code", "source": "1"}, "project": "demo-project"}
        answer = one.client.post("datasphere/executions", json=body)
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (507, "ledger-unwritable")
        assert "DataSphere.ledger_dir" in problem["hint"]
        assert one.client.get("datasphere/projects").status_code == 200
        assert "Traceback" not in one.log


def test_a_damaged_ledger_is_told_and_a_new_start_mends_that(tmp_path: Path, emulator: Facts) -> None:
    ledger = tmp_path / "ledger"
    with server(tmp_path / "one" / "notebooks", ledger, emulator) as one:
        execution = one.start("print('first')")
        one.until_printed(execution, "first")
        while one.client.get("datasphere/status?check=false").json().get("running"):
            pass
        (path,) = ledger.glob("*.sqlite")
        spoil_all_but_the_first_page(path)
        body = {"source": {"type": "code", "source": "1"}, "project": "demo-project"}
        answers = [
            one.client.get("datasphere/executions"),
            one.client.get(f"datasphere/executions/{execution}/events"),
            one.client.post(f"datasphere/executions/{execution}/cancel"),
            one.client.post("datasphere/executions", json=body),
        ]
        assert [(a.status_code, a.json()["code"]) for a in answers] == [(507, "ledger-damaged")] * 4
        assert "Start the Jupyter server anew" in answers[0].json()["hint"]
        assert "damaged" in one.client.get("datasphere/status").json()["ledger"]["problem"]
    with server(tmp_path / "later" / "notebooks", ledger, emulator) as later:
        assert "set aside" in later.client.get("datasphere/status").json()["ledger"]["problem"]
        later.until_printed(later.start("print('second')"), "second")
