"""The emulator and a Jupyter server as processes of their own, as a user would start them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from ..errors import UnavailableError

T = TypeVar("T")

START_SECONDS = 60.0
STOP_SECONDS = 15.0


@contextmanager
def emulator(root: Path, *options: str) -> Iterator[dict[str, str]]:
    """Run the emulator; gives what its emulator.json says. Raises `UnavailableError`."""
    command = [sys.executable, "-m", "jupyter_datasphere.cli", "emulator", "--root", str(root), *options]
    facts = root / "emulator.json"
    facts.unlink(missing_ok=True)  # one of an earlier run says nothing of this one
    with _process(command, os.environ, root.parent / "emulator.log", own_group=True) as process:
        yield _wait_for_json(facts, process, root.parent / "emulator.log")


@contextmanager
def jupyter(
    app: str, folder: Path, environment: dict[str, str], *, options: Sequence[str] = ()
) -> Iterator[dict[str, Any]]:
    """Run `jupyter APP` in the background in `folder`; gives its `url`, `token` and `pid`.

    On a free port, unless the options name one.
    """
    runtime = folder.parent / "runtime"
    runtime.mkdir(exist_ok=True, mode=0o700)
    command = [
        sys.executable,
        "-m",
        "jupyter",
        app,
        "--no-browser",
        "--ServerApp.ip=127.0.0.1",
        *options,
    ]
    if not any(option.startswith("--ServerApp.port=") for option in options):
        command.append("--ServerApp.port=0")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    environment = {**environment, "JUPYTER_RUNTIME_DIR": str(runtime)}
    log = folder.parent / "jupyter.log"
    with _process(command, environment, log, own_group=True, cwd=folder) as process:
        facts = _wait_for_json(runtime / f"jpserver-{process.pid}.json", process, log)
        _wait_for_port(facts["port"], process, log)  # the file is there a little before the server listens
        yield facts


def project_link(emulator_facts: dict[str, str]) -> str:
    """What the Share menu of the emulator's demo project shows: the link, its token included."""
    query = urllib.parse.urlencode({"project": emulator_facts["project_id"]})
    request = urllib.request.Request(  # noqa: S310 - on this machine
        f"{emulator_facts['url']}/emulator/link?{query}",
        headers={"Authorization": f"Bearer {emulator_facts['control_token']}"},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback needs no proxy
    with opener.open(request, timeout=START_SECONDS) as answer:
        return str(json.load(answer)["link"])


def environment_for(emulator_facts: dict[str, str]) -> dict[str, str]:
    """Environment of a Jupyter server that talks to that emulator."""
    return {
        **os.environ,
        "JUPYTER_DATASPHERE_ENDPOINT": emulator_facts["url"],
        "JUPYTER_DATASPHERE_FILES_ENDPOINT": emulator_facts["files_address"],
        "JUPYTER_DATASPHERE_ORGANIZATION": emulator_facts["organization_id"],
        "YC_TOKEN": emulator_facts["oauth_token"],
        "YC_IAM_TOKEN": "",
        "YC_SERVICE_ACCOUNT_KEY_FILE": "",
        "JUPYTER_DATASPHERE_PROFILE": "",
    }


@contextmanager
def _process(
    command: list[str],
    environment: Any,
    log: Path,
    *,
    own_group: bool,
    cwd: Path | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as sink:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=own_group,  # a Ctrl-C in the terminal is for whoever waits there
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for_json(path: Path, process: subprocess.Popen[bytes], log: Path) -> dict[str, Any]:
    """Read a file that the process writes once it is ready."""

    def read() -> dict[str, Any] | None:
        try:
            facts: dict[str, Any] = json.loads(path.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        return facts

    return _wait_for(read, process, log)


def _wait_for_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    def connect() -> bool | None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            return None
        return True

    _wait_for(connect, process, log)


def _wait_for(look: Callable[[], T | None], process: subprocess.Popen[bytes], log: Path) -> T:
    """Look until there is something. Raises `UnavailableError` with the process's last words."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if (found := look()) is not None:
            return found
        time.sleep(0.02)
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
    raise UnavailableError(f"{log.stem.capitalize()} did not start.", hint=f"Its last words:\n{tail}")
