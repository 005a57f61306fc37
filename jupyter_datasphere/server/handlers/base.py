"""What every handler has in common: who may call, and how errors are answered."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from jupyter_core.utils import ensure_async
from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.auth.utils import HTTP_METHOD_TO_AUTH_ACTION
from jupyter_server.base.handlers import APIHandler
from tornado.web import HTTPError

from ...protocol import Problem
from ..problems import CONTENT_TYPE, problem_of

if TYPE_CHECKING:
    from ..app import DataSphere
    from ..backend import Backend
    from ..bus import Bus

T = TypeVar("T")

AUTH_RESOURCE = "datasphere"


class DataSphereHandler(APIHandler):
    """Base of all handlers.

    A caller is either a user whom Jupyter knows and its Authorizer lets through, or has the capability: the
    secret that this server gave to its kernels. Subclasses mark their methods `@allow_unauthenticated`,
    because `prepare` here decides.
    """

    auth_resource = AUTH_RESOURCE

    def initialize(self, extension: DataSphere) -> None:
        self._extension = extension

    @property
    def backend(self) -> Backend:
        return self._extension.backend

    @property
    def bus(self) -> Bus:
        return self._extension.bus

    async def prepare(self) -> None:  # type: ignore[override] # as APIHandler does
        await super().prepare()  # host, CORS and origin; XSRF by check_xsrf_cookie
        if self._has_capability():
            return
        if self.current_user is None:
            raise HTTPError(403, "This needs a Jupyter user or the capability of a kernel.")
        action = HTTP_METHOD_TO_AUTH_ACTION[str(self.request.method).upper()]
        allowed = await ensure_async(
            self.authorizer.is_authorized(self, self.current_user, action, AUTH_RESOURCE)
        )
        if not allowed:
            raise HTTPError(403, f"This user may not {action} {AUTH_RESOURCE}.")

    def check_xsrf_cookie(self) -> None:
        # The capability is in no cookie, so that no other page can make a browser send it.
        if self._has_capability():
            return
        super().check_xsrf_cookie()

    def _has_capability(self) -> bool:
        scheme, _, secret = self.request.headers.get("Authorization", "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(
            secret.strip().encode(), self._extension.capability.encode()
        )

    def read_body(self, target: type[T]) -> T:
        """The body as a message. Raises `msgspec.MsgspecError`, which is answered with 400."""
        return msgspec.json.decode(self.request.body, type=target)

    def answer(self, message: Any, status: int = 200) -> None:
        """Finish with a message as JSON."""
        self.set_status(status)
        self.finish(msgspec.json.encode(message))

    def log_exception(self, *args: Any) -> None:
        # What the caller did wrong is answered, not logged with a traceback.
        if args[1] is not None and problem_of(args[1]).code == "internal":
            super().log_exception(*args)

    def problem(self, status_code: int, details: Mapping[str, Any]) -> Problem:
        """What tornado's `write_error` is told, in our words."""
        return problem_of((details.get("exc_info") or (None, HTTPError(status_code), None))[1])

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        problem = self.problem(status_code, kwargs)
        self.set_status(problem.status)
        if not self._finished:
            self.finish(msgspec.json.encode(problem), set_content_type=CONTENT_TYPE)


__all__ = ["DataSphereHandler", "allow_unauthenticated"]
