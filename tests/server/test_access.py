"""Who may call what."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from jupyter_datasphere.datasphere.methods import METHODS
from jupyter_datasphere.demo.check import outputs_of
from jupyter_datasphere.demo.kernel_client import kernel_of
from jupyter_datasphere.demo.processes import environment_for, jupyter
from jupyter_datasphere.server import contract

SAMPLES = {"execution_id": "0123456789abcdef", "operation_id": "x"}


def every_route() -> Iterator[tuple[str, str]]:
    """Verb and path of each route of the extension, and of the service's own methods below it."""
    for route in contract.ROUTES:
        path = re.sub(r"{(\w+)}", lambda match: SAMPLES[match[1]], route.path)
        needed = [parameter.name for parameter in route.parameters if parameter.required]
        yield (
            route.verb,
            path.lstrip("/") + ("?" + "&".join(f"{name}=x" for name in needed) if needed else ""),
        )
    for method in METHODS.values():
        if method.host != "iam":
            path = re.sub(r"{\w+}", "x", method.path.removeprefix("/datasphere"))
            yield method.verb, f"datasphere/api{path}"
    yield "GET", "datasphere/none"


ROUTES = sorted(set(every_route()))
CHANGING = [(verb, path) for verb, path in ROUTES if verb != "GET"]


@pytest.mark.parametrize(("verb", "path"), ROUTES)
def test_strangers_may_nothing(stranger: httpx.Client, verb: str, path: str) -> None:
    assert stranger.request(verb, path).status_code == 403
    wrong = {"Authorization": "Bearer wrong"}
    assert stranger.request(verb, path, headers=wrong).status_code == 403


def test_the_capability_opens_the_extension_and_nothing_else(kernel: httpx.Client) -> None:
    assert kernel.get("datasphere/status").status_code == 200
    assert kernel.get("api/contents").status_code == 403
    assert kernel.get("api/kernels").status_code == 403
    assert kernel.post("api/kernels").status_code == 403


def test_kernels_do_not_inherit_the_credentials(server: dict[str, Any], emulator: dict[str, str]) -> None:
    async def environment() -> str:
        async with kernel_of(server) as kernel:
            outputs = await outputs_of(kernel, "import os; print(dict(os.environ))")
            return "".join(output["text"] for output in outputs)

    inherited = asyncio.run(environment())
    assert "JUPYTER_DATASPHERE_URL" in inherited
    assert "YC_TOKEN" not in inherited
    assert emulator["oauth_token"] not in inherited


def test_a_user_with_the_token_may_all(user: httpx.Client) -> None:
    assert user.get("datasphere/status").status_code == 200


def test_a_cookie_alone_changes_nothing_without_xsrf(server: dict[str, Any]) -> None:
    """What a page of another site could make the user's browser send is refused."""
    with httpx.Client(base_url=server["url"], timeout=60) as browser:
        assert browser.get("tree", params={"token": server["token"]}).status_code in (200, 302, 404)
        assert browser.get("datasphere/status").status_code == 200
        body = {"source": {"type": "code", "source": "print('stolen')"}, "project": "demo-project"}
        assert browser.post("datasphere/executions", json=body).status_code == 403
        token = browser.cookies.get("_xsrf")
        assert token
        answer = browser.post("datasphere/executions", json=body, headers={"X-XSRFToken": token})
        assert answer.status_code == 201


@pytest.mark.parametrize(("verb", "path"), CHANGING)
def test_nothing_is_changed_without_xsrf(server: dict[str, Any], verb: str, path: str) -> None:
    with httpx.Client(base_url=server["url"], timeout=60) as browser:
        browser.get("api/status", params={"token": server["token"]})
        assert browser.get("datasphere/status?check=false").status_code == 200  # it is logged in
        answer = browser.request(verb, path, content=b"{}")
        assert answer.status_code == 403
        assert "_xsrf" in answer.text


@pytest.fixture(scope="module")
def denied(emulator: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A server whose Authorizer lets nobody use DataSphere."""
    folder = tmp_path_factory.mktemp("denied") / "notebooks"
    config = folder.parent / "config"
    folder.mkdir()
    config.mkdir()
    (config / "jupyter_server_config.py").write_text(DENYING)
    environment = {**environment_for(emulator), "JUPYTER_CONFIG_DIR": str(config)}
    with jupyter("server", folder, environment) as facts:
        yield facts


DENYING = """
from jupyter_server.auth import Authorizer

class Denying(Authorizer):
    def is_authorized(self, handler, user, action, resource):
        return resource != "datasphere"

c.ServerApp.authorizer_class = Denying
"""


def test_the_authorizer_is_asked(denied: dict[str, Any]) -> None:
    headers = {"Authorization": f"token {denied['token']}"}
    with httpx.Client(base_url=denied["url"], headers=headers, timeout=60) as user:
        assert user.get("api/contents").status_code == 200
        for verb, path in ROUTES:
            answer = user.request(verb, path, content=b"{}" if verb != "GET" else None)
            assert answer.status_code == 403, (verb, path)


def test_another_origin_is_refused(user: httpx.Client) -> None:
    headers = {"Origin": "http://evil.example"}
    assert user.get("datasphere/status", headers={**headers, "Host": "evil.example"}).status_code == 403
