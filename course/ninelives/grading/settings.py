"""What nbgrader_config.py says to the engine."""

from nbgrader.preprocessors import Execute
from traitlets import Bool, Float, Int
from traitlets.config import Config, Configurable

from ninelives.grading.sandbox import Limits


class Sandbox(Configurable):
    """What one learner's notebook may use while it is graded."""

    notebook_timeout = Float(600.0, help="Seconds for a whole notebook.").tag(config=True)
    memory = Int(2048, help="Megabytes of memory, on top of what the course itself holds.").tag(config=True)
    disk = Int(256, help="Megabytes of files that it may write.").tag(config=True)
    output = Int(2, help="Megabytes that are kept of what one cell prints and draws.").tag(config=True)
    threads = Int(64, help="Threads that may live at once.").tag(config=True)
    unsafe = Bool(False, help="Run learners' code without the sandbox in nbgrader autograde and the formgrader.").tag(config=True)
    pictures = Bool(False, help="Draw the pictures of cells that earn no points, too: it takes longer than all the rest.").tag(config=True)


def limits_of(config: Config) -> Limits:
    """What one notebook may use, by nbgrader_config.py."""
    own = Sandbox(config=config)
    cell = Execute(config=config).timeout
    if cell is None or cell <= 0:  # none, as nbconvert has it
        cell = own.notebook_timeout
    return Limits(cell, own.notebook_timeout, own.memory << 20, own.disk << 20, own.output << 20, own.threads, own.pictures)
