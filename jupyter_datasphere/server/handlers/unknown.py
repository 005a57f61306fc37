"""Whatever else is asked for under ``/datasphere``: a problem that programs can read, and no web page."""

from __future__ import annotations

from ...errors import NotFoundError
from .base import DataSphereHandler, allow_unauthenticated


class UnknownHandler(DataSphereHandler):
    @allow_unauthenticated
    def get(self) -> None:
        raise NotFoundError(
            f"The DataSphere extension has no {self.request.path[:200]!r}.",
            code="no-such-route",
            hint="Are the extension here and its caller of the same version?",
        )

    head = post = put = patch = delete = get
