"""DataSphere on this machine, with real kernels: for trying, teaching, testing and working offline."""

from .app import Emulator, EmulatorConfig, serve

__all__ = ["Emulator", "EmulatorConfig", "serve"]
