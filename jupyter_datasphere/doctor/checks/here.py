"""What is on this machine: the package, the ledger's folder, the keyring."""

from __future__ import annotations

import os
import platform
import shutil
from importlib.metadata import version
from pathlib import Path

from ... import __version__
from ...credentials.keyrings import Keyring
from ...errors import KeyringError
from ...executions.links import SERVICE
from ..finding import Case, Check, Finding

LITTLE_SPACE = 200 * 10**6
"""Bytes; runs wait when the disk is full."""


async def package(case: Case) -> list[Finding]:
    found = (
        f"jupyter-datasphere {__version__}, Python {platform.python_version()} on {platform.system()}, "
        f"jupyter_server {version('jupyter_server')}"
    )
    return [Finding("Package", "ok", found)]


async def ledger(case: Case) -> list[Finding]:
    """Asked of the operating system: nothing is written."""
    folder = Path(case.settings.ledger_dir)
    there = _existing(folder)
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        remedy = "Name another folder in DataSphere.ledger_dir: without it no run is started."
        return [Finding("Ledger", "fail", f"{there} is no folder that can be written.", remedy)]
    free = shutil.disk_usage(there).free
    found = f"{folder} can be written, {free / 1e9:,.1f} GB are free."
    if free < LITTLE_SPACE:
        return [Finding("Ledger", "warn", found, "Make room: runs wait when the disk is full.")]
    return [Finding("Ledger", "ok", found)]


async def keyring(case: Case) -> list[Finding]:
    try:
        name = await Keyring(SERVICE).available()
    except KeyringError as error:
        found = f"{error.message} Links are kept in the server's memory only, and logins not at all."
        return [Finding("Keyring", "warn", found, error.hint)]
    return [Finding("Keyring", "ok", f"{name} keeps links and logins.")]


def _existing(folder: Path) -> Path:
    """The folder, or the one that it would be made in."""
    return next((path for path in (folder, *folder.absolute().parents) if path.exists()), Path("/"))


CHECKS = (Check("Package", package), Check("Ledger", ledger), Check("Keyring", keyring))
