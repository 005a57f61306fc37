"""What holds where a magic's option is left out: ``c.DataSphereMagics.… = …``, or `%ds_config` in one kernel.

Imports nothing that IPython has not imported: `%load_ext` needs this page.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from typing import Any

from traitlets import Bool, Float, HasTraits, Int, TraitError, Unicode, validate

from ..errors import UsageError
from .suggest import did_you_mean

UNITS = {
    "c1.4": 4, "c1.8": 8, "c1.32": 32, "c1.80": 80, "g1.1": 72, "g1.2": 144, "g1.4": 288,
    "g2.1": 116, "g2.2": 232, "g2.4": 464, "g2.8": 928, "gt4.1": 36,
}  # fmt: skip
"""What a second of each computing configuration of the service costs."""
SPECS = tuple(UNITS)
DEFAULT_SPEC = "c1.4"
"""The smallest, which the service takes where none is named."""

AUTO = "auto"
CHANNELS = (AUTO, "jupyter", "state", "files")
"""The ways in which code gets into a project and its outputs back; `auto`: the best that it can use."""

NAMES = ("spec", "session", "channel", "timeout", "max_units", "quiet", "display_limit")

_SESSION = re.compile(r"[\w.-]{1,64}")


class Settings(HasTraits):
    """Traits under `DataSphereMagics`."""

    spec = Unicode(help="Computing resources; none (empty): the service's smallest.").tag(config=True)
    session = Unicode("main", help="Session whose variables the cells share.").tag(config=True)
    channel = Unicode(
        AUTO, help="How code goes in and outputs come back: auto, jupyter, state or files."
    ).tag(config=True)
    timeout = Float(None, allow_none=True, help="Seconds after which a run is cancelled; none: never.").tag(
        config=True
    )
    max_units = Int(
        None, allow_none=True, help="Units (computed) before which a run is cancelled; none: never."
    ).tag(config=True)
    quiet = Bool(False, help="Whether progress lines and summaries are left out.").tag(config=True)
    display_limit = Float(10.0, help="Megabytes of output that a run shows; all of it is kept.").tag(
        config=True
    )

    @property
    def display_bytes(self) -> int:
        """`display_limit` in bytes."""
        return round(self.display_limit * 1e6)

    @validate("spec")
    def _known_spec(self, proposal: dict[str, Any]) -> str:
        spec: str = proposal["value"]
        if spec and spec not in SPECS:
            near = did_you_mean(spec, SPECS) or f"There are {', '.join(SPECS)}."
            raise TraitError(f"There is no computing configuration {spec[:40]!r}. {near}")
        return spec

    @validate("channel")
    def _known_channel(self, proposal: dict[str, Any]) -> str:
        channel: str = proposal["value"]
        if channel not in CHANNELS:
            near = did_you_mean(channel, CHANNELS) or f"There are {', '.join(CHANNELS)}."
            raise TraitError(f"There is no channel {channel[:40]!r}. {near}")
        return channel

    @validate("session")
    def _named_session(self, proposal: dict[str, Any]) -> str:
        session: str = proposal["value"]
        if not _SESSION.fullmatch(session):
            raise TraitError("A session's name has 1 to 64 letters, digits, '_', '-' and '.'.")
        return session

    @validate("timeout", "max_units", "display_limit")
    def _above_zero(self, proposal: dict[str, Any]) -> float | None:
        value: float | None = proposal["value"]
        if value is not None and not (math.isfinite(value) and value > 0):
            raise TraitError(f"{proposal['trait'].name} must be a number above 0, not {value:g}.")
        return value


class Configuration:
    """The settings of one kernel, which `%ds_config` changes: all that a line says, or nothing of it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._at_start = {name: getattr(settings, name) for name in NAMES}

    def change(self, values: Iterable[tuple[str, str]], *, reset: bool) -> None:
        """Raises `UsageError` for an unknown name or a value that does not fit."""
        checked = dict(self._at_start) if reset else {}
        for name, text in values:
            if name not in NAMES:
                hint = did_you_mean(name, NAMES) or f"There are {', '.join(NAMES)}."
                raise UsageError(f"There is no setting {name[:40]!r}.", hint=hint)
            checked[name] = self._checked(name, text)
        for name, value in checked.items():
            setattr(self._settings, name, value)

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Name, value, where it comes from, meaning."""
        return [(name, _shown(getattr(self._settings, name)), *self._about(name)) for name in NAMES]

    def _checked(self, name: str, text: str) -> Any:
        try:
            value = _CONVERTERS[name](text)
        except (ValueError, KeyError):
            raise UsageError(f"{name}={text} does not fit.", hint=_TAKES[name]) from None
        try:
            # On a copy: nothing may be set before everything is checked.
            return getattr(Settings(**{name: value}), name)
        except TraitError as error:
            raise UsageError(str(error)) from None

    def _about(self, name: str) -> tuple[str, str]:
        trait = self._settings.traits()[name]
        value = getattr(self._settings, name)
        if value != self._at_start[name]:
            return "%ds_config", trait.help
        return ("default" if value == trait.default() else "configuration"), trait.help


def _shown(value: object) -> str:
    match value:
        case None | "":
            return "none"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
        case _:
            return str(value)


_CONVERTERS: dict[str, Callable[[str], Any]] = {
    "spec": lambda text: "" if text == "none" else text,
    "session": str,
    "channel": str,
    "timeout": lambda text: None if text == "none" else float(text),
    "max_units": lambda text: None if text == "none" else int(text),
    "quiet": lambda text: {"yes": True, "true": True, "no": False, "false": False}[text.lower()],
    "display_limit": float,
}

_TAKES = {
    "timeout": "It takes a number of seconds above 0, or none.",
    "max_units": "It takes a whole number above 0, or none.",
    "quiet": "It takes yes or no.",
    "display_limit": "It takes a number of megabytes above 0.",
}
