"""Tokens a second of processor time in training, at the seed's END size, without dropout, against nanoGPT: in turn and in one run.

    python bench/training.py [--nanogpt PATH/TO/nanoGPT] [--rounds 20] [--dry]

A clone of nanoGPT is used if its path is given. Without one, `Peer` replaces it: the same architecture and the
same attention call, written here after nanoGPT's model.py.
"""

import argparse
import importlib
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).parent))

from table import as_table, machine, publish

from ninelives.config import TransformerConfig
from ninelives.model import Decoder
from ninelives.training import Recipe
from ninelives.training.state import Training

VOCAB, WIDTH, HEADS, LAYERS, BATCH = 256, 128, 8, 6, 32
LENGTHS = (32, 128)


class PeerBlock(nn.Module):
    """GPT-2's block (Radford et al. 2019, section 2.3), with one projection for queries, keys and values."""

    def __init__(self) -> None:
        super().__init__()
        self.norm_1, self.norm_2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.proj = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x):
        B, T, C = x.shape
        q, k, v = self.qkv(self.norm_1(x)).view(B, T, 3, HEADS, C // HEADS).permute(2, 0, 3, 1, 4)  # (B, H, T, head_size) each
        z = F.scaled_dot_product_attention(q, k, v, is_causal=True)  # (B, H, T, head_size)
        x = x + self.proj(z.transpose(1, 2).reshape(B, T, C))  # (B, T, C)
        return x + self.down(F.gelu(self.up(self.norm_2(x))))  # (B, T, C)


class Peer(nn.Module):
    """Embeddings, blocks, a score for every word; lm_head has the embedding's weights, as in nanoGPT."""

    def __init__(self, T: int) -> None:
        super().__init__()
        self.token, self.position = nn.Embedding(VOCAB, WIDTH), nn.Embedding(T, WIDTH)
        self.blocks, self.norm = nn.Sequential(*(PeerBlock() for _ in range(LAYERS))), nn.LayerNorm(WIDTH)
        self.lm_head = nn.Linear(WIDTH, VOCAB, bias=False)
        self.lm_head.weight = self.token.weight

    def forward(self, idx, targets):
        x = self.token(idx) + self.position(torch.arange(idx.shape[1]))  # (B, T, C)
        logits = self.lm_head(self.norm(self.blocks(x)))  # (B, T, V)
        return logits, F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def step_of(model: nn.Module, optimizer: torch.optim.Optimizer) -> Callable:
    """A training step as nanoGPT's own loop makes it."""

    def step(idx, targets):
        optimizer.zero_grad(set_to_none=True)
        model(idx, targets)[1].backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    return step


def nanogpt(clone: Path | None, T: int) -> Callable:
    if clone is None:
        model = Peer(T).train()
        return step_of(model, torch.optim.AdamW(model.parameters(), 3e-4, (0.9, 0.95)))
    sys.path.insert(0, str(clone))
    module = importlib.import_module("model")
    model = module.GPT(module.GPTConfig(T, VOCAB, LAYERS, HEADS, WIDTH, dropout=0.0, bias=True)).train()
    return step_of(model, model.configure_optimizers(0.1, 3e-4, (0.9, 0.95), "cpu"))


def ours(T: int) -> Callable:
    model = Decoder(TransformerConfig(VOCAB, T, WIDTH, HEADS, LAYERS, dropout=0.0))
    training = Training(model, Recipe(3e-4, BATCH, max_iters=10**6, warmup_steps=0, schedule="constant"))
    return lambda idx, targets: training.make_step(lambda generator, batch_size: (idx, targets))


def seconds(step: Callable, batch: tuple[torch.Tensor, torch.Tensor]) -> float:
    began = time.process_time()
    step(*batch)
    return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nanogpt", type=Path, help="path to a clone")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--dry", action="store_true", help="write nothing into README.md")
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # then processor time is time, whatever else the machine does
    peer = "nanoGPT" if arguments.nanogpt else "as nanoGPT"
    rows = []
    for T in LENGTHS:
        batch = tuple(torch.randint(VOCAB, (BATCH, T)) for _ in range(2))  # (B, T) each
        steps = {"Nine Lives": ours(T), peer: nanogpt(arguments.nanogpt, T)}
        times = {name: [] for name in steps}
        for _ in range(arguments.rounds + 1):
            for name, step in steps.items():
                times[name].append(seconds(step, batch))
        times = {name: each[1:] for name, each in times.items()}  # the first step allocates
        # One ratio for each round, so that other load on the machine affects both.
        ratios = [theirs / mine for mine, theirs in zip(*times.values())]
        best = {name: min(each) for name, each in times.items()}
        rows.append([T, *(f"{BATCH * T / time:,.0f}" for time in best.values()),
                     f"**{best[peer] / best['Nine Lives']:.2f}**", f"{median(ratios):.2f}"])
        print(rows[-1], flush=True)
    table = as_table(["T", "Nine Lives", peer, "ratio of the best", "median of the rounds' ratios"], rows)
    print(table)
    if not arguments.dry:
        publish("training", f"## Training, tokens per CPU second\n\n`python bench/training.py`: {LAYERS} decoder layers, n_embd {WIDTH}, {HEADS} heads, "
                f"batch {BATCH}, no dropout; forward, backward, clipping and AdamW. Best of {arguments.rounds} steps each, made in turn. "
                f"{machine()}.\n\n{table}")


if __name__ == "__main__":
    main()
