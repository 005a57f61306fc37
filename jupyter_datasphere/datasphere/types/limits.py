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
_PROJECT_NAME = r"^([a-z]([-a-z0-9]{0,61}[a-z0-9])?)?$(?!\n)"
ProjectName = Annotated[str, Meta(max_length=63, pattern=_PROJECT_NAME)]
_LETTER = r"[a-zA-Z0-9ЁёА-я]"  # noqa: RUF001 - Cyrillic is allowed
_COMMUNITY_NAME = rf"^({_LETTER}\S{{1,61}}{_LETTER})?$(?!\n)"
CommunityName = Annotated[str, Meta(max_length=63, pattern=_COMMUNITY_NAME)]
Description = Annotated[str, Meta(max_length=256)]
_LABEL_KEY = r"^[a-z][-_0-9a-z]*$(?!\n)"
LabelKey = Annotated[str, Meta(min_length=1, max_length=63, pattern=_LABEL_KEY)]
_LABEL_VALUE = r"^[-_0-9a-z]*$(?!\n)"
LabelValue = Annotated[str, Meta(max_length=63, pattern=_LABEL_VALUE)]
Labels = Annotated[dict[LabelKey, LabelValue], Meta(max_length=64)]
StaleExecTimeoutMode = Literal[
    "STALE_EXECUTION_TIMEOUT_MODE_UNSPECIFIED", "ONE_HOUR", "THREE_HOURS", "NO_TIMEOUT"
]
_DURATION = r"^-?\d+(\.\d{1,9})?s$(?!\n)"
Duration = Annotated[str, Meta(pattern=_DURATION)]
"""A proto3 JSON duration such as ``"1800s"``."""
Timestamp = str
"""RFC 3339 with 0 to 9 fractional digits, UTC."""

IN_WORDS: dict[str, str] = {
    _PROJECT_NAME: "lower-case Latin letters, digits and '-', beginning with a letter, ending with no '-'",
    _COMMUNITY_NAME: "3 to 63 characters without spaces, beginning and ending with a letter or digit",
    _LABEL_KEY: "lower-case Latin letters, digits, '-' and '_', beginning with a letter",
    _LABEL_VALUE: "lower-case Latin letters, digits, '-' and '_'",
    _DURATION: "seconds, such as 1800s",
}
"""What the patterns ask for, for people."""
