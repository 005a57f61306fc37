"""gRPC to `files` and back: the server, tokens, errors as statuses, and the faults that calls meet."""

from __future__ import annotations

import asyncio
import logging
import socket
import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any, TypeVar

import grpc
import grpc.aio
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message

from ..datasphere.project_files_pb2 import (
    DownloadFileRequest,
    DownloadFileResponse,
    QuotaFailure,
    RequestInfo,
    RetryInfo,
    Status,
    UploadFileRequest,
    UploadFileResponse,
)
from .control import Control
from .errors import ApiError
from .faults import DOWNLOAD, UPLOAD, Fault
from .files import Files
from .identity import Identity
from .injection import CODES

log = logging.getLogger(__name__)

SERVICE = "yandex.cloud.datasphere.v1.ProjectDataService"
NO_FAULT = Fault(delay=0.0)
STATUSES = {code.value[0]: code for code in grpc.StatusCode}

TYPES = "type.googleapis.com/google.rpc."
DETAILS: dict[str, type[Message]] = {
    TYPES + kind.__name__: kind for kind in (QuotaFailure, RequestInfo, RetryInfo)
}

M = TypeVar("M", UploadFileRequest, DownloadFileResponse)
Context = grpc.aio.ServicerContext[Any, Any]


class _Cut(Exception):
    """The connection is to break here. gRPC cannot break it for one call, so the client is told what its
    own library would have told it: code 14, with nothing of the service's."""


class FileServer:
    """`files` over gRPC."""

    def __init__(self, files: Files, identity: Identity, control: Control) -> None:
        self._files = files
        self._identity = identity
        self._control = control
        # A port that another emulator listens at is refused instead of shared.
        self._server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        self._server.add_generic_rpc_handlers([self._handlers()])

    async def start(self, host: str, port: int) -> int:
        """Serve at a port, where 0 is any free one; gives it. Raises `OSError` where it cannot be had."""
        _try(host, port)  # gRPC would say it on stderr, and give advice on its own settings
        try:
            port = self._server.add_insecure_port(f"{host}:{port}")
        except RuntimeError as error:  # gRPC's only word for it
            raise OSError(str(error)) from error
        await self._server.start()
        return port

    async def stop(self, patience: float) -> None:
        """End; calls that are under way have so many seconds."""
        await self._server.stop(patience)

    def _handlers(self) -> grpc.GenericRpcHandler:
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                "UploadFile": grpc.stream_unary_rpc_method_handler(
                    self._upload,
                    request_deserializer=UploadFileRequest.FromString,
                    response_serializer=UploadFileResponse.SerializeToString,
                ),
                "DownloadFile": grpc.unary_stream_rpc_method_handler(
                    self._download,
                    request_deserializer=DownloadFileRequest.FromString,
                    response_serializer=DownloadFileResponse.SerializeToString,
                ),
            },
        )

    async def _upload(
        self, requests: AsyncIterator[UploadFileRequest], context: Context
    ) -> UploadFileResponse:
        async with self._answering(context):
            fault, subject = await self._meet(UPLOAD, context)
            answer = await self._files.upload(_half(requests) if fault.cut == "middle" else requests, subject)
            if fault.lose:
                raise _Cut
            return answer

    async def _download(
        self, request: DownloadFileRequest, context: Context
    ) -> AsyncGenerator[DownloadFileResponse, None]:
        async with self._answering(context):
            fault, subject = await self._meet(DOWNLOAD, context)
            if fault.lose:
                raise _Cut
            async with aclosing(self._files.download(request, subject)) as answers:
                async for answer in _half(answers) if fault.cut == "middle" else answers:
                    yield answer

    async def _meet(self, method: str, context: Context) -> tuple[Fault, str]:
        """Count the call and let its fault happen as far as it comes first; then see whose the token is."""
        self._control.calls[method] += 1
        fault = self._control.faults.next(method) or NO_FAULT
        if fault.delay:
            await asyncio.sleep(fault.delay)
        if fault.restart:
            self._control.restart()
        if fault.restart or fault.cut == "before" or fault.status == 502:  # a proxy says nothing of ours
            raise _Cut
        if fault.status is not None:
            details = []
            if fault.retry_after is not None:
                details = [{"@type": TYPES + "RetryInfo", "retryDelay": f"{fault.retry_after}s"}]
            raise ApiError(CODES[fault.status], f"A fault on purpose: {fault.status}", details)
        if fault.expire_tokens:
            self._identity.expire_all()
        metadata = dict(context.invocation_metadata() or ())
        authorization = metadata.get("authorization")
        return fault, self._identity.authenticate(authorization if isinstance(authorization, str) else None)

    @asynccontextmanager
    async def _answering(self, context: Context) -> AsyncIterator[None]:
        """Make every exception the status that the service answers, with a request ID."""
        request_id = str(uuid.uuid4())
        ids = (("x-request-id", request_id), ("x-server-trace-id", str(uuid.uuid4())))
        try:
            yield
        except _Cut:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")
        except ApiError as error:
            details = ("grpc-status-details-bin", _status(error, request_id).SerializeToString())
            await context.abort(STATUSES[error.code], error.message, (*ids, details))
        except Exception as error:
            if isinstance(error, grpc.aio.AbortError):
                raise
            log.exception("gRPC request %s failed", request_id)
            await context.abort(grpc.StatusCode.INTERNAL, "Internal error of the emulator", ids)
        else:
            context.set_trailing_metadata(ids)


def _try(host: str, port: int) -> None:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()


async def _half(messages: AsyncIterator[M]) -> AsyncIterator[M]:
    """Half of the bytes that the metadata announce, then the cut."""
    rest = 0
    async for message in messages:
        if message.WhichOneof("message") == "metadata":
            rest = message.metadata.size_bytes // 2
        elif len(message.chunk) > rest:
            yield type(message)(chunk=message.chunk[:rest])
            break
        else:
            rest -= len(message.chunk)
        yield message
    raise _Cut


def _status(error: ApiError, request_id: str) -> Status:
    """The google.rpc.Status of an error, as the REST API has it in JSON."""
    status = Status(code=int(error.code), message=error.message)
    for detail in (*error.details, {"@type": TYPES + "RequestInfo", "requestId": request_id}):
        name = str(detail["@type"])
        if name in DETAILS:
            fields = {key: value for key, value in detail.items() if key != "@type"}
            content = ParseDict(fields, DETAILS[name]()).SerializeToString()
            status.details.append(AnyMessage(type_url=name, value=content))
    return status
