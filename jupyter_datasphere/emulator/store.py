"""What the emulator keeps on disk besides the projects' files: one SQLite database.

Written ahead (WAL) with ``synchronous=NORMAL``: what was committed survives the death of the process. One
connection, used by the event loop's thread only; a commit takes tens of microseconds.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SCHEMA_VERSION = 2
SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE resources (  -- communities and projects, numbered in the order of their creation
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,      -- community or project
    parent TEXT NOT NULL,    -- organization or community
    owner TEXT NOT NULL,
    data BLOB NOT NULL       -- the message, as on the wire
);
CREATE INDEX resources_by_parent ON resources (kind, parent, number);

CREATE TABLE balances (project TEXT PRIMARY KEY, units INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE operations (
    id TEXT PRIMARY KEY,
    done INTEGER NOT NULL,
    data BLOB NOT NULL,      -- the message, as on the wire
    resource TEXT NOT NULL   -- the community or project that it is about
) WITHOUT ROWID;

CREATE TABLE idempotency_keys (
    subject TEXT NOT NULL,
    key TEXT NOT NULL,
    digest BLOB NOT NULL,    -- of the method, its path and its body
    operation TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (subject, key)
) WITHOUT ROWID;

CREATE TABLE executions (
    id TEXT PRIMARY KEY,     -- of its operation
    project TEXT NOT NULL,
    notebook TEXT NOT NULL,  -- path relative to the project
    checkpoint TEXT NOT NULL UNIQUE,
    spec TEXT NOT NULL,
    seconds INTEGER NOT NULL DEFAULT 0,  -- charged so far
    started INTEGER,         -- order in which executions started; NULL while queued
    finished INTEGER NOT NULL DEFAULT 0,
    state TEXT               -- variables at the end: name to JSON text; NULL where it holds none
) WITHOUT ROWID;
CREATE INDEX executions_by_notebook ON executions (project, notebook, started);
CREATE INDEX executions_by_start ON executions (started);

CREATE TABLE runs (          -- which cells an execution covers
    execution TEXT NOT NULL REFERENCES executions (id) ON DELETE CASCADE,
    cell TEXT NOT NULL,
    PRIMARY KEY (execution, cell)
) WITHOUT ROWID;
CREATE INDEX runs_by_cell ON runs (cell);

CREATE TABLE outputs (
    execution TEXT NOT NULL REFERENCES executions (id) ON DELETE CASCADE,
    cell TEXT NOT NULL,
    made_at INTEGER NOT NULL,  -- microseconds; never smaller than that of the output before
    data TEXT NOT NULL         -- JSON text of one nbformat output
);
CREATE INDEX outputs_by_time ON outputs (execution, cell, made_at);

CREATE TABLE cells (         -- where the cells that were ever named are
    project TEXT NOT NULL,
    id TEXT NOT NULL,
    notebook TEXT NOT NULL,
    PRIMARY KEY (project, id)
) WITHOUT ROWID;
"""
SHARING = """
CREATE TABLE bindings (      -- who has which role, numbered in the order in which they were given
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    resource TEXT NOT NULL,
    role TEXT NOT NULL,
    subject TEXT NOT NULL,
    type TEXT NOT NULL,      -- of the subject
    UNIQUE (resource, role, subject, type)
);

CREATE TABLE attached (      -- what communities and projects may use
    target TEXT NOT NULL,
    resource TEXT NOT NULL,
    type TEXT NOT NULL,
    PRIMARY KEY (target, resource)
) WITHOUT ROWID;

CREATE TABLE active (        -- what is mounted in a project
    project TEXT NOT NULL,
    kind TEXT NOT NULL,      -- dataset, docker or s3
    resource TEXT NOT NULL,
    PRIMARY KEY (project, kind, resource)
) WITHOUT ROWID;

CREATE TABLE restrictions (resource TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;
"""
FROM_1_TO_2 = """
ALTER TABLE operations ADD COLUMN resource TEXT NOT NULL DEFAULT '';
INSERT INTO bindings (resource, role, subject, type)
SELECT id, CASE kind WHEN 'community' THEN 'datasphere.communities.admin'
    ELSE 'datasphere.community-projects.admin' END, owner, 'userAccount' FROM resources ORDER BY number;
"""


class Store:
    """The database. Not safe for use by several threads."""

    def __init__(self, path: Path) -> None:
        # SQLite gives its side files the mode of the database: nobody but the owner reads any of them.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._depth = 0
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
            self._connection.execute(f"PRAGMA {pragma}")
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version in (0, 1):
            self._make(SCHEMA + SHARING if version == 0 else SHARING + FROM_1_TO_2)
        elif version != SCHEMA_VERSION:
            self._connection.close()
            raise ValueError(f"{path} has schema {version}; this version reads {SCHEMA_VERSION}")

    def _make(self, statements: str) -> None:
        with self.transaction():
            for statement in statements.split(";\n"):
                self._connection.execute(statement)
            self._connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; joins the transaction around it, if there is one. Must not contain an await."""
        if self._depth:
            yield
            return
        self._connection.execute("BEGIN IMMEDIATE")
        self._depth += 1
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        else:
            self._connection.execute("COMMIT")
        finally:
            self._depth -= 1

    def execute(self, sql: str, *parameters: Any) -> int:
        """Run a statement; the number of rows that it changed."""
        return self._connection.execute(sql, parameters).rowcount

    def execute_many(self, sql: str, rows: list[tuple[Any, ...]]) -> None:
        with self.transaction():
            self._connection.executemany(sql, rows)

    def one(self, sql: str, *parameters: Any) -> tuple[Any, ...] | None:
        """The first row, or None."""
        row: tuple[Any, ...] | None = self._connection.execute(sql, parameters).fetchone()
        return row

    def all(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, parameters).fetchall()

    def each(self, sql: str, *parameters: Any) -> Iterator[tuple[Any, ...]]:
        """The rows one after the other, no more than are asked for."""
        return self._connection.execute(sql, parameters)

    def meta(self, name: str) -> str | None:
        row = self.one("SELECT value FROM meta WHERE name = ?", name)
        return None if row is None else str(row[0])

    def set_meta(self, name: str, value: str) -> None:
        self.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", name, value)
