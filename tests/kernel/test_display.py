"""Events, fed into a display in a real kernel, and the messages that a front end gets."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from jupyter_datasphere.kernel.display import HEADING
from jupyter_datasphere.protocol import (
    CellEvent,
    Event,
    FinishedEvent,
    NoticeEvent,
    OutputEvent,
    StartedEvent,
    StatusEvent,
    VariableEvent,
)

from .conftest import Kernel, Result
from .users import on_screen

SHOW = """
import msgspec
from jupyter_datasphere.kernel.display import Display
from jupyter_datasphere.kernel.pacing import Pacer
from jupyter_datasphere.kernel.progress import Progress
from jupyter_datasphere.protocol import Event
events = msgspec.json.decode({events!r}, type=list[Event])
Display(get_ipython(), Progress(None), Pacer(), "abc123", limit={limit}).show(events)
"""


def show(kernel: Kernel, *events: Event, limit: int = 10_000_000) -> Result:
    result = kernel.run(SHOW.format(events=msgspec.json.encode(events), limit=limit))
    assert result.reply["status"] == "ok", result.traceback
    return result


def stream(text: str, name: str = "stdout") -> OutputEvent:
    return OutputEvent("stream", {"name": name, "text": text})


def rich(message: Any, data: dict[str, Any], **content: Any) -> OutputEvent:
    return OutputEvent(message, {"data": data, **content})


def test_streams_keep_their_order_and_displays_come_between(kernel: Kernel) -> None:
    bundle = {
        "text/plain": "X",
        "text/html": "<b>X</b>",
        "image/png": "aGVsbG8=",
        "application/json": {"a": [1]},
    }
    result = show(
        kernel,
        stream("a"),
        stream("b\n"),
        stream("c\n", "stderr"),
        stream("d\r"),
        rich("display_data", bundle, metadata={"image/png": {"width": 3}}, transient={"display_id": "d1"}),
        stream("e\n"),
        rich("update_display_data", {"text/plain": "Y"}, metadata={}, transient={"display_id": "d1"}),
        OutputEvent("clear_output", {"wait": True}),
        stream("f\n", "stderr"),
    )
    assert result.outputs == [
        ("stream", {"name": "stdout", "text": "ab\n"}),
        ("stream", {"name": "stderr", "text": "c\n"}),
        ("stream", {"name": "stdout", "text": "d\r"}),
        (
            "display_data",
            {"data": bundle, "metadata": {"image/png": {"width": 3}}, "transient": {"display_id": "d1"}},
        ),
        ("stream", {"name": "stdout", "text": "e\n"}),
        (
            "update_display_data",
            {"data": {"text/plain": "Y"}, "metadata": {}, "transient": {"display_id": "d1"}},
        ),
        ("clear_output", {"wait": True}),
        ("stream", {"name": "stderr", "text": "f\n"}),
    ]


def test_results_are_displays_and_leave_the_local_counter_alone(kernel: Kernel) -> None:
    result = show(kernel, rich("execute_result", {"text/plain": "42"}, metadata={}, execution_count=7))
    assert result.outputs == [
        ("display_data", {"data": {"text/plain": "42"}, "metadata": {}, "transient": {}})
    ]
    count = result.reply["execution_count"]
    assert kernel.run("1").reply["execution_count"] == count + 1
    assert kernel.value("42 in Out.values()") == "False"


def test_headings_are_escaped_and_notices_are_told(kernel: Kernel) -> None:
    result = show(kernel, CellEvent(1, 5, title="<i>Plot</i>"), NoticeEvent("There is no variable 'x'."))
    assert result.outputs[0][1]["data"] == {
        "text/plain": "[2/5] <i>Plot</i>",
        "text/html": HEADING.format("[2/5]", "&lt;i&gt;Plot&lt;/i&gt;"),
    }
    assert result.text("stderr") == "There is no variable 'x'.\n"


def clear(*, wait: bool) -> OutputEvent:
    return OutputEvent("clear_output", {"wait": wait})


def test_a_cell_of_a_notebook_clears_its_own_outputs_only(kernel: Kernel) -> None:
    named = {"transient": {"display_id": "named"}}
    result = show(
        kernel,
        CellEvent(0, 3, title="one"),
        stream("of the first\n"),
        rich("display_data", {"text/plain": "old"}, **named),
        CellEvent(1, 3, title="two"),
        clear(wait=True),
        stream("frame 0\n"),
        *(rich("display_data", {"text/plain": f"plot 0.{number}"}) for number in range(4)),
        clear(wait=True),
        stream("frame 1\n"),
        stream("of it\n", "stderr"),
        rich("update_display_data", {"text/plain": "new"}, **named),
        rich("display_data", {"text/plain": "plot 1"}),
        stream("1 %\r2 %\r"),
        stream("warned\n", "stderr"),
        stream("below\n"),
        CellEvent(2, 3, title="three"),
        rich("display_data", {"text/plain": "gone"}, **named),
        clear(wait=False),
        rich("update_display_data", {"text/plain": "newer"}, **named),
    )
    assert "clear_output" not in result.kinds
    assert [text for text in on_screen(result.outputs) if text] == [
        "[1/3] one",
        "of the first\n",
        "newer",
        "[2/3] two",
        "frame 1\nof it\n",
        "plot 1",
        "warned\nbelow\n",
        "[3/3] three",
    ]


def test_an_animation_in_a_notebook_leaves_no_more_than_one_frame(kernel: Kernel) -> None:
    frames = [(clear(wait=number % 2 == 0), stream(f"frame {number}\n")) for number in range(50)]
    result = show(kernel, CellEvent(0, 1), *(event for frame in frames for event in frame))
    assert on_screen(result.outputs) == ["[1/1]", "frame 49\n"]


def test_an_error_that_the_code_showed_is_shown(kernel: Kernel) -> None:
    error = OutputEvent("error", {"ename": "E", "evalue": "v", "traceback": ["\x1b[31mline\x1b[0m", "E: v"]})
    assert show(kernel, error).text("stderr") == "\x1b[31mline\x1b[0m\nE: v\n"


def test_what_is_not_output_shows_nothing(kernel: Kernel) -> None:
    result = show(
        kernel,
        StatusEvent("queued", 1.0),
        StartedEvent("1", "3.11"),
        VariableEvent("x", 1),
        FinishedEvent("ok"),
        StatusEvent("succeeded", 2.0),
    )
    assert result.outputs == []


def test_long_text_goes_in_blocks_that_end_with_a_line(kernel: Kernel) -> None:
    lines = "".join(f"line {number}\n" for number in range(20_000))
    result = show(kernel, stream(lines), stream("x" * 100_000))
    assert result.text() == lines + "x" * 100_000
    texts = [content["text"] for _, content in result.outputs]
    assert max(map(len, texts)) <= 65_536
    assert all(text.endswith("\n") for text in texts[:3])


@pytest.mark.parametrize(
    "large",
    [
        [stream("x" * 30_000 + "\n") for _ in range(5)],
        [rich("display_data", {"image/png": "A" * 200_000})],
    ],
)
def test_what_exceeds_the_limit_is_announced_once(kernel: Kernel, large: list[Event]) -> None:
    result = show(kernel, stream("first\n"), *large, stream("last " * 50_000), *large, limit=100_000)
    assert result.text().startswith("first\n")
    assert len(result.text()) <= 100_000
    assert "display_data" not in result.kinds
    announced = result.text("stderr")
    assert announced.count("exceeds 0.1 MB") == 1
    assert "execution abc123" in announced


def test_a_redirected_stdout_is_obeyed(kernel: Kernel) -> None:
    shown = SHOW.format(events=msgspec.json.encode([stream("inside\n")]), limit=1000).strip()
    code = "import contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()) as got:\n"
    result = kernel.run(code + "\n".join(f"    {line}" for line in shown.splitlines()))
    assert result.outputs == []
    assert kernel.value("got.getvalue()") == "inside\n"
