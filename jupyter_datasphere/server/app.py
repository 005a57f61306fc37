"""The Jupyter Server extension: it gives the server the routes under ``/datasphere``."""

from __future__ import annotations

import asyncio
import os
import secrets
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_server.extension.application import ExtensionApp
from jupyter_server.utils import url_path_join

from ..credentials import environment
from ..errors import ConflictError, DataSphereError
from ..executions.ledger import DAY, Ledger
from ..runtime_files import Presence, Seat
from .bus import Bus
from .desktop import Desktop
from .handlers.communities import FindCommunityHandler
from .handlers.events import EventsHandler, ManyEventsHandler
from .handlers.executions import CancelHandler, ExecutionHandler, ExecutionsHandler
from .handlers.files import FilesHandler, FileSizeHandler
from .handlers.links import LinksHandler
from .handlers.open import OpenHandler, OpenInBrowserHandler
from .handlers.operations import OperationHandler
from .handlers.passthrough import PassThroughHandler
from .handlers.profile import ProfileHandler
from .handlers.project import ProjectHandler
from .handlers.projects import FindProjectHandler, ProjectsHandler
from .handlers.quickstart import QuickstartHandler
from .handlers.status import StatusHandler
from .handlers.unknown import UnknownHandler
from .handlers.variables import VariablesHandler
from .loopback import LoopbackServer
from .settings import Settings

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

    from .backend import Backend

URL_VARIABLE = "JUPYTER_DATASPHERE_URL"
CAPABILITY_VARIABLE = "JUPYTER_DATASPHERE_TOKEN"  # IPython's %env hides names that hold TOKEN

TAKE_OVER_SECONDS = 10.0
"""How often the server looks for runs whose own server has died."""

_ID = r"([0-9a-f]{16})"
ROUTES: list[tuple[str, type[Any]]] = [
    (r"/datasphere/status", StatusHandler),
    (r"/datasphere/project", ProjectHandler),
    (r"/datasphere/projects", ProjectsHandler),
    (r"/datasphere/projects/find", FindProjectHandler),
    (r"/datasphere/communities/find", FindCommunityHandler),
    (r"/datasphere/operations/([A-Za-z0-9_-]{1,50})", OperationHandler),
    (r"/datasphere/executions", ExecutionsHandler),
    (rf"/datasphere/executions/{_ID}", ExecutionHandler),
    (rf"/datasphere/executions/{_ID}/events", EventsHandler),
    (rf"/datasphere/executions/{_ID}/cancel", CancelHandler),
    (r"/datasphere/events", ManyEventsHandler),
    (r"/datasphere/open", OpenHandler),
    (r"/datasphere/open/browser", OpenInBrowserHandler),
    (r"/datasphere/files", FilesHandler),
    (r"/datasphere/files/size", FileSizeHandler),
    (r"/datasphere/links", LinksHandler),
    (r"/datasphere/profile", ProfileHandler),
    (r"/datasphere/variables", VariablesHandler),
    (r"/datasphere/quickstart", QuickstartHandler),
    (r"/datasphere/api(/.*)", PassThroughHandler),
    (r"/datasphere(?:/.*)?", UnknownHandler),
]


class DataSphere(Settings, ExtensionApp):
    """Runs code in DataSphere for the kernels and the front end of this server."""

    name = "jupyter_datasphere"
    description = __doc__ or ""
    _seat: Seat | None = None

    def initialize_handlers(self) -> None:
        self.capability = secrets.token_urlsafe(32)
        # Kernels and terminals inherit our environment: what is secret must leave it before the first starts.
        self._credentials = dict(os.environ) if self.expose_credentials else environment.take(os.environ)
        self.handlers.extend((route, handler, {"extension": self}) for route, handler in ROUTES)

    @cached_property
    def ledger(self) -> Ledger:
        ledger = Ledger(
            Path(self.ledger_dir),
            max_age=self.ledger_max_days * DAY,
            max_bytes=self.ledger_max_megabytes * 10**6,
        )
        ledger.changes.listen(self.bus.execution)
        return ledger

    @cached_property
    def bus(self) -> Bus:
        assert self.serverapp is not None
        assert self.serverapp.event_logger is not None
        return Bus(self.serverapp.event_logger)

    @cached_property
    def backend(self) -> Backend:
        # Imports httpx and what belongs to it, which a server that is never asked does not need.
        from .backend import Backend

        return Backend(self, self.ledger, self._credentials)

    @cached_property
    def desktop(self) -> Desktop:
        assert self.serverapp is not None
        return Desktop(url_path_join(_local_url(self.serverapp), "datasphere", "open"))

    async def _start_jupyter_server_extension(self, serverapp: ServerApp) -> None:
        """Once the server listens: hand its kernels the way to us, and go on with what runs."""
        presence = Presence(
            url=url_path_join(_local_url(serverapp), "datasphere"),
            capability=self.capability,
            pid=os.getpid(),
        )
        os.environ[URL_VARIABLE] = presence.url
        os.environ[CAPABILITY_VARIABLE] = presence.capability
        self._announce(serverapp, presence)
        self._going_on = asyncio.create_task(self._go_on())

    async def _go_on(self) -> None:
        """With the runs that a server of this user left: an earlier one, or one that dies while we live."""
        while True:
            try:
                if self.ledger.unfinished():
                    self.backend.executions.resume()
                if "backend" in self.__dict__:  # a server that nobody uses takes nothing over
                    self.backend.executions.take_over()
            except DataSphereError as error:
                self.log.warning("Runs of another server cannot be followed now: %s", error)
            except Exception:  # logged whole; what is wrong with one ledger file must not end the looking
                self.log.exception("Runs of another server cannot be followed now.")
            await asyncio.sleep(TAKE_OVER_SECONDS)

    def _announce(self, serverapp: ServerApp, presence: Presence) -> None:
        """For kernels without our environment: an editor's, or those behind a wrapper that cleans it."""
        if isinstance(serverapp, LoopbackServer):
            serverapp.announce(presence)
            return
        try:
            self._seat = Seat(str(presence.pid))
            self._seat.announce(presence)
        except (OSError, ConflictError) as error:
            self.log.warning("Kernels without this server's environment will not find it: %s", error)

    async def stop_extension(self) -> None:
        if self._seat is not None:
            self._seat.leave()
        if hasattr(self, "_going_on"):
            self._going_on.cancel()
        if "desktop" in self.__dict__:
            self.desktop.close()
        if "backend" in self.__dict__:
            await self.backend.aclose()
        if "ledger" in self.__dict__:
            self.ledger.close()


def _local_url(serverapp: ServerApp) -> str:
    """Where kernels of this machine reach the server."""
    scheme = "https" if serverapp.certfile else "http"
    host = serverapp.ip
    if host in ("", "*", "0.0.0.0", "localhost"):  # noqa: S104 - compared, not bound
        host = "127.0.0.1"
    elif host == "::":
        host = "::1"
    if ":" in host:
        host = f"[{host}]"
    return url_path_join(f"{scheme}://{host}:{serverapp.port}", serverapp.base_url)
