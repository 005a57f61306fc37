"""Somebody at a notebook: a kernel that a real Jupyter server started, over its WebSocket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any

import httpx

from jupyter_datasphere.demo.kernel_client import WebSocketKernel, execute_content

Facts = dict[str, Any]


def on_screen(messages: Iterable[tuple[str, Facts]]) -> list[str]:
    """What a front end shows below the cell, from above: text of one stream in a row is one."""
    parts: list[tuple[str, str]] = []
    for kind, content in messages:
        if kind == "stream" and parts and parts[-1][0] == content["name"]:
            parts[-1] = (content["name"], parts[-1][1] + content["text"])
        elif kind == "stream":
            parts.append((content["name"], content["text"]))
        elif kind == "clear_output":
            parts.clear()
        elif kind in ("display_data", "update_display_data"):
            display_id = content["transient"].get("display_id", "")
            text = content["data"].get("text/plain", "")
            if kind == "display_data":
                parts.append((display_id, text))
            else:
                parts = [(key, text if key == display_id else old) for key, old in parts]
    return [text for _, text in parts]


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


class Running:
    """A cell that is running, read as far as somebody asked for."""

    def __init__(self, messages: AsyncIterator[Facts]) -> None:
        self._messages = messages
        self.cell = Cell()

    async def until_text(self, text: str) -> None:
        """Read until the cell has shown that."""
        while text not in self.cell.text():
            self._take(await anext(self._messages))

    async def end(self) -> Cell:
        async for message in self._messages:
            self._take(message)
        return self.cell

    def _take(self, message: Facts) -> None:
        if message["msg_type"] != "execute_input":
            self.cell.messages.append((message["msg_type"], message["content"]))


class User:
    """Somebody at a notebook whose kernel the Jupyter server started."""

    def __init__(self, kernel: WebSocketKernel, server: Facts) -> None:
        self.kernel = kernel
        self._server = server

    async def run(self, code: str) -> Cell:
        return await (await self.start(code)).end()

    async def start(self, code: str) -> Running:
        """Begin to run a cell."""
        return Running(self.kernel.shown(await self.kernel.start(code)))

    async def answering(self, code: str, *answers: str) -> tuple[Cell, list[str]]:
        """Run a cell that asks, and answer; gives what it asked, too."""
        content = {**execute_content(code), "allow_stdin": True}
        request = await self.kernel.send("shell", "execute_request", content)
        cell, questions, left = Cell(), list[str](), list(answers)
        replied = idle = False
        while not (replied and idle):
            message = await self.kernel.receive()
            if message["parent_header"].get("msg_id") != request:
                continue
            kind, content = message["msg_type"], message["content"]
            replied = replied or kind == "execute_reply"
            idle = idle or (kind == "status" and content["execution_state"] == "idle")
            if kind == "input_request":
                questions.append(content["prompt"])
                await self.kernel.send("stdin", "input_reply", {"value": left.pop(0)})
            elif message["channel"] == "iopub" and kind not in ("status", "execute_input"):
                cell.messages.append((kind, content))
        assert not left, f"not asked: {left}"
        return cell, questions

    async def value(self, expression: str) -> str:
        cell = await self.run(f"print(({expression}), end='')")
        assert not cell.error, cell.error
        return cell.text()

    async def complete(self, code: str) -> list[str]:
        """What the Tab key offers at the end of the code."""
        content = {"code": code, "cursor_pos": len(code)}
        request = await self.kernel.send("shell", "complete_request", content)
        message: Facts = {"parent_header": {}}
        while message["parent_header"].get("msg_id") != request or message["msg_type"] != "complete_reply":
            message = await self.kernel.receive()
        matches: list[str] = message["content"]["matches"]
        return matches

    async def interrupt(self) -> None:
        """As the interrupt button does."""
        headers = {"Authorization": f"token {self._server['token']}"}
        async with httpx.AsyncClient(headers=headers, trust_env=False) as http:
            for kernel in (await http.get(f"{self._server['url']}api/kernels")).json():
                await http.post(f"{self._server['url']}api/kernels/{kernel['id']}/interrupt")

    async def cancel(self, execution_id: str) -> None:
        """As the front end does."""
        headers = {"Authorization": f"token {self._server['token']}"}
        async with httpx.AsyncClient(headers=headers, trust_env=False) as http:
            answer = await http.post(f"{self._server['url']}datasphere/executions/{execution_id}/cancel")
            assert answer.status_code == 202

    async def executions(self) -> list[Facts]:
        """What the server's history says, newest first."""
        headers = {"Authorization": f"token {self._server['token']}"}
        async with httpx.AsyncClient(headers=headers, trust_env=False) as http:
            answer = await http.get(f"{self._server['url']}datasphere/executions", params={"limit": 1000})
            return list(answer.json()["executions"])
