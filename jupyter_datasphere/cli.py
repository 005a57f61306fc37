"""`jupyter datasphere …`: the command line."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from . import __version__
from .errors import DataSphereError, UsageError

PROJECT = "JUPYTER_DATASPHERE_PROJECT"
"""The environment variable that has the name or ID of the project for those who name none."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; the exit status is 0, 1 for an error of ours or 2 for a wrong command line."""
    parser = _parser()
    arguments, others = parser.parse_known_args(argv)
    arguments.others = others
    if others and arguments.run not in (_serve, _doctor, _login, _logout):
        parser.error(f"unrecognized arguments: {' '.join(others)}")
    try:
        return int(arguments.run(arguments) or 0)
    except DataSphereError as error:
        print(f"jupyter datasphere: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="jupyter datasphere",
        description="DataSphere for Jupyter: a server for editors, a demo, an emulator, the runner.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    demo = commands.add_parser(
        "demo", help="open the quickstart in JupyterLab, on the emulator", description=_demo.__doc__
    )
    demo.add_argument("--no-browser", action="store_true", help="do not open a browser")
    demo.add_argument("--port", type=_port, help="port of JupyterLab (default: as JupyterLab chooses)")
    demo.add_argument("--root", type=Path, help="folder to keep the demo in (default: a temporary one)")
    demo.add_argument(
        "--check", action="store_true", help="run the quickstart without a screen and check its outputs"
    )
    demo.set_defaults(run=_demo)

    serve = commands.add_parser(
        "serve",
        help="serve notebooks whose kernels no Jupyter server started, as those of an editor",
        description=_serve.__doc__,
        epilog="--DataSphere.NAME=VALUE sets what `c.DataSphere.NAME` sets in a Jupyter configuration file.",
    )
    serve.add_argument("--port", type=_port, default=0, help="port on 127.0.0.1 (default: a free one)")
    serve.set_defaults(run=_serve)

    link = commands.add_parser(
        "link",
        help="run a project's cells on its own Jupyter server, by its link for external IDE",
        description=_link.__doc__,
    )
    link.add_argument("--project", metavar="NAME_OR_ID", help=f"default: ${PROJECT}")
    link.add_argument("--forget", action="store_true", help="have the project's link forgotten")
    link.set_defaults(run=_link)

    login = commands.add_parser(
        "login",
        help="keep credentials in the system's keyring, for all servers of this user",
        description=_login.__doc__,
        epilog="--DataSphere.NAME=VALUE sets what `c.DataSphere.NAME` sets in a Jupyter configuration file.",
    )
    login.add_argument("--profile", default="", metavar="NAME", help="under which name (default: none)")
    by = login.add_mutually_exclusive_group()
    by.add_argument(
        "--oauth", action="store_true", help="by an OAuth token, which is asked for (the default)"
    )
    by.add_argument("--key-file", type=Path, metavar="PATH", help="by the key file of a service account")
    login.set_defaults(run=_login)

    logout = commands.add_parser(
        "logout", help="have the system's keyring forget a login", description=_logout.__doc__
    )
    logout.add_argument("--profile", default="", metavar="NAME", help="which one (default: the nameless)")
    logout.set_defaults(run=_logout)

    doctor = commands.add_parser(
        "doctor",
        help="check credentials, roles, channels, clock and reachability for a project",
        description=_doctor.__doc__,
        epilog="--DataSphere.NAME=VALUE sets what `c.DataSphere.NAME` sets in a Jupyter configuration file.",
    )
    doctor.add_argument("--project", metavar="NAME_OR_ID", help="default: as the servers' settings say")
    doctor.add_argument(
        "--full", action="store_true", help="also run one cell by each channel that works, after asking"
    )
    doctor.add_argument("--yes", action="store_true", help="with --full: do not ask")
    doctor.set_defaults(run=_doctor)

    emulator = commands.add_parser(
        "emulator", help="run DataSphere on this machine", description=_emulator.__doc__
    )
    emulator.add_argument("--root", type=Path, required=True, help="folder of its projects and state")
    emulator.add_argument("--port", type=_port, default=0, help="port on 127.0.0.1 (default: a free one)")
    emulator.add_argument(
        "--files-port", type=_port, default=0, help="port of gRPC for files (default: a free one)"
    )
    emulator.add_argument(
        "--files-paths",
        choices=("absolute", "relative", "both"),
        default="both",
        help="the form of paths that the methods for files take (default: both)",
    )
    emulator.add_argument(
        "--revision",
        choices=("2024-03", "current"),
        default="2024-03",
        help="of the API (default: 2024-03); `current` gives neither outputs nor variables back",
    )
    emulator.add_argument(
        "--start-delay", type=float, default=0.0, metavar="S", help="seconds that a project's VM takes"
    )
    emulator.add_argument(
        "--faults",
        type=Path,
        metavar="FILE",
        help="JSON with rules of what is to go wrong, and when (docs/emulator-faults.md)",
    )
    emulator.set_defaults(run=_emulator)

    runner = commands.add_parser(
        "runner", help="write the runner notebook, for uploading", description=_runner.__doc__
    )
    runner.add_argument("path", nargs="?", type=Path, help="file to write (default: in this folder)")
    runner.add_argument("--force", action="store_true", help="overwrite a file that is there")
    runner.set_defaults(run=_runner)
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return int(text)


def _demo(arguments: argparse.Namespace) -> int:
    """Start the emulator and JupyterLab with everything set, and open the quickstart notebook."""
    from .demo.check import check
    from .demo.show import show

    if arguments.check:
        return check(arguments.root)
    return show(arguments.root, port=arguments.port, browser=not arguments.no_browser)


def _serve(arguments: argparse.Namespace) -> None:
    """Run the server extension by itself, on 127.0.0.1, where the kernels of this user find it."""
    from .server.loopback import serve

    serve(arguments.port, arguments.others)


def _link(arguments: argparse.Namespace) -> None:
    """Give your running servers the link; it is read from the terminal, where it is not shown."""
    from .linking import forget, give

    project = arguments.project or os.environ.get(PROJECT)
    if not project:
        raise UsageError("Which project? None is named.", hint=f"Name it with --project, or set {PROJECT}.")
    (forget if arguments.forget else give)(project)


def _login(arguments: argparse.Namespace) -> None:
    """Try credentials at IAM, and keep them in the keyring; a token is read from the terminal or stdin."""
    from .login import login

    login(arguments.profile, arguments.others, key_file=arguments.key_file)


def _logout(arguments: argparse.Namespace) -> None:
    """Have a login forgotten; servers that use it stop within a second."""
    from .login import logout

    logout(arguments.profile, arguments.others)


def _doctor(arguments: argparse.Namespace) -> int:
    """Look at all that a run needs, and change nothing; the exit status is 1 where something failed."""
    from .doctor.command import doctor

    if arguments.yes and not arguments.full:
        raise UsageError("--yes goes with --full.")
    return doctor(arguments.project, arguments.others, full=arguments.full, agreed=arguments.yes)


def _emulator(arguments: argparse.Namespace) -> None:
    """Run the DataSphere API on 127.0.0.1, with real kernels; ROOT/emulator.json tells how to reach it."""
    from .demo.files import stored_notebooks
    from .emulator.app import EmulatorConfig, serve
    from .emulator.faults import read_rules
    from .executions.runner.notebook import runner_notebook

    if arguments.start_delay < 0:
        raise UsageError("--start-delay must not be negative.")
    config = EmulatorConfig(
        root=arguments.root,
        port=arguments.port,
        files_port=arguments.files_port,
        files_paths=arguments.files_paths,
        revision=arguments.revision,
        start_delay=arguments.start_delay,
        notebooks=stored_notebooks(),
        runner=runner_notebook(),
        faults=() if arguments.faults is None else read_rules(arguments.faults),
    )
    asyncio.run(serve(config))


def _runner(arguments: argparse.Namespace) -> None:
    """Write the notebook that runs your cells over there; upload it to the top folder of your project."""
    from .executions.runner.notebook import RUNNER_NAME, RUNNER_VERSION, runner_notebook

    path = arguments.path or Path(RUNNER_NAME)
    if path.is_dir():
        path /= RUNNER_NAME
    if path.exists() and not arguments.force:
        raise UsageError(f"{path} is there already.", hint="Overwrite it with --force.")
    try:
        path.write_bytes(runner_notebook())
    except OSError as error:
        raise UsageError(f"{path} could not be written: {error.strerror}.") from error
    print(f"{path} is the runner, version {RUNNER_VERSION}. Upload it to the top folder of your project.")


if __name__ == "__main__":
    sys.exit(main())
