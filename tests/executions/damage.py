"""Damages ledger files, as a bad disk does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
assert db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() == (0, 0, 0)
with open(sys.argv[1], "r+b") as file:
    size = file.seek(0, 2)
    file.seek(4096)
    file.write(bytes(size - 4096))
    file.flush()
    db.execute("PRAGMA user_version = 2")  # as it is; but who has the file open reads it anew
    db.close()
"""


def spoil_all_but_the_first_page(path: Path) -> None:
    """By another process: to close a file lets go of all locks that SQLite has on it in the same one."""
    subprocess.run([sys.executable, "-c", PROGRAM, str(path)], check=True)


def spoil_header(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(bytes(100))
