"""The vendor's command line interface, `yc`, which knows its user: also one of a federation.

It is run as a program of its own, without a shell, for a limited time, and with no more of the environment
than it needs. It may print warnings before the token, and it may wait for a browser: then it is ended with
all that it has started.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import msgspec

from ..clocks import SYSTEM, Clock
from ..errors import CredentialsError, UnavailableError
from .program import run
from .source import Token

COMMAND = "yc"
CONFIGURATION = Path(".config/yandex-cloud/config.yaml")
"""Of the user who has run `yc init`, below the home folder."""
INSTALLED = Path("yandex-cloud/bin/yc")
"""Where its installer puts it, below the home folder, and which only new terminals have in their path."""
PATIENCE = 20.0
"""Seconds: it asks IAM, and nobody that may have to type."""
SHOWN = 300
"""Characters of its own error that are shown."""

_PASSED = re.compile(
    r"PATH|HOME|USER|LOGNAME|LANG|LC_\w+|TZ|TMPDIR|TEMP|TMP|XDG_\w+|SSL_CERT_\w+|(?:HTTPS?|ALL|NO)_PROXY|YC_CLI_\w+"
    r"|SYSTEMROOT|COMSPEC|PATHEXT|APPDATA|LOCALAPPDATA|USERPROFILE|HOMEDRIVE|HOMEPATH",
    re.ASCII | re.IGNORECASE,
)
"""Names of environment variables that are passed on: none that holds a secret of ours or of Jupyter's."""
_IAM_TOKEN = re.compile(r"t1\.[\w.=-]+", re.ASCII)
_LIKE_A_TOKEN = re.compile(r"[\x21-\x7e]{20,8192}")
_SECRET = re.compile(r"\b(?:t1\.|y[0-3]_|AQVN)[\w.=-]+", re.ASCII)


def executable(command: str = COMMAND, home: Path | None = None) -> str | None:
    """The path of the program; None where there is none."""
    found = None if "\0" in command else shutil.which(command)
    if found is None and command == COMMAND:
        found = shutil.which(str((home or Path.home()) / INSTALLED))
    return found


def is_configured(command: str = COMMAND, home: Path | None = None) -> bool:
    """Whether the program is there and its user has set it up."""
    return ((home or Path.home()) / CONFIGURATION).is_file() and executable(command, home) is not None


class YcCli:
    """Asks `yc` for a token of a profile; empty: of the one that is active there."""

    renewable = True
    notice = None

    def __init__(
        self,
        profile: str,
        origin: str,
        *,
        command: str = COMMAND,
        patience: float = PATIENCE,
        environment: Mapping[str, str] | None = None,
        clock: Clock = SYSTEM,
    ) -> None:
        self._profile = profile
        self._command = command
        self._patience = patience
        self._environment = os.environ if environment is None else environment
        self._clock = clock
        of = f"profile {profile}" if profile else "active profile"
        self.description = f"`yc` CLI with its {of} ({origin})"
        self.remedy = (
            f"{self._by_hand} shows in a terminal whether its login still holds; `yc init` renews it."
        )

    def __repr__(self) -> str:
        return f"<{self.description}>"

    @property
    def _words(self) -> list[str]:
        words = ["iam", "create-token", "--no-user-output"]
        return [*words, "--profile", self._profile] if self._profile else words

    @property
    def _by_hand(self) -> str:
        return f"`yc iam create-token{f' --profile {self._profile}' if self._profile else ''}`"

    async def fetch(self) -> Token:
        program = executable(self._command)
        if program is None:
            raise CredentialsError(
                f"There is no program {self._command!r} on the path of the server.",
                code="yc",
                hint="Install the CLI of Yandex Cloud, name it in DataSphere.yc_command, or choose another"
                " source of credentials (docs/credentials.md).",
            )
        environment = {name: value for name, value in self._environment.items() if _PASSED.fullmatch(name)}
        try:
            printed = await run([program, *self._words], environment, self._patience)
        except TimeoutError:
            raise UnavailableError(
                f"`yc` gave no token within {self._patience:g} s.",
                code="yc",
                hint="It may wait for a login in a browser, or for the network:"
                f" {self._by_hand} in a terminal shows it.",
            ) from None
        except (OSError, ValueError, NotImplementedError) as error:  # a NUL in the profile, or Windows
            reason = getattr(error, "strerror", None) or str(error) or "this event loop starts no programs"
            raise CredentialsError(
                f"{program} cannot be run: {reason}.",
                code="yc",
                hint=f"Does {self._by_hand} work in a terminal?",
            ) from error
        if printed.status:
            raise self._failed(printed.status, printed.err or printed.out)
        return self._token(printed.out)

    def _token(self, text: str) -> Token:
        """The token among what was printed, by its form, or else the last line if that can be one."""
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        plain = [line for line in lines if _IAM_TOKEN.fullmatch(line)]
        if plain:
            return Token(plain[-1])
        if (answer := _json(text)) is not None:
            life = None
            if answer.expires_at is not None:
                life = answer.expires_at.timestamp() - self._clock.wall()
            return Token(answer.iam_token, life if life is not None and life > 0 else None)
        if lines and _LIKE_A_TOKEN.fullmatch(lines[-1]):
            return Token(lines[-1])
        raise CredentialsError(
            "`yc` printed no token.", code="yc", hint=f"What does {self._by_hand} print in a terminal?"
        )

    def _failed(self, status: int, text: str) -> CredentialsError:
        said = _SECRET.sub("<redacted>", " ".join(text.split()))
        said = said if len(said) <= SHOWN else f"{said[:SHOWN].rstrip()} …"
        hint = f"{self._by_hand} in a terminal shows the same; `yc init` sets a profile up."
        if self._profile and "not found" in said:
            hint = f"`yc config profile list` shows the profiles; is {self._profile!r} among them?"
        return CredentialsError(
            f"`yc` failed (exit status {status}): {said.rstrip('.') or 'it said nothing'}.",
            code="yc",
            hint=hint,
        )


class _Json(msgspec.Struct):
    """What is printed where the CLI's own setting `format` is json."""

    iam_token: str
    expires_at: datetime | None = None

    def __repr__(self) -> str:
        return "_Json(<redacted>)"


def _json(text: str) -> _Json | None:
    begin, end = text.find("{"), text.rfind("}")
    if begin < 0:
        return None
    try:
        return msgspec.json.decode(text[begin : end + 1], type=_Json)
    except msgspec.MsgspecError:
        return None
