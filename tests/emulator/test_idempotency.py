"""Idempotency keys: the same call again gives the first operation; nothing happens twice."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from emulator.api import Api, key, ok, refused, start_api

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_repeat_gives_the_first_operation_in_its_present_state(api: Api) -> None:
    api.write("once.ipynb", "with open('count', 'a') as file: file.write('x')")
    body, headers = {"notebookId": "once.ipynb"}, key()
    first = ok(await api.http.post(f"{api.project}:execute", json=body, headers=headers))
    done = await api.done(first)
    again = ok(await api.http.post(f"{api.project}:execute", json=body, headers=headers))
    assert again == done
    assert (api.folder / "count").read_text() == "x"
    other = ok(await api.http.post(f"{api.project}:execute", json=body, headers=key()))
    assert other["id"] != first["id"]
    await api.done(other)
    assert (api.folder / "count").read_text() == "xx"


async def test_calls_at_the_same_time_are_one(api: Api) -> None:
    body, headers = {"communityId": api.emulator.community_id, "name": "at-once"}, key()
    answers = await asyncio.gather(
        *(api.http.post("/datasphere/v2/projects", json=body, headers=headers) for _ in range(20))
    )
    assert len({ok(answer)["id"] for answer in answers}) == 1


async def test_spelling_does_not_make_another_call(api: Api) -> None:
    headers = key()
    first = await api.http.post(
        "/datasphere/v2/projects",
        json={"communityId": api.emulator.community_id, "name": "a"},
        headers=headers,
    )
    again = await api.http.post(
        "/datasphere/v2/projects",
        content=f'{{"name":"a", "community_id": "{api.emulator.community_id}"}}',
        headers=headers,
    )
    assert ok(first) == ok(again)


async def test_another_call_with_the_same_key_is_refused(api: Api) -> None:
    api.write("key.ipynb", "1")
    headers, path = key(), f"{api.project}:execute"
    await api.done(ok(await api.http.post(path, json={"notebookId": "key.ipynb"}, headers=headers)))
    for other in ({"notebookId": "key.ipynb", "spec": "c1.8"}, {"notebookId": "other.ipynb"}):
        refused(await api.http.post(path, json=other, headers=headers), 400, 3, "Idempotency-Key")
    refused(await api.http.post(f"{api.project}:open", headers=headers), 400, 3, "Idempotency-Key")


async def test_a_call_that_failed_leaves_no_key(api: Api) -> None:
    headers, path = key(), f"{api.project}:execute"
    refused(await api.http.post(path, json={"notebookId": "later.ipynb"}, headers=headers), 404, 5)
    api.write("later.ipynb", "1")
    await api.done(ok(await api.http.post(path, json={"notebookId": "later.ipynb"}, headers=headers)))


async def test_a_key_is_a_uuid(api: Api) -> None:
    response = await api.http.post(f"{api.project}:open", headers={"Idempotency-Key": "again"})
    refused(response, 400, 3, "Idempotency-Key")


async def test_a_key_outlives_a_restart(tmp_path: Path) -> None:
    body, headers = {"notebookId": "once.ipynb"}, key()
    async with start_api(tmp_path / "root") as api:
        api.write("once.ipynb", "with open('count', 'a') as file: file.write('x')")
        first = ok(await api.http.post(f"{api.project}:execute", json=body, headers=headers))
        done = await api.done(first)
    async with start_api(tmp_path / "root") as api:
        assert ok(await api.http.post(f"{api.project}:execute", json=body, headers=headers)) == done
        assert (api.folder / "count").read_text() == "x"
