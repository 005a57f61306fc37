"""What executions leave behind: the outputs of their cells and the variables at their end.

Outputs belong to an execution. Kept are the last 100 executions of a notebook, each named by its
checkpoint ID.
"""

from __future__ import annotations

import msgspec

from .clock import now
from .errors import not_found
from .interpreters import Snapshot
from .store import Store

KEPT_EXECUTIONS = 100


class History:
    """Executions, their outputs and their variables, in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._last_time = 0

    def add(self, execution: str, *, project: str, notebook: str, checkpoint: str, spec: str) -> None:
        """Enter an execution that waits for its turn; its own ID as `checkpoint` means that it has none."""
        self._store.execute(
            "INSERT INTO executions (id, project, notebook, checkpoint, spec) VALUES (?, ?, ?, ?, ?)",
            execution,
            project,
            notebook,
            checkpoint,
            spec,
        )

    def start(self, execution: str, cells: list[str]) -> None:
        """From now on this is the newest execution of its notebook, and of these cells."""
        with self._store.transaction():
            self._store.execute(
                "UPDATE executions SET started = (SELECT COALESCE(MAX(started), 0) + 1 FROM executions) "
                "WHERE id = ?",
                execution,
            )
            self._store.execute_many("INSERT INTO runs VALUES (?, ?)", [(execution, cell) for cell in cells])
            row = self._store.one("SELECT project, notebook FROM executions WHERE id = ?", execution)
            assert row is not None
            self._store.execute(
                "DELETE FROM executions WHERE project = ?1 AND notebook = ?2 AND finished = 1 "
                "AND started <= (SELECT started FROM executions WHERE project = ?1 AND notebook = ?2 "
                "AND started IS NOT NULL ORDER BY started DESC LIMIT 1 OFFSET ?3)",
                *row,
                KEPT_EXECUTIONS,
            )

    def append(self, execution: str, cell: str, text: str) -> None:
        """Add an output; of an execution that is no longer kept it is dropped."""
        self._last_time = max(now(), self._last_time)
        self._store.execute(
            "INSERT INTO outputs SELECT id, ?, ?, ? FROM executions WHERE id = ?",
            cell,
            self._last_time,
            text,
            execution,
        )

    def charge(self, execution: str, seconds: int) -> None:
        """Write down how many seconds were charged so far."""
        self._store.execute("UPDATE executions SET seconds = ? WHERE id = ?", seconds, execution)

    def finish(self, execution: str) -> None:
        """An execution that never started leaves nothing."""
        self._store.execute("DELETE FROM executions WHERE id = ? AND started IS NULL", execution)
        self._store.execute("UPDATE executions SET finished = 1 WHERE id = ?", execution)

    def unfinished(self) -> list[tuple[str, str]]:
        """Executions that have not ended, each with its checkpoint if it has started."""
        return [
            (execution, checkpoint if started and checkpoint != execution else "")
            for execution, checkpoint, started in self._store.all(
                "SELECT id, checkpoint, started FROM executions WHERE finished = 0"
            )
        ]

    def set_state(self, execution: str, snapshot: Snapshot) -> None:
        """Keep the variables as they were at the end of the execution."""
        kept = msgspec.structs.replace(snapshot, outputs={})
        self._store.execute(
            "UPDATE executions SET state = ? WHERE id = ?", msgspec.json.encode(kept).decode(), execution
        )

    def state(self, project: str, notebook: str, checkpoint: str) -> Snapshot | None:
        """The variables at a checkpoint, None if they were not kept. Code 5 if there is none such."""
        row = self._store.one(
            "SELECT state FROM executions WHERE project = ? AND notebook = ? AND checkpoint = ?",
            project,
            notebook,
            checkpoint,
        )
        if row is None:
            raise not_found("Checkpoint", checkpoint)
        return None if row[0] is None else msgspec.json.decode(row[0], type=Snapshot)

    def outputs(self, project: str, cell: str, checkpoint: str, start_at: int) -> list[str] | None:
        """Outputs made at or after `start_at`, in order; None if the cell was never run.

        They are those of the newest execution that covers the cell, or of the one named by its checkpoint.
        """
        if checkpoint:
            row = self._store.one(
                "SELECT id FROM executions WHERE project = ? AND checkpoint = ? AND started IS NOT NULL",
                project,
                checkpoint,
            )
            if row is None:
                raise not_found("Checkpoint", checkpoint)
        else:
            row = self._store.one(
                "SELECT id FROM runs JOIN executions ON id = execution WHERE cell = ? AND project = ? "
                "ORDER BY started DESC LIMIT 1",
                cell,
                project,
            )
        if row is None:
            return None
        rows = self._store.all(
            "SELECT data FROM outputs WHERE execution = ? AND cell = ? AND made_at >= ? "
            "ORDER BY made_at, rowid",
            row[0],
            cell,
            start_at,
        )
        return [data for (data,) in rows]

    def forget(self, project: str) -> None:
        """Drop all executions of a project."""
        self._store.execute("DELETE FROM executions WHERE project = ?", project)
        self._store.execute("DELETE FROM cells WHERE project = ?", project)
