"""`%ds_panel`: the panel where the front end has widgets, the same facts as text where it has none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from ..kernel.commands import Commands
from .facts import Facts

if TYPE_CHECKING:
    from .panel import Panel

NO_WIDGETS = (
    "This front end shows no widgets, so this is the panel as text:"
    " %ds_project NAME chooses a project, and the interrupt button cancels a run."
)

_open: WeakKeyDictionary[Commands, Panel] = WeakKeyDictionary()


def show(commands: Commands) -> None:
    """Show the panel and close the kernel's earlier one: its place in the notebook is another cell's."""
    facts = Facts.gather(commands, commands.link)
    text = f"{NO_WIDGETS}\n\n{facts.text()}"
    if getattr(commands.shell, "kernel", None) is None:
        print(text)
        return
    from .panel import Panel

    earlier = _open.pop(commands, None)
    if earlier is not None:
        earlier.close()
    panel = _open[commands] = Panel(commands, facts)
    # A front end takes the richest form that it knows: one without widgets takes the text.
    data: dict[str, Any] = {**panel.view(), "text/plain": text}
    commands.shell.display_pub.publish(data)
