# %% [markdown]
# # 2 · Multi-head self-attention
#
# *The cat did not want to eat because it was full.*
#
# Every word is a vector now, and knows its position. The vector of "it" was made
# from "it" alone. It does not know that there is a cat.

# %% [markdown]
# ## The question
#
# **How can the vector of "it" learn something from the vector of "cat"?**
#
# By *attention*: every word asks a question, every word offers an answer, and each
# word listens most to the words whose offers fit its question best. At the end you will have built
#
# - `split_heads` and `merge_heads`, which let several heads work side by side,
# - `attention_scores` and `masked_softmax`, the two steps in the middle,
# - `MultiHeadSelfAttention`, the heart of every Transformer, checked against PyTorch's own.
#
# | | |
# |---|---|
# | Time | about 110 minutes |
# | Points | 19 |
# | Before you start | [Notebook 1](../01-embeddings/01-embeddings.ipynb); that a matrix product is many dot products |
#
# After a restart: **Run → Run All Above Selected Cell**. Where a check stops *Run All*: select the first cell
# below the checks, then **Run → Run Selected Cell and All Below**.

# %%
import math
import textwrap

import torch
from torch import nn
from torch.nn import functional as F

import ninelives.checks.attention as check
import ninelives.model as package
import ninelives.questions.attention as ask
from ninelives import figures, weights
from ninelives.config import TransformerConfig
from ninelives.recipes.reader import habits
from ninelives.text import sentences
from ninelives.widgets import AttentionExplorer

torch.set_printoptions(precision=2, sci_mode=False)

# %% [markdown]
# ## See it
#
# One attention head, small enough to follow by hand. Nothing here is learned: we
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
    x, rows=words, columns=channels,
    title="The cat's sentence as vectors",
    caption="One row for each word. These vectors are chosen by hand: each channel has a meaning.",
)

# %% [markdown]
# From its vector each word makes three others, with one matrix each:
#
# - the **query**: what this word asks for,
# - the **key**: what this word is found by,
# - the **value**: what this word gives to each word that finds it.
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
# With "did" it is 0: the two have nothing in common.

# %%
ask.what_the_softmax_makes_of_a_zero()

# %% [markdown]
# Four steps lead from the vectors to the weights of "it". Follow them in the table,
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
figures.token_row(words, row, "it", caption="How much “it” attends to each word, in the head that we set by hand.")

# %% [markdown]
# Steps three and four together are the *softmax*. It turns any numbers into
# weights that are positive and add up to 1, and it turns differences into ratios:
# a score that is higher by 1 gets e ≈ 2.72 times the weight.
#
# Finally "it" takes the weighted mean of all values. What does that vector say?

# %%
z = row @ v  # (4,)
for channel, before, after in zip(channels, x[it].tolist(), z.tolist()):
    print(f"{channel:8} before {before:.2f}   received {after:.2f}")

# %% [markdown]
# What "it" has received says, above all, *animal*.
#
# ### Where, and what

# %%
ask.what_the_values_decide()

# %% [markdown]
# Queries and keys decide **where** a word looks. Values decide **what** is brought back from there.
# Here the same weights bring back something else, because another value matrix turns "animal" into
# the channel "other":

# %%
W_value_2 = torch.zeros(4, 4)
W_value_2[channels.index("animal"), channels.index("other")] = 1.0
print("weight of cat, as before:", f"{row[cat]:.2f}")
for channel, first, second in zip(channels, z.tolist(), (row @ (x @ W_value_2)).tolist()):
    print(f"{channel:8} received {first:.2f}   with the other value matrix {second:.2f}")

# %% [markdown]
# Every word does all this at the same time, each with its own query. The rows together make a
# square: the *attention weights*.

# %%
hand_set = (q @ k.T / math.sqrt(4)).softmax(dim=-1)  # (T, T)
figures.heatmap(
    hand_set, rows=words, columns=words, mark=[(it, cat)],
    title="A head set by hand",
    caption="Only “it” asks for anything; all other queries are 0, so all other rows are uniform.",
)

# %% [markdown]
# The same square, to be explored. Click the cell where "it" meets "cat", or go there with the arrow keys and press Enter:
# *Why this weight* does the sums of your table for any two words. Which product makes the weight of "full"?

# %%
AttentionExplorer(hand_set, words, token=it, queries=q, keys=k, channels=channels)

# %% [markdown]
# In a real model nobody sets the numbers. Training finds them, and it finds several
# *heads* at once: each has its own queries, keys and values, so each can ask a different question. A
# head gets a part of the channels, `head_size = n_embd // n_head`. Their results are put side by
# side again, and a last linear layer, the *output projection*, mixes them: it decides into which channels
# of the word's vector each head writes what it has brought back. Without it head 1 could write
# only into the first channels, and nothing could combine what two heads know in one channel.
#
# The whole computation, with shapes (B sequences, T tokens, H heads):

# %%
figures.shape_diagram(
    [
        ("x", "(B, T, n_embd)", "embeddings"),
        ("q, k, v", "(B, T, n_embd)", "three linear layers"),
        ("heads", "(B, H, T, head_size)", "split_heads"),
        ("scores", "(B, H, T, T)", "q · k ÷ √head_size"),
        ("weights", "(B, H, T, T)", "mask, softmax, dropout"),
        ("z", "(B, H, T, head_size)", "weights · v"),
        ("output", "(B, T, n_embd)", "merge_heads, output projection, dropout"),
    ],
    caption="Multi-head self-attention, step by step.",
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
# The check gives you numbers that say where they come from: 302 is token 3, channel 2.
#
# <details><summary>Hint 1: a nudge</summary>
#
# Two steps. First cut the last axis into two, and leave the tokens where they are.
# Then swap two axes.
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
# **Why first cut, then swap?** You can reach the right shape in a single step, with
# `view(B, n_head, T, head_size)`. Here is what that does, beside the channels that belong to
# head 0. Each number says where it comes from: 201 is token 2, channel 1.

# %%
def trace_two_ways():
    traced = 100 * torch.arange(3).unsqueeze(1) + torch.arange(4)  # (T, n_embd) = (3, 4)
    in_one_step = traced.view(2, 3, 2)  # (n_head, T, head_size), in reading order
    first_channels = traced[:, :2]  # (T, head_size)
    print("all tokens:         ", traced.tolist())
    print("head 0, in one step:", in_one_step[0].tolist())
    print("head 0, as it is:   ", first_channels.tolist())


trace_two_ways()

# %% [markdown]
# Both have the right shape. In the first, the head's second "token" is the second
# half of token 0, and token 2 is missing: `view` fills the new shape in reading order,
# and knows nothing of tokens. No error is raised. A check that looks only at shapes lets it pass.
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
# Row i belongs to the word that asks, column j to the word that is asked. `head_size` is the last
# size of `q`.
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
# the last two axes of `k`. (`k.T` would reverse all four.) The root of a plain number is `math.sqrt(…)`.
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
def weights_of_random_words(size):
    """200 random queries, 11 random keys: weights without and with ÷ √head_size, and the spread of the scores."""
    queries, keys = torch.randn(200, size), torch.randn(11, size)
    dot_products = queries @ keys.T  # (200, 11)
    return dot_products.softmax(-1), (dot_products / math.sqrt(size)).softmax(-1), dot_products.std().item()


torch.manual_seed(0)
print("            bare dot products                     ÷ √head_size")
print("head_size   spread   mean of the largest weight   spread   mean of the largest weight")
for size in (4, 16, 64, 256):
    plain, divided, spread = weights_of_random_words(size)
    print(f"{size:9} {spread:8.1f} {plain.amax(-1).mean():28.2f} "
          f"{spread / math.sqrt(size):8.1f} {divided.amax(-1).mean():28.2f}")

# %% [markdown]
# Without the division a head of 256 channels gives almost all weight to a single word
# before it has learned anything. That would not be so bad if it could change its mind.
# But where the softmax is that confident, its gradient all but vanishes. For each of the 200
# rows: how strongly does the largest weight respond when its own score is changed?

# %%
for name, rows in (("bare dot products", plain), ("÷ √head_size", divided)):
    largest = rows.amax(-1)  # (200,)
    slope = largest * (1 - largest)  # (200,), the derivative of a weight by its own score
    print(f"{name:18} median {slope.median():.3f}, below 0.01 in {(slope < 0.01).float().mean():.0%} of the rows")

# %% [markdown]
# ### Exercise 4 · Mask and softmax
#
# **4 points · about 15 minutes · which word may attend to which**
#
# Not every word may attend to every other. Nothing may attend to padding, and
# a model that predicts the next word must not see it. An `attention_mask` says what
# is allowed: **1 (or True) = may attend**, 0 (or False) = may not.
#
# | | shape | |
# |---|---|---|
# | in: `scores` | `(B, n_head, T, T)` | of any size, ±200 too: e²⁰⁰ is infinite in float32 |
# | in: `attention_mask` | `(B, 1, T, T)`, or anything that broadcasts to the scores | bool, int or float |
# | out | `(B, n_head, T, T)` | each row adds up to 1; exactly 0 wherever the mask is 0 |
#
# Every row of the mask allows at least one word. Leave both arguments as they are.
#
# <details><summary>Hint 1: a nudge</summary>
#
# Which score gives the weight 0? Not the score 0: e⁰ is 1. Which power of e is 0?
#
# </details>
# <details><summary>Hint 2: the call</summary>
#
# `scores.masked_fill(condition, value)` returns a copy with `value` wherever
# the condition is True. The condition must be a bool tensor, and True where
# a word may *not* attend: `attention_mask == 0`. Keep what it returns.
#
# </details>
# <details><summary>Hint 3: the order</summary>
#
# Fill with `float("-inf")` first. Then softmax along the last axis, over the words
# that are asked. `F.softmax` subtracts the row's maximum before it takes powers, so that no
# power is infinite.
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
# **9 points · about 30 minutes · the heart of the Transformer**
#
# Put your four functions together. The layers are given in `__init__`: keep them and their names,
# since the checks and the later notebooks look at them.
#
# | | shape | |
# |---|---|---|
# | in: `x` | `(B, T, n_embd)` | |
# | in: `attention_mask` | `(B, 1, T, T)` or None | None: every word may attend to every word |
# | out | `(B, T, n_embd)` | |
#
# 1. Queries, keys and values: three linear layers, then `split_heads` with `self.n_head`.
# 2. Scores, mask, softmax: the attention weights.
# 3. Keep these weights in `self.weights`, in every call and before dropout. All pictures of attention in this
#    course are drawn from it. (The checks accept `weights` and `weights.detach()`. The second is better: it is a
#    plain tensor without a gradient, so Python can copy the model.)
# 4. `self.attn_dropout` on the weights.
# 5. The weighted mean of the values: `torch.matmul(weights, v)`.
# 6. `merge_heads`, then the output projection `self.proj`, then `self.proj_dropout`.
#
# *Dropout* sets each number to 0 with probability `config.dropout`, and divides the others by one minus
# that probability, so that the mean stays the same. On the weights it cuts some links between words at
# random. So no word can rely on a single link, and the model has to learn what it needs in more than one
# way. It is for training only; afterwards nothing is dropped.
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

# %% points=1 test="multi-head-self-attention-weights-kept"
check.multi_head_self_attention(MultiHeadSelfAttention, "weights kept")
### BEGIN HIDDEN TESTS
check.multi_head_self_attention(MultiHeadSelfAttention, "weights kept", seed=1)
### END HIDDEN TESTS

# %% [markdown]
# ### Is it the same as PyTorch's?
#
# PyTorch has attention built in, twice: as a layer, `nn.MultiheadAttention`, and as
# one function, `F.scaled_dot_product_attention`. Give the layer your weights, and
# compare. The first cell decides whose attention is used from here on.

# %%
small = TransformerConfig(vocab_size=11, block_size=16, n_embd=12, n_head=3, dropout=0.0)


def try_attention(made):
    """Whether the cells below can use an attention class, a wrong one too."""
    layer = made(small).eval()
    layer(torch.zeros(1, 2, small.n_embd), None)
    return layer.weights.shape, check.projections(layer, small)


Attention = check.multi_head_self_attention.yours_if_it_runs(
    MultiHeadSelfAttention, package.MultiHeadSelfAttention, trial=try_attention)

# %%
torch.manual_seed(1)
ours = Attention(small).eval()
W_q, b_q, W_k, b_k, W_v, b_v, W_o, b_o = (p.float() for p in check.projections(ours, small))

theirs = nn.MultiheadAttention(small.n_embd, small.n_head, batch_first=True).eval()
with torch.no_grad():
    theirs.in_proj_weight.copy_(torch.cat((W_q, W_k, W_v)))
    theirs.in_proj_bias.copy_(torch.cat((b_q, b_k, b_v)))
    theirs.out_proj.weight.copy_(W_o)
    theirs.out_proj.bias.copy_(b_o)

example = torch.randn(2, 5, small.n_embd)  # (B, T, C)
mask = torch.ones(2, 1, 5, 5)  # (B, 1, T, T)
mask[..., 3:] = 0  # nothing may attend to the last two tokens
with torch.no_grad():
    by_ours = ours(example, mask)  # (B, T, C)
    by_layer, _ = theirs(example, example, example, attn_mask=mask[0, 0] == 0)  # (B, T, C)
print(f"{figures.whose(ours)} and nn.MultiheadAttention differ by at most {(by_ours - by_layer).abs().max():.1e}")

# %% [markdown]
# Note the mask. In `nn.MultiheadAttention` True means *hidden*; in this course, and
# in `F.scaled_dot_product_attention`, True means *may attend*. Two conventions are
# in use, and a mask in the wrong convention raises no error.

# %%
def heads_of(projected):
    """(B, T, C) to (B, H, T, head_size), another way: cut into chunks, one for each head."""
    return torch.stack(projected.chunk(small.n_head, dim=-1), dim=1)


with torch.no_grad():
    mixed = F.scaled_dot_product_attention(
        heads_of(example @ W_q.T + b_q), heads_of(example @ W_k.T + b_k), heads_of(example @ W_v.T + b_v),
        attn_mask=mask == 1,
    )  # (B, H, T, head_size)
    by_function = torch.cat(mixed.unbind(dim=1), dim=-1) @ W_o.T + b_o  # (B, T, C)
print(f"{figures.whose(ours)} and F.scaled_dot_product_attention differ by at most "
      f"{(by_ours - by_function).abs().max():.1e}")

# %% [markdown]
# Differences of 1e-7 are rounding: float32 carries about seven decimal places. A larger one means that
# something in your class is wrong, and the checks above say what.
#
# ### Attention is blind to order
#
# Notebook 1 promised this. There is no mask here, and the vectors are without positions.

# %%
ask.what_shuffling_does()

# %%
def shuffle_the_words(attention, vectors, order):
    """The largest difference between the outputs of shuffled vectors and the shuffled outputs."""
    with torch.no_grad():
        first_shuffled = attention(vectors[:, order], None)  # (B, T, C)
        last_shuffled = attention(vectors, None)[:, order]  # (B, T, C)
    return (first_shuffled - last_shuffled).abs().max().item()


new_order = torch.tensor([3, 0, 4, 1, 2])
position_vectors = torch.randn(1, 5, small.n_embd)  # (1, T, C)
print(f"{figures.whose(ours)}: shuffle, then attend, or attend, then shuffle")
print(f"  without positions the outputs differ by at most {shuffle_the_words(ours, example, new_order):.1e}")
with torch.no_grad():
    in_order = ours(example + position_vectors, None)[:, new_order]  # (B, T, C)
    out_of_order = ours(example[:, new_order] + position_vectors, None)  # (B, T, C)
print(f"  with positions added they differ by up to       {(in_order - out_of_order).abs().max():.1f}")

# %% [markdown]
# If you shuffle the words, you get the same outputs, shuffled. Only when every vector carries its
# position does "the dog bites the man" differ from "the man bites the dog".
#
# ### What it costs
#
# Each word scores each word, so the scores of one head are a square of T × T numbers:

# %%
for T_shown, text in ((11, "the cat's sentence"), (1024, "GPT-2's longest text"), (131_072, "a long context today")):
    print(f"T = {T_shown:7,}  {T_shown**2:14,} scores a head, {4 * T_shown**2 / 2**20:12,.3f} MiB in float32   {text}")

# %% [markdown]
# Twice as many words, four times as many scores. That is why long texts are expensive, and why
# `F.scaled_dot_product_attention` computes the same result in blocks, without ever holding the whole square.
#
# ## Play with it
#
# First the sentence and the numbers from the beginning, put into your class. Two
# heads: head 1 is the one you followed by hand, in head 2 the words about eating look for
# one another.
#
# Click a head. Point at a word, or walk through the rows with the arrow keys: its row
# is read out in words.

# %%
two_heads = TransformerConfig(vocab_size=11, block_size=16, n_embd=8, n_head=2, dropout=0.0)
by_hand = Attention(two_heads).eval()
if not all(hasattr(by_hand, name) for name in ("query", "key")):
    print("Your class has other layers than the given ones, so the numbers are put into the package's.")
    by_hand = package.MultiHeadSelfAttention(two_heads).eval()
with torch.no_grad():
    for layer in (by_hand.query, by_hand.key):
        layer.weight.zero_()
        layer.bias.zero_()
    # nn.Linear multiplies with the transposed weight, so rows and columns are swapped.
    by_hand.query.weight[:4, :4] = W_query.T
    by_hand.key.weight[:4, :4] = W_key.T
    eating = channels.index("eating")
    by_hand.query.weight[4, eating] = 7.0
    by_hand.key.weight[4, eating] = 1.0
    x_two = torch.cat((x, x), dim=-1).unsqueeze(0)  # (1, T, 8)
    by_hand(x_two, None)
    # The package's class keeps no weights; it computes them again when they are asked for.
    kept = by_hand.weights if hasattr(by_hand, "weights") else by_hand.attention_weights(x_two)  # (1, 2, T, T)

print(f"computed by {figures.whose(by_hand)}")
print("head 1:", figures.read_row(kept[0, 0, it], words, "it"))
print("head 2:", figures.read_row(kept[0, 1, words.index("full")], words, "full"))

# %%
AttentionExplorer(kept[0], words, token=it, first=1)

# %% [markdown]
# ### Heads that nobody set by hand
#
# The weights that follow come from the course's *reader*, a small encoder that was trained for this notebook: three
# layers of four heads each. It was given tens of thousands of sentences like the cat's, and four questions about
# each: which animal or food "it" stands for; which word comes before each word; which comes after; and
# who acts, at the verb. Nobody told a head where to look. A small term of its loss only asks the heads of
# a layer to attend to *different* words, whichever these are.
#
# Begin with a pair of sentences that differ only in their last word, which decides what "it" means. Such pairs are
# a famous test of understanding, the Winograd schemas (Winograd 1972; Levesque et al. 2012):

# %%
reader, its_tokenizer = weights.load("reader")
rotten = "the cat did not want to eat the meat because it was rotten"
full = "the cat did not want to eat the meat because it was full"


def what_it_means(sentence):
    """The word that the encoder predicts at the position of "it"."""
    if "it" not in sentence.split():
        raise ValueError(f"The sentence {sentence!r} needs the word 'it'.")
    with torch.no_grad():
        logits, _ = reader(its_tokenizer.encode(sentence).unsqueeze(0))  # (1, T, vocab_size)
    return its_tokenizer.words[logits[0, sentence.split().index("it")].argmax()]


for sentence in (rotten, full):
    print(f"{sentence:60} it = {what_it_means(sentence)}")

# %% [markdown]
# You knew, of course. To know it, the encoder must let the last word decide where "it" looks.
#
# Go through its twelve heads and find
#
# - a head that attends to the word *before* each word, and one that attends to the word *after*,
# - two heads in which "it" attends to the cat. The tab *Rank heads* opens on that question; try to answer
#   it yourself first.

# %%
def explore(sentence, meant):
    """The heads of the encoder for a sentence; Rank heads asks how much "it" attends to the word that is meant."""
    attentions = reader.attentions(its_tokenizer.encode(sentence).unsqueeze(0))
    return AttentionExplorer(attentions, sentence.split(), token="it", to=meant, first=1)


explore(full, "cat")

# %% [markdown]
# Now the same heads for the other sentence. Which of them follow "it" from the cat to the meat, and which
# do what they did before?

# %%
explore(rotten, "meat")

# %% [markdown]
# To compare by eye is tiring, so subtract. In the next picture, blue is what the second sentence attends to more, and
# orange what it attends to less. *First*, *Second* and *Difference* switch between the three. In *Rank heads*, rank by the
# link from "it" to "meat": in which heads does it change at all? Then rank by the largest change. Do these heads change
# in the row of "it" alone?

# %%
explore(full, "cat").compare(explore(rotten, "meat"))

# %% [markdown]
# One sentence can mislead. So here is what each head does on average, in 200 sentences whose pairs of
# animals never met in training: the mean weight on the word before, on the word itself, on the word after,
# and from "it" to the noun that it stands for, its *antecedent*.

# %%
found = habits(reader, its_tokenizer, sentences("held out", 200))
print(f"{'':16}" + "".join(f"{name:>25}" for name in found[0]))
for layer_number, layer_habits in enumerate(found, start=1):
    for head_number, means in enumerate(zip(*layer_habits.values()), start=1):
        print(f"layer {layer_number}, head {head_number} " + "".join(f"{mean:25.2f}" for mean in means))

# %% [markdown]
# In layer 2, head 3 attends to the word after and head 4 to the word before, in nearly every row, and head 2
# finds the noun that "it" stands for. In layer 3 two heads have divided that work: head 3 finds the noun if it is
# an animal, as in these sentences. For food it is head 1, as you saw with the rotten meat. Other heads do
# things that have no name in this table. Such heads were found in BERT too: for the word before, for the word
# after, and for what a pronoun stands for (Clark et al. 2019, "What Does BERT Look At?").
#
# Three warnings. A large weight says where a head looks; what the model makes of it is up to the values and
# to all that follows. The number of a head means nothing in another model: on the course's front page it is layer 2, head 4
# that finds the cat, since the model there is the translator. And heads need not be so tidy. The course's *antecedent*
# encoder, which has the reader's sizes, was asked only what "it" stands for, and nothing asked its heads to differ:

# %%
antecedent, _ = weights.load("antecedent")
cat_sentence = "the cat did not want to eat because it was full"
for name, encoder in (("reader", reader), ("antecedent", antecedent)):
    every_head = torch.cat(encoder.attentions(its_tokenizer.encode(cat_sentence).unsqueeze(0)), dim=1)[0]  # (12, T, T)
    from_it_to_cat = every_head[:, cat_sentence.split().index("it"), 1]  # (12,)
    print(f"{name:10} from it to cat, 12 heads:", *(f"{weight:.2f}" for weight in from_it_to_cat.tolist()))

# %% [markdown]
# Eight of its twelve heads do the same. It answers just as well, but there is little to discover.
#
# These are the words that both know. Write a sentence of your own with "it" in it, in the form of the
# others, and see whether the encoder understands it as you do.

# %%
known = sorted(word for word in its_tokenizer.words if word.isalpha())
print(textwrap.fill(", ".join(known), 100))

# %%
my_sentence = "the dog was followed by the hen because it was lost"
print(f"{my_sentence}: it = {what_it_means(my_sentence)}")
explore(my_sentence, what_it_means(my_sentence))

# %% [markdown]
# ## A common misreading

# %%
ask.how_to_hide_a_word()

# %% [markdown]
# "The similarity scores of the future are **zeroed out**": what should not count is set to 0. It sounds
# right. But the scores go through a softmax, and e⁰ is 1. A score of 0 is a score like any other, and
# often not even the smallest. Hide the last three words from "want", in both ways:

# %%
first_words = words[:8]


def row_of_want(hidden):
    """(8,): the weights of "want" when the scores of the last three words are replaced by the number `hidden`."""
    scores = torch.tensor([0.5, 1.5, -1.0, -0.5, 0.2, 0.8, 2.0, 0.3])  # (8,)
    scores[5:] = hidden
    return scores.softmax(-1)


zeroed_out, minus_infinity = row_of_want(0.0), row_of_want(float("-inf"))  # (8,) each
figures.heatmap(
    torch.stack((zeroed_out, minus_infinity)),
    rows=["filled with 0", "filled with −∞"], columns=first_words,
    title="The row of “want”, last three words hidden",
    caption="Both rows are that of “want”. Filled with 0, the hidden words still get weight. "
    "Filled with minus infinity, they get none.",
)

# %%
print(f"weight on the hidden words, filled with 0:  {zeroed_out[5:].sum():.2f}")
print(f"weight on the hidden words, filled with −∞: {minus_infinity[5:].sum():.2f}")

# %% [markdown]
# With zeros the model attends to the future, and gives it more weight than it gives to some words that it may
# attend to. In training its loss looks splendid. In use, when there is no future yet, it fails.
#
# What is zeroed out are the **weights**, after the softmax. The **scores** are set to
# −∞, before it. (Setting the weights to 0 by hand would leave rows that no longer add up to 1.)
#
# And a row in which *everything* is hidden? Then there is nothing to share the
# weight among, and 0 ÷ 0 is not a number (NaN):

# %%
nothing_to_see = torch.full((4,), float("-inf")).softmax(-1)
print(nothing_to_see)

# %% [markdown]
# That is why no mask in this course ever has an empty row.
#
# ## In papers
#
# All of `attention_scores`, `masked_softmax` and the weighted mean is one formula (Vaswani et al. 2017,
# equation 1), for one head with the queries, keys and values of all words as the rows of $Q$, $K$ and $V$:
#
# $$\text{Attention}(Q, K, V) = \text{softmax}\left(\frac{QK^T}{\sqrt{d_k}}\right)V$$
#
# and multi-head attention (section 3.2.2) is
#
# $$\text{MultiHead}(Q, K, V) = \text{Concat}(\text{head}_1, \ldots, \text{head}_h)\,W^O, \qquad
# \text{head}_i = \text{Attention}(QW_i^Q,\; KW_i^K,\; VW_i^V)$$
#
# | here | in papers and code |
# |---|---|
# | `head_size` | $d_k$ and $d_v$, equal in nearly every model; `head_dim` |
# | `n_head`; `n_embd` | $h$; $d_{model}$ |
# | `query`, `key`, `value` | $W^Q$, $W^K$, $W^V$: here one matrix for all heads, in the paper one for each |
# | `proj` | $W^O$, the *output projection*; `out_proj`, `c_proj`, `o_proj` |
# | attention weights | attention pattern, attention map; "it *attends to* cat" |
# | scores | logits, *scaled dot products*; in older papers *alignment* or *energy* |
# | `attention_mask` | the mask; often written as a matrix of 0 and −∞ that is *added* to the scores |
#
# It is *self*-attention because queries, keys and values all come from the same words. In notebook 7 they do not.
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
# **Out:** the same numbers, in reading order, in the new shape. It copies only if it must.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.reshape.html)

# %%
a = torch.arange(1, 9)
print(torch.reshape(a, (4, 2)).tolist())
assert torch.reshape(a, (4, 2)).tolist() == [[1, 2], [3, 4], [5, 6], [7, 8]]
assert torch.reshape(a, (2, -1)).shape == (2, 4)

# %% [markdown]
# ### `torch.transpose(input, dim0, dim1)`
#
# **In:** a tensor and the two axes to swap. **Out:** a view; the numbers
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
# One layer of attention lets every word attend to every other, once. To find out whether the cat or the
# meat is meant, it helps to look twice: first which reason was given, then which noun fits it. In
# [notebook 3](../03-transformer/03-transformer.ipynb) you stack attention into blocks, and the blocks
# into a Transformer.

# %%
from ninelives.progress import where_am_i

where_am_i()
