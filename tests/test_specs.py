"""What the front end says a computing configuration costs is what the server counts."""

from __future__ import annotations

import re
from pathlib import Path

from jupyter_datasphere.datasphere.types import DEFAULT_SPEC, SPECS

FRONT_END = Path(__file__).parents[1] / "labextension" / "src" / "specs.ts"


def test_units_of_the_front_end_are_the_servers() -> None:
    text = FRONT_END.read_text("utf-8")
    units = {name: int(number) for name, number in re.findall(r"'([\w.]+)': (\d+),", text)}
    assert units == {name: spec.units for name, spec in SPECS.items()}
    assert re.findall(r"DEFAULT_SPEC = '([\w.]+)'", text) == [DEFAULT_SPEC]
