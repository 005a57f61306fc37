"""Which source is used: the order, and what counts as configured."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from jupyter_datasphere.credentials import chain, environment
from jupyter_datasphere.credentials.chain import Configured
from jupyter_datasphere.credentials.keyrings import Keyring
from jupyter_datasphere.credentials.logins import Logins, Mark
from jupyter_datasphere.datasphere.transport import Endpoints, Transport

IAM = "https://iam.test"

STEPS: list[tuple[str, dict[str, Any], str]] = [
    ("trait", {"iam_token": "t1.a"}, "IAM token from DataSphere.iam_token"),
    ("trait", {"oauth_token": "y0_b"}, "OAuth token from DataSphere.oauth_token"),
    (
        "trait",
        {"service_account_key_file": "/keys/c.json"},
        "service account's key file /keys/c.json from DataSphere.service_account_key_file",
    ),
    ("trait", {"yc_profile": "work"}, "`yc` CLI with its profile work (DataSphere.yc_profile)"),
    (
        "trait",
        {"vm_metadata": True},
        "metadata service of this VM at 169.254.169.254 (DataSphere.vm_metadata)",
    ),
    ("environment", {"YC_IAM_TOKEN": "t1.d"}, "IAM token from YC_IAM_TOKEN"),
    ("environment", {"YC_TOKEN": "y0_e"}, "OAuth token from YC_TOKEN"),
    ("environment", {"YC_OAUTH_TOKEN": "y0_f"}, "OAuth token from YC_OAUTH_TOKEN"),
    (
        "environment",
        {"YC_SERVICE_ACCOUNT_KEY_FILE": "/keys/g.json"},
        "service account's key file /keys/g.json from YC_SERVICE_ACCOUNT_KEY_FILE",
    ),
    ("login", {}, "OAuth token of `jupyter datasphere login`, from the system keyring"),
    ("yc", {}, "`yc` CLI with its active profile (set up on this computer)"),
    (
        "vendor",
        {},
        "metadata service of this VM at 169.254.169.254 (this machine is one of Yandex Cloud)",
    ),
]
"""Where each source is configured and how it is described, in the documented order."""


class Computer:
    """A home folder and a virtual machine of its own."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.home.mkdir()
        self.vendor = folder / "sys_vendor"
        self.vendor.write_text("QEMU\n")
        self.logins = Logins(Keyring("a test"), endpoint=IAM, marks=folder / "logins")

    def picks(self, *steps: tuple[str, dict[str, Any], str], **configured: Any) -> str | None:
        """The source in words, of all that is configured by these steps."""
        given: dict[str, Any] = dict(configured)
        variables: dict[str, str] = {}
        for kind, values, _ in steps:
            match kind:
                case "trait":
                    given |= values
                case "environment":
                    variables |= values
                case "login":
                    self.log_in()
                case "yc":
                    self.set_yc_up()
                case "vendor":
                    self.vendor.write_text("Yandex\n")
        settings = Configured(environment=variables, home=self.home, vendor_file=self.vendor, **given)
        choice = chain.pick(settings, self.logins)
        if choice is None:
            return None
        source = chain.source_of(choice, settings, self.logins, Transport(Endpoints(iam=IAM)))
        return source.description

    def log_in(self, profile: str = "") -> None:
        import msgspec

        path = self.logins._path(profile)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(msgspec.json.encode(Mark(IAM, profile, "OAuth token")))

    def set_yc_up(self) -> None:
        program = self.home / "yandex-cloud" / "bin" / "yc"
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        configuration = self.home / ".config" / "yandex-cloud" / "config.yaml"
        configuration.parent.mkdir(parents=True, exist_ok=True)
        configuration.write_text("current: default\n")


@pytest.fixture
def computer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Computer:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    return Computer(tmp_path)


@pytest.mark.parametrize("place", range(len(STEPS)))
async def test_each_source_goes_before_all_that_are_below_it(computer: Computer, place: int) -> None:
    assert computer.picks(*STEPS[place:]) == STEPS[place][2]


@pytest.mark.parametrize("place", range(len(STEPS)))
async def test_each_source_does_alone(computer: Computer, place: int) -> None:
    assert computer.picks(STEPS[place]) == STEPS[place][2]


async def test_without_any_there_is_none_and_the_error_names_the_ways(computer: Computer) -> None:
    assert computer.picks() is None
    error = chain.missing()
    assert error.code == "no-credentials"
    for word in (
        "YC_SERVICE_ACCOUNT_KEY_FILE",
        "YC_TOKEN",
        "YC_IAM_TOKEN",
        "datasphere login",
        "yc init",
        "VM",
    ):
        assert word in (error.hint or "")


async def test_blanks_are_nothing_and_an_iam_token_is_known_by_its_prefix(computer: Computer) -> None:
    assert computer.picks(("environment", {"YC_TOKEN": "  ", "YC_IAM_TOKEN": " "}, "")) is None
    token = ("environment", {"YC_TOKEN": " t1.a\n"}, "")
    assert computer.picks(token) == "IAM token from YC_TOKEN"


async def test_yc_alone_or_its_configuration_alone_is_not_set_up(computer: Computer) -> None:
    computer.set_yc_up()
    (computer.home / ".config" / "yandex-cloud" / "config.yaml").unlink()
    assert computer.picks() is None
    computer.set_yc_up()
    (computer.home / "yandex-cloud" / "bin" / "yc").chmod(0o644)
    assert computer.picks() is None


async def test_variables_name_a_profile_of_yc_and_a_metadata_service(computer: Computer) -> None:
    named = ("environment", {"YC_PROFILE": "work", "YC_METADATA_ADDR": "127.0.0.1:1"}, "")
    assert computer.picks(named) == "metadata service of this VM at 127.0.0.1:1 (YC_METADATA_ADDR)"
    assert computer.picks(named, STEPS[4]) == (
        "metadata service of this VM at 127.0.0.1:1 (DataSphere.vm_metadata)"
    )
    computer.set_yc_up()
    assert computer.picks(named) == "`yc` CLI with its profile work (YC_PROFILE)"


async def test_a_login_elsewhere_is_none_here(computer: Computer, tmp_path: Path) -> None:
    computer.log_in()
    other = Logins(Keyring("a test"), endpoint="https://iam.elsewhere", marks=tmp_path / "logins")
    assert other.find("") is None
    assert other.profiles() == {}
    assert computer.logins.profiles() == {"": "OAuth token"}


async def test_no_secret_is_in_the_repr_of_anything(computer: Computer) -> None:
    settings = Configured(environment={"YC_TOKEN": "y0_hush"}, iam_token="t1.hush", oauth_token="y0_hush")
    shown = [repr(settings), str(settings)]
    transport = Transport(Endpoints(iam=IAM))
    for changed in ({}, {"iam_token": ""}, {"iam_token": "", "oauth_token": ""}):
        given = Configured(
            environment=settings.environment, **{"iam_token": "t1.hush", "oauth_token": "y0_hush"} | changed
        )
        choice = chain.pick(given, None)
        assert choice is not None
        source = chain.source_of(choice, given, None, transport)
        shown += [repr(choice), str(choice), repr(source), str(source), source.description, source.remedy]
    assert "hush" not in " ".join(shown)


def test_credentials_are_taken_out_of_the_environment() -> None:
    variables = {
        "YC_IAM_TOKEN": "t1.a",
        "YC_TOKEN": "y0_b",
        "YC_OAUTH_TOKEN": "y0_c",
        "YC_SERVICE_ACCOUNT_KEY_FILE": "/key.json",
        "YC_PROFILE": "work",
        "YC_METADATA_ADDR": "127.0.0.1:1",
        "HOME": "/home/me",
    }
    left = dict(variables)
    taken = environment.take(left)
    assert taken == {name: value for name, value in variables.items() if name.startswith("YC_")}
    assert left == {name: variables[name] for name in ("YC_PROFILE", "YC_METADATA_ADDR", "HOME")}
    assert os.environ is not left
