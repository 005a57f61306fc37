"""More projects than the emulator's API would take, put into its database."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any


def fill(root: Path, facts: dict[str, str], count: int) -> None:
    """Make so many projects of the one in the emulator's community; it must not run."""
    with sqlite3.connect(root / "emulator.sqlite") as store:
        owner, model = store.execute(
            "SELECT owner, data FROM resources WHERE id = ?", [facts["project_id"]]
        ).fetchone()
        project = json.loads(model)
        rows = (
            (f"bt1bench{number:06}", "project", facts["community_id"], owner, _named(project, number))
            for number in range(1, count)
        )
        store.executemany(
            "INSERT INTO resources (id, kind, parent, owner, data) VALUES (?, ?, ?, ?, ?)", rows
        )
    store.close()


def _named(project: dict[str, Any], number: int) -> bytes:
    return json.dumps({**project, "id": f"bt1bench{number:06}", "name": f"project-{number}"}).encode()
