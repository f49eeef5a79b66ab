"""Settings for all tests."""

import os

import torch

# The tensors of the tests are small: more threads, here and in the kernels started by tests, would only wait for each other.
torch.set_num_threads(1)
os.environ["OMP_NUM_THREADS"] = "1"
