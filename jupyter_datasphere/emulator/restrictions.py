"""Restrictions of communities and projects.

Which ones the service has is not documented. These are made up; the emulator keeps and tells them and
enforces none. Setting them replaces all (an assumption of ours).
"""

from __future__ import annotations

from typing import Literal

from ..datasphere import types
from .errors import invalid
from .store import Store

ValueType = Literal["BOOLEAN", "LONG", "STRING"]

KNOWN: dict[str, ValueType] = {
    "deny-file-download": "BOOLEAN",
    "max-executions-per-day": "LONG",
    "allowed-specs": "STRING",
}


class Restrictions:
    """The restrictions in force, by the resource."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def meta(self) -> types.RestrictionsMeta:
        return types.RestrictionsMeta(
            [types.RestrictionMeta(name=name, value_type=kind) for name, kind in KNOWN.items()]
        )

    def of(self, resource_id: str) -> types.Restrictions:
        row = self._store.one("SELECT data FROM restrictions WHERE resource = ?", resource_id)
        return types.Restrictions() if row is None else types.decode(row[0], types.Restrictions)

    def set(self, resource_id: str, restrictions: types.Restrictions) -> None:
        """Code 3 for a restriction that there is not, is named twice, or has values of another type."""
        names = [restriction.name for restriction in restrictions.restrictions]
        if len(set(names)) < len(names):
            raise invalid("restrictions", "a restriction is named twice")
        for restriction in restrictions.restrictions:
            _check(restriction)
        self._store.execute(
            "INSERT OR REPLACE INTO restrictions VALUES (?, ?)", resource_id, types.encode(restrictions)
        )

    def forget(self, resource_id: str) -> None:
        self._store.execute("DELETE FROM restrictions WHERE resource = ?", resource_id)


def _check(restriction: types.Restriction) -> None:
    kind = KNOWN.get(restriction.name)
    if kind is None:
        raise invalid("restrictions.name", f"expected one of {', '.join(KNOWN)}")
    values: dict[ValueType, list[bool] | list[types.Int64] | list[str]] = {
        "BOOLEAN": restriction.bool_value,
        "LONG": restriction.long_value,
        "STRING": restriction.string_value,
    }
    if any(given for name, given in values.items() if name != kind):
        raise invalid("restrictions", f"the values of {restriction.name} are of type {kind}")
