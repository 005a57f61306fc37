"""Opening a project in a browser: its session token goes from the service to this page, and nowhere else."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import msgspec

from ..datasphere import types
from ..errors import ServiceError

if TYPE_CHECKING:  # imports what a server that is never asked does not need
    from ..datasphere.client import Client

OPENING_SECONDS = 300.0
"""How long a project may take to open: its machine may have to be allocated."""

_HOST = re.compile(r"[a-z0-9.-]+(?::[0-9]{1,5})?|\[[0-9a-f:]+\](?::[0-9]{1,5})?", flags=re.ASCII)


class Opened(NamedTuple):
    """A project that is open. `token` opens it for whoever has it: it is a secret."""

    url: str
    origin: str
    token: str

    def __repr__(self) -> str:
        return f"Opened({self.origin!r})"


async def open_project(client: Client, project_id: str) -> Opened:
    """Open a project and wait until it is. Raises what the service answers.

    `ServiceError` (code "bad-answer") for an address that a token must not be sent to.
    """
    operation = await client.open_project(project_id)
    operation = await client.wait(operation, timeout=OPENING_SECONDS)
    try:
        answer = types.convert(operation.response or {}, types.OpenProjectResponse)
    except msgspec.ValidationError:
        raise _unusable("it is no address with a session token") from None
    if not answer.session_token:
        raise _unusable("it has no session token")
    return Opened(answer.project_url, origin_of(answer.project_url), answer.session_token)


def origin_of(url: str) -> str:
    """Where a page is, if a secret may be sent there: by https, or on this machine."""
    if not (url.isascii() and url.isprintable()):
        raise _unusable("its address holds what no address can")
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
    except ValueError:
        raise _unusable("its address cannot be read") from None
    netloc = parts.netloc.lower()
    if not _HOST.fullmatch(netloc):
        raise _unusable("its address has a host that cannot be")
    if parts.scheme != "https" and not (parts.scheme == "http" and _on_this_machine(host)):
        raise _unusable("its address does not begin with https://")
    return f"{parts.scheme}://{netloc}"


def _on_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _unusable(reason: str) -> ServiceError:
    return ServiceError(
        f"The service has opened the project, but {reason}.",
        code="bad-answer",
        hint="Open it by the page of DataSphere itself. Is the endpoint that of DataSphere?",
    )
