"""A Yandex DataSphere project inside the JupyterLab that is already open.

Only the hooks that Jupyter and IPython call are here, and nothing heavy is imported before they are called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__version__ = "0.1.0"


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
