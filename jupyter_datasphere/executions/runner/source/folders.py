"""Where files of runs and sessions are in a project, known to both sides.

::

    .jupyter-datasphere-<run>.json     what to run; uploaded before the run, taken away by it
    .jupyter-datasphere/
      runs/<run>/part-000001.json, …   its events: each a batch, whole once its name appears; the last holds
                                       the `finished` event
      runs/<run>/lock, reserve         while the run is on: who holds it lives; room for its last words
      sessions/<name>.pickle           the variables of a session, for the next interpreter
      sessions/<name>.json             a picture of them, for whoever only wants to look
      sessions/<name>.lock             held by the run that is on in that session
      <package>.<Python>.bin           the runner as Python compiled it (`notebook.py`)

The service can neither list nor delete files. So the parts of a run are asked for by their numbers, and the
request of a later run names those whose parts were collected: the runner removes them then. Whether an upload
makes folders is not known: so what is uploaded lies in the project's top folder.
"""

from __future__ import annotations

import hashlib
import re

FOLDER = ".jupyter-datasphere"
RUNS = f"{FOLDER}/runs"
SESSIONS = f"{FOLDER}/sessions"

LOCK = "lock"
RESERVE = "reserve"

OWN_FILES = re.compile(r"lock|reserve|part-\d{6,}\.json|\.new")
"""What the runner removes from the folder of a run; no other file, and no folder."""

_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ODD = re.compile(r"[^A-Za-z0-9_-]+")


def is_run(run: object) -> bool:
    """Whether this can be the ID of a run, and so the name of its folder."""
    return isinstance(run, str) and _RUN.fullmatch(run) is not None


def run_folder(run: str) -> str:
    """Folder of a run, relative to the project. Raises `ValueError` for what is no ID."""
    if not is_run(run):
        raise ValueError(f"{run!r} is no ID of a run")
    return f"{RUNS}/{run}"


def request_path(run: str) -> str:
    """The request of a run, relative to the project. Raises `ValueError` for what is no ID."""
    if not is_run(run):
        raise ValueError(f"{run!r} is no ID of a run")
    return f"{FOLDER}-{run}.json"


def part_name(number: int) -> str:
    """Name of a part in the folder of its run; they count from 1."""
    return f"part-{number:06}.json"


def part_path(run: str, number: int) -> str:
    """A part of a run, relative to the project."""
    return f"{run_folder(run)}/{part_name(number)}"


def session_name(key: str) -> str:
    """The name of a session's files, without their ending: legible, and another one for each key."""
    if _PLAIN.fullmatch(key):
        return key
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{_ODD.sub('-', key)[:40]}.{digest}"


def picture_path(key: str) -> str:
    """The picture of a session's variables, relative to the project: JSON as in the `state` channel."""
    return f"{SESSIONS}/{session_name(key)}.json"
