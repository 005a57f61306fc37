"""The program of a project's own Jupyter server.

Run as a script by `jupyter_servers.py`, with the server's options as arguments. The first line of standard
input is the server's token, which so stands in no command line, no file and no environment. The first line of
standard output is the server's port. The end of standard input is the end of the emulator, however that
came: the server then ends its kernels and itself.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading

from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from jupyter_server.serverapp import ServerApp
from traitlets.config import Config


class ProjectServer(ServerApp):
    """A plain server: what is configured and installed for other servers of this machine is not for it."""

    @property
    def config_file_paths(self) -> list[str]:
        return []

    def write_server_info_file(self) -> None:
        """Nothing: it would hold the token."""

    def write_browser_open_files(self) -> None:
        """Nothing: they would hold the token."""

    async def cleanup_kernels(self) -> None:
        """End all kernels at once, busy ones too, with what they started."""
        for kernel_id in self.kernel_manager.list_kernel_ids():
            provisioner = self.kernel_manager.get_kernel(kernel_id).provisioner
            if isinstance(provisioner, LocalProvisioner) and provisioner.pgid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(provisioner.pgid, signal.SIGKILL)
        await super().cleanup_kernels()


def end_with_the_emulator() -> None:
    """Wait for the end of standard input, then stop in order, as on a signal."""
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def tell(port: int) -> None:
    print(port, flush=True)
    os.dup2(2, 1)  # what kernels write there is for the log


def main() -> None:
    token = os.read(0, 4096).decode().strip()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for the emulator, which ends us
    app = ProjectServer.instance(config=Config({"IdentityProvider": {"token": token}}))
    app.initialize(sys.argv[1:])
    threading.Thread(target=end_with_the_emulator, daemon=True).start()
    app.io_loop.add_callback(tell, app.port)
    app.start()


if __name__ == "__main__":
    main()
