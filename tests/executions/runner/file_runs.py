"""Runs whose request and events are files, in kernels that may be new ones each time."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from executions.runner.runner_kernel import TIMEOUT, Kernel, Result, start

from jupyter_datasphere.executions.runner.request import (
    FileRequest,
    RunRequest,
    file_request,
    part_path,
    request_path,
)
from jupyter_datasphere.protocol import EVENTS_MIME

_runs = itertools.count(1)


def stage(folder: Path, order: FileRequest) -> dict[str, str]:
    """Put the request into the project, as an upload does; the environment of the run."""
    content, strings = file_request(order)
    path = folder / request_path(order.request.run)
    path.write_bytes(content)
    return strings


def parts(folder: Path, run: str) -> list[bytes]:
    """The parts of a run that are there, asked for by number as a follower asks."""
    paths = (folder / part_path(run, number) for number in itertools.count(1))
    return [path.read_bytes() for path in itertools.takewhile(Path.exists, paths)]


def result_of(folder: Path, run: str, reply: dict[str, Any] | None = None) -> Result:
    """What the parts of a run say."""
    messages = [{"content": {"data": {EVENTS_MIME: json.loads(part)}}} for part in parts(folder, run)]
    return Result(run, messages, reply or {"status": "ok"})


def new_order(
    code: str = "",
    *,
    path: str | None = None,
    session: str | None = None,
    inputs: dict[str, Any] | None = None,
    outputs: list[str] | None = None,
    **options: Any,
) -> FileRequest:
    """A request under a new ID."""
    request = RunRequest(
        run=f"f{next(_runs)}",
        kind="code" if path is None else "notebook",
        code=code,
        path=path or "",
        session=session,
        inputs=inputs or {},
        outputs=outputs or [],
    )
    return FileRequest(request, **options)


def execute(kernel: Kernel, strings: dict[str, str]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Messages and reply of the runner's cell under this environment."""
    kernel.execute(f"__import__('os').environ.update({strings!r})", silent=True)
    return kernel.execute(kernel.cell)


def begin(kernel: Kernel, order: FileRequest) -> Callable[[], Result]:
    """Start a run; what is given waits for its end, and gives what it sent."""
    strings = stage(kernel.folder, order)
    kernel.execute(f"__import__('os').environ.update({strings!r})", silent=True)
    message_id = kernel.client.execute(kernel.cell, allow_stdin=False)

    def end() -> Result:
        while True:
            reply = kernel.client.get_shell_msg(timeout=TIMEOUT)
            if reply["parent_header"].get("msg_id") == message_id:
                return result_of(kernel.folder, order.request.run, reply["content"]).check()

    return end


def run(kernel: Kernel, code: str = "", **options: Any) -> Result:
    """One run in this kernel; checks what holds for every run."""
    order = new_order(code, **options)
    strings = stage(kernel.folder, order)
    messages, reply = execute(kernel, strings)
    assert messages == []  # nothing leaves by the cell
    assert not (kernel.folder / request_path(order.request.run)).exists()
    left = {path.name for path in (kernel.folder / part_path(order.request.run, 1)).parent.iterdir()}
    assert {name for name in left if not name.startswith("part-")} == set()
    return result_of(kernel.folder, order.request.run, reply).check()


@contextmanager
def new_kernel(folder: Path) -> Iterator[Kernel]:
    """A fresh interpreter in a project."""
    yield from start(folder)


def run_alone(folder: Path, code: str = "", **options: Any) -> Result:
    """One run in an interpreter of its own."""
    with new_kernel(folder) as kernel:
        return run(kernel, code, **options)


def kill(kernel: Kernel) -> None:
    """The kernel's process is gone, at once."""
    process = kernel.manager.provisioner.process  # type: ignore[union-attr]
    process.kill()
    process.wait()


def wait_for(condition: Callable[[], Any]) -> Any:
    """What `condition` gives as soon as it is true; the test's timeout ends this."""
    while not (found := condition()):
        time.sleep(0.005)
    return found
