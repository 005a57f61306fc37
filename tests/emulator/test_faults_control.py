"""Rules from a file and over the control endpoint: what is refused, who may ask, what is answered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from emulator.api import Api, Json, ok, refused
from emulator.test_faults import at, control, faulty

from jupyter_datasphere.cli import main
from jupyter_datasphere.demo.processes import emulator as emulator_process

RULE: Json = {"method": "project.get", "rate": 1.0, "fault": {"status": 503}}

BAD = [
    ({}, "array"),
    ([{**RULE, "when": 1}], "when"),
    ([{**RULE, "fault": {"status": 503, "retryafter": 1}}], "retryafter"),
    ([{"rate": 1, "fault": {"lose": True}}], "method"),
    ([{"method": "project.get", "rate": 1}], "fault"),
    ([{**RULE, "method": "project.exectue"}], "project.exectue"),
    ([{**RULE, "rate": 1.5}], "rate"),
    ([{**RULE, "rate": "often"}], "rate"),
    ([{**RULE, "calls": [1]}], "exactly one of rate and calls"),
    ([{"method": "project.get", "fault": {"lose": True}}], "exactly one of rate and calls"),
    ([{**at("project.get", 1, lose=True), "seed": 1}], "seed"),
    ([at("project.get", 0, lose=True)], "calls"),
    ([at("project.get", 1, status=418)], "fault.status"),
    ([at("project.get", 1, delay=-1)], "fault.delay"),
    ([at("project.get", 1, cut="end")], "fault.cut"),
    ([at("project.get", 1)], "exactly one of status, delay"),
    ([at("project.get", 1, lose=False)], "exactly one of status, delay"),
    ([at("project.get", 1, lose=True, delay=0)], "not delay and lose"),
    ([at("project.get", 1, lose=True, retry_after=1)], "retry_after"),
    ([at("project.get", 1, pause=1)], "pause is for the method project.execute only"),
    ([at("operation.*", 1, forget_operation=True)], "forget_operation is for the method operation.get only"),
]


@pytest_asyncio.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    """An emulator without rules, for one test."""
    async with faulty(tmp_path / "root") as api:
        yield api


@pytest.mark.parametrize(("rules", "word"), BAD)
def test_a_bad_file_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rules: Any, word: str
) -> None:
    file = tmp_path / "faults.json"
    file.write_text(json.dumps(rules))
    assert main(["emulator", "--root", str(tmp_path / "root"), "--faults", str(file)]) == 1
    message = capsys.readouterr().err
    assert word in message
    assert str(file) in message
    assert not (tmp_path / "root").exists()


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\xff", b'["\xff"]', b"[" * 100_000])
def test_a_file_that_is_no_json_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    file = tmp_path / "faults.json"
    file.write_bytes(content)
    assert main(["emulator", "--root", str(tmp_path / "root"), "--faults", str(file)]) == 1
    assert str(file) in capsys.readouterr().err


def test_a_file_that_is_not_there_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "faults.json"
    assert main(["emulator", "--root", str(tmp_path / "root"), "--faults", str(file)]) == 1
    assert f"{file} cannot be read: No such file" in capsys.readouterr().err


async def test_the_command_line_takes_a_file(tmp_path: Path) -> None:
    file = tmp_path / "faults.json"
    file.write_text(json.dumps([at("iam.createToken", 1, status=429, retry_after=2)]))
    with emulator_process(tmp_path / "root", "--faults", str(file)) as facts:
        async with httpx.AsyncClient(base_url=facts["url"], trust_env=False) as http:
            login = {"yandexPassportOauthToken": facts["oauth_token"]}
            refused(await http.post("/iam/v1/tokens", json=login), 429, 8)
            ok(await http.post("/iam/v1/tokens", json=login))
            headers = {"Authorization": f"Bearer {facts['control_token']}"}
            assert ok(await http.get("/emulator/calls", headers=headers)) == {"iam.createToken": 2}


@pytest.mark.parametrize(
    ("verb", "path"), [("GET", "/emulator/faults"), ("PUT", "/emulator/faults"), ("GET", "/emulator/calls")]
)
async def test_the_control_endpoint_needs_its_token(api: Api, verb: str, path: str) -> None:
    token = api.emulator.info.control_token
    for header in ("", "Bearer", f"Bearer {token}x", token, f"Basic {token}", "Bearer \udcff"):
        headers = {"Authorization": header.encode(errors="surrogateescape")}
        refused(await api.http.request(verb, path, headers=headers, json=[]), 401, 16, "control_token")
    refused(await api.http.request(verb, path, json=[]), 401, 16)  # with an IAM token
    async with httpx.AsyncClient(base_url=api.emulator.url, trust_env=False) as http:
        refused(await http.request(verb, path, json=[]), 401, 16)
    assert (await api.http.request(verb, path, json=[], headers=control(api))).status_code == 200
    foreign = {**control(api), "Host": "example.com"}
    assert (await api.http.request(verb, path, json=[], headers=foreign)).status_code == 403


async def test_the_control_token_is_no_iam_token(api: Api) -> None:
    refused(await api.http.get(api.project, headers=control(api)), 401, 16)


async def test_rules_are_reported_as_they_were_given_with_their_counts(tmp_path: Path) -> None:
    rules = [at("project.get", 2, status=503, retry_after=0), {**RULE, "method": "community.*", "seed": 3}]
    async with faulty(tmp_path / "root", *rules) as api:
        await asyncio.gather(*(api.http.get(api.project) for _ in range(3)))
        await api.http.get("/datasphere/v2/communities/none")
        answer = (await api.http.get("/emulator/faults", headers=control(api))).json()
        assert answer == [
            {"rule": rules[0], "matched": 3, "fired": 1},
            {"rule": rules[1], "matched": 1, "fired": 1},
        ]


async def test_rules_are_replaced_and_counts_begin_anew(tmp_path: Path) -> None:
    async with faulty(tmp_path / "root", at("*", 1, 2, 3, delay=0)) as api:
        for _ in range(2):
            answer = await api.http.put("/emulator/faults", headers=control(api), json=[RULE])
            assert answer.json() == [{"rule": RULE, "matched": 0, "fired": 0}]
            refused(await api.http.get(api.project), 503, 14)
        await api.http.put("/emulator/faults", headers=control(api), json=[])
        ok(await api.http.get(api.project))


@pytest.mark.parametrize(("rules", "word"), BAD)
async def test_bad_rules_are_refused_and_the_old_ones_stay(api: Api, rules: Any, word: str) -> None:
    before = (await api.http.put("/emulator/faults", headers=control(api), json=[RULE])).json()
    refused(await api.http.put("/emulator/faults", headers=control(api), json=rules), 400, 3, word)
    assert (await api.http.get("/emulator/faults", headers=control(api))).json() == before


async def test_calls_that_meet_a_fault_are_counted_and_those_of_the_control_are_not(tmp_path: Path) -> None:
    async with faulty(tmp_path / "root", at("project.get", 1, cut="before"), RULE) as api:
        with pytest.raises(httpx.TransportError):
            await api.http.get(api.project)
        refused(await api.http.get(api.project), 503, 14)
        for _ in range(2):
            counts = ok(await api.http.get("/emulator/calls", headers=control(api)))
            assert counts == {"iam.createToken": 1, "project.get": 2}
