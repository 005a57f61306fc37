"""Values: which of them are JSON, and a short look at the others. Nothing here runs code of the user's.

So `isinstance` is not asked (an object can lie about its class, by code), and the contents of containers
are read by the methods of the built-in types, whatever a subclass made of them.
"""

from __future__ import annotations

import datetime
import decimal
import fractions
import math
import pathlib
import types
import uuid
from itertools import islice
from typing import Any

from .events import encoded

DEPTH = 100
PREVIEW_SIZE = 120
VALUE_SIZE = 64 * 1024
STATE_SIZE = 1024 * 1024
STATE_LOOKS = 100_000
"""Limits of the state: JSON bytes of one value and of all, and values inside values looked at after a run."""


class NotJSON(ValueError):
    """A value, or a value inside it, is no JSON value; the text says which and what to do."""


class TooLarge(ValueError):
    """The value holds more than was allowed to look at."""


class Budget:
    """How many values, and how many characters in them, may still be read."""

    def __init__(self, values: float, characters: float) -> None:
        self.values = values
        self.characters = characters

    def spend(self, values: int, characters: int = 0) -> None:
        self.values -= values
        self.characters -= characters
        if self.values < 0 or self.characters < 0:
            raise TooLarge


def type_name(value: Any) -> str:
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def json_value(value: Any, name: str, budget: Budget | None = None) -> Any:
    """A copy of `value` made of dicts, lists and scalars.

    Raises `NotJSON`, naming the place from `name` on, or `TooLarge` beyond the budget.
    """
    return _Reader(budget or Budget(math.inf, math.inf)).read(value, name, 0)


class _Reader:
    def __init__(self, budget: Budget) -> None:
        self._budget = budget

    def read(self, value: Any, path: str, depth: int) -> Any:
        kind = type(value)
        if value is None or kind is bool:
            self._budget.spend(1)
            return value
        if issubclass(kind, str):
            self._budget.spend(1, str.__len__(value))
            return self._text(str.__str__(value), path)
        if issubclass(kind, int):
            self._budget.spend(1)
            return self._integer(int.__int__(value), path)
        if issubclass(kind, float):
            self._budget.spend(1)
            number = float.__float__(value)
            if not math.isfinite(number):
                raise NotJSON(f"{path} is {number!r}, which JSON does not have. Use None or a text.")
            return number
        if depth > DEPTH:
            raise NotJSON(f"{path} is nested too deeply, or contains itself.")
        try:
            if issubclass(kind, dict):
                return self._dict(value, path, depth)
            if issubclass(kind, (list, tuple)):
                base: Any = list if issubclass(kind, list) else tuple
                self._check(base.__len__(value))
                return [
                    self.read(item, f"{path}[{index}]", depth + 1)
                    for index, item in enumerate(base.__iter__(value))
                ]
        except RuntimeError as error:  # a thread of the user's goes on changing it
            raise NotJSON(f"{path} was changed while it was read.") from error
        raise NotJSON(f"{path} is a {type_name(value)}. {_remedy(kind)}")

    def _dict(self, value: Any, path: str, depth: int) -> dict[str, Any]:
        self._check(dict.__len__(value))
        copy = {}
        for key, item in dict.items(value):
            if not issubclass(type(key), str):
                raise NotJSON(
                    f"{path} has a key that is a {type_name(key)}. JSON has text keys only: use str(…)."
                )
            self._budget.spend(0, str.__len__(key))
            key = self._text(str.__str__(key), path)
            copy[key] = self.read(item, f"{path}[{key!r}]", depth + 1)
        return copy

    def _check(self, length: int) -> None:
        if length > self._budget.values:  # seen at once, without walking through a million items
            raise TooLarge
        self._budget.spend(1)

    @staticmethod
    def _text(text: str, path: str) -> str:
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise NotJSON(f"{path} is a text with characters that are no Unicode: {error.reason}.") from error
        return text

    @staticmethod
    def _integer(number: int, path: str) -> int:
        if number.bit_length() > 10_000:
            raise NotJSON(f"{path} is an integer of {number.bit_length():,} bits. Use a text.")
        return number


def _remedy(kind: type) -> str:
    methods = {name for base in kind.__mro__ for name in vars(base)}
    if kind in (set, frozenset):
        return "Use list(…)."
    if issubclass(kind, (bytes, bytearray)):
        return "Use .decode() or base64."
    if "to_dict" in methods and "columns" in methods:
        return 'Use .to_dict("records").'
    for method in ("tolist", "isoformat", "to_dict"):
        if method in methods:
            return f"Use .{method}()."
    return "Make it of dicts with text keys, lists, texts, numbers, booleans and None."


def preview(value: Any) -> str:
    """One line about a value, of at most `PREVIEW_SIZE` characters."""
    text = _preview(value, 2)
    return text if len(text) <= PREVIEW_SIZE else text[: PREVIEW_SIZE - 1] + "…"


_HARMLESS = (
    bool,
    type(None),
    float,
    complex,
    range,
    datetime.date,
    datetime.datetime,
    datetime.time,
    datetime.timedelta,
    decimal.Decimal,
    fractions.Fraction,
    uuid.UUID,
    type(pathlib.Path()),
)
"""Types whose repr is short and comes from the standard library."""

_BRACKETS: dict[type, Any] = {
    list: "[]",
    tuple: "()",
    set: "{}",
    frozenset: ("frozenset({", "})"),
    dict: "{}",
}


def _preview(value: Any, depth: int) -> str:
    kind = type(value)
    if kind in _HARMLESS:
        return repr(value)
    if kind is int:
        return repr(value) if value.bit_length() < 400 else f"integer of {value.bit_length():,} bits"
    if kind in (str, bytes):
        return repr(value[:PREVIEW_SIZE]) + ("…" if len(value) > PREVIEW_SIZE else "")
    if kind in _BRACKETS:
        if not value:
            return repr(value)
        return _items(value, kind, depth)
    return kind.__name__ + _size(value, kind)


def _items(value: Any, kind: type, depth: int) -> str:
    left, right = _BRACKETS[kind]
    if depth == 0:
        return f"{left}…{right}"
    try:
        first = list(islice(value.items() if kind is dict else value, 6))
    except RuntimeError:  # a thread of the user's goes on changing it
        return kind.__name__
    if kind is dict:
        texts = [f"{_preview(key, depth - 1)}: {_preview(item, depth - 1)}" for key, item in first]
    else:
        texts = [_preview(item, depth - 1) for item in first]
    if len(value) > len(first):
        texts.append("…")
    end = "," if kind is tuple and len(value) == 1 else ""
    return f"{left}{', '.join(texts)}{end}{right}"


def _size(value: Any, kind: type) -> str:
    """Shape or length, where asking for it is known to be cheap."""
    if kind.__module__.partition(".")[0] in ("numpy", "pandas", "torch", "polars", "scipy", "xarray"):
        try:
            shape = tuple(value.shape)
            if kind.__module__ == "numpy" and not shape:
                return f" {value!r}"
            kinds = getattr(value, "dtype", None)
            return f" {shape}" + (f" {kinds}" if kinds is not None else "")
        except (AttributeError, TypeError, ValueError):  # has no shape
            return ""
    for base in (list, tuple, dict, set, frozenset, str, bytes, bytearray):
        if issubclass(kind, base):
            return f" of {base.__len__(value):,}"
    return ""


_UNLISTED = (
    type,
    types.ModuleType,
    types.FunctionType,
    types.BuiltinFunctionType,
)


def summary(namespace: dict[str, Any], hidden: dict[str, Any]) -> list[tuple[str, dict[str, Any], int]]:
    """The user's variables: name, entry for the state, and the JSON size of the entry's value.

    Listed is what ``%who`` lists, without modules, functions and classes.
    """
    listed = []
    looks: float = STATE_LOOKS
    names = [name for name in list(namespace) if type(name) is str and not name.startswith("_")]
    for name in sorted(names):
        value = namespace.get(name, hidden)
        if value is hidden.get(name, hidden) or issubclass(type(value), _UNLISTED):
            continue
        entry: dict[str, Any] = {"kind": type(value).__name__, "preview": preview(value)}
        size = 0
        allowed = min(VALUE_SIZE / 2, looks)
        budget = Budget(allowed, VALUE_SIZE)
        try:
            copy = json_value(value, name, budget)
            length = len(encoded(copy))
        except (NotJSON, TooLarge):
            length = VALUE_SIZE + 1
        if length <= VALUE_SIZE:
            entry["value"] = copy
            size = length
        looks -= allowed - max(budget.values, 0)
        listed.append((name, entry, size))
    return listed


def state(summaries: dict[str, list[tuple[str, dict[str, Any], int]]]) -> dict[str, Any]:
    """All namespaces as one JSON value; beyond `STATE_SIZE` values are left out, names never."""
    left = STATE_SIZE
    namespaces: dict[str, dict[str, Any]] = {}
    for key, listed in summaries.items():
        namespace = namespaces[key] = {}
        for name, entry, size in listed:
            if size > left:
                entry = {"kind": entry["kind"], "preview": entry["preview"]}
            else:
                left -= size
            namespace[name] = entry
    return {"version": 1, "namespaces": namespaces}
