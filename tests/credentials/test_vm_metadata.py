"""The metadata service of a VM: the emulator's, and others that are slow, strange or not there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from listening import listening
from support import Facts

from jupyter_datasphere.credentials.vm_metadata import VmMetadata
from jupyter_datasphere.errors import CredentialsError, UnavailableError


def address_of(facts: Facts) -> str:
    return facts["url"].removeprefix("http://")


@asynccontextmanager
async def metadata(*pieces: bytes, then_hang: bool = False) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that sends these bytes to whoever has asked; and what it was asked."""
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        if then_hang:
            await asyncio.Event().wait()
        writer.close()

    async with listening(serve) as port:
        yield f"127.0.0.1:{port}", asked


def answer(status: str, body: str = "", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


@pytest.mark.parametrize("form", ["{}", "http://{}", "http://{}/"])
async def test_the_emulators(emulator: Facts, form: str) -> None:
    source = VmMetadata(form.format(address_of(emulator)), "a test")
    token = await source.fetch()
    assert token.value.startswith("t1.")
    assert token.life is not None and 12 * 3600 - 60 < token.life <= 12 * 3600
    assert address_of(emulator) in source.description


async def test_it_is_asked_as_documented_and_never_by_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    body = '{"access_token": "t1.x", "expires_in": 100, "token_type": "Bearer"}'
    async with metadata(answer("200 OK", body)) as (address, asked):
        token = await VmMetadata(address, "a test").fetch()
    assert (token.value, token.life) == ("t1.x", 100.0)
    [head] = asked
    line, *headers = head.decode().lower().split("\r\n")
    assert line == "get /computemetadata/v1/instance/service-accounts/default/token http/1.1"
    assert "metadata-flavor: google" in headers
    assert not [header for header in headers if header.startswith(("authorization", "cookie"))]


@pytest.mark.parametrize("pieces", [(), (b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{",)])
async def test_one_that_does_not_answer_is_not_waited_for_long(pieces: tuple[bytes, ...]) -> None:
    async with metadata(*pieces, then_hang=True) as (address, asked):
        source = VmMetadata(address, "a test", patience=0.3)
        with pytest.raises(UnavailableError, match=r"did not answer within 0\.3 s") as caught:
            await source.fetch()
        assert caught.value.code == "metadata"
        assert "VM" in (caught.value.hint or "")
        assert len(asked) == 1


@pytest.mark.parametrize("address", ["x" * 300, "a..b", "[::zz]"])
async def test_an_address_that_leads_nowhere(address: str) -> None:
    with pytest.raises((UnavailableError, CredentialsError)) as caught:
        await VmMetadata(address, "a test").fetch()
    assert caught.value.code == "metadata" and caught.value.hint


async def test_nobody_there() -> None:
    with pytest.raises(UnavailableError, match=r"127\.0\.0\.1:9 is not reached"):
        await VmMetadata("127.0.0.1:9", "a test").fetch()


@pytest.mark.parametrize(
    ("status", "body", "problem", "hint"),
    [
        ("404 Not Found", "", "has no token", "Attach a service account"),
        ("403 Forbidden", "no", "answered 403", "gce-http-token"),
        ("302 Found", "", "answered 302", ""),
        ("200 OK", "<html>Log in, please</html>", "no token that can be read", "YC_METADATA_ADDR"),
        ("200 OK", "", "no token that can be read", ""),
        ("200 OK", "{}", "no token that can be read", ""),
        ("200 OK", '{"access_token": ""}', "empty token", "service account"),
        ("200 OK", '{"access_token": 5}', "no token that can be read", ""),
    ],
)
async def test_what_is_no_token(status: str, body: str, problem: str, hint: str) -> None:
    location = "Location: http://127.0.0.1:9/"
    async with metadata(answer(status, body, location)) as (address, asked):
        with pytest.raises(CredentialsError, match=problem) as caught:
            await VmMetadata(address, "a test").fetch()
        assert caught.value.code == "metadata"
        assert hint in (caught.value.hint or "") and caught.value.hint
        assert len(asked) == 1


@pytest.mark.parametrize("status", ["500 Internal Server Error", "503 Service Unavailable", "429 Too Many"])
async def test_one_that_is_ill_is_asked_again_later(status: str) -> None:
    async with metadata(answer(status, "<html>")) as (address, _):
        with pytest.raises(UnavailableError, match=f"answered {status[:3]}"):
            await VmMetadata(address, "a test").fetch()


async def test_an_answer_without_an_end_is_not_read_to_it() -> None:
    endless = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n" + b"[" * 100_000
    async with metadata(endless, then_hang=True) as (address, _):
        with pytest.raises(CredentialsError, match="no token that can be read"):
            await VmMetadata(address, "a test", patience=20).fetch()


@pytest.mark.parametrize("life", ["0", "-5", "null"])
async def test_a_life_that_makes_no_sense_is_not_known(life: str) -> None:
    body = f'{{"access_token": "t1.x", "expires_in": {life}}}'
    async with metadata(answer("200 OK", body)) as (address, _):
        assert (await VmMetadata(address, "a test").fetch()).life is None


@pytest.mark.parametrize(
    "address",
    ["a b", "https://127.0.0.1:1", "user:word@host", "host/path", "host?x", "[::1", "host:65536", "ы"],
)
async def test_what_is_no_address(address: str) -> None:
    with pytest.raises(CredentialsError, match="is no address") as caught:
        await VmMetadata(address, "a test").fetch()
    assert "HOST:PORT" in (caught.value.hint or "")


async def test_it_works_again_once_the_trouble_is_over(emulator: Facts, faults: Any) -> None:
    source = VmMetadata(address_of(emulator), "a test")
    faults({"method": "metadata.token", "rate": 1, "fault": {"status": 503}})
    with pytest.raises(UnavailableError):
        await source.fetch()
    faults({"method": "metadata.token", "rate": 1, "fault": {"cut": "before"}})
    with pytest.raises(UnavailableError, match="is not reached"):
        await source.fetch()
    faults()
    assert (await source.fetch()).value.startswith("t1.")
