"""Whatever was in the stored notebook and in the outputs: what is saved is a valid notebook."""

from __future__ import annotations

import json
from typing import Any

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_datasphere.kernel.executed import Executed
from jupyter_datasphere.protocol import CellEvent, NotebookEvent, OutputEvent

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "a", "a,b", "code", "image/png"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "name", "image/png"]), inner, max_size=2)
    ),
    max_leaves=6,
)


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with some of these fields, whose values may be anything."""
    return st.fixed_dictionaries({}, optional={name: value | ANYTHING for name, value in fields.items()})


CELLS = some(
    cell_type=st.sampled_from(["code", "markdown", "raw"]),
    id=st.just("same"),
    source=st.just("1"),
    metadata=some(
        tags=st.lists(st.sampled_from(["a", "a,b"])),
        name=st.text(max_size=1),
        collapsed=st.booleans(),
        scrolled=st.just("auto"),
        jupyter=some(source_hidden=st.booleans()),
        execution=some(**{"iopub.status.busy": st.just("now")}),
        format=st.just("text/html"),
    ),
    attachments=st.dictionaries(st.just("a.png"), ANYTHING),
)
NOTEBOOKS = some(
    nbformat=st.just(4),
    nbformat_minor=st.integers(-1, 7),
    metadata=some(kernelspec=some(name=st.just("python3")), title=st.just("t"), authors=st.just([])),
    cells=st.lists(CELLS, max_size=3),
)
CONTENTS = some(
    data=st.dictionaries(st.sampled_from(["text/plain", "application/json"]), ANYTHING),
    metadata=ANYTHING,
    transient=some(display_id=st.just("d")),
    execution_count=st.just(3),
    ename=st.just("E"),
    traceback=st.lists(st.just("line")),
    wait=st.booleans(),
)
OUTPUTS = st.builds(
    OutputEvent,
    st.sampled_from(["display_data", "execute_result", "update_display_data", "clear_output", "error"]),
    CONTENTS,
    st.integers(0, 1),
)


def valid(content: dict[str, Any], outputs: list[OutputEvent]) -> None:
    executed = Executed()
    for event in (NotebookEvent(content), CellEvent(0, 2), CellEvent(1, 2), *outputs):
        executed.take(event)
    nbformat.validate(json.loads(executed.text()))


@settings(max_examples=200, deadline=None)
@given(NOTEBOOKS)
def test_it_is_valid_whatever_was_stored(content: dict[str, Any]) -> None:
    valid(content, [])


@settings(max_examples=200, deadline=None)
@given(st.lists(OUTPUTS, min_size=1, max_size=4))
def test_it_is_valid_whatever_was_put_out(outputs: list[OutputEvent]) -> None:
    valid({"cells": [{"cell_type": "code", "source": "1"}] * 2}, outputs)


def test_what_is_left_out_is_said() -> None:
    executed = Executed()
    cells = [{"cell_type": "code", "source": "1"}] * 3
    executed.take(NotebookEvent({"cells": cells}, left_out=["a.png", "b.png", "c.png", "d.png"]))
    executed.take(CellEvent(0, 3))
    assert executed.remarks == [
        "1 of 3 cells ran",
        "without attachments of its text, which are too large: a.png, b.png, c.png, …",
    ]


@pytest.mark.parametrize("minor", [2, 5])
def test_the_format_stays_what_it_was(minor: int) -> None:
    executed = Executed()
    cells = [{"cell_type": "code", "source": "1", "id": name} for name in ("a", "a", "not valid")]
    executed.take(NotebookEvent({"cells": cells, "nbformat": 4, "nbformat_minor": minor}))
    notebook = executed.notebook()
    assert notebook["nbformat_minor"] == minor
    names = [cell.get("id") for cell in notebook["cells"]]
    if minor == 2:
        assert names == [None] * 3
    else:
        assert names[0] == "a" and len(set(names)) == 3
