from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jupyter_datasphere.kernel.pacing import Pacer


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


def sent(sizes: list[int], pauses: list[float]) -> list[tuple[float, int]]:
    """When each message went."""
    clock = Clock()
    pacer = Pacer(clock, clock.sleep)
    times = []
    for size, pause in zip(sizes, pauses, strict=True):
        clock.now += pause
        pacer.wait(size)
        times.append((clock.now, size))
    return times


@given(
    st.lists(
        st.tuples(st.integers(0, 400_000), st.sampled_from([0.0, 0.0, 0.0, 0.001, 0.3, 2.0, 5.0])),
        min_size=1,
        max_size=150,
    )
)
def test_never_above_what_a_jupyter_server_lets_pass(messages: list[tuple[int, float]]) -> None:
    times = sent(*map(list, zip(*messages, strict=True)))  # type: ignore[arg-type]
    for start, _ in times:
        window = [size for when, size in times if start <= when <= start + 3]
        assert sum(window) <= 3_000_000
        assert len(window) <= 3_000


def test_ordinary_output_does_not_wait() -> None:
    times = sent([50_000] * 10, [0.0] * 10)
    assert times[-1][0] == times[0][0]


def test_what_comes_together_does_not_wait_for_each_other_however_long_that_goes_on() -> None:
    times = sent([48_000, 2_000] * 50, [0.28, 0.0] * 50)
    assert times[-1][0] - times[0][0] < 49 * 0.28 + 0.01


def test_much_output_goes_at_nearly_the_full_rate() -> None:
    times = sent([65_536] * 150, [0.0] * 150)
    took = times[-1][0] - times[0][0]
    assert 150 * 65_536 / 1_000_000 - 3 < took < 150 * 65_536 / 900_000 + 1


def test_many_small_messages_are_counted_too() -> None:
    times = sent([0] * 10_000, [0.0] * 10_000)
    assert 9 < times[-1][0] - times[0][0] < 13
