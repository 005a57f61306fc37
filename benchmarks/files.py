"""A file of 1 GB up to the emulator and down again: memory and throughput, against a bare gRPC stream.

The bare stream has the same messages and nothing at either end: no disk, no token, no policy; a second one
has a file at its other end, as an upload has. All are measured in turn, `--rounds` times; the table has
medians, also of the shares. Writes `files.md`.

    python benchmarks/files.py [--megabytes N] [--rounds N]
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from flood import peaks
from tables import machine, write_table

from jupyter_datasphere.credentials.oauth import OAuthToken
from jupyter_datasphere.credentials.tokens import TokenCache
from jupyter_datasphere.datasphere.files import ProjectFiles
from jupyter_datasphere.datasphere.local_files import CHUNK
from jupyter_datasphere.datasphere.project_files_pb2 import DownloadFileResponse as Message
from jupyter_datasphere.datasphere.transport import Endpoints, Transport
from jupyter_datasphere.demo.processes import emulator

MEMORY = 64
"""Megabytes by which the memory of the client may grow."""
SHARE = 0.5
"""Of the throughput of a bare stream, at least."""


async def measure(size: int, rounds: int) -> list[tuple[str, ...]]:
    with tempfile.TemporaryDirectory() as temporary, emulator(Path(temporary) / "emulator") as facts:
        folder = Path(temporary)
        (emulator_process,) = psutil.Process().children()
        digest = _make(folder / "up", size)
        transport = Transport(Endpoints.one_origin(facts["url"]))
        files = ProjectFiles(
            facts["files_address"], TokenCache(OAuthToken(facts["oauth_token"], "a test", transport))
        )
        project = facts["project_id"]
        async with peaks(os.getpid(), emulator_process.pid) as (client, service):
            await files.upload(project, "file", folder / "up")
            await files.download(project, "file", folder / "down")
        with (folder / "down").open("rb") as file:
            assert hashlib.file_digest(file, "sha256").hexdigest() == digest, "the file came back different"
        ups, downs, bare_ups, bare_downs = list[float](), list[float](), list[float](), list[float]()
        kept_ups = list[float]()
        with _bare_server(folder / "kept") as port:
            for _ in range(rounds):  # in turn, since the machine may have other work
                bare_ups.append(await _rate(size, _bare_up(port, size, "up")))
                kept_ups.append(await _rate(size, _bare_up(port, size, "keep")))
                ups.append(await _rate(size, files.upload(project, "file", folder / "up")))
                bare_downs.append(await _rate(size, _bare_down(port, size)))
                downs.append(await _rate(size, files.download(project, "file", folder / "down")))
        await files.aclose()
        await transport.aclose()
    rows: list[tuple[str, ...]] = []
    for way, ours, bare in (("up", ups, bare_ups), ("down", downs, bare_downs)):
        rate, bare_rate = statistics.median(ours), statistics.median(bare)
        share = statistics.median(one / other for one, other in zip(ours, bare, strict=True))
        rows += [
            (f"{size / 1e6:g} MB {way}: MB/s", f"{rate:.0f}", ""),
            (f"a bare gRPC stream {way}: MB/s", f"{bare_rate:.0f}", ""),
            ("… share of it that a file has", f"{share:.2f}", f"at least {SHARE}"),
        ]
    kept = statistics.median(kept_ups)
    share = statistics.median(one / other for one, other in zip(ups, kept_ups, strict=True))
    return [
        *rows[:3],
        ("a bare gRPC stream up into a file: MB/s", f"{kept:.0f}", ""),
        ("… share of it that a file has", f"{share:.2f}", ""),
        *rows[3:],
        (
            "the client's memory grows by MB, gRPC itself included",
            f"{client.growth:.0f}",
            f"at most {MEMORY}",
        ),
        ("the emulator's memory grows by MB", f"{service.growth:.0f}", ""),
    ]


def _make(path: Path, size: int) -> str:
    """A file of random bytes; gives its digest."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        while size:
            block = os.urandom(min(size, CHUNK))
            digest.update(block)
            file.write(block)
            size -= len(block)
    return digest.hexdigest()


async def _rate(size: int, transfer: Awaitable[object]) -> float:
    """Megabytes per second."""
    begin = time.perf_counter()
    await transfer
    return size / 1e6 / (time.perf_counter() - begin)


@contextmanager
def _bare_server(file: Path) -> Iterator[int]:
    """A process that takes and gives streams, and keeps one in a file if asked to; gives its port."""
    command = [sys.executable, __file__, "--bare", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


async def _serve_bare(kept: Path) -> None:
    import grpc

    async def up(requests: AsyncIterator[Message], context: object) -> Message:
        async for _ in requests:
            pass
        return Message()

    async def keep(requests: AsyncIterator[Message], context: object) -> Message:
        with kept.open("wb") as file:
            async for request in requests:
                file.write(request.chunk)
        return Message()

    async def down(request: Message, context: object) -> AsyncIterator[Message]:
        chunk = bytes(CHUNK)
        for _ in range(request.metadata.size_bytes // CHUNK):
            yield Message(chunk=chunk)

    codec = {
        "request_deserializer": Message.FromString,
        "response_serializer": Message.SerializeToString,
    }
    handlers = {
        "up": grpc.stream_unary_rpc_method_handler(up, **codec),
        "keep": grpc.stream_unary_rpc_method_handler(keep, **codec),
        "down": grpc.unary_stream_rpc_method_handler(down, **codec),
    }
    server = grpc.aio.server()
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("bare", handlers)])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await server.wait_for_termination()


async def _bare_up(port: int, size: int, name: str) -> None:
    import grpc

    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        method = channel.stream_unary(
            f"/bare/{name}",
            request_serializer=Message.SerializeToString,
            response_deserializer=Message.FromString,
        )
        call = method()
        chunk = bytes(CHUNK)
        for _ in range(size // CHUNK):
            await call.write(Message(chunk=chunk))
        await call.done_writing()
        await call


async def _bare_down(port: int, size: int) -> None:
    import grpc

    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        method = channel.unary_stream(
            "/bare/down",
            request_serializer=Message.SerializeToString,
            response_deserializer=Message.FromString,
        )
        request = Message()
        request.metadata.size_bytes = size
        async for _ in method(request):
            pass


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bare", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.bare:
        asyncio.run(_serve_bare(arguments.bare))
    else:
        rows = asyncio.run(measure(arguments.megabytes * 10**6, arguments.rounds))
        title = f"A file of {arguments.megabytes} MB by gRPC"
        write_table(Path(__file__).with_suffix(".md"), title, machine(), ("", "measured", "aim"), rows)
