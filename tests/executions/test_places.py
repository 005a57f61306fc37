"""Runs to the same place wait for each other in the order in which they were asked for."""

from __future__ import annotations

import asyncio

from jupyter_datasphere.executions.places import Places


async def test_first_come_first_served() -> None:
    places = Places()
    turns = [places.enter("a") for _ in range(3)]
    assert [turn.reached for turn in turns] == [True, False, False]
    turns[0].leave()
    await asyncio.wait_for(turns[1].wait(), 1)
    assert not turns[2].reached
    turns[1].leave()
    assert turns[2].reached


async def test_one_who_gives_up_lets_the_next_through() -> None:
    places = Places()
    first, second, third = (places.enter("a") for _ in range(3))
    waiting = asyncio.create_task(second.wait())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    second.leave()
    first.leave()
    assert third.reached


async def test_places_do_not_wait_for_each_other() -> None:
    places = Places()
    places.enter("a")
    assert places.enter("b").reached
