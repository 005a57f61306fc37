from __future__ import annotations

import pytest

from jupyter_datasphere import errors
from jupyter_datasphere.kernel.outcome import Outcome
from jupyter_datasphere.kernel.problems import error_from
from jupyter_datasphere.protocol import Problem, State, StatusEvent


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
        ("unknown-spec", 400, errors.UsageError),
        ("failed-precondition", 400, errors.ConflictError),
        ("variable-cannot-travel", 400, errors.VariableError),
        ("no-link", 401, errors.ChannelError),
        ("no-runner", 404, errors.ChannelError),
        ("balance-spent", 402, errors.QuotaError),
        ("something-new", 422, errors.ExpectedError),
        ("something-new", 599, errors.DataSphereError),
    ],
)
def test_a_problem_becomes_the_error_it_was(code: str, status: int, kind: type[Exception]) -> None:
    error = error_from(Problem(code, "What.", status, hint="Do this.", request_id="r1"))
    assert type(error) is kind
    assert (error.code, error.http_status) == (code, status)
    assert str(error) == "What. Do this. (request ID r1)"


@pytest.mark.parametrize(
    ("state", "code", "status", "kind"),
    [
        ("failed", "stopped", 409, errors.InterpreterEndedError),
        ("cancelled", "stopped", 409, errors.InterpreterEndedError),
        ("lost", "kernel-ended", 410, errors.InterpreterEndedError),
        ("failed", "interrupted", 409, errors.RunCancelledError),
        ("cancelled", "max-units", 402, errors.RunCancelledError),
        ("cancelled", "timeout", 504, errors.TimeoutExceededError),
        ("failed", "timeout", 504, errors.UnavailableError),
        ("lost", "operation-lost", 404, errors.RunLostError),
        ("unknown", "unknown", 504, errors.RunLostError),
        ("failed", "runner-silent", 502, errors.ChannelError),
        ("failed", "something-new", 422, errors.RunError),
        ("cancelled", None, 0, errors.RunCancelledError),
        ("lost", None, 0, errors.RunLostError),
        ("failed", None, 0, errors.RunError),
    ],
)
def test_the_end_of_a_run_is_an_error_that_names_it(
    state: State, code: str | None, status: int, kind: type[errors.DataSphereError]
) -> None:
    problem = None if code is None else Problem(code, "What.", status, hint="Do this.", request_id="r1")
    outcome = Outcome("0123456789abcdef", ())
    outcome.take([(1, StatusEvent(state=state, at=0.0, problem=problem))])
    with pytest.raises(kind) as caught:
        outcome.raise_unless_succeeded()
    assert type(caught.value) is kind
    assert caught.value.execution_id == "0123456789abcdef" and "0123456789abcdef" in str(caught.value)
    assert caught.value.code == (code or state)
