"""The ways into a project: each an emulator and what a channel needs there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from support import Facts, client_for

from jupyter_datasphere.datasphere.files import ProjectFiles
from jupyter_datasphere.datasphere.jupyter_link import Link
from jupyter_datasphere.datasphere.projects import ProjectFinder
from jupyter_datasphere.demo.processes import emulator as run_emulator
from jupyter_datasphere.demo.processes import project_link
from jupyter_datasphere.executions.ledger import Ledger
from jupyter_datasphere.executions.links import Links
from jupyter_datasphere.executions.service import ExecutionService

CHANNELS = ("state", "files", "jupyter")


class Way:
    """An emulator with one way in, and services on it, one after another, each ledger a folder."""

    def __init__(self, channel: str, facts: Facts, link: Link | None) -> None:
        self.channel = channel
        self.facts = facts
        self.project_id = facts["project_id"]
        self.storage = Path(facts["root"]) / "projects" / facts["project_id"]
        self.link = link

    @asynccontextmanager
    async def service(self, ledger: Path, **settings: Any) -> AsyncIterator[ExecutionService]:
        """A service as one process has it; what an earlier one left in the ledger goes on."""
        client = client_for(self.facts)
        address = self.facts["files_address"] if self.channel == "files" else ""
        files = ProjectFiles(address, client.tokens)
        links = Links()
        if self.link is not None:
            links.set(self.project_id, self.link)
        kept = Ledger(ledger)
        finder = ProjectFinder(client, organization=self.facts["organization_id"])
        service = ExecutionService(kept, client, finder, files=files, links=links, **settings)
        service.resume()
        try:
            yield service
        finally:
            await service.close()
            kept.close()
            await files.aclose()
            await client.transport.aclose()


@contextmanager
def open_way(channel: str, root: Path, *options: str) -> Iterator[Way]:
    """An emulator of the revision that a channel is for; `options` are more of its command line."""
    revision = "2024-03" if channel == "state" else "current"
    with run_emulator(root, "--revision", revision, *options) as facts:
        facts = {**facts, "root": str(root)}
        yield Way(channel, facts, Link.parse(project_link(facts)) if channel == "jupyter" else None)
