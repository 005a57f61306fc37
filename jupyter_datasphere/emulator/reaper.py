"""Cleans up when the emulator is gone, however that ended: kills process groups, removes the sockets' folder.

Run as a script with that folder as its argument, in a session of its own. Standard input is a pipe from the
emulator: a line ``+PGID`` enters a process group, ``-PGID`` takes it out again; the end of the pipe is the
end of the emulator. What a kernel starts belongs to its process group unless it makes a session of its own.
"""

import contextlib
import os
import shutil
import signal
import sys

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin.buffer:
        group = int(line[1:])
        if line.startswith(b"+"):
            groups.add(group)
        else:
            groups.discard(group)
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
    shutil.rmtree(sys.argv[1], ignore_errors=True)
