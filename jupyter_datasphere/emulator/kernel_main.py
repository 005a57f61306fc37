"""The program of a kernel process: ipykernel, plus what the emulator asks of it between two cells.

Run as a script by `kernels.py`; standard library and ipykernel only. Environment variables come as
metadata of a cell's execute request. `end` and `read` are called by user expressions (of the last cell's
request, or of a silent one), so that they queue with the cells on the shell channel and leave neither a name
in the user's namespace nor an entry in its history. An interrupt reaches the code of a cell, also when it
comes before that has begun.
"""

from __future__ import annotations

import json
import math
import os
import re
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import zmq
from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp
from ipykernel.zmqshell import ZMQInteractiveShell
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Type

MODULE = "_datasphere_emulator"
"""The name in `sys.modules` by which the expressions find this module."""

NUDGE = signal.SIGURG
"""Makes the kernel look for a signal that came just before a call that blocks, which it does not end."""

VALUES_LIMIT = 20_000
TEXT_LIMIT = 8 * 2**20
"""What a variable may hold (JSON values, characters) to be kept at the end of every execution."""

_IPYTHONS = re.compile(r"_i?\d+|_i{1,3}|_{1,3}|__\w+__")
"""Names of the history of inputs and outputs, and of the module itself."""

_environment: dict[str, str | None] = {}


class Answer:
    """A JSON object as the result of a user expression."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content

    def __repr__(self) -> str:
        return "<answer>"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        return {"application/json": self.content}


class NotJSON(ValueError):
    """The value has no JSON form that would come back as the same value."""


class TooLarge(ValueError):
    """The value is a JSON value as far as was looked, but holds more than was asked for."""


def begin(variables: dict[str, str]) -> None:
    """Set environment variables until `end`."""
    for name, value in variables.items():
        _environment[name] = os.environ.get(name)
        os.environ[name] = value


def end(wanted: list[str]) -> Answer:
    """Put the environment back; give the small JSON variables and the `wanted` ones of any size."""
    for name, value in _environment.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    _environment.clear()
    variables, large = _texts(_variables([]), limited=True)
    outputs, _ = _texts(_variables(wanted), limited=False) if wanted else ({}, [])
    return Answer({"variables": variables, "large": large, "outputs": outputs})


def read(names: list[str]) -> Answer:
    """The named variables that are JSON values, of any size; all of them if no name is given."""
    return Answer({"variables": _texts(_variables(names), limited=False)[0]})


def _variables(names: list[str]) -> dict[str, Any]:
    """The named variables that exist; all that are the user's own if none is named."""
    shell = InteractiveShell.instance()
    if names:
        return {name: shell.user_ns[name] for name in names if name in shell.user_ns}
    return {
        name: value
        for name, value in shell.user_ns.items()
        if name not in shell.user_ns_hidden and not _IPYTHONS.fullmatch(name)
    }


def _texts(namespace: dict[str, Any], *, limited: bool) -> tuple[dict[str, str], list[str]]:
    """JSON texts by name, and the names of those that exceed the limits."""
    texts: dict[str, str] = {}
    large: list[str] = []
    for name, value in namespace.items():
        budget = [VALUES_LIMIT, TEXT_LIMIT] if limited else [sys.maxsize, sys.maxsize]
        try:
            _check(value, budget)
            texts[name] = json.dumps(value, allow_nan=False)
        except TooLarge:
            large.append(name)
        except (ValueError, RecursionError):  # a cycle ends as RecursionError or as TooLarge
            continue
    return texts, large


def _check(value: Any, budget: list[int]) -> None:
    """Raise unless `value` is a JSON value within the budget. Runs no code of the user's classes."""
    budget[0] -= 1
    kind = type(value)
    if kind is str:
        budget[1] -= len(value)
        value.encode()  # raises for a lone surrogate
    elif kind is list:
        for item in value:
            _check(item, budget)
    elif kind is dict:
        for key, item in value.items():
            if type(key) is not str:
                raise NotJSON
            budget[1] -= len(key)
            _check(item, budget)
    elif kind is float:
        if not math.isfinite(value):
            raise NotJSON
    elif value is not None and kind is not bool and kind is not int:
        raise NotJSON
    if budget[0] < 0 or budget[1] < 0:
        raise TooLarge


class Interrupts:
    """Where an interrupt may raise: in the code of a cell, and not in what comes before and after it.

    There, ipykernel and IPython have places that swallow a KeyboardInterrupt, after which the cell would run
    on as if nobody had interrupted it, and others where it would end the kernel's own loop.
    """

    def __init__(self) -> None:
        self._came = False

    def hold(self) -> None:
        """From now on until the cell's code runs, remember an interrupt; an earlier one is forgotten."""
        self._came = False
        signal.signal(signal.SIGINT, self._remember)

    @contextmanager
    def let_through(self) -> Iterator[None]:
        """Interrupts raise inside, first the one that was remembered."""
        if threading.current_thread() is not threading.main_thread():
            yield  # signals are for the main thread only
            return
        # ipykernel has a handler of its own around code that awaits, and a cell may run another one.
        held = signal.getsignal(signal.SIGINT) == self._remember
        if held:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            if self._came:
                self._came = False
                signal.raise_signal(signal.SIGINT)
            yield
        finally:
            if held:
                signal.signal(signal.SIGINT, self._remember)

    def _remember(self, number: int, frame: FrameType | None) -> None:
        self._came = True


interrupts = Interrupts()


class Shell(ZMQInteractiveShell):
    """ipykernel's shell, but only the code of a cell can be interrupted."""

    async def run_ast_nodes(self, *arguments: Any, **rest: Any) -> Any:
        with interrupts.let_through():
            return await super().run_ast_nodes(*arguments, **rest)


class Kernel(IPythonKernel):
    """ipykernel's kernel, but the metadata of an execute request may set environment variables.

    Nor does it send the code back: the reader has it, and packs and checks 70 KB for each run of a notebook
    like the runner for nothing.
    """

    shell_class = Type(Shell)

    def pre_handler_hook(self) -> None:
        super().pre_handler_hook()  # type: ignore[no-untyped-call]
        interrupts.hold()

    def _publish_execute_input(self, code: str, parent: Any, execution_count: int) -> None:
        super()._publish_execute_input("", parent, execution_count)  # type: ignore[no-untyped-call]

    async def do_execute(self, *arguments: Any, cell_meta: dict[str, Any] | None = None, **rest: Any) -> Any:
        begin((cell_meta or {}).get("environment", {}))
        return await super().do_execute(*arguments, **rest)  # type: ignore[no-untyped-call]


class Application(IPKernelApp):
    """ipykernel, but its output socket never drops a message because a reader is behind."""

    kernel_class = Type(Kernel)

    def init_iopub(self, context: zmq.Context[Any]) -> None:
        context.sndhwm = 0
        super().init_iopub(context)  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    signal.signal(NUDGE, lambda number, frame: None)
    if hasattr(signal, "SIGHUP"):
        # Under nohup it is ignored, and what the user's code starts on a terminal of its own would never end.
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    sys.path.pop(0)  # the folder of this script: its modules are not for the user's code
    sys.modules[MODULE] = sys.modules["__main__"]
    Application.launch_instance()
