from __future__ import annotations

import json
import threading
import time
from collections import Counter, OrderedDict, namedtuple
from datetime import UTC, date, datetime
from enum import IntEnum
from typing import Any

import numpy as np
import pytest

from jupyter_datasphere.executions.runner.source import values
from jupyter_datasphere.executions.runner.source.values import (
    Budget,
    NotJSON,
    TooLarge,
    json_value,
    preview,
    state,
    summary,
)

Point = namedtuple("Point", "x y")


class Colour(IntEnum):
    RED = 1


class Hostile:
    """Every way of looking at it runs code that must not run."""

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(f"user code was run for {name}")

    def __repr__(self) -> str:
        raise AssertionError("user code was run")

    __str__ = __repr__

    def __len__(self) -> int:
        raise AssertionError("user code was run")

    def __eq__(self, other: object) -> bool:
        raise AssertionError("user code was run")

    __hash__ = None  # type: ignore[assignment]


class HostileList(list[Any]):
    def __iter__(self) -> Any:
        raise AssertionError("user code was run")

    def __len__(self) -> int:
        raise AssertionError("user code was run")

    def __repr__(self) -> str:
        raise AssertionError("user code was run")


@pytest.mark.parametrize(
    ("value", "copy"),
    [
        ({"a": [1, 2.5, "я", None, True]}, {"a": [1, 2.5, "я", None, True]}),
        ((1, (2,)), [1, [2]]),
        (Point(1, 2), [1, 2]),
        (Counter("aab"), {"a": 2, "b": 1}),
        (OrderedDict(b=1), {"b": 1}),
        (Colour.RED, 1),
        (np.float64(0.5), 0.5),
        (10**40, 10**40),
        (HostileList([1]), [1]),
    ],
)
def test_json_values_are_copied_into_plain_types(value: Any, copy: Any) -> None:
    found = json_value(value, "x")
    assert found == copy
    assert json.loads(json.dumps(found)) == copy


cycle: list[Any] = []
cycle.append(cycle)


REFUSED: list[tuple[Any, list[str]]] = [
    ({"w": [0, np.zeros(3)]}, ["x['w'][1] is a numpy.ndarray", ".tolist()"]),
    (np.int64(1), ["x is a numpy.int64", ".tolist()"]),
    ([1.0, float("nan")], ["x[1] is nan", "None"]),
    ({1: 2}, ["x has a key that is a int", "str("]),
    ({"a": {1}}, ["x['a'] is a set", "list("]),
    (b"ab", ["x is a bytes", ".decode()"]),
    (datetime.now(UTC), ["x is a datetime.datetime", ".isoformat()"]),
    (["\ud800"], ["x[0] is a text", "Unicode"]),
    (cycle, ["contains itself"]),
    (1 << 20_000, ["integer of 20,001 bits"]),
    (Hostile(), ["Hostile"]),
]


@pytest.mark.parametrize(("value", "words"), REFUSED, ids=[words[0] for _, words in REFUSED])
def test_other_values_are_named_with_place_type_and_remedy(value: Any, words: list[str]) -> None:
    with pytest.raises(NotJSON) as raised:
        json_value(value, "x")
    for word in words:
        assert word in str(raised.value)


def test_a_budget_ends_the_walk_at_once() -> None:
    with pytest.raises(TooLarge):
        json_value(["a" * 1000], "x", Budget(10, 100))
    with pytest.raises(TooLarge):
        json_value([[[1] * 60] * 2], "x", Budget(100, 10))
    left = Budget(10, 10)
    json_value([1, {"a": "bc"}], "x", left)
    assert (left.values, left.characters) == (6, 7)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "None"),
        (1.5, "1.5"),
        ("a\nb", r"'a\nb'"),
        ([1, [2, [3, [4]]]], "[1, [2, […]]]"),
        ((1,), "(1,)"),
        (set(), "set()"),
        (list(range(100)), "[0, 1, 2, 3, 4, 5, …]"),
        ({"a": Hostile()}, "{'a': Hostile}"),
        (HostileList([1, 2]), "HostileList of 2"),
        (date(2026, 1, 2), "datetime.date(2026, 1, 2)"),
        (10**200, f"integer of {(10**200).bit_length():,} bits"),
        (np.zeros((3, 4)), "ndarray (3, 4) float64"),
        (np.float64(0.5), "float64 np.float64(0.5)"),
    ],
)
def test_previews(value: Any, text: str) -> None:
    assert preview(value) == text


def test_a_preview_is_short() -> None:
    for value in ("x" * 10**6, [("y" * 50,) * 6] * 6, {str(i) * 50: 1 for i in range(9)}):
        assert len(preview(value)) <= 120
        assert preview(value).endswith("…")


def entries(namespace: dict[str, Any], hidden: dict[str, Any] | None = None) -> dict[str, Any]:
    return {name: entry for name, entry, _ in summary(namespace, hidden or {})}


def test_what_is_listed() -> None:
    given = {
        "In": [],
        "b": 1,
        "a": {"k": [1]},
        "_x": 1,
        "np": np,
        "f": preview,
        "C": Hostile,
        "len": len,
        3: 4,
    }
    hidden = {"In": given["In"]}
    assert entries(given, hidden) == {  # type: ignore[arg-type]
        "a": {"kind": "dict", "preview": "{'k': [1]}", "value": {"k": [1]}},
        "b": {"kind": "int", "preview": "1", "value": 1},
    }
    assert list(entries(given, hidden)) == ["a", "b"]  # type: ignore[arg-type]
    assert "In" in entries({**given, "In": 5}, hidden)  # type: ignore[dict-item]


def test_what_has_no_value_is_listed_without() -> None:
    listed = entries({"array": np.zeros(2), "hostile": Hostile(), "text": "x" * 70_000, "fits": "x" * 65_000})
    assert [name for name, entry in listed.items() if "value" in entry] == ["fits"]
    assert len(listed) == 4


def test_a_large_value_costs_nothing() -> None:
    huge = {"a": list(range(3_000_000)), "b": {"rows": [[1.5] * 1_000_000] * 1000}, "c": "x" * 100_000_000}
    began = time.process_time()
    assert not any("value" in entry for entry in entries(huge).values())
    assert time.process_time() - began < 5  # encoding them takes minutes


def test_many_middling_values_cost_little() -> None:
    many = {f"v{number:03}": [[1] * 1000] * 60 for number in range(300)}
    began = time.process_time()
    listed = entries(many)
    spent = time.process_time() - began
    began = time.process_time()
    json.dumps(many)
    assert spent < (time.process_time() - began) / 2  # they are not all encoded
    assert len(listed) == 300


def test_a_namespace_that_a_thread_changes() -> None:
    namespace: dict[str, Any] = {"x": {}}
    stop = threading.Event()

    def change() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            namespace[f"n{number % 1000}"] = number
            namespace["x"][number % 1000] = number
            namespace.pop(f"n{(number - 500) % 1000}", None)

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(200):
            summary(namespace, {})
    finally:
        stop.set()
        thread.join()


def test_the_state_is_bounded_and_names_are_never_left_out() -> None:
    large = {f"v{number:02}": "x" * 60_000 for number in range(20)}
    found = state({"new": summary(large, {}), "old": summary({"small": 1, "big": "y" * 60_000}, {})})
    assert len(json.dumps(found)) < values.STATE_SIZE + 20_000
    assert list(found["namespaces"]["new"]) == list(large)
    with_value = [name for name, entry in found["namespaces"]["new"].items() if "value" in entry]
    assert len(with_value) == 17
    assert found["namespaces"]["old"]["small"]["value"] == 1
    assert "value" not in found["namespaces"]["old"]["big"]
    assert summary(large, {})[-1][1]["value"]  # the summary itself keeps it
