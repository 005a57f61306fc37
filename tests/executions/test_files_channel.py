"""What is the `files` channel's own: its files in the project, and the trouble that these can make."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from executions.test_service import follow, run, seen, start
from executions.ways import Way, open_way
from executions.weather import control
from listening import listening
from support import store

from jupyter_datasphere.datasphere.jupyter_link import Link
from jupyter_datasphere.demo.processes import project_link
from jupyter_datasphere.errors import ExpectedError, ServiceError, UsageError
from jupyter_datasphere.executions.runner.notebook import RUNNER_NAME, runner_notebook
from jupyter_datasphere.executions.runner.request import part_path
from jupyter_datasphere.executions.service import ExecutionService
from jupyter_datasphere.protocol import Code, Notebook

FORMS = ("both", "absolute", "relative")


@pytest.fixture(scope="module")
def way(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Way]:
    with open_way("files", tmp_path_factory.mktemp("files") / "root") as way:
        yield way


@pytest_asyncio.fixture
async def service(way: Way, tmp_path: Path) -> AsyncIterator[ExecutionService]:
    async with way.service(tmp_path / "ledger") as service:
        yield service


@pytest.fixture
def faults(way: Way) -> Iterator[Callable[..., None]]:
    """Makes calls of the emulator fail, until the test is over."""

    def set_rules(*rules: dict[str, Any]) -> None:
        control(way.facts, "PUT", "faults", list(rules))

    yield set_rules
    set_rules()


def calls(way: Way, method: str) -> int:
    return int(control(way.facts, "GET", "calls").get(method, 0))


def runs_left(way: Way) -> list[str]:
    return sorted(path.name for path in (way.storage / ".jupyter-datasphere" / "runs").iterdir())


# What is put there


async def test_the_runner_is_uploaded_once_and_replaced_where_it_is_another(way: Way, tmp_path: Path) -> None:
    runner = way.storage / RUNNER_NAME
    runner.write_text("another one")
    before = calls(way, "files.upload")
    async with way.service(tmp_path / "ledger") as service:
        for _ in range(2):
            assert (await run(service, "print(1)")).text == "1\n"
        assert runner.read_bytes() == runner_notebook()
        assert calls(way, "files.upload") - before == 3  # the runner, and two requests
    async with way.service(tmp_path / "ledger") as service:
        await run(service, "1")
    assert calls(way, "files.upload") - before == 4


async def test_a_runner_that_is_taken_away_comes_back(way: Way, service: ExecutionService) -> None:
    await run(service, "1")
    (way.storage / RUNNER_NAME).unlink()
    with_error = await run(service, "2")
    assert with_error.execution.state == "failed"
    assert (await run(service, "print(3)")).text == "3\n"


async def test_parts_are_removed_once_they_were_collected(way: Way, service: ExecutionService) -> None:
    first = await run(service, "print(1)")
    assert first.execution.id in runs_left(way)
    second = await run(service, "print(2)")
    left = runs_left(way)
    assert first.execution.id not in left
    assert second.execution.id in left
    assert not list(way.storage.glob(".jupyter-datasphere-*.json"))


@pytest.mark.parametrize("form", FORMS)
async def test_whichever_paths_the_service_takes(form: str, tmp_path: Path) -> None:
    with open_way("files", tmp_path / "root", "--files-paths", form) as way:
        async with way.service(tmp_path / "ledger") as service:
            await run(service, "x = 1")
            assert (await run(service, "print(x)")).text == "1\n"
            assert (way.storage / RUNNER_NAME).exists()


# What is read


async def test_who_comes_back_to_a_long_run_reads_no_part_twice(way: Way, tmp_path: Path) -> None:
    """300 parts were seen before; to find the next one takes a handful of questions."""
    code = "import time, pathlib\nfor n in range(300): print(f'{n} ' + 'x' * 70_000)\nopen('many', 'w').close()\n"
    code += "while not pathlib.Path('joined').exists(): time.sleep(0.01)\nprint('end')"
    many, joined = way.storage / "many", way.storage / "joined"
    async with way.service(tmp_path / "ledger") as service:
        execution = await start(service, code)
        await seen(service, execution.id, "299 xxx")
    parts = len(list((way.storage / part_path(execution.id, 1)).parent.glob("part-*")))
    assert parts >= 300
    before = calls(way, "files.download")
    async with way.service(tmp_path / "ledger") as service:
        joined.touch()
        ran = await follow(service, execution.id)
    assert ran.text.endswith("end\n")
    assert calls(way, "files.download") - before < 100
    many.unlink()
    joined.unlink()


async def test_a_part_that_cannot_be_read_is_told_and_the_rest_is_shown(way: Way, tmp_path: Path) -> None:
    async with way.service(tmp_path / "ledger") as service:
        execution = await start(service, "for n in range(5): print(f'{n} ' + 'x' * 70_000)")
        await seen(service, execution.id, '"submitted"')
    parts = (way.storage / part_path(execution.id, 1)).parent
    async with asyncio.timeout(20):
        while not any('"finished"' in part.read_text() for part in parts.glob("part-*.json")):
            await asyncio.sleep(0.01)
    (parts / "part-000002.json").write_text("{ this is no part")
    async with way.service(tmp_path / "ledger") as service:
        ran = await follow(service, execution.id)
    assert ran.execution.state == "succeeded"
    assert [notice.text for notice in ran.notices if "part-000002.json" in notice.text]
    assert ran.text.endswith("x\n")


async def test_what_another_run_left_is_not_shown(way: Way, service: ExecutionService) -> None:
    """Whoever can write into the project may put a part there; it must name the run that is on."""
    execution = await start(
        service, "import time, pathlib\nwhile not pathlib.Path('on').exists(): time.sleep(0.01)"
    )
    forged = {"run": "f" * 16, "events": [[1, {"type": "notice", "text": "forged"}]]}
    path = way.storage / part_path(execution.id, 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(forged))
    (way.storage / "on").touch()
    ran = await follow(service, execution.id)
    (way.storage / "on").unlink()
    assert "forged" not in str(ran.events)


async def test_a_run_that_overtakes_its_request_limit_is_refused(service: ExecutionService) -> None:
    with pytest.raises(UsageError, match="at most"):
        await start(service, "1", inputs={"rows": "x" * (65 * 2**20)})
    assert service.search() == []


async def test_megabytes_in_and_out(service: ExecutionService) -> None:
    rows = "я" * 3_000_000  # more than an environment may hold
    ran = await run(service, "print(len(rows))\nback = rows", inputs={"rows": rows}, outputs=["back"])
    assert ran.text == "3000000\n"
    assert ran.variables == {"back": rows}


# Trouble


@pytest.mark.parametrize("method", ["files.upload", "files.download"])
@pytest.mark.parametrize("fault", [{"status": 503}, {"cut": "middle"}, {"cut": "before"}, {"lose": True}])
async def test_files_that_fail_now_and_then_cost_nothing(
    way: Way, service: ExecutionService, faults: Callable[..., None], method: str, fault: dict[str, Any]
) -> None:
    faults({"method": method, "rate": 0.5, "seed": 3, "fault": fault})
    ran = await run(service, "for n in range(50): print(n)")
    assert ran.text == "".join(f"{n}\n" for n in range(50))


async def test_who_may_not_use_files_is_told_which_channel_lacks_what(
    way: Way, tmp_path: Path, faults: Callable[..., None]
) -> None:
    faults({"method": "files.*", "rate": 1, "fault": {"status": 403}})
    async with way.service(tmp_path / "ledger") as service:
        with pytest.raises(ServiceError) as refused:
            await start(service, "1")
        assert refused.value.code == "permission-denied"
        assert refused.value.message.startswith("Channel files: ")
        assert "Channel state: This revision of the API gives no outputs" in refused.value.message
        assert "administrator" in (refused.value.hint or "")
        assert service.search() == []
        faults()
        assert (await run(service, "print('mended')")).text == "mended\n"


async def test_a_request_that_cannot_be_uploaded_ends_the_run_before_it_was_sent(
    way: Way, service: ExecutionService, faults: Callable[..., None]
) -> None:
    await run(service, "1")
    faults({"method": "files.upload", "rate": 1, "fault": {"status": 403}})
    ran = await run(service, "2")
    assert ran.execution.state == "failed"
    assert ran.execution.operation_id is None
    assert ran.execution.problem is not None
    assert ran.execution.problem.code == "permission-denied"
    assert ran.execution.problem.title.startswith("Channel files: ")


async def test_without_an_address_for_files_the_remedies_are_named(way: Way, tmp_path: Path) -> None:
    async with Way("none", way.facts, None).service(tmp_path / "ledger") as service:
        with pytest.raises(UsageError) as refused:
            await start(service, "1")
    text = str(refused.value)
    assert "Channel files: No address is set" in text
    assert "Channel state: This revision of the API" in text
    assert "JUPYTER_DATASPHERE_FILES_ENDPOINT" in text
    assert "jupyter datasphere link" in text


async def test_no_grpc_port_and_a_proxy_that_speaks_no_http2(way: Way, tmp_path: Path) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with listening(refuse) as port:
        for number in (9, port):  # nobody listens at the first
            facts = {**way.facts, "files_address": f"http://127.0.0.1:{number}"}
            async with Way("files", facts, None).service(tmp_path / f"ledger-{number}") as service:
                with pytest.raises(ExpectedError) as refused:
                    await start(service, "1")
                assert refused.value.message.startswith(
                    f"Channel files: No connection to http://127.0.0.1:{number}"
                )
                assert "proxy" in (refused.value.hint or "")
                assert service.search() == []


async def test_a_kernel_without_ipython_is_told(tmp_path: Path) -> None:
    """A kernel that knows no `get_ipython`, as those of other makes."""
    with open_way("files", tmp_path / "root") as way:
        startup = Path(way.facts["root"]) / "ipython" / "profile_default" / "startup"
        startup.mkdir(parents=True, exist_ok=True)
        (startup / "no_ipython.py").write_text("import builtins\ndel get_ipython\ndel builtins.get_ipython\n")
        async with way.service(tmp_path / "ledger") as service:
            ran = await run(service, "1")
    assert ran.execution.state == "failed"
    assert ran.execution.problem is not None
    assert ran.execution.problem.code == "runner-silent"
    assert "channel files" in ran.execution.problem.title
    assert "IPython" in (ran.execution.problem.hint or "")


# Which channel


async def test_a_link_that_does_not_work_is_left_for_files_with_a_notice(way: Way, tmp_path: Path) -> None:
    expired = Way("files", way.facts, Link("http://127.0.0.1:9/", "no-secret"))
    async with expired.service(tmp_path / "ledger") as service:
        ran = await run(service, "print(1)")
        assert (ran.execution.channel, ran.text) == ("files", "1\n")
        assert "cannot be used now" in ran.notices[0].text
        assert "variables of their own" in ran.notices[0].text
        with pytest.raises(ExpectedError, match="Channel jupyter: The project's Jupyter server"):
            await start(service, "print(1)", channel="jupyter")


async def test_a_session_that_goes_on_by_another_channel_says_so(way: Way, tmp_path: Path) -> None:
    """As after a restart of a server that has the link in its memory only."""
    linked = Way("files", way.facts, Link.parse(project_link(way.facts)))
    source = Code("print(1)", session="moving")
    async with linked.service(tmp_path / "ledger") as service:
        ran = await run(service, source)
        assert (ran.execution.channel, ran.notices) == ("jupyter", [])
        with pytest.raises(UsageError, match="project's own machine as it is"):
            await start(service, source, spec="g1.1")
    async with way.service(tmp_path / "ledger") as service:
        listed = await service.variables("demo-project", session="moving", notebook=None, names=[])
        ran = await run(service, source)
        said = "The last run of session moving went by the channel jupyter. This goes by the channel files"
        assert ran.execution.channel == "files"
        assert listed.notice is not None
        for text in (listed.notice, ran.notices[0].text):
            assert text.startswith(said)
        assert (await run(service, source)).notices == []
        listed = await service.variables("demo-project", session="moving", notebook=None, names=[])
        assert listed.notice is None


async def test_a_channel_is_taken_by_its_name_or_refused(service: ExecutionService) -> None:
    assert (await run(service, "1", channel="files")).execution.channel == "files"
    with pytest.raises(ExpectedError, match="Channel state: This revision"):
        await start(service, "1", channel="state")
    with pytest.raises(UsageError, match="There is no channel 'pigeon'"):
        await start(service, "1", channel="pigeon")
    with pytest.raises(UsageError, match="takes no channel"):
        await start(service, Notebook(path="x.ipynb", direct=True), channel="files")


async def test_the_findings_say_why(way: Way, service: ExecutionService) -> None:
    found = await service.choices.findings(way.project_id)
    assert list(found) == ["jupyter", "state", "files"]
    assert found["files"] == "ok"
    assert "not known" in found["jupyter"]
    assert "revision 2024-03" in found["state"]


async def test_what_the_api_runs_as_it_is_says_that_it_gives_nothing_back(
    way: Way, service: ExecutionService
) -> None:
    store(way.facts, "direct.ipynb", "open('direct', 'w').close()")
    ran = await run(service, Notebook(path="direct.ipynb", direct=True))
    assert ran.execution.state == "succeeded"
    assert "gives back neither" in ran.notices[0].text
    assert (way.storage / "direct").exists()


async def test_sessions_go_on_in_a_notebook(way: Way, service: ExecutionService) -> None:
    await run(service, Code("base = 20", session="joint"))
    store(way.facts, "joint.ipynb", "base += 1", "print(base)")
    assert (await run(service, Notebook(path="joint.ipynb", session="joint"))).text == "21\n"
    assert (await run(service, Code("print(base)", session="joint"))).text == "21\n"
