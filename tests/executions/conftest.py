"""Processes that may be killed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from executions.lives import Nursery, open_nursery


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with open_nursery() as nursery:
        yield nursery
