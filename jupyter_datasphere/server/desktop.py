"""The browser of the desktop that this server runs on, for those who have no page of Jupyter open.

It is handed a file that only this user can read, and that is gone once it was used, or after a minute. In it
is a *ticket*: a secret that is good once, for a minute, to open one project. So nothing secret is in an
address, in a process's arguments or in a notebook.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
import sys
import threading
import time
import webbrowser
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from jupyter_core.paths import jupyter_runtime_dir

from ..errors import ConflictError
from . import pages

TICKET_SECONDS = 60.0
STARTING_SECONDS = 5.0
"""How long a browser is waited for that says whether it could be started; most go on running instead."""


class _Ticket(NamedTuple):
    """What a ticket is good for, until when, and the file in which it is."""

    project_id: str
    until: float
    file: Path


class Desktop:
    """One per server. `url`: where the ticket is sent."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._tickets: dict[bytes, _Ticket] = {}
        """By their digests."""

    def take(self, ticket: str) -> str | None:
        """The ID of the project that a ticket opens, which is used up then; None for one that is no good."""
        good = self.knows(ticket)
        taken = self._forget(_digest(ticket))
        return taken.project_id if good and taken is not None else None

    def knows(self, ticket: str) -> bool:
        known = self._tickets.get(_digest(ticket))
        return known is not None and time.monotonic() < known.until

    async def open(self, project_id: str) -> None:
        """Have the browser open a project. Raises `ConflictError` (code "no-browser") where there is none."""
        browser = _browser()
        ticket = secrets.token_urlsafe(32)
        file = _write(pages.start(self._url, ticket))
        until = time.monotonic() + TICKET_SECONDS
        self._tickets[_digest(ticket)] = _Ticket(project_id, until, file)
        asyncio.get_running_loop().call_later(TICKET_SECONDS, self._forget, _digest(ticket))
        if not await _started(lambda: browser.open(file.as_uri(), new=2)):
            self._forget(_digest(ticket))
            raise _no_browser("The browser of this desktop could not be started.")

    def close(self) -> None:
        """Leave nothing behind."""
        for digest in list(self._tickets):
            self._forget(digest)

    def _forget(self, digest: bytes) -> _Ticket | None:
        ticket = self._tickets.pop(digest, None)
        if ticket is not None:
            ticket.file.unlink(missing_ok=True)
        return ticket


def _write(text: str) -> Path:
    """A file with that text, for this user alone."""
    file = Path(jupyter_runtime_dir()) / f"datasphere-open-{secrets.token_hex(8)}.html"
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(text)
    return file


def _browser() -> webbrowser.BaseBrowser:
    on_screen = sys.platform in ("darwin", "win32") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    )
    if not on_screen:  # else one that shows text would take the server's terminal
        raise _no_browser("The server has no desktop with a browser.")
    try:
        return webbrowser.get()
    except webbrowser.Error:
        raise _no_browser("The server has found no browser on its desktop.") from None


async def _started(start: Callable[[], bool]) -> bool:
    """Whether a browser took the file, as far as it says so: some end only when their window is closed."""
    outcome: Future[bool] = Future()

    def run() -> None:
        try:
            started = start()
        except OSError:
            started = False
        with suppress(InvalidStateError):  # nobody waits any more
            outcome.set_result(started)

    # A thread that nobody waits for in the end: it may last as long as the browser does.
    threading.Thread(target=run, daemon=True, name="browser").start()
    try:
        return await asyncio.wait_for(asyncio.wrap_future(outcome), STARTING_SECONDS)
    except TimeoutError:
        return True


def _no_browser(message: str) -> ConflictError:
    return ConflictError(
        message,
        code="no-browser",
        hint="In JupyterLab %ds_open shows a link. Elsewhere open the project by the page of DataSphere.",
    )


def _digest(ticket: str) -> bytes:
    return hashlib.sha256(ticket.encode()).digest()
