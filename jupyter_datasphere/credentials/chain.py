"""Which source is used: the first that is configured, in this order.

1. The named profile that is chosen, by `%ds_profile` or the trait `DataSphere.profile`: its one source.
2. The traits `iam_token`, `oauth_token`, `service_account_key_file`, `yc_profile`, `vm_metadata`.
3. The environment the server was started with: ``YC_IAM_TOKEN`` (an IAM token); ``YC_TOKEN``, then
   ``YC_OAUTH_TOKEN`` (OAuth tokens; some scripts put an IAM token there: the prefix tells);
   ``YC_SERVICE_ACCOUNT_KEY_FILE`` (a path).
4. The login in the system's keyring (`jupyter datasphere login`).
5. The `yc` CLI, where it is installed and set up; ``YC_PROFILE`` names one of its profiles.
6. The metadata service, on a VM of Yandex Cloud or where ``YC_METADATA_ADDR`` says that there is one.

What is configured and does not work is an error: the next source might be another account. Picking asks
nobody: it looks at settings and files only, so that nothing waits on a computer that has nothing of this.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from ..datasphere.transport import IAM_SHARE, Transport
from ..errors import CredentialsError
from . import vm_metadata, yc_cli
from .choice import Choice
from .environment import METADATA_ADDRESS, YC_PROFILE
from .iam_token import GivenToken
from .logins import COMMAND, Logins, StoredLogin
from .oauth import OAuthToken
from .service_account import ServiceAccountKey
from .source import Source
from .vm_metadata import VENDOR_FILE, VmMetadata
from .yc_cli import YcCli

IAM_PREFIX = "t1."


class Configured(msgspec.Struct, frozen=True, kw_only=True):
    """What settings and environment say. The environment is that which the server was started with."""

    environment: Mapping[str, str] = {}
    iam_token: str = ""
    oauth_token: str = ""
    service_account_key_file: str = ""
    yc_profile: str = ""
    vm_metadata: bool = False
    profiles: Mapping[str, Any] = {}
    profile: str = ""
    yc_command: str = yc_cli.COMMAND
    check_key_file_mode: bool = True
    home: Path | None = None
    """Of the user; None: as the operating system says."""
    vendor_file: Path = VENDOR_FILE

    def __repr__(self) -> str:
        return "<credentials as configured>"

    __str__ = __repr__


def pick(configured: Configured, logins: Logins | None) -> Choice | None:
    """The first configured source, no profile being chosen; None: there is none."""
    return next(_candidates(configured, logins), None)


def before_login(configured: Configured) -> Choice | None:
    """What is used although there is a login, if so."""
    return next(_given(configured), None)


def _candidates(configured: Configured, logins: Logins | None) -> Iterator[Choice]:
    yield from _given(configured)
    if logins is not None and (found := logins.find("")) is not None:
        yield Choice("login", "", "keyring", stamp=found.stamp, login=found.mark.kind)
    environment = configured.environment
    if yc_cli.is_configured(configured.yc_command, configured.home):
        profile = environment.get(YC_PROFILE, "").strip()
        yield Choice("yc", profile, YC_PROFILE if profile else "set up on this computer")
    if vm_metadata.is_here(environment, configured.vendor_file):
        address = environment.get(METADATA_ADDRESS, "").strip()
        yield Choice(
            "metadata", address, METADATA_ADDRESS if address else "this machine is one of Yandex Cloud"
        )


def _given(configured: Configured) -> Iterator[Choice]:
    """What traits and environment give."""
    environment = configured.environment
    if configured.iam_token:
        yield Choice("IAM token", configured.iam_token, "DataSphere.iam_token")
    if configured.oauth_token:
        yield Choice("OAuth token", configured.oauth_token, "DataSphere.oauth_token")
    if configured.service_account_key_file:
        origin = "DataSphere.service_account_key_file"
        yield Choice("key file", configured.service_account_key_file, origin)
    if configured.yc_profile:
        yield Choice("yc", configured.yc_profile, "DataSphere.yc_profile")
    if configured.vm_metadata:
        address = environment.get(METADATA_ADDRESS, "").strip()
        yield Choice("metadata", address, "DataSphere.vm_metadata")
    if token := environment.get("YC_IAM_TOKEN", "").strip():
        yield Choice("IAM token", token, "YC_IAM_TOKEN")
    for name in ("YC_TOKEN", "YC_OAUTH_TOKEN"):
        if token := environment.get(name, "").strip():
            yield Choice("IAM token" if token.startswith(IAM_PREFIX) else "OAuth token", token, name)
    if path := environment.get("YC_SERVICE_ACCOUNT_KEY_FILE", "").strip():
        yield Choice("key file", path, "YC_SERVICE_ACCOUNT_KEY_FILE")


def source_of(choice: Choice, configured: Configured, logins: Logins | None, transport: Transport) -> Source:
    """The source that was picked. Asks nobody."""
    check_mode = configured.check_key_file_mode
    within = transport.budget().seconds * IAM_SHARE  # so that a call in need of a token learns why none came
    match choice.kind:
        case "IAM token":
            return GivenToken(choice.value, choice.origin)
        case "OAuth token":
            return OAuthToken(choice.value, choice.origin, transport)
        case "key file":
            return ServiceAccountKey(choice.value, choice.origin, transport, check_mode=check_mode)
        case "yc":
            return YcCli(
                choice.value,
                choice.origin,
                command=configured.yc_command,
                patience=min(yc_cli.PATIENCE, within),
            )
        case "metadata":
            address = choice.value or configured.environment.get(METADATA_ADDRESS, "").strip()
            return VmMetadata(address, choice.origin, patience=min(vm_metadata.PATIENCE, within))
        case "login":
            assert logins is not None
            assert choice.login is not None
            return StoredLogin(logins, choice.value, choice.login, transport, check_mode=check_mode)


OTHER_SOURCES = (
    "the environment of the Jupyter server: YC_SERVICE_ACCOUNT_KEY_FILE (a key file), YC_TOKEN (an OAuth"
    " token) or YC_IAM_TOKEN; from the CLI of Yandex Cloud (`yc init`); from a VM with a service account"
)
"""Than a login, in words. All of them and the traits: docs/credentials.md."""


def missing() -> CredentialsError:
    """The error for no source at all."""
    return CredentialsError(
        "No DataSphere credentials are configured.",
        code="no-credentials",
        hint=f"Type `{COMMAND}` in a terminal. Or they come from {OTHER_SOURCES}.",
    )
