"""The system's keyring, which keeps a secret longer than the process that was given it lives.

A keyring may ask its user for a password, wait for a desktop that is not there, or hang. So it is imported
with the first question, asked in a thread that nobody waits for at the end of the process, and for a limited
time.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

from ..errors import KeyringError

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

T = TypeVar("T")

PATIENCE = 10.0
"""Seconds that a question may take: enough to type a password that the keyring asks for."""
NONE = "no-keyring"
"""Code of the error that says so: nothing can have been kept."""
_LONGEST_REASON = 200


class Keyring:
    """The secrets of one service, each by its name.

    Every method raises `KeyringError` where there is no keyring, or none that answers within `patience`
    seconds; its message holds no secret.
    """

    def __init__(self, service: str, patience: float = PATIENCE) -> None:
        self._service = service
        self._patience = patience

    async def available(self) -> str:
        """The name of the keyring that a secret would be kept in; whether it is locked only that tells."""
        return await self._ask(_name)

    async def get(self, name: str, *, patiently: bool = False) -> str | None:
        """The secret of that name; None where there is none. `patiently`: however long it takes."""
        return await self._ask(lambda backend: backend.get_password(self._service, name), patiently=patiently)

    async def set(self, name: str, secret: str) -> str:
        """Keep a secret, instead of the one before; gives the name of the keyring that has it now."""

        def keep(backend: KeyringBackend) -> str:
            backend.set_password(self._service, name, secret)
            return _name(backend)

        return await self._ask(keep, secret=secret)

    async def delete(self, name: str) -> None:
        """Forget a secret; there need not be one."""

        def forget(backend: KeyringBackend) -> None:
            if backend.get_password(self._service, name) is not None:
                backend.delete_password(self._service, name)

        await self._ask(forget)

    async def _ask(
        self, question: Callable[[KeyringBackend], T], *, patiently: bool = False, secret: str | None = None
    ) -> T:
        answer: Future[T] = Future()
        answer.set_running_or_notify_cancel()  # who stops waiting does not take it back

        def ask() -> None:
            try:
                answer.set_result(question(_backend()))
            except Exception as error:  # noqa: BLE001 - a backend may raise anything; all of it is told
                answer.set_exception(_translated(error, secret))

        threading.Thread(target=ask, name="keyring", daemon=True).start()
        try:
            async with asyncio.timeout(None if patiently else self._patience):
                return await asyncio.wrap_future(answer)
        except TimeoutError:
            raise KeyringError(
                f"The system keyring did not answer within {self._patience:g} s.",
                hint="Is it locked, and asks for its password where nobody sees it?",
            ) from None


def _backend() -> KeyringBackend:
    """The keyring in use. One that its own package does not recommend must have been chosen by the user."""
    import keyring
    from keyring import core
    from keyring.backends import fail, null

    found = keyring.get_keyring()
    if isinstance(found, fail.Keyring | null.Keyring):
        raise KeyringError(
            "There is no system keyring here.",
            code=NONE,
            hint="`python -m keyring --list-backends` shows which ones are found.",
        )
    if not core.recommended(_first(found)) and not (core.load_env() or core.load_config()):
        raise KeyringError(
            f"There is no system keyring here, only {_name(found)}, which others may be able to read.",
            code=NONE,
            hint="To use it nevertheless, name it in the environment variable PYTHON_KEYRING_BACKEND.",
        )
    return found


def _first(backend: KeyringBackend) -> KeyringBackend:
    """Where secrets are written to: a chain of keyrings begins with the best."""
    chained = getattr(backend, "backends", ())
    return chained[0] if chained else backend


def _name(backend: KeyringBackend) -> str:
    return str(_first(backend).name)


def _translated(error: Exception, secret: str | None) -> KeyringError:
    if isinstance(error, KeyringError):
        return error
    reason = type(error).__name__
    # The text of any other kind might hold what was handed over.
    if isinstance(error, ImportError) or type(error).__module__ == "keyring.errors":
        text = " ".join(str(error).split())[:_LONGEST_REASON].rstrip(".")
        if text and not (secret and secret in str(error)):
            reason = f"{reason}: {text}"
    return KeyringError(
        f"The system keyring cannot be used ({reason}).",
        hint="Is it unlocked? `python -m keyring --list-backends` shows which ones are found.",
    )
