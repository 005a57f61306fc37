"""Who has which role, seen and changed in the sidebar; and what those see who have no credentials, or few rights."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from jupyter_datasphere.demo.processes import environment_for

from .lab import fact, lab, open_connection, page_of, section, status_item, visit

pytestmark = pytest.mark.asyncio(loop_scope="session")

KEYRING = "keyrings.alt.file.PlaintextKeyring"


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def page(browser: Browser, server: dict[str, Any]) -> AsyncIterator[Page]:
    """One page for those tests that are about members."""
    async with page_of(browser) as page:
        await visit(page, server)
        yield page


def account(emulator: dict[str, Any], name: str) -> dict[str, str]:
    """One of the emulator's accounts: its ID, and what it logs in with."""
    return next(one for one in emulator["accounts"] if one["name"] == name)


def access(page: Page) -> Locator:
    return section(page, "access")


def member(page: Page, subject: str) -> Locator:
    """The line of somebody's role."""
    return access(page).get_by_role("row").filter(has_text=subject)


def tool(page: Page, name: str) -> Locator:
    """A button beside the title of a section."""
    return page.locator("#jupyter-datasphere-sidebar").get_by_role("button", name=name, exact=True)


def preview(page: Page) -> Locator:
    """What a dialog says of a change: the subject, its roles before, and after."""
    return page.get_by_role("dialog").locator(".jp-DataSphere-preview tbody td")


async def own_project(server: dict[str, Any], emulator: dict[str, Any], name: str) -> str:
    """Make a project; gives its ID."""
    async with httpx.AsyncClient(
        base_url=server["url"], headers={"Authorization": f"token {server['token']}"}, timeout=60
    ) as client:
        body = {"communityId": emulator["community_id"], "name": name}
        answer = await client.post("datasphere/api/v2/projects", json=body)
        return str(answer.raise_for_status().json()["metadata"]["projectId"])


async def show_members(page: Page, project: str) -> None:
    """As the menu of a project does."""
    await page.evaluate(
        "project => void jupyterapp.commands.execute('datasphere:show-members', {project})", project
    )


async def test_a_role_is_given_changed_and_taken_as_was_shown_before(
    page: Page, server: dict[str, Any], emulator: dict[str, Any]
) -> None:
    robot = account(emulator, "robot")["id"]
    project = await own_project(server, emulator, "shared-project")
    await show_members(page, project)
    await expect(access(page)).to_contain_text("shared-project")
    await expect(access(page).get_by_role("row")).to_have_count(2)  # a heading, and who has made it
    await tool(page, "Give somebody a role").click()
    dialog = page.get_by_role("dialog")
    give = dialog.get_by_role("button", name="Give the role")
    await expect(dialog).to_contain_text("Give a role in shared-project")
    await expect(give).to_be_disabled()
    await dialog.get_by_label("Kind of subject").select_option("serviceAccount")
    await dialog.get_by_label("ID of the subject").fill(robot)
    await dialog.get_by_label("Role", exact=True).select_option(label="developer")
    await expect(preview(page)).to_have_text([robot, "none", "developer"])
    await give.click()
    await expect(member(page, robot)).to_contain_text("developer")
    await expect(member(page, robot)).to_contain_text("Service account")

    await member(page, robot).get_by_role("button", name="Change the role of").click()
    change = dialog.get_by_role("button", name="Change the role")
    await expect(preview(page)).to_have_text([robot, "developer", "developer"])
    await expect(change).to_be_disabled()  # that would be no change
    await dialog.get_by_label("Role", exact=True).select_option(label="editor")
    await expect(preview(page)).to_have_text([robot, "developer", "editor"])
    await change.click()
    await expect(member(page, robot)).to_contain_text("editor")
    await expect(member(page, robot)).to_have_count(1)

    await member(page, robot).get_by_role("button", name="Take the role of").click()
    await expect(preview(page)).to_have_text([robot, "editor", "none"])
    await dialog.get_by_role("button", name="Cancel").click()
    await expect(member(page, robot)).to_have_count(1)
    await member(page, robot).get_by_role("button", name="Take the role of").click()
    await dialog.get_by_role("button", name="Take the role").click()
    await expect(member(page, robot)).to_have_count(0)


async def test_members_that_somebody_else_has_changed_are_shown_first(
    page: Page, server: dict[str, Any], emulator: dict[str, Any]
) -> None:
    """A change is made to what the user has seen, and to nothing else."""
    robot, editor = account(emulator, "robot")["id"], account(emulator, "editor")["id"]
    project = await own_project(server, emulator, "busy-project")
    await show_members(page, project)
    await expect(access(page)).to_contain_text("busy-project")
    await tool(page, "Give somebody a role").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("ID of the subject").fill(robot)
    await dialog.get_by_label("Kind of subject").select_option("serviceAccount")
    delta = {
        "action": "ADD",
        "accessBinding": {
            "roleId": "datasphere.community-projects.viewer",
            "subject": {"id": editor, "type": "userAccount"},
        },
    }
    async with httpx.AsyncClient(base_url=emulator["url"], timeout=60) as client:
        body = {"yandexPassportOauthToken": emulator["oauth_token"]}
        token = (await client.post("iam/v1/tokens", json=body)).json()["iamToken"]
        answer = await client.patch(
            f"datasphere/v2/projects/{project}:updateAccessBindings",
            headers={"Authorization": f"Bearer {token}"},
            json={"accessBindingDeltas": [delta]},
        )
        answer.raise_for_status()
    await dialog.get_by_role("button", name="Give the role").click()
    told = dialog.filter(has_text="were not changed")
    await expect(told).to_contain_text("Somebody else has changed them meanwhile.")
    await told.get_by_role("button").click()
    await expect(member(page, editor)).to_contain_text("viewer")
    await expect(member(page, robot)).to_have_count(0)


async def test_who_takes_the_last_administrator_is_warned(page: Page, emulator: dict[str, Any]) -> None:
    await show_members(page, emulator["project_id"])
    await access(page).get_by_role("button", name="Community").click()
    await expect(access(page)).to_contain_text("demo-community")
    admin = member(page, account(emulator, "admin")["id"])
    await admin.get_by_role("button", name="Take the role of").click()
    alert = page.get_by_role("dialog").get_by_role("alert")
    await expect(alert).to_contain_text("you cannot manage access here any more")
    await expect(alert).to_contain_text("demo-community itself has no administrator left then.")
    await page.keyboard.press("Escape")
    await access(page).get_by_role("button", name="Project").click()
    await expect(access(page)).to_contain_text("demo-project")


async def test_who_has_no_credentials_is_helped_and_a_viewer_is_refused_in_place(
    browser: Browser, emulator: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "XDG_DATA_HOME", "JUPYTER_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", KEYRING)
    nobody = {**emulator, "oauth_token": ""}
    viewer, robot = account(emulator, "viewer"), account(emulator, "robot")["id"]
    with lab(tmp_path, nobody) as server:
        async with page_of(browser) as page:
            await visit(page, server)
            connection = await open_connection(page)
            await expect(connection).to_contain_text("Nothing says yet who you are")
            await expect(fact(connection, "Credentials")).to_have_text("none")
            await expect(connection.locator("code").first).to_have_text("jupyter datasphere login")
            log_in(nobody, viewer["oauth_token"])
            await expect(fact(connection, "Connection")).to_have_text("ok")  # it is asked again by itself
            await expect(fact(connection, "Credentials")).to_contain_text("jupyter datasphere login")
            await expect(connection).not_to_contain_text("Nothing says yet who you are")
            await expect(status_item(page)).to_have_text("DataSphere: demo-project")
            projects = section(page, "projects")
            await expect(projects.get_by_role("treeitem", name="demo-project")).to_be_visible()  # by itself

            await show_members(page, emulator["project_id"])
            await expect(access(page)).to_contain_text("demo-project")
            await tool(page, "Give somebody a role").click()
            dialog = page.get_by_role("dialog")
            await dialog.get_by_label("Kind of subject").select_option("serviceAccount")
            await dialog.get_by_label("ID of the subject").fill(robot)
            await dialog.get_by_role("button", name="Give the role").click()
            told = dialog.filter(has_text="The members of demo-project were not changed")
            await expect(told).to_contain_text("datasphere.community-projects.admin")
            await told.get_by_role("button").click()
            await expect(member(page, robot)).to_have_count(0)


def log_in(emulator: dict[str, Any], token: str) -> None:
    """As the help says, in a terminal."""
    command = [sys.executable, "-m", "jupyter_datasphere.cli", "login"]
    environment = environment_for(emulator)
    subprocess.run(command, env=environment, input=token + "\n", text=True, check=True, timeout=60)
