"""The pages of the extension: what little they hold, and what a browser may do with them."""

from __future__ import annotations

import html
import secrets
from typing import NamedTuple

from ..protocol import Problem, ProjectInfo
from .opening import Opened

HTML = "text/html; charset=utf-8"

_STYLE = "body{font:1rem sans-serif;margin:3rem auto;max-width:40rem;padding:0 1rem}button{font:inherit}"


class Page(NamedTuple):
    """A page, and the headers that it needs."""

    text: str
    headers: dict[str, str]


def ask(project: ProjectInfo, action: str, xsrf: str) -> Page:
    """Asks whether to open a project: nothing is opened by looking at it."""
    fields = _hidden("project", project.id) + _hidden("_xsrf", xsrf)
    body = (
        f"<p>Open the project <b><bdi>{_text(project.name)}</bdi></b> ({_text(project.id)}) in DataSphere?"
        " Its machine may start, which costs units.</p>"
        f'<form method="post" action="{_text(action)}">{fields}<button autofocus>Open</button></form>'
    )
    # The form is sent from here to here: with no referrer at all, its origin would be nobody's.
    return _page("Open a project", body, form_action="'self'", referrer="same-origin")


def send(opened: Opened) -> Page:
    """Sends the session token to the project's page at once."""
    body = (
        f'<form id="send" method="post" action="{_text(opened.url)}">'
        f"{_hidden('sessionToken', opened.token)}<button>Go to the project</button></form>"
    )
    return _page("Opening the project", body, script=_SUBMIT, form_action=opened.origin)


def start(action: str, ticket: str) -> str:
    """A file that a browser opens without being logged in here: it sends a ticket that is good once."""
    body = (
        f'<form id="send" method="post" action="{_text(action)}">'
        f"{_hidden('ticket', ticket)}<button>Open the project</button></form>"
        "<p>The project is being opened; this may take some minutes.</p>"
    )
    return _page("Opening the project", body, script=_SUBMIT, form_action="*").text


def trouble(problem: Problem) -> Page:
    """What kept a page from being shown."""
    words = [problem.title, problem.hint, problem.request_id and f"Request ID: {problem.request_id}"]
    return _page("DataSphere", "".join(f"<p>{_text(word)}</p>" for word in words if word))


_SUBMIT = 'document.getElementById("send").submit()'


def _page(
    title: str, body: str, *, script: str = "", form_action: str = "'none'", referrer: str = "no-referrer"
) -> Page:
    nonce = secrets.token_urlsafe(16)
    allowed = f"'nonce-{nonce}'"
    policy = [
        "default-src 'none'",
        f"style-src {allowed}",
        f"script-src {allowed if script else chr(39) + 'none' + chr(39)}",
        f"form-action {form_action}",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
    if script:
        body += f'<script nonce="{nonce}">{script}</script>'
    text = (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{_text(title)}</title>'
        f'<meta name="referrer" content="{referrer}"><style nonce="{nonce}">{_STYLE}</style></head>'
        f"<body><h1>{_text(title)}</h1>{body}</body></html>\n"
    )
    headers = {
        "Content-Security-Policy": "; ".join(policy),
        "Referrer-Policy": referrer,
        "Cache-Control": "no-store",
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
    }
    return Page(text, headers)


def _hidden(name: str, value: str) -> str:
    return f'<input type="hidden" name="{name}" value="{_text(value)}">'


def _text(text: str) -> str:
    return html.escape(text)
