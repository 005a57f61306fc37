"""Kernels for the tests of the runner."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from executions.runner.runner_kernel import Kernel, start


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    yield from start(tmp_path_factory.mktemp("project"))
