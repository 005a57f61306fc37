"""Communities, projects and units in words, for tables."""

from __future__ import annotations

from datetime import datetime

from ..kernel.describe import duration
from ..kernel.settings import DEFAULT_SPEC, UNITS
from ..kernel.tables import visible
from ..protocol import ProjectInfo
from .data import CommunityData, ProjectData
from .restrictions import Value

WIDTH = 48
"""Characters of a description that a table shows."""


def named(resource: CommunityData | ProjectData | ProjectInfo) -> str:
    """``"demo-project (bt1…)"``"""
    return f"{visible(resource.name)} ({resource.id})" if resource.name else resource.id


def brief(text: str) -> str:
    text = visible(text)
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…"


def day(at: datetime | None) -> str:
    """By the clock here."""
    return "" if at is None else at.astimezone().strftime("%Y-%m-%d")


def units(number: int | None) -> str:
    return "no limit" if number is None else f"{number:,}"


def lasting(number: int, spec: str) -> str:
    """``"20 min 50 s of c1.4 (4 units a second)"``"""
    spec = spec or DEFAULT_SPEC
    each = UNITS[spec]
    return f"{duration(max(0, number) // each)} of {spec} ({each} units a second)"


def affordable(per_hour: int | None) -> str:
    """What an hourly limit means for the choice of a spec."""
    if per_hour is None:
        return ""
    fitting = [spec for spec, each in UNITS.items() if each * 3600 <= per_hour]
    return f" ({', '.join(fitting) or 'no spec'} may start)"


def restriction(values: list[Value]) -> str:
    return ", ".join("yes" if one is True else "no" if one is False else visible(str(one)) for one in values)
