"""Files that go to a project and come from there: `%ds_get`, `%ds_put`, and what a notebook takes along."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ..errors import ConflictError, UnavailableError, UsageError
from .bar import Bar, amount
from .bundle import Bundle, Outgoing, file_here
from .describe import duration
from .interrupts import Interrupted, interruptible
from .link import Link
from .local_paths import local_path, shown
from .progress import watched
from .settings import Settings
from .transfers import Tell, download, exists, upload

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

LONG = 1.0
"""Seconds from which on the summary says how long it took."""


class Moving:
    """One per kernel."""

    def __init__(self, shell: InteractiveShell, link: Link, settings: Settings) -> None:
        self._shell = shell
        self._link = link
        self._settings = settings
        self._all_gone = False
        """Whether the last byte of the upload has left."""

    def get(self, remote: str, local: str | None, project: str | None, *, force: bool) -> None:
        """Download a file. Raises as `transfers.download`, and `Interrupted`."""
        target = target_of(remote, local)

        def move(tell: Tell) -> int:
            return download(self._link, remote, project, target, overwrite=force, tell=tell)

        as_it_was = f"{shown(target)} is as it was"
        try:
            with self._interruptible(lambda: as_it_was), _for_a_folder("name a file in it."):
                words = f"{shown(remote)} → {shown(target)}"
                self._move(words, target.name, move, quiet=self._settings.quiet)
        except UnavailableError as error:
            error.hint = f"{error.hint or ''} {as_it_was}; the next %ds_get begins anew.".strip()
            raise

    def put(self, local: str, remote: str | None, project: str | None, *, force: bool) -> None:
        """Upload a file. Raises as `transfers.upload`, and `Interrupted`."""
        source = file_here(local)
        path = name_over_there(source, remote)
        self._all_gone = False
        into = f"write {shown(path)}/ to put the file into it."
        with self._interruptible(lambda: self._left_behind(path)), _for_a_folder(into):
            # Asked in any case, so that what stands in the way is told before a byte moves.
            if exists(self._link, path, project) and not force:
                raise ConflictError(
                    f"{path!r} is in the project already, and was left as it is.",
                    code="file-exists",
                    hint="Choose another name, or have it replaced with --force.",
                )
            self._send(Outgoing(source, path), project, overwrite=force, quiet=self._settings.quiet)

    def send_all(self, bundle: Bundle, project: str | None, *, quiet: bool) -> None:
        """Upload the files one after the other, replacing what is there. Raises at the first that fails."""
        sent: list[str] = []
        with self._interruptible(lambda: f"nothing was run; sent before: {', '.join(sent) or 'nothing'}"):
            for file in bundle.files:
                exists(self._link, file.remote, project)  # raises what stands in the way, before a byte moves
            for file in bundle.files:
                # Who does not look on gets what the notebook put out and nothing else.
                self._send(file, project, overwrite=True, quiet=quiet or not watched(self._shell))
                sent.append(shown(file.remote))

    def _send(self, file: Outgoing, project: str | None, *, overwrite: bool, quiet: bool) -> None:
        def move(tell: Tell) -> int:
            def tell_too(done: int, total: int | None) -> None:
                self._all_gone = done == total
                tell(done, total)

            self._all_gone = False
            return upload(self._link, file.local, file.remote, project, overwrite=overwrite, tell=tell_too)

        words = f"{shown(file.local)} → project: {shown(file.remote)}"
        self._move(words, file.local.name, move, quiet=quiet)

    def _move(self, words: str, name: str, move: Callable[[Tell], int], *, quiet: bool) -> None:
        bar = Bar.for_shell(self._shell, shown(name), quiet=quiet)
        bar.start()
        try:
            size = move(bar.tell)
            summary = f"{words} · {amount(size)}"
            if bar.elapsed >= LONG:
                summary += f" in {duration(bar.elapsed)}, {amount(round(size / bar.elapsed))}/s"
            if not bar.finish(summary) and not quiet:
                self._shell.display_pub.publish({"text/plain": summary})
        finally:
            bar.finish()

    def _left_behind(self, path: str) -> str:
        """What became of an upload that was interrupted."""
        if self._all_gone:
            return f"{shown(path)} had been sent when that came: it may have arrived, as a whole"
        return f"{shown(path)} in the project is as it was"

    @contextmanager
    def _interruptible(self, words: Callable[[], str]) -> Iterator[None]:
        """Within it, an interrupt of the user ends the transfer, with these words."""
        with interruptible():
            try:
                yield
            except KeyboardInterrupt:
                self._link.reset()  # by which the server learns of it
                raise Interrupted(words()) from None


@contextmanager
def _for_a_folder(remedy: str) -> Iterator[None]:
    """Within it, the refusal of a path that may be a folder over there gets the remedy for that."""
    try:
        yield
    except (ConflictError, UsageError) as error:
        by_link = error.code == "bad-path" and "folder" in error.message  # our own words
        if error.hint is None and (by_link or error.code == "failed-precondition"):
            error.hint = f"If it is a folder over there, {remedy}"
        raise


def target_of(remote: str, local: str | None) -> Path:
    """The file here that a download is for. Raises `UsageError`."""
    name = PurePosixPath(remote).name
    if remote.endswith("/") or name in ("", ".", ".."):
        raise UsageError(f"{remote!r} names no file.", hint="Folders are not downloaded: name a file in it.")
    folder = local_path(local or ".")
    if local is not None and not folder.is_dir():
        if local.endswith(("/", "\\")):
            raise UsageError(f"There is no folder {local}.", hint="Make it first, or name another one.")
        return folder
    # A name that has a meaning of its own here must not lead elsewhere.
    if Path(name).name != name or "\0" in name:
        raise UsageError(f"{name!r} cannot be the name of a file here.", hint="Name the file: LOCAL.")
    return folder / name


def name_over_there(source: Path, remote: str | None) -> str:
    """The path in the project of a file that is sent."""
    if remote is None:
        return source.name
    if remote in (".", "/"):
        return source.name  # the top folder
    return remote + source.name if remote.endswith("/") else remote
