"""Files by the contents API of a project's own Jupyter server, a real one, and connections that break."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from resource import RLIM_INFINITY

import psutil
import pytest
import pytest_asyncio
from datasphere.middleman import Meddling, Middleman
from datasphere.test_files import LONG, Proxy, content_of, stream
from emulator.api import Api, start_api
from emulator.test_link import link_of, process_of

from jupyter_datasphere.datasphere.contents_api import Contents
from jupyter_datasphere.datasphere.jupyter_contents import UPLOAD_CHUNK, LinkedFiles
from jupyter_datasphere.datasphere.jupyter_link import Link
from jupyter_datasphere.datasphere.jupyter_server import JupyterServer
from jupyter_datasphere.datasphere.local_files import (
    BytesSink,
    BytesSource,
    FileSink,
    FileSource,
    StreamSource,
)
from jupyter_datasphere.datasphere.retries import RetryPolicy
from jupyter_datasphere.errors import (
    ConflictError,
    CredentialsError,
    ExpectedError,
    NotFoundError,
    ServiceError,
    UnavailableError,
    UsageError,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUICK = RetryPolicy(attempts=4, timeout=60, first=0.001, longest=0.002)
CHUNKS = content_of(5 * UPLOAD_CHUNK + 17)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    async with start_api(tmp_path_factory.mktemp("contents") / "root") as api:
        yield api


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def link(api: Api) -> Link:
    return Link.parse(await link_of(api))


@asynccontextmanager
async def client(*links: Link) -> AsyncIterator[LinkedFiles]:
    """Files by a link, which is replaced by the next one where it has expired."""
    servers = [JupyterServer(link) for link in links]
    given = 0

    async def server(project_id: str) -> JupyterServer:
        nonlocal given
        given += 1
        return servers[min(given, len(servers)) - 1]

    yield LinkedFiles(server, retry=QUICK)
    for one in servers:
        await one.aclose()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def files(link: Link) -> AsyncIterator[LinkedFiles]:
    async with client(link) as files:
        yield files


@pytest_asyncio.fixture(loop_scope="module")
async def middleman(link: Link) -> AsyncIterator[Middleman]:
    async with Middleman(link) as middleman:
        yield middleman


@pytest_asyncio.fixture(loop_scope="module")
async def meddled(middleman: Middleman) -> AsyncIterator[LinkedFiles]:
    async with client(middleman.link) as files:
        yield files


@asynccontextmanager
async def between(link: Link) -> AsyncIterator[tuple[Proxy, LinkedFiles]]:
    """A connection that can be broken."""
    async with Proxy(link.host) as proxy, client(Link(f"{proxy.address}/", link.token)) as files:
        yield proxy, files


async def read(api: Api, files: LinkedFiles, path: str) -> bytes:
    sink = BytesSink(1 << 30)
    assert await files.receive(api.project_id, path, sink) == len(sink.data)
    return bytes(sink.data)


def left(api: Api) -> list[Path]:
    return [*api.folder.rglob("jupyter-datasphere-*"), *api.folder.rglob(".~*")]


def once(verb: str, number: int, meddling: Meddling) -> Callable[[str, str], Meddling]:
    """Do that to the so-manieth request of that kind."""
    seen = 0

    def meddle(asked: str, path: str) -> Meddling:
        nonlocal seen
        seen += asked == verb
        return meddling if asked == verb and seen == number else ""

    return meddle


# What goes up comes down


@pytest.mark.parametrize("size", [0, 1, UPLOAD_CHUNK - 1, UPLOAD_CHUNK, UPLOAD_CHUNK + 1, 2 * UPLOAD_CHUNK])
async def test_what_goes_up_comes_down(api: Api, files: LinkedFiles, size: int) -> None:
    content = content_of(size)
    assert await files.send(api.project_id, "borders", BytesSource(content)) == size
    assert (api.folder / "borders").read_bytes() == content
    assert await files.size(api.project_id, "borders") == size
    assert await read(api, files, "borders") == content
    assert left(api) == []


async def test_30_megabytes_need_little_memory(api: Api, files: LinkedFiles, tmp_path: Path) -> None:
    content = content_of(30_000_000)
    (tmp_path / "source").write_bytes(content)
    tracemalloc.start()
    await files.send(api.project_id, "large", FileSource(tmp_path / "source"))
    with FileSink(tmp_path / "target") as sink:
        await files.receive(api.project_id, "large", sink)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (tmp_path / "target").read_bytes() == content
    assert peak < 12_000_000


@pytest.mark.parametrize(
    "path",
    [
        "with spaces /and a tab\t",
        "отчёт/данные.csv",
        "e\u0301🙂",
        "%2e%2e/%41",
        "a#b?c=d&content=1;e",
        "back\\slash:*\"<>|'",
        "notes.ipynb",
        "model/checkpoints/last",
        "model/checkpoints/checkpoints",
        "trust",
        "line\nbreak",
        "~",
        "deep/" * 20 + "file",
        "n" * 255,
    ],
)
async def test_names(api: Api, files: LinkedFiles, path: str) -> None:
    for content in (b"first", b"second, longer"):
        await files.send(api.project_id, path, BytesSource(content))
        assert (api.folder / path).read_bytes() == content
        assert await read(api, files, f"/home/jupyter/datasphere/project/{path}") == content
        assert await files.size(api.project_id, path) == len(content)
    assert left(api) == []


@pytest.mark.parametrize(
    "path",
    ["", ".", "/", "..", "a/../b", "/etc/passwd", "nul\0", "\ud800", LONG, "n" * 256, "at/" + "n" * 256],
)
async def test_paths_that_will_not_do(api: Api, files: LinkedFiles, path: str) -> None:
    before = sorted(api.folder.iterdir())
    with pytest.raises(UsageError) as caught:
        await files.send(api.project_id, path, BytesSource(b"x"))
    assert caught.value.code == "bad-path"
    assert [one for one in sorted(api.folder.iterdir()) if one.name != "at"] == before
    with pytest.raises((UsageError, NotFoundError)):
        await read(api, files, path)


async def test_names_that_begin_with_a_dot_are_refused_with_the_reason(api: Api, files: LinkedFiles) -> None:
    (api.folder / ".env").write_text("kept")
    for path in (".env", ".hidden/file"):
        with pytest.raises(UsageError, match="begin with a dot"):
            await files.send(api.project_id, path, BytesSource(b"x"))
        with pytest.raises(NotFoundError, match="begin with a dot"):
            await read(api, files, path)
    assert (api.folder / ".env").read_text() == "kept"
    assert left(api) == []


async def test_files_and_folders_in_the_wrong_place(api: Api, files: LinkedFiles) -> None:
    (api.folder / "folder").mkdir()
    await files.send(api.project_id, "plain", BytesSource(b"kept"))
    for path, words in (("folder", "is a folder"), ("plain/below", "no folder")):
        with pytest.raises(UsageError, match=words):
            await files.send(api.project_id, path, BytesSource(b"x"))
    with pytest.raises(UsageError, match="is a folder"):
        await files.size(api.project_id, "folder")
    with pytest.raises(UsageError, match="is a folder"):
        await read(api, files, "folder")
    assert (api.folder / "plain").read_bytes() == b"kept"
    assert left(api) == []


async def test_what_is_not_there(api: Api, files: LinkedFiles) -> None:
    assert await files.size(api.project_id, "nothing/here") is None
    with pytest.raises(NotFoundError, match="has no file 'nothing/here'") as caught:
        await read(api, files, "nothing/here")
    assert caught.value.code == "not-found"


async def test_many_at_once(api: Api, files: LinkedFiles) -> None:
    contents = [content_of(50_000 * number) for number in range(30)]
    await asyncio.gather(
        *(
            files.send(api.project_id, f"many/{n}", BytesSource(content))
            for n, content in enumerate(contents)
        ),
        *(files.send(api.project_id, "same", BytesSource(content)) for content in contents[:5]),
    )
    assert await asyncio.gather(*(read(api, files, f"many/{n}") for n in range(30))) == contents
    assert (api.folder / "same").read_bytes() in contents[:5]
    assert left(api) == []


# Connections that break


async def test_an_upload_over_a_connection_that_breaks(api: Api, link: Link) -> None:
    async with between(link) as (proxy, files):
        proxy.break_after = 3_000_000
        # A stream cannot be begun anew.
        await files.send(api.project_id, "cut", StreamSource(stream(CHUNKS, 300_000), len(CHUNKS)))
        assert proxy.break_after is None
    assert (api.folder / "cut").read_bytes() == CHUNKS
    assert left(api) == []


async def test_a_download_goes_on_where_it_was_cut(api: Api, link: Link) -> None:
    (api.folder / "down").write_bytes(CHUNKS)
    async with between(link) as (proxy, files):
        sink = _Counting()
        proxy.break_after = 3_000_000
        await files.receive(api.project_id, "down", sink)
    assert bytes(sink.data) == CHUNKS
    assert sink.begun == 1
    assert sink.written == len(CHUNKS)


class _Counting(BytesSink):
    def __init__(self) -> None:
        super().__init__(1 << 30)
        self.begun = self.written = 0
        self.on_write: Callable[[], None] = lambda: None

    def begin(self, size: int | None) -> None:
        super().begin(size)
        self.begun += 1

    async def write(self, chunk: bytes) -> None:
        await super().write(chunk)
        self.written += len(chunk)
        self.on_write()


async def test_a_download_begins_anew_where_the_file_became_another_one(api: Api, link: Link) -> None:
    (api.folder / "changes").write_bytes(CHUNKS)
    other = CHUNKS[::-1] + b"more"
    async with between(link) as (proxy, files):
        sink = _Counting()
        proxy.break_after = 3_000_000
        (api.folder / "new").write_bytes(other)

        def replace() -> None:
            if (api.folder / "new").exists():
                (api.folder / "new").replace(api.folder / "changes")

        sink.on_write = replace
        await files.receive(api.project_id, "changes", sink)
    assert bytes(sink.data) == other
    assert sink.begun == 2


@pytest.mark.parametrize("meddling", ["lose request", "lose answer", "refuse", "double"])
@pytest.mark.parametrize("number", [1, 3, 6])
async def test_a_chunk_that_is_lost_or_doubled(
    api: Api, middleman: Middleman, meddled: LinkedFiles, meddling: Meddling, number: int
) -> None:
    middleman.meddle = once("PUT", number, meddling)
    await meddled.send(api.project_id, "chunk", BytesSource(CHUNKS))
    assert (api.folder / "chunk").read_bytes() == CHUNKS
    assert left(api) == []


async def test_a_chunk_whose_answer_is_lost_is_not_sent_again(
    api: Api, middleman: Middleman, meddled: LinkedFiles
) -> None:
    middleman.meddle = once("PUT", 6, "lose answer")
    source = StreamSource(stream(CHUNKS, 1 << 20), len(CHUNKS))
    await meddled.send(api.project_id, "lost-answer", source)
    assert not source.repeatable
    assert (api.folder / "lost-answer").read_bytes() == CHUNKS


async def test_a_stream_whose_chunk_was_doubled_cannot_be_sent_again(
    api: Api, middleman: Middleman, meddled: LinkedFiles
) -> None:
    middleman.meddle = once("PUT", 6, "double")
    with pytest.raises(ConflictError, match="did not arrive"):
        await meddled.send(api.project_id, "doubled", StreamSource(stream(CHUNKS, 1 << 20), len(CHUNKS)))
    assert not (api.folder / "doubled").exists()
    assert left(api) == []


@pytest.mark.parametrize("verb", ["PATCH", "DELETE"])
@pytest.mark.parametrize("meddling", ["lose request", "lose answer", "refuse"])
@pytest.mark.parametrize("number", [1, 2])
async def test_a_file_is_replaced_over_a_bad_connection(
    api: Api, middleman: Middleman, meddled: LinkedFiles, verb: str, meddling: Meddling, number: int
) -> None:
    (api.folder / "replaced").write_bytes(b"old")
    middleman.meddle = once(verb, number, meddling)
    await meddled.send(api.project_id, "replaced", BytesSource(b"new"))
    assert (api.folder / "replaced").read_bytes() == b"new"
    assert left(api) == []


async def test_a_file_gets_its_name_back_where_the_new_one_cannot_have_it(
    api: Api, middleman: Middleman, meddled: LinkedFiles
) -> None:
    (api.folder / "back").write_bytes(b"old")
    middleman.meddle = once("PATCH", 2, "forbid")
    with pytest.raises(CredentialsError):
        await meddled.send(api.project_id, "back", BytesSource(b"new"))
    assert (api.folder / "back").read_bytes() == b"old"
    assert left(api) == []


async def test_where_a_file_is_whose_name_could_not_be_given_back(
    api: Api, middleman: Middleman, meddled: LinkedFiles
) -> None:
    (api.folder / "away").write_bytes(b"old")
    renames = 0

    def meddle(verb: str, path: str) -> Meddling:
        nonlocal renames
        renames += verb == "PATCH"
        return "refuse" if renames > 1 else ""

    middleman.meddle = meddle
    with pytest.raises(UnavailableError) as caught:
        await meddled.send(api.project_id, "away", BytesSource(b"new"))
    [old, *_] = api.folder.glob("jupyter-datasphere-*.old")
    assert old.read_bytes() == b"old"
    assert old.name in str(caught.value)
    old.unlink()
    middleman.meddle = lambda verb, path: ""
    await meddled.send(api.project_id, "away", BytesSource(b"new"))
    assert left(api) == []


async def test_what_could_not_be_deleted_is_deleted_before_the_next_upload(
    api: Api, middleman: Middleman, meddled: LinkedFiles
) -> None:
    puts = 0

    def meddle(verb: str, path: str) -> Meddling:
        nonlocal puts
        puts += verb == "PUT"
        return "refuse" if puts > 3 else ""

    middleman.meddle = meddle
    with pytest.raises(UnavailableError, match="VM may have stopped"):
        await meddled.send(api.project_id, "cut", BytesSource(CHUNKS))
    [part] = left(api)
    assert part.stat().st_size == 2 * UPLOAD_CHUNK
    middleman.meddle = lambda verb, path: ""
    await meddled.send(api.project_id, "another", BytesSource(b"x"))
    assert left(api) == []


async def test_a_transfer_that_is_given_up_leaves_nothing(
    api: Api, middleman: Middleman, meddled: LinkedFiles
) -> None:
    sending: asyncio.Task[int]

    def meddle(verb: str, path: str) -> Meddling:
        if verb == "PUT" and len([one for one in middleman.asked if one.startswith("PUT")]) == 3:
            sending.cancel()
        return ""

    middleman.meddle = meddle
    sending = asyncio.create_task(meddled.send(api.project_id, "given-up", BytesSource(CHUNKS)))
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert not (api.folder / "given-up").exists()
    assert left(api) == []


# What is refused


async def refusal(link: Link, api: Api, path: str = "refused") -> ExpectedError:
    errors: list[ExpectedError] = []
    async with client(link) as files:
        for doing in (
            files.send(api.project_id, path, BytesSource(b"x")),
            files.size(api.project_id, path),
            read(api, files, path),
        ):
            with pytest.raises(ExpectedError) as caught:
                await doing
            errors.append(caught.value)
    assert len({error.code for error in errors}) == 1
    assert all(error.hint and link.token not in str(error) for error in errors)
    assert not (api.folder / path).exists()
    return errors[0]


async def test_an_expired_token(api: Api, link: Link) -> None:
    error = await refusal(Link(link.url, "expired-token"), api)
    assert (type(error), error.code) == (CredentialsError, "link-expired")


async def test_a_token_that_expires_in_the_middle_of_a_download(api: Api, link: Link) -> None:
    (api.folder / "expires").write_bytes(b"x")
    async with client(link, Link(link.url, "expired-token")) as files:
        with pytest.raises(CredentialsError) as caught:
            await read(api, files, "expires")
    assert caught.value.code == "link-expired"


async def test_nobody_there(api: Api) -> None:
    error = await refusal(Link("http://127.0.0.1:9/", "some-token"), api)
    assert (type(error), error.code) == (UnavailableError, "link-unavailable")


async def test_something_that_is_no_jupyter_server(api: Api) -> None:
    assert (await refusal(Link(f"{api.emulator.url}/", "some-token"), api)).code == "not-jupyter"


async def test_what_lets_no_chunk_pass(api: Api, middleman: Middleman, meddled: LinkedFiles) -> None:
    middleman.meddle = once("PUT", 1, "too large")
    with pytest.raises(ServiceError, match="413") as caught:
        await meddled.send(api.project_id, "large", BytesSource(CHUNKS))
    assert caught.value.code == "too-large"


@contextmanager
def small_disk(process: psutil.Process, size: int) -> Iterator[None]:
    """No file of that process may become larger."""
    process.rlimit(psutil.RLIMIT_FSIZE, (size, RLIM_INFINITY))
    yield
    process.rlimit(psutil.RLIMIT_FSIZE, (RLIM_INFINITY, RLIM_INFINITY))


@pytest.mark.parametrize("size", [UPLOAD_CHUNK // 2, UPLOAD_CHUNK * 5 // 2])
async def test_a_full_disk(api: Api, files: LinkedFiles, size: int) -> None:
    (api.folder / "full").write_bytes(b"old")
    process = psutil.Process(process_of(api.emulator.config.root))
    with small_disk(process, size), pytest.raises(ServiceError, match="disk is full") as caught:
        await files.send(api.project_id, "full", BytesSource(CHUNKS))
    assert (caught.value.code, caught.value.http_status) == ("resource-exhausted", 507)
    assert (api.folder / "full").read_bytes() == b"old"
    assert left(api) == []


async def test_a_link_that_is_given_anew_is_used_at_once(api: Api, link: Link) -> None:
    """A server that was left, as its link was replaced, is not asked any more."""
    left_behind = JupyterServer(link)
    await left_behind.check()
    await left_behind.aclose()
    servers = [left_behind, JupyterServer(link)]

    async def server(project_id: str) -> JupyterServer:
        return servers.pop(0) if len(servers) > 1 else servers[0]

    await LinkedFiles(server, retry=QUICK).send(api.project_id, "anew", BytesSource(b"x"))
    assert await Contents(servers[0]).look("anew") is not None
    await servers[0].aclose()
