"""What the Tab key offers in the line of a magic: options, and the values of options.

Imports nothing that IPython has not imported: `%load_ext` needs this page.
"""

from __future__ import annotations

import argparse
import ast
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher

from ..errors import DataSphereError
from .local_paths import local_path
from .member_arguments import ROLES, SUBJECTS
from .parser import Parser
from .settings import CHANNELS, NAMES, SPECS

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from .commands import Commands

_MAGIC = re.compile(r"\s*(?:[\w.,\s]+=\s*)?(?P<percent>%%?)(?P<name>ds_\w+)\s+(?P<rest>.*)", re.DOTALL)


class _Place(NamedTuple):
    """Where the cursor is: the words before it, and the beginning of the word that is being typed."""

    parser: Parser
    words: list[str]
    typed: str


class Completion:
    """One per kernel."""

    def __init__(
        self, shell: InteractiveShell, parsers: Mapping[str, Parser], commands: Callable[[], Commands]
    ) -> None:
        self._shell = shell
        self._parsers = parsers
        self._commands = commands
        # IPython tells matchers from each other by an attribute, which a method cannot have.
        self._matcher = context_matcher(identifier="jupyter_datasphere")(lambda context: self.match(context))

    def install(self) -> None:
        self._shell.Completer.custom_matchers.append(self._matcher)

    def remove(self) -> None:
        self._shell.Completer.custom_matchers.remove(self._matcher)

    def match(self, context: CompletionContext) -> SimpleMatcherResult:
        """IPython's matcher: suppresses all others in the line of one of our magics."""
        place = self._place(context)
        if place is None:
            return {"completions": []}
        found = [word for word in self._candidates(place, context) if word.startswith(place.typed)]
        return {
            "completions": [SimpleCompletion(word, type="magic") for word in found],
            "matched_fragment": place.typed,
            "suppress": True,
            "ordered": True,
        }

    def _place(self, context: CompletionContext) -> _Place | None:
        line = _MAGIC.fullmatch(context.text_until_cursor)
        if line is None or line["name"] not in self._parsers:
            return None
        *words, typed = line["rest"].split(" ")
        return _Place(self._parsers[line["name"]], [word for word in words if word], typed)

    def _candidates(self, place: _Place, context: CompletionContext) -> Iterable[str]:
        parser, words, typed = place
        flag, equals, _ = typed.partition("=")
        if equals and flag.startswith("--"):  # --spec=g1.1
            return (f"{flag}={value}" for value in self._values(parser, flag, context))
        if typed.startswith("-"):
            return sorted(parser.options(), key=lambda name: (not name.startswith("--"), name))
        if words and _takes_value(parser.options().get(words[-1])):
            return self._values(parser, words[-1], context)
        action = _positional(parser, words)
        return [] if action is None else self._of(parser.completes.get(action.dest), context)

    def _values(self, parser: Parser, flag: str, context: CompletionContext) -> list[str]:
        action = parser.options().get(flag)
        return [] if action is None else self._of(parser.completes.get(action.dest), context)

    def _of(self, what: str | None, context: CompletionContext) -> list[str]:
        try:
            match what:
                case "specs":
                    return list(SPECS)
                case "settings":
                    return [*(f"spec={spec}" for spec in SPECS), *(f"{name}=" for name in NAMES)]
                case "variables":
                    hidden = self._shell.user_ns_hidden
                    return sorted(
                        name for name in self._shell.user_ns if name[0] != "_" and name not in hidden
                    )
                case "files":
                    return _files(context.text_until_cursor)
                case "assigned":
                    return _assigned(context.full_text)
                case "channels":
                    return list(CHANNELS)
                case "sessions":
                    commands = self._commands()
                    return list(dict.fromkeys([commands.settings.session, *commands.known.sessions()]))
                case "runs":
                    return self._commands().known.runs()
                case "states":
                    return self._commands().known.states()
                case "profiles":
                    return self._commands().known.profiles()
                case "communities":
                    return self._commands().resources.community_names()
                case "roles":
                    return list(ROLES)
                case "subjects":
                    return list(SUBJECTS)
                case "projects":
                    return [project.name for project in self._commands().known.projects()]
        except DataSphereError:
            pass  # nothing to offer without a server: the magic itself will say what is wrong
        return []


def _files(before: str) -> list[str]:
    """Files and folders here that the path at the end of what stands before the cursor can go on to."""
    typed = before.rsplit(" ", 1)[-1].rsplit("=", 1)[-1]
    head = typed[: typed.rfind("/") + 1]
    try:
        entries = sorted(local_path(head or ".").iterdir())
    except (OSError, ValueError):
        return []
    names = [f"{head}{entry.name}{'/' if entry.is_dir() else ''}" for entry in entries]
    # Those with spaces or quotes would need quotes around all of the word.
    return [name for name in names if not re.search(r"[\s\"']", name)]


def _positional(parser: Parser, words: list[str]) -> argparse.Action | None:
    """The argument that comes next, after these words."""
    options = parser.options()
    given = sum(
        not word.startswith("-") and not _takes_value(options.get(before))
        for before, word in zip(["", *words], words, strict=False)
    )
    positionals = parser.positionals()
    if given < len(positionals):
        return positionals[given]
    return positionals[-1] if positionals and positionals[-1].nargs == "*" else None


def _takes_value(action: argparse.Action | None) -> bool:
    return action is not None and action.nargs != 0


def _assigned(cell: str) -> list[str]:
    """Names that the code below a cell magic assigns to; none while it is no Python code."""
    try:
        tree = ast.parse(cell.partition("\n")[2])
    except SyntaxError:
        return []
    return list(
        dict.fromkeys(
            node.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        )
    )
