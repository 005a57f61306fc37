"""The magics: each parses its line and hands over."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

from IPython.core.magic import Magics, line_cell_magic, line_magic, magics_class, no_var_expand

from . import arguments
from .address import Address

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from .commands import Commands

Method = TypeVar("Method", bound=Callable[..., None])


def magic(kind: Callable[..., Any], parser: arguments.Parser) -> Callable[[Method], Method]:
    """Make a method a magic of that kind, whose line is not touched before our parser reads it.

    ``%magic?`` shows the parser's help, as IPython looks for it in the docstring.
    """

    def register(method: Method) -> Method:
        method.__doc__ = parser.format_help()
        return cast(Method, no_var_expand(kind(method)))

    return register


@magics_class
class DataSphereMagics(Magics):
    """``%ds_execute``, ``%%ds_execute``, ``%ds_vars``, ``%ds_project`` and ``%ds_status``."""

    def __init__(self, shell: InteractiveShell, address: Address) -> None:
        super().__init__(shell)
        self.address = address
        self._shell = shell
        self._loaded: Commands | None = None

    @property
    def commands(self) -> Commands:
        if self._loaded is None:
            # Here and nowhere else, at the first use: httpx and msgspec take longer to import than all of
            # `%load_ext` may.
            from .commands import Commands

            self._loaded = Commands(self._shell, self.address)
        return self._loaded

    @magic(line_cell_magic, arguments.EXECUTE)
    def ds_execute(self, line: str, cell: str | None = None) -> None:
        options = arguments.parse_execute(line, cell=cell is not None)
        if options.help:
            print(self.ds_execute.__doc__)
        else:
            self.commands.execute(options, cell)

    @magic(line_magic, arguments.VARS)
    def ds_vars(self, line: str) -> None:
        options = arguments.VARS.parse(line, arguments.VarsArguments())
        if options.help:
            print(self.ds_vars.__doc__)
        else:
            self.commands.variables(options)

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


def load(shell: InteractiveShell) -> None:
    shell.register_magics(DataSphereMagics(shell, Address.from_environment()))


def unload(shell: InteractiveShell) -> None:
    manager = shell.magics_manager
    loaded = manager.registry.pop(DataSphereMagics.__name__, None)
    if loaded is None:
        return
    loaded.address.give_back()
    for kind, names in DataSphereMagics.magics.items():
        for name in names:
            manager.magics[kind].pop(name, None)
