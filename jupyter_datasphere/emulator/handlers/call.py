"""What a handler gets, and what several of them do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web

from ...datasphere import types
from ..access import Access
from ..attached import Attached
from ..billing import Billing
from ..executions import Executions
from ..history import History
from ..identity import Identity
from ..notebooks import Notebooks
from ..operations import EMPTY, Operations, any_of
from ..resources import Resources
from ..restrictions import Restrictions


class Services(msgspec.Struct, frozen=True):
    """The parts of a running emulator. `url` is its own base URL."""

    url: str
    identity: Identity
    operations: Operations
    resources: Resources
    access: Access
    attached: Attached
    restrictions: Restrictions
    notebooks: Notebooks
    executions: Executions
    billing: Billing
    history: History
    sessions: dict[str, str]
    """Session tokens of opened projects, each with its project."""


SERVICES: web.AppKey[Services] = web.AppKey("services", Services)


class Call(msgspec.Struct, frozen=True):
    """One call: who calls, the IDs in the path, and the request message (None where there is none).

    `pause`: seconds that an execution waits which this call starts.
    """

    services: Services
    subject: str
    path: dict[str, str]
    request: Any
    pause: float

    def project(self) -> types.Project:
        """The project of the path. Raises code 5."""
        return self.services.resources.project(self.path["projectId"])

    def done(
        self,
        description: str,
        resource: str,
        *,
        metadata: dict[str, Any] | None = None,
        response: types.Message | None = None,
        named: str = "",
    ) -> types.Operation:
        """An operation about a resource that is done at once; `named`: the message that `response` is."""
        result = EMPTY
        if response is not None:
            result = any_of(named or type(response).__name__, types.to_builtins(response))
        return self.services.operations.create(
            description, self.subject, resource, metadata=metadata, response=result
        )


Handler = Callable[[Call], Any]
"""Gives a message, or an awaitable of one."""
