"""The service's clock is never believed to be earlier than it can be."""

from __future__ import annotations

from email.utils import formatdate

from hypothesis import given
from hypothesis import strategies as st

from jupyter_datasphere.clocks import SYSTEM
from jupyter_datasphere.datasphere.clock import ServiceClock

gaps = st.lists(st.tuples(st.floats(0.001, 2.0), st.floats(0.0, 0.3), st.floats(0.0, 0.3)), max_size=30)


@given(offset=st.floats(-1e6, 1e6), gaps=gaps)
def test_the_earliest_is_never_later_than_the_truth(
    offset: float, gaps: list[tuple[float, float, float]]
) -> None:
    clock = ServiceClock()
    base = 1_800_000_000 + offset
    now = SYSTEM.elapsed() - 1000
    origin = now
    for wait, there, back in gaps:
        sent = now + wait
        answered = sent + there
        received = answered + back
        now = received
        clock.observe(formatdate(base + (answered - origin), usegmt=True), sent, received)
        truth = base + (sent - origin)
        assert clock.earliest(sent) <= truth + 1e-3
    assert clock.known is bool(gaps)


def test_many_answers_make_it_exact() -> None:
    clock = ServiceClock()
    origin = SYSTEM.elapsed() - 10
    for step in range(300):
        sent = origin + step * 0.0103
        clock.observe(formatdate(1_800_000_000 + step * 0.0103 + 0.001, usegmt=True), sent, sent + 0.002)
    truth = 1_800_000_000 + 299 * 0.0103
    assert truth - 0.05 < clock.earliest(origin + 299 * 0.0103) <= truth + 0.002


def test_a_clock_that_was_set_begins_anew() -> None:
    clock = ServiceClock()
    now = SYSTEM.elapsed()
    clock.observe(formatdate(1_800_000_000, usegmt=True), now, now)
    clock.observe(formatdate(1_700_000_000, usegmt=True), now + 1, now + 1)
    assert clock.earliest(now + 1) <= 1_700_000_001


def test_headers_that_are_no_date_are_ignored() -> None:
    clock = ServiceClock()
    for text in (None, "", "soon", "Tue, 99 Foo 2026 25:61:61 GMT"):
        clock.observe(text, 0.0, 1.0)
    assert not clock.known
