"""The pass-through beside the emulator called directly, and beside jupyter-server-proxy in front of it.

Each server is a process of its own, and so are the callers; who is measured takes turns, round after round,
so that a drift of the machine's speed meets all alike. Both proxies know their caller by Jupyter's cookie and
put the IAM token in themselves. Writes `proxy.md`. Needs the extra `bench`.

    python benchmarks/proxy.py [--rounds N] [--seconds S]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import httpx
from callers import Measured, Target, call
from projects import fill
from tables import machine, write_table

from jupyter_datasphere.credentials.oauth import OAuthToken
from jupyter_datasphere.credentials.tokens import TokenCache
from jupyter_datasphere.datasphere import types
from jupyter_datasphere.datasphere.client import Client
from jupyter_datasphere.datasphere.transport import Endpoints, Transport
from jupyter_datasphere.demo.processes import emulator, environment_for, jupyter

CALLERS = (1, 16, 64)
PROJECTS = 10_000
PAGE = 1_000

DIRECT = "the emulator itself"
OURS = "pass-through"
OTHER = "jupyter-server-proxy"

Facts = dict[str, Any]
Results = dict[tuple[str, int], list[Measured]]


def iam_token(facts: dict[str, str]) -> str:
    answer = httpx.post(
        f"{facts['url']}/iam/v1/tokens", json={"yandexPassportOauthToken": facts["oauth_token"]}
    )
    return str(answer.raise_for_status().json()["iamToken"])


def cookies(server: Facts) -> str:
    """What the browser of a user who is logged in sends."""
    with httpx.Client() as browser:
        browser.get(f"{server['url']}api/status", params={"token": server["token"]}).raise_for_status()
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies.jar)


def start(stack: ExitStack, folder: Path) -> tuple[dict[str, str], Facts, Facts]:
    """The emulator, a Jupyter server with the extension, and one with jupyter-server-proxy only."""
    root = folder / "emulator"
    with emulator(root) as facts:
        pass  # makes the database
    fill(root, facts, PROJECTS)
    facts = stack.enter_context(emulator(root))
    servers = []
    for name, extensions in (("ours", "jupyter_datasphere"), ("other", "jupyter_server_proxy")):
        notebooks = folder / name / "notebooks"
        notebooks.mkdir(parents=True)
        config = {
            "ServerApp": {
                "jpserver_extensions": {
                    extension: extension == extensions
                    for extension in ("jupyter_datasphere", "jupyter_server_proxy", "jupyterlab")
                }
            },
            "ServerProxy": {
                "servers": {
                    "upstream": {
                        "command": [],
                        "port": int(facts["url"].rpartition(":")[2]),
                        "request_headers_override": {
                            "Host": facts["url"].removeprefix("http://"),
                            "Authorization": f"Bearer {iam_token(facts)}",
                        },
                        "launcher_entry": {"enabled": False},
                    }
                }
            },
        }
        file = folder / name / "config.json"
        file.write_text(json.dumps(config))
        options = [f"--config={file}", f"--DataSphere.ledger_dir={folder}/{name}/ledger"]
        servers.append(
            stack.enter_context(jupyter("server", notebooks, environment_for(facts), options=options))
        )
    return facts, servers[0], servers[1]


def targets(facts: dict[str, str], ours: Facts, other: Facts) -> dict[str, Target]:
    project = f"v2/projects/{facts['project_id']}"
    return {
        DIRECT: Target(
            f"{facts['url']}/datasphere/{project}", {"Authorization": f"Bearer {iam_token(facts)}"}
        ),
        OURS: Target(f"{ours['url']}datasphere/api/{project}", {"Cookie": cookies(ours)}),
        OTHER: Target(f"{other['url']}upstream/datasphere/{project}", {"Cookie": cookies(other)}),
    }


def measure_calls(all_targets: dict[str, Target], rounds: int, seconds: float) -> Results:
    results: Results = {(name, callers): [] for callers in CALLERS for name in all_targets}
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        for number in range(rounds + 1):
            for callers in CALLERS:
                for name, target in all_targets.items():
                    measured = process.submit(call, target, callers, seconds).result()
                    if number:  # the first warms up
                        results[name, callers].append(measured)
    return results


def rows_of_calls(results: Results) -> list[tuple[str, ...]]:
    rows = []
    for callers in CALLERS:
        aim = 1.3 if callers == 1 else 2.0
        middle = {name: _middle(results[name, callers]) for name in (DIRECT, OURS, OTHER)}
        for name, measured in middle.items():
            remark = ""
            if name == OURS:
                theirs = results[OTHER, callers]
                ratio = statistics.median(
                    a.rate / b.rate for a, b in zip(results[OURS, callers], theirs, strict=True)
                )
                remark = f"{ratio:.1f} times jupyter-server-proxy's (aim: {aim:g})"
                if callers == 1:
                    added = (measured.median - middle[DIRECT].median) * 1000
                    remark += f"; adds {added:.2f} ms (aim: under 1)"
            rows.append(
                (
                    str(callers),
                    name,
                    f"{measured.rate:,.0f}",
                    f"{measured.median * 1000:.2f}",
                    f"{measured.p99 * 1000:.2f}",
                    remark,
                )
            )
    return rows


def _middle(all_measured: list[Measured]) -> Measured:
    return Measured(*(statistics.median(values) for values in zip(*all_measured, strict=True)))


def measure_listing(facts: dict[str, str], ours: Facts, rounds: int) -> dict[str, list[float]]:
    """Seconds for all projects: the bare pages, by our client, through the pass-through, and by both."""
    token = iam_token(facts)
    bare = httpx.Client(
        base_url=f"{facts['url']}/datasphere/v2", headers={"Authorization": f"Bearer {token}"}
    )
    passed = httpx.Client(base_url=f"{ours['url']}datasphere/api/v2", headers={"Cookie": cookies(ours)})
    community = facts["community_id"]
    ways: dict[str, Callable[[], int]] = {
        "the bare pages from the emulator, with httpx": lambda: _listed(bare, community, _plain),
        "our client": lambda: asyncio.run(_by_client(facts)),
        "the same pages through the pass-through, with httpx": lambda: _listed(passed, community, _plain),
        "through the pass-through, as our client reads them": lambda: _listed(passed, community, _typed),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            begin = time.perf_counter()
            assert way() == PROJECTS
            if number:
                times[name].append(time.perf_counter() - begin)
    return times


def _listed(http: httpx.Client, community: str, read: Callable[[bytes], tuple[int, str]]) -> int:
    """Fetch all pages; `read` gives how many projects one has, and the token of the next."""
    query, whole = {"communityId": community, "pageSize": str(PAGE)}, 0
    while True:
        number, token = read(http.get("/projects", params=query).raise_for_status().content)
        whole += number
        if not token:
            return whole
        query["pageToken"] = token


def _plain(page: bytes) -> tuple[int, str]:
    answer = json.loads(page)
    return len(answer["projects"]), answer.get("nextPageToken", "")


def _typed(page: bytes) -> tuple[int, str]:
    answer = types.decode(page, types.ListProjectsResponse)
    return len(answer.projects), answer.next_page_token


async def _by_client(facts: dict[str, str]) -> int:
    transport = Transport(Endpoints.one_origin(facts["url"]))
    client = Client(transport, TokenCache(OAuthToken(facts["oauth_token"], "a benchmark", transport)))
    request = types.ListProjectsRequest(community_id=facts["community_id"], page_size=PAGE)
    try:
        return len([project async for project in client.projects(request)])
    finally:
        await transport.aclose()


def rows_of_listing(times: dict[str, list[float]]) -> list[tuple[str, ...]]:
    bare = next(iter(times.values()))
    return [
        (
            "1",
            f"{PROJECTS:,} projects: {name}",
            "",
            f"{statistics.median(seconds) * 1000:,.0f}",
            "",
            ""
            if seconds is bare
            else f"{statistics.median(a / b for a, b in zip(seconds, bare, strict=True)):.1f} times the bare"
            " pages (aim: 2.5)",
        )
        for name, seconds in times.items()
    ]


def main(rounds: int, seconds: float) -> None:
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        facts, ours, other = start(stack, Path(temporary))
        results = measure_calls(targets(facts, ours, other), rounds, seconds)
        times = measure_listing(facts, ours, rounds)
    head = ("callers", "", "requests per second", "median, ms", "99th percentile, ms", "")
    note = f"{rounds} rounds of {seconds:g} s each, in turn; medians of the rounds. {machine(OTHER)}"
    rows = rows_of_calls(results) + rows_of_listing(times)
    write_table(Path(__file__).with_suffix(".md"), "The pass-through", note, head, rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0)
    arguments = parser.parse_args()
    main(arguments.rounds, arguments.seconds)
