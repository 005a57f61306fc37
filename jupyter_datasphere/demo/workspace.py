"""The folder in which a demo lives."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .files import QUICKSTART, STORED, examples


def unpack(folder: Path) -> Path:
    """Copy the examples to where they may be changed; what is there already stays."""
    notebooks = folder / "notebooks"
    notebooks.mkdir(exist_ok=True)
    for name in (QUICKSTART, *STORED):
        if not (notebooks / name).exists():
            shutil.copy(examples() / name, notebooks / name)
    return notebooks


@contextmanager
def demo_folder(root: Path | None) -> Iterator[Path]:
    """The given folder, made where it is not there, or a temporary one that goes with the demo."""
    if root is not None:
        root.mkdir(parents=True, exist_ok=True)
        yield root.resolve()
    else:
        with tempfile.TemporaryDirectory(prefix="jupyter-datasphere-demo-") as folder:
            yield Path(folder)
