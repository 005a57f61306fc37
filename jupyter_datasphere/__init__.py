"""A Yandex DataSphere project inside the JupyterLab that is already open.

Only the hooks that Jupyter and IPython call are here, and nothing heavy is imported before they are called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from .resources.async_connection import AsyncConnection
    from .resources.connection import Connection

__version__ = "0.1.0"


def connect(*, timeout: float = 120.0) -> Connection:
    """Communities, projects and runs from Python, through the server that this process belongs to.

    ``connect().project("demo-project").execute("print(6 * 7)").wait().text``

    `timeout`: seconds for which a change (a role given, a project created) is waited for. What all calls
    raise says `Connection`. Raises `UnavailableError` (code "no-server") where there is no server: neither
    has one started this kernel or terminal, nor does ``jupyter datasphere serve`` run.
    """
    from .resources.connection import Connection

    return Connection(timeout=timeout)


def connect_async(*, timeout: float = 120.0) -> AsyncConnection:
    """The same for code that awaits: ``async with connect_async() as c: await c.projects()``."""
    from .resources.async_connection import AsyncConnection

    return AsyncConnection(timeout=timeout)


def load_ipython_extension(shell: InteractiveShell) -> None:
    """``%load_ext jupyter_datasphere``: registers the magics."""
    from .kernel.magics import load

    load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """``%unload_ext jupyter_datasphere``: removes the magics; `%load_ext` works again afterwards."""
    from .kernel.magics import unload

    unload(shell)


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    """Where JupyterLab's tools find the built front end, for an editable install."""
    return [{"src": "labextension", "dest": "jupyter-datasphere"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    """What Jupyter Server asks of a package that holds a server extension."""
    from .server.app import DataSphere

    return [{"module": "jupyter_datasphere.server.app", "app": DataSphere}]
