"""The runner notebook's own cell, which is run again for each run.

It holds the source of the runner. To transform, hash and remember that each time would take longer than many
a run (16 ms), and 100 KB of memory and of IPython's history file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class OwnCell:
    """Makes the cell of this version cheap, from its making until `close`."""

    def __init__(self, shell: Any, version: str) -> None:
        self._shell = shell
        self._first = f"# jupyter-datasphere runner {version}\n"
        self._transforms: list[Callable[[list[str]], list[str]]] = (
            shell.input_transformer_manager.cleanup_transforms
        )
        self._transforms.insert(0, self._shortened)
        self._name: Callable[..., str] | None = getattr(shell.compile, "get_code_name", None)
        if self._name is not None:
            shell.compile.get_code_name = self._code_name
        if shell.history_manager is not None:
            shell.history_manager.enabled = False  # no line of it is worth a file

    def close(self) -> None:
        if self._shortened in self._transforms:
            self._transforms.remove(self._shortened)
        if self._name is not None:
            del self._shell.compile.get_code_name

    def forget(self) -> None:
        """Take the source out of the notebook's own history."""
        history = self._shell.history_manager
        if history is None or not history.input_hist_raw[-1].startswith(self._first):
            return
        short = self._first.rstrip()
        history.input_hist_raw[-1] = history._i00 = short
        self._shell.user_ns[f"_i{len(history.input_hist_raw) - 1}"] = short
        history.input_hist_parsed[-1] = short
        history.db_input_cache.clear()

    def _shortened(self, lines: list[str]) -> list[str]:
        return lines[-1:] if lines and lines[0] == self._first else lines

    def _code_name(self, raw_code: str, code: str, number: int) -> str:
        assert self._name is not None
        # ipykernel hashes in Python, 0.2 ms for each kilobyte.
        return self._first if raw_code.startswith(self._first) else self._name(raw_code, code, number)
