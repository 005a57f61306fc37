"""Fields with the limits that the service documents for them: lengths, patterns, counts."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

ID = Annotated[str, Meta(max_length=50)]
RequiredID = Annotated[str, Meta(min_length=1, max_length=50)]
PageSize = Annotated[int, Meta(ge=0, le=1000)]
"""0 means the service's default (100)."""
PageToken = Annotated[str, Meta(max_length=100)]
NotebookId = Annotated[str, Meta(max_length=200)]
CellId = Annotated[str, Meta(max_length=200)]
ProjectName = Annotated[str, Meta(max_length=63, pattern=r"^([a-z]([-a-z0-9]{0,61}[a-z0-9])?)?$(?!\n)")]
_LETTER = r"[a-zA-Z0-9ЁёА-я]"  # noqa: RUF001 - Cyrillic is allowed
CommunityName = Annotated[str, Meta(max_length=63, pattern=rf"^({_LETTER}\S{{1,61}}{_LETTER})?$(?!\n)")]
Description = Annotated[str, Meta(max_length=256)]
LabelKey = Annotated[str, Meta(min_length=1, max_length=63, pattern=r"^[a-z][-_0-9a-z]*$(?!\n)")]
LabelValue = Annotated[str, Meta(max_length=63, pattern=r"^[-_0-9a-z]*$(?!\n)")]
Labels = Annotated[dict[LabelKey, LabelValue], Meta(max_length=64)]
StaleExecTimeoutMode = Literal[
    "STALE_EXECUTION_TIMEOUT_MODE_UNSPECIFIED", "ONE_HOUR", "THREE_HOURS", "NO_TIMEOUT"
]
Duration = Annotated[str, Meta(pattern=r"^-?\d+(\.\d{1,9})?s$(?!\n)")]
"""A proto3 JSON duration such as ``"1800s"``."""
Timestamp = str
"""RFC 3339 with 0 to 9 fractional digits, UTC."""
