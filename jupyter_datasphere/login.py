"""`jupyter datasphere login` and `logout`: credentials in the system's keyring, for all servers of this user.

A token is read from the terminal without an echo, or from standard input, and tried at IAM before it is kept.
Of a key file only the path is kept.
"""

from __future__ import annotations

import asyncio
import getpass
import logging
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from . import credentials
from .credentials import chain
from .credentials.keyrings import NONE, Keyring
from .credentials.logins import COMMAND, SERVICE, Login
from .credentials.oauth import PAGE, OAuthToken
from .credentials.profiles import is_name
from .credentials.service_account import ServiceAccountKey
from .credentials.source import Source
from .datasphere.transport import Transport
from .errors import KeyringError, UsageError
from .server.backend import configured_by, logins_of, transport_of
from .server.configuration import settings
from .server.settings import Settings

OWN = "--profile, --oauth, --key-file"
_TOKEN = re.compile(r"(?:y[0-3]_|t1\.)\S{10,}")


def login(profile: str, options: Sequence[str], *, key_file: Path | None) -> None:
    """Log in by a key file, or by an OAuth token, which is asked for. Raises what keeps it from that."""
    _refuse_tokens([*options, profile, str(key_file or "")])
    configured = _settings("login", OWN, profile, options)
    asyncio.run(_login(configured, profile, key_file))


def logout(profile: str, options: Sequence[str]) -> None:
    """Have the keyring forget a login. Raises `KeyringError` where it may still have it."""
    configured = _settings("logout", "--profile", profile, options)
    asyncio.run(_logout(configured, profile))


def _settings(command: str, own: str, profile: str, options: Sequence[str]) -> Settings:
    configured = settings(command, own, options)
    if profile and not is_name(profile):
        raise UsageError(
            f"{profile[:64]!r} is no name for a profile.",
            hint="A name has 1 to 64 letters, digits, '_', '-' and '.'.",
        )
    if profile in configured.profiles:
        raise UsageError(
            f"The configuration defines the profile {profile} (DataSphere.profiles).",
            hint="Log in under another name, or take it out of the configuration.",
        )
    # What is wrong is raised, and what should be known is printed.
    logging.getLogger(credentials.__name__).setLevel(logging.ERROR)
    return configured


def _refuse_tokens(words: Sequence[str]) -> None:
    if any(_TOKEN.search(word) for word in words):
        raise UsageError(
            "A token does not belong on a command line, where everybody on this machine can read it.",
            hint=f"Type `{COMMAND}` alone: it asks for the token. Revoke the one that stood here.",
        )


async def _login(configured: Settings, profile: str, key_file: Path | None) -> None:
    await _check_keyring()
    transport = transport_of(configured)
    try:
        logins = logins_of(transport.endpoints)
        given = Login("OAuth token", _token()) if key_file is None else Login("key file", _path(key_file))
        source = _source(given, transport, configured)
        await source.fetch()  # what IAM refuses is not kept
        keyring = await logins.keep(profile, given)
    finally:
        await transport.aclose()
    what = "The OAuth token" if key_file is None else f"The path of {given.value}"
    print(f"IAM accepts it. {what} is kept in the system keyring ({keyring}).")
    if source.notice is not None:
        print(source.notice)
    if profile:
        print(f"`%ds_profile {profile}` in a notebook switches its server to it.")
        return
    before = chain.before_login(configured_by(configured, os.environ))
    if before is None:
        print("Servers that run without other credentials use it from now on.")
    else:
        print(f"But {before.origin} goes before it, for servers that are started with these settings.")


async def _logout(configured: Settings, profile: str) -> None:
    transport = transport_of(configured)
    await transport.aclose()
    logins = logins_of(transport.endpoints)
    there = logins.find(profile) is not None
    try:
        await logins.forget(profile)
    except KeyringError as error:
        if error.code != NONE:
            raise
        there = False
    of = f"profile {profile}" if profile else "this user"
    print(f"The login of {of} is forgotten." if there else f"There is no login of {of}.")


async def _check_keyring() -> None:
    """Before anybody types a token."""
    try:
        await Keyring(SERVICE).available()
    except KeyringError as error:
        raise KeyringError(
            f"{error.message} So no login can be kept here.",
            code=error.code,
            hint=f"{error.hint or ''} Credentials can also come from {chain.OTHER_SOURCES}.".strip(),
        ) from error


def _token() -> str:
    if sys.stdin.isatty():
        print(f"Get an OAuth token at {PAGE}", file=sys.stderr)
        text = getpass.getpass("OAuth token (is not shown): ")
    else:
        text = sys.stdin.readline()
    token = text.strip()
    if not token:
        raise UsageError("No token was given.", hint=f"{PAGE} gives one.")
    if token.startswith(chain.IAM_PREFIX):
        raise UsageError(
            "That is an IAM token, which lives for some hours only.", hint=f"{PAGE} gives an OAuth token."
        )
    return token


def _path(key_file: Path) -> str:
    return str(key_file.expanduser().absolute())


def _source(given: Login, transport: Transport, configured: Settings) -> Source:
    if given.kind == "OAuth token":
        remedy = f"It lives a year and may have been revoked. {PAGE} gives a new one."
        return OAuthToken(given.value, "this terminal", transport, remedy=remedy)
    return ServiceAccountKey(
        given.value, "the command line", transport, check_mode=configured.check_key_file_mode
    )
