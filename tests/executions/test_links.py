"""What is known of projects' own Jupyter servers, by a keyring of the test's."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import keyring
import pytest
import pytest_asyncio
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from jupyter_datasphere.credentials.keyrings import Keyring
from jupyter_datasphere.datasphere.jupyter_link import Link
from jupyter_datasphere.errors import KeyringError
from jupyter_datasphere.executions.links import Links

LINK = Link("https://vm.example/hub/", "t&k=n /ü")
OTHER = Link("https://other.example/", "other")


class Ring(KeyringBackend):
    """A keyring that answers while it is open, and may be locked."""

    priority = 1.0  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.secrets: dict[tuple[str, str], str] = {}
        self.open = threading.Event()
        self.open.set()
        self.locked = False
        self.looks = 0

    def get_password(self, service: str, username: str) -> str | None:
        self.looks += 1
        self._enter()
        return self.secrets.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._enter()
        self.secrets[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._enter()
        del self.secrets[service, username]

    def _enter(self) -> None:
        self.open.wait(30)
        if self.locked:
            raise KeyringLocked("Nobody unlocked it.")


@pytest.fixture
def ring() -> Iterator[Ring]:
    before, ring = keyring.get_keyring(), Ring()
    keyring.set_keyring(ring)
    yield ring
    ring.open.set()
    keyring.set_keyring(before)


class Servers:
    """Links as one server after another has them, on the same keyring."""

    def __init__(self) -> None:
        self._all: list[Links] = []

    def start(self, endpoint: str = "https://service.example", patience: float = 30.0) -> Links:
        links = Links(Keyring("test link", patience), endpoint=endpoint, patience=patience)
        self._all.append(links)
        return links

    async def aclose(self) -> None:
        for links in self._all:
            await links.aclose()


@pytest_asyncio.fixture
async def servers(ring: Ring) -> AsyncIterator[Servers]:
    servers = Servers()
    yield servers
    await servers.aclose()


async def test_a_link_is_known_to_the_next_server_until_it_is_forgotten(ring: Ring, servers: Servers) -> None:
    assert await servers.start().keep("p1", LINK) == "test links Ring"
    later = servers.start("https://service.example/")
    assert later.get("p1") is None
    await asyncio.gather(later.load("p1"), later.load("p1"), later.load("p2"))
    await later.load("p1")
    assert (later.get("p1"), later.get("p2"), ring.looks) == (LINK, None, 2)
    await later.forget("p1")
    await later.load("p1")
    assert later.get("p1") is None
    assert ring.secrets == {}


async def test_the_project_of_another_service_is_another(servers: Servers) -> None:
    await servers.start().keep("p1", LINK)
    emulator = servers.start("http://127.0.0.1:8000")
    await emulator.load("p1")
    assert emulator.get("p1") is None


async def test_a_keyring_that_answers_late_is_waited_for_once(ring: Ring, servers: Servers) -> None:
    await servers.start().keep("p1", LINK)
    ring.open.clear()
    links = servers.start(patience=0.05)
    await asyncio.gather(links.load("p1"), links.load("p1"))
    assert links.get("p1") is None
    assert links.trouble("p1") == "The system keyring has not answered within 0.05 s."
    ring.open.set()
    async with asyncio.timeout(20):
        while links.get("p1") is None:
            await links.load("p1")
            await asyncio.sleep(0.01)
    assert (links.get("p1"), links.trouble("p1"), ring.looks) == (LINK, None, 1)


async def test_a_link_that_is_given_meanwhile_is_newer(ring: Ring, servers: Servers) -> None:
    await servers.start().keep("p1", LINK)
    ring.open.clear()
    links = servers.start(patience=0.05)
    await links.load("p1")
    with pytest.raises(KeyringError, match="did not answer"):
        await links.keep("p1", OTHER)
    ring.open.set()
    await asyncio.wait([links._lookups["p1"][1]], timeout=20)
    assert links.get("p1") == OTHER


async def test_trouble_is_told_and_asked_for_once(ring: Ring, servers: Servers) -> None:
    ring.secrets["test link", "https://service.example p2"] = "http://elsewhere.example/?token=hush"
    links = servers.start()
    ring.locked = True
    await links.load("p1")
    await links.load("p1")
    assert (links.get("p1"), ring.looks) == (None, 1)
    assert "KeyringLocked: Nobody unlocked it" in str(links.trouble("p1"))
    with pytest.raises(KeyringError, match="Nobody unlocked it"):
        await links.keep("p1", LINK)
    assert links.get("p1") == LINK
    with pytest.raises(KeyringError, match="Nobody unlocked it"):
        await links.forget("p1")
    assert links.get("p1") is None
    ring.locked = False
    await links.load("p2")
    assert links.get("p2") is None
    assert "is of no use: The link to elsewhere.example does not begin with https" in str(links.trouble("p2"))
    assert "hush" not in str(links.trouble("p2"))


async def test_who_never_gave_a_link_is_not_asked_by_a_keyring(ring: Ring, tmp_path: Path) -> None:
    def links() -> Links:
        return Links(Keyring("test"), endpoint="https://service.example", marks=tmp_path / "links")

    ring.locked = True
    one = links()
    await one.load("project")
    assert (one.get("project"), ring.looks) == (None, 0)
    ring.locked = False
    await one.keep("project", LINK)
    another = links()
    await another.load("project")
    await another.load("other")
    assert (another.get("project"), another.get("other"), ring.looks) == (LINK, None, 1)
    await another.forget("project")
    looks = ring.looks
    third = links()
    await third.load("project")
    assert (third.get("project"), ring.looks) == (None, looks)


async def test_a_link_whose_mark_cannot_be_written_is_said_to_be_kept_for_now(
    ring: Ring, tmp_path: Path
) -> None:
    (tmp_path / "links").write_text("no folder")
    links = Links(Keyring("test"), marks=tmp_path / "links")
    with pytest.raises(KeyringError, match="cannot be noted"):
        await links.keep("project", LINK)
    assert links.get("project") == LINK
