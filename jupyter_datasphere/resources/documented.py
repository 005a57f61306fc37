"""The documentation of a class for that of its asynchronous twin."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

C = TypeVar("C", bound=type)


def documented(twin: type) -> Callable[[C], C]:
    """Give each method without words of its own those of the twin's: the same, to be awaited."""

    def document(kind: C) -> C:
        for name, method in vars(kind).items():
            other = getattr(twin, name, None)
            if not name.startswith("_") and callable(method) and method.__doc__ is None and other is not None:
                method.__doc__ = other.__doc__
        return kind

    return document
