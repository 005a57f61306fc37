"""Faults on purpose, as a client meets them; and the control endpoint."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from emulator.api import Api, Json, key, ok, refused, start_api

from jupyter_datasphere.emulator.faults import parse_rules

SEED = 7


@asynccontextmanager
async def faulty(root: Path, *rules: Json, **config: Any) -> AsyncIterator[Api]:
    """A logged-in emulator of its own with these rules."""
    async with start_api(root, faults=parse_rules(json.dumps(rules).encode()), **config) as api:
        yield api


def at(method: str, *calls: int, **fault: Any) -> Json:
    return {"method": method, "calls": list(calls), "fault": fault}


def control(api: Api) -> dict[str, str]:
    return {"Authorization": f"Bearer {api.emulator.info.control_token}"}


async def fired(api: Api) -> list[int]:
    report = (await api.http.get("/emulator/faults", headers=control(api))).json()
    return [entry["fired"] for entry in report]


async def project_names(api: Api) -> list[str]:
    query = {"communityId": api.emulator.community_id}
    projects = ok(await api.http.get("/datasphere/v2/projects", params=query))["projects"]
    return sorted(project["name"] for project in projects)


async def statuses(api: Api, count: int) -> list[int]:
    return [(await api.http.get(api.project)).status_code for _ in range(count)]


@pytest.mark.parametrize(("status", "code"), [(429, 8), (500, 13), (503, 14), (504, 4)])
async def test_a_status_is_answered_in_the_services_form(tmp_path: Path, status: int, code: int) -> None:
    async with faulty(tmp_path / "root", at("project.get", 1, status=status, retry_after=3)) as api:
        response = await api.http.get(api.project)
        refused(response, status, code, "on purpose")
        assert response.headers["Retry-After"] == "3"
        ok(await api.http.get(api.project))


async def test_502_is_a_page_of_a_proxy(tmp_path: Path) -> None:
    async with faulty(tmp_path / "root", at("project.get", 1, status=502)) as api:
        response = await api.http.get(api.project)
        assert response.status_code == 502
        assert response.headers["Content-Type"].startswith("text/html")
        assert "Bad Gateway" in response.text
        assert "x-request-id" not in response.headers
        assert "Retry-After" not in response.headers


async def test_a_call_that_is_refused_changes_nothing(tmp_path: Path) -> None:
    async with faulty(tmp_path / "root", at("project.create", 1, status=503)) as api:
        body = {"communityId": api.emulator.community_id, "name": "refused"}
        refused(await api.http.post("/datasphere/v2/projects", json=body), 503, 14)
        assert await project_names(api) == ["demo-project"]


async def test_a_delayed_call_is_answered_as_usual(tmp_path: Path) -> None:
    async with faulty(tmp_path / "root", at("project.get", 1, delay=0.3)) as api:
        begun = time.monotonic()
        assert ok(await api.http.get(api.project))["name"] == "demo-project"
        assert time.monotonic() - begun >= 0.3


async def test_a_call_that_is_cut_before_is_not_performed(tmp_path: Path) -> None:
    async with faulty(tmp_path / "root", at("project.create", 1, cut="before")) as api:
        with pytest.raises(httpx.TransportError):
            await api.new_project(name="cut")
        assert await project_names(api) == ["demo-project"]
        await api.new_project(name="cut")


async def test_a_call_whose_answer_is_lost_is_performed(tmp_path: Path) -> None:
    async with faulty(tmp_path / "root", at("project.create", 1, lose=True)) as api:
        body = {"communityId": api.emulator.community_id, "name": "lost"}
        same = key()
        with pytest.raises(httpx.TransportError):
            await api.http.post("/datasphere/v2/projects", json=body, headers=same)
        assert await project_names(api) == ["demo-project", "lost"]
        ok(await api.http.post("/datasphere/v2/projects", json=body, headers=same))
        assert await project_names(api) == ["demo-project", "lost"]


async def test_a_call_that_is_cut_in_the_middle_is_performed(tmp_path: Path) -> None:
    async with faulty(tmp_path / "root", at("project.create", 1, cut="middle")) as api:
        with pytest.raises(httpx.TransportError):
            await api.new_project(name="half")
        assert await project_names(api) == ["demo-project", "half"]


async def test_half_of_the_answer_comes_before_the_cut(tmp_path: Path) -> None:
    async with faulty(tmp_path / "root", at("project.get", 1, cut="middle")) as api:
        url = httpx.URL(api.emulator.url)
        reader, writer = await asyncio.open_connection(url.host, url.port)
        token = api.http.headers["Authorization"]
        writer.write(
            f"GET {api.project} HTTP/1.1\r\nHost: {url.netloc.decode()}\r\nAuthorization: {token}\r\n\r\n".encode()
        )
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        await writer.wait_closed()
        whole = (await api.http.get(api.project)).content
        assert head.startswith(b"HTTP/1.1 200 ")
        assert f"Content-Length: {len(whole)}".encode() in head
        assert body == whole[: len(whole) // 2]


async def test_an_error_can_be_cut_in_the_middle_too(tmp_path: Path) -> None:
    async with faulty(tmp_path / "root", at("project.get", 1, cut="middle")) as api:
        with pytest.raises(httpx.TransportError):
            await api.http.get(f"{api.project}x")
        refused(await api.http.get(f"{api.project}x"), 404, 5)


async def test_calls_by_number(tmp_path: Path) -> None:
    async with faulty(tmp_path / "root", at("project.get", 1, 5, status=503)) as api:
        assert await statuses(api, 7) == [503, 200, 200, 200, 503, 200, 200]
        assert await fired(api) == [2]


async def test_a_rate_with_a_seed_is_reproducible(tmp_path: Path) -> None:
    rule = {"method": "project.get", "rate": 0.2, "seed": SEED, "fault": {"status": 503}}
    async with faulty(tmp_path / "one", rule) as api:
        first = await statuses(api, 200)
        assert first.count(503) + first.count(200) == 200
        assert 25 <= first.count(503) <= 55
        assert await fired(api) == [first.count(503)]
    async with faulty(tmp_path / "two", rule) as api:
        assert await statuses(api, 200) == first
    async with faulty(tmp_path / "three", {**rule, "seed": SEED + 1}) as api:
        assert await statuses(api, 200) != first


@pytest.mark.parametrize(("rate", "status"), [(0, 200), (1, 503)])
async def test_the_ends_of_a_rate(tmp_path: Path, rate: int, status: int) -> None:
    async with faulty(
        tmp_path / "root", {"method": "project.get", "rate": rate, "fault": {"status": 503}}
    ) as api:
        assert await statuses(api, 50) == [status] * 50


async def test_the_first_rule_that_fires_takes_the_call_and_all_count_it(tmp_path: Path) -> None:
    rules = at("project.*", 1, 2, status=503), at("project.get", 2, 3, status=500), at("*", 5, status=504)
    async with faulty(tmp_path / "root", *rules) as api:
        # The login was call 1 of the third rule.
        assert await statuses(api, 5) == [503, 503, 500, 504, 200]
        assert await fired(api) == [2, 1, 1]


@pytest.mark.parametrize("method", ["project.*", "*", "project.get"])
async def test_patterns_of_methods(tmp_path: Path, method: str) -> None:
    async with faulty(tmp_path / "root") as api:
        rule = {"method": method, "rate": 1, "fault": {"status": 503}}
        await api.http.put("/emulator/faults", headers=control(api), json=[rule])
        refused(await api.http.get(api.project), 503, 14)
        other = await api.http.get("/operations/none")
        assert other.status_code == (503 if method == "*" else 404)
