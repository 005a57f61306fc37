"""``GET /datasphere/projects``"""

from __future__ import annotations

from typing import Any

import httpx


def test_projects_that_a_name_can_choose(kernel: httpx.Client, emulator: dict[str, Any]) -> None:
    answer = kernel.get("datasphere/projects")
    assert answer.status_code == 200
    demo = {"id": emulator["project_id"], "name": "demo-project", "community_id": emulator["community_id"]}
    assert demo in answer.json()["projects"]
