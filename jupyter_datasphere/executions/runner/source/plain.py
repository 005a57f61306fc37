"""Capture where the kernel is not the ipykernel that we know: by replacing what Python code writes to."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from typing import Any

from .capture import Capture, Scope
from .events import MIME, encoded
from .sessions import Sessions


class PlainCapture(Capture):
    """Catches `sys.stdout`, `sys.stderr`, displays and tracebacks, and no more."""

    def __init__(self, shell: Any, sessions: Sessions, reason: str) -> None:
        super().__init__(shell, sessions)
        self.notices.append(
            "The kernel here is not one that the runner knows "
            f"({reason}): what programs, C libraries, forked processes and earlier logging handlers write "
            "is not shown, and widgets do not work."
        )
        self._publish = shell.display_pub.publish

    def begin(self) -> None:
        self._streams = (sys.stdout, sys.stderr)
        shell = self.shell
        self._saved: list[tuple[Any, str, Any]] = []
        self._shadow(shell.display_pub, "publish", self._display)
        self._shadow(shell.display_pub, "clear_output", self._clear)
        self._shadow(shell, "_showtraceback", self._error)
        self._shadow(shell, "ask_exit", self._exit)

    def _shadow(self, owner: Any, name: str, value: Callable[..., Any]) -> None:
        self._saved.append((owner, name, vars(owner).get(name)))
        setattr(owner, name, value)

    def enter(self, scope: Scope) -> None:
        self.scope = scope
        if not isinstance(sys.stdout, _Writer):
            sys.stdout, sys.stderr = _Writer(self, "stdout"), _Writer(self, "stderr")

    def end(self) -> None:
        self.scope = None
        sys.stdout, sys.stderr = self._streams
        for owner, name, previous in self._saved:
            if previous is None:
                delattr(owner, name)
            else:
                setattr(owner, name, previous)

    def publish(self, batch: bytes) -> None:
        self._publish({MIME: json.loads(batch)})

    def encode(self, content: dict[str, Any]) -> bytes:
        return encoded(json.loads(json.dumps(content, default=repr)))

    def _display(self, data: Any, metadata: Any = None, *args: Any, **options: Any) -> None:
        kind = "update_display_data" if options.get("update") else "display_data"
        content = {"data": data, "metadata": metadata or {}, "transient": options.get("transient") or {}}
        self._message(kind, content)

    def _clear(self, wait: bool = False) -> None:
        self._message("clear_output", {"wait": wait})

    def _error(self, kind: type[BaseException], error: BaseException, lines: list[str]) -> None:
        self._message("error", {"ename": kind.__name__, "evalue": str(error), "traceback": lines})

    def _message(self, kind: str, content: dict[str, Any]) -> None:
        place = self.place({})
        if place is not None:
            self.put_message(kind, content, place)

    @staticmethod
    def _exit() -> None:
        raise SystemExit


class _Writer(io.TextIOBase):
    def __init__(self, capture: PlainCapture, name: str) -> None:
        self.name = name
        self._capture = capture

    def writable(self) -> bool:
        return True

    def close(self) -> None:
        """It is shared by all sessions."""

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        place = self._capture.place({})
        if text and place is not None:
            self._capture.put(place[0], self.name, text, place[1])
        return len(text)
