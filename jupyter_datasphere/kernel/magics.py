"""The magics: each parses its line and hands over."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar, cast

from IPython.core.magic import Magics, line_cell_magic, line_magic, magics_class, no_var_expand

from ..errors import NotFoundError, UsageError
from . import arguments, file_arguments, member_arguments, resource_arguments, run_arguments
from .address import Address
from .completion import Completion
from .execute_arguments import EXECUTE, parse_execute
from .expanding import hint_for
from .kept import value_is_kept
from .parser import Parser
from .settings import Settings

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from .commands import Commands
    from .handle import Handle

Method = TypeVar("Method", bound=Callable[..., Any])

PARSERS = {
    "ds_execute": EXECUTE,
    "ds_vars": arguments.VARS,
    "ds_history": run_arguments.HISTORY,
    "ds_attach": run_arguments.ATTACH,
    "ds_output": run_arguments.OUTPUT,
    "ds_cancel": run_arguments.CANCEL,
    "ds_get": file_arguments.GET,
    "ds_put": file_arguments.PUT,
    "ds_project": arguments.PROJECT,
    "ds_status": arguments.STATUS,
    "ds_communities": resource_arguments.COMMUNITIES,
    "ds_projects": resource_arguments.PROJECTS,
    "ds_members": member_arguments.MEMBERS,
    "ds_grant": member_arguments.GRANT,
    "ds_revoke": member_arguments.REVOKE,
    "ds_balance": resource_arguments.BALANCE,
    "ds_limits": resource_arguments.LIMITS,
    "ds_open": resource_arguments.OPEN,
    "ds_profile": arguments.PROFILE,
    "ds_config": arguments.CONFIG,
    "ds_panel": arguments.PANEL,
}


def magic(kind: Callable[..., Any], parser: Parser) -> Callable[[Method], Method]:
    """Make a method a magic of that kind, whose line is not touched before our parser reads it.

    ``%magic?`` shows the parser's help, as IPython looks for it in the docstring.
    """

    def register(method: Method) -> Method:
        @wraps(method)
        def run(self: DataSphereMagics, line: str, *cell: str | None) -> Any:
            try:
                return method(self, line, *cell)
            except (UsageError, NotFoundError) as error:
                hint = hint_for(method.__name__, line, error.message, cell=bool(cell))
                error.hint = " ".join(filter(None, (error.hint, hint))) or None
                raise

        run.__doc__ = parser.format_help()
        return cast(Method, no_var_expand(kind(run)))

    return register


@magics_class
class DataSphereMagics(Settings, Magics):
    """The magics of jupyter-datasphere; the traits are what holds where an option is left out."""

    def __init__(self, shell: InteractiveShell, address: Address) -> None:
        super().__init__(shell)
        self.address = address
        self.completion = Completion(shell, PARSERS, lambda: self.commands)
        self._shell = shell
        self._loaded: Commands | None = None

    @property
    def commands(self) -> Commands:
        if self._loaded is None:
            # Here and nowhere else, at the first use: httpx and msgspec take longer to import than all of
            # `%load_ext` may.
            from .commands import Commands

            self._loaded = Commands(self._shell, self.address, self)
        return self._loaded

    @magic(line_cell_magic, EXECUTE)
    def ds_execute(self, line: str, cell: str | None = None) -> Handle | None:
        options = parse_execute(line, cell=cell is not None)
        if options.help:
            print(self.ds_execute.__doc__)
            return None
        handle = self.commands.execute(options, cell)
        # What ran before the user's eyes is not shown once more.
        return handle if options.detach or value_is_kept() else None

    @magic(line_magic, arguments.VARS)
    def ds_vars(self, line: str) -> None:
        options = arguments.parse_vars(line)
        if options.help:
            print(self.ds_vars.__doc__)
        else:
            self.commands.variables(options)

    @magic(line_magic, run_arguments.HISTORY)
    def ds_history(self, line: str) -> None:
        options = run_arguments.parse_history(line)
        if options.help:
            print(self.ds_history.__doc__)
        else:
            self.commands.history(options)

    @magic(line_magic, run_arguments.ATTACH)
    def ds_attach(self, line: str) -> Handle | None:
        options = run_arguments.parse_run(run_arguments.ATTACH, line)
        if options.help or options.id is None:
            print(self.ds_attach.__doc__)
            return None
        handle = self.commands.joining.attach(options.id)
        return handle if value_is_kept() else None

    @magic(line_magic, run_arguments.OUTPUT)
    def ds_output(self, line: str) -> None:
        options = run_arguments.parse_output(line)
        if options.help or options.id is None:
            print(self.ds_output.__doc__)
        elif options.file is not None:
            self.commands.joining.save(options.id, options.file, overwrite=options.overwrite)
        else:
            self.commands.joining.output(options.id)

    @magic(line_magic, run_arguments.CANCEL)
    def ds_cancel(self, line: str) -> None:
        options = run_arguments.parse_run(run_arguments.CANCEL, line)
        if options.help or options.id is None:
            print(self.ds_cancel.__doc__)
        else:
            self.commands.joining.cancel(options.id)

    @magic(line_magic, file_arguments.GET)
    def ds_get(self, line: str) -> None:
        options = file_arguments.parse_get(line)
        if options.help or options.remote is None:
            print(self.ds_get.__doc__)
        else:
            self.commands.get(options.remote, options)

    @magic(line_magic, file_arguments.PUT)
    def ds_put(self, line: str) -> None:
        options = file_arguments.parse_put(line)
        if options.help or options.local is None:
            print(self.ds_put.__doc__)
        else:
            self.commands.put(options.local, options)

    @magic(line_magic, arguments.PROJECT)
    def ds_project(self, line: str) -> None:
        options = arguments.PROJECT.parse(line, arguments.ProjectArguments())
        if options.help:
            print(self.ds_project.__doc__)
        else:
            self.commands.project(options)

    @magic(line_magic, arguments.STATUS)
    def ds_status(self, line: str) -> None:
        options = arguments.STATUS.parse(line, arguments.StatusArguments())
        if options.help:
            print(self.ds_status.__doc__)
        else:
            self.commands.status(options)

    @magic(line_magic, resource_arguments.COMMUNITIES)
    def ds_communities(self, line: str) -> None:
        options = resource_arguments.COMMUNITIES.parse(line, resource_arguments.CommunitiesArguments())
        if options.help:
            print(self.ds_communities.__doc__)
        else:
            self.commands.resources.communities(options)

    @magic(line_magic, resource_arguments.PROJECTS)
    def ds_projects(self, line: str) -> None:
        options = resource_arguments.PROJECTS.parse(line, resource_arguments.ProjectsArguments())
        if options.help:
            print(self.ds_projects.__doc__)
        else:
            self.commands.resources.projects(options)

    @magic(line_magic, member_arguments.MEMBERS)
    def ds_members(self, line: str) -> None:
        options = member_arguments.parse_members(line)
        if options.help:
            print(self.ds_members.__doc__)
        else:
            self.commands.resources.members(options)

    @magic(line_magic, member_arguments.GRANT)
    def ds_grant(self, line: str) -> None:
        options = member_arguments.parse_role(member_arguments.GRANT, line)
        if options.help:
            print(self.ds_grant.__doc__)
        else:
            self.commands.resources.grant(options)

    @magic(line_magic, member_arguments.REVOKE)
    def ds_revoke(self, line: str) -> None:
        options = member_arguments.parse_role(member_arguments.REVOKE, line)
        if options.help:
            print(self.ds_revoke.__doc__)
        else:
            self.commands.resources.revoke(options)

    @magic(line_magic, resource_arguments.BALANCE)
    def ds_balance(self, line: str) -> None:
        options = resource_arguments.BALANCE.parse(line, resource_arguments.BalanceArguments())
        if options.help:
            print(self.ds_balance.__doc__)
        else:
            self.commands.resources.balance(options)

    @magic(line_magic, resource_arguments.LIMITS)
    def ds_limits(self, line: str) -> None:
        options = resource_arguments.parse_limits(line)
        if options.help:
            print(self.ds_limits.__doc__)
        else:
            self.commands.resources.limits(options)

    @magic(line_magic, resource_arguments.OPEN)
    def ds_open(self, line: str) -> None:
        options = resource_arguments.OPEN.parse(line, resource_arguments.OpenArguments())
        if options.help:
            print(self.ds_open.__doc__)
        else:
            self.commands.resources.open(options)

    @magic(line_magic, arguments.PROFILE)
    def ds_profile(self, line: str) -> None:
        options = arguments.PROFILE.parse(line, arguments.ProfileArguments())
        if options.help:
            print(self.ds_profile.__doc__)
        else:
            self.commands.profile(options)

    @magic(line_magic, arguments.CONFIG)
    def ds_config(self, line: str) -> None:
        options = arguments.CONFIG.parse(line, arguments.ConfigArguments())
        if options.help:
            print(self.ds_config.__doc__)
        else:
            self.commands.config(options)

    @magic(line_magic, arguments.PANEL)
    def ds_panel(self, line: str) -> None:
        options = arguments.PANEL.parse(line, arguments.PanelArguments())
        if options.help:
            print(self.ds_panel.__doc__)
        else:
            # By its name, as panels stand on this side of the house and not the other way round.
            import_module("jupyter_datasphere.widgets.show").show(self.commands)


def load(shell: InteractiveShell) -> None:
    magics = DataSphereMagics(shell, Address.from_environment())
    shell.register_magics(magics)
    magics.completion.install()


def unload(shell: InteractiveShell) -> None:
    manager = shell.magics_manager
    loaded = manager.registry.pop(DataSphereMagics.__name__, None)
    if loaded is None:
        return
    loaded.address.give_back()
    loaded.completion.remove()
    shell.configurables.remove(loaded)
    for kind, names in DataSphereMagics.magics.items():
        for name in names:
            manager.magics[kind].pop(name, None)
