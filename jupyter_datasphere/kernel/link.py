"""The kernel's side of the server extension's HTTP API."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from ..protocol import (
    Event,
    Execution,
    ExecutionRequest,
    Executions,
    LinkedProject,
    LinkRequest,
    Problem,
    ProfileRequest,
    Profiles,
    ProjectInfo,
    Projects,
    ServerStatus,
    StoredFile,
    Variables,
)
from .address import Address
from .answers import RefusedError, broken, decoded, nothing_taken, options, other_version, refusal, timeout
from .discovery import Discovery
from .outcome import Batch
from .problems import error_from
from .sse import Parser, ServerSentEvent

T = TypeVar("T")

SILENCE = 45.0
"""Seconds without a byte after which a stream counts as broken: the server says something every 15 s."""

TRANSFER = 3600.0
"""Seconds without progress of a file: after a cut, the server reads what came before once more."""

_EVENT_STREAM = {"Accept": "text/event-stream"}
_decode_event = msgspec.json.Decoder(Event).decode
_encode = msgspec.json.Encoder().encode


class Prefix(NamedTuple):
    """The beginning of a file, that is here: so many bytes with that BLAKE2b digest, of all of them."""

    length: int
    digest: str
    size: int | None


class Download(NamedTuple):
    """A file on its way here. `size` is that of the whole file in bytes, None where it is not known."""

    size: int | None
    chunks: Iterator[bytes]


class Link:
    """Calls the server extension. A kernel's main thread has one, and each other thread one of its own.

    A server that was started again, with another port and capability, is found by the call that misses it.
    """

    def __init__(self, discovery: Discovery) -> None:
        self._discovery = discovery
        self._address: Address | None = None
        """Where the client's connections lead."""
        self._client: httpx.Client | None = None
        self._pid = 0

    @property
    def address(self) -> Address | None:
        """Where the last call went; None before the first."""
        return self._address

    @property
    def url(self) -> str:
        """The extension's base URL, as this kernel reaches it, without a slash at the end."""
        return self._discovery.address().url or ""

    @property
    def has_pages(self) -> bool:
        """Whether a browser can be logged in at the server."""
        return self._discovery.address().has_pages

    def describe(self) -> str:
        """Who is asked, in words."""
        address = self._discovery.address()
        return f"{address.of} at {address.url}"

    def another(self) -> Link:
        """A link of its own for another thread: an interrupt breaks connections of one link only."""
        return Link(self._discovery)

    def status(self, project: str | None = None) -> ServerStatus:
        return self.call("GET", "/status", ServerStatus, params=_given(project=project))

    def projects(self) -> list[ProjectInfo]:
        """The projects that the server can find by name; asks the service."""
        return self.call("GET", "/projects", Projects).projects

    def executions(
        self, limit: int, *, states: Sequence[str] = (), before: float | None = None
    ) -> list[Execution]:
        """The newest runs of this user, newest first; asks nobody but the server.

        Only those in one of the `states`, and created `before`, where these are given.
        """
        params: dict[str, Any] = {"limit": limit, "state": states}
        if before is not None:
            params["before"] = repr(before)  # to the last digit
        return self.call("GET", "/executions", Executions, params=params).executions

    def execution(self, execution_id: str) -> Execution:
        return self.call("GET", run_path(execution_id), Execution)

    def cancel(self, execution_id: str) -> Execution:
        return self.call("POST", f"{run_path(execution_id)}/cancel", Execution)

    def variables(
        self,
        *,
        names: list[str],
        session: str | None,
        notebook: str | None,
        project: str | None,
        channel: str | None = None,
    ) -> Variables:
        params = _given(project=project, session=session, notebook=notebook, channel=channel)
        return self.call("GET", "/variables", Variables, params={**params, "name": names})

    def give_link(self, project: str, link: str) -> LinkedProject:
        """Let the server know the link to a project's own Jupyter server."""
        return self.call(
            "PUT",
            "/links",
            LinkedProject,
            headers={"Content-Type": "application/json"},
            content=_encode(LinkRequest(project, link)),
        )

    def forget_link(self, project: str) -> LinkedProject:
        return self.call("DELETE", "/links", LinkedProject, params={"project": project})

    def profiles(self) -> Profiles:
        """The named credentials of the server; asks nobody but the server."""
        return self.call("GET", "/profile", Profiles)

    def choose_profile(self, name: str | None) -> Profiles:
        """Choose credentials for all of the server; None: those that it began with."""
        return self.call(
            "PUT",
            "/profile",
            Profiles,
            headers={"Content-Type": "application/json"},
            content=_encode(ProfileRequest(name)),
        )

    def stored(self, path: str, project: str | None) -> StoredFile:
        """What there is of a file in the project."""
        return self.call("GET", "/files/size", StoredFile, params=_given(project=project, path=path))

    def store(
        self, path: str, project: str | None, content: Iterable[bytes], size: int, *, overwrite: bool
    ) -> StoredFile:
        """Write a file of the project. `content` is begun anew where another server has to be found first."""
        return self.call(
            "PUT",
            "/files",
            StoredFile,
            params=_given(project=project, path=path),
            headers={"Content-Length": str(size), "X-Overwrite": "true" if overwrite else "false"},
            content=content,
            timeout=timeout(TRANSFER, write=TRANSFER),
        )

    @contextmanager
    def fetch(self, path: str, project: str | None, have: Prefix | None = None) -> Iterator[Download]:
        """Read a file of the project, from where the prefix ends.

        Raises `ConflictError` for a prefix of another file, and as a call does while it is read.
        """
        headers = {}
        if have is not None:
            headers = {"Range": f"bytes={have.length}-", "X-Prefix-Digest": have.digest}
            if have.size is not None:
                headers["X-Whole-Size"] = str(have.size)
        params = _given(project=project, path=path)
        with self._open("GET", "/files", headers=headers, params=params, patience=TRANSFER) as response:
            rest = response.headers.get("Content-Length")
            size = None if rest is None else int(rest) + (have.length if have is not None else 0)
            yield Download(size, response.iter_raw())

    def start(self, request: ExecutionRequest, execution_id: str) -> Generator[Batch]:
        """Start an execution under an ID of ours, and give its events until it ends.

        The ID is ours so that a run can be cancelled, or found again, before the server has answered.
        """
        return self._stream("POST", "/executions", **starting(request, execution_id))

    def events(self, execution_id: str, *, after: int = 0, patience: float = SILENCE) -> Generator[Batch]:
        """The events after number `after` until the execution ends; `patience`: the longest silence."""
        return self._stream(
            "GET", f"{run_path(execution_id)}/events", {"Last-Event-ID": str(after)}, patience=patience
        )

    def reset(self) -> None:
        """Forget the open connections: one of them may have been interrupted in the middle of something."""
        if self._client is not None and self._pid == os.getpid():
            self._client.close()
        self._client = None

    def call(self, method: str, path: str, kind: type[T], **request: Any) -> T:
        """Any call that is answered as a whole; `path` begins after the server's base URL."""
        while True:
            address, client = self._connected()
            try:
                response = client.request(method, f"{address.url}{path}", **request)
                if response.is_error:
                    raise refusal(response, address)
            except (httpx.TransportError, RefusedError) as error:
                self._leave(address, error)
            else:
                return decoded(response.content, kind)

    def _stream(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        *,
        content: bytes | None = None,
        patience: float = SILENCE,
    ) -> Generator[Batch]:
        headers = _EVENT_STREAM | headers
        with self._open(method, path, headers=headers, content=content, patience=patience) as response:
            parser = Parser()
            # Empty batches are given, too: they show the reader that time passes.
            for chunk in response.iter_raw():
                yield [_numbered(event) for event in parser.feed(chunk)]

    @contextmanager
    def _open(self, method: str, path: str, *, patience: float, **request: Any) -> Iterator[httpx.Response]:
        """An answer that is read piece by piece."""
        while True:
            address, client = self._connected()
            url = f"{address.url}{path}"
            asked = client.build_request(method, url, timeout=timeout(patience), **request)
            try:
                response = client.send(asked, stream=True)
                if response.is_error:
                    with closing(response):
                        response.read()
                    raise refusal(response, address)
                break
            except (httpx.TransportError, RefusedError) as error:
                self._leave(address, error)
        with closing(response):
            try:
                yield response
            except httpx.TransportError as error:
                raise broken(error, address) from None

    def _leave(self, address: Address, error: httpx.TransportError | RefusedError) -> None:
        """Make way for the same call to another server, if this one took nothing of it; else raise."""
        failure = error if isinstance(error, RefusedError) else broken(error, address)
        if not (nothing_taken(failure) and self._discovery.moved_from(address)):
            raise failure from None

    def _connected(self) -> tuple[Address, httpx.Client]:
        address = self._discovery.address()
        if address is not self._address:
            self.reset()
            self._address = address
        if self._client is None or self._pid != os.getpid():  # a forked child must not use our sockets
            self._pid = os.getpid()
            self._client = httpx.Client(**options(address))
        return address, self._client


def starting(request: ExecutionRequest, execution_id: str) -> dict[str, Any]:
    """Headers and body of the request that starts a run under an ID of ours."""
    return {
        "headers": {"X-Execution-Id": execution_id, "Content-Type": "application/json"},
        "content": _encode(request),
    }


def run_path(execution_id: str) -> str:
    """Where a run is, after the server's base URL."""
    return f"/executions/{quote(execution_id, safe='')}"


def _given(**params: str | None) -> dict[str, str]:
    return {name: value for name, value in params.items() if value is not None}


def _numbered(event: ServerSentEvent) -> tuple[int, Event]:
    """Raises what the server could not tell by a status, as its answer had begun."""
    if event.type == "problem":
        raise error_from(decoded(event.data, Problem))
    try:
        return int(event.id), _decode_event(event.data)
    except (msgspec.MsgspecError, ValueError) as error:
        raise other_version(error) from None
