"""What accounts with few roles see and can do at a notebook."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from accounts import House, house

from jupyter_datasphere.demo.kernel_client import kernel_of

from .users import User


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("roles")) as place:
        yield place


@asynccontextmanager
async def user(place: House, account: str) -> AsyncIterator[User]:
    server = place.server(account)
    async with kernel_of(server) as kernel:
        user = User(kernel, server)
        await user.run("%load_ext jupyter_datasphere")
        yield user


async def test_a_developer_works_without_seeing_the_balance(place: House) -> None:
    async with user(place, "developer") as developer:
        for number in range(3):
            cell = await developer.run(f"%%ds_execute -o x\nx = {number}")
            assert not cell.error, cell.error
        assert await developer.value("x") == "2"
        (status,) = (await developer.run("%ds_status")).displays
        assert "Connection:      ok" in status["text/plain"]
        assert "Balance:         not shown to this account" in status["text/plain"]
        text = "__import__('jupyter_datasphere.widgets.facts').widgets.facts.Facts.gather(c, c.link).text()"
        await developer.run("c = get_ipython().magics_manager.registry['DataSphereMagics'].commands")
        assert "Balance:         not shown to this account" in await developer.value(text)


@pytest.mark.parametrize("line", ["%%ds_execute", "%%ds_execute --channel files"])
async def test_a_viewer_is_told_which_role_running_takes(place: House, line: str) -> None:
    async with user(place, "viewer") as viewer:
        cell = await viewer.run(f"{line}\n6 * 7")
        assert cell.error["ename"] == "CredentialsError"
        assert (
            cell.error["evalue"].count("The role datasphere.community-projects.developer in the project,")
            == 1
        )
        assert "or datasphere.communities.developer in its community, allows it" in cell.error["evalue"]
        assert "%ds_members shows" in cell.error["evalue"]
        (status,) = (await viewer.run("%ds_status")).displays
        assert "Balance:         not shown to this account" in status["text/plain"]


async def test_a_stranger_is_told_which_role_seeing_takes(place: House) -> None:
    async with user(place, "stranger") as stranger:
        cell = await stranger.run("%%ds_execute\n6 * 7")
        assert cell.error["ename"] == "NotFoundError"
        assert "only others see. The role datasphere.community-projects.viewer" in cell.error["evalue"]
        (status,) = (await stranger.run("%ds_status")).displays
        assert "Connection:  ok, but: There is no project" in status["text/plain"]
        unknown = await stranger.run("%ds_project no-such-project")
        assert "only others see" not in unknown.error["evalue"]
