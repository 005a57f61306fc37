"""Cleans up when the emulator is gone, however that ended: kills process groups, removes the sockets' folder.

Run as a script with that folder as its argument, in a session of its own. Standard input is a pipe from the
emulator: a line ``+PGID`` enters a process group, ``~PGID`` one that gets some time to end by itself,
``-PGID`` takes it out again; the end of the pipe is the end of the emulator. What a kernel starts belongs to
its process group unless it makes a session of its own.
"""

import contextlib
import os
import shutil
import signal
import sys
import time

PATIENCE = 5.0


def wait_for_the_end_of(groups: set[int]) -> None:
    deadline = time.monotonic() + PATIENCE
    while groups and time.monotonic() < deadline:
        time.sleep(0.02)
        for group in list(groups):
            try:
                os.killpg(group, 0)
            except (ProcessLookupError, PermissionError):
                groups.discard(group)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    groups: set[int] = set()
    patient: set[int] = set()
    for line in sys.stdin.buffer:
        group = int(line[1:])
        if line.startswith(b"-"):
            groups.discard(group)
            patient.discard(group)
        else:
            (groups if line.startswith(b"+") else patient).add(group)
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
    wait_for_the_end_of(patient)
    for group in patient:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
    shutil.rmtree(sys.argv[1], ignore_errors=True)
