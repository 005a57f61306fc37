"""Whole files through the server: up, down, on after a cut; never half of one that looks like all of it."""

from __future__ import annotations

import hashlib
import json
import random
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from jupyter_datasphere.demo.processes import environment_for, jupyter

Facts = dict[str, Any]

MB = 1_000_000
LARGE = 30 * MB
"""Bytes: more than all buffers between here and the project hold."""
FILES = "datasphere/files"


@pytest.fixture(scope="module")
def server(emulator: Facts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Facts]:
    """One that takes no more than 100 kB into memory, as others take no more than 512 MB."""
    folder = tmp_path_factory.mktemp("files") / "notebooks"
    folder.mkdir()
    environment = {**environment_for(emulator), "JUPYTER_DATASPHERE_PROJECT": emulator["project_id"]}
    options = [f"--DataSphere.ledger_dir={folder.parent / 'ledger'}", "--ServerApp.max_body_size=100000"]
    with jupyter("server", folder, environment, options=options) as facts:
        yield facts


@pytest.fixture
def user(server: Facts) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"token {server['token']}"}
    with httpx.Client(base_url=server["url"], headers=headers, timeout=60) as client:
        yield client


@pytest.fixture
def project(emulator: Facts) -> Path:
    """The storage of the demo project."""
    return Path(emulator["root"]) / "projects" / emulator["project_id"]


@contextmanager
def faults(emulator: Facts, *rules: Facts) -> Iterator[None]:
    headers = {"Authorization": f"Bearer {emulator['control_token']}"}
    with httpx.Client(base_url=f"{emulator['url']}/emulator", headers=headers) as control:
        control.put("/faults", content=json.dumps(rules)).raise_for_status()
        try:
            yield
        finally:
            control.put("/faults", content="[]").raise_for_status()


def at(method: str, *calls: int, **fault: Any) -> Facts:
    return {"method": method, "calls": list(calls), "fault": fault}


def content_of(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def digest(content: bytes) -> str:
    return hashlib.blake2b(content).hexdigest()


def resume(user: httpx.Client, path: str, have: bytes, whole: int | None = None) -> httpx.Response:
    headers = {"Range": f"bytes={len(have)}-", "X-Prefix-Digest": digest(have)}
    if whole is not None:
        headers["X-Whole-Size"] = str(whole)
    return user.get(FILES, params={"path": path}, headers=headers)


def problem(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"].startswith("application/problem+json"), answer.content
    return answer.status_code, answer.json()["code"]


def eventually(look: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.02)


# There and back


@pytest.mark.parametrize("size", [0, 1, 3 * MB])
def test_what_goes_up_comes_down(user: httpx.Client, project: Path, size: int) -> None:
    content = content_of(size)
    params = {"project": "demo-project", "path": f"sizes/{size}.bin"}
    sent = user.put(FILES, params=params, content=content)
    assert sent.status_code == 200, sent.text
    facts = {"project_id": project.name, "project_name": "demo-project", "path": params["path"], "size": size}
    assert sent.json() == facts
    assert (project / params["path"]).read_bytes() == content
    came = user.get(FILES, params=params)
    assert (came.status_code, came.content) == (200, content)
    assert came.headers["content-length"] == str(size)
    assert user.get(f"{FILES}/size", params=params).json() == facts
    # A browser that is led here must not take a file for a page of this server.
    assert came.headers["content-disposition"].startswith("attachment")
    assert came.headers["content-type"] == "application/octet-stream"


@pytest.mark.parametrize(
    "path", [" two  words ", "данные/отчёт.csv", "a+b&c=d;e", "%2e%2e", 'q"uote', "\x01"]
)
def test_names_are_taken_to_the_letter(user: httpx.Client, project: Path, path: str) -> None:
    assert user.put(FILES, params={"path": path}, content=path.encode()).status_code == 200
    assert (project / path).read_bytes() == path.encode()
    assert user.get(FILES, params={"path": path}).content == path.encode()


@pytest.mark.parametrize("path", ["", ".", "..", "../x", "a/../../x", "/etc/passwd", "nul\0", "d/" * 3000])
def test_paths_that_lead_nowhere_or_out_are_refused(user: httpx.Client, path: str) -> None:
    for answer in (
        user.get(FILES, params={"path": path}),
        user.put(FILES, params={"path": path}, content=""),
    ):
        assert problem(answer) == (400, "bad-path")
    assert problem(user.get(f"{FILES}/size", params={"path": path})) == (400, "bad-path")
    assert user.get(FILES).status_code == 400


def test_what_is_there_is_replaced_only_on_request(user: httpx.Client, project: Path) -> None:
    (project / "kept").write_text("old")
    refused = user.put(FILES, params={"path": "kept"}, content=content_of(MB))
    assert problem(refused) == (409, "file-exists")
    assert (project / "kept").read_text() == "old"
    assert user.put(FILES, params={"path": "kept"}, content="n", headers={"X-Overwrite": "true"}).is_success
    assert (project / "kept").read_text() == "n"


def test_what_is_not_there(user: httpx.Client) -> None:
    assert problem(user.get(FILES, params={"path": "missing"})) == (404, "not-found")
    assert user.get(f"{FILES}/size", params={"path": "missing"}).json()["size"] is None
    params = {"path": "x", "project": "no-such-project"}
    assert problem(user.put(FILES, params=params, content="x")) == (404, "unknown-project")


def test_an_upload_says_how_much_it_is(user: httpx.Client, project: Path) -> None:
    answer = user.put(FILES, params={"path": "chunked"}, content=iter([b"x"]))
    assert problem(answer)[0] == 411
    assert not (project / "chunked").exists()


# On after a cut


def test_a_download_goes_on_where_it_was_cut(user: httpx.Client, project: Path) -> None:
    content = content_of(2 * MB + 7)
    (project / "long").write_bytes(content)
    for have in (1, 262_144, MB, len(content) - 1):
        rest = resume(user, "long", content[:have], len(content))
        assert (rest.status_code, rest.content) == (206, content[have:])
        assert rest.headers["content-range"] == f"bytes {have}-{len(content) - 1}/{len(content)}"
    assert resume(user, "long", content).content == b""
    assert user.get(FILES, params={"path": "long"}, headers={"Range": "bytes=5-"}).status_code == 400


def test_a_download_does_not_go_on_with_another_file(user: httpx.Client, project: Path) -> None:
    content = content_of(MB)
    (project / "other").write_bytes(content)
    for have, whole in ((b"x" * 1000, MB), (content[:1000], MB + 1), (content + b"x", None)):
        assert problem(resume(user, "other", have, whole)) == (412, "file-changed")


def test_a_cut_between_server_and_project_is_not_noticed(
    user: httpx.Client, emulator: Facts, project: Path
) -> None:
    content = content_of(5 * MB)
    (project / "cut").write_bytes(content)
    with faults(emulator, at("files.download", 1, cut="middle"), at("files.download", 2, lose=True)):
        assert user.get(FILES, params={"path": "cut"}).content == content
    with faults(emulator, at("files.download", 1, cut="middle")):
        assert resume(user, "cut", content[: 4 * MB]).content == content[4 * MB :]


def test_a_file_that_changes_meanwhile_breaks_the_connection(
    user: httpx.Client, emulator: Facts, project: Path
) -> None:
    (project / "changes").write_bytes(content_of(LARGE))
    (project / "new").write_bytes(bytes(LARGE))
    with (
        faults(emulator, at("files.download", 1, cut="middle")),
        pytest.raises(httpx.RemoteProtocolError),
        user.stream("GET", FILES, params={"path": "changes"}) as answer,
    ):
        for count, _ in enumerate(answer.iter_raw()):
            if not count:
                (project / "new").replace(project / "changes")
    assert user.get("datasphere/status").status_code == 200


# Nothing half-written


def begin_upload(server: Facts, path: str, size: int, token: str) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", server["port"]), timeout=30)
    connection.sendall(
        f"PUT /{FILES}?path={path} HTTP/1.1\r\nHost: 127.0.0.1:{server['port']}\r\n"
        f"Authorization: token {token}\r\nContent-Length: {size}\r\n\r\n".encode()
    )
    return connection


def test_an_upload_that_is_cut_leaves_nothing(server: Facts, emulator: Facts, project: Path) -> None:
    uploads = Path(emulator["root"]) / "uploads"
    for path, sent in (("early", 0), ("late", LARGE // 2)):
        with begin_upload(server, path, LARGE, server["token"]) as connection:
            connection.sendall(bytes(sent))
            eventually(lambda: len(list(uploads.iterdir())) == 1)
        eventually(lambda: not list(uploads.iterdir()))
        assert not (project / path).exists()


def test_a_stranger_is_refused_before_the_body(server: Facts, project: Path) -> None:
    with begin_upload(server, "stranger", LARGE, "wrong") as connection:
        assert connection.recv(100).startswith(b"HTTP/1.1 403")
    assert not (project / "stranger").exists()


@pytest.mark.parametrize(
    ("fault", "size", "expected"),
    [
        ({"status": 403}, LARGE, (403, "permission-denied")),
        ({"status": 429, "retry_after": 0}, MB, (429, "resource-exhausted")),
        ({"cut": "middle"}, LARGE, (503, "upload-cut")),
    ],
)
def test_trouble_on_the_way_up_is_told(
    user: httpx.Client, emulator: Facts, project: Path, fault: Facts, size: int, expected: tuple[int, str]
) -> None:
    """Also where half of the body is still to come; and the connection can be used again."""
    with faults(emulator, at("files.upload", *range(1, 20), **fault)):
        answer = user.put(FILES, params={"path": "trouble"}, content=content_of(size))
        assert problem(answer) == expected
    assert not (project / "trouble").exists()
    assert user.get("datasphere/status").status_code == 200


def test_trouble_before_the_first_byte_down_is_told(
    user: httpx.Client, emulator: Facts, project: Path
) -> None:
    (project / "denied").write_bytes(content_of(LARGE))
    with faults(emulator, at("files.download", 1, status=403)):
        assert problem(user.get(FILES, params={"path": "denied"})) == (403, "permission-denied")
    with faults(emulator, at("files.download", 1, expire_tokens=True)):
        assert user.get(f"{FILES}/size", params={"path": "denied"}).json()["size"] == LARGE


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the most memory that a process had")
def test_memory_does_not_grow_with_the_file(user: httpx.Client, server: Facts, project: Path) -> None:
    def peak() -> int:
        lines = Path(f"/proc/{server['pid']}/status").read_text().splitlines()
        return 1024 * int(next(line.split()[1] for line in lines if line.startswith("VmHWM")))

    content = content_of(2 * LARGE)
    headers = {"X-Overwrite": "true"}

    def there_and_back(some: bytes) -> None:
        assert user.put(FILES, params={"path": "memory"}, content=some, headers=headers).is_success
        with user.stream("GET", FILES, params={"path": "memory"}) as slow:
            pieces = slow.iter_raw()
            begun = len(next(pieces))
            with user.stream("GET", FILES, params={"path": "memory"}) as quick:  # as long as the other could
                assert sum(map(len, quick.iter_raw())) == len(some)
            assert begun + sum(map(len, pieces)) == len(some)

    there_and_back(content[: 8 * MB])  # what gRPC and its buffers take anyway
    before = peak()
    there_and_back(content)
    assert peak() - before < 24 * MB
