"""`jupyter datasphere login` and `logout` as a user types them, with a keyring, a bad one, and none."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from support import Facts

from jupyter_datasphere.demo.processes import environment_for, jupyter

KEYRING = "keyrings.alt.file.PlaintextKeyring"
PATIENCE = 30.0
PAGE = "https://oauth.yandex.ru/"


class Home:
    """Somebody's folders and environment, without any other credentials."""

    def __init__(self, facts: Facts, folder: Path) -> None:
        self.folder = folder
        accounts = json.loads((Path(facts["root"]) / "emulator.json").read_text())["accounts"]
        self.accounts: dict[str, dict[str, str]] = {account["name"]: account for account in accounts}
        environment = environment_for(facts)
        self.environment = {
            name: value for name, value in environment.items() if not name.startswith("YC_")
        } | {
            "HOME": str(folder),
            "XDG_DATA_HOME": str(folder / "xdg"),
            "JUPYTER_CONFIG_DIR": str(folder / "config"),
            "JUPYTER_DATA_DIR": str(folder / "data"),
            "PYTHON_KEYRING_BACKEND": KEYRING,
        }

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "jupyter_datasphere.cli", *words]

    def type(self, *words: str, answer: str = "", **environment: str) -> tuple[int, str, str]:
        """Exit status, stdout and stderr of a command whose standard input is that."""
        done = subprocess.run(
            self.command(*words),
            env={**self.environment, **environment},
            input=answer,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.returncode, done.stdout, done.stderr

    def log_in(self, account: str, *words: str) -> str:
        status, out, err = self.type("login", *words, answer=self.accounts[account]["oauth_token"] + "\n")
        assert (status, err) == (0, ""), err
        return out

    def marks(self) -> list[bytes]:
        return [path.read_bytes() for path in (self.folder / "data").rglob("logins/*")]

    def kept(self) -> str:
        """All that the keyring, a file here, has."""
        return "".join(path.read_text() for path in (self.folder / "xdg").rglob("*.cfg"))


@pytest.fixture
def home(emulator: Facts, tmp_path: Path) -> Home:
    return Home(emulator, tmp_path)


@pytest.fixture
def serving(home: Home) -> Iterator[httpx.Client]:
    """A server that was started without any credentials."""
    notebooks = home.folder / "notebooks"
    notebooks.mkdir()
    (home.folder / "config").mkdir()
    with jupyter("server", notebooks, home.environment) as facts:
        headers = {"Authorization": f"token {facts['token']}"}
        with httpx.Client(base_url=facts["url"], headers=headers, timeout=60) as client:
            yield client


def status_of(client: httpx.Client) -> dict[str, Any]:
    return {"connection": "ok", **client.get("datasphere/status").json()}


def eventually(client: httpx.Client, true: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The server's status, once it is so."""
    until = time.monotonic() + PATIENCE
    while not true(status := status_of(client)):
        assert time.monotonic() < until, status
        time.sleep(0.1)
    return status


def test_a_server_that_runs_takes_a_login_up_and_lets_go_of_it(home: Home, serving: httpx.Client) -> None:
    assert serving.get("datasphere/status").json()["problem"]["code"] == "no-credentials"
    out = home.log_in("admin")
    assert "kept in the system keyring (file PlaintextKeyring)" in out
    assert "phasing OAuth tokens out" in out
    assert "use it from now on" in out
    status = eventually(serving, lambda status: status["connection"] == "ok")
    assert status["credentials"] == "OAuth token of `jupyter datasphere login`, from the system keyring"
    assert serving.get("datasphere/projects").json()["projects"]
    status, out, err = home.type("login", "--key-file", home.accounts["robot"]["key_file"])
    assert (status, err) == (0, "")
    assert home.accounts["robot"]["key_file"] in out
    eventually(serving, lambda status: "key file of `jupyter" in status["credentials"])
    assert status_of(serving)["connection"] == "ok"
    status, out, err = home.type("logout")
    assert (status, out, err) == (0, "The login of this user is forgotten.\n", "")
    status = eventually(serving, lambda status: status["connection"] == "failed")
    assert status["problem"]["code"] == "no-credentials"
    assert home.type("logout") == (0, "There is no login of this user.\n", "")
    log = (home.folder / "jupyter.log").read_text()
    assert home.accounts["admin"]["oauth_token"] not in log


def test_a_login_with_a_name_is_a_profile(home: Home, serving: httpx.Client) -> None:
    assert "`%ds_profile dev`" in home.log_in("developer", "--profile", "dev", "--oauth")
    home.log_in("admin", "--profile", "boss")
    profiles = serving.get("datasphere/profile").json()
    assert [profile["name"] for profile in profiles["profiles"]] == ["boss", "dev"]
    assert "chosen" not in profiles and "unnamed" not in profiles
    assert serving.put("datasphere/profile", json={"name": "dev"}).json()["chosen"] == "dev"
    status = status_of(serving)
    assert (status["connection"], status["profile"]) == ("ok", "dev")
    assert "`jupyter datasphere login --profile dev`" in status["credentials"]
    assert home.type("logout", "--profile", "dev")[1] == "The login of profile dev is forgotten.\n"
    status = eventually(serving, lambda status: status["connection"] == "failed")
    assert status["problem"]["code"] == "profile"
    assert serving.put("datasphere/profile", json={"name": "boss"}).json()["chosen"] == "boss"


def test_a_token_is_in_the_keyring_only(home: Home) -> None:
    token = home.accounts["admin"]["oauth_token"]
    home.log_in("admin")
    files = [path for path in home.folder.rglob("*") if path.is_file() and "xdg" not in path.parts]
    assert files and not [path for path in files if token.encode() in path.read_bytes()]
    [mark] = home.marks()
    assert json.loads(mark).keys() == {"endpoint", "profile", "kind"}
    assert home.kept() != ""


def test_a_token_is_not_shown_while_it_is_typed(home: Home) -> None:
    token = home.accounts["admin"]["oauth_token"]
    main, terminal = pty.openpty()
    process = subprocess.Popen(
        home.command("login"), env=home.environment, stdin=terminal, stdout=terminal, stderr=terminal,
        start_new_session=True,
    )  # fmt: skip
    os.close(terminal)
    shown = b""
    while b"is not shown" not in shown:
        shown += os.read(main, 4096)
    os.write(main, f"{token}\n".encode())
    while True:
        try:
            shown += os.read(main, 4096)
        except OSError:  # nobody is at the other end any more
            break
    os.close(main)
    assert process.wait(timeout=60) == 0
    assert PAGE.encode() in shown and b"IAM accepts it" in shown
    assert token.encode() not in shown


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("\n", ["No token was given", PAGE]),
        ("", ["No token was given"]),
        ("t1.abcdefghijklmnop\n", ["IAM token", "some hours"]),
        (
            "y0_wrong\n",
            ["IAM refused the OAuth token from this terminal", "gives a new one. (request ID"],
        ),
        ("y0_" + "x" * 5000 + "\n", ["4000 characters"]),
    ],
)
def test_what_is_no_good_is_not_kept(home: Home, answer: str, words: list[str]) -> None:
    status, out, err = home.type("login", answer=answer)
    assert (status, out) == (1, "")
    for word in words:
        assert word in err
    assert "xxx" not in err and "y0_wrong" not in err
    assert home.marks() == [] and home.kept() == ""


def test_a_key_file_that_is_no_good_is_not_kept(home: Home) -> None:
    shared = home.folder / "key.json"
    shared.write_bytes(Path(home.accounts["robot"]["key_file"]).read_bytes())
    shared.chmod(0o644)
    status, _, err = home.type("login", "--key-file", str(shared))
    assert status == 1 and f"chmod 600 {shared}" in err
    status, _, err = home.type("login", "--key-file", str(home.folder / "none.json"))
    assert status == 1 and "is not there" in err
    assert home.marks() == []
    status, _, err = home.type("login", "--key-file", str(shared), "--DataSphere.check_key_file_mode=False")
    assert (status, err) == (0, "")


@pytest.mark.parametrize(
    "place", ["login {}", "login --oauth {}", "login --profile {}", "login --key-file {}"]
)
def test_a_token_on_the_command_line_is_refused_and_not_repeated(home: Home, place: str) -> None:
    token = "y0_AgAAAABox0RxAATuwQ"
    status, out, err = home.type(*place.format(token).split())
    assert (status, out) == (1, "")
    assert "does not belong on a command line" in err and token not in err


def test_other_mistakes_on_the_command_line(home: Home) -> None:
    assert "does not know the option" in home.type("login", "--frofile")[2]
    assert "no name for a profile" in home.type("login", "--profile", "a b")[2]
    assert "not allowed with" in home.type("login", "--oauth", "--key-file", "x")[2]
    profiles = '--DataSphere.profiles={"work": {"yc_profile": "x"}}'
    assert "DataSphere.profiles" in home.type("login", "--profile", "work", profiles)[2]


def test_what_goes_before_a_login_is_named(home: Home) -> None:
    token = home.accounts["admin"]["oauth_token"]
    status, out, _ = home.type("login", answer=token, YC_TOKEN="y0_other")
    assert status == 0 and "But YC_TOKEN goes before it" in out


@pytest.mark.parametrize("backend", ["keyring.backends.fail.Keyring", "keyring.backends.null.Keyring"])
def test_without_a_keyring_it_says_so_before_anybody_types_and_names_other_ways(
    home: Home, backend: str
) -> None:
    process = subprocess.Popen(
        home.command("login"),
        env={**home.environment, "PYTHON_KEYRING_BACKEND": backend},
        stdin=subprocess.PIPE,  # left open: it must not wait for a token
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.wait(timeout=60) == 1
    assert process.stderr is not None
    err = process.stderr.read()
    process.communicate()
    assert "There is no system keyring here. So no login can be kept here." in err
    for way in ("YC_SERVICE_ACCOUNT_KEY_FILE", "YC_TOKEN", "yc init", "VM"):
        assert way in err
    assert home.marks() == []
    status, out, _ = home.type("logout", PYTHON_KEYRING_BACKEND=backend)
    assert (status, out) == (0, "There is no login of this user.\n")


def test_a_keyring_that_lost_the_login_is_one_clear_error(home: Home, serving: httpx.Client) -> None:
    home.log_in("admin")
    eventually(serving, lambda status: status["connection"] == "ok")
    home.type("logout")
    eventually(serving, lambda status: status["connection"] == "failed")
    home.log_in("admin")
    for path in (home.folder / "xdg").rglob("*.cfg"):
        path.unlink()
    status = eventually(serving, lambda status: status["problem"]["code"] != "no-credentials")
    assert "has no login of `jupyter datasphere login` any more" in status["problem"]["title"]
    assert "Log in again" in status["problem"]["hint"]
    home.log_in("admin")
    eventually(serving, lambda status: status["connection"] == "ok")


def test_the_doctor_knows_the_login(home: Home, emulator: Facts) -> None:
    home.log_in("admin")
    _, out, err = home.type("doctor", "--project", "demo-project")
    assert err == ""
    assert "OAuth token of `jupyter datasphere login`" in " ".join(out.split())
