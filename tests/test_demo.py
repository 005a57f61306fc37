"""The demo: the quickstart gives what it was saved with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyter_datasphere import cli
from jupyter_datasphere.demo import check as check_module
from jupyter_datasphere.demo.files import QUICKSTART, STORED, examples


def test_the_quickstart_from_top_to_bottom(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["demo", "--check", "--root", str(tmp_path / "demo")]) == 0
    assert "WRONG" not in capsys.readouterr().out


def test_a_wrong_output_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    notebook = json.loads((examples() / QUICKSTART).read_text())
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"][:3]
    cells[2]["outputs"][0]["text"] = "304 primes below 2000"
    notebook["cells"] = cells
    for name in STORED:
        (tmp_path / name).write_text((examples() / name).read_text())
    (tmp_path / QUICKSTART).write_text(json.dumps(notebook))
    monkeypatch.setattr(check_module, "examples", lambda: tmp_path)
    assert cli.main(["demo", "--check"]) == 1
    assert "WRONG cell 3" in capsys.readouterr().out


def test_the_runner_is_written_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "runner.ipynb"
    assert cli.main(["runner", str(path)]) == 0
    written = path.read_bytes()
    assert json.loads(written)["nbformat"] == 4
    assert cli.main(["runner", str(path)]) == 1
    assert "--force" in capsys.readouterr().err
    assert cli.main(["runner", str(path), "--force"]) == 0
    assert path.read_bytes() == written
