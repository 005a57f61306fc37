"""Communities, projects and what belongs to them, from a notebook or a program.

What is asked of the server stands in `listing`, `changes`, `members`, `units`, `restrictions`, `attached` and
`runs`, as generators of steps (`kernel.steps`). `blocking` and `awaiting` take these steps for programs:
`jupyter_datasphere.connect()` and `connect_async()`; `commands` takes them for the magics.
"""
