"""What the cells of one notebook show, all of it below one cell here.

A front end clears the outputs of a cell as a whole: so a cell over there that clears its own, as animations
and progress displays do, would take those of the cells before it, too. But a display with an ID can be
changed. So each display of a notebook has a slot, which a clearing leaves empty and the next display fills.
"""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any

from .lines import BLANK

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

TEXT = 8 * 1024
"""Characters that one slot may hold: it is sent anew with each piece that is added."""

_OVERWRITTEN = re.compile(r"^[^\n]*\r(?=[^\r\n])", re.MULTILINE)
"""What the rest of a line overwrites, as progress bars do: front ends see to that in streams only."""


class Slots:
    """The displays of one run."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._known: dict[str, list[str]] = {}
        """Slots by the display ID over there."""
        self.begin()

    def begin(self) -> None:
        """The next cell begins: what is shown stays."""
        self._slots: list[str] = []  # of this cell, from above
        self._filled = 0  # so many of them hold something
        self._text = ""  # in the last of those
        self._clear_first = False
        self.takes_text = False
        """Whether the cell clears: then what it writes goes into slots, too. What it wrote before stays."""

    def clear(self, *, wait: bool) -> None:
        """Clear what this cell has shown; `wait`: once something takes its place."""
        self.takes_text = True
        self._clear_first = wait
        if not wait:
            self._empty(0)
            self._filled = 0

    def show(self, data: dict[str, Any], metadata: dict[str, Any], display_id: str = "") -> None:
        """Show something below what this cell has shown."""
        self.update(data, metadata, display_id)
        slot = self._put(data, metadata)
        if display_id:
            self._known.setdefault(display_id, []).append(slot)

    def update(self, data: dict[str, Any], metadata: dict[str, Any], display_id: str) -> None:
        """Change whatever is shown under that ID, by whichever cell."""
        for slot in self._known.get(display_id, ()):
            self._publish(slot, data, metadata, update=True)

    def write(self, text: str) -> None:
        """Show text, which follows directly on text that came just before."""
        if self._clear_first:
            self._text = ""
        together = _OVERWRITTEN.sub("", self._text + text)
        if self._text and len(together) <= TEXT:
            self._publish(self._slots[self._filled - 1], {"text/plain": together}, {}, update=True)
        else:
            together = _OVERWRITTEN.sub("", text)
            self._put({"text/plain": together}, {})
        self._text = together

    def _put(self, data: dict[str, Any], metadata: dict[str, Any]) -> str:
        """Fill the next slot, and give its ID."""
        if self._clear_first:
            self._empty(1)
            self._clear_first, self._filled = False, 0
        self._text = ""
        update = self._filled < len(self._slots)
        if not update:
            self._slots.append(uuid.uuid4().hex)
        slot = self._slots[self._filled]
        self._filled += 1
        self._publish(slot, data, metadata, update=update)
        return slot

    def _empty(self, first: int) -> None:
        """Blank the slots from that one on; none of this cell's is known by a name any more."""
        for slot in self._slots[first : self._filled]:
            self._publish(slot, BLANK, {}, update=True)
        mine = set(self._slots)
        known = {name: [slot for slot in slots if slot not in mine] for name, slots in self._known.items()}
        self._known = {name: slots for name, slots in known.items() if slots}
        self._text = ""

    def _publish(self, slot: str, data: dict[str, Any], metadata: dict[str, Any], *, update: bool) -> None:
        self._shell.display_pub.publish(data, metadata, transient={"display_id": slot}, update=update)
