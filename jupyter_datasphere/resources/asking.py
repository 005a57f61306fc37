"""A question to whoever sits before the notebook, where there is somebody."""

from __future__ import annotations

import sys

from IPython.core.error import StdinNotImplementedError

from ..errors import UsageError


def agreed(question: str, magic: str) -> bool:
    """Ask, and tell whether the answer is yes.

    Raises `UsageError` (code "nobody-to-ask") where nobody can be.
    """
    sys.stdout.flush()
    try:
        answer = input(f"{question} [y/N] ")
    except (StdinNotImplementedError, EOFError):
        raise UsageError(
            f"{magic} asks before it changes something, and nobody can be asked here: nothing was changed.",
            code="nobody-to-ask",
            hint=f"{magic} … --yes does not ask.",
        ) from None
    return answer.strip().lower() in ("y", "yes")
