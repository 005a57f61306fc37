"""Round trip of `print(1)`: a local kernel, the same through a Jupyter server, and `%%ds_execute` by channel.

What takes milliseconds is measured in turn, so that a drift of the machine's speed meets every row alike;
then, in turn again, what starts an interpreter. A round trip ends when the kernel is idle again and its
output has been read. Writes the table to `roundtrip.md` beside this file.

    python benchmarks/roundtrip.py [--rounds N]
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import nbformat
from jupyter_client.manager import start_new_async_kernel
from tables import machine, write_table

from jupyter_datasphere.credentials.oauth import OAuthToken
from jupyter_datasphere.credentials.tokens import TokenCache
from jupyter_datasphere.datasphere import types
from jupyter_datasphere.datasphere.client import Client
from jupyter_datasphere.datasphere.transport import Endpoints, Transport
from jupyter_datasphere.demo.kernel_client import WebSocketKernel, kernel_of
from jupyter_datasphere.demo.processes import emulator, environment_for, jupyter, project_link

CODE = "print(1)"
REMOTE = f"%%ds_execute\n{CODE}"
EMPTY = "empty.ipynb"
RoundTrip = Callable[[], Awaitable[None]]

LOCAL = "plain local kernel"
SERVER = "local kernel through the Jupyter server's WebSocket"
STATE = "`%%ds_execute` through the same WebSocket, channel `state`"
LINKED = "kernel of the project's own Jupyter server, through its WebSocket"
JUPYTER = "`%%ds_execute`, channel `jupyter`"
INTERPRETER = "an empty notebook in a fresh interpreter, by the API alone"
FILES = "`%%ds_execute`, channel `files`"


async def measure(rounds: int) -> None:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        old = stack.enter_context(_emulator(folder / "old"))
        new = stack.enter_context(_emulator(folder / "new", "--revision", "current"))
        local = await stack.enter_async_context(_local_kernel())
        server, by_state = await _user_of(stack, folder / "state", old, "state")
        plain = await stack.enter_async_context(kernel_of(server))
        linked = await stack.enter_async_context(kernel_of(_as_server(project_link(new))))
        link_server, by_jupyter = await _user_of(stack, folder / "jupyter", new, "jupyter")
        await _give_link(link_server, new)
        _, by_files = await _user_of(stack, folder / "files", new, "files")
        empty = await stack.enter_async_context(_empty_notebook(new))
        times = await in_turn(
            {
                LOCAL: local,
                SERVER: _trip(plain, CODE),
                STATE: _trip(by_state, REMOTE),
                LINKED: _trip(linked, CODE),
                JUPYTER: _trip(by_jupyter, REMOTE),
            },
            rounds,
        )
        times |= await in_turn({INTERPRETER: empty, FILES: _trip(by_files, REMOTE)}, max(rounds // 5, 3))
    report(times)


@contextmanager
def _emulator(root: Path, *options: str) -> Iterator[dict[str, str]]:
    with emulator(root, *options) as facts:
        yield {**facts, "root": str(root)}


@asynccontextmanager
async def _local_kernel() -> AsyncIterator[RoundTrip]:
    manager, client = await start_new_async_kernel()

    async def trip() -> None:
        text: list[str] = []
        await client._async_execute_interactive(
            CODE, output_hook=lambda m: text.append(m["content"].get("text", ""))
        )
        assert "".join(text) == "1\n"

    try:
        yield trip
    finally:
        client.stop_channels()
        await manager.shutdown_kernel(now=True)


async def _user_of(
    stack: AsyncExitStack, folder: Path, facts: dict[str, str], channel: str
) -> tuple[dict[str, Any], WebSocketKernel]:
    """A Jupyter server on an emulator, and a kernel of it whose cells take that channel."""
    notebooks = folder / "notebooks"
    notebooks.mkdir(parents=True)
    options = [f"--DataSphere.ledger_dir={folder}/ledger", "--DataSphere.project=demo-project"]
    server = stack.enter_context(jupyter("server", notebooks, environment_for(facts), options=options))
    kernel = await stack.enter_async_context(kernel_of(server))
    await output_of(kernel, "%load_ext jupyter_datasphere")
    await output_of(kernel, f"%ds_config channel={channel}")
    return server, kernel


async def _give_link(server: dict[str, Any], facts: dict[str, str]) -> None:
    async with httpx.AsyncClient(headers={"Authorization": f"token {server['token']}"}) as http:
        answer = await http.put(
            f"{server['url']}datasphere/links",
            json={"project": facts["project_id"], "link": project_link(facts)},
        )
        answer.raise_for_status()


def _as_server(link: str) -> dict[str, Any]:
    parts = urlsplit(link)
    return {"url": f"{parts.scheme}://{parts.netloc}/", "token": parse_qs(parts.query)["token"][0]}


@asynccontextmanager
async def _empty_notebook(facts: dict[str, str]) -> AsyncIterator[RoundTrip]:
    """What an execution costs that does nothing: its interpreter has to be started."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("pass")])
    nbformat.write(notebook, Path(facts["root"]) / "projects" / facts["project_id"] / EMPTY)
    transport = Transport(Endpoints.one_origin(facts["url"]))
    client = Client(transport, TokenCache(OAuthToken(facts["oauth_token"], "a benchmark", transport)))
    request = types.ExecuteRequest(notebook_id=f"/home/jupyter/datasphere/project/{EMPTY}")

    async def trip() -> None:
        operation = await client.execute(facts["project_id"], request)
        while not operation.done:
            operation = await client.get_operation(operation.id)
        assert operation.response is not None
        assert operation.response["executionStatus"] == "OK"

    try:
        yield trip
    finally:
        await transport.aclose()


def _trip(kernel: WebSocketKernel, code: str) -> RoundTrip:
    async def trip() -> None:
        output = await output_of(kernel, code)
        assert output == "1\n", output

    return trip


async def output_of(kernel: WebSocketKernel, code: str) -> str:
    """What a cell printed; where it failed, the error."""
    return "".join(
        [m["content"].get("text", m["content"].get("evalue", "")) async for m in kernel.execute(code)]
    )


async def in_turn(trips: dict[str, RoundTrip], rounds: int) -> dict[str, list[float]]:
    """Times in seconds; the first tenth, at least three, warms up and is not counted."""
    times: dict[str, list[float]] = {name: [] for name in trips}
    warm_up = max(3, rounds // 10)
    for number in range(rounds + warm_up):
        for name, trip in trips.items():
            begin = time.perf_counter()
            await trip()
            if number >= warm_up:
                times[name].append(time.perf_counter() - begin)
    return times


def report(times: dict[str, list[float]]) -> None:
    median = {name: statistics.median(seconds) for name, seconds in times.items()}
    beyond = median[FILES] - median[INTERPRETER]
    compared = {
        SERVER: f"{median[SERVER] / median[LOCAL]:.1f} times the first",
        STATE: f"{median[STATE] / median[LOCAL]:.1f} times the first (aim: 4)",
        JUPYTER: f"{median[JUPYTER] / median[LINKED]:.1f} times the row above (aim: 3)",
        FILES: f"the row above, and {beyond / median[LOCAL]:.1f} times the first (aim: 10)",
    }
    rows = [
        (
            name,
            str(len(seconds)),
            f"{median[name] * 1000:.1f}",
            f"{statistics.quantiles(seconds, n=20)[-1] * 1000:.1f}",
            compared.get(name, ""),
        )
        for name, seconds in times.items()
    ]
    write_table(
        Path(__file__).with_suffix(".md"),
        "Round trip of `print(1)`",
        machine(),
        ("", "rounds", "median, ms", "95th percentile, ms", ""),
        rows,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=200)
    asyncio.run(measure(parser.parse_args().rounds))
