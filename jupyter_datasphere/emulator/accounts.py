"""Who may call the emulator: several accounts, so that roles and each way to log in can be tried.

`admin` owns what a new root holds. `robot` is a service account with an authorized key, whose file lies in
the root as the service's console would give it; `federated` has neither token nor key, and logs in by the
script `bin/yc` of the root only, as the users of a federation do by the vendor's CLI.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from .ids import new_id

ADMIN = "admin"
ROBOT = "robot"
KEYS = "keys"
"""Folder of key files in the root."""

TYPES = {
    ADMIN: "userAccount",
    "editor": "userAccount",
    "developer": "userAccount",
    "viewer": "userAccount",
    "stranger": "userAccount",
    ROBOT: "serviceAccount",
    "federated": "federatedUser",
}
"""The type of each account, by its name; types are those of access bindings."""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A subject. A user account has an OAuth token, a service account an authorized key."""

    name: str
    id: str
    type: str
    oauth_token: str = ""
    key_id: str = ""
    public_key: str = ""
    """In PEM form."""

    def __repr__(self) -> str:
        return f"Account(name={self.name!r}, id={self.id!r}, type={self.type!r})"

    __str__ = __repr__


class AuthorizedKey(msgspec.Struct, frozen=True):
    """Content of a key file, as the service gives it once, when the key is made."""

    id: str
    service_account_id: str
    created_at: str
    key_algorithm: str
    public_key: str
    private_key: str

    def __repr__(self) -> str:
        return f"AuthorizedKey(id={self.id!r}, service_account_id={self.service_account_id!r})"

    __str__ = __repr__


def new_oauth_token() -> str:
    return "y0_" + secrets.token_urlsafe(32)


def complete(accounts: tuple[Account, ...], admin_id: str, admin_token: str) -> tuple[Account, ...]:
    """The accounts of a root with those added that an earlier version did not make."""
    known = {account.name: account for account in accounts}
    known.setdefault(ADMIN, Account(name=ADMIN, id=admin_id, type=TYPES[ADMIN], oauth_token=admin_token))
    for name, kind in TYPES.items():
        if name not in known:
            token = new_oauth_token() if kind == "userAccount" else ""
            known[name] = Account(name=name, id=new_id("aje"), type=kind, oauth_token=token)
    return tuple(known.values())


def with_key_files(accounts: tuple[Account, ...], root: Path) -> tuple[Account, ...]:
    """The same with a key file in the root for each service account, with a new key where it has none."""
    return tuple(
        _with_key_file(account, root) if account.type == "serviceAccount" else account for account in accounts
    )


def key_file(root: Path, account: Account) -> Path:
    return root.resolve() / KEYS / f"{account.name}.json"


def write_private(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write a file at once, for its owner only."""
    descriptor, name = tempfile.mkstemp(dir=path.parent)  # made with mode 0600
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        os.fchmod(descriptor, mode)
    Path(name).replace(path)


def _with_key_file(account: Account, root: Path) -> Account:
    path = key_file(root, account)
    if account.key_id and _key_in(path) == account.key_id:
        return account
    path.parent.mkdir(exist_ok=True, mode=0o700)
    key = _new_key(account.id)
    write_private(path, msgspec.json.format(msgspec.json.encode(key)))
    return msgspec.structs.replace(account, key_id=key.id, public_key=key.public_key)


def _key_in(path: Path) -> str:
    """The ID of the key in a file; empty where it has none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=AuthorizedKey).id
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return ""


def _new_key(service_account_id: str) -> AuthorizedKey:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    pair = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = pair.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    public = pair.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    key_id = new_id("aje")
    warning = f"PLEASE DO NOT REMOVE THIS LINE! Yandex.Cloud SA Key ID <{key_id}>"
    return AuthorizedKey(
        id=key_id,
        service_account_id=service_account_id,
        created_at=datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        key_algorithm="RSA_2048",
        public_key=public.decode(),
        private_key=f"{warning}\n{private}",
    )
