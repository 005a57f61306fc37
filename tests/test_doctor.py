"""`jupyter datasphere doctor` as a user types it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from support import Facts, SettableClock, client_for

from jupyter_datasphere.datasphere.jupyter_link import Link
from jupyter_datasphere.datasphere.methods import METHODS
from jupyter_datasphere.demo.processes import emulator as run_emulator
from jupyter_datasphere.demo.processes import environment_for, project_link
from jupyter_datasphere.doctor.checks.account import difference
from jupyter_datasphere.doctor.checks.endpoints import _way
from jupyter_datasphere.doctor.finding import Finding
from jupyter_datasphere.doctor.table import Table
from jupyter_datasphere.errors import ServiceError
from jupyter_datasphere.server.settings import Settings

CHANGING = {name for name, method in METHODS.items() if method.changing} | {
    "operation.cancel",
    "files.upload",
}


KEEP = """
import asyncio, pathlib, sys
from jupyter_datasphere.credentials.keyrings import Keyring
from jupyter_datasphere.datasphere.jupyter_link import Link
from jupyter_datasphere.executions.links import SERVICE, Links
endpoint, marks, project, link = sys.argv[1:]
links = Links(Keyring(SERVICE), endpoint=endpoint, marks=pathlib.Path(marks))
asyncio.run(links.keep(project, Link.parse(link)))
"""
"""What a server does that is given a link, as a program."""


class Desk:
    """Somebody's terminal and folders."""

    def __init__(self, facts: Facts, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **environment_for(facts),
            "COLUMNS": "100",
            "JUPYTER_CONFIG_DIR": str(folder / "config"),
            "JUPYTER_DATA_DIR": str(folder / "data"),
        }

    def start(self, *options: str, **streams: Any) -> subprocess.Popen[str]:
        project = ["--project"] if options and not options[0].startswith("-") else []
        command = [sys.executable, "-m", "jupyter_datasphere.cli", "doctor", *project, *options]
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command, env=self.environment, text=True, stdin=pipe, stdout=pipe, stderr=pipe, **streams
        )

    def ask(self, *options: str, answer: str = "") -> Report:
        process = self.start(*options)
        out, err = process.communicate(answer, timeout=100)
        return Report(process.returncode, out, err)


class Report:
    """What was printed."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err
        self.rows: dict[str, tuple[str, str]] = {}
        """By the check: its result, and all of its text in one line."""
        name = ""
        table, _, self.rest = out.partition("\n\n")
        for line in table.splitlines()[2:] + [
            line for line in out.splitlines() if line.startswith("Cell by")
        ]:
            check, result, text = line[:16].strip(), line[16:22].strip(), line[24:]
            if result:
                name = check
                self.rows[name] = (result, text)
            else:
                self.rows[name] = (self.rows[name][0], f"{self.rows[name][1]} {text.strip()}")

    def results(self, result: str) -> list[str]:
        return [name for name, (of, _) in self.rows.items() if of == result]


@pytest.fixture
def desk(emulator: Facts, tmp_path: Path) -> Desk:
    return Desk(emulator, tmp_path)


def control(facts: Facts, what: str, **request: Any) -> Any:
    headers = {"Authorization": f"Bearer {facts['control_token']}"}
    verb = "PUT" if "json" in request else "GET"
    return httpx.request(verb, f"{facts['url']}/emulator/{what}", headers=headers, **request).json()


def storage(facts: Facts) -> dict[str, tuple[int, bytes]]:
    folder = Path(facts["root"]) / "projects" / facts["project_id"]
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def test_it_looks_at_everything_and_changes_nothing(desk: Desk, emulator: Facts) -> None:
    before, calls = storage(emulator), control(emulator, "calls")
    report = desk.ask("demo-project")
    assert (report.status, report.err) == (0, "")
    assert report.results("warn") == ["Keyring", "Channel jupyter"]
    assert report.results("fail") == report.results("skip") == []
    assert report.rest == "2 warnings.\n"
    for check, words in {
        "Package": "jupyter-datasphere ",
        "Ledger": f"{desk.folder}/data/datasphere/ledger can be written",
        "DataSphere": f"{emulator['url']} answers after",
        "Files (gRPC)": "ms; without TLS, on this machine; no proxy.",
        "Credentials": "OAuth token from YC_TOKEN; the service accepts its IAM token",
        "Clock": "the same, to a second",
        "Project": f"demo-project ({emulator['project_id']}) in the community demo-community.",
        "Roles": "admin: userAccount ",
        "API revision": "2024-03: it has all three methods. :notebookMetadata says: Notebook no-such",
        "Channel jupyter": "copy its link for external IDE",
    }.items():
        assert words.replace(" ", "") in report.rows[check][1].replace(" ", ""), report.out
    assert max(map(len, report.out.splitlines())) < 100
    assert "\x1b" not in report.out
    assert emulator["oauth_token"] not in report.out
    assert "t1." not in report.out
    made = {name for name, count in control(emulator, "calls").items() if count > calls.get(name, 0)}
    assert {"project.get", "operation.get", "iam.createToken", "files.download"} < made
    assert not made & CHANGING
    assert storage(emulator) == before
    assert list(desk.folder.iterdir()) == []


def test_an_account_to_which_the_balance_is_not_shown(desk: Desk, emulator: dict[str, Any]) -> None:
    accounts = {account["name"]: account for account in emulator["accounts"]}
    desk.environment["YC_TOKEN"] = accounts["developer"]["oauth_token"]
    report = desk.ask("demo-project")
    assert report.results("fail") == report.results("skip") == []
    shown = ("ok", "What is left is not shown to this account, and no limit is set.")
    assert report.rows["Units"] == shown


def test_todays_revision_and_a_link_from_the_keyring(current_emulator: Facts, tmp_path: Path) -> None:
    desk = Desk(current_emulator, tmp_path)
    desk.environment["PYTHON_KEYRING_BACKEND"] = "keyrings.alt.file.PlaintextKeyring"
    desk.environment["XDG_DATA_HOME"] = str(tmp_path)
    link = Link.parse(project_link(current_emulator))
    project, marks = current_emulator["project_id"], str(tmp_path / "data" / "datasphere" / "links")
    for token in ("expired", link.token):
        given = [current_emulator["url"], marks, project, Link(link.url, token).with_token()]
        subprocess.run([sys.executable, "-c", KEEP, *given], env=desk.environment, check=True)
        if token == "expired":
            report = desk.ask(current_emulator["project_id"])
            assert report.results("warn") == ["Channel jupyter", "Channel state"]
            assert "refuses the token of the link: it has expired" in report.rows["Channel jupyter"][1]
    report = desk.ask(current_emulator["project_id"], "--full", "--yes")
    assert (report.status, report.err) == (0, ""), report.out
    assert report.results("warn") == ["Channel state"]
    assert report.rows["API revision"][1].startswith("Today's: it has no :notebookMetadata, :cellOutputs")
    assert report.rows["Keyring"] == ("ok", "file PlaintextKeyring keeps links and logins.")
    assert report.rows["Link"] == ("ok", f"The keyring has one, which leads to {link.host}.")
    for channel, units in (("files", "~4 units (computed)"), ("jupyter", "units not known")):
        result, words = report.rows[f"Cell by {channel}"]
        assert (result, "answer = 42;" in words, words.endswith(f"{units}.")) == ("ok", True, True), words
    assert link.token not in report.out


def test_a_cell_is_run_only_where_the_user_agrees(desk: Desk, emulator: Facts) -> None:
    calls = control(emulator, "calls")
    for answer in ("n\n", "\n", ""):
        report = desk.ask("demo-project", "--full", answer=answer)
        assert report.status == 0
        price = " ".join(report.rest.split())
        assert "by state and files, one after another. On c1.4, 4 units per second for about 10 s" in price
        assert "about 40 units by state and as many by files" in price
        assert "Run it? [y/N]" in price
        assert "Nothing was run." in price
    made = {name for name, count in control(emulator, "calls").items() if count > calls.get(name, 0)}
    assert not made & CHANGING
    report = desk.ask("demo-project", "--full", answer="y\n")
    assert report.status == 0
    assert "It printed 'Python 3." in report.rest
    assert control(emulator, "calls")["project.execute"] == calls.get("project.execute", 0) + 2


def test_an_interrupt_of_the_question_and_a_reader_that_leaves(desk: Desk) -> None:
    process = desk.start("demo-project", "--full")
    assert process.stdout is not None
    shown = ""
    while "[y/N]" not in shown:
        shown += process.stdout.read(1)
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "")
    process = desk.start("demo-project")
    assert process.stdin is not None and process.stdout is not None and process.stderr is not None
    process.stdin.close()
    process.stdout.readline()
    process.stdout.close()
    assert (process.wait(60), process.stderr.read()) == (1, "")
    process.stderr.close()


def test_an_interrupt_cancels_the_cell(desk: Desk, emulator: Facts) -> None:
    pause = {"method": "project.execute", "rate": 1, "fault": {"pause": 60}}
    control(emulator, "faults", json=[pause])
    try:
        process = desk.start("demo-project", "--full", "--yes")
        before = control(emulator, "calls").get("operation.cancel", 0)
        until = time.monotonic() + 60
        while not control(emulator, "faults")[0]["fired"]:
            assert time.monotonic() < until and process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (130, "")
        assert control(emulator, "calls")["operation.cancel"] > before
    finally:
        control(emulator, "faults", json=[])


def test_a_token_that_is_refused(desk: Desk) -> None:
    desk.environment["YC_TOKEN"] = "y0_wrong"
    report = desk.ask("demo-project")
    assert report.status == 1
    assert report.results("fail") == ["Credentials"]
    assert report.rows["Project"] == report.rows["Units"] == ("skip", "It cannot be told: see Credentials.")
    assert report.rest.startswith("1 failure")
    assert "IAM refused the OAuth token from YC_TOKEN" in report.rows["Credentials"][1]
    assert "It lives a year and may have been revoked" in report.rows["Credentials"][1]
    assert report.results("skip")[-1] == "Link"
    assert "y0_wrong" not in report.out
    desk.environment["YC_IAM_TOKEN"] = "t1.wrong"
    report = desk.ask("demo-project")
    assert report.results("fail") == ["Credentials"]
    assert report.rows["Credentials"][1].startswith("The IAM token is invalid")
    del desk.environment["YC_IAM_TOKEN"], desk.environment["YC_TOKEN"]
    report = desk.ask("demo-project")
    assert report.results("fail") == ["Credentials"]
    assert "No DataSphere credentials are configured" in report.rows["Credentials"][1]


def test_a_service_that_is_away(tmp_path: Path) -> None:
    with run_emulator(tmp_path / "root") as facts:
        desk = Desk(facts, tmp_path)
    report = desk.ask("demo-project")
    assert (report.status, report.err) == (1, "")
    assert report.results("fail") == ["DataSphere"]
    for check in ("Operations", "IAM", "Credentials", "Project", "Link"):
        assert report.rows[check] == ("skip", "It cannot be told: see DataSphere.")
    assert report.rest.startswith("1 failure")
    assert f"No connection to {facts['url']}" in report.rows["DataSphere"][1]
    assert "Is the service (or the emulator) running" in report.rows["DataSphere"][1]
    assert report.rows["Files (gRPC)"][0] == "warn"
    assert report.rows["Clock"] == ("skip", "No answer has told the service's time.")


def test_a_project_that_is_not_there(desk: Desk) -> None:
    report = desk.ask("demo-projekt")
    assert (report.status, report.err) == (1, "")
    assert report.rows["Project"][1] == "There is no project 'demo-projekt'. → Did you mean 'demo-project'?"
    assert report.results("fail") == ["Project"]
    assert report.rows["Roles"] == ("skip", "It cannot be told: see Project.")
    report = desk.ask("something-else")
    said = report.rows["Project"][1]
    assert said.startswith("There is no project 'something-else'. → The ")
    assert "demo-project" in said


def test_the_project_is_that_of_the_settings_where_none_is_named(desk: Desk) -> None:
    unnamed = desk.ask()
    assert (unnamed.status, unnamed.out) == (1, "") and "Name it with --project, or set" in unnamed.err
    by_option = desk.ask("--DataSphere.project=by-option")
    assert by_option.rows["Project"][1].startswith("There is no project 'by-option'")
    desk.environment["JUPYTER_DATASPHERE_PROJECT"] = "by-environment"
    assert desk.ask().rows["Project"][1].startswith("There is no project 'by-environment'")


def test_what_answers_is_something_else(desk: Desk, jupyter_server: str) -> None:
    """The settings come from the configuration file and the command line, as those of `serve`."""
    (desk.folder / "config").mkdir()
    config = "c.ServerApp.port = 1\nc.DataSphere.operation_endpoint = 'http://127.0.0.1:1'\n"
    (desk.folder / "config" / "jupyter_server_config.py").write_text(config)
    report = desk.ask("demo-project", f"--DataSphere.iam_endpoint={jupyter_server}")
    assert report.results("fail")[:2] == ["Operations", "IAM"]
    assert f"What answers at {jupyter_server} is not DataSphere" in report.rows["IAM"][1]
    refused = desk.ask("demo-project", "--DataSphere.nonsense=1")
    assert (refused.status, refused.out) == (1, "")
    assert "`doctor` does not know the option" in refused.err
    refused = desk.ask("demo-project", "--DataSphere.ca_bundle=/nowhere")
    assert (refused.status, "Traceback" in refused.err) == (1, False)
    assert "The certificates of /nowhere cannot be used" in refused.err


@pytest.fixture
def jupyter_server(emulator: Facts) -> str:
    """A server that is no DataSphere."""
    return Link.parse(project_link(emulator)).url.rstrip("/")


async def test_clocks_that_differ(emulator: Facts) -> None:
    for by, result, words in ((0, "ok", "the same"), (-30, "ok", "behind"), (3600, "warn", "ahead of")):
        clock = SettableClock()
        clock.set(by)
        client = client_for(emulator, clock=clock)
        with pytest.raises(ServiceError):
            await client.get_project("0")
        finding = difference(client.transport)
        await client.transport.aclose()
        assert (finding.result, words in finding.found) == (result, True), finding


def test_the_way_to_a_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://me:hush@proxy.example:3128")
    monkeypatch.setenv("no_proxy", "inside.example")
    settings = Settings()
    result, words, _ = _way(settings, "https://service.example")
    assert (result, words) == (
        "ok",
        "TLS, verified by the certificates of this system; by the proxy proxy.example:3128",
    )
    assert _way(settings, "https://inside.example")[1].endswith("no proxy")
    assert _way(settings, "http://service.example")[0] == "warn"
    settings.verify = False
    assert _way(settings, "https://service.example")[0] == "warn"


def test_words_of_others_stay_in_their_column(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    Table().row(Finding("Project", "fail", "\x1b[2J\r" + "evil " * 30 + "x" * 100, "\x07" + "word " * 20))
    lines = capsys.readouterr().out.splitlines()
    assert all(line.replace("→", "").isprintable() and len(line) < 60 for line in lines)
    assert [line[:24].strip() for line in lines[1:]] == [""] * (len(lines) - 1)
