"""The links to projects' own Jupyter servers: in memory, and in the system's keyring where there is one."""

from __future__ import annotations

import asyncio
import hashlib
import time
from contextlib import suppress
from pathlib import Path

from ..credentials.keyrings import NONE, PATIENCE, Keyring
from ..datasphere.jupyter_link import Link
from ..errors import KeyringError, UsageError

SERVICE = "jupyter-datasphere link"
"""Under which the keyring shows them to its user."""


class Links:
    """One link for each project, by its ID.

    `endpoint`, the service's base URL, is part of a link's name in the keyring: the project of an emulator is
    not that of the service. Without a keyring only those are known that this process was given.

    `marks` is a folder with an empty file for each link that the keyring was given: who never gave one is not
    kept waiting by a keyring, nor asked for its password.
    """

    def __init__(
        self,
        keyring: Keyring | None = None,
        *,
        endpoint: str = "",
        patience: float = PATIENCE,
        marks: Path | None = None,
    ) -> None:
        self._keyring = keyring
        self._marks = marks
        self._endpoint = endpoint.rstrip("/")
        self._patience = patience
        self._links: dict[str, Link | None] = {}
        """None: it is known that there is none."""
        self._lookups: dict[str, tuple[float, asyncio.Task[None]]] = {}
        """Until when they are waited for."""
        self._trouble: dict[str, str] = {}

    def get(self, project_id: str) -> Link | None:
        """What is in memory: after `load`, what the keyring had."""
        return self._links.get(project_id)

    async def load(self, project_id: str) -> None:
        """Look into the keyring, once for each project; cheap afterwards.

        A keyring that does not answer is waited for once. Should it answer later, the link is known then.
        """
        if self._keyring is None or project_id in self._links:
            return
        if self._marks is not None and not self._mark(self._marks, project_id).exists():
            self._links[project_id] = None
            return
        if project_id not in self._lookups:
            lookup = asyncio.create_task(self._look_up(self._keyring, project_id))
            self._lookups[project_id] = (time.monotonic() + self._patience, lookup)
        until, lookup = self._lookups[project_id]
        if not lookup.done():
            await asyncio.wait([lookup], timeout=max(0.0, until - time.monotonic()))

    def trouble(self, project_id: str) -> str | None:
        """Why it is not known whether the keyring has a link of this project, if so."""
        until, lookup = self._lookups.get(project_id, (0.0, None))
        if lookup is not None and not lookup.done() and time.monotonic() >= until:
            return f"The system keyring has not answered within {self._patience:g} s."
        return self._trouble.get(project_id)

    def set(self, project_id: str, link: Link) -> None:
        """Know a link, instead of the one before, as long as this process lives."""
        self._links[project_id] = link

    def remove(self, project_id: str) -> None:
        """Know that there is no link, whatever the keyring may have."""
        self._links[project_id] = None

    async def keep(self, project_id: str, link: Link) -> str:
        """Know a link for good; gives the name of the keyring that has it.

        Raises `KeyringError` where it is known only as long as this process lives.
        """
        self.set(project_id, link)
        keyring = await self._kept().set(self._name(project_id), link.with_token())
        if self._marks is not None:
            try:
                self._marks.mkdir(parents=True, exist_ok=True)
                self._mark(self._marks, project_id).touch()
            except OSError as error:
                raise KeyringError(
                    f"The keyring has the link, but that cannot be noted in {self._marks}: {error.strerror}.",
                    hint="Make that folder writable, and give the link again.",
                ) from error
        return keyring

    async def forget(self, project_id: str) -> None:
        """Forget a link for good. Raises `KeyringError` where the keyring may still have it."""
        self.remove(project_id)
        await self._kept().delete(self._name(project_id))
        if self._marks is not None:
            with suppress(OSError):  # one too many costs a question to the keyring
                self._mark(self._marks, project_id).unlink()

    async def aclose(self) -> None:
        """Wait for no keyring any more."""
        lookups = [lookup for _, lookup in self._lookups.values()]
        for lookup in lookups:
            lookup.cancel()
        await asyncio.gather(*lookups, return_exceptions=True)

    def _kept(self) -> Keyring:
        if self._keyring is None:
            raise KeyringError("No keyring is used here.", code=NONE)
        return self._keyring

    def _name(self, project_id: str) -> str:
        return f"{self._endpoint} {project_id}"

    def _mark(self, marks: Path, project_id: str) -> Path:
        return marks / hashlib.sha256(self._name(project_id).encode()).hexdigest()

    async def _look_up(self, keyring: Keyring, project_id: str) -> None:
        try:
            text = await keyring.get(self._name(project_id), patiently=True)
            link = None if text is None else Link.parse(text)
        except KeyringError as error:
            link = None
            if error.code != NONE:
                self._trouble[project_id] = str(error)
        except UsageError as error:
            link = None
            self._trouble[project_id] = f"The link in the system keyring is of no use: {error}"
        self._links.setdefault(project_id, link)  # one that was given meanwhile is newer
