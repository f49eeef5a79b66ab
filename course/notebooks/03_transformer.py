# %% [markdown]
# # 3 · Putting it all together
#
# *The cat did not want to eat because it was full.*
#
# You can turn words into vectors, and you can let every vector attend to every other, once.
# What is missing is everything around it: attending several times, thinking in between,
# and saying a word at the end.

# %% [markdown]
# ## The question
#
# **How does a stack of attention layers become a model that predicts what comes next?**
#
# At the end you will have built
#
# - `TransformerBlock`, one layer: attention, then a small network for every token,
# - `Transformer`, the whole model: from the ids of words to a score for every word of the vocabulary,
# - its method `join`, by which it reads what *another* Transformer has understood.
#
# Your class will learn a sentence by heart in a few seconds. With the weights of a model that was
# trained for the course, it will finish the cat's sentence.
#
# | | |
# |---|---|
# | Time | about 90 minutes |
# | Points | 15 |
# | Before you start | [Notebook 1](../01-embeddings/01-embeddings.ipynb) and [notebook 2](../02-attention/02-attention.ipynb) |
#
# After a restart: **Run → Run All Above Selected Cell**. Where a check stops *Run All*: select the first cell
# below the checks, then **Run → Run Selected Cell and All Below**.

# %%
import math

import torch
from torch import nn
from torch.nn import functional as F

import ninelives.checks.transformer as check
import ninelives.model as package
import ninelives.questions.transformer as ask
from ninelives import figures, weights
from ninelives.checks.attention import projections
from ninelives.config import TransformerConfig
from ninelives.use_mine import use_mine
from ninelives.widgets import LayerStepper

torch.set_printoptions(precision=2, sci_mode=False)

# %% [markdown]
# A Transformer is made of the parts that you have built. The next lines take yours, if they
# are there and pass their checks.

# %%
Embedding = use_mine("Embedding")
MultiHeadSelfAttention = use_mine("MultiHeadSelfAttention")

# %% [markdown]
# ## See it
#
# Here is a small Transformer, the course's *storyteller*. It has learned to predict the next word, from 40,000 sentences like
# the cat's. Give it the beginning of one.

# %%
storyteller, tokenizer = weights.load("storyteller")
storyteller.eval()
vocabulary = list(tokenizer.words)

words = "the cat did not want to eat because it was".split()
idx = tokenizer.encode(" ".join(words)).unsqueeze(0)  # (1, T)
with torch.no_grad():
    logits, _ = storyteller(idx)  # (1, T, vocab_size)
print("idx: ", tuple(idx.shape))
print("out: ", tuple(logits.shape))

# %% [markdown]
# For every position of the sentence the model gives one number for every word of its
# vocabulary. These numbers are called *logits*, or simply scores. They can be any number, positive or
# negative; the higher the score, the more strongly the model expects that word next. Look at the last
# position, "was":

# %%
scores = logits[0, -1]  # (vocab_size,)
best = scores.topk(5)
for score, word in zip(best.values.tolist(), best.indices.tolist()):
    print(f"{vocabulary[word]:12} {score:6.2f}")

# %% [markdown]
# Scores are hard to read. The softmax, which you know from attention, turns them into
# probabilities. You can choose from these: here simply the most likely word.

# %%
probabilities = scores.softmax(-1)  # (vocab_size,)
chosen = int(probabilities.argmax())
figures.distribution(
    probabilities, vocabulary, chosen=chosen,
    title="What comes after “… because it was”",
    caption="From scores to probabilities to a word. "
            "The model expects something that would explain why a cat does not eat.",
)

# %% [markdown]
# What happens between the ids and the scores? The sentence goes through a series of stages:

# %%
def stages(model, idx, words, next_word):
    """The name of each stage, the shape that leaves it, and what it does."""
    batch, length = idx.shape
    width, last = model.config.n_embd, model.config.n_layer
    vectors = f"(B, T, n_embd) = ({batch}, {length}, {width})"
    numbers = f"(B, T, vocab_size) = ({batch}, {length}, {model.config.vocab_size})"
    return [
        ("ids", f"(B, T) = ({batch}, {length})", " ".join(words)),
        ("embeddings", vectors, "which word, and at which position: notebook 1"),
        ("block 1", vectors, "attention (notebook 2), then a small network for each token"),
        (f"… block {last}", vectors, "the same again, each block with weights of its own"),
        ("final norm", vectors, "brings every vector to a standard size"),
        ("logits", numbers, "lm_head, a linear layer: a score for every word"),
        ("probabilities", numbers, "softmax: outside the model"),
        ("next word", f"“{next_word}”", "chosen from the last row: outside the model"),
    ]


figures.shape_diagram(
    stages(storyteller, idx, words, vocabulary[chosen]),
    caption="One sentence's way through the network. Between embeddings and final norm the shape never changes.",
    title="From ids to the next word",
)

# %% [markdown]
# Every block returns the shape that it was given. So each token has *one vector*
# that travels through the whole network, and each block **adds** something to it. What is handed
# on from block to block is called the *residual stream*.
#
# Watch three tokens on their way. (A *forward hook* is a function that PyTorch calls
# whenever a layer has given its result. Here it writes the result down.)

# %%
def vectors_on_the_way(model, idx):
    """(n_layer + 1, T, n_embd): the vectors after the embedding and after each block."""
    seen = []

    def write_down(layer, inputs, output):
        seen.append(output[0])

    hooks = [layer.register_forward_hook(write_down) for layer in [model.layers["embedding"], *model.layers["blocks"]]]
    with torch.no_grad():
        model(idx)
    for hook in hooks:
        hook.remove()
    return torch.stack(seen)


on_the_way = vectors_on_the_way(storyteller, idx)  # (n_layer + 1, T, n_embd)
norms = on_the_way.norm(dim=-1)  # (n_layer + 1, T)
figures.curves(
    {f"“{word}”": (range(len(norms)), norms[:, words.index(word)]) for word in ("cat", "because", "was")},
    x_label="after how many blocks (0: the embedding)", y_label="norm of the vector",
    title="How long the vectors get",
    caption="The norm (length) of three tokens' vectors in the trained storyteller. All three grow, "
            "and not at the same rate.",
)

# %% [markdown]
# A layer that reads these vectors should not have to care how long they are. So each part of a block
# first brings its input to a standard size, with a *layer norm*: the mean of a vector's numbers is
# subtracted from each of them, and the result is divided by their standard deviation. By hand:

# %%
vector = torch.tensor([1.0, 5.0, 3.0, 3.0])
mean, deviation = vector.mean(), vector.std(unbiased=False)
print("vector:  ", vector, f"  mean {mean:.2f}, standard deviation {deviation:.2f}")
print("by hand: ", (vector - mean) / deviation)
print("PyTorch: ", nn.LayerNorm(4)(vector).detach())

# %% [markdown]
# A gain and a shift for each channel follow, which are learned. They begin at 1 and 0, so at first
# they have no effect.
#
# ### Thinking in between
#
# Attention gathers: each token gets a weighted mean of what the others offer. But a mean cannot
# *decide* anything. Take two facts about a cat, each 0 or 1: is it hungry, and is there food? Something is
# wrong if **exactly one** of the two is true. No linear layer can compute that. The best one
# says ½, whatever you ask. Two linear layers with a bend between them can. The bend here is **GELU**: it lets
# positive numbers through, nearly as they are, and turns negative ones into nearly 0.

# %%
facts = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])  # (4, 2): hungry, food
wrong = torch.tensor([0.0, 1.0, 1.0, 0.0])  # (4,)

with_ones = torch.cat((facts, torch.ones(4, 1)), dim=1)  # (4, 3), the ones are for the bias
best_linear = with_ones @ torch.linalg.lstsq(with_ones, wrong.unsqueeze(1)).solution  # (4, 1)

detectors = torch.tensor([[5.0, -5.0], [-5.0, 5.0]])  # "hungry, but no food" and "food, but not hungry"
hidden = F.gelu(facts @ detectors.T)  # (4, 2), large where a detector fires
by_hand = hidden @ torch.tensor([0.2, 0.2])  # (4,)

print("hungry  food   exactly one   best linear layer   linear, GELU, linear")
for (hungry, food), truth, by_linear, by_mlp in zip(facts, wrong, best_linear[:, 0], by_hand):
    print(f"{hungry:6.0f} {food:5.0f} {truth:13.0f} {by_linear:19.2f} {by_mlp:22.2f}")

# %% [markdown]
# That is how to read the **mlp** (multi-layer perceptron) of a block. Each row of its first layer is a *detector*: it
# asks whether the vector points in a certain direction. GELU silences those that do not fire. Each column
# of the second layer is what its detector *adds* to the token's vector when it does. The paper of 2017 gave
# each block 4 · n_embd detectors, and nearly everybody has kept that number: four times as many questions as
# channels. The mlp looks at **each token alone**; whatever a token needs to know about others, attention
# has already brought.
#
# One part of attention deserves a second look here: its last linear layer, the *output projection* `proj`.
# The heads work side by side, each in channels of its own. `proj` mixes them, so that any head
# can write into any channel of the stream. Silence one head of a trained block, and see where its results go missing:

# %%
def channels_that_change(attention, vectors, head):
    """How many channels change when one head's results are set to 0, before and after the output projection."""
    seen = []
    hook = attention.proj.register_forward_pre_hook(lambda layer, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        attention(vectors)
    hook.remove()
    width = vectors.shape[-1] // attention.n_head
    silenced = seen[0].clone()
    silenced[..., head * width : (head + 1) * width] = 0
    before = (silenced != seen[0]).any(1).sum().item()
    with torch.no_grad():
        after = (attention.proj(silenced) != attention.proj(seen[0])).any(1).sum().item()
    return before, after


first_block = storyteller.layers["blocks"][0]
before, after = channels_that_change(first_block.attention, first_block.norm_1(on_the_way[:1]), head=2)
print(f"the third head (head=2) is silenced: {before} of {on_the_way.shape[-1]} channels change before proj, "
      f"{after} after it")

# %% [markdown]
# ## Build it
#
# ### Exercise 1 · One block
#
# **5 points · about 15 minutes · the layer that is stacked**
#
# A block has two parts: **attention**, in which the tokens gather from one another, and the **mlp**, in which each
# token works alone on what it has gathered. Both are given in `__init__`, with a norm for each.
#
# | | shape | |
# |---|---|---|
# | in: `x` | `(B, T, n_embd)` | |
# | in: `attention_mask` | `(B, 1, T, T)` or None | for attention |
# | out | `(B, T, n_embd)` | |
#
# 1. Attention reads `norm_1` of x, under the mask. Its result is **added** to x.
# 2. The mlp reads `norm_2` of that sum. Its result is **added** to the sum.
#
# The norms come *before* the parts, so this is called *pre-norm*. The result is added to the
# vector itself, not to its norm: the stream runs through the block untouched, and the parts only add.
# Each part ends with a dropout of its own, so `forward` needs none: in attention you have written it, in the mlp it
# is the last layer.
#
# <details><summary>Hint 1: a nudge</summary>
#
# Two lines are enough, one for each part. In the second line, x is the result of the first.
#
# </details>
# <details><summary>Hint 2: the pattern</summary>
#
# Both lines have the form *new = old + part(norm(old))*. Only attention takes the mask.
#
# </details>
# <details><summary>Hint 3: when a check says that you changed its tensor, or that backward() fails</summary>
#
# `x += …` writes into a tensor that somebody else still needs. `x = x + …` makes a new one.
#
# </details>

# %% solution="block"
class TransformerBlock(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.norm_1 = nn.LayerNorm(config.n_embd)
        self.attention = MultiHeadSelfAttention(config)
        self.norm_2 = nn.LayerNorm(config.n_embd)
        self.mlp = nn.Sequential(
            nn.Linear(config.n_embd, 4 * config.n_embd),
            nn.GELU(),
            nn.Linear(4 * config.n_embd, config.n_embd),
            nn.Dropout(config.dropout),
        )

    def forward(self, x, attention_mask=None):
        """x: (B, T, n_embd); attention_mask: (B, 1, T, T) or None. Returns (B, T, n_embd)."""
        ### BEGIN SOLUTION
        x = x + self.attention(self.norm_1(x), attention_mask)  # (B, T, C)
        return x + self.mlp(self.norm_2(x))  # (B, T, C)
        ### END SOLUTION

# %% [markdown]
# #### Check it

# %% points=1 test="block-shape"
check.block(TransformerBlock, "shape")
### BEGIN HIDDEN TESTS
check.block(TransformerBlock, "shape", seed=1)
### END HIDDEN TESTS

# %% points=2 test="block-values"
check.block(TransformerBlock, "values")
### BEGIN HIDDEN TESTS
check.block(TransformerBlock, "values", seed=1)
check.block(TransformerBlock, "values", seed=2)
### END HIDDEN TESTS

# %% points=1 test="block-mask"
check.block(TransformerBlock, "mask")
### BEGIN HIDDEN TESTS
check.block(TransformerBlock, "mask", seed=1)
check.block(TransformerBlock, "mask", seed=2)
### END HIDDEN TESTS

# %% points=1 test="block-gradient"
check.block(TransformerBlock, "gradient")
### BEGIN HIDDEN TESTS
check.block(TransformerBlock, "gradient", seed=1)
### END HIDDEN TESTS


# %% [markdown]
# ### Why add?
#
# The sums look like a small thing. Choose an answer before you run the experiment below.

# %%
ask.what_the_sums_are_for()

# %% [markdown]
# The task is to write a row of eight digits backwards. Both stacks are trained in the same way for 100
# steps. One has your pattern, *new = old + part(norm(old))*, the other *new = part(norm(old))*. The *loss* says how wrong
# a model is: the lower, the better, and how it is computed comes below.

# %%
class WithoutSums(package.TransformerBlock):
    def forward(self, x, attention_mask=None):
        return self.mlp(self.norm_2(self.attention(self.norm_1(x), attention_mask)))


def losses_of(Block, depth, steps=100):
    """Train a stack of `depth` blocks to write digits backwards. Returns the loss of every step."""
    torch.manual_seed(0)
    config = TransformerConfig(vocab_size=10, block_size=8, n_embd=32, n_head=2, n_layer=depth, dropout=0.0)
    model, losses = package.Transformer(config), []
    model.layers["blocks"] = nn.ModuleList(Block(config) for _ in range(depth))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)  # explained in notebook 9
    for _ in range(steps):
        digits = torch.randint(10, (32, 8))  # (B, T)
        _, loss = model(digits, digits.flip(1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


trained = {name: losses_of(Block, depth=12)
           for name, Block in (("with sums", package.TransformerBlock), ("without", WithoutSums))}
for name, losses in trained.items():
    print(f"12 blocks {name:10} loss {losses[0]:.2f} at first, {losses[-1]:.2f} after 100 steps")
print(f"guessing one digit of ten: ln 10 = {math.log(10):.2f}")

# %%
figures.curves(
    {name: (range(100), losses) for name, losses in trained.items()},
    x_label="step of training", y_label="loss", title="Twelve blocks, with and without the sums",
    caption="The same blocks, data and steps. Without the sums the loss stays at that of guessing.",
)

# %% [markdown]
# He et al. found the same for images (2015, "Deep Residual Learning for Image Recognition"): plain deep networks *train
# worse* than shallow ones, and with sums they do not. It is tempting to say that the gradients vanish on their way
# down. He et al. checked, and call that unlikely (section 4.1): the norms in their
# networks keep the gradients healthy. Their idea is another one: it is easy for a layer to learn *a little more than nothing*, and hard
# to learn to *pass everything on unchanged*. A block that adds passes everything on by itself.
#
# **Why is the norm not on the sum?** The first Transformer had it there: x = norm(x + part(x)), called *post-norm*.
# Then the way past the blocks is not free: every vector is rescaled at each step. Such
# models learn, but they need a slow start, a *warm-up*, or training fails (Xiong et al. 2020). Almost all of
# today's models put the norm first, and one last norm at the end of the stack.
#
# ### Exercise 2 · The Transformer
#
# **7 points · about 25 minutes · everything so far, in one forward**
#
# All layers are given in `__init__`. `self.layers["blocks"]` is a list of blocks that you can
# loop over.
#
# | | shape | |
# |---|---|---|
# | in: `idx` | `(B, T)` | ids, −1 where there is padding |
# | in: `targets` | `(B, T)` or None | the words to be predicted, −1 where there is none |
# | in: `return_hidden` | True or False | |
# | out | `(logits, loss)` | logits `(B, T, vocab_size)`; loss a single number, None without targets |
# | out with `return_hidden=True` | `(B, T, n_embd)` | vectors instead of scores |
#
# The cell has two gaps. Fill `forward` now, and leave `hidden_cache` and the method `join` for exercise 3: these checks
# do not need them. Write `forward` in this order, and run the checks as you go: each needs only the steps up to its own.
#
# 1. **Logits.** Embed idx, send it through all blocks, one after the other, then through
#    `self.layers["norm"]`, then through `self.lm_head`. Return `logits, None`. No softmax.
# 2. **Mask.** Call `self.get_attention_mask(num_tokens, T)`, where `num_tokens`, of shape `(B,)`, counts the
#    tokens of each sequence that are not padding. Pass its result to every block. For now it is
#    None. In the next two notebooks you write a better one.
# 3. **Loss.** If there are targets: `F.cross_entropy` of the scores and the targets. Row t of the
#    logits predicts `targets[:, t]`: the targets are already shifted. Where a
#    target is −1 nothing is to be predicted, and that position does not count.
# 4. **Hidden states.** If `return_hidden`: return what `lm_head` would have been given, with zeros
#    wherever idx is −1. No loss, no pair.
#
# <details><summary>Hint 1: the blocks</summary>
#
# `for block in self.layers["blocks"]:`. Each block is given what the one before it returned.
#
# </details>
# <details><summary>Hint 2: the number of tokens</summary>
#
# `idx != -1` is True at every token. Adding up along axis 1 counts True as 1.
#
# </details>
# <details><summary>Hint 3: cross_entropy and its shapes</summary>
#
# `F.cross_entropy` wants scores `(N, vocab_size)` and targets `(N,)`. `flatten(0, 1)` makes one axis of
# the first two, `flatten()` one axis of all. `ignore_index=-1` leaves out the targets −1.
#
# </details>
# <details><summary>Hint 4: zeros at padding</summary>
#
# Multiplying by True keeps a number, by False it makes 0. `(idx != -1).unsqueeze(-1)` has the shape
# `(B, T, 1)` and fits vectors of shape `(B, T, n_embd)`.
#
# </details>

# %% solution="transformer"
class Transformer(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.layers = nn.ModuleDict({
            "embedding": Embedding(config),
            "blocks": nn.ModuleList([TransformerBlock(config) for _ in range(config.n_layer)]),
            "norm": nn.LayerNorm(config.n_embd),
        })
        self.lm_head = nn.Linear(config.n_embd, config.vocab_size, bias=False)

    def get_attention_mask(self, num_tokens, T=None):
        """Who may attend to whom. None: every token to every token."""
        return None

    def join(self, hidden_cache, x, attention_mask):
        """hidden_cache: (B, P, n_embd), x: (B, T, n_embd). Returns the vectors (B, P + T, n_embd) and their mask."""
        ### BEGIN SOLUTION
        return torch.cat((hidden_cache, x), dim=1), None  # (B, P + T, C)
        ### END SOLUTION

    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        """idx: (B, T) int64, -1 is padding. Returns logits (B, T, vocab_size) and a loss, or hidden states."""
        ### BEGIN SOLUTION
        is_token = idx != -1  # (B, T)
        attention_mask = self.get_attention_mask(is_token.sum(1), idx.shape[1])  # (B, 1, T, T) or None
        x = self.layers["embedding"](idx)  # (B, T, C)
        if hidden_cache is not None:
            x, attention_mask = self.join(hidden_cache, x, attention_mask)  # (B, P + T, C)
        for block in self.layers["blocks"]:
            x = block(x, attention_mask)  # (B, P + T, C)
        x = self.layers["norm"](x)  # (B, P + T, C)
        if return_hidden:
            return x * is_token.unsqueeze(-1)  # (B, T, C)
        logits = self.lm_head(x)  # (B, P + T, V)
        if targets is None:
            return logits, None
        return logits, F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1)
        ### END SOLUTION

# %% [markdown]
# #### Check it

# %% points=2 test="transformer-logits"
check.transformer(Transformer, "logits")
### BEGIN HIDDEN TESTS
check.transformer(Transformer, "logits", seed=1)
check.transformer(Transformer, "logits", seed=2)
### END HIDDEN TESTS

# %% points=1 test="transformer-mask"
check.transformer(Transformer, "mask")
### BEGIN HIDDEN TESTS
check.transformer(Transformer, "mask", seed=1)
check.transformer(Transformer, "mask", seed=2)
### END HIDDEN TESTS

# %% points=2 test="transformer-loss"
check.transformer(Transformer, "loss")
### BEGIN HIDDEN TESTS
check.transformer(Transformer, "loss", seed=1)
check.transformer(Transformer, "loss", seed=2)
### END HIDDEN TESTS

# %% points=1 test="transformer-hidden"
check.transformer(Transformer, "hidden states")
### BEGIN HIDDEN TESTS
check.transformer(Transformer, "hidden states", seed=1)
### END HIDDEN TESTS

# %% points=1 test="transformer-gradient"
check.transformer(Transformer, "gradient")
### BEGIN HIDDEN TESTS
check.transformer(Transformer, "gradient", seed=1)
### END HIDDEN TESTS

# %% [markdown]
# ### Exercise 3 · What another Transformer has understood
#
# **3 points · about 15 minutes · two Transformers, joined**
#
# With `return_hidden=True` a Transformer returns no scores. It returns what it has made of a text: one vector for
# each word, in which the rest of the sentence has left its traces. **Another** Transformer can read these vectors as if
# they were the beginning of its own text. They come before its embeddings:

# %%
figures.two_columns(
    "the cat saw the ant in the yard".split(), ["who"], reader="a Transformer that reads",
    writer="a Transformer that is asked", n_embd=32, vocab_size=25, predicts={8: "cat"},
    title="One reads, the other is asked",
    caption="Below you train these two. The second one never sees the sentence, only the first one's hidden states. "
            "The row of the question, the last one, has to predict the answer.",
)

# %% [markdown]
# The vectors of the other text are called `hidden_cache` here. (They are **not** the "KV cache" of other texts: that one
# holds keys and values of a model's *own* earlier words, and makes generation faster.)
#
# Go back to [the cell of your class](#Exercise-2-·-The-Transformer), write two things, and run that cell again.
#
# 1. **The method `join`.** It is given `hidden_cache` `(B, P, n_embd)`, the embeddings `x` `(B, T, n_embd)` and the mask of
#    the T tokens. It returns two things: the vectors that the blocks read, `(B, P + T, n_embd)`, the rows of the cache
#    first; and the mask for them, which is **None** for now: everything attends to everything.
# 2. **The call in `forward`.** If there is a `hidden_cache`, hand it to `self.join`, with the embedded idx and its mask, and
#    go on with the two things that it returns. Nothing else changes, but there are P + T rows now instead of T.
#
# Embed idx as before, alone: so its positions start at 0. `targets` and `hidden_cache` are never given
# together, and neither are `return_hidden` and `hidden_cache`. But idx may be empty after a cache, `(B, 0)`: in notebook 8
# an answer begins with no word at all.
#
# Why a method of its own, for one line? In notebook 7 a class that derives from yours will join in another way. It can
# override `join`, and leave `forward` alone.
#
# <details><summary>Hint 1: a nudge</summary>
#
# `torch.cat((first, second), dim=…)` puts tensors one after the other along an axis. Which of the three axes counts the tokens?
#
# </details>
# <details><summary>Hint 2: the call</summary>
#
# It comes after the embedding and before the loop over the blocks:
# `x, attention_mask = self.join(hidden_cache, x, attention_mask)`.
#
# </details>
#
# #### Check it

# %% points=1 test="transformer-join"
check.transformer(Transformer, "join")
### BEGIN HIDDEN TESTS
check.transformer(Transformer, "join", seed=1)
check.transformer(Transformer, "join", seed=2)
### END HIDDEN TESTS

# %% points=2 test="transformer-cache"
check.transformer(Transformer, "cache")
### BEGIN HIDDEN TESTS
check.transformer(Transformer, "cache", seed=1)
check.transformer(Transformer, "cache", seed=2)
### END HIDDEN TESTS

# %% [markdown]
# The next cell decides whose Transformer is used from here on: yours, also while it is still wrong, if the
# cells below can run with it. What goes wrong there may then show you what is wrong with it.

# %%
def try_transformer(made):
    """What the cells below do with a Transformer class, on three words."""
    model, words_tried = made(TransformerConfig(3, 4, n_embd=4, n_head=2, n_layer=1)), torch.tensor([[0, 1, 2]])
    hidden_cache = model(words_tried, return_hidden=True)
    logits, _ = model(words_tried[:, :1], hidden_cache=hidden_cache)
    model(words_tried, words_tried)[1].backward()
    return logits[:, -1], projections(model.layers["blocks"][0].attention, model.config)


YourTransformer = check.transformer.yours_if_it_runs(Transformer, package.Transformer, trial=try_transformer)

# %% [markdown]
# **Two Transformers, one loss.** The first reads a sentence. The second is asked one of four questions about it, *who*, *did*, *whom*,
# *where*, and sees nothing but the question and the hidden states. Both are trained together, on half of the 256
# possible sentences. (What an optimizer does is the subject of notebook 9.)

# %%
def all_sentences():
    """The 256 sentences: (256, 8) ids, and their vocabulary, with the four words that ask."""
    texts = [f"the {who} {did} the {whom} in the {where}".split()
             for who in ("cat", "dog", "cow", "hen") for did in ("saw", "fed", "met", "hid")
             for whom in ("ant", "pig", "fox", "owl") for where in ("barn", "yard", "house", "field")]
    lexicon = sorted({word for text in texts for word in text} | set(QUESTIONS))
    return torch.tensor([[lexicon.index(word) for word in text] for text in texts]), lexicon


QUESTIONS = {"who": 1, "did": 2, "whom": 4, "where": 7}  # each with the position of its answer
sentences, lexicon = all_sentences()  # (256, 8)
shuffled = sentences[torch.randperm(len(sentences), generator=torch.Generator().manual_seed(0))]
known, unseen = shuffled[:128], shuffled[128:]  # (128, 8) each


def reader_and_answerer(steps=100):
    """Train one Transformer to read, and another to answer from its hidden states."""
    torch.manual_seed(0)
    config = TransformerConfig(len(lexicon), 8, n_embd=32, n_head=2, n_layer=2, dropout=0.0)
    reader, answerer = YourTransformer(config), YourTransformer(config)
    optimizer = torch.optim.AdamW([*reader.parameters(), *answerer.parameters()], lr=3e-3)
    asked = torch.tensor([lexicon.index(word) for word in QUESTIONS])  # (4,)
    where = torch.tensor(list(QUESTIONS.values()))  # (4,)
    for _ in range(steps):
        text, kind = known[torch.randint(128, (32,))], torch.randint(4, (32,))  # (32, 8), (32,)
        hidden_cache = reader(text, return_hidden=True)  # (32, 8, 32)
        logits, _ = answerer(asked[kind].unsqueeze(1), hidden_cache=hidden_cache)  # (32, 9, V)
        loss = F.cross_entropy(logits[:, -1], text[torch.arange(32), where[kind]])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return reader.eval(), answerer.eval()


@torch.no_grad()
def share_of_right_answers(reader, answerer, question, texts):
    """How many of the texts (N, 8) the second model answers correctly, with the first and without it."""
    asked = torch.full((len(texts), 1), lexicon.index(question))  # (N, 1)
    answers = texts[:, QUESTIONS[question]]  # (N,)
    with_reader, _ = answerer(asked, hidden_cache=reader(texts, return_hidden=True))  # (N, 9, V)
    alone, _ = answerer(asked)  # (N, 1, V)
    return [(logits[:, -1].argmax(-1) == answers).float().mean().item() for logits in (with_reader, alone)]


reader, answerer = reader_and_answerer()
print(f"128 sentences that neither has seen, read and answered by {figures.whose(YourTransformer)}")
print("question   right, with the hidden states   right, without them")
for question in QUESTIONS:
    with_them, without = share_of_right_answers(reader, answerer, question, unseen)
    print(f"{question:8} {with_them:31.0%} {without:21.0%}")

# %% [markdown]
# Without the cache the second model can only guess one of four. With it, it knows: what the first has read has passed
# through `join`, and the loss of the second has taught the first what to pass on. Translators work this way, with an
# encoder that reads English and a decoder that writes French: notebook 7.
#
# ### Is it the same as PyTorch's?
#
# PyTorch has a stack of blocks built in, `nn.TransformerEncoder`. Give it the weights of your
# model, and compare.

# %%
small = TransformerConfig(vocab_size=29, block_size=16, n_embd=12, n_head=3, n_layer=3, dropout=0.0)
torch.manual_seed(1)
yours = YourTransformer(small).eval()

layer = nn.TransformerEncoderLayer(
    small.n_embd, small.n_head, 4 * small.n_embd, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
)
theirs = nn.TransformerEncoder(layer, small.n_layer, nn.LayerNorm(small.n_embd), enable_nested_tensor=False)
for mine, other in zip(yours.layers["blocks"], theirs.layers):
    W_q, b_q, W_k, b_k, W_v, b_v, W_o, b_o = (p.float() for p in projections(mine.attention, small))
    other.load_state_dict({
        "self_attn.in_proj_weight": torch.cat((W_q, W_k, W_v)), "self_attn.in_proj_bias": torch.cat((b_q, b_k, b_v)),
        "self_attn.out_proj.weight": W_o, "self_attn.out_proj.bias": b_o,
        "linear1.weight": mine.mlp[0].weight, "linear1.bias": mine.mlp[0].bias,
        "linear2.weight": mine.mlp[2].weight, "linear2.bias": mine.mlp[2].bias,
        "norm1.weight": mine.norm_1.weight, "norm1.bias": mine.norm_1.bias,
        "norm2.weight": mine.norm_2.weight, "norm2.bias": mine.norm_2.bias,
    })

example = torch.randint(small.vocab_size, (2, 7))  # (B, T)
by_you, _ = yours(example)  # (B, T, V)
by_them = yours.lm_head(theirs(yours.layers["embedding"](example)))  # (B, T, V)
print(f"{figures.whose(yours)} and nn.TransformerEncoder differ by at most {(by_you - by_them).abs().max():.1e}")

# %% [markdown]
# ### A loss that you know before you compute it
#
# Before a training begins you can already say how it should begin.

# %%
ask.what_the_first_loss_is()

# %%
def first_loss(times):
    """The loss of a new model whose last layer's weights are `times` times as large as PyTorch makes them."""
    torch.manual_seed(1)
    model = YourTransformer(small).eval()
    with torch.no_grad():
        model.lm_head.weight.mul_(times)
    ids = torch.randint(small.vocab_size, (8, 7))  # (B, T)
    return model(ids, ids.flip(0))[1].item()


print(f"ln {small.vocab_size} = {math.log(small.vocab_size):.2f}; the model is {figures.whose(YourTransformer)}")
for times in (1, 10, 100):
    print(f"weights of lm_head × {times:3}: first loss {first_loss(times):6.2f}")

# %% [markdown]
# A new model knows nothing. Among V words it gives the right one a probability of about 1 ÷ V, and
# the loss is −ln of that, ln V. That it comes out this way is the work of **initialisation**: PyTorch draws the weights of
# `nn.Linear(n, m)` at random between −1/√n and 1/√n, so that a sum of n products stays of the order of one input, and does
# not grow with n. With larger weights a new model would be *sure* of nonsense, and training would spend its first
# steps on unlearning that. If the first loss of your training is far above ln V, look there first.
#
# ### Where the parameters are
#
# How many numbers does training have to find, and where? The storyteller's, counted:

# %%
def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def parameters_by_part(model):
    blocks = model.layers["blocks"]
    return {
        "embedding": count(model.layers["embedding"]),
        "attention of all blocks": sum(count(block.attention) for block in blocks),
        "mlp of all blocks": sum(count(block.mlp) for block in blocks),
        "norms": count(model.layers["norm"]) + sum(count(block.norm_1) + count(block.norm_2) for block in blocks),
        "lm_head": count(model.lm_head),
    }


total = count(storyteller)
for name, number in parameters_by_part(storyteller).items():
    print(f"{name:24} {number:8,} {number / total:5.0%}")
print(f"{'all':24} {total:8,}")
width, depth = storyteller.config.n_embd, storyteller.config.n_layer
print(f"\n12 · n_embd² · n_layer   {12 * width**2 * depth:8,}   (4 of the 12 in attention, 8 in the mlp)")

# %% [markdown]
# The mlp makes up two thirds of each block: 4 · n_embd² numbers on the way up and as many on the way down, against four matrices of
# n_embd² in attention. The rule of thumb **12 · n_embd² per block** holds for large models too. GPT-2 small has 12 blocks
# with n_embd = 768: 12 · 12 · 768² is 85 million of its 124 million parameters. Most of the rest is its embedding, for 50,257 tokens.
#
# ## Play with it
#
# ### Something of yours learns
#
# Give your class one sentence, and let it learn it by heart. This is called *overfitting*, and it is the best first test of
# a new model: if it cannot even do this, something is broken. One thing has to be added. A model that writes from left to right must
# not look ahead, or it would copy the next word instead of predicting it. That mask is the subject of notebook 5. Here it is the
# storyteller's.

# %%
class LeftToRight(YourTransformer):
    def get_attention_mask(self, num_tokens, T=None):
        return storyteller.get_attention_mask(num_tokens, T)  # (B, 1, T, T)


lesson = "the cat did not want to eat the meat because it was full <end>".split()
known_words = sorted(set(lesson))
ids_of_the_lesson = torch.tensor([[known_words.index(word) for word in lesson]])  # (1, T + 1)


@torch.no_grad()
def written_by(model, first_word, most=20):
    """The likeliest next word, again and again, until <end>."""
    ids = torch.tensor([[known_words.index(first_word)]])  # (1, 1)
    while ids.shape[1] < most and known_words[ids[0, -1]] != "<end>":
        ids = torch.cat((ids, model(ids)[0][:, -1].argmax(-1, keepdim=True)), dim=1)  # (1, t + 1)
    return " ".join(known_words[number] for number in ids[0].tolist())


def learn_by_heart(steps=100):
    """Train a new model of your class on one sentence. Returns the model and its losses."""
    torch.manual_seed(0)
    config = TransformerConfig(len(known_words), 20, n_embd=32, n_head=2, n_layer=2, dropout=0.0)
    model, losses = LeftToRight(config), []
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for step in range(steps):
        if step in (0, 5, 10):
            print(f"step {step:3}: {written_by(model, 'the')}")
        # Row t has read the words up to position t, and predicts the one at t + 1.
        _, loss = model(ids_of_the_lesson[:, :-1], ids_of_the_lesson[:, 1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    print(f"step {steps}: {written_by(model, 'the')}")
    return model, losses


_, losses_by_heart = learn_by_heart()

# %%
figures.curves(
    {figures.whose(YourTransformer): (range(100), losses_by_heart),
     f"guessing: ln {len(known_words)}": (range(100), [math.log(len(known_words))] * 100)},
    x_label="step of training", y_label="loss", title="Learning one sentence by heart",
    caption="The loss begins near that of guessing and falls nearly to 0. This model knows one sentence and "
            "nothing else. Notebook 9 trains one that has to understand sentences that it has never seen.",
)

# %% [markdown]
# ### Your model finishes the cat's sentence
#
# Now your class (or the package's, if the cell above said so) gets the weights of the storyteller, under the same mask.

# %%
model = weights.copy_into(LeftToRight(storyteller.config), storyteller)
with torch.no_grad():
    word = vocabulary[model(idx)[0][0, -1].argmax()]
print(" ".join(words), "→", word)

# %% [markdown]
# Step through its layers: left and right go from station to station, up and down from word to
# word. At every station you see the vector, how long it is, what attention and mlp have added,
# and which words the model would predict **if it stopped there**: final norm and `lm_head` are
# applied to the vector as it is at that point. (This is called the *logit lens*.)
#
# Select "was", the last word. The stations show the word that leads the list after each block. Go from left to right and read
# the whole list: after which block does a word that explains why the cat does not eat come up in it, and how likely is it then?
# Then look at another word, and at what the model expected after it.

# %%
LayerStepper(model, idx, words, vocabulary, token=len(words) - 1, instead=storyteller)

# %% [markdown]
# The first three blocks find the *kind* of word: what an animal can be, sad or shy or tired. After the third, *sick* and
# *full* are in the list, with 0.12 and 0.09. Only the last block puts these two, the
# reasons not to eat, at the head of the list.
#
# ## A common misreading
#
# First choose:

# %%
ask.where_the_softmax_goes()

# %% [markdown]
# "The scores are fed into a softmax, and the word with the highest probability is chosen." That
# is true of a program that writes text. It sounds as if it were true of
# `forward`. Put the softmax into `forward`, and everything still runs. What does it cost?
#
# **The loss.** `F.cross_entropy` takes a softmax itself. Given probabilities, it takes the
# softmax of a softmax. Probabilities lie between 0 and 1, so the best possible input is a 1 for the
# right word and 0 for all others, and even then the loss is ln(1 + (V − 1) ÷ e):

# %%
size = len(vocabulary)
perfect = F.one_hot(torch.tensor([3]), size).float()  # (1, V), all probability on the right word
print(f"a perfect answer, loss of the probabilities: {F.cross_entropy(perfect, torch.tensor([3])):.2f}"
      f"   (ln(1 + {size - 1} ÷ e) = {math.log(1 + (size - 1) / math.e):.2f})")
ignorant = torch.full((1, size), 1 / size)  # (1, V)
print(f"an ignorant answer, by the same measure:     {F.cross_entropy(ignorant, torch.tensor([3])):.2f}")

# %% [markdown]
# From ignorance to perfection the loss moves by less than 1. And where the loss hardly
# moves, its gradient is small. Let training move the scores of a single position, with the right loss
# and with the softmax inside:

# %%
def train_one_position(softmax_inside, steps=150, rate=1.0):
    """Gradient descent on the scores of one position, from zeros.

    Returns the first gradient, and p(right word) on the way.
    """
    moved = torch.zeros(1, size, requires_grad=True)
    first_gradient, way = None, []
    for _ in range(steps):
        given = moved.softmax(-1) if softmax_inside else moved
        gradient, = torch.autograd.grad(F.cross_entropy(given, torch.tensor([3])), moved)
        first_gradient = gradient.norm().item() if first_gradient is None else first_gradient
        way.append(moved.softmax(-1)[0, 3].item())
        moved = (moved - rate * gradient).detach().requires_grad_()
    return first_gradient, way


gradient_right, way_right = train_one_position(softmax_inside=False)
gradient_wrong, way_wrong = train_one_position(softmax_inside=True)
print(f"first gradient: {gradient_right:.3f} with raw scores, {gradient_wrong:.4f} with the softmax inside: "
      f"{gradient_right / gradient_wrong:.0f} times smaller")
for name, way in (("raw scores", way_right), ("softmax inside", way_wrong)):
    print(f"{name:15} the right word has the probability ½ after {sum(p < 0.5 for p in way)} steps")

# %%
figures.curves(
    {"raw scores": (range(150), way_right), "softmax inside": (range(150), way_wrong)},
    x_label="step of training", y_label="probability of the right word",
    title="Learning one word",
    caption="The same training twice. With the softmax inside forward the gradient is so small at first "
            "that for a long time nothing seems to happen.",
)

# %% [markdown]
# **The temperature.** In notebook 6 scores are divided by a temperature before the softmax, to
# make a model bolder or more careful. With probabilities instead of scores that no longer works: a
# softmax of numbers between 0 and 1 is nearly flat at every temperature that you would use.

# %%
print("temperature   most likely word, from scores   from probabilities")
for temperature in (0.5, 1.0, 2.0):
    from_scores = (scores / temperature).softmax(-1).max()
    from_probabilities = (probabilities / temperature).softmax(-1).max()
    print(f"{temperature:11} {from_scores:31.2f} {from_probabilities:20.3f}")

# %% [markdown]
# **The argmax.** It gives the number of a word. Change the scores a little, and that number stays
# the same; so it has no gradient, and nothing can be learned through it:

# %%
raw = torch.randn(1, 5, requires_grad=True)
try:
    raw.argmax(-1).float().sum().backward()
except RuntimeError as error:
    print(error)

# %% [markdown]
# So `forward` ends with raw scores. The loss takes the softmax it needs, generation takes the
# one it needs, and neither gets in the other's way.
#
# ## In papers
#
# | here | in papers |
# |---|---|
# | block | *layer*; attention and mlp are its *sublayers* |
# | mlp | *position-wise feed-forward network*, FFN(x) = max(0, xW₁ + b₁)W₂ + b₂ (Vaswani et al. 2017, with ReLU instead of GELU) |
# | GELU | GELU(x) = x · Φ(x), with Φ(x) the probability that a standard normal number is below x (Hendrycks & Gimpel 2016) |
# | layer norm | LayerNorm(x) = γ · (x − μ) / √(σ² + ε) + β (Ba et al. 2016) |
# | pre-norm | xₗ₊₁ = xₗ + Sublayer(LayerNorm(xₗ)); the paper of 2017 has *post-norm*, LayerNorm(xₗ + Sublayer(xₗ)) |
# | sums, stream | *residual* or *skip connections*, *residual stream* |
# | scores | *logits*; `lm_head` is the *unembedding* |
# | `proj` | *output projection*, W^O |
#
# ## The PyTorch calls
#
# ### `nn.ModuleDict(modules)`
#
# **In:** a dictionary from names to modules. **Out:** a module that holds them, indexed
# like a dictionary. In a plain dictionary their parameters would not be found, so they would
# neither be trained nor saved.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.nn.ModuleDict.html)

# %%
parts = nn.ModuleDict({"up": nn.Linear(2, 3), "down": nn.Linear(3, 2)})
print(list(parts), tuple(parts["up"](torch.ones(1, 2)).shape))
assert parts["down"](parts["up"](torch.ones(1, 2))).shape == (1, 2)
assert [name for name, _ in parts.named_parameters()] == ["up.weight", "up.bias", "down.weight", "down.bias"]

# %% [markdown]
# ### `nn.ModuleList(modules)`
#
# **In:** a list of modules. **Out:** a module that holds them, to be looped over like a list.
# It has no forward of its own: you say what happens with them.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.nn.ModuleList.html)

# %%
stack = nn.ModuleList([nn.Linear(4, 4) for _ in range(3)])
x = torch.ones(1, 4)
for linear in stack:
    x = linear(x)
print(len(stack), "layers,", sum(p.numel() for p in stack.parameters()), "parameters")
assert sum(p.numel() for p in stack.parameters()) == 3 * (4 * 4 + 4)

# %% [markdown]
# ### `nn.LayerNorm(normalized_shape)`
#
# **In:** `(*, n_embd)`. **Out:** the same shape. The mean of each vector of `n_embd` numbers is
# subtracted from it, and the result is divided by the vector's own standard deviation, then multiplied by a learned gain and
# moved by a learned shift. Other tokens and other sequences play no part.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.nn.LayerNorm.html)

# %%
norm = nn.LayerNorm(6)
x = 10 + 5 * torch.randn(2, 3, 6)
print("before:", x[0, 0], " after:", norm(x)[0, 0].detach())
assert torch.allclose(norm(x).mean(-1), torch.zeros(2, 3), atol=1e-5)
assert torch.allclose(norm(x).std(-1, unbiased=False), torch.ones(2, 3), atol=1e-3)
assert torch.allclose(norm(x)[0, 0], norm(x[0, 0]), atol=1e-6), "the other vectors play no part"

# %% [markdown]
# ### `F.gelu(input)`
#
# **In:** a tensor of any shape. **Out:** the same shape. (`nn.GELU()` is the same as a layer.) Each number x becomes x · Φ(x), where Φ(x) rises from 0 to 1:
# large positive numbers stay as they are, large negative ones become 0, and between them the bend is smooth.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.gelu.html)

# %%
print(F.gelu(torch.tensor([-4.0, -1.0, 0.0, 1.0, 4.0])))
assert torch.allclose(F.gelu(torch.tensor([-6.0, 0.0, 6.0])), torch.tensor([0.0, 0.0, 6.0]), atol=1e-5)

# %% [markdown]
# ### `F.cross_entropy(input, target, ignore_index=-100)`
#
# **In:** raw scores `(N, V)` and the right classes `(N,)`, whole numbers. **Out:** the mean of
# −ln(probability of the right class), where the probabilities are the softmax of the scores.
# Positions whose target is `ignore_index` are left out. Scores `(B, V, T)` with targets `(B, T)` work as well.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.cross_entropy.html)

# %%
scores_of_two = torch.tensor([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
right = torch.tensor([0, -1])
print(F.cross_entropy(scores_of_two, right, ignore_index=-1))
assert torch.isclose(F.cross_entropy(scores_of_two, right, ignore_index=-1), -scores_of_two[0].softmax(-1)[0].log())
assert torch.isclose(F.cross_entropy(torch.zeros(1, 8), torch.tensor([5])), torch.tensor(math.log(8)))

# %% [markdown]
# ## Where next
#
# Your Transformer lets every token attend to every other, padding too, and its batches will be full
# of padding. `get_attention_mask` returns None so far. In
# [notebook 4](../04-encoder/04-encoder.ipynb) you write the mask that turns it into an encoder, and
# in notebook 5 the one that turns it into a decoder.

# %%
from ninelives.progress import where_am_i

where_am_i()
