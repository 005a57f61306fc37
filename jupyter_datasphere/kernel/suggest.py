"""The nearest words to a mistyped one."""

from __future__ import annotations

from collections.abc import Iterable


def did_you_mean(word: str, words: Iterable[str]) -> str | None:
    """``"Did you mean a or b?"``, or None when nothing is near."""
    from difflib import get_close_matches

    near = get_close_matches(word, [known for known in words if known != word], n=3, cutoff=0.6)
    return f"Did you mean {' or '.join(near)}?" if near else None
