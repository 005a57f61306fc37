"""The panel, by the messages between a front end and a kernel that a real server started."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest_asyncio

from jupyter_datasphere.demo.kernel_client import kernel_of

from .front_end import FrontEnd

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
PANEL = "list(__import__('jupyter_datasphere.widgets.show', fromlist=['_open'])._open.values())[0]"


@pytest_asyncio.fixture
async def front_end(server: dict[str, Any]) -> AsyncIterator[FrontEnd]:
    async with kernel_of(server) as kernel:
        front_end = FrontEnd(kernel)
        await front_end.run("%load_ext jupyter_datasphere\n%ds_project demo-project")
        # So that a panel is soon at rest.
        await front_end.run("from jupyter_datasphere.widgets import refresh\nrefresh.GRACE = 0.3")
        yield front_end


async def show(front_end: FrontEnd) -> dict[str, Any]:
    ((kind, content),) = await front_end.run("%ds_panel")
    assert kind == "display_data"
    return dict(content["data"])


def rows(front_end: FrontEnd) -> list[str]:
    """The runs that are shown, and whether they can be cancelled."""
    shown = []
    for model in list(front_end.models.values()):
        if model["_model_name"] == "HBoxModel" and len(model["children"]) == 2:
            if layout(front_end, model)["display"] == "none":
                continue
            text, button = (front_end.models[child.removeprefix("IPY_MODEL_")] for child in model["children"])
            shown.append(f"{text['value']} {layout(front_end, button)['visibility']}")
    return shown


def layout(front_end: FrontEnd, model: dict[str, Any]) -> dict[str, Any]:
    return front_end.models[model["layout"].removeprefix("IPY_MODEL_")]


async def at_rest(front_end: FrontEnd) -> None:
    while await front_end.value(f"{PANEL}._ticker.active") != "False":
        pass


def newest(front_end: FrontEnd) -> str:
    """The first row of the runs; empty while there is none."""
    return next(iter(rows(front_end)), "")


async def test_what_it_shows(front_end: FrontEnd) -> None:
    await front_end.run("%%ds_execute\nmine = '<script>alert(1)</script>'")
    await front_end.run("%ds_execute '<b>no.ipynb' --detach")
    data = await show(front_end)
    assert data[WIDGET_VIEW]["model_id"] in front_end.models
    texts = front_end.texts()
    assert "Connection" in texts and ">ok<" in texts and "Balance" in texts
    assert "OAuth token from YC_TOKEN, until 2" in texts
    assert "&lt;script&gt;alert(1)" in texts
    assert "<script>" not in texts
    assert "cell in session main · succeeded" in rows(front_end)[0]
    assert rows(front_end)[0].endswith("hidden")
    project = front_end.models[front_end.find(description="Project")]
    assert (project["value"], project["continuous_update"]) == ("demo-project", False)
    assert "demo-project" in project["options"]


async def test_a_front_end_without_widgets_gets_the_same_facts_as_text(front_end: FrontEnd) -> None:
    await front_end.run("%%ds_execute\nmine = 7654")
    text = (await show(front_end))["text/plain"]
    notice, *facts = text.split("\n\n")
    assert notice.startswith("This front end shows no widgets") and "\n" not in notice
    assert "demo-project" in facts[0] and "Balance" in facts[0]
    assert "cell in session main" in facts[1] and "succeeded" in facts[1]
    assert "mine" in facts[2] and "7654" in facts[2]


async def test_it_follows_a_run_and_then_is_at_rest(front_end: FrontEnd) -> None:
    await show(front_end)
    await at_rest(front_end)
    await front_end.run("%%ds_execute --detach\nimport time\ntime.sleep(1.2)\nfresh = 4321")
    await front_end.until(lambda: "running" in newest(front_end) and newest(front_end).endswith("visible"))
    await front_end.until(lambda: "succeeded" in newest(front_end) and newest(front_end).endswith("hidden"))
    await front_end.until(lambda: "4321" in front_end.texts())
    await at_rest(front_end)


async def test_a_run_is_cancelled_by_its_button(front_end: FrontEnd) -> None:
    await front_end.run("%%ds_execute --detach --handle job\nwhile True: pass")
    await show(front_end)
    (button,) = [
        model_id
        for model_id, model in front_end.models.items()
        if model.get("description") == "Cancel" and layout(front_end, model)["visibility"] == "visible"
    ]
    await front_end.click(button)
    await front_end.until(lambda: "cancelled" in rows(front_end)[0])
    assert await front_end.value("job.status") == "cancelled"


async def test_the_project_is_chosen(
    front_end: FrontEnd, server: dict[str, Any], emulator: dict[str, str]
) -> None:
    headers = {"Authorization": f"token {server['token']}", "Idempotency-Key": str(uuid.uuid4())}
    body = {"communityId": emulator["community_id"], "name": "second-project"}
    async with httpx.AsyncClient(base_url=server["url"], headers=headers) as http:
        operation = (await http.post("datasphere/api/v2/projects", json=body)).json()
        while not operation["done"]:
            operation = (await http.get(f"datasphere/api/operations/{operation['id']}")).json()
    await show(front_end)
    field = front_end.find(description="Project")
    assert {"demo-project", "second-project"} <= set(front_end.models[field]["options"])
    await front_end.enter(field, "second-project")
    ((_, content),) = await front_end.run("%ds_project")
    assert content["data"]["text/plain"].startswith("Project: second-project (")


async def test_a_project_that_does_not_exist_is_refused_and_told(front_end: FrontEnd) -> None:
    await show(front_end)
    field = front_end.find(description="Project")
    await front_end.enter(field, "<i>demo-projec")
    await front_end.until(lambda: "There is no project &#x27;&lt;i&gt;demo-projec&#x27;" in front_end.texts())
    assert front_end.models[field]["value"] == "demo-project"
    await front_end.click(front_end.find(description="Refresh"))
    await front_end.until(lambda: "There is no project" not in front_end.texts())


async def test_closing_leaves_nothing(front_end: FrontEnd) -> None:
    await front_end.run("%%ds_execute --detach --handle job\nwhile True: pass")
    await show(front_end)
    assert await front_end.value(f"{PANEL}._ticker.active") == "True"
    await front_end.run(f"panel = {PANEL}")
    await front_end.click(front_end.find(description="Close"))
    await front_end.until(lambda: not front_end.models)
    assert await front_end.value("panel._commands.starting") == "[]"
    while await front_end.value("panel._ticker.active") != "False":
        pass
    await front_end.run("job.cancel()")


async def test_there_is_one_panel_at_a_time(front_end: FrontEnd) -> None:
    first = (await show(front_end))[WIDGET_VIEW]["model_id"]
    count = len(front_end.models)
    second = (await show(front_end))[WIDGET_VIEW]["model_id"]
    assert first not in front_end.models and second in front_end.models
    assert len(front_end.models) == count


async def test_nothing_else_imports_ipywidgets(front_end: FrontEnd) -> None:
    await front_end.run("%ds_status\n%ds_vars\n%ds_config")
    await front_end.run("%ds_panel --help")
    assert await front_end.value("'ipywidgets' in __import__('sys').modules") == "False"
    await show(front_end)
    assert await front_end.value("'ipywidgets' in __import__('sys').modules") == "True"
