"""`connect` and `connect_async` in programs beside `jupyter datasphere serve`: one table of checks for both."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import nbformat
import pytest
from accounts import House, house
from serving import Terminal

PROGRAM = Path(__file__).with_name("program.py")
WAYS = ("sync", "async")
OF_ADMIN = (
    "communities_and_projects_are_listed_and_found",
    "lists_are_read_to_the_last_page",
    "what_is_not_found_is_said",
    "what_is_given_is_changed_and_nothing_else",
    "roles_are_given_and_taken",
    "all_members_are_replaced_and_pages_are_read_to_the_end",
    "units_are_numbers_or_none",
    "restrictions_have_values_of_one_type",
    "resources_are_shared_and_mounted",
    "code_runs_and_its_handle_tells",
    "a_stored_notebook_and_a_stored_cell_run",
    "what_cannot_travel_is_refused_before_anything_is_sent",
    "an_operation_takes_longer_than_it_is_waited_for",
    "an_operation_that_fails_says_why",
)


class Town:
    """An emulator, and for each account a terminal in which `serve` runs once it is needed."""

    def __init__(self, place: House, folder: Path, stack: ExitStack) -> None:
        self.place = place
        self._folder = folder
        self._stack = stack
        self._terminals: dict[str, Terminal] = {}
        self._results: dict[tuple[str, str], dict[str, str]] = {}

    def terminal(self, account: str, *options: str) -> Terminal:
        if account not in self._terminals:
            folder = self._folder / account
            terminal = Terminal(self.place.facts, folder, self.place.environment(account))
            self._stack.callback(terminal.close)
            terminal.serve(*options)
            self._terminals[account] = terminal
        return self._terminals[account]

    def result(self, account: str, way: str, names: tuple[str, ...], name: str) -> str:
        """What a check ended with; those of one account run in one process."""
        if (account, way) not in self._results:
            environment = self.terminal(account).environment
            self._results[account, way] = run(environment, way, names, self.facts(account))
        return self._results[account, way][name]

    def facts(self, account: str) -> dict[str, Any]:
        facts = {name: self.place.facts[name] for name in ("organization_id", "community_id", "project_id")}
        ids = {name: one["id"] for name, one in self.place.accounts.items()}
        return {**facts, "ids": ids, "cell": cell_of(self.place), "admin": account == "admin"}


def run(
    environment: dict[str, str], way: str, names: tuple[str, ...], facts: Any, *given: str
) -> dict[str, str]:
    """`given`: the variables of ours that the program inherits."""
    inherited = {
        name: value
        for name, value in environment.items()
        if name in given or not name.startswith("JUPYTER_DATASPHERE")
    }
    command = [sys.executable, "-W", "error", str(PROGRAM), way, ",".join(names), json.dumps(facts)]
    done = subprocess.run(command, env=inherited, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr
    results: dict[str, str] = json.loads(done.stdout)
    return results


def cell_of(place: House) -> str:
    """The ID of a stored cell, of the notebook `steps.ipynb`."""
    path = place.storage / "steps.ipynb"
    if not path.exists():
        cells = [nbformat.v4.new_code_cell(code) for code in ("last = int(week) * 2", "print(7)")]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    token = httpx.post(
        f"{place.facts['url']}/iam/v1/tokens",
        json={"yandexPassportOauthToken": place.facts["oauth_token"]},
        trust_env=False,
    ).json()["iamToken"]
    answer = httpx.get(
        f"{place.facts['url']}/datasphere/v1/projects/{place.facts['project_id']}:notebookMetadata",
        params={"notebookPath": "/home/jupyter/datasphere/project/steps.ipynb"},
        headers={"Authorization": f"Bearer {token}"},
        trust_env=False,
    ).json()
    return str(answer["cellIds"][-1])


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("town")
    with ExitStack() as stack:
        yield Town(stack.enter_context(house(folder)), folder, stack)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", OF_ADMIN)
def test_an_admin(town: Town, way: str, name: str) -> None:
    result = town.result("admin", way, OF_ADMIN, name)
    assert result == "ok", result


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("account", "name"),
    [
        ("developer", "a_developer_sees_no_balance_and_shares_nothing"),
        ("viewer", "a_viewer_looks_and_runs_nothing"),
        ("stranger", "a_stranger_finds_nothing"),
    ],
)
def test_accounts_with_fewer_roles(town: Town, way: str, account: str, name: str) -> None:
    result = town.result(account, way, (name,), name)
    assert result == "ok", result


@pytest.mark.parametrize("way", WAYS)
def test_where_there_is_no_server_it_says_what_to_type(way: str, tmp_path: Path) -> None:
    environment = {**os.environ, "JUPYTER_RUNTIME_DIR": str(tmp_path)}
    result = run(environment, way, ("nobody_there",), {})["nobody_there"]
    assert result.startswith("UnavailableError no-server: This program was not started by a Jupyter server")
    assert "Type `jupyter datasphere serve` in a terminal, leave it running, and run it again." in result


@pytest.mark.parametrize("way", WAYS)
def test_throttling_that_does_not_end(town: Town, way: str, tmp_path: Path) -> None:
    terminal = Terminal(town.place.facts, tmp_path, town.place.environment("admin"))
    try:
        terminal.serve("--DataSphere.request_timeout=1")
        fault = {"method": "project.listAccessBindings", "rate": 1.0, "fault": {"status": 429}}
        with town.place.faults(fault):
            result = run(terminal.environment, way, ("throttled",), town.facts("admin"))["throttled"]
    finally:
        terminal.close()
    assert result == "ok", result


@pytest.mark.parametrize("way", WAYS)
def test_credentials_that_the_service_refuses(town: Town, way: str, tmp_path: Path) -> None:
    environment = {**town.place.environment("admin"), "YC_TOKEN": "y0_wrong"}
    terminal = Terminal(town.place.facts, tmp_path, environment)
    try:
        terminal.serve()
        facts = {**town.facts("admin"), "community": ""}
        result = run(terminal.environment, way, ("unauthenticated",), facts)["unauthenticated"]
    finally:
        terminal.close()
    assert result == "ok", result


class LosesAnAnswer:
    """Passes bytes on to a server; cuts the connection when the first POST is answered."""

    def __init__(self, url: str) -> None:
        self._to = urlsplit(url)
        self.lost = 0

    async def start(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        return self._to._replace(netloc=f"127.0.0.1:{port}").geturl()

    def stop(self) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection(self._to.hostname, self._to.port)
        posted = False

        async def up() -> None:
            nonlocal posted
            while data := await reader.read(65536):
                posted = posted or data.startswith(b"POST ")
                up_writer.write(data)

        async def down() -> None:
            while data := await up_reader.read(65536):
                if posted and not self.lost:
                    self.lost += 1
                    break
                writer.write(data)

        await asyncio.wait(
            [asyncio.create_task(up()), asyncio.create_task(down())], return_when="FIRST_COMPLETED"
        )
        writer.close()
        up_writer.close()


@pytest.mark.parametrize("way", WAYS)
async def test_a_change_whose_answer_is_lost_is_made_once(town: Town, way: str) -> None:
    terminal = town.terminal("admin")
    presence = json.loads((terminal.runtime / "datasphere-serve.json").read_text())
    relay = LosesAnAnswer(presence["url"])
    environment = {
        **terminal.environment,
        "JUPYTER_RUNTIME_DIR": "/nowhere",  # else another way is found
        "JUPYTER_DATASPHERE_URL": await relay.start(),
        "JUPYTER_DATASPHERE_TOKEN": presence["capability"],
    }
    given = ("JUPYTER_DATASPHERE_URL", "JUPYTER_DATASPHERE_TOKEN")
    name = "an_answer_is_lost"
    facts = {**town.facts("admin"), "community": "demo-community"}
    calls = town.place.calls("project.create")
    result = await asyncio.to_thread(run, environment, way, (name,), facts, *given)
    relay.stop()
    assert result[name] == "ok", result[name]
    assert relay.lost == 1
    assert town.place.calls("project.create") == calls + 2  # under one key


@pytest.mark.parametrize("way", WAYS)
def test_a_server_that_was_started_anew_is_found(town: Town, way: str, tmp_path: Path) -> None:
    terminal = Terminal(town.place.facts, tmp_path, town.place.environment("admin"))
    name = "the_server_is_started_anew"
    facts = json.dumps({**town.facts("admin"), "community": ""})
    try:
        process = terminal.serve()
        with subprocess.Popen(
            [sys.executable, str(PROGRAM), way, name, facts],
            env={**os.environ, "JUPYTER_RUNTIME_DIR": str(terminal.runtime)},
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as program:
            assert program.stderr is not None
            assert program.stderr.readline() == "looked\n"
            process.kill()
            process.wait()
            terminal.serve()
            out, _ = program.communicate("go\n", timeout=60)
    finally:
        terminal.close()
    assert json.loads(out)[name] == "ok", out
