"""``%load_ext jupyter_datasphere`` in fresh kernels, and trouble before any server is there."""

from __future__ import annotations

import subprocess
import sys

import pytest

from .conftest import Kernel

HEAVY = ("httpx", "msgspec", "grpc", "ipywidgets", "aiohttp", "filelock", "nbformat")

FRESH = """
import sys
import ipykernel.zmqshell
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell()
before = set(sys.modules)
shell.extension_manager.load_extension("jupyter_datasphere")
print(*sorted(set(sys.modules) - before))
"""


def test_loading_is_quiet() -> None:
    """How quick it is: `benchmarks/startup.py`."""
    output = subprocess.run([sys.executable, "-c", FRESH], check=True, capture_output=True, text=True)
    modules = output.stdout.split()
    assert "jupyter_datasphere.kernel.magics" in modules
    assert not {module.partition(".")[0] for module in modules} & set(HEAVY)


def test_the_capability_leaves_the_environment_and_is_never_shown(kernel: Kernel) -> None:
    secret = "'very-' + 'secret'"  # in two parts, as cells are kept in the history
    kernel.run(f"import os; os.environ['JUPYTER_DATASPHERE_TOKEN'] = {secret}")
    assert kernel.run("%load_ext jupyter_datasphere").outputs == []
    assert kernel.value("os.environ.get('JUPYTER_DATASPHERE_TOKEN')") == "None"
    magics = "get_ipython().magics_manager.registry['DataSphereMagics']"
    assert kernel.value(f"{secret} in repr({magics}) + repr({magics}.address) + repr(vars())") == "False"
    assert kernel.value(f"{magics}.address.capability == {secret}") == "True"
    # Loading again finds it again.
    assert kernel.run("%reload_ext jupyter_datasphere").outputs == []
    assert kernel.value(f"{magics}.address.capability == {secret}") == "True"


def test_unloading_removes_the_magics(kernel: Kernel) -> None:
    kernel.run("%load_ext jupyter_datasphere")
    kernel.run("%unload_ext jupyter_datasphere")
    assert "not found" in kernel.run("%ds_status").text("stderr")
    assert kernel.run("%load_ext jupyter_datasphere").outputs == []


def test_help_needs_no_server(kernel: Kernel) -> None:
    kernel.run("%load_ext jupyter_datasphere")
    asked = kernel.run("%ds_execute --help").text()
    (payload,) = kernel.run("%ds_execute?").reply["payload"]
    for text in (asked, payload["data"]["text/plain"]):
        assert "--timeout SECONDS" in text
        assert "%ds_execute reports/weekly.ipynb" in text


@pytest.mark.parametrize(
    ("cell", "ename", "says"),
    [
        ("%ds_status", "UnavailableError", "Type `jupyter datasphere serve` in a terminal"),
        ("%%ds_execute\nprint(1)", "UnavailableError", "was not started by a Jupyter server"),
        ("%%ds_execute --quite\nprint(1)", "UsageError", "Did you mean --quiet or"),
        ("%%ds_execute -i undefined_name\nprint(1)", "UsageError", "no local variable 'undefined_name'"),
        (
            "%%ds_execute -i x={1,2}\nprint(1)",
            "VariableError",
            "x is a set. Convert it with sorted() or list().",
        ),
        ("%ds_execute print(1)", "UnavailableError", ""),
        ("%ds_vars a-b", "UsageError", "'a-b' cannot be the name of a variable"),
        ("%ds_project a b", "UsageError", "'b' is one word too many"),
    ],
)
def test_mistakes_raise_one_clear_error(kernel: Kernel, cell: str, ename: str, says: str) -> None:
    kernel.run("%load_ext jupyter_datasphere")
    result = kernel.run(cell)
    assert result.reply["status"] == "error"
    assert result.reply["ename"] == ename
    assert result.traceback.startswith(f"{ename}: ")
    assert says in result.traceback
    assert "jupyter_datasphere" not in result.traceback.replace("jupyter_datasphere`", "").replace(
        "jupyter-datasphere", ""
    )
    assert kernel.value("1 + 1") == "2"


def test_a_variable_in_braces_is_not_expanded(kernel: Kernel) -> None:
    kernel.run("%load_ext jupyter_datasphere")
    result = kernel.run("name = 'x'\n%ds_project {name} $name")
    assert "'$name' is one word too many" in result.traceback
