from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_datasphere.errors import UsageError
from jupyter_datasphere.executions.runner.request import (
    INPUTS_LIMIT,
    PART_SIZE,
    FileRequest,
    RunRequest,
    environment,
    file_request,
    request_path,
)
from jupyter_datasphere.executions.runner.source.request import BrokenRequest, decode, in_file, read, take

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


def staged(folder: Path, order: FileRequest) -> dict[str, str]:
    """The request in its file; what the runner takes out of the environment."""
    content, strings = file_request(order)
    path = folder / request_path(order.request.run)
    path.write_bytes(content)
    taken = take(strings)
    assert taken is not None
    assert in_file(taken)
    return taken


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(requests, st.lists(texts), st.integers(0, 2**40))
def test_a_request_in_a_file_comes_out_as_it_went_in(
    tmp_path: Path, request_: RunRequest, collected: list[str], limit: int
) -> None:
    request_ = msgspec.structs.replace(request_, run="r1")
    order = FileRequest(request_, collected, limit, limit + 1)
    taken = staged(tmp_path, order)
    assert sum(len(value) for value in taken.values()) < 100
    found = read(taken, str(tmp_path))
    assert found.request._asdict() == {name: getattr(request_, name) for name in request_.__struct_fields__}
    assert (found.collected, found.state_limit, found.parts_limit) == (collected, limit, limit + 1)
    with pytest.raises(BrokenRequest):  # it is gone
        read(taken, str(tmp_path))


@pytest.mark.parametrize("run", ["", "..", "../r", "r/../../r", "/r", "-r", "r\n", "я", "x" * 65])
def test_a_run_of_a_hostile_name_has_no_file(tmp_path: Path, run: str) -> None:
    with pytest.raises(ValueError, match="no ID of a run"):
        request_path(run)
    with pytest.raises(BrokenRequest):
        read({"RUN": run, "DIGEST": "", "IN": "file"}, str(tmp_path))


def test_a_request_of_another_version_is_said_to_be_one(tmp_path: Path) -> None:
    content = b'{"request":{"run":"r1"},"more":1}'
    path = tmp_path / request_path("r1")
    path.write_bytes(content)
    with pytest.raises(BrokenRequest, match="another version"):
        read({"RUN": "r1", "DIGEST": hashlib.sha256(content).hexdigest()}, str(tmp_path))


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
    assert "1,048,576" in str(raised.value) and "--channel files, which takes 64 MiB" in str(raised.value)
    size = len(json.dumps("a" * INPUTS_LIMIT))
    assert any(f"{size + extra:,}" in str(raised.value) for extra in range(200))
    with pytest.raises(UsageError, match="at most 10 bytes"):
        environment(fits, limit=10)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, object()])
def test_inputs_that_are_no_json_are_refused(value: Any) -> None:
    with pytest.raises(UsageError) as raised:
        environment(RunRequest(run="r", kind="code", inputs={"x": value}))
    assert raised.value.code == "input-not-json"
