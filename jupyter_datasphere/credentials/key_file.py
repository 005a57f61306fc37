"""The key file of a service account, as the vendor gives it: read, and looked at closely.

``{"id": …, "service_account_id": …, "private_key": "PLEASE DO NOT REMOVE THIS LINE! …\\n-----BEGIN …"}``; the
line before the key may be missing. Everything that is wrong with it is an error of its own, with the remedy.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import msgspec

from ..errors import CredentialsError

LARGEST = 64 * 1024
"""Bytes; a key file has about 2,500."""
_BEGIN = "-----BEGIN"
_MAKE = "`yc iam key create --service-account-name NAME --output FILE` makes one."


class KeyFile(msgspec.Struct, frozen=True):
    """What a key file holds. `private_key` is an RSA key of the package cryptography.

    `shared`: others than the owner may read or write the file; `ours`: its mode is this user's to change.
    """

    key_id: str
    service_account_id: str
    private_key: Any
    shared: bool = False
    ours: bool = True

    def __repr__(self) -> str:
        return f"KeyFile(key_id={self.key_id!r}, service_account_id={self.service_account_id!r})"

    __str__ = __repr__


class _Content(msgspec.Struct):
    id: str
    service_account_id: str
    private_key: str

    def __repr__(self) -> str:
        return f"_Content({self.id!r})"


def read_key_file(path: Path, *, check_mode: bool = True) -> KeyFile:
    """Raises `CredentialsError` (code "key-file") for a file that will not do.

    One of ours that others may read is refused, unless `check_mode` is False. One of another user (as root's
    is who mounts it into a container) can only be taken as it is.
    """
    data, facts = _read(path)
    shared = os.name == "posix" and bool(facts.st_mode & 0o077)
    ours = os.name != "posix" or facts.st_uid == os.geteuid()
    if shared and check_mode and ours:
        raise _bad(
            path,
            f"may be read or written by others (its mode is {stat.S_IMODE(facts.st_mode):03o})",
            f"`chmod 600 {path}` makes it yours alone. Where a file system has no modes, set"
            " DataSphere.check_key_file_mode=False.",
        )
    content = _content(path, data)
    return KeyFile(content.id, content.service_account_id, _key(path, content.private_key), shared, ours)


def _read(path: Path) -> tuple[bytes, os.stat_result]:
    try:
        # Without waiting: a pipe of that name would be opened when somebody writes into it.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
        with os.fdopen(descriptor, "rb") as file:
            facts = os.fstat(descriptor)
            if not stat.S_ISREG(facts.st_mode):
                raise _bad(path, "is no file", "Name the file itself.")
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise _bad(path, "is not there", f"Is the path right? {_MAKE}") from None
    except IsADirectoryError:
        raise _bad(path, "is a folder", "Name the file in it.") from None
    except PermissionError:
        raise _bad(path, "may not be read by this user", f"`ls -l {path}` shows whose it is.") from None
    except (OSError, ValueError) as error:  # a name with a NUL is a ValueError
        raise _bad(
            path, f"cannot be read ({getattr(error, 'strerror', None) or error})", "Is the path right?"
        ) from None
    if len(data) > LARGEST:
        raise _bad(path, f"is larger than {LARGEST:,} bytes", _MAKE)
    return data, facts


def _content(path: Path, data: bytes) -> _Content:
    try:
        fields = msgspec.json.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise _bad(path, "is no JSON", f"It must be the file as the service gave it. {_MAKE}") from None
    if not isinstance(fields, dict):
        raise _bad(path, "is no JSON object", f"It must be the file as the service gave it. {_MAKE}")
    missing = [name for name in _Content.__struct_fields__ if not fields.get(name)]
    if missing:
        remedy = f"An authorized key is needed, and no static access key or API key. {_MAKE}"
        raise _bad(path, f"has no {' and no '.join(missing)}", remedy)
    try:
        return msgspec.convert(fields, _Content)
    except msgspec.ValidationError as error:
        raise _bad(path, f"is malformed: {error}", _MAKE) from None


def _key(path: Path, text: str) -> Any:
    """The RSA key in a text that may have a line before it."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    pem = text[text.find(_BEGIN) :] if _BEGIN in text else ""
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _bad(path, "holds no private key that can be read", f"Was it edited? {_MAKE}") from None
    if not isinstance(key, RSAPrivateKey):
        remedy = "Make one with --algorithm rsa-2048 or rsa-4096."
        raise _bad(path, "holds a key that is none of RSA, which IAM asks for", remedy)
    return key


def _bad(path: Path, problem: str, hint: str) -> CredentialsError:
    return CredentialsError(f"The key file {path} {problem}.", code="key-file", hint=hint)
