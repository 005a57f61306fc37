"""What passes between the server extension and its callers: kernels, widgets, the front end.

JSON with snake_case names. An *execution* is one run that the user asked for; its *events* are numbered
1, 2, 3, … without gaps. Times are seconds since the epoch, UTC, by the clock of whoever made the value:
the server for executions and `StatusEvent`, the interpreter over there for the rest.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from .errors import DataSphereError

EVENTS_MIME = "application/vnd.jupyter-datasphere.events+json"
"""MIME type of the outputs by which the runner sends batches of events."""

State = Literal[
    "queued", "staged", "submitted", "running", "succeeded", "failed", "cancelled", "lost", "unknown"
]

FINAL_STATES: frozenset[str] = frozenset({"succeeded", "failed", "cancelled", "lost", "unknown"})

TRANSITIONS: dict[str, frozenset[str]] = {
    "queued": frozenset({"staged", "failed", "cancelled"}),
    "staged": frozenset({"submitted", "failed", "cancelled", "unknown"}),
    "submitted": frozenset({"running", "succeeded", "failed", "cancelled", "lost"}),
    "running": frozenset({"succeeded", "failed", "cancelled", "lost"}),
    **dict.fromkeys(FINAL_STATES, frozenset()),
}
"""Which state may follow which. `unknown`: sent, but whether it was taken can no longer be found out."""


class Wire(msgspec.Struct, omit_defaults=True):
    """Base of everything on this page."""


# What is asked


class Code(Wire, tag="code", tag_field="type"):
    """The source of a local cell, to be run in a session over there."""

    source: str
    session: str = "main"


class Notebook(Wire, tag="notebook", tag_field="type"):
    """A stored notebook, run cell by cell; `path` is relative to the project or absolute over there.

    Without a session it runs in a fresh namespace of its own.
    """

    path: str
    session: str | None = None
    direct: bool = False
    """True: the API runs the notebook as it is, without the runner."""


class Cell(Wire, tag="cell", tag_field="type"):
    """A stored cell, run by the API as it is."""

    cell_id: str


Source = Code | Notebook | Cell


class ExecutionRequest(Wire):
    """Body of ``POST /datasphere/executions``."""

    source: Source
    project: str | None = None
    """Name or ID; None: the project in force."""
    inputs: dict[str, Any] = {}
    outputs: list[str] = []
    spec: str | None = None
    timeout: float | None = None
    """Seconds after which the server cancels the run; None: never."""
    max_units: int | None = None
    """The server cancels the run before it passes so many units (computed); None: no such limit."""
    channel: str | None = None
    """`state`, `files` or `jupyter`; None: the best that the project can use."""


# What is answered


class Problem(Wire):
    """An error, as ``application/problem+json`` (RFC 9457) and inside an execution."""

    code: str
    title: str
    status: int = 500
    hint: str | None = None
    request_id: str | None = None

    @classmethod
    def of(cls, error: DataSphereError) -> Problem:
        """An error as a problem that can be kept and passed on."""
        return cls(
            code=error.code,
            title=error.message,
            status=error.http_status,
            hint=error.hint,
            request_id=error.request_id,
        )


class Execution(Wire):
    """One run. `units` are computed (spec times seconds, rounded up), not billed; `spec` is empty where the
    machine is the project's own.

    `inputs` are names only: values may be large or private.
    """

    id: str
    state: State
    project_id: str
    source: Source
    spec: str
    channel: str
    created_at: float
    project_name: str = ""
    inputs: list[str] = []
    outputs: list[str] = []
    started_at: float | None = None
    finished_at: float | None = None
    units: int | None = None
    operation_id: str | None = None
    problem: Problem | None = None
    last_event: int = 0
    profile: str = ""
    """The named profile that it was begun with, and is followed with; empty: none."""


class Executions(Wire):
    """Answer of ``GET /datasphere/executions``: newest first."""

    executions: list[Execution]


# What happens in an execution


class Price(Wire):
    """What a run costs and how much it may, in units, as known when it was asked for."""

    each_second: int
    at_most: int | None = None
    """Where the run ends: what its caller or its project allows, whichever is less; None: nowhere."""
    balance: int | None = None
    """What the project had left; None: no limit, or not known."""


class StatusEvent(Wire, tag="status", tag_field="type"):
    """The execution is in this state now; `problem` says why, where that needs saying.

    The first event of a run has its `price`.
    """

    state: State
    at: float
    detail: str | None = None
    problem: Problem | None = None
    price: Price | None = None


class StartedEvent(Wire, tag="started", tag_field="type"):
    """The runner has begun over there; `fresh`: in an interpreter that knows nothing of its session."""

    runner: str
    python: str
    fresh: bool = False


class NotebookEvent(Wire, tag="notebook", tag_field="type"):
    """The stored notebook that runs, as the runner has read it: without what earlier runs left in it.

    `content` has the fields of a notebook of format 4; what is in them is the file's to say. `left_out` names
    attachments (pictures in its text) that were too large to come along.
    """

    content: dict[str, Any]
    left_out: list[str] = []


class CellEvent(Wire, tag="cell", tag_field="type"):
    """A cell of a notebook begins: the `index`-th code cell (from 0) of `total`."""

    index: int
    total: int
    cell_id: str | None = None
    title: str = ""


class OutputEvent(Wire, tag="output", tag_field="type"):
    """One output, as the content of the Jupyter message of that type (stream, display_data, execute_result,
    update_display_data, clear_output, error)."""

    message: Literal[
        "stream", "display_data", "execute_result", "update_display_data", "clear_output", "error"
    ]
    content: dict[str, Any]
    cell: int | None = None


class VariableEvent(Wire, tag="variable", tag_field="type"):
    """A variable that was asked for."""

    name: str
    value: Any


class FailureEvent(Wire, tag="failure", tag_field="type"):
    """The code raised; `traceback` is a list of lines with ANSI colours."""

    ename: str
    evalue: str
    traceback: list[str]
    cell: int | None = None


class NoticeEvent(Wire, tag="notice", tag_field="type"):
    """Something the user should know: an output variable that does not exist, something not captured."""

    text: str


class FinishedEvent(Wire, tag="finished", tag_field="type"):
    """The last event of the runner; nothing of this run comes after it."""

    status: Literal["ok", "error", "aborted"]


Event = (
    StatusEvent
    | StartedEvent
    | NotebookEvent
    | CellEvent
    | OutputEvent
    | VariableEvent
    | FailureEvent
    | NoticeEvent
    | FinishedEvent
)
RunnerEvent = (
    StartedEvent
    | NotebookEvent
    | CellEvent
    | OutputEvent
    | VariableEvent
    | FailureEvent
    | NoticeEvent
    | FinishedEvent
)


class Numbered(Wire, array_like=True):
    """An event with its number; on the wire ``[number, event]``."""

    number: int
    event: Event


class RunnerBatch(Wire):
    """Data of one output of MIME type `EVENTS_MIME`; `events` are ``[number, event]`` in order."""

    run: str
    events: list[tuple[int, RunnerEvent]]


class Variable(Wire):
    """A remote variable: `value` is unset where it is no JSON value or too large to list."""

    name: str
    kind: str
    preview: str = ""
    value: Any = msgspec.UNSET


class Variables(Wire):
    """Answer of ``GET /datasphere/variables``."""

    project_id: str
    namespace: str
    variables: list[Variable] = []
    notice: str | None = None
    """What the user has to know about them."""


class ProjectInfo(Wire):
    """The project in force, or asked for. `unit_balance` None: no limit set, unless `balance_hidden`."""

    id: str
    name: str
    community_id: str = ""
    unit_balance: int | None = None
    balance_hidden: bool = False
    """The service does not show the balance to this account."""
    channels: dict[str, str] = {}
    """Channel to the word "ok" or the reason why it cannot be used; the best first."""


class CommunityInfo(Wire):
    """Answer of ``GET /datasphere/communities/find``."""

    id: str
    name: str = ""


class OperationState(Wire):
    """Answer of ``GET /datasphere/operations/{id}``: whether an operation of the service has ended."""

    id: str
    done: bool = False
    problem: Problem | None = None
    """Why it did not succeed."""


class OpenForm(Wire):
    """Form of ``POST /datasphere/open``."""

    project: str
    """Name or ID."""


class OpenRequest(Wire):
    """Body of ``POST /datasphere/open/browser``."""

    project: str | None = None
    """Name or ID; None: the project in force."""


class ProjectRequest(Wire):
    """Body of ``PUT /datasphere/project``; a name or ID, or None: whichever the settings name."""

    project: str | None = None


class ProjectInForce(Wire):
    """Answer of ``/datasphere/project``: the project of those who name none; None: there is none."""

    project: ProjectInfo | None = None
    chosen: bool = False
    """It was chosen by ``PUT /datasphere/project``, which goes before the settings."""
    configured: str | None = None
    """What the settings say: a name or ID."""


class LinkRequest(Wire):
    """Body of ``PUT /datasphere/links``: the link to a project's own Jupyter server, its token included."""

    project: str
    link: str

    def __repr__(self) -> str:
        return f"LinkRequest({self.project!r})"


class LinkedProject(Wire):
    """Answer of ``/datasphere/links``; `host`: where the link leads; None: there is none any more.

    A link is in the server's memory, and in the system's keyring unless there was a `problem` with that.
    """

    id: str
    name: str
    host: str | None = None
    keyring: str | None = None
    """The name of the keyring that keeps the link for servers to come."""
    problem: Problem | None = None


class ProfileRequest(Wire):
    """Body of ``PUT /datasphere/profile``; `name` None: the profile that the server began with, if any."""

    name: str | None = None


class Profile(Wire):
    """Named credentials. `source` in words; None: there is a `problem` with the profile's definition."""

    name: str
    source: str | None = None
    problem: Problem | None = None


class Profiles(Wire):
    """Answer of ``/datasphere/profile``; holds no secret.

    `chosen` None: no profile is chosen, and the first source that is configured is used: `unnamed`.
    """

    profiles: list[Profile]
    chosen: str | None = None
    unnamed: str | None = None
    """That source, in words; None: none is configured."""


class StoredFile(Wire):
    """A file of a project: the answer of ``PUT /datasphere/files`` and of ``GET /datasphere/files/size``."""

    project_id: str
    project_name: str
    path: str
    size: int | None
    """Bytes; None: there is none."""


class Projects(Wire):
    """Answer of ``GET /datasphere/projects``; balances and channels are left out."""

    projects: list[ProjectInfo]


class LedgerUsage(Wire):
    """What the ledger holds, and what it may: finished executions are dropped, oldest first, above that."""

    bytes: int
    max_bytes: int
    executions: int
    problem: str | None = None
    """Why it cannot be written now, which runs wait for; and which files were set aside since the start."""


class ServerStatus(Wire):
    """Answer of ``GET /datasphere/status``; holds no secret."""

    version: str
    endpoint: str
    credentials: str | None = None
    """The source of the IAM token, in words; None: none configured."""
    credentials_expire_at: float | None = None
    credentials_notice: str | None = None
    """What the user should know of that source although it works."""
    profile: str | None = None
    """The named profile in force; None: none is chosen."""
    connection: Literal["ok", "failed"] = "ok"
    problem: Problem | None = None
    project: ProjectInfo | None = None
    organization: str = ""
    """ID of the organization whose communities are listed; empty: none is set."""
    community: str = ""
    """ID of the one community that is listed instead; empty: none is set."""
    running: int = 0
    ledger: LedgerUsage | None = None
