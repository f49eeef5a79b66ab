"""Puts the released notebooks into the wheel, for `ninelives`; everything else about the package is in pyproject.toml."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class WithNotebooks(build_py):
    def run(self):
        super().run()
        if self.editable_mode:
            return
        released = Path(self.build_lib, "ninelives", "released")
        shutil.rmtree(released, ignore_errors=True)  # of an earlier build
        shutil.copytree("release", released, ignore=shutil.ignore_patterns(".*"))


setup(cmdclass={"build_py": WithNotebooks})
