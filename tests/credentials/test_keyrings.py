"""The system's keyring, in processes of their own: each has the one that its environment names."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import asyncio
from jupyter_datasphere.credentials.keyrings import Keyring
from jupyter_datasphere.errors import KeyringError

async def main():
    keyring, other = Keyring("a test", {patience}), Keyring("another", {patience})
    {steps}

try:
    asyncio.run(main())
except KeyringError as error:
    print(error.code, error)
"""

BACKENDS = """
import threading
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

class Hanging(KeyringBackend):
    priority = 1
    def get_password(self, service, name): threading.Event().wait()
    def set_password(self, service, name, secret): threading.Event().wait()

class Locked(KeyringBackend):
    priority = 1
    def get_password(self, service, name): raise KeyringLocked("Failed to unlock the collection!")
    def set_password(self, service, name, secret): raise KeyringLocked(f"{secret} was not taken")

class Broken(KeyringBackend):
    priority = 1
    def get_password(self, service, name): raise ValueError("get")
    def set_password(self, service, name, secret): raise ValueError(secret)
"""


def ask(folder: Path, steps: str, backend: str | None, *, patience: float = 60.0) -> list[str]:
    """What a program prints that takes these steps with a keyring."""
    (folder / "backends.py").write_text(BACKENDS)
    environment = {**os.environ, "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    environment["PYTHONPATH"] = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    # Without a session bus, none of the desktop's is found.
    environment["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=/nowhere"
    environment.pop("PYTHON_KEYRING_BACKEND", None)
    if backend is not None:
        environment["PYTHON_KEYRING_BACKEND"] = backend
    program = PROGRAM.format(patience=patience, steps=steps.replace("\n", "\n    "))
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_a_secret_is_kept_for_the_next_process_until_it_is_deleted(tmp_path: Path) -> None:
    alternative = "keyrings.alt.file.PlaintextKeyring"
    kept = 'print(await keyring.available(), await keyring.set("name", "0ld"), await keyring.set("name", "s€cret"))'
    assert ask(tmp_path, kept, alternative) == [" ".join(["file PlaintextKeyring"] * 3)]
    look = 'print(await keyring.get("name"), await keyring.get("else"), await other.get("name"))'
    assert ask(tmp_path, look, alternative) == ["s€cret None None"]
    gone = 'await keyring.delete("name"); await keyring.delete("name"); print(await keyring.get("name"))'
    assert ask(tmp_path, gone, alternative) == ["None"]


@pytest.mark.parametrize("backend", ["keyring.backends.fail.Keyring", "keyring.backends.null.Keyring"])
@pytest.mark.parametrize("step", ["available()", 'get("x")', 'set("x", "secret")', 'delete("x")'])
def test_without_a_keyring_everything_says_so(tmp_path: Path, backend: str, step: str) -> None:
    [said] = ask(tmp_path, f"await keyring.{step}", backend)
    assert said.startswith("no-keyring There is no system keyring here.")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a system keyring is always there")
def test_a_file_in_the_clear_is_not_used_unasked(tmp_path: Path) -> None:
    [said] = ask(tmp_path, 'await keyring.set("x", "secret")', None)
    assert said.startswith("no-keyring There is no system keyring here, only file PlaintextKeyring")
    assert "PYTHON_KEYRING_BACKEND" in said
    assert [file.name for file in tmp_path.rglob("*") if b"secret" in _content(file)] == ["backends.py"]


def test_one_that_hangs_is_not_waited_for_neither_at_the_end(tmp_path: Path) -> None:
    for step in ('get("x")', 'set("x", "secret")', 'delete("x")'):
        [said] = ask(tmp_path, f"await keyring.{step}", "backends.Hanging", patience=0.1)
        assert said.startswith("keyring The system keyring did not answer within 0.1 s.")


def test_what_is_wrong_is_told_without_the_secret(tmp_path: Path) -> None:
    for backend, step, reason in (
        ("Locked", 'get("x")', "KeyringLocked: Failed to unlock the collection!"),
        ("Locked", 'set("x", "hush")', "KeyringLocked"),
        ("Broken", 'set("x", "hush")', "ValueError"),
        ("Missing", 'get("x")', "AttributeError"),
    ):
        [said] = ask(tmp_path, f"await keyring.{step}", f"backends.{backend}")
        assert said.startswith(f"keyring The system keyring cannot be used ({reason}).")


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""
