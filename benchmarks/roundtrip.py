"""Round trip of `print(1)`: a plain local kernel, the same through a Jupyter server, and `%%ds_execute`.

All in one run, in turn, so that a drift of the machine's speed meets every row alike. A round trip ends when
the kernel is idle again and its output has been read. Writes the table to `roundtrip.md` beside this file.

    python benchmarks/roundtrip.py [--rounds N]
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from jupyter_client.manager import start_new_async_kernel
from tables import machine, write_table

from jupyter_datasphere.demo.kernel_client import WebSocketKernel, kernel_of
from jupyter_datasphere.demo.processes import emulator, environment_for, jupyter

CODE = "print(1)"
REMOTE = f"%%ds_execute\n{CODE}"
RoundTrip = Callable[[], Awaitable[None]]


async def measure(rounds: int) -> None:
    with (
        tempfile.TemporaryDirectory() as temporary,
        emulator(Path(temporary) / "emulator") as facts,
    ):
        folder = Path(temporary) / "notebooks"
        folder.mkdir()
        options = [f"--DataSphere.ledger_dir={temporary}/ledger", "--DataSphere.project=demo-project"]
        with jupyter("server", folder, environment_for(facts), options=options) as server:
            manager, client = await start_new_async_kernel()
            try:
                async with kernel_of(server) as plain, kernel_of(server) as ours:
                    await output_of(ours, "%load_ext jupyter_datasphere")
                    assert await output_of(ours, REMOTE) == "1\n"

                    async def local() -> None:
                        text: list[str] = []
                        await client._async_execute_interactive(
                            CODE, output_hook=lambda m: text.append(m["content"].get("text", ""))
                        )
                        assert "".join(text) == "1\n"

                    async def through_server() -> None:
                        assert await output_of(plain, CODE) == "1\n"

                    async def ds_execute() -> None:
                        assert await output_of(ours, REMOTE) == "1\n"

                    times = await in_turn(
                        {
                            "plain local kernel": local,
                            "local kernel through the Jupyter server's WebSocket": through_server,
                            "`%%ds_execute` through the same WebSocket": ds_execute,
                        },
                        rounds,
                    )
            finally:
                client.stop_channels()
                await manager.shutdown_kernel(now=True)
    report(times, rounds)


async def output_of(kernel: WebSocketKernel, code: str) -> str:
    return "".join([m["content"].get("text", "") async for m in kernel.execute(code)])


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


def report(times: dict[str, list[float]], rounds: int) -> None:
    floor = statistics.median(next(iter(times.values())))
    rows = [
        (
            name,
            f"{statistics.median(seconds) * 1000:.1f}",
            f"{statistics.quantiles(seconds, n=20)[-1] * 1000:.1f}",
            f"{statistics.median(seconds) / floor:.1f}",
        )
        for name, seconds in times.items()
    ]
    write_table(
        Path(__file__).with_suffix(".md"),
        "Round trip of `print(1)`",
        f"{rounds} rounds, in turn. {machine()}",
        ("", "median, ms", "95th percentile, ms", "times the plain local kernel"),
        rows,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=200)
    asyncio.run(measure(parser.parse_args().rounds))
