"""A run whose request and events are files in the project."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path

import nbformat
import pytest
from executions.runner.file_runs import (
    begin,
    execute,
    kill,
    new_kernel,
    new_order,
    parts,
    result_of,
    run,
    stage,
    wait_for,
)
from executions.runner.runner_kernel import Kernel

from jupyter_datasphere.executions.runner.request import part_path, request_path
from jupyter_datasphere.executions.runner.source import parts as parts_module
from jupyter_datasphere.executions.runner.source.events import BATCH_SIZE, Undeliverable
from jupyter_datasphere.executions.runner.source.folders import run_folder, session_name
from jupyter_datasphere.executions.runner.source.parts import AlreadyBegun, Parts, sweep


def test_events_leave_in_numbered_parts_and_nothing_else_is_left(kernel: Kernel) -> None:
    before = set(os.listdir(kernel.folder))
    result = run(kernel, "print(n)\ndisplay(n + 1)\nm = n * 2\nm", inputs={"n": 20}, outputs=["m"])
    assert result.status == "ok"
    assert [event["type"] for event in result.events] == ["started"] + ["output"] * 3 + [
        "variable",
        "finished",
    ]
    assert result.variables == {"m": 40}
    assert set(os.listdir(kernel.folder)) - before <= {".jupyter-datasphere"}
    assert (
        kernel.evaluate("[name for name in __import__('os').environ if 'JUPYTER_DATASPHERE' in name]") == []
    )


def test_a_request_may_be_larger_than_an_environment(kernel: Kernel) -> None:
    assert run(kernel, "print(len(text))", inputs={"text": "я" * 3_000_000}).text() == "3000000\n"


def test_megabytes_of_output_come_complete_in_bounded_parts(kernel: Kernel) -> None:
    result = run(kernel, "for i in range(60_000): print(i, 'x' * 80)")
    assert result.text() == "".join(f"{i} {'x' * 80}\n" for i in range(60_000))
    sizes = [len(part) for part in parts(kernel.folder, result.run)]
    assert len(sizes) > 50
    assert max(sizes) < BATCH_SIZE + 1000


def test_binary_displays_and_plots(kernel: Kernel) -> None:
    code = (
        "import os\nfrom IPython.display import Image, display\n"
        "data = b'\\x89PNG\\r\\n\\x1a\\n' + os.urandom(2_000_000)\ndisplay(Image(data, format='png'))\n"
        "import base64; sent = base64.b64encode(data).decode()"
    )
    result = run(kernel, code, outputs=["sent"])
    (output,) = result.outputs
    assert output["data"]["image/png"].replace("\n", "") == result.variables["sent"]


def test_parts_appear_while_the_code_runs(kernel: Kernel) -> None:
    order = new_order(
        "import os, time\nprint('first')\nwhile not os.path.exists('go'): time.sleep(0.01)\nprint('second')"
    )
    end = begin(kernel, order)
    wait_for(lambda: "first" in result_of(kernel.folder, order.request.run).text())
    assert not result_of(kernel.folder, order.request.run).of("finished")
    (kernel.folder / "go").touch()
    assert end().text() == "first\nsecond\n"


@pytest.mark.parametrize(
    ("code", "ename", "words"),
    [
        ("import sys\nprint('before')\nsys.exit(3)", "SystemExit", "3"),
        ("exit()", "SystemExit", ""),
        ("if:", "SyntaxError", "invalid syntax"),
        ("1 / 0", "ZeroDivisionError", "division by zero"),
    ],
)
def test_what_ends_a_cell(kernel: Kernel, code: str, ename: str, words: str) -> None:
    result = run(kernel, code)
    assert (result.status, result.failure["ename"]) == ("error", ename)
    assert words in result.failure["evalue"]
    assert run(kernel, "print('usable')").text() == "usable\n"


def test_a_stored_notebook_cell_by_cell(kernel: Kernel) -> None:
    cells = ["x = 1\nprint('one')", "display(x)", "1 / 0"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbformat.write(notebook, kernel.folder / "stored.ipynb")
    result = run(kernel, path="stored.ipynb", outputs=["x"])
    assert [event["index"] for event in result.of("cell")] == [0, 1, 2]
    assert [output["cell"] for output in result.outputs] == [0, 1]
    assert (result.failure["cell"], result.variables) == (2, {"x": 1})
    picture = json.loads(
        (
            kernel.folder / ".jupyter-datasphere/sessions" / f"{session_name('notebook:stored.ipynb')}.json"
        ).read_bytes()
    )
    assert picture["namespaces"]["notebook:stored.ipynb"]["x"]["value"] == 1
    assert not list((kernel.folder / ".jupyter-datasphere/sessions").glob("*stored*.pickle"))


def test_an_interrupt_leaves_the_parts_written_by_then(kernel: Kernel) -> None:
    order = new_order("import time\nprint('ready')\ntime.sleep(60)")
    end = begin(kernel, order)
    wait_for(lambda: "ready" in result_of(kernel.folder, order.request.run).text())
    kernel.interrupt()
    result = end()
    assert (result.status, result.failure["ename"]) == ("aborted", "KeyboardInterrupt")


def test_parts_are_whole_whenever_the_kernel_is_killed(tmp_path: Path) -> None:
    with new_kernel(tmp_path) as kernel:
        order = new_order("while True: print('x' * 1000)")
        begin(kernel, order)
        wait_for(lambda: (tmp_path / part_path(order.request.run, 20)).exists())
        kill(kernel)
    result = result_of(tmp_path, order.request.run)
    assert [number for number, _ in result.numbered] == list(range(1, len(result.numbered) + 1))
    assert not result.of("finished")
    sweep(str(tmp_path), [order.request.run], 1, "")
    assert os.listdir(tmp_path / ".jupyter-datasphere/runs") == []


def test_a_thread_that_goes_on_is_named_and_writes_into_the_next_run(kernel: Kernel) -> None:
    code = (
        "import sys, threading\nsys.go, sys.done = threading.Event(), threading.Event()\n"
        "def late():\n    sys.go.wait()\n    print('late')\n    sys.done.set()\n"
        "threading.Thread(target=late, name='the late one').start()\nprint('in time')"
    )
    first = run(kernel, code, session="late")
    assert first.text() == "in time\n"
    assert any("the late one" in notice for notice in first.notices)
    kernel.execute("import sys; sys.go.set(); sys.done.wait(10)", silent=True)
    second = run(kernel, "print('next')", session="late")
    assert second.text() == "late\nnext\n"
    assert not any("the late one" in notice for notice in second.notices)


# The request


def test_a_damaged_request_is_told_and_not_run(kernel: Kernel) -> None:
    order = new_order("open('ran', 'w')")
    strings = stage(kernel.folder, order)
    file = kernel.folder / request_path(order.request.run)
    file.write_bytes(file.read_bytes().replace(b"ran", b"run"))
    execute(kernel, strings)
    result = result_of(kernel.folder, order.request.run).check()
    assert (result.status, result.failure["ename"]) == ("error", "BrokenRequest")
    assert not (kernel.folder / "run").exists()


def test_a_request_that_is_not_there_is_told(kernel: Kernel) -> None:
    order = new_order("1")
    strings = stage(kernel.folder, order)
    (kernel.folder / request_path(order.request.run)).unlink()
    execute(kernel, strings)
    result = result_of(kernel.folder, order.request.run).check()
    assert "cannot be read" in result.failure["evalue"]


def test_a_run_is_not_run_twice(kernel: Kernel) -> None:
    order = new_order("print('once')")
    strings = stage(kernel.folder, order)
    execute(kernel, strings)
    before = parts(kernel.folder, order.request.run)
    stage(kernel.folder, order)
    _, reply = execute(kernel, strings)
    assert (reply["status"], reply["ename"]) == ("error", "AlreadyBegun")
    assert parts(kernel.folder, order.request.run) == before
    assert kernel.run("print('usable')").text() == "usable\n"


@pytest.mark.parametrize("name", ["../outside", "", "a/b", ".", "..", "/etc", "x" * 65])
def test_a_run_of_a_hostile_name_writes_nothing(kernel: Kernel, name: str) -> None:
    strings = stage(kernel.folder, new_order("1"))
    strings["JUPYTER_DATASPHERE_REQUEST_RUN"] = name
    runs = set(os.listdir(kernel.folder / ".jupyter-datasphere/runs"))
    _, reply = execute(kernel, strings)
    assert (reply["status"], reply["ename"]) == ("error", "ValueError")
    assert set(os.listdir(kernel.folder / ".jupyter-datasphere/runs")) == runs


# What was collected, and what never is


def old_run(folder: Path, run: str, age: float = 0, size: int = 10) -> Path:
    path = folder / run_folder(run)
    path.mkdir(parents=True)
    (path / "part-000001.json").write_bytes(b"x" * size)
    then = time.time() - age
    os.utime(path, (then, then))
    return path


def test_the_next_run_removes_those_that_were_collected(kernel: Kernel) -> None:
    first, second = run(kernel, "1"), run(kernel, "2")
    third = run(kernel, "3", collected=[first.run, "no-such-run"])
    present = os.listdir(kernel.folder / ".jupyter-datasphere/runs")
    assert first.run not in present
    assert {second.run, third.run} <= set(present)


def test_only_own_files_of_real_folders_are_removed(tmp_path: Path) -> None:
    runs = tmp_path / ".jupyter-datasphere/runs"
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "part-000001.json").write_text("mine")
    (precious / "note.txt").write_text("mine")
    mixed = old_run(tmp_path, "mixed")
    (mixed / "notes.txt").write_text("mine")
    (mixed / "part-000002.json").symlink_to(precious / "note.txt")
    (runs / "link").symlink_to(precious)
    sweep(
        str(tmp_path),
        ["../../precious", "link", "mixed", "", "..", ".", "/" + str(precious), "own"],
        1,
        "own",
    )
    assert sorted(os.listdir(precious)) == ["note.txt", "part-000001.json"]
    assert (precious / "note.txt").read_text() == "mine"
    assert os.listdir(mixed) == ["notes.txt"]
    assert (runs / "link").is_symlink()


@pytest.mark.parametrize("which", [".jupyter-datasphere", ".jupyter-datasphere/runs"])
def test_nothing_is_removed_behind_a_link(tmp_path: Path, which: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    kept = old_run(elsewhere, "kept", age=1e9)
    project = tmp_path / "project"
    (project / which).parent.mkdir(parents=True)
    (project / which).symlink_to(elsewhere / which)
    sweep(str(project), ["kept"], 1, "")
    assert os.listdir(kept) == ["part-000001.json"]


def test_what_is_never_collected_goes_by_age_and_by_size(tmp_path: Path) -> None:
    day = 24 * 3600.0
    old_run(tmp_path, "ancient", age=8 * day)
    for number in range(1, 6):
        old_run(tmp_path, f"of-day-{number}", age=number * day, size=1000)
    old_run(tmp_path, "waiting", size=5000)
    sweep(str(tmp_path), [], 10**9, "")
    assert len(os.listdir(tmp_path / ".jupyter-datasphere/runs")) == 6  # without the ancient one
    sweep(str(tmp_path), [], 8500, "")
    assert sorted(os.listdir(tmp_path / ".jupyter-datasphere/runs")) == [
        "of-day-1",
        "of-day-2",
        "of-day-3",
        "waiting",
    ]
    sweep(str(tmp_path), [], 1, "")
    assert os.listdir(tmp_path / ".jupyter-datasphere/runs") == ["waiting"]


def test_the_request_of_a_run_that_never_began_goes_with_it(tmp_path: Path) -> None:
    for name in ("never-run", "waits"):
        (tmp_path / request_path(name)).write_text("{}")
    sweep(str(tmp_path), ["never-run"], 1, "another")
    assert os.listdir(tmp_path) == [request_path("waits")]


def test_a_run_that_is_on_is_not_removed(tmp_path: Path) -> None:
    on = Parts(str(tmp_path), "on")
    on.begin(10**6)
    on.publish(b"{}")
    os.utime(tmp_path / run_folder("on"), (1, 1))
    sweep(str(tmp_path), ["on"], 1, "another")
    assert (tmp_path / part_path("on", 1)).exists()
    on.close()
    sweep(str(tmp_path), ["on"], 1, "another")
    assert not (tmp_path / run_folder("on")).exists()


def test_a_run_that_is_on_cannot_be_begun(tmp_path: Path) -> None:
    on = Parts(str(tmp_path), "on")
    with pytest.raises(AlreadyBegun):
        Parts(str(tmp_path), "on")
    on.close()


# A disk that takes no more


LIMITED = (
    "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))\n"
    "print('before')\nimport time\ntime.sleep(0.3)\n"
)
UNLIMITED = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)"


def impatient(kernel: Kernel) -> None:
    kernel.run("1")
    code = "import sys; [setattr(m, 'PATIENCE', 0.2) for n, m in sys.modules.items() if n.startswith('_jupyter_datasphere_runner') and n.endswith('.parts')]"
    kernel.execute(code, silent=True)


def test_a_run_ends_with_one_clear_failure_where_its_output_finds_no_room(tmp_path: Path) -> None:
    """The operating system refuses files beyond 4 KiB: a part does not fit, and the last one does."""
    with new_kernel(tmp_path) as kernel:
        impatient(kernel)
        result = run(kernel, LIMITED + "print('x' * 9000)\ntime.sleep(60)")
        kernel.execute(UNLIMITED, silent=True)
        assert result.text() == "before\n"
        assert (result.status, result.failure["ename"]) == ("error", "OutputLost")
        assert "takes no more" in result.failure["evalue"]
        assert "Make room" in result.failure["evalue"]
        assert run(kernel, "print('usable')").text() == "usable\n"


def test_the_last_output_of_a_run_may_find_no_room(tmp_path: Path) -> None:
    """No code is on then that could be interrupted, and nothing else may be."""
    with new_kernel(tmp_path) as kernel:
        impatient(kernel)
        result = run(kernel, LIMITED + "print('x' * 9000)\nraise SystemExit")
        kernel.execute(UNLIMITED, silent=True)
        assert (result.status, result.failure["ename"]) == ("error", "OutputLost")
        assert run(kernel, "print('usable')").text() == "usable\n"


def test_output_beyond_the_limit_of_a_run_ends_it(kernel: Kernel) -> None:
    result = run(
        kernel, "import itertools\nfor i in itertools.count(): print('x' * 1000)", parts_limit=1_000_000
    )
    assert (result.status, result.failure["ename"]) == ("error", "OutputLost")
    assert "1,000,000" in result.failure["evalue"]
    assert 500_000 < len(result.text()) <= 1_000_000


def test_a_run_does_not_begin_where_there_is_no_room(tmp_path: Path) -> None:
    with new_kernel(tmp_path) as kernel:
        order = new_order("open('ran', 'w')")
        strings = stage(tmp_path, order)
        kernel.execute(
            "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))",
            silent=True,
        )
        _, reply = execute(kernel, strings)
        assert (reply["status"], reply["ename"]) == ("error", "OSError")
        assert not (tmp_path / "ran").exists()


def test_a_part_is_tried_again(tmp_path: Path) -> None:
    writer = Parts(str(tmp_path), "r")
    writer.begin(10**6)
    block = tmp_path / run_folder("r") / ".new"
    block.mkdir()  # a name that cannot be written
    failed = threading.Event()

    def free() -> None:
        failed.wait()
        block.rmdir()

    thread = threading.Thread(target=free)
    thread.start()
    threading.Timer(0.2, failed.set).start()
    writer.publish(b"{}")
    thread.join()
    assert parts(tmp_path, "r") == [b"{}"]
    writer.close()


def test_who_cannot_write_is_told_once_and_for_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts_module, "PATIENCE", 0.1)
    writer = Parts(str(tmp_path), "r")
    writer.begin(10**6)
    troubles = []
    writer.on_trouble = lambda: troubles.append(1)
    block = tmp_path / run_folder("r") / ".new"
    block.mkdir()
    with pytest.raises(Undeliverable, match="takes no more"):
        writer.publish(b"{}")
    assert troubles == [1]
    with pytest.raises(OSError, match="directory"):
        writer.last_words(b"{}")
    block.rmdir()
    writer.last_words(b"[]")
    assert parts(tmp_path, "r") == [b"[]"]
    writer.close()
