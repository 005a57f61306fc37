"""The options of `%ds_execute`, and what of them goes together."""

from __future__ import annotations

import argparse

from ..errors import UsageError
from .arguments import ExecuteArguments, add_channel, add_project, input_of, seconds_of, units_of
from .parser import Parser, variable_name

EXECUTE = Parser(
    "ds_execute",
    usage="%%ds_execute [options]             and code in the lines below\n"
    "       %ds_execute PATH.ipynb [options]   a stored notebook, cell by cell\n"
    "       %ds_execute --cell ID [options]    one stored cell",
    description=(
        "Run code in the DataSphere project. Its output appears here while it runs; what it raises\n"
        "is raised here as RemoteExecutionError; interrupting the cell cancels the run.\n"
        "What options leave open is as %ds_config says."
    ),
    examples=(
        "  %%ds_execute -i rows -i top='len(rows) // 10' -i unit=\"kg\" -o best\n"
        "  best = sorted(rows)[-top:]\n"
        "\n"
        "  %ds_execute reports/weekly.ipynb -i week=27 -o summary --spec g1.1 --timeout 600\n"
        "  %ds_execute reports/weekly.ipynb --save weekly-run.ipynb\n"
        "\n"
        "  %ds_execute mine.ipynb --upload --with helpers.py --with data/rows.csv\n"
        "\n"
        "  report = %ds_execute reports/weekly.ipynb -o summary --detach\n"
        "  report.wait().variables['summary']"
    ),
)
EXECUTE.take(
    "path", nargs="?", metavar="PATH.ipynb", about="a notebook stored in the project, or (with --upload) here"
)
EXECUTE.take(
    "--upload",
    action="store_true",
    about="PATH.ipynb is a notebook here: send it first, as it was last saved. It and the files of --with go"
    " to the same places below the project's top folder as they have below the folder of this kernel (from"
    " elsewhere: to the top folder itself), and replace what is there under their names. Where one of them"
    " cannot be sent, nothing runs",
    examples=("report.ipynb --upload", "report.ipynb --upload --with helpers.py"),
)
EXECUTE.take(
    "--with",
    action="append",
    default=[],
    dest="along",
    metavar="PATH",
    about="with --upload: send this file, too; repeatable",
    examples=("report.ipynb --upload --with rows.csv", "--upload --with helpers.py --with data/rows.csv"),
    completes="files",
)
EXECUTE.take(
    "--cell",
    metavar="ID",
    about="run this stored cell, by the API as it is",
    examples=("--cell a1b2c3", "--cell a1b2c3 -s c1.8"),
)
EXECUTE.take(
    "--direct",
    action="store_true",
    about="let the API run the notebook as it is: no session, and only the outputs that the API gives back",
    examples=("report.ipynb --direct", "report.ipynb --direct -o total"),
)
EXECUTE.take(
    "-i",
    "--input",
    action="append",
    default=[],
    type=input_of,
    metavar="NAME[=EXPRESSION]",
    about="send a local variable, or the value of an expression (in quotes if it holds spaces), under this"
    " name; None, numbers, strings, lists and dicts with string keys can travel; repeatable",
    examples=("-i rows", '-i unit="kg" -i half="len(rows) // 2"'),
    completes="variables",
)
EXECUTE.take(
    "-o",
    "--output",
    action="append",
    default=[],
    type=variable_name,
    metavar="NAME",
    about="make this variable of the run a local one at its end (with --detach: one of the handle's"
    " .variables); repeatable",
    examples=("-o model", "-o model -o score"),
    completes="assigned",
)
add_project(EXECUTE)
EXECUTE.take(
    "-s",
    "--spec",
    metavar="SPEC",
    about="computing resources",
    examples=("-s c1.8", "--spec g1.1"),
    completes="specs",
)
EXECUTE.take(
    "--session",
    metavar="NAME",
    about="the session whose variables the code shares; a notebook has its own unless this is said",
    examples=("--session training", "report.ipynb --session main"),
    completes="sessions",
)
add_channel(EXECUTE)
EXECUTE.take(
    "--timeout",
    type=seconds_of,
    metavar="SECONDS",
    about="cancel the run after this time, and raise",
    examples=("--timeout 600", "--timeout none"),
)
EXECUTE.take(
    "--max-units",
    type=units_of,
    metavar="N",
    about="cancel the run before it passes so many units (spec times seconds, computed), and raise",
    examples=("--spec g1.1 --max-units 50000", "--max-units none"),
)
EXECUTE.take(
    "--detach",
    action="store_true",
    about="do not wait: give a handle at once, with .status, .wait(), .outputs, .text, .variables, .cancel()",
    examples=("job = %%ds_execute report.ipynb --detach", "%%%%ds_execute --detach --handle job"),
)
EXECUTE.take(
    "--handle",
    metavar="NAME",
    type=variable_name,
    about="make the handle of the run a local variable, which %%%%ds_execute could not be assigned to",
    examples=("--handle job", "--detach --handle training"),
)
EXECUTE.take(
    "--save",
    metavar="PATH.ipynb",
    about="write the executed notebook, outputs in place, to this file on this machine; of a run that fails"
    " or is cancelled, what there is",
    examples=("report.ipynb --save report-run.ipynb", "report.ipynb --save ~/runs/today.ipynb"),
)
EXECUTE.take(
    "--overwrite",
    action="store_true",
    about="replace the file of --save if it is there already",
    examples=("--save report-run.ipynb --overwrite", "--overwrite --save runs/today.ipynb"),
)
EXECUTE.take(
    "--quiet",
    action=argparse.BooleanOptionalAction,
    about="show neither a progress line nor a summary",
    examples=("--quiet", "--no-quiet"),
)


def parse_execute(line: str, *, cell: bool) -> ExecuteArguments:
    """The options of ``%ds_execute``, or of ``%%ds_execute`` if `cell`; exactly one thing to run is named."""
    options = EXECUTE.parse(line, ExecuteArguments())
    if options.help:
        return options
    if cell and options.path is not None and not options.path.endswith(".ipynb"):
        raise UsageError(
            f"{options.path!r} is one word too many.",
            hint="-i and -o take one name each; an expression with spaces is put in quotes: -i 'd={1: 2}'.",
        )
    stored = [what for what, given in (("PATH", options.path), ("--cell", options.cell)) if given is not None]
    if cell and (stored or options.direct):
        raise UsageError(
            f"%%ds_execute runs the code below it: {(stored or ['--direct'])[0]} belongs to %ds_execute.",
            hint="Run the stored notebook in a cell of its own, with one %.",
        )
    if not cell and len(stored) != 1:
        raise UsageError(
            "%ds_execute runs either a stored notebook (PATH.ipynb) or a stored cell (--cell ID).",
            hint="To run code, write it below %%ds_execute, with two %.",
        )
    if options.session is not None and (options.cell is not None or options.direct):
        raise UsageError("--session has no meaning for what the API runs as it is (--cell, --direct).")
    if options.channel is not None and (options.cell is not None or options.direct):
        raise UsageError("--channel has no meaning for what the API runs as it is (--cell, --direct).")
    if options.along and not options.upload:
        raise UsageError(
            "--with names files that go to the project together with a notebook: it needs --upload.",
            hint="%ds_put PATH sends a file by itself.",
        )
    if options.upload and options.path is None:
        raise UsageError(
            "--upload sends a notebook that is here, and then runs it: it needs PATH.ipynb.",
            hint="%ds_put PATH sends a file by itself.",
        )
    if options.direct and options.cell is not None:
        raise UsageError("--direct is for notebooks: a stored cell is always run by the API as it is.")
    _check_saving(options)
    for given in (options.output, [name for name, _ in options.input]):
        twice = next((name for name in given if given.count(name) > 1), None)
        if twice is not None:
            raise UsageError(f"{twice!r} is named twice.")
    return options


def _check_saving(options: ExecuteArguments) -> None:
    if options.save is None:
        if options.overwrite:
            raise UsageError("--overwrite says what to do with a file of --save, and there is none.")
        return
    if options.path is None or options.direct:
        raise UsageError(
            "--save is for a notebook that runs cell by cell: what else runs gives no notebook back.",
            hint="Leave --direct out." if options.direct else None,
        )
    if not options.save.endswith(".ipynb"):
        raise UsageError(
            f"--save writes a notebook: name a file that ends with .ipynb, not {options.save!r}."
        )
    if options.detach:
        raise UsageError(
            "--save writes the notebook at the end of the run, and --detach does not wait for that.",
            hint="%ds_output ID --file PATH.ipynb or the handle's .save('PATH.ipynb') writes it at any time.",
        )
