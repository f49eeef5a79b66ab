# %% [markdown]
# # 4 · Encoder
#
# *The cat did not want to eat because it was full.*
#
# Your Transformer reads a sentence of eleven words. Training shows it thousands of sentences,
# many at a time. The next one in the batch has two words, and the one after that six.

# %% [markdown]
# ## The question
#
# A batch is a rectangle: every row has the same length, so shorter sentences are padded.
# **How can a word read its whole sentence, and nothing but its sentence?**
#
# At the end you will have built
#
# - `Encoder`, a Transformer that gives a sentence the same result alone and in any batch,
# - `packed_mask`, which lets several sentences share one row without seeing each other.
#
# | | |
# |---|---|
# | Time | about 45 minutes |
# | Points | 10 |
# | Before you start | [Notebook 3](../03-transformer/03-transformer.ipynb); from [notebook 2](../02-attention/02-attention.ipynb) what a mask does to a softmax |
#
# After a restart of the kernel: select the cell that you want to go on with, then *Run → Run All Above Selected Cell*.
# If *Run All* stops at a check that does not pass yet: select the first cell below the checks, then
# *Run → Run Selected Cell and All Below*.

# %%
import torch
from torch import nn

import ninelives.checks.encoder as check
import ninelives.model as package
import ninelives.questions.encoder as ask
from ninelives import figures
from ninelives.config import TransformerConfig
from ninelives.use_mine import use_mine
from ninelives.widgets import MaskLab

torch.set_printoptions(precision=2, sci_mode=False)

# %% [markdown]
# An encoder *is* a Transformer. The next line takes the one that you wrote in notebook 3, if it
# is there and passes its checks.

# %%
Transformer = use_mine("Transformer")

# %% [markdown]
# ## See it
#
# Three sentences of different lengths become one batch. Padding is −1, at the end.

# %%
sentences = [text.split() for text in ("the cat was full", "it slept", "the dog ate the whole fish")]
vocabulary = sorted({word for sentence in sentences for word in sentence})
longest = max(len(sentence) for sentence in sentences)

idx = torch.full((len(sentences), longest), -1)  # (B, T)
for row, sentence in enumerate(sentences):
    idx[row, : len(sentence)] = torch.tensor([vocabulary.index(word) for word in sentence])
padded = [sentence + ["pad"] * (longest - len(sentence)) for sentence in sentences]
print(idx)

# %% [markdown]
# A table of vectors has no row −1. Your embedding of notebook 1 takes row 0 instead, and row 0
# belongs to a word:

# %%
print("the word with id 0:", vocabulary[0])
print("what the model is given for the second sentence:", " ".join(vocabulary[max(word, 0)] for word in idx[1]))

# %% [markdown]
# Without a mask the model reads exactly that: *it slept ate ate ate ate*. Here is
# a small model with random weights that has no mask. What does its first head do with
# the second sentence?

# %%
config = TransformerConfig(vocab_size=len(vocabulary), block_size=32, n_embd=12, n_head=2, n_layer=2, dropout=0.0)


def with_random_weights(Model, seed=1):
    """A model whose weights are large enough to matter."""
    torch.manual_seed(seed)
    model = Model(config).eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.6)
    return model


def first_head(attention_mask=None):
    """(B, T, T): what the words of each sentence attend to in the first head of an attention layer."""
    embedding, attention = with_random_weights(package.Embedding), with_random_weights(package.MultiHeadSelfAttention)
    with torch.no_grad():
        return attention.attention_weights(embedding(idx), attention_mask)[:, 0]


figures.heatmap(
    first_head()[1], rows=padded[1],
    title="“it slept”, without a mask",
    caption="Both words attend to the padding, as if it were four more words.",
)

# %%
no_mask = with_random_weights(package.Transformer)
with torch.no_grad():
    alone = no_mask(idx[1:2, :2])[0][0]  # (2, V), the sentence alone
    in_the_batch = no_mask(idx)[0][1, :2]  # (2, V), the same sentence in the batch
print("scores for the word after “it slept”, alone:       ", alone[1])
print("scores for the word after “it slept”, in the batch:", in_the_batch[1])

# %% [markdown]
# The same sentence, the same model, different numbers, only because there is a longer sentence in
# the batch.
#
# You know the cure: a mask, **1 (True) = may attend**. All it needs is the length of each
# sentence. Here are the masks of all three, before and after:

# %%
lengths = torch.tensor([len(sentence) for sentence in sentences])
after = package.Encoder(config).get_attention_mask(lengths, longest)  # (B, 1, T, T)
before = torch.ones_like(after)

figures.masks_side_by_side(
    [*before[:, 0], *after[:, 0]], padded + padded,
    [f"before: sentence {b + 1}" for b in range(len(sentences))]
    + [f"after: {n} of {longest} columns" for n in lengths.tolist()],
    caption="Above: every position may attend to every position. Below: nothing may attend to padding.",
)

# %% [markdown]
# The mask closes **columns**. A column is a word that is attended to, and nothing may attend to
# padding. With it, all the weight of "it slept" stays in "it slept":

# %%
figures.heatmap(
    first_head(after)[1], rows=padded[1],
    title="“it slept”, with the mask",
    caption="The same head as above. No word attends to padding, and every row still adds up to 1.",
)

# %% [markdown]
# ### Why are the rows of padding left open?
#
# The padding itself still attends to words: its rows are not closed. Padding has no reason to
# read anything, so closing its rows too would look tidier. What would happen?

# %%
ask.what_closed_rows_do()

# %% [markdown]
# Try it, in two layers of attention, written out so that nothing is hidden:

# %%
def attend(x, attention_mask):
    """(T, C) and (T, T): scores, mask, softmax, and the weighted mean of the vectors."""
    scores = x @ x.T / x.shape[-1] ** 0.5  # (T, T)
    weights = scores.masked_fill(attention_mask == 0, float("-inf")).softmax(-1)  # (T, T)
    return weights @ x  # (T, C)


def words_that_are_nan(x):
    return [word for word, vector in zip(figures.number_repeats(padded[1]), x) if vector.isnan().any()] or "none"


columns_closed = after[1, 0]  # (T, T)
rows_closed_too = columns_closed & columns_closed.T  # (T, T)

torch.manual_seed(0)
vectors = torch.randn(longest, 4)  # (T, C), for: it slept pad pad pad pad
for closed, mask in (("columns closed", columns_closed), ("rows closed too", rows_closed_too)):
    x = vectors
    for layer in (1, 2):
        x = attend(x, mask)
        print(f"{closed:16} after layer {layer}: NaN in {words_that_are_nan(x)}")

# %% [markdown]
# After the first layer the padding is NaN: its rows hold only −∞, and the softmax of such a row is
# 0 ÷ 0. You might shrug, since no word attends to padding. But that means "with weight 0", and in
# the second layer this weight meets NaN:

# %%
print("0 · NaN =", 0 * float("nan"))

# %% [markdown]
# So every word of the sentence becomes NaN, then the loss, then every gradient, and after one
# step of training every weight of the model. A row of padding that attends to real words is
# harmless: its result is a number, and nothing ever uses it.
#
# The course's attention layer does not let it get that far:

# %%
try:
    package.MultiHeadSelfAttention(config)(torch.randn(1, longest, config.n_embd), rows_closed_too)
except ValueError as error:
    print(error)

# %% [markdown]
# (Recent versions of PyTorch's own `F.scaled_dot_product_attention` give 0 for an empty row. Many
# other implementations give NaN. A mask without empty rows is right in all of them.)

# %% [markdown]
# ## Build it
#
# ### Exercise 1 · The encoder's mask
#
# **6 points · about 12 minutes · easy · a Transformer becomes an encoder**
#
# `Transformer.forward` counts the tokens of each sequence, `(idx != -1).sum(1)`, calls
# `get_attention_mask` with these lengths, and passes the result to every block. In `Transformer`
# it returns None: every position may attend to every position. Your `Encoder` inherits
# everything else and returns a mask.
#
# | | shape | |
# |---|---|---|
# | in: `num_tokens` | `(B,)` | the length of each sequence, at least 1 |
# | in: `T` | a number or None | the number of positions; None: as many as the longest sequence has |
# | out | `(B, 1, T, T)` | `out[b, 0, i, j]` is 1 (True) if `j < num_tokens[b]`, else 0 (False), for every row i, those of padding too |
#
# The axis of size 1 is for the heads: they all get the same mask. A result of shape
# `(B, 1, 1, T)` is accepted as well, since the rows are identical and broadcasting repeats them.
#
# <details><summary>Hint 1: a nudge</summary>
#
# The tokens are at the positions 0 … n − 1. Number the positions and compare them with n.
#
# </details>
# <details><summary>Hint 2: many lengths at once</summary>
#
# `torch.arange(T)` has shape `(T,)`. To compare it with every length at once, give num_tokens the
# shape `(B, 1, 1, 1)`: then broadcasting makes `(B, 1, 1, T)`.
#
# </details>
# <details><summary>Hint 3: the calls</summary>
#
# `num_tokens.view(-1, 1, 1, 1)`, then `<`, then `.repeat(1, 1, T, 1)`, which copies the one row
# T times. In `view` the −1 means "whatever is left".
#
# </details>

# %% solution="encoder"
class Encoder(Transformer):
    def get_attention_mask(self, num_tokens, T=None):
        """num_tokens: (B,); T: how many positions, by default the largest length. Returns (B, 1, T, T)."""
        if T is None:
            T = int(num_tokens.max())
        ### BEGIN SOLUTION
        positions = torch.arange(T, device=num_tokens.device)  # (T,)
        is_token = positions < num_tokens.view(-1, 1, 1, 1)  # (B, 1, 1, T)
        return is_token.repeat(1, 1, T, 1)  # (B, 1, T, T)
        ### END SOLUTION

# %% [markdown]
# #### Check it

# %% points=1 test="encoder-shape"
check.encoder(Encoder, "shape")
### BEGIN HIDDEN TESTS
check.encoder(Encoder, "shape", seed=1)
check.encoder(Encoder, "shape", seed=2)
### END HIDDEN TESTS

# %% points=2 test="encoder-columns"
check.encoder(Encoder, "columns")
### BEGIN HIDDEN TESTS
check.encoder(Encoder, "columns", seed=1)
check.encoder(Encoder, "columns", seed=2)
### END HIDDEN TESTS

# %% points=1 test="encoder-rows"
check.encoder(Encoder, "no empty row")
### BEGIN HIDDEN TESTS
check.encoder(Encoder, "no empty row", seed=1)
### END HIDDEN TESTS

# %% points=2 test="encoder-property"
check.encoder(Encoder, "padding has no effect")
### BEGIN HIDDEN TESTS
check.encoder(Encoder, "padding has no effect", seed=1)
check.encoder(Encoder, "padding has no effect", seed=2)
### END HIDDEN TESTS

# %% [markdown]
# ### Padding changes nothing
#
# The last check has tested it; now watch it. First, more and more padding after "it slept". How
# far do its scores move away from those of the sentence alone? (Your class is used as soon as it
# gives a mask of the right shape. If the mask is wrong, you will see it here.)

# %%
def moved_by_padding(model, amount):
    """The largest change of a score of “it slept” when it is followed by so many positions of padding."""
    sentence = idx[1:2, :2]  # (1, 2)
    longer = nn.functional.pad(sentence, (0, amount), value=-1)  # (1, 2 + amount)
    with torch.no_grad():
        return (model(longer)[0][:, :2] - model(sentence)[0]).abs().max().item()


MyEncoder = check.encoder.yours_if_it_runs(
    Encoder, package.Encoder, trial=lambda Model: moved_by_padding(with_random_weights(Model), 1)
)

# %%
encoder, name = with_random_weights(MyEncoder), figures.whose(MyEncoder)
amounts = range(0, 25, 4)
figures.curves(
    {
        "without a mask": (amounts, [moved_by_padding(no_mask, amount) for amount in amounts]),
        name: (amounts, [moved_by_padding(encoder, amount) for amount in amounts]),
    },
    x_label="positions of padding", y_label="largest change of a score",
    title="What padding does to “it slept”",
    caption="Without a mask any amount of padding changes the scores. With the right one none does.",
)

# %%
print(f"with 24 positions of padding, without a mask:       {moved_by_padding(no_mask, 24):.1e}")
print(f"with 24 positions of padding, {name + ':':21} {moved_by_padding(encoder, 24):.1e}")

# %% [markdown]
# What a right mask leaves is rounding, in the last of the seven significant digits that float32
# carries: a longer sum is added up in another order, even if what is added is zeros.
#
# Next, put something else into the padded positions. They look up the vector of the word "ate";
# give that word another vector, and see whose scores move:

# %%
def moved_by_another_vector(Model):
    """For each sentence, the largest change of a score at its words when the vector in the padding changes."""
    model = with_random_weights(Model)
    with torch.no_grad():
        scores = model(idx)[0]  # (B, T, V)
        table = next(p for p in model.parameters() if p.shape == (config.vocab_size, config.n_embd))
        table[0] += torch.randn(config.n_embd)
        change = (model(idx)[0] - scores).abs().amax(-1)  # (B, T)
    return [change[b, :n].max().item() for b, n in enumerate(lengths.tolist())]


print(f"{'sentence':30} without a mask   {name}")
moved_in_both = zip(moved_by_another_vector(package.Transformer), moved_by_another_vector(MyEncoder))
for sentence, (without, with_mask) in zip(sentences, moved_in_both):
    print(f"{' '.join(sentence):30} {without:14.2f}   {with_mask:.2f}")

# %% [markdown]
# The third sentence really contains "ate", so its scores must change. The other two do not; only
# their padding borrows its vector.
#
# ### What makes an encoder
#
# A model that ignores padding is not an encoder yet: the decoder of the next notebook ignores it
# too. What is special about yours?

# %%
ask.what_makes_an_encoder()

# %% [markdown]
# Change the *last* word of a sentence, and the scores at its *first* word change. The encoder is
# **bidirectional**: every word attends to what comes before it and to what comes after it.

# %%
with torch.no_grad():
    ending = encoder(idx)[0][2, 0]  # (V,), at the first word of “the dog ate the whole fish”
    changed = idx.clone()
    changed[2, 5] = vocabulary.index("full")
    other_ending = encoder(changed)[0][2, 0]  # (V,)
print("with “fish” at the end:", ending[:5])
print("with “full” at the end:", other_ending[:5])

# %% [markdown]
# Encoders are used wherever a whole text is there to be understood: BERT is an
# encoder, and so are the models that turn a text into one vector for a search engine, that sort
# emails and reviews into categories, and the reading half of a translator (notebook 7).
#
# ### Exercise 2 · Sentences that share a row
#
# **4 points · about 12 minutes · think first · no padding to waste**
#
# Padding costs time: every padded position goes through all the layers, and its result is thrown
# away. In our batch that is a third:

# %%
print(f"{int((idx == -1).sum())} of {idx.numel()} positions are padding")

# %% [markdown]
# Large models are therefore trained on **packed** rows: sentences are put one after another into the
# same row, until it is full. Now a word must not attend to the *other* sentences of its row. A length
# cannot say that any more, so each position gets the number of its sentence:
#
#     row       the cat was full it slept pad
#     sentence    0   0   0    0  1     1  −1
#
# | | shape | |
# |---|---|---|
# | in: `sentence` | `(B, T)` | int64, the number of the sentence of each position; −1 is padding |
# | out | `(B, 1, T, T)` | for a token at position i: `out[b, 0, i, j]` is 1 (True) if position j belongs to the same sentence, else 0 (False) |
#
# No row may be empty, so the rows of padding must be open somewhere; where does not matter.
# Numbers come in any order, and 0 is a number like any other. Only the number counts: the positions of a sentence
# need not be neighbours.
#
# <details><summary>Hint 1: a nudge</summary>
#
# In the mask of exercise 1 it did not matter who attends, only who is attended to. Here it matters
# whether the two *agree*. Write the mask of the row above on paper, 7 by 7. Where are the ones?
#
# </details>
# <details><summary>Hint 2: each with each</summary>
#
# `a.unsqueeze(1) == a.unsqueeze(0)` compares every number of `(T,)` with every number: `(T, 1)`
# and `(1, T)` give `(T, T)`. Here there are a batch in front and an axis for the heads.
#
# </details>
# <details><summary>Hint 3: and the padding?</summary>
#
# Look at what the comparison alone says about padding, before you add anything for it: −1 equals −1.
#
# </details>

# %% solution="packed-mask"
def packed_mask(sentence):
    """(B, T) int64, the sentence of each position, -1 is padding. Returns (B, 1, T, T), 1 = may attend."""
    ### BEGIN SOLUTION
    rows = sentence[:, None, :, None]  # (B, 1, T, 1)
    columns = sentence[:, None, None, :]  # (B, 1, 1, T)
    return rows == columns  # (B, 1, T, T)
    ### END SOLUTION

# %% [markdown]
# #### Check it

# %% points=1 test="packed-mask-shape"
check.packed_mask(packed_mask, "shape")
### BEGIN HIDDEN TESTS
check.packed_mask(packed_mask, "shape", seed=1)
### END HIDDEN TESTS

# %% points=2 test="packed-mask-own-sentence"
check.packed_mask(packed_mask, "own sentence")
### BEGIN HIDDEN TESTS
check.packed_mask(packed_mask, "own sentence", seed=1)
check.packed_mask(packed_mask, "own sentence", seed=2)
### END HIDDEN TESTS

# %% points=1 test="packed-mask-no-empty-row"
check.packed_mask(packed_mask, "no empty row")
### BEGIN HIDDEN TESTS
check.packed_mask(packed_mask, "no empty row", seed=1)
### END HIDDEN TESTS

# %% [markdown]
# ### One row instead of three
#
# The three sentences now fit into one row of twelve. Besides the mask one thing must change: each
# sentence counts its positions from 0.

# %%
packed_idx = torch.cat([row[row != -1] for row in idx]).unsqueeze(0)  # (1, 12)
packed_position = torch.tensor([[t for sentence in sentences for t in range(len(sentence))]])  # (1, 12)
numbers = torch.tensor([[b for b, sentence in enumerate(sentences) for _ in sentence]])  # (1, 12)


def read_packed(model, attention_mask):
    """(1, 12, V): the scores of the package's Encoder for the packed row."""
    embedding = model.layers["embedding"]
    with torch.no_grad():
        x = embedding.token(packed_idx) + embedding.position(packed_position)  # (1, 12, C)
        for block in model.layers["blocks"]:
            x = block(x, attention_mask)  # (1, 12, C)
        return model.lm_head(model.layers["norm"](x))  # (1, 12, V)


reader = with_random_weights(package.Encoder)
with torch.no_grad():
    one_by_one = torch.cat([reader(row[row != -1].unsqueeze(0))[0] for row in idx], dim=1)  # (1, 12, V)
my_packed_mask = check.packed_mask.yours_if_it_runs(
    packed_mask, package.packed_mask, trial=lambda function: read_packed(reader, function(numbers))
)
print("\nhow far the scores are from those of each sentence alone:")
everything = torch.ones(1, 1, 12, 12)
mine = figures.whose(my_packed_mask)
for label, mask in (("everything open", everything), (mine, my_packed_mask(numbers))):
    print(f"{label:25} {(read_packed(reader, mask) - one_by_one).abs().max():.1e}")

# %%
figures.mask(
    my_packed_mask(numbers)[0, 0], [word for sentence in sentences for word in sentence],
    title=f"Three sentences in one row, {mine}",
    caption="With the right mask each word attends to its own sentence, in both directions.",
)

# %% [markdown]
# ## Play with it
#
# Three sentences in one batch, and their masks. Change a length: words turn into padding.
# Choose a row with a click or with the arrow keys. Below you see what it may attend to, and what
# the mask makes of its softmax. The scores are invented, and stay the same whatever you do.
#
# Then switch on *Close the rows of padding too*, choose a row of padding, and read how far NaN spreads.
#
# While the notebook runs, your own `get_attention_mask` is called whenever a length changes, even if it is wrong. The
# line below the masks says whether it agrees, and orange dots show where it does not. (Rows of padding that you
# have closed are not compared.)

# %%
def my_mask(num_tokens, T):
    return Encoder(config).get_attention_mask(num_tokens, T)


MaskLab(sentences, get_attention_mask=my_mask)

# %% [markdown]
# ## A common misreading
#
# Another way to the mask seems simpler. What do you think of it?

# %%
ask.what_three_axes_do()

# %% [markdown]
# B lengths, and two axes for the square: it sounds right. But `(B, 1, 1)` compared with `(T,)`
# gives `(B, 1, T)`: three axes. The scores have four, `(B, H, T, T)`, and broadcasting lines axes up
# **from the right**. So the mask's first axis, the sequences, meets the scores' second axis, the heads.
#
# Most of the time that raises an error. Here there are 3 sequences, and first 2 heads, then 3:

# %%
three_axes = torch.arange(longest) < lengths.reshape(-1, 1, 1)  # (B, 1, T): too few
print("mask:", tuple(three_axes.shape))

for heads in (2, 3):
    torch.manual_seed(0)
    scores = torch.randn(3, heads, longest, longest)  # (B, H, T, T)
    print(f"scores for {heads} heads {tuple(scores.shape)}: ", end="")
    try:
        weights = scores.masked_fill(three_axes == 0, float("-inf")).softmax(-1)
        print("no error")
    except RuntimeError as error:
        print(error)

# %% [markdown]
# With 3 heads, B = H, and nothing complains. Every row adds up to 1, the loss falls, and yet head 1 of
# *every* sentence uses the length of the first sentence, head 2 that of the second, head 3 that of
# the third. This is what the words of the third sentence, all six of them real, may attend to:

# %%
figures.masks_side_by_side(
    list(weights[2] > 0), sentences[2], ["head 1", "head 2", "head 3"],
    title="The third sentence in three heads",
    caption="Only head 3 has the right mask; in sentence b, only head b does.",
)

# %%
print("weight of “it slept” on its padding, in each head:", weights[1, :, :2, 2:].sum(-1).mean(-1))

# %% [markdown]
# A batch size equal to the number of heads is not rare: 8 heads, and a last batch of 8 sentences. The
# axis for the heads has to be there, with size 1: `(B, 1, 1, T)` or `(B, 1, T, T)`. The
# package's attention refuses masks of three axes for this reason.
#
# ## In papers
#
# The formula of "Attention Is All You Need", with a mask added to the scores, M = 0 where i may attend to j and
# −∞ where it may not:
#
# $$\mathrm{softmax}\left(\frac{QK^\top}{\sqrt{d_k}} + M\right)V$$
#
# Our masks of 1 and 0 say the same: attention puts −∞ wherever there is a 0. Elsewhere the same mask
# has other names, and in one library the opposite meaning:
#
# | where | name | shape | 1 or True means |
# |---|---|---|---|
# | here | `attention_mask` | `(B, 1, T, T)` | may attend |
# | Hugging Face | `attention_mask` | `(B, T)`: which positions are tokens | may be attended to |
# | `F.scaled_dot_product_attention` | `attn_mask` | broadcasts to `(B, H, T, T)` | may attend; floats are added to the scores |
# | `nn.TransformerEncoder` | `src_key_padding_mask` | `(B, T)` | **hidden** |
# | `nn.MultiheadAttention` | `key_padding_mask`, `attn_mask` | `(B, T)`, `(T, T)` | **hidden** |
#
# Padding is a *pad token* with an id of its own in most vocabularies; here it is −1. Papers speak of the *padding
# mask*, of *bidirectional* attention, and of *sequence packing*.

# %%
with torch.no_grad():
    q, k, v = torch.randn(3, 3, 2, longest, 4)  # (B, H, T, head_size) each
    ours = after[:, :, :1].bool()  # (B, 1, 1, T), True: may attend; one row of each mask, since all are the same
    by_pytorch = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=ours)  # (B, H, T, head_size)
    added = torch.zeros(ours.shape).masked_fill(~ours, float("-inf"))  # (B, 1, 1, T), M of the formula
    by_formula = (q @ k.transpose(-2, -1) / 4**0.5 + added).softmax(-1) @ v  # (B, H, T, head_size)
print("the same:", torch.allclose(by_pytorch, by_formula, atol=1e-6))
hidden = ~ours[:, 0, 0]  # (B, T), what src_key_padding_mask of nn.TransformerEncoder expects
print("hidden, for nn.TransformerEncoder:\n", hidden.int())

# %% [markdown]
# ## The PyTorch calls
#
# ### `Tensor.sum(dim)`
#
# **In:** the axis to add along. **Out:** a tensor without that axis. True counts as 1,
# False as 0. Without `dim` all numbers are added up. `(idx != -1).sum(1)` counts tokens.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.Tensor.sum.html)

# %%
a = torch.tensor([[1, 2, 3], [4, 5, 6]])
print(a.sum(0), a.sum(1), a.sum(), (a > 2).sum(1))
assert a.sum(1).tolist() == [6, 15]
assert (a > 2).sum(1).tolist() == [1, 3]

# %% [markdown]
# ### `Tensor.view(*shape)`
#
# **In:** the new sizes; one of them may be −1, "whatever is left". **Out:** the same
# memory in another shape. Where that cannot be done without copying it raises an error;
# `reshape` then copies.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.Tensor.view.html)

# %%
a = torch.tensor([4, 2, 6])
print(tuple(a.view(-1, 1, 1).shape))
assert a.view(-1, 1, 1).shape == (3, 1, 1)
assert a.view(3, 1).data_ptr() == a.data_ptr(), "a view: the same memory"

# %% [markdown]
# ### `torch.lt(input, other)`, also written `input < other`
#
# **In:** two tensors whose shapes broadcast: from the right, axes are equal, or one of
# them is 1 or missing. **Out:** bool, True where the first is smaller.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.lt.html)

# %%
a, b = torch.arange(5), torch.tensor([[4], [2]])
print(torch.lt(a, b))
assert torch.lt(a, b).shape == (2, 5)
assert torch.equal(torch.lt(a, b), a < b)
assert (a < b).sum(1).tolist() == [4, 2]

# %% [markdown]
# ### `Tensor.repeat(*sizes)`
#
# **In:** how many times to repeat each axis. **Out:** a copy with the repetitions. `expand`, in notebook 1, makes no copy:
# all its repetitions are the same memory, so never write into its result.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.Tensor.repeat.html)

# %%
row = torch.tensor([[1, 2, 3]])
print(row.repeat(2, 1))
assert torch.equal(row.repeat(2, 1), row.expand(2, 3))
assert row.expand(2, 3).data_ptr() == row.data_ptr() != row.repeat(2, 1).data_ptr()

# %% [markdown]
# ### `torch.ones(*size)` and `torch.ones_like(input)`
#
# **In:** the sizes, or a tensor of the wanted shape and dtype. **Out:** a tensor of
# ones; floats, unless `dtype` says otherwise.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.ones.html)

# %%
print(torch.ones(2, 3), torch.ones(2, dtype=torch.bool))
assert torch.ones(2, 3).dtype == torch.float32
assert torch.ones_like(torch.tensor([5, 7])).tolist() == [1, 1]

# %% [markdown]
# ## Where next
#
# Your encoder lets every word attend to the whole sentence, including what comes after it. To
# *understand* a sentence that is right: who "it" is becomes clear only at "full". To *write* one it
# is not, since what comes next is not there yet. In
# [notebook 5](../05-decoder/05-decoder.ipynb) the other half of the mask is closed.
#
# With five small changes your encoder is a BERT: in the lab [A BERT in your own classes](../labs/bert.ipynb) it reads English with real weights.

# %%
from ninelives.progress import where_am_i

where_am_i()
