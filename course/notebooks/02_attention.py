# %% [markdown]
# # 2 · Multi-head self-attention
#
# *The cat did not want to eat because it was full.*
#
# Every word is a vector now, and knows its place. The vector of "it" was made
# from "it" alone. It does not know that there is a cat.

# %% [markdown]
# ## The question
#
# **How can the vector of "it" learn something from the vector of "cat"?**
#
# By *attention*: every word asks a question, every word offers an answer, and each
# word takes most from those whose offer fits its question. At the end you will have built
#
# - `split_heads` and `merge_heads`, which let several heads work side by side,
# - `attention_scores` and `masked_softmax`, the two steps in the middle,
# - `MultiHeadSelfAttention`, the heart of every Transformer, checked against PyTorch's own.
#
# | | |
# |---|---|
# | Time | about 90 minutes |
# | Points | 18 |
# | What you should know | [Notebook 1](../01-embeddings/01-embeddings.ipynb); that a matrix product is many dot products |

# %%
import math

import torch
from torch import nn
from torch.nn import functional as F

import ninelives.checks.attention as check
import ninelives.model as package
from ninelives import figures, weights
from ninelives.config import TransformerConfig
from ninelives.widgets import AttentionExplorer

torch.set_printoptions(precision=2, sci_mode=False)

# %% [markdown]
# ## See it
#
# One attention head, small enough to follow by hand. Nothing here is learnt: we
# choose all numbers, so that you can see what each one does.
#
# Every word of the sentence gets a vector of four numbers, and each number has a meaning.

# %%
words = "The cat did not want to eat because it was full".split()
channels = ["animal", "pronoun", "eating", "other"]
meaning = {
    "cat":  [1.0, 0.0, 0.0, 0.0],
    "it":   [0.0, 1.0, 0.0, 0.0],
    "eat":  [0.0, 0.0, 1.0, 0.0],
    "full": [0.0, 0.0, 1.0, 0.0],
}
x = torch.tensor([meaning.get(word, [0.0, 0.0, 0.0, 1.0]) for word in words])  # (T, 4)

figures.table_picture(
    x.T, rows=channels, columns=words,
    title="The cat's sentence as vectors",
    caption="One column for each word. These vectors are chosen by hand: each channel has a meaning.",
)

# %% [markdown]
# From its vector each word makes three others, with one matrix each:
#
# - the **query**: what this word asks for,
# - the **key**: what this word is found by,
# - the **value**: what this word gives to whoever finds it.
#
# Our query matrix says one thing: *a pronoun asks for animals, strongly, and for
# eating, a little.* Keys and values are the vectors as they are.

# %%
W_query = torch.zeros(4, 4)
W_query[channels.index("pronoun"), channels.index("animal")] = 7.0
W_query[channels.index("pronoun"), channels.index("eating")] = 2.0
W_key = W_value = torch.eye(4)

q, k, v = x @ W_query, x @ W_key, x @ W_value  # (T, 4) each
it, cat = words.index("it"), words.index("cat")
print("query of it: ", q[it].tolist())
print("key of cat:  ", k[cat].tolist())

# %% [markdown]
# How well does a key fit a query? Multiply them number by number and add up: the
# *dot product*. For "it" and "cat" that is 7 · 1 + 0 · 0 + 2 · 0 + 0 · 0 = 7.
#
# Four steps lead from the dot products to what "it" reads. Follow them in the table,
# one line for each word, with a pocket calculator if you like.

# %%
scores = q[it] @ k.T  # (T,)
scaled = scores / math.sqrt(4)  # (T,)
powers = scaled.exp()  # (T,)
row = powers / powers.sum()  # (T,)

print("word      query·key    ÷ √4     e^…   ÷ sum")
for word, *numbers in zip(words, scores.tolist(), scaled.tolist(), powers.tolist(), row.tolist()):
    print("{:8} {:10.0f} {:8.1f} {:7.2f} {:7.2f}".format(word, *numbers))
print("{:8} {:>10} {:>8} {:7.2f} {:7.2f}".format("sum", "", "", powers.sum(), row.sum()))

# %% [markdown]
# The last column is the **row of "it"**: eleven weights that add up to 1. Read as
# a sentence:

# %%
print(figures.read_row(row, words, "it"))

# %%
figures.token_row(words, row, "it", caption="How much “it” reads each word, in the head that we set by hand.")

# %% [markdown]
# Steps three and four together are the *softmax*. It turns any numbers into
# weights that are positive and add up to 1, and it turns differences into ratios:
# a score that is higher by 1 gets e ≈ 2.72 times the weight.
#
# At last "it" takes the mean of all values, each with its weight. What does its
# vector say now?

# %%
z = row @ v  # (4,)
for channel, before, after in zip(channels, x[it].tolist(), z.tolist()):
    print(f"{channel:8} before {before:.2f}   read {after:.2f}")

# %% [markdown]
# What "it" has read says, above all, *animal*. Every word does this at the same
# time, each with its own query. The rows together make a square: the *attention weights*.

# %%
hand_set = (q @ k.T / math.sqrt(4)).softmax(dim=-1)  # (T, T)
figures.heatmap(
    hand_set, rows=words, columns=words, mark=[(it, cat)],
    title="A head set by hand",
    caption="Each row is the word that reads, each column the word that is read. "
    "Only “it” asks for anything; all other queries are 0, so all other rows are even.",
)

# %% [markdown]
# In a real model nobody sets the numbers. Training finds them, and it has to find
# many heads at once, each with a question of its own. The whole way, with shapes
# (B sequences, T tokens, H heads):

# %%
figures.shape_diagram(
    [
        ("x", "(B, T, n_embd)", "embeddings"),
        ("q, k, v", "(B, T, n_embd)", "three linear layers"),
        ("heads", "(B, H, T, head_size)", "split_heads"),
        ("scores", "(B, H, T, T)", "q · k ÷ √head_size"),
        ("weights", "(B, H, T, T)", "mask, softmax, dropout"),
        ("z", "(B, H, T, head_size)", "weights · v"),
        ("output", "(B, T, n_embd)", "merge_heads, linear layer, dropout"),
    ],
    caption="Multi-head self-attention, station by station.",
)

# %% [markdown]
# ## Build it
#
# ### Exercise 1 · Split into heads
#
# **2 points · about 10 minutes · so that every head has channels of its own**
#
# With `n_head` heads each gets `head_size = n_embd // n_head` channels: head 0 the
# first `head_size`, head 1 the next, and so on. The heads become an axis of their
# own, in front of the tokens, so that one matrix product can serve all of them.
#
# | | shape | |
# |---|---|---|
# | in: `x` | `(B, T, n_embd)` | |
# | in: `n_head` | a number | divides `n_embd` |
# | out | `(B, n_head, T, head_size)` | `out[b, h, t]` is channels h · head_size … of `x[b, t]` |
#
# <details><summary>Hint 1: a nudge</summary>
#
# Two steps. First cut the last axis into two, and leave the tokens where they are.
# Then let two axes change places.
#
# </details>
# <details><summary>Hint 2: the shapes</summary>
#
# `(B, T, n_embd)` → `(B, T, n_head, head_size)` → `(B, n_head, T, head_size)`
#
# </details>
# <details><summary>Hint 3: the calls</summary>
#
# `x.reshape(...)`, then `.transpose(1, 2)`.
#
# </details>

# %% solution="split-heads"
def split_heads(x, n_head):
    """(B, T, n_embd) to (B, n_head, T, head_size)."""
    B, T, n_embd = x.shape
    ### BEGIN SOLUTION
    return x.reshape(B, T, n_head, n_embd // n_head).transpose(1, 2)  # (B, H, T, head_size)
    ### END SOLUTION

# %% [markdown]
# #### Check it

# %% points=1 test="split-heads-shape"
check.split_heads(split_heads, "shape")
### BEGIN HIDDEN TESTS
check.split_heads(split_heads, "shape", seed=1)
### END HIDDEN TESTS

# %% points=1 test="split-heads-values"
check.split_heads(split_heads, "values")
### BEGIN HIDDEN TESTS
check.split_heads(split_heads, "values", seed=1)
check.split_heads(split_heads, "values", seed=2)
### END HIDDEN TESTS

# %% [markdown]
# **Why first cut, then swap?** One can reach the right shape in a single step, with
# `view(B, n_head, T, head_size)`. Here is what that does. Each number says where it
# came from: 31 is token 3, channel 1.

# %%
T, n_head, head_size = 3, 2, 2
traced = 10 * torch.arange(T).unsqueeze(1) + torch.arange(n_head * head_size)  # (T, n_embd)
traced = traced.unsqueeze(0)  # (1, T, n_embd)

in_one_step = traced.view(1, n_head, T, head_size)
cut_then_swapped = traced.view(1, T, n_head, head_size).transpose(1, 2)
print("head 0, in one step:     ", in_one_step[0, 0].tolist())
print("head 0, cut then swapped:", cut_then_swapped[0, 0].tolist())

# %% [markdown]
# Both have the right shape. In the first, the head's second "token" is the second
# half of token 0, and token 2 is missing: `view` fills the new box in reading order,
# and knows nothing of tokens. No error is raised. A check of shapes alone lets it pass.
#
# ### Exercise 2 · Merge the heads
#
# **1 point · about 5 minutes · the way back**
#
# | | shape | |
# |---|---|---|
# | in: `x` | `(B, n_head, T, head_size)` | |
# | out | `(B, T, n_embd)` | `merge_heads(split_heads(x, n_head))` is `x` |
#
# <details><summary>Hint 1: a nudge</summary>
#
# The same two steps, backwards.
#
# </details>
# <details><summary>Hint 2: when view refuses</summary>
#
# After `transpose` the numbers no longer lie in memory in reading order, and `view`
# refuses to work. `reshape` copies them if it must.
#
# </details>

# %% solution="merge-heads"
def merge_heads(x):
    """(B, n_head, T, head_size) to (B, T, n_embd)."""
    B, n_head, T, head_size = x.shape
    ### BEGIN SOLUTION
    return x.transpose(1, 2).reshape(B, T, n_head * head_size)  # (B, T, n_embd)
    ### END SOLUTION

# %% [markdown]
# #### Check it

# %% points=1 test="merge-heads-values"
check.merge_heads(merge_heads, "values")
### BEGIN HIDDEN TESTS
check.merge_heads(merge_heads, "values", seed=1)
check.merge_heads(merge_heads, "values", seed=2)
### END HIDDEN TESTS

# %% [markdown]
# ### Exercise 3 · The scores
#
# **3 points · about 10 minutes · how well each key fits each query**
#
# | | shape | |
# |---|---|---|
# | in: `q`, `k` | `(B, n_head, T, head_size)` | queries and keys |
# | out | `(B, n_head, T, T)` | `out[b, h, i, j]` = query i · key j ÷ √head_size |
#
# Row i belongs to the word that asks, column j to the word that is asked.
#
# <details><summary>Hint 1: a nudge</summary>
#
# All dot products of the rows of a matrix with the rows of another are one matrix
# product, if one of them is transposed.
#
# </details>
# <details><summary>Hint 2: the call</summary>
#
# `torch.matmul` (or `@`) multiplies the last two axes and leaves the others alone:
# `(B, H, T, head_size)` times `(B, H, head_size, T)`. And `k.transpose(-2, -1)` swaps
# the last two axes of `k`.
#
# </details>

# %% solution="attention-scores"
def attention_scores(q, k):
    """(B, n_head, T, head_size) twice, to (B, n_head, T, T)."""
    ### BEGIN SOLUTION
    head_size = q.shape[-1]
    return torch.matmul(q, k.transpose(-2, -1)) / math.sqrt(head_size)  # (B, H, T, T)
    ### END SOLUTION

# %% [markdown]
# #### Check it

# %% points=1 test="attention-scores-shape"
check.attention_scores(attention_scores, "shape")
### BEGIN HIDDEN TESTS
check.attention_scores(attention_scores, "shape", seed=1)
### END HIDDEN TESTS

# %% points=1 test="attention-scores-values"
check.attention_scores(attention_scores, "values")
### BEGIN HIDDEN TESTS
check.attention_scores(attention_scores, "values", seed=1)
### END HIDDEN TESTS

# %% points=1 test="attention-scores-scale"
check.attention_scores(attention_scores, "scale")
### BEGIN HIDDEN TESTS
check.attention_scores(attention_scores, "scale", seed=1)
check.attention_scores(attention_scores, "scale", seed=2)
### END HIDDEN TESTS

# %% [markdown]
# **Why ÷ √head_size?** A dot product is a sum of `head_size` products. The longer the
# vectors, the larger the sums, though the words have become neither more alike nor
# less. Watch what that does to the softmax, for random queries and keys:

# %%
torch.manual_seed(0)
print("head_size   spread of the scores   largest weight     the same, after ÷ √head_size")
for size in (4, 16, 64, 256):
    queries, keys = torch.randn(200, size), torch.randn(11, size)
    raw = queries @ keys.T  # (200, 11)
    plain, divided = raw.softmax(-1).amax(-1).mean(), (raw / math.sqrt(size)).softmax(-1).amax(-1).mean()
    print(f"{size:9} {raw.std():22.1f} {plain:16.2f} {(raw / math.sqrt(size)).std():18.1f} {divided:10.2f}")

# %% [markdown]
# Without the division a head of 256 channels gives almost all weight to a single word
# before it has learnt anything. That would not be so bad if it could change its mind.
# It can not: where the softmax is that sure, its gradient vanishes.

# %%
def gradient_of_the_largest_weight(scores):
    """How strongly the largest weight answers to its own score."""
    largest = scores.softmax(-1).amax(-1)
    return (largest * (1 - largest)).mean()


print(f"gradient without the division: {gradient_of_the_largest_weight(raw):.4f}")
print(f"gradient with the division:    {gradient_of_the_largest_weight(raw / math.sqrt(size)):.4f}")

# %% [markdown]
# ### Exercise 4 · Mask and softmax
#
# **4 points · about 15 minutes · who may look at whom**
#
# Not every word may look at every other. Padding is not there to be looked at, and
# a model that predicts the next word must not see it. An `attention_mask` says who
# may: **1 (or True) = may attend**, 0 (or False) = may not.
#
# | | shape | |
# |---|---|---|
# | in: `scores` | `(B, n_head, T, T)` | |
# | in: `attention_mask` | `(B, 1, T, T)`, or anything that broadcasts to the scores | bool, int or float |
# | out | `(B, n_head, T, T)` | each row adds up to 1; 0 wherever the mask is 0 |
#
# Every row of the mask allows at least one word.
#
# <details><summary>Hint 1: a nudge</summary>
#
# Which score gives the weight 0? Not the score 0: e⁰ is 1. Which power of e is 0?
#
# </details>
# <details><summary>Hint 2: the call</summary>
#
# `scores.masked_fill(condition, value)` returns a copy in which `value` stands
# wherever the condition is True. The condition must be a bool tensor, and True where
# one may *not* look: `attention_mask == 0`.
#
# </details>
# <details><summary>Hint 3: the order</summary>
#
# Fill with `float("-inf")` first. Then softmax along the last axis, over the words
# that are asked.
#
# </details>

# %% solution="masked-softmax"
def masked_softmax(scores, attention_mask):
    """(B, n_head, T, T) and a mask, 1 = may attend, to weights (B, n_head, T, T)."""
    ### BEGIN SOLUTION
    scores = scores.masked_fill(attention_mask == 0, float("-inf"))  # (B, H, T, T)
    return F.softmax(scores, dim=-1)  # (B, H, T, T)
    ### END SOLUTION

# %% [markdown]
# #### Check it

# %% points=1 test="masked-softmax-rows"
check.masked_softmax(masked_softmax, "rows add up to 1")
### BEGIN HIDDEN TESTS
check.masked_softmax(masked_softmax, "rows add up to 1", seed=1)
### END HIDDEN TESTS

# %% points=2 test="masked-softmax-mask"
check.masked_softmax(masked_softmax, "mask")
### BEGIN HIDDEN TESTS
check.masked_softmax(masked_softmax, "mask", seed=1)
check.masked_softmax(masked_softmax, "mask", seed=2)
### END HIDDEN TESTS

# %% points=1 test="masked-softmax-forms"
check.masked_softmax(masked_softmax, "mask forms")
### BEGIN HIDDEN TESTS
check.masked_softmax(masked_softmax, "mask forms", seed=1)
### END HIDDEN TESTS

# %% [markdown]
# ### Exercise 5 · All of it
#
# **8 points · about 30 minutes · the heart of the Transformer**
#
# Put your four functions together. The layers are given in `__init__`.
#
# | | shape | |
# |---|---|---|
# | in: `x` | `(B, T, n_embd)` | |
# | in: `attention_mask` | `(B, 1, T, T)` or None | None: every word may look at every word |
# | out | `(B, T, n_embd)` | |
#
# 1. Queries, keys and values: three linear layers, then `split_heads`.
# 2. Scores, mask, softmax: the attention weights.
# 3. Keep the weights in `self.weights`, so that you can look at them afterwards.
# 4. `self.attn_dropout` on the weights: in training, some links are cut at random.
# 5. The mean of the values: `torch.matmul(weights, v)`.
# 6. `merge_heads`, then `self.proj`, then `self.proj_dropout`.
#
# <details><summary>Hint 1: when there is no mask</summary>
#
# With `attention_mask is None` nothing is hidden: the plain softmax is enough, or a mask of ones.
#
# </details>
# <details><summary>Hint 2: dropout</summary>
#
# An `nn.Dropout` layer is called like any other. It knows by itself whether the
# model is in training (`model.train()`) or not (`model.eval()`).
#
# </details>
# <details><summary>Hint 3: the shapes</summary>
#
# `(B, T, C)` → q, k, v `(B, H, T, head_size)` → weights `(B, H, T, T)` →
# z `(B, H, T, head_size)` → `(B, T, C)`
#
# </details>

# %% solution="multi-head-self-attention"
class MultiHeadSelfAttention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.n_head = config.n_head
        self.query = nn.Linear(config.n_embd, config.n_embd)
        self.key = nn.Linear(config.n_embd, config.n_embd)
        self.value = nn.Linear(config.n_embd, config.n_embd)
        self.proj = nn.Linear(config.n_embd, config.n_embd)
        self.attn_dropout = nn.Dropout(config.dropout)
        self.proj_dropout = nn.Dropout(config.dropout)

    def forward(self, x, attention_mask=None):
        """x: (B, T, n_embd); attention_mask: (B, 1, T, T) or None. Returns (B, T, n_embd)."""
        ### BEGIN SOLUTION
        q = split_heads(self.query(x), self.n_head)  # (B, H, T, head_size)
        k = split_heads(self.key(x), self.n_head)  # (B, H, T, head_size)
        v = split_heads(self.value(x), self.n_head)  # (B, H, T, head_size)
        scores = attention_scores(q, k)  # (B, H, T, T)
        if attention_mask is None:
            attention_mask = torch.ones_like(scores)
        weights = masked_softmax(scores, attention_mask)  # (B, H, T, T)
        self.weights = weights.detach()
        z = torch.matmul(self.attn_dropout(weights), v)  # (B, H, T, head_size)
        return self.proj_dropout(self.proj(merge_heads(z)))  # (B, T, C)
        ### END SOLUTION

# %% [markdown]
# #### Check it

# %% points=1 test="multi-head-self-attention-shape"
check.multi_head_self_attention(MultiHeadSelfAttention, "shape")
### BEGIN HIDDEN TESTS
check.multi_head_self_attention(MultiHeadSelfAttention, "shape", seed=1)
### END HIDDEN TESTS

# %% points=2 test="multi-head-self-attention-values"
check.multi_head_self_attention(MultiHeadSelfAttention, "values")
### BEGIN HIDDEN TESTS
check.multi_head_self_attention(MultiHeadSelfAttention, "values", seed=1)
check.multi_head_self_attention(MultiHeadSelfAttention, "values", seed=2)
### END HIDDEN TESTS

# %% points=2 test="multi-head-self-attention-mask"
check.multi_head_self_attention(MultiHeadSelfAttention, "mask")
### BEGIN HIDDEN TESTS
check.multi_head_self_attention(MultiHeadSelfAttention, "mask", seed=1)
check.multi_head_self_attention(MultiHeadSelfAttention, "mask", seed=2)
### END HIDDEN TESTS

# %% points=2 test="multi-head-self-attention-dropout"
check.multi_head_self_attention(MultiHeadSelfAttention, "dropout")
### BEGIN HIDDEN TESTS
check.multi_head_self_attention(MultiHeadSelfAttention, "dropout", seed=1)
### END HIDDEN TESTS

# %% points=1 test="multi-head-self-attention-gradient"
check.multi_head_self_attention(MultiHeadSelfAttention, "gradient")
### BEGIN HIDDEN TESTS
check.multi_head_self_attention(MultiHeadSelfAttention, "gradient", seed=1)
### END HIDDEN TESTS

# %% [markdown]
# ### Is it the same as PyTorch's?
#
# PyTorch has attention built in, twice: as a layer, `nn.MultiheadAttention`, and as
# one function, `F.scaled_dot_product_attention`. Give the layer your weights, and
# compare. The first cell decides whose attention is used from here on: yours, if it
# passes its checks.

# %%
config = TransformerConfig(vocab_size=11, block_size=16, n_embd=12, n_head=3, dropout=0.0)
Attention = check.multi_head_self_attention.yours_if_it_passes(MultiHeadSelfAttention, package.MultiHeadSelfAttention)

# %%
torch.manual_seed(1)
yours = Attention(config).eval()
W_q, b_q, W_k, b_k, W_v, b_v, W_o, b_o = (p.float() for p in check.projections(yours, config))

theirs = nn.MultiheadAttention(config.n_embd, config.n_head, batch_first=True).eval()
with torch.no_grad():
    theirs.in_proj_weight.copy_(torch.cat((W_q, W_k, W_v)))
    theirs.in_proj_bias.copy_(torch.cat((b_q, b_k, b_v)))
    theirs.out_proj.weight.copy_(W_o)
    theirs.out_proj.bias.copy_(b_o)

example = torch.randn(2, 5, config.n_embd)  # (B, T, C)
visible = torch.ones(2, 1, 5, 5).tril()  # (B, 1, T, T)
with torch.no_grad():
    by_you = yours(example, visible)  # (B, T, C)
    by_layer, _ = theirs(example, example, example, attn_mask=visible[0, 0] == 0)  # (B, T, C)
print(f"largest difference to nn.MultiheadAttention: {(by_you - by_layer).abs().max():.1e}")

# %% [markdown]
# Mind the mask. In `nn.MultiheadAttention` True means *hidden*; in this course, and
# in `F.scaled_dot_product_attention`, True means *may attend*. Two conventions are
# in use, and a mask of the wrong one raises no error.

# %%
def heads_of(projected):
    """(B, T, C) to (B, H, T, head_size), another way: cut into chunks, one for each head."""
    return torch.stack(projected.chunk(config.n_head, dim=-1), dim=1)


with torch.no_grad():
    z = F.scaled_dot_product_attention(
        heads_of(example @ W_q.T + b_q), heads_of(example @ W_k.T + b_k), heads_of(example @ W_v.T + b_v),
        attn_mask=visible == 1,
    )  # (B, H, T, head_size)
    by_function = torch.cat(z.unbind(dim=1), dim=-1) @ W_o.T + b_o  # (B, T, C)
print(f"largest difference to F.scaled_dot_product_attention: {(by_you - by_function).abs().max():.1e}")

# %% [markdown]
# Differences of 1e-7 are rounding: float32 carries about seven decimal places.
#
# ## Play with it
#
# First the sentence and the numbers from the beginning, put into **your** class. Two
# heads: head 1 is the one you followed by hand, in head 2 the words about eating ask
# for one another.
#
# Click a head. Point at a word, or walk through the rows with the arrow keys: its row
# is read out below the picture.

# %%
two_heads = TransformerConfig(vocab_size=11, block_size=16, n_embd=8, n_head=2, dropout=0.0)


def attention_to_look_at(config):
    """Yours, if it has the given layers and keeps self.weights, which the pictures read; else the package's."""
    made = Attention(config).eval()
    made(torch.zeros(1, 2, config.n_embd), None)
    readable = all(hasattr(made, name) for name in ("query", "key", "weights"))
    return made if readable else package.MultiHeadSelfAttention(config).eval()


def weights_of(attention, x):
    """(B, n_head, T, T): what forward kept, or what the package's class computes."""
    with torch.no_grad():
        attention(x, None)
        return attention.weights if hasattr(attention, "weights") else attention.attention_weights(x)


by_hand = attention_to_look_at(two_heads)
with torch.no_grad():
    for layer in (by_hand.query, by_hand.key):
        layer.weight.zero_()
        layer.bias.zero_()
    # nn.Linear multiplies with the transposed weight, so rows and columns change places.
    by_hand.query.weight[:4, :4] = W_query.T
    by_hand.key.weight[:4, :4] = W_key.T
    eating = channels.index("eating")
    by_hand.query.weight[4, eating] = 7.0
    by_hand.key.weight[4, eating] = 1.0

x_two = torch.cat((x, x), dim=-1).unsqueeze(0)  # (1, T, 8)
hand_weights = weights_of(by_hand, x_two)  # (1, 2, T, T)
print("head 1:", figures.read_row(hand_weights[0, 0, it], words, "it"))
print("head 2:", figures.read_row(hand_weights[0, 1, words.index("full")], words, "full"))

# %%
AttentionExplorer(hand_weights[0], words, token=it)

# %% [markdown]
# ### A head that nobody set
#
# The following weights come from a small encoder that was trained for the course:
# three layers of four heads each. It read tens of thousands of sentences like the cat's,
# and at "it" it had to name the animal, or the food, that is meant. Nobody told its heads
# where to look.
#
# Go through its heads, and find those in which "it" reads the cat. The tab *Rank heads* finds
# them for you. In which layer are they?

# %%
antecedent, tokenizer = weights.load("antecedent")
sentence = "the cat did not want to eat because it was full"
idx = tokenizer.encode(sentence).unsqueeze(0)  # (1, T)
AttentionExplorer(antecedent.attentions(idx), sentence.split(), token=sentence.split().index("it"))

# %% [markdown]
# Now change the sentence, run the cell again, and look at the same heads. Here are two more,
# in numbers: what each head gives to the noun that is meant, and what the encoder answers.

# %%
for sentence, meant in (
    ("the cat did not want to eat because it was full", "cat"),
    ("the dog followed the hen because it was lost", "dog"),
    ("the dog was followed by the hen because it was lost", "hen"),
):
    idx, place = tokenizer.encode(sentence).unsqueeze(0), sentence.split().index("it")
    with torch.no_grad():
        answer = tokenizer.words[antecedent(idx)[0][0, place].argmax()]
    print(f"{sentence}\n  the encoder answers: {answer}")
    for number, attention in enumerate(antecedent.attentions(idx), start=1):
        row = attention[0, :, place, sentence.split().index(meant)]  # (n_head,)
        print(f"  layer {number}, from it to {meant}, each head: ", *(f"{weight:.2f}" for weight in row.tolist()))

# %% [markdown]
# The last two sentences differ in two words, *was* and *by*, and "it" is another animal. The
# heads of the first layer do not agree yet. Those of the second do: they read what the first has
# gathered. (A large weight says what a head reads. What the model makes of it is up to the values
# and to all that follows.)

# %%
print("words the encoder knows:", ", ".join(sorted(word for word in tokenizer.words if word.isalpha())))

# %% [markdown]
# ## A common misreading
#
# > "Masked self-attention is performed where the future similarity scores are
# > **zeroed out**."
#
# The sentence sounds right: what shall not count is set to 0. But the scores go
# through a softmax, and e⁰ is 1. A score of 0 is a score like any other, and often
# not even the smallest. Hide the last three words from "want", in both ways:

# %%
scores_of_want = torch.tensor([0.5, 1.5, -1.0, -0.5, 0.2, 0.8, 2.0, 0.3])  # (8,)
may_look = torch.tensor([1, 1, 1, 1, 1, 0, 0, 0])  # (8,)
first_words = words[:8]

zeroed_out = scores_of_want.masked_fill(may_look == 0, 0.0).softmax(-1)  # (8,)
minus_infinity = scores_of_want.masked_fill(may_look == 0, float("-inf")).softmax(-1)  # (8,)
figures.heatmap(
    torch.stack((zeroed_out, minus_infinity)), rows=["filled with 0", "filled with −∞"], columns=first_words,
    title="The row of “want”, last three words hidden",
    caption="Filled with 0, the hidden words still get weight. Filled with minus infinity, they get none.",
)

# %%
print(f"weight on the hidden words, filled with 0:  {zeroed_out[may_look == 0].sum():.2f}")
print(f"weight on the hidden words, filled with −∞: {minus_infinity[may_look == 0].sum():.2f}")

# %% [markdown]
# With zeros the model reads the future, and more of it than of some words that it may
# read. In training its loss looks splendid. In use, when there is no future to read,
# it fails.
#
# What is zeroed out are the **weights**, after the softmax. The **scores** are set to
# −∞, before it. (Setting the weights to 0 by hand would leave rows that no longer add up to 1.)
#
# And a row in which *everything* is hidden? Then there is nothing to share the
# weight among, and 0 ÷ 0 is not a number:

# %%
nothing_to_see = torch.full((4,), float("-inf")).softmax(-1)
print(nothing_to_see)

# %% [markdown]
# That is why no mask of this course ever has an empty row.
#
# ## The PyTorch calls
#
# ### `torch.matmul(input, other)`, also written `input @ other`
#
# **In:** `(*, n, m)` and `(*, m, p)`. **Out:** `(*, n, p)`, a matrix product over the
# last two axes for each entry of the others.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.matmul.html)

# %%
a, b = torch.randn(2, 3, 5, 4), torch.randn(2, 3, 4, 6)
product = torch.matmul(a, b)
print(tuple(a.shape), "@", tuple(b.shape), "->", tuple(product.shape))
assert product.shape == (2, 3, 5, 6)
assert torch.allclose(product[1, 2], a[1, 2] @ b[1, 2])

# %% [markdown]
# ### `torch.sqrt(input)`
#
# **In:** a tensor of floats. **Out:** the square root of each number. For a plain
# Python number, such as `head_size`, use `math.sqrt`.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.sqrt.html)

# %%
print(torch.sqrt(torch.tensor([4.0, 9.0, 2.0])))
assert torch.sqrt(torch.tensor([4.0, 9.0])).tolist() == [2.0, 3.0]

# %% [markdown]
# ### `torch.reshape(input, shape)`
#
# **In:** a tensor and the new sizes; one of them may be −1, "whatever is left".
# **Out:** the same numbers in reading order in a new box. It copies only if it must.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.reshape.html)

# %%
a = torch.arange(1, 9)
print(torch.reshape(a, (4, 2)).tolist())
assert torch.reshape(a, (4, 2)).tolist() == [[1, 2], [3, 4], [5, 6], [7, 8]]
assert torch.reshape(a, (2, -1)).shape == (2, 4)

# %% [markdown]
# ### `torch.transpose(input, dim0, dim1)`
#
# **In:** a tensor and the two axes that change places. **Out:** a view; the numbers
# stay where they are in memory.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.transpose.html)

# %%
a = torch.arange(6).reshape(2, 3)
print(a.tolist(), "->", torch.transpose(a, 0, 1).tolist())
assert torch.transpose(a, 0, 1).tolist() == [[0, 3], [1, 4], [2, 5]]
assert not torch.transpose(a, 0, 1).is_contiguous()

# %% [markdown]
# ### `Tensor.masked_fill(mask, value)`
#
# **In:** a bool tensor that broadcasts to the tensor, and a number. **Out:** a new
# tensor with the number wherever the mask is True.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.Tensor.masked_fill.html)

# %%
a = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
filled = a.masked_fill(torch.tensor([[False, True], [False, False]]), float("-inf"))
print(filled.tolist())
assert filled.tolist() == [[1.0, float("-inf")], [3.0, 4.0]]
assert a[0, 1] == 2.0, "the original stays as it was"

# %% [markdown]
# ### `F.softmax(input, dim)`
#
# **In:** any numbers, and the axis along which they are to add up to 1. **Out:**
# softmax(xᵢ) = exp(xᵢ) ÷ Σⱼ exp(xⱼ). Always name `dim`.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.softmax.html)

# %%
a = torch.tensor([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]])
print(F.softmax(a, dim=-1))
assert torch.allclose(F.softmax(a, dim=-1).sum(-1), torch.ones(2))
assert torch.allclose(F.softmax(a, dim=-1), a.exp() / a.exp().sum(-1, keepdim=True))

# %% [markdown]
# ### `nn.Dropout(p)`
#
# **In:** any tensor. **Out:** in training each number is set to 0 with probability
# `p`, and the others are multiplied by 1 ÷ (1 − p), so that the mean stays the same.
# In evaluation: the tensor as it is.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.nn.Dropout.html)

# %%
drop = nn.Dropout(p=0.5)
ones = torch.ones(10_000)
print("in training:  ", drop.train()(ones)[:8].tolist())
print("in evaluation:", drop.eval()(ones)[:8].tolist())
assert set(drop.train()(ones).tolist()) == {0.0, 2.0}
assert torch.equal(drop.eval()(ones), ones)

# %% [markdown]
# ## Where next
#
# One layer of attention lets every word read every other, once. To find out who was
# full, it helps to read twice: first that "it" is a pronoun after a "because", then
# which of the animals fits. In notebook 3 you stack attention into blocks, and the
# blocks into a Transformer.
