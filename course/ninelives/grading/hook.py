"""Refuses an nbgrader_config.py that was copied from an older version of the course, and says what to change in it."""

from traitlets import TraitError

raise TraitError(
    "this nbgrader_config.py is from an older version of the course, so nothing was graded: copy the lines that begin "
    "with c.Course and the block that begins with `if sys.platform` from the course's new nbgrader_config.py, in place "
    "of the block with ninelives.grading.hook.AnyNotebook and ninelives.grading.hook.InSandbox")
