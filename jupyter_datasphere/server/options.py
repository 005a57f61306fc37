"""Options ``--DataSphere.NAME=VALUE`` of the commands that read the settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from traitlets import TraitError, TraitType

from ..errors import UsageError
from .settings import Settings


def check(command: str, own: str, options: Sequence[str]) -> None:
    """Raise `UsageError` for an option that `command` does not know, or whose value does not fit.

    `own`: the other options of the command, in words.
    """
    known = Settings.class_traits(config=True)
    for option in options:
        section, _, rest = option.partition(".")
        name, equals, value = rest.partition("=")
        if section == "--DataSphere" and equals and name in known:
            _check_value(known[name], value)
        else:
            raise UsageError(
                f"`{command}` does not know the option {option[:60]!r}.",
                hint=f"There are {own} and --DataSphere.NAME=VALUE; NAME is {', '.join(sorted(known))}.",
            )


def _check_value(trait: TraitType[Any, Any], value: str) -> None:
    # Jupyter would say so in its log, and start with the default of this and of every other option.
    try:
        setattr(Settings(), str(trait.name), trait.from_string(value))
    except (TraitError, ValueError) as error:
        raise UsageError(f"--DataSphere.{trait.name}={value[:60]} does not fit: {error}") from None
