"""Seeing to it that no process outlives the emulator, however that ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


class Reaper:
    """Kills process groups and removes a folder once the emulator is gone. Starts when it is first told."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def watch(self, group: int, *, ends_by_itself: bool = False) -> None:
        """Kill this process group in the end; one that `ends_by_itself` only if it does not soon."""
        self._tell(b"~" if ends_by_itself else b"+", group)

    def forget(self, group: int) -> None:
        """This process group has ended."""
        self._tell(b"-", group)

    def close(self) -> None:
        """The end has come."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            self._process.wait()

    def _tell(self, sign: bytes, group: int) -> None:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(Path(__file__).with_name("reaper.py")), str(self._folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                bufsize=0,
                start_new_session=True,
            )
        assert self._process.stdin is not None
        self._process.stdin.write(b"%b%d\n" % (sign, group))
