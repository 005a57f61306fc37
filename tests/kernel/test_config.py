"""Defaults of a kernel: `%ds_config` and the traits under `DataSphereMagics`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from traitlets import TraitError

from jupyter_datasphere.datasphere.types import SPECS as SPECS_OF_THE_SERVICE
from jupyter_datasphere.demo.kernel_client import kernel_of
from jupyter_datasphere.kernel.settings import NAMES, SPECS, UNITS, Settings

from .conftest import Kernel, Result
from .users import Facts, User


@pytest.fixture
def loaded(kernel: Kernel) -> Iterator[Kernel]:
    kernel.run("%load_ext jupyter_datasphere")
    yield kernel
    kernel.run("get_ipython().config.pop('DataSphereMagics', None)\n%unload_ext jupyter_datasphere")


def settings(result: Result) -> dict[str, list[str]]:
    """The table's rows: value and where it comes from, by name."""
    ((kind, content),) = result.outputs
    assert kind == "display_data"
    rows = [line.split()[:3] for line in content["data"]["text/plain"].splitlines()[1:]]
    return {name: rest for name, *rest in rows}


def test_a_kernel_begins_with_the_defaults(loaded: Kernel) -> None:
    assert settings(loaded.run("%ds_config")) == {
        "spec": ["none", "default"],
        "session": ["main", "default"],
        "channel": ["auto", "default"],
        "timeout": ["none", "default"],
        "max_units": ["none", "default"],
        "quiet": ["no", "default"],
        "display_limit": ["10", "default"],
    }


def test_what_is_set_is_shown_and_taken_back(loaded: Kernel) -> None:
    line = "%ds_config spec=g1.1 timeout=600 max_units=9000 quiet=yes session=s-1 display_limit='2.5'"
    shown = settings(loaded.run(f"{line} channel=files"))
    assert shown == {
        "spec": ["g1.1", "%ds_config"],
        "session": ["s-1", "%ds_config"],
        "channel": ["files", "%ds_config"],
        "timeout": ["600", "%ds_config"],
        "max_units": ["9000", "%ds_config"],
        "quiet": ["yes", "%ds_config"],
        "display_limit": ["2.5", "%ds_config"],
    }
    shown = settings(loaded.run("%ds_config spec=none timeout=none max_units=none"))
    assert (shown["timeout"], shown["max_units"]) == (["none", "default"], ["none", "default"])
    assert settings(loaded.run("%ds_config --reset quiet=yes")) == {
        **settings(loaded.run("%ds_config")),
        "session": ["main", "default"],
        "channel": ["auto", "default"],
        "quiet": ["yes", "%ds_config"],
    }


def test_the_configuration_holds_for_good(loaded: Kernel) -> None:
    loaded.run("c = get_ipython().config\nc.DataSphereMagics.spec = 'c1.8'\nc.DataSphereMagics.quiet = True")
    assert loaded.run("%reload_ext jupyter_datasphere").outputs == []
    assert settings(loaded.run("%ds_config quiet=no"))["spec"] == ["c1.8", "configuration"]
    assert settings(loaded.run("%ds_config --reset"))["quiet"] == ["yes", "configuration"]
    loaded.run("%config DataSphereMagics.session = 'other'")
    assert settings(loaded.run("%ds_config"))["session"][0] == "other"


def test_a_configuration_that_is_wrong_is_refused(loaded: Kernel) -> None:
    loaded.run("get_ipython().config.DataSphereMagics.spec = 'c1.44'")
    refused = loaded.run("%reload_ext jupyter_datasphere")
    assert refused.reply["ename"] == "TraitError"
    assert "Did you mean c1.4" in refused.reply["evalue"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("timout=3", "no setting 'timout'. Did you mean timeout?"),
        ("spec=g1", "no computing configuration 'g1'. Did you mean"),
        ("spec=zzz", "There are c1.4"),
        ("timeout=soon", "timeout=soon does not fit. It takes a number of seconds above 0, or none."),
        ("timeout=0", "timeout must be a number above 0"),
        ("timeout=nan", "timeout must be a number above 0"),
        ("max_units=1.5", "max_units=1.5 does not fit. It takes a whole number above 0, or none."),
        ("max_units=0", "max_units must be a number above 0"),
        ("quiet=maybe", "It takes yes or no."),
        ("display_limit=-1", "display_limit must be a number above 0"),
        ("session=a/b", "A session's name has"),
        ("session=", "A session's name has"),
        ("spec", "takes NAME=VALUE, not 'spec'"),
    ],
)
def test_mistakes_change_nothing(loaded: Kernel, line: str, says: str) -> None:
    before = settings(loaded.run("%ds_config"))
    refused = loaded.run(f"%ds_config session=changed {line}")
    assert refused.reply["ename"] == "UsageError"
    assert says in refused.traceback
    assert settings(loaded.run("%ds_config")) == before


def test_every_trait_is_explained_and_the_specs_are_the_services() -> None:
    assert set(NAMES) == set(Settings().trait_names())
    assert all(trait.help and trait.metadata["config"] for trait in Settings().traits().values())
    assert {name: spec.units for name, spec in SPECS_OF_THE_SERVICE.items()} == UNITS
    assert set(SPECS) == set(SPECS_OF_THE_SERVICE)
    with pytest.raises(TraitError):
        Settings(display_limit=0)


async def test_the_settings_hold_where_an_option_is_left_out(server: Facts) -> None:
    async with kernel_of(server) as kernel:
        user = User(kernel, server)
        await user.run("%load_ext jupyter_datasphere\n%ds_project demo-project")
        await user.run("%ds_config spec=c1.8 session=s9 display_limit=0.001 timeout=1")
        cell = await user.run("%%ds_execute\nmine = 9\nprint('x' * 2000)")
        assert "exceeds 0.001 MB" in cell.text("stderr")
        execution = (await user.executions())[0]
        assert (execution["spec"], execution["source"]["session"]) == ("c1.8", "s9")
        assert "mine" in (await user.run("%ds_vars")).displays[0]["text/plain"]
        late = await user.run("%%ds_execute\nimport time\ntime.sleep(60)")
        assert "took longer than its timeout" in late.error["evalue"]
        said = await user.run(
            "%%ds_execute -s c1.4 --session s8 --timeout none\nimport time\ntime.sleep(1.5)"
        )
        assert not said.error
        execution = (await user.executions())[0]
        assert (execution["spec"], execution["source"]["session"]) == ("c1.4", "s8")
