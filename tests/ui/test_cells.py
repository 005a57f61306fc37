"""Cells of a notebook that run in DataSphere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import nbformat
import pytest
from playwright.async_api import Browser, Page, Route, expect

from .lab import choose_in_menu, clear, open_sidebar, page_of
from .notebooks import (
    badge,
    cell,
    command,
    execution_of,
    gated,
    marked,
    notebook,
    open_notebook,
    output,
    ready,
    run_cell,
    run_here,
    saved,
    show_notebook,
    stored,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

PLOT = """import matplotlib.pyplot as plt
plt.plot([1, 3, 2])
plt.show()
print('drawn')"""

LOOP = """import time
for step in range(600):
    print('step', step)
    time.sleep(0.1)"""

HOSTILE = "<img src=x onerror=\"document.title='hacked'\">"


async def asked(server: dict[str, Any], path: str, **query: str) -> Any:
    """What the server extension answers."""
    headers = {"Authorization": f"token {server['token']}"}
    async with httpx.AsyncClient(base_url=server["url"], headers=headers, timeout=60) as client:
        return (await client.get(f"datasphere/{path}", params=query)).json()


async def test_a_reload_in_the_middle_joins_the_run_again(
    lab_page: Page, server: dict[str, Any], emulator: dict[str, str]
) -> None:
    # The first of these tests: what others leave open would come back, too.
    code, gate = gated(emulator, "reload.gate")
    path = notebook(Path(server["folder"]), "reload.ipynb", code)
    await show_notebook(lab_page, path)
    await run_cell(lab_page, 0)
    await expect(cell(lab_page, 0)).to_contain_text("begun")
    await expect(cell(lab_page, 0).locator(".jp-InputPrompt")).to_have_text("[*]:")
    await expect(badge(lab_page, 0)).to_contain_text("running")
    await marked(lab_page, path)
    await lab_page.reload()
    await ready(lab_page)
    await expect(badge(lab_page, 0)).to_contain_text("running")
    await expect(cell(lab_page, 0).locator(".jp-InputPrompt")).to_have_text("[*]:")
    await expect(cell(lab_page, 0)).to_contain_text("begun")
    gate.touch()
    await expect(output(lab_page, 0)).to_have_text("begun\nended\n")
    await expect(badge(lab_page, 0)).to_contain_text("succeeded")


async def test_a_cell_runs_there_and_its_plot_is_here(lab_page: Page, server: dict[str, Any]) -> None:
    path = notebook(Path(server["folder"]), "plot.ipynb", PLOT)
    await show_notebook(lab_page, path)
    await run_cell(lab_page, 0)
    await expect(cell(lab_page, 0).locator(".jp-RenderedImage img")).to_be_visible()
    await expect(cell(lab_page, 0)).to_contain_text("drawn")
    await expect(badge(lab_page, 0)).to_contain_text("DataSphere: demo-project · succeeded · ")
    await expect(badge(lab_page, 0)).to_contain_text("units")
    await expect(cell(lab_page, 0).locator(".jp-InputPrompt")).to_have_text("[ ]:")
    await saved(lab_page)
    [kept] = stored(path)
    mark = kept["metadata"]["datasphere"]
    assert (mark["project"], mark["state"]) == ("demo-project", "succeeded")
    assert "".join(kept["source"]) == PLOT  # nothing was added to it
    assert [one["output_type"] for one in kept["outputs"]] == ["display_data", "stream"]


async def test_outputs_come_as_from_a_kernel_here(lab_page: Page, server: dict[str, Any]) -> None:
    code = """import sys
from IPython.display import clear_output, display
print('gone'); clear_output()
for n in range(3):
    print('line', n)
print('aside', file=sys.stderr)
shown = display('before', display_id=True)
shown.update('after')
{'a': 1}"""
    await show_notebook(lab_page, notebook(Path(server["folder"]), "outputs.ipynb", code))
    await run_cell(lab_page, 0)
    await expect(output(lab_page, 0).nth(3)).to_have_text("{'a': 1}")
    outputs = await lab_page.evaluate(
        "jupyterapp.shell.currentWidget.content.widgets[0].model.outputs.toJSON().map("
        "one => [one.output_type, one.name ?? '', one.text ?? one.data['text/plain']])"
    )
    assert outputs == [
        ["stream", "stdout", "line 0\nline 1\nline 2\n"],
        ["stream", "stderr", "aside\n"],
        ["display_data", "", "'after'"],
        ["execute_result", "", "{'a': 1}"],
    ]


async def test_a_notebook_runs_until_a_cell_fails(
    lab_page: Page, server: dict[str, Any], emulator: dict[str, str]
) -> None:
    sources = ["%load_ext jupyter_datasphere", "shared = 40", "", "shared + 2", "1 / 0", "print('never')"]
    await show_notebook(lab_page, notebook(Path(server["folder"]), "whole.ipynb", *sources))
    await choose_in_menu(lab_page, "Run", "Run notebook in DataSphere")
    await expect(cell(lab_page, 4)).to_contain_text("ZeroDivisionError: division by zero")
    await expect(badge(lab_page, 4)).to_contain_text("failed")
    await expect(output(lab_page, 3)).to_have_text("42")
    await expect(cell(lab_page, 5).locator(".jp-InputPrompt")).to_have_text("[ ]:")
    for number in (0, 2, 5):
        await expect(badge(lab_page, number)).to_have_count(0)
    told = lab_page.locator(".Toastify__toast").filter(has_text="are for the kernel here")
    await expect(told).to_have_count(1)
    # In the session that %%ds_execute uses, too.
    found = await asked(server, "variables", project=emulator["project_id"], name="shared")
    assert [variable["value"] for variable in found["variables"]] == [40]


async def test_a_cell_may_say_that_it_raises(lab_page: Page, server: dict[str, Any]) -> None:
    path = notebook(Path(server["folder"]), "raises.ipynb", "1 / 0", "print('went on')")
    content = nbformat.read(path, 4)
    content.cells[0].metadata["tags"] = ["raises-exception"]
    nbformat.write(content, path)
    await show_notebook(lab_page, path)
    await command(lab_page, "datasphere:run-notebook")
    await expect(output(lab_page, 1)).to_have_text("went on\n")
    await expect(badge(lab_page, 0)).to_contain_text("failed")


async def test_what_ended_while_the_notebook_was_closed_is_there(
    lab_page: Page, server: dict[str, Any], emulator: dict[str, str]
) -> None:
    code, gate = gated(emulator, "closed.gate")
    path = notebook(Path(server["folder"]), "closed.ipynb", code)
    await show_notebook(lab_page, path)
    await run_cell(lab_page, 0)
    await expect(cell(lab_page, 0)).to_contain_text("begun")
    await marked(lab_page, path)
    run = await execution_of(lab_page, 0)
    await lab_page.evaluate("jupyterapp.shell.currentWidget.dispose()")
    gate.touch()
    while (await asked(server, f"executions/{run}"))["state"] == "running":
        pass
    await show_notebook(lab_page, path)
    await expect(output(lab_page, 0)).to_have_text("begun\nended\n")
    await expect(badge(lab_page, 0)).to_contain_text("succeeded")


async def test_the_badge_cancels(lab_page: Page, server: dict[str, Any]) -> None:
    await show_notebook(lab_page, notebook(Path(server["folder"]), "cancel.ipynb", LOOP, "print('never')"))
    await command(lab_page, "datasphere:run-notebook")
    await expect(cell(lab_page, 0)).to_contain_text("step 1")
    await expect(cell(lab_page, 1).locator(".jp-InputPrompt")).to_have_text("[*]:")
    await badge(lab_page, 0).get_by_role("button", name="Cancel the run in DataSphere").click()
    await expect(badge(lab_page, 0)).to_contain_text("cancelled")
    for number in (0, 1):  # what waited runs no more
        await expect(cell(lab_page, number).locator(".jp-InputPrompt")).to_have_text("[ ]:")
    await expect(badge(lab_page, 1)).to_have_count(0)


async def test_two_tabs_show_the_same_and_either_cancels(
    page: Page, browser: Browser, server: dict[str, Any], emulator: dict[str, str]
) -> None:
    path = notebook(Path(server["folder"]), "shared.ipynb", gated(emulator, "never.gate")[0])
    await open_notebook(page, server, path.name)
    await open_sidebar(page)
    await run_cell(page, 0)
    await expect(cell(page, 0)).to_contain_text("begun")
    await page.evaluate("async () => { await jupyterapp.shell.currentWidget.context.save() }")
    row = f".jp-DataSphere-RunRow[data-id='{await execution_of(page, 0)}']"
    async with page_of(browser) as other:
        await open_notebook(other, server, path.name)
        await open_sidebar(other)
        await expect(cell(other, 0)).to_contain_text("begun")
        for one in (page, other):
            await expect(one.locator(row)).to_have_attribute("data-state", "running")
            await expect(one.locator(row)).to_contain_text("begun")
        await badge(other, 0).get_by_role("button", name="Cancel the run in DataSphere").click()
        for one in (page, other):
            await expect(badge(one, 0)).to_contain_text("cancelled")
            await expect(one.locator(row)).to_have_attribute("data-state", "cancelled")
            await expect(cell(one, 0)).to_contain_text("KeyboardInterrupt")
        texts = [await output(one, 0).all_inner_texts() for one in (page, other)]
        assert texts[0] == texts[1]


async def test_running_it_here_takes_the_badge_away(lab_page: Page, server: dict[str, Any]) -> None:
    await show_notebook(lab_page, notebook(Path(server["folder"]), "here.ipynb", "print('n' + 'ow')"))
    await run_cell(lab_page, 0)
    await expect(badge(lab_page, 0)).to_contain_text("succeeded")
    await run_here(lab_page, 0)
    await expect(cell(lab_page, 0).locator(".jp-InputPrompt")).to_have_text("[1]:")
    await expect(badge(lab_page, 0)).to_have_count(0)
    await expect(output(lab_page, 0)).to_have_text("now\n")


async def test_the_badge_is_removed_and_the_output_stays(lab_page: Page, server: dict[str, Any]) -> None:
    await show_notebook(lab_page, notebook(Path(server["folder"]), "removed.ipynb", "print('st' + 'ays')"))
    await run_cell(lab_page, 0)
    await expect(badge(lab_page, 0)).to_contain_text("succeeded")
    await badge(lab_page, 0).get_by_role("button", name="Remove this mark; the output stays").click()
    await expect(badge(lab_page, 0)).to_have_count(0)
    await expect(cell(lab_page, 0)).to_contain_text("stays")
    metadata = "jupyterapp.shell.currentWidget.content.widgets[0].model.metadata"
    assert await lab_page.evaluate(metadata) == {"trusted": True}


async def test_a_run_that_cannot_start_leaves_the_cell_as_it_was(
    lab_page: Page, server: dict[str, Any]
) -> None:
    path = notebook(Path(server["folder"]), "refused.ipynb", "print('kept')")
    content = nbformat.read(path, 4)
    content.cells[0].execution_count = 7
    content.cells[0].outputs = [nbformat.v4.new_output("stream", text="kept\n")]
    nbformat.write(content, path)
    await show_notebook(lab_page, path)
    problem = {"code": "no-credentials", "title": "No credentials.", "hint": "Log in.", "status": 401}

    async def refuse(route: Route) -> None:
        if route.request.method == "POST":
            await route.fulfill(status=401, json=problem, content_type="application/problem+json")
        else:
            await route.continue_()

    await lab_page.route("**/datasphere/executions*", refuse)
    await run_cell(lab_page, 0)
    dialog = lab_page.get_by_role("dialog").filter(has_text="The cell could not be run in DataSphere")
    await expect(dialog).to_contain_text("No credentials.")
    await expect(dialog).to_contain_text("Log in.")
    await dialog.get_by_role("button").last.click()
    await expect(cell(lab_page, 0).locator(".jp-InputPrompt")).to_have_text("[7]:")
    await expect(output(lab_page, 0)).to_have_text("kept\n")
    await expect(badge(lab_page, 0)).to_have_count(0)


async def test_selected_cells_run_with_options_until_one_fails(
    lab_page: Page, server: dict[str, Any]
) -> None:
    sources = ("a = 1", "print(a + 1)", "1 / 0", "print('selected, too')", "print('no')")
    await show_notebook(lab_page, notebook(Path(server["folder"]), "options.ipynb", *sources))
    await cell(lab_page, 0).locator(".jp-InputPrompt").click()
    await cell(lab_page, 3).locator(".jp-InputPrompt").click(modifiers=["Shift"])
    await command(lab_page, "datasphere:run-selected-cells")
    dialog = lab_page.get_by_role("dialog").filter(has_text="Run the selected cells in DataSphere")
    await dialog.get_by_label("Computing configuration").select_option("c1.8")
    await dialog.get_by_label("Session").fill("of-its-own")
    await dialog.get_by_role("button", name="Run").click()
    await expect(output(lab_page, 1)).to_have_text("2\n")
    await expect(badge(lab_page, 2)).to_contain_text("failed")
    await expect(cell(lab_page, 3).locator(".jp-InputPrompt")).to_have_text("[ ]:")
    for number in (3, 4):
        await expect(badge(lab_page, number)).to_have_count(0)
    execution = await asked(server, f"executions/{await execution_of(lab_page, 1)}")
    assert (execution["spec"], execution["source"]["session"]) == ("c1.8", "of-its-own")


async def test_a_file_is_run_from_the_file_browser(lab_page: Page, server: dict[str, Any]) -> None:
    path = notebook(Path(server["folder"]), "browsed.ipynb", "print('first')", "print('sec' + 'ond')")
    for before in ("Run in DataSphere", "Replace and run"):  # a second time it is there already
        await command(lab_page, "filebrowser:activate")
        item = lab_page.locator(f".jp-DirListing-item:has-text('{path.name}')")
        await item.click(button="right")
        await lab_page.locator(".lm-Menu").get_by_role("menuitem", name="Run in DataSphere").click()
        if before == "Replace and run":
            await lab_page.get_by_role("dialog").get_by_role("button", name=before).click()
        tab = lab_page.locator(".jp-DataSphere-Run")
        await expect(tab.get_by_role("status")).to_contain_text("succeeded")
        await expect(tab.get_by_role("region", name="Output")).to_contain_text("second")
        await clear(lab_page)


async def test_scripts_of_a_run_are_as_trusted_as_the_cell(lab_page: Page, server: dict[str, Any]) -> None:
    """Who runs a cell trusts it; whoever is sent the notebook does not."""
    hostile = f"{HOSTILE}<script>document.title = 'hacked'</script><i>slanted</i>"
    code = f"from IPython.display import HTML\nHTML({hostile!r})"
    await show_notebook(lab_page, notebook(Path(server["folder"]), "trusted.ipynb", code))
    await run_cell(lab_page, 0)
    await expect(lab_page).to_have_title("hacked")
    await expect(badge(lab_page, 0)).to_contain_text("succeeded")
    await saved(lab_page)
    run = await execution_of(lab_page, 0)
    await lab_page.evaluate("() => { document.title = 'safe'; jupyterapp.shell.currentWidget.dispose(); }")
    path = notebook(Path(server["folder"]), "sent.ipynb", code)
    sent = nbformat.read(path, 4)
    sent.cells[0].metadata["datasphere"] = {"execution": run}
    sent.cells[0].outputs = [nbformat.v4.new_output("display_data", {"text/html": hostile})]
    nbformat.write(sent, path)
    await show_notebook(lab_page, path)
    await expect(badge(lab_page, 0)).to_contain_text("succeeded")
    await expect(cell(lab_page, 0).locator(".jp-OutputArea i")).to_have_text("slanted")
    await expect(lab_page.locator("[onerror]")).to_have_count(0)
    await expect(lab_page).not_to_have_title("hacked")


async def test_what_a_file_says_of_runs_is_not_believed(lab_page: Page, server: dict[str, Any]) -> None:
    path = notebook(Path(server["folder"]), "says.ipynb", "1", "2", "3")
    content = nbformat.read(path, 4)
    content.cells[0].metadata["datasphere"] = {"execution": f"0123456789abcdef{HOSTILE}"}
    content.cells[1].metadata["datasphere"] = {"execution": "0123456789abcdef"}
    content.cells[1].outputs = [nbformat.v4.new_output("stream", text="kept")]
    content.cells[2].metadata["datasphere"] = {
        "execution": "0123456789abcdef",
        "project": HOSTILE,
        "state": "succeeded",
        "units": 12,
    }
    path.write_text(json.dumps(content))
    await show_notebook(lab_page, path)
    await expect(badge(lab_page, 1).get_by_role("alert")).to_contain_text("0123456789abcdef")
    await expect(cell(lab_page, 1)).to_contain_text("kept")
    await expect(badge(lab_page, 2)).to_contain_text(f"DataSphere: {HOSTILE} · succeeded · 12 units")
    await expect(badge(lab_page, 0)).to_have_count(0)
    await expect(lab_page.locator("[onerror]")).to_have_count(0)
    await expect(lab_page).not_to_have_title("hacked")


async def test_a_moved_cell_keeps_its_run(
    lab_page: Page, server: dict[str, Any], emulator: dict[str, str]
) -> None:
    code, gate = gated(emulator, "moved.gate")
    sources = (code, "print('next')", "print('other')")
    await show_notebook(lab_page, notebook(Path(server["folder"]), "moved.ipynb", *sources))
    await command(lab_page, "datasphere:run-notebook")
    await expect(cell(lab_page, 0)).to_contain_text("begun")
    await cell(lab_page, 0).locator(".jp-InputPrompt").click()
    await command(lab_page, "notebook:move-cell-down")
    await expect(cell(lab_page, 1)).to_contain_text("begun")
    await expect(badge(lab_page, 1)).to_contain_text("running")
    gate.touch()
    await expect(output(lab_page, 1)).to_have_text("begun\nended\n")
    await expect(output(lab_page, 0)).to_have_text("next\n")
    await expect(output(lab_page, 2)).to_have_text("other\n")
