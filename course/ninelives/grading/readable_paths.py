"""Which files learners' code may read."""

import os
import sys
import sysconfig
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import ninelives


@cache
def readable() -> list[str]:
    """The Python installation with the course's package, fonts, time zones and random numbers: nobody's secrets."""
    paths = sysconfig.get_paths()
    found = [*ninelives.__path__, *(paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib"))]
    found += [str(Path(find_spec("torch").origin).parents[1]), os.path.join(sys.base_prefix, "lib", "tcl")]
    found += ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share/fonts", "/usr/share/zoneinfo",
              "/usr/share/mime", "/usr/local/share/fonts", "/etc/fonts", "/etc/localtime", "/etc/ld.so.cache",
              "/etc/mime.types", "/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu",
              "/dev/null", "/dev/random", "/dev/urandom"]
    return sorted({os.path.realpath(path) if not path.startswith("/proc/self") else path for path in found if os.path.exists(path)})
