"""bubblewrap in place of Landlock, where the system has none."""

import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from ninelives.grading.readable_paths import readable


@cache
def no_box() -> str | None:
    """Why bubblewrap is no help here; None where it is."""
    if not shutil.which("bwrap"):
        return "is not installed (Debian: apt install bubblewrap)"
    try:
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([*box(Path(folder)), sys.executable, "-c", ""], check=True, capture_output=True, text=True, timeout=60)
    except subprocess.CalledProcessError as problem:
        return f"does not work here: {problem.stderr.strip() or problem}"
    except subprocess.TimeoutExpired:
        return "does not work here: it gave no answer for a minute"
    return None


def box(folder: Path) -> list[str]:
    """What a command is preceded by, to run where nothing exists but what `readable()` names and `folder`, and no network."""
    command = ["bwrap", "--unshare-all", "--die-with-parent", "--as-pid-1", "--new-session", "--proc", "/proc"]
    for path in ("/bin", "/sbin", "/lib", "/lib64"):
        if os.path.islink(path):
            command += ["--symlink", os.readlink(path), path]
    # Programs are there while the course is imported (Python asks ldconfig where libraries are); none can be run after that.
    programs = ["/usr/bin", "/usr/sbin", os.path.realpath("/bin"), os.path.realpath("/sbin"), os.path.dirname(sys.executable),
                os.path.dirname(os.path.realpath(sys.executable)), os.path.join(sys.prefix, "pyvenv.cfg")]
    for path in [*filter(os.path.exists, dict.fromkeys(programs)), *readable()]:
        if not path.startswith("/proc/"):
            command += ["--dev-bind" if path.startswith("/dev/") else "--ro-bind", path, path]
    return [*command, "--bind", str(folder), str(folder), "--remount-ro", "/"]
