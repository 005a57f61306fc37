"""Variables over there, as the server tells them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from ..errors import NotFoundError, VariableError
from ..protocol import Variable, Variables
from .suggest import did_you_mean
from .tables import table


def values(answer: Variables, names: Sequence[str], where: str) -> dict[str, Any]:
    """The values of the variables of these names. Raises for one that is not there, or cannot travel."""
    came = {variable.name: variable for variable in answer.variables}
    for name in names:
        if name not in came:
            raise NotFoundError(
                f"There is no variable {name!r} in {where}.",
                hint=did_you_mean(name, came) or "%ds_vars without names shows what there is.",
            )
        if not has_value(came[name]):
            raise VariableError(
                f"{name!r} cannot travel: it is of type {came[name].kind}.",
                hint="Convert it over there to a value that JSON knows.",
            )
    return {name: came[name].value for name in names}


def has_value(variable: Variable) -> bool:
    return variable.value is not msgspec.UNSET


def variables_table(answer: Variables) -> dict[str, str]:
    """A MIME bundle of names, types and values."""
    rows = [(variable.name, variable.kind, _preview(variable)) for variable in answer.variables]
    return table(("Name", "Type", "Value"), rows)


def _preview(variable: Variable) -> str:
    if variable.preview or not has_value(variable):
        return variable.preview
    return msgspec.json.encode(variable.value).decode()
