"""`%ds_open`: a link where a page can be shown, else the browser of the desktop."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from accounts import House, house
from serving import Terminal

from jupyter_datasphere.demo.kernel_client import kernel_of

from .conftest import Kernel, plain_kernel
from .users import User

BROWSER = """#!{python}
import html, json, os, pathlib, re, sys, urllib.parse
import httpx
address, = sys.argv[1:]
file = pathlib.Path(urllib.parse.unquote(urllib.parse.urlsplit(address).path))
text = file.read_text()
action = re.search('action="([^"]*)"', text)[1]
form = {{"ticket": re.search('name="ticket" value="([^"]*)"', text)[1]}}
headers = {{"Origin": "null", "Accept": "text/html"}}
facts = {{"address": address, "mode": oct(file.stat().st_mode & 0o777), "ticket": form["ticket"], "answers": []}}
for _ in range(2):
    answer = httpx.post(html.unescape(action), data=form, headers=headers, timeout=60, trust_env=False)
    facts["answers"].append([answer.status_code, answer.text, dict(answer.headers)])
facts["gone"] = not file.exists()
pathlib.Path({result!r}).write_text(json.dumps(facts))
"""
"""A browser: it sends the form of the file that it is handed, twice."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("opening")) as place:
        yield place


@pytest.fixture
def terminal(place: House, tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(place.facts, tmp_path, place.environment("admin"))
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        terminal.environment.pop(name, None)
    yield terminal
    terminal.close()


def install_browser(folder: Path) -> tuple[str, Path]:
    """A value for BROWSER, and the file in which that browser leaves what it saw."""
    script, result = folder / "browser", folder / "seen.json"
    script.write_text(BROWSER.format(python=sys.executable, result=str(result)))
    script.chmod(0o700)
    return f"{script} %s", result


def plain(runtime: Path) -> Iterator[Kernel]:
    with plain_kernel(runtime) as kernel:
        kernel.run("%load_ext jupyter_datasphere")
        yield kernel


@pytest.fixture
def editor(terminal: Terminal) -> Iterator[Kernel]:
    yield from plain(terminal.runtime)


async def test_in_a_notebook_of_jupyter_it_is_a_link_without_a_secret(place: House) -> None:
    server, project = place.server("admin"), place.facts["project_id"]
    async with kernel_of(server) as kernel:
        user = User(kernel, server)
        await user.run("%load_ext jupyter_datasphere")
        for line in ("%ds_open", "%ds_open -p demo-project"):
            (shown,) = (await user.run(line)).displays
            page = f"{server['url']}datasphere/open?project={project}"
            assert shown["text/plain"] == f"Open project demo-project: {page}"
            link = f'<a href="/datasphere/open?project={project}" target="_blank" rel="noopener noreferrer">'
            assert shown["text/html"] == f"{link}Open project demo-project</a>"
        unknown = (await user.run("%ds_open -p no-such")).error
        assert unknown["ename"] == "NotFoundError"
    assert place.calls("project.open") == 0


def test_with_serve_the_browser_of_the_desktop_opens_it(
    terminal: Terminal, place: House, tmp_path: Path
) -> None:
    terminal.environment["BROWSER"], result = install_browser(tmp_path)
    process = terminal.serve()
    for editor in plain(terminal.runtime):
        before = place.calls("project.open")
        cell = editor.run("%ds_open")
        assert not cell.traceback, cell.traceback
        project = place.facts["project_id"]
        assert cell.text() == f"The browser of this desktop opens demo-project ({project}).\n"
        seen = json.loads(result.read_text())
        (status, text, headers), (again, other, _) = seen["answers"]
        assert status == 200, text
        assert place.calls("project.open") == before + 1
        token = re.search(r'name="sessionToken" value="([^"]+)"', text)
        assert token is not None
        assert httpx.post(
            f"{place.facts['url']}/ide/{project}", data={"sessionToken": token[1]}, trust_env=False
        ).is_success
        assert (
            "no-store" in headers["cache-control"]
            and "form-action http://127.0.0.1" in headers["content-security-policy"]
        )
        assert (again, "sessionToken" in other) == (403, False)  # a ticket is good once
        assert "This page has been used" in other and "%ds_open" in other
        assert (seen["mode"], seen["gone"]) == ("0o600", True)
        assert seen["ticket"] not in seen["address"]  # which others may see among the processes
        for secret in (seen["ticket"], token[1]):
            assert secret not in str(cell.outputs)
        result.unlink()
        by_program = editor.run("from jupyter_datasphere import connect\nconnect().project().open()")
        assert not by_program.traceback and json.loads(result.read_text())["answers"][0][0] == 200
    process.kill()
    assert process.stdout is not None
    log = process.stdout.read()
    assert token[1] not in log and seen["ticket"] not in log


def test_without_a_desktop_it_says_what_to_do(terminal: Terminal, editor: Kernel, tmp_path: Path) -> None:
    terminal.serve()
    error = editor.run("%ds_open").reply
    assert error["ename"] == "ConflictError"
    assert "The server has no desktop with a browser. In JupyterLab %ds_open shows a link." in error["evalue"]


def test_a_browser_that_does_not_start_leaves_nothing_behind(
    terminal: Terminal, editor: Kernel, tmp_path: Path
) -> None:
    script = tmp_path / "broken"
    script.write_text("#!/bin/sh\nexit 1\n")
    script.chmod(0o700)
    terminal.environment["BROWSER"] = f"{script} %s"
    terminal.serve()
    error = editor.run("%ds_open").reply
    assert error["ename"] == "ConflictError" and "could not be started" in error["evalue"]
    assert not list(terminal.runtime.glob("datasphere-open-*"))


async def test_a_notebook_of_jupyter_may_ask_for_the_desktops_browser(
    place: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, result = install_browser(tmp_path)
    monkeypatch.setitem(os.environ, "BROWSER", browser)
    server = place.server("developer")
    async with kernel_of(server) as kernel:
        user = User(kernel, server)
        await user.run("%load_ext jupyter_datasphere")
        cell = await user.run("%ds_open --browser")
        assert not cell.error, cell.error
    assert json.loads(result.read_text())["answers"][0][0] == 200
