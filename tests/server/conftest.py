"""Callers of the server extension: a Jupyter user, and a kernel with its capability."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from jupyter_datasphere.demo.check import outputs_of
from jupyter_datasphere.demo.kernel_client import kernel_of


@pytest.fixture
def user(server: dict[str, Any]) -> Iterator[httpx.Client]:
    """A user with Jupyter's token."""
    headers = {"Authorization": f"token {server['token']}"}
    with httpx.Client(base_url=server["url"], headers=headers, timeout=60) as client:
        yield client


@pytest.fixture(scope="session")
def capability(server: dict[str, Any]) -> str:
    """What the server hands to its kernels, read where they read it."""

    async def read() -> str:
        async with kernel_of(server) as kernel:
            code = "import os; print(os.environ['JUPYTER_DATASPHERE_TOKEN'], end='')"
            outputs = await outputs_of(kernel, code)
            return "".join(output["text"] for output in outputs)

    return asyncio.run(read())


@pytest.fixture
def kernel(server: dict[str, Any], capability: str) -> Iterator[httpx.Client]:
    """A kernel: nothing but the capability."""
    headers = {"Authorization": f"Bearer {capability}"}
    with httpx.Client(base_url=server["url"], headers=headers, timeout=60) as client:
        yield client


@pytest.fixture
def stranger(server: dict[str, Any]) -> Iterator[httpx.Client]:
    """Somebody else on this machine."""
    with httpx.Client(base_url=server["url"], timeout=60) as client:
        yield client
