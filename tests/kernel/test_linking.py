"""`jupyter datasphere link`: cells of a project of today's revision, on the project's own Jupyter server."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support import Facts

from .conftest import plain_kernel
from .serving import Terminal

LOAD = "%load_ext jupyter_datasphere"


@pytest.fixture
def terminal(current_emulator: Facts, tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(current_emulator, tmp_path)
    yield terminal
    terminal.close()


@pytest.fixture
def link(current_emulator: Facts) -> str:
    """What the Share menu of the demo project shows."""
    headers = {"Authorization": f"Bearer {current_emulator['control_token']}"}
    params = {"project": current_emulator["project_id"]}
    answer = httpx.get(f"{current_emulator['url']}/emulator/link", params=params, headers=headers, timeout=60)
    return str(answer.raise_for_status().json()["link"])


def type_link(terminal: Terminal, *options: str, pasted: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "jupyter_datasphere.cli", "link", "--project", "demo-project", *options],
        env=terminal.environment,
        input=pasted,
        text=True,
        capture_output=True,
        timeout=60,
    )


def test_a_cell_runs_on_the_projects_own_server(terminal: Terminal, link: str) -> None:
    terminal.serve()
    with plain_kernel(terminal.runtime) as editor:
        editor.run(LOAD)
        before = editor.run("%%ds_execute\nprint('never')")
        assert "no other channel is there" in before.traceback
        given = type_link(terminal, pasted=f"{link}\n")
        assert given.returncode == 0, given.stderr
        assert "project demo-project is linked to 127.0.0.1:" in given.stdout
        editor.run("rows = [3, 4]")
        ran = editor.run("%%ds_execute -i rows -o total\nprint('over there')\ntotal = sum(rows)")
        assert (ran.text(), editor.value("total")) == ("over there\n", "7"), ran.traceback
        [(_, status)] = editor.run("%ds_status").outputs
        assert "Channel jupyter: ok" in status["data"]["text/plain"]
        token = link.partition("token=")[2]
        shown = [given.stdout, given.stderr, ran.text(), status["data"]["text/plain"]]
        assert not any(token in text for text in shown)
        forgotten = type_link(terminal, "--forget")
        assert "project demo-project is not linked any more" in forgotten.stdout
        assert "no other channel is there" in editor.run("%%ds_execute\nprint('never')").traceback


def test_a_link_that_does_not_work_is_not_kept(terminal: Terminal, link: str) -> None:
    terminal.serve()
    for pasted, says in (
        ("", "No link was given"),
        ("ssh://somewhere", "This is no link of a Jupyter server"),
        (link.partition("token=")[0] + "token=wrong", "link"),
    ):
        refused = type_link(terminal, pasted=f"{pasted}\n")
        assert refused.returncode == 1
        assert says in refused.stderr
        assert "Traceback" not in refused.stderr
    with plain_kernel(terminal.runtime) as editor:
        editor.run(LOAD)
        assert "no other channel is there" in editor.run("%%ds_execute\nprint('never')").traceback


def test_without_a_server_it_says_what_to_start(terminal: Terminal) -> None:
    terminal.runtime.mkdir(mode=0o700)
    refused = type_link(terminal, pasted="x")
    assert "No server of yours is running" in refused.stderr
