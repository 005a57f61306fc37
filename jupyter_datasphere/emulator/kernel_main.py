"""The program of a kernel process: ipykernel, plus what the emulator asks of it between two cells.

Run as a script by `interpreters.py`; standard library and ipykernel only. The requests come as user
expressions of silent execute requests, so that they queue with the cells on the shell channel and leave
neither a name in the user's namespace nor an entry in its history.
"""

from __future__ import annotations

import json
import math
import os
import sys
from typing import Any

import zmq
from ipykernel.kernelapp import IPKernelApp

MODULE = "_datasphere_emulator"
"""The name in `sys.modules` by which the expressions find this module."""

VALUES_LIMIT = 20_000
TEXT_LIMIT = 8 * 2**20
"""What a variable may hold (JSON values, characters) to be kept at the end of every execution."""

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


def begin(variables: dict[str, str]) -> Answer:
    """Set environment variables for one execution."""
    _environment.clear()
    for name, value in variables.items():
        _environment[name] = os.environ.get(name)
        os.environ[name] = value
    return Answer({})


def end(wanted: list[str]) -> Answer:
    """Put the environment back; give the small JSON variables and the `wanted` ones of any size."""
    for name, value in _environment.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    _environment.clear()
    namespace = _user_variables()
    variables, large = _texts(namespace, limited=True)
    outputs, _ = _texts({name: namespace[name] for name in wanted if name in namespace}, limited=False)
    return Answer({"variables": variables, "large": large, "outputs": outputs})


def read(names: list[str]) -> Answer:
    """The named variables that are JSON values, of any size; all of them if no name is given."""
    namespace = _user_variables()
    if names:
        namespace = {name: namespace[name] for name in names if name in namespace}
    return Answer({"variables": _texts(namespace, limited=False)[0]})


def _user_variables() -> dict[str, Any]:
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    if shell is None:  # the user's code took the shell away
        return {}
    hidden = shell.user_ns_hidden
    return {
        name: value
        for name, value in shell.user_ns.items()
        if not name.startswith("_") and not (name in hidden and value is hidden[name])
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
        except (NotJSON, ValueError, RecursionError):  # a cycle ends as RecursionError or as TooLarge
            continue
    return texts, large


def _check(value: Any, budget: list[int]) -> None:
    """Raise unless `value` is a JSON value within the budget. Runs no code of the user's classes."""
    budget[0] -= 1
    kind = type(value)
    if kind is str:
        budget[1] -= len(value)
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


class Application(IPKernelApp):
    """ipykernel, but its output socket never drops a message because a reader is behind."""

    def init_iopub(self, context: zmq.Context[Any]) -> None:
        context.sndhwm = 0
        super().init_iopub(context)  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    sys.path.pop(0)  # the folder of this script: its modules are not for the user's code
    sys.modules[MODULE] = sys.modules["__main__"]
    Application.launch_instance()
