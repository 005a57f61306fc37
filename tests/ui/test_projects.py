"""The projects in the sidebar: an organization with thousands of them, and what can be done with one."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from jupyter_datasphere.demo.processes import emulator as run_emulator

from .lab import fact, lab, open_sidebar, page_of, run_command, section, status_item, visit

pytestmark = pytest.mark.asyncio(loop_scope="session")

MANY = 5_000
ARCHIVE = "bt1archive"
HOSTILE = "x<img/src=x/onerror=document.title='hacked'>\u202etxt.exe"
"""A name that the service takes."""
LONGEST = "m" * 63
DRAWN = 60
"""Lines that are in the page at most: those that can be seen, and a few beyond."""


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """An emulator whose organization has more projects than its API would take."""
    root = tmp_path_factory.mktemp("large") / "root"
    with run_emulator(root) as facts:
        pass  # makes the database
    fill(root, facts)
    with run_emulator(root) as facts:
        yield {**facts, "root": str(root)}


def fill(root: Path, facts: dict[str, str]) -> None:
    """Put communities and projects into the emulator's database; it must not run."""
    with sqlite3.connect(root / "emulator.sqlite") as store:

        def read(resource_id: str) -> tuple[str, str, dict[str, Any]]:
            parent, owner, data = store.execute(
                "SELECT parent, owner, data FROM resources WHERE id = ?", [resource_id]
            ).fetchone()
            return parent, owner, json.loads(data)

        organization, owner, community = read(facts["community_id"])
        _, _, project = read(facts["project_id"])

        def row(kind: str, parent: str, model: dict[str, Any], **fields: str) -> tuple[Any, ...]:
            return fields["id"], kind, parent, owner, json.dumps({**model, **fields}).encode()

        rows = [
            row("community", organization, community, id=ARCHIVE, name="archive"),
            row("community", organization, community, id="bt1hostile", name=HOSTILE),
            row("project", "bt1hostile", project, id="bt1long", name=LONGEST, communityId="bt1hostile"),
            *(
                row("project", ARCHIVE, project, id=f"bt1a{n:05}", name=f"trial-{n:05}", communityId=ARCHIVE)
                for n in range(MANY)
            ),
        ]
        store.executemany(
            "INSERT INTO resources (id, kind, parent, owner, data) VALUES (?, ?, ?, ?, ?)", rows
        )
        store.executemany(
            "INSERT INTO bindings (resource, role, subject, type)"
            " VALUES (?, 'datasphere.communities.admin', ?, 'userAccount')",
            [(ARCHIVE, owner), ("bt1hostile", owner)],
        )
    store.close()


@pytest.fixture(scope="module")
def server(emulator: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    with lab(tmp_path_factory.mktemp("lab"), emulator) as facts:
        yield facts


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def page(browser: Browser, server: dict[str, Any]) -> AsyncIterator[Page]:
    """One page for all tests, with the sidebar open and the projects listed."""
    async with page_of(browser) as page:
        await visit(page, server)
        await open_sidebar(page)
        await expect(line(page, "archive")).to_contain_text("5,000")
        yield page


@contextmanager
def service(emulator: dict[str, str]) -> Iterator[httpx.Client]:
    """DataSphere itself, as somebody else would use it who works elsewhere."""
    token = httpx.post(
        f"{emulator['url']}/iam/v1/tokens", json={"yandexPassportOauthToken": emulator["oauth_token"]}
    ).json()["iamToken"]
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=f"{emulator['url']}/datasphere/v2", headers=headers) as client:
        yield client


def make(emulator: dict[str, str], name: str, **fields: Any) -> str:
    """Make a project in the demo community, elsewhere; gives its ID."""
    with service(emulator) as client:
        answer = client.post(
            "projects", json={"communityId": emulator["community_id"], "name": name, **fields}
        )
        return str(answer.raise_for_status().json()["metadata"]["projectId"])


async def listed(page: Page, name: str) -> Locator:
    """The line of a project that was made elsewhere, once it is listed."""
    await tree(page).press("Home")
    await section_tool(page, "List the projects again").click()
    await expect(line(page, name)).to_be_visible()
    return line(page, name)


def section_tool(page: Page, name: str) -> Locator:
    return page.locator("#jupyter-datasphere-sidebar").get_by_role("button", name=name, exact=True)


def tree(page: Page) -> Locator:
    return section(page, "projects").get_by_role("tree", name="Communities and projects")


def line(page: Page, name: str) -> Locator:
    """The line of a community or project, by its name."""
    exact = re.compile(rf"^{re.escape(name)}$")
    return tree(page).get_by_role("treeitem").filter(has=page.locator("bdi").filter(has_text=exact))


def search(page: Page) -> Locator:
    return section(page, "projects").get_by_role("searchbox", name="Search for projects")


def in_force(page: Page) -> Locator:
    return section(page, "projects").locator(".jp-DataSphere-inForce")


def details(page: Page) -> Locator:
    return section(page, "projects").get_by_role("region", name="The selected project")


async def choose_from_menu(page: Page, name: str, item: str) -> None:
    """Choose something in the context menu of a line."""
    await line(page, name).click(button="right")
    await page.locator(".lm-Menu").get_by_role("menuitem", name=item, exact=True).click()


async def number_drawn(page: Page) -> int:
    return await tree(page).get_by_role("treeitem").count()


async def test_of_five_thousand_those_are_drawn_that_are_seen(page: Page) -> None:
    assert await number_drawn(page) < DRAWN
    await tree(page).focus()
    await page.keyboard.press("End")
    await expect(line(page, LONGEST)).to_be_visible()
    assert await number_drawn(page) < DRAWN
    await tree(page).evaluate("tree => { tree.scrollTop = tree.scrollHeight / 2 }")
    await expect(line(page, "trial-02500")).to_be_visible()
    assert await number_drawn(page) < DRAWN
    await page.keyboard.press("Home")
    await expect(line(page, "archive")).to_be_in_viewport()


async def test_one_far_down_is_chosen_by_the_keyboard(page: Page) -> None:
    await run_command(page, "Choose the DataSphere project…")
    await expect(search(page)).to_be_focused()
    await page.keyboard.type("trial 4711")
    await expect(line(page, "trial-04711")).to_be_visible()
    await expect(section(page, "projects").get_by_role("status")).to_have_text("1 project was found.")
    await expect(line(page, "demo-project")).to_have_count(0)
    await page.keyboard.press("Tab")
    await expect(tree(page)).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(in_force(page)).to_contain_text("trial-04711")
    await expect(in_force(page)).to_contain_text("chosen here")
    await expect(status_item(page)).to_contain_text("trial-04711")
    await expect(fact(section(page, "connection"), "Project")).to_contain_text("trial-04711")
    await expect(line(page, "trial-04711")).to_contain_text("in force")
    await search(page).fill("")
    await expect(line(page, "trial-04711")).to_be_in_viewport()  # where it is among all
    await in_force(page).get_by_role("button", name="Undo the choice").click()
    await expect(in_force(page)).to_contain_text("demo-project")
    await expect(in_force(page)).to_contain_text("by the settings")
    await expect(status_item(page)).to_contain_text("demo-project")


async def test_what_is_typed_is_searched_for_in_all_communities(page: Page) -> None:
    await search(page).fill("00042")
    await expect(tree(page).get_by_role("treeitem")).to_have_count(2)
    await expect(line(page, "archive")).to_contain_text("1")
    await search(page).fill("mmmm")
    await expect(line(page, LONGEST)).to_be_visible()
    await expect(line(page, "archive")).to_have_count(0)
    await search(page).fill("no such project")
    await expect(section(page, "projects")).to_contain_text("No community or project is called so.")
    await search(page).fill("")
    await tree(page).press("Home")
    await line(page, "archive").click()  # folds it
    await expect(line(page, "archive")).to_have_attribute("aria-expanded", "false")
    await expect(line(page, LONGEST)).to_be_visible()
    await line(page, "archive").click()
    await expect(line(page, "trial-00000")).to_be_visible()


async def test_balance_and_limits_are_shown_and_set(page: Page, emulator: dict[str, str]) -> None:
    limits = {"maxUnitsPerHour": "14400"}
    project = make(emulator, "forecast", description="Demand of next week", limits=limits)
    with service(emulator) as client:
        client.post(f"projects/{project}:unitBalance", json={"unitBalance": "720000"}).raise_for_status()
    await (await listed(page, "forecast")).click()
    await expect(fact(details(page), "ID")).to_have_text(project)
    await expect(fact(details(page), "Description")).to_have_text("Demand of next week")
    await expect(fact(details(page), "Balance")).to_have_text("720,000 units, which is 2 d 2 h of c1.4")
    await expect(fact(details(page), "Limit per hour")).to_have_text("at most 14,400 units")
    await expect(fact(details(page), "Limit per run")).to_have_text("no limit")
    await choose_from_menu(page, "forecast", "Units and limits…")
    dialog = page.get_by_role("dialog")
    left = dialog.get_by_label("Units that are left")
    await expect(left).to_have_value("720000")
    await left.fill("12 thousand")
    await expect(dialog).to_contain_text("A whole number, or nothing.")
    await expect(dialog.get_by_role("button", name="Set")).to_be_disabled()
    await left.fill("12000")
    await expect(dialog).to_contain_text("720,000 → 12,000")
    await dialog.get_by_label("Units that a run may cost").fill("600")
    await expect(dialog).to_contain_text("no limit → 600")
    await dialog.get_by_role("button", name="Set").click()
    await expect(fact(details(page), "Balance")).to_have_text("12,000 units, which is 50 min of c1.4")
    await expect(fact(details(page), "Limit per run")).to_have_text("at most 600 units")
    await expect(fact(details(page), "Limit per hour")).to_have_text("at most 14,400 units")  # as it was


async def test_a_project_is_made_renamed_and_deleted(page: Page) -> None:
    await section_tool(page, "Create a project").click()
    dialog = page.get_by_role("dialog")
    create = dialog.get_by_role("button", name="Create")
    await expect(dialog.get_by_label("Name")).to_be_focused()
    await expect(create).to_be_disabled()
    await page.keyboard.type("No Such Name")
    await expect(create).to_be_disabled()
    await dialog.get_by_label("Name").fill("churn")
    await expect(dialog.get_by_label("Community")).to_contain_text("demo-community")
    await dialog.get_by_label("Description").fill("Who leaves, and when")
    await create.click()
    await expect(line(page, "churn")).to_be_visible()

    await choose_from_menu(page, "churn", "Rename…")
    await expect(dialog.get_by_label("New name")).to_have_value("churn")
    await dialog.get_by_label("New name").fill("who-leaves")
    await dialog.get_by_role("button", name="Rename").click()
    await expect(line(page, "who-leaves")).to_be_visible()
    await expect(line(page, "churn")).to_have_count(0)

    await line(page, "who-leaves").click()
    await expect(fact(details(page), "Description")).to_have_text("Who leaves, and when")
    await choose_from_menu(page, "who-leaves", "Delete…")
    delete = dialog.get_by_role("button", name="Delete")
    await expect(delete).to_be_disabled()
    typed = dialog.get_by_label("To delete it, type its name: who-leaves")
    await expect(typed).to_be_focused()
    await page.keyboard.type("who-leave")
    await page.keyboard.press("Enter")
    await expect(delete).to_be_disabled()
    await page.keyboard.type("s")
    await expect(delete).to_be_enabled()
    await page.keyboard.press("Enter")
    await expect(line(page, "who-leaves")).to_have_count(0)
    await expect(details(page)).to_have_count(0)


async def test_a_refusal_is_told(page: Page) -> None:
    await section_tool(page, "Create a project").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Name").fill("one-too-many")
    await dialog.get_by_label("Community").select_option(ARCHIVE)
    await dialog.get_by_role("button", name="Create").click()
    told = dialog.filter(has_text="The project could not be created")
    await expect(told).to_contain_text("Request ID")
    await told.get_by_role("button").click()
    await expect(dialog).to_have_count(0)
    await expect(line(page, "one-too-many")).to_have_count(0)


async def test_a_project_that_is_deleted_elsewhere_is_told_in_place(
    page: Page, emulator: dict[str, str]
) -> None:
    gone = make(emulator, "short-lived")
    await (await listed(page, "short-lived")).dblclick()
    await expect(in_force(page)).to_contain_text("short-lived")
    with service(emulator) as client:
        client.delete(f"projects/{gone}").raise_for_status()
    await line(page, "demo-project").click()
    await line(page, "short-lived").click()  # its units are asked for: it is not there any more
    await expect(line(page, "short-lived")).to_have_count(0)
    told = in_force(page).get_by_role("alert")
    await expect(told).to_have_text(
        "It is not among the projects that this account sees. Choose another one."
    )
    await line(page, "demo-project").dblclick()
    await expect(told).to_have_count(0)
    await expect(in_force(page)).to_contain_text("demo-project")
    await expect(fact(section(page, "connection"), "Connection")).to_have_text("ok")
    await in_force(page).get_by_role("button", name="Undo the choice").click()
    await expect(in_force(page)).to_contain_text("by the settings")


async def test_hostile_names_are_text_in_their_place(page: Page, emulator: dict[str, str]) -> None:
    project = make(emulator, "hostile", description=f"{HOSTILE} <b>bold</b>")
    shown = HOSTILE.replace("\u202e", "\ufffd")  # it would turn what follows it
    await search(page).fill("hostile")
    await expect(line(page, shown)).to_be_visible()
    await (await listed(page, "hostile")).click()
    await expect(fact(details(page), "Description")).to_have_text(f"{shown} <b>bold</b>")
    await search(page).fill("mmmm")
    await line(page, LONGEST).click()
    await expect(details(page).get_by_role("heading")).to_have_text(LONGEST)
    for place in (line(page, LONGEST), line(page, shown), details(page), tree(page)):
        assert await place.evaluate("node => node.scrollWidth <= node.clientWidth")
    name = line(page, LONGEST).locator("bdi")
    assert await name.evaluate("node => node.scrollWidth > node.clientWidth")  # cut off, …
    await expect(name).to_have_attribute("title", re.compile(LONGEST))  # … and all of it is told
    await choose_from_menu(page, LONGEST, "Delete…")
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text(f"To delete it, type its name: {LONGEST}")
    assert await dialog.locator(".jp-Dialog-content").evaluate("node => node.scrollWidth <= node.clientWidth")
    await dialog.get_by_role("button", name="Cancel").click()
    await expect(
        page.locator("#jupyter-datasphere-sidebar img, #jupyter-datasphere-sidebar b")
    ).to_have_count(0)
    await expect(page).not_to_have_title("hacked")
    await search(page).fill("")
    assert project
