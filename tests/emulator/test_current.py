"""Revision `current`: without the three methods of 2024-03, and with a fresh interpreter per execution."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from emulator.api import Api, eventually, kernels_of, ok, refused, start_api

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """A logged-in emulator of today's revision."""
    async with start_api(tmp_path_factory.mktemp("current") / "root", revision="current") as api:
        yield api


@pytest.mark.parametrize(
    "path",
    [
        "/datasphere/v2/projects/{}:cellOutputs?cellId=c",
        "/datasphere/v2/projects/{}:stateVariables?notebookId=n",
        "/datasphere/v1/projects/{}:notebookMetadata?notebookPath=n",
    ],
)
async def test_the_old_methods_do_not_exist(api: Api, path: str) -> None:
    response = await api.http.get(path.format(api.project_id))
    assert response.status_code == 404
    assert response.headers["Content-Type"].startswith("text/plain")


async def test_a_response_is_a_status_only(api: Api) -> None:
    api.write("status.ipynb", "x = 1")
    answer = await api.run(notebookId="status.ipynb", outputVariableNames=["x"])
    assert answer == {
        "@type": "type.googleapis.com/yandex.cloud.datasphere.v2.ProjectExecutionResponse",
        "executionStatus": "OK",
    }


async def test_every_execution_has_an_interpreter_of_its_own(api: Api) -> None:
    api.write(
        "fresh.ipynb",
        "import os\nassert 'seen' not in globals()\nseen = os.environ['VALUE']",
        "with open('pids', 'a') as file: file.write(f'{os.getpid()} {seen}\\n')",
    )
    for value in ("a", "b"):
        answer = await api.run(notebookId="fresh.ipynb", inputVariables={"VALUE": value})
        assert answer["executionStatus"] == "OK"
    (first, a), (second, b) = (line.split() for line in (api.folder / "pids").read_text().splitlines())
    assert first != second
    assert (a, b) == ("a", "b")

    async def gone() -> bool:
        return kernels_of(api.emulator.config.root) == []

    await eventually(gone)


async def test_executions_of_one_notebook_run_at_once(api: Api) -> None:
    # Each waits for the other: in a queue they would never end.
    api.write(
        "meet.ipynb",
        "import os, time\nme, other = os.environ['ME'], os.environ['OTHER']\nopen(me, 'w').close()\n"
        "while not os.path.exists(other): time.sleep(.01)",
    )
    answers = await asyncio.gather(
        api.run(notebookId="meet.ipynb", inputVariables={"ME": "left", "OTHER": "right"}),
        api.run(notebookId="meet.ipynb", inputVariables={"ME": "right", "OTHER": "left"}),
    )
    assert [answer["executionStatus"] for answer in answers] == ["OK", "OK"]


async def test_errors_and_cancels(api: Api) -> None:
    api.write("error.ipynb", "1/0")
    assert (await api.run(notebookId="error.ipynb"))["executionStatus"] == "ERROR"
    api.write("sleep.ipynb", "import time; open('sleeping', 'w').close(); time.sleep(60)")
    operation = await api.execute(notebookId="sleep.ipynb")

    async def sleeping() -> bool:
        return (api.folder / "sleeping").exists()

    await eventually(sleeping)
    await api.cancel(operation)
    assert (await api.done(operation))["response"]["executionStatus"] == "ABORTED"


async def test_a_community_needs_a_zone(api: Api) -> None:
    body = {"organizationId": api.emulator.organization_id}
    refused(await api.http.post("/datasphere/v2/communities", json=body), 400, 3, "zoneId")
    body["zoneId"] = "ru-central1-a"
    assert ok(await api.http.post("/datasphere/v2/communities", json=body))["response"]["zoneId"]
