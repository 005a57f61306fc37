from __future__ import annotations

import ast
import base64
import json
import re
import subprocess
import sys
import zlib
from pathlib import Path

import nbformat
import pytest

from jupyter_datasphere.executions.runner import notebook, source
from jupyter_datasphere.executions.runner.notebook import (
    RUNNER_NAME,
    RUNNER_VERSION,
    runner_cell,
    runner_notebook,
)

FOLDER = Path(source.__file__).parent
MODULES = [FOLDER / f"{name}.py" for name in source.MODULES]


def test_it_is_a_valid_notebook_whose_last_cell_is_the_only_code() -> None:
    found = nbformat.reads(runner_notebook().decode(), as_version=4)
    nbformat.validate(found)
    assert (found.nbformat, found.nbformat_minor) == (4, 5)
    assert [cell.cell_type for cell in found.cells] == ["markdown", "raw", "code"]
    assert found.cells[2].source == runner_cell()
    assert RUNNER_VERSION in found.cells[0].source
    assert RUNNER_NAME == "jupyter_datasphere_runner.ipynb"


def test_other_processes_make_the_same_bytes() -> None:
    program = (
        "import sys; from jupyter_datasphere.executions.runner.notebook import *;"
        "sys.stdout.buffer.write(runner_notebook())"
    )
    made = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert made.stdout == runner_notebook()


def test_the_version_changes_with_the_source(monkeypatch: pytest.MonkeyPatch) -> None:
    assert re.fullmatch("[0-9a-f]{12}", RUNNER_VERSION)
    assert notebook._version() == RUNNER_VERSION
    changed = {**notebook._sources(), ".run": notebook._sources()[".run"] + "\n"}
    monkeypatch.setattr(notebook, "_sources", lambda: changed)
    assert notebook._version() != RUNNER_VERSION


def test_every_module_of_the_folder_is_in_the_notebook() -> None:
    assert {path.name for path in FOLDER.glob("*.py")} == {"__init__.py", *(path.name for path in MODULES)}
    _, legible, code = json.loads(runner_notebook())["cells"]
    text = "".join(legible["source"])
    assert all(path.read_text() in text for path in MODULES)
    (packed,) = re.findall('"([A-Za-z0-9+/=]{1000,})"', "".join(code["source"]))
    run = json.loads(zlib.decompress(base64.b64decode(packed)))
    assert run == {"": "", **{f".{path.stem}": path.read_text() for path in MODULES}}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_python_3_8_understands_it(path: Path) -> None:
    ast.parse(path.read_text(), feature_version=(3, 8))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_only_the_standard_library_and_earlier_modules_are_imported(path: Path) -> None:
    earlier = source.MODULES[: source.MODULES.index(path.stem)]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            assert all(alias.name.partition(".")[0] in sys.stdlib_module_names for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            assert (node.module or "").partition(".")[0] in sys.stdlib_module_names
        elif isinstance(node, ast.ImportFrom):
            names = [node.module] if node.module else [alias.name for alias in node.names]
            assert all(name in earlier for name in names)


def test_types_that_are_evaluated_exist_in_python_3_8() -> None:
    """Outside of annotations, no `list[…]` and no `X | Y`."""
    for path in MODULES:
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            for field in ("annotation", "returns"):
                if getattr(node, field, None) is not None:
                    setattr(node, field, None)
        for node in ast.walk(tree):
            if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
                assert node.value.id not in {"list", "dict", "tuple", "set", "type", "deque", "Callable"}, (
                    path
                )
