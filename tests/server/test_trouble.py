"""No credentials, a token that is refused, a service that is away: one clear error, and nothing left behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from jupyter_datasphere.demo.processes import environment_for, jupyter

BODY = {"source": {"type": "code", "source": "print(1)"}, "project": "demo-project"}


@contextmanager
def server_with(tmp_path: Path, environment: dict[str, str]) -> Iterator[httpx.Client]:
    folder = tmp_path / "notebooks"
    folder.mkdir()
    options = [f"--DataSphere.ledger_dir={tmp_path / 'ledger'}"]
    with jupyter("server", folder, environment, options=options) as facts:
        headers = {"Authorization": f"token {facts['token']}"}
        with httpx.Client(base_url=facts["url"], headers=headers, timeout=60) as client:
            yield client


def refused(client: httpx.Client) -> dict[str, Any]:
    """The problem with which a run is refused, after a look that nothing was written of it."""
    answer = client.post("datasphere/executions", json=BODY)
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert client.get("datasphere/executions").json() == {"executions": []}
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == answer.status_code
    return problem


def test_no_credentials(tmp_path: Path, emulator: dict[str, str]) -> None:
    environment = {**environment_for(emulator), "YC_TOKEN": "", "YC_OAUTH_TOKEN": ""}
    with server_with(tmp_path, environment) as client:
        problem = refused(client)
        assert (problem["status"], problem["code"]) == (401, "no-credentials")
        assert "YC_TOKEN" in problem["hint"]
        status = client.get("datasphere/status").json()
        assert status["connection"] == "failed"
        assert status["problem"]["code"] == "no-credentials"


@pytest.mark.parametrize(
    ("name", "token", "code"),
    [("YC_IAM_TOKEN", "t1.expired-long-ago", "unauthenticated"), ("YC_TOKEN", "y0_wrong", "credentials")],
)
def test_a_token_that_is_refused(
    tmp_path: Path, emulator: dict[str, str], name: str, token: str, code: str
) -> None:
    with server_with(tmp_path, {**environment_for(emulator), name: token}) as client:
        problem = refused(client)
        assert (problem["status"], problem["code"]) == (401, code)
        assert name in problem["hint"]
        assert problem["request_id"]
        assert token not in str(problem)
        assert token not in (tmp_path / "jupyter.log").read_text()


def test_a_mistyped_default_project_does_not_hide_the_status(
    tmp_path: Path, emulator: dict[str, str]
) -> None:
    environment = {**environment_for(emulator), "JUPYTER_DATASPHERE_PROJECT": "demo-projekt"}
    with server_with(tmp_path, environment) as client:
        status = client.get("datasphere/status").json()
        assert status["problem"]["code"] == "unknown-project"
        assert status.get("connection", "ok") == "ok"  # the service has answered
        assert client.get("datasphere/status", params={"project": "nowhere"}).status_code == 404


def test_a_refused_token_is_told_without_a_project(tmp_path: Path, emulator: dict[str, str]) -> None:
    environment = {
        **environment_for(emulator),
        "YC_IAM_TOKEN": "t1.rubbish",
        "JUPYTER_DATASPHERE_PROJECT": "",
    }
    with server_with(tmp_path, environment) as client:
        status = client.get("datasphere/status").json()
        assert (status["connection"], status["problem"]["code"]) == ("failed", "unauthenticated")


def test_a_service_that_is_away(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "JUPYTER_DATASPHERE_ENDPOINT": "http://127.0.0.1:9",
        "YC_IAM_TOKEN": "t1.whatever",
    }
    with server_with(tmp_path, environment) as client:
        problem = refused(client)
        assert (problem["status"], problem["code"]) == (503, "unavailable")
        assert "127.0.0.1:9" in problem["title"]
