"""The one place that turns exceptions into HTTP answers: ``application/problem+json`` (RFC 9457)."""

from __future__ import annotations

import http

import msgspec
from tornado.web import HTTPError

from ..errors import DataSphereError
from ..protocol import Problem

CONTENT_TYPE = "application/problem+json"


def problem_of(error: BaseException) -> Problem:
    """What an exception is for the caller; an unexpected one says nothing of its inside."""
    if isinstance(error, DataSphereError):
        return Problem.of(error)
    if isinstance(error, HTTPError):
        title = error.log_message or error.reason or http.HTTPStatus(error.status_code).phrase
        return Problem(code=f"http-{error.status_code}", title=title, status=error.status_code)
    if isinstance(error, msgspec.MsgspecError):
        return Problem(code="bad-request", title=f"The request could not be read: {error}.", status=400)
    return Problem(
        code="internal",
        title=f"The server extension failed: {type(error).__name__}.",
        status=500,
        hint="The log of the Jupyter server has the details; please report it.",
    )
