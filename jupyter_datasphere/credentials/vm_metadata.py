"""The metadata service of a VM in Yandex Cloud, which gives tokens of the VM's service account.

It is asked at a fixed address, over plain HTTP and never by a proxy; where there is none, nobody answers at
all. So it is asked only on such a VM, or where somebody said so, and not for long.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path

import httpx
import msgspec

from ..errors import CredentialsError, UnavailableError
from .environment import METADATA_ADDRESS
from .source import Token

ADDRESS = "169.254.169.254"
PATH = "/computeMetadata/v1/instance/service-accounts/default/token"
PATIENCE = 3.0
"""Seconds: it is on the same machine, or not there."""
LARGEST = 64 * 1024
"""Bytes of its answer."""
VENDOR_FILE = Path("/sys/class/dmi/id/sys_vendor")
VENDOR = "yandex"
_NO_ACCOUNT = (
    "Attach a service account to this VM, or choose another source of credentials (docs/credentials.md)."
)
_HOST = re.compile(r"(http://)?([\w.-]+|\[[0-9a-fA-F:.]+\])(:\d{1,5})?/?", re.ASCII)


def is_here(environment: Mapping[str, str], vendor_file: Path = VENDOR_FILE) -> bool:
    """Whether there is one: said by the environment, or seen by the vendor of this (virtual) machine."""
    if environment.get(METADATA_ADDRESS, "").strip():
        return True
    try:
        return vendor_file.read_text(errors="replace").strip().lower().startswith(VENDOR)
    except OSError:
        return False


class _Answer(msgspec.Struct):
    access_token: str
    expires_in: float | None = None

    def __repr__(self) -> str:
        return "_Answer(<redacted>)"


class VmMetadata:
    """Asks the metadata service at `address`, HOST or HOST:PORT; empty: where every VM has it."""

    renewable = True
    notice = None
    remedy = (
        "Is the service account still attached to this VM, and has it a role in the project? The VM's page in"
        " the console shows both."
    )

    def __init__(self, address: str, origin: str, *, patience: float = PATIENCE) -> None:
        self._address = address or ADDRESS
        self._patience = patience
        self.description = f"metadata service of this VM at {self._address} ({origin})"

    def __repr__(self) -> str:
        return f"<{self.description}>"

    async def fetch(self) -> Token:
        match = _HOST.fullmatch(self._address)
        if match is None or int((match[3] or ":0")[1:]) > 65535:
            raise self._failed("is no address", f"{METADATA_ADDRESS} takes HOST or HOST:PORT.")
        url = f"http://{match[2]}{match[3] or ''}{PATH}"
        try:
            async with asyncio.timeout(self._patience):
                status, body = await self._ask(url)
        except TimeoutError:
            raise self._away(f"did not answer within {self._patience:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise self._away(f"is not reached: {str(error) or type(error).__name__}") from error
        if status == 404:
            raise self._failed("has no token", _NO_ACCOUNT)
        if status != 200:
            if status >= 500 or status == 429:
                raise self._away(f"answered {status}")
            raise self._failed(
                f"answered {status}", "Does the VM allow tokens to be asked for (gce-http-token)?"
            )
        try:
            answer = msgspec.json.decode(body, type=_Answer)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise self._failed(
                "gave no token that can be read",
                f"Does something else answer there? {METADATA_ADDRESS} names it.",
            ) from None
        if not answer.access_token:
            raise self._failed("gave an empty token", _NO_ACCOUNT)
        life = answer.expires_in
        return Token(answer.access_token, life if life is not None and life > 0 else None)

    async def _ask(self, url: str) -> tuple[int, bytes]:
        # No proxy of the environment, no redirect, no TLS; the time is counted by who calls.
        async with (
            httpx.AsyncClient(trust_env=False, verify=False, timeout=None) as client,  # noqa: S113, S501
            client.stream("GET", url, headers={"Metadata-Flavor": "Google"}) as response,
        ):
            body = b""
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > LARGEST:
                    break
            return response.status_code, body

    def _away(self, what: str) -> UnavailableError:
        return UnavailableError(
            f"The metadata service at {self._address} {what.rstrip('.')}.",
            code="metadata",
            hint="Is this a VM of Yandex Cloud? Elsewhere choose another source of credentials"
            " (docs/credentials.md); here try again later.",
        )

    def _failed(self, what: str, hint: str) -> CredentialsError:
        return CredentialsError(
            f"The metadata service at {self._address} {what}.", code="metadata", hint=hint
        )
