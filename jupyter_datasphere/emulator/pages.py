"""Pages of lists: a token names the place after which the next page begins, and the list it belongs to."""

from __future__ import annotations

import base64
import binascii
import hashlib

from .errors import invalid

DEFAULT_PAGE = 100


def page_token(number: int, *question: str) -> str:
    """The token of the page after that number. `question`: what was asked, filters and all."""
    return base64.urlsafe_b64encode(f"{number}:{_mark(question)}".encode()).decode()


def position(token: str, *question: str) -> int:
    """The number after which a page begins. Code 3 for no token, and for one of another question."""
    if not token:
        return 0
    try:
        number, _, of = base64.urlsafe_b64decode(token.encode()).decode().partition(":")
        place = int(number)
    except (ValueError, binascii.Error):
        raise invalid("pageToken", "not a token of a list") from None
    if of != _mark(question):  # with other filters it would skip or repeat
        raise invalid("pageToken", "a token of another list")
    return place


def _mark(question: tuple[str, ...]) -> str:
    return hashlib.sha256("\0".join(question).encode()).hexdigest()[:16]
