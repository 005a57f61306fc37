"""Communities, projects and what belongs to them, from a notebook or a program.

What is asked of the server stands in `listing`, `changes`, `members`, `units`, `restrictions`, `attached`,
`runs` and `opening`, as generators of steps (`kernel.steps`). `connection` and `async_connection` take these
steps for programs (`jupyter_datasphere.connect()` and `connect_async()`), `commands` takes them for the
magics.
"""

from .data import Difference, Member, ProjectLimits, ProjectSettings

__all__ = ["Difference", "Member", "ProjectLimits", "ProjectSettings"]
