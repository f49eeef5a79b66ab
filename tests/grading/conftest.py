"""Kernels for the tests of grading. The imports wait until they are needed: some tests run without Linux, too."""

import pytest


@pytest.fixture(scope="session")
def kernels():
    """A kernel server with the settings of this course."""
    from helpers.kernels import COURSE
    from ninelives.grading.kernel_server import KernelServer

    kernels = KernelServer(COURSE)
    yield kernels
    kernels.close()


@pytest.fixture
def folder(tmp_path):
    """Where a kernel can run."""
    (tmp_path / "submission").mkdir()
    return tmp_path


@pytest.fixture
def run(kernels, folder):
    """Runs cells in one kernel and returns the outcome of the last."""
    from helpers.kernels import LIMITS

    with kernels.start(folder, LIMITS) as kernel:
        yield kernel.run


@pytest.fixture
def patient(monkeypatch):
    """Give an interrupted cell more time to end, for busy machines."""
    from ninelives.grading import kernel_client

    monkeypatch.setattr(kernel_client, "GRACE", 60.0)


@pytest.fixture
def impatient():
    """Dask waits half a second for a scheduler, where it would wait half a minute."""
    import dask

    with dask.config.set({"distributed.comm.timeouts.connect": "0.5s"}):
        yield


@pytest.fixture(scope="module", autouse=True)
def nothing_has_leaked(tmp_path_factory):
    """Whatever classes the tests of a module graded: no learner of theirs can see a solution or a hidden line."""
    from helpers.leaks import leaks

    base = tmp_path_factory.getbasetemp()
    before = set(base.iterdir())
    yield
    assert leaks(set(base.iterdir()) - before) == []
