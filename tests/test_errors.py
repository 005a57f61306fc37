from __future__ import annotations

import pytest

from jupyter_datasphere.errors import RemoteExecutionError


@pytest.mark.parametrize(
    ("ename", "evalue", "traceback", "last"),
    [
        ("KeyError", "'key'", ["…", "\x1b[31mKeyError\x1b[39m: 'key'"], "KeyError: 'key'"),
        ("Long", "a" * 5000, ["…", f"\x1b[31mLong\x1b[0m: {'a' * 5000}"], f"Long: {'a' * 114} …"),
        ("Lines", "one\ntwo", ["…", "Lines: one\ntwo\n"], "Lines: one …"),
        ("Cut", "a" * 5000, ["…", f"Cut: {'a' * 50}"], f"Cut: {'a' * 5000}"),  # else all of it is nowhere
        ("Untold", "one\ntwo", [], "Untold: one\ntwo"),
    ],
)
def test_a_long_message_is_shown_once(ename: str, evalue: str, traceback: list[str], last: str) -> None:
    error = RemoteExecutionError(ename, evalue, traceback)
    assert error._render_traceback_()[-1] == f"RemoteExecutionError: {last}"
    assert str(error) == f"{ename}: {evalue}"  # for programs, always all of it
