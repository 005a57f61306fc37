"""`jupyter datasphere link`: gives the servers of this user the link to a project's own Jupyter server.

The link holds a token: it is read from the terminal without an echo, and goes to the servers only.
"""

from __future__ import annotations

import getpass
import sys

from .errors import UnavailableError, UsageError
from .kernel.address import Address
from .kernel.discovery import SERVE_COMMAND, Discovery
from .kernel.link import Link
from .kernel.problems import error_from
from .protocol import LinkedProject
from .runtime_files import SERVE, jupyter_servers, present


def give(project: str) -> None:
    """Ask for the link, and give it to every server that runs. Raises what keeps a server from taking it."""
    servers = _servers()
    text = (
        getpass.getpass("Link for external IDE (is not shown): ")
        if sys.stdin.isatty()
        else sys.stdin.readline()
    )
    if not text.strip():
        raise UsageError("No link was given.", hint="Paste the one that the project's Share menu shows.")
    for server in servers:
        linked = server.give_link(project, text)
        print(f"{server.describe()}: project {linked.name} is linked to {linked.host}. {_kept(linked)}")


def forget(project: str) -> None:
    """Have the link forgotten by every server that runs."""
    for server in _servers():
        linked = server.forget_link(project)
        print(f"{server.describe()}: project {linked.name} is not linked any more.")
        if linked.problem is not None:
            print(f"The system keyring may still have the link. {error_from(linked.problem)}")


def _kept(linked: LinkedProject) -> str:
    if linked.problem is None:
        return f"The link is kept in the system keyring ({linked.keyring})."
    return f"The link is in that server's memory only, until it ends. {error_from(linked.problem)}"


def _servers() -> list[Link]:
    addresses = [
        Address(
            found.url, found.capability, of=f"`{SERVE_COMMAND}`" if name == SERVE else "the Jupyter server"
        )
        for name in (*map(str, jupyter_servers()), SERVE)
        if (found := present(name)) is not None
    ]
    servers = [Link(Discovery(address)) for address in addresses]
    if not servers:
        raise UnavailableError(
            "No server of yours is running that could take a link.",
            hint=f"Start JupyterLab with the extension, or `{SERVE_COMMAND}`, first.",
        )
    return servers
