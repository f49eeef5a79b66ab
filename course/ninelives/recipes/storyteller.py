"""A decoder that writes sentences like the cat's: `python -m ninelives.recipes.storyteller`."""

import torch

from ninelives.config import TransformerConfig
from ninelives.model import Decoder, generate
from ninelives.recipes.release import release
from ninelives.text import WordTokenizer, sentences
from ninelives.text.grammar import every_word, is_grammatical, parse
from ninelives.training.loop import train
from ninelives.training.recipe import Recipe

ABOUT = """
A decoder that writes sentences like the cat's, word by word, and ends each with the end token. It continues a prompt
such as "the cat", or the end token, which separates sentences: after an end token it begins the next sentence.
Notebooks 3 and 6 use it. It was trained on the English half of 40,000 sentences of the course's grammar.

A sentence "has the form" if its words are in the order of one of the grammar's families. Its reason is "sensible" if
the grammar itself could have made the sentence. It knows this grammar and nothing else.
"""
BLOCK_SIZE = 48
SENTENCES = 40_000
SAMPLES = 300
TEMPERATURES = (0.2, 0.5, 0.8, 1.0, 1.3, 1.7, 2.5)
RECIPE = Recipe(learning_rate=2e-3, batch_size=32, max_iters=2000, warmup_steps=100, schedule="cosine", eval_every=250)


def text_of(split: str, n: int, tokenizer: WordTokenizer) -> torch.Tensor:
    """(N,) int64: n sentences one after another, an end token before each and one after the last."""
    end = torch.tensor([tokenizer.end_token])
    pieces = [torch.cat([end, tokenizer.encode(sentence.english)]) for sentence in sentences(split, n)]
    return torch.cat([*pieces, end])  # (N,)


def story_batch(text: torch.Tensor, end_token: int, generator: torch.Generator, batch_size: int):
    """idx and targets, each (B, BLOCK_SIZE) int64: the next word at every position.

    Every row begins with a sentence, and every other row with the end token before
    it, so that the model can begin with either.
    """
    starts = (text[: len(text) - BLOCK_SIZE - 1] == end_token).nonzero().squeeze(1)  # (S,)
    rows = starts[torch.randint(len(starts), (batch_size,), generator=generator)]  # (B,)
    rows = rows + torch.arange(batch_size) % 2  # (B,)
    windows = text[rows.unsqueeze(1) + torch.arange(BLOCK_SIZE + 1)]  # (B, BLOCK_SIZE + 1)
    return windows[:, :-1], windows[:, 1:]


def measured(model: Decoder, tokenizer: WordTokenizer) -> dict:
    """The figures of the card."""
    generator = torch.Generator().manual_seed(0)
    idx, targets = story_batch(text_of("held out", 2000, tokenizer), tokenizer.end_token, generator, 200)
    with torch.no_grad():
        figures = {"loss per word, held-out sentences": round(model.eval()(idx, targets)[1].item(), 4)}
    start = torch.full((SAMPLES, 1), tokenizer.end_token)  # (B, 1)
    for temperature in TEMPERATURES:
        drawn = generate(model, start, 20, temperature, end_token=tokenizer.end_token,
                         generator=torch.Generator().manual_seed(0))  # (B, 1 + new)
        written = [tokenizer.decode(row[1:]) for row in drawn]
        for what, test in (("has the form of a sentence", is_grammatical), ("gives a sensible reason", parse)):
            share = sum(bool(test(sentence)) for sentence in written) / SAMPLES
            figures[f"{what}, temperature {temperature}, {SAMPLES} samples"] = round(share, 2)
    return figures


def main() -> None:
    torch.set_num_threads(1)  # with more threads the last digits differ, and in the end the weights
    tokenizer = WordTokenizer(every_word("english"))
    torch.manual_seed(RECIPE.seed)
    model = Decoder(TransformerConfig(tokenizer.vocab_size, BLOCK_SIZE, n_embd=64, n_head=4, n_layer=4, dropout=0.0))
    text, unseen = text_of("train", SENTENCES, tokenizer), text_of("held out", 500, tokenizer)  # (N,)

    def draw_batch(generator: torch.Generator, batch_size: int) -> tuple[torch.Tensor, torch.Tensor]:
        return story_batch(text, tokenizer.end_token, generator, batch_size)

    def evaluate(model: Decoder) -> dict:
        idx, targets = story_batch(unseen, tokenizer.end_token, torch.Generator().manual_seed(0), 200)
        return {"loss_held_out": model(idx, targets)[1].item()}

    run = train(model, draw_batch, RECIPE, evaluate=evaluate)
    release("storyteller", model, tokenizer, run, lambda model: measured(model, tokenizer), ABOUT)


if __name__ == "__main__":
    main()
