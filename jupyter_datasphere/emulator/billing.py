"""Units: what a project has left, and what its executions spend.

One unit is one vCPU for one second. An execution costs the units of its configuration for each second since
its first cell began, rounded up to whole seconds; starting an interpreter costs nothing (an assumption of
ours). The balance falls with every whole second while the execution runs; at a balance of 0 or less all
executions of the project stop (their operations end with code 8) and none starts. A project without a
balance has no limit.
"""

from __future__ import annotations

import asyncio
import math
from collections import defaultdict
from collections.abc import Callable

from ..datasphere.types import Int64, ProjectLimits, Spec, Status
from .errors import ApiError, Code
from .history import History
from .store import Store


class Billing:
    """Balances of projects, and the meters of what runs."""

    def __init__(self, store: Store, history: History) -> None:
        self._store = store
        self._history = history
        self._meters: dict[str, set[Meter]] = defaultdict(set)

    def balance(self, project: str) -> Int64 | None:
        """Units left; None: no limit."""
        row = self._store.one("SELECT units FROM balances WHERE project = ?", project)
        return None if row is None else Int64(row[0])

    def set_balance(self, project: str, units: int | None) -> None:
        """None takes the limit away."""
        if units is None:
            self._store.execute("DELETE FROM balances WHERE project = ?", project)
        else:
            self._store.execute("INSERT OR REPLACE INTO balances VALUES (?, ?)", project, units)
            self._stop_if_exhausted(project)

    def check(self, project: str, limits: ProjectLimits | None, spec: Spec) -> None:
        """Refuse what may not start (code 9, since waiting does not help)."""
        balance = self.balance(project)
        if balance is not None and balance <= 0:
            raise ApiError(Code.FAILED_PRECONDITION, f"The project's unit balance is {balance}")
        hourly = limits.max_units_per_hour if limits else None
        if hourly is not None and spec.units * 3600 > hourly:
            raise ApiError(
                Code.FAILED_PRECONDITION,
                f"Configuration {spec.name} spends {spec.units * 3600} units per hour; "
                f"the project's limit is {hourly}",
            )

    def start(
        self,
        execution: str,
        project: str,
        limits: ProjectLimits | None,
        spec: Spec,
        stop: Callable[[Status], None],
    ) -> Meter:
        """A running meter for an execution; calls `stop` when the units are spent. Code 8 if none is left."""
        balance = self.balance(project)
        if balance is not None and balance <= 0:
            raise ApiError(Code.RESOURCE_EXHAUSTED, _exhausted(balance))
        meter = Meter(
            self, execution, project, limits.max_units_per_execution if limits else None, spec, stop
        )
        self._meters[project].add(meter)
        return meter

    def charge(self, meter: Meter, seconds: int) -> None:
        with self._store.transaction():
            self._history.charge(meter.execution, meter.seconds)
            self._store.execute(
                "UPDATE balances SET units = units - ? WHERE project = ?",
                seconds * meter.spec.units,
                meter.project,
            )
        self._stop_if_exhausted(meter.project)

    def remove(self, meter: Meter) -> None:
        meters = self._meters[meter.project]
        meters.discard(meter)
        if not meters:
            del self._meters[meter.project]

    def _stop_if_exhausted(self, project: str) -> None:
        if project not in self._meters:
            return
        balance = self.balance(project)
        if balance is not None and balance <= 0:
            for meter in list(self._meters[project]):
                meter.stop(Status(code=int(Code.RESOURCE_EXHAUSTED), message=_exhausted(balance)))


class Meter:
    """Charges one execution, second by second."""

    def __init__(
        self,
        billing: Billing,
        execution: str,
        project: str,
        limit: int | None,
        spec: Spec,
        stop: Callable[[Status], None],
    ) -> None:
        self.execution = execution
        self.project = project
        self.spec = spec
        self.stop = stop
        self.seconds = 0
        self._billing = billing
        self._limit = limit
        self._loop = asyncio.get_running_loop()
        self._started = self._loop.time()
        self._timer = self._loop.call_at(self._started + 1, self._tick)

    def close(self) -> None:
        """Charge the second that has begun, and no more."""
        self._timer.cancel()
        self._billing.remove(self)
        self._charge(max(1, math.ceil(self._loop.time() - self._started)))

    def _tick(self) -> None:
        self._charge(math.floor(self._loop.time() - self._started))
        self._timer = self._loop.call_at(self._started + self.seconds + 1, self._tick)
        units = self.seconds * self.spec.units
        if self._limit is not None and units >= self._limit:
            problem = f"The execution has spent {units} units; the project's limit is {self._limit}"
            self.stop(Status(code=int(Code.RESOURCE_EXHAUSTED), message=problem))

    def _charge(self, seconds: int) -> None:
        """Charge up to so many seconds in all."""
        more = seconds - self.seconds
        if more > 0:
            self.seconds = seconds
            self._billing.charge(self, more)


def _exhausted(balance: int) -> str:
    return f"The project's unit balance is used up ({balance})"
