"""Notebook 9: what the parts of a training must do, from the tokenizer to the learner's own recipe."""

import torch

from ninelives.checks.exercise import CheckFailed, Exercise, kind_of, run, want_pair
from ninelives.checks.learning_rates import noam_rate, warmup_cosine
from ninelives.checks.measures import exact_match, honest_accuracy
from ninelives.checks.tokenizer import tokenizer
from ninelives.checks.training_step import training_step
from ninelives.checks.translation_batch import translation_batch
from ninelives.config import TransformerConfig
from ninelives.model import EncoderDecoder
from ninelives.training import Recipe
from ninelives.training.handed_in import MAX_PARAMETERS, MAX_STEPS

__all__ = [
    "exact_match", "honest_accuracy", "noam_rate", "own_training", "tokenizer", "training_step", "translation_batch", "warmup_cosine",
]

own_training = Exercise("own_training", error_hints={
    "unexpected keyword argument":
        "the table in the exercise has all names: learning_rate, batch_size, max_iters, warmup_steps, schedule, grad_clip, seed and "
        "eval_every for Recipe; vocab_size, block_size, n_embd, n_head, n_layer and dropout for TransformerConfig.",
    "cannot assign to field": "recipe and sizes cannot be changed once they are made: give the number where they are made.",
}, another_way=False)
SHORTEST_BLOCK = 24
MOST_DROPOUT = 0.9


@own_training.aspect("sizes")
def stays_within_what_can_be_graded(answer, seed):
    vocab_size, own_seed = 152 + 7 * seed, 41_000 + seed
    result = run(answer, vocab_size, own_seed, what="own_training")
    recipe, encoder, decoder = want_pair(
        result, "own_training", ("recipe", "encoder_config", "decoder_config"), "return recipe, encoder_config, decoder_config.")
    if not isinstance(recipe, Recipe):
        raise CheckFailed(f"the first of the three is {kind_of(recipe)}.", "a Recipe.", "Recipe(learning_rate=…, batch_size=…, …) comes first.")
    for name, config in (("encoder", encoder), ("decoder", decoder)):
        if not isinstance(config, TransformerConfig):
            raise CheckFailed(f"the {name}'s sizes are {kind_of(config)}.", "a TransformerConfig.", "build each with TransformerConfig(vocab_size, block_size, …).")
        if config.vocab_size != vocab_size:
            raise CheckFailed(f"the {name}'s vocab_size is {config.vocab_size}.", f"{vocab_size}, as many as the tokenizer has words.",
                              "pass vocab_size on: you do not choose the vocabulary here.")
        if config.block_size < SHORTEST_BLOCK:
            raise CheckFailed(f"the {name}'s block_size is {config.block_size}.", f"at least {SHORTEST_BLOCK}.",
                              "the longest sentences would not fit.")
        if config.dropout > MOST_DROPOUT:
            raise CheckFailed(f"the {name}'s dropout is {config.dropout:g}.", f"at most {MOST_DROPOUT:g}; 0 to 0.2 are usual.",
                              "dropout is the share of numbers that are set to zero: with nearly all of them gone, nothing can be learned.")
    if encoder.n_embd != decoder.n_embd:
        raise CheckFailed(f"n_embd is {encoder.n_embd} in the encoder and {decoder.n_embd} in the decoder.", "the same in both.",
                          "the decoder reads the encoder's vectors.")
    if recipe.seed != own_seed:
        if str(recipe.seed) == str(own_seed):
            raise CheckFailed(f"the recipe's seed is {recipe.seed!r}, {kind_of(recipe.seed)}.", f"{own_seed}, an int.",
                              "the seed is a whole number already: pass it on as it is, `seed=seed`.")
        raise CheckFailed(f"the recipe's seed is {recipe.seed}.", f"{own_seed}, the one that is passed in.",
                          "with the same seed and the same recipe two people get the same weights to the bit, and seem to have copied: Recipe(…, seed=seed).")
    if recipe.max_iters > MAX_STEPS:
        raise CheckFailed(f"max_iters is {recipe.max_iters:,}.", f"at most {MAX_STEPS:,}.", "a better recipe needs fewer.")
    if recipe.eval_every > recipe.max_iters:
        raise CheckFailed(f"eval_every is {recipe.eval_every:,} and max_iters {recipe.max_iters:,}.", "eval_every at most max_iters.",
                          "the curve would have a single point, at the end: eval_every is the number of steps from one point to the next.")
    with torch.device("meta"):
        parameters = sum(p.numel() for p in EncoderDecoder(encoder, decoder).parameters())
    if parameters > MAX_PARAMETERS:
        raise CheckFailed(f"the model has {parameters:,} parameters.", f"at most {MAX_PARAMETERS:,}.",
                          "parameters grow with n_embd²: half the width needs about a quarter of them.")
