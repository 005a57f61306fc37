"""Running code, and what is left of it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from .limits import CellId, NotebookId, Timestamp
from .wire import Int64, Message


class ExecuteRequest(Message):
    """Exactly one of `notebook_id` and `cell_id`; `input_variables` become environment variables there."""

    notebook_id: NotebookId = ""
    cell_id: CellId = ""
    input_variables: dict[str, Any] = {}
    output_variable_names: list[str] = []
    spec: str = ""
    spark_connector_id: NotebookId = ""


class ExecutionResponse(Message):
    """What the operation of an execution ends with; the last two fields in revision 2024-03 only."""

    execution_status: Literal["EXECUTION_STATUS_UNSPECIFIED", "OK", "ERROR", "ABORTED"] = (
        "EXECUTION_STATUS_UNSPECIFIED"
    )
    checkpoint_id: str = ""
    output_variables: dict[str, Any] = {}


class CellOutputsRequest(Message):
    cell_id: Annotated[str, Meta(min_length=1, max_length=200)]
    checkpoint_id: str = ""
    start_at: Timestamp = ""


class CellOutputs(Message):
    """Each element is the JSON text of one nbformat output (assumed: the format is undocumented)."""

    outputs: list[str] = []


class StateVariablesRequest(Message):
    notebook_id: Annotated[str, Meta(min_length=1, max_length=200)]
    variable_names: list[str] = []
    checkpoint_id: str = ""


class StateVariables(Message):
    variables: dict[str, Any] = {}


class NotebookMetadataRequest(Message):
    notebook_path: Annotated[str, Meta(min_length=1, max_length=200)]


class NotebookMetadata(Message):
    """`cell_ids` lists the notebook's cells in its order."""

    notebook_id: str = ""
    created_at: Timestamp = ""
    modified_at: Timestamp = ""
    content_length: Int64 | None = None
    cell_ids: list[str] = []
