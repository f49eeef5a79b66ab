"""bubblewrap, the sandbox on systems without Landlock."""

import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from ninelives.grading.readable_paths import readable_paths


@cache
def why_not() -> str | None:
    """Why bubblewrap cannot be used here; None if it can."""
    if not shutil.which("bwrap"):
        return "is not installed (Debian: apt install bubblewrap)"
    try:
        with tempfile.TemporaryDirectory() as folder:
            command = [*prefix(Path(folder), readable_paths()), sys.executable, "-c", ""]
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    except subprocess.CalledProcessError as problem:
        return f"does not work here: {problem.stderr.strip() or problem}"
    except subprocess.TimeoutExpired:
        return "does not work here: it did not answer within a minute"
    return None


def prefix(folder: Path, readable: list[str]) -> list[str]:
    """What to put before a command, so that it sees only these files and `folder`, and no network."""
    command = ["bwrap", "--unshare-all", "--die-with-parent", "--as-pid-1", "--new-session", "--proc", "/proc"]
    for path in ("/bin", "/sbin", "/lib", "/lib64"):
        if os.path.islink(path):
            command += ["--symlink", os.readlink(path), path]
    # Programs are needed while modules are imported (Python asks ldconfig for libraries); seccomp refuses them later.
    programs = ["/usr/bin", "/usr/sbin", os.path.realpath("/bin"), os.path.realpath("/sbin")]
    programs += [os.path.dirname(sys.executable), os.path.dirname(os.path.realpath(sys.executable))]
    programs.append(os.path.join(sys.prefix, "pyvenv.cfg"))
    for path in [*filter(os.path.exists, dict.fromkeys(programs)), *readable]:
        if not path.startswith("/proc/"):
            command += ["--dev-bind" if path.startswith("/dev/") else "--ro-bind", path, path]
    return [*command, "--bind", str(folder), str(folder), "--remount-ro", "/"]
