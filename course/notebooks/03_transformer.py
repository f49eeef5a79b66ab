# %% [markdown]
# # 3 · Putting it all together
#
# *The cat did not want to eat because it was full.*
#
# You can turn words into vectors, and you can let every vector read every other, once.
# What is missing is everything around it: reading several times, thinking in between,
# and at the end saying a word.

# %% [markdown]
# ## The question
#
# **How does a stack of attention layers become a model that says what comes next?**
#
# At the end you will have built
#
# - `TransformerBlock`, one layer: attention, then a small network for every token,
# - `Transformer`, the whole: from the ids of words to a score for every word of the vocabulary.
#
# With the weights of a model that was trained for the course, your class will finish the
# cat's sentence.
#
# | | |
# |---|---|
# | Time | about 75 minutes |
# | Points | 15 |
# | What you should know | [Notebook 1](../01-embeddings/01-embeddings.ipynb) and [notebook 2](../02-attention/02-attention.ipynb) |

# %%
import math

import torch
from torch import nn
from torch.nn import functional as F

import ninelives.checks.transformer as check
import ninelives.model as package
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
# Here is a small Transformer that has read many thousand sentences like the cat's. Give it
# the beginning of one.

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
# For every place of the sentence the model gives one number for every word of its
# vocabulary. These numbers are called *logits*, or simply scores: any number, positive or
# negative, and the higher, the more the word is expected to come next. Look at the last
# place, "was":

# %%
scores = logits[0, -1]  # (vocab_size,)
best = scores.topk(5)
for score, word in zip(best.values.tolist(), best.indices.tolist()):
    print(f"{vocabulary[word]:12} {score:6.2f}")

# %% [markdown]
# Scores are hard to read. The softmax, which you know from attention, turns them into
# probabilities. From these one can choose: here simply the most likely word.

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
# What happens between the ids and the scores? The sentence goes through a row of stations:

# %%
(B, T), C, V = idx.shape, storyteller.config.n_embd, storyteller.config.vocab_size
last = storyteller.config.n_layer
figures.shape_diagram(
    [
        ("ids", f"(B, T) = ({B}, {T})", " ".join(words)),
        ("embeddings", f"(B, T, n_embd) = ({B}, {T}, {C})", "which word, and where: notebook 1"),
        ("block 1", f"(B, T, n_embd) = ({B}, {T}, {C})", "attention (notebook 2), then a small network for each token"),
        (f"… block {last}", f"(B, T, n_embd) = ({B}, {T}, {C})", "the same again, each block with weights of its own"),
        ("final norm", f"(B, T, n_embd) = ({B}, {T}, {C})", "every vector to the same size"),
        ("logits", f"(B, T, vocab_size) = ({B}, {T}, {V})", "lm_head, a linear layer: a score for every word"),
        ("probabilities", f"(B, T, vocab_size) = ({B}, {T}, {V})", "softmax: outside of the model"),
        ("next word", f"“{vocabulary[chosen]}”", "chosen from the last row: outside of the model"),
    ],
    caption="One sentence's way through the network. Between embeddings and final norm the shape never changes.",
    title="From ids to the next word",
)

# %% [markdown]
# The blocks all have the same shape going in and coming out. So each token has *one vector*
# that travels through the whole network, and each block changes it a little: it **adds**
# something to it. What is handed on from block to block is called the *residual stream*.
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


stream = vectors_on_the_way(storyteller, idx)  # (n_layer + 1, T, n_embd)
norms = stream.norm(dim=-1)  # (n_layer + 1, T)
figures.curves(
    {f"“{word}”": (range(last + 1), norms[:, words.index(word)]) for word in ("cat", "because", "was")},
    x_label="after how many blocks (0: the embedding)", y_label="norm of the vector",
    title="How long the vectors get",
    caption="The norm (length) of three tokens' vectors. Every block adds to them, so they grow.",
)

# %% [markdown]
# The vectors grow, and not all at the same rate. A layer that reads them should not have to
# care. So each part of a block first brings its input to a standard size, with a *layer norm*:
# from each number of a vector the mean of that vector is taken away, and the result is divided
# by the standard deviation. By hand:

# %%
vector = torch.tensor([1.0, 5.0, 3.0, 3.0])
mean, deviation = vector.mean(), vector.std(unbiased=False)
print("vector:  ", vector, f"  mean {mean:.2f}, standard deviation {deviation:.2f}")
print("by hand: ", (vector - mean) / deviation)
print("PyTorch: ", nn.LayerNorm(4)(vector).detach())

# %% [markdown]
# After that comes a gain and a shift for each channel, which are learnt. They begin at 1 and
# 0, so at first nothing is to be seen of them.
#
# ## Build it
#
# ### Exercise 1 · One block
#
# **5 points · about 15 minutes · the layer that is stacked**
#
# A block has two parts. In **attention** the tokens read one another. In the **mlp**
# (multi-layer perceptron), two linear layers with a bend between them, each token works on
# what it has read, alone. Both are given in `__init__`, with a norm for each.
#
# | | shape | |
# |---|---|---|
# | in: `x` | `(B, T, n_embd)` | |
# | in: `attention_mask` | `(B, 1, T, T)` or None | for attention |
# | out | `(B, T, n_embd)` | |
#
# 1. Attention reads `norm_1` of x, under the mask. What it gives is **added** to x.
# 2. The mlp reads `norm_2` of that sum. What it gives is **added** to the sum.
#
# The norms stand *before* the parts, so this is called *pre-norm*. What is added to is the
# vector itself, not its norm: the stream runs through the block untouched, and the parts only add.
#
# <details><summary>Hint 1: a nudge</summary>
#
# Two lines are enough, one for each part. In the second, x is what the first has made of it.
#
# </details>
# <details><summary>Hint 2: the pattern</summary>
#
# Both lines have the form *new = old + part(norm(old))*. Only attention takes the mask.
#
# </details>
# <details><summary>Hint 3: when a check says that you changed its tensor</summary>
#
# `x += …` writes into the tensor of the caller. `x = x + …` makes a new one.
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
# **Why add?** Training tells the first block what to do better through all the blocks above
# it. Each may weaken the message. The sums are a way past them: whatever a block does, its
# input arrives at the other side. Stack more and more blocks, with and without the sums, and
# see how much of the gradient reaches the input:

# %%
class WithoutSums(package.TransformerBlock):
    def forward(self, x, attention_mask=None):
        return self.mlp(self.norm_2(self.attention(self.norm_1(x), attention_mask)))


def gradient_at_the_input(Block, depth):
    """How strongly one number of the last output answers to the input, on average over inputs."""
    torch.manual_seed(0)
    config = TransformerConfig(vocab_size=9, block_size=9, n_embd=32, n_head=4, dropout=0.0)
    blocks = nn.Sequential(*[Block(config) for _ in range(depth)])
    x = torch.randn(8, 6, 32, requires_grad=True)
    blocks(x)[:, -1, 0].sum().backward()
    return x.grad[:, -1].norm(dim=-1).mean().item()


print("blocks    with the sums    without")
for depth in (1, 4, 12, 24):
    print(f"{depth:6} {gradient_at_the_input(package.TransformerBlock, depth):16.2f} "
          f"{gradient_at_the_input(WithoutSums, depth):10.1e}")

# %% [markdown]
# With the sums the message arrives, however deep the stack. Without them it is lost after a
# few blocks, and the first blocks learn nothing. (He et al. 2015, "Deep Residual Learning",
# found this for images.)
#
# **Why is the norm not on the sum?** The first Transformer had it there: x = norm(x + part(x)).
# Then the way past the blocks is not free: every vector is squeezed again at each step. Such
# models learn, but need a slow start, or training fails (Xiong et al. 2020). Almost all
# models of today put the norm first, and one last norm at the end of the stack.
#
# ### Exercise 2 · The Transformer
#
# **9 points · about 30 minutes · everything so far, in one forward**
#
# All layers are given in `__init__`. `self.layers["blocks"]` is a list of blocks that one can
# loop over.
#
# | | shape | |
# |---|---|---|
# | in: `idx` | `(B, T)` | ids, −1 where there is padding |
# | in: `targets` | `(B, T)` or None | the words to be predicted, −1 where there is none |
# | in: `hidden_cache` | `(B, P, n_embd)` or None | vectors that stand in front of the tokens |
# | in: `return_hidden` | True or False | |
# | out | `(logits, loss)` | logits `(B, P + T, vocab_size)`; loss a single number, None without targets |
# | out with `return_hidden=True` | `(B, T, n_embd)` | vectors instead of scores |
#
# Write it in this order, and run the checks as you go: each needs only the steps up to its own.
#
# 1. **Logits.** Embed idx, send it through all blocks, one after the other, then through
#    `self.layers["norm"]`, then through `self.lm_head`. Return `logits, None`. No softmax.
# 2. **Mask.** Ask `self.get_attention_mask(num_tokens, T)`, where `num_tokens`, of shape `(B,)`, counts the
#    tokens of each sequence that are no padding. Hand its answer to every block. Here it answers
#    None. In the next two notebooks you write a better answer.
# 3. **Loss.** If there are targets: `F.cross_entropy` of the scores and the targets. Row t of the
#    logits predicts `targets[:, t]`: whoever makes the targets has shifted them already. Where a
#    target is −1 nothing is to be predicted, and that place does not count.
# 4. **Hidden states.** If `return_hidden`: return what `lm_head` would have been given, with zeros
#    wherever idx is −1. No loss, no pair. (Nobody asks for this and gives a cache at the same time.)
#
# <details><summary>Hint 1: the blocks</summary>
#
# `for block in self.layers["blocks"]:`. Each block is given what the one before it gave.
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
# Multiplying with True keeps a number, with False it makes 0. `(idx != -1).unsqueeze(-1)` has the shape
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
        """Who may attend to whom. None: everybody to everybody."""
        return None

    def join(self, hidden_cache, x, attention_mask):
        """hidden_cache: (B, P, n_embd), x: (B, T, n_embd). Returns what the blocks read, (B, P + T, n_embd), and a mask."""
        ### BEGIN SOLUTION
        return torch.cat((hidden_cache, x), dim=1), None  # (B, P + T, C)
        ### END SOLUTION

    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        """idx: (B, T) int64, -1 is padding. Returns logits (B, P + T, vocab_size) and a loss, or hidden states."""
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
# ### Exercise 3 · What another Transformer has read
#
# **3 points · about 10 minutes**

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
# ### Is it the same as PyTorch's?
#
# PyTorch has a stack of blocks built in, `nn.TransformerEncoder`. Give it the weights of your
# model, and compare. The first cell decides whose Transformer is used from here on: yours, if
# it passes its checks.

# %%
YourTransformer = check.transformer.yours_if_it_passes(Transformer, package.Transformer)

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
print(f"largest difference to nn.TransformerEncoder: {(by_you - by_them).abs().max():.1e}")

# %% [markdown]
# ### A loss that you know before you compute it
#
# A new model knows nothing. Among V words the right one gets about the probability 1 ÷ V, and
# the cross-entropy is −ln of that, so ln V. If the first loss of a training is far from this,
# something is wrong.

# %%
_, first_loss = yours(example, torch.randint(small.vocab_size, (2, 7)))
print(f"loss of your new model: {first_loss:.2f}, and ln {small.vocab_size} = {math.log(small.vocab_size):.2f}")

# %% [markdown]
# ## Play with it
#
# Now your class gets the weights of the storyteller. One thing has to be added: the storyteller
# writes from left to right, so no token may look ahead. That mask is the subject of notebook 5. Here
# it is given.

# %%
class LeftToRight(YourTransformer):
    def get_attention_mask(self, num_tokens, T=None):
        T = int(num_tokens.max()) if T is None else T
        return torch.ones(T, T, dtype=torch.bool).tril().expand(len(num_tokens), 1, T, T)


model = weights.copy_into(LeftToRight(storyteller.config), storyteller)
with torch.no_grad():
    word = vocabulary[model(idx)[0][0, -1].argmax()]
print(" ".join(words), "→", word)

# %% [markdown]
# Step through its layers: left and right go from station to station, up and down from word to
# word. At every station you see the vector, how long it is, what attention and mlp have added,
# and which words the model would say **if it stopped there**: final norm and `lm_head` are
# applied to the vector as it is at that point. (This is called the *logit lens*.)
#
# Stand on "was", the last word, and go from left to right. Where does the answer appear? Then
# look at another word, and at what the model expected after it.

# %%
LayerStepper(model, idx, words, vocabulary, token=len(words) - 1)

# %% [markdown]
# ## A common misreading
#
# > "Those scores are fed into a **softmax** function which converts them to probabilities. The
# > logit with the **highest** probability is chosen and its associated word is outputted."
#
# The sentence is true of a program that writes text. It sounds as if it were true of
# `forward`. Put the softmax into forward, and everything still runs. What does it cost?
#
# **The loss.** `F.cross_entropy` takes a softmax itself. Given probabilities, it takes the
# softmax of a softmax. Probabilities lie between 0 and 1, so the best possible input is a 1 for the
# right word and 0 for all others, and even then the loss is ln(1 + (V − 1) ÷ e):

# %%
V = len(vocabulary)
perfect = F.one_hot(torch.tensor([3]), V).float()  # (1, V), all probability on the right word
print(f"a perfect answer, loss of the probabilities: {F.cross_entropy(perfect, torch.tensor([3])):.2f}"
      f"   (ln(1 + {V - 1} ÷ e) = {math.log(1 + (V - 1) / math.e):.2f})")
ignorant = torch.full((1, V), 1 / V)  # (1, V)
print(f"an ignorant answer, by the same measure:     {F.cross_entropy(ignorant, torch.tensor([3])):.2f}")

# %% [markdown]
# From ignorance to perfection the loss moves by less than 1. What is hardly seen in the loss is
# hardly felt in the gradient. Let training move the scores of a single place, with the right loss
# and with the softmax inside:

# %%
def train_one_place(softmax_inside, steps=150, rate=1.0):
    """Gradient descent on the scores of one place, from zeros.

    Returns the first gradient, and p(right word) on the way.
    """
    scores = torch.zeros(1, V, requires_grad=True)
    first_gradient, way = None, []
    for _ in range(steps):
        given = scores.softmax(-1) if softmax_inside else scores
        gradient, = torch.autograd.grad(F.cross_entropy(given, torch.tensor([3])), scores)
        first_gradient = gradient.norm().item() if first_gradient is None else first_gradient
        way.append(scores.softmax(-1)[0, 3].item())
        scores = (scores - rate * gradient).detach().requires_grad_()
    return first_gradient, way


gradient_right, way_right = train_one_place(softmax_inside=False)
gradient_wrong, way_wrong = train_one_place(softmax_inside=True)
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
# make a model bolder or more careful. With probabilities in place of scores that no longer works: a
# softmax of numbers between 0 and 1 is nearly flat, whatever they are divided by.

# %%
print("temperature   most likely word, from scores   from probabilities")
for temperature in (0.5, 1.0, 2.0):
    from_scores = (scores / temperature).softmax(-1).max()
    from_probabilities = (probabilities / temperature).softmax(-1).max()
    print(f"{temperature:11} {from_scores:31.2f} {from_probabilities:20.3f}")

# %% [markdown]
# **The argmax.** It gives the number of a word. Nudge the scores a little, and that number stays
# the same; so it has no gradient, and nothing can be learnt through it:

# %%
raw = torch.randn(1, 5, requires_grad=True)
try:
    raw.argmax(-1).float().sum().backward()
except RuntimeError as error:
    print(error)

# %% [markdown]
# So `forward` ends with raw scores. The loss takes the softmax it needs, generation takes the
# one it needs, and nobody's is in the way of the other's.
#
# ## The PyTorch calls
#
# ### `nn.ModuleDict(modules)`
#
# **In:** a dictionary from names to modules. **Out:** a module that holds them, to be asked
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
assert not list([nn.Linear(4, 4)][0:0]) and len(stack) == 3

# %% [markdown]
# ### `nn.LayerNorm(normalized_shape)`
#
# **In:** `(*, n_embd)`. **Out:** the same shape; each vector of `n_embd` numbers has its own mean
# taken away and is divided by its own standard deviation, then multiplied with a learnt gain and
# moved by a learnt shift. Other tokens and other sequences play no part.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.nn.LayerNorm.html)

# %%
norm = nn.LayerNorm(6)
x = 10 + 5 * torch.randn(2, 3, 6)
print("before:", x[0, 0], " after:", norm(x)[0, 0].detach())
assert torch.allclose(norm(x).mean(-1), torch.zeros(2, 3), atol=1e-5)
assert torch.allclose(norm(x).std(-1, unbiased=False), torch.ones(2, 3), atol=1e-3)
assert torch.allclose(norm(x)[0, 0], norm(x[0, 0]), atol=1e-6), "the other vectors play no part"

# %% [markdown]
# ### `F.cross_entropy(input, target, ignore_index=-100)`
#
# **In:** raw scores `(N, V)` and the right classes `(N,)`, whole numbers. **Out:** the mean of
# −ln(probability of the right class), where the probabilities are the softmax of the scores.
# Places whose target is `ignore_index` are left out. Scores `(B, V, T)` with targets `(B, T)` work as well.
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
# Your Transformer lets every token read every other, padding too, and its batches will be full
# of padding. `get_attention_mask` returns None so far. In
# [notebook 4](../04-encoder/04-encoder.ipynb) you write the mask that turns it into an encoder, and
# in notebook 5 the one that turns it into a decoder.
