"""Paths of notebooks never lead out of a project."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from emulator.api import Api, refused
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOME = "/home/jupyter/datasphere/project"


@pytest.fixture(scope="module")
def traps(api: Api) -> Path:
    """A notebook outside of the project, and links to it in all forms; gives the outside folder."""
    outside = api.emulator.config.root.parent / "outside"
    outside.mkdir()
    api.write("outside.ipynb", "print('outside')").rename(outside / "secret.ipynb")
    api.write("inside.ipynb", "print('inside')")
    (api.folder / "folder").mkdir()
    (api.folder / "file-link.ipynb").symlink_to(outside / "secret.ipynb")
    (api.folder / "folder-link").symlink_to(outside)
    (api.folder / "up-link").symlink_to("../../..")
    (api.folder / "loop.ipynb").symlink_to("loop.ipynb")
    (api.folder / "inner-link.ipynb").symlink_to("inside.ipynb")
    return outside


@pytest.mark.parametrize(
    "path",
    [
        "file-link.ipynb",
        "folder-link/secret.ipynb",
        "up-link/outside/secret.ipynb",
        "../../../outside/secret.ipynb",
        "folder/../inside.ipynb",
        f"{HOME}/../project/inside.ipynb",
        f"{HOME}x/inside.ipynb",
        f"{HOME}/file-link.ipynb",
        "/etc/passwd",
        "/",
        ".",
        HOME,
        "inside.ipynb\0",
        "\ud800.ipynb",
        "~/secret.ipynb",
        "loop.ipynb",
        "folder",
        "a/" * 90 + "b",
        "n" * 200,
        "inside.ipynb/inside.ipynb",
    ],
)
async def test_escapes_are_refused(api: Api, traps: Path, path: str) -> None:
    for field, url in (
        ("notebookPath", f"/datasphere/v1/projects/{api.project_id}:notebookMetadata"),
        ("notebookId", f"{api.project}:stateVariables"),
    ):
        response = await api.http.get(
            url, params={field: path.encode("utf-8", "surrogatepass").decode("latin-1")}
        )
        assert response.status_code in (400, 404)
        refused(response, response.status_code, 3 if response.status_code == 400 else 5)
    body = json.dumps({"notebookId": path})
    response = await api.http.post(f"{api.project}:execute", content=body)
    assert response.status_code in (400, 404), response.text


async def test_a_link_within_the_project_is_followed(api: Api, traps: Path) -> None:
    assert (await api.run(notebookId="inner-link.ipynb"))["executionStatus"] == "OK"


async def test_an_outside_path_by_its_real_name(api: Api, traps: Path) -> None:
    response = await api.http.post(f"{api.project}:execute", json={"notebookId": f"{traps}/secret.ipynb"})
    refused(response, 400, 3, "not under")


PARTS = st.sampled_from(
    [
        "",
        ".",
        "..",
        "...",
        "inside.ipynb",
        "folder",
        "file-link.ipynb",
        "folder-link",
        "up-link",
        "secret.ipynb",
        "outside",
        "project",
        "~",
        "%2e%2e",
        "\\..",
    ]
)
PATHS = st.one_of(
    st.builds(
        "{}{}".format, st.sampled_from(["", "/", "//", HOME + "/"]), st.lists(PARTS, min_size=1).map("/".join)
    ),
    st.text(min_size=1, max_size=60),
)


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=PATHS)
async def test_no_path_leads_out(api: Api, traps: Path, path: str) -> None:
    response = await api.http.request(
        "GET", f"/datasphere/v1/projects/{api.project_id}:notebookMetadata", json={"notebookPath": path}
    )
    if response.status_code == 200:
        inside = ("inside.ipynb", "inner-link.ipynb")
        assert response.json()["notebookId"] in [f"{HOME}/{name}" for name in inside]
    else:
        assert response.status_code in (400, 404), response.text
