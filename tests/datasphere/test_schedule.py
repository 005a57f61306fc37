"""The schedule: a tenth of the silence, between its bounds."""

from __future__ import annotations

import pytest

from jupyter_datasphere.datasphere import schedule
from jupyter_datasphere.datasphere.schedule import JITTER, LONGEST, SHORTEST, Schedule


@pytest.mark.parametrize(("silence", "expected"), [(0.0, SHORTEST), (1.0, 0.1), (7.0, 0.7), (500.0, LONGEST)])
def test_a_tenth_of_the_silence(monkeypatch: pytest.MonkeyPatch, silence: float, expected: float) -> None:
    now = 100.0
    monkeypatch.setattr(schedule.time, "monotonic", lambda: now)
    waits = Schedule()
    now += silence
    for _ in range(50):
        assert expected * (1 - JITTER) <= waits.wait() <= expected
    waits.news()
    assert waits.wait() <= SHORTEST
