"""A front end with widgets, as far as messages go: it keeps their models and sends what a user does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jupyter_datasphere.demo.kernel_client import WebSocketKernel, execute_content

Model = dict[str, Any]


class FrontEnd:
    """`models`: the state of each open widget by its ID."""

    def __init__(self, kernel: WebSocketKernel) -> None:
        self._kernel = kernel
        self.models: dict[str, Model] = {}

    async def run(self, code: str) -> list[tuple[str, dict[str, Any]]]:
        """Run a cell; gives its messages, those of widgets left out."""
        request = await self._kernel.send("shell", "execute_request", execute_content(code))
        messages = []
        replied = idle = False
        while not (replied and idle):
            message = await self._receive()
            if message["parent_header"].get("msg_id") != request:
                continue
            kind, content = message["msg_type"], message["content"]
            replied = replied or kind == "execute_reply"
            idle = idle or (kind == "status" and content["execution_state"] == "idle")
            if (
                message["channel"] == "iopub"
                and kind not in ("status", "execute_input")
                and kind[:5] != "comm_"
            ):
                messages.append((kind, content))
        return messages

    async def value(self, expression: str) -> str:
        """What `expression` prints."""
        return "".join(content["text"] for _, content in await self.run(f"print({expression}, end='')"))

    async def until(self, seen: Callable[[], object]) -> None:
        """Take messages until that is so."""
        while not seen():
            await self._receive()

    def find(self, **state: Any) -> str:
        """The ID of the one widget with that state."""
        (found,) = [
            model_id
            for model_id, model in self.models.items()
            if all(model.get(name) == value for name, value in state.items())
        ]
        return found

    def texts(self) -> str:
        """What all HTML widgets say that are not hidden."""
        return "\n".join(
            model["value"] for model in self.models.values() if model["_model_name"] == "HTMLModel"
        )

    async def click(self, button: str) -> None:
        await self._send(button, {"method": "custom", "content": {"event": "click"}})

    async def enter(self, field: str, value: str) -> None:
        self.models[field]["value"] = value
        await self._send(field, {"method": "update", "state": {"value": value}, "buffer_paths": []})

    async def _send(self, model_id: str, data: dict[str, Any]) -> None:
        await self._kernel.send("shell", "comm_msg", {"comm_id": model_id, "data": data})

    async def _receive(self) -> dict[str, Any]:
        message = await self._kernel.receive()
        content = message["content"]
        match message["msg_type"]:
            case "comm_open":
                self.models[content["comm_id"]] = content["data"]["state"]
            case "comm_msg" if content["data"].get("method") == "update":
                self.models[content["comm_id"]].update(content["data"]["state"])
            case "comm_close":
                del self.models[content["comm_id"]]
        return message
