"""The quickstart and the status, as the front end asks for them."""

from __future__ import annotations

from typing import Any

import httpx
import nbformat

from jupyter_datasphere import __version__


def test_the_quickstart_comes_without_outputs(user: httpx.Client) -> None:
    answer = user.get("datasphere/quickstart")
    assert answer.status_code == 200
    notebook = nbformat.from_dict(answer.json())
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code[0].source == "%load_ext jupyter_datasphere"
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)


def test_without_a_check_the_status_names_the_project_as_it_is_known(
    user: httpx.Client, emulator: dict[str, str]
) -> None:
    project_id = emulator["project_id"]
    query = {"check": "false", "project": project_id}
    unasked: dict[str, Any] = user.get("datasphere/status", params={**query, "project": "some-name"}).json()
    assert unasked["project"] == {"id": "some-name", "name": "some-name"}
    assert unasked["version"] == __version__
    assert user.get("datasphere/status", params={"project": project_id}).json()["project"]["channels"]
    known = user.get("datasphere/status", params=query).json()["project"]
    assert known == {"id": project_id, "name": "demo-project", "community_id": emulator["community_id"]}
