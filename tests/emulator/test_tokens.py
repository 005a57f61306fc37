"""IAM tokens: the exchange, the check and the expiry; and who may reach the emulator at all."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from emulator.api import Api, eventually, ok, refused, start_api

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_token_is_exchanged_and_an_older_one_stays_good(api: Api) -> None:
    project = api.project
    first = api.http.headers["Authorization"]
    answer = ok(
        await api.http.post("/iam/v1/tokens", json={"yandex_passport_oauth_token": api.emulator.oauth_token})
    )
    assert answer["iamToken"].startswith("t1.")
    assert answer["expiresAt"].endswith("Z")
    assert f"Bearer {answer['iamToken']}" != first
    for header in (first, f"Bearer {answer['iamToken']}"):
        ok(await api.http.get(project, headers={"Authorization": header}))


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, 3),
        ({"yandexPassportOauthToken": "y0_wrong"}, 401, 16),
        ({"yandexPassportOauthToken": "ы"}, 401, 16),
        ({"yandexPassportOauthToken": "y" * 4001}, 400, 3),
        ({"jwt": "j" * 8001}, 400, 3),
        ({"jwt": "a.b.c", "yandexPassportOauthToken": "y0_x"}, 400, 3),
        ({"jwt": "a.b.c"}, 401, 16),
    ],
)
async def test_a_wrong_exchange_is_refused(api: Api, body: dict[str, str], status: int, code: int) -> None:
    refused(await api.http.post("/iam/v1/tokens", json=body), status, code)


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer t1.a.b", "Bearer t1.YQ.YQ.YQ", "Basic YTpi", "Bearer ж", "t1.a.b"]
)
async def test_a_wrong_token_is_401(api: Api, header: str) -> None:
    refused(await api.http.get(api.project, headers={"Authorization": header.encode()}), 401, 16)


async def test_no_token_is_401(api: Api) -> None:
    async with httpx.AsyncClient(base_url=api.emulator.url) as http:
        refused(await http.get(api.project), 401, 16, "no IAM token")


async def test_a_token_of_another_emulator_is_401(api: Api, tmp_path: Path) -> None:
    async with start_api(tmp_path / "other") as other:
        refused(
            await other.http.get(other.project, headers={"Authorization": api.http.headers["Authorization"]}),
            401,
            16,
            "invalid",
        )


async def test_a_token_expires(tmp_path: Path) -> None:
    async with start_api(tmp_path / "root", token_lifetime=0.3) as api:
        ok(await api.http.get(api.project))

        async def expired() -> httpx.Response | None:
            response = await api.http.get(api.project)
            return response if response.status_code != 200 else None

        refused(await eventually(expired), 401, 16, "expired")


@pytest.mark.parametrize("host", ["example.com", "127.0.0.1", "127.0.0.1:1", "evil.test:80", ""])
async def test_a_foreign_host_is_refused(api: Api, host: str) -> None:
    response = await api.http.get(api.project, headers={"Host": host})
    assert response.status_code == 403


async def test_localhost_is_an_own_name(api: Api) -> None:
    port = httpx.URL(api.emulator.url).port
    ok(await api.http.get(api.project, headers={"Host": f"localhost:{port}"}))


async def test_an_unknown_method_answers_404_without_json(api: Api) -> None:
    for verb, path in [
        ("GET", "/datasphere/v2/nothing"),
        ("POST", f"{api.project}:restart"),
        ("DELETE", f"{api.project}:execute"),
        ("GET", f"{api.project}/../{api.project_id}/x"),
    ]:
        response = await api.http.request(verb, path)
        assert response.status_code == 404
        assert response.headers["Content-Type"].startswith("text/plain")
        assert response.headers["x-request-id"]


async def test_calls_are_counted(api: Api) -> None:
    before = api.emulator.calls["project.get"]
    for _ in range(3):
        await api.http.get(api.project)
    await api.http.get(f"{api.project}x")
    assert api.emulator.calls["project.get"] == before + 4
