"""Time as a run counts it: right within a process, whatever happens to the clock, and never back between two."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import SettableClock

from jupyter_datasphere.clocks import SYSTEM
from jupyter_datasphere.executions.naps import Naps
from jupyter_datasphere.executions.run_time import RunTime


class Still(SettableClock):
    """A clock by which time passes only when it is told to."""

    def wall(self) -> float:
        return 1_800_000_000 + self._slept + self._set_by

    def elapsed(self) -> float:
        return self._slept


happenings = st.lists(st.tuples(st.sampled_from(["sleep", "set"]), st.floats(-1e6, 1e6)), max_size=30)


def happen(clock: Still, what: str, seconds: float) -> float:
    """Gives the time that truly passes."""
    if what == "set":
        clock.set(seconds)
        return 0.0
    clock.sleep(abs(seconds))
    return abs(seconds)


@given(happenings=happenings)
def test_within_a_process_it_is_right(happenings: list[tuple[str, float]]) -> None:
    clock = Still()
    created_at = clock.wall()
    run = RunTime(clock, created_at)
    truth = 0.0
    for what, seconds in happenings:
        truth += happen(clock, what, seconds)
        assert run.now() - created_at == pytest.approx(truth, abs=1e-3)
    assert run.certain


@given(processes=st.lists(happenings, min_size=1, max_size=5))
def test_between_processes_it_never_goes_back(processes: list[list[tuple[str, float]]]) -> None:
    """And is right, too, as long as nobody sets the clock."""
    clock = Still()
    created_at = latest = clock.wall()
    truth, was_set = 0.0, False
    for happenings in processes:
        run = RunTime(clock, created_at, latest, None)
        assert run.now() >= latest - 1e-3
        if not was_set:
            assert run.now() - created_at == pytest.approx(truth, abs=1e-3)
        assert run.certain is (clock.wall() >= latest - 60)
        for what, seconds in happenings:
            was_set = was_set or what == "set"
            truth += happen(clock, what, seconds)
        latest = run.now()


def test_a_clock_that_was_set_back_makes_the_time_before_uncertain() -> None:
    clock = Still()
    assert RunTime(clock, clock.wall() + 59).certain
    assert not RunTime(clock, clock.wall() + 61).certain
    assert not RunTime(clock, clock.wall() - 61, clock.wall() + 61).certain


def test_the_real_clock_goes_on() -> None:
    first, second = SYSTEM.elapsed(), SYSTEM.elapsed()
    assert first <= second
    assert abs(SYSTEM.wall() - time.time()) < 60


@pytest.mark.parametrize(
    ("slept", "set_by", "told"),
    [
        (30, 20, None),
        (42 * 60, 0, "This computer slept for 42 min; the run went on meanwhile."),
        (42 * 60, -86400, "This computer slept for 42 min; the run went on meanwhile."),
        (1, 7500, "This computer slept for 2 h 5 min (or its clock was set); the run went on meanwhile."),
        (1, -120, "The clock of this computer was set back by 2 min; the run goes on."),
    ],
)
def test_what_is_told_of_a_nap(slept: float, set_by: float, told: str | None) -> None:
    clock = Still()
    naps = Naps(clock)
    clock.sleep(slept)
    clock.set(set_by)
    assert naps.look() == told
    clock.sleep(1)
    assert naps.look() is None
