"""A Jupyter server that is killed while cells run: its kernels end with it, the runs do not."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

from support import Facts

from jupyter_datasphere.demo.kernel_client import kernel_of
from jupyter_datasphere.demo.processes import environment_for, jupyter

from .users import User

LOAD = "%load_ext jupyter_datasphere\n%ds_project demo-project\n%ds_config session=killed"
PARTS, LINES = 3, 100


def code(trace: Path, parts: list[Path]) -> str:
    return "\n".join(
        [
            "import os, time",
            f"with open({str(trace)!r}, 'a') as file: file.write('executed;')",
            f"for part, path in enumerate({[str(path) for path in parts]!r}):",
            f"    for line in range({LINES}): print(part, line)",
            "    while not os.path.exists(path): time.sleep(0.01)",
            "result = 'all of it'",
        ]
    )


async def test_a_run_is_joined_after_each_of_two_kills(emulator: Facts, tmp_path: Path) -> None:
    folder = tmp_path / "notebooks"
    folder.mkdir()
    trace, parts = tmp_path / "trace", [tmp_path / f"part-{number}" for number in range(PARTS)]
    options = [f"--DataSphere.ledger_dir={tmp_path / 'ledger'}"]
    environment = environment_for(emulator)
    cell = f"%%ds_execute -o result\n{code(trace, parts)}"
    for part in range(PARTS - 1):
        with (
            jupyter("server", folder, environment, options=options) as server,
            suppress(ConnectionError),  # who ends the kernel finds no server
        ):
            async with kernel_of(server) as kernel:
                user = User(kernel, server)
                await user.run(LOAD)
                await (await user.start(cell)).until_text(f"{part} {LINES - 1}\n")
                [execution] = await user.executions()
                os.kill(server["pid"], signal.SIGKILL)
        parts[part].touch()
        cell = f"%ds_attach {execution['id']}"
    parts[-1].touch()
    with jupyter("server", folder, environment, options=options) as server:
        async with kernel_of(server) as kernel:
            user = User(kernel, server)
            await user.run(LOAD)
            joined = await user.run(cell)
            assert not joined.error, joined.error
            assert joined.text() == "".join(
                f"{part} {line}\n" for part in range(PARTS) for line in range(LINES)
            )
            assert await user.value("result") == "all of it"
            [execution] = await user.executions()
            assert execution["state"] == "succeeded"
    assert trace.read_text() == "executed;"
