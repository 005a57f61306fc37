"""`--full`: one cell over there, by each channel that works, once the user has agreed to its price."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import msgspec

from ..datasphere.types import SPECS, Project
from ..errors import DataSphereError
from ..executions.runner.notebook import RUNNER_NAME
from ..executions.service import ExecutionService
from ..protocol import FINAL_STATES, Code, Event, Execution, ExecutionRequest, OutputEvent, VariableEvent
from .checks.project import CHEAPEST
from .finding import Finding

ABOUT_SECONDS = 10
"""What the cell takes, with an interpreter that has to be started."""
AT_MOST_SECONDS = 60
"""After so many the run is cancelled, by its units; one whose units nobody knows, by its timeout."""
START_SECONDS = 900.0
"""How long a run may wait for its machine."""
CANCEL_SECONDS = 30.0

WITHOUT_UNITS = "jupyter"
SOURCE = "import platform\nprint('Python', platform.python_version())\nanswer = 6 * factor"


def price(project: Project, channels: Sequence[str]) -> str:
    """What is about to happen, and what it costs, in words."""
    names = " and ".join(channels)
    text = (
        f"One cell is run in {project.name} by {names}{', one after another' if len(channels) > 1 else ''}. "
    )
    if counted := [name for name in channels if name != WITHOUT_UNITS]:
        each = SPECS[CHEAPEST].units
        text += (
            f"On {CHEAPEST}, {each} units per second for about {ABOUT_SECONDS} s: about "
            f"{each * ABOUT_SECONDS:,} units by {' and as many by '.join(counted)}; "
            f"a run that would cost more than {each * AT_MOST_SECONDS:,} is cancelled. "
            f"The runner ({RUNNER_NAME}) is put into the project where it is missing, and the "
            "session `doctor` stays there. "
        )
    if WITHOUT_UNITS in channels:
        text += f"By {WITHOUT_UNITS} it costs nothing more than the machine that is on already. "
    return text.rstrip()


async def run(service: ExecutionService, project: Project, channel: str) -> Finding:
    """What came back by a channel."""
    name = f"Cell by {channel}"
    try:
        execution, events = await _run(service, project, channel)
    except DataSphereError as error:
        return Finding(name, "fail", error.message, error.hint)
    return _judge(name, execution, events)


async def _run(service: ExecutionService, project: Project, channel: str) -> tuple[Execution, list[Event]]:
    units = None if channel == WITHOUT_UNITS else SPECS[CHEAPEST].units * AT_MOST_SECONDS
    request = ExecutionRequest(
        source=Code(source=SOURCE, session="doctor"),
        inputs={"factor": 7},
        outputs=["answer"],
        spec=None if channel == WITHOUT_UNITS else CHEAPEST,  # that machine is as it is
        timeout=AT_MOST_SECONDS if units is None else START_SECONDS,
        max_units=units,
        channel=channel,
    )
    execution = await service.start(request, project=project.id)
    events: list[Event] = []
    try:
        async for page in service.events(execution.id):
            events += [msgspec.json.decode(text, type=Event) for _, text in page]
    finally:
        if service.get(execution.id).state not in FINAL_STATES:  # somebody interrupts us: it costs units
            service.cancel(execution.id)
            with suppress(TimeoutError):
                async with asyncio.timeout(CANCEL_SECONDS):
                    await service.finished(execution.id)
    return service.get(execution.id), events


def _judge(name: str, execution: Execution, events: Sequence[Event]) -> Finding:
    printed = "".join(
        event.content.get("text", "")
        for event in events
        if isinstance(event, OutputEvent) and event.message == "stream"
    )
    values = {event.name: event.value for event in events if isinstance(event, VariableEvent)}
    seconds = (execution.finished_at or execution.created_at) - execution.created_at
    spent = "units not known" if execution.units is None else f"~{execution.units:,} units (computed)"
    came = f"It printed {printed.strip()!r}, answer = {values.get('answer')!r}; {seconds:.2f} s, {spent}."
    if execution.state == "succeeded" and printed.startswith("Python ") and values == {"answer": 42}:
        return Finding(name, "ok", came)
    problem = execution.problem
    why = f"The run {execution.state}" + (f": {problem.title}" if problem is not None else ".")
    return Finding(name, "fail", f"{why} {came}", None if problem is None else problem.hint)
