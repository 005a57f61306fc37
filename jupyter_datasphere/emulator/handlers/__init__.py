"""What each method does: one function per entry of `datasphere.methods.METHODS`, thin.

A function gets a `Call` and gives the message of the answer; that its account may do this was checked
before. Those of changing methods must not wait: they run within the transaction that also keeps their
idempotency key.
"""

from __future__ import annotations

from ...datasphere import types
from . import communities, executions, projects, sharing
from .call import SERVICES, Call, Handler, Services


def create_token(call: Call) -> types.TokenResponse:
    return call.services.identity.exchange(call.request)


HANDLERS: dict[str, Handler] = {
    **communities.HANDLERS,
    **projects.HANDLERS,
    **sharing.HANDLERS,
    **executions.HANDLERS,
    "iam.createToken": create_token,
}

__all__ = ["HANDLERS", "SERVICES", "Call", "Handler", "Services"]
