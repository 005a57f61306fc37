"""A session from one interpreter to the next."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from executions.runner.file_runs import (
    begin,
    kill,
    new_kernel,
    new_order,
    result_of,
    run,
    run_alone,
    wait_for,
)
from executions.runner.runner_kernel import Kernel, Result

from jupyter_datasphere.executions.runner.request import picture_path
from jupyter_datasphere.executions.runner.source.folders import SESSIONS, session_name


def session_file(folder: Path, key: str = "main") -> Path:
    return folder / SESSIONS / f"{session_name(key)}.pickle"


def notices(result: Result) -> str:
    return "\n".join(result.notices)


@pytest.fixture
def second(kernel: Kernel) -> Iterator[Kernel]:
    """Another interpreter in the same project."""
    with new_kernel(kernel.folder) as other:
        yield other


def test_a_session_goes_on_in_a_new_interpreter(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    first = run_alone(
        tmp_path,
        "from __future__ import annotations\nimport os, math as m\nx = [1]\nalso = x\ndef f(): return x\n"
        "class C:\n    v: Undefined = 1\n    def g(self): return f()\nc = C()\nos.chdir('inner')\n_own = 1\n1/0",
    )
    assert first.status == "error"
    assert first.notices == []
    code = (
        "x.append(m.floor(2.5))\nassert also is x and f() is x and c.g() is x and type(c) is C and _own\n"
        "class D:\n    w: Undefined2 = 1\nx = 'another'\nprint(f(), c.g(), os.path.basename(os.getcwd()), In[-1][:5], Out)"
    )
    second = run_alone(tmp_path, code)
    assert second.status == "ok", second.failure
    assert second.text() == "another another inner x.app {}\n"
    assert second.notices == []


def test_what_cannot_be_kept_is_named_once_and_stays_while_the_interpreter_lives(tmp_path: Path) -> None:
    with new_kernel(tmp_path) as kernel:
        first = run(kernel, "import threading\nlock = threading.Lock()\nfile = open('f', 'w')\nx = 1")
        assert "lock (cannot pickle '_thread.lock' object)" in notices(first)
        assert "file (cannot pickle '_io.TextIOWrapper' object)" in notices(first)
        again = run(kernel, "with lock: print(x, file.closed)")
        assert (again.text(), again.notices) == ("1 False\n", [])
    assert (
        run_alone(tmp_path, "print(x, 'lock' in globals(), 'file' in globals())").text() == "1 False False\n"
    )


@pytest.mark.parametrize("name", ["ночь", "../../escape", "a b", "x" * 300, ".", "Main"])
def test_any_name_of_a_session_has_a_file_of_its_own(kernel: Kernel, second: Kernel, name: str) -> None:
    run(kernel, f"who = {name!r}", session=name)
    run(kernel, "who = 'other'", session=name + "'")
    assert run(second, "print(who)", session=name).text() == f"{name}\n"
    assert not (kernel.folder.parent / "escape.pickle").exists()
    picture = json.loads((kernel.folder / picture_path(name)).read_bytes())
    assert picture["namespaces"] == {
        name: {
            "who": {"kind": "str", "preview": picture["namespaces"][name]["who"]["preview"], "value": name}
        }
    }


def test_what_another_interpreter_did_meanwhile_is_seen(kernel: Kernel, second: Kernel) -> None:
    run(kernel, "import threading\na, b, lock = 1, 2, threading.Lock()", session="to and fro")
    run(second, "a = 'new'\ndel b\nc = 3", session="to and fro")
    result = run(kernel, "print(a, c, 'b' in globals(), lock.locked())", session="to and fro")
    assert result.text() == "new 3 False False\n"
    assert run(second, "print(a, c, 'lock' in globals())", session="to and fro").text() == "new 3 False\n"


def test_runs_of_one_session_at_once_wait_for_each_other(kernel: Kernel, second: Kernel) -> None:
    folder = kernel.folder
    one = new_order(
        "import os, time\nprint('in')\nwhile not os.path.exists('let'): time.sleep(0.01)\nx = 1",
        session="both",
    )
    end_one = begin(kernel, one)
    wait_for(lambda: "in\n" in result_of(folder, one.request.run).text())
    two = new_order("print(x)\ny = 2", session="both")
    end_two = begin(second, two)
    wait_for(lambda: result_of(folder, two.request.run).notices)
    told = notices(result_of(folder, two.request.run))
    assert f"Run {one.request.run} (since 20" in told
    assert "waits for its end. To interrupt this one ends only the wait. The other ends by" in told
    assert f"%ds_cancel {one.request.run}" in told
    assert run_alone(folder, "print('free')", session="not that one").text() == "free\n"
    (folder / "let").touch()
    assert end_one().status == "ok"
    assert end_two().text() == "1\n"
    assert run_alone(folder, "print(x, y)", session="both").text() == "1 2\n"


def test_waiting_for_a_session_can_be_interrupted(kernel: Kernel, second: Kernel) -> None:
    one = new_order("import time\nprint('in')\ntime.sleep(60)", session="held")
    end_one = begin(kernel, one)
    wait_for(lambda: "in\n" in result_of(kernel.folder, one.request.run).text())
    two = new_order("print('never')", session="held")
    end_two = begin(second, two)
    wait_for(lambda: result_of(kernel.folder, two.request.run).notices)
    second.interrupt()
    result = end_two()
    assert (result.status, result.text()) == ("aborted", "")
    kernel.interrupt()
    assert end_one().status == "aborted"


def test_a_child_that_outlives_its_kernel_does_not_hold_the_session(tmp_path: Path) -> None:
    with new_kernel(tmp_path) as kernel:
        order = new_order(
            "import os, time\nchild = os.fork()\nif child == 0:\n    os.setsid()\n"
            "    while not os.path.exists('end'): time.sleep(0.01)\n    os._exit(0)\nprint('forked')\ntime.sleep(60)"
        )
        begin(kernel, order)
        wait_for(lambda: "forked" in result_of(tmp_path, order.request.run).text())
        kill(kernel)
    try:
        assert run_alone(tmp_path, "print('free')").notices == []
    finally:
        (tmp_path / "end").touch()


# Killed, interrupted, out of room


SECOND_TIME = (
    "class Odd:\n    n = 0\n    def __reduce__(self):\n        Odd.n += 1\n        if Odd.n == 2:\n            {}\n        return list, ()\n"
    "x = 'new'\nbig = os.urandom(5_000_000)\nodd = Odd()"
)


def test_a_kernel_that_is_killed_while_it_writes_leaves_what_was_there(tmp_path: Path) -> None:
    """The object is pickled a first time to see whether that works, a second time into the file."""
    run_alone(tmp_path, "import os\nx = 'old'")
    before = session_file(tmp_path).read_bytes()
    with new_kernel(tmp_path) as kernel:
        order = new_order(SECOND_TIME.format("os.kill(os.getpid(), 9)"))
        begin(kernel, order)
        kernel.manager.provisioner.process.wait()  # type: ignore[union-attr]
    assert session_file(tmp_path).read_bytes() == before
    assert session_file(tmp_path).with_suffix(".new").stat().st_size > 4_000_000
    assert run_alone(tmp_path, "print(x, 'big' in globals())\nx = 'newer'").text() == "old False\n"
    assert not session_file(tmp_path).with_suffix(".new").exists()
    assert run_alone(tmp_path, "print(x)").text() == "newer\n"


def test_an_interrupt_while_it_writes_leaves_what_was_there(tmp_path: Path) -> None:
    run_alone(tmp_path, "import os\nx = 'old'")
    before = session_file(tmp_path).read_bytes()
    with new_kernel(tmp_path) as kernel:
        order = new_order(SECOND_TIME.format("os.mkdir('writing'); import time; time.sleep(60)"))
        end = begin(kernel, order)
        wait_for((tmp_path / "writing").exists)
        kernel.interrupt()
        result = end()
    assert result.status == "aborted"
    assert "not kept for the next interpreter: there was an interrupt" in notices(result)
    assert session_file(tmp_path).read_bytes() == before
    assert not session_file(tmp_path).with_suffix(".new").exists()


def test_variables_that_find_no_room_on_the_disk_leave_what_was_there(tmp_path: Path) -> None:
    run_alone(tmp_path, "x = 'old'")
    before = session_file(tmp_path).read_bytes()
    with new_kernel(tmp_path) as kernel:
        result = run(
            kernel,
            "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (500_000, resource.RLIM_INFINITY))\n"
            "x = bytes(1_000_000)",
        )
        kernel.execute(
            "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)"
        )
        assert result.status == "ok"
        assert "could not be kept" in notices(result)
        assert "What was kept before is still there" in notices(result)
        assert session_file(tmp_path).read_bytes() == before
        assert run(kernel, "1").notices == []
    assert run_alone(tmp_path, "print(len(x))").text() == "1000000\n"


def test_the_largest_variables_are_left_out_beyond_the_limit(tmp_path: Path) -> None:
    code = "large = bytes(600_000)\nmiddle = bytearray(300_000)\nsmall = 1\nhuge = bytes(3_000_000)"
    result = run_alone(tmp_path, code, state_limit=800_000)
    assert "huge (it is larger" in notices(result)
    assert "large (there is room for 800,000 bytes" in notices(result)
    assert "middle" not in notices(result)
    result = run_alone(
        tmp_path, "print(*[n for n in ('small', 'middle', 'large', 'huge') if n in globals()])"
    )
    assert result.text() == "small middle\n"


# The file


@pytest.mark.parametrize("harm", ["cut", "flipped", "emptied", "flipped in what it says of itself"])
def test_a_damaged_file_is_set_aside(tmp_path: Path, harm: str) -> None:
    file = session_file(tmp_path)
    run_alone(tmp_path, "x = 'valuable'")
    content = bytearray(file.read_bytes())
    match harm:
        case "cut":
            del content[-5:]
        case "flipped":
            content[content.index(b"valuable")] ^= 1
        case "emptied":
            content.clear()
        case _:
            content[content.index(b'"names"')] ^= 1
    file.write_bytes(content)
    result = run_alone(tmp_path, "print('x' in globals())\ny = 1")
    assert result.text() == "False\n"
    assert f"is damaged: it was set aside as {SESSIONS}/main.damaged-1.pickle" in notices(result)
    assert (tmp_path / SESSIONS / "main.damaged-1.pickle").read_bytes() == content
    file.write_bytes(b"junk")
    assert "main.damaged-2.pickle" in notices(run_alone(tmp_path, "1"))


def test_a_newer_file_is_set_aside(tmp_path: Path) -> None:
    run_alone(tmp_path, "x = 1")
    newer = session_file(tmp_path).read_bytes().replace(b"session 1\n", b"session 2\n", 1)
    session_file(tmp_path).write_bytes(newer)
    assert "was written by a newer version" in notices(run_alone(tmp_path, "x = 2"))
    assert (tmp_path / SESSIONS / "main.newer-1.pickle").read_bytes() == newer


def test_a_file_with_what_cannot_be_restored_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("class Thing:\n    v = 1\n")
    run_alone(tmp_path, "import helper\nthing = helper.Thing()\nx = 1")
    (tmp_path / "helper.py").rename(tmp_path / "moved.py")
    result = run_alone(tmp_path, "print(x, 'thing' in globals())")
    assert result.text() == "1 False\n"
    assert "helper (ModuleNotFoundError: No module named 'helper')" in notices(result)
    assert f"{SESSIONS}/main.earlier-1.pickle has other variables" in notices(result)
    (tmp_path / "moved.py").rename(tmp_path / "helper.py")
    (tmp_path / SESSIONS / "main.earlier-1.pickle").replace(session_file(tmp_path))
    assert run_alone(tmp_path, "print(thing.v)").text() == "1\n"


def test_it_is_written_only_if_something_changed(kernel: Kernel) -> None:
    run(kernel, "x = [1]\ndef f(): return x", session="same")
    file = session_file(kernel.folder, "same")
    before = file.stat()
    run(kernel, "print(x, f())", session="same")
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    run(kernel, "x.append(2)", session="same")
    assert (file.stat().st_ino, file.stat().st_mtime_ns) != (before.st_ino, before.st_mtime_ns)


def test_two_that_cannot_wait_for_each_other_lose_nothing(kernel: Kernel, second: Kernel) -> None:
    """As on a file system whose locks do not reach the other machine: the lock is another file."""
    run(kernel, "a = 1", session="unlocked")
    lock = session_file(kernel.folder, "unlocked").with_suffix(".lock")
    one = new_order(
        "import os, time\nprint('in')\nwhile not os.path.exists('on'): time.sleep(0.01)\nb = 1",
        session="unlocked",
    )
    end_one = begin(kernel, one)
    wait_for(lambda: "in\n" in result_of(kernel.folder, one.request.run).text())
    lock.unlink()
    run(second, "c = 1", session="unlocked")
    theirs = session_file(kernel.folder, "unlocked").read_bytes()
    (kernel.folder / "on").touch()
    assert "unlocked.earlier-1.pickle has what another run wrote meanwhile" in notices(end_one())
    assert (kernel.folder / SESSIONS / "unlocked.earlier-1.pickle").read_bytes() == theirs


def test_a_folder_that_is_a_link_is_left_alone(tmp_path: Path) -> None:
    project, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    (project / ".jupyter-datasphere").mkdir(parents=True)
    elsewhere.mkdir()
    (project / SESSIONS).symlink_to(elsewhere)
    result = run_alone(project, "print('runs')")
    assert result.text() == "runs\n"
    assert "cannot be kept between interpreters" in notices(result)
    assert os.listdir(elsewhere) == []


def test_functions_of_an_earlier_interpreter_have_their_source(tmp_path: Path) -> None:
    run_alone(tmp_path, "def f():\n    return 1 / 0  # this line")
    result = run_alone(tmp_path, "import inspect\nprint(inspect.getsource(f))\nf()")
    assert "this line" in result.text()
    assert any("this line" in line for line in result.failure["traceback"])


def test_a_notebook_in_a_session_is_kept_and_one_without_is_fresh(tmp_path: Path) -> None:
    import nbformat

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("print('n' in globals())\nn = 1")])
    nbformat.write(notebook, tmp_path / "n.ipynb")
    assert run_alone(tmp_path, path="n.ipynb", session="s").text() == "False\n"
    assert run_alone(tmp_path, path="n.ipynb", session="s").text() == "True\n"
    assert run_alone(tmp_path, path="n.ipynb").text() == "False\n"
    assert run_alone(tmp_path, path="n.ipynb").text() == "False\n"


def test_the_state_channel_keeps_nothing_in_files(tmp_path: Path) -> None:
    with new_kernel(tmp_path) as kernel:
        kernel.run("x = 1")
        assert not (tmp_path / ".jupyter-datasphere").exists()
