"""What the Tab key offers, by a kernel's own answers. ``|`` is the cursor."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jupyter_datasphere.demo.kernel_client import kernel_of

from .conftest import Kernel
from .users import Facts, User


@pytest.fixture
def loaded(kernel: Kernel) -> Iterator[Kernel]:
    kernel.run("rows = [1]\n_hidden = 2\n%load_ext jupyter_datasphere")
    yield kernel
    kernel.run("%unload_ext jupyter_datasphere")


@pytest.mark.parametrize(
    ("code", "offers"),
    [
        ("%%ds_execute --ti|", ["%%ds_execute --timeout"]),
        ("%%ds_execute --qu|\nprint(1)", ["%%ds_execute --quiet"]),
        ("%ds_execute a.ipynb --di|", ["%ds_execute a.ipynb --direct"]),
        ("h = %ds_execute a.ipynb --de|", ["h = %ds_execute a.ipynb --detach"]),
        ("%%ds_execute -s g1.|", [f"%%ds_execute -s g1.{n}" for n in (1, 2, 4)]),
        ("%%ds_execute --spec gt|", ["%%ds_execute --spec gt4.1"]),
        ("%%ds_execute --spec=gt|", ["%%ds_execute --spec=gt4.1"]),
        ("%%ds_execute -i ro|", ["%%ds_execute -i rows"]),
        (
            "%%ds_execute -o |\nbest, worst = 1, 2\nbest.x = 3",
            ["%%ds_execute -o best", "%%ds_execute -o worst"],
        ),
        ("%ds_config ti|", ["%ds_config timeout="]),
        ("%ds_config spec=g2|", [f"%ds_config spec=g2.{n}" for n in (1, 2, 4, 8)]),
        ("%ds_config quiet=no --re|", ["%ds_config quiet=no --reset"]),
        ("%ds_vars --no|", ["%ds_vars --notebook"]),
    ],
)
def test_options_and_values(loaded: Kernel, code: str, offers: list[str]) -> None:
    assert loaded.complete(code) == offers


@pytest.mark.parametrize(
    ("code", "unwanted"),
    [
        ("%%ds_execute -i _h|", "_hidden"),
        ("%%ds_execute -o |\nbest = (", "best"),
        ("%%ds_execute --timeout 1|", "1"),
        ("%ds_project de|", "demo-project"),  # there is no server
    ],
)
def test_where_there_is_nothing_to_offer_nothing_breaks(loaded: Kernel, code: str, unwanted: str) -> None:
    assert code.rpartition(" ")[0] + " " + unwanted not in loaded.complete(code)
    assert loaded.run("pass").outputs == []


def test_every_option_is_offered(loaded: Kernel) -> None:
    found = {match.split()[-1] for match in loaded.complete("%%ds_execute -|")}
    assert {"--input", "--output", "--detach", "--handle", "--help", "-i", "-o", "-p", "-s"} <= found


def test_elsewhere_python_is_completed_as_ever(loaded: Kernel) -> None:
    assert "%%ds_execute\nrows" in loaded.complete("%%ds_execute\nro|")
    assert "x = rows" in loaded.complete("x = ro|")
    loaded.run("%unload_ext jupyter_datasphere")
    assert not any("--timeout" in match for match in loaded.complete("%%ds_execute --ti|"))


async def test_projects_and_sessions_are_those_that_the_server_knows(server: Facts) -> None:
    async with kernel_of(server) as kernel:
        user = User(kernel, server)
        await user.run("%load_ext jupyter_datasphere")
        await user.run("%%ds_execute -p demo-project --session tuesday\n1")
        assert await user.complete("%ds_project demo-") == ["demo-project"]
        assert await user.complete("%%ds_execute -p demo-") == ["demo-project"]
        assert await user.complete("%%ds_execute --session tue") == ["tuesday"]
        assert "main" in await user.complete("%ds_vars --session ")
        run = (await user.executions())[0]["id"]
        for magic in ("%ds_attach", "%ds_cancel", "%ds_output", "job = %ds_attach"):
            assert (await user.complete(f"{magic} "))[0] == run
            assert await user.complete(f"{magic} {run[:12]}") == [run]
        assert await user.complete("%ds_history --status ca") == ["cancelled"]
