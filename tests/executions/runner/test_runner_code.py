"""What code can do in a run, and what the runner makes of it."""

from __future__ import annotations

import time
from typing import Any

import pytest
from executions.runner.runner_kernel import Kernel

from jupyter_datasphere.executions.runner.notebook import RUNNER_VERSION

RUNNER_WORDS = ("_jupyter_datasphere", "tapped", "runner/source")


def test_the_events_of_a_simple_run(kernel: Kernel) -> None:
    begun = time.monotonic()
    result = kernel.run("print(6 * 7)")
    took = time.monotonic() - begun
    assert result.events[0]["runner"] == RUNNER_VERSION
    assert result.events[0]["python"].startswith("3.")
    assert result.outputs == [{"message": "stream", "name": "stdout", "text": "42\n"}]
    assert result.events[-1] == {"type": "finished", "status": "ok"}
    assert len(result.batches) <= 1 + took / 0.05  # so a short run is one output of the service
    assert {message["msg_type"] for message in result.messages} == {"display_data"}


def test_stdout_and_stderr_in_their_true_order(kernel: Kernel) -> None:
    result = kernel.run(
        "import sys\nfor i in range(300):\n    print(i)\n    print(-i, file=sys.stderr)\n    if i % 100 == 0: display(i)"
    )
    expected: list[str] = []
    for i in range(300):
        expected += [f"{i}\n", f"{-i}\n", *([f"display {i}"] if i % 100 == 0 else [])]
    found = [o.get("text") or f"display {o['data']['text/plain']}" for o in result.outputs]
    assert found == expected


def test_a_hundred_thousand_prints_are_complete_in_order_and_few_events(kernel: Kernel) -> None:
    result = kernel.run("for i in range(100_000):\n    print(i)")
    assert result.text() == "".join(f"{i}\n" for i in range(100_000))
    assert len(result.events) < 500
    assert len(result.batches) < 100


def test_output_leaves_while_code_blocks(kernel: Kernel) -> None:
    # The code goes on only when its output has been seen: were it kept, this would never end.
    seen: list[str] = []

    def on_event(event: dict[str, Any]) -> None:
        text = event.get("content", {}).get("text", "")
        if "shown" in text:
            seen.append(text)
            (kernel.folder / "go").touch()

    code = (
        "import os, time\nprint('shown')\nwhile not os.path.exists('go'): time.sleep(0.001)\nprint('gone on')"
    )
    result = kernel.run(code, on_event=on_event)
    assert seen
    assert result.text() == "shown\ngone on\n"


def test_output_leaves_while_later_output_is_captured(kernel: Kernel) -> None:
    def on_event(event: dict[str, Any]) -> None:
        if "shown" in event.get("content", {}).get("text", ""):
            (kernel.folder / "captured").touch()

    code = """import os, time
from IPython.utils.capture import capture_output
with capture_output():
    os.write(1, b'shown\\n')
    print('hidden')
    while not os.path.exists('captured'): time.sleep(0.001)
print('gone on')"""
    assert kernel.run(code, on_event=on_event).text() == "shown\ngone on\n"


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("import os\nos.write(1, 'жук\\n'.encode())", "жук\n"),
        ("import os\nos.system('echo a; echo b')", "a\nb\n"),
        ("import subprocess\nsubprocess.run(['echo', 'sub'])", "sub\n"),
        ("import ctypes\nlibc = ctypes.CDLL(None)\nlibc.puts(b'from c')\nlibc.fflush(None)", "from c\n"),
        ("import sys\nsys.__stdout__.write('raw\\n')\nsys.__stdout__.flush()", "raw\n"),
        ("import os\nos.write(1, b'x' * 200_000)", "x" * 200_000),
        ("import os\nos.write(1, b'\\0')\nos.write(1, b'\\0\\x17')", "\0\0\x17"),
        ("import os\nos.write(1, b'\\xff\\xfe')", "\ufffd\ufffd"),
        (
            "import os\npid = os.fork()\nif not pid:\n    print('child')\n    os._exit(0)\nos.waitpid(pid, 0)",
            "child\n",
        ),
        (
            "import os\npid = os.fork()\nif not pid:\n    print('to the end')\nelse: os.waitpid(pid, 0)",
            "to the end\n",
        ),
        (
            "import multiprocessing as m\ndef f(i): print('in', i)\n"
            "p = m.get_context('fork').Process(target=f, args=(1,)); p.start(); p.join()",
            "in 1\n",
        ),
        (
            "import multiprocessing as m\ndef f(i): return i * i\n"
            "with m.get_context('fork').Pool(2) as pool: print(pool.map(f, range(4)))",
            "[0, 1, 4, 9]\n",
        ),
    ],
)
def test_output_of_programs_c_code_and_children(kernel: Kernel, code: str, text: str) -> None:
    result = kernel.run(code)
    assert result.text() == text
    assert result.status == "ok"


def test_errors_of_programs(kernel: Kernel) -> None:
    assert kernel.run("import os\nos.system('echo e >&2')").text("stderr") == "e\n"


def test_redirected_descriptors_are_not_written_to(kernel: Kernel) -> None:
    code = """
import os
kept = os.dup(1)
file = os.open("redirected.txt", os.O_CREAT | os.O_WRONLY)
os.dup2(file, 1)
os.write(1, b"into the file")
"""
    assert kernel.run(code).text() == ""
    assert kernel.run("os.dup2(kept, 1)\nos.write(1, b'back')").text() == "back"
    assert (kernel.folder / "redirected.txt").read_bytes() == b"into the file"


def test_text_that_is_no_unicode(kernel: Kernel) -> None:
    result = kernel.run(
        "print('a\\udc80\\ud800b')\nfrom IPython.display import display\n"
        "display({'text/plain': '\\ud800', 'application/json': {'k\\udc80': ['\\udc80']}}, raw=True)\n"
        "raise ValueError('\\ud800')"
    )
    assert result.text() == "a??b\n"
    assert result.outputs[1]["data"] == {"text/plain": "?", "application/json": {"k?": ["?"]}}
    assert result.failure["evalue"] == "?"


def test_help_is_shown(kernel: Kernel) -> None:
    result = kernel.run("len?")
    assert "number of items" in result.outputs[0]["data"]["text/plain"]
    assert result.reply["payload"] == []


@pytest.mark.parametrize(
    "harm",
    [
        "print = None",
        "import builtins\nbuiltins.print = lambda *a, **k: None",
        "import sys\nsys.stdout.close()\nsys.stderr.close()",
        "import time\ntime.time = lambda: 0.0\ntime.sleep = lambda s: None",
        "import threading\nthreading.Thread = None",
        "json = time = threading = os = sys = None",
        "import os\nos.environ.clear()",
        "str = list = dict = type = len = sorted = None",
        "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)",
        "%reset -f",
        "import sys\ndel sys.modules['__main__']",
        "get_ipython().user_ns.clear()",
    ],
)
def test_what_code_breaks_is_broken_for_itself_only(kernel: Kernel, harm: str) -> None:
    undo = """
__import__("builtins").print = KEPT["print"]
for module, names in KEPT["modules"]:
    vars(module).update(names)
__import__("os").environ.update(KEPT["environ"])
"""
    keep = """
import time, threading, os
KEPT = {"print": print, "environ": dict(os.environ), "modules": [(m, dict(vars(m))) for m in (time, threading)]}
"""
    assert kernel.run(keep, session="keeper").status == "ok"
    kernel.run(harm, session="harmed")
    assert kernel.run(undo, session="keeper").status == "ok"
    result = kernel.run("import os\nprint('well'); os.system('echo too')\n1", session="other")
    assert sorted(result.text().splitlines()) == ["too", "well"]
    assert {"text/plain": "1"} in [output.get("data") for output in result.outputs]
    assert kernel.run("x = 1", session="harmed").status == "ok"


def test_a_replaced_stdout_stays_in_its_session(kernel: Kernel) -> None:
    kernel.run(
        "import io, sys\nold = sys.stdout\nsys.stdout = io.StringIO()\nprint('swallowed')", session="silent"
    )
    assert kernel.run("print('heard')", session="loud").text() == "heard\n"
    assert kernel.run("print('too')", session="silent").text() == ""
    result = kernel.run("text = sys.stdout.getvalue()\nsys.stdout = old\nprint(text)", session="silent")
    assert result.text() == "swallowed\ntoo\n\n"


# Errors


def test_an_exception(kernel: Kernel) -> None:
    result = kernel.run("def f(x):\n    return 1 / x\nprint('before')\nf(0)")
    assert result.status == "error"
    failure = result.failure
    assert (failure["ename"], failure["evalue"]) == ("ZeroDivisionError", "division by zero")
    text = "\n".join(failure["traceback"])
    assert "\x1b[" in text
    assert "Cell" in text
    assert "f(x)" in text
    assert "skipping hidden" not in text
    assert not any(word in text for word in RUNNER_WORDS)
    assert [event["type"] for event in result.events] == ["started", "output", "failure", "finished"]


@pytest.mark.parametrize(
    ("code", "evalue"),
    [
        ("import sys; sys.exit()", ""),
        ("import sys; sys.exit(0)", "0"),
        ("import sys; sys.exit('why')", "why"),
        ("exit", ""),
        ("exit()", ""),
        ("quit(3)", "3"),
        ("x = 1\nexit(4)", "4"),
        ("raise SystemExit(5)", "5"),
    ],
)
def test_exit_ends_the_run_and_nothing_else(kernel: Kernel, code: str, evalue: str) -> None:
    kernel.run("kept = 1", session="exit")
    result = kernel.run(code, session="exit")
    assert (result.failure["ename"], result.failure["evalue"]) == ("SystemExit", evalue)
    assert result.status == "error"
    assert result.outputs == []
    assert not any(word in "".join(result.failure["traceback"]) for word in RUNNER_WORDS)
    assert kernel.run("print(kept)", session="exit").text() == "1\n"


@pytest.mark.parametrize(
    "code",
    ["input('name? ')", "import getpass\ngetpass.getpass()", "from getpass import getpass\ngetpass('?')"],
)
def test_questions_are_refused(kernel: Kernel, code: str) -> None:
    failure = kernel.run(code).failure
    assert failure["ename"] == "StdinNotImplementedError"
    assert "cannot ask" in failure["evalue"]
    assert "input variable" in failure["evalue"]
    assert not any(word in "".join(failure["traceback"]) for word in RUNNER_WORDS)


def test_an_exception_at_which_ipython_fails(kernel: Kernel) -> None:
    result = kernel.run("class E(Exception):\n    def __str__(self): raise RuntimeError('no text')\nraise E")
    assert result.failure["ename"] in ("E", "RuntimeError")
    assert kernel.run("print(1)").text() == "1\n"


def test_errors_that_are_shown_are_not_failures(kernel: Kernel) -> None:
    show = "try:\n    {0} / 0\nexcept Exception:\n    get_ipython().showtraceback()\n"
    result = kernel.run(show.format(1) + show.format(2) + "print('on')\n" + show.format(3))
    assert [output["message"] for output in result.outputs] == ["error", "error", "stream", "error"]
    assert result.status == "ok"
    result = kernel.run(show.format(1) + "raise ValueError('real')")
    assert [output["message"] for output in result.outputs] == ["error"]
    assert result.failure["ename"] == "ValueError"


def test_a_request_that_arrives_damaged_fails(kernel: Kernel) -> None:
    prefix = "JUPYTER_DATASPHERE_REQUEST_"
    result = kernel.run(
        strings={f"{prefix}RUN": "r9", f"{prefix}COUNT": "2", f"{prefix}DIGEST": "", f"{prefix}0": "x"}
    )
    assert result.failure["ename"] == "BrokenRequest"
    assert result.status == "error"


def test_run_by_hand_it_says_what_it_is(kernel: Kernel) -> None:
    kernel.run("1")
    messages, reply = kernel.execute(kernel.cell)
    assert reply["status"] == "ok"
    (message,) = messages
    assert "executed by jupyter-datasphere" in message["content"]["text"]


# Inputs and outputs


def test_inputs_are_variables_and_environment(kernel: Kernel) -> None:
    inputs = {
        "text": "жук",
        "number": 2.5,
        "rows": [{"a": None}],
        "PATH": "not over what is there",
        "long": "x" * 200_000,
        "nul": "a\0b",
        "half": "\ud800",
    }
    code = (
        "import os\nprint(text, number, rows, PATH, len(long), len(nul), len(half))\n"
        "print([os.environ.get(n) for n in ('text', 'number', 'rows', 'long', 'nul', 'half')])\n"
        "print(os.environ['PATH'] != PATH, [n for n in os.environ if 'DATASPHERE_REQUEST' in n])\n"
        "print(os.popen('echo $text').read())"
    )
    lines = kernel.run(code, inputs=inputs).text().splitlines()
    assert lines[0] == "жук 2.5 [{'a': None}] not over what is there 200000 3 1"
    assert lines[1] == """['жук', '2.5', '[{"a":null}]', None, None, None]"""
    assert lines[2] == "True []"
    assert lines[3] == "жук"
    after = kernel.run("import os\nprint(text, os.environ.get('text'))")
    assert after.text() == "жук None\n"


def test_outputs_come_back(kernel: Kernel) -> None:
    result = kernel.run("a = {'k': (1, 2)}\nb = None\nc = 10**30", outputs=["a", "b", "c"])
    assert result.variables == {"a": {"k": [1, 2]}, "b": None, "c": 10**30}
    assert result.status == "ok"


def test_a_large_output_comes_back_whole(kernel: Kernel) -> None:
    result = kernel.run("big = list(range(200_000))", outputs=["big"])
    assert result.variables["big"] == list(range(200_000))


def test_outputs_that_cannot_be_sent_fail_the_run_and_say_why(kernel: Kernel) -> None:
    code = "import numpy as np\nmodel = {'weights': [0, np.zeros(2)]}\nfine = 1\nbad = [float('inf')]"
    result = kernel.run(code, outputs=["model", "fine", "missing", "bad"])
    assert result.variables == {"fine": 1}
    assert result.notices == []
    assert result.failure["ename"] == "OutputVariableError"
    for words in (
        "model['weights'][1] is a numpy.ndarray",
        ".tolist()",
        "no variable missing",
        "bad[0] is inf",
    ):
        assert words in result.failure["evalue"]
    assert result.status == "error"


def test_outputs_of_code_that_failed(kernel: Kernel) -> None:
    result = kernel.run("del_me = 1\n1/0", outputs=["del_me", "never"])
    assert result.variables == {"del_me": 1}
    assert [notice for notice in result.notices if "never" in notice]
    assert result.failure["ename"] == "ZeroDivisionError"


def test_a_variable_that_is_no_identifier_of_the_runner(kernel: Kernel) -> None:
    """No name of the runner's is in a session, and none of a session's in the notebook."""
    names = set(
        kernel.run("names = [n for n in globals()]", session="names", outputs=["names"]).variables["names"]
    )
    # What an ordinary kernel has, too.
    expected = {n for n in names if n.startswith("_")} | {"In", "Out", "get_ipython", "exit", "quit", "open"}
    assert names - expected == set()
    assert not [name for name in names if "datasphere" in name.lower()]
    own = kernel.evaluate("[n for n in globals() if not n.startswith('_')]")
    assert set(own) <= {"In", "Out", "get_ipython", "exit", "quit", "open", "jupyter_datasphere_state"}


# The cell itself


def test_running_the_cell_again_costs_neither_parsing_nor_memory(kernel: Kernel) -> None:
    kernel.run("1")
    shell = "get_ipython()"
    assert len(kernel.cell) > 20_000
    assert kernel.evaluate(f"len({shell}.transform_cell({kernel.cell!r}))") < 200
    assert kernel.evaluate(f"{shell}.compile.get_code_name({kernel.cell!r}, '', 1)").startswith(
        "# jupyter-datas"
    )
    kernel.run("1")
    assert kernel.evaluate(f"max(map(len, {shell}.history_manager.input_hist_raw))") < 2000
    assert (
        kernel.evaluate("max(len(v) for n, v in globals().items() if n.startswith('_i') and type(v) is str)")
        < 2000
    )
    assert kernel.evaluate(f"len({shell}.history_manager.db_input_cache)") <= 1
