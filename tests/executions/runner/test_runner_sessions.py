from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from executions.runner.runner_kernel import Kernel, start

from jupyter_datasphere.executions.runner.notebook import runner_cell


def test_sessions_do_not_mix(kernel: Kernel) -> None:
    kernel.run("x = 'a'\nclass C: pass\nx", session="a")
    kernel.run("x = 'b'", session="b")
    assert kernel.run("print(x)", session="a").text() == "a\n"
    assert kernel.run("print(x, 'C' in globals())", session="b").text() == "b False\n"
    assert kernel.evaluate("'x' in globals()") is False
    assert kernel.run("print('x' in globals())").text() == "False\n"


def test_code_without_a_session_uses_main(kernel: Kernel) -> None:
    kernel.run("m = 1")
    assert kernel.run("print(m)", session="main").text() == "1\n"


def test_each_session_counts_and_remembers_its_own_cells(kernel: Kernel) -> None:
    first = kernel.run("'one'", session="count a")
    kernel.run("'other'", session="count b")
    second = kernel.run("_, Out, In[-2:], _i", session="count a")
    assert first.outputs[0]["execution_count"] == 1
    assert second.outputs[0]["execution_count"] == 2
    assert second.outputs[0]["data"]["text/plain"] == (
        "('one', {1: 'one'}, [\"'one'\", '_, Out, In[-2:], _i'], \"'one'\")"
    )
    assert kernel.run("%history", session="count b").text() == "'other'\n%history\n"


def test_a_working_directory_belongs_to_its_session(kernel: Kernel) -> None:
    (kernel.folder / "inner").mkdir()
    kernel.run("import os\nos.chdir('inner')", session="inside")
    where = "import os\nprint(os.path.basename(os.getcwd()))"
    assert kernel.run(where, session="outside").text() == f"{kernel.folder.name}\n"
    assert kernel.run(where, session="inside").text() == "inner\n"
    assert kernel.evaluate("__import__('os').getcwd()") == str(kernel.folder)
    kernel.run("os.rmdir(os.getcwd())", session="inside")
    assert kernel.run(where, session="inside").text() == f"{kernel.folder.name}\n"


def test_main_is_the_session(kernel: Kernel) -> None:
    code = (
        "import pickle, sys\nclass P:\n    v = 'mine'\nstored = pickle.dumps(P())\n"
        "print(__name__, sys.modules['__main__'].P is P, get_ipython().user_ns is globals())"
    )
    assert kernel.run(code, session="p1").text() == "__main__ True True\n"
    kernel.run("class P:\n    v = 'other'", session="p2")
    assert kernel.run("print(pickle.loads(stored).v)", session="p1").text() == "mine\n"
    assert kernel.evaluate("__import__('sys').modules['__main__'].__dict__ is globals()")


def test_everything_is_restored_after_a_failure(kernel: Kernel) -> None:
    picture = (
        "[__import__('os').getcwd(), str(get_ipython().user_module.__dict__ is globals()),"
        " __import__('builtins').input.__qualname__, str(type(__import__('sys').stdout)),"
        " str('showtraceback' in vars(get_ipython())), str('ask_exit' in vars(get_ipython()))]"
    )
    kernel.run("1")
    before = kernel.evaluate(picture)
    kernel.run("import sys, os\nsys.stdout = None\nos.chdir('/')\nexit()", session="wild")
    assert kernel.evaluate(picture) == before


# The state that the notebook shows


def test_the_state_lists_the_variables_of_each_session(kernel: Kernel) -> None:
    kernel.run(
        "a = 1\n_b = 2\nimport os\ndef f(): pass\nclass C: pass\nc = C()\nimport numpy as np\nd = np.ones(3)",
        session="s1",
    )
    kernel.run("z = ['x' * 70_000]\ny = {'k': [1, None]}", session="s2")
    assert kernel.state("s1") == {
        "a": {"kind": "int", "preview": "1", "value": 1},
        "c": {"kind": "C", "preview": "C"},
        "d": {"kind": "ndarray", "preview": "ndarray (3,) float64"},
    }
    assert kernel.state("s2")["y"]["value"] == {"k": [1, None]}
    assert "value" not in kernel.state("s2")["z"]
    kernel.run("del a, c", session="s1")
    assert list(kernel.state("s1")) == ["d"]


def test_the_state_is_a_picture(kernel: Kernel) -> None:
    """A list that a thread goes on filling does not change in what the notebook shows."""
    kernel.run("grows = [1]\nimport sys\nsys.grows = grows", session="picture")
    kernel.execute("import sys; sys.grows.append(2)", silent=True)
    assert kernel.state("picture")["grows"]["value"] == [1]


def test_the_state_is_there_before_the_last_event(kernel: Kernel) -> None:
    kernel.run("fresh = 1\n1/0", session="failing")
    assert kernel.state("failing")["fresh"]["value"] == 1


# Output after the end of a run

LATE = """
import sys, threading
go, done = sys.go, sys.done = threading.Event(), threading.Event()
def late():
    go.wait()
    print('late')
    print('late error', file=sys.stderr)
    display('late display')
    done.set()
threading.Thread(target=late, daemon=True).start()
print('in time')
"""


def test_what_a_thread_writes_after_the_end_comes_with_the_next_run_of_its_session(kernel: Kernel) -> None:
    assert kernel.run(LATE, session="late").text() == "in time\n"
    messages, _ = kernel.execute("import sys; sys.go.set(); sys.done.wait(10); print('own')")
    assert [message["content"]["text"] for message in messages] == ["own\n"]
    assert kernel.run("print('other')", session="not late").outputs == [
        {"message": "stream", "name": "stdout", "text": "other\n"}
    ]
    result = kernel.run("print('next')", session="late")
    assert [event["type"] for event in result.events][:3] == ["started", "notice", "output"]
    assert "after the end of an earlier run" in result.notices[0]
    assert [output.get("text") or output["data"]["text/plain"] for output in result.outputs] == [
        "late\n",
        "late error\n",
        "'late display'",
        "next\n",
    ]
    assert kernel.run("1", session="late").notices == []


def test_a_thread_that_writes_during_a_run_of_another_session_keeps_its_own(kernel: Kernel) -> None:
    kernel.run(LATE, session="mine")
    result = kernel.run(
        "import sys\nprint('a'); sys.go.set(); sys.done.wait(10); print('b')", session="yours"
    )
    assert result.text() == "a\nb\n"
    assert result.text("stderr") == ""
    assert kernel.run("", session="mine").text() == "late\n"


def test_a_task_that_goes_on_after_the_end(kernel: Kernel) -> None:
    code = (
        "import asyncio, sys\nsys.go = asyncio.Event()\n"
        "async def later():\n    await sys.go.wait()\n    print('from the task')\n    sys.done.set()\n"
        "sys.done = asyncio.Event()\ntask = asyncio.create_task(later())"
    )
    kernel.run(code, session="task")
    kernel.execute("import sys; sys.go.set(); await sys.done.wait()")
    result = kernel.run("print('now')", session="task")
    assert result.text() == "from the task\nnow\n"
    assert len(result.notices) == 1


def test_a_program_that_goes_on_after_the_end(kernel: Kernel) -> None:
    code = "import subprocess\nprogram = subprocess.Popen('read x; echo late from a program', shell=True, stdin=-1)"
    kernel.run(code, session="program")
    result = kernel.run("program.communicate(b'go\\n')\nprint('now')", session="program")
    assert sorted(result.text().splitlines()) == ["late from a program", "now"]


def test_late_output_is_bounded(kernel: Kernel) -> None:
    flood = LATE.replace("print('late')", "\n    for i in range(25_000): print(i)")
    kernel.run(flood, session="flood")
    kernel.execute("import sys; sys.go.set(); sys.done.wait(20)", silent=True)
    result = kernel.run("print('next')", session="flood")
    assert "24999\n" in result.text()
    assert "\n100\n" not in result.text()
    assert "dropped" in result.notices[0]


# Upgrade


@pytest.fixture
def own_kernel(tmp_path: Path) -> Iterator[Kernel]:
    yield from start(tmp_path)


def test_sessions_survive_an_upgrade_of_the_runner(own_kernel: Kernel) -> None:
    kernel = own_kernel
    kernel.run("x = 1\nimport os\nos.makedirs('deep')\nos.chdir('deep')\n'result'", session="s")
    kernel.run(LATE, session="t")
    kernel.cell = runner_cell("feedfeedfeed")
    kernel.execute("import sys; sys.go.set(); sys.done.wait(10)", silent=True)
    result = kernel.run("print(x, os.path.basename(os.getcwd()), _)\nos.system('echo c')\n2", session="s")
    assert result.events[0]["runner"] == "feedfeedfeed"
    assert result.text() == "1 deep result\nc\n"
    assert [output["execution_count"] for output in result.outputs if "execution_count" in output] == [2]
    assert "late\n" in kernel.run("", session="t").text()
    kernel.cell = runner_cell()
    again = kernel.run("print(x)", session="s")  # and back
    assert again.text() == "1\n"
    assert [message["msg_type"] for message in again.messages] == ["display_data"]
