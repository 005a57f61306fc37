"""A stand-in for the vendor's CLI: ``yc iam create-token --no-user-output [--profile NAME]``.

Profiles are named like the emulator's accounts; without `--profile` it is `admin`. The script `bin/yc` of a
root runs this file by itself: it needs the standard library only.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

PATIENCE = 30.0
"""Seconds that the emulator has for an answer."""


def write_script(root: Path) -> None:
    """Write `bin/yc` of a root."""
    folder = root / "bin"
    folder.mkdir(exist_ok=True, mode=0o700)
    words = (sys.executable, "-I", __file__, str(root.resolve()))
    script = f'#!/bin/sh\nexec {" ".join(map(shlex.quote, words))} "$@"\n'
    new = folder / "yc.new"
    new.write_text(script)
    new.chmod(0o700)
    new.replace(folder / "yc")


def main(root: Path, argv: list[str]) -> int:
    """Print a token; the exit status is 1, with one line on stderr, where there is none."""
    parser = argparse.ArgumentParser(prog="yc")
    parser.add_argument("--profile", default="admin")
    parser.add_argument("--no-user-output", action="store_true")
    parser.add_argument("command", nargs=2, metavar="iam create-token")
    arguments = parser.parse_args(argv)
    if arguments.command != ["iam", "create-token"]:
        parser.error("this yc knows `iam create-token` only")
    try:
        facts = json.loads((root / "emulator.json").read_text())
    except FileNotFoundError:
        print(f"ERROR: the emulator of {root} does not run", file=sys.stderr)
        return 1
    if arguments.profile not in {account["name"] for account in facts["accounts"]}:
        print(f"ERROR: profile {arguments.profile!r} not found", file=sys.stderr)
        return 1
    try:
        print(_token(facts["url"], facts["control_token"], arguments.profile))
    except urllib.error.URLError as error:
        print(f"ERROR: the emulator at {facts['url']} gives no token: {error}", file=sys.stderr)
        return 1
    return 0


def _token(url: str, control_token: str, account: str) -> str:
    query = urllib.parse.urlencode({"account": account})
    request = urllib.request.Request(  # noqa: S310 - on this machine
        f"{url}/emulator/token?{query}", method="POST", headers={"Authorization": f"Bearer {control_token}"}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback needs no proxy
    with opener.open(request, timeout=PATIENCE) as answer:
        return str(json.load(answer)["iamToken"])


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
