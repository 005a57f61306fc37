"""A real ipykernel to try things in."""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import KernelManager


@dataclass
class Result:
    """What one cell did."""

    reply: dict[str, Any]
    outputs: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def text(self, stream: str = "stdout") -> str:
        return "".join(
            content["text"]
            for kind, content in self.outputs
            if kind == "stream" and content["name"] == stream
        )

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.outputs]

    @property
    def traceback(self) -> str:
        return "\n".join(self.reply.get("traceback", []))


class Kernel:
    """Runs cells as a front end does."""

    def __init__(self, client: BlockingKernelClient) -> None:
        self._client = client

    def run(self, code: str, *, watched: bool = False) -> Result:
        """`watched`: as a front end with a person before it, which takes input."""
        outputs = self.stream(code, watched=watched)
        shown = []
        try:
            while True:
                shown.append(next(outputs))
        except StopIteration as end:
            return Result(end.value, shown)

    def stream(
        self, code: str, *, watched: bool = False
    ) -> Generator[tuple[str, dict[str, Any]], None, dict[str, Any]]:
        """Each output as it comes; returns the reply."""
        request = self._client.execute(code, allow_stdin=watched)
        deadline = time.monotonic() + 60
        while True:
            message = self._client.get_iopub_msg(timeout=deadline - time.monotonic())
            if message["parent_header"].get("msg_id") != request:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "status" and content["execution_state"] == "idle":
                break
            if kind not in ("status", "execute_input"):
                yield kind, content
        while True:
            reply = self._client.get_shell_msg(timeout=10)
            if reply["parent_header"].get("msg_id") == request:
                return dict(reply["content"])

    def complete(self, code: str) -> list[str]:
        """The cell as it could go on: what stands before each completion included."""
        before, _, after = code.partition("|")
        request = self._client.complete(before + after, len(before))
        while True:
            reply = self._client.get_shell_msg(timeout=60)
            if reply["parent_header"].get("msg_id") == request:
                content = reply["content"]
                return [before[: content["cursor_start"]] + match for match in content["matches"]]

    def value(self, expression: str) -> str:
        """What `expression` prints."""
        result = self.run(f"print({expression}, end='')")
        assert result.reply["status"] == "ok", result.traceback
        return result.text()


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with plain_kernel(tmp_path_factory.mktemp("runtime")) as kernel:
        yield kernel


@contextmanager
def plain_kernel(runtime: Path) -> Iterator[Kernel]:
    """A kernel that no Jupyter server with our extension started, as an editor's, with that runtime folder."""
    environment = {
        name: value
        for name, value in os.environ.items()
        # With the second, an ipykernel believes itself in pytest's hands and captures less.
        if not name.startswith("JUPYTER_DATASPHERE_") and name != "PYTEST_CURRENT_TEST"
    }
    environment["JUPYTER_RUNTIME_DIR"] = str(runtime)
    manager = KernelManager()
    manager.start_kernel(env=environment)
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        yield Kernel(client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()
