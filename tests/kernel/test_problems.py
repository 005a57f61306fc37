from __future__ import annotations

import pytest

from jupyter_datasphere import errors
from jupyter_datasphere.kernel.problems import error_from
from jupyter_datasphere.protocol import Problem


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("usage", 400, errors.UsageError),
        ("not-found", 404, errors.NotFoundError),
        ("unknown-project", 404, errors.NotFoundError),
        ("credentials", 401, errors.CredentialsError),
        ("service", 502, errors.ServiceError),
        ("timeout", 504, errors.UnavailableError),
        ("internal", 500, errors.InternalError),
        ("something-new", 422, errors.ExpectedError),
        ("something-new", 599, errors.DataSphereError),
    ],
)
def test_a_problem_becomes_the_error_it_was(code: str, status: int, kind: type[Exception]) -> None:
    error = error_from(Problem(code, "What.", status, hint="Do this.", request_id="r1"))
    assert type(error) is kind
    assert (error.code, error.http_status) == (code, status)
    assert str(error) == "What. Do this. (request ID r1)"
