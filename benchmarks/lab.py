"""The front end in a real browser: size, start, 5,000 projects, news of a run, and silence.

What can be compared takes turns with what it is compared to: a start with the extension and one without, our
list of projects and JupyterLab's own list of as many files. Writes `lab.md`. Needs Debian's chromium.

    python benchmarks/lab.py [--starts N] [--runs N] [--silence SECONDS]
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import secrets
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
from playwright.async_api import Browser, Page
from projects import fill
from tables import machine, write_table

from jupyter_datasphere.demo.processes import emulator

ROOT = Path(__file__).parents[1]
STATIC = ROOT / "jupyter_datasphere" / "labextension" / "static"
SCRIPT = Path(__file__).with_suffix(".js")
ENTRIES = 5_000
SCROLL_SECONDS = 3.0
STEP = 60
"""Pixels in a frame."""
WORD = "project-4999"

sys.path.insert(0, str(ROOT / "tests"))
from ui.lab import chromium, lab, open_sidebar, page_of, section, visit  # noqa: E402

Server = dict[str, Any]
Row = tuple[str, str, str, str]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--starts", type=int, default=15)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--silence", type=float, default=300.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        rows = measured(Path(name), options)
    note = (
        f"{machine('jupyterlab', 'playwright')} Chromium without a screen and without a graphics processor."
        f" Starts: {options.starts} with and {options.starts} without in turn, medians."
        f" News: {options.runs} runs, from the moment at which a reader of the run's own stream has an event"
        " to the one at which the row shows its state. Entries of both lists: 5,000."
    )
    write_table(
        Path(__file__).with_suffix(".md"),
        "The front end in a browser",
        note,
        ("what", "measured", "beside it", "aim"),
        rows,
    )


def measured(folder: Path, options: argparse.Namespace) -> list[Row]:
    root = folder / "emulator"
    with emulator(root) as facts:
        pass
    fill(root, facts, ENTRIES)
    disabled = folder / "without" / "config" / "labconfig" / "page_config.json"
    disabled.parent.mkdir(parents=True)
    disabled.write_text(json.dumps({"disabledExtensions": {"jupyter-datasphere": True}}))
    with (
        emulator(root) as facts,
        lab(folder / "with", facts) as server,
        lab(folder / "without", facts) as without,
    ):
        many = Path(server["folder"]) / "many"
        many.mkdir()
        for number in range(ENTRIES):
            (many / f"file-{number:04}.txt").touch()
        return asyncio.run(_measured(server, without, facts, options))


async def _measured(
    server: Server, without: Server, facts: dict[str, str], options: argparse.Namespace
) -> list[Row]:
    packed = sum(len(gzip.compress(path.read_bytes())) for path in STATIC.glob("*.js"))
    rows: list[Row] = [("scripts, gzipped", f"{packed / 1000:.0f} KB", "", "under 150 KB")]
    async with chromium() as browser:
        rows += await starts(browser, server, without, options.starts)
        rows += await lists(browser, server)
        rows += await news(browser, server, facts, options.runs)
        rows += await silence(browser, server, options.silence)
    return rows


async def starts(browser: Browser, server: Server, without: Server, count: int) -> list[Row]:
    own: list[float] = []
    times: dict[str, list[float]] = {"with": [], "without": []}
    plugins = 0
    async with page_of(browser) as page:
        await page.context.add_init_script(path=SCRIPT)
        for turn in range(count + 1):
            for name, place in (("with", server), ("without", without)):
                await visit(page, place)
                await page.wait_for_function("measuring.restored")
                found = await page.evaluate("measuring")
                if not turn:
                    continue  # the browser's cache fills
                times[name].append(found["restored"])
                if name == "with":
                    own.append(found["evaluated"] + found["activated"])
                    plugins = found["plugins"]
    ours, others = (statistics.median(times[name]) for name in ("with", "without"))
    return [
        (
            f"its modules and the `activate` of {plugins} plugins, on the main thread",
            f"{statistics.median(own):.1f} ms",
            "",
            "under 50 ms",
        ),
        (
            "from the visit until JupyterLab is restored",
            f"{ours:,.0f} ms ({ours - others:+,.0f})",
            f"{others:,.0f} ms without the extension",
            "+50 ms",
        ),
    ]


async def lists(browser: Browser, server: Server) -> list[Row]:
    async with page_of(browser) as page:
        await page.context.add_init_script(path=SCRIPT)
        await visit(page, server)
        await page.evaluate("jupyterapp.commands.execute('filebrowser:go-to-path', {path: 'many'})")
        await page.locator(".jp-DirListing-item", has_text="file-0000").wait_for()
        files = await _scrolled(page, ".jp-DirListing-content")
        await open_sidebar(page)
        projects = section(page, "projects")
        await projects.get_by_role("treeitem").nth(3).wait_for()
        ours = await _scrolled(page, "#jupyter-datasphere-sidebar-projects [role=tree]")
        await page.evaluate("measuring.watchTyping()")
        search = projects.get_by_role("searchbox")
        await search.click()
        for letter in WORD:
            await page.keyboard.press(letter)
        await page.wait_for_function(f"measuring.typed.length === {len(WORD)}")
        typed = await page.evaluate("measuring.typed")
    return [
        (
            "scrolling the projects",
            f"{ours['rate']:.0f} frames/s, longest {ours['longest']:.0f} ms",
            f"{files['rate']:.0f} frames/s, longest {files['longest']:.0f} ms: JupyterLab's list of files",
            "above 50 frames/s",
        ),
        (
            "a letter in their search until the filtered list is drawn",
            f"median {statistics.median(typed):.0f} ms, worst {max(typed):.0f} ms",
            "",
            "100 ms",
        ),
    ]


async def _scrolled(page: Page, selector: str) -> dict[str, float]:
    found: dict[str, float] = await page.evaluate(
        f"measuring.scroll({json.dumps(selector)}, {SCROLL_SECONDS}, {STEP})"
    )
    assert found["at"] > STEP, f"{selector} does not scroll"
    return found


async def news(browser: Browser, server: Server, facts: dict[str, str], count: int) -> list[Row]:
    late: list[float] = []
    headers = {"Authorization": f"token {server['token']}"}
    async with (
        page_of(browser) as page,
        httpx.AsyncClient(base_url=server["url"], headers=headers, timeout=60) as client,
    ):
        await page.context.add_init_script(path=SCRIPT)
        await visit(page, server)
        await open_sidebar(page)
        await section(page, "runs").wait_for()
        await page.evaluate("measuring.watchStates()")
        for number in range(count):
            heard = await _run(client, facts["project_id"], number)
            end = next(key for key in heard if key.endswith(" succeeded"))
            await page.wait_for_function(f"measuring.states[{json.dumps(end)}]")
            seen = await page.evaluate("measuring.states")
            # What is over within one frame need not be drawn: so only what was.
            late += [seen[key] - at for key, at in heard.items() if key in seen]
    return [
        (
            f"{len(late)} changes of a run's state until they are seen",
            f"median {statistics.median(late):.0f} ms, worst {max(late):.0f} ms",
            "",
            "250 ms",
        )
    ]


async def _run(client: httpx.AsyncClient, project_id: str, number: int) -> dict[str, float]:
    """Run a cell; when, in milliseconds since the epoch, which of its states was heard."""
    source = {"type": "code", "source": f"print({number})", "session": "news"}
    run = secrets.token_hex(8)
    heard: dict[str, float] = {}
    async with client.stream(
        "POST",
        "datasphere/executions",
        json={"source": source, "project": project_id},
        headers={"Accept": "text/event-stream", "X-Execution-Id": run},
    ) as answer:
        async for line in answer.aiter_lines():
            event = json.loads(line.removeprefix("data:")) if line.startswith("data:") else {}
            if event.get("type") == "status":
                heard.setdefault(f"{run} {event['state']}", time.time() * 1000)
    return heard


async def silence(browser: Browser, server: Server, seconds: float) -> list[Row]:
    async with page_of(browser) as page:
        await visit(page, server)
        asked: list[str] = []
        await page.wait_for_load_state("networkidle")
        page.on("request", lambda request: asked.append(request.url))
        await asyncio.sleep(seconds)
    ours = sum("/datasphere" in url for url in asked)
    return [
        (
            f"requests in {seconds:g} s with the sidebar hidden and nothing running",
            str(ours),
            f"{len(asked) - ours}: JupyterLab's own",
            "0",
        )
    ]


if __name__ == "__main__":
    main()
