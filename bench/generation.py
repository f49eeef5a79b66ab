"""Tokens a second, one text at a time: the package with cached keys and values, against three others, in turn and in one run.

    python bench/generation.py [--mingpt PATH/TO/minGPT] [--rounds 5] [--dry]

The others: the package reading the whole text again at each step; minGPT's `generate`, from a clone; Hugging Face's
`generate` with its cache (GPT-2's class; `pip install transformers`). A peer that is not there is left out. All have
the sizes of the seed's END recipe: 6 layers, n_embd 128, 8 heads, and new weights. Each draws 504 tokens after a
prompt of 8 at temperature 1.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent))

from table import as_table, machine, publish

from ninelives.config import TransformerConfig
from ninelives.model import Decoder, generate
from ninelives.model.generation import next_logits, next_token_probabilities

VOCAB, BLOCK, WIDTH, HEADS, LAYERS = 256, 512, 128, 8, 6
PROMPT, NEW = 8, 504


@torch.no_grad()
def refeeding(model: Decoder, idx: torch.Tensor) -> torch.Tensor:
    """The loop of notebook 6, on the package's model."""
    for _ in range(NEW):
        token = torch.multinomial(next_token_probabilities(next_logits(model, idx)), 1)
        idx = torch.cat([idx, token], dim=1)
    return idx


def mingpt(clone: Path) -> Callable[[torch.Tensor], torch.Tensor]:
    sys.path.insert(0, str(clone))
    from mingpt.model import GPT

    config = GPT.get_default_config()
    config.model_type, config.n_layer, config.n_head, config.n_embd = None, LAYERS, HEADS, WIDTH
    config.vocab_size, config.block_size = VOCAB, BLOCK
    model = GPT(config).eval()
    return lambda idx: model.generate(idx, NEW, do_sample=True)


def hugging_face() -> tuple[str, Callable[[torch.Tensor], torch.Tensor]]:
    import transformers
    from transformers import GPT2Config, GPT2LMHeadModel

    transformers.logging.set_verbosity_error()
    config = GPT2Config(vocab_size=VOCAB, n_positions=BLOCK, n_embd=WIDTH, n_layer=LAYERS, n_head=HEADS,
                        bos_token_id=None, eos_token_id=None, pad_token_id=0)
    model = GPT2LMHeadModel(config).eval()
    settings = {"max_new_tokens": NEW, "do_sample": True, "top_k": 0, "use_cache": True}
    return f"Hugging Face transformers {transformers.__version__}, with cache", lambda idx: model.generate(
        idx, attention_mask=torch.ones_like(idx), **settings)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mingpt", type=Path, help="path to a clone")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dry", action="store_true", help="write nothing into README.md")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    model = Decoder(TransformerConfig(VOCAB, BLOCK, n_embd=WIDTH, n_head=HEADS, n_layer=LAYERS)).eval()
    ways = {
        "Nine Lives, with cached keys and values": lambda idx: generate(model, idx, NEW),
        "Nine Lives, the text read again": lambda idx: refeeding(model, idx),
    }
    if find_spec("transformers"):
        peer, by_peer = hugging_face()
        ways[peer] = by_peer
    if arguments.mingpt:
        ways["minGPT"] = mingpt(arguments.mingpt)
    seconds = {name: [] for name in ways}
    for number in range(arguments.rounds):
        for name, way in ways.items():
            idx = torch.randint(VOCAB, (1, PROMPT))
            start = time.perf_counter()
            text = way(idx)
            seconds[name].append(time.perf_counter() - start)
            assert text.shape == (1, PROMPT + NEW), f"{name} wrote {tuple(text.shape)}"
        print(f"round {number + 1} of {arguments.rounds}: " + ", ".join(f"{name} {NEW / each[-1]:.0f}" for name, each in seconds.items()), flush=True)
    # One ratio for each round, so that other load on the machine affects both.
    ours = seconds["Nine Lives, with cached keys and values"]
    rows = []
    for name, each in seconds.items():
        ratios = sorted(theirs / our for theirs, our in zip(each, ours))
        rows.append([name, f"{NEW / statistics.median(each):.0f}",
                     f"{statistics.median(ratios):.2f}", f"{ratios[0]:.2f}–{ratios[-1]:.2f}"])
    table = as_table(["way", "tokens per second", "times slower than cached (median)", "lowest–highest"], rows)
    print(table)
    if not arguments.dry:
        publish("generation", f"## Generation\n\n`python bench/generation.py`: one text, {NEW} new tokens after a prompt of {PROMPT}; "
                f"{LAYERS} layers, n_embd {WIDTH}, {HEADS} heads; {arguments.rounds} rounds, each way once in each round. {machine()}.\n\n{table}")


if __name__ == "__main__":
    main()
