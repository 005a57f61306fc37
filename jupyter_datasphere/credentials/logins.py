"""What `jupyter datasphere login` has left in the system's keyring: an OAuth token or the path of a key file.

A keyring may ask its user for a password, so it is asked only for what a *mark* says is there: a file for
each login, with its profile and its kind, and no secret.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from ..datasphere.transport import Transport
from ..errors import CredentialsError, KeyringError, UnavailableError
from .choice import LoginKind
from .keyrings import Keyring
from .oauth import OAuthToken
from .service_account import ServiceAccountKey
from .source import Source, Token

SERVICE = "jupyter-datasphere login"
"""Under which the keyring shows them to its user."""
COMMAND = "jupyter datasphere login"


class Login(msgspec.Struct, frozen=True):
    """What the keyring has: `value` is the OAuth token, or the path."""

    kind: LoginKind
    value: str

    def __repr__(self) -> str:
        return f"<login by {self.kind}>"

    __str__ = __repr__


class Mark(msgspec.Struct, frozen=True):
    """That there is a login. `profile` is empty for the one that belongs to no profile."""

    endpoint: str
    profile: str
    kind: LoginKind


class Found(NamedTuple):
    """A mark, and what is another number for each login."""

    mark: Mark
    stamp: int


class Logins:
    """The logins at one IAM, `endpoint`: those at an emulator are not those at the service."""

    def __init__(self, keyring: Keyring, *, endpoint: str, marks: Path) -> None:
        self._keyring = keyring
        self._endpoint = endpoint.rstrip("/")
        self._marks = marks

    def find(self, profile: str) -> Found | None:
        """Whether there is a login; asks no keyring, and takes some microseconds."""
        return self._read(self._path(profile))

    def profiles(self) -> dict[str, LoginKind]:
        """All of them by their profiles."""
        found = [self._read(path) for path in sorted(self._marks.glob("*.json"))]
        return {one.mark.profile: one.mark.kind for one in found if one is not None}

    async def keep(self, profile: str, login: Login) -> str:
        """Keep a login instead of the one before; gives the name of the keyring. Raises `KeyringError`."""
        keyring = await self._keyring.set(self._name(profile), msgspec.json.encode(login).decode())
        path = self._path(profile)
        try:
            self._marks.mkdir(parents=True, exist_ok=True, mode=0o700)
            new = path.with_suffix(f".{os.getpid()}.new")
            new.write_bytes(msgspec.json.encode(Mark(self._endpoint, profile, login.kind)))
            new.replace(path)
        except OSError as error:
            raise KeyringError(
                f"The keyring has the login, but that cannot be noted in {self._marks}: {error.strerror}.",
                hint="Make that folder writable, and log in again.",
            ) from error
        return keyring

    async def load(self, profile: str) -> Login | None:
        """What the keyring has. Raises `KeyringError`."""
        text = await self._keyring.get(self._name(profile))
        if text is None:
            return None
        try:
            return msgspec.json.decode(text, type=Login)
        except msgspec.MsgspecError as error:
            raise KeyringError(
                "What the keyring has as a login is none of this version.", hint=f"Log in again: `{COMMAND}`."
            ) from error

    async def forget(self, profile: str) -> None:
        """Forget a login, if there is one. Raises `KeyringError` where the keyring may still have it."""
        with suppress(FileNotFoundError):
            self._path(profile).unlink()
        await self._keyring.delete(self._name(profile))

    def _name(self, profile: str) -> str:
        return f"{self._endpoint} {profile}".rstrip()

    def _path(self, profile: str) -> Path:
        return self._marks / f"{hashlib.sha256(self._name(profile).encode()).hexdigest()}.json"

    def _read(self, path: Path) -> Found | None:
        try:
            stamp = path.stat().st_mtime_ns
            mark = msgspec.json.decode(path.read_bytes(), type=Mark)
        except (OSError, msgspec.MsgspecError):
            return None
        return Found(mark, stamp) if mark.endpoint == self._endpoint else None


class StoredLogin:
    """The source that a login is. The keyring is asked once, and again after IAM has refused what it had."""

    renewable = True

    def __init__(
        self, logins: Logins, profile: str, kind: LoginKind, transport: Transport, *, check_mode: bool
    ) -> None:
        self._logins = logins
        self._profile = profile
        self._transport = transport
        self._check_mode = check_mode
        self._inner: Source | None = None
        self.description = f"{kind} of `{self._command}`, from the system keyring"

    def __repr__(self) -> str:
        return f"<{self.description}>"

    @property
    def notice(self) -> str | None:
        return None if self._inner is None else self._inner.notice

    @property
    def remedy(self) -> str:
        return f"Log in again, while the server runs: `{self._command}`."

    @property
    def _command(self) -> str:
        return f"{COMMAND} --profile {self._profile}" if self._profile else COMMAND

    async def fetch(self) -> Token:
        if self._inner is None:
            self._inner = await self._load()
        try:
            return await self._inner.fetch()
        except CredentialsError as error:
            self._inner = None
            if error.code == CredentialsError.code:  # a refusal, and nothing about a file
                error.hint = self.remedy
            raise

    async def _load(self) -> Source:
        try:
            login = await self._logins.load(self._profile)
        except KeyringError as error:
            raise UnavailableError(
                f"The login cannot be read. {error.message}", code=error.code, hint=error.hint
            ) from error
        if login is None:
            raise CredentialsError(
                f"The system keyring has no login of `{self._command}` any more.", hint=self.remedy
            )
        origin = f"`{self._command}`"
        if login.kind == "OAuth token":
            return OAuthToken(login.value, origin, self._transport)
        return ServiceAccountKey(login.value, origin, self._transport, check_mode=self._check_mode)
