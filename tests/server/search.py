"""Where a secret may turn up: the memory of a process, its environment and arguments, files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil

MAPPING = re.compile(r"([0-9a-f]+)-([0-9a-f]+) r\S+ \S+ \S+ \S+ *(.*)")
BLOCK = 1 << 24


def in_memory(pid: int, secrets: Iterable[bytes]) -> set[bytes]:
    """Which of the secrets the memory of a process holds."""
    wanted, found = set(secrets), set[bytes]()
    longest = max(map(len, wanted))
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for begin, end in _readable(pid):
            tail = b""
            for place in range(begin, end, BLOCK):
                try:
                    memory.seek(place)
                    block = tail + memory.read(min(BLOCK, end - place))
                except OSError:  # not there any more, or a device
                    break
                found |= {secret for secret in wanted if secret in block}
                tail = block[-longest:]
    return found


def _readable(pid: int) -> Iterator[tuple[int, int]]:
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        match = MAPPING.match(line)
        if match and match[3] not in ("[vvar]", "[vsyscall]"):
            yield int(match[1], 16), int(match[2], 16)


def in_environment(pid: int, secrets: Iterable[bytes]) -> set[bytes]:
    content = Path(f"/proc/{pid}/environ").read_bytes()
    return {secret for secret in secrets if secret in content}


def in_arguments(secrets: Iterable[bytes]) -> set[bytes]:
    """Which of the secrets an argument of any process on this machine holds, that we may look at."""
    lines = []
    for process in psutil.process_iter():
        try:
            lines.append("\0".join(process.cmdline()).encode(errors="replace"))
        except psutil.Error:
            continue
    return {secret for secret in secrets if any(secret in line for line in lines)}


def in_files(folder: Path, secrets: Iterable[bytes], *, but: Iterable[str] = ()) -> set[tuple[Path, bytes]]:
    """Which files below a folder hold which of the secrets; files named in `but` are not looked at."""
    left_out = set(but)
    return {
        (file, secret)
        for file in folder.rglob("*")
        if file.is_file() and file.name not in left_out
        for secret in secrets
        if secret in file.read_bytes()
    }
