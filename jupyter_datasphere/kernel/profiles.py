"""Named credentials in words, for `%ds_profile`."""

from __future__ import annotations

from ..protocol import Profiles
from .problems import error_from
from .tables import table

UNNAMED = "-"
"""Stands for no profile, in the table and in the magic."""
HEADS = ("Profile", "Credentials", "")


def profiles_table(profiles: Profiles) -> dict[str, str]:
    """A MIME bundle; the last column marks the one in force."""
    rows = [(UNNAMED, profiles.unnamed or "none are configured", _mark(profiles.chosen is None))]
    for profile in profiles.profiles:
        words = profile.source or ("" if profile.problem is None else str(error_from(profile.problem)))
        rows.append((profile.name, words, _mark(profile.name == profiles.chosen)))
    return table(HEADS, rows)


def in_force(profiles: Profiles) -> str:
    """The profile in force, in a sentence."""
    if profiles.chosen is None:
        return f"No profile is in force. Credentials: {profiles.unnamed or 'none are configured'}."
    source = next((profile.source for profile in profiles.profiles if profile.name == profiles.chosen), None)
    return f"The profile {profiles.chosen} is in force for all of this server. Credentials: {source}."


def _mark(chosen: bool) -> str:
    return "in force" if chosen else ""
