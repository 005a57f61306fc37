"""The code that runs in the project, inside the interpreter of the runner notebook or in a kernel.

Only the standard library is imported; IPython and ipykernel are reached through the shell that the
notebook's cell hands over. Python 3.8 understands the syntax. `notebook.py` puts these modules into the
notebook, in the order of `MODULES`, as a package named after their content.
"""

MODULES = (
    "folders",
    "request",
    "events",
    "parts",
    "values",
    "notebooks",
    "sessions",
    "interrupts",
    "carried",
    "pickles",
    "stored",
    "keeping",
    "cell",
    "capture",
    "ways",
    "plain",
    "kernel",
    "run",
    "kept",
    "remote",
)
"""Each may import those before it."""
