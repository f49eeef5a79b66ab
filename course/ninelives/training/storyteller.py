"""A decoder that writes sentences like the cat's: `python -m ninelives.training.storyteller`."""

import torch

from ninelives import weights
from ninelives.config import TransformerConfig
from ninelives.model import Decoder
from ninelives.text import WordTokenizer, sentences
from ninelives.text.grammar import every_word
from ninelives.training.loop import train
from ninelives.training.recipe import Recipe

BLOCK_SIZE = 48
RECIPE = Recipe(learning_rate=2e-3, batch_size=32, max_iters=1500, warmup_steps=100, schedule="cosine", eval_every=250)


def text_of(split: str, n: int, tokenizer: WordTokenizer) -> torch.Tensor:
    """(N,) int64: n sentences one after another, an end token in front of each and one behind the last."""
    end = torch.tensor([tokenizer.end_token])
    pieces = [torch.cat([end, tokenizer.encode(sentence.english)]) for sentence in sentences(split, n)]
    return torch.cat([*pieces, end])  # (N,)


def story_batch(text: torch.Tensor, end_token: int, generator: torch.Generator, batch_size: int):
    """idx and targets, each (B, BLOCK_SIZE) int64: the next word at every place.

    Every row begins with a sentence, every other one with the end token in front
    of it: so the model can begin with either.
    """
    room = text[: len(text) - BLOCK_SIZE - 1]
    starts = (room == end_token).nonzero().squeeze(1)  # (S,)
    rows = starts[torch.randint(len(starts), (batch_size,), generator=generator)]  # (B,)
    rows = rows + torch.arange(batch_size) % 2  # (B,)
    windows = text[rows.unsqueeze(1) + torch.arange(BLOCK_SIZE + 1)]  # (B, BLOCK_SIZE + 1)
    return windows[:, :-1], windows[:, 1:]


def main() -> None:
    tokenizer = WordTokenizer(every_word("english"))
    torch.manual_seed(RECIPE.seed)
    model = Decoder(TransformerConfig(tokenizer.vocab_size, BLOCK_SIZE, n_embd=64, n_head=4, n_layer=4, dropout=0.0))
    text, unseen = text_of("train", 30_000, tokenizer), text_of("held out", 500, tokenizer)  # (N,)

    def draw_batch(generator: torch.Generator, batch_size: int) -> tuple[torch.Tensor, torch.Tensor]:
        return story_batch(text, tokenizer.end_token, generator, batch_size)

    def evaluate(model: Decoder) -> dict:
        idx, targets = story_batch(unseen, tokenizer.end_token, torch.Generator().manual_seed(0), 200)
        return {"loss_held_out": model(idx, targets)[1].item()}

    run = train(model, draw_batch, RECIPE, evaluate=evaluate)
    card = weights.save("storyteller", model, tokenizer, {"seconds": run.seconds, **run.history[-1]})
    print(card["parameters"], card["bytes"])


if __name__ == "__main__":
    main()
