"""One tree of exceptions: each knows a stable code, a hint (the remedy) and, perhaps, a request ID."""

from __future__ import annotations


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


class UsageError(ExpectedError):
    """A magic, a command or a request that was written wrong."""

    code = "usage"


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


class TimeoutExceededError(ExpectedError):
    """The run took longer than its timeout allowed (`--timeout`), and was cancelled for that."""

    code = "timeout"
    http_status = 504


class InternalError(DataSphereError):
    """A mistake of this package: please report it."""

    code = "internal"


class RemoteExecutionError(ExpectedError):
    """The code raised an exception over there.

    `ename`, `evalue` and `traceback` (a list of lines, with ANSI colours) are those of the remote
    exception; `execution_id` names the run.
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
        return [*lines, f"{type(self).__name__}: {self.message}"]
