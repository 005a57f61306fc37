"""`%ds_profile` as a user types it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from jupyter_datasphere.demo.kernel_client import kernel_of
from jupyter_datasphere.demo.processes import environment_for, jupyter
from jupyter_datasphere.kernel.profiles import in_force, profiles_table
from jupyter_datasphere.protocol import Problem, Profile, Profiles

from .users import Facts, User

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def profiled(emulator: Facts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Facts]:
    """A Jupyter server with profiles in its configuration."""
    folder = tmp_path_factory.mktemp("profiled") / "notebooks"
    folder.mkdir()
    facts = json.loads((Path(emulator["root"]) / "emulator.json").read_text())
    tokens = {account["name"]: account.get("oauth_token") for account in facts["accounts"]}
    profiles = {
        "dev": {"oauth_token": tokens["developer"]},
        "odd": {"oauth_token": "y0_a", "iam_token": "t1.b"},
    }
    config = folder.parent / "config"
    config.mkdir()
    (config / "jupyter_server_config.py").write_text(f"c.DataSphere.profiles = {profiles!r}\n")
    environment = {**environment_for(emulator), "JUPYTER_CONFIG_DIR": str(config)}
    options = [f"--DataSphere.ledger_dir={folder.parent / 'ledger'}"]
    with jupyter("server", folder, environment, options=options) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def user(profiled: Facts):
    async with kernel_of(profiled) as kernel:
        user = User(kernel, profiled)
        await user.run("%load_ext jupyter_datasphere")
        yield user


async def shown(user: User, line: str) -> str:
    [data] = (await user.run(line)).displays
    return str(data["text/plain"])


async def test_profiles_are_shown_chosen_and_left(user: User) -> None:
    table = await shown(user, "%ds_profile")
    lines = [line.split() for line in table.splitlines()]
    assert lines[0] == ["Profile", "Credentials"]
    assert lines[1] == ["-", "OAuth", "token", "from", "YC_TOKEN", "in", "force"]
    assert lines[2] == ["dev", "OAuth", "token", "from", "profile", "dev"]
    assert lines[3][0] == "odd" and "exactly one of iam_token" in table
    said = await shown(user, "%ds_profile dev")
    assert said == (
        "The profile dev is in force for all of this server. Credentials: OAuth token from profile dev."
    )
    assert "dev" in (await shown(user, "%ds_profile")).splitlines()[2] and "in force" in table.splitlines()[1]
    status = await shown(user, "%ds_status")
    assert "Profile:" in status and "OAuth token from profile dev, until 2" in status and " left)" in status
    assert "phasing OAuth tokens out" in status
    assert await shown(user, "%ds_profile -") == (
        "No profile is in force. Credentials: OAuth token from YC_TOKEN."
    )
    assert "Profile:" not in await shown(user, "%ds_status")


async def test_a_mistake_is_one_error_with_the_remedy(user: User) -> None:
    error = (await user.run("%ds_profile def")).error
    assert error["ename"] == "CredentialsError"
    assert error["evalue"] == "There is no profile 'def'. Did you mean 'dev'?"
    assert (await user.run("%ds_profile one two")).error["ename"] == "UsageError"
    assert "%ds_profile [NAME | -]" in (await user.run("%ds_profile --help")).text()


async def test_names_are_completed(user: User) -> None:
    assert await user.complete("%ds_profile ") == ["-", "dev", "odd"]
    assert await user.complete("%ds_profile d") == ["dev"]


async def test_nothing_of_a_profile_is_markup() -> None:
    profiles = Profiles([Profile("<b>", problem=Problem(code="profile", title="<i>wrong"))], "<b>")
    bundle = profiles_table(profiles)
    assert "<b>" not in bundle["text/html"] and "<i>" not in bundle["text/html"]
    assert bundle["text/plain"].splitlines()[2].split() == ["<b>", "<i>wrong.", "in", "force"]
    assert "none are configured" in in_force(Profiles([]))
