"""The traits of the extension: ``c.DataSphere.… = …`` in a Jupyter configuration file."""

from __future__ import annotations

import os
from pathlib import Path

from jupyter_core.paths import jupyter_data_dir
from traitlets import Bool, Dict, Float, HasTraits, Int, Unicode, default

from ..datasphere.schedule import (
    LARGEST_ANSWER_MEGABYTES,
    LINK_PATIENCE,
    QUESTIONS_PER_SECOND,
    REQUESTS_AT_ONCE,
)
from ..executions.ledger import MAX_AGE_DAYS, MAX_MEGABYTES


class Settings(HasTraits):
    """Traits under `DataSphere`."""

    endpoint = Unicode(
        help="""Base URL of the DataSphere API; empty: the public service. Alone it serves operations and IAM
        too, as the emulator does. Default from the environment variable JUPYTER_DATASPHERE_ENDPOINT."""
    ).tag(config=True)
    operation_endpoint = Unicode(
        help="Base URL of the Operations API, where it is not that of `endpoint`."
    ).tag(config=True)
    iam_endpoint = Unicode(help="Base URL of the IAM API, where it is not that of `endpoint`.").tag(
        config=True
    )
    files_endpoint = Unicode(
        help="""HOST:PORT of the gRPC API for project files, where it is not that of the public service; with
        http:// in front it has no TLS and must be on this machine, as the emulator's is. None where only
        `endpoint` is set. Default from the environment variable JUPYTER_DATASPHERE_FILES_ENDPOINT."""
    ).tag(config=True)
    project = Unicode(
        help="""Name or ID of the project for those who choose none.
        Default from the environment variable JUPYTER_DATASPHERE_PROJECT."""
    ).tag(config=True)
    organization = Unicode(
        help="""ID of the organization whose communities are searched for a project's name.
        Default from the environment variable JUPYTER_DATASPHERE_ORGANIZATION."""
    ).tag(config=True)
    community = Unicode(help="ID of the one community that is searched for a project's name.").tag(
        config=True
    )
    iam_token = Unicode(
        help="""An IAM token. In a configuration file that only you can read; on a command line everybody can
        read it. Better: the environment variable YC_IAM_TOKEN, or credentials that renew themselves."""
    ).tag(config=True)
    oauth_token = Unicode(
        help="""An OAuth token; the same caution as for `iam_token`. The vendor is phasing them out. Better:
        `jupyter datasphere login`, or the environment variable YC_TOKEN."""
    ).tag(config=True)
    service_account_key_file = Unicode(
        help="""Path of the key file of a service account (an authorized key), readable by its owner only.
        Also: the environment variable YC_SERVICE_ACCOUNT_KEY_FILE."""
    ).tag(config=True)
    check_key_file_mode = Bool(
        True,
        help="""Whether a key file of this user that others may read is refused. False: for file systems
        without modes.""",
    ).tag(config=True)
    yc_profile = Unicode(
        help="""Profile of the `yc` CLI to get tokens from. Without it the active one is used, where nothing
        else is configured; the environment variable YC_PROFILE names another."""
    ).tag(config=True)
    yc_command = Unicode("yc", help="The `yc` CLI: its name on the path of the server, or its path.").tag(
        config=True
    )
    vm_metadata = Bool(
        False,
        help="""Whether tokens come from the metadata service of the VM that the server runs on. On a VM of
        Yandex Cloud it is used anyway where nothing else is configured.""",
    ).tag(config=True)
    profiles = Dict(
        help="""Named credentials, to switch between with `%ds_profile`: a dictionary from names to
        dictionaries with one of iam_token, oauth_token, service_account_key_file, yc_profile, vm_metadata."""
    ).tag(config=True)
    profile = Unicode(
        help="""Name of the profile to begin with; it goes before all other credentials.
        Default from the environment variable JUPYTER_DATASPHERE_PROFILE."""
    ).tag(config=True)
    expose_credentials = Bool(
        False,
        help="""Whether YC_IAM_TOKEN, YC_TOKEN, YC_OAUTH_TOKEN and YC_SERVICE_ACCOUNT_KEY_FILE stay in the
        environment that kernels and terminals inherit. Then whatever runs there can read them.""",
    ).tag(config=True)
    verify = Bool(True, help="Whether the service's TLS certificate is verified.").tag(config=True)
    ca_bundle = Unicode(help="File of the certificates that are trusted instead of the system's.").tag(
        config=True
    )
    proxy = Unicode(
        help="""URL of a proxy for all calls. Empty: as the environment variables HTTPS_PROXY, HTTP_PROXY and
        NO_PROXY say."""
    ).tag(config=True)
    request_timeout = Float(
        30.0,
        help="""Seconds that one call to the service may take, with all its tries and a token if it needs one;
        of a transfer of files, each step.""",
    ).tag(config=True)
    ledger_dir = Unicode(
        help="Folder of the ledger of executions. Default: datasphere/ledger in Jupyter's data folder."
    ).tag(config=True)
    ledger_max_days = Float(
        MAX_AGE_DAYS, help="Days after which a finished execution is dropped from the ledger."
    ).tag(config=True)
    ledger_max_megabytes = Int(
        MAX_MEGABYTES,
        help="""Size of this server's ledger above which finished executions are dropped, oldest first. One
        that has not ended is never dropped.""",
    ).tag(config=True)
    questions_per_second = Float(
        QUESTIONS_PER_SECOND,
        help="""How often the service is asked for news, at most, by all runs of this server together.""",
    ).tag(config=True)
    requests_at_once = Int(
        REQUESTS_AT_ONCE,
        min=1,
        help="""How many requests to the service are under way at the same time, at most, of all runs of this
        server and whatever else it asks; further ones wait for their turn.""",
    ).tag(config=True)
    max_request_megabytes = Int(
        16,
        min=1,
        help="""Size of a request to the DataSphere API itself, under /datasphere/api, above which it is
        refused. What the API takes at most is not documented.""",
    ).tag(config=True)
    max_answer_megabytes = Int(
        LARGEST_ANSWER_MEGABYTES,
        min=1,
        help="""Size of one answer of the service above which it is given up while it is read. Outputs of a
        run come in many answers.""",
    ).tag(config=True)
    idempotency_window = Float(
        3600.0,
        help="""Seconds after the first attempt during which a run whose sending was not answered is sent
        again under the same idempotency key. How long the service keeps keys is not documented.""",
    ).tag(config=True)
    link_patience = Float(
        LINK_PATIENCE,
        min=0.0,
        help="""Seconds after which a run in a project's own Jupyter server is given up, as `lost`, where that
        server cannot be reached or refuses the link's token. They count while it is tried, so not while this
        computer sleeps; a network that is away looks the same from here.""",
    ).tag(config=True)

    @default("endpoint")
    def _default_endpoint(self) -> str:
        return os.environ.get("JUPYTER_DATASPHERE_ENDPOINT", "")

    @default("files_endpoint")
    def _default_files_endpoint(self) -> str:
        return os.environ.get("JUPYTER_DATASPHERE_FILES_ENDPOINT", "")

    @default("project")
    def _default_project(self) -> str:
        return os.environ.get("JUPYTER_DATASPHERE_PROJECT", "")

    @default("profile")
    def _default_profile(self) -> str:
        return os.environ.get("JUPYTER_DATASPHERE_PROFILE", "")

    @default("organization")
    def _default_organization(self) -> str:
        return os.environ.get("JUPYTER_DATASPHERE_ORGANIZATION", "")

    @default("ledger_dir")
    def _default_ledger_dir(self) -> str:
        return str(Path(jupyter_data_dir()) / "datasphere" / "ledger")


def login_marks() -> Path:
    """The folder that says which logins the system's keyring has; the same for every server of a user."""
    return Path(jupyter_data_dir()) / "datasphere" / "logins"
