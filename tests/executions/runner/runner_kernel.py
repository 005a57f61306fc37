"""A real kernel that executes the runner notebook's cell, with the environment set as the service sets it."""

from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from jupyter_client import BlockingKernelClient, KernelManager

from jupyter_datasphere.executions.runner.notebook import runner_cell
from jupyter_datasphere.executions.runner.request import RunRequest, environment
from jupyter_datasphere.protocol import EVENTS_MIME, RunnerBatch

TIMEOUT = 20
_runs = itertools.count(1)


class Result:
    """What one execution of the runner's cell sent."""

    def __init__(self, run: str, messages: list[dict[str, Any]], reply: dict[str, Any]) -> None:
        self.run = run
        self.messages = messages
        self.reply = reply
        self.batches = [
            message["content"]["data"][EVENTS_MIME]
            for message in messages
            if EVENTS_MIME in message["content"].get("data", {})
        ]
        self.numbered = [pair for batch in self.batches for pair in batch["events"]]
        self.events = [event for _, event in self.numbered]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind]

    @property
    def outputs(self) -> list[dict[str, Any]]:
        return joined(
            {"message": event["message"], **event["content"]}
            | ({"cell": c} if (c := event.get("cell")) is not None else {})
            for event in self.of("output")
        )

    def text(self, stream: str = "stdout") -> str:
        return "".join(
            event["content"]["text"]
            for event in self.of("output")
            if event["message"] == "stream" and event["content"]["name"] == stream
        )

    @property
    def status(self) -> str:
        assert [event["type"] for event in self.events].count("finished") == 1
        assert self.events[-1]["type"] == "finished"
        status: str = self.events[-1]["status"]
        return status

    @property
    def failure(self) -> dict[str, Any]:
        (failure,) = self.of("failure")
        return failure

    @property
    def variables(self) -> dict[str, Any]:
        return {event["name"]: event["value"] for event in self.of("variable")}

    @property
    def notices(self) -> list[str]:
        return [event["text"] for event in self.of("notice")]

    def check(self) -> Result:
        """What holds for every run."""
        for batch in self.batches:
            assert batch["run"] == self.run
            msgspec.convert(batch, RunnerBatch)
        assert [number for number, _ in self.numbered] == list(range(1, len(self.numbered) + 1))
        assert self.events[0]["type"] == "started"
        assert self.status in ("ok", "error", "aborted")
        assert self.reply["status"] == "ok", self.reply
        return self


def joined(outputs: Any) -> list[dict[str, Any]]:
    """Outputs, neighbouring writes to one stream as one."""
    found: list[dict[str, Any]] = []
    for output in outputs:
        last = found[-1] if found else {}
        if output["message"] == "stream" == last.get("message") and {**output, "text": ""} == {
            **last,
            "text": "",
        }:
            found[-1] = {**last, "text": last["text"] + output["text"]}
        else:
            found.append(output)
    return found


class Kernel:
    """A kernel with the runner's cell."""

    def __init__(self, folder: Path, arguments: list[str] | None = None) -> None:
        self.folder = folder
        environment_ = {
            name: value
            for name, value in os.environ.items()
            # Under pytest ipykernel does not watch its file descriptors.
            if name != "PYTEST_CURRENT_TEST"
        }
        environment_ |= {"IPYTHONDIR": str(folder / ".ipython"), "PYTHONWARNINGS": "default"}
        self.manager = KernelManager()
        self.manager.start_kernel(cwd=str(folder), env=environment_, extra_arguments=arguments or [])
        self.client: BlockingKernelClient = self.manager.blocking_client()
        self.client.context.rcvhwm = 0  # else messages are dropped while we look at others
        self.client.start_channels()
        self.client.wait_for_ready(timeout=TIMEOUT)
        self.cell = runner_cell()

    def stop(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)

    def execute(
        self,
        code: str,
        *,
        silent: bool = False,
        on_message: Callable[[dict[str, Any]], None] | None = None,
    ) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Execute code as it is: its iopub messages and the reply's content."""
        messages: list[dict[str, Any]] = []
        message_id = self.client.execute(code, silent=silent, store_history=not silent, allow_stdin=False)
        deadline = time.monotonic() + TIMEOUT
        while True:
            message = self.client.get_iopub_msg(timeout=max(0.0, deadline - time.monotonic()))
            if message["parent_header"].get("msg_id") != message_id:
                if message["msg_type"].startswith("comm"):
                    messages.append(message)
                continue
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                break
            if message["msg_type"] not in ("status", "execute_input"):
                messages.append(message)
                if on_message is not None:
                    on_message(message)
        while True:
            reply = self.client.get_shell_msg(timeout=TIMEOUT)
            if reply["parent_header"].get("msg_id") == message_id:
                return messages, reply["content"]

    def plain(self, code: str) -> list[dict[str, Any]]:
        """The outputs of code in an ordinary kernel, as `Result.outputs` has them."""
        messages, reply = self.execute(code)
        outputs = [{"message": message["msg_type"], **message["content"]} for message in messages]
        if reply["status"] == "error" and not any(output["message"] == "error" for output in outputs):
            outputs.append({"message": "error", **{name: reply[name] for name in ("ename", "evalue")}})
        return outputs

    def run(
        self,
        code: str = "",
        *,
        path: str | None = None,
        session: str | None = None,
        inputs: dict[str, Any] | None = None,
        outputs: list[str] | None = None,
        on_event: Callable[[dict[str, Any]], None] | None = None,
        strings: dict[str, str] | None = None,
        before: str = "",
    ) -> Result:
        """One execution of the runner's cell, with code `before` it; checks what holds for every run."""
        run = f"run-{next(_runs)}"
        if strings is None:
            request = RunRequest(
                run=run,
                kind="code" if path is None else "notebook",
                code=code,
                path=path or "",
                session=session,
                inputs=inputs or {},
                outputs=outputs or [],
            )
            strings = environment(request)
        else:
            run = strings["JUPYTER_DATASPHERE_REQUEST_RUN"]
        self.execute(f"__import__('os').environ.update({strings!r})", silent=True)

        def look(message: dict[str, Any]) -> None:
            for _, event in message["content"].get("data", {}).get(EVENTS_MIME, {}).get("events", []):
                if on_event is not None:
                    on_event(event)

        messages, reply = self.execute(before + self.cell, on_message=look)
        return Result(run, messages, reply).check()

    def interrupt(self) -> None:
        self.manager.interrupt_kernel()

    def evaluate(self, expression: str) -> Any:
        """The value of an expression in the notebook's own namespace, through JSON."""
        message_id = self.client.execute(
            "", silent=True, user_expressions={"value": f"__import__('json').dumps({expression})"}
        )
        while True:
            reply = self.client.get_shell_msg(timeout=TIMEOUT)
            if reply["parent_header"].get("msg_id") == message_id:
                value = reply["content"]["user_expressions"]["value"]
                assert value["status"] == "ok", value
                return json.loads(__import__("ast").literal_eval(value["data"]["text/plain"]))

    def state(self, key: str = "main") -> dict[str, Any]:
        """What the runner shows of a session's variables."""
        namespace: dict[str, Any] = self.evaluate("jupyter_datasphere_state")["namespaces"][key]
        return namespace


def start(folder: Path, arguments: list[str] | None = None) -> Iterator[Kernel]:
    kernel = Kernel(folder, arguments)
    try:
        yield kernel
    finally:
        kernel.stop()
