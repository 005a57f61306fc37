"""Stored notebooks: where they lie, what is in them, and the IDs of their cells.

A project's storage is a folder of this machine; over there it is `/home/jupyter/datasphere/project`. A
notebook's path is absolute over there or relative to the project, and never leads out of it: not by ``..``,
not by a symbolic link. Cell IDs are opaque, unique in the project, and stable as long as the notebook keeps
its path and the cell its nbformat ID (its position, in notebooks older than nbformat 4.5).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from ..datasphere.types import Int64, NotebookMetadata
from . import paths
from .clock import timestamp
from .errors import ApiError, Code, invalid, not_found
from .ids import derived_id
from .paths import HOME
from .store import Store

CACHE_SIZE = 1000


class CellSource(msgspec.Struct):
    """One cell as it is stored."""

    cell_type: str
    source: str | list[str] = ""
    id: str = ""
    metadata: dict[str, Any] = {}
    outputs: list[dict[str, Any]] = []

    @property
    def text(self) -> str:
        return self.source if isinstance(self.source, str) else "".join(self.source)


class Document(msgspec.Struct):
    """What the emulator reads of a notebook file (nbformat 4)."""

    nbformat: int
    cells: list[CellSource] = []
    metadata: dict[str, Any] = {}


class Cell(msgspec.Struct, frozen=True):
    """A cell with the ID that the API knows it by."""

    id: str
    content: CellSource


class Notebook(msgspec.Struct, frozen=True):
    """A notebook as it was when it was read; `path` is relative to its project."""

    path: str
    cells: list[Cell]
    metadata: dict[str, Any]

    @property
    def id(self) -> str:
        return str(HOME / self.path)

    @property
    def is_replay(self) -> bool:
        settings = self.metadata.get("datasphere_emulator")
        return isinstance(settings, dict) and settings.get("replay") is True


class Notebooks:
    """The notebooks in the storage of all projects. Reads are cached by the file's time and size."""

    def __init__(self, projects: Path, store: Store) -> None:
        self._projects = projects
        self._store = store
        self._cache: dict[Path, tuple[tuple[int, int, int], Notebook]] = {}

    def folder(self, project_id: str) -> Path:
        """The storage of a project."""
        return self._projects / project_id

    def make_folder(self, project_id: str) -> Path:
        """The storage of a project, made if it is not there."""
        folder = self.folder(project_id)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def read(self, project_id: str, path: str) -> Notebook:
        """A notebook. Codes 3 (not a path within the project), 5 (not there), 9 (not a notebook)."""
        return self._load(project_id, *self._locate(project_id, path))

    def metadata(self, project_id: str, path: str) -> NotebookMetadata:
        relative, file = self._locate(project_id, path)
        notebook = self._load(project_id, relative, file)
        self._remember_cells(project_id, notebook)
        stat = file.stat()
        modified_at = stat.st_mtime_ns // 1000
        return NotebookMetadata(
            notebook_id=notebook.id,
            # Not every file system knows when a file was made; its inode's change is no later than now.
            created_at=timestamp(min(modified_at, stat.st_ctime_ns // 1000)),
            modified_at=timestamp(modified_at),
            content_length=Int64(stat.st_size),
            cell_ids=[cell.id for cell in notebook.cells],
        )

    def find_cell(self, project_id: str, cell_id: str) -> tuple[Notebook, Cell]:
        """A cell by its ID. Code 5 if no notebook of the project has it."""
        row = self._store.one("SELECT notebook FROM cells WHERE project = ? AND id = ?", project_id, cell_id)
        if row is not None:
            found = self._cell_of(project_id, row[0], cell_id)
            if found is not None:
                return found
        root = self.folder(project_id)
        for file in sorted(root.rglob("*.ipynb")):
            relative = file.relative_to(root)
            if any(part.startswith(".") for part in relative.parts):
                continue
            found = self._cell_of(project_id, relative.as_posix(), cell_id)
            if found is not None:
                self._remember_cells(project_id, found[0])
                return found
        raise not_found("Cell", cell_id)

    def _cell_of(self, project_id: str, path: str, cell_id: str) -> tuple[Notebook, Cell] | None:
        try:
            notebook = self.read(project_id, path)
        except ApiError:  # gone, or no longer a notebook: then the cell is not there
            return None
        return next(((notebook, cell) for cell in notebook.cells if cell.id == cell_id), None)

    def _locate(self, project_id: str, path: str) -> tuple[str, Path]:
        """The path relative to the project, and the file."""
        relative = paths.relative(path, "notebookId")
        root = self.folder(project_id).resolve()
        try:
            file = (root / relative).resolve(strict=True)
        except (OSError, RuntimeError):  # not there, a name that is too long, a loop of links
            raise not_found("Notebook", path) from None
        if not file.is_relative_to(root):
            raise invalid("notebookId", "the path leads out of the project")
        if not file.is_file():
            raise not_found("Notebook", path)
        return relative, file

    def _load(self, project_id: str, relative: str, file: Path) -> Notebook:
        stat = file.stat()
        version = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        key = self.folder(project_id) / relative
        cached = self._cache.get(key)
        if cached is not None and cached[0] == version:
            return cached[1]
        try:
            document = msgspec.json.decode(file.read_bytes(), type=Document)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise _not_a_notebook(relative, str(error)) from error
        if document.nbformat != 4:
            raise _not_a_notebook(relative, f"nbformat {document.nbformat}; 4 is needed")
        notebook = Notebook(relative, _with_ids(project_id, relative, document.cells), document.metadata)
        if len(self._cache) >= CACHE_SIZE:
            self._cache.clear()
        self._cache[key] = (version, notebook)
        return notebook

    def _remember_cells(self, project_id: str, notebook: Notebook) -> None:
        known = {
            row[0]
            for row in self._store.all(
                "SELECT id FROM cells WHERE project = ? AND notebook = ?", project_id, notebook.path
            )
        }
        if known.issuperset(cell.id for cell in notebook.cells):
            return
        self._store.execute_many(
            "INSERT OR REPLACE INTO cells VALUES (?, ?, ?)",
            [(project_id, cell.id, notebook.path) for cell in notebook.cells],
        )


def _with_ids(project_id: str, path: str, sources: list[CellSource]) -> list[Cell]:
    cells: list[Cell] = []
    seen: set[str] = set()
    for position, content in enumerate(sources):
        # A copied cell may carry the ID of its original: only the first of them keeps it.
        name = content.id if content.id and content.id not in seen else f"#{position}"
        seen.add(name)
        cells.append(Cell(derived_id("cell", project_id, path, name), content))
    return cells


def _not_a_notebook(path: str, problem: str) -> ApiError:
    return ApiError(Code.FAILED_PRECONDITION, f"{path} is not a notebook: {problem}")
