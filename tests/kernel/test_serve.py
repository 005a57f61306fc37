"""Kernels that Jupyter did not start: an editor's, with `jupyter datasphere serve` beside it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from filelock import FileLock
from serving import Terminal
from support import Facts

from jupyter_datasphere.demo.kernel_client import kernel_of
from jupyter_datasphere.demo.processes import environment_for, jupyter

from .conftest import Kernel, plain_kernel
from .users import User

LOAD = "%load_ext jupyter_datasphere\n%ds_config session=serving"
URL = "get_ipython().magics_manager.registry['DataSphereMagics'].commands.link.address.url"


@pytest.fixture
def terminal(emulator: Facts, tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(emulator, tmp_path)
    yield terminal
    terminal.close()


@pytest.fixture
def editor(terminal: Terminal) -> Iterator[Kernel]:
    """The kernel of an editor's notebook, with the extension loaded."""
    with plain_kernel(terminal.runtime) as kernel:
        kernel.run(LOAD)
        yield kernel


def presence(terminal: Terminal, name: str = "serve") -> Path:
    return terminal.runtime / f"datasphere-{name}.json"


def test_a_cell_says_what_to_type_and_runs_once_that_is_typed(terminal: Terminal, editor: Kernel) -> None:
    cell = "%%ds_execute\nprint(6 * 7)"
    before = editor.run(cell)
    assert before.reply["ename"] == "UnavailableError"
    assert "Type `jupyter datasphere serve` in a terminal" in before.traceback
    terminal.serve()
    after = editor.run(cell)
    assert after.text() == "42\n", after.traceback
    [(_, status)] = editor.run("%ds_status").outputs
    assert "`jupyter datasphere serve` at http://127.0.0.1:" in status["data"]["text/plain"]


def test_only_the_user_can_read_the_file(terminal: Terminal) -> None:
    terminal.serve()
    assert presence(terminal).stat().st_mode & 0o777 == 0o600
    assert terminal.runtime.stat().st_mode & 0o777 == 0o700


def test_the_file_goes_when_serve_is_ended_and_serve_can_be_started_again(terminal: Terminal) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        process = terminal.serve()
        process.send_signal(number)
        process.wait(15)
        assert not list(terminal.runtime.glob("datasphere-*"))


def test_serve_has_nothing_of_jupyter_to_offer(terminal: Terminal) -> None:
    terminal.serve()
    facts = json.loads(presence(terminal).read_text())
    assert facts["url"].startswith("http://127.0.0.1:")
    origin = facts["url"].removesuffix("/datasphere")
    headers = {"Authorization": f"Bearer {facts['capability']}"}
    with httpx.Client(headers=headers, trust_env=False) as http:
        assert http.get(f"{facts['url']}/status").status_code == 200
        for path in (
            "api/contents",
            "api/kernels",
            "api/sessions",
            "api/terminals",
            "files/x",
            "lab",
            "tree",
        ):
            assert http.get(f"{origin}/{path}").status_code in (302, 403, 404)  # 302: to Jupyter's login
        assert http.post(f"{origin}/api/kernels", json={}).status_code in (403, 404)
    assert httpx.get(f"{facts['url']}/status", trust_env=False).status_code == 403
    assert not list(terminal.runtime.glob("jpserver-*"))


def test_settings_of_another_server_are_not_those_of_serve(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    lines = ["c.ServerApp.ip = '0.0.0.0'", "c.ServerApp.base_url = '/hub/'", "c.DataSphere.project = 'mine'"]
    (tmp_path / "config" / "jupyter_server_config.py").write_text("\n".join(lines))
    terminal.environment["JUPYTER_CONFIG_DIR"] = str(tmp_path / "config")
    terminal.serve()
    facts = json.loads(presence(terminal).read_text())
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/datasphere", facts["url"])
    headers = {"Authorization": f"Bearer {facts['capability']}"}
    status = httpx.get(f"{facts['url']}/status", params={"check": "no"}, headers=headers, trust_env=False)
    assert "mine" in status.text


def test_a_second_serve_is_refused_also_when_both_start_at_once(terminal: Terminal) -> None:
    processes = [terminal.type(), terminal.type()]
    while all(process.poll() is None for process in processes):
        time.sleep(0.01)
    [refused] = [process for process in processes if process.poll() is not None]
    assert refused.returncode == 1
    assert "`jupyter datasphere serve` is running already" in refused.communicate()[0]
    [serving] = [process for process in processes if process is not refused]
    assert serving.stdout is not None
    assert serving.stdout.readline().startswith("DataSphere is served")


@pytest.mark.parametrize("option", ["--ServerApp.ip=0.0.0.0", "--DataSphere.nonsense=1", "--allow-root", "x"])
def test_an_option_that_serve_does_not_know_is_refused(terminal: Terminal, option: str) -> None:
    process = terminal.type(option)
    says, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert f"does not know the option '{option}'" in says


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ("--DataSphere.ledger_max_days=abc", "--DataSphere.ledger_max_days=abc does not fit: "),
        ("--DataSphere.verify=perhaps", "--DataSphere.verify=perhaps does not fit: "),
    ],
)
def test_a_value_that_does_not_fit_is_refused(terminal: Terminal, option: str, says: str) -> None:
    process = terminal.type(option)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert says in output


def test_a_port_is_a_number_of_a_port(terminal: Terminal) -> None:
    output, _ = terminal.type("--port", "99999").communicate(timeout=30)
    assert "a port is a number from 0 to 65535" in output


def test_a_folder_that_is_none_is_one_clear_error(terminal: Terminal) -> None:
    terminal.runtime.write_text("")
    output, _ = terminal.type().communicate(timeout=30)
    assert output.startswith("jupyter datasphere: Jupyter's runtime folder cannot be used: ")


def test_a_cell_waits_for_a_serve_that_is_starting(terminal: Terminal, editor: Kernel) -> None:
    terminal.type()
    while not presence(terminal).with_suffix(".lock").exists():
        pass
    assert not presence(terminal).exists()
    assert editor.run("%%ds_execute\nprint('waited')").text() == "waited\n"


def test_what_killed_servers_left_is_removed(terminal: Terminal) -> None:
    terminal.runtime.mkdir(mode=0o700)
    presence(terminal, "4194305").write_text("{}")
    presence(terminal, "4194305").with_suffix(".lock").touch()
    terminal.serve()
    assert sorted(path.name for path in terminal.runtime.glob("datasphere-*")) == [
        "datasphere-serve.json",
        "datasphere-serve.lock",
    ]


def test_a_serve_that_died_is_no_longer_found(terminal: Terminal, editor: Kernel) -> None:
    process = terminal.serve()
    assert not editor.run("%ds_status").traceback
    process.kill()
    process.wait()
    gone = editor.run("%ds_status")
    assert gone.reply["ename"] == "UnreachableError"
    assert "`jupyter datasphere serve` does not answer" in gone.traceback
    assert "Start it again" in gone.traceback
    terminal.serve()
    assert editor.run("%%ds_execute\nprint('again')").text() == "again\n"


def test_a_file_left_by_a_process_whose_number_is_another_s_now_is_removed(
    terminal: Terminal, editor: Kernel
) -> None:
    """We are the kernel's parent, and no Jupyter server."""
    terminal.serve()
    stale = presence(terminal, str(os.getpid()))
    stale.write_text(
        json.dumps({"url": "http://127.0.0.1:9/datasphere", "capability": "x", "pid": os.getpid()})
    )
    stale.chmod(0o600)
    assert editor.run("%%ds_execute\nprint('found')").text() == "found\n"
    assert not stale.exists()


def test_a_file_that_others_can_read_is_not_trusted(terminal: Terminal, editor: Kernel) -> None:
    terminal.runtime.mkdir(mode=0o700, exist_ok=True)
    forged = presence(terminal)
    forged.write_text(json.dumps({"url": "http://127.0.0.1:9/datasphere", "capability": "x", "pid": 1}))
    forged.chmod(0o644)
    with FileLock(forged.with_suffix(".lock")):
        assert "is not running" in editor.run("%ds_status").traceback
        forged.chmod(0o600)
        assert "does not answer at http://127.0.0.1:9" in editor.run("%ds_status").traceback


def test_serve_is_started_anew_in_the_middle_of_a_cell(
    terminal: Terminal, editor: Kernel, tmp_path: Path
) -> None:
    trace, go = tmp_path / "trace", [tmp_path / f"go-{number}" for number in range(3)]
    code = "\n".join(
        [
            "%%ds_execute",
            "import os, time",
            f"with open({str(trace)!r}, 'a') as file: file.write('executed;')",
            f"for part, go in enumerate({[str(path) for path in go]!r}):",
            "    for line in range(200): print(part, line)",
            "    while not os.path.exists(go): time.sleep(0.01)",
            "print('end')",
        ]
    )
    process = terminal.serve()
    stdout = stderr = ""
    part = 0
    for kind, content in editor.stream(code):
        assert kind == "stream", content
        if content["name"] == "stderr":
            stderr += content["text"]
            continue
        stdout += content["text"]
        if part < 3 and f"{part} 199\n" in stdout:
            if part < 2:
                process.kill()
                process.wait()
                process = terminal.serve()
            go[part].touch()
            part += 1
    lines = [f"{part} {line}\n" for part in range(3) for line in range(200)]
    assert stdout == "".join(lines) + "end\n"
    notice = "[The server was started anew meanwhile: the run went on, and its output goes on here.]\n"
    assert stderr == notice * 2
    assert trace.read_text() == "executed;"


def stubborn(folder: Path) -> str:
    """Code that touches `told` when it is interrupted, and ends once `go` is there."""
    return "\n".join(
        [
            "import pathlib, time",
            "print('begun', flush=True)",
            f"while not pathlib.Path({str(folder / 'go')!r}).exists():",
            "    try: time.sleep(0.01)",
            f"    except KeyboardInterrupt: pathlib.Path({str(folder / 'told')!r}).touch()",
        ]
    )


def test_an_interrupt_while_serve_is_away_says_how_the_run_is_cancelled_later(
    terminal: Terminal, editor: Kernel
) -> None:
    process = terminal.serve()
    pid = int(editor.value("__import__('os').getpid()"))
    error: Facts = {}
    for kind, content in editor.stream("%%ds_execute\nprint('begun', flush=True)\nwhile True: pass"):
        if kind == "stream":
            process.kill()
            process.wait()
            os.kill(pid, signal.SIGINT)
        else:
            error = content
    run = re.fullmatch(
        r"execution (\w+) may go on, as it could not be cancelled: `jupyter datasphere serve` does not answer"
        r" at http\S+ Start it again in a terminal\. Once that is mended, %ds_cancel \1 cancels it\.",
        error["evalue"],
    )
    assert run is not None, error["evalue"]
    terminal.serve()
    [(_, said)] = editor.run(f"%ds_cancel {run[1]}").outputs
    assert said["data"]["text/plain"].startswith(f"cancelled: execution {run[1]}")


def test_a_serve_that_dies_while_a_run_is_cancelled_has_noted_it(
    terminal: Terminal, editor: Kernel, tmp_path: Path
) -> None:
    process = terminal.serve()
    editor.run(f"%%ds_execute --detach --handle job\n{stubborn(tmp_path)}\nwhile True: pass")
    editor.run("while not job.text: pass")
    run = editor.value("job.id")
    cancelling = editor.stream(f"print('now', flush=True)\n%ds_cancel {run}")
    next(cancelling)
    while not (tmp_path / "told").exists():
        pass
    process.kill()
    process.wait()
    [(_, said)] = cancelling
    assert said["data"]["text/plain"].startswith(
        f"not confirmed before the server went away: the server has noted that execution {run} in project"
    )
    assert f"%ds_attach {run} follows it" in said["data"]["text/plain"]
    (tmp_path / "go").touch()
    terminal.serve()
    assert "was cancelled" in editor.run(f"%ds_attach {run}").traceback


PANEL = "list(__import__('jupyter_datasphere.widgets.show', fromlist=['_open'])._open.values())[0]"


def waiting(editor: Kernel, go: Path) -> None:
    """Have `job` run there until the file is there."""
    code = f"import os, time\nwhile not os.path.exists({str(go)!r}): time.sleep(0.01)"
    editor.run(f"%%ds_execute --detach --handle job\n{code}")
    assert not editor.run("while job.status != 'running': pass").traceback


def test_the_panel_looks_on_until_serve_is_back(terminal: Terminal, editor: Kernel, tmp_path: Path) -> None:
    process = terminal.serve()
    waiting(editor, tmp_path / "go")
    editor.run("from jupyter_datasphere.widgets import refresh\nrefresh.GRACE = 0\n%ds_panel")
    editor.run(f"panel = {PANEL}")
    assert "running" in editor.value("panel._runs._rows[0]._text.value")
    process.kill()
    process.wait()
    editor.run("import time\nwhile 'does not answer' not in panel._message.value: time.sleep(0.01)")
    (tmp_path / "go").touch()
    terminal.serve()
    seen = (
        "while panel._message.value or 'succeeded' not in panel._runs._rows[0]._text.value: time.sleep(0.01)"
    )
    assert not editor.run(seen).traceback
    assert not editor.run("while panel._ticker.active: time.sleep(0.01)").traceback


def test_a_button_of_the_panel_that_finds_no_server_has_it_looked_for(
    terminal: Terminal, editor: Kernel
) -> None:
    process = terminal.serve()
    editor.run("from jupyter_datasphere.widgets import refresh\nrefresh.GRACE = 0\n%ds_panel")
    editor.run(f"import time\npanel = {PANEL}\nwhile panel._ticker.active: time.sleep(0.01)")
    process.kill()
    process.wait()
    editor.run("panel._try(panel.refresh)")
    assert "does not answer" in editor.value("panel._message.value")
    terminal.serve()
    assert not editor.run("while panel._message.value: time.sleep(0.01)").traceback


def test_a_line_that_follows_a_run_does_so_again_once_serve_is_back(
    terminal: Terminal, editor: Kernel, tmp_path: Path
) -> None:
    process = terminal.serve()
    waiting(editor, tmp_path / "go")
    editor.run("from jupyter_datasphere.kernel import live\nlive.EACH = 0.01\nseen = []")
    board = "get_ipython().magics_manager.registry['DataSphereMagics'].commands._board"
    editor.run(f"{board}.follow(job._look(), lambda run: seen.append(run.state))\nwhile not seen: pass")
    process.kill()
    process.wait()
    (tmp_path / "go").touch()
    terminal.serve()  # which takes longer than many looks do
    assert not editor.run("import time\nwhile seen[-1] != 'succeeded': time.sleep(0.01)").traceback
    assert not editor.run(f"while {board}._thread: time.sleep(0.01)").traceback


async def test_a_jupyter_server_among_the_parents_comes_before_serve(
    emulator: Facts, terminal: Terminal, tmp_path: Path
) -> None:
    """Its kernel goes through a wrapper that cleans the environment."""
    spec = tmp_path / "share" / "kernels" / "clean"
    spec.mkdir(parents=True)
    names = ("JUPYTER_DATASPHERE_URL", "JUPYTER_DATASPHERE_TOKEN")
    clean = [part for name in names for part in ("-u", name)]
    kernel = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    argv = ["/bin/sh", "-c", 'env "$@"; true', "sh", *clean, *kernel]
    (spec / "kernel.json").write_text(
        json.dumps({"argv": argv, "display_name": "clean", "language": "python"})
    )
    terminal.serve()
    folder = tmp_path / "notebooks"
    folder.mkdir()
    environment = {**environment_for(emulator), "JUPYTER_PATH": str(tmp_path / "share")}
    options = [f"--DataSphere.ledger_dir={tmp_path / 'other-ledger'}"]
    with jupyter("server", folder, environment, options=options) as server:
        told = presence(terminal, str(server["pid"]))
        while not told.exists():  # it listens a little before that
            pass
        assert told.stat().st_mode & 0o777 == 0o600
        async with kernel_of(server, "clean") as client:
            user = User(client, server)
            await user.run(LOAD)
            assert (await user.run("%%ds_execute --project demo-project\nprint('found')")).text() == "found\n"
            assert await user.value(URL) == f"{server['url']}datasphere"
        assert len(await user.executions()) == 1
    assert not list(terminal.runtime.glob("datasphere-[0-9]*"))


def test_the_address_in_the_environment_comes_first(terminal: Terminal, server: Facts) -> None:
    terminal.serve()
    code = f"import os; os.environ['JUPYTER_DATASPHERE_URL'] = {server['url'] + 'datasphere'!r}"
    with plain_kernel(terminal.runtime) as kernel:
        kernel.run(f"{code}; os.environ['JUPYTER_DATASPHERE_TOKEN'] = {server['token']!r}")
        kernel.run(LOAD)
        assert not kernel.run("%ds_history").traceback
        assert kernel.value(URL) == f"{server['url']}datasphere"


def test_a_plain_terminal_finds_it_too(terminal: Terminal, tmp_path: Path) -> None:
    terminal.serve()
    lines = [*LOAD.splitlines(), "get_ipython().run_cell_magic('ds_execute', '', 'print(\"over there\")')"]
    shell = subprocess.run(
        [sys.executable, "-m", "IPython", "--simple-prompt", "--no-banner", "--colors=NoColor", "--quick"],
        input="\n".join(lines),
        env={**terminal.environment, "IPYTHONDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "over there\n" in shell.stdout
