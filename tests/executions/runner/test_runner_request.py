from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_datasphere.errors import UsageError
from jupyter_datasphere.executions.runner.request import INPUTS_LIMIT, PART_SIZE, RunRequest, environment
from jupyter_datasphere.executions.runner.source.request import BrokenRequest, decode, take

texts = st.text(st.characters(), max_size=200)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda children: st.lists(children, max_size=4) | st.dictionaries(texts, children, max_size=4),
    max_leaves=10,
)
requests = st.builds(
    RunRequest,
    run=texts,
    kind=st.sampled_from(["code", "notebook"]),
    code=texts,
    path=texts,
    session=st.none() | texts,
    inputs=st.dictionaries(texts, json_values, max_size=4),
    outputs=st.lists(texts, max_size=4),
)


@settings(max_examples=200, deadline=None)
@given(requests)
def test_a_request_comes_out_as_it_went_in(request_: RunRequest) -> None:
    strings = environment(request_)
    other = {"PATH": "/bin", "JUPYTER_DATASPHERE_PROJECT": "p"}
    environ = {**other, **strings}
    taken = take(environ)
    assert taken is not None
    assert environ == other
    assert decode(taken)._asdict() == {name: getattr(request_, name) for name in request_.__struct_fields__}


def test_parts_are_small_ascii_and_numbered() -> None:
    strings = environment(RunRequest(run="r1", kind="code", code="я" * 100_000))
    assert strings["JUPYTER_DATASPHERE_REQUEST_COUNT"] == "6"
    assert strings["JUPYTER_DATASPHERE_REQUEST_RUN"] == "r1"
    assert len(strings) == 9
    assert all(len(value) <= PART_SIZE and value.isascii() for value in strings.values())


def test_no_request_is_none() -> None:
    assert take({"PATH": "/bin"}) is None


@pytest.mark.parametrize("harm", ["missing part", "damaged part", "no count", "no digest"])
def test_half_a_request_is_not_taken_for_a_whole_one(harm: str) -> None:
    environ = environment(RunRequest(run="r", kind="code", code="x" * (PART_SIZE + 1)))
    taken = take(environ)
    assert taken is not None
    match harm:
        case "missing part":
            del taken["1"]
        case "damaged part":
            taken["1"] = taken["1"].replace("x", "y", 1)
        case "no count":
            del taken["COUNT"]
        case "no digest":
            del taken["DIGEST"]
    with pytest.raises(BrokenRequest):
        decode(taken)


def test_too_large_names_limit_and_size() -> None:
    fits = RunRequest(run="r", kind="code", inputs={"x": "a" * (INPUTS_LIMIT - 200)})
    environment(fits)
    with pytest.raises(UsageError) as raised:
        environment(RunRequest(run="r", kind="code", inputs={"x": "a" * INPUTS_LIMIT}))
    assert raised.value.code == "inputs-too-large"
    assert "1,048,576" in str(raised.value)
    size = len(json.dumps("a" * INPUTS_LIMIT))
    assert any(f"{size + extra:,}" in str(raised.value) for extra in range(200))
    with pytest.raises(UsageError, match="at most 10 bytes"):
        environment(fits, limit=10)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, object()])
def test_inputs_that_are_no_json_are_refused(value: Any) -> None:
    with pytest.raises(UsageError) as raised:
        environment(RunRequest(run="r", kind="code", inputs={"x": value}))
    assert raised.value.code == "input-not-json"
