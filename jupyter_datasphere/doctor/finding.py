"""What a check finds, and what it is about."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from ..datasphere.types import Project
from ..server.backend import Backend
from ..server.settings import Settings

Result = Literal["ok", "warn", "fail", "skip"]


class Finding(NamedTuple):
    """A row of the table: `found` and `remedy` may hold words of the service."""

    check: str
    result: Result
    found: str
    remedy: str | None = None


@dataclass
class Case:
    """What is examined. `project` is None until it was found."""

    settings: Settings
    backend: Backend
    named: str
    """Name or ID of the project, as it was given."""
    project: Project | None = None


class Check(NamedTuple):
    """A check; `look` raises `DataSphereError` for what is wrong, and changes nothing."""

    name: str
    look: Callable[[Case], Awaitable[list[Finding]]]
    needs_project: bool = False
