"""The schedule: a tenth of the silence, between its bounds."""

from __future__ import annotations

import asyncio
import time

import pytest

from jupyter_datasphere.datasphere import schedule
from jupyter_datasphere.datasphere.schedule import JITTER, LONGEST, SHORTEST, FirstLook, Pace, Schedule


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


def test_the_first_look_settles_where_answers_are_ready() -> None:
    look = FirstLook()
    ready = 0.012
    waits = []
    for _ in range(200):
        waits.append(look.wait)
        if look.wait >= ready:
            look.was_right()
        else:
            look.was_early(ready)
    assert all(ready * 0.9 < wait < ready + 0.003 for wait in waits[20:])


def test_news_that_comes_late_teaches_nothing() -> None:
    look = FirstLook()
    look.was_early(5.0)
    assert look.wait == SHORTEST
    for _ in range(100):
        look.was_early(0.01)
    assert look.wait == FirstLook.LONGEST


async def test_all_questions_together_are_paced() -> None:
    pace = Pace(rate=200)
    begun = time.monotonic()
    await asyncio.gather(*(pace.turn() for _ in range(200)))  # a second's worth, saved up in the quiet before
    burst = time.monotonic() - begun
    await asyncio.gather(*(pace.turn() for _ in range(60)))
    assert burst < 0.2
    assert time.monotonic() - begun >= 0.29


async def test_what_was_asked_about_seldom_goes_first() -> None:
    pace = Pace(rate=100)
    await asyncio.gather(*(pace.turn() for _ in range(100)))  # what was saved up in the quiet before
    order: list[str] = []

    async def ask(name: str, asked: int) -> None:
        await pace.turn(asked)
        order.append(name)

    asking = [asyncio.create_task(ask(name, 1000)) for name in ("a", "b", "given up", "c")]
    asking.append(asyncio.create_task(ask("seldom", 3)))
    await asyncio.sleep(0)
    asking.pop(2).cancel()
    await asyncio.gather(*asking)
    assert order == ["seldom", "a", "b", "c"]


async def test_what_was_asked_about_often_waits_a_while_longer_and_not_for_ever() -> None:
    pace = Pace(rate=1000)
    pace.HEAD_START = 0.02
    await asyncio.gather(*(pace.turn() for _ in range(1000)))
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:

        async def come() -> list[asyncio.Task[None]]:
            new = [group.create_task(pace.turn()) for _ in range(200)]
            await asyncio.sleep(0.01)
            return new

        waiting = await come()  # more than can be let through meanwhile
        often = group.create_task(pace.turn(1000))
        while not often.done():
            waiting += await come()
        assert not all(task.done() for task in waiting)
        for task in waiting:
            task.cancel()
