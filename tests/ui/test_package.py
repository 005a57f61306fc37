"""What must hold of the front end's package."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_datasphere import __version__

FRONT_END = Path(__file__).parents[2] / "labextension"
BUILT = FRONT_END.parent / "jupyter_datasphere" / "labextension" / "static"
LARGEST = 150_000
"""Bytes of all scripts, as a server that packs them sends them."""


def test_the_version_is_the_same_in_all_places() -> None:
    assert json.loads((FRONT_END / "package.json").read_text())["version"] == __version__
    assert f"VERSION = '{__version__}'" in (FRONT_END / "src" / "version.ts").read_text()


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (("labextension", "list"), f"jupyter-datasphere v{__version__} enabled OK"),
        (("server", "extension", "list"), f"jupyter_datasphere {__version__} OK"),
    ],
)
def test_jupyter_finds_both_extensions(command: tuple[str, ...], says: str) -> None:
    """By the commands that Jupyter has for this, and our hints name."""
    process = subprocess.run([sys.executable, "-m", "jupyter", *command], capture_output=True, text=True)
    plain = re.sub(r"\x1b\[\d+m", "", process.stdout + process.stderr)
    assert says in plain


def test_the_lock_names_no_registry() -> None:
    lock = (FRONT_END / "yarn.lock").read_text()
    assert not re.search(r"https?:|__archiveUrl", lock)


def test_what_is_built_is_small() -> None:
    scripts = [path.read_bytes() for path in BUILT.glob("*.js")]
    assert scripts, f"{BUILT} holds no script: make dev builds them"
    assert sum(len(gzip.compress(script)) for script in scripts) < LARGEST


def test_what_jupyterlab_has_is_not_brought_along() -> None:
    """React and Lumino in two copies would not know each other's elements and tokens."""
    packages = json.loads((BUILT / "third-party-licenses.json").read_text())["packages"]
    assert {package["name"] for package in packages} <= {"css-loader", "style-loader"}
