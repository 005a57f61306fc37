"""One tree of exceptions: each knows a stable code, a hint (the remedy) and, perhaps, a request ID."""

from __future__ import annotations

import re


class DataSphereError(Exception):
    """Base of all errors of this package.

    `code` is a stable word for programs, `hint` says what the user can do about it, `request_id` is what
    DataSphere's support asks for. `http_status` is the status with which the server extension answers.
    """

    code = "error"
    http_status = 500

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        hint: str | None = None,
        request_id: str | None = None,
        http_status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.request_id = request_id
        if code is not None:
            self.code = code
        if http_status is not None:
            self.http_status = http_status
        self.execution_id: str | None = None
        """The run that ended with this error, if one did."""

    def __str__(self) -> str:
        message = self.message.rstrip()
        parts = [message if message.endswith((".", "?", "!", ":")) else f"{message}."]
        if self.hint:
            parts.append(self.hint)
        if self.request_id:
            parts.append(f"(request ID {self.request_id})")
        return " ".join(parts)

    def _render_traceback_(self) -> list[str]:
        # IPython calls this instead of showing our frames: what went wrong is the user's, not ours to debug.
        return [f"{type(self).__name__}: {self}"]


class ExpectedError(DataSphereError):
    """Something that a user can mend: a wrong name, a missing setting, a service that is away."""

    code = "bad-request"
    http_status = 400
    may_have_arrived = False
    """Whether the service may have done what was asked of it, although it did not say so."""
    worth_repeating = False
    """Whether an upload may succeed when it is begun anew by who still has all of the content."""


class UsageError(ExpectedError):
    """A magic, a command or a request that was written wrong."""

    code = "usage"


class VariableError(UsageError):
    """A variable that cannot travel, or an output that the code did not define."""

    code = "variable-cannot-travel"


class NotFoundError(ExpectedError):
    """Something named does not exist."""

    code = "not-found"
    http_status = 404


class ConflictError(ExpectedError):
    """The thing asked for does not fit the present state."""

    code = "conflict"
    http_status = 409


class StorageError(ExpectedError):
    """The ledger cannot be used now: the disk takes no more, or another program has it locked."""

    code = "disk-full"
    http_status = 507


class CredentialsError(ExpectedError):
    """No credentials, or credentials that the service refuses."""

    code = "credentials"
    http_status = 401


class KeyringError(ExpectedError):
    """The system's keyring is not there (code "no-keyring"), is locked, or does not answer."""

    code = "keyring"
    http_status = 503


class ServiceError(ExpectedError):
    """DataSphere answered with an error; `grpc_code` is the number it gave."""

    code = "service"
    http_status = 502

    def __init__(self, message: str, *, grpc_code: int | None = None, **rest: str | int | None) -> None:
        super().__init__(message, **rest)  # type: ignore[arg-type]
        self.grpc_code = grpc_code
        self.answer: tuple[int, bytes] | None = None
        """HTTP status and body as they came, where there was an answer."""


class UnavailableError(ExpectedError):
    """DataSphere, or our own server extension, does not answer."""

    code = "unavailable"
    http_status = 503


class ChannelError(ExpectedError):
    """A channel that the project cannot use, or over which nothing of a run came back."""

    code = "channel"


class QuotaError(ExpectedError):
    """The project's balance, a limit or a quota does not allow it."""

    code = "quota"
    http_status = 402


class RunError(ExpectedError):
    """A run that did not succeed; `execution_id` names it."""

    code = "failed"


class RunCancelledError(RunError):
    """The run was cancelled: by somebody, or for the units that it would have spent (`--max-units`)."""

    code = "cancelled"
    http_status = 409


class TimeoutExceededError(RunCancelledError):
    """The run took longer than its timeout allowed (`--timeout`), and was cancelled for that."""

    code = "timeout"
    http_status = 504


class RunLostError(RunError):
    """How the run ended, or whether it began, cannot be found out."""

    code = "lost"
    http_status = 410


class InternalError(DataSphereError):
    """A mistake of this package: please report it."""

    code = "internal"


class RemoteExecutionError(RunError):
    """The code raised an exception over there.

    `ename`, `evalue` and `traceback` (a list of lines, with ANSI colours) are those of the remote exception.
    """

    code = "remote-error"
    http_status = 200

    def __init__(
        self, ename: str, evalue: str, traceback: list[str], *, execution_id: str | None = None
    ) -> None:
        super().__init__(f"{ename}: {evalue}" if evalue else ename)
        self.ename = ename
        self.evalue = evalue
        self.traceback = traceback
        self.execution_id = execution_id

    def __str__(self) -> str:
        return self.message  # the other exception's words, to the letter

    def _render_traceback_(self) -> list[str]:
        lines = [line for entry in self.traceback for line in entry.split("\n")]
        told = _COLOUR.sub("", "\n".join(lines)).rstrip().endswith(self.message.rstrip())
        return [*lines, f"{type(self).__name__}: {_short(self.message) if told else self.message}"]


class InterpreterEndedError(RemoteExecutionError):
    """The interpreter over there ended before the code did, and its variables with it."""

    code = "interpreter-ended"

    def __init__(self, message: str, *, code: str, request_id: str | None) -> None:
        super().__init__("InterpreterEnded", message, [])
        self.message = message
        self.code = code
        self.request_id = request_id


_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_SHORT = 120
"""Characters of a message that are shown once more below a traceback which ends with all of it."""


def _short(message: str) -> str:
    line = message.split("\n", 1)[0]
    return message if line == message and len(line) <= _SHORT else f"{line[:_SHORT].rstrip()} …"
