"""Tokens a second, one text at a time: the package with its cache, against reading the text again and Hugging Face.

    python bench/generation.py [--rounds 5] [--dry]

Hugging Face's `generate` with its cache needs GPT-2's class (`pip install transformers`); it is left out where it is
missing. All have the sizes of the seed's END recipe, 6 layers, n_embd 128, 8 heads, and new weights. Each draws 504
tokens after a prompt of 8 at temperature 1, on one thread. Time is processor time, and of each token the fastest of all
rounds counts, so that as little as possible of what else the machine does is in it.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent))

from table import as_table, machine, publish

from ninelives.config import TransformerConfig
from ninelives.model import Decoder, stream
from ninelives.model.generation import next_logits, next_token_probabilities

VOCAB, BLOCK, WIDTH, HEADS, LAYERS = 256, 512, 128, 8, 6
PROMPT, NEW = 8, 504
OURS = "Nine Lives, with cached keys and values"


@torch.no_grad()
def reading_again(model: Decoder, idx: torch.Tensor) -> Iterator[torch.Tensor]:
    """The loop of notebook 6, on the package's model."""
    for _ in range(NEW):
        token = torch.multinomial(next_token_probabilities(next_logits(model, idx)), 1)  # (1, 1)
        idx = torch.cat([idx, token], dim=1)  # (1, T + 1)
        yield token


def seconds_of(tokens: Iterator[torch.Tensor]) -> list[float]:
    """How long each token took."""
    seconds, began = [], time.process_time()
    for _ in tokens:
        seconds.append(time.process_time() - began)
        began = time.process_time()
    return seconds


def hugging_face() -> tuple[str, Callable[[torch.Tensor], list[float]]]:
    """The name of this way, and what gives the seconds of each token."""
    import transformers
    from transformers import GPT2Config, GPT2LMHeadModel

    transformers.logging.set_verbosity_error()
    config = GPT2Config(vocab_size=VOCAB, n_positions=BLOCK, n_embd=WIDTH, n_layer=LAYERS, n_head=HEADS,
                        bos_token_id=None, eos_token_id=None, pad_token_id=0)
    model = GPT2LMHeadModel(config).eval()

    def seconds(idx: torch.Tensor) -> list[float]:
        times = [time.process_time()]

        def after_a_token(text, scores, **settings):
            times.append(time.process_time())
            return torch.zeros(len(text), dtype=torch.bool)  # never stop early

        model.generate(idx, attention_mask=torch.ones_like(idx), max_new_tokens=NEW, do_sample=True, top_k=0,
                       use_cache=True, stopping_criteria=[after_a_token])
        return [end - start for start, end in zip(times, times[1:])]

    return f"Hugging Face transformers {transformers.__version__}, with cache", seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dry", action="store_true", help="write nothing into README.md")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)  # the products for one token are too small to be shared
    model = Decoder(TransformerConfig(VOCAB, BLOCK, n_embd=WIDTH, n_head=HEADS, n_layer=LAYERS)).eval()
    ways = {
        OURS: lambda idx: seconds_of(stream(model, idx, NEW)),
        "Nine Lives, the text read again": lambda idx: seconds_of(reading_again(model, idx)),
    }
    if find_spec("transformers"):
        name, way = hugging_face()
        ways[name] = way
    fastest = {}
    for number in range(arguments.rounds):
        for name, way in ways.items():
            seconds = way(torch.randint(VOCAB, (1, PROMPT)))
            assert len(seconds) == NEW, f"{name} wrote {len(seconds)} tokens"
            fastest[name] = [min(pair) for pair in zip(seconds, fastest.get(name, seconds))]
        print(f"round {number + 1} of {arguments.rounds}: "
              + ", ".join(f"{name} {NEW / sum(each):.0f}" for name, each in fastest.items()), flush=True)
    rows = [[name, f"{NEW / sum(each):.0f}", f"{sum(each) / sum(fastest[OURS]):.2f}"] for name, each in fastest.items()]
    table = as_table(["way", "tokens per CPU second", "times slower than cached"], rows)
    print(table)
    if not arguments.dry:
        publish("generation", f"## Generation\n\n`python bench/generation.py`: one text, {NEW} new tokens after a prompt of {PROMPT}; "
                f"{LAYERS} layers, n_embd {WIDTH}, {HEADS} heads. Each way once in each of {arguments.rounds} rounds; of each token the "
                f"fastest of all rounds. {machine()}.\n\n{table}")


if __name__ == "__main__":
    main()
