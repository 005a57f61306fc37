"""Where the server extension is, and the capability that opens it.

Imports nothing but the standard library: `%load_ext` needs this page.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

URL = "JUPYTER_DATASPHERE_URL"
CAPABILITY = "JUPYTER_DATASPHERE_TOKEN"
CA = "JUPYTER_DATASPHERE_CA"


@dataclass(frozen=True)
class Address:
    """The extension's base URL, without a slash at the end, and the capability.

    The capability is left out of the repr, so that no traceback or log shows it.
    """

    url: str | None
    capability: str | None = field(default=None, repr=False)
    ca: str | None = None
    """A file of certificates to trust, for an https URL."""
    of: str = "the Jupyter server"
    """Whose it is, in words."""
    has_pages: bool = True
    """Whether a browser can be logged in there."""
    remedy: str = "Is it still running? If it was restarted: restart the kernel, too."
    """What to do when it does not answer."""

    @classmethod
    def from_environment(cls) -> Address:
        """Read what the Jupyter server handed to this kernel, and take the capability out of the environment.

        Processes that the user's code starts have no business with it.
        """
        global _taken
        url = os.environ.get(URL)
        given = cls(url.rstrip("/") if url else None, os.environ.pop(CAPABILITY, None), os.environ.get(CA))
        if given.capability is None and _taken is not None and _taken.url == given.url:
            return _taken  # by `%load_ext` before `connect()`, or the other way round
        _taken = given
        return given

    def give_back(self) -> None:
        """Put the capability back, so that the extension can be loaded again in this process."""
        if self.capability is not None:
            os.environ[CAPABILITY] = self.capability


_taken: Address | None = None
"""What this process has taken out of its environment."""
