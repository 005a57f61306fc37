from __future__ import annotations

import enum
import json
import math
from collections import Counter, OrderedDict, namedtuple
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell

from jupyter_datasphere.errors import UsageError
from jupyter_datasphere.kernel.arguments import Input
from jupyter_datasphere.kernel.variables import MAX_DEPTH, encode, gather

finite = st.floats(allow_nan=False, allow_infinity=False)
text = st.text(st.characters(exclude_categories=["Cs"]))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | finite | text,
    lambda inner: st.lists(inner) | st.dictionaries(text, inner),
    max_leaves=30,
)


@given(json_values)
def test_json_values_travel_exactly(value: Any) -> None:
    encoded = encode("x", value)
    assert repr(json.loads(json.dumps(encoded, allow_nan=False))) == repr(value)


@given(json_values, st.sampled_from([math.nan, -math.inf, (1,), b"x", {1: 2}, {1}, "\ud800", object()]))
def test_what_is_not_json_is_refused_wherever_it_hides(value: Any, bad: Any) -> None:
    with pytest.raises(UsageError) as caught:
        encode("x", [{"a": value}, {"b": [bad]}])
    assert caught.value.code == "variable-cannot-travel"
    assert "x[1]['b'][0] " in str(caught.value)


class Level(enum.IntEnum):
    HIGH = 3


class Word(str):
    def __str__(self) -> str:
        return "something else"


@pytest.mark.parametrize(
    ("value", "arrives"),
    [
        (Counter("aab"), {"a": 2, "b": 1}),
        (OrderedDict(z=1, a=2), {"z": 1, "a": 2}),
        (Level.HIGH, 3),
        (Word("itself"), "itself"),
        ({Word("key"): Word("value")}, {"key": "value"}),
    ],
)
def test_subclasses_travel_by_value(value: Any, arrives: Any) -> None:
    encoded = encode("x", value)
    assert encoded == arrives
    assert type(encoded) is type(arrives)
    assert list(encoded) == list(arrives) if isinstance(arrives, dict) else True


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (
            {"rows": [{"when": datetime.now()}]},
            "x['rows'][0]['when'] is a datetime.datetime. Convert it, e.g.",
        ),
        ((1, 2), "x is a tuple. Convert it with list()."),
        (namedtuple("Point", "x y")(1, 2), "Convert it, e.g. with str()."),
        ([math.inf], "x[0] is inf, which JSON does not know. Send None instead."),
        ({"a": {2: 3}}, "x['a'] has the key 2 of type int, and JSON knows only string keys."),
        ([10**5000], "too many digits"),
        ("\ud800", "half a surrogate pair"),
        (len, "x is a builtin_function_or_method"),
    ],
)
def test_the_error_says_where_what_and_how_to_mend_it(value: Any, says: str) -> None:
    with pytest.raises(UsageError, match="Variable 'x' cannot travel") as caught:
        encode("x", value)
    assert says in str(caught.value)


def test_cycles_and_depth() -> None:
    cycle: list[Any] = [1]
    cycle.append({"again": cycle})
    with pytest.raises(UsageError, match=r"x\[1\]\['again'\] contains itself"):
        encode("x", cycle)
    shared = [1]
    assert encode("x", [shared, shared]) == [[1], [1]]
    nested: Any = 0
    for _ in range(MAX_DEPTH):
        nested = [nested]
    assert encode("x", nested) == nested
    with pytest.raises(UsageError, match="nested deeper than 100 levels"):
        encode("x", [nested])


@pytest.fixture
def shell() -> InteractiveShell:
    shell = InteractiveShell()
    shell.user_ns.update(rows=[1, 2, 3])
    return shell


def test_names_and_expressions_come_from_the_users_namespace(shell: InteractiveShell) -> None:
    inputs = [Input("rows"), Input("n", "len(rows)"), Input("word", "'a' + 'b'")]
    assert gather(shell, inputs) == {"rows": [1, 2, 3], "n": 3, "word": "ab"}


@pytest.mark.parametrize(
    ("given_input", "says"),
    [
        (Input("rowz"), "There is no local variable 'rowz' to send. Did you mean rows?"),
        (Input("n", "1 / 0"), "-i n=1 / 0 raises ZeroDivisionError: division by zero."),
        (Input("n", "1 +"), "both kinds of quotes: -i \"n='...'\"."),
        (Input("word", "hello"), 'For a string write -i word="hello".'),
        (Input("n", "rowz"), "Did you mean rows?"),
    ],
)
def test_names_and_expressions_that_do_not_work(
    shell: InteractiveShell, given_input: Input, says: str
) -> None:
    with pytest.raises(UsageError) as caught:
        gather(shell, [given_input])
    assert says in str(caught.value)


def test_an_interrupt_of_an_expression_is_not_swallowed(shell: InteractiveShell) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    shell.user_ns["interrupted"] = interrupted
    with pytest.raises(KeyboardInterrupt):
        gather(shell, [Input("n", "interrupted()")])
