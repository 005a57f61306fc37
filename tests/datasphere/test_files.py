"""The client of project files, against the emulator and connections that break."""

from __future__ import annotations

import asyncio
import json
import os
import random
import resource
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
from datasphere.certificates import certificate
from emulator.api import Api, Json, eventually, start_api
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_datasphere.credentials.iam_token import GivenToken
from jupyter_datasphere.credentials.oauth import OAuthToken
from jupyter_datasphere.credentials.tokens import TokenCache
from jupyter_datasphere.datasphere.files import LONGEST_PATH, PROJECT_FOLDER, ProjectFiles
from jupyter_datasphere.datasphere.local_files import CHUNK, KEPT, FileSource
from jupyter_datasphere.datasphere.retries import RetryPolicy
from jupyter_datasphere.datasphere.transport import Endpoints, Transport
from jupyter_datasphere.emulator.faults import parse_rules
from jupyter_datasphere.errors import (
    ConflictError,
    CredentialsError,
    ExpectedError,
    ServiceError,
    StorageError,
    UnavailableError,
    UsageError,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUICK = RetryPolicy(attempts=4, timeout=60, first=0.001, longest=0.002)
PATIENT = RetryPolicy(attempts=50, timeout=60, first=0.05, longest=0.1)
"""gRPC itself waits for a tenth of a second before it connects again."""
ONCE = RetryPolicy(attempts=1)
LARGE = 3_000_000
"""Bytes: more than gRPC has under way at once, so that a connection can break in the middle."""


def at(method: str, *calls: int, **fault: Any) -> Json:
    return {"method": method, "calls": list(calls), "fault": fault}


@asynccontextmanager
async def client(api: Api, address: str | None = None, **options: Any) -> AsyncIterator[ProjectFiles]:
    transport = Transport(Endpoints.one_origin(api.emulator.url))
    tokens = TokenCache(OAuthToken(api.emulator.oauth_token, "a test", transport))
    files = ProjectFiles(
        api.emulator.info.files_address if address is None else address, tokens, **{"retry": QUICK, **options}
    )
    try:
        yield files
    finally:
        await files.aclose()
        await transport.aclose()


@asynccontextmanager
async def faulty(root: Path, *rules: Json, **config: Any) -> AsyncIterator[tuple[Api, ProjectFiles]]:
    """An emulator of its own with these rules, and a client."""
    faults = parse_rules(json.dumps(rules).encode())
    async with start_api(root, faults=faults, **config) as api, client(api) as files:
        yield api, files


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    async with start_api(tmp_path_factory.mktemp("files") / "root") as api:
        yield api


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def files(api: Api) -> AsyncIterator[ProjectFiles]:
    async with client(api) as files:
        yield files


class Proxy:
    """Stands between client and emulator; breaks or holds a connection when so many bytes went up or down."""

    def __init__(self, address: str) -> None:
        self._host, _, self._port = address.removeprefix("http://").rpartition(":")
        self.connections = 0
        self._serving: list[asyncio.Task[Any]] = []
        self._writers: list[asyncio.StreamWriter] = []
        self.break_after: int | None = None
        """Once, by cutting the connection."""
        self.hold_after: int | None = None
        """Once, by passing on nothing more in that direction, on that connection for good."""

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        self._serving.append(asyncio.create_task(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            their_reader, their_writer = await asyncio.open_connection(self._host, int(self._port))
            pipes = (self._pipe(reader, their_writer), self._pipe(their_reader, writer))
            tasks = [asyncio.create_task(pipe) for pipe in pipes]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                their_writer.transport.abort()
        finally:
            writer.transport.abort()

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passed = 0
        while data := await reader.read(1 << 16):
            passed += len(data)
            if self.break_after is not None and passed >= self.break_after:
                self.break_after = None
                return
            if self.hold_after is not None and passed >= self.hold_after:
                self.hold_after = None
                await asyncio.Event().wait()
            writer.write(data)
            await writer.drain()

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.address = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *error: object) -> None:
        self._server.close()
        for task in self._serving:
            task.cancel()
        for writer in self._writers:  # also of a task that has not begun
            writer.transport.abort()
        await asyncio.gather(*self._serving, return_exceptions=True)
        await asyncio.sleep(0)  # the turn in which what was aborted is closed


async def stream(content: bytes, piece: int) -> AsyncIterator[bytes]:
    for begin in range(0, len(content), piece):
        yield content[begin : begin + piece]


def content_of(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def nothing_left(api: Api, folder: Path) -> bool:
    return not list((api.emulator.config.root / "uploads").iterdir()) and not list(folder.glob(".*"))


@contextmanager
def small_disk(size: int) -> Iterator[None]:
    """No file of this process may become larger than that."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


# What goes up comes down

BORDERS = st.builds(lambda chunks, more: max(chunks * CHUNK + more, 0), st.integers(0, 3), st.integers(-2, 2))


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(size=BORDERS, piece=st.sampled_from([1000, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK]), data=st.data())
async def test_what_goes_up_comes_down(
    api: Api, files: ProjectFiles, tmp_path: Path, size: int, piece: int, data: st.DataObject
) -> None:
    content = content_of(size)
    source = data.draw(st.sampled_from(["bytes", "file", "stream"]))
    if source == "bytes":
        sent = await files.upload(api.project_id, "borders", content)
    elif source == "file":
        (tmp_path / "source").write_bytes(content)
        sent = await files.upload(api.project_id, "borders", tmp_path / "source")
    else:
        sent = await files.upload(api.project_id, "borders", stream(content, piece), size=size)
    assert sent == size
    assert (api.folder / "borders").read_bytes() == content
    assert await files.read(api.project_id, "borders") == content
    assert await files.download(api.project_id, "borders", tmp_path / "target") == size
    assert (tmp_path / "target").read_bytes() == content
    assert nothing_left(api, tmp_path)


@pytest.mark.parametrize(
    "path", ["a name with spaces", "отчёт/данные.csv", "数据", "e\u0301", "🙂", "%2e%2e", "-", "a//b", "./c"]
)
async def test_names(api: Api, files: ProjectFiles, path: str) -> None:
    await files.upload(api.project_id, path, path.encode())
    assert (api.folder / path).read_bytes() == path.encode()
    assert await files.read(api.project_id, f"{PROJECT_FOLDER}/{path}") == path.encode()


async def test_a_file_here_is_replaced_at_once_and_keeps_its_permissions(
    api: Api, files: ProjectFiles, tmp_path: Path
) -> None:
    await files.upload(api.project_id, "secret", b"new")
    target = tmp_path / "target"
    target.write_bytes(b"old")
    target.chmod(0o640)
    before = target.open("rb")
    await files.download(api.project_id, "secret", target)
    assert target.read_bytes() == b"new"
    assert target.stat().st_mode & 0o777 == 0o640
    assert before.read() == b"old"
    before.close()


async def test_many_at_once(api: Api, files: ProjectFiles) -> None:
    contents = [content_of(50_000 * number) for number in range(50)]
    await asyncio.gather(
        *(files.upload(api.project_id, f"many/{n}", content) for n, content in enumerate(contents))
    )
    assert await asyncio.gather(*(files.read(api.project_id, f"many/{n}") for n in range(50))) == contents


async def test_reading_into_memory_has_a_limit(api: Api, files: ProjectFiles) -> None:
    await files.upload(api.project_id, "ten", b"0123456789")
    assert await files.read(api.project_id, "ten", limit=10) == b"0123456789"
    with pytest.raises(UsageError, match="larger than 9 bytes") as caught:
        await files.read(api.project_id, "ten", limit=9)
    assert caught.value.code == "too-large"


# What will not do

LONG = "d/" * (LONGEST_PATH // 2)


@pytest.mark.parametrize("path", ["", ".", "/", "..", "a/../b", "/etc/passwd", "nul\0", "\ud800", LONG])
async def test_paths_that_are_not_sent(api: Api, files: ProjectFiles, path: str) -> None:
    before = api.emulator.calls.copy()
    with pytest.raises(UsageError) as caught:
        await files.upload(api.project_id, path, b"x")
    assert caught.value.code == "bad-path"
    with pytest.raises(UsageError):
        await files.read("../" + api.project_id, "file")
    assert api.emulator.calls == before


async def test_a_file_that_is_not_there(api: Api, files: ProjectFiles, tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="missing") as caught:
        await files.download(api.project_id, "missing", tmp_path / "target")
    assert caught.value.code == "not-found"
    assert caught.value.grpc_code == 5
    assert caught.value.http_status == 404
    assert caught.value.request_id
    assert list(tmp_path.iterdir()) == []


async def test_what_cannot_be_read_or_written_here(api: Api, files: ProjectFiles, tmp_path: Path) -> None:
    await files.upload(api.project_id, "file", content_of(3 * CHUNK))
    for source in (tmp_path / "missing", tmp_path):
        with pytest.raises(UsageError, match="could not be read"):
            await files.upload(api.project_id, "file", source)
    for target in (tmp_path / "missing" / "file", tmp_path):
        with pytest.raises(UsageError, match="could not be written"):
            await files.download(api.project_id, "file", target)
    with small_disk(CHUNK), pytest.raises(StorageError, match="could not be written"):
        await files.download(api.project_id, "file", tmp_path / "target")
    assert list(tmp_path.iterdir()) == []


async def test_a_stream_that_ends_early_leaves_nothing(api: Api, files: ProjectFiles, tmp_path: Path) -> None:
    before = api.emulator.calls["files.upload"]
    with pytest.raises(UsageError, match="1 bytes were to be sent, but 2"):
        await files.upload(api.project_id, "short", stream(b"x", 1), size=2)

    async def ended() -> bool:
        return api.emulator.calls["files.upload"] == before + 1 and nothing_left(api, tmp_path)

    await eventually(ended)
    assert not (api.folder / "short").exists()


async def test_a_file_that_becomes_shorter(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(content_of(2 * CHUNK))
    source = FileSource(file)
    os.truncate(file, CHUNK + 1)
    with pytest.raises(ConflictError, match="shorter"):
        async for _ in source.chunks():
            pass


async def test_a_full_disk_over_there_is_not_tried_again(api: Api, files: ProjectFiles) -> None:
    before = api.emulator.calls["files.upload"]
    with small_disk(CHUNK), pytest.raises(ServiceError, match="space") as caught:
        await files.upload(api.project_id, "large", content_of(3 * CHUNK))
    assert caught.value.code == "resource-exhausted"
    assert api.emulator.calls["files.upload"] == before + 1
    assert not (api.folder / "large").exists()


# Which form of paths the service takes


@pytest.mark.parametrize(("form", "asked"), [("relative", 1), ("absolute", 2), ("both", 1)])
async def test_the_form_of_paths_is_found_out_once(tmp_path: Path, form: str, asked: int) -> None:
    async with faulty(tmp_path / "root", files_paths=form) as (api, files):
        content = content_of(KEPT)
        await files.upload(api.project_id, "first", stream(content, CHUNK), size=len(content))
        assert api.emulator.calls["files.upload"] == asked
        await files.upload(api.project_id, f"{PROJECT_FOLDER}/second", b"x")
        assert api.emulator.calls["files.upload"] == asked + 1
        assert await files.read(api.project_id, "first") == content
        assert api.emulator.calls["files.download"] == 1
        assert sorted(file.name for file in api.folder.iterdir()) == ["first", "second"]


@pytest.mark.parametrize("form", ["relative", "absolute"])
async def test_a_missing_file_tells_the_form_too(tmp_path: Path, form: str) -> None:
    async with faulty(tmp_path / "root", files_paths=form) as (api, files):
        for asked in (2, 3):
            with pytest.raises(ServiceError) as caught:
                await files.read(api.project_id, "missing")
            assert caught.value.code == "not-found"
            assert api.emulator.calls["files.download"] == asked


# Trouble


async def test_a_token_that_expires_is_renewed(tmp_path: Path) -> None:
    rules = at("files.upload", 1, 3, expire_tokens=True), at("files.download", 1, expire_tokens=True)
    async with faulty(tmp_path / "root", *rules) as (api, files):
        content = content_of(KEPT)
        await files.upload(api.project_id, "file", stream(content, 1000), size=len(content))
        await files.upload(api.project_id, "file", content)
        assert await files.read(api.project_id, "file") == content
        assert api.emulator.calls["files.upload"] == 4


async def test_a_token_that_cannot_be_renewed(api: Api) -> None:
    secret = "t1.very.secret"
    files = ProjectFiles(
        api.emulator.info.files_address, TokenCache(GivenToken(secret, "a test")), retry=QUICK
    )
    with pytest.raises((ServiceError, CredentialsError)) as caught:
        await files.upload(api.project_id, "file", b"x")
    assert caught.value.code == "unauthenticated"
    assert caught.value.hint
    assert "very" not in f"{caught.value}{caught.value!r}{caught.value.__cause__!r}"
    await files.aclose()


async def test_no_permission(tmp_path: Path) -> None:
    async with faulty(tmp_path / "root", at("files.*", 1, 2, 3, 4, status=403)) as (api, files):
        for transfer in (files.upload(api.project_id, "f", b"x"), files.read(api.project_id, "f")):
            with pytest.raises(ServiceError) as caught:
                await transfer
            assert caught.value.code == "permission-denied"
            assert "role" in str(caught.value.hint)
            assert caught.value.request_id
        assert api.emulator.calls.total() - api.emulator.calls["iam.createToken"] == 2


TROUBLE: list[Json] = [
    *({"status": status} for status in (429, 500, 502, 503, 504)),
    {"cut": "before"},
    {"cut": "middle"},
    {"lose": True},
    {"delay": 0.01},
]


@pytest.mark.parametrize("fault", TROUBLE, ids=str)
async def test_what_may_pass_is_tried_again(tmp_path: Path, fault: Json) -> None:
    async with faulty(tmp_path / "root", at("files.*", 1, 2, 4, 5, **fault)) as (api, files):
        content = content_of(3 * CHUNK + 1)
        await files.upload(api.project_id, "file", content)
        assert (api.folder / "file").read_bytes() == content
        await files.download(api.project_id, "file", tmp_path / "target")
        assert (tmp_path / "target").read_bytes() == content
        assert nothing_left(api, tmp_path)


async def test_what_does_not_pass_is_told_in_the_end(tmp_path: Path) -> None:
    always = {"method": "files.*", "rate": 1.0, "fault": {"cut": "middle"}}
    async with faulty(tmp_path / "root", always) as (api, files):
        with pytest.raises(UnavailableError, match="broke") as caught:
            await files.upload(api.project_id, "file", content_of(CHUNK))
        assert caught.value.may_have_arrived
        assert caught.value.hint
        assert api.emulator.calls["files.upload"] == QUICK.attempts
        (api.folder / "file").write_bytes(content_of(CHUNK))
        (tmp_path / "target").write_bytes(b"old")
        with pytest.raises(UnavailableError):
            await files.download(api.project_id, "file", tmp_path / "target")
        assert (tmp_path / "target").read_bytes() == b"old"
        assert nothing_left(api, tmp_path)


async def test_a_wait_that_the_service_asks_for(tmp_path: Path) -> None:
    async with faulty(tmp_path / "root", at("files.download", 1, status=429, retry_after=0)) as (api, _):
        (api.folder / "file").write_bytes(b"x")
        slow = RetryPolicy(attempts=2, first=60, longest=60, timeout=600)
        async with client(api, retry=slow) as files:
            assert await files.read(api.project_id, "file") == b"x"


async def test_a_stream_of_which_too_much_is_gone_is_not_tried_again(tmp_path: Path) -> None:
    async with faulty(tmp_path / "root", at("files.upload", 1, 2, cut="middle")) as (api, files):
        short, long = content_of(KEPT), content_of(4 * KEPT)
        await files.upload(api.project_id, "short", stream(short, 1000), size=len(short))
        assert (api.folder / "short").read_bytes() == short
    async with faulty(tmp_path / "other", at("files.upload", 1, cut="middle")) as (api, files):
        with pytest.raises(UnavailableError):
            await files.upload(api.project_id, "long", stream(long, CHUNK), size=len(long))
        assert api.emulator.calls["files.upload"] == 1
        assert not (api.folder / "long").exists()


@pytest.mark.parametrize("after", [0, 100, 1_500_000])
async def test_a_connection_that_breaks(api: Api, tmp_path: Path, after: int) -> None:
    content = content_of(LARGE)
    async with (
        Proxy(api.emulator.info.files_address) as proxy,
        client(api, proxy.address, retry=PATIENT) as files,
    ):
        proxy.break_after = after
        await files.upload(api.project_id, "broken", content)
        assert proxy.break_after is None
        assert (api.folder / "broken").read_bytes() == content
        proxy.break_after = after + len(content)  # the connection has passed so much already
        await files.download(api.project_id, "broken", tmp_path / "target")
        assert (tmp_path / "target").read_bytes() == content


async def test_a_connection_on_which_nothing_moves_is_left(api: Api) -> None:
    content = content_of(LARGE)
    address = api.emulator.info.files_address
    async with Proxy(address) as proxy, client(api, proxy.address, timeout=0.5, retry=PATIENT) as files:
        proxy.hold_after = 1_000_000
        await files.upload(api.project_id, "held", content)
        assert proxy.connections == 2
        assert (api.folder / "held").read_bytes() == content


async def test_nothing_moves_at_all(api: Api) -> None:
    async with Proxy(api.emulator.info.files_address) as proxy:
        proxy.hold_after = 1
        async with client(api, proxy.address, timeout=0.2, retry=ONCE) as files:
            with pytest.raises(UnavailableError, match=r"did not answer in 0\.2 seconds") as caught:
                await files.upload(api.project_id, "held", b"x")
            assert caught.value.code == "timeout"


async def test_transfers_under_way_begin_anew_when_the_connection_is_left(api: Api) -> None:
    async with (
        Proxy(api.emulator.info.files_address) as proxy,
        client(api, proxy.address, retry=PATIENT) as files,
    ):
        proxy.hold_after = 1_000_000
        content = content_of(LARGE)
        upload = asyncio.create_task(files.upload(api.project_id, "left", content))

        async def held() -> bool:
            return proxy.hold_after is None

        await eventually(held)
        await files.reconnect()
        await upload
        assert (api.folder / "left").read_bytes() == content
        (api.folder / "left").write_bytes(content)
        proxy.hold_after = 1_000_000
        await files.reconnect()
        download = asyncio.create_task(files.read(api.project_id, "left"))
        await eventually(held)
        await files.reconnect()
        assert await download == content


async def test_the_end_of_the_client_is_no_cancellation(api: Api) -> None:
    async with (
        Proxy(api.emulator.info.files_address) as proxy,
        client(api, proxy.address, retry=PATIENT) as files,
    ):
        proxy.hold_after = 1_000_000
        upload = asyncio.create_task(files.upload(api.project_id, "ended", content_of(LARGE)))

        async def held() -> bool:
            return proxy.hold_after is None

        await eventually(held)
        await files.aclose()
        with pytest.raises(UnavailableError):
            await upload


async def test_who_is_cancelled_leaves_nothing(api: Api, files: ProjectFiles, tmp_path: Path) -> None:
    begun = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield content_of(CHUNK)
        begun.set()
        await asyncio.Event().wait()

    upload = asyncio.create_task(files.upload(api.project_id, "cancelled", endless(), size=LARGE))
    await begun.wait()
    upload.cancel()
    with pytest.raises(asyncio.CancelledError):
        await upload

    async def nothing() -> bool:
        return nothing_left(api, tmp_path)

    await eventually(nothing)
    assert not (api.folder / "cancelled").exists()


async def test_a_download_that_is_cancelled_leaves_nothing(api: Api, tmp_path: Path) -> None:
    (api.folder / "source").write_bytes(content_of(LARGE))
    async with (
        Proxy(api.emulator.info.files_address) as proxy,
        client(api, proxy.address, retry=PATIENT) as files,
    ):
        proxy.hold_after = 1_000_000
        download = asyncio.create_task(files.download(api.project_id, "source", tmp_path / "target"))

        async def held() -> bool:
            return proxy.hold_after is None

        await eventually(held)
        assert list(tmp_path.iterdir())
        download.cancel()
        with pytest.raises(asyncio.CancelledError):
            await download
        assert list(tmp_path.iterdir()) == []


# The connection


async def test_nobody_there(api: Api) -> None:
    async with client(api, "http://127.0.0.1:9") as files:
        with pytest.raises(UnavailableError, match=r"No connection to http://127\.0\.0\.1:9") as caught:
            await files.upload(api.project_id, "file", b"x")
        assert not caught.value.may_have_arrived
        assert "HTTP/2" in str(caught.value.hint)


async def test_no_address(api: Api) -> None:
    async with client(api, "") as files:
        with pytest.raises(UsageError, match="JUPYTER_DATASPHERE_FILES_ENDPOINT"):
            await files.read(api.project_id, "file")


async def test_a_token_does_not_travel_in_clear(api: Api) -> None:
    for address in ("http://datasphere.example:80", "http://10.0.0.1:443", "http://127.0.0.1.example:1"):
        async with client(api, address) as files:
            with pytest.raises(UsageError, match="in clear"):
                await files.read(api.project_id, "file")


async def test_something_that_is_no_grpc(api: Api) -> None:
    """A proxy, say, or the wrong port."""
    async with client(api, api.emulator.url) as files:
        with pytest.raises(ExpectedError) as caught:
            await files.upload(api.project_id, "file", b"x")
        assert caught.value.hint


async def test_tls(api: Api, tmp_path: Path) -> None:
    key, chain = certificate("localhost")
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(chain)
    server = grpc.aio.server()
    port = server.add_secure_port("localhost:0", grpc.ssl_server_credentials([(key, chain)]))
    await server.start()
    for address in (f"localhost:{port}", f"https://localhost:{port}"):
        async with client(api, address, verify=str(bundle)) as files:
            with pytest.raises(ServiceError) as caught:  # it is there, and has no such method
                await files.read(api.project_id, "file")
            assert caught.value.code == "no-such-method"
    async with client(api, f"localhost:{port}") as files:
        with pytest.raises(UnavailableError, match="No connection"):
            await files.read(api.project_id, "file")
    async with client(api, f"localhost:{port}", verify=str(tmp_path / "missing")) as files:
        with pytest.raises(UsageError, match="certificates"):
            await files.read(api.project_id, "file")
    await server.stop(None)


PROGRAM = """
import asyncio, sys
from jupyter_datasphere.datasphere.files import ProjectFiles
import jupyter_datasphere.server.backend

files = ProjectFiles("127.0.0.1:9", None)
asyncio.run(files.aclose())
print([name for name in ("grpc", "google.protobuf") if name in sys.modules])
"""


async def test_grpc_is_not_imported_before_the_first_transfer() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
