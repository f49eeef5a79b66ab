"""How the command starts on systems where it cannot work."""

import subprocess
import sys

import pytest

from ninelives.build import ROOT


def with_another_system(code: str, platform: str) -> subprocess.CompletedProcess:
    """Run Python code as on another system, without the modules that it lacks."""
    blocked = "import sys; sys.modules.update(fcntl=None, resource=None)\n"
    return subprocess.run([sys.executable, "-c", f"{blocked}sys.platform = {platform!r}\n{code}"], capture_output=True, text=True)


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_without_linux_the_command_says_so_in_one_line_and_names_an_alternative(platform):
    done = with_another_system("from ninelives.grading.__main__ import main; sys.exit(main())", platform)
    assert done.returncode == 2 and f"needs Linux, whose kernel confines learners' code, and this is {platform}" in done.stderr
    assert "nbgrader autograde" in done.stderr and "--unsafe" not in done.stderr and done.stderr.count("\n") == 1


def test_without_linux_the_hook_says_why_it_does_not_work():
    done = with_another_system("import asyncio, nbgrader.apps\nsys.platform = 'darwin'\nimport ninelives.grading.nbgrader_hook", "linux")
    assert done.stderr.endswith("ImportError: The sandbox needs Linux, and this is darwin: leave c.Autograde as nbgrader has it.\n")


def test_the_settings_of_a_class_need_no_linux():
    """And plain nbgrader grades with them."""
    done = with_another_system("import asyncio, nbgrader.apps\nsys.platform = 'darwin'\n"
                               "from traitlets.config.loader import PyFileConfigLoader\n"
                               "from ninelives.build import ROOT\n"
                               "config = PyFileConfigLoader('nbgrader_config.py', path=str(ROOT)).load_config()\n"
                               "sys.exit('Autograde' in config)", "linux")
    assert done.returncode == 0, done.stderr


def test_the_tests_can_be_collected_without_linux():
    done = with_another_system("import urllib.request, asyncio, nbgrader.apps, pytest, torch\nsys.platform = 'darwin'\n"
                               f"sys.exit(pytest.main(['--collect-only', '-q', '-p', 'no:cacheprovider', '--rootdir={ROOT}', "
                               f"*({str(ROOT / 'tests')!r} + name for name in ('/grading', '/test_plain_nbgrader.py', '/test_labs.py'))]))", "linux")
    assert done.returncode == 0 and "test_main.py" in done.stdout and "test_cli.py" not in done.stdout, done.stdout + done.stderr
