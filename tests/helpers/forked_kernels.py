"""Kernels that are forked from a process which has imported torch and matplotlib: each saves four seconds of a core.

What a notebook imports is still imported there, it only lies in memory already.
"""

import gc
import multiprocessing
import os
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner

FORKS = multiprocessing.get_context("forkserver") if "forkserver" in multiprocessing.get_all_start_methods() else None
# Torch imports _dynamo when the first optimizer is made.
IMPORTED = ["ipykernel.kernelapp", "matplotlib_inline.backend_inline", "ninelives.training", "ninelives.use_mine", "ninelives.widgets",
            "torch._dynamo"]


class ForkedKernel:
    """The part of subprocess.Popen that a provisioner uses."""

    stdin = stdout = stderr = None

    def __init__(self, arguments: list[str], cwd: str, environment: dict[str, str]) -> None:
        self.process = FORKS.Process(target=run_kernel, args=(arguments, cwd, environment), daemon=True)
        self.process.start()
        self.pid = self.process.pid

    def poll(self) -> int | None:
        return self.process.exitcode

    def wait(self) -> int | None:
        self.process.join()
        return self.process.exitcode

    def send_signal(self, signum: int) -> None:
        os.kill(self.pid, signum)


def run_kernel(arguments: list[str], cwd: str, environment: dict[str, str]) -> None:
    """In the forked process: what `python -m ipykernel_launcher` does."""
    gc.freeze()  # nothing of what is imported becomes garbage
    os.setpgrp()  # an interrupt is sent to the whole group
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:] = ["", *(path for path in sys.path if path and Path(path).name != "tests")]
    from ipykernel.kernelapp import IPKernelApp

    # A kernel that knows no parent prints how to end it by hand.
    IPKernelApp.launch_instance(argv=[*arguments, f"--IPKernelApp.parent_handle={os.getppid()}"])


class ForkedProvisioner(LocalProvisioner):
    """Asks for a forked kernel where jupyter_client's own starts a process."""

    async def launch_kernel(self, cmd: list[str], **kwargs):
        self.process = ForkedKernel(cmd[cmd.index("-f"):], str(kwargs.get("cwd") or Path.cwd()), kwargs["env"])
        self.pid = self.pgid = self.process.pid
        return self.connection_info


def use_forked_kernels() -> None:
    """From here on every kernel that this process starts is a forked one, where the system can fork."""
    if FORKS is None:
        return
    FORKS.set_forkserver_preload(IMPORTED)
    factory = KernelProvisionerFactory.instance()
    factory.provisioners["forked"] = EntryPoint("forked", f"{__name__}:ForkedProvisioner", factory.GROUP_NAME)
    factory.default_provisioner_name = "forked"
