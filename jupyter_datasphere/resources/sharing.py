"""What the magics for roles do, once their lines are parsed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from ..errors import CredentialsError
from ..kernel.commands import Commands
from ..kernel.member_arguments import MembersArguments, OfAResource, RoleArguments
from ..kernel.steps import Steps, run
from ..kernel.tables import table, visible
from . import listing, member_file, roles, words
from . import members as calls
from .asking import agreed
from .calls import Kind
from .data import CommunityData, Difference, Member, ProjectData

T = TypeVar("T")

NOTHING = "Nothing was changed."


class Target(NamedTuple):
    """What a line is about."""

    kind: Kind
    data: CommunityData | ProjectData

    @property
    def id(self) -> str:
        return self.data.id

    def __str__(self) -> str:
        return f"{self.kind} {words.named(self.data)}"


class Inherited(NamedTuple):
    """Roles in a project that its community gives; `hidden`: this account may not see them."""

    members: Sequence[Member] = ()
    by: str = ""
    hidden: bool = False


class Sharing:
    """One per kernel."""

    def __init__(self, commands: Commands) -> None:
        self.commands = commands

    def members(self, options: MembersArguments) -> None:
        target = self._target(options)
        if options.replace is not None:
            self._replace(target, options.replace, yes=options.yes)
            return
        own = self.run(calls.members(target.kind, target.id))
        if options.json:
            text = member_file.text_of(own)
            if options.file is None:
                print(text, end="")
            else:
                member_file.write(options.file, text, overwrite=options.overwrite)
                print(f"{options.file}: {len(own):,} {'member' if len(own) == 1 else 'members'} of {target}")
            return
        rows = [(*self._row(target.kind, one), str(target)) for one in own]
        inherited = self._inherited(target)
        rows += [(*self._row("community", one), inherited.by) for one in inherited.members]
        if rows:
            self.show(table(("Role", "Subject", "Type", "Given by"), rows))
        else:
            self.say(f"Nobody has a role in {target} itself.")
        if inherited.hidden:
            self.say("Which roles its community gives in it is not shown to this account.")

    def grant(self, options: RoleArguments) -> None:
        target = self._target(options)
        assert options.role is not None and options.subject is not None  # the parser saw to it
        member = roles.member(options.role, options.subject, target.kind)
        current = self.run(calls.members(target.kind, target.id))
        if member in current:
            self.say(f"{self._described(target, member)}, already. {NOTHING}")
            return
        self._show_change(target, current, member, [*current, member])
        role = roles.in_short(member.role, target.kind)
        if options.yes or agreed(f"Give {_subject(member)} the role {role} in {target}?", "%ds_grant"):
            given = self.run(calls.grant(target.kind, target.id, member))
            self.say("Given." if given else f"Somebody else has given it meanwhile. {NOTHING}")
        else:
            self.say(NOTHING)

    def revoke(self, options: RoleArguments) -> None:
        target = self._target(options)
        assert options.role is not None and options.subject is not None  # the parser saw to it
        current = self.run(calls.members(target.kind, target.id))
        member = calls.named(current, options.role, options.subject, target.kind)
        if member not in current:
            self.say(f"{self._described(target, member, has=False)}. {NOTHING}")
            return
        self._show_change(target, current, member, [one for one in current if one != member])
        role = roles.in_short(member.role, target.kind)
        question = f"Take the role {role} in {target} from {_subject(member)}?"
        if self._agreed(self._warning(target, current, [member]), question, "%ds_revoke", yes=options.yes):
            taken = self.run(calls.revoke(target.kind, target.id, member.role, roles.subject_word(member)))
            self.say("Taken." if taken else f"Somebody else has taken it meanwhile. {NOTHING}")
        else:
            self.say(NOTHING)

    def _replace(self, target: Target, path: str, *, yes: bool) -> None:
        wanted = member_file.read(path, target.kind)
        current = self.run(calls.members(target.kind, target.id))
        changes = calls.difference(current, wanted)
        if not changes:
            self.say(f"The members of {target} are those of {path}. {NOTHING}")
            return
        rows = [("add", *self._row(target.kind, one)) for one in changes.added]
        rows += [("remove", *self._row(target.kind, one)) for one in changes.removed]
        self.show(table(("Change", "Role", "Subject", "Type"), rows))
        question = f"Replace the members of {target}: {_counts(changes)}?"
        warning = self._warning(target, current, changes.removed)
        if not self._agreed(warning, question, "%ds_members --replace", yes=yes):
            self.say(NOTHING)
            return
        # What was shown is what is changed: if the members are others by now, that is an error.
        done = self.run(calls.replace(target.kind, target.id, wanted, expected=current))
        self.say(f"Replaced: {_counts(done)}.")

    # Inside

    def project(self, named: str | None) -> ProjectData:
        """The project that an option names, or the one in force."""
        return self.run(listing.project(named or self.commands.project_id))

    def run(self, steps: Steps[T]) -> T:
        return run(self.commands.link, steps)

    def show(self, data: dict[str, str]) -> None:
        self.commands.shell.display_pub.publish(data)

    def say(self, text: str) -> None:
        print(text, flush=True)

    def _agreed(self, warning: str, question: str, magic: str, *, yes: bool) -> bool:
        """Whether to go on; `yes` answers the question, and keeps nobody from reading the warning."""
        if not yes:
            return agreed(warning + question, magic)
        if warning:
            self.say(warning.rstrip())
        return True

    def _target(self, options: OfAResource) -> Target:
        if options.community is not None:
            return Target("community", self.run(listing.community(options.community)))
        return Target("project", self.project(options.project))

    def _inherited(self, target: Target) -> Inherited:
        """The roles that hold in a project by its community; none of a community."""
        if not isinstance(target.data, ProjectData):
            return Inherited()
        try:
            community = self.run(listing.community_by_id(target.data.community_id))
            found = self.run(calls.members("community", community.id))
        except CredentialsError as error:
            if error.code != "permission-denied":
                raise
            return Inherited(hidden=True)
        return Inherited(found, str(Target("community", community)))

    def _row(self, kind: Kind, member: Member) -> tuple[str, str, str]:
        return visible(roles.in_short(member.role, kind)), visible(member.subject), visible(member.type)

    def _show_change(
        self, target: Target, before: Sequence[Member], member: Member, after: Sequence[Member]
    ) -> None:
        row = (
            _subject(member),
            visible(member.type),
            _roles_of(member, before, target.kind),
            _roles_of(member, after, target.kind),
        )
        self.show(table((f"In {target}", "Type", "Before", "After"), [row]))

    def _described(self, target: Target, member: Member, *, has: bool = True) -> str:
        role = roles.in_short(member.role, target.kind)
        if has:
            return f"{_subject(member)} has the role {role} in {target}"
        text = f"{_subject(member)} does not have the role {role} in {target} itself"
        inherited = self._inherited(target)
        alike = f".{role.rpartition('.')[2]}"
        if any(one.subject == member.subject and one.role.endswith(alike) for one in inherited.members):
            return f"{text}, but by the {inherited.by}"
        return text

    def _warning(self, target: Target, before: Sequence[Member], taken: Sequence[Member]) -> str:
        """What comes of taking roles by which access is managed; empty where somebody keeps one surely."""
        admins = calls.admins(target.kind, before)
        lost = [one for one in taken if one in admins]
        if not lost:
            return ""
        kept = {one.subject for one in calls.admins("community", self._inherited(target).members)}
        lost = [one for one in lost if one.subject not in kept]
        if not lost:
            return ""
        who = " or ".join(_subject(one) for one in lost)
        warning = f"If you are {who}, you cannot manage access here any more afterwards"
        if len(lost) == len(admins):
            warning += f", and {target} itself has no admin left"
        return f"{warning}. "


def _roles_of(member: Member, among: Sequence[Member], kind: Kind) -> str:
    found = [
        roles.in_short(one.role, kind)
        for one in among
        if (one.subject, one.type) == (member.subject, member.type)
    ]
    return visible(", ".join(found)) or "none"


def _subject(member: Member) -> str:
    return visible(member.subject)


def _counts(changes: Difference) -> str:
    return f"{len(changes.added)} added, {len(changes.removed)} removed, {len(changes.unchanged)} unchanged"
