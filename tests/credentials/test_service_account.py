"""Key files of service accounts: as the vendor gives them, spoiled in every way, and by wrong clocks."""

from __future__ import annotations

import asyncio
import json
import os
import re
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from listening import listening
from support import Facts, SettableClock

from jupyter_datasphere.credentials.key_file import read_key_file
from jupyter_datasphere.credentials.service_account import AUDIENCE, ServiceAccountKey
from jupyter_datasphere.datasphere.retries import RetryPolicy
from jupyter_datasphere.datasphere.transport import Endpoints, Transport
from jupyter_datasphere.errors import CredentialsError, UnavailableError

Change = Callable[[dict[str, Any]], Any]


def pem(key: Any, encryption: Any = None) -> str:
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    encryption = encryption or serialization.NoEncryption()
    return str(key.private_bytes(encoding, form, encryption).decode())


def spoil(path: Path, change: Change) -> None:
    """Write what the change gives for the content of a key file, or else the content that it has changed."""
    content = json.loads(path.read_text())
    changed = change(content)
    given = content if changed is None else changed
    if isinstance(given, bytes):
        path.write_bytes(given)
    else:
        path.write_text(given if isinstance(given, str) else json.dumps(given))


async def test_a_key_file_as_the_vendor_gives_it(transport: Transport, key_file: Path) -> None:
    source = ServiceAccountKey(str(key_file), "a test", transport)
    token = await source.fetch()
    assert token.value.startswith("t1.")
    assert token.life is not None and token.life > 12 * 3600 - 60
    assert source.notice is None
    assert str(key_file) in source.description and str(key_file) in source.remedy


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.update(private_key=content["private_key"].partition("\n")[2]),
        lambda content: content.update(private_key="PLEASE DO NOT REMOVE\r\nany\n" + content["private_key"]),
        lambda content: content.update(private_key=content["private_key"].replace("\n", "\r\n")),
        lambda content: content.update(more={"fields": 1}),
        lambda content: "\n  " + json.dumps(content, indent=3) + "\n",
    ],
)
async def test_with_or_without_the_vendors_line(transport: Transport, key_file: Path, change: Change) -> None:
    spoil(key_file, change)
    assert (await ServiceAccountKey(str(key_file), "a test", transport).fetch()).value.startswith("t1.")


async def test_a_path_may_begin_with_the_home_folder(
    transport: Transport, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(key_file.parent))
    assert (await ServiceAccountKey("~/key.json", "a test", transport).fetch()).value.startswith("t1.")


EC = pem(ec.generate_private_key(ec.SECP256R1()))
LOCKED = pem(
    rsa.generate_private_key(public_exponent=65537, key_size=2048),
    serialization.BestAvailableEncryption(b"x"),
)

SPOILED: dict[str, tuple[Change, str]] = {
    "empty": (lambda content: "", "is no JSON"),
    "no JSON": (lambda content: "y0_token", "is no JSON"),
    "no text": (lambda content: b"\xff\xfe\x00{", "is no JSON"),
    "cut": (lambda content: json.dumps(content)[:-3], "is no JSON"),
    "nested": (lambda content: "[" * 30000, "is no JSON"),
    "a list": (lambda content: [content], "is no JSON object"),
    "no ID": (lambda content: content.pop("id") and None, "has no id"),
    "no account": (lambda content: content.pop("service_account_id") and None, "has no service_account_id"),
    "nothing": (lambda content: {}, "has no id and no service_account_id and no private_key"),
    "a static key": (lambda content: {"access_key": {"key_id": "YC"}, "secret": "s"}, "has no id"),
    "no key": (lambda content: content.update(private_key=""), "has no private_key"),
    "a number": (lambda content: content.update(id=7), "is malformed"),
    "no PEM": (lambda content: content.update(private_key="hush"), "no private key that can be read"),
    "a cut PEM": (
        lambda content: content.update(private_key=content["private_key"][:900]),
        "no private key that can be read",
    ),
    "a public key": (
        lambda content: content.update(private_key=content["public_key"]),
        "no private key that can be read",
    ),
    "a locked key": (lambda content: content.update(private_key=LOCKED), "no private key that can be read"),
    "another kind": (lambda content: content.update(private_key=EC), "none of RSA"),
    "too large": (lambda content: json.dumps(content) + " " * 70_000, "larger than 65,536 bytes"),
}


@pytest.mark.parametrize("name", SPOILED)
async def test_what_is_wrong_with_a_file_is_told_and_it_works_when_it_is_mended(
    transport: Transport, key_file: Path, name: str
) -> None:
    good = key_file.read_bytes()
    change, problem = SPOILED[name]
    spoil(key_file, change)
    source = ServiceAccountKey(str(key_file), "a test", transport)
    with pytest.raises(CredentialsError, match=problem) as caught:
        await source.fetch()
    assert caught.value.code == "key-file"
    assert str(key_file) in caught.value.message
    assert caught.value.hint
    assert not re.search(r"PRIVATE KEY|hush|[A-Za-z0-9+/]{60}", f"{caught.value}{caught.value!r}")
    key_file.write_bytes(good)
    assert (await source.fetch()).value.startswith("t1.")


async def test_a_file_that_is_not_there_or_is_no_file(transport: Transport, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, problem in {
        "missing": "is not there",
        "pipe": "is no file",
        "missing/file": "is not there",
        ".": "is (a folder|no file)",
        "a\0b": "cannot be read",
        "x" * 300: "cannot be read",
    }.items():
        with pytest.raises(CredentialsError, match=problem) as caught:
            await ServiceAccountKey(f"{tmp_path}/{name}", "a test", transport).fetch()
        assert caught.value.code == "key-file"


@pytest.mark.parametrize(
    "secret", ['{"id": "hush"}', " {}hush", "-----BEGIN PRIVATE KEY-----hush", "y0_hush", "./t1.hush"]
)
async def test_a_secret_in_the_place_of_a_path_is_not_shown(transport: Transport, secret: str) -> None:
    source = ServiceAccountKey(secret, "YC_SERVICE_ACCOUNT_KEY_FILE", transport)
    with pytest.raises(CredentialsError, match="not the path of a file") as caught:
        await source.fetch()
    told = f"{caught.value}{caught.value!r}{source!r}{source.description}{source.remedy}{source.notice}"
    assert "hush" not in told and "YC_SERVICE_ACCOUNT_KEY_FILE" in told


async def test_the_home_of_nobody_is_an_error_like_any_other(transport: Transport) -> None:
    with pytest.raises(CredentialsError, match="is not there"):
        await ServiceAccountKey("~no-such-user/key.json", "a test", transport).fetch()


async def test_a_file_that_appears_is_used(transport: Transport, key_file: Path) -> None:
    later = key_file.with_name("later.json")
    source = ServiceAccountKey(str(later), "a test", transport)
    with pytest.raises(CredentialsError, match="is not there"):
        await source.fetch()
    key_file.rename(later)
    assert (await source.fetch()).value.startswith("t1.")


@pytest.mark.skipif(os.name != "posix", reason="elsewhere modes tell nothing")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o666, 0o601])
async def test_a_file_that_others_may_read_or_write_is_refused(
    transport: Transport, key_file: Path, mode: int
) -> None:
    key_file.chmod(mode)
    source = ServiceAccountKey(str(key_file), "a test", transport)
    with pytest.raises(CredentialsError, match=f"mode is {mode:03o}") as caught:
        await source.fetch()
    assert f"chmod 600 {key_file}" in (caught.value.hint or "")
    unchecked = ServiceAccountKey(str(key_file), "a test", transport, check_mode=False)
    assert (await unchecked.fetch()).value.startswith("t1.")
    assert "DataSphere.check_key_file_mode" in (unchecked.notice or "")
    assert "not this user's" not in (unchecked.notice or "")
    key_file.chmod(0o600)
    assert (await source.fetch()).value.startswith("t1.")
    key_file.chmod(0o400)
    assert (await source.fetch()).value.startswith("t1.")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
async def test_a_file_of_another_user_is_taken_as_it_is_and_that_is_told(
    transport: Transport, key_file: Path
) -> None:
    """As one that root mounts into a container."""
    key_file.chmod(0o644)
    os.chown(key_file, 12345, 12345)
    source = ServiceAccountKey(str(key_file), "a test", transport)
    assert (await source.fetch()).value.startswith("t1.")
    assert f"{key_file}, whose mode is not this user's to change" in (source.notice or "")
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o644


async def test_a_key_that_iam_does_not_know(transport: Transport, key_file: Path) -> None:
    spoil(key_file, lambda content: content.update(id="ajeunknown"))
    with pytest.raises(CredentialsError, match="IAM refused the service account's key file") as caught:
        await ServiceAccountKey(str(key_file), "a test", transport).fetch()
    assert str(key_file) in caught.value.message
    assert "yc iam key" in (caught.value.hint or "")
    assert "clock" not in (caught.value.hint or "")
    assert caught.value.request_id


@pytest.mark.parametrize("wrong_by", [-86400.0, -3700.0, -3500.0, 3600.0, 86400.0])
async def test_a_wrong_clock_is_set_right_by_the_answer(
    emulator: Facts, key_file: Path, wrong_by: float
) -> None:
    clock = SettableClock()
    clock.set(wrong_by)
    transport = Transport(Endpoints.one_origin(emulator["url"]), here=clock)
    source = ServiceAccountKey(str(key_file), "a test", transport)
    for _ in range(2):
        token = await source.fetch()
        assert token.life is not None and 12 * 3600 - 60 < token.life <= 12 * 3600 + 1
    await transport.aclose()


@asynccontextmanager
async def timeless(*answers: bytes) -> AsyncIterator[tuple[Transport, list[bytes]]]:
    """The way to something that gives these answers and never tells the time; and what it was sent."""
    sent: list[bytes] = []
    rest = list(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head.lower())
        assert length is not None
        sent.append(await reader.readexactly(int(length[1])))
        writer.write(rest.pop(0) if len(rest) > 1 else rest[0])
        writer.close()

    async with listening(serve) as port:
        url = f"http://127.0.0.1:{port}"
        transport = Transport(Endpoints.one_origin(url), retry=RetryPolicy(attempts=1))
        try:
            yield transport, sent
        finally:
            await transport.aclose()


def answer(status: str, body: str, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


REFUSAL = answer("401 Unauthorized", '{"code": 16, "message": "JWT is expired"}')


async def test_where_nobody_tells_the_time_the_clock_is_named(key_file: Path) -> None:
    async with timeless(REFUSAL) as (transport, sent):
        with pytest.raises(CredentialsError, match="JWT is expired") as caught:
            await ServiceAccountKey(str(key_file), "a test", transport).fetch()
        assert re.search(
            r"is the clock wrong\? Here it is \d{4}-\d\d-\d\d \d\d:\d\d UTC", caught.value.hint or ""
        )
        assert len(sent) == 1


async def test_the_signed_text_is_as_documented(key_file: Path) -> None:
    good = answer("200 OK", '{"iamToken": "t1.x", "expiresAt": "2099-01-01T00:00:00.123456789Z"}')
    async with timeless(good) as (transport, sent):
        await ServiceAccountKey(str(key_file), "a test", transport).fetch()
        text = json.loads(sent[0])["jwt"]
    key = read_key_file(key_file)
    assert jwt.get_unverified_header(text) == {"typ": "JWT", "alg": "PS256", "kid": key.key_id}
    claims = jwt.decode(text, key.private_key.public_key(), algorithms=["PS256"], audience=AUDIENCE)
    assert set(claims) == {"iss", "aud", "iat", "exp"}
    assert claims["iss"] == key.service_account_id
    assert claims["exp"] - claims["iat"] == 3600
    assert list(json.loads(sent[0])) == ["jwt"]


async def test_a_date_in_the_refusal_is_believed_once(key_file: Path) -> None:
    tells = answer("401 Unauthorized", '{"code": 16, "message": "no"}', "Date: Mon, 30 Nov 2020 10:00:00 GMT")
    async with timeless(tells) as (transport, sent):
        with pytest.raises(CredentialsError, match="no") as caught:
            await ServiceAccountKey(str(key_file), "a test", transport).fetch()
        assert len(sent) == 2
        assert "clock" not in (caught.value.hint or "")
    texts = [jwt.decode(json.loads(body)["jwt"], options={"verify_signature": False}) for body in sent]
    assert 1606730390 <= texts[1]["iat"] <= 1606730410 < texts[0]["iat"]


async def test_a_service_that_is_ill_is_not_the_files_fault(
    transport: Transport, key_file: Path, faults: Any
) -> None:
    source = ServiceAccountKey(str(key_file), "a test", transport)
    faults({"method": "iam.createToken", "rate": 1, "fault": {"status": 500}})
    with pytest.raises(UnavailableError, match="IAM gives no token now"):
        await source.fetch()
    faults()
    assert (await source.fetch()).value.startswith("t1.")


async def test_nothing_of_the_key_is_shown(transport: Transport, key_file: Path) -> None:
    key = read_key_file(key_file)
    shown = f"{key!r}{key}{ServiceAccountKey(str(key_file), 'a test', transport)!r}"
    assert "PRIVATE" not in shown and "object" not in shown
