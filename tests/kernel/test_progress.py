from __future__ import annotations

import pytest

from jupyter_datasphere.kernel.progress import duration

from .conftest import Kernel

PROGRESS = """
import time
from jupyter_datasphere.kernel.progress import Progress
progress = Progress.for_shell(get_ipython(), quiet={quiet})
progress.start()
progress.state("queued")
time.sleep({seconds})
progress.hide()
print("output")
progress.finish("done in <1 s" if progress.wants_summary else None)
"""


def test_a_line_appears_disappears_and_returns_as_a_summary(kernel: Kernel) -> None:
    result = kernel.run(PROGRESS.format(quiet=False, seconds=0.8), watched=True)
    assert result.kinds == ["display_data", "update_display_data", "stream", "update_display_data"]
    shown, hidden, _, summary = (content for _, content in result.outputs)
    assert shown["data"]["text/plain"].endswith("queued · 0.5 s")
    assert hidden["data"] == {}
    assert summary["data"] == {
        "text/plain": "done in <1 s",
        "text/html": "<small>done in &lt;1 s</small>",
    }
    assert shown["transient"] == hidden["transient"] == summary["transient"]


def test_the_elapsed_time_is_updated(kernel: Kernel) -> None:
    result = kernel.run(PROGRESS.format(quiet=False, seconds=1.8), watched=True)
    assert result.kinds[:3] == ["display_data", "update_display_data", "update_display_data"]
    assert result.outputs[1][1]["data"]["text/plain"].endswith("queued · 1.5 s")


@pytest.mark.parametrize(
    ("quiet", "watched", "seconds"),
    [(False, True, 0.1), (True, True, 0.8), (False, False, 0.8)],
    ids=["quick", "quiet", "nobody looks on"],
)
def test_otherwise_there_is_only_the_output(
    kernel: Kernel, quiet: bool, watched: bool, seconds: float
) -> None:
    result = kernel.run(PROGRESS.format(quiet=quiet, seconds=seconds), watched=watched)
    assert result.kinds == ["stream"]


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
