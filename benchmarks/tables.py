"""Writing what was measured, and measuring what several benchmarks do."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
from collections.abc import Sequence
from pathlib import Path


def machine(*more: str) -> str:
    """What it was measured on, without the machine's name; `more`: further packages that matter."""
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}"
        for name in ("jupyter_server", "ipykernel", "ipython", *more)
    )
    day = datetime.datetime.now(datetime.UTC).date()
    return f"Measured on {day}: {os.cpu_count()} cores, Python {platform.python_version()}, {versions}."


def write_table(
    path: Path, title: str, note: str, head: Sequence[str], rows: Sequence[Sequence[str]]
) -> None:
    """Write and print a Markdown table."""
    lines = [f"# {title}", "", note, "", *(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head)))]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    text = "\n".join(lines) + "\n"
    path.write_text(text)
    print(text)


def memory(pid: int) -> float:
    """Resident megabytes of a process (Linux)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("VmRSS is missing")
