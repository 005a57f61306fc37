"""Where the example notebooks are."""

from __future__ import annotations

from pathlib import Path

from ..errors import InternalError

QUICKSTART = "quickstart.ipynb"
STORED = ("fit_model.ipynb", "prepare_data.ipynb")
"""Notebooks that the quickstart runs in the project: a new emulator's demo project has them."""


def examples() -> Path:
    """The folder of the examples: inside of the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent
    for folder in (package / "examples", package.parents[1] / "examples"):
        if (folder / QUICKSTART).is_file():
            return folder
    raise InternalError("The example notebooks are not installed.")


def stored_notebooks() -> tuple[Path, ...]:
    """The notebooks for a demo project."""
    return tuple(examples() / name for name in STORED)
