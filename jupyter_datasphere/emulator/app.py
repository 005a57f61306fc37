"""The emulator as a whole: its folder, its parts, its start and its end.

The folder (the *root*) belongs to one emulator at a time and holds

- `emulator.json`: where a running emulator is and how to log in, readable by its user only
- `emulator.env`: the same for a shell, as the environment of a Jupyter server
- `emulator.sqlite`: see `store`; `emulator.lock`: locked while an emulator runs; `kernels.log`;
  `jupyter.log`: of the projects' own Jupyter servers
- `projects/<project ID>/`: the storage of a project; `uploads/`: files that are not complete yet
- `keys/`: key files of service accounts; `bin/yc`: see `yc_script`
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import logging
import secrets
import signal
import socket
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
from aiohttp import web

from ..datasphere.types import TokenResponse
from ..errors import ConflictError, UsageError
from .access import Access
from .accounts import Account, key_file, write_private
from .attached import Attached
from .billing import Billing
from .control import Control
from .errors import not_found
from .executions import Executions
from .faults import Faults, Rule
from .files import Files, PathForm
from .grpc_server import FileServer
from .handlers import SERVICES, Services
from .history import History
from .identity import Identity
from .jupyter_servers import JupyterServers
from .kernels import Kernels
from .notebooks import Notebooks
from .operations import Operations
from .resources import Resources
from .restrictions import Restrictions
from .routes import HOSTS, Revision, application
from .seed import Identities, identities, seed, write_runner
from .store import Store
from .yc_script import write_script

log = logging.getLogger(__name__)

ADDRESS = "127.0.0.1"
BACKLOG = 1024
SHUTDOWN_PATIENCE = 1.0
"""Seconds that requests in flight have to end when the emulator stops."""


class EmulatorConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How an emulator is to run.

    `port` 0: any free one; `files_port`, that of gRPC, likewise. `files_paths`: the form of paths that its
    methods take. `start_delay`: seconds that an interpreter takes to start besides its own time.
    `token_lifetime`: seconds that an IAM token is good for. `notebooks`: files copied into the demo project
    of a new root. `runner`: the runner notebook, written into the demo project at every start. `faults`: the
    rules that calls meet from the start.
    """

    root: Path
    port: int = 0
    files_port: int = 0
    files_paths: PathForm = "both"
    revision: Revision = "2024-03"
    start_delay: float = 0.0
    token_lifetime: float = 12 * 3600
    notebooks: tuple[Path, ...] = ()
    runner: bytes | None = None
    faults: tuple[Rule, ...] = ()


class AccountInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How to be one of the accounts: by its OAuth token or its key file, and each by `bin/yc` of the root."""

    name: str
    id: str
    type: str
    oauth_token: str = ""
    key_file: str = ""


class EmulatorInfo(msgspec.Struct, frozen=True):
    """Content of `emulator.json`. `control_token` is for the control endpoint, and new at every start.

    `files_address` is where project files are transferred by gRPC; ``http://`` says that there is no TLS.
    """

    url: str
    files_address: str
    oauth_token: str
    organization_id: str
    community_id: str
    project_id: str
    control_token: str
    accounts: tuple[AccountInfo, ...] = ()

    def environment(self) -> bytes:
        """What a Jupyter server needs to use the emulator, as lines of a shell; no value holds a quote."""
        variables = {
            "JUPYTER_DATASPHERE_ENDPOINT": self.url,
            "JUPYTER_DATASPHERE_FILES_ENDPOINT": self.files_address,
            "JUPYTER_DATASPHERE_ORGANIZATION": self.organization_id,
            "JUPYTER_DATASPHERE_PROJECT": self.project_id,
            "YC_TOKEN": self.oauth_token,
        }
        return "".join(f"export {name}='{value}'\n" for name, value in variables.items()).encode()


class Emulator:
    """DataSphere on this machine, from ``async with Emulator(config) as emulator`` to its end.

    Starting raises `UsageError` for a root that is no folder of an emulator, `ConflictError` for one that
    another emulator uses and for a port that is taken.
    """

    def __init__(self, config: EmulatorConfig) -> None:
        self.config = config
        self.calls: Counter[str] = Counter()
        """Calls so far, by the name of the method."""
        self._control = Control(
            token=secrets.token_urlsafe(32),
            calls=self.calls,
            faults=Faults(config.faults),
            restart=self._restart_soon,
            link=self._link,
            stop=self._stop_server,
            issue=self._issue,
        )
        self._info: EmulatorInfo | None = None
        self._listener: socket.socket
        self._files_port = config.files_port
        self._stack = AsyncExitStack()
        """What lasts from start to stop: the root and the port."""
        self._service = AsyncExitStack()
        """What a restart ends and makes anew."""
        self._resources: Resources
        self._jupyter: JupyterServers
        self._identity: Identity
        self._sessions: dict[str, str] = {}
        self._restarting: asyncio.Task[None] | None = None

    @property
    def info(self) -> EmulatorInfo:
        """Where it is and how to log in; known once it was started."""
        if self._info is None:
            raise RuntimeError("The emulator was not started")
        return self._info

    @property
    def url(self) -> str:
        return self.info.url

    @property
    def oauth_token(self) -> str:
        return self.info.oauth_token

    @property
    def organization_id(self) -> str:
        return self.info.organization_id

    @property
    def community_id(self) -> str:
        return self.info.community_id

    @property
    def project_id(self) -> str:
        return self.info.project_id

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Take the root, start serving, write `emulator.json`."""
        async with AsyncExitStack() as stack:
            await self._start(stack)
            self._stack = stack.pop_all()

    async def stop(self) -> None:
        """Stop serving, end all kernels, let go of the root."""
        if self._restarting is not None:
            await self._restarting
        await self._stack.aclose()

    async def _start(self, stack: AsyncExitStack) -> None:
        root = self.config.root
        _take_root(root, stack)
        info_file = root / "emulator.json"
        info_file.unlink(missing_ok=True)
        listener = stack.enter_context(_listen(self.config.port))
        stack.push_async_callback(self._end_service)
        who = await self._begin_service(listener)
        self._info = EmulatorInfo(
            url=_url(listener),
            files_address=f"http://{ADDRESS}:{self._files_port}",
            oauth_token=who.oauth_token,
            organization_id=who.organization_id,
            community_id=who.community_id,
            project_id=who.project_id,
            control_token=self._control.token,
            accounts=tuple(_account_info(account, root) for account in who.accounts),
        )
        self._listener = listener
        write_private(info_file, msgspec.json.format(msgspec.json.encode(self._info)))
        stack.callback(info_file.unlink, missing_ok=True)
        environment_file = root / "emulator.env"
        write_private(environment_file, self._info.environment())
        stack.callback(environment_file.unlink, missing_ok=True)

    async def _link(self, project_id: str) -> str:
        return await self._jupyter.link(self._resources.project(project_id).id)

    async def _stop_server(self, project_id: str) -> bool:
        return await self._jupyter.stop(self._resources.project(project_id).id)

    def _issue(self, name: str) -> TokenResponse:
        account = self._identity.named(name)
        if account is None:
            raise not_found("Account", name[:60])
        return self._identity.issue(account)

    def _restart_soon(self) -> None:
        """Begin a restart, unless one goes on already."""
        if self._restarting is None or self._restarting.done():
            self._restarting = asyncio.create_task(self._restart())

    async def _restart(self) -> None:
        try:
            await self._end_service()
            await self._begin_service(self._listener)
        except Exception:
            # Whoever connects shall be refused, and not wait for a service that does not come.
            log.exception("The restart failed; the emulator has stopped")
            await self._stack.aclose()

    async def _begin_service(self, listener: socket.socket) -> Identities:
        async with AsyncExitStack() as stack:
            who = await self._serve(stack, listener)
            self._service = stack.pop_all()
        return who

    async def _end_service(self) -> None:
        await self._service.aclose()

    async def _serve(self, stack: AsyncExitStack, listener: socket.socket) -> Identities:
        """Serve what the root holds, until `stack` is closed."""
        config, root = self.config, self.config.root
        projects = root / "projects"
        projects.mkdir(exist_ok=True)
        try:
            store = Store(root / "emulator.sqlite")
        except ValueError as error:
            raise UsageError(str(error), hint="Choose another folder with --root.") from error
        stack.callback(store.close)

        who = identities(store, root)
        write_script(root)
        self._identity = identity = Identity(
            store=store, accounts=who.accounts, secret=who.secret, lifetime=config.token_lifetime
        )
        resources = Resources(store, who.organization_id, zone_required=config.revision == "current")
        access = Access(store, who.organization_id, identity.account)
        who = seed(store, resources, access, who, projects, config.notebooks)
        if config.runner is not None:
            write_runner(projects / who.project_id, config.runner)

        history = History(store)
        operations = Operations(store)
        billing = Billing(store, history)
        notebooks = Notebooks(projects, store)
        kernels = Kernels(root)
        stack.push_async_callback(kernels.close)
        self._resources = resources
        self._jupyter = JupyterServers(root, notebooks.make_folder)
        stack.push_async_callback(self._jupyter.close)
        executions = Executions(
            notebooks=notebooks,
            kernels=kernels,
            history=history,
            operations=operations,
            billing=billing,
            keep=config.revision == "2024-03",
            start_delay=config.start_delay,
        )
        executions.abort_unfinished()
        stack.push_async_callback(executions.close)

        await self._serve_files(
            stack, Files(access, notebooks, root / "uploads", config.files_paths), identity
        )

        port = listener.getsockname()[1]
        app = application(config.revision, self._control)
        app[HOSTS] = frozenset({f"{ADDRESS}:{port}", f"localhost:{port}"})
        app[SERVICES] = Services(
            url=_url(listener),
            identity=identity,
            operations=operations,
            resources=resources,
            access=access,
            attached=Attached(store),
            restrictions=Restrictions(store),
            notebooks=notebooks,
            executions=executions,
            billing=billing,
            history=history,
            sessions=self._sessions,
        )
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_PATIENCE)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        # A second descriptor of the same socket, since aiohttp closes what it is given: the port stays ours
        # while the service restarts, and who connects meanwhile waits.
        await web.SockSite(runner, listener.dup()).start()
        return who

    async def _serve_files(self, stack: AsyncExitStack, files: Files, identity: Identity) -> None:
        """Serve gRPC, after a restart at the same port as before."""
        server = FileServer(files, identity, self._control)
        try:
            self._files_port = await server.start(ADDRESS, self._files_port)
        except OSError as error:
            raise ConflictError(
                f"Port {self._files_port} of {ADDRESS} cannot be used for files: {error.strerror or error}.",
                hint="Choose another one with --files-port; 0 takes any free one.",
            ) from error
        stack.push_async_callback(server.stop, SHUTDOWN_PATIENCE)


async def serve(config: EmulatorConfig) -> None:
    """Run an emulator until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with Emulator(config) as emulator:
        print(f"DataSphere emulator at {emulator.url} (root {config.root}); Ctrl-C ends it", flush=True)
        await stop.wait()


def _take_root(root: Path, stack: AsyncExitStack) -> None:
    """Make or check the root, and lock it; the lock ends with the process, however that ends."""
    lock = root / "emulator.lock"
    try:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        if any(root.iterdir()) and not lock.exists():
            raise UsageError(
                f"{root} holds files and is no folder of an emulator.",
                hint="Choose an empty or new folder with --root.",
            )
        file = stack.enter_context(lock.open("w"))
    except OSError as error:
        raise UsageError(
            f"{root} cannot be the folder of an emulator: {error.strerror}.",
            hint="Choose an empty or new folder with --root.",
        ) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ConflictError(
            f"Another emulator uses {root}.", hint="Stop it, or choose another folder with --root."
        ) from None


def _listen(port: int) -> socket.socket:
    """A socket that listens on loopback."""
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((ADDRESS, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        raise ConflictError(
            f"Port {port} of {ADDRESS} cannot be used: {error.strerror}.",
            hint="Choose another one with --port; 0 takes any free one.",
        ) from error
    return listener


def _url(listener: socket.socket) -> str:
    return f"http://{ADDRESS}:{listener.getsockname()[1]}"


def _account_info(account: Account, root: Path) -> AccountInfo:
    return AccountInfo(
        name=account.name,
        id=account.id,
        type=account.type,
        oauth_token=account.oauth_token,
        key_file=str(key_file(root, account)) if account.key_id else "",
    )
