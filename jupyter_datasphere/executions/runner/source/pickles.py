"""Variables of a session as pickles that follow each other and share what they share.

Each is a pickle of its own, from one pickler whose memory goes on: so aliases stay aliases, and it is known
which variable cannot be read.
"""

# ruff: noqa: UP006, UP035 - evaluated at run time, where Python 3.8 has no `dict[…]`

from __future__ import annotations

import io
import pickle
import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from time import monotonic
from types import FunctionType
from typing import Any, BinaryIO, ClassVar, Dict

from .carried import BUILDERS, reduced

PROTOCOL = 5

_Unpickler: Any = pickle._Unpickler

_MODULE = "globals of "


class OutOfTime(Exception):
    """Pickling took longer than it may."""


class OutOfRoom(Exception):
    """A variable takes more bytes than it may."""


class SessionPickler(pickle.Pickler):
    """Writes the namespace of the session as a name: functions get it back itself, not a copy of it."""

    def __init__(self, file: Any, namespace: dict[str, Any], deadline: float) -> None:
        super().__init__(file, PROTOCOL)
        self._deadline = deadline
        self.files: set[str] = set()
        """Where the code of functions was taken from."""
        self._known = {id(builder): name for name, builder in BUILDERS.items()}
        self._known[id(namespace)] = "namespace"
        self._known[id(sys.modules["__main__"])] = "main"

    def persistent_id(self, value: Any) -> str | None:
        return self._known.get(id(value))

    def reducer_override(self, value: Any) -> Any:
        if monotonic() > self._deadline:
            raise OutOfTime
        if type(value) is FunctionType:
            self._know_module(value.__globals__)
            self.files.add(value.__code__.co_filename)
        return reduced(value)

    def _know_module(self, namespace: dict[str, Any]) -> None:
        module = sys.modules.get(str(namespace.get("__name__")))
        if module is not None and vars(module) is namespace:
            self._known.setdefault(id(namespace), _MODULE + module.__name__)


class SessionUnpickler(pickle.Unpickler):
    """Reads what `SessionPickler` wrote, into a namespace."""

    def __init__(self, file: BinaryIO, namespace: dict[str, Any]) -> None:
        super().__init__(file)
        self._namespace = namespace

    def persistent_load(self, name: str) -> Any:
        return _known(name, self._namespace)


def _known(name: str, namespace: dict[str, Any]) -> Any:
    if name == "namespace":
        return namespace
    if name == "main":
        return sys.modules["__main__"]
    if name.startswith(_MODULE):
        return vars(import_module(name[len(_MODULE) :]))
    return BUILDERS[name]


class _Scale(io.RawIOBase):
    """Counts what is written, and lets no more of it pass than is allowed."""

    def __init__(self, limit: int, deadline: float) -> None:
        self.size = 0
        self._limit = limit
        self._deadline = deadline

    def write(self, data: Any) -> int:
        size = memoryview(data).nbytes
        self.size += size
        if self.size > self._limit:
            raise OutOfRoom
        if monotonic() > self._deadline:
            raise OutOfTime
        return size


class Unwritable(Exception):
    """A variable could not be written after all; the text is its name."""


_ATOMS = frozenset({type(None), bool, int, float, complex})


def weigh(value: Any, namespace: dict[str, Any], limit: int, deadline: float) -> int:
    """Bytes of the pickle of a variable by itself. Raises whatever is in the way of pickling it."""
    if type(value) in _ATOMS:
        return 16
    scale = _Scale(limit, deadline)
    SessionPickler(scale, namespace, deadline).dump(value)
    return scale.size


def write(file: BinaryIO, variables: dict[str, Any], namespace: dict[str, Any], deadline: float) -> set[str]:
    """Write the variables; gives the files of their code.

    Raises `Unwritable` for the first that cannot be written: then begin anew without it.
    """
    pickler = SessionPickler(file, namespace, deadline)
    for name, value in variables.items():
        try:
            pickler.dump(value)
        except OSError:
            raise
        except (Exception, SystemExit) as error:
            raise Unwritable(name) from error
    return pickler.files


def load(make: Callable[[], BinaryIO], names: Iterable[str], namespace: dict[str, Any]) -> dict[str, str]:
    """Put the variables into the namespace; gives those that cannot be had any more, with the reason.

    `make` opens the pickles. Each variable is put there as soon as it is read: what is read next may need it.
    """
    names = list(names)
    try:
        with make() as file:
            unpickler = SessionUnpickler(file, namespace)
            for name in names:
                namespace[name] = unpickler.load()
        return {}
    except Exception:  # noqa: BLE001 - code of the user's; which of it, is found out now
        lost = _load_patiently(make, names, namespace)
    while lost:  # what was missing may be there now
        again = _load_patiently(make, names, namespace)
        if len(again) == len(lost):
            break
        lost = again
    return lost


def _load_patiently(
    make: Callable[[], BinaryIO], names: list[str], namespace: dict[str, Any]
) -> dict[str, str]:
    with make() as file:
        return _Patient(file, namespace).load_all(names)


class _Lost:
    """Stands for what could not be made."""


class _Patient(_Unpickler):  # type: ignore[misc]
    """Goes on where something cannot be made, for what comes after it.

    Made of the unpickler that is written in Python, since only that lets its steps be replaced.
    """

    dispatch: ClassVar[Dict[int, Callable[[Any], None]]] = dict(_Unpickler.dispatch)

    def __init__(self, file: BinaryIO, namespace: dict[str, Any]) -> None:
        super().__init__(file)
        self._namespace = namespace
        self._reason = ""
        self._spoiled: list[range] = []
        self._imported: set[int] = set()

    def persistent_load(self, name: str) -> Any:
        return _known(name, self._namespace)

    def find_class(self, module: str, name: str) -> Any:
        found = super().find_class(module, name)
        self._imported.add(id(found))
        return found

    def load_all(self, names: list[str]) -> dict[str, str]:
        lost: dict[str, str] = {}
        for name in names:
            self._reason, before = "", len(self.memo)
            value = self.load()
            if self._reason:
                # Nothing that was made on the way is trusted, wherever a later variable refers to it.
                self._spoiled.append(range(before, len(self.memo)))
                lost[name] = self._reason
                self._namespace.pop(name, None)
            else:
                self._namespace[name] = value
        return lost

    def note(self, reason: str) -> None:
        self._reason = self._reason or reason

    def recall(self, index: int) -> None:
        value = self.memo[index]
        trusted = type(value) in (str, bytes) or id(value) in self._imported
        if not trusted and any(index in spoiled for spoiled in self._spoiled):
            self.note("it refers to something that could not be restored")
        self.append(value)

    def replace(self, depth: int | None, lost: bool) -> None:
        """Leave the stack as a step leaves it; without a depth, the step took all since the last mark."""
        if depth is not None:
            del self.stack[depth:]
        self.append = self.stack.append
        if lost:
            self.append(_Lost())


def _patient(step: Callable[[Any], None], takes: int | None, gives: bool) -> Callable[[Any], None]:
    def patient(unpickler: _Patient) -> None:
        depth = None if takes is None else len(unpickler.stack) - takes
        try:
            step(unpickler)
        except Exception as error:  # noqa: BLE001 - code of the user's
            unpickler.note(f"{type(error).__name__}: {error}")
            unpickler.replace(depth, gives)

    return patient


for _code, _takes, _gives in (
    (pickle.REDUCE, 2, True),
    (pickle.NEWOBJ, 2, True),
    (pickle.NEWOBJ_EX, 3, True),
    (pickle.STACK_GLOBAL, 2, True),
    (pickle.BINPERSID, 1, True),
    (pickle.BUILD, 1, False),
    (pickle.APPEND, 1, False),
    (pickle.SETITEM, 2, False),
    (pickle.APPENDS, None, False),
    (pickle.SETITEMS, None, False),
    (pickle.ADDITEMS, None, False),
):
    _Patient.dispatch[_code[0]] = _patient(_Patient.dispatch[_code[0]], _takes, _gives)
_Patient.dispatch[pickle.BINGET[0]] = lambda unpickler: unpickler.recall(unpickler.read(1)[0])
_Patient.dispatch[pickle.LONG_BINGET[0]] = lambda unpickler: unpickler.recall(
    int.from_bytes(unpickler.read(4), "little")
)
