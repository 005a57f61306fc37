"""What looks like a variable in a line: nothing is put in, and an error says what to write."""

from __future__ import annotations

import pytest

from jupyter_datasphere.kernel.expanding import hint_for

from .conftest import Kernel


@pytest.mark.parametrize(
    ("line", "message", "call"),
    [
        ("$f", "There is no file $f.", 'run_line_magic("ds_put", f"{f}")'),
        (
            "data/$d.name {to}/ --force",
            "There is no file data/$d.name.",
            'run_line_magic("ds_put", f"data/{d.name} {to}/ --force")',
        ),
        ("{a + b}", "'+' is one word too many.", 'run_line_magic("ds_put", f"{a + b}")'),
        ('{all["a"]}', "There is no file {all[a]}", 'run_line_magic("ds_put", f\'{all["a"]}\')'),
        ("{nb} -i d={1}", "There is no {nb}.", 'run_line_magic("ds_put", f"{nb} -i d={{1}}")'),
    ],
)
def test_the_line_as_python(line: str, message: str, call: str) -> None:
    assert f"get_ipython().{call} does" in (hint_for("ds_put", line, message, cell=False) or "")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("-i d={rows}", "-i d={rows} raises NameError"),  # an expression
        ("{f} missing", "There is no folder missing."),  # about something else
        ("'{f}", "A quote is not closed: '{f}"),
        ("plain", "There is no file plain."),
    ],
)
def test_there_is_nothing_to_say(line: str, message: str) -> None:
    assert hint_for("ds_execute", line, message, cell=True) is None


def test_who_writes_a_variable_is_told(kernel: Kernel) -> None:
    kernel.run("%load_ext jupyter_datasphere\nf = 'mine'")
    error = kernel.run("%ds_put $f").traceback
    assert "There is no file $f" in error
    assert 'get_ipython().run_line_magic("ds_put", f"{f}") does' in error
    assert "no file mine" in kernel.run('get_ipython().run_line_magic("ds_put", f"{f}")').traceback
    assert 'run_cell_magic("ds_execute", f"--timeout {t}", CODE)' in (
        kernel.run("%%ds_execute --timeout $t\n1").traceback
    )
    assert "A handle needs no ID" in (hint_for("ds_output", "{job.id}", "no '{job.id}'", cell=False) or "")
