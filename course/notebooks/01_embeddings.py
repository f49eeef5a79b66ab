# %% [markdown]
# # 1 · Embeddings
#
# *The cat did not want to eat because it was full.*
#
# You know at once that "it" is the cat. How would a program know? At the end of
# the ninth notebook a Transformer that you have built will show you. It begins
# here, with the step from words to numbers.

# %% [markdown]
# ## The question
#
# A neural network multiplies and adds. It cannot do either with the word "cat".
# **How does a sentence become numbers, without losing which word stands where?**
#
# At the end you will have built
#
# - `position_indices`, which counts the places of a sentence,
# - `Embedding`, the first layer of your Transformer,
# - and a proof that adding two vectors is a special case of putting them side by side.
#
# | | |
# |---|---|
# | Time | about 40 minutes |
# | Points | 9 |
# | What you should know | Python classes; that a tensor is a box of numbers with a shape |
#
# Run a cell with Shift+Enter. Start with this one.

# %%
import torch
from torch import nn

import ninelives.checks.embeddings as check
import ninelives.model as package
from ninelives import figures
from ninelives.config import TransformerConfig
from ninelives.widgets import PositionLab

torch.set_printoptions(precision=2, sci_mode=False)

# %% [markdown]
# ## See it
#
# First every word gets a number, its *id*. The list of all words that a model
# knows is its *vocabulary*.

# %%
vocabulary = ["bites", "dog", "man", "the"]
word_id = {word: number for number, word in enumerate(vocabulary)}
print(word_id)


def ids_of(sentence):
    """(1, T) int64: the ids of a sentence's words."""
    return torch.tensor([[word_id[word] for word in sentence.split()]])


idx = ids_of("the dog bites the man")  # (1, 5)
print(idx, "has shape", tuple(idx.shape))

# %% [markdown]
# The tensor is called `idx` in this course. Its shape is `(B, T)`: **B** sequences
# (here 1) of **T** tokens (here 5). A *token* is a piece of text with an id. In this
# notebook every word is one token.
#
# An id is only a name. That "man" has id 2 and "dog" has id 1 does not make a
# man twice a dog. So each id looks up a row in a table, and that row is a
# *vector*: `n_embd` numbers that the model is free to choose. Here `n_embd` is 6.

# %%
torch.manual_seed(7)
n_embd = 6
token_table = torch.randn(len(vocabulary), n_embd)  # (vocab_size, n_embd)

figures.table_picture(
    token_table.T,
    rows=[f"channel {c}" for c in range(n_embd)],
    columns=vocabulary,
    title="The token table",
    caption="The token table, one column for each word of the vocabulary. "
    "The numbers are random now; training will choose them.",
)

# %% [markdown]
# Now look at two sentences that differ a great deal to the man.

# %%
bitten_man = token_table[ids_of("the dog bites the man")[0]]  # (5, n_embd)
bitten_dog = token_table[ids_of("the man bites the dog")[0]]  # (5, n_embd)

print("sum of the vectors, dog bites man:", bitten_man.sum(0))
print("sum of the vectors, man bites dog:", bitten_dog.sum(0))

# %% [markdown]
# The sums are the same, and so is anything else that treats all words alike.
# Attention, which you build in the next notebook, treats all words alike: it
# sees a *bag* of vectors and not their order. The table has told it **which**
# words there are. Nothing has told it **where** they stand.
#
# The cure is a second table, with one row for each *place*. The first word adds
# row 0 to its vector, the second word row 1, and so on.

# %%
position_table = torch.randn(8, n_embd)  # (block_size, n_embd)
places = torch.tensor([0, 1, 2, 3, 4])

with_places_1 = bitten_man + position_table[places]  # (5, n_embd)
with_places_2 = bitten_dog + position_table[places]  # (5, n_embd)

dog_at_1, dog_at_4 = with_places_1[1], with_places_2[4]
print("dog, second word:", dog_at_1)
print("dog, last word:  ", dog_at_4)

# %%
figures.table_picture(
    torch.stack([token_table[word_id["dog"]], position_table[1], dog_at_1, position_table[4], dog_at_4]),
    rows=["dog", "place 1", "dog + place 1", "place 4", "dog + place 4"],
    columns=[f"channel {c}" for c in range(n_embd)],
    title="One word at two places",
    caption="The same word at two places: its own vector, the vectors of the places, and the sums. "
    "The sums differ, so a dog that bites is not a dog that is bitten.",
)

# %% [markdown]
# This is the whole idea of the notebook. A token goes through these stations:

# %%
figures.shape_diagram(
    [
        ("words", "5 words", "the dog bites the man"),
        ("ids", "(B, T) = (1, 5)", "look up in the vocabulary"),
        ("token vectors", "(B, T, n_embd) = (1, 5, 6)", "rows of the token table"),
        ("+ position vectors", "(B, T, n_embd) = (1, 5, 6)", "rows of the position table"),
        ("embeddings", "(B, T, n_embd) = (1, 5, 6)", "what the model reads"),
    ],
    caption="From words to embeddings, with the shape at each station.",
)

# %% [markdown]
# ## Build it
#
# Now you write it. An exercise is a cell with the line
# `raise NotImplementedError()`. Replace that line with your own. Then run the cell,
# and the check cells under it.
#
# ### Exercise 1 · Count the places
#
# **2 points · about 5 minutes · so that every token knows its place**
#
# | | shape | dtype | |
# |---|---|---|---|
# | in: `idx` | `(B, T)` | int64 | ids of the tokens |
# | out | `(B, T)` | int64 | in every row 0, 1, 2, … T − 1 |
#
# The result depends on the shape of `idx` and not on its content: a place is a
# place, whatever word stands there.
#
# <details><summary>Hint 1: a nudge</summary>
#
# Which call makes the numbers 0, 1, 2, … of one row? It needs only T.
#
# </details>
# <details><summary>Hint 2: the calls</summary>
#
# `torch.arange` makes one row, `unsqueeze` turns it into a matrix of one row,
# `expand` shows that row B times. All three are explained at the end of this notebook.
#
# </details>
# <details><summary>Hint 3: the shapes</summary>
#
# `(T,)` → `unsqueeze(0)` → `(1, T)` → `expand(B, T)` → `(B, T)`
#
# </details>

# %% solution="position-indices"
def position_indices(idx):
    """The place of every token in its sequence.

    idx: (B, T) int64. Returns (B, T) int64, in every row 0 … T - 1.
    """
    B, T = idx.shape
    ### BEGIN SOLUTION
    return torch.arange(T, device=idx.device).unsqueeze(0).expand(B, T)  # (B, T)
    ### END SOLUTION

# %% [markdown]
# #### Check it

# %% points=1 test="position-indices-shape"
check.position_indices(position_indices, "shape")
### BEGIN HIDDEN TESTS
check.position_indices(position_indices, "shape", seed=1)
### END HIDDEN TESTS

# %% points=1 test="position-indices-values"
check.position_indices(position_indices, "values")
### BEGIN HIDDEN TESTS
check.position_indices(position_indices, "values", seed=1)
check.position_indices(position_indices, "values", seed=2)
### END HIDDEN TESTS

# %% [markdown]
# ### Exercise 2 · The first layer
#
# **5 points · about 15 minutes · the layer that every later notebook stands on**
#
# Two layers of type `nn.Embedding` are given in `__init__`. Each holds a table.
# Calling one with a tensor of whole numbers looks up one row for each number.
#
# | | shape | dtype | |
# |---|---|---|---|
# | in: `idx` | `(B, T)` | int64 | ids, and −1 where there is *padding* |
# | out | `(B, T, n_embd)` | float32 | row of the token table **plus** row of the position table |
#
# What is padding? Sentences in one batch differ in length, but a tensor is a box.
# Short sentences are filled up with −1 at the end. A table has no row −1, so you
# must look up *some* row there. Which one does not matter: in notebook 4 a mask
# will hide those places.
#
# <details><summary>Hint 1: a nudge</summary>
#
# You need two look-ups and one sum. For the second look-up you have already
# written a function.
#
# </details>
# <details><summary>Hint 2: padding</summary>
#
# `idx.clamp(min=0)` gives a new tensor in which every number below 0 has become 0.
# (`idx.clamp_(min=0)`, with an underscore, would change the tensor of the caller.)
#
# </details>
# <details><summary>Hint 3: the formula</summary>
#
# embedding[b, t] = token_table[idx[b, t]] + position_table[t]
#
# </details>

# %% solution="embedding"
class Embedding(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.token = nn.Embedding(config.vocab_size, config.n_embd)
        self.position = nn.Embedding(config.block_size, config.n_embd)

    def forward(self, idx):
        """idx: (B, T) int64, -1 is padding. Returns (B, T, n_embd)."""
        ### BEGIN SOLUTION
        token = self.token(idx.clamp(min=0))  # (B, T, n_embd)
        position = self.position(position_indices(idx))  # (B, T, n_embd)
        return token + position  # (B, T, n_embd)
        ### END SOLUTION

# %% [markdown]
# #### Check it

# %% points=1 test="embedding-shape"
check.embedding(Embedding, "shape")
### BEGIN HIDDEN TESTS
check.embedding(Embedding, "shape", seed=1)
### END HIDDEN TESTS

# %% points=2 test="embedding-values"
check.embedding(Embedding, "values")
### BEGIN HIDDEN TESTS
check.embedding(Embedding, "values", seed=1)
check.embedding(Embedding, "values", seed=2)
### END HIDDEN TESTS

# %% points=1 test="embedding-padding"
check.embedding(Embedding, "padding")
### BEGIN HIDDEN TESTS
check.embedding(Embedding, "padding", seed=1)
### END HIDDEN TESTS

# %% points=1 test="embedding-gradient"
check.embedding(Embedding, "gradient")
### BEGIN HIDDEN TESTS
check.embedding(Embedding, "gradient", seed=1)
### END HIDDEN TESTS

# %% [markdown]
# ### Exercise 3 · Side by side
#
# **1 point · about 3 minutes · the other way to combine two vectors**
#
# One could also put the position vector *behind* the token vector, and keep both
# whole. That is called concatenating.
#
# | | shape | |
# |---|---|---|
# | in: `token_vectors` | `(B, T, n_embd)` | |
# | in: `position_vectors` | `(B, T, n_embd)` | |
# | out | `(B, T, 2 · n_embd)` | all numbers of the token, then all numbers of the position |
#
# <details><summary>Hint</summary>
#
# `torch.cat` joins tensors along one axis. Which of the three axes gets longer?
#
# </details>

# %% solution="concatenate"
def concatenate(token_vectors, position_vectors):
    """(B, T, n_embd) twice. Returns (B, T, 2 * n_embd)."""
    ### BEGIN SOLUTION
    return torch.cat((token_vectors, position_vectors), dim=-1)  # (B, T, 2 * n_embd)
    ### END SOLUTION

# %% [markdown]
# #### Check it

# %% points=1 test="concatenate-values"
check.concatenate(concatenate, "values")
### BEGIN HIDDEN TESTS
check.concatenate(concatenate, "values", seed=1)
### END HIDDEN TESTS

# %% [markdown]
# ### Exercise 4 · Adding is concatenating, followed by one linear layer
#
# **1 point · about 10 minutes · why nothing is lost by adding**
#
# It sounds as if adding mixes up what concatenating keeps apart. But the first
# thing a Transformer does with its input is to send it through a linear layer,
# and a linear layer mixes too.
#
# A layer `nn.Linear(2 * n_embd, n_embd, bias=False)` has a weight **W** of shape
# `(n_embd, 2 * n_embd)` and computes **W** · (vector). Find the **W** for which the
# layer, given the concatenated vector, returns the **sum** of the two halves.
# Return the layer with that weight.
#
# <details><summary>Hint 1: a nudge</summary>
#
# Take n_embd = 1. The concatenated vector is (t, p), and the result shall be t + p.
# Which 1 × 2 matrix does that?
#
# </details>
# <details><summary>Hint 2: the picture</summary>
#
# Cut **W** into a left square, which meets the token, and a right square, which
# meets the position. What must each square do to its half? A square matrix that
# changes nothing is `torch.eye(n_embd)`.
#
# </details>
# <details><summary>Hint 3: how to set a weight</summary>
#
# ```python
# with torch.no_grad():
#     layer.weight.copy_(...)
# ```
#
# `no_grad` says: this is not a step of a computation that should be learnt from.
#
# </details>

# %% solution="adding-layer"
def adding_layer(n_embd):
    """A linear layer without bias, (…, 2 * n_embd) to (…, n_embd), that adds the two halves."""
    layer = nn.Linear(2 * n_embd, n_embd, bias=False)
    ### BEGIN SOLUTION
    identity = torch.eye(n_embd)  # (n_embd, n_embd)
    with torch.no_grad():
        layer.weight.copy_(torch.cat((identity, identity), dim=1))  # (n_embd, 2 * n_embd)
    return layer
    ### END SOLUTION

# %% [markdown]
# #### Check it

# %% points=1 test="adding-layer-values"
check.adding_layer(adding_layer, "values")
### BEGIN HIDDEN TESTS
check.adding_layer(adding_layer, "values", seed=1)
### END HIDDEN TESTS

# %% [markdown]
# What have you proved? Whatever a network can do with the sum, it can do with the
# concatenated vector, if its first layer contains your **W**. Concatenating is the
# more general way, and it costs twice the width. Adding is the cheaper special case.
#
# And in the other direction? When the two tables use different channels (the words
# the first half, the places the second half, zeros elsewhere), their sum *is* the
# concatenated vector. A network that adds can learn to keep both apart.

# %% [markdown]
# ## Play with it
#
# This runs on **your** `Embedding` as soon as it passes its checks.
#
# Pick a word and drag it to another place, or press the arrow keys. Watch its
# vector. Then switch the positions off and drag again.

# %%
torch.manual_seed(7)
config = TransformerConfig(vocab_size=len(vocabulary), block_size=8, n_embd=12, n_head=2)
embedding = check.embedding.yours_if_it_passes(Embedding, package.Embedding)(config)
PositionLab(embedding, "the dog bites the man".split(), ids_of("the dog bites the man"))

# %% [markdown]
# ### What a good position table looks like
#
# Your position table starts with random numbers. Then no place is more like its
# neighbour than like any other. Training has to find out that places 3 and 4 are close.
#
# The first Transformer had a table that was not learnt but computed, from sines
# and cosines of different wavelengths (Vaswani et al. 2017, section 3.5):
#
# $$P_{t,\,2i} = \sin\left(t / 10000^{2i/n_{embd}}\right), \qquad P_{t,\,2i+1} = \cos\left(t / 10000^{2i/n_{embd}}\right)$$
#
# In such a table near places have similar rows from the start.

# %%
def sinusoids(block_size, n_embd):
    """(block_size, n_embd): the position table of the first Transformer."""
    place = torch.arange(block_size).unsqueeze(1)  # (block_size, 1)
    wavelength = 10000 ** (torch.arange(0, n_embd, 2) / n_embd)  # (n_embd / 2,)
    angle = place / wavelength  # (block_size, n_embd / 2)
    return torch.stack((angle.sin(), angle.cos()), dim=2).flatten(1)  # (block_size, n_embd)


computed = sinusoids(32, 64)
figures.table_picture(
    computed[:, :32].T,
    rows=[f"channel {c}" for c in range(32)],
    columns=[str(place) for place in range(32)],
    title="A computed position table",
    caption="The first 32 channels of the computed table, one column for each place. "
    "The upper channels change fast from place to place, the lower ones slowly.",
)

# %%
figures.position_similarity(
    computed,
    caption="How similar the rows of the computed table are (cosine): near places are alike, far ones are not.",
)

# %%
torch.manual_seed(0)
figures.position_similarity(
    torch.randn(32, 64),
    caption="The same for a random table, from which training starts: every place is like itself and like no other.",
)

# %% [markdown]
# BERT and GPT-2 use learnt tables, as you do. The price: a model with a table of
# `block_size` rows cannot read one token more.

# %% [markdown]
# ## A common misreading
#
# > "To format the input embeddings, we **concatenate** the word token embeddings
# > with their position embeddings."
#
# The sentence sounds right, and BERT is sometimes described with it. But BERT
# **adds**: its input is the sum of a token's, a segment's and a position's vector
# (Devlin et al. 2018, section 3 and figure 2). What happens when a layer that expects a sum is
# given a concatenated vector?

# %%
n_embd = 12
tokens, positions = torch.randn(1, 5, n_embd), torch.randn(1, 5, n_embd)
first_layer = nn.Linear(n_embd, n_embd)

print("added:       ", tuple(first_layer(tokens + positions).shape))
try:
    first_layer(torch.cat((tokens, positions), dim=-1))
except RuntimeError as error:
    print("concatenated:", error)

# %% [markdown]
# The layer refuses: it has `n_embd` inputs and is given twice as many. One can of
# course make the whole model twice as wide. What does that cost?

# %%
added = sum(p.numel() for p in nn.Linear(n_embd, n_embd, bias=False).parameters())
concatenated = sum(p.numel() for p in nn.Linear(2 * n_embd, 2 * n_embd, bias=False).parameters())
print(f"weights of one layer: {added} for the sum, {concatenated} for the concatenated vector, "
      f"{concatenated / added:.0f} times as many")

# %% [markdown]
# A second slip hides in the same text: that the position table returns "integers
# which represent the positional information". Integers go **in**. What comes out
# is a vector of numbers with decimals that are learnt.

# %%
place = torch.tensor([3])
print("in: ", place, place.dtype)
print("out:", nn.Embedding(8, 4)(place).detach(), nn.Embedding(8, 4)(place).dtype)

# %% [markdown]
# ## The PyTorch calls
#
# The calls that you met here, each with what goes in, what comes out, and an
# example that you may change and run.
#
# ### `nn.Embedding(num_embeddings, embedding_dim)`
#
# A table of `num_embeddings` rows of `embedding_dim` learnable numbers.
# **In:** a tensor of whole numbers from 0 to `num_embeddings - 1`, of any shape `(*)`.
# **Out:** the rows, of shape `(*, embedding_dim)`.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.nn.Embedding.html)

# %%
table = nn.Embedding(num_embeddings=10, embedding_dim=3)
rows = table(torch.tensor([[4, 4, 9]]))
print(rows)
assert rows.shape == (1, 3, 3)
assert torch.equal(rows[0, 0], table.weight[4]), "a look-up returns the row as it stands in the table"

# %% [markdown]
# ### `torch.arange(end)` and `torch.arange(start, end, step)`
#
# **In:** whole numbers. **Out:** a 1-D tensor from `start` (0 if left out) up to,
# and without, `end`; int64 when all arguments are whole.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.arange.html)

# %%
print(torch.arange(5), torch.arange(2, 11, 3))
assert torch.arange(5).tolist() == [0, 1, 2, 3, 4]
assert torch.arange(2, 11, 3).tolist() == [2, 5, 8]

# %% [markdown]
# ### `torch.unsqueeze(input, dim)`
#
# **In:** a tensor, and where the new axis is to stand. **Out:** the same numbers
# with one more axis, of size 1.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.unsqueeze.html)

# %%
x = torch.tensor([1, 2, 3, 4])
print(tuple(x.shape), "->", tuple(torch.unsqueeze(x, 0).shape), "or", tuple(torch.unsqueeze(x, 1).shape))
assert torch.unsqueeze(x, 0).tolist() == [[1, 2, 3, 4]]
assert torch.unsqueeze(x, 1).tolist() == [[1], [2], [3], [4]]

# %% [markdown]
# ### `Tensor.expand(*sizes)`
#
# **In:** the wanted sizes. **Out:** a *view* in which axes of size 1 are repeated.
# No number is copied, so do not write into the result.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.Tensor.expand.html)

# %%
column = torch.tensor([[1], [2], [3]])
wide = column.expand(3, 4)
print(wide)
assert wide.tolist() == [[1, 1, 1, 1], [2, 2, 2, 2], [3, 3, 3, 3]]
assert wide.data_ptr() == column.data_ptr(), "a view: the same memory"

# %% [markdown]
# ### `torch.cat(tensors, dim=0)`
#
# **In:** tensors that agree in all sizes but that of axis `dim`. **Out:** one
# tensor, as long along `dim` as all together.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.cat.html)

# %%
a, b = torch.tensor([[1, 2]]), torch.tensor([[3, 4]])
print(torch.cat((a, b), dim=0).tolist(), torch.cat((a, b), dim=1).tolist())
assert torch.cat((a, b), dim=0).tolist() == [[1, 2], [3, 4]]
assert torch.cat((a, b), dim=1).tolist() == [[1, 2, 3, 4]]

# %% [markdown]
# ### `nn.Linear(in_features, out_features, bias=True)`
#
# **In:** `(*, in_features)`. **Out:** `(*, out_features)`, the product with the
# transposed weight, plus the bias. The weight has shape `(out_features, in_features)`.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.nn.Linear.html)

# %%
layer = nn.Linear(in_features=20, out_features=30)
x = torch.randn(128, 20)
print(tuple(x.shape), "->", tuple(layer(x).shape), "with a weight of shape", tuple(layer.weight.shape))
assert layer(x).shape == (128, 30)
assert torch.allclose(layer(x), x @ layer.weight.T + layer.bias, atol=1e-6)

# %% [markdown]
# ## Where next
#
# Every word of the cat's sentence is now a vector that knows its word and its
# place. But "it" still knows nothing of the cat: each vector was made without
# looking at the others. In [notebook 2](../02-attention/02-attention.ipynb) the
# words begin to look at each other.
