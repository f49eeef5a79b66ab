"""Training steps a second, against three peers, in turn and in one run; and the share of the matrix-product peak.

    python bench/training.py [--nanogpt PATH/TO/nanoGPT] [--mingpt PATH/TO/minGPT]

A clone of a peer is used where its path is given. Without one, `Peer` stands in for it: a model written here after the
peer's published description, GPT-2's architecture with the attention that the peer uses.
"""

import argparse
import importlib
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

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
ROUNDS, STEPS = 7, 3


class PeerBlock(nn.Module):
    """GPT-2's block (Radford et al. 2019, section 2.3)."""

    def __init__(self, dropout: float, fused: bool) -> None:
        super().__init__()
        self.norm_1, self.norm_2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.proj = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)
        self.dropout, self.fused = nn.Dropout(dropout), fused

    def attention(self, x):
        B, T, C = x.shape
        q, k, v = self.qkv(x).view(B, T, 3, HEADS, C // HEADS).permute(2, 0, 3, 1, 4)
        if self.fused:
            z = F.scaled_dot_product_attention(q, k, v, dropout_p=self.dropout.p, is_causal=True)
        else:
            scores = q @ k.transpose(-2, -1) / math.sqrt(C // HEADS)
            future = torch.ones(T, T, dtype=torch.bool).triu(1)
            z = self.dropout(scores.masked_fill(future, float("-inf")).softmax(-1)) @ v
        return self.dropout(self.proj(z.transpose(1, 2).reshape(B, T, C)))

    def forward(self, x):
        x = x + self.attention(self.norm_1(x))
        return x + self.dropout(self.down(F.gelu(self.up(self.norm_2(x)), approximate="none" if self.fused else "tanh")))


class PyTorchLayers(nn.Module):
    """nn.TransformerEncoder with a causal mask."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 4 * WIDTH, dropout, "gelu", batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)

    def forward(self, x):
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
        return self.layers(x, mask=mask, is_causal=True)


class Peer(nn.Module):
    """Embeddings, a body, a score for every word."""

    def __init__(self, body: nn.Module, T: int, dropout: float) -> None:
        super().__init__()
        self.token, self.position = nn.Embedding(VOCAB, WIDTH), nn.Embedding(T, WIDTH)
        self.dropout, self.body, self.norm = nn.Dropout(dropout), body, nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, VOCAB, bias=False)

    def forward(self, idx, targets):
        x = self.dropout(self.token(idx) + self.position(torch.arange(idx.shape[1])))
        logits = self.head(self.norm(self.body(x)))
        return logits, F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def step_of(model: nn.Module, optimizer: torch.optim.Optimizer) -> Callable:
    """A training step as the peers' own loops make it."""

    def step(idx, targets):
        optimizer.zero_grad(set_to_none=True)
        model(idx, targets)[1].backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    return step


def peer(body: nn.Module, T: int, dropout: float) -> Callable:
    model = Peer(body, T, dropout).train()
    return step_of(model, torch.optim.AdamW(model.parameters(), 3e-4))


def nanogpt(path: Path, T: int, dropout: float) -> Callable:
    sys.path.insert(0, str(path))
    module = importlib.import_module("model")
    config = module.GPTConfig(T, VOCAB, LAYERS, HEADS, WIDTH, dropout, bias=True)
    model = module.GPT(config).train()
    return step_of(model, model.configure_optimizers(0.1, 3e-4, (0.9, 0.95), "cpu"))


def mingpt(path: Path, T: int, dropout: float) -> Callable:
    sys.path.insert(0, str(path))
    module = importlib.import_module("mingpt.model")
    config = module.GPT.get_default_config()
    config.merge_from_dict(dict(
        model_type=None, n_layer=LAYERS, n_head=HEADS, n_embd=WIDTH, vocab_size=VOCAB, block_size=T,
        embd_pdrop=dropout, resid_pdrop=dropout, attn_pdrop=dropout,
    ))
    model = module.GPT(config).train()
    settings = SimpleNamespace(learning_rate=3e-4, betas=(0.9, 0.95), weight_decay=0.1)
    return step_of(model, model.configure_optimizers(settings))


def ours(T: int, dropout: float) -> Callable:
    model = Decoder(TransformerConfig(VOCAB, T, WIDTH, HEADS, LAYERS, dropout))
    training = Training(model, Recipe(3e-4, BATCH, max_iters=10**6, warmup_steps=0, schedule="constant"))
    return lambda idx, targets: training.make_step(lambda generator, batch_size: (idx, targets))


def contenders(paths: argparse.Namespace, T: int, dropout: float) -> dict[str, Callable]:
    blocks = {fused: nn.Sequential(*(PeerBlock(dropout, fused) for _ in range(LAYERS))) for fused in (True, False)}
    return {
        "ninelives": ours(T, dropout),
        "nanoGPT" if paths.nanogpt else "as nanoGPT (fused attention)":
            nanogpt(paths.nanogpt, T, dropout) if paths.nanogpt else peer(blocks[True], T, dropout),
        "minGPT" if paths.mingpt else "as minGPT (explicit attention)":
            mingpt(paths.mingpt, T, dropout) if paths.mingpt else peer(blocks[False], T, dropout),
        "nn.TransformerEncoder": peer(PyTorchLayers(dropout), T, dropout),
    }


def seconds(step: Callable, batch: tuple) -> float:
    began = time.perf_counter()
    step(*batch)
    return time.perf_counter() - began


def peak() -> float:
    """Floating-point operations a second of the best large matrix product."""
    best = math.inf
    for n in (512, 1024, 2048):
        a, b, out = torch.randn(n, n), torch.randn(n, n), torch.empty(n, n)
        best = min(best, *(seconds(lambda a, b, out=out: torch.mm(a, b, out=out), (a, b)) / (2 * n**3) for _ in range(8)))
    return 1 / best


def operations(T: int) -> float:
    """Of one training step: 6 for each weight of a matrix and token, 12 · layers · width · T for attention, per token.

    Source: Chowdhery et al. 2022, "PaLM", appendix B. A causal model needs half of the attention; all is counted.
    """
    weights = LAYERS * 12 * WIDTH**2 + WIDTH * VOCAB
    return BATCH * T * (6 * weights + 12 * LAYERS * WIDTH * T)


def measure(paths: argparse.Namespace, T: int, dropout: float) -> dict[str, float]:
    """Seconds of a step: for every contender the best of all its steps, which are made in turn."""
    batch = tuple(torch.randint(VOCAB, (BATCH, T)) for _ in range(2))
    steps, best = contenders(paths, T, dropout), {}
    for _ in range(ROUNDS):
        for name, step in steps.items():
            best.setdefault(name, []).extend(seconds(step, batch) for _ in range(STEPS))
    return {name: min(times) for name, times in best.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nanogpt", type=Path)
    parser.add_argument("--mingpt", type=Path)
    paths = parser.parse_args()
    rows, peaks = [], [peak()]
    for T, dropout in ((32, 0.1), (128, 0.1), (32, 0.0), (128, 0.0)):
        times = measure(paths, T, dropout)
        peaks.append(peak())
        best_peer = min((name for name in times if name != "ninelives"), key=times.get)
        speed = {name: f"{BATCH * T / time:,.0f}" for name, time in times.items()}
        share = operations(T) / times["ninelives"] / max(peaks)
        rows.append([T, dropout, *speed.values(), f"**{times[best_peer] / times['ninelives']:.2f}**", best_peer, f"{share:.0%}"])
        print(rows[-1], flush=True)
    header = ["T", "dropout", *times, "against the best peer", "which", "of the peak"]
    publish("training", f"""## Training, tokens a second

{LAYERS} decoder layers, n_embd {WIDTH}, {HEADS} heads, batch {BATCH}; forward, backward, clipping and AdamW. Best of {ROUNDS * STEPS} steps each, made in turn. Peak of matrix products: {max(peaks) / 1e9:.0f} GFLOP/s. {machine()}.

{as_table(header, rows)}

Made by `python bench/training.py`.
""")


if __name__ == "__main__":
    main()
