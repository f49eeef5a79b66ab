"""Settings for all tests."""

import gc
import os
import sys
from pathlib import Path

import pytest
import torch

if sys.platform != "linux":
    # ninelives-grade needs Linux. What learners see of grading is the same everywhere.
    here, everywhere = Path(__file__).parent, ("test_feedback.py", "test_main.py")
    collect_ignore = ["browser/test_teaching.py", *(
        str(path.relative_to(here)) for path in here.glob("grading/test_*.py") if path.name not in everywhere)]

# The tensors of the tests are small: more threads, here and in the kernels started by tests, would only wait for each other.
torch.set_num_threads(1)
os.environ["OMP_NUM_THREADS"] = "1"


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_xdist_auto_num_workers():
    """One more than xdist would start: a test waits for browsers, kernels and time limits while another computes."""
    return (yield) + 1


def pytest_collection_finish():
    """What is imported and collected by now stays: the garbage collector looks through it no more."""
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def forked_kernels():
    """Kernels that tests start in their own process are forked from one that has imported the package already."""
    from helpers.forked_kernels import use_forked_kernels

    use_forked_kernels()


@pytest.fixture(scope="module")
def activated():
    """The PATH of an activated environment, for nbgrader within the process of the tests: it starts `alembic` by its name."""
    from helpers.classroom import ACTIVATED

    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PATH", ACTIVATED)
        yield


@pytest.fixture(scope="session")
def workers():
    """One process that grades. It keeps what it has imported from one file of tests to the next."""
    from ninelives.grading.workers import Workers

    workers = Workers(1)
    yield workers
    workers.close()
