"""The cat's sentences into French: `python -m ninelives.training.translator`.

The encoder begins as the one that was trained to name the antecedent, so that
it keeps a head that can be read. Begun from nothing the translator gets as far,
but then no head shows what "it" is.
"""

import torch

from ninelives import weights
from ninelives.config import TransformerConfig
from ninelives.model import Encoder, EncoderDecoder
from ninelives.text import WordTokenizer, sentences
from ninelives.text.grammar import every_word
from ninelives.training.accuracy import exact_match
from ninelives.training.batches import translation_batch
from ninelives.training.loop import train
from ninelives.training.recipe import Recipe

BLOCK_SIZE = 32
RECIPE = Recipe(learning_rate=2e-3, batch_size=64, max_iters=1500, warmup_steps=100, schedule="cosine", eval_every=250)


def take_over(encoder: Encoder, words: WordTokenizer, trained: Encoder, trained_words: WordTokenizer) -> None:
    """Give an encoder the weights of one that knows fewer words. The rows of new words stay as they are."""
    state = trained.state_dict()
    places = torch.tensor([words.ids[word] for word in trained_words.words])
    for table in ("layers.embedding.token.weight", "lm_head.weight"):
        wider = encoder.state_dict()[table].clone()  # (V, C)
        wider[places] = state[table]
        state[table] = wider
    encoder.load_state_dict(state)


def main() -> None:
    tokenizer = WordTokenizer(sorted({*every_word("english"), *every_word("french")}))
    sizes = {"vocab_size": tokenizer.vocab_size, "block_size": BLOCK_SIZE, "n_embd": 64, "n_head": 4, "dropout": 0.0}
    torch.manual_seed(RECIPE.seed)
    model = EncoderDecoder(TransformerConfig(**sizes, n_layer=3), TransformerConfig(**sizes, n_layer=2))
    take_over(model.encoder, tokenizer, *weights.load("antecedent"))
    prefix, targets = translation_batch(sentences("train", 30_000), tokenizer)  # (N, P), (N, T)
    held_out = sentences("held out", 1000)

    def draw_batch(generator: torch.Generator, batch_size: int) -> tuple[torch.Tensor, torch.Tensor]:
        rows = torch.randint(len(prefix), (batch_size,), generator=generator)  # (B,)
        return prefix[rows], targets[rows]

    run = train(model, draw_batch, RECIPE,
                evaluate=lambda model: {"exact_match": exact_match(model, tokenizer, held_out[:200])})
    card = weights.save("translator", model, tokenizer,
                        {"seconds": run.seconds, "exact_match": exact_match(model, tokenizer, held_out)})
    print(card["parameters"], card["bytes"], card["exact_match"])


if __name__ == "__main__":
    main()
