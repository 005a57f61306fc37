"""The line that shows that a run goes on, in a real kernel and in a terminal."""

from __future__ import annotations

import io
import re
import sys
import time

import pytest

from jupyter_datasphere.kernel.describe import duration
from jupyter_datasphere.kernel.lines import TerminalLine
from jupyter_datasphere.kernel.meter import Meter
from jupyter_datasphere.protocol import Price, StatusEvent

from .conftest import Kernel, Result
from .users import on_screen

SETUP = """
import time
from jupyter_datasphere.kernel.display import Display
from jupyter_datasphere.kernel.lines import DisplayLine
from jupyter_datasphere.kernel.pacing import Pacer
from jupyter_datasphere.kernel.progress import Progress
from jupyter_datasphere.protocol import OutputEvent, StatusEvent

def begin(quiet=False):
    global progress, display
    progress = Progress.for_shell(get_ipython(), quiet=quiet)
    display = Display(get_ipython(), progress, Pacer(), "abc123")
    progress.start()
    display.show([StatusEvent("queued", time.time())])

def put(text, message="stream", **content):
    display.show([OutputEvent(message, content or {"name": "stdout", "text": text})])

def end():
    progress.finish("done in <1 s" if progress.wants_summary else None)
"""


@pytest.fixture(scope="module")
def screen(kernel: Kernel) -> Kernel:
    assert kernel.run(SETUP).reply["status"] == "ok"
    return kernel


def shown(result: Result) -> list[str]:
    assert result.reply["status"] == "ok", result.traceback
    return on_screen(result.outputs)


def test_a_line_appears_stays_above_and_becomes_a_summary(screen: Kernel) -> None:
    result = screen.run("begin(); time.sleep(0.8); put('output\\n'); end()", watched=True)
    assert result.kinds == ["display_data", "stream", "update_display_data"]
    line, _, summary = (content for _, content in result.outputs)
    assert line["data"]["text/plain"].endswith("queued · 0.5 s")
    assert summary["data"] == {
        "text/plain": "done in <1 s",
        "text/html": "<small>done in &lt;1 s</small>",
    }
    assert line["transient"] == summary["transient"]


def test_the_elapsed_time_is_updated(screen: Kernel) -> None:
    result = screen.run("begin(); time.sleep(1.8); end()", watched=True)
    assert result.kinds[:2] == ["display_data", "update_display_data"]
    assert result.outputs[1][1]["data"]["text/plain"].endswith("queued · 1.5 s")


@pytest.mark.parametrize(
    ("quiet", "watched", "seconds"),
    [(False, True, 0.1), (True, True, 0.8), (False, False, 0.8)],
    ids=["quick", "quiet", "nobody looks on"],
)
def test_otherwise_there_is_only_the_output(
    screen: Kernel, quiet: bool, watched: bool, seconds: float
) -> None:
    code = f"begin(quiet={quiet}); time.sleep({seconds}); put('output\\n'); end()"
    assert screen.run(code, watched=watched).kinds == ["stream"]


LINE = """
line = DisplayLine(get_ipython())

def write(text):
    line.make_way(unfinished=not text.endswith("\\n"))
    print(text, end="", flush=True)

"""


def test_the_line_comes_below_output_and_stays_longer_each_time(screen: Kernel) -> None:
    result = screen.run(
        LINE
        + "write('1\\n')\n"
        + "assert not line.show('too soon', 1.9)\n"
        + "assert line.show('a', 2)\n"
        + "write('2\\n')\n"
        + "assert line.show('b', 3.9)\n"  # where it was
        + "assert line.show('c', 4)\n"
        + "write('3\\n')\n"
        + "assert line.show('d', 7.9)\n"
    )
    assert shown(result) == ["1\n", "", "2\n", "d", "3\n"]
    result = screen.run("assert line.show('e', 8)\nwrite('4\\n')\nassert line.show('f', 15.9)")
    assert [kind for kind in result.kinds if kind == "display_data"] == ["display_data"]


def test_code_that_never_falls_silent_gets_its_line_below_the_output(screen: Kernel) -> None:
    result = screen.run(
        "begin()\nfor n in range(100):\n    if progress.wants_summary and progress._drawn: break\n"
        "    put(f'{n}\\n'); time.sleep(0.1)\nprogress.finish()\nassert n > 10",
        watched=True,
    )
    assert result.reply["status"] == "ok", result.traceback
    (number,) = (number for number, kind in enumerate(result.kinds) if kind == "display_data")
    assert number > 0
    assert " queued · " in result.outputs[number][1]["data"]["text/plain"]


def test_a_line_whose_output_was_cleared_is_soon_there_again(screen: Kernel) -> None:
    steps = "".join(f"write('{n}\\n'); line.show('{n}', {2**n})\n" for n in range(1, 6))
    result = screen.run(
        LINE + steps + "line.forget(); get_ipython().display_pub.clear_output()\n"
        "write('last\\n'); assert line.show('again', 33)"
    )
    assert shown(result) == ["last\n", "again"]
    # With an output that is about to clear, the line must not be what clears.
    assert screen.run("line.forget(); assert not line.show('not now', 34, below=False)").kinds == []


@pytest.mark.parametrize(
    ("before", "left"),
    [
        ("write('1\\n'); line.show('a', 2); write('2\\n')", ["1\n", "", "2\n", "end"]),
        ("write('1\\n'); line.show('a', 2)", ["1\n", "end"]),
        ("line.show('a', 2); write('1\\n')", ["end", "1\n"]),
        ("write('1\\n')", ["1\n", "end"]),
    ],
    ids=["in the middle", "below", "above", "never shown"],
)
def test_a_summary_is_above_or_below_all_output(screen: Kernel, before: str, left: list[str]) -> None:
    assert shown(screen.run(f"{LINE}{before}; line.keep('end')")) == left


def test_a_progress_bar_is_not_broken(screen: Kernel) -> None:
    result = screen.run(
        f"{LINE}write('10 %'); line.show('a', 2, below=False); write('\\r20 %'); line.show('b', 4, below=False);"
    )
    assert shown(result) == ["b", "10 %\r20 %"]


def test_a_line_never_seen_is_not_hidden(screen: Kernel) -> None:
    assert screen.run(f"{LINE}write('1\\n'); line.hide()").kinds == ["stream"]


def test_a_cleared_output_takes_the_line_with_it(screen: Kernel) -> None:
    clear = "put('', 'clear_output', wait={})"
    result = screen.run(
        f"begin(); time.sleep(0.8); {clear.format(False)}; time.sleep(1.2); end()", watched=True
    )
    assert result.kinds[:3] == ["display_data", "clear_output", "display_data"]
    # With `wait`, what comes next clears: only output may.
    result = screen.run(
        f"begin(); put('1\\n'); {clear.format(True)}; time.sleep(3); put('2\\n'); end()", watched=True
    )
    assert result.kinds == ["stream", "clear_output", "stream", "display_data"]


def terminal(text: str) -> list[str]:
    """The rows of a terminal that got this."""
    return [row.rpartition("\r\x1b[K")[2] for row in text.split("\n")]


def test_a_terminal_gets_its_line_back_and_keeps_its_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", written := io.StringIO())
    monkeypatch.setenv("COLUMNS", "21")
    line = TerminalLine()
    assert line.show("⠋ running · 1 s")
    line.make_way(unfinished=False)
    written.write("1\n")
    assert line.show("⠹ running · 3 s, and more")
    assert terminal(written.getvalue()) == ["1", "⠹ running · 3 s, and"]
    line.make_way(unfinished=True)
    written.write("2")
    assert not line.show("not now", 9, below=False)
    line.keep("succeeded")
    assert terminal(written.getvalue()) == ["1", "2", "succeeded", ""]
    assert line.show("⠼ running · 5 s")
    line.forget()
    written.write("3")
    assert terminal(written.getvalue())[3:] == ["3"]


@pytest.mark.parametrize(
    ("price", "words"),
    [
        (Price(4), r"~(\d+) units \(computed\)"),
        (Price(4, at_most=1000), r"~(\d+) of 1,000 units \(computed\)"),
        (Price(4, balance=4 * 3600), r"~(\d+) units \(computed\)"),
        (Price(4, balance=4 * 191), r"~(\d+) units, the balance lasts \d min \d+ s \(computed\)"),
        (Price(4, balance=4 * 71), r"~(\d+) units, the balance is used up \(computed\)"),
    ],
)
def test_units_count_from_the_time_that_the_run_began(price: Price, words: str) -> None:
    meter = Meter(began=time.time() - 71.01)
    assert meter.words is None
    meter.take(StatusEvent("queued", time.time() - 1000, price=price))
    meter.take(StatusEvent("running", time.time()))
    said = re.fullmatch(words, meter.words or "")
    assert said is not None
    assert 4 * 72 <= int(said[1]) < 4 * 100 and int(said[1]) % 4 == 0


def test_units_count_once_the_run_has_begun() -> None:
    meter = Meter()
    meter.take(StatusEvent("queued", 1.0, price=Price(928)))
    meter.take(StatusEvent("submitted", 2.0))
    assert meter.words is None
    meter.take(StatusEvent("running", 3.0))  # by a clock that was set
    assert meter.words == "~928 units (computed)"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10.0 s"),
        (59.4, "59 s"),
        (185, "3 min 5 s"),
        (7860, "2 h 11 min"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
