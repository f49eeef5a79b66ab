"""Which files learners' code may read."""

import os
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path

INSTALLED = ("site-packages", "dist-packages")
ENGINE = Path(__file__).parents[1]  # the package this module is part of, which bubblewrap starts a process from
SYSTEM = """
    /lib /lib64 /usr/lib /usr/lib64 /usr/local/lib /usr/share/fonts /usr/share/zoneinfo /usr/share/mime
    /usr/local/share/fonts /etc/fonts /etc/localtime /etc/ld.so.cache /etc/mime.types
    /proc/self /proc/cpuinfo /proc/meminfo /sys/devices/system/cpu /dev/null /dev/random /dev/urandom
""".split()


def readable_paths(packages: tuple[str, ...] = (), paths: tuple[str, ...] = ()) -> list[str]:
    """The Python installation, these packages and paths, fonts, time zones and random numbers: nobody's secrets."""
    installation = sysconfig.get_paths()
    found = [str(ENGINE), *(installation[name] for name in ("stdlib", "platstdlib", "purelib", "platlib"))]
    found += [path for path in sys.path if os.path.basename(path) in INSTALLED]
    found += [os.path.join(sys.base_prefix, "lib", "tcl"), *SYSTEM, *paths]
    for package in packages:
        found += _paths_of(package)
    return sorted({
        path if path.startswith("/proc/self") else os.path.realpath(path) for path in found if os.path.exists(path)
    })


def _paths_of(package: str) -> list[str]:
    """The folders of a package, or the file of a module; none where there is no such package."""
    try:
        spec = find_spec(package)
    except ImportError:
        return []
    if spec is None:
        return []
    return list(spec.submodule_search_locations or [spec.origin])
