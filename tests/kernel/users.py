"""Somebody at a notebook: a kernel that a real Jupyter server started, over its WebSocket."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import httpx

from jupyter_datasphere.demo.kernel_client import WebSocketKernel

Facts = dict[str, Any]


@dataclass
class Cell:
    """What a cell showed."""

    messages: list[tuple[str, Facts]] = field(default_factory=list)

    def text(self, name: str = "stdout") -> str:
        return "".join(c["text"] for kind, c in self.messages if kind == "stream" and c["name"] == name)

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.messages]

    @property
    def displays(self) -> list[Facts]:
        return [content["data"] for kind, content in self.messages if kind == "display_data"]

    @property
    def error(self) -> Facts:
        """The error that ended it; empty where none did."""
        return next((content for kind, content in self.messages if kind == "error"), {})


class User:
    """Somebody at a notebook whose kernel the Jupyter server started."""

    def __init__(self, kernel: WebSocketKernel, server: Facts) -> None:
        self._kernel = kernel
        self._server = server

    async def run(self, code: str) -> Cell:
        cell = Cell()
        async for message in self._kernel.execute(code):
            if message["msg_type"] != "execute_input":
                cell.messages.append((message["msg_type"], message["content"]))
        return cell

    async def value(self, expression: str) -> str:
        cell = await self.run(f"print(({expression}), end='')")
        assert not cell.error, cell.error
        return cell.text()

    async def interrupt(self) -> None:
        """As the interrupt button does."""
        headers = {"Authorization": f"token {self._server['token']}"}
        async with httpx.AsyncClient(headers=headers, trust_env=False) as http:
            for kernel in (await http.get(f"{self._server['url']}api/kernels")).json():
                await http.post(f"{self._server['url']}api/kernels/{kernel['id']}/interrupt")

    async def executions(self) -> list[Facts]:
        """What the server's history says, newest first."""
        headers = {"Authorization": f"token {self._server['token']}"}
        async with httpx.AsyncClient(headers=headers, trust_env=False) as http:
            answer = await http.get(f"{self._server['url']}datasphere/executions")
            return list(answer.json()["executions"])
