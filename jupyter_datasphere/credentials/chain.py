"""Which source is used: the first that is configured, in this order.

1. the traits `DataSphere.iam_token`, `DataSphere.oauth_token`;
2. ``YC_IAM_TOKEN``, an IAM token;
3. ``YC_TOKEN``, then ``YC_OAUTH_TOKEN``, OAuth tokens. Some scripts put an IAM token there: the prefix tells.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..datasphere.transport import Transport
from ..errors import CredentialsError
from .iam_token import GivenToken
from .oauth import OAuthToken
from .source import Source

IAM_PREFIX = "t1."


def pick(
    environment: Mapping[str, str],
    transport: Transport,
    *,
    iam_token: str = "",
    oauth_token: str = "",
) -> Source | None:
    """The first configured source, or None."""
    if iam_token:
        return GivenToken(iam_token, "DataSphere.iam_token")
    if oauth_token:
        return OAuthToken(oauth_token, "DataSphere.oauth_token", transport)
    if token := environment.get("YC_IAM_TOKEN", "").strip():
        return GivenToken(token, "YC_IAM_TOKEN")
    for name in ("YC_TOKEN", "YC_OAUTH_TOKEN"):
        if token := environment.get(name, "").strip():
            if token.startswith(IAM_PREFIX):
                return GivenToken(token, name)
            return OAuthToken(token, name, transport)
    return None


def missing() -> CredentialsError:
    """The error for no source at all."""
    return CredentialsError(
        "No DataSphere credentials are configured.",
        code="no-credentials",
        hint="Start JupyterLab, or `jupyter datasphere serve`, with YC_TOKEN (OAuth) or YC_IAM_TOKEN set.",
    )
