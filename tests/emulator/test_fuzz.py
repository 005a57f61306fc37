"""Anything that the description of the service allows, and what it does not, sent to the emulator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from jupyter_datasphere.demo.processes import emulator as run_emulator
from jupyter_datasphere.server import openapi

CASES = 36
"""Of each method."""
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    with run_emulator(tmp_path_factory.mktemp("fuzz") / "root") as facts:
        answer = httpx.post(
            f"{facts['url']}/iam/v1/tokens",
            json={"yandexPassportOauthToken": facts["oauth_token"]},
            trust_env=False,
        )
        yield {**facts, "iam_token": answer.json()["iamToken"]}


schema = schemathesis.openapi.from_dict(openapi.service_document())


@schema.parametrize()
@settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_request(case: schemathesis.Case, facts: dict[str, Any]) -> None:
    name = case.operation.definition.raw["operationId"]
    _aim(case, name, facts)
    headers = {"Authorization": f"Bearer {facts['iam_token']}"}
    response = case.call(base_url=facts["url"], headers=headers, timeout=60)
    case.validate_response(response, checks=CHECKS)


def _aim(case: schemathesis.Case, name: str, facts: dict[str, Any]) -> None:
    """Let some requests meet what is there, and none destroy what others need."""
    known = {"projectId": facts["project_id"], "communityId": facts["community_id"]}
    if not name.endswith(".delete"):
        for parameter in case.path_parameters or {}:
            if parameter in known and sum(str(case.path_parameters[parameter]).encode()) % 2:
                case.path_parameters[parameter] = known[parameter]
    if name.endswith("AccessBindings") and isinstance(case.body, dict):
        case.body.pop("accessBindings", None)  # or the account would take its own roles away
