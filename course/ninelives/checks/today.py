"""Lab `today`: what each of the six changes from 2017 to today must do."""

from ninelives.checks.grouped_queries import grouped_query_attention
from ninelives.checks.rms_norm import rms_norm
from ninelives.checks.rotate import rotate
from ninelives.checks.swiglu import swiglu
from ninelives.checks.tied_embeddings import remove_biases, tie_embeddings

__all__ = ["grouped_query_attention", "remove_biases", "rms_norm", "rotate", "swiglu", "tie_embeddings"]
