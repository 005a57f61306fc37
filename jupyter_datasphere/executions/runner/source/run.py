"""One run, from its request to its last event."""

from __future__ import annotations

import asyncio
import os
import platform
import sys
import threading
import traceback
from typing import Any

from . import notebooks
from .capture import Capture, Scope
from .cell import OwnCell
from .events import Delivery, encoded, event, output
from .interrupts import Interrupts
from .kernel import KernelCapture
from .plain import PlainCapture
from .request import BrokenRequest, broken, decode, in_file, take
from .sessions import STORE, Frame, Session, Sessions
from .values import NotJSON, json_value, state, summary
from .ways import Files, Way

STATE = "jupyter_datasphere_state"
"""Name of the variable, in the runner notebook's own namespace, that shows the sessions' variables."""

LATE = "What follows was written after the end of an earlier run of this session."

STILL_ON = "These threads were still on when the run ended: {}. {}"

UNDELIVERABLE = "OutputLost"
ROOM = "Make room in the project (its files, or the output of this code), and run it again."
"""The failure of a run whose events find no room."""

ENVIRONMENT_SIZE = 100 * 1024
"""Bytes of an input that is small enough to be an environment variable too."""

PROCESS = os.getpid()


class Interpreter:
    """What the runs of an interpreter share."""

    def __init__(self, shell: Any, version: str) -> None:
        self.shell = shell
        self.version = version
        kept = sys.modules.get(STORE)
        for previous in getattr(kept, "taps", ()):  # of another version
            previous.close()
        self.sessions = Sessions()
        try:
            self.capture: Capture = KernelCapture(shell, self.sessions)
        except (AttributeError, TypeError, AssertionError) as error:
            self.capture = PlainCapture(shell, self.sessions, str(error))
        self.cell = OwnCell(shell, version)
        self._taps = vars(sys.modules[STORE])["taps"] = (self.capture, self.cell)

    @property
    def in_charge(self) -> bool:
        """Whether outputs are caught by this one, and not by one of another version."""
        return vars(sys.modules[STORE]).get("taps") is self._taps


_interpreter: Interpreter | None = None


def interpreter_of(shell: Any, version: str) -> Interpreter:
    """The one of this process; made anew where another version took over since."""
    global _interpreter
    if _interpreter is None or not _interpreter.in_charge:
        _interpreter = Interpreter(shell, version)
    return _interpreter


async def run(shell: Any, version: str) -> None:
    """What the runner notebook's cell awaits: do what the environment asks for.

    Raises only where nothing of a run can be told: its files cannot be written.
    """
    strings = take(os.environ)
    if strings is not None:
        interpreter_of(shell, version)
    if _interpreter is not None:
        _interpreter.cell.forget()
    if strings is None or _interpreter is None:
        print("This notebook is executed by jupyter-datasphere. Run by hand, it has nothing to do.")
        return
    await Run(_interpreter, _way(_interpreter, strings)).execute()


def _way(interpreter: Interpreter, strings: dict[str, str]) -> Way:
    if in_file(strings):
        return Files(strings, interpreter.sessions.home)
    try:
        return Way(interpreter.capture.publish, decode(strings))
    except BrokenRequest as error:
        return Way(interpreter.capture.publish, broken(strings.get("RUN", ""), error))


class Stop(Exception):
    """The run ends here; what there is to say about it has been said."""


class Run:
    """One run."""

    def __init__(self, interpreter: Interpreter, way: Way) -> None:
        request = way.request
        self._interpreter = interpreter
        self._way = way
        self._shell = interpreter.shell
        self._capture = interpreter.capture
        self._sessions = interpreter.sessions
        self._request = request
        anew = request.kind == "notebook" and request.session is None
        key = request.session or (f"notebook:{request.path}" if anew else "main")
        self._session: Session = self._sessions.use(key, anew=anew)
        self.delivery = Delivery(request.run, self._session.outbox, way.publish)
        self._interrupts = Interrupts()
        way.attach(self._session, self._shell, self._interrupts, self._tell)
        self.status = "ok"

    async def execute(self) -> None:
        """Run, and send all events."""
        outer = Frame(self._shell)
        threads = set(threading.enumerate())
        self._capture.begin()
        self._open()
        try:
            with self._interrupts:
                await self._interrupts.begin()
                try:
                    self._enter()
                    await self._work()
                finally:
                    self._leave(outer, threads)
                await self._interrupts.settle()
        except BaseException as error:  # noqa: BLE001 - the run must come to an end that can be seen
            self._fail(
                type(error).__name__,
                f"The runner itself failed: {error}",
                traceback.format_exception(type(error), error, error.__traceback__),
            )
        self._close(outer)

    def _open(self) -> None:
        notices = [*self._capture.notices]
        self._capture.notices.clear()
        late = LATE
        if self._session.dropped:
            late += f" {self._session.dropped:,} pieces before it were dropped."
            self._session.dropped = 0
        self.delivery.open(
            event(
                "started",
                runner=self._interpreter.version,
                python=platform.python_version(),
                fresh=self._session.frame is None and not self._way.keeps_sessions,
            ),
            *(event("notice", text=text) for text in notices),
            late=late,
        )
        self._capture.courier.delivery = self.delivery
        self._capture.courier.ring()

    def _close(self, outer: Frame) -> None:
        outer.shell["user_ns"][STATE] = state(self._sessions.summaries())
        if self._interrupts.arrived:
            self.status = "aborted"
        try:
            self._way.show()
            self._capture.courier.delivery = None
            self.delivery.close(event("finished", status=self.status))
            if self.delivery.lost:
                text = f"The output of this run is not complete: {self.delivery.lost}. {ROOM}"
                line = f"{UNDELIVERABLE}: {text}"
                failure = event("failure", ename=UNDELIVERABLE, evalue=text, traceback=[line])
                end = event("finished", status="error")
                self._way.last_words(self.delivery.last_words(failure, end))
        finally:
            self._way.close()

    def _enter(self) -> None:
        if self._session.frame is None:
            self._session.frame = Frame(self._shell)
            self._session.frame.fresh(self._shell, self._sessions.home)
        else:
            self._session.frame.restore(self._shell)
        self._capture.shown_as = self._shown_as
        self._begin_cell(None)

    def _leave(self, outer: Frame, threads: set[threading.Thread]) -> None:
        self._interrupts.open = False
        self._sessions.claim(self._session.key, threads)
        on = [thread.name for thread in set(threading.enumerate()) - threads if not thread.daemon]
        if on:
            self._tell(STILL_ON.format(", ".join(sorted(on)), self._way.threads_later))
        self._capture.end()
        self._session.frame = Frame(self._shell)
        self._session.summary = summary(self._shell.user_ns, self._shell.user_ns_hidden)
        outer.restore(self._shell)

    def _begin_cell(self, index: int | None) -> None:
        self._capture.enter(Scope(self._session, self._request.run, index))

    # The work

    async def _work(self) -> None:
        request = self._request
        if request.kind == "broken":
            self._fail("BrokenRequest", request.code, [f"BrokenRequest: {request.code}"])
            return
        await self._way.restore()
        self._shell.user_ns.update(request.inputs)
        added = _environment_of(request.inputs)
        os.environ.update(added)
        try:
            if request.kind == "code":
                await self._cell(request.code)
            else:
                await self._notebook()
        except Stop:
            pass
        finally:
            for name in added:
                os.environ.pop(name, None)
        self._variables()
        self._way.keep()

    async def _notebook(self) -> None:
        try:
            stored = notebooks.read(self._request.path, self._sessions.home)
        except (OSError, notebooks.NotebookError) as error:
            name = type(error).__name__
            self._fail(name, str(error), [f"{name}: {error}"])
            raise Stop from error
        self._put(event("notebook", content=stored.content, left_out=stored.left_out))
        total = len(stored.cells)
        for index, cell in enumerate(stored.cells):
            if cell.skipped:
                continue
            self._begin_cell(index)
            self._put(event("cell", index=index, total=total, cell_id=cell.cell_id, title=cell.title[:200]))
            await self._cell(cell.source, cell.may_raise)
            if cell.parameters:  # as papermill does it: what is given comes after the defaults
                self._shell.user_ns.update(self._request.inputs)

    async def _cell(self, source: str, may_raise: bool = False) -> None:
        """Run one cell as IPython does. Raises `Stop` if the run ends with it."""
        result = None
        error: BaseException | None = None
        try:
            result = await self._run_code(source)
            error = result.error_before_exec or result.error_in_exec
        except (KeyboardInterrupt, asyncio.CancelledError, Exception) as trouble:  # noqa: BLE001
            # An interrupt just before or after the code; or IPython failed at an odd exception of the code's.
            error = trouble
        self._interrupts.open = False
        if os.getpid() != PROCESS:
            os._exit(0)  # a forked child that came to the end of the code: it must not go on as a second us
        failed = self._settle_error(error, may_raise)
        self._shell.events.trigger("post_execute")  # shows inline plots
        self._shell.events.trigger("post_run_cell", result)
        self._put_error(self._capture.take_error())
        self._show_payloads()
        self._capture.drain()
        if failed or self._interrupts.arrived:
            raise Stop

    async def _run_code(self, source: str) -> Any:
        """IPython's result of running the code."""
        self._interrupts.open = True
        if self._interrupts.arrived:
            raise KeyboardInterrupt
        transformed, trouble = source, None
        try:
            transformed = self._shell.transform_cell(source)
        except Exception:  # noqa: BLE001 - IPython shows it as the error of the cell
            trouble = sys.exc_info()
        return await self._shell.run_cell_async(
            source, store_history=True, transformed_cell=transformed, preprocessing_exc_tuple=trouble
        )

    def _settle_error(self, error: BaseException | None, may_raise: bool) -> bool:
        """Tell the end of a cell from an error that was only shown; True if the run ends with it."""
        shown = self._capture.take_error()
        in_display = getattr(self._shell, "_last_traceback_during_displayhook", False)
        if error is None and not in_display:
            self._put_error(shown)
            return False
        if shown is None:
            assert error is not None or in_display
            error = self._shown_as(error or Exception("the result could not be displayed"))
            shown = {
                "ename": type(error).__name__,
                "evalue": _text(error),
                "traceback": [f"{type(error).__name__}: {_text(error)}"],
            }
        if may_raise and not self._interrupts.arrived:
            self._put_error(shown)
            return False
        self._fail(shown["ename"], shown["evalue"], shown["traceback"], self._index)
        return True

    def _show_payloads(self) -> None:
        for payload in self._capture.payloads():
            source = payload.get("source")
            if source == "page":
                content = {"data": payload["data"], "metadata": {}, "transient": {}}
                self._put(output("display_data", self._capture.encode(content), self._index))
            elif source != "ask_exit":
                self._tell(f"{source} needs a front end; in a remote run it has no effect.")

    def _variables(self) -> None:
        """Send the variables that were asked for; those that cannot be sent make a run fail that did not."""
        namespace = self._shell.user_ns
        problems = []
        for name in self._request.outputs:
            if name not in namespace:
                problems.append(f"There is no variable {name}.")
                continue
            try:
                value = json_value(namespace[name], name)
            except NotJSON as error:
                problems.append(str(error))
            else:
                self._put(event("variable", name=name, value=value))
        if problems and self.status == "ok" and not self._interrupts.arrived:
            text = " ".join(problems)
            self._fail("OutputVariableError", text, [f"OutputVariableError: {text}"])
            return
        for problem in problems:
            self._tell(f"Output variable not sent: {problem}")

    # What is told

    @property
    def _index(self) -> int | None:
        return None if self._capture.scope is None else self._capture.scope.cell

    def _put(self, content: bytes) -> None:
        self._capture.put(self._session, "", content, None)

    def _tell(self, text: str) -> None:
        self._put(event("notice", text=text))

    def _put_error(self, content: dict[str, Any] | None) -> None:
        if content is not None:
            self._put(output("error", self._capture.encode(content), self._index))

    def _fail(self, ename: str, evalue: str, lines: list[str], cell: int | None = None) -> None:
        """`cell`: whose code raised that."""
        self.status = "error"
        self._put(event("failure", ename=ename, evalue=evalue, traceback=list(lines), cell=cell))

    def _shown_as(self, error: BaseException) -> BaseException:
        """An interrupt is a KeyboardInterrupt, also where asyncio made a cancellation of it."""
        if self._interrupts.arrived and isinstance(error, asyncio.CancelledError):
            return KeyboardInterrupt()
        return error


def _environment_of(inputs: dict[str, Any]) -> dict[str, str]:
    """Those inputs that become environment variables for the time of the run, as the service does it."""
    found = {}
    for name, value in inputs.items():
        text = value if isinstance(value, str) else encoded(value).decode("utf-8")
        # What an environment cannot hold is left to the namespace.
        if name in os.environ or not name.isidentifier() or "\0" in text or _half_surrogates(text):
            continue
        if len(text.encode("utf-8")) < ENVIRONMENT_SIZE:
            found[name] = text
    return found


def _half_surrogates(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as trouble:  # noqa: BLE001 - it is the user's code
        return f"(its text could not be made: {type(trouble).__name__})"
