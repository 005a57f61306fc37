"""Everything behind the handlers, put together from the settings when it is first needed."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from .. import __version__
from ..credentials.accounts import Accounts
from ..credentials.chain import Configured
from ..credentials.keyrings import NONE, Keyring
from ..credentials.logins import SERVICE as LOGINS
from ..credentials.logins import Logins
from ..datasphere import operations
from ..datasphere.caller import Tokens
from ..datasphere.client import Client
from ..datasphere.communities import HIDDEN
from ..datasphere.files import ProjectFiles
from ..datasphere.jupyter_link import Link
from ..datasphere.jupyter_server import JupyterServer
from ..datasphere.projects import ProjectFinder
from ..datasphere.retries import RetryPolicy
from ..datasphere.transport import Endpoints, Transport
from ..errors import (
    CredentialsError,
    DataSphereError,
    KeyringError,
    NotFoundError,
    ServiceError,
    UnavailableError,
    UsageError,
)
from ..executions.ledger import Ledger
from ..executions.links import SERVICE as LINKS
from ..executions.links import Links
from ..executions.service import ExecutionService
from ..executions.storages import Storages
from ..protocol import (
    LinkedProject,
    OperationState,
    Problem,
    Profile,
    Profiles,
    ProjectInfo,
    ProjectInForce,
    ServerStatus,
)
from .chosen_project import ChosenProject
from .opening import Opened, open_project
from .settings import Settings, login_marks

T = TypeVar("T")

USER_AGENT = f"jupyter-datasphere/{__version__}"

STATUS_SECONDS = 15.0
"""How long who asks for the status waits for the service at most."""


class Backend:
    """Client, files, credentials and executions of one server."""

    def __init__(self, settings: Settings, ledger: Ledger, environment: Mapping[str, str]) -> None:
        self._settings = settings
        self._transport = transport_of(settings)
        self.tokens = Accounts(
            configured_by(settings, environment), self._transport, logins_of(self._transport.endpoints)
        )
        self.client = Client(self._transport, self.tokens)
        self.projects = ProjectFinder(
            self.client, organization=settings.organization, community=settings.community
        )
        self.files = files_of(settings, self.tokens)
        self.links = Links(
            Keyring(LINKS),
            endpoint=self._transport.endpoints.datasphere,
            marks=Path(settings.ledger_dir).parent / "links",
        )
        self.executions = ExecutionService(
            ledger,
            self.client,
            self.projects,
            files=self.files,
            links=self.links,
            link_patience=settings.link_patience,
            idempotency_window=settings.idempotency_window,
            questions_per_second=settings.questions_per_second,
            takes_over=lambda: self.tokens.source is not None,
            profile=lambda: self.tokens.profile,
        )
        self._chosen_project = ChosenProject(
            Path(settings.ledger_dir).parent / "projects", endpoint=self._transport.endpoints.datasphere
        )
        self.storages = Storages(self.files, self.executions.linked_files, self.executions.choices)

    async def aclose(self) -> None:
        await self.executions.close()
        await self.links.aclose()
        await self.files.aclose()
        await self.tokens.aclose()
        await self._transport.aclose()

    @property
    def project_in_force(self) -> str | None:
        """Name or ID of the project for requests that name none."""
        choice = self._chosen_project.get()
        return choice.id if choice is not None else self._settings.project or None

    def project(self) -> ProjectInForce:
        """That project, by its last known name."""
        project = self._known_project(self.project_in_force)
        return ProjectInForce(project, self._chosen_project.get() is not None, self._settings.project or None)

    async def choose_project(self, name_or_id: str | None) -> ProjectInForce:
        """Another project for requests that name none, or again the one of the settings.

        Raises what finding it raises, and `StorageError`; then nothing changes.
        """
        if name_or_id is None:
            self._chosen_project.forget()
        else:
            found = await self.projects.find(name_or_id, fresh=True)
            self._chosen_project.set(found.id, found.name)
        return self.project()

    async def status(self, project: str | None, *, check: bool = True) -> ServerStatus:
        """What works and what does not. Raises `NotFoundError` only where `project` itself is unknown.

        Without `check` nobody is asked, and the project is named as it was last found, or as it was given.
        """
        status = ServerStatus(
            version=__version__,
            endpoint=self._transport.endpoints.datasphere,
            organization=self._settings.organization,
            community=self._settings.community,
            profile=self.tokens.profile or None,
            running=self.executions.unended,
            ledger=self.executions.usage,
        )
        named = project or self.project_in_force
        if check:
            try:
                status.project = await self._in_time(self._project_info(named))
            except DataSphereError as error:
                status.project = self._known_project(named)
                if project is not None and isinstance(error, NotFoundError | UsageError):
                    raise
                answered = isinstance(error, NotFoundError) or error.code in HIDDEN
                status.connection = "ok" if answered else "failed"
                status.problem = Problem.of(error)
        else:
            status.project = self._known_project(named)
        if (source := self.tokens.source) is not None:
            status.credentials, status.credentials_notice = source.description, source.notice
        status.credentials_expire_at = self.tokens.expires_at
        return status

    async def operation(self, operation_id: str, patience: float) -> OperationState:
        """How an operation of the service stands, asked for until it has ended, or for `patience` seconds."""
        operation = await self.client.get_operation(operation_id)
        if not operation.done and patience:
            operation = await operations.watch(operation, self.client.get_operation, timeout=patience)
        failure = operations.failure_of(operation)
        return OperationState(
            id=operation.id,
            done=operation.done,
            problem=None if failure is None else Problem.of(failure),
        )

    async def open_project(self, project_id: str) -> Opened:
        """Open a project, once it is open: its page, and the secret that opens it."""
        return await open_project(self.client, project_id)

    async def choose_profile(self, name: str | None) -> Profiles:
        """Use other credentials from now on. Runs that are under way keep to theirs.

        Raises what keeps them from giving a token; then nothing changes.
        """
        before = self.tokens.profile
        await self._in_time(self.tokens.choose(name))
        if self.tokens.profile != before:
            self.projects.forget_all()
            self.executions.forget_account()
        return self.profiles()

    def profiles(self) -> Profiles:
        """All of them, and the one in force."""
        tokens = self.tokens
        unnamed = None
        with suppress(CredentialsError):
            unnamed = tokens.describe("")
        return Profiles(
            [self._profile(name) for name in tokens.profiles.names()], tokens.profile or None, unnamed
        )

    def _profile(self, name: str) -> Profile:
        try:
            return Profile(name, self.tokens.describe(name))
        except CredentialsError as error:
            return Profile(name, problem=Problem.of(error))

    async def link(self, project: str, text: str) -> LinkedProject:
        """Know the link to a project's own Jupyter server, once it was seen to work.

        The answer says whether the keyring has it, or why only this process does.
        """
        link = Link.parse(text)
        found = await self.projects.find(project)
        server = JupyterServer(link)
        try:
            await server.check()
        finally:
            await server.aclose()
        linked = LinkedProject(id=found.id, name=found.name, host=link.host)
        try:
            linked.keyring = await self.links.keep(found.id, link)
        except KeyringError as error:
            linked.problem = Problem.of(error)
        self.executions.choices.forget(found.id)
        return linked

    async def unlink(self, project: str) -> LinkedProject:
        """Forget a link; the answer says so where the keyring may still have it."""
        found = await self.projects.find(project)
        forgotten = LinkedProject(id=found.id, name=found.name)
        try:
            await self.links.forget(found.id)
        except KeyringError as error:
            if error.code != NONE:
                forgotten.problem = Problem.of(error)
        return forgotten

    async def _in_time(self, asking: Coroutine[Any, Any, T]) -> T:
        """What somebody waits for who wants to know whether the service answers at all."""
        try:
            async with asyncio.timeout(STATUS_SECONDS):
                return await asking
        except TimeoutError:
            raise UnavailableError(
                f"DataSphere did not answer within {STATUS_SECONDS:g} s"
                f" at {self._transport.endpoints.datasphere}.",
                hint="Is the network slow, or the service? Runs that are on are followed on meanwhile.",
            ) from None

    def _known_project(self, name_or_id: str | None) -> ProjectInfo | None:
        if name_or_id is None:
            return None
        project = self.projects.known(name_or_id)
        if project is None:
            choice = self._chosen_project.get()
            name = choice.name if choice is not None and choice.id == name_or_id else name_or_id
            return ProjectInfo(id=name_or_id, name=name)
        return ProjectInfo(id=project.id, name=project.name, community_id=project.community_id)

    async def _ping(self) -> None:
        """Raise where the service does not answer or refuses the token: ask for what cannot be there."""
        try:
            await self.client.get_project("0")
        except ServiceError as error:
            if error.code not in HIDDEN:
                raise

    async def _project_info(self, name_or_id: str | None) -> ProjectInfo | None:
        if name_or_id is None:
            await self._ping()
            return None
        project = await self.projects.find(name_or_id)
        info = ProjectInfo(id=project.id, name=project.name, community_id=project.community_id)
        _, info.channels = await asyncio.gather(
            self._tell_balance(info), self.executions.choices.findings(project.id)
        )
        return info

    async def _tell_balance(self, info: ProjectInfo) -> None:
        try:
            info.unit_balance = await self.client.get_unit_balance(info.id)
        except ServiceError as error:
            if error.code != "permission-denied":  # who may run code there need not see what is left
                raise
            info.balance_hidden = True


def transport_of(settings: Settings, retry: RetryPolicy | None = None) -> Transport:
    """HTTP to the service that the settings name. Raises `UsageError` for settings that cannot be."""
    try:
        return Transport(
            _endpoints(settings),
            verify=settings.ca_bundle or settings.verify,
            proxy=settings.proxy or None,
            timeout=settings.request_timeout,
            at_once=settings.requests_at_once,
            largest_answer=settings.max_answer_megabytes * 10**6,
            retry=msgspec.structs.replace(retry or RetryPolicy(), timeout=settings.request_timeout),
            user_agent=USER_AGENT,
        )
    except OSError as error:  # ssl's are among them
        raise UsageError(
            f"The certificates of {settings.ca_bundle} cannot be used: {error.strerror or error}.",
            hint="DataSphere.ca_bundle names a file of certificates in PEM format.",
        ) from error


def configured_by(settings: Settings, environment: Mapping[str, str]) -> Configured:
    """What settings and environment say of credentials."""
    return Configured(
        environment=environment,
        iam_token=settings.iam_token,
        oauth_token=settings.oauth_token,
        service_account_key_file=settings.service_account_key_file,
        yc_profile=settings.yc_profile,
        vm_metadata=settings.vm_metadata,
        profiles=settings.profiles,
        profile=settings.profile,
        yc_command=settings.yc_command,
        check_key_file_mode=settings.check_key_file_mode,
    )


def logins_of(endpoints: Endpoints) -> Logins:
    """The logins of this user at the service of these endpoints."""
    return Logins(Keyring(LOGINS), endpoint=endpoints.iam, marks=login_marks())


def files_of(settings: Settings, tokens: Tokens, retry: RetryPolicy | None = None) -> ProjectFiles:
    """The files of projects of the service that the settings name."""
    return ProjectFiles(
        _endpoints(settings).files,
        tokens,
        verify=settings.ca_bundle or settings.verify,
        proxy=settings.proxy or None,
        timeout=settings.request_timeout,
        retry=retry,
        user_agent=USER_AGENT,
    )


def _endpoints(settings: Settings) -> Endpoints:
    """One origin for everything where only `endpoint` is set, else each service's own default."""
    default = Endpoints()
    if settings.endpoint:
        default = Endpoints.one_origin(settings.endpoint)
    for url in (settings.endpoint, settings.operation_endpoint, settings.iam_endpoint):
        if url and not url.startswith(("http://", "https://")):
            raise UsageError(f"The endpoint {url!r} must begin with https:// or http://.")
    return Endpoints(
        datasphere=default.datasphere,
        operation=settings.operation_endpoint or default.operation,
        iam=settings.iam_endpoint or default.iam,
        files=settings.files_endpoint or default.files,
    )
