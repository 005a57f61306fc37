"""The demo: JupyterLab on the emulator with everything set, and the same without a screen as a check."""
