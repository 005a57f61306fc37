"""The file of a session."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_datasphere.executions.runner.source.folders import SESSIONS, session_name
from jupyter_datasphere.executions.runner.source.stored import SessionFile, Unreadable


def put(file: SessionFile, content: bytes, about: dict[str, object]) -> str:
    new = file.write(about, lambda into: into.write(content))
    new.put()
    return new.stamp


@pytest.fixture
def file(tmp_path: Path) -> SessionFile:
    file = SessionFile(str(tmp_path), "main")
    assert file.lock()
    return file


def test_what_was_written_is_read(file: SessionFile) -> None:
    assert (file.stored(), file.identity()) == (None, None)
    stamp = put(file, b"pickles", {"names": ["я"]})
    assert file.stored() == (stamp, {"names": ["я"]})
    with file.pickles() as pickles:
        assert pickles.read(7) == b"pickles"
    assert put(file, b"pickles", {"names": ["b"]}) != stamp


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_damage_is_taken_for_a_whole_file(tmp_path: Path, file: SessionFile, data: st.DataObject) -> None:
    put(file, b"the pickles", {"names": ["a", "b"]})
    path = tmp_path / SESSIONS / "main.pickle"
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    else:
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    with pytest.raises(Unreadable):
        file.stored()


@settings(max_examples=200)
@given(st.lists(st.text(st.characters(), max_size=80), unique=True))
def test_names_of_files_are_safe_and_differ(keys: list[str]) -> None:
    names = [session_name(key) for key in keys]
    assert len(set(names)) == len(keys)
    for name in names:
        assert len(name) < 100
        assert name.isascii()
        assert not set(name) & set("/\\% \0\n")


def test_one_process_has_it(tmp_path: Path, file: SessionFile) -> None:
    other = SessionFile(str(tmp_path), "main")
    assert not other.lock()
    file.unlock()
    assert other.lock()
    other.unlock()


@pytest.mark.parametrize(
    ("content", "holder"),
    [
        (b'{"run": "r1", "at": 5}', ("r1", 5.0)),
        (b"", None),
        (b"[1]", None),
        (b"\xff", None),
        (b"[" * 100_000, None),
        (b'{"run": "../\\u001b", "at": 5}', None),
        (b'{"run": "r1", "at": 1e300}', None),
        (b'{"run": "r1", "at": NaN}', None),
    ],
)
def test_who_has_it_is_told_if_that_can_be_read(
    tmp_path: Path, file: SessionFile, content: bytes, holder: tuple[str, float] | None
) -> None:
    (tmp_path / SESSIONS / "main.lock").write_bytes(content)
    assert file.holder() == holder


WRITER = """
import sys
from jupyter_datasphere.executions.runner.source.stored import SessionFile
file = SessionFile(sys.argv[1], "main")
assert file.lock()
for number in range(1_000_000):
    new = file.write({"number": number}, lambda into: [into.write(b"%07d" % number * 1000) for _ in range(20)])
    new.put()
    print(number, flush=True)
"""


def test_whenever_the_writer_is_killed_there_is_a_whole_file(tmp_path: Path) -> None:
    rolls = random.Random(5)
    for _ in range(12):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(rolls.random() * 0.02)  # anywhere in the middle
        writer.kill()
        rest = writer.stdout.read().splitlines()
        writer.wait()
        writer.stdout.close()
        file = SessionFile(str(tmp_path), "main")
        assert file.lock()  # freed by the operating system
        stored = file.stored()
        assert stored is not None
        told = int(rest[-1]) if rest else 0
        assert stored.about["number"] in (told, told + 1)
        with file.pickles() as pickles:
            assert pickles.read(140_000 * 1) == b"%07d" % stored.about["number"] * 20_000
        file.unlock()
