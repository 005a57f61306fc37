"""The variables of the runner's namespaces, as it shows them."""

from __future__ import annotations

import msgspec

from ...errors import ChannelError
from ...protocol import Variable
from .base import Namespace


class _Entry(msgspec.Struct):
    kind: str
    preview: str = ""
    value: object = msgspec.UNSET


class _State(msgspec.Struct):
    namespaces: dict[str, dict[str, _Entry]] = {}


def variables_of(state: object, namespace: Namespace, names: list[str]) -> list[Variable] | None:
    """Variables of a namespace, those named or all; None where the runner has no such namespace."""
    try:
        namespaces = msgspec.convert(state, type=_State).namespaces
    except msgspec.ValidationError as error:
        raise ChannelError(
            f"The state of the project's runner cannot be read: {error}.",
            hint="Upload the runner of this version: `jupyter datasphere runner` writes it.",
        ) from error
    entries = namespaces.get(namespace.key)
    if entries is None:
        return None
    return [
        Variable(name, entry.kind, entry.preview, entry.value)
        for name, entry in entries.items()
        if not names or name in names
    ]
