"""No secret leaves the server process: every feature is used, then everything it touched is searched."""

from __future__ import annotations

import json
import os
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from kernel.users import User
from server import search
from server.checkpoint import Checkpoint

from jupyter_datasphere.demo.kernel_client import kernel_of
from jupyter_datasphere.demo.processes import emulator, environment_for, jupyter, project_link

IAM_TOKEN = b"t1.eyJzdWJqZWN0Ijoi"
"""How all IAM tokens of the emulator begin: with the name of their first field."""
UPSTREAM_HEADERS = {
    "accept",
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "host",
    "idempotency-key",
    "user-agent",
    "x-client-request-id",
    "x-client-trace-id",
}
"""All that a request to the service may carry."""
EVERY_LOGGER = "import logging; logging.basicConfig(level=logging.DEBUG)"
"""Lets the libraries beneath us log all they can, too."""
FEATURES = """
%ds_status
%ds_config
%ds_project
%ds_vars
%ds_history
%%ds_execute -o x
x = 1; print("here")
===
%%ds_execute -i y=[1,2] -o z
z = sum(__import__("json").loads(y) if isinstance(y, str) else y)
===
%%ds_execute
1 / 0
===
%%ds_execute
import os; print(sorted(os.environ))
===
%%ds_execute --no-such-option
x
===
%%ds_execute --project no-such-project
x
===
%ds_execute --notebook none.ipynb
%ds_put leak.txt leak.txt
%ds_get leak.txt back.txt
%ds_vars x
%ds_output none
%ds_attach none
%ds_panel
%ds_communities
%ds_projects
%ds_members
%ds_grant viewer allUsers --yes
%ds_revoke viewer allUsers --yes
%ds_balance
%ds_limits
%ds_open
"""
"""Cells with one line, and, ended by ===, those with more."""
MISTAKES = ("1 / 0", "no-such", "none")
"""What a cell holds that is to fail."""


class Site(NamedTuple):
    """A server that logs all it can, and what stands around it."""

    server: dict[str, Any]
    emulator: dict[str, Any]
    checkpoint: Checkpoint
    folder: Path
    """Of everything the server writes."""
    answers: list[tuple[str, str]]
    """What a browser or a kernel was answered: by whom and what for, and all of it."""


@pytest.fixture(scope="module")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    root = tmp_path_factory.mktemp("leaks") / "root"
    with emulator(root) as facts:
        yield {**facts, "root": str(root)}


@asynccontextmanager
async def a_site(
    facts: dict[str, Any], folder: Path, credentials: dict[str, str], options: Sequence[str] = ()
) -> AsyncIterator[Site]:
    notebooks = folder / "notebooks"
    notebooks.mkdir(parents=True)
    (notebooks / "leak.txt").write_text("nothing secret")
    with Checkpoint(facts["url"]) as checkpoint:
        environment = environment_for({**facts, "url": checkpoint.url})
        environment = {name: value for name, value in environment.items() if not name.startswith("YC_")}
        config = folder / "config"
        config.mkdir()
        (config / "jupyter_server_config.py").write_text(EVERY_LOGGER)
        environment |= {
            "JUPYTER_DATA_DIR": str(folder / "data"),
            "JUPYTER_CONFIG_DIR": str(config),
            "JUPYTER_DATASPHERE_PROJECT": facts["project_id"],
            **credentials,
        }
        with jupyter("server", notebooks, environment, options=["--debug", *options]) as server:
            yield Site(server, facts, checkpoint, folder, [])


@asynccontextmanager
async def a_user(site: Site) -> AsyncIterator[User]:
    """Somebody at a notebook, all of whose messages are kept."""
    async with kernel_of(site.server) as kernel:
        receive = kernel.receive

        async def recorded() -> dict[str, Any]:
            message = await receive()
            site.answers.append((f"kernel: {message['msg_type']}", json.dumps(message)))
            return message

        kernel.receive = recorded  # type: ignore[method-assign]
        yield User(kernel, site.server)


def cells(text: str) -> Iterator[str]:
    lines = iter(text.strip().splitlines())
    for line in lines:
        if not line.startswith("%%"):
            yield line
            continue
        body = [line]
        while (more := next(lines)) != "===":
            body.append(more)
        yield "\n".join(body)


async def call(site: Site, capability: str, verb: str, path: str, **request: Any) -> httpx.Response:
    """As a browser and as a kernel; gives the browser's answer."""
    answers = []
    for who in (f"token {site.server['token']}", f"Bearer {capability}"):
        async with httpx.AsyncClient(base_url=site.server["url"], trust_env=False, timeout=60) as http:
            response = await http.request(verb, path, headers={"Authorization": who}, **request)
        site.answers.append((f"{verb} {path}", f"{response.headers} {response.text}"))
        answers.append(response)
    return answers[0]


async def use_everything(site: Site, user: User, capability: str) -> None:
    for cell in cells(FEATURES):
        shown = await user.run(cell)
        assert bool(shown.error) == any(word in cell for word in MISTAKES), (cell, shown.error)
    project = f"datasphere/api/v2/projects/{site.emulator['project_id']}"
    opened = await call(site, capability, "POST", f"{project}/open")
    operation = opened.json()["id"]
    for path in (
        "datasphere/status",
        "datasphere/projects",
        "datasphere/executions",
        "datasphere/variables",
        "datasphere/none",
        f"datasphere/api/operations/{operation}",
        project,
        f"{project}:accessBindings",
        f"{project}:none",
        "datasphere/api/v2/projects/none",
    ):
        await call(site, capability, "GET", path)
    await call(site, capability, "POST", f"{project}:execute", content=b"{")
    for execution in await user.executions():
        await call(site, capability, "GET", f"datasphere/executions/{execution['id']}")
        await call(site, capability, "GET", f"datasphere/executions/{execution['id']}/events")
    await open_the_project(site, capability)
    link = {"project": site.emulator["project_id"], "link": project_link(site.emulator)}
    await call(site, capability, "PUT", "datasphere/links", json=link)
    await user.run("%%ds_execute --channel jupyter\nprint(1)")


async def open_the_project(site: Site, capability: str) -> None:
    """In a browser, whose page gets the session token, and as a kernel, which does not."""
    page = "datasphere/open"
    async with httpx.AsyncClient(base_url=site.server["url"], trust_env=False, timeout=60) as browser:
        await browser.get("tree", params={"token": site.server["token"]})
        asks = await browser.get(page, params={"project": site.emulator["project_id"]})
        site.answers.append((f"GET {page}", f"{asks.headers} {asks.text}"))
        form = dict(re.findall(r'name="(project|_xsrf)" value="([^"]*)"', asks.text))
        sends = await browser.post(page, data=form)
        assert any(token in sends.text for token in site.checkpoint.session_tokens)
        headers = {"Authorization": f"Bearer {capability}"}
        for answer in (
            await browser.post(page, data={"project": form["project"]}, headers=headers),
            await browser.post(f"{page}/browser", json={}, headers=headers),
        ):
            site.answers.append((f"POST {page}", f"{answer.headers} {answer.text}"))


def secrets_of(site: Site) -> set[bytes]:
    """Those that no one but the server may have. The emulator's accounts have tokens that can be told."""
    accounts = site.emulator["accounts"]
    found = {account["oauth_token"].encode() for account in accounts if account.get("oauth_token")}
    for account in accounts:
        if account.get("key_file"):
            key = json.loads(Path(account["key_file"]).read_text())["private_key"]
            found.add(key.splitlines()[5].encode())
    found |= {token.encode() for token in site.checkpoint.session_tokens}
    found.add(project_link(site.emulator).partition("token=")[2].encode())
    return {IAM_TOKEN, *found}


def assert_nothing_leaked(site: Site, pid: int, capability: str) -> None:
    secrets = secrets_of(site)
    assert len(secrets) >= 8
    assert search.in_memory(pid, secrets) == set()
    assert search.in_environment(pid, secrets) == set()
    told = [(what, secret) for what, text in site.answers for secret in secrets if secret.decode() in text]
    assert told == []
    everywhere = {*secrets, capability.encode()}
    assert search.in_arguments(everywhere) == set()
    # The runtime files are how kernels find the server: with the capability, for their user alone.
    runtime = {file.name for file in site.folder.rglob("*") if "runtime" in file.parts}
    assert search.in_files(site.folder, everywhere, but=runtime) == set()
    assert search.in_files(site.folder / "runtime", secrets) == set()
    cells_ = [text for what, text in site.answers if what.startswith("kernel: ")]
    assert not [text for text in cells_ if capability in text]


def assert_nothing_of_jupyter_went_up(site: Site) -> None:
    assert site.checkpoint.seen
    assert site.checkpoint.objections == []
    for seen in site.checkpoint.seen:
        assert set(seen.headers) <= UPSTREAM_HEADERS, seen.method
        if seen.method != "iam.createToken":
            assert seen.headers["authorization"].startswith("Bearer t1.")


def sources(facts: dict[str, Any]) -> dict[str, dict[str, str]]:
    """The environment of a server, by the source of its credentials."""
    accounts = {account["name"]: account for account in facts["accounts"]}
    tools = Path(facts["root"]) / "bin"
    answer = httpx.post(
        f"{facts['url']}/iam/v1/tokens",
        json={"yandexPassportOauthToken": facts["oauth_token"]},
        trust_env=False,
    )
    return {
        "OAuth token": {"YC_TOKEN": accounts["admin"]["oauth_token"]},
        "IAM token": {"YC_IAM_TOKEN": answer.json()["iamToken"]},
        "key file": {"YC_SERVICE_ACCOUNT_KEY_FILE": accounts["robot"]["key_file"]},
        "metadata": {"YC_METADATA_ADDR": facts["url"].removeprefix("http://")},
        "yc": {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"},
    }


@pytest.mark.timeout(300)
async def test_no_secret_leaves_the_server(emulated: dict[str, Any], tmp_path: Path) -> None:
    async with a_site(emulated, tmp_path, sources(emulated)["OAuth token"]) as site, a_user(site) as user:
        capability, pid = await begin(site, user)
        await use_everything(site, user, capability)
        assert site.checkpoint.session_tokens
        assert_nothing_leaked(site, pid, capability)
        assert_nothing_of_jupyter_went_up(site)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("source", ["IAM token", "key file", "metadata", "yc"])
async def test_no_source_of_credentials_leaks(emulated: dict[str, Any], source: str, tmp_path: Path) -> None:
    options = ["--DataSphere.profiles={'cli': {'yc_profile': 'developer'}}"]
    if source == "yc":
        options.append("--DataSphere.yc_profile=editor")
    async with (
        a_site(emulated, tmp_path, sources(emulated)[source], options) as site,
        a_user(site) as user,
    ):
        capability, pid = await begin(site, user)
        assert not (await user.run("%%ds_execute\nprint(1)")).error
        await user.run("%%ds_execute\n1/0")
        await user.run("%ds_members")
        await user.run("%ds_balance none")
        await user.run("%ds_profile")
        await user.run("%ds_profile cli")
        await user.run("%ds_status")
        assert_nothing_leaked(site, pid, capability)
        assert_nothing_of_jupyter_went_up(site)


async def begin(site: Site, user: User) -> tuple[str, int]:
    """The capability of the user's kernel, and its process; from then on it is looked at what it shows."""
    capability = await user.value("__import__('os').environ['JUPYTER_DATASPHERE_TOKEN']")
    pid = int(await user.value("__import__('os').getpid()"))
    site.answers.clear()
    await user.run("%load_ext jupyter_datasphere")
    status = await user.run("%ds_status")
    assert not status.error, status.error
    return capability, pid
