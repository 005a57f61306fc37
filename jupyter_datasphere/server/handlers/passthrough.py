"""``/datasphere/api/…``: the DataSphere REST API itself, documented methods only, the token added here."""

from __future__ import annotations

import re
import uuid
from typing import Any

import msgspec

from ...datasphere import types
from ...datasphere.methods import METHODS, Method
from ...errors import NotFoundError, ServiceError, UsageError
from ..problems import CONTENT_TYPE
from .base import DataSphereHandler, allow_unauthenticated

_SEGMENT = r"([A-Za-z0-9_-]{1,50})"
_SECRETS = frozenset({"sessionToken", "session_token"})


def _pattern(method: Method) -> re.Pattern[str]:
    """The path under ``/datasphere/api``: ``/v2/…``, ``/v1/…`` or ``/operations/…``."""
    path = method.path.removeprefix("/datasphere")
    literals = re.split(r"\{\w+\}", path)
    return re.compile(_SEGMENT.join(re.escape(literal) for literal in literals))


_ROUTES = [(_pattern(method), method) for method in METHODS.values() if method.host != "iam"]


class PassThroughHandler(DataSphereHandler):
    """Passes a documented call on, and the service's answer back: its status, its body, its request ID.

    A caller that accepts ``application/problem+json`` gets our words for an error, with what to do about it.
    """

    @allow_unauthenticated
    async def get(self, path: str) -> None:
        await self._pass(path)

    post = patch = delete = get

    async def _pass(self, path: str) -> None:
        method, ids = self._method(path)
        request = self._request(method)
        key = self.request.headers.get("Idempotency-Key")
        try:
            response = await self.backend.client.forward(
                method, ids, request, idempotency_key=None if key is None else _uuid(key)
            )
        except ServiceError as error:
            if error.answer is None or CONTENT_TYPE in self.request.headers.get("Accept", ""):
                raise
            status, body = error.answer
            self.set_status(status)
            self._finish(body, error.request_id)
        else:
            if method.changing:
                self.backend.projects.outdate()
            self._finish(response.content, response.headers.get("x-request-id"))

    def _method(self, path: str) -> tuple[Method, dict[str, str]]:
        for pattern, method in _ROUTES:
            match = pattern.fullmatch(path)
            if match and method.verb == self.request.method:
                return method, dict(zip(re.findall(r"\{(\w+)\}", method.path), match.groups(), strict=True))
        raise NotFoundError(
            f"{self.request.method} {path[:200]} is no documented method of the DataSphere API.",
            code="no-such-method",
        )

    def _request(self, method: Method) -> types.Message | None:
        """The checked request message: fields that are not documented are dropped."""
        if method.request is None:
            return None
        try:
            if method.verb in ("POST", "PATCH"):
                return types.decode(self.request.body or b"{}", method.request)
            return types.convert(self._query(method.request), method.request)
        except msgspec.ValidationError as error:
            raise UsageError(f"The request breaks a limit of the API: {error}.") from error

    def _query(self, target: type[types.Message]) -> dict[str, Any]:
        lists = {field.encode_name for field in msgspec.structs.fields(target) if _is_list(field.type)}
        values = {name: self.get_query_arguments(name) for name in self.request.query_arguments}
        return {name: texts if name in lists else texts[-1] for name, texts in values.items()}

    def _finish(self, body: bytes, request_id: str | None) -> None:
        if request_id:
            self.set_header("X-Request-Id", re.sub(r"[^\w-]", "", request_id)[:100])
        self.set_header("X-Content-Type-Options", "nosniff")
        self.finish(_without_secrets(body))


def _is_list(annotation: object) -> bool:
    return getattr(annotation, "__origin__", annotation) is list


def _uuid(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise UsageError("An Idempotency-Key must be a UUID.") from None


def _without_secrets(body: bytes) -> bytes:
    """The answer without session tokens, which would open the project for whoever sees them."""
    if not any(name.encode() in body for name in _SECRETS):
        return body
    try:
        value = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return b"{}"  # not JSON, yet it names a secret: nothing of it goes on
    return msgspec.json.encode(_redact(value))


def _redact(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: "<redacted>" if k in _SECRETS else _redact(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_redact(item) for item in value]
    return value
