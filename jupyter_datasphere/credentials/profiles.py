"""Named profiles: `DataSphere.profiles = {"work": {"service_account_key_file": …}, "me": {"yc_profile": …}}`.

Each has exactly one source, by the name of the trait that gives it where there are no profiles. A login with
``--profile NAME`` is a profile, too.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any

from ..errors import CredentialsError
from .choice import Choice, Kind
from .logins import COMMAND, Logins

KINDS: dict[str, Kind] = {
    "iam_token": "IAM token",
    "oauth_token": "OAuth token",
    "service_account_key_file": "key file",
    "yc_profile": "yc",
    "vm_metadata": "metadata",
}
"""What a profile may have, by the name of the trait."""
_NAME = re.compile(r"[\w.-]{1,64}")


def is_name(text: str) -> bool:
    """Whether a profile may be called so. A hyphen alone stands for none."""
    return _NAME.fullmatch(text) is not None and text != "-"


class Profiles:
    """Those of the configuration and those of logins."""

    def __init__(self, configured: Mapping[str, Any], logins: Logins | None) -> None:
        self._configured = dict(configured)
        self._logins = logins

    def names(self) -> list[str]:
        """All of them, those of the configuration first."""
        logins = {} if self._logins is None else self._logins.profiles()
        return list(dict.fromkeys([*map(str, self._configured), *sorted(name for name in logins if name)]))

    def choice(self, name: str) -> Choice:
        """The source of a profile. Raises `CredentialsError` (code "profile") where it has none."""
        if name in self._configured:
            return _configured(name, self._configured[name])
        found = None if self._logins is None else self._logins.find(name)
        if found is None:
            raise self.unknown(name)
        return Choice("login", name, f"profile {name}", stamp=found.stamp, login=found.mark.kind)

    def is_configured(self, name: str) -> bool:
        return name in self._configured

    def unknown(self, name: str) -> CredentialsError:
        names = self.names()
        near = difflib.get_close_matches(name, names, n=1)
        if near:
            hint = f"Did you mean {near[0]!r}?"
        elif names:
            hint = f"There are {', '.join(names)}."
        else:
            hint = f"DataSphere.profiles defines profiles, and `{COMMAND} --profile NAME` makes one."
        return CredentialsError(f"There is no profile {name[:64]!r}.", code="profile", hint=hint)


def _configured(name: str, definition: Any) -> Choice:
    form = f"A profile has exactly one of {', '.join(KINDS)}."
    if not is_name(name):
        raise _wrong(name, "is no name for one", "A name has 1 to 64 letters, digits, '_', '-' and '.'.")
    if not isinstance(definition, Mapping):
        raise _wrong(name, "is no dictionary", form)
    given = {str(key): value for key, value in definition.items() if value not in (None, "", False)}
    if unknown := [key for key in given if key not in KINDS]:
        raise _wrong(name, f"has {unknown[0][:40]!r}", form)
    if len(given) != 1:
        raise _wrong(name, f"has {len(given) or 'none'} of them", form)
    [(key, value)] = given.items()
    if key == "vm_metadata":
        if value is not True:
            raise _wrong(name, f"has {key} with another value than True", form)
        value = ""
    if not isinstance(value, str):
        raise _wrong(name, f"has no text as {key}", form)
    return Choice(KINDS[key], value.strip(), f"profile {name}")


def _wrong(name: str, problem: str, hint: str) -> CredentialsError:
    return CredentialsError(f"The profile {name[:64]!r} {problem}.", code="profile", hint=hint)
