from __future__ import annotations

import pytest

from jupyter_datasphere.kernel.status import status_facts
from jupyter_datasphere.kernel.tables import facts, table
from jupyter_datasphere.protocol import LedgerUsage, ServerStatus


def test_tables_align_and_escape() -> None:
    bundle = table(("Name", "Value"), [("x", "<script>"), ("longer", "1 & 2")])
    assert bundle["text/plain"] == "Name    Value\nx       <script>\nlonger  1 & 2"
    assert "<script>" not in bundle["text/html"]
    assert "&lt;script&gt;" in bundle["text/html"]


def test_facts_align_and_escape() -> None:
    bundle = facts([("Project", "<b>"), ("Balance", "5 units")])
    assert bundle["text/plain"] == "Project: <b>\nBalance: 5 units"
    assert "<b>" not in bundle["text/html"]


@pytest.mark.parametrize(("runs", "says"), [(0, "0 runs, "), (1, "1 run, "), (2, "2 runs, ")])
def test_the_status_counts_runs_in_words_that_agree(runs: int, says: str) -> None:
    usage = LedgerUsage(bytes=0, max_bytes=2 * 10**9, executions=runs)
    shown = dict(status_facts(ServerStatus(version="1", endpoint="http://x", ledger=usage)))
    assert shown["Ledger"].startswith(says)
