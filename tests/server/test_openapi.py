"""openapi.yaml is what the tables say, and the tables are what the server does."""

from __future__ import annotations

import re

import pytest
import yaml

from jupyter_datasphere.datasphere.methods import METHODS
from jupyter_datasphere.server import app, contract, openapi
from jupyter_datasphere.server.handlers.passthrough import PassThroughHandler
from jupyter_datasphere.server.handlers.unknown import UnknownHandler

SAMPLES = {"execution_id": "0123456789abcdef"}
VERBS = ("get", "head", "post", "put", "patch", "delete", "options")


def test_the_file_is_what_would_be_written_now() -> None:
    assert openapi.FILE.read_text(encoding="utf-8") == openapi.text(), "run `make openapi`"


def test_every_route_of_the_server_is_described() -> None:
    served = {
        (verb.upper(), pattern)
        for pattern, handler in app.ROUTES
        if handler not in (PassThroughHandler, UnknownHandler)
        for verb in VERBS
        if verb in vars(handler)
    }
    described = set()
    for route in contract.ROUTES:
        path = re.sub(r"{(\w+)}", lambda match: SAMPLES.get(match[1], "an-id"), route.path)
        pattern = next(pattern for pattern, _ in app.ROUTES if re.fullmatch(pattern, path))
        described.add((route.verb, pattern))
    assert described == served


def test_every_method_of_the_service_is_described() -> None:
    document = yaml.safe_load(openapi.FILE.read_text(encoding="utf-8"))
    names = {operation["operationId"] for path in document["paths"].values() for operation in path.values()}
    assert {method.name for method in METHODS.values() if method.host != "iam"} <= names
    assert len(names) == sum(len(path) for path in document["paths"].values())


@pytest.mark.parametrize("secret", ["iamToken", "jwt", "yandexPassportOauthToken"])
def test_no_secret_has_a_place_in_it(secret: str) -> None:
    assert secret not in openapi.FILE.read_text(encoding="utf-8")
