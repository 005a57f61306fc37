"""The metadata service of a VM, as far as it gives the IAM token of the VM's service account.

Over there it answers whoever is on the VM, without a secret. Here other users may be on the machine, and a
token runs code: so it answers the processes of its own user only. Who asks is read from the kernel's table of
connections; where there is none (it is Linux's), nobody is answered.
"""

from __future__ import annotations

import ipaddress
import os
import struct
import time
from pathlib import Path

import msgspec
from aiohttp import web

from . import clock
from .accounts import ROBOT
from .handlers import SERVICES

METADATA_PATH = "/computeMetadata/v1/instance/service-accounts/default/token"
FLAVOR = "Metadata-Flavor"
"""The header, with the value Google, that a page of another site cannot send."""
CONNECTIONS = Path("/proc/net/tcp")


async def metadata_token(request: web.Request) -> web.StreamResponse:
    """An IAM token of the account `robot`: ``{"access_token", "expires_in", "token_type"}``."""
    if request.headers.get(FLAVOR) != "Google":
        return web.Response(status=403, text=f"Missing required header: {FLAVOR}: Google\n")
    if not _is_own(request):
        return web.Response(status=403, text="The emulator's metadata are for processes of its own user\n")
    identity = request.app[SERVICES].identity
    robot = identity.named(ROBOT)
    assert robot is not None
    token = identity.issue(robot)
    answer = {
        "access_token": token.iam_token,
        "expires_in": round(clock.parse(token.expires_at) / 1_000_000 - time.time()),
        "token_type": "Bearer",
    }
    return web.Response(
        body=msgspec.json.encode(answer), content_type="application/json", headers={FLAVOR: "Google"}
    )


def _is_own(request: web.Request) -> bool:
    """Whether a process of our user, or of root, is at the other end of the connection."""
    if request.transport is None:
        return False
    here, there = request.transport.get_extra_info("sockname"), request.transport.get_extra_info("peername")
    ends = [_end(there), _end(here)]  # the caller's end of the connection comes first in the caller's row
    try:
        rows = CONNECTIONS.read_text().splitlines()[1:]
    except OSError:
        return False
    return any(row.split()[1:3] == ends and int(row.split()[7]) in (0, os.getuid()) for row in rows)


def _end(address: tuple[str, int]) -> str:
    """An address and port as the kernel's table has them."""
    [number] = struct.unpack("=I", ipaddress.IPv4Address(address[0]).packed)
    return f"{number:08X}:{address[1]:04X}"
