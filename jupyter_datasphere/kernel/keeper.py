"""``--save``: the notebook that a cell runs is a file at its end, however that comes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..errors import ConflictError, DataSphereError, StorageError, UnavailableError
from .interrupts import Interrupted, interruptible
from .link import Link
from .local_paths import local_path
from .outcome import Outcome
from .progress import watched
from .saving import check, save

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


class Keeper:
    """Writes one notebook. Raises at once what would keep it from that: a run may be long and cost units."""

    def __init__(
        self, shell: InteractiveShell, link: Link, path: str, *, overwrite: bool, quiet: bool
    ) -> None:
        check(path, overwrite=overwrite)
        self._shell = shell
        self._link = link
        self._named = path
        self._path = local_path(path).absolute()
        self._overwrite = overwrite
        self._quiet = quiet or not watched(shell)

    @contextmanager
    def keeping(self, outcome: Outcome) -> Iterator[None]:
        """Within it the run goes on; afterwards the file is written.

        What the run raises goes before what the writing does, which is then only told.
        """
        try:
            yield
        except (DataSphereError, KeyboardInterrupt):
            if outcome.last:  # else nothing ran
                try:
                    self._save(outcome.execution_id)
                except DataSphereError as error:
                    print(f"[{self._named} was not written: {error}]", file=sys.stderr, flush=True)
            raise
        self._save(outcome.execution_id)

    def _save(self, execution_id: str) -> None:
        try:
            with interruptible():
                execution = self._link.execution(execution_id)
                saved = save(self._link, execution, self._path, overwrite=self._overwrite)
        except KeyboardInterrupt:
            self._link.reset()
            raise Interrupted(f"no longer writing: {self._named} was left as it was") from None
        except (ConflictError, StorageError, UnavailableError) as error:
            later = f"%ds_output {execution_id} --file PATH.ipynb writes the notebook at any time."
            error.hint = f"{error.hint or ''} {later}".strip()
            raise
        if saved.remarks or not self._quiet:  # what is missing is always said
            self._shell.display_pub.publish({"text/plain": saved.told(self._named)})
