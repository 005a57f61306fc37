"""How the server is called, and what its answers mean: for the callers that wait and for those that await."""

from __future__ import annotations

import ssl
from typing import Any, TypeVar

import httpx
import msgspec

from ..errors import InternalError, UnavailableError
from ..protocol import Problem
from .address import Address
from .problems import error_from

T = TypeVar("T")

ANSWER = 180.0
"""Seconds to wait for an answer: the server may have to ask DataSphere first, more than once, and again."""


class UnreachableError(UnavailableError):
    """The server could not be connected to: nothing was sent."""


class DisconnectedError(UnavailableError):
    """The connection broke after something was sent: what the server made of it is not known."""


class RefusedError(UnavailableError):
    """Whoever answered does not know this kernel, or not the extension: nothing was done."""


def options(address: Address) -> dict[str, Any]:
    """Of an httpx client for the server at that address."""
    return {
        "headers": {
            "Authorization": f"Bearer {address.capability}",
            "Accept": "application/json, application/problem+json",
            "Accept-Encoding": "identity",
        },
        "timeout": timeout(ANSWER),
        "trust_env": False,  # loopback must not go through a proxy
        "verify": _trust(address),
    }


def timeout(read: float, write: float = 30) -> httpx.Timeout:
    return httpx.Timeout(connect=5, read=read, write=write, pool=5)


def decoded(content: bytes, kind: type[T]) -> T:
    """The message in an answer, in which DataSphere writes 64-bit integers as text."""
    try:
        return msgspec.json.decode(content, type=kind, strict=False)
    except msgspec.MsgspecError as error:
        raise other_version(error) from None


def other_version(error: Exception) -> InternalError:
    return InternalError(
        f"The server extension answered in a way that this kernel does not understand ({error}).",
        code="version-mismatch",
        hint="Restart the Jupyter server and the kernel, so that both use the same jupyter-datasphere.",
    )


def refusal(response: httpx.Response, address: Address) -> Exception:
    """The error that an answer of 400 or more means."""
    if response.headers.get("Content-Type", "").startswith("application/problem+json"):
        problem = decoded(response.content, Problem)
        if not problem.code.startswith("http-"):
            return error_from(problem)
    # Not our extension's words: Jupyter itself answered, or the check at the extension's door.
    if response.status_code in (401, 403):
        return RefusedError(
            f"{_name(address)} does not accept this kernel's capability.",
            code="capability-refused",
            hint="It was probably restarted: restart the kernel, too.",
        )
    if response.status_code == 404:
        return RefusedError(
            f"{_name(address)} has no DataSphere extension at the place this kernel was told.",
            code="extension-missing",
            hint="`jupyter server extension list` shows whether jupyter_datasphere is enabled.",
        )
    return UnavailableError(f"{_name(address)} answered with HTTP status {response.status_code}.")


def broken(error: httpx.TransportError, address: Address) -> UnavailableError:
    """The error that no (complete) answer means."""
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return UnreachableError(f"{_name(address)} does not answer at {address.url}.", hint=address.remedy)
    return DisconnectedError(f"The connection to {address.of} broke ({type(error).__name__}).")


def nothing_taken(error: UnavailableError) -> bool:
    """Whether the same call may be made to another server, as this one has done nothing of it."""
    return isinstance(error, UnreachableError | RefusedError)


def _trust(address: Address) -> ssl.SSLContext | bool:
    if address.url is not None and address.url.startswith("https:"):
        return ssl.create_default_context(cafile=address.ca)
    return False  # no TLS at all: and the 20 ms that a context takes are saved


def _name(address: Address) -> str:
    """As the first words of a sentence."""
    return address.of.replace("the", "The", 1)
