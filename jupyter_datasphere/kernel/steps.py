"""What is asked of the server, without the asking: one piece of code for those who wait and those who await.

A generator gives an `Ask` or a `Pause` at a time, and is told what came of it: the answer or, raised where it
waits, the error. `run` does so with a `Link`; the asynchronous twin is `resources.async_link`.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from .answers import DisconnectedError, RefusedError, UnreachableError
from .interrupts import interruptible
from .link import Link
from .tries import Tries

T = TypeVar("T")


@dataclass(frozen=True)
class Ask:
    """A request to the server; `path` begins after its base URL, `answer` is the type of what it answers."""

    verb: str
    path: str
    answer: type[Any]
    params: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None

    def request(self) -> dict[str, Any]:
        """Its parts as httpx names them."""
        return {"params": self.params, "headers": self.headers, "content": self.content}


@dataclass(frozen=True)
class Pause:
    """Seconds to wait before going on."""

    seconds: float


Steps: TypeAlias = Generator[Ask | Pause, Any, T]


def run(link: Link, steps: Steps[T]) -> T:
    """Take the steps one after another, blocking. Raises what they raise; an interrupt ends them."""
    with closing(steps), interruptible():
        try:
            step = next(steps)
            while True:
                try:
                    done = _take(link, step)
                except Exception as error:  # noqa: BLE001 - theirs to handle, or to raise
                    step = steps.throw(error)
                else:
                    step = steps.send(done)
        except StopIteration as end:
            result: T = end.value
            return result


def _take(link: Link, step: Ask | Pause) -> Any:
    if isinstance(step, Pause):
        time.sleep(step.seconds)
        return None
    return link.call(step.verb, step.path, step.answer, **step.request())


def persistent(step: Ask) -> Steps[Any]:
    """The answer, across connections that break: only for what may be asked twice without harm.

    Raises at once where there is no server, and after a minute where it stays away.
    """
    tries = Tries()
    while True:
        try:
            return (yield step)
        except (DisconnectedError, UnreachableError, RefusedError) as error:
            if tries.none_failed and not isinstance(error, DisconnectedError):
                raise
            seconds = tries.pause()
            if seconds is None:
                raise
        yield Pause(seconds)
