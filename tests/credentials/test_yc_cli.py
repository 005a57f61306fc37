"""The `yc` CLI: real programs in its place, well-behaved and not."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support import Facts, SettableClock

from jupyter_datasphere.credentials.yc_cli import YcCli
from jupyter_datasphere.errors import CredentialsError, UnavailableError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the programs are shell scripts")

TOKEN = "t1.9euelZrJicuYkozHz87JjZCXl43Lme3rnpWazZSTmsnHz8qWmo.WoCQzn4AK7hI0k-KYTDz_k4Xw9zlf"
Program = Callable[[str], str]


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """Writes a program in the place of `yc`; gives its path."""

    def write(script: str) -> str:
        path = tmp_path / "yc"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return str(path)

    return write


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


async def test_it_is_asked_as_the_vendor_says_and_for_one_profile(program: Program, tmp_path: Path) -> None:
    command = program(f'printf "%s\\n" "$@" > {tmp_path}/words; echo {TOKEN}')
    token = await YcCli("work", "a test", command=command).fetch()
    assert (token.value, token.life) == (TOKEN, None)
    assert TOKEN not in repr(token)
    words = (tmp_path / "words").read_text().split("\n")[:-1]
    assert words == ["iam", "create-token", "--no-user-output", "--profile", "work"]
    await YcCli("", "a test", command=command).fetch()
    assert (tmp_path / "words").read_text().split() == ["iam", "create-token", "--no-user-output"]


async def test_no_shell_reads_the_name_of_a_profile(program: Program, tmp_path: Path) -> None:
    command = program(f'printf "%s" "$5" > {tmp_path}/profile; echo {TOKEN}')
    name = f"a b; touch {tmp_path}/broken $(touch {tmp_path}/broken)"
    await YcCli(name, "a test", command=command).fetch()
    assert (tmp_path / "profile").read_text() == name
    assert not (tmp_path / "broken").exists()


@pytest.mark.parametrize("name", ["admin", "developer", "robot", "federated"])
async def test_the_emulators_own(emulator: Facts, name: str) -> None:
    command = str(Path(emulator["root"]) / "bin" / "yc")
    assert (await YcCli(name, "a test", command=command).fetch()).value.startswith("t1.")


async def test_a_profile_that_is_not_there(emulator: Facts) -> None:
    command = str(Path(emulator["root"]) / "bin" / "yc")
    with pytest.raises(CredentialsError, match="profile 'nobody' not found") as caught:
        await YcCli("nobody", "a test", command=command).fetch()
    assert caught.value.code == "yc"
    assert "yc config profile list" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "printed",
    [
        f"There is a new yc version '0.140.0' available.\nSee release notes\n\n{TOKEN}",
        f"WARNING: something with t1. in it\n  {TOKEN}  \nSee you",
        f"{TOKEN}\nA new version of yc is available: run yc components update\n",
        f"Предупреждение: ключ скоро истечёт\n{TOKEN}",
    ],
)
async def test_a_token_is_found_among_warnings(program: Program, printed: str) -> None:
    command = program(f"cat <<'END'\n{printed}\nEND")
    assert (await YcCli("", "a test", command=command).fetch()).value == TOKEN


async def test_what_is_said_beside_it_does_no_harm(program: Program) -> None:
    command = program(f"echo 'a warning' >&2; echo {TOKEN}; printf '\\377\\376' >&2")
    assert (await YcCli("", "a test", command=command).fetch()).value == TOKEN


async def test_a_token_of_another_form_is_taken_as_the_last_line(program: Program) -> None:
    command = program("echo 'a warning, of several words'; echo opaque-0123456789abcdef-token")
    assert (await YcCli("", "a test", command=command).fetch()).value == "opaque-0123456789abcdef-token"


async def test_with_the_setting_for_json_its_end_is_known(program: Program) -> None:
    clock = SettableClock()
    answer = {"iam_token": "0123456789", "expires_at": "2030-01-01T00:00:00.123456789Z"}
    command = program(f"echo a warning; echo '{json.dumps(answer)}'")
    token = await YcCli("", "a test", command=command, clock=clock).fetch()
    assert token.value == "0123456789"
    assert token.life == pytest.approx(1893456000 - clock.wall(), abs=60)


@pytest.mark.parametrize("printed", ["", "Hello", "no token here, sorry", "{", '{"iam_token": 7}'])
async def test_no_token_is_an_error(program: Program, printed: str) -> None:
    command = program(f"echo '{printed}'")
    with pytest.raises(CredentialsError, match="printed no token") as caught:
        await YcCli("work", "a test", command=command).fetch()
    assert "`yc iam create-token --profile work`" in (caught.value.hint or "")


async def test_one_that_fails_is_quoted_without_secrets(program: Program) -> None:
    text = (
        f"ERROR: rpc error: code = Unauthenticated, token {TOKEN} and y0_AgAAAABox0RxAATuwQ and AQVNabc123def"
    )
    command = program(f"echo '{text}' >&2; echo {TOKEN}; exit 3")
    with pytest.raises(CredentialsError, match=r"failed \(exit status 3\): ERROR: rpc error") as caught:
        await YcCli("", "a test", command=command).fetch()
    assert "yc init" in (caught.value.hint or "")
    assert str(caught.value).count("<redacted>") == 3
    for secret in ("t1.", "y0_", "AQVN"):
        assert secret not in f"{caught.value}{caught.value!r}"


async def test_one_that_fails_at_length_or_silently(program: Program) -> None:
    with pytest.raises(CredentialsError, match="exit status 1") as caught:
        await YcCli("", "a test", command=program("yes 'a long story' | head -c 5000000 >&2; exit 1")).fetch()
    assert len(str(caught.value)) < 600
    with pytest.raises(CredentialsError, match="it said nothing"):
        await YcCli("", "a test", command=program("exit 1")).fetch()
    with pytest.raises(CredentialsError, match="exit status -9"):
        await YcCli("", "a test", command=program("kill -9 $$")).fetch()


async def test_one_that_is_missing_or_cannot_be_run(program: Program, tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    source = YcCli("", "a test", command=missing)
    with pytest.raises(CredentialsError, match="There is no program") as caught:
        await source.fetch()
    assert "DataSphere.yc_command" in (caught.value.hint or "")
    Path(program(f"echo {TOKEN}")).rename(missing)  # it is installed
    assert (await source.fetch()).value == TOKEN
    broken = tmp_path / "broken"
    broken.write_text("#!/nowhere/at/all\n")
    broken.chmod(0o755)
    with pytest.raises(CredentialsError, match="cannot be run"):
        await YcCli("", "a test", command=str(broken)).fetch()
    with pytest.raises(CredentialsError, match="There is no program"):
        await YcCli("", "a test", command="a\0b").fetch()
    with pytest.raises(CredentialsError, match="cannot be run"):
        await YcCli("a\0b", "a test", command=program("")).fetch()


async def test_one_that_hangs_is_ended_with_all_that_it_has_started(program: Program, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    hanging = program(
        f"trap '' TERM INT HUP; sleep 1000 & echo $! $$ > {pids}.new; mv {pids}.new {pids}; wait; wait"
    )
    source = YcCli("work", "a test", command=hanging, patience=0.5)
    fetching = asyncio.create_task(source.fetch())
    with pytest.raises(UnavailableError, match=r"no token within 0\.5 s") as caught:
        await fetching
    assert "browser" in (caught.value.hint or "") and "--profile work" in (caught.value.hint or "")
    if pids.exists():  # it came so far
        await until(lambda: not any(alive(int(pid)) for pid in pids.read_text().split()))
    program(f"echo {TOKEN}")
    assert (await source.fetch()).value == TOKEN


async def test_who_stops_waiting_leaves_nothing_behind(program: Program, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    hanging = program(f"sleep 1000 & echo $! $$ > {pids}.new; mv {pids}.new {pids}; wait")
    fetching = asyncio.create_task(YcCli("", "a test", command=hanging).fetch())
    await until(pids.exists)
    fetching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await fetching
    await until(lambda: not any(alive(int(pid)) for pid in pids.read_text().split()))


async def test_who_stops_waiting_at_any_moment_leaves_nothing_behind(
    program: Program, tmp_path: Path
) -> None:
    command = program(f"sleep 1000.{os.getpid()}")
    for steps in range(40):
        fetching = asyncio.create_task(YcCli("", "a test", command=command).fetch())
        for _ in range(steps):
            await asyncio.sleep(0.0005 * (steps % 4))
        fetching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fetching
    await until(lambda: not running(command) and not running(f"sleep\0001000.{os.getpid()}"))


def running(words: str) -> list[int]:
    """The processes with these words in their command line."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if words.encode() in (process / "cmdline").read_bytes() and alive(int(process.name)):
                found.append(int(process.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


async def test_what_it_leaves_running_is_not_waited_for(program: Program, tmp_path: Path) -> None:
    """It may look for updates in the background, with our end of its output in its hands."""
    command = program(f"sleep 1000 & echo $! > {tmp_path}/pid; echo {TOKEN}")
    assert (await YcCli("", "a test", command=command).fetch()).value == TOKEN
    await until(lambda: not alive(int((tmp_path / "pid").read_text())))


async def test_it_gets_no_secret_of_ours_or_of_jupyters(program: Program, tmp_path: Path) -> None:
    secrets = {
        "YC_TOKEN": "hush",
        "YC_IAM_TOKEN": "hush",
        "YC_OAUTH_TOKEN": "hush",
        "JUPYTER_DATASPHERE_TOKEN": "hush",
        "JUPYTER_DATASPHERE_URL": "hush",
        "JUPYTER_TOKEN": "hush",
        "JUPYTERHUB_API_TOKEN": "hush",
        "AWS_SECRET_ACCESS_KEY": "hush",
    }
    passed = {
        "HOME": "/home/me",
        "HTTPS_PROXY": "http://proxy:1",
        "https_proxy": "http://proxy:2",
        "LC_ALL": "C",
    }
    passed["PATH"] = os.environ["PATH"]
    command = program(f"env > {tmp_path}/environment; echo {TOKEN}")
    await YcCli("", "a test", command=command, environment={**secrets, **passed}).fetch()
    lines = (tmp_path / "environment").read_text().splitlines()
    found = dict(line.split("=", 1) for line in lines)
    assert {name: found.get(name) for name in passed} == passed
    assert "hush" not in found.values()


async def test_it_reads_nothing(program: Program) -> None:
    command = program(f"cat > /dev/null; echo {TOKEN}")
    assert (await YcCli("", "a test", command=command).fetch()).value == TOKEN


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.01)
