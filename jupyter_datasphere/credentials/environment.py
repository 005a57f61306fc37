"""Environment variables that credentials come from."""

from __future__ import annotations

from collections.abc import MutableMapping

VARIABLES = ("YC_IAM_TOKEN", "YC_TOKEN", "YC_OAUTH_TOKEN", "YC_SERVICE_ACCOUNT_KEY_FILE")
"""Those that are taken away from kernels. A key file's path is no secret, but kernels have no use for it."""
YC_PROFILE = "YC_PROFILE"
METADATA_ADDRESS = "YC_METADATA_ADDR"
SHARED = (YC_PROFILE, METADATA_ADDRESS)
"""Those that lead to credentials which whatever runs as this user has anyway."""


def take(environment: MutableMapping[str, str]) -> dict[str, str]:
    """Take the credentials out of an environment, so that no process started later inherits them.

    Gives them, together with what else says where credentials come from.
    """
    taken = {name: environment.pop(name) for name in VARIABLES if name in environment}
    return taken | {name: environment[name] for name in SHARED if name in environment}
