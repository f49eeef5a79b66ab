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
# **How does a sentence become numbers, without losing track of which word comes where?**
#
# At the end you will have built
#
# - `position_indices`, which counts the positions of a sentence,
# - `Embedding`, the first layer of your Transformer,
# - and a proof that adding two vectors is a special case of putting them side by side.
#
# | | |
# |---|---|
# | Time | about 45 minutes |
# | Points | 9 |
# | Before you start | Python classes; that a tensor is an array of numbers with a shape |
#
# Run a cell with Shift+Enter. Four things to know about every notebook of this course:
#
# - *After a restart* nothing is defined any more. Select the cell you want to go on with, then
#   **Run → Run All Above Selected Cell**.
# - *A check that fails stops* **Run All**, and so does an exercise that is not written yet. JupyterLab then
#   jumps to the end of the notebook: scroll up to the check with the red frame. To read on, select the first
#   cell below the checks of that exercise, then **Run → Run Selected Cell and All Below**: the later cells
#   use the course's own part wherever yours is missing, and say so.
# - *After a change* run the cell of your answer first, then its check: a check tests what was run last.
# - *A cell that does not come to an end* keeps its `[*]`; often a `while` loop is the reason. Press **■** above the notebook
#   (**Kernel → Interrupt Kernel**): nothing is lost. On Linux and macOS a check stops such an answer by itself after ten seconds.
#
# Start with this cell.

# %%
import torch
from torch import nn

import ninelives.checks.embeddings as check
import ninelives.model as package
import ninelives.questions.embeddings as ask
from ninelives import figures, weights
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
# *vector*: a list of `n_embd` numbers that the model is free to choose. Here there are 6.

# %%
torch.manual_seed(7)
channel_names = [f"channel {c}" for c in range(6)]
toy_words = torch.randn(len(vocabulary), 6)  # (vocab_size, n_embd)

figures.table_picture(
    toy_words, rows=vocabulary, columns=channel_names,
    title="The token table",
    caption="The token table, one row for each word of the vocabulary. "
    "The numbers are random now; training will choose them.",
)

# %% [markdown]
# Now take two sentences whose difference matters a great deal to the man.

# %%
ask.what_a_sum_tells()

# %%
dog_bites_man = toy_words[ids_of("the dog bites the man")[0]]  # (5, n_embd)
man_bites_dog = toy_words[ids_of("the man bites the dog")[0]]  # (5, n_embd)

print("sum of the vectors, dog bites man:", dog_bites_man.sum(0))
print("sum of the vectors, man bites dog:", man_bites_dog.sum(0))

# %% [markdown]
# The sums are the same, and so is anything else that treats all words alike.
# Attention, which you build in the next notebook, treats all words alike: it
# sees a *bag* of vectors and not their order. (There you will shuffle the words and
# watch your own attention not notice.) The table has told it **which** words there
# are. Nothing has told it **where** they are.
#
# The cure is a second table, with one row for each *position*. Row 0 is added to the
# first word's vector, row 1 to the second word's, and so on.

# %%
toy_positions = torch.randn(8, 6)  # (block_size, n_embd)
dog_at_1 = toy_words[word_id["dog"]] + toy_positions[1]  # (n_embd,)
dog_at_4 = toy_words[word_id["dog"]] + toy_positions[4]  # (n_embd,)

figures.table_picture(
    torch.stack([toy_words[word_id["dog"]], toy_positions[1], dog_at_1, toy_positions[4], dog_at_4]),
    rows=["dog", "position 1", "dog + position 1", "position 4", "dog + position 4"],
    columns=channel_names,
    title="One word at two positions",
    caption="The same word at two positions: its own vector, the vectors of the positions, and the sums. "
    "The sums differ, so a dog that bites is not a dog that is bitten.",
)

# %% [markdown]
# This is the whole idea of the notebook. A token goes through these stages:

# %%
figures.shape_diagram(
    [
        ("words", "5 words", "the dog bites the man"),
        ("ids", "(B, T) = (1, 5)", "look up in the vocabulary"),
        ("token vectors", "(B, T, n_embd) = (1, 5, 6)", "rows of the token table"),
        ("+ position vectors", "(B, T, n_embd) = (1, 5, 6)", "rows of the position table"),
        ("embeddings", "(B, T, n_embd) = (1, 5, 6)", "what the model gets"),
    ],
    caption="From words to embeddings, with the shape at each stage.",
)

# %% [markdown]
# ## Build it
#
# Now you write it. An exercise is a cell with the line
# `raise NotImplementedError()`. Replace that line with your own. Then run the cell,
# and the check cells under it.
#
# ### Exercise 1 · Count the positions
#
# **2 points · about 5 minutes · so that every token knows its position**
#
# | | shape | dtype | |
# |---|---|---|---|
# | in: `idx` | `(B, T)` | int64 | ids of the tokens |
# | out | `(B, T)` | whole numbers | in every row 0, 1, 2, … T − 1 |
#
# The result depends on the shape of `idx` and not on its content: position 3 is
# position 3, whatever word is there. T may be 0: in notebook 8 an answer starts out empty.
#
# <details><summary>Hint 1: a nudge</summary>
#
# Which call makes the numbers 0, 1, 2, … of one row? It needs only T.
#
# </details>
# <details><summary>Hint 2: the calls</summary>
#
# `torch.arange` makes one row, `unsqueeze` turns it into a matrix of one row,
# `expand` repeats that row B times, without copying it. All three are explained at the end
# of this notebook. (Do not write into what `expand` returns: its rows share one memory.)
#
# </details>
# <details><summary>Hint 3: the shapes</summary>
#
# `(T,)` → `unsqueeze(0)` → `(1, T)` → `expand(B, T)` → `(B, T)`
#
# </details>

# %% solution="position-indices"
def position_indices(idx):
    """The position of every token in its sequence.

    idx: (B, T) int64. Returns (B, T) whole numbers, in every row 0 … T - 1.
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
# **5 points · about 15 minutes · the layer that every later notebook builds on**
#
# Two layers of type `nn.Embedding` are given in `__init__`; keep them and their names. Each
# holds a table. Calling one with a tensor of whole numbers looks up one row for each number.
#
# | | shape | dtype | |
# |---|---|---|---|
# | in: `idx` | `(B, T)` | int64 | ids from 0 to `vocab_size` − 1, and −1 where there is *padding* |
# | out | `(B, T, n_embd)` | that of the tables | row of the token table **plus** row of the position table |
#
# What is padding? Sentences in one batch differ in length, but a tensor is rectangular,
# so short sentences are padded with −1 at the end. A table has no row −1, so you
# must look up *some* row there. Which one does not matter: in notebook 4 a mask
# will hide those positions. Every id from 0 on is a word, and its row is learned. T may be 0 here too.
#
# <details><summary>Hint 1: a nudge</summary>
#
# You need two look-ups and one sum. `self.token` looks up the words, `self.position` the
# positions, and you have already written the function that counts those.
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
# ```
# result[b, t] = self.token.weight[idx[b, t]] + self.position.weight[t]
# ```
#
# You need no loops: `self.token(…)` looks up all rows of all sentences at once.
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
# You could also put the position vector *after* the token vector, and keep both
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
# Take n_embd = 1. The concatenated vector is (t, p), and the result should be t + p.
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
# W = …  # (n_embd, 2 * n_embd), your matrix
# with torch.no_grad():
#     layer.weight.copy_(W)
# ```
#
# `no_grad` says: do not record this for the backward pass.
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
# the first half, the positions the second half, zeros elsewhere), their sum *is* the
# concatenated vector. A network that adds can learn to keep the two apart.

# %% [markdown]
# ## Play with it
#
# This runs on **your** `Embedding`, also while it is still wrong, as long as it gives vectors of
# the right shape. Then the lab is the place to see what is wrong.
#
# Pick a word and drag it to another position, or press the arrow keys. Watch its
# vector. Then switch the positions off and drag again.

# %%
torch.manual_seed(7)
lab_config = TransformerConfig(vocab_size=len(vocabulary), block_size=8, n_embd=12, n_head=2)
lab_words, lab_idx = "the dog bites the man".split(), ids_of("the dog bites the man")
LabEmbedding = check.embedding.yours_if_it_runs(
    Embedding, package.Embedding, trial=lambda made: PositionLab(made(lab_config), lab_words, lab_idx))
PositionLab(LabEmbedding(lab_config), lab_words, lab_idx)

# %% [markdown]
# ### A table before and after training
#
# Your token table begins with random numbers, so "cat" is no more similar to "dog" than to
# "because". Training changes that, because similar words are useful in similar ways. The course's
# small *storyteller*, which you meet in notebook 3, has learned to continue sentences like the cat's.
# Here are the words whose rows point in nearly the same direction as the word's own row (the *cosine
# similarity* is 1 for the same direction and 0 for directions that have nothing to do with each other).

# %%
def nearest(table, all_words, word, count=5):
    """The words whose rows have the largest cosine similarity with the row of a word."""
    unit = table / table.norm(dim=1, keepdim=True)  # (vocab_size, n_embd)
    alike = unit @ unit[all_words.index(word)]  # (vocab_size,)
    best = alike.topk(count + 1).indices[1:].tolist()  # without the word itself
    return ", ".join(f"{all_words[i]} {alike[i]:.2f}" for i in best)


storyteller, its_tokenizer = weights.load("storyteller")
trained_table = storyteller.lm_head.weight.detach()  # (vocab_size, n_embd)
torch.manual_seed(0)
random_table = torch.randn_like(trained_table)
for looked_up in ("cat", "fish", "full", "followed"):
    print(f"{looked_up:9} random:  {nearest(random_table, its_tokenizer.words, looked_up)}")
    print(f"{'':9} trained: {nearest(trained_table, its_tokenizer.words, looked_up)}")

# %% [markdown]
# Nobody told it that cats and rabbits are animals, or that fish and bread are food. Words that can
# take each other's position in a sentence have come to have similar rows. (This is the table with
# which a Transformer *scores* the next word, at its other end; you meet it in notebook 3. The table
# with which this small model looks words up has hardly moved from its random start in its short training.
# GPT-2 uses one and the same table for both.)
#
# ### What a good position table looks like
#
# Your position table starts with random numbers too. At first no position is more similar to its
# neighbour than to any other. Training has to find out that positions 3 and 4 are close.
#
# The first Transformer had a table that was not learned but computed, from sines
# and cosines of different wavelengths:

# %%
def sinusoids(block_size, n_embd):
    """(block_size, n_embd): the position table of the first Transformer."""
    position = torch.arange(block_size).unsqueeze(1)  # (block_size, 1)
    wavelength = 10000 ** (torch.arange(0, n_embd, 2) / n_embd)  # (n_embd / 2,)
    angle = position / wavelength  # (block_size, n_embd / 2)
    return torch.stack((angle.sin(), angle.cos()), dim=2).flatten(1)  # (block_size, n_embd)


computed = sinusoids(32, 64)
figures.table_picture(
    computed[:, :32], rows=[str(position) for position in range(32)],
    title="A computed position table",
    caption="The first 32 channels of the computed table, one row for each position. "
    "The channels on the left change fast from row to row, those on the right slowly.",
)

# %% [markdown]
# In such a table near positions are more similar than far ones from the start. Compare all pairs of
# positions, and sort them by how far apart they are:

# %%
def similarity_by_distance(table):
    """The mean cosine similarity of two rows that are 0, 1, 2, … positions apart."""
    unit = table / table.norm(dim=1, keepdim=True)  # (block_size, n_embd)
    alike = unit @ unit.T  # (block_size, block_size)
    return [alike.diagonal(distance).mean().item() for distance in range(len(table) // 2 + 1)]


torch.manual_seed(0)
distances = list(range(17))
figures.curves(
    {"computed": (distances, similarity_by_distance(computed)),
     "random": (distances, similarity_by_distance(torch.randn(32, 64)))},
    x_label="positions apart", y_label="cosine similarity",
    title="How similar the rows of two positions are",
    caption="In the computed table the rows of neighbours are nearly the same. With the distance the similarity "
    "falls, in small waves, to about 0.6. In a random table, from which training starts, a row is similar only "
    "to itself.",
)

# %% [markdown]
# ## A common misreading
#
# You have seen what an embedding is. Two sentences about it sound right and are not. Choose first,
# then run the cell after it.

# %%
ask.how_token_and_position_are_joined()

# %% [markdown]
# "The token embeddings are *concatenated* with the position embeddings": this is said of BERT, and it
# is easy to believe, since nothing seems to be lost that way. But BERT **adds**: its input is the sum
# of a token's, a segment's and a position's vector (Devlin et al. 2018, section 3 and figure 2). What
# happens when a layer that expects a sum is given a concatenated vector?

# %%
def give_both_to_a_layer(width):
    added = torch.randn(1, 5, width)  # (1, 5, width)
    concatenated = torch.randn(1, 5, 2 * width)  # (1, 5, 2 * width)
    first_layer = nn.Linear(width, width)
    print("added:       ", tuple(first_layer(added).shape))
    try:
        first_layer(concatenated)
    except RuntimeError as error:
        print("concatenated:", error)
    weights_for_the_sum = nn.Linear(width, width).weight.numel()
    weights_for_both = nn.Linear(2 * width, 2 * width).weight.numel()
    print(f"weights of a layer as wide as its input: {weights_for_the_sum} for the sum, {weights_for_both} "
          f"for the concatenated vector, {weights_for_both // weights_for_the_sum} times as many")


give_both_to_a_layer(12)

# %% [markdown]
# The layer refuses: it has 12 inputs and is given twice as many. You can of course make the whole
# model twice as wide. Then every layer has four times as many weights.

# %%
ask.what_a_position_table_gives()

# %% [markdown]
# "The position table returns integers that encode the positions": integers go **in**. What comes
# out is a vector of real numbers, which are learned.

# %%
third = torch.tensor([3])
print("in: ", third, third.dtype)
print("out:", nn.Embedding(8, 4)(third).detach(), nn.Embedding(8, 4)(third).dtype)

# %% [markdown]
# ## In papers
#
# With a token table $E$ and a position table $P$, the input of the first block for token $w_t$ at position $t$ is
#
# $$x_t = E_{w_t} + P_t$$
#
# | here | in papers and code |
# |---|---|
# | `n_embd` | $d_{model}$ (Vaswani et al. 2017), `hidden_size`, `n_embd` (GPT-2) |
# | `vocab_size`, `block_size` | size of the vocabulary $V$; context length, `max_position_embeddings` |
# | token vector | token embedding, word embedding, `wte` |
# | position vector | positional embedding if it is learned, positional *encoding* if it is computed; `wpe` |
#
# - **Computed positions** (Vaswani et al. 2017, section 3.5), for even and odd channels:
#   $PE_{(pos,\,2i)} = \sin\left(pos / 10000^{2i/d_{model}}\right)$ and
#   $PE_{(pos,\,2i+1)} = \cos\left(pos / 10000^{2i/d_{model}}\right)$. The paper also multiplies the token
#   vectors by $\sqrt{d_{model}}$ (section 3.4); we leave that out.
# - **Learned positions**, as yours: BERT and GPT-2. The price: a model with a table of `block_size` rows
#   cannot read a single token more.
# - **Rotary positions** (RoPE, Su et al. 2021), in nearly every large model since 2022: nothing is added
#   to the embedding. Instead, queries and keys are rotated by an angle that grows with the position, so
#   that a score depends on how far apart two words are. You know queries and keys after notebook 2.
# - **Tokens** are rarely whole words. Large models cut text into pieces such as "un", "believ", "able".
#   The course's lab on tokenizers shows how.

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
assert torch.equal(rows[0, 0], table.weight[4]), "a look-up returns the row as it is in the table"

# %% [markdown]
# ### `torch.arange(end)` and `torch.arange(start, end, step)`
#
# **In:** whole numbers. **Out:** a 1-D tensor of the numbers from `start` (0 if left out) to
# `end`, `end` itself excluded; int64 when all arguments are whole.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.arange.html)

# %%
print(torch.arange(5), torch.arange(2, 11, 3))
assert torch.arange(5).tolist() == [0, 1, 2, 3, 4]
assert torch.arange(2, 11, 3).tolist() == [2, 5, 8]

# %% [markdown]
# ### `torch.unsqueeze(input, dim)`
#
# **In:** a tensor, and the position of the new axis. **Out:** the same numbers
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
# **In:** the target sizes. **Out:** a *view* in which axes of size 1 are repeated.
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
# **In:** tensors whose sizes agree except along `dim`, in one tuple. **Out:** one
# tensor whose size along `dim` is the sum of theirs.
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
# position. But "it" still knows nothing of the cat: each vector was made without
# looking at the others. In [notebook 2](../02-attention/02-attention.ipynb) the
# words begin to look at each other.

# %%
from ninelives.progress import where_am_i

where_am_i()
