"""What a course may open: variables, files and processes; and that nothing else is open then."""

import sys
from dataclasses import replace

import pytest

from helpers.kernels import LIMITS
from ninelives.grading import sandbox
from ninelives.grading.course import CourseSettings
from ninelives.grading.kernel_copy import copied
from ninelives.grading.kernel_server import KernelServer

pytestmark = pytest.mark.skipif(sandbox.missing() is not None, reason=f"no sandbox here: {sandbox.missing()}")

WORKS = {
    "a variable and a file": ("import os\nprint(open(os.environ['COURSE_DATA']).read())", "1,2\n"),
    "!": ("!echo hi", "hi\n"),
    "= !": ("lines = !echo hi\nprint(lines)", "['hi']\n"),
    "%%bash": ("%%bash\necho hi", "hi\n"),
    "subprocess": (f"import subprocess\nprint(subprocess.run([{sys.executable!r}, '-c', 'print(3)'], capture_output=True, text=True).stdout)", "3\n\n"),
    "multiprocessing": ("from multiprocessing import Pool\ndef square(x): return x * x\nwith Pool(2) as pool: print(pool.map(square, range(3)))", "[0, 1, 4]\n"),
    "joblib, in one process": ("import os\nfrom joblib import Parallel, delayed\n"
                               "print({os.getpid()} == set(Parallel(n_jobs=2)(delayed(os.getpid)() for _ in range(4))))", "True\n"),
}
REFUSED = {
    "a file outside": "open('/etc/passwd')",
    "a file outside, in a program": "import subprocess\nif subprocess.run(['cat', '/etc/passwd'], capture_output=True).returncode: raise PermissionError",
    "the network": "import socket\nsocket.socket()",
    "signals to others": "import os\nos.kill(os.getppid(), 0)",
    "another group": "import os\nos.setsid()",
    "too many processes": "import os, time\npids = []\ntry:\n    for _ in range(9):\n        pids.append(os.fork())\n        if not pids[-1]: time.sleep(60)\n"
                          "finally:\n    for pid in pids: os.kill(pid, 9); os.waitpid(pid, 0)",
}


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("opened")
    (folder / "run" / "submission").mkdir(parents=True)
    (folder / "data.csv").write_text("1,2")
    server = KernelServer(CourseSettings(readable_paths=(str(folder / "data.csv"),), processes=4,
                                         environment=(("COURSE_DATA", str(folder / "data.csv")),)))
    with server.start(folder / "run", replace(LIMITS, memory=1 << 30)) as kernel:
        yield kernel
    server.close()


@pytest.mark.parametrize("what", WORKS)
def test_what_was_opened_works(kernel, what):
    source, expected = WORKS[what]
    [output] = kernel.run(source).outputs
    assert output.text == expected


@pytest.mark.parametrize("what", REFUSED)
def test_nothing_else_is_open(kernel, what):
    assert kernel.run(REFUSED[what]).error == "PermissionError"


def test_a_copy_can_be_made_while_processes_run_and_these_survive_it(kernel):
    kernel.run("import subprocess\nsleeper = subprocess.Popen(['sleep', '60'])")
    with copied(kernel):
        assert kernel.run("1").error is None
    assert kernel.run("assert sleeper.poll() is None\nsleeper.kill()\nsleeper.wait()").error is None
