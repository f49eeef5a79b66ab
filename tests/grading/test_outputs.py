"""The outputs of a cell, from messages that may be forged."""

import pytest

from helpers.kernels import LIMITS
from ninelives.grading import sandbox
from ninelives.grading.errors import KernelDied
from ninelives.grading.outputs import Outputs

pytestmark = pytest.mark.skipif(sandbox.missing() is not None, reason=f"no sandbox here: {sandbox.missing()}")


def test_a_result_without_a_number_is_forged():
    with pytest.raises(KernelDied, match="forged"):
        Outputs(1000).add({"output_type": "execute_result", "data": {"text/plain": "1"}, "execution_count": "1"})


def test_too_much_output_is_cut_off(run):
    outcome = run("for i in range(100000): print(i)")
    assert outcome.error is None and outcome.outputs[-1].text.endswith("The rest of the output is cut off.\n")
    assert len(outcome.outputs[0].text) < LIMITS.output
