"""Settings of kernels for the tests of grading."""

from traitlets.config.loader import PyFileConfigLoader

from ninelives.build import ROOT
from ninelives.grading.sandbox import Limits
from ninelives.grading.settings import course_settings

COURSE = course_settings(PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config(), ROOT)
LIMITS = Limits(cell=10, notebook=60, memory=400 << 20, disk=20 << 20, output=100_000)
