"""How it looks: for screen readers, in each theme, where it is narrow, in Russian, and from the keyboard."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from .lab import fact, open_sidebar, page_of, section, status_item
from .notebooks import badge, notebook, open_notebook, run_cell

pytestmark = pytest.mark.asyncio(loop_scope="session")

THEMES = ("JupyterLab Light", "JupyterLab Dark", "JupyterLab Dark High Contrast")
SETTINGS = {
    "themes": "@jupyterlab/apputils-extension:themes",
    "language": "@jupyterlab/translation-extension:plugin",
}
AXE = Path(__file__).parents[2] / "labextension" / "node_modules" / "axe-core" / "axe.min.js"
OURS = (
    "#jupyter-datasphere-sidebar",
    ".jp-DataSphere-StatusItem",
    ".jp-MainAreaWidget:has(> .jp-DataSphere-Run)",
    ".jp-DataSphere-CellBadge",
    ".jp-DataSphere-Dialog",
)
COMMANDS = ("create-project", "rename-project", "delete-project", "set-project-units", "give-role")
"""Those that ask in a dialog; the last one has a control of each kind."""
NARROW = 250
"""Pixels."""

STOPS = (
    "Connection Section",
    "Ask DataSphere again",
    "region",  # the connection's, which may be scrolled
    "Projects Section",
    "Create a project",
    "Search for projects",
    "Communities and projects",
    "Open in DataSphere",
    "More for this project",
    "Runs Section",
    "Filter runs",
    "Show the output of this run",
    "Attach to the notebook in front: print('seen')",
    "Access Section",
    "Give somebody a role",
    "Project",
    "Community",
    "Change the role of",
    "Take the role of",
)

TROUBLES = """async places => {
    const seen = places.filter(place => document.querySelector(place) !== null);
    const { violations } = await axe.run({ include: seen.map(place => [place]) }, { resultTypes: ['violations'] });
    // JupyterLab's own components have a shadow, and attributes that they give themselves.
    const theirs = ({ target }) =>
        Array.isArray(target[0]) || document.querySelector(target[0])?.localName.startsWith('jp-');
    return violations
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .map(({ id, nodes }) => [id, nodes.filter(node => !theirs(node)).map(({ html }) => html)])
        .filter(([, nodes]) => nodes.length > 0);
}"""
"""What axe finds that is serious and of our making: the rule, and the nodes."""

CUT_OFF = """section => [section, ...section.querySelectorAll('*')]
    .filter(node => node.clientWidth > 0 && node.scrollWidth > node.clientWidth + 1)
    .filter(node => node === section || getComputedStyle(node).overflowX === 'visible')
    .map(node => node.outerHTML.slice(0, 200))"""
"""What is wider than its place and not cut off by an ellipsis or scrolled on purpose."""

NOT_RUSSIAN = """() => [...document.querySelectorAll(
        '#jupyter-datasphere-sidebar :is(h3, dt, th, small, .jp-DataSphere-note, [placeholder], [aria-label], [title]):not(bdi)'
    )].flatMap(node => node.matches('[placeholder], [aria-label], [title]')
        ? [node.getAttribute('placeholder'), node.getAttribute('aria-label'), node.getAttribute('title')]
        : [node.textContent])
    .filter(text => text && /[a-z]{4}/i.test(text) && !/\\p{Script=Cyrillic}/u.test(text))"""
"""Texts with words in them of which none is Russian; names and IDs are in a `bdi`."""


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def page(browser: Browser, server: dict[str, Any], emulator: dict[str, str]) -> AsyncIterator[Page]:
    """A page that shows all there is: a notebook with a badge, a run in a tab, the sidebar with all sections."""
    path = notebook(Path(server["folder"]), "look.ipynb", "print('seen')")
    try:
        async with page_of(browser) as page:
            await open_notebook(page, server, path.name)
            await run_cell(page, 0)
            await expect(badge(page, 0)).to_contain_text("succeeded")
            await badge(page, 0).get_by_role("button", name="DataSphere: ").click()
            await expect(page.locator(".jp-DataSphere-Run")).to_contain_text("seen")
            sidebar = await open_sidebar(page)
            await sidebar.locator("h3", has_text="Access").click()  # it is folded at first
            await all_shown(page)
            await page.evaluate(AXE.read_text())
            yield page
    finally:
        for name in SETTINGS:
            await set_up(server, name, {})


async def all_shown(page: Page) -> None:
    await section(page, "projects").get_by_role("treeitem", name="demo-project").click()
    await expect(section(page, "access").get_by_role("row")).not_to_have_count(0)
    await expect(section(page, "projects").locator(".jp-DataSphere-details dd")).not_to_have_count(1)


async def set_up(server: dict[str, Any], name: str, settings: dict[str, Any]) -> None:
    """Set what JupyterLab asks for when it starts."""
    headers = {"Authorization": f"token {server['token']}"}
    async with httpx.AsyncClient(base_url=server["url"], headers=headers, timeout=60) as client:
        body = {"raw": json.dumps(settings)}
        (await client.put(f"lab/api/settings/{SETTINGS[name]}", json=body)).raise_for_status()


async def dialogs(page: Page, commands: Sequence[str]) -> AsyncIterator[None]:
    """Each dialog, while it is there."""
    project = await section(page, "projects").locator(".jp-DataSphere-details dd").first.inner_text()
    for command in commands:
        await page.evaluate(
            "([command, project]) => void jupyterapp.commands.execute(`datasphere:${command}`, {project})",
            [command, project],
        )
        await expect(page.locator(".jp-DataSphere-Dialog :is(input, select)").first).to_be_focused()
        yield
        await page.keyboard.press("Escape")
        await page.locator(".jp-DataSphere-Dialog").wait_for(state="detached")


@pytest.mark.parametrize("theme", THEMES)
async def test_axe_finds_nothing_serious(page: Page, theme: str) -> None:
    await page.evaluate("theme => jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
    await expect(page.locator("body")).to_have_attribute("data-jp-theme-name", theme)
    assert await page.evaluate(TROUBLES, OURS) == []
    await page.locator(".lm-TabBar-tab", has_text="look.ipynb").first.click()
    await expect(badge(page, 0)).to_be_visible()
    assert await page.evaluate(TROUBLES, OURS) == []
    async for _ in dialogs(page, COMMANDS if theme == THEMES[0] else COMMANDS[-1:]):
        assert await page.evaluate(TROUBLES, [".jp-DataSphere-Dialog"]) == []


async def test_nothing_is_cut_off_where_it_is_narrow(page: Page) -> None:
    await narrow(page)
    for name in ("connection", "projects", "runs", "access"):
        await expect(section(page, name)).to_be_visible()
        assert await section(page, name).evaluate(CUT_OFF) == []


async def narrow(page: Page) -> None:
    """Drag the sidebar as narrow as it is promised to be readable."""
    sidebar = page.locator("#jupyter-datasphere-sidebar")
    box = await sidebar.bounding_box()
    assert box is not None
    edge = box["x"] + box["width"] + 1
    await page.mouse.move(edge, 400)
    await page.mouse.down()
    await page.mouse.move(edge + NARROW - box["width"], 400, steps=3)
    await page.mouse.up()
    assert await sidebar.evaluate("node => node.clientWidth") <= NARROW


async def test_the_keyboard_comes_to_all_in_the_order_in_which_it_is_seen(page: Page) -> None:
    sidebar = page.locator("#jupyter-datasphere-sidebar")
    await page.keyboard.press("Control+Alt+D")
    await expect(sidebar.locator("h3").first).to_be_focused()
    seen: list[str] = []
    while not seen or not seen[-1].startswith("Take the role of"):
        seen.append(
            await page.evaluate(
                "(({ariaLabel, placeholder, title, role, textContent}) => "
                "ariaLabel || placeholder || title || role || textContent)(document.activeElement)"
            )
        )
        assert len(seen) < 100
        await page.keyboard.press("Tab")
    stops = iter(seen)  # in this order, with others between
    for wanted in STOPS:
        assert any(stop.startswith(wanted) for stop in stops), (wanted, seen)


async def test_it_speaks_russian(page: Page, server: dict[str, Any]) -> None:
    await set_up(server, "language", {"locale": "ru_RU"})
    await page.reload()
    await page.locator("#jupyterlab-splash").wait_for(state="detached")
    await all_shown(page)  # JupyterLab has kept what was open
    await expect(page.locator("#jupyter-datasphere-sidebar h3")).to_have_text(
        ["Подключение", "Проекты", "Выполнения", "Доступ"]
    )
    await expect(fact(section(page, "connection"), "Подключение")).to_have_text("в порядке")
    assert await page.evaluate(NOT_RUSSIAN) == []
    for name in ("connection", "projects", "runs", "access"):
        assert await section(page, name).evaluate(CUT_OFF) == []
    await expect(status_item(page)).to_have_attribute(
        "aria-label", "DataSphere: demo-project; Подключение: в порядке"
    )
    labels = await page.evaluate(
        "() => jupyterapp.commands.listCommands().filter(id => id.startsWith('datasphere:'))"
        ".map(id => jupyterapp.commands.label(id)).filter(label => !/\\p{Script=Cyrillic}/u.test(label))"
    )
    assert labels == []
    await expect(page.locator(".jp-DataSphere-CellBadge").first).to_contain_text("успешно")
