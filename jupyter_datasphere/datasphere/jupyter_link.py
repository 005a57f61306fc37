"""The link for external IDE of a project: where its own Jupyter server is, and the token for it."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec

from ..errors import UsageError

_PAGES = ("lab", "tree", "notebooks", "doc", "edit", "login", "api", "retro", "nbclassic")
_HOME = ("127.0.0.1", "localhost", "::1")

PASTE_ANEW = "Open the project, copy its link for external IDE from the Share menu, and give that one."


class Link(msgspec.Struct, frozen=True):
    """Base URL of a Jupyter server, with a slash at its end, and the token for it, which is never shown."""

    url: str
    token: str

    def __repr__(self) -> str:
        return f"Link({self.url!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("url", self.url)]

    @classmethod
    def parse(cls, text: str) -> Link:
        """A link as it was pasted. Raises `UsageError`, which shows nothing of a token."""
        try:
            parts = urlsplit(text.strip())
            host, _ = parts.hostname, parts.port
        except ValueError:
            host = None
        if host is None or parts.scheme not in ("http", "https"):
            raise UsageError("This is no link of a Jupyter server.", code="bad-link", hint=PASTE_ANEW)
        if parts.scheme == "http" and host not in _HOME:
            raise UsageError(
                f"The link to {host} does not begin with https://: its token would travel in the clear.",
                code="bad-link",
                hint=PASTE_ANEW,
            )
        [token, *_] = parse_qs(parts.query).get("token", [""])
        if not token:
            raise UsageError(f"The link to {host} has no ?token=….", code="bad-link", hint=PASTE_ANEW)
        segments: list[str] = []
        for segment in parts.path.split("/"):
            if segment in _PAGES:
                break
            segments += [segment] if segment else []
        path = "".join(f"{segment}/" for segment in segments)
        return cls(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/{path}", token)

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc

    def with_token(self) -> str:
        """As it may be pasted: a secret."""
        return f"{self.url}?{urlencode({'token': self.token})}"
