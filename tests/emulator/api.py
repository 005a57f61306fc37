"""The emulator as its users see it: over HTTP, and by the files in a project's folder."""

from __future__ import annotations

import asyncio
import copy
import json
import uuid
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, TypeVar

import httpx
import nbformat
import vendor
from datasphere.witness import method_of

from jupyter_datasphere.emulator import Emulator, EmulatorConfig

Json = dict[str, Any]
T = TypeVar("T")

PATIENCE = 20.0


class Api:
    """Calls of one emulator, with a valid token. `project` is the demo project's path."""

    def __init__(self, emulator: Emulator, http: httpx.AsyncClient) -> None:
        self.emulator = emulator
        self.http = http
        self.project_id = emulator.project_id
        self.project = f"/datasphere/v2/projects/{emulator.project_id}"
        self.folder = emulator.config.root / "projects" / emulator.project_id

    async def log_in(self) -> None:
        response = await self.http.post(
            "/iam/v1/tokens", json={"yandexPassportOauthToken": self.emulator.oauth_token}
        )
        self.http.headers["Authorization"] = f"Bearer {ok(response)['iamToken']}"

    async def in_new_project(self, **fields: Any) -> Api:
        """The same emulator, but calls go to a new project."""
        project = await self.new_project(**fields)
        other = copy.copy(self)
        other.project_id = project["id"]
        other.project = f"/datasphere/v2/projects/{project['id']}"
        other.folder = self.folder.parent / project["id"]
        return other

    def write(self, name: str, *sources: str) -> Path:
        """Put a notebook of code cells into the demo project."""
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, file)
        return file

    async def cells(self, name: str) -> list[str]:
        metadata = await self.metadata(name)
        return list(metadata["cellIds"])

    async def metadata(self, name: str) -> Json:
        path = f"/datasphere/v1/projects/{self.project_id}:notebookMetadata"
        return ok(await self.http.get(path, params={"notebookPath": name}))

    async def execute(self, **body: Any) -> Json:
        return ok(await self.http.post(f"{self.project}:execute", json=body))

    async def operation(self, operation: Json) -> Json:
        return ok(await self.http.get(f"/operations/{operation['id']}"))

    async def done(self, operation: Json) -> Json:
        """Wait for the end of an operation."""

        async def ended() -> Json | None:
            present = await self.operation(operation)
            return present if present.get("done") else None

        return await eventually(ended)

    async def cancel(self, operation: Json) -> Json:
        return ok(await self.http.get(f"/operations/{operation['id']}:cancel"))

    async def run(self, **body: Any) -> Json:
        """Execute and wait; the response of the operation."""
        operation = await self.done(await self.execute(**body))
        assert "error" not in operation, operation["error"]
        return dict(operation["response"])

    async def outputs(self, cell: str, **query: str) -> list[Json]:
        answer = ok(await self.http.get(f"{self.project}:cellOutputs", params={"cellId": cell, **query}))
        return [json.loads(text) for text in answer.get("outputs", [])]

    async def text(self, cell: str, **query: str) -> str:
        """What the cell printed."""
        return "".join(output.get("text", "") for output in await self.outputs(cell, **query))

    async def printed(self, cell: str, text: str) -> None:
        """Wait until the cell has printed something."""

        async def seen() -> bool:
            return text in await self.text(cell)

        await eventually(seen)

    async def variables(self, notebook: str, *names: str, **query: str) -> Json:
        params: Json = {"notebookId": notebook, "variableNames": list(names), **query}
        answer = ok(await self.http.get(f"{self.project}:stateVariables", params=params))
        return dict(answer.get("variables", {}))

    async def set_balance(self, units: int | None) -> None:
        ok(await self.http.post(f"{self.project}:unitBalance", json={"unitBalance": units}))

    async def balance(self) -> int | None:
        answer = ok(await self.http.get(f"{self.project}:unitBalance"))
        return int(answer["unitBalance"]) if "unitBalance" in answer else None

    async def new_project(self, **fields: Any) -> Json:
        body = {"communityId": self.emulator.community_id, **fields}
        return resource(await self.http.post("/datasphere/v2/projects", json=body))


def start_api(root: Path, **config: Any) -> AbstractAsyncContextManager[Api]:
    """An emulator on `root`, logged in to."""
    return _Started(EmulatorConfig(root=root, **config))


class _Started:
    def __init__(self, config: EmulatorConfig) -> None:
        self.emulator = Emulator(config)

    async def __aenter__(self) -> Api:
        await self.emulator.start()
        self.http = httpx.AsyncClient(
            base_url=self.emulator.url,
            timeout=PATIENCE,
            trust_env=False,
            event_hooks={"response": [_read_by_the_vendor]},
        )
        api = Api(self.emulator, self.http)
        await api.log_in()
        return api

    async def __aexit__(self, *error: object) -> None:
        await self.http.aclose()
        await self.emulator.stop()


async def _read_by_the_vendor(response: httpx.Response) -> None:
    """Every good answer is one that the vendor's own classes take."""
    if response.status_code != 200:
        return
    await response.aread()
    request = response.request
    try:
        method, _ = method_of(request.method, request.url.path)
    except LookupError:  # of the emulator's own
        return
    if method.name not in vendor.NO_LONGER:
        vendor.answer_of(method, response.content)


def ok(response: httpx.Response) -> Json:
    """The body of a good answer."""
    assert response.status_code == 200, response.text
    body: Json = response.json()
    return body


def commands() -> list[str]:
    """The command lines of all living processes."""
    lines = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
            except (FileNotFoundError, ProcessLookupError):  # ended meanwhile
                continue
            lines.append(" ".join(words).strip())
    return lines


def kernels_of(root: Path) -> list[str]:
    """The command lines of an emulator's kernels."""
    return [command for command in commands() if f"{root}/ipython" in command]


def resource(response: httpx.Response) -> Json:
    """The resource in the response of a done operation."""
    operation = ok(response)
    assert operation["done"] is True
    fields: Json = operation["response"]
    assert fields.pop("@type").startswith("type.googleapis.com/yandex.cloud.datasphere.v2.")
    return fields


def refused(response: httpx.Response, status: int, code: int, *words: str) -> Json:
    """The body of an error answer in the documented shape, which holds these words."""
    assert response.status_code == status, response.text
    body: Json = response.json()
    assert body["code"] == code
    info = body["details"][-1]
    assert info["@type"] == "type.googleapis.com/google.rpc.RequestInfo"
    assert info["requestId"] == response.headers["x-request-id"]
    assert response.headers["x-server-trace-id"]
    for word in words:
        assert word in response.text
    return body


async def eventually(question: Callable[[], Awaitable[T | None]]) -> T:
    """Ask again until the answer is something."""
    async with asyncio.timeout(PATIENCE):
        while not (answer := await question()):
            await asyncio.sleep(0.005)
    return answer


def key() -> dict[str, str]:
    """A new idempotency key, as header."""
    return {"Idempotency-Key": str(uuid.uuid4())}
