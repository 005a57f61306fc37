"""One gRPC call for one file: the only module that imports grpc, and it is imported at the first call."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import urllib.request
import uuid
from collections.abc import AsyncIterator, Awaitable, Coroutine, Sequence
from contextlib import aclosing, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import grpc
import grpc.aio

from ..errors import InternalError, ServiceError, UsageError
from . import failures
from .local_files import Sink, Source
from .project_files_pb2 import (
    DownloadFileRequest,
    DownloadFileResponse,
    FileMetadata,
    UploadFileRequest,
    UploadFileResponse,
)
from .retries import Retry

T = TypeVar("T")

SERVICE = "yandex.cloud.datasphere.v1.ProjectDataService"
PLAIN = "http://"
AHEAD = 4 << 20
"""Bytes of a download that may have come before they are asked for: enough for 100 MB/s at 40 ms."""
LONGEST_MESSAGE = 16 << 20
"""Bytes of a message that the service may send."""


class FileCalls:
    """Calls on one connection. Each raises `Retry` for what may pass when it is tried again, or the error.

    No step of a call (a chunk that is taken or given, the answer at the end) may take longer than `timeout`.
    """

    def __init__(
        self, address: str, *, verify: str | bool, proxy: str | None, timeout: float, user_agent: str
    ) -> None:
        self._address = address
        self._timeout = timeout
        self._open = partial(_channel, address, verify, proxy, user_agent)
        self._channel = self._open()
        self._under_way = 0
        self._suspect = False
        self._closed = False

    async def aclose(self) -> None:
        self._closed = True
        await self._channel.close()

    async def reconnect(self) -> None:
        """Leave the connection; calls that are under way fail as if it had broken."""
        left, self._channel = self._channel, self._open()
        self._suspect = False
        await left.close()

    async def upload(self, token: str, project_id: str, path: str, source: Source) -> None:
        """Send a file. The service has all of it when this returns."""
        metadata = FileMetadata(project_id=project_id, path=path, size_bytes=source.size)
        async with self._call("UploadFile") as headers:
            method: Any = self._channel.stream_unary(
                f"/{SERVICE}/UploadFile",
                request_serializer=UploadFileRequest.SerializeToString,
                response_deserializer=UploadFileResponse.FromString,
            )
            call = method(metadata=[*headers, ("authorization", f"Bearer {token}")])
            verdicts = list[grpc.aio.AioRpcError]()
            call.add_done_callback(lambda call: verdicts.append(_verdict(call)))
            sent = 0
            try:
                await self._step(call.write(UploadFileRequest(metadata=metadata)))
                async with aclosing(source.chunks()) as chunks:
                    async for chunk in chunks:
                        await self._step(call.write(UploadFileRequest(chunk=chunk)))
                        sent += len(chunk)
                await self._step(call.done_writing())
            except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
                pass  # the service has ended the call: its answer says why, where the failed write does not
            except BaseException:
                call.cancel()
                raise
            try:
                response = await self._step(call)
            except grpc.aio.AioRpcError as error:
                raise next((verdict for verdict in verdicts if not _is_of_a_write(verdict)), error) from None
            self._check_size(response.metadata.size_bytes or sent, source.size)

    async def download(self, token: str, project_id: str, path: str, sink: Sink) -> int:
        """Receive a file; gives its size."""
        request = DownloadFileRequest(project_id=project_id, file_path=path)
        async with self._call("DownloadFile") as headers:
            method: Any = self._channel.unary_stream(
                f"/{SERVICE}/DownloadFile",
                request_serializer=DownloadFileRequest.SerializeToString,
                response_deserializer=DownloadFileResponse.FromString,
            )
            call = method(request, metadata=[*headers, ("authorization", f"Bearer {token}")])
            size, received = None, 0
            try:
                while isinstance(response := await self._step(call.read()), DownloadFileResponse):
                    if response.WhichOneof("message") == "metadata":
                        size = response.metadata.size_bytes
                        sink.begin(size)
                        continue
                    if size is None and not received:
                        sink.begin(None)
                    received += len(response.chunk)
                    await sink.write(response.chunk)
            finally:
                call.cancel()
            if size is None and not received:
                sink.begin(None)
            self._check_size(received, received if size is None else size)
            await sink.finish()
            return received

    @asynccontextmanager
    async def _call(self, name: str) -> AsyncIterator[Sequence[tuple[str, str]]]:
        """The metadata of a call; makes its failure one of ours."""
        if self._suspect and not self._under_way:
            await self.reconnect()
        self._under_way += 1
        try:
            yield [("x-client-request-id", str(uuid.uuid4()))]
        except grpc.aio.AioRpcError as error:
            translated = failures.from_call(error, self._address)
            after = failures.retry_after(error)
            if after is False:
                raise translated from error
            translated.__cause__ = error
            raise Retry(translated, None if after is True else after) from error
        except asyncio.CancelledError:
            # gRPC says so too when a call's channel was closed, which does not cancel this task.
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            failure = failures.left(self._address)
            raise failure if self._closed else Retry(failure)  # noqa: B904 - it was no cancellation
        finally:
            self._under_way -= 1

    async def _step(self, step: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(self._timeout):
                return await step
        except TimeoutError as error:
            self._suspect = True  # the connection may be dead; others may still be using it
            raise Retry(failures.stalled(self._address, self._timeout)) from error

    def _check_size(self, size: int, expected: int) -> None:
        if size != expected:
            raise Retry(
                ServiceError(
                    f"{size:,} of {expected:,} bytes arrived, although the service reported no error.",
                    code="incomplete",
                    hint="Try again.",
                )
            )


def _verdict(call: Any) -> grpc.aio.AioRpcError:
    """The status of a call at the moment when it gets one.

    A write that fails because the service has ended the call puts a status of its own in the place of the
    service's, or is itself replaced by that, whichever happens first. So each of them is looked at.
    """
    code, details, initial, trailing = (
        _now(question)
        for question in (call.code(), call.details(), call.initial_metadata(), call.trailing_metadata())
    )
    return grpc.aio.AioRpcError(code, initial, trailing, details=details)


def _is_of_a_write(error: grpc.aio.AioRpcError) -> bool:
    return error.code() is grpc.StatusCode.INTERNAL and error.details() == "Internal error from Core"


def _now(question: Coroutine[Any, Any, Any]) -> Any:
    """The result of a coroutine that has nothing to wait for."""
    try:
        question.send(None)
    except StopIteration as end:
        return end.value
    raise InternalError("gRPC has no status for a call that is done.")


def _channel(address: str, verify: str | bool, proxy: str | None, user_agent: str) -> grpc.aio.Channel:
    """A channel to HOST:PORT, with TLS unless the address begins with ``http://``."""
    target = address.removeprefix(PLAIN).removeprefix("https://").rstrip("/")
    host = target.rpartition(":")[0].strip("[]") or target
    options: list[tuple[str, Any]] = [
        ("grpc.primary_user_agent", user_agent),
        ("grpc.max_receive_message_length", LONGEST_MESSAGE),
        ("grpc.http2.bdp_probe", 0),  # otherwise more and more is taken in advance
        ("grpc.http2.lookahead_bytes", AHEAD),
        ("grpc.enable_retries", 0),  # there is one policy of retries, and it is ours
        ("grpc.service_config_disable_resolution", 1),
        ("grpc.use_local_subchannel_pool", 1),  # a new channel is a new connection
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 10_000),  # so long a connection may take
        ("grpc.max_reconnect_backoff_ms", 5000),
    ]
    if address.startswith(PLAIN):
        if not _is_loopback(host):
            raise UsageError(
                f"The files endpoint {address} is not on this machine: its token would travel in clear.",
                code="bad-endpoint",
                hint="Leave out http://; then TLS is used.",
            )
        return grpc.aio.insecure_channel(target, [*options, ("grpc.enable_http_proxy", 0)])
    if verify is False:
        raise UsageError(
            "gRPC verifies TLS certificates always, so that files cannot be transferred with verify=False.",
            code="bad-endpoint",
            hint="Name the certificate to be trusted in DataSphere.ca_bundle.",
        )
    via = proxy or (None if urllib.request.proxy_bypass(host) else urllib.request.getproxies().get("https"))
    options.append(("grpc.http_proxy", via) if via else ("grpc.enable_http_proxy", 0))
    bundle = verify if isinstance(verify, str) else os.environ.get("SSL_CERT_FILE")
    return grpc.aio.secure_channel(target, grpc.ssl_channel_credentials(_certificates(bundle)), options)


def _certificates(bundle: str | None) -> bytes | None:
    if bundle is None:
        return None
    try:
        return Path(bundle).read_bytes()
    except OSError as error:
        raise UsageError(f"The certificates of {bundle} could not be read: {error.strerror}.") from error


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
