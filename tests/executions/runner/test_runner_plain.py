"""Where the kernel is none that the runner knows, it captures what Python code writes, and says what it cannot."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from executions.runner.runner_kernel import start

from jupyter_datasphere.executions.runner.notebook import runner_cell
from jupyter_datasphere.executions.runner.request import RunRequest, environment
from jupyter_datasphere.protocol import EVENTS_MIME

PROGRAM = """
import json, os, sys
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell

published = []

class Publisher(DisplayPublisher):
    def publish(self, data, metadata=None, **options):
        published.append(data)

InteractiveShell.display_pub_class.default_value = Publisher
shell = InteractiveShell.instance()
cell, *requests = json.load(open(sys.argv[1]))
for strings in requests:
    os.environ.update(strings)
    result = shell.run_cell(cell, store_history=True)
    result.raise_error()
    assert sys.stdout is sys.__stdout__
print("after")
json.dump(published, open(sys.argv[2], "w"))
"""


def run(folder: Path, *codes: str) -> list[list[dict[str, Any]]]:
    """Events of runs of these codes in an IPython without a kernel."""
    requests = [environment(RunRequest(run=str(n), kind="code", code=code)) for n, code in enumerate(codes)]
    given, found = folder / "given.json", folder / "found.json"
    given.write_text(json.dumps([runner_cell(), *requests]))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(given), str(found)],
        cwd=folder,
        env={"IPYTHONDIR": str(folder / ".ipython"), "PATH": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    assert done.stdout == "after\n"
    runs: list[list[dict[str, Any]]] = [[] for _ in codes]
    for data in json.loads(found.read_text()):
        assert list(data) == [EVENTS_MIME]
        for number, event in data[EVENTS_MIME]["events"]:
            events = runs[int(data[EVENTS_MIME]["run"])]
            events.append(event)
            assert number == len(events)
    return runs


def test_it_runs_streams_shows_fails_and_says_what_is_missing(tmp_path: Path) -> None:
    code = "import sys\nx = 1\nprint('out')\nprint('err', file=sys.stderr)\ndisplay(2)\n1 / 0"
    first, second = run(tmp_path, code, "print(x)\nexit()")
    kinds = [(event["type"], event.get("message")) for event in first]
    assert kinds == [
        ("started", None),
        ("notice", None),
        ("output", "stream"),
        ("output", "stream"),
        ("output", "display_data"),
        ("failure", None),
        ("finished", None),
    ]
    assert "forked processes" in first[1]["text"]
    assert [event["content"].get("text") for event in first[2:4]] == ["out\n", "err\n"]
    assert first[4]["content"]["data"] == {"text/plain": "2"}
    assert first[5]["ename"] == "ZeroDivisionError"
    assert first[6]["status"] == "error"
    assert [event["type"] for event in second] == ["started", "output", "failure", "finished"]
    assert second[1]["content"]["text"] == "1\n"
    assert second[2]["ename"] == "SystemExit"


def test_a_kernel_that_does_not_watch_its_descriptors_is_said_to(tmp_path: Path) -> None:
    for kernel in start(tmp_path, ["--IPKernelApp.capture_fd_output=False"]):
        first = kernel.run("print(1)\ndisplay(2)")
        assert "programs and C libraries" in first.notices[0]
        assert [output["message"] for output in first.outputs] == ["stream", "display_data"]
        assert kernel.run("1").notices == []  # said once
