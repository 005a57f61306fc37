"""An emulator of a test module's own, and Jupyter servers of its accounts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx

from jupyter_datasphere.demo.processes import emulator, environment_for, jupyter


class House:
    """`facts`: what emulator.json says. A server of an account starts when it is first asked for."""

    def __init__(self, facts: dict[str, Any], folder: Path, stack: ExitStack) -> None:
        self.facts = facts
        self.accounts: dict[str, dict[str, str]] = {one["name"]: one for one in facts["accounts"]}
        self._folder = folder
        self._stack = stack
        self._servers: dict[str, dict[str, Any]] = {}

    @property
    def storage(self) -> Path:
        """The storage of the demo project."""
        return self._folder / "root" / "projects" / self.facts["project_id"]

    def id(self, account: str) -> str:
        return self.accounts[account]["id"]

    def environment(self, account: str) -> dict[str, str]:
        """Of a server, or of `serve`, that calls the service as this account."""
        environment = environment_for(self.facts)
        environment["YC_TOKEN"] = self.accounts[account]["oauth_token"]
        environment["JUPYTER_DATASPHERE_PROJECT"] = self.facts["project_id"]
        return environment

    def server(self, account: str) -> dict[str, Any]:
        """A Jupyter server with the account's credentials: its `url`, `token`, `pid`, `folder`, `runtime`."""
        if account not in self._servers:
            folder = self._folder / account / "notebooks"
            folder.mkdir(parents=True)
            options = [f"--DataSphere.ledger_dir={folder.parent / 'ledger'}"]
            running = jupyter("server", folder, self.environment(account), options=options)
            facts = self._stack.enter_context(running)
            self._servers[account] = {**facts, "folder": folder, "runtime": folder.parent / "runtime"}
        return self._servers[account]

    def log(self, account: str) -> str:
        """What the account's server has logged."""
        return (self._folder / account / "jupyter.log").read_text()

    def calls(self, method: str) -> int:
        """How often that method of the service was called so far."""
        return int(self._control("GET", "calls").get(method, 0))

    @contextmanager
    def faults(self, *rules: dict[str, Any]) -> Iterator[None]:
        """Within it, calls meet these faults."""
        self._control("PUT", "faults", list(rules))
        try:
            yield
        finally:
            self._control("PUT", "faults", [])

    def _control(self, verb: str, what: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self.facts['control_token']}"}
        answer = httpx.request(
            verb, f"{self.facts['url']}/emulator/{what}", headers=headers, json=body, trust_env=False
        )
        return answer.raise_for_status().json()


@contextmanager
def house(folder: Path, *options: str) -> Iterator[House]:
    """`options`: of the emulator."""
    with emulator(folder / "root", *options) as facts, ExitStack() as stack:
        yield House(dict(facts), folder, stack)
