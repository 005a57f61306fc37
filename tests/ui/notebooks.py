"""Notebooks in a real JupyterLab: making them, opening them, looking into their cells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
from playwright.async_api import Locator, Page

from .lab import visit


def notebook(folder: Path, name: str, *sources: str) -> Path:
    """Write a notebook of code cells; gives its path."""
    cells = [nbformat.v4.new_code_cell(source, id=f"cell-{n}") for n, source in enumerate(sources)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path = folder / name
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)
    return path


def gated(emulator: dict[str, str], name: str) -> tuple[str, Path]:
    """Code that puts out "begun" and goes on until a file is there, over there; and that file."""
    gate = Path(emulator["root"]) / "projects" / emulator["project_id"] / name
    code = f"""import os, time
print('be' + 'gun', flush=True)
while not os.path.exists({name!r}):
    time.sleep(0.02)
print('en' + 'ded')"""
    return code, gate


IN_FRONT = ".jp-NotebookPanel:not(.lm-mod-hidden)"


def stored(path: Path) -> list[dict[str, Any]]:
    """The cells of a notebook as they are on the disk."""
    cells: list[dict[str, Any]] = json.loads(path.read_text())["cells"]
    return cells


async def open_notebook(page: Page, server: dict[str, Any], name: str) -> None:
    """Open a notebook and wait until its kernel is there."""
    await visit(page, server, name)
    await ready(page)


async def show_notebook(page: Page, path: Path) -> None:
    """Open a notebook where JupyterLab is open already, and wait until its kernel is there."""
    await page.evaluate("path => void jupyterapp.commands.execute('docmanager:open', {path})", path.name)
    await ready(page)


async def ready(page: Page) -> None:
    await page.locator(f"{IN_FRONT} .jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for()
    await cell(page, 0).locator(".jp-InputPrompt").click()  # a notebook is in front once it was touched


def cell(page: Page, number: int) -> Locator:
    """A cell of the notebook in front, from 0."""
    return page.locator(f"{IN_FRONT} .jp-Cell").nth(number)


def badge(page: Page, number: int) -> Locator:
    return cell(page, number).get_by_role("group", name="Run in DataSphere")


async def run_cell(page: Page, number: int) -> None:
    """Run a cell in DataSphere by the button in the notebook's toolbar."""
    await cell(page, number).locator(".jp-InputPrompt").click()
    await page.locator(
        f"{IN_FRONT} .jp-NotebookPanel-toolbar [data-command='datasphere:run-cell']"
    ).first.click()


async def run_here(page: Page, number: int) -> None:
    """Run a cell in the kernel here."""
    await cell(page, number).locator(".jp-InputPrompt").click()
    # What is sent before its kernel has answered for the first time may be lost.
    await page.evaluate(
        "async () => { await jupyterapp.shell.currentWidget.sessionContext.session.kernel.info }"
    )
    await command(page, "notebook:run-cell")


def output(page: Page, number: int) -> Locator:
    """The outputs of a cell of the notebook in front."""
    return cell(page, number).locator(".jp-OutputArea-output")


async def saved(page: Page) -> None:
    """Wait until the notebook in front is on the disk as it is here."""
    await page.wait_for_function("!jupyterapp.shell.currentWidget.context.model.dirty")


async def marked(page: Page, path: Path) -> None:
    """Wait until the first cell on the disk names its run: from then on a reload joins it."""
    await page.wait_for_function(
        """path => jupyterapp.serviceManager.contents.get(path).then(
            ({ content }) => 'datasphere' in content.cells[0].metadata,
            () => false  // it is just being written
        )""",
        arg=path.name,
        polling=100,
    )


async def execution_of(page: Page, number: int) -> str:
    """The execution that a cell of the notebook in front says to have been."""
    metadata = "jupyterapp.shell.currentWidget.content.widgets[number].model.getMetadata('datasphere')"
    return str(await page.evaluate(f"number => {metadata}.execution", number))


async def command(page: Page, name: str) -> None:
    """Start a command of the notebook in front, without waiting for its end."""
    await page.evaluate("name => void jupyterapp.commands.execute(name)", name)
