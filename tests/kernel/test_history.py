"""The table of runs."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from jupyter_datasphere.demo.kernel_client import kernel_of
from jupyter_datasphere.errors import UsageError
from jupyter_datasphere.kernel.history import WIDTH, brief
from jupyter_datasphere.kernel.run_arguments import HISTORY, NEWEST, parse_history
from jupyter_datasphere.protocol import Cell, Code, Notebook, Source

from .users import Facts, User

LINK = "get_ipython().magics_manager.registry['DataSphereMagics'].commands.link"


@pytest_asyncio.fixture
async def user(server: Facts) -> AsyncIterator[User]:
    async with kernel_of(server) as kernel:
        user = User(kernel, server)
        await user.run("%load_ext jupyter_datasphere\n%ds_project demo-project\n%ds_config session=history")
        yield user


async def rows(user: User, options: str = "") -> list[str]:
    """The lines of the table, without its head."""
    cell = await user.run(f"%ds_history {options}")
    assert not cell.error, cell.error
    head, *lines = cell.displays[0]["text/plain"].split("\n")
    assert head.split() == ["ID", "When", "State", "Project", "Source", "Duration", "Units"]
    return lines


async def test_the_newest_run_comes_first(user: User) -> None:
    await user.run("%%ds_execute\n\nfirst = 1\nprint(first)")
    await user.run("%%ds_execute\n{}['second']")
    second, first, *_ = await rows(user)
    runs = await user.executions()
    assert [second.split()[0], first.split()[0]] == [run["id"] for run in runs[:2]]
    year = await user.value(f"__import__('time').localtime({runs[0]['created_at']!r}).tm_year")
    assert second.split()[1].startswith(f"{year}-")
    assert second.split()[3:6] == ["failed", "demo-project", "{}['second']"]
    assert "succeeded" in first and "first = 1" in first
    assert first.split()[-1] == str(runs[1]["units"]) and first.split()[-2] == "s"


async def test_what_code_says_is_no_markup(user: User) -> None:
    hostile = "'<img src=x onerror=alert(1)>&amp;' # \x1b[2J\u202e"
    await user.run(f"%%ds_execute\n{hostile}")
    (shown,) = (await user.run("%ds_history -n 1")).displays
    assert (
        "<img" not in shown["text/html"]
        and "&lt;img src=x onerror=alert(1)&gt;&amp;amp;" in shown["text/html"]
    )
    for text in shown.values():
        assert "\x1b" not in text and "\u202e" not in text


async def test_states_choose(user: User) -> None:
    await user.run("%%ds_execute\n1")
    await user.run("%%ds_execute\n1 / 0")
    failed = await rows(user, "--status failed")
    assert failed and all(line.split()[3] == "failed" for line in failed)
    both = await rows(user, "--status failed --status succeeded -n 2")
    assert [line.split()[3] for line in both] == ["failed", "succeeded"]
    refused = (await user.run("%ds_history --status suceeded")).error
    assert refused["ename"] == "UsageError"
    assert "Did you mean succeeded?" in refused["evalue"]
    assert "There are queued, " in (await user.run("%ds_history --status zzz")).error["evalue"]


async def test_all_of_them_come_page_by_page(user: User) -> None:
    for _ in range(3):
        await user.run("%%ds_execute\n1")
    known = eval(await user.value(f"[run.id for run in {LINK}.executions(1000)]"))
    assert [line.split()[0] for line in await rows(user)] == known[:NEWEST]
    await user.run("from jupyter_datasphere.kernel import history\nhistory.PAGE = 2")
    assert [line.split()[0] for line in await rows(user, "-n 3")] == known[:3]
    assert [line.split()[0] for line in await rows(user, "--all")] == known


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (Code("\n  \n  x = 1\ny = 2"), "x = 1"),
        (Code(""), ""),
        (Code("é" * 100), "é" * (WIDTH - 1) + "…"),
        (Notebook("a/b.ipynb"), "a/b.ipynb"),
        (Notebook("a" * 100 + "/week.ipynb"), "…" + "a" * (WIDTH - 12) + "/week.ipynb"),
        (Cell("c1"), "cell c1"),
    ],
)
def test_sources_are_short(source: Source, text: str) -> None:
    assert brief(source) == text


@pytest.mark.parametrize(
    "line", ["-n 0", "-n -1", "-n ten", "-n ²", "--all -n 3", "--status", "--stat x", "extra"]
)
def test_mistakes(line: str) -> None:
    with pytest.raises(UsageError):
        parse_history(line)


def test_states_are_said_once_or_again() -> None:
    assert parse_history("--status failed lost --status running").status == ["failed", "lost", "running"]
    assert (parse_history("").status, parse_history("").number, parse_history("--all").number) == (
        [],
        NEWEST,
        None,
    )
    assert HISTORY.format_help().count("\n  %ds_history") == 2
