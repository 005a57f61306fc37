"""`jupyter datasphere link`: cells of a project of today's revision, on the project's own Jupyter server."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from serving import Terminal
from support import Facts

from jupyter_datasphere.demo.processes import project_link

from .conftest import plain_kernel

LOAD = "%load_ext jupyter_datasphere"


@pytest.fixture
def terminal(current_emulator: Facts, tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(current_emulator, tmp_path)
    yield terminal
    terminal.close()


@pytest.fixture
def link(current_emulator: Facts) -> str:
    """What the Share menu of the demo project shows."""
    return project_link(current_emulator)


def type_link(
    terminal: Terminal, *options: str, pasted: str = "", project: str | None = "demo-project"
) -> subprocess.CompletedProcess[str]:
    named = [] if project is None else ["--project", project]
    return subprocess.run(
        [sys.executable, "-m", "jupyter_datasphere.cli", "link", *named, *options],
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
        before = editor.run("%%ds_execute --channel jupyter\nprint('never')")
        assert "Channel jupyter: The link to the own Jupyter server" in before.traceback
        given = type_link(terminal, pasted=f"{link}\n")
        assert given.returncode == 0, given.stderr
        assert "project demo-project is linked to 127.0.0.1:" in given.stdout
        assert "in that server's memory only, until it ends. There is no system keyring here." in given.stdout
        editor.run("rows = [3, 4]")
        ran = editor.run("%%ds_execute -i rows -o total\nprint('over there')\ntotal = sum(rows)")
        assert (ran.text(), editor.value("total")) == ("over there\n", "7"), ran.traceback
        [(_, status)] = editor.run("%ds_status").outputs
        assert "Channel jupyter: ok" in status["data"]["text/plain"]
        token = link.partition("token=")[2]
        shown = [given.stdout, given.stderr, ran.text(), status["data"]["text/plain"]]
        assert not any(token in text for text in shown)
        forgotten = type_link(terminal, "--forget")
        assert forgotten.stdout.endswith("project demo-project is not linked any more.\n")
        assert "is not known" in editor.run("%%ds_execute --channel jupyter\nprint('never')").traceback


def test_files_move_by_the_link(
    terminal: Terminal, link: str, current_emulator: Facts, tmp_path: Path
) -> None:
    del terminal.environment["JUPYTER_DATASPHERE_FILES_ENDPOINT"]
    terminal.serve()
    (tmp_path / "linked.bin").write_bytes(content := bytes(range(256)) * 10_000)
    with plain_kernel(terminal.runtime) as editor:
        editor.run(f"%cd -q {tmp_path}\n{LOAD}")
        assert "jupyter datasphere link" in editor.run("%ds_put linked.bin linked/").traceback
        assert type_link(terminal, pasted=f"{link}\n").returncode == 0
        for line in ("%ds_put linked.bin linked/", "%ds_get linked/linked.bin back.bin"):
            assert editor.run(line).reply["status"] == "ok"
        assert "is there already" not in editor.run("%ds_put linked.bin linked/ --force").traceback
        assert "already" in editor.run("%ds_put linked.bin linked/").traceback
        assert "missing" in editor.run("%ds_get missing").traceback
        assert "write linked/ to put the file into it" in editor.run("%ds_put linked.bin linked").traceback
    assert (tmp_path / "back.bin").read_bytes() == content
    project = Path(current_emulator["root"]) / "projects" / current_emulator["project_id"]
    assert [file.name for file in (project / "linked").glob("[!.]*")] == ["linked.bin"]


def test_a_link_in_the_keyring_outlives_the_server(
    terminal: Terminal, link: str, current_emulator: Facts, tmp_path: Path
) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    terminal.environment["PYTHON_KEYRING_BACKEND"] = "keyrings.alt.file.PlaintextKeyring"
    terminal.environment["XDG_DATA_HOME"] = str(secrets)
    first = terminal.serve()
    with plain_kernel(terminal.runtime) as editor:
        editor.run(LOAD)
        given = type_link(terminal, pasted=f"{link}\n")
        assert "The link is kept in the system keyring (file PlaintextKeyring)." in given.stdout, given.stderr
        storage = Path(current_emulator["root"]) / "projects" / current_emulator["project_id"]
        go = storage / "go"
        cell = editor.stream(
            "%%ds_execute\nimport pathlib, time\nprint('before', flush=True)\n"
            "while not pathlib.Path('go').exists(): time.sleep(0.01)\nprint('after')"
        )
        shown = []
        while not any("before" in text for text in shown):
            shown.append(next(cell)[1].get("text", ""))
        first.kill()
        first.wait()
        terminal.serve()
        go.touch()
        shown += [content.get("text", "") for _, content in cell]
        go.unlink()
        assert "after\n" in "".join(shown)
        assert type_link(terminal, "--forget").stdout.endswith("is not linked any more.\n")
        assert "is not known" in editor.run("%%ds_execute --channel jupyter\nprint('never')").traceback
    token = link.partition("token=")[2]
    assert not any(token.encode() in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


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
        assert "is not known" in editor.run("%%ds_execute --channel jupyter\nprint('never')").traceback


def test_without_a_server_it_says_what_to_start(terminal: Terminal) -> None:
    terminal.runtime.mkdir(mode=0o700)
    refused = type_link(terminal, pasted="x")
    assert "No server of yours is running" in refused.stderr


def test_the_project_is_that_of_the_environment_where_none_is_named(terminal: Terminal, link: str) -> None:
    terminal.serve()
    terminal.environment["JUPYTER_DATASPHERE_PROJECT"] = "demo-project"
    given = type_link(terminal, pasted=f"{link}\n", project=None)
    assert "project demo-project is linked" in given.stdout, given.stderr
    del terminal.environment["JUPYTER_DATASPHERE_PROJECT"]
    unnamed = type_link(terminal, pasted=f"{link}\n", project=None)
    assert unnamed.returncode == 1 and "Name it with --project, or set JUPYTER_D" in unnamed.stderr
