"""`jupyter datasphere serve` as a user starts it in a terminal."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from support import Facts

from jupyter_datasphere.demo.processes import environment_for


class Terminal:
    """Somebody's terminal: what is started here shares a runtime folder and a ledger."""

    def __init__(self, emulator: Facts, folder: Path, environment: dict[str, str] | None = None) -> None:
        self.runtime = folder / "runtime"
        self.ledger = folder / "ledger"
        environment = environment or environment_for(emulator)
        self.environment = {**environment, "JUPYTER_RUNTIME_DIR": str(self.runtime)}
        self.environment["JUPYTER_DATASPHERE_PROJECT"] = emulator["project_id"]
        self._started: list[subprocess.Popen[str]] = []

    def type(self, *options: str) -> subprocess.Popen[str]:
        """Start `serve` and look no further."""
        command = [sys.executable, "-m", "jupyter_datasphere.cli", "serve"]
        process = subprocess.Popen(
            [*command, f"--DataSphere.ledger_dir={self.ledger}", *options],
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._started.append(process)
        return process

    def serve(self, *options: str) -> subprocess.Popen[str]:
        """Start `serve`, and return once it says that it serves."""
        process = self.type(*options)
        assert process.stdout is not None
        says = process.stdout.readline()
        assert says.startswith("DataSphere is served to the notebooks of this user at http://127.0.0.1:"), (
            says + process.stdout.read()
        )
        return process

    def close(self) -> None:
        for process in self._started:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
