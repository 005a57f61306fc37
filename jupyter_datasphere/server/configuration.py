"""The settings as `jupyter datasphere serve` reads them, without a server."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from jupyter_core.application import JupyterApp

from . import options as known
from .settings import Settings

FILES = ("jupyter_jupyter_datasphere_config", "jupyter_server_config")
"""In the order of reading: that of the extension, then that of the server."""


class DataSphere(Settings, JupyterApp):
    """Its name is the section of the configuration files."""

    name = "jupyter_datasphere"
    description = __doc__


def settings(command: str, own: str, options: Sequence[str]) -> Settings:
    """From the configuration files, the environment and the command line. Raises `UsageError`.

    `command` and its `own` options in words are for the error.
    """
    known.check(command, own, options)
    app = DataSphere(log_level=logging.WARNING)
    for name in FILES:
        app.config_file_name = name
        app.load_config_file()
    app.parse_command_line(list(options))
    return app
