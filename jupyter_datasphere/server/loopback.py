"""`jupyter datasphere serve`: the extension as its own server, for kernels that Jupyter did not start."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from typing import Any

from jupyter_server.extension.application import ExtensionApp
from jupyter_server.serverapp import ServerApp
from traitlets.config import Config

from ..errors import ConflictError, UsageError
from ..runtime_files import SERVE, Presence, Seat, present
from .options import check


class LoopbackServer(ServerApp):
    """A Jupyter server that has nothing of Jupyter's own to offer: no files, no kernels, no page."""

    default_services = ()  # type: ignore[assignment] # there it has exactly thirteen
    seat: Seat

    def update_config(self, config: Config) -> None:
        # The rest of a configuration file is about the user's other server: its address, its password, …
        super().update_config(Config({name: config[name] for name in ("DataSphere",) if name in config}))

    def write_server_info_file(self) -> None:
        """Not written: `jupyter server list` names servers that show something."""

    def announce(self, presence: Presence) -> None:
        """Tell kernels and the user where we are."""
        self.seat.announce(presence)
        print(
            f"DataSphere is served to the notebooks of this user at {presence.url} (Ctrl-C ends it).",
            "In a notebook: %load_ext jupyter_datasphere",
            sep="\n",
            flush=True,
        )


def serve(port: int, options: Sequence[str]) -> None:
    """Serve until somebody interrupts or terminates it.

    `port` 0: a free one. `options`: ``--DataSphere.NAME=VALUE``. Raises `ConflictError` where it runs.
    """
    check("serve", "--port", options)
    try:
        seat = Seat(SERVE)
    except OSError as error:
        raise UsageError(
            f"Jupyter's runtime folder cannot be used: {error}.",
            hint="`jupyter --paths` shows it; the environment variable JUPYTER_RUNTIME_DIR names another.",
        ) from error
    except ConflictError as error:
        other = present(SERVE)
        where = f" at {other.url} (process {other.pid})" if other else ""
        raise ConflictError(
            f"`jupyter datasphere serve` is running already{where}.",
            hint="Notebooks find it by themselves. To start it with other settings, stop that one first.",
        ) from error
    try:
        server: LoopbackServer = _Launcher.initialize_server(  # type: ignore[no-untyped-call]
            list(options),
            ip="127.0.0.1",
            port=port,
            port_retries=0,
            open_browser=False,
            no_browser_open_file=True,
            allow_root=True,  # it runs no code
            answer_yes=True,
            log_level=logging.WARNING,
        )
        server.seat = seat
        server.start()
    finally:
        seat.leave()


class _Launcher(ExtensionApp):
    """What `ExtensionApp.initialize_server` asks of whoever wants a server for one extension only."""

    name = "jupyter_datasphere"
    serverapp_class = LoopbackServer
    load_other_extensions = False

    @classmethod
    def get_extension_package(cls) -> str:
        return "jupyter_datasphere"

    @classmethod
    def make_serverapp(cls, **traits: Any) -> LoopbackServer:
        # With a token of ours, Jupyter neither makes one nor shows it: nobody needs it.
        config = Config({"IdentityProvider": {"token": secrets.token_urlsafe(32)}})
        return LoopbackServer.instance(config=config, **traits)
