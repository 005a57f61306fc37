"""Who may call what."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from jupyter_datasphere.demo.check import outputs_of
from jupyter_datasphere.demo.kernel_client import kernel_of

ROUTES = [
    ("GET", "datasphere/status"),
    ("GET", "datasphere/projects"),
    ("GET", "datasphere/projects/find?project=x"),
    ("GET", "datasphere/communities/find?community=x"),
    ("GET", "datasphere/operations/x"),
    ("GET", "datasphere/open"),
    ("POST", "datasphere/open"),
    ("POST", "datasphere/open/browser"),
    ("GET", "datasphere/executions"),
    ("POST", "datasphere/executions"),
    ("GET", "datasphere/executions/0123456789abcdef"),
    ("GET", "datasphere/executions/0123456789abcdef/events"),
    ("POST", "datasphere/executions/0123456789abcdef/cancel"),
    ("GET", "datasphere/variables"),
    ("GET", "datasphere/files?path=x"),
    ("GET", "datasphere/files/size?path=x"),
    ("PUT", "datasphere/files?path=x"),
    ("GET", "datasphere/profile"),
    ("PUT", "datasphere/profile"),
    ("GET", "datasphere/quickstart"),
    ("GET", "datasphere/api/v2/projects"),
    ("POST", "datasphere/api/v2/projects"),
    ("PATCH", "datasphere/api/v2/projects/x"),
    ("DELETE", "datasphere/api/v2/projects/x"),
]


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


def test_another_origin_is_refused(user: httpx.Client) -> None:
    headers = {"Origin": "http://evil.example"}
    assert user.get("datasphere/status", headers={**headers, "Host": "evil.example"}).status_code == 403
