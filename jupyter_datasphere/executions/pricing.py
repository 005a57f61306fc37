"""What a run will cost, found out before it starts; a run that cannot be paid for is refused here."""

from __future__ import annotations

import asyncio

from ..datasphere import types
from ..datasphere.projects import ProjectFinder
from ..errors import UsageError
from ..protocol import ExecutionRequest, Price
from . import costs
from .balances import Balances
from .channels.base import Channel


class Pricing:
    """Asks for limits and balances where they are not known yet."""

    def __init__(self, projects: ProjectFinder, balances: Balances) -> None:
        self._projects = projects
        self._balances = balances

    async def price(
        self, project: types.Project, spec: str, channel: Channel, request: ExecutionRequest
    ) -> Price | None:
        """The price of a run that `channel` would take, too; None where it is not known.

        Raises `UsageError` and `QuotaError` for what limits and balance do not allow, and what
        `Channel.check` raises.
        """
        if not channel.counts_units:
            _refuse_units(channel, request)
            await channel.check(project.id, request)
            return None
        try:
            costs.check(project, spec, request.max_units)
        except UsageError:  # an administrator may have raised the limits since
            project = await self._projects.find(project.id, fresh=True)
            costs.check(project, spec, request.max_units)
        # Side by side: where the one has to ask the service, the other costs no time of its own.
        balance, _ = await asyncio.gather(
            self._balances.of(project.id, spec), channel.check(project.id, request)
        )
        costs.check_balance(project, spec, balance)
        return costs.price(project, spec, request.max_units, balance)


def known_spec(name: str | None) -> str:
    """The name of a computing configuration, the usual one for None. Raises `UsageError`."""
    spec = name or types.DEFAULT_SPEC
    if spec not in types.SPECS:
        raise UsageError(
            f"There is no computing configuration {spec[:40]!r}.",
            code="unknown-spec",
            hint=f"There are {', '.join(types.SPECS)}.",
        )
    return spec


def _refuse_units(channel: Channel, request: ExecutionRequest) -> None:
    if request.spec is not None:
        raise UsageError(
            f"On the channel {channel.name} code runs on the project's own machine as it is, and not "
            f"on {request.spec}.",
            code="spec-fixed",
            hint="Leave --spec out (%ds_config spec=none), or have a machine started for this run by "
            "another channel: --channel files.",
        )
    if request.max_units is not None:
        raise UsageError(
            f"What a run costs is not known on the channel {channel.name}: "
            "the machine is paid for whether or not anything runs.",
            code="units-unknown",
            hint="Leave --max-units out, or limit the run with --timeout.",
        )
