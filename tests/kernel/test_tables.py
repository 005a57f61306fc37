from __future__ import annotations

from jupyter_datasphere.kernel.tables import facts, table


def test_tables_align_and_escape() -> None:
    bundle = table(("Name", "Value"), [("x", "<script>"), ("longer", "1 & 2")])
    assert bundle["text/plain"] == "Name    Value\nx       <script>\nlonger  1 & 2"
    assert "<script>" not in bundle["text/html"]
    assert "&lt;script&gt;" in bundle["text/html"]


def test_facts_align_and_escape() -> None:
    bundle = facts([("Project", "<b>"), ("Balance", "5 units")])
    assert bundle["text/plain"] == "Project: <b>\nBalance: 5 units"
    assert "<b>" not in bundle["text/html"]
