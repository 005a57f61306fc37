"""The pictures of the documentation, in `docs/images/`: tests take them, of what they have made sure of.

A picture that is there stays as it is, so that tests leave the work tree clean; `make screenshots` takes all anew.
"""

from __future__ import annotations

import os
from pathlib import Path

from playwright.async_api import Locator, Page

IMAGES = Path(__file__).parents[2] / "docs" / "images"
ANEW = "DATASPHERE_SCREENSHOTS"
"""Environment variable: whatever it is set to, all pictures are taken."""


def wanted(name: str) -> bool:
    return ANEW in os.environ or not (IMAGES / f"{name}.png").exists()


async def picture(name: str, what: Page | Locator) -> None:
    """Take a picture of a page, or of a part of it, where it is wanted."""
    if wanted(name):
        IMAGES.mkdir(exist_ok=True)
        await what.screenshot(path=IMAGES / f"{name}.png", animations="disabled", caret="hide")
