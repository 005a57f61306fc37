"""What the runner is asked to do for a run."""

from __future__ import annotations

from ...protocol import Cell, Code, ExecutionRequest
from ..runner.request import RunRequest
from .notebooks import relative


def run_request(execution_id: str, request: ExecutionRequest) -> RunRequest:
    """The runner's request. Raises `UsageError` for a path that leaves the project."""
    if isinstance(request.source, Code):
        return RunRequest(
            run=execution_id,
            kind="code",
            code=request.source.source,
            session=request.source.session,
            inputs=request.inputs,
            outputs=request.outputs,
        )
    assert not isinstance(request.source, Cell)
    return RunRequest(
        run=execution_id,
        kind="notebook",
        path=relative(request.source.path),
        session=request.source.session,
        inputs=request.inputs,
        outputs=request.outputs,
    )
