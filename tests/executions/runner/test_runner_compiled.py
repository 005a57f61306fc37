"""The runner as Python compiled it, kept for the next interpreter."""

from __future__ import annotations

import hashlib
import marshal
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_datasphere.executions.runner.notebook import RUNNER_VERSION, kernel_loader
from jupyter_datasphere.executions.runner.source.folders import FOLDER

PACKAGE = f"_jupyter_datasphere_runner_{RUNNER_VERSION}"
LOAD = kernel_loader().rpartition("\nawait ")[0]


def load(project: Path, code: str = "") -> str:
    """Load the runner in a fresh interpreter, then execute code."""
    program = f"import sys\nexec(sys.stdin.read())\nassert '{PACKAGE}.run' in sys.modules\n{code}"
    ended = subprocess.run(
        [sys.executable, "-c", program], input=LOAD, cwd=project, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    folder = tmp_path / FOLDER
    folder.mkdir()
    return folder / f"{PACKAGE}.{sys.implementation.cache_tag}.bin"


def test_the_next_interpreter_takes_what_the_first_has_compiled(tmp_path: Path, kept: Path) -> None:
    load(tmp_path)
    digest, code = kept.read_bytes()[:32], kept.read_bytes()[32:]
    assert digest == hashlib.sha256(code).digest()
    assert list(kept.parent.iterdir()) == [kept]
    modules = marshal.loads(code)
    modules[""] = compile("taken = 'from there'", "package", "exec")
    code = marshal.dumps(modules)
    kept.write_bytes(hashlib.sha256(code).digest() + code)
    assert load(tmp_path, f"print(sys.modules['{PACKAGE}'].taken)") == "from there\n"


@pytest.mark.parametrize("damage", [b"", b"short", b"x" * 1000], ids=["empty", "short", "changed"])
def test_what_is_damaged_is_made_anew(tmp_path: Path, kept: Path, damage: bytes) -> None:
    load(tmp_path)
    whole = kept.read_bytes()
    kept.write_bytes(whole[: len(damage)] + damage + whole[2 * len(damage) :] if damage else b"")
    load(tmp_path)
    assert hashlib.sha256(kept.read_bytes()[32:]).digest() == kept.read_bytes()[:32]


def test_it_loads_where_nothing_can_be_kept(tmp_path: Path, kept: Path) -> None:
    kept.mkdir()  # in its place
    load(tmp_path)
    assert list(kept.parent.iterdir()) == [kept]
    kept.rmdir()
    kept.parent.rmdir()
    load(tmp_path)
    assert list(tmp_path.iterdir()) == []
