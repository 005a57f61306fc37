"""Project files over gRPC: whole files up and down, by chunks, tried again where that is safe.

Whether the service wants a path as it is over there (absolute) or relative to the project is not documented:
it is found out with the first file of each project, and remembered while this process lives.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal, TypeVar

from ..errors import ExpectedError, InternalError, ServiceError, UsageError
from .caller import RENEWALS, Tokens
from .local_files import (
    Announced,
    BytesSink,
    BytesSource,
    FileSink,
    FileSource,
    Sink,
    SizeSink,
    Source,
    StreamSource,
)
from .retries import Retry, RetryPolicy
from .schedule import REQUESTS_AT_ONCE
from .transport import is_id

if TYPE_CHECKING:
    from .file_calls import FileCalls

T = TypeVar("T")

PROJECT_FOLDER = PurePosixPath("/home/jupyter/datasphere/project")
"""Where a project's storage appears over there."""
LONGEST_PATH = 4096
READ_LIMIT = 64 << 20
"""Bytes of a file that is read into memory."""

Form = Literal["relative", "absolute"]
FORMS: tuple[Form, ...] = ("relative", "absolute")
"""In the order of trying: an absolute path that is taken for a relative one would leave a file in a wrong
place, a relative one that is taken for an absolute one is refused."""
WRONG_FORM = frozenset({"invalid-argument", "not-found", "failed-precondition"})
"""What the service may answer to a path in the form that it does not take."""


class ProjectFiles:
    """Uploads and downloads of one service, as one account: a `Storage`. Close with `aclose()`.

    `address` is HOST:PORT, with ``http://`` in front where there is no TLS, which needs a loopback address.
    Every method raises `ServiceError` (what the service answered), `UnavailableError` (no answer),
    `CredentialsError`, `StorageError` (the disk here is full), or `UsageError` for a path or local file that
    will not do. Nothing is imported and nobody asked before the first transfer.
    """

    def __init__(
        self,
        address: str,
        tokens: Tokens,
        *,
        verify: str | bool = True,
        proxy: str | None = None,
        timeout: float = 30.0,
        retry: RetryPolicy | None = None,
        user_agent: str = "jupyter-datasphere",
    ) -> None:
        self.address = address
        self._tokens = tokens
        self._verify = verify
        self._proxy = proxy
        self._timeout = timeout
        self._retry = retry or RetryPolicy(timeout=3600.0)  # a large file takes long before it breaks
        self._user_agent = user_agent
        self._calls: FileCalls | None = None
        self._forms: dict[str, Form] = {}
        self._places = asyncio.Semaphore(REQUESTS_AT_ONCE)

    async def aclose(self) -> None:
        if self._calls is not None:
            await self._calls.aclose()

    async def reconnect(self) -> None:
        """Leave the connection, as after a sleep; transfers under way begin anew where they can."""
        if self._calls is not None:
            await self._calls.reconnect()

    async def upload(
        self,
        project_id: str,
        path: str,
        content: Path | bytes | AsyncIterable[bytes],
        *,
        size: int | None = None,
    ) -> int:
        """Write a file of the project, replacing one that is there; gives its size.

        A stream needs its `size`, by which the service knows a whole file from one that was cut. It is tried
        again only while no more than its first 4 MiB were taken from it; other content always is.
        """
        source: Source
        if isinstance(content, Path):
            source = FileSource(content)
        elif isinstance(content, bytes):
            source = BytesSource(content)
        elif size is None:
            raise InternalError("The upload of a stream needs its size.")
        else:
            source = StreamSource(content, size)
        return await self.send(project_id, path, source)

    async def download(self, project_id: str, path: str, target: Path) -> int:
        """Write a file of the project to one here, which is there when all of it has come; gives its size."""
        with FileSink(target) as sink:
            return await self.receive(project_id, path, sink)

    async def read(self, project_id: str, path: str, *, limit: int = READ_LIMIT) -> bytes:
        """A file of the project, in memory. Raises `UsageError` where it is larger than `limit` bytes."""
        sink = BytesSink(limit)
        await self.receive(project_id, path, sink)
        return bytes(sink.data)

    # As every `Storage` has it

    async def send(self, project_id: str, path: str, source: Source) -> int:
        async def once(name: str, calls: FileCalls, token: str) -> None:
            await calls.upload(token, project_id, name, source)

        await self._transfer(project_id, path, once, lambda: source.repeatable)
        return source.size

    async def receive(self, project_id: str, path: str, sink: Sink) -> int:
        async def once(name: str, calls: FileCalls, token: str) -> int:
            return await calls.download(token, project_id, name, sink)

        return await self._transfer(project_id, path, once, lambda: True)

    async def size(self, project_id: str, path: str) -> int | None:
        async def once(name: str, calls: FileCalls, token: str) -> int:
            try:
                return await calls.download(token, project_id, name, SizeSink())
            except Announced as announced:
                return announced.size

        try:
            return await self._transfer(project_id, path, once, lambda: True)
        except ServiceError as error:
            if error.code == "not-found":
                return None
            raise

    async def _transfer(
        self,
        project_id: str,
        path: str,
        once: Callable[[str, FileCalls, str], Awaitable[T]],
        repeatable: Callable[[], bool],
    ) -> T:
        """Do it in the form that the service takes; where that is not known, find out."""
        check_project(project_id)
        relative = relative_path(path)
        known = self._forms.get(project_id)
        refusals: dict[Form, ServiceError] = {}
        for form in (known,) if known else FORMS:
            name = str(relative if form == "relative" else PROJECT_FOLDER / relative)
            try:
                async with self._places:
                    result = await self._persist(partial(once, name), repeatable)
            except ServiceError as error:
                if error.code not in WRONG_FORM or not repeatable():
                    raise
                refusals[form] = error
            else:
                self._forms[project_id] = form
                return result
        raise self._judge(project_id, refusals)

    def _judge(self, project_id: str, refusals: dict[Form, ServiceError]) -> ServiceError:
        """The refusal to tell: a file that is missing in one form says that the other one is wrong."""
        missing = [form for form, error in refusals.items() if error.code == "not-found"]
        if len(refusals) == 1 or len(missing) != 1:
            return next(iter(refusals.values()))
        self._forms[project_id] = missing[0]
        return refusals[missing[0]]

    async def _persist(
        self, once: Callable[[FileCalls, str], Awaitable[T]], repeatable: Callable[[], bool]
    ) -> T:
        """Try until it is done or will not be. An error tells whether an attempt may have been taken."""
        may_have_arrived = False
        renewals = 0
        try:
            async for attempt in self._retry.tries():
                with attempt:
                    while True:
                        token = await self._tokens.token()
                        try:
                            return await once(self._connected(), token)
                        except ServiceError as error:
                            if error.code != "unauthenticated":
                                raise
                            if renewals == RENEWALS or not await self._tokens.renew(token):
                                error.hint = self._tokens.remedy or error.hint
                                raise
                            if not repeatable():
                                error.worth_repeating = True
                                raise
                            renewals += 1
                        except Retry as failure:
                            may_have_arrived |= failure.error.may_have_arrived
                            if not repeatable():
                                failure.error.worth_repeating = True
                                raise failure.error from failure.error.__cause__
                            raise
        except Retry as failure:
            failure.error.may_have_arrived = may_have_arrived
            raise failure.error from failure.__cause__
        except ExpectedError as error:
            error.may_have_arrived |= may_have_arrived
            raise
        raise InternalError("The retry policy allows no attempt.")

    def _connected(self) -> FileCalls:
        if self._calls is None:
            if not self.address:
                raise UsageError(
                    "No address is set for the transfer of files.",
                    code="no-files-endpoint",
                    hint="Set DataSphere.files_endpoint or JUPYTER_DATASPHERE_FILES_ENDPOINT to HOST:PORT of "
                    "the service's gRPC, or give the link to the project's own Jupyter server:"
                    " `jupyter datasphere link --project NAME_OR_ID`.",
                )
            from .file_calls import FileCalls  # gRPC takes its time to be imported

            self._calls = FileCalls(
                self.address,
                verify=self._verify,
                proxy=self._proxy,
                timeout=self._timeout,
                user_agent=self._user_agent,
            )
        return self._calls


def check_project(project_id: str) -> None:
    """Raise `UsageError` for what is no project's ID."""
    if not is_id(project_id):
        raise UsageError(f"{project_id[:60]!r} is not an ID of DataSphere.", code="bad-id")


def relative_path(path: str) -> PurePosixPath:
    """A path of the project's own world, relative to the project. Raises `UsageError`."""
    pure = PurePosixPath(path)
    problem = ""
    if pure.is_absolute():
        if pure.is_relative_to(PROJECT_FOLDER):
            pure = pure.relative_to(PROJECT_FOLDER)
        else:
            problem = f"is not under {PROJECT_FOLDER}"
    if not pure.parts or ".." in pure.parts:
        problem = problem or "does not name a file in the project"
    try:
        if len(str(PROJECT_FOLDER / pure).encode()) > LONGEST_PATH or "\0" in path:
            problem = problem or "is too long or holds a NUL character"
    except UnicodeEncodeError:
        problem = "is not Unicode text"
    if problem:
        raise UsageError(
            f"The path {path[:100]!r} {problem}.",
            code="bad-path",
            hint="Give a path relative to the project's folder, without '..'.",
        )
    return pure
