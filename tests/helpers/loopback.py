"""A JupyterLab on loopback, with settings of its own, asked without a browser."""

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen


def address_and_token(server: subprocess.Popen, log: Path) -> tuple[str, str]:
    """The address and token of a JupyterLab started with --port=0, read from its log. It does not print a token that was given."""
    deadline = time.monotonic() + 180  # a busy machine takes its time
    while not (found := re.search(r"(http://127\S+)/lab\S*\?token=(\S+)\n", log.read_text())):
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-2000:]}")
        time.sleep(0.1)
    return found[1], found[2]


def end(server: subprocess.Popen) -> None:
    server.terminate()
    try:
        server.wait(timeout=10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


@contextmanager
def serving(command: list[str], where: Path, settings: Path, environment: dict[str, str] | None = None) -> Iterator[Callable]:
    """Starts a command that opens JupyterLab; gives a function ask(path, body=None) -> the page as text."""
    folders = {f"JUPYTER_{name}_DIR": str(settings / name) for name in ("CONFIG", "DATA", "RUNTIME")} | (environment or {})
    settings.mkdir(exist_ok=True)
    log = settings / "lab.log"  # a file, since a pipe that is no longer read fills up and stops the server
    with log.open("w") as output:
        lab = subprocess.Popen([*command, "--no-browser", "--port=0"], cwd=where, env=os.environ | folders,
                               stdout=output, stderr=output)
    try:
        address, token = address_and_token(lab, log)

        def ask(path: str, body: dict | None = None) -> str:
            data = None if body is None else json.dumps(body).encode()
            request = Request(address + path, data=data, headers={"Authorization": f"token {token}"})
            for _ in range(600):  # the address is printed a moment before it answers
                try:
                    return urlopen(request, timeout=120).read().decode()
                except URLError as problem:
                    if not isinstance(problem.reason, ConnectionRefusedError):
                        raise
                    time.sleep(0.1)
            raise RuntimeError("JupyterLab printed its address and does not answer")

        yield ask
    finally:
        end(lab)
