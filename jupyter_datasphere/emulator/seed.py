"""What a new emulator holds: an organization, a community and the project `demo-project`."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from pathlib import Path

import msgspec

from ..datasphere import types
from ..datasphere.roles import Level
from .access import Access
from .accounts import Account, complete, new_oauth_token, with_key_files
from .ids import new_id
from .resources import Resources
from .store import Store

ROLES_GIVEN = "roles_given"
ROLES = {
    "editor": Level.EDITOR,
    "developer": Level.DEVELOPER,
    "viewer": Level.VIEWER,
    "robot": Level.DEVELOPER,
    "federated": Level.VIEWER,
}
"""What the accounts may do in the demo community; `admin` makes it, `stranger` has no role."""

RUNNER = "jupyter_datasphere_runner.ipynb"
"""Name of the runner notebook in a project."""


class Identities(msgspec.Struct, frozen=True):
    """Who and what the emulator is; the same for the life of its root."""

    organization_id: str
    user_id: str
    oauth_token: str
    secret: str
    community_id: str = ""
    project_id: str = ""
    accounts: tuple[Account, ...] = ()
    """All of them; the first is the one that `user_id` and `oauth_token` are of."""

    def __repr__(self) -> str:
        return f"Identities(accounts={self.accounts!r})"

    __str__ = __repr__


def identities(store: Store, root: Path) -> Identities:
    """Those of the store, made up when it is new; with the accounts that the store's version did not know."""
    text = store.meta("identities")
    if text is not None:
        who = msgspec.json.decode(text, type=Identities)
    else:
        who = Identities(
            organization_id=new_id("bpf"),
            user_id=new_id("aje"),
            oauth_token=new_oauth_token(),
            secret=secrets.token_hex(32),
        )
    accounts = with_key_files(complete(who.accounts, who.user_id, who.oauth_token), root)
    if accounts != who.accounts:
        who = msgspec.structs.replace(who, accounts=accounts)
        _keep(store, who)
    return who


def seed(
    store: Store,
    resources: Resources,
    access: Access,
    who: Identities,
    projects: Path,
    notebooks: Iterable[Path],
) -> Identities:
    """Fill a new store, and copy the notebooks into the demo project; a store that was filled stays.

    The accounts get their roles in the demo community once: who takes them away finds them gone.
    """
    with store.transaction():
        if not who.project_id:
            who = _demo(store, resources, access, who, projects, notebooks)
        if store.meta(ROLES_GIVEN) is None:
            _give_roles(resources, access, who)
            store.set_meta(ROLES_GIVEN, "yes")
    return who


def _give_roles(resources: Resources, access: Access, who: Identities) -> None:
    if resources.kind(who.community_id) is None:  # deleted meanwhile, in a root of an earlier version
        return
    for account in who.accounts:
        if account.name in ROLES:
            access.grant("community", who.community_id, ROLES[account.name], account.id)


def _demo(
    store: Store,
    resources: Resources,
    access: Access,
    who: Identities,
    projects: Path,
    notebooks: Iterable[Path],
) -> Identities:
    """The demo community with its project."""
    community = resources.create_community(
        types.CreateCommunityRequest(
            organization_id=who.organization_id, zone_id="ru-central1-a", name="demo-community"
        ),
        who.user_id,
    )
    access.grant("community", community.id, Level.ADMIN, who.user_id)
    project = resources.create_project(
        types.CreateProjectRequest(community_id=community.id, name="demo-project"), who.user_id
    )
    access.grant("project", project.id, Level.ADMIN, who.user_id)
    who = msgspec.structs.replace(who, community_id=community.id, project_id=project.id)
    folder = projects / project.id
    folder.mkdir(parents=True, exist_ok=True)
    for notebook in notebooks:
        (folder / notebook.name).write_bytes(notebook.read_bytes())
    _keep(store, who)
    return who


def _keep(store: Store, who: Identities) -> None:
    store.set_meta("identities", msgspec.json.encode(who).decode())


def write_runner(folder: Path, runner: bytes) -> None:
    """Put this version's runner notebook into a project."""
    file = folder / RUNNER
    if not file.exists() or file.read_bytes() != runner:
        folder.mkdir(parents=True, exist_ok=True)
        new = file.with_suffix(".new")
        new.write_bytes(runner)
        new.replace(file)
