"""The demo: JupyterLab on the emulator with everything set, and the same without a screen as a check."""

from __future__ import annotations

from .check import check
from .show import show

__all__ = ["check", "show"]
