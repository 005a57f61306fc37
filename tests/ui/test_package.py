"""What must hold of the front end's package."""

from __future__ import annotations

import json
import re
from pathlib import Path

from jupyter_datasphere import __version__

FRONT_END = Path(__file__).parents[2] / "labextension"


def test_the_version_is_the_same_in_all_places() -> None:
    assert json.loads((FRONT_END / "package.json").read_text())["version"] == __version__
    assert f"VERSION = '{__version__}'" in (FRONT_END / "src" / "version.ts").read_text()


def test_the_lock_names_no_registry() -> None:
    lock = (FRONT_END / "yarn.lock").read_text()
    assert not re.search(r"https?:|__archiveUrl", lock)
