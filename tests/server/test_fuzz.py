"""Anything that its description allows, and what it does not, sent to the extension: no failure of ours.

And paths that want to lead elsewhere: nothing but documented calls leaves the server.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from server.checkpoint import Checkpoint

from jupyter_datasphere.datasphere.methods import METHODS, Method
from jupyter_datasphere.demo.processes import emulator, environment_for, jupyter
from jupyter_datasphere.server import openapi

CASES = 36
"""Of each of the operations."""
PATHS = 1500

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
SOMETIMES_5XX = {"links.keep"}
"""A link to where nobody listens is answered as a server that is away."""


class Site(NamedTuple):
    """A server with the extension, what its emulator is, and who stands between them."""

    facts: dict[str, Any]
    emulator: dict[str, Any]
    checkpoint: Checkpoint

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"token {self.facts['token']}"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("fuzz") / "notebooks"
    folder.mkdir()
    root = folder.parent / "emulator" / "root"
    root.parent.mkdir()
    with emulator(root) as facts, Checkpoint(facts["url"]) as checkpoint:
        environment = environment_for({**facts, "url": checkpoint.url})
        options = [f"--DataSphere.ledger_dir={folder.parent / 'ledger'}"]
        with jupyter("server", folder, environment, options=options) as server:
            yield Site(server, facts, checkpoint)


schema = schemathesis.openapi.from_dict(openapi.document())


@schema.parametrize()
@settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_request(case: schemathesis.Case, site: Site) -> None:
    name = case.operation.definition.raw["operationId"]
    _aim(case, name, site)
    response = case.call(base_url=site.facts["url"].rstrip("/"), headers=site.headers, timeout=60)
    checks = CHECKS[1:] if name in SOMETIMES_5XX else CHECKS
    case.validate_response(response, checks=checks)
    assert site.checkpoint.objections == []  # nothing but documented calls left the server


def _aim(case: schemathesis.Case, name: str, site: Site) -> None:
    """Let some requests meet what is there, and none leave this machine or destroy what others need."""
    known = {"projectId": site.emulator["project_id"], "communityId": site.emulator["community_id"]}
    if not name.endswith(".delete"):
        for parameter in case.path_parameters or {}:
            if parameter in known and sum(str(case.path_parameters[parameter]).encode()) % 2:
                case.path_parameters[parameter] = known[parameter]
    if name == "links.keep" and isinstance(case.body, dict):
        case.body["link"] = "http://127.0.0.1:9/?token=secret"
    if name.endswith("AccessBindings") and isinstance(case.body, dict):
        case.body.pop("accessBindings", None)  # or the account would take its own roles away


# Paths

HOSTILE = [
    ".",
    "..",
    "/",
    "//",
    ":",
    "?",
    "#",
    ";",
    "\\",
    "@",
    "%",
    "%2e%2e",
    "%2f",
    "%2F..",
    "%3a",
    "%3f",
    "%5c",
]
HOSTILE += ["%00", "%0a", "%0d%0a", "%25", "%252f", "é", "%c3%a9", "\u202e", "a", "execute", ":execute", "v1"]
PIECES = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8),
    st.text("abc-_019", min_size=45, max_size=60),
)
SEGMENTS = st.lists(PIECES, min_size=1, max_size=4).map("".join)
METHODS_WITH_IDS = [method for method in METHODS.values() if "{" in method.path and method.host != "iam"]
ID = re.compile(openapi.ID_PATTERN, flags=re.ASCII)


@settings(max_examples=PATHS, deadline=None, suppress_health_check=list(HealthCheck))
@given(method=st.sampled_from(METHODS_WITH_IDS), segment=SEGMENTS)
def test_no_id_leaves_its_place_in_the_path(site: Site, method: Method, segment: str) -> None:
    before = len(site.checkpoint.seen)
    raw = "".join(
        c if c.isascii() and c.isprintable() and c not in " #" else urllib.parse.quote(c) for c in segment
    )
    path = openapi.API + re.sub(r"{\w+}", lambda _: raw, method.path.removeprefix("/datasphere"))
    with httpx.Client(
        base_url=site.facts["url"].rstrip("/"), headers=site.headers, timeout=60, verify=False
    ) as client:
        request = client.build_request(method.verb, client.base_url)
        request.url = _raw(client.base_url, path)
        response = client.send(request)
    assert response.status_code < 500, (path, response.text)
    assert site.checkpoint.objections == []
    for seen in site.checkpoint.seen[before:]:
        assert ID.fullmatch(raw.partition("?")[0].partition(":")[0]), (path, seen)
        assert set(seen.ids.values()) <= {raw.partition("?")[0].partition(":")[0]}, (path, seen)


def _raw(base: httpx.URL, path: str) -> httpx.URL:
    """The URL with the path to the letter, where httpx would make it a better one."""
    return base.copy_with(raw_path=path.encode("ascii"))
