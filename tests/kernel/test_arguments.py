from __future__ import annotations

import pytest

from jupyter_datasphere.errors import UsageError
from jupyter_datasphere.kernel.arguments import (
    CONFIG,
    NO_MAX_UNITS,
    NO_TIMEOUT,
    ConfigArguments,
    Input,
    parse_vars,
)
from jupyter_datasphere.kernel.execute_arguments import EXECUTE, parse_execute
from jupyter_datasphere.kernel.file_arguments import parse_put
from jupyter_datasphere.kernel.magics import PARSERS


def test_everything_that_a_cell_takes() -> None:
    options = parse_execute(
        """-p demo -i rows -i 'top=len(rows) // 10' -i last=rows[-1] -o best --output worst """
        "-s g1.1 --session training --timeout 1.5 --max-units 2000 --quiet",
        cell=True,
    )
    assert options.project == "demo"
    assert options.input == [Input("rows"), Input("top", "len(rows) // 10"), Input("last", "rows[-1]")]
    assert options.output == ["best", "worst"]
    assert (options.spec, options.session, options.timeout, options.quiet) == ("g1.1", "training", 1.5, True)
    assert options.max_units == 2000
    assert options.path is None


def test_the_defaults_are_fresh_each_time() -> None:
    parse_execute("-i rows -o best", cell=True)
    options = parse_execute("", cell=True)
    assert (options.input, options.output, options.session, options.timeout) == ([], [], None, None)
    assert options.max_units is None


@pytest.mark.parametrize(
    "line", ["a/b.ipynb -i week=27", "-i week=27 a/b.ipynb", "'a/b.ipynb' --input=week=27"]
)
def test_a_stored_notebook(line: str) -> None:
    options = parse_execute(line, cell=False)
    assert (options.path, options.input) == ("a/b.ipynb", [Input("week", "27")])


def test_an_expression_holds_everything_after_the_first_equals_sign() -> None:
    assert parse_execute("-i 'same = a == b'", cell=True).input == [Input("same", "a == b")]


@pytest.mark.parametrize(
    ("line", "cell", "says"),
    [
        ("--sesion main", True, "has no option --sesion. Did you mean --session?"),
        ("--sess main", True, "has no option --sess."),
        ("-z", True, "has no option -z. %ds_execute? shows the options."),
        ("-i", True, "expected one argument"),
        ("-i 2x=1", True, "'2x' cannot be the name of a variable"),
        ("-o class", True, "'class' cannot be the name of a variable"),
        (
            "-i __name__=1",
            True,
            "'__name__' is a name that Python needs for itself. Give the variable another",
        ),
        ("-i __builtins__", True, "'__builtins__' is a name that Python needs"),
        ("-o __builtins__", True, "'__builtins__' is a name that Python needs"),
        ("-i get_ipython=1", True, "'get_ipython' is a name that IPython needs over there"),
        ("-i x=", True, "no expression after the equals sign"),
        ("-i x -i x=2", True, "'x' is named twice"),
        ("-o x -o x", True, "'x' is named twice"),
        ("-i 'x", True, "quote in the line of the magic is not closed"),
        ("--timeout soon", True, "number of seconds above 0, or none, not 'soon'"),
        ("--max-units 0", True, "whole number above 0, or none, not '0'"),
        ("--max-units 1.5", True, "whole number above 0, or none, not '1.5'"),
        ("--timeout 0", True, "number of seconds above 0"),
        ("--timeout -5", True, "number of seconds above 0"),
        ("--timeout inf", True, "number of seconds above 0"),
        ("--timeout nan", True, "number of seconds above 0"),
        ("a.ipynb", True, "PATH belongs to %ds_execute"),
        ("-i d={'k': 1}", True, "with spaces is put in quotes"),
        ("-o a b", True, "'b' is one word too many"),
        ("--cell c1", True, "--cell belongs to %ds_execute"),
        ("--direct", True, "--direct belongs to %ds_execute"),
        ("", False, "either a stored notebook (PATH.ipynb) or a stored cell (--cell ID)"),
        ("a.ipynb --cell c1", False, "either a stored notebook"),
        ("a.ipynb b.ipynb", False, "'b.ipynb' is one word too many"),
        ("--cell c1 --session main", False, "--session has no meaning"),
        ("a.ipynb --direct --session main", False, "--session has no meaning"),
        ("--cell c1 --direct", False, "--direct is for notebooks"),
        ("--save x.ipynb", True, "--save is for a notebook that runs cell by cell"),
        ("--cell c1 --save x.ipynb", False, "--save is for a notebook that runs cell by cell"),
        ("a.ipynb --direct --save x.ipynb", False, "Leave --direct out."),
        ("a.ipynb --save x.txt", False, "name a file that ends with .ipynb, not 'x.txt'"),
        ("a.ipynb --save x.ipynb --detach", False, "%ds_output ID --file PATH.ipynb"),
        ("a.ipynb --overwrite", False, "a file of --save, and there is none"),
    ],
)
def test_mistakes(line: str, cell: bool, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError) as caught:
        parse_execute(line, cell=cell)
    assert says in str(caught.value)
    assert capsys.readouterr() == ("", "")


def test_help_is_asked_for_without_anything_to_run() -> None:
    assert parse_execute("--help", cell=False).help


def test_the_help_explains_every_option_with_two_examples() -> None:
    text = EXECUTE.format_help()
    for action in EXECUTE.options().values():
        assert action.option_strings[-1] in text
        if action.dest != "help":
            assert action.help and action.help.split("; for example: ")[1].count(" or: ") == 1
    assert text.count("\n  %") >= 2


@pytest.mark.parametrize("name", sorted(PARSERS))
def test_no_line_of_a_help_ends_in_the_middle_of_a_word(name: str) -> None:
    lines = PARSERS[name].format_help().splitlines()
    assert [line for line in lines if line.endswith("-") and not line.endswith(" -")] == []


def test_what_the_settings_say_can_be_taken_back() -> None:
    assert parse_execute("", cell=True).quiet is None
    assert parse_execute("--no-quiet", cell=True).quiet is False
    assert parse_execute("--timeout none", cell=True).timeout == NO_TIMEOUT
    assert parse_execute("--max-units none", cell=True).max_units == NO_MAX_UNITS


@pytest.mark.parametrize("line", ["spec", "--rest", "spec=g1.1 -x"])
def test_mistakes_of_config(line: str) -> None:
    with pytest.raises(UsageError):
        CONFIG.parse(line, ConfigArguments())


def test_names_and_options_mix_in_any_order() -> None:
    options = parse_vars("a --session s b -p demo")
    assert (options.names, options.session, options.project) == (["a", "b"], "s", "demo")


def test_two_dashes_end_the_options() -> None:
    options = parse_put("--force -- -dash.txt --force")
    assert (options.local, options.remote, options.force) == ("-dash.txt", "--force", True)
    assert parse_put("a -- -b").remote == "-b"
    assert parse_put("-- -- -p").local == "--"
    for line, says in (("-- a b -c", "'-c' is one word too many"), ("-dash.txt", "-- before it")):
        with pytest.raises(UsageError, match=says):
            parse_put(line)


@pytest.mark.parametrize("line", ["--session s --notebook n.ipynb", "a.b", "--wher x"])
def test_mistakes_of_vars(line: str) -> None:
    with pytest.raises(UsageError):
        parse_vars(line)
