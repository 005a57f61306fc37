"""Whether what a magic returns goes anywhere, as in ``h = %ds_execute report.ipynb``."""

from __future__ import annotations

import dis
import sys

_INTERNAL = ("IPython.", __name__.partition(".")[0] + ".")

_DROPPED = {"POP_TOP", "PRINT_EXPR", "CALL_INTRINSIC_1"}
"""What Python does next with a value that is a whole statement: it throws it away or, at the end of a cell,
shows it (by the second name in Python 3.11, by the third in later ones)."""


def value_is_kept() -> bool:
    """Called in a magic: whether the user's code that called it does something with the value.

    A run that was shown must not be shown once more because its magic is the last line of a cell.
    """
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(_INTERNAL):
        frame = frame.f_back
    following = (step for step in dis.get_instructions(frame.f_code) if step.offset > frame.f_lasti)
    return next(following).opname not in _DROPPED
