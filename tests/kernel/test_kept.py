from __future__ import annotations

import ast
from typing import Any

import pytest

from jupyter_datasphere.kernel.kept import value_is_kept

# What stands between the user's code and the question: a magic of ours, which IPython called.
BETWEEN = """
class Magic:
    def __init__(self):
        self.kept = []
    def __call__(self):
        self.kept.append(value_is_kept())
        return self
"""


def magic_of(module: str) -> Any:
    namespace: dict[str, Any] = {"__name__": module, "value_is_kept": value_is_kept}
    exec(BETWEEN, namespace)
    return namespace["Magic"]()


@pytest.mark.parametrize("statement", ["magic()", "if True:\n    magic()", "for _ in [1]:\n    magic()"])
def test_a_statement_that_is_only_the_call_keeps_nothing(statement: str) -> None:
    magic = run(statement)
    assert magic.kept == [False]


def test_nor_does_the_last_line_of_a_cell(capsys: pytest.CaptureFixture[str]) -> None:
    magic = magic_of("IPython.core.magic")
    exec(compile(ast.Interactive(ast.parse("magic()").body), "cell", "single"), {"magic": magic})
    assert magic.kept == [False]


@pytest.mark.parametrize(
    "statement",
    [
        "h = magic()",
        "h, i = magic(), 2",
        "print(magic(), file=__import__('io').StringIO())",
        "magic().kept",
        "[magic()]",
        "def f():\n    return magic()\nf()",
    ],
)
def test_everything_else_keeps_it(statement: str) -> None:
    assert run(statement).kept == [True]


def run(statement: str) -> Any:
    magic = magic_of("IPython.core.magic")
    exec(compile(statement, "cell", "exec"), {"magic": magic, "__name__": "__main__"})
    return magic
