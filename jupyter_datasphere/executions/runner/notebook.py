"""The runner notebook, made from the modules in `source`.

The notebook is one file that a user can read before uploading it: a raw cell holds the modules as they are.
The code cell holds them packed, loads them once per interpreter, and then awaits a run. It travels to the
interpreter with every run, and IPython takes its time over each line of a cell that it has not seen.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from functools import cache
from pathlib import Path

from .source import MODULES
from .source.folders import FOLDER

RUNNER_NAME = "jupyter_datasphere_runner.ipynb"

_DESCRIPTION = """\
# The runner of jupyter-datasphere

This notebook belongs to jupyter-datasphere, which shows a
DataSphere project inside a JupyterLab on somebody's own machine. When a cell there begins with
`%%ds_execute`, the service executes this notebook here. The code arrives in environment variables, runs in
a session (a namespace of its own, which stays for the next cell), and what it prints, shows, returns and
raises leaves as outputs of the last cell. Where the service does not give those back, code and outputs are
files of the folder `.jupyter-datasphere`, and so are the variables that stay for the next cell. This
runner, as Python compiled it, is kept there, too, so that a new interpreter begins sooner.

The next cell shows the source of the runner and is not run; the last one holds the same, packed, and runs it.

Leave the notebook in the top folder of the project, under its name. Running it by hand does nothing.
Version `{version}`; `jupyter datasphere runner` writes the present one.
"""

_LOAD = """\
# jupyter-datasphere runner {version}
def _jupyter_datasphere_load(package, packed):
    import hashlib
    import marshal
    import os
    import sys
    import types

    # Compiling takes most of the time. As Python does with modules, keep the result, where our folder is.
    folder = "{folder}"
    kept = os.path.join(folder, package + "." + (sys.implementation.cache_tag or "any") + ".bin")
    compiled = None
    try:
        with open(kept, "rb") as file:
            digest, code = file.read(32), file.read()
        if hashlib.sha256(code).digest() == digest:
            compiled = marshal.loads(code)
    except OSError:
        pass  # there is none yet
    if compiled is None:
        import base64
        import json
        import zlib

        sources = json.loads(zlib.decompress(base64.b64decode(packed)))
        compiled = dict()
        for name, source in sources.items():
            compiled[name] = compile(source, "<" + package + name + ">", "exec")
        code = marshal.dumps(compiled)
        new = kept + "." + str(os.getpid()) + ".new"
        try:
            if os.path.isdir(folder):
                try:
                    with open(new, "wb") as file:
                        file.write(hashlib.sha256(code).digest() + code)
                    os.replace(new, kept)
                finally:
                    if os.path.exists(new):
                        os.remove(new)
        except OSError:
            pass  # a full or closed disk: the next interpreter compiles again
    for name, code in compiled.items():
        module = types.ModuleType(package + name)
        module.__package__ = package
        module.__path__ = []
        sys.modules[package + name] = module
        try:
            exec(code, vars(module))
        except BaseException:
            for name in compiled:
                sys.modules.pop(package + name, None)
            raise


if "{package}.run" not in __import__("sys").modules:
    _jupyter_datasphere_load("{package}", "{packed}")

"""

_RUN = 'await __import__("sys").modules["{package}.run"].run(get_ipython(), "{version}")'
_READY = 'await __import__("sys").modules["{package}.remote"].load(get_ipython(), "{version}")'
_RUN_IN_KERNEL = 'await __import__("sys").modules["{package}.remote"].run("{run}")'


def _sources() -> dict[str, str]:
    folder = Path(__file__).parent / "source"
    return {
        "": "",
        **{f".{name}": (folder / f"{name}.py").read_text(encoding="utf-8") for name in MODULES},
    }


def _version() -> str:
    content = json.dumps([_LOAD, _RUN, _READY, _RUN_IN_KERNEL, _DESCRIPTION, _sources()])
    return hashlib.sha256(content.encode()).hexdigest()[:12]


RUNNER_VERSION = _version()
"""Changes with every change of what runs in the cloud."""


def runner_cell(version: str = RUNNER_VERSION) -> str:
    """The source of the notebook's code cell."""
    return _filled(_LOAD + _RUN, version)


@cache
def kernel_loader() -> str:
    """The code that makes a kernel ready for runs; again it does nothing."""
    return _filled(_LOAD + _READY, RUNNER_VERSION)


def run_in_kernel(execution_id: str) -> str:
    """The code that runs what was put on the desk of a kernel."""
    return _RUN_IN_KERNEL.format(package=_package(RUNNER_VERSION), run=execution_id)


def _filled(template: str, version: str) -> str:
    packed = base64.b64encode(zlib.compress(json.dumps(_sources()).encode(), 9)).decode()
    return template.format(version=version, package=_package(version), folder=FOLDER, packed=packed)


def _legible() -> str:
    """All modules one after the other, as they are."""
    rule = "#" * 80
    return "\n\n".join(
        f"{rule}\n# {name[1:]}.py\n{rule}\n\n{source}" for name, source in _sources().items() if name
    )


def _package(version: str) -> str:
    return f"_jupyter_datasphere_runner_{version}"


@cache
def runner_notebook() -> bytes:
    """The notebook as a file: nbformat 4.5, the same bytes for the same version."""
    notebook = {
        "cells": [
            {
                "cell_type": "markdown",
                "id": "about",
                "metadata": {},
                "source": _lines(_DESCRIPTION.format(version=RUNNER_VERSION)),
            },
            {
                "cell_type": "raw",
                "id": "source",
                "metadata": {},
                "source": _lines(_legible()),
            },
            {
                "cell_type": "code",
                "execution_count": None,
                "id": f"run-{RUNNER_VERSION}",
                "metadata": {},
                "outputs": [],
                "source": _lines(runner_cell()),
            },
        ],
        "metadata": {
            "jupyter_datasphere": {"runner": RUNNER_VERSION},
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode()


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)
