"""Servers that go away and come back at the same place, as after a crash or an update."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx

from jupyter_datasphere.demo.processes import emulator as run_emulator

from .lab import lab


class Stage:
    """An emulator and a JupyterLab on it, each of which can be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._emulator = ExitStack()
        self._lab = ExitStack()
        self._ports = free_port(), free_port()
        self.emulator: dict[str, str] = {}
        self.server: dict[str, Any] = {}

    def start_emulator(self) -> None:
        root = self._folder / "emulator" / "root"
        root.parent.mkdir(exist_ok=True)
        facts = self._emulator.enter_context(run_emulator(root, "--port", str(self._ports[0])))
        self.emulator = {**facts, "root": str(root)}

    def stop_emulator(self) -> None:
        self._emulator.close()

    def faults(self, *rules: dict[str, Any]) -> None:
        """From now on, calls of the emulator meet these faults, and no others."""
        headers = {"Authorization": f"Bearer {self.emulator['control_token']}"}
        url = f"{self.emulator['url']}/emulator/faults"
        httpx.put(url, headers=headers, json=rules, trust_env=False).raise_for_status()

    def start_lab(self) -> None:
        options = (f"--ServerApp.port={self._ports[1]}", "--IdentityProvider.token=the-same-one")
        self.server = self._lab.enter_context(lab(self._folder / "lab", self.emulator, *options))

    def stop_lab(self) -> None:
        self._lab.close()

    def close(self) -> None:
        self.stop_lab()
        self.stop_emulator()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
