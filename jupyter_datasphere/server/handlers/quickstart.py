"""``GET /datasphere/quickstart``"""

from __future__ import annotations

import nbformat

from .base import DataSphereHandler, allow_unauthenticated


class QuickstartHandler(DataSphereHandler):
    """The quickstart notebook as it comes with the package, without outputs."""

    @allow_unauthenticated
    def get(self) -> None:
        # Imported late: the demo is nothing that a server needs before somebody asks for it.
        from ...demo.files import QUICKSTART, examples

        notebook = nbformat.read(examples() / QUICKSTART, as_version=4)  # type: ignore[no-untyped-call]
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.update(outputs=[], execution_count=None)
        self.answer(notebook)
