"""The cat's sentences into French: `python -m ninelives.recipes.translator`.

The encoder begins as the one that was trained to name the antecedent, and keeps
its embeddings and first two layers unchanged, so that its heads stay readable. If
everything is trained, the translator gets as far, but its heads no longer tell
the two nouns apart.
"""

import torch

from ninelives import weights
from ninelives.config import TransformerConfig
from ninelives.model import Encoder, EncoderDecoder
from ninelives.recipes.antecedent import weight_at_it
from ninelives.recipes.release import release
from ninelives.text import WordTokenizer, sentences
from ninelives.text.grammar import every_word
from ninelives.training.accuracy import exact_match
from ninelives.training.batches import translation_batch
from ninelives.training.loop import train
from ninelives.training.recipe import Recipe

ABOUT = """
An encoder–decoder that translates the cat's sentences into French. Its encoder began as the course's antecedent
encoder and keeps its embeddings and first two layers exactly, so that you can see "it" attend to its noun. Everything
else was trained on 40,000 sentences of the course's grammar. Notebooks 7 and 8 use it.

In a trial those layers were trained too. That translator was as good, but in the end every head of layer 1 attended
to the two nouns about equally (0.50 and 0.49): a right answer does not promise a readable head.

"Right" means the whole sentence, every word and the end, with the most likely word each time (greedy). In the held-out
sentences two animals of different gender meet that never met in training. "il" and "elle" are equally frequent, and
so are first and second noun, so guessing the pronoun is right half of the time. Layers and heads are counted from 0.
It knows this grammar and nothing else.
"""
BLOCK_SIZE = 32
SENTENCES = 40_000
RECIPE = Recipe(learning_rate=2e-3, batch_size=64, max_iters=1500, warmup_steps=100, schedule="cosine", eval_every=250)


def take_over(encoder: Encoder, words: WordTokenizer, trained: Encoder, trained_words: WordTokenizer) -> None:
    """Give an encoder the weights of one that knows fewer words. The rows of new words keep their values."""
    state = trained.state_dict()
    rows = torch.tensor([words.ids[word] for word in trained_words.words])
    for table in ("layers.embedding.token.weight", "lm_head.weight"):
        wider = encoder.state_dict()[table].clone()  # (V, C)
        wider[rows] = state[table]
        state[table] = wider
    encoder.load_state_dict(state)


def keep_readable(encoder: Encoder) -> None:
    """Freeze the embeddings and the first two layers, whose heads attend to the antecedent."""
    first, second = encoder.layers["blocks"][:2]
    for part in (encoder.layers["embedding"], first, second):
        part.requires_grad_(False)


def measured(model: EncoderDecoder, tokenizer: WordTokenizer) -> dict:
    """The figures of the card."""
    held_out = sentences("held out", 1000)
    others = [sentence for sentence in sentences("train", 2000, seed=1) if sentence.family != "two animals"]
    figures = {
        f"whole sentence right, {len(drawn):,} {what}": round(exact_match(model, tokenizer, drawn), 4)
        for what, drawn in (("held-out sentences", held_out), ("bonus sentences", sentences("bonus", 400)),
                            ("sentences of the other families", others))
    }
    for number, layer in enumerate(weight_at_it(model.encoder, tokenizer, held_out[:500])):
        for what, means in zip(("the antecedent", "the other noun"), (layer["antecedent"], layer["other"])):
            figures[f'mean weight from "it" on {what}, encoder layer {number}, each head'] = means
    return figures


def main() -> None:
    torch.set_num_threads(1)  # with more threads the last digits differ, and in the end the weights
    tokenizer = WordTokenizer(sorted({*every_word("english"), *every_word("french")}))
    sizes = {"vocab_size": tokenizer.vocab_size, "block_size": BLOCK_SIZE, "n_embd": 64, "n_head": 4, "dropout": 0.0}
    torch.manual_seed(RECIPE.seed)
    model = EncoderDecoder(TransformerConfig(**sizes, n_layer=3), TransformerConfig(**sizes, n_layer=2))
    take_over(model.encoder, tokenizer, *weights.load("antecedent"))
    keep_readable(model.encoder)
    prefix, targets = translation_batch(sentences("train", SENTENCES), tokenizer)  # (N, P), (N, T)
    watched = sentences("held out", 200, seed=1)

    def draw_batch(generator: torch.Generator, batch_size: int) -> tuple[torch.Tensor, torch.Tensor]:
        rows = torch.randint(len(prefix), (batch_size,), generator=generator)  # (B,)
        return prefix[rows], targets[rows]

    run = train(model, draw_batch, RECIPE,
                evaluate=lambda model: {"exact_match": exact_match(model, tokenizer, watched)})
    release("translator", model, tokenizer, run, lambda model: measured(model, tokenizer), ABOUT)


if __name__ == "__main__":
    main()
