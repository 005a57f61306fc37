"""Environment variables that hold credentials."""

from __future__ import annotations

from collections.abc import MutableMapping

VARIABLES = ("YC_IAM_TOKEN", "YC_TOKEN", "YC_OAUTH_TOKEN")


def take(environment: MutableMapping[str, str]) -> dict[str, str]:
    """Take the credentials out of an environment, so that no process started later inherits them."""
    return {name: environment.pop(name) for name in VARIABLES if name in environment}
