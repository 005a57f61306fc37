"""`%ds_get` and `%ds_put`: files move whole, replace nothing unasked, and leave nothing half-written."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import nbformat
import pytest
import pytest_asyncio
from serving import Terminal

from jupyter_datasphere.demo.kernel_client import kernel_of
from jupyter_datasphere.errors import UsageError
from jupyter_datasphere.kernel.bar import Bar, amount
from jupyter_datasphere.kernel.local_paths import shown
from jupyter_datasphere.kernel.moving import target_of

from .conftest import plain_kernel
from .users import Cell, Facts, User, on_screen

LARGE = 30_000_000
"""Bytes: more than all buffers on the way hold."""


@pytest_asyncio.fixture
async def user(server: Facts, here: Path) -> AsyncIterator[User]:
    async with kernel_of(server) as kernel:
        user = User(kernel, server)
        ready = await user.run(f"%cd -q {here}\n%load_ext jupyter_datasphere\n%ds_project demo-project")
        assert not ready.error
        yield user


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """The folder of the kernel."""
    folder = tmp_path / "here"
    folder.mkdir()
    return folder


@pytest.fixture
def project(emulator: Facts) -> Path:
    """The storage of the demo project."""
    return Path(emulator["root"]) / "projects" / emulator["project_id"]


def calls(emulator: Facts) -> Counter[str]:
    with control(emulator) as http:
        return Counter(http.get("/calls").json())


def control(emulator: Facts) -> httpx.Client:
    headers = {"Authorization": f"Bearer {emulator['control_token']}"}
    return httpx.Client(base_url=f"{emulator['url']}/emulator", headers=headers)


@contextmanager
def faults(emulator: Facts, method: str, *numbers: int, **fault: object) -> Iterator[None]:
    rule = {"method": method, "calls": numbers, "fault": fault}
    with control(emulator) as http:
        http.put("/faults", content=json.dumps([rule])).raise_for_status()
        try:
            yield
        finally:
            http.put("/faults", content="[]").raise_for_status()


async def called(emulator: Facts, method: str, before: int) -> None:
    """Wait until the emulator was called once more."""
    async with asyncio.timeout(30):
        while calls(emulator)[method] <= before:
            await asyncio.sleep(0.02)


def said(cell: Cell) -> list[str]:
    """What an error-free cell showed."""
    assert not cell.error, cell.error
    return on_screen(cell.messages)


def nothing_half_written(folder: Path) -> bool:
    return not [name for name in folder.rglob("*") if name.name.endswith(".part")]


async def test_there_and_back(user: User, here: Path, project: Path) -> None:
    content = random.Random(1).randbytes(3_000_000)
    (here / "rows.bin").write_bytes(content)
    assert said(await user.run("%ds_put rows.bin")) == ["rows.bin → project: rows.bin · 3.0 MB"]
    assert said(await user.run("%ds_put rows.bin back/")) == ["rows.bin → project: back/rows.bin · 3.0 MB"]
    assert (project / "rows.bin").read_bytes() == (project / "back/rows.bin").read_bytes() == content
    (here / "data").mkdir()
    assert said(await user.run("%ds_get back/rows.bin data")) == ["back/rows.bin → data/rows.bin · 3.0 MB"]
    await user.run("%ds_get rows.bin 'two words.bin'")
    assert (here / "data/rows.bin").read_bytes() == (here / "two words.bin").read_bytes() == content
    assert said(await user.run("%ds_config quiet=yes\n%ds_get rows.bin third.bin"))[1:] == []
    assert nothing_half_written(here)


async def test_nothing_is_replaced_unasked(user: User, here: Path, project: Path, emulator: Facts) -> None:
    (here / "kept").write_text("mine")
    (project / "kept").write_text("theirs")
    before = calls(emulator)
    for cell in (await user.run("%ds_put kept"), await user.run("%ds_get kept")):
        assert cell.error["ename"] == "ConflictError"
        assert "--force" in cell.error["evalue"]
    after = calls(emulator)
    assert after["files.upload"] == before["files.upload"]
    assert after["files.download"] == before["files.download"] + 1  # how large it is
    assert ((here / "kept").read_text(), (project / "kept").read_text()) == ("mine", "theirs")
    assert not (await user.run("%ds_get kept --force")).error
    assert (here / "kept").read_text() == "theirs"
    (here / "kept").write_text("new")
    assert not (await user.run("%ds_put kept --force")).error
    assert (project / "kept").read_text() == "new"


async def test_what_will_not_do(user: User, here: Path, project: Path) -> None:
    (here / "mine").write_text("x")
    (project / "there").write_text("x")
    (project / "folder").mkdir()
    for line, ename, words in (
        ("%ds_get missing", "NotFoundError", "missing"),
        ("%ds_get ../../secret", "UsageError", "without '..'"),
        ("%ds_get /etc/passwd", "UsageError", "is not under /home/jupyter"),
        ("%ds_get folder/..", "UsageError", "names no file"),
        ("%ds_get folder/", "UsageError", "names no file"),
        ("%ds_get folder", "ConflictError", "If it is a folder over there, name a file in it."),
        ("%ds_get there no/such/folder/file", "StorageError", "No such file"),
        ("%ds_get there no/", "UsageError", "There is no folder no/"),
        ("%ds_put missing", "UsageError", "There is no file missing"),
        ("%ds_put .", "UsageError", "is a folder"),
        ("%ds_put mine folder", "ConflictError", "write folder/ to put the file into it."),
        ("%ds_put mine ../mine", "UsageError", "without '..'"),
        ("%ds_put mine /tmp/mine", "UsageError", "is not under /home/jupyter"),
        ("%ds_put mine -p no-such-project", "NotFoundError", "no-such-project"),
        ("%ds_put", "UsageError", "takes the path of a file here"),
        ("%ds_put ~no-such-user/x", "UsageError", "there is no user no-such-user"),
        ("%ds_get there ~no-such-user/x", "UsageError", "there is no user no-such-user"),
        ("%ds_execute x.ipynb --save ~no-such-user/x.ipynb", "UsageError", "no user no-such-user"),
        ("%ds_execute mine --upload --with ~no-such-user/x", "UsageError", "no user no-such-user"),
    ):
        cell = await user.run(line)
        assert (cell.error["ename"], cell.text()) == (ename, ""), line
        assert words in cell.error["evalue"], line
    assert [file.name for file in here.iterdir()] == ["mine"]


@pytest.mark.parametrize("remote", ["", ".", "..", "a/..", "a/", "nul\0"])
def test_a_name_over_there_leads_nowhere_else_here(remote: str) -> None:
    with pytest.raises(UsageError):
        target_of(remote, None)
    assert shown("a\x1b[2Jb\n") == "a�[2Jb�"


async def test_a_cut_and_a_token_that_expires_are_mended(
    user: User, here: Path, project: Path, emulator: Facts
) -> None:
    content = random.Random(2).randbytes(LARGE)
    (here / "large").write_bytes(content)
    for fault in ({"cut": "middle"}, {"lose": True}, {"expire_tokens": True}):
        with faults(emulator, "files.upload", 1, **fault):
            assert said(await user.run("%ds_put large --force")) != []
        assert (project / "large").read_bytes() == content
        (project / "large").unlink()
    (project / "large").write_bytes(content)
    with faults(emulator, "files.download", 1, cut="middle"):
        assert said(await user.run("%ds_get large --force")) != []
    assert (here / "large").read_bytes() == content


async def test_a_refusal_leaves_things_as_they_were(
    user: User, here: Path, project: Path, emulator: Facts
) -> None:
    (here / "here.bin").write_bytes(b"old")
    (project / "refused.bin").write_bytes(b"old")
    for status, code in (
        (403, "permission-denied"),
        (429, "resource-exhausted"),
    ):  # a full disk is the latter
        with faults(emulator, "files.*", *range(1, 30), status=status, retry_after=0):
            for line in ("%ds_put here.bin refused.bin --force", "%ds_get refused.bin here.bin --force"):
                cell = await user.run(line)
                assert cell.error, line
                assert await user.value("__import__('sys').last_value.code") == code
    with faults(emulator, "files.*", *range(1, 30), status=503, retry_after=0):
        cell = await user.run("%ds_get refused.bin here.bin --force")
    assert cell.error["ename"] == "UnavailableError"
    assert " here.bin is as it was; the next %ds_get begins anew." in cell.error["evalue"]
    assert (here / "here.bin").read_bytes() == (project / "refused.bin").read_bytes() == b"old"
    assert nothing_half_written(here)


async def test_an_interrupt_leaves_nothing(user: User, here: Path, project: Path, emulator: Facts) -> None:
    (here / "up.bin").write_bytes(bytes(LARGE))
    (project / "down.bin").write_bytes(bytes(LARGE))
    for method, line, words in (
        ("files.upload", "%ds_put up.bin --force", "up.bin in the project is as it was"),
        ("files.download", "%ds_get down.bin", "down.bin is as it was"),
    ):
        before = calls(emulator)[method]
        with faults(emulator, method, 1, delay=60):
            running = asyncio.create_task(user.run(line))
            await called(emulator, method, before)
            await user.interrupt()
            cell = await running
        assert (cell.error["ename"], cell.error["evalue"]) == ("KeyboardInterrupt", words)
    assert sorted(file.name for file in here.iterdir()) == ["up.bin"]
    assert not (project / "up.bin").exists()
    assert not (await user.run("%ds_status")).error  # another call takes another connection


async def test_a_file_whose_name_begins_with_a_tilde(user: User, here: Path, project: Path) -> None:
    (here / "~tilde").write_text("x")
    notebook(here / "~mine.ipynb", "1")
    (here / "~folder").mkdir()
    (here / "~folder/rows.csv").touch()
    assert said(await user.run("%ds_put ~tilde")) == ["~tilde → project: ~tilde · 1 bytes"]
    assert said(await user.run("%ds_get ~tilde ./~again")) == ["~tilde → ~again · 1 bytes"]
    assert await user.complete("%ds_put ~folder/") == ["~folder/rows.csv"]
    line = "%ds_execute ~mine.ipynb --upload --with ~folder/rows.csv --save ./~saved.ipynb"
    assert not (await user.run(line)).error
    assert (project / "~folder/rows.csv").exists() and (here / "~saved.ipynb").exists()


async def test_the_tab_key_offers_files_here(user: User, here: Path) -> None:
    (here / "data").mkdir()
    (here / "data/отчёт.csv").touch()
    (here / "data/two words").touch()
    for before in ("%ds_put ", "%ds_get x -p demo-project ", "%ds_execute x.ipynb --upload --with "):
        assert await user.complete(f"{before}da") == ["data/"]
        assert await user.complete(f"{before}data/") == ["data/отчёт.csv"]


# A notebook that takes files along


def notebook(path: Path, source: str, **metadata: object) -> None:
    cells = [nbformat.v4.new_code_cell(source)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), path)


async def test_a_notebook_is_sent_with_files_and_run(user: User, here: Path, project: Path) -> None:
    (here / "sub").mkdir()
    notebook(here / "sub/mine.ipynb", "import helper_of_mine\nprint(helper_of_mine.read())")
    source = "def read():\n    return open('sub/rows.csv').read()"
    (here / "helper_of_mine.py").write_text(source)
    (here / "sub/rows.csv").write_text("one,two")
    (project / "helper_of_mine.py").write_text("of another time")
    cell = await user.run(
        f"%ds_execute ./sub/mine.ipynb --upload --with {here}/helper_of_mine.py --with sub/rows.csv"
    )
    assert said(cell)[-1] == "one,two\n"
    assert "→ project" not in "".join(said(cell))  # nobody looks on
    assert (project / "helper_of_mine.py").read_text() == source
    assert (project / "sub/mine.ipynb").read_bytes() == (here / "sub/mine.ipynb").read_bytes()
    [run, *_] = await user.executions()
    assert run["source"]["path"] == "sub/mine.ipynb"


async def test_nothing_runs_where_something_cannot_be_sent(
    user: User, here: Path, project: Path, emulator: Facts
) -> None:
    notebook(here / "not-sent.ipynb", "print('never')")
    (here / "rows.csv").write_text("new")
    (here / "data").mkdir()
    (here / "data/rows.csv").touch()
    (here / "broken.ipynb").write_text("{}")
    notebook(here / "r.ipynb", "print('never')", language_info={"name": "R"})
    spec = {"name": "julia-1.10", "display_name": "Julia", "language": "julia"}
    notebook(here / "julia.ipynb", "print('never')", kernelspec=spec)
    (here / "old.ipynb").write_text('{"metadata": {}, "nbformat": 3, "nbformat_minor": 0, "worksheets": []}')
    (project / "rows.csv").write_text("old")
    before, runs = calls(emulator), len(await user.executions())
    for line, words in (
        ("not-sent.ipynb --upload --with missing.csv", "There is no file missing.csv"),
        ("not-sent.ipynb --upload --with data", "is a folder"),
        (f"not-sent.ipynb --upload --with rows.csv --with {here}/data/rows.csv", "would both go to rows.csv"),
        ("broken.ipynb --upload --with rows.csv", "is no notebook"),
        ("rows.csv --upload", "is no notebook"),
        ("r.ipynb --upload", "r.ipynb is a notebook for R; the runner runs Python. --direct"),
        ("julia.ipynb --upload", "julia.ipynb is a notebook for julia"),
        ("old.ipynb --upload", "old.ipynb is of nbformat 3, and only nbformat 4 is run"),
        ("missing.ipynb --upload", "There is no file missing.ipynb"),
        ("not-sent.ipynb --upload --with rows.csv -i no_such_variable", "no_such_variable"),
        ("not-sent.ipynb --with rows.csv", "needs --upload"),
        ("--cell abc --upload", "needs PATH.ipynb"),
    ):
        cell = await user.run(f"%ds_execute {line}")
        assert words in cell.error["evalue"], line
    assert words in (await user.run("%%ds_execute --upload\nprint('never')")).error["evalue"]
    assert calls(emulator)["files.upload"] == before["files.upload"]
    assert (project / "rows.csv").read_text() == "old"
    # The API may have a kernel for it; it is sent.
    await user.run("%ds_execute r.ipynb --upload --direct")
    assert (project / "r.ipynb").exists() and len(await user.executions()) == runs + 1
    before, runs = calls(emulator), runs + 1
    # The second of two is refused over there.
    number = before["files.upload"] + 2
    with faults(emulator, "files.upload", 2, status=403):
        cell = await user.run("%ds_execute not-sent.ipynb --upload --with rows.csv")
    assert cell.error["ename"] in ("ServiceError", "CredentialsError")
    assert calls(emulator)["files.upload"] == number
    assert not (project / "not-sent.ipynb").exists()
    assert len(await user.executions()) == runs


# The line that shows how far it is


def test_who_looks_on_sees_a_bar(emulator: Facts, project: Path, tmp_path: Path) -> None:
    (project / "slow.bin").write_bytes(bytes(2_000_000))
    terminal = Terminal(emulator, tmp_path)
    try:
        terminal.serve()
        with plain_kernel(terminal.runtime) as editor:
            editor.run(f"%cd -q {tmp_path}\n%load_ext jupyter_datasphere")
            with faults(emulator, "files.download", 1, delay=1.2):
                slow = editor.run("%ds_get slow.bin", watched=True)
            quick = editor.run("%ds_get slow.bin --force", watched=True)
    finally:
        terminal.close()
    (line, summary) = slow.outputs[0][1]["data"]["text/plain"], on_screen(slow.outputs)
    assert line.startswith("⠋ slow.bin · ")
    assert len(summary) == 1
    assert summary[0].startswith("slow.bin → slow.bin · 2.0 MB in ")
    assert (quick.kinds, on_screen(quick.outputs)) == (["display_data"], ["slow.bin → slow.bin · 2.0 MB"])


def test_a_bar_says_how_far_how_fast_and_how_long() -> None:
    bar = Bar(None, "a.bin")
    bar.tell(10_000_000, 1_000_000_000)
    bar._text(100.0)
    bar.tell(60_000_000, 1_000_000_000)
    assert bar._text(101.0) == "⠋ a.bin · 60 MB of 1.0 GB · 6 % · 50 MB/s · 19 s left"
    bar.tell(1_000_000_000, 1_000_000_000)
    assert bar._text(101.5) == "⠋ a.bin · 1.0 GB of 1.0 GB · 100 % · finishing"
    bar.tell(0, None)  # begun anew
    assert bar._text(102.0).startswith("⠋ a.bin · 0 bytes · ")


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (9_960, "10 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (31_400_000, "31 MB"),
        (4 * 10**15, "4000 TB"),
    ],
)
def test_amounts(size: int, words: str) -> None:
    assert amount(size) == words
