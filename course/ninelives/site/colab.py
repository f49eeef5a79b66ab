"""The first cell of the copies that Colab opens: there the course is not installed, and PyTorch and IPython have to stay as they are."""

from ninelives.site.address import REPOSITORY

CELL = '''\
# Colab does not have the course: this installs it, and keeps Colab's own PyTorch and IPython. Where the course is there, nothing is done.
import importlib.metadata, importlib.util, pathlib
if importlib.util.find_spec("ninelives") is None:
    kept = [f"{{name}}=={{importlib.metadata.version(name)}}\\n" for name in ("torch", "numpy", "matplotlib", "ipython", "ipykernel")]
    pathlib.Path("kept.txt").write_text("".join(kept))
    # Tried with the versions that Colab has, not yet in Colab itself: a widget's still picture may stay above the widget there.
    %pip install -q -c kept.txt "git+{repository}"'''


def first_cell() -> str:
    """The source of the cell."""
    return CELL.format(repository=REPOSITORY)
