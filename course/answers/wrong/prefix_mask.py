"""Wrong answers to the mask with a prefix that are more than a mistake in a formula."""

import torch

from answers import refused_by
from ninelives.checks.causal_mask import in_the_prefix, loop_triangle, prefix_mask
from ninelives.config import TransformerConfig
from ninelives.model import Encoder


def right(num_prefix, T):
    """(B, 1, T, T) bool."""
    return in_the_prefix(num_prefix, T) | loop_triangle(T)


@refused_by(prefix_mask, "shape", "not written yet", "run its cell again, then this check")
def nothing_written(num_prefix, T):
    raise NotImplementedError()


@refused_by(prefix_mask, "shape", "the function has no `return`.")
def return_forgotten(num_prefix, T):
    mask = right(num_prefix, T)


@refused_by(prefix_mask, "shape", "Give num_prefix the shape (B, 1, 1, 1), so that each prefix")
def prefixes_not_reshaped(num_prefix, T):
    return ((torch.arange(T) < num_prefix) | loop_triangle(T)).reshape(-1, 1, T, T)


@refused_by(prefix_mask, "shape", "Here one of the two reasons is enough")
def bool_and_float(num_prefix, T):
    return in_the_prefix(num_prefix, T) & torch.ones(T, T).tril()


@refused_by(prefix_mask, "shape", "`|` works on bool masks only")
def bool_or_float(num_prefix, T):
    return in_the_prefix(num_prefix, T) | torch.ones(T, T).tril()


@refused_by(prefix_mask, "shape", "so that a position that both open counts twice")
def masks_added(num_prefix, T):
    return in_the_prefix(num_prefix, T).long() + loop_triangle(T).long()


@refused_by(prefix_mask, "shape", "changed the tensor", "work on x.clone()")
def lengths_clamped_in_place(num_prefix, T):
    return right(num_prefix.clamp_(min=1), T)


@refused_by(prefix_mask, "shape", "changed the tensor", "work on x.clone()")
def lengths_shortened_in_place(num_prefix, T):
    num_prefix -= 1
    return right(num_prefix + 1, T)


@refused_by(prefix_mask, "shape", "changed the tensor", "work on x.clone()")
def lengths_sorted_in_place(num_prefix, T):
    num_prefix.copy_(num_prefix.sort().values)
    return right(num_prefix, T)


OPEN = "column j of row i is open if j < num_prefix[b], or if j <= i."
KEPT = {}


@refused_by(prefix_mask, "values", OPEN)
def mask_of_the_first_call(num_prefix, T):
    return KEPT.setdefault((len(num_prefix), T), right(num_prefix.flip(0), T))


@refused_by(prefix_mask, "values", OPEN)
def mask_of_the_first_call_of_this_sum(num_prefix, T):
    return KEPT.setdefault((len(num_prefix), T, int(num_prefix.sum())), right(num_prefix.flip(0), T))


@refused_by(prefix_mask, "values", OPEN)
def mask_of_the_first_call_of_this_maximum(num_prefix, T):
    return KEPT.setdefault((len(num_prefix), T, "max", int(num_prefix.max())), right(num_prefix.flip(0), T))


@refused_by(prefix_mask, "values", OPEN)
def at_least_one_position(num_prefix, T):
    """With a prefix of 0 the first position is open to itself anyway; this opens the second too."""
    return right(torch.where(num_prefix == 0, 2, num_prefix), T)


@refused_by(prefix_mask, "values", OPEN)
def no_prefix_means_everything(num_prefix, T):
    return right(torch.where(num_prefix == 0, T - 1, num_prefix), T)


@refused_by(prefix_mask, "values", OPEN)
def one_position_after_the_prefix_at_least(num_prefix, T):
    return right(torch.where(num_prefix == T, T - 1, num_prefix), T)


@refused_by(prefix_mask, "values", OPEN)
def short_prefixes_ignored(num_prefix, T):
    return right(torch.where(num_prefix < 3, 0, num_prefix), T)


@refused_by(prefix_mask, "values", OPEN)
def no_prefix_taken_for_half_of_the_positions(num_prefix, T):
    return right(torch.where(num_prefix == 0, T // 2 + 1, num_prefix), T)


@refused_by(prefix_mask, "shape", "A prefix may be empty: make its mask yourself")
def mask_of_the_packages_encoder(num_prefix, T):
    encoder = Encoder(TransformerConfig(vocab_size=7, block_size=T, n_embd=4, n_head=1, n_layer=1))
    return (encoder.get_attention_mask(num_prefix, T) != 0) | loop_triangle(T)


@refused_by(prefix_mask, "shape", "For each number of two bool masks, “or” is written `a | b`.")
def pythons_or(num_prefix, T):
    return in_the_prefix(num_prefix, T) or loop_triangle(T)
