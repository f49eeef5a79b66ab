# %% [markdown]
# # 4 · Encoder
#
# *The cat did not want to eat because it was full.*
#
# Your Transformer reads a sentence of eleven words. Training shows it thousands, many
# at a time, and the next one in the batch has two words, and the one after that six.

# %% [markdown]
# ## The question
#
# A batch is a box: all its rows are equally long, so short sentences are filled up
# with padding. **How can a word read its whole sentence, and nothing but its sentence?**
#
# At the end you will have built
#
# - `count_tokens`, which tells words from padding,
# - `Encoder`, a Transformer that gives a sentence the same result alone and in any batch.
#
# | | |
# |---|---|
# | Time | about 40 minutes |
# | Points | 7 |
# | What you should know | [Notebook 3](../03-transformer/03-transformer.ipynb); from [notebook 2](../02-attention/02-attention.ipynb) what a mask does to a softmax |

# %%
import torch
from torch import nn

import ninelives.checks.encoder as check
import ninelives.model as package
from ninelives import figures
from ninelives.config import TransformerConfig
from ninelives.use_mine import use_mine
from ninelives.widgets import MaskLab

torch.set_printoptions(precision=2, sci_mode=False)

# %% [markdown]
# An encoder *is* a Transformer. The next line takes the one that you wrote in
# notebook 3, if it is there and passes its checks.

# %%
Transformer = use_mine("Transformer")

# %% [markdown]
# ## See it
#
# Three sentences of unequal length become one batch. Padding is −1, at the end.

# %%
sentences = [text.split() for text in ("the cat was full", "it slept", "the dog ate the whole fish")]
vocabulary = sorted({word for sentence in sentences for word in sentence})
T = max(len(sentence) for sentence in sentences)

idx = torch.full((len(sentences), T), -1)  # (B, T)
for row, sentence in enumerate(sentences):
    idx[row, : len(sentence)] = torch.tensor([vocabulary.index(word) for word in sentence])
padded = [sentence + ["pad"] * (T - len(sentence)) for sentence in sentences]
print(idx)

# %% [markdown]
# A table of vectors has no row −1, so the embedding looks up another, row 0. Row 0
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
    """(B, T, T): what the words of each sentence read in the first head of an attention layer."""
    embedding, attention = with_random_weights(package.Embedding), with_random_weights(package.MultiHeadSelfAttention)
    with torch.no_grad():
        return attention.attention_weights(embedding(idx), attention_mask)[:, 0]


figures.heatmap(
    first_head()[1], rows=padded[1],
    title="“it slept”, without a mask",
    caption="Both words read the padding, as if it were four more words.",
)

# %%
no_mask = with_random_weights(package.Transformer)
with torch.no_grad():
    alone = no_mask(idx[1:2, :2])[0][0]  # (2, V), the sentence alone
    in_the_batch = no_mask(idx)[0][1, :2]  # (2, V), the same sentence in the batch
print("scores for the word after “it slept”, alone:       ", alone[1])
print("scores for the word after “it slept”, in the batch:", in_the_batch[1])

# %% [markdown]
# The same sentence, the same model, other numbers, only because a longer sentence
# stood in the batch.
#
# You know the cure: a mask, **1 (True) = may attend**. It needs only the length of each
# sentence. Here are the masks of all three, before and after:

# %%
lengths = torch.tensor([len(sentence) for sentence in sentences])
after = package.Encoder(config).get_attention_mask(lengths, T)  # (B, 1, T, T)
before = torch.ones_like(after)

figures.masks_side_by_side(
    [*before[:, 0], *after[:, 0]], padded + padded,
    [f"before: {' '.join(sentence[:3])}" for sentence in sentences]
    + [f"after: {n} of {T} columns" for n in lengths.tolist()],
    caption="Above: everybody may look at everybody. Below: nobody may look at padding.",
)

# %% [markdown]
# The mask closes **columns**. A column is a word that is looked at, and nobody shall
# look at padding. With it, all weight of "it slept" stays in "it slept":

# %%
figures.heatmap(
    first_head(after)[1], rows=padded[1],
    title="“it slept”, with the mask",
    caption="The same head as above. No word reads padding, and every row still adds up to 1.",
)

# %% [markdown]
# ### Why are the rows of padding left open?
#
# The padding itself still reads words: its rows are not closed. It looks tidier to
# close them too. Padding has nothing to read for. Try it, in two layers of attention,
# written out so that nothing is hidden:

# %%
def attend(x, attention_mask):
    """(T, C) and (T, T): scores, mask, softmax, and the mean of the vectors."""
    scores = x @ x.T / x.shape[-1] ** 0.5  # (T, T)
    weights = scores.masked_fill(attention_mask == 0, float("-inf")).softmax(-1)  # (T, T)
    return weights @ x  # (T, C)


def words_that_are_nan(x):
    return [word for word, vector in zip(figures.number_repeats(padded[1]), x) if vector.isnan().any()] or "none"


columns_closed = after[1, 0]  # (T, T)
rows_closed_too = columns_closed & columns_closed.T  # (T, T)

torch.manual_seed(0)
vectors = torch.randn(T, 4)  # (T, C), for: it slept pad pad pad pad
for name, mask in (("columns closed", columns_closed), ("rows closed too", rows_closed_too)):
    x = vectors
    for layer in (1, 2):
        x = attend(x, mask)
        print(f"{name:16} after layer {layer}: NaN in {words_that_are_nan(x)}")

# %% [markdown]
# After the first layer the padding is NaN: its rows hold only −∞, and the softmax of
# nothing is 0 ÷ 0. One might shrug, since nobody looks at padding. But "nobody looks"
# means "with weight 0", and in the second layer that weight meets NaN:

# %%
print("0 · NaN =", 0 * float("nan"))

# %% [markdown]
# So every word of the sentence becomes NaN, then the loss, then every gradient, and
# after one step of training every weight of the model. A row of padding that reads real
# words is harmless: its result is a number, and nobody ever reads it.
#
# The attention of this course does not let it come so far:

# %%
try:
    package.MultiHeadSelfAttention(config)(torch.randn(1, T, config.n_embd), rows_closed_too)
except ValueError as error:
    print(error)

# %% [markdown]
# (PyTorch's own `F.scaled_dot_product_attention` gives 0 for an empty row in recent
# versions. Many other attentions give NaN. A mask without empty rows is right in all of them.)

# %% [markdown]
# ## Build it
#
# ### Exercise 1 · Count the tokens
#
# **1 point · about 3 minutes · the only thing that the mask has to know**
#
# | | shape | dtype | |
# |---|---|---|---|
# | in: `idx` | `(B, T)` | int64 | ids, −1 where there is padding |
# | out | `(B,)` | whole numbers | how many places of each sequence are not padding |
#
# The id 0 is a word like any other.
#
# <details><summary>Hint 1: a nudge</summary>
#
# `idx != -1` compares every place with −1. What do you get if you add up True and False?
#
# </details>
# <details><summary>Hint 2: the axis</summary>
#
# `.sum(dim)` adds along one axis and removes it. Which of the two axes, B (0) or T (1),
# has to go?
#
# </details>

# %% solution="count-tokens"
def count_tokens(idx):
    """(B, T) int64, -1 is padding, to (B,): the tokens of each sequence."""
    ### BEGIN SOLUTION
    return (idx != -1).sum(1)  # (B,)
    ### END SOLUTION

# %% [markdown]
# #### Check it

# %% points=1 test="count-tokens-values"
check.count_tokens(count_tokens, "values")
### BEGIN HIDDEN TESTS
check.count_tokens(count_tokens, "values", seed=1)
check.count_tokens(count_tokens, "values", seed=2)
### END HIDDEN TESTS

# %% [markdown]
# ### Exercise 2 · The encoder's mask
#
# **6 points · about 15 minutes · a Transformer becomes an encoder**
#
# `Transformer.forward` calls `get_attention_mask` with the number of tokens of each
# sequence, and hands the result to every block. In `Transformer` it returns None:
# everybody to everybody. Your `Encoder` takes over everything else and returns a mask.
#
# | | shape | |
# |---|---|---|
# | in: `num_tokens` | `(B,)` | the length of each sequence, at least 1 |
# | in: `T` | a number or None | how many places there are; None: as many as the longest sequence has |
# | out | `(B, 1, T, T)` | `out[b, 0, i, j]` is 1 (True) if `j < num_tokens[b]`, else 0 (False), for every row i |
#
# The axis of size 1 stands for the heads: all of them get the same mask. A result of
# shape `(B, 1, 1, T)` is accepted as well, since the rows are all alike and attention
# repeats them by broadcasting.
#
# <details><summary>Hint 1: a nudge</summary>
#
# The tokens stand at the places 0 … n − 1. Number the places and compare them with n.
#
# </details>
# <details><summary>Hint 2: many lengths at once</summary>
#
# `torch.arange(T)` has shape `(T,)`. For comparing it with every length at once,
# num_tokens needs the shape `(B, 1, 1, 1)`: then broadcasting makes `(B, 1, 1, T)`.
#
# </details>
# <details><summary>Hint 3: the calls</summary>
#
# `num_tokens.view(-1, 1, 1, 1)`, then `<`, then `.expand(-1, 1, T, T)`. In `view` the −1
# means "whatever is left", in `expand` it means "as it is".
#
# </details>

# %% solution="encoder"
class Encoder(Transformer):
    def get_attention_mask(self, num_tokens, T=None):
        """num_tokens: (B,); T: how many places, by default the largest. Returns (B, 1, T, T)."""
        if T is None:
            T = int(num_tokens.max())
        ### BEGIN SOLUTION
        places = torch.arange(T, device=num_tokens.device)  # (T,)
        is_token = places < num_tokens.view(-1, 1, 1, 1)  # (B, 1, 1, T)
        return is_token.expand(-1, 1, T, T)  # (B, 1, T, T)
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
# ### What stands in padding, and how much of it, changes nothing
#
# That is the property that makes an encoder. The last check has tested it; now watch
# it. First, more and more padding behind "it slept". How far do its scores move away
# from those of the sentence alone?

# %%
YourEncoder = check.encoder.yours_if_it_passes(Encoder, package.Encoder)

# %%
def moved_by_padding(model, places):
    """The largest change of a score of “it slept” when so many places of padding follow."""
    sentence = idx[1:2, :2]  # (1, 2)
    longer = nn.functional.pad(sentence, (0, places), value=-1)  # (1, 2 + places)
    with torch.no_grad():
        return (model(longer)[0][:, :2] - model(sentence)[0]).abs().max().item()


encoder = with_random_weights(YourEncoder)
amounts = [0, 1, 2, 4, 8, 12, 16, 20, 24]
figures.curves(
    {
        "without a mask": (amounts, [moved_by_padding(no_mask, places) for places in amounts]),
        "your encoder": (amounts, [moved_by_padding(encoder, places) for places in amounts]),
    },
    x_label="places of padding", y_label="largest change of a score",
    title="What padding does to “it slept”",
    caption="Without a mask every place of padding moves the scores. With it none does.",
)

# %%
print(f"with 24 places of padding, without a mask: {moved_by_padding(no_mask, 24):.1e}")
print(f"with 24 places of padding, your encoder:   {moved_by_padding(encoder, 24):.1e}")

# %% [markdown]
# What is left is rounding, in the last of the seven decimal places that float32 carries: a
# longer sum is added up in another order, even if what it has more is zeros.
#
# Second, something else in the padded places. They look up the vector of the word "ate";
# give that word another vector, and see whose scores move:

# %%
def moved_by_another_vector(Model):
    """For each sentence, the largest change of a score at its words when the vector behind the padding changes."""
    model = with_random_weights(Model)
    with torch.no_grad():
        scores = model(idx)[0]  # (B, T, V)
        table = next(p for p in model.parameters() if p.shape == (config.vocab_size, config.n_embd))
        table[0] += torch.randn(config.n_embd)
        change = (model(idx)[0] - scores).abs().amax(-1)  # (B, T)
    return [change[b, :n].max().item() for b, n in enumerate(lengths.tolist())]


print("sentence                        without a mask   your encoder")
without_mask, yours = moved_by_another_vector(package.Transformer), moved_by_another_vector(YourEncoder)
for sentence, *moved in zip(sentences, without_mask, yours):
    print("{:32} {:13.2f} {:14.2f}".format(" ".join(sentence), *moved))

# %% [markdown]
# In the third sentence the word "ate" does stand, so its scores must move. The other two
# contain no "ate", only padding that is made of it.
#
# ## Play with it
#
# Three sentences in one batch, and their masks. Change a length: words turn into padding.
# Choose a row with a click or with the arrow keys, and see below whom it may look at and
# what the mask makes of its softmax. The scores stay as they are.
#
# Then switch on *Close the rows of padding too*, and choose a row of padding.
#
# Your own `get_attention_mask` is called whenever a length changes. The line below the masks
# says whether it agrees, and dots show where it does not.

# %%
MaskLab(sentences, get_attention_mask=encoder.get_attention_mask)

# %% [markdown]
# ## A common misreading
#
# > "To get the mask, reshape `num_tokens` to **(B, 1, 1)** and compare it with the
# > positions."
#
# The sentence sounds right: B lengths, and two axes for the square. But `(B, 1, 1)`
# compared with `(T,)` gives `(B, 1, T)`: three axes. The scores have four, `(B, H, T, T)`,
# and broadcasting lines axes up **from the right**. So the mask's first axis, the sequences,
# meets the scores' second axis, the heads.
#
# Most of the time that raises an error. Here B = 3, and there are 2 heads:

# %%
three_axes = torch.arange(T) < lengths.reshape(-1, 1, 1)  # (B, 1, T): too few
print("mask:", tuple(three_axes.shape))

for n_head in (2, 3):
    torch.manual_seed(0)
    scores = torch.randn(3, n_head, T, T)  # (B, H, T, T)
    print(f"scores for {n_head} heads {tuple(scores.shape)}: ", end="")
    try:
        weights = scores.masked_fill(three_axes == 0, float("-inf")).softmax(-1)
        print("no error")
    except RuntimeError as error:
        print(error)

# %% [markdown]
# With 3 heads, B = H, and nothing complains. Every row adds up to 1, the loss falls, and
# yet each head has got the mask of another sentence. This is what is open to the words of
# the *third* sentence, all six of them real, in the three heads:

# %%
figures.masks_side_by_side(
    list(weights[2] > 0), sentences[2], ["head 1", "head 2", "head 3"],
    title="The third sentence in three heads",
    caption="Head 1 uses the length of the first sentence, head 2 that of the second. Only head 3 is right, by luck.",
)

# %%
print("weight of “it slept” on its padding, in each head:", weights[1, :, :2, 2:].sum(-1).mean(-1))

# %% [markdown]
# A batch size equal to the number of heads is nothing rare: 8 heads, and a last batch of
# 8 sentences. The axis for the heads has to be there, with size 1: `(B, 1, 1, T)` or
# `(B, 1, T, T)`. The package's attention refuses masks of three axes for this reason.
#
# ## The PyTorch calls
#
# ### `Tensor.sum(dim)`
#
# **In:** the axis to add along. **Out:** a tensor without that axis. True counts as 1,
# False as 0. Without `dim` everything is added up to one number.
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
# memory, read as another box. Where that cannot be done without copying it raises an error;
# `reshape` then copies.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.Tensor.view.html)

# %%
a = torch.tensor([4, 2, 6])
print(tuple(a.view(-1, 1, 1, 1).shape))
assert a.view(-1, 1, 1, 1).shape == (3, 1, 1, 1)
assert a.view(3, 1).data_ptr() == a.data_ptr(), "a view: the same memory"

# %% [markdown]
# ### `torch.lt(input, other)`, also written `input < other`
#
# **In:** two tensors whose shapes broadcast: from the right, axes are equal, or one of
# them is 1 or missing. **Out:** bool, True where the first is smaller.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.lt.html)

# %%
places, numbers = torch.arange(5), torch.tensor([[4], [2]])
print(torch.lt(places, numbers))
assert torch.lt(places, numbers).shape == (2, 5)
assert torch.equal(torch.lt(places, numbers), places < numbers)
assert (places < numbers).sum(1).tolist() == [4, 2]

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
# Your encoder lets every word read the whole sentence, also what comes after it. To
# *understand* a sentence that is right: who "it" is becomes clear only at "full". To *write*
# one it is not, since what comes next is not there yet. In
# [notebook 5](../05-decoder/05-decoder.ipynb) the other half of the mask is closed.
