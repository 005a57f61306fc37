"""``/datasphere/api/…``: the DataSphere REST API itself, documented methods only, the token added here."""

from __future__ import annotations

import re
import uuid
from functools import cache
from typing import Any

from jupyter_server.utils import url_path_join
from tornado.http1connection import HTTP1Connection
from tornado.web import stream_request_body

from ...datasphere import types
from ...datasphere.methods import Method
from ...errors import ServiceError, UsageError
from ..documented import message_in_body, message_in_query, method_of
from ..problems import CONTENT_TYPE
from ..redaction import redacted
from .base import DataSphereHandler, allow_unauthenticated

JUPYTERS_OWN = re.compile(r"token|_xsrf|[0-9]{10,16}", flags=re.ASCII)
"""Parameters of Jupyter's: how a user is known, and the time that JupyterLab adds against caches."""

IN_QUERY = "Its fields are parameters of the query."
IN_BODY = "Its fields are those of a JSON object in the body."

_REQUEST_ID = re.compile(r"[^A-Za-z0-9_-]")


@stream_request_body
class PassThroughHandler(DataSphereHandler):
    """Passes a documented call on, and the service's answer back: its status, its body, its request ID.

    Nothing else passes: no header of the caller's (but the idempotency key) and none of the service's. Who
    accepts ``application/problem+json`` gets our words for an error, with what to do about it.
    """

    _prepared = False

    async def prepare(self) -> None:  # type: ignore[override] # as the base does
        self._received = bytearray()
        length = self.request.headers.get("Content-Length", "0")
        await super().prepare()  # nothing of the body is taken before it is known who sends it
        limit = self._extension.max_request_megabytes * 10**6
        if length.isdecimal() and int(length[:18]) > limit:
            raise UsageError(
                f"The request is larger than {self._extension.max_request_megabytes} MB.",
                code="request-too-large",
                hint="DataSphere.max_request_megabytes allows more. Files go by %ds_put.",
                http_status=413,
            )
        if isinstance(self.request.connection, HTTP1Connection):
            self.request.connection.set_max_body_size(limit)  # one of unknown length is cut off there
        self._prepared = True

    def data_received(self, chunk: bytes) -> None:
        self._received += chunk

    @allow_unauthenticated
    async def get(self, path: str) -> None:
        method, ids = method_of(str(self.request.method), self._raw_path())
        request = self._message(method)
        key = self.request.headers.get("Idempotency-Key")
        try:
            answer = await self.backend.client.forward(
                method, ids, request, idempotency_key=None if key is None else _uuid(key)
            )
        except ServiceError as error:
            if error.answer is None or error.answer[0] < 400 or self._wants_problems():
                raise
            status, body = error.answer
            body = redacted(body, method.name, request_id=error.request_id)
            self.set_status(status)
            self._pass_on(body, error.request_id)
        else:
            if method.changing:
                self.backend.projects.outdate()
            request_id = answer.headers.get("x-request-id")
            self._pass_on(redacted(answer.content, method.name, request_id=request_id), request_id)

    post = patch = delete = get

    def compute_etag(self) -> None:
        """None: what is answered now is not kept for later."""

    def check_etag_header(self) -> bool:
        return False

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        if not self._prepared:
            # tornado reads nothing of the body then, and closes the connection: no other request may take it.
            self.set_header("Connection", "close")
        super().write_error(status_code, **kwargs)

    def _raw_path(self) -> str:
        """The path below our own to the letter, where tornado's is unquoted: ``%3A`` would begin a verb."""
        return self.request.path.removeprefix(_prefix(self.base_url))

    def _message(self, method: Method) -> types.Message | None:
        parameters = {
            name: values
            for name, values in self.request.query_arguments.items()
            if JUPYTERS_OWN.fullmatch(name) is None
        }
        if method.verb in ("GET", "DELETE"):
            if self._received:
                raise UsageError(f"{method.name} takes no body.", code="bad-request", hint=IN_QUERY)
            return message_in_query(method, parameters)
        if parameters:
            raise UsageError(f"{method.name} takes no parameters.", code="bad-request", hint=IN_BODY)
        return message_in_body(method, bytes(self._received), self.request.headers.get("Content-Type", ""))

    def _wants_problems(self) -> bool:
        return CONTENT_TYPE in self.request.headers.get("Accept", "")

    def _pass_on(self, body: bytes, request_id: str | None) -> None:
        if request_id:
            self.set_header("X-Request-Id", _REQUEST_ID.sub("", request_id)[:100])
        self.set_header("Cache-Control", "no-store")
        self.finish(body)


@cache
def _prefix(base_url: str) -> str:
    prefix: str = url_path_join(base_url, "datasphere/api")
    return prefix


def _uuid(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise UsageError("An Idempotency-Key must be a UUID.") from None
