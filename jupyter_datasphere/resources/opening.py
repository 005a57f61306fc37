"""Opening a project in the browser, without its session token passing through here."""

from __future__ import annotations

import html
from urllib.parse import quote, urlsplit

import msgspec

from ..kernel.steps import Ask, Steps
from ..kernel.tables import visible
from ..protocol import OpenRequest, ProjectInfo


def in_browser(project_id: str) -> Steps[None]:
    """Have the browser of the server's desktop open it; raises `ConflictError` (code "no-browser")."""
    headers = {"Content-Type": "application/json"}
    content = msgspec.json.encode(OpenRequest(project_id))
    yield Ask("POST", "/open/browser", ProjectInfo, headers=headers, content=content)


def link_to(url: str, project: ProjectInfo) -> dict[str, str]:
    """A MIME bundle: the page of the server at `url` that opens the project.

    Without a host in HTML, since the browser may know the server by another one, through a tunnel for
    example.
    """
    page = f"{url}/open?project={quote(project.id, safe='')}"
    parts = urlsplit(page)
    text = f"Open project {visible(project.name)}"
    return {
        "text/plain": f"{text}: {page}",
        "text/html": f'<a href="{html.escape(f"{parts.path}?{parts.query}")}" target="_blank"'
        f' rel="noopener noreferrer">{html.escape(text)}</a>',
    }
