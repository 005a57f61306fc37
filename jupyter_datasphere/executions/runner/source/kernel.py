"""Capture in ipykernel, by tapping its own output path. The only place that knows its private interface.

Streams, displays and results keep their objects and their ways; only their last step is another one. So
logging handlers made earlier, `Output()` widgets, output of C code and of programs (ipykernel reads file
descriptors 1 and 2 in threads of its own, which write to the same stream objects) and forked children behave
as in any other kernel, and the order of everything is the order in which it happened.
"""

from __future__ import annotations

import builtins
import getpass
import os
import sys
import threading
import uuid
from collections.abc import Callable
from os import getpid
from threading import current_thread, get_ident
from types import TracebackType
from typing import Any

from .capture import ORIGIN, Capture, Scope
from .events import MIME
from .sessions import Sessions

TAPPED = frozenset(
    {"stream", "display_data", "execute_result", "update_display_data", "clear_output", "error"}
)

MARK = "\0\x17\x16"
"""Goes through ipykernel's pipes to find out that everything before it has arrived. No end of it is a
beginning of it: so whatever comes before it cannot be taken for a part of it."""

MARK_TIMEOUT = 2.0


class KernelCapture(Capture):
    """Raises AttributeError or TypeError where this is not the ipykernel that we know."""

    def __init__(self, shell: Any, sessions: Sessions) -> None:
        kernel = shell.kernel
        self._kernel = kernel
        self._session = kernel.session
        self._pid = getpid()
        self._outer: dict[str, Any] = {}
        self._outer_ident: Any = b""
        self._send = self._session.send
        self._pack = self._session.pack
        self._sockets = (kernel.iopub_socket, getattr(kernel, "iopub_thread", None))
        self._undo: list[Callable[[], None]] = []
        self._streams = [
            _Stream(getattr(kernel, "_stdout", sys.stdout), "stdout"),
            _Stream(getattr(kernel, "_stderr", sys.stderr), "stderr"),
        ]
        self._topic = shell.display_pub.topic  # what captures output puts another publisher in its place
        for needed in (kernel.set_parent, kernel.get_parent, self._session.msg, self._topic):
            assert needed is not None
        super().__init__(shell, sessions)
        if not all(stream.watcher for stream in self._streams):
            self.notices.append(
                "This interpreter does not show what programs and C libraries write: its kernel was started "
                "so that it captures the output of Python only."
            )
        _replace(self._session, "send", self._tapped_send, self._undo)
        for stream in self._streams:
            _replace(stream.stream, "write", self._tapped_write(stream), self._undo)
            # The interpreter is shared by all sessions: none of them closes its streams.
            _replace(stream.stream, "close", _nothing, self._undo)

    def close(self) -> None:
        while self._undo:
            self._undo.pop()()
        for stream in self._streams:
            stream.close()
        super().close()

    # For the run

    def begin(self) -> None:
        kernel = self._kernel
        self._outer = kernel.get_parent("shell")
        self.last_parent = self._outer["header"]["msg_id"]
        self._outer_ident = getattr(kernel, "_parent_ident", {}).get("shell", b"")
        self._run_undo: list[Callable[[], None]] = []
        shell = self.shell
        _replace(shell, "ask_exit", self._exit, self._run_undo)
        _replace(shell, "showtraceback", self._tapped_showtraceback(shell.showtraceback), self._run_undo)
        _replace(builtins, "input", _refuse("input()"), self._run_undo)
        _replace(getpass, "getpass", _refuse("getpass()"), self._run_undo)

    def enter(self, scope: Scope) -> None:
        header = {
            **self._outer["header"],
            "msg_id": f"{uuid.uuid4().hex}_{scope.run}",
            ORIGIN: (scope.session.key, scope.run, scope.cell),
        }
        scope.header = header
        self._set_parent({**self._outer, "header": header, "msg_id": header["msg_id"]})
        self.shell._last_traceback_during_displayhook = False
        self.scope = scope

    def end(self) -> None:
        self.scope = None
        self._set_parent(self._outer)
        while self._run_undo:
            self._run_undo.pop()()
        # What the code did to the shell must not become the result of the runner's own cell.
        self.shell._last_traceback = None
        self.shell._last_traceback_during_displayhook = False
        self.shell.payload_manager.clear_payload()

    def publish(self, batch: bytes) -> None:
        message = self._session.msg("display_data", parent=self._outer)
        message["content"] = b'{"data":{"%s":%s},"metadata":{},"transient":{}}' % (MIME.encode(), batch)
        self._send(self._kernel.iopub_socket, message, ident=self._topic)

    def drain(self) -> None:
        watched = [stream for stream in self._streams if stream.watcher is not None]
        for stream in watched:
            stream.mark()
        for stream in watched:
            if not stream.marked.wait(MARK_TIMEOUT):
                stream.watcher = None
                self.notices.append(
                    f"What programs and C libraries write to {stream.name} is no longer shown: "
                    "the kernel has stopped reading it."
                )

    def payloads(self) -> list[dict[str, Any]]:
        manager = self.shell.payload_manager
        payloads: list[dict[str, Any]] = manager.read_payload()
        manager.clear_payload()
        return payloads

    def encode(self, content: dict[str, Any]) -> bytes:
        try:
            packed: bytes = self._pack(content)
            packed.decode("utf-8")
        except UnicodeError:  # half a surrogate pair
            packed = self._pack(_scrubbed(content))
        return packed

    # The taps

    def _tapped_send(
        self,
        stream: Any,
        msg_or_type: Any,
        content: Any = None,
        parent: Any = None,
        *args: Any,
        **options: Any,
    ) -> Any:
        whole = isinstance(msg_or_type, dict)
        kind = msg_or_type["header"]["msg_type"] if whole else msg_or_type
        if kind in TAPPED and any(stream is socket for socket in self._sockets) and getpid() == self._pid:
            message = msg_or_type if whole else self._session.msg(kind, content=content, parent=parent)
            place = self.place(message["parent_header"])
            if place is not None:
                self.put_message(kind, message["content"], place)
                return message
        return self._send(stream, msg_or_type, content, parent, *args, **options)

    def _tapped_write(self, tap: _Stream) -> Callable[[str], int | None]:
        stream, name, pid, main = tap.stream, tap.name, self._pid, self._main
        courier, meter = self.courier, self.meter

        def write(text: str) -> int | None:
            if getpid() != pid:
                return tap.write_in_child(text)
            scope = self.scope
            if (  # the way of nearly every print, and therefore short
                scope is not None
                and get_ident() == main
                and scope.held is None
                and stream.parent_header is scope.header
                and type(text) is str
            ):
                if text:
                    scope.outbox.append((name, text, scope.cell))
                    if courier.idle:
                        courier.ring()
                    meter.room -= len(text)
                    if meter.room < 0:
                        meter.rest()
                return len(text)
            return self._write(tap, text)

        return write

    def _write(self, tap: _Stream, text: Any) -> int | None:
        if not isinstance(text, str):
            return tap.original(text)  # raises
        length, marked = len(text), False
        if current_thread() is tap.watcher:
            text, marked = tap.unmarked(text)
        place = self.place(tap.stream.parent_header, left_behind=True)
        if text and place is not None:
            self.put(place[0], tap.name, text, place[1])
        elif text:
            tap.original(text)
        if marked:
            tap.marked.set()
        return length

    def _tapped_showtraceback(self, original: Callable[..., None]) -> Callable[..., None]:
        def showtraceback(exc_tuple: Any = None, *args: Any, **options: Any) -> None:
            _, error, trace = exc_tuple or sys.exc_info()
            if error is not None and trace is not None:
                error = self.shown_as(error)
                trace = _without_runner(trace) or trace
                error.__traceback__ = trace
                exc_tuple = (type(error), error, trace)
            original(exc_tuple, *args, **options)

        return showtraceback

    def _exit(self) -> None:
        code = self.shell.keepkernel_on_exit  # where ipykernel puts the argument of exit()
        self.shell.keepkernel_on_exit = None
        raise SystemExit(*([] if code in (None, False) else [code]))

    def _set_parent(self, parent: dict[str, Any]) -> None:
        self._kernel.set_parent(self._outer_ident, parent)
        for stream in self._streams:  # sys.stdout may be another one by now
            stream.stream.set_parent(parent)


class _Stream:
    """One of ipykernel's two output streams."""

    def __init__(self, stream: Any, name: str) -> None:
        self.stream = stream
        self.name = name
        self.original: Callable[[str], int | None] = stream.write
        stream.set_parent, stream.parent_header  # noqa: B018 - is this a stream that we know?
        watcher = getattr(stream, "watch_fd_thread", None)
        self.watcher: threading.Thread | None = watcher if watcher and watcher.is_alive() else None
        self.marked = threading.Event()
        self._pending = ""
        # Our own copy: where the user's code redirects the descriptor, marks must not follow.
        self._descriptor: int | None = getattr(stream, "_original_stdstream_fd", None)
        self._pipe: int | None = None
        if self.watcher is not None and self._descriptor is not None:
            self._pipe = os.dup(self._descriptor)

    def close(self) -> None:
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None

    def mark(self) -> None:
        assert self._pipe is not None
        self.marked.clear()
        os.write(self._pipe, MARK.encode())

    def unmarked(self, text: str) -> tuple[str, bool]:
        """What the watching thread read, without a mark, and whether there was one.

        What may be the beginning of a mark is held back.
        """
        text = self._pending + text
        before, mark, after = text.partition(MARK)
        if mark:
            self._pending = ""
            return before + after, True
        start = text.rfind(MARK[0])
        cut = start if start >= 0 and MARK.startswith(text[start:]) else len(text)
        self._pending = text[cut:]
        return text[:cut], False

    def write_in_child(self, text: str) -> int | None:
        """In a forked process: the pipe leads to the parent, where the watching thread reads it."""
        if self._descriptor is None or not isinstance(text, str):
            return self.original(text)
        data = memoryview(text.encode("utf-8", "replace"))
        while data:
            data = data[os.write(self._descriptor, data) :]
        return len(text)


def _replace(owner: Any, name: str, value: Any, undo: list[Callable[[], None]]) -> None:
    """Set an attribute so that it can be undone; on objects, shadow the one of the class."""
    if name in vars(owner):
        previous = vars(owner)[name]
        undo.append(lambda: setattr(owner, name, previous))
    else:
        undo.append(lambda: delattr(owner, name))
    setattr(owner, name, value)


def _nothing() -> None:
    pass


def _refuse(what: str) -> Callable[..., str]:
    def refuse(*args: Any, **options: Any) -> str:
        raise sys.modules["IPython.core.error"].StdinNotImplementedError(
            f"{what} cannot ask anybody: this code runs in the cloud, without a keyboard. "
            "Pass the value as an input variable instead."
        )

    return refuse


def _without_runner(trace: TracebackType | None) -> TracebackType | None:
    """A traceback without the frames of this package."""
    package = __name__.rpartition(".")[0]
    entries = []
    while trace is not None:
        if not str(trace.tb_frame.f_globals.get("__name__", "")).startswith(package):
            entries.append(trace)
        trace = trace.tb_next
    cleaned = None
    for entry in reversed(entries):
        cleaned = TracebackType(cleaned, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return cleaned


def _scrubbed(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {_scrubbed(key): _scrubbed(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_scrubbed(item) for item in value]
    return value
