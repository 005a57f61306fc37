"""The accounts of the emulator, and each way by which one proves to be one of them."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import time
from pathlib import Path
from typing import Any

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from emulator.api import Api, Json, ok, refused, start_api

from jupyter_datasphere.emulator import metadata
from jupyter_datasphere.emulator.faults import parse_rules
from jupyter_datasphere.emulator.seed import Identities
from jupyter_datasphere.emulator.store import Store

pytestmark = pytest.mark.asyncio(loop_scope="module")

METADATA = "/computeMetadata/v1/instance/service-accounts/default/token"
FLAVOR = {"Metadata-Flavor": "Google"}
AUDIENCE = "https://iam.api.cloud.yandex.net/iam/v1/tokens"


def accounts(api: Api) -> dict[str, Json]:
    facts = json.loads((api.emulator.config.root / "emulator.json").read_text())
    return {account["name"]: account for account in facts["accounts"]}


def key_of(api: Api) -> Json:
    key: Json = json.loads(Path(accounts(api)["robot"]["key_file"]).read_text())
    return key


def signed(key: Json, *, algorithm: str = "PS256", kid: str | None = None, **claims: Any) -> Json:
    """The request of a token; a claim that is None is left out."""
    now = int(time.time())
    given = {"iss": key["service_account_id"], "aud": AUDIENCE, "iat": now, "exp": now + 3600, **claims}
    pem = key["private_key"].partition("\n")[2]
    headers = {"kid": key["id"] if kid is None else kid}
    text = jwt.encode(
        {name: value for name, value in given.items() if value is not None},
        pem,
        algorithm=algorithm,
        headers=headers,
    )
    return {"jwt": text}


async def subject(api: Api, token: str) -> str:
    """Who a token is of: the owner of what is made with it."""
    return api.emulator._identity.authenticate(f"Bearer {token}")


async def yc(api: Api, *words: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        api.emulator.config.root / "bin" / "yc",
        *words,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.defpath},
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_every_account_has_what_its_type_logs_in_with(api: Api) -> None:
    found = accounts(api)
    assert {name: account["type"] for name, account in found.items()} == {
        "admin": "userAccount",
        "editor": "userAccount",
        "developer": "userAccount",
        "viewer": "userAccount",
        "stranger": "userAccount",
        "robot": "serviceAccount",
        "federated": "federatedUser",
    }
    assert found["admin"]["oauth_token"] == api.emulator.oauth_token
    tokens = [account["oauth_token"] for account in found.values() if account["type"] == "userAccount"]
    assert len(set(tokens)) == 5
    assert len({account["id"] for account in found.values()}) == 7
    for account in found.values():
        assert ("oauth_token" in account) == (account["type"] == "userAccount")
        assert ("key_file" in account) == (account["type"] == "serviceAccount")
        known = api.emulator._identity.account(account["id"])
        assert known is not None and known.name == account["name"]
        assert account.get("oauth_token", "y0_") not in repr(known) or not account.get("oauth_token")
    assert api.emulator._identity.account("nobody") is None


async def test_each_oauth_token_is_that_of_its_account(api: Api) -> None:
    for account in accounts(api).values():
        if token := account.get("oauth_token"):
            answer = ok(await api.http.post("/iam/v1/tokens", json={"yandexPassportOauthToken": token}))
            assert await subject(api, answer["iamToken"]) == account["id"]


async def test_a_key_file_is_as_the_vendor_gives_it_and_private(api: Api) -> None:
    file = Path(accounts(api)["robot"]["key_file"])
    assert file == api.emulator.config.root / "keys" / "robot.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    key = key_of(api)
    assert list(key) == [
        "id",
        "service_account_id",
        "created_at",
        "key_algorithm",
        "public_key",
        "private_key",
    ]
    assert key["service_account_id"] == accounts(api)["robot"]["id"]
    assert key["key_algorithm"] == "RSA_2048"
    warning, _, pem = key["private_key"].partition("\n")
    assert warning == f"PLEASE DO NOT REMOVE THIS LINE! Yandex.Cloud SA Key ID <{key['id']}>"
    assert pem.startswith("-----BEGIN PRIVATE KEY-----\n")


async def test_a_signed_jwt_is_exchanged(api: Api) -> None:
    answer = ok(await api.http.post("/iam/v1/tokens", json=signed(key_of(api))))
    assert await subject(api, answer["iamToken"]) == accounts(api)["robot"]["id"]
    ahead = signed(key_of(api), iat=int(time.time()) + 30)  # by no more than two clocks may differ
    ok(await api.http.post("/iam/v1/tokens", json=ahead))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"algorithm": "RS256"}, "PS256"),
        ({"kid": ""}, "kid"),
        ({"kid": "ajeunknown"}, "kid"),
        ({"iss": "ajesomebody"}, "iss"),
        ({"iss": None}, "iss"),
        ({"aud": "http://127.0.0.1/iam/v1/tokens"}, "aud"),
        ({"aud": [AUDIENCE]}, "aud"),
        ({"aud": None}, "aud"),
        ({"iat": None}, "iat and exp"),
        ({"exp": None}, "iat and exp"),
        ({"iat": True}, "iat and exp"),
        ({"iat": "now"}, "iat and exp"),
        ({"iat": 3600, "exp": 7200}, "in the future"),
        ({"iat": 120, "exp": 3600}, "in the future"),
        ({"iat": -7200, "exp": -3600}, "expired"),
        ({"iat": 0, "exp": 3601}, "3600 s"),
        ({"iat": 30, "exp": 20}, "3600 s"),
    ],
)
async def test_a_jwt_that_is_not_as_documented_is_refused_with_the_reason(
    api: Api, change: dict[str, Any], reason: str
) -> None:
    now = int(time.time())
    for claim in ("iat", "exp"):
        if type(change.get(claim)) is int:
            change = {**change, claim: change[claim] + now}
    refused(await api.http.post("/iam/v1/tokens", json=signed(key_of(api), **change)), 401, 16, reason)


async def test_a_jwt_of_another_key_is_refused(api: Api) -> None:
    from cryptography.hazmat.primitives import serialization

    other = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    key = key_of(api) | {"private_key": "line\n" + other.decode()}
    refused(await api.http.post("/iam/v1/tokens", json=signed(key)), 401, 16, "signature")
    unsigned = jwt.encode(
        {"iss": key["service_account_id"]}, None, algorithm="none", headers={"kid": key["id"]}
    )
    refused(await api.http.post("/iam/v1/tokens", json={"jwt": unsigned}), 401, 16, "PS256")


async def test_a_vm_asks_for_a_token_without_a_secret(api: Api) -> None:
    response = await api.http.get(METADATA, headers=FLAVOR)
    answer = ok(response)
    assert set(answer) == {"access_token", "expires_in", "token_type"}
    assert answer["token_type"] == "Bearer"
    assert 12 * 3600 - 60 < answer["expires_in"] <= 12 * 3600
    assert response.headers["Metadata-Flavor"] == "Google"
    assert await subject(api, answer["access_token"]) == accounts(api)["robot"]["id"]


@pytest.mark.parametrize("headers", [{}, {"Metadata-Flavor": "google"}, {"Metadata-Flavor": ""}])
async def test_without_its_header_the_metadata_service_gives_nothing(
    api: Api, headers: dict[str, str]
) -> None:
    response = await api.http.get(METADATA, headers=headers)
    assert response.status_code == 403
    assert "Metadata-Flavor" in response.text and "t1." not in response.text


async def test_another_user_of_the_machine_gets_no_token(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "tcp"
    monkeypatch.setattr(metadata, "CONNECTIONS", table)
    refusals = [await api.http.get(METADATA, headers=FLAVOR)]  # no table
    titles, *rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
    table.write_text(" ".join(titles) + "\n")  # it knows nothing of the connection
    refusals.append(await api.http.get(METADATA, headers=FLAVOR))
    somebody = str(os.getuid() + 1)
    foreign = [titles, *([*row[:7], somebody, *row[8:]] for row in rows)]
    table.write_text("\n".join(map(" ".join, foreign)))
    refusals.append(await api.http.get(METADATA, headers=FLAVOR))
    for response in refusals:
        assert response.status_code == 403
        assert "own user" in response.text


async def test_the_metadata_service_meets_faults_and_is_counted(tmp_path: Path) -> None:
    rule = {"method": "metadata.token", "calls": [1], "fault": {"status": 503}}
    async with start_api(tmp_path / "root", faults=parse_rules(json.dumps([rule]).encode())) as api:
        assert (await api.http.get(METADATA, headers=FLAVOR)).status_code == 503
        ok(await api.http.get(METADATA, headers=FLAVOR))
        assert api.emulator.calls["metadata.token"] == 2


async def test_the_script_gives_a_token_of_each_account(api: Api) -> None:
    for name, account in accounts(api).items():
        status, out, err = await yc(api, "iam", "create-token", "--no-user-output", "--profile", name)
        assert (status, err) == (0, "")
        assert await subject(api, out.strip()) == account["id"]
    _, out, _ = await yc(api, "iam", "create-token", "--no-user-output")
    assert await subject(api, out.strip()) == accounts(api)["admin"]["id"]


async def test_the_script_says_what_is_wrong(api: Api, tmp_path: Path) -> None:
    status, out, err = await yc(api, "iam", "create-token", "--profile", "nobody")
    assert (status, out) == (1, "")
    assert err == "ERROR: profile 'nobody' not found\n"
    status, out, _ = await yc(api, "compute", "list")
    assert (status, out) == (2, "")
    async with start_api(tmp_path / "root") as other:
        pass
    status, out, err = await yc(other, "iam", "create-token")
    assert (status, out) == (1, "")
    assert "does not run" in err


async def test_a_token_for_the_script_needs_the_control_token(api: Api) -> None:
    refused(await api.http.post("/emulator/token?account=admin"), 401, 16, "control_token")
    control = {"Authorization": f"Bearer {api.emulator.info.control_token}"}
    refused(await api.http.post("/emulator/token?account=none", headers=control), 404, 5, "none")


async def test_accounts_outlive_a_restart_and_a_lost_key_file_is_a_new_key(tmp_path: Path) -> None:
    root = tmp_path / "root"
    async with start_api(root) as api:
        before, key = accounts(api), key_of(api)
    async with start_api(root) as api:
        assert (accounts(api), key_of(api)) == (before, key)
    (root / "keys" / "robot.json").unlink()
    async with start_api(root) as api:
        assert accounts(api) == before
        assert key_of(api)["id"] != key["id"]
        ok(await api.http.post("/iam/v1/tokens", json=signed(key_of(api))))
        refused(await api.http.post("/iam/v1/tokens", json=signed(key)), 401, 16, "kid")


async def test_a_root_of_a_version_with_one_account_has_the_others_added(tmp_path: Path) -> None:
    root = tmp_path / "root"
    async with start_api(root) as api:
        before = api.emulator.info
        token = api.http.headers["Authorization"]
    store = Store(root / "emulator.sqlite")
    old = msgspec.json.decode(store.meta("identities") or "", type=dict[str, Any])
    del old["accounts"]
    store.set_meta("identities", msgspec.json.encode(old).decode())
    store.close()
    async with start_api(root) as api:
        after = accounts(api)
        assert len(after) == 7
        assert after["admin"]["id"] == before.accounts[0].id
        assert after["admin"]["oauth_token"] == before.oauth_token
        assert after["editor"]["id"] != before.accounts[1].id
        ok(await api.http.get(api.project, headers={"Authorization": token}))


async def test_what_is_printed_of_identities_holds_no_secret() -> None:
    text = repr(Identities(organization_id="o", user_id="u", oauth_token="y0_hush", secret="hush"))
    assert "hush" not in text
