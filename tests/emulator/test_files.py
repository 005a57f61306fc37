"""Files of projects over gRPC, as the vendor's own generated client sees them."""

from __future__ import annotations

import asyncio
import json
import resource
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
from emulator.api import Api, Json, eventually, start_api
from google.rpc import error_details_pb2, status_pb2
from yandex.cloud.datasphere.v1.project_data_service_pb2 import (
    DownloadFileRequest,
    FileMetadata,
    UploadFileRequest,
)
from yandex.cloud.datasphere.v1.project_data_service_pb2_grpc import ProjectDataServiceStub

from jupyter_datasphere.emulator import Emulator, EmulatorConfig
from jupyter_datasphere.emulator.faults import parse_rules
from jupyter_datasphere.errors import ConflictError

pytestmark = pytest.mark.asyncio(loop_scope="module")

MEGABYTE = 1_000_000
HOME = "/home/jupyter/datasphere/project"


class Caller:
    """The vendor's client, with the token of an `Api`."""

    def __init__(self, api: Api, channel: grpc.aio.Channel) -> None:
        self.api = api
        self.stub = ProjectDataServiceStub(channel)
        self.headers = [("authorization", api.http.headers["Authorization"])]

    async def upload(self, path: str, *chunks: bytes, size: int | None = None, **fields: str) -> FileMetadata:
        async def requests() -> AsyncIterator[UploadFileRequest]:
            metadata = {"project_id": self.api.project_id, "path": path, **fields}
            total = sum(map(len, chunks)) if size is None else size
            yield UploadFileRequest(metadata=FileMetadata(**metadata, size_bytes=total))
            for chunk in chunks:
                for begin in range(0, len(chunk) or 1, MEGABYTE):  # gRPC takes no message above 4 MiB
                    yield UploadFileRequest(chunk=chunk[begin : begin + MEGABYTE])

        return (await self.stub.UploadFile(requests(), metadata=self.headers)).metadata

    async def download(self, path: str, **fields: str) -> bytes:
        request = DownloadFileRequest(**{"project_id": self.api.project_id, "file_path": path, **fields})
        metadata, content = None, b""
        async for response in self.stub.DownloadFile(request, metadata=self.headers):
            if response.WhichOneof("message") == "metadata":
                assert metadata is None, "the metadata came twice"
                assert content == b"", "the metadata did not come first"
                metadata = response.metadata
            content += response.chunk
        assert metadata is not None
        assert (metadata.path, metadata.size_bytes) == (path, len(content))
        return content

    def left(self) -> list[Path]:
        """Uploads that are not complete."""
        return list((self.api.emulator.config.root / "uploads").iterdir())


@asynccontextmanager
async def calling(api: Api) -> AsyncIterator[Caller]:
    address = api.emulator.info.files_address.removeprefix("http://")
    async with grpc.aio.insecure_channel(address) as channel:
        yield Caller(api, channel)


@asynccontextmanager
async def faulty(root: Path, *rules: Json, **config: Any) -> AsyncIterator[Caller]:
    """An emulator of its own with these rules."""
    faults = parse_rules(json.dumps(rules).encode())
    async with start_api(root, faults=faults, **config) as api, calling(api) as caller:
        yield caller


def at(method: str, *calls: int, **fault: Any) -> Json:
    return {"method": method, "calls": list(calls), "fault": fault}


@contextmanager
def refused(code: str, *words: str) -> Iterator[None]:
    """A status in the service's form, with a request ID in its headers and in its details."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        yield
    error = caught.value
    assert error.code() is grpc.StatusCode[code], error
    for word in words:
        assert word in str(error.details())
    trailers = dict(error.trailing_metadata())
    assert trailers["x-server-trace-id"]
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    assert (status.code, status.message) == (error.code().value[0], error.details())
    info = error_details_pb2.RequestInfo()
    assert status.details[-1].Unpack(info)
    assert info.request_id == trailers["x-request-id"]


@contextmanager
def cut() -> Iterator[None]:
    """A connection that broke, of which nobody but gRPC says something."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        yield
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert [*caught.value.initial_metadata(), *caught.value.trailing_metadata()] == []


@contextmanager
def small_disk(size: int) -> Iterator[None]:
    """No file of this process may become larger than that: the operating system refuses to write on."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def caller(api: Api) -> AsyncIterator[Caller]:
    async with calling(api) as caller:
        yield caller


async def test_a_file_is_in_the_projects_folder(caller: Caller) -> None:
    metadata = await caller.upload("reports/плот № 1.txt", b"one ", b"", b"two")
    assert (metadata.project_id, metadata.path, metadata.size_bytes) == (
        caller.api.project_id,
        "reports/плот № 1.txt",
        7,
    )
    assert (caller.api.folder / "reports" / "плот № 1.txt").read_bytes() == b"one two"
    (caller.api.folder / "dropped.bin").write_bytes(bytes(range(256)) * 10_000)
    assert await caller.download("dropped.bin") == bytes(range(256)) * 10_000
    assert await caller.download(f"{HOME}/reports/плот № 1.txt") == b"one two"


async def test_an_empty_file(caller: Caller) -> None:
    await caller.upload("empty")
    assert (caller.api.folder / "empty").read_bytes() == b""
    assert await caller.download("empty") == b""


async def test_an_upload_replaces_what_is_there(caller: Caller) -> None:
    await caller.upload("twice", b"a longer text")
    await caller.upload("twice", b"short")
    assert await caller.download("twice") == b"short"


async def test_who_reads_sees_the_old_file_or_the_new_one(caller: Caller) -> None:
    """A download that has begun goes on with what it began with."""
    old, new = b"o" * 5 * MEGABYTE, b"n" * 5 * MEGABYTE
    await caller.upload("shared", old)
    request = DownloadFileRequest(project_id=caller.api.project_id, file_path="shared")
    call = caller.stub.DownloadFile(request, metadata=caller.headers)
    assert (await call.read()).metadata.size_bytes == len(old)
    await caller.upload("shared", new)
    content = b""
    while (response := await call.read()) is not grpc.aio.EOF:
        content += response.chunk
    assert content == old
    assert await caller.download("shared") == new


async def test_what_is_cut_leaves_nothing(caller: Caller) -> None:
    """Also where the client had not said how large the file would be."""
    for size in (3 * MEGABYTE, 0):
        call = caller.stub.UploadFile(metadata=caller.headers)
        metadata = FileMetadata(project_id=caller.api.project_id, path="cut", size_bytes=size)
        await call.write(UploadFileRequest(metadata=metadata))
        await call.write(UploadFileRequest(chunk=b"x" * MEGABYTE))

        async def begun() -> bool:
            return bool(caller.left())

        await eventually(begun)
        call.cancel()

        async def gone() -> bool:
            return not caller.left()

        await eventually(gone)
        assert not (caller.api.folder / "cut").exists()


async def test_a_size_that_is_not_the_announced_one_leaves_nothing(caller: Caller) -> None:
    for size in (9, 11):
        with refused("INVALID_ARGUMENT", "10 received"):
            await caller.upload("wrong", b"0123456789", size=size)
    assert not (caller.api.folder / "wrong").exists()
    assert caller.left() == []


async def test_messages_in_a_wrong_order(caller: Caller) -> None:
    metadata = UploadFileRequest(metadata=FileMetadata(project_id=caller.api.project_id, path="order"))
    chunk = UploadFileRequest(chunk=b"x")
    for requests in ([], [chunk, metadata], [metadata, chunk, metadata], [metadata, UploadFileRequest()]):
        with refused("INVALID_ARGUMENT", "metadata"):
            await caller.stub.UploadFile(iter(requests), metadata=caller.headers)
    assert not (caller.api.folder / "order").exists()
    assert caller.left() == []


@pytest.mark.parametrize(
    "headers", [[], [("authorization", "Bearer t1.x.y")], [("authorization", "Basic x")]]
)
async def test_a_valid_token_is_needed(caller: Caller, headers: list[tuple[str, str]]) -> None:
    with refused("UNAUTHENTICATED", "token" if headers != [("authorization", "Basic x")] else "Bearer"):
        await caller.stub.UploadFile(iter([]), metadata=headers)
    request = DownloadFileRequest(project_id=caller.api.project_id, file_path="empty")
    with refused("UNAUTHENTICATED"):
        async for _ in caller.stub.DownloadFile(request, metadata=headers):
            pass


async def test_projects(caller: Caller) -> None:
    for project, code in (
        ("nowhere", "NOT_FOUND"),
        ("", "INVALID_ARGUMENT"),
        ("p" * 201, "INVALID_ARGUMENT"),
    ):
        with refused(code):
            await caller.upload("file", b"x", project_id=project)
        with refused(code):
            await caller.download("file", project_id=project)
    other = await caller.api.in_new_project()
    await caller.upload("file", b"theirs", project_id=other.project_id)
    assert (other.folder / "file").read_bytes() == b"theirs"
    assert not (caller.api.folder / "file").exists()


async def test_a_file_that_is_not_there(caller: Caller) -> None:
    with refused("NOT_FOUND", "missing.txt"):
        await caller.download("missing.txt")


async def test_folders_are_no_files(caller: Caller) -> None:
    await caller.upload("folder/file", b"x")
    for path in ("folder", "folder/", f"{HOME}/folder", "folder/file/below"):
        with refused("FAILED_PRECONDITION"):
            await caller.upload(path, b"y")
        with refused("FAILED_PRECONDITION"):
            await caller.download(path)
    assert await caller.download("folder/file") == b"x"


@pytest.fixture(scope="module")
def traps(api: Api) -> Path:
    """Ways out of the project; gives the folder outside, which holds one file."""
    outside = api.emulator.config.root.parent / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    (api.folder / "file-link").symlink_to(outside / "secret")
    (api.folder / "folder-link").symlink_to(outside)
    (api.folder / "new-link").symlink_to(outside / "new")
    (api.folder / "up-link").symlink_to("../..")
    (api.folder / "loop").symlink_to("loop")
    (api.folder / "inner").mkdir()
    (api.folder / "inner-link").symlink_to("inner")
    return outside


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        ".",
        HOME,
        "..",
        "../secret",
        "inner/../../../outside/secret",
        f"{HOME}/../secret",
        f"{HOME}x/secret",
        "/etc/passwd",
        "file-link",
        "folder-link/secret",
        "folder-link/new",
        "new-link",
        "up-link/emulator.json",
        "loop",
        "loop/file",
        "nul\0",
        "n" * 256,
        "d/" * 3000 + "f",
        "/" + "x" * 100_000,
    ],
)
async def test_no_path_leads_out(caller: Caller, traps: Path, path: str) -> None:
    with refused("INVALID_ARGUMENT"):
        await caller.upload(path, b"overwritten")
    with refused("INVALID_ARGUMENT"):
        await caller.download(path)
    assert [file.name for file in traps.iterdir()] == ["secret"]
    assert (traps / "secret").read_text() == "secret"
    assert caller.left() == []


async def test_an_error_says_nothing_of_the_emulators_machine(caller: Caller, traps: Path) -> None:
    for path in ("n" * 256, "loop", "file-link", "inner"):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await caller.download(path)
        assert str(caller.api.emulator.config.root) not in str(caught.value.details())


async def test_a_link_within_the_project_is_followed(caller: Caller, traps: Path) -> None:
    await caller.upload("inner-link/file", b"x")
    assert (caller.api.folder / "inner" / "file").read_bytes() == b"x"


async def test_a_full_disk(caller: Caller) -> None:
    with small_disk(MEGABYTE * 3 // 2), refused("RESOURCE_EXHAUSTED", "space"):
        await caller.upload("large", b"x" * 3 * MEGABYTE)
    assert not (caller.api.folder / "large").exists()
    assert caller.left() == []


async def test_the_form_of_paths(tmp_path: Path) -> None:
    for form, taken, not_taken in (("absolute", f"{HOME}/f", "f"), ("relative", "f", f"{HOME}/f")):
        async with faulty(tmp_path / form, files_paths=form) as caller:
            await caller.upload(taken, b"x")
            assert await caller.download(taken) == b"x"
            with refused("INVALID_ARGUMENT", form):
                await caller.upload(not_taken, b"x")
            with refused("INVALID_ARGUMENT", form):
                await caller.download(not_taken)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (403, "PERMISSION_DENIED"),
        (429, "RESOURCE_EXHAUSTED"),
        (500, "INTERNAL"),
        (503, "UNAVAILABLE"),
        (504, "DEADLINE_EXCEEDED"),
    ],
)
async def test_a_status_on_purpose(tmp_path: Path, status: int, code: str) -> None:
    async with faulty(tmp_path / "root", at("files.*", 1, 3, status=status)) as caller:
        with refused(code, "on purpose"):
            await caller.upload("f", b"x")
        await caller.upload("f", b"x")
        with refused(code, "on purpose"):
            await caller.download("f")
        assert caller.api.emulator.calls["files.upload"] == 2


async def test_a_wait_is_told(tmp_path: Path) -> None:
    async with faulty(tmp_path / "root", at("files.upload", 1, status=429, retry_after=7)) as caller:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await caller.upload("f", b"x")
        trailers = dict(caught.value.trailing_metadata())
        status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
        wait = error_details_pb2.RetryInfo()
        assert status.details[0].Unpack(wait)
        assert wait.retry_delay.seconds == 7


async def test_cuts_on_purpose(tmp_path: Path) -> None:
    rules = (
        at("files.upload", 1, cut="before"),
        at("files.upload", 2, cut="middle"),
        at("files.upload", 3, lose=True),
        at("files.download", 1, cut="before"),
        at("files.download", 2, cut="middle"),
        at("files.download", 3, lose=True),
        at("files.download", 4, status=502),
    )
    content = b"x" * 3 * MEGABYTE
    async with faulty(tmp_path / "root", *rules) as caller:
        file = caller.api.folder / "f"
        for there in (False, False, True):
            with cut():
                await caller.upload("f", content)
            assert file.exists() is there
            assert caller.left() == []
        for _ in range(4):
            with cut():
                await caller.download("f")
        assert await caller.download("f") == content


async def test_a_download_that_is_cut_has_half(tmp_path: Path) -> None:
    async with faulty(tmp_path / "root", at("files.download", 1, cut="middle")) as caller:
        await caller.upload("f", b"0123456789")
        request = DownloadFileRequest(project_id=caller.api.project_id, file_path="f")
        content = b""
        with cut():
            async for response in caller.stub.DownloadFile(request, metadata=caller.headers):
                content += response.chunk
        assert content == b"01234"


async def test_tokens_that_expire(tmp_path: Path) -> None:
    async with faulty(tmp_path / "root", at("files.upload", 1, expire_tokens=True)) as caller:
        with refused("UNAUTHENTICATED", "expired"):
            await caller.upload("f", b"x")
        with refused("UNAUTHENTICATED", "expired"):
            await caller.upload("f", b"x")
        await caller.api.log_in()
        caller.headers = [("authorization", caller.api.http.headers["Authorization"])]
        await caller.upload("f", b"x")


async def test_a_restart_keeps_address_and_files(tmp_path: Path) -> None:
    async with faulty(tmp_path / "root", at("files.upload", 2, restart=True)) as caller:
        await caller.upload("f", b"before")
        with cut():
            await caller.upload("f", b"after")
        restarting = caller.api.emulator._restarting
        assert restarting is not None
        await restarting

        async def back() -> bytes | None:
            try:
                return await caller.download("f")
            except grpc.aio.AioRpcError as error:
                assert error.code() is grpc.StatusCode.UNAVAILABLE, error
                return None

        assert await eventually(back) == b"before"


async def test_what_a_killed_emulator_was_receiving_is_removed(tmp_path: Path) -> None:
    async with faulty(tmp_path / "root") as caller:
        (tmp_path / "root" / "uploads" / "half").write_bytes(b"x")
        assert caller.left()
    async with faulty(tmp_path / "root") as caller:
        assert caller.left() == []


async def test_many_at_once(caller: Caller) -> None:
    contents = [bytes([number]) * (number * 40_000) for number in range(30)]
    await asyncio.gather(*(caller.upload(f"many/{n}", content) for n, content in enumerate(contents)))
    found = await asyncio.gather(*(caller.download(f"many/{n}") for n in range(30)))
    assert found == contents


async def test_a_port_that_is_taken(caller: Caller, tmp_path: Path) -> None:
    port = int(caller.api.emulator.info.files_address.rpartition(":")[2])
    with pytest.raises(ConflictError, match="--files-port"):
        await Emulator(EmulatorConfig(root=tmp_path / "root", files_port=port)).start()
