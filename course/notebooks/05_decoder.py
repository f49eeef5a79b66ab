# %% [markdown]
# # 5 · Decoder
#
# *The cat did not want to eat because it was full.*
#
# To understand this sentence you may read all of it before you decide who was full. To
# write it, word by word, you cannot: when you reach "it", there is no "full" yet.

# %% [markdown]
# ## The question
#
# A model that writes is trained to predict the next word at every position of a sentence, at all
# positions at once. But the sentence that it is shown contains the next word.
# **How do you keep a model from copying the answer?**
#
# At the end you will have built
#
# - `causal_mask`, a triangle: no position attends to a later one,
# - `Decoder`, an encoder with that triangle in its mask, which can learn to write,
# - `future_leak`, a test that finds out whether any model looks into the future,
# - `prefix_mask`, the mask of a model that reads a prefix in both directions and then writes.
#
# | | |
# |---|---|
# | Time | about 60 minutes |
# | Points | 14 |
# | Before you start | [Notebook 4](../04-encoder/04-encoder.ipynb) |
#
# After a restart of the kernel: select the cell that you want to go on with, then *Run → Run All Above Selected Cell*.
# If *Run All* stops at a check that does not pass yet: select the first cell below the checks, then
# *Run → Run Selected Cell and All Below*.

# %%
import math

import torch
from torch import nn

import ninelives.checks.decoder as check
import ninelives.model as package
import ninelives.questions.decoder as ask
from ninelives import figures
from ninelives.config import TransformerConfig
from ninelives.use_mine import use_mine
from ninelives.widgets import MaskLab

torch.set_printoptions(precision=2, sci_mode=False)

# %%
Encoder = use_mine("Encoder")

# %% [markdown]
# ## See it
#
# A sentence of eleven words is ten questions, and training asks them all in one pass:

# %%
words = "The cat did not want to eat because it was full".split()
for position in (0, 1, 7, 8, 9):
    print(f"position {position}: {' '.join(words[: position + 1])} → {words[position + 1]}")

# %% [markdown]
# The answer at position 8 is "was", and "was" is at position 9 of the input. In an encoder position 8
# may attend to it. A decoder has another mask:

# %%
vocabulary = sorted(set(words))
idx = torch.tensor([[vocabulary.index(word) for word in words]])  # (1, T)
config = TransformerConfig(vocab_size=len(vocabulary), block_size=16, n_embd=12, n_head=2, n_layer=2, dropout=0.0)

everything = package.Encoder(config).get_attention_mask(torch.tensor([len(words)]))[0, 0]  # (T, T)
past = package.Decoder(config).get_attention_mask(torch.tensor([len(words)]))[0, 0]  # (T, T)
figures.masks_side_by_side(
    [everything, past], words, ["Encoder", "Decoder"],
    caption="The same sentence in both. In the decoder everything above the diagonal is closed: "
    "those words come later.",
)

# %% [markdown]
# Go along the row of "it". What may it attend to?

# %%
it = words.index("it")
for name, mask in (("encoder", everything), ("decoder", past)):
    seen = [word for word, may in zip(words, mask[it]) if may]
    cat, full = ("yes" if word in seen else "no" for word in ("cat", "full"))
    print(f"{name}: cat {cat:4} full {full:4} ({' '.join(seen)})")

# %% [markdown]
# **At "it", a decoder has seen "cat" but not "full".** An encoder has seen both. So an encoder can find
# out at "it" who is meant. A decoder cannot: had the sentence gone on *because it was rotten*, its
# vector of "it" would be the same, to the last digit. This is not a flaw. It is the price of being
# able to write, and the reason why the translator of notebook 7 has one encoder and one decoder.
#
# ### A leak, made visible
#
# A mask is a promise: output i does not depend on input j if j comes later. Whether a model keeps it can
# be measured. The gradient d output[i] / d input[j] says how much output i, here the sum of its scores,
# changes when the vector of word j changes a little. If no path leads from word j to output i, it is exactly 0.

# %%
def with_random_weights(Model, seed=1):
    """A model whose weights are large enough to matter."""
    torch.manual_seed(seed)
    model = Model(config).eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.6)
    return model


figures.future_leak(
    package.input_gradients(with_random_weights(package.Encoder), idx), words,
    caption="An encoder: every output depends on every input, including those that come later.",
)

# %%
figures.future_leak(
    package.input_gradients(with_random_weights(package.Decoder), idx), words,
    caption="A decoder: above the diagonal there is nothing, not even a rounding error.",
)

# %% [markdown]
# ## Build it
#
# ### Exercise 1 · The triangle
#
# **1 point · about 5 minutes · easy · nothing looks ahead**
#
# | | shape | |
# |---|---|---|
# | in: `T` | a number | how many positions |
# | out | `(T, T)` | row i is 1 (True) at the positions 0 … i, and 0 (False) after them |
#
# Any dtype will do: bool, int or float.
#
# <details><summary>Hint 1: a nudge</summary>
#
# Draw it for T = 3. Row 0 may attend to position 0, row 1 to the positions 0 and 1, row 2 to all
# three. On which side of the diagonal are the ones?
#
# </details>
# <details><summary>Hint 2: the call</summary>
#
# `torch.tril` keeps the lower triangle of a matrix, with the diagonal, and puts 0
# elsewhere. The lower triangle of which matrix?
#
# </details>

# %% solution="causal-mask"
def causal_mask(T):
    """(T, T), 1 = may attend: row i may attend to column j if j <= i."""
    ### BEGIN SOLUTION
    return torch.tril(torch.ones(T, T))  # (T, T)
    ### END SOLUTION

# %% [markdown]
# #### Check it

# %% points=1 test="causal-mask-values"
check.causal_mask(causal_mask, "values")
### BEGIN HIDDEN TESTS
check.causal_mask(causal_mask, "values", seed=1)
check.causal_mask(causal_mask, "values", seed=2)
### END HIDDEN TESTS

# %% [markdown]
# ### Exercise 2 · The decoder's mask
#
# **6 points · about 10 minutes · easy · an encoder becomes a decoder**
#
# A position is open if *both* allow it: the encoder's mask, which closes padding, and the
# triangle, which closes the future.
#
# | | shape | |
# |---|---|---|
# | in: `num_tokens` | `(B,)` | the length of each sequence, at least 1 |
# | in: `T` | a number or None | as in the encoder |
# | out | `(B, 1, T, T)` | `out[b, 0, i, j]` is 1 (True) if `j < num_tokens[b]` and `j <= i`, else 0 (False) |
#
# <details><summary>Hint 1: a nudge</summary>
#
# You need not write the encoder's mask again: `super().get_attention_mask(num_tokens, T)` calls the
# method of the class above.
#
# </details>
# <details><summary>Hint 2: both masks at once</summary>
#
# Two bool masks are joined with `&`, masks of 0 and 1 by multiplying. `(B, 1, T, T)` and `(T, T)`
# broadcast. When T is None, the encoder's mask tells you how large it is: `mask.shape[-1]`.
#
# </details>
# <details><summary>Hint 3: if your encoder's mask is bool and the triangle is not</summary>
#
# `mask != 0` makes a bool mask of either. Make a new mask, and leave the encoder's as it is:
# its rows may share their memory.
#
# </details>

# %% solution="decoder"
class Decoder(Encoder):
    def get_attention_mask(self, num_tokens, T=None):
        """num_tokens: (B,); T: how many positions, by default the largest length. Returns (B, 1, T, T)."""
        ### BEGIN SOLUTION
        mask = super().get_attention_mask(num_tokens, T)  # (B, 1, T, T), or one row for all
        return (mask != 0) & (causal_mask(mask.shape[-1]).to(mask.device) != 0)  # (B, 1, T, T)
        ### END SOLUTION

# %% [markdown]
# #### Check it

# %% points=1 test="decoder-shape"
check.decoder(Decoder, "shape")
### BEGIN HIDDEN TESTS
check.decoder(Decoder, "shape", seed=1)
check.decoder(Decoder, "shape", seed=2)
### END HIDDEN TESTS

# %% points=2 test="decoder-triangle"
check.decoder(Decoder, "triangle")
### BEGIN HIDDEN TESTS
check.decoder(Decoder, "triangle", seed=1)
check.decoder(Decoder, "triangle", seed=2)
### END HIDDEN TESTS

# %% points=1 test="decoder-padding"
check.decoder(Decoder, "padding")
### BEGIN HIDDEN TESTS
check.decoder(Decoder, "padding", seed=1)
### END HIDDEN TESTS

# %% points=2 test="decoder-leak"
check.decoder(Decoder, "leak")
### BEGIN HIDDEN TESTS
check.decoder(Decoder, "leak", seed=1)
check.decoder(Decoder, "leak", seed=2)
### END HIDDEN TESTS

# %% [markdown]
# ### Does it leak?
#
# The measurement from above, on your own class as soon as its mask has the right shape. A leak would
# be framed:

# %%
MyDecoder = check.decoder.yours_if_it_runs(
    Decoder, package.Decoder, trial=lambda Model: package.input_gradients(with_random_weights(Model), idx)
)

# %%
decoder = with_random_weights(MyDecoder)
figures.future_leak(
    package.input_gradients(decoder, idx), words,
    caption=f"What each output of {figures.whose(MyDecoder)} depends on.",
)

# %% [markdown]
# **Is the padding part needed at all?** Padding is at the end. A word that only looks back never meets
# it, so for real words the triangle alone closes all that has to be closed. Only the rows of padding
# differ: with the triangle alone they attend to other padding. Nothing uses those rows, as long as
# padding is at the end.
#
# The padding part is kept so that the mask means what it says in every row: *nothing attends to padding*.
# If you print it, you need not work out why the triangle alone would have been enough.
#
# ### Exercise 3 · A test for leaks
#
# **4 points · about 15 minutes · think first · for any model**
#
# Gradients are one way to find a leak. There is another that needs no calculus, and works for a model of
# which you know nothing but that it turns token ids into scores. Suppose you may call it as often as
# you like:

# %%
ask.which_outputs_may_change()

# %% [markdown]
# Make a test of that.
#
# | | shape | |
# |---|---|---|
# | in: `model` | | `model(idx)` gives `(logits, loss)`, logits `(1, T, V)`; it is in eval mode, and V is `model.config.vocab_size` |
# | in: `idx` | `(1, T)` | int64, the ids 0 … V − 1, no padding |
# | out | `(T, T)` | `out[i, j]` is 1 (True) if j > i and the scores at position i depend on the word at position j, else 0 (False) |
#
# A model without a leak gives nothing but 0. Differences below 1e-6 are rounding. Leave `idx`
# and the model as they are.
#
# <details><summary>Hint 1: a nudge</summary>
#
# Ask the model twice: with the sentence as it is, and with another word at position j. Whose scores
# have moved?
#
# </details>
# <details><summary>Hint 2: which other word?</summary>
#
# Any, as long as it is *another* one and has a number below V. `(idx[0, j] + 1) % V` always is.
# Put it into `idx.clone()`.
#
# </details>
# <details><summary>Hint 3: all of it</summary>
#
# For each j: `moved = (model(changed)[0] - model(idx)[0]).abs()` has the shape `(1, T, V)`. The largest number of
# each position, `.amax(-1)`, says how far its scores have moved; that is column j. The past is
# no leak: set everything on and below the diagonal to 0. All of it under `torch.no_grad()`.
#
# </details>

# %% solution="future-leak"
def future_leak(model, idx):
    """idx: (1, T) int64. Returns (T, T): 1 where the scores of the row depend on the later word of the column."""
    ### BEGIN SOLUTION
    moved = []
    with torch.no_grad():
        logits, _ = model(idx)  # (1, T, V)
        for j in range(idx.shape[1]):
            changed = idx.clone()
            changed[0, j] = (idx[0, j] + 1) % model.config.vocab_size
            difference = (model(changed)[0] - logits)[0].abs().amax(-1)  # (T,)
            moved.append(difference)
    return torch.triu(torch.stack(moved, dim=1) > 1e-6, diagonal=1)  # (T, T)
    ### END SOLUTION

# %% [markdown]
# #### Check it

# %% points=1 test="future-leak-shape"
check.future_leak(future_leak, "shape")
### BEGIN HIDDEN TESTS
check.future_leak(future_leak, "shape", seed=1)
### END HIDDEN TESTS

# %% points=1 test="future-leak-no-leak"
check.future_leak(future_leak, "no leak")
### BEGIN HIDDEN TESTS
check.future_leak(future_leak, "no leak", seed=1)
### END HIDDEN TESTS

# %% points=1 test="future-leak-leaks"
check.future_leak(future_leak, "leaks")
### BEGIN HIDDEN TESTS
check.future_leak(future_leak, "leaks", seed=1)
check.future_leak(future_leak, "leaks", seed=2)
### END HIDDEN TESTS

# %% points=1 test="future-leak-model"
check.future_leak(future_leak, "leaves the model as it was")
### BEGIN HIDDEN TESTS
check.future_leak(future_leak, "leaves the model as it was", seed=1)
### END HIDDEN TESTS

# %% [markdown]
# Both ways must find the same pairs, yours and the gradients:

# %%
my_future_leak = check.future_leak.yours_if_it_runs(
    future_leak, package.future_leak, trial=lambda function: function(with_random_weights(package.Encoder), idx)
)
print(f"\n{'':24} leaks by gradients   by {figures.whose(my_future_leak)}")
for Model in (package.Encoder, MyDecoder):
    model = with_random_weights(Model)
    found = [int((leaks(model, idx) != 0).sum()) for leaks in (package.future_leak, my_future_leak)]
    print(f"{figures.whose(Model):24} {found[0]:18}   {found[1]:2}")

# %% [markdown]
# ### Exercise 4 · A prefix that is read in both directions
#
# **3 points · about 8 minutes · medium · half encoder, half decoder**
#
# Some models are asked before they write: *translate: the cat is full →*. The question, the **prefix**, is all
# there from the start, so its positions may attend to each other freely, later ones too. What is
# written after it is written word by word: it attends to the whole prefix, and back. The prefix must not
# attend to what is written after it.
#
# | | shape | |
# |---|---|---|
# | in: `num_prefix` | `(B,)` | how many positions of each sequence belong to the prefix, 0 … T |
# | in: `T` | a number | how many positions |
# | out | `(B, 1, T, T)` | 1 (True) where the row may attend to the column, else 0 (False) |
#
# There is no padding here.
#
# <details><summary>Hint 1: a nudge</summary>
#
# Draw it for T = 5 and a prefix of 3. Which *columns* are open to every row? What is left of the triangle?
#
# </details>
# <details><summary>Hint 2: two reasons</summary>
#
# A position is open if it belongs to the prefix **or** does not come later. The first is made as in the
# encoder's mask, `(B, 1, 1, T)`, but a prefix may have the length 0, which the package's encoder refuses: compare
# `torch.arange(T)` with the lengths yourself. The second is your triangle. `|` joins two bool masks.
#
# </details>

# %% solution="prefix-mask"
def prefix_mask(num_prefix, T):
    """num_prefix: (B,). Returns (B, 1, T, T), 1 = may attend."""
    ### BEGIN SOLUTION
    in_prefix = torch.arange(T) < num_prefix.view(-1, 1, 1, 1)  # (B, 1, 1, T)
    return in_prefix | (causal_mask(T) != 0)  # (B, 1, T, T)
    ### END SOLUTION

# %% [markdown]
# #### Check it

# %% points=1 test="prefix-mask-shape"
check.prefix_mask(prefix_mask, "shape")
### BEGIN HIDDEN TESTS
check.prefix_mask(prefix_mask, "shape", seed=1)
### END HIDDEN TESTS

# %% points=2 test="prefix-mask-values"
check.prefix_mask(prefix_mask, "values")
### BEGIN HIDDEN TESTS
check.prefix_mask(prefix_mask, "values", seed=1)
check.prefix_mask(prefix_mask, "values", seed=2)
### END HIDDEN TESTS

# %%
my_prefix_mask = check.prefix_mask.yours_if_it_runs(
    prefix_mask, package.prefix_mask, trial=lambda function: function(torch.tensor([4, 2]), 8)
)
text = "the cat is full le chat est rassasié".split()
figures.masks_side_by_side(
    [mask != 0 for mask in my_prefix_mask(torch.tensor([4, 2]), 8)[:, 0]], text, ["a prefix of 4", "a prefix of 2"],
    title=f"The mask with a prefix, {figures.whose(my_prefix_mask)}",
    caption="With the right mask the prefix is open to every row, and everything else is causal.",
)

# %% [markdown]
# With a prefix of 4, the English words read each other in both directions, as in an encoder, and the French
# words are written as by a decoder, all in one model. Notebook 7 does the same with two models, one
# for each half.
#
# ## Play with it
#
# Two sentences in one batch. Switch *Causal* off and on, change the lengths, and walk through the rows:
# the line below says what each may attend to, and the bars show what is left of the softmax.
# While the notebook runs, your `get_attention_mask` is called whenever a length changes, even if it is wrong. Orange dots show where it
# differs from the mask that is shown; with *Causal* off that is an encoder's.

# %%
def my_mask(num_tokens, T):
    return Decoder(config).get_attention_mask(num_tokens, T)


MaskLab([words, "The dog was lost".split()], causal=True, get_attention_mask=my_mask)

# %% [markdown]
# ## A common misreading
#
# When is the causal mask needed?

# %%
ask.when_the_mask_matters()

# %% [markdown]
# In training, leave it out and see. A small language of 48 sentences: four animals, four things they
# did not want to do, each with its own reason, and three ways to say it. Some words are drawn by chance,
# and nobody can guess them better than chance allows. Guessing one of 48 equally likely sentences costs
# log 48 nats, spread over its words. No honest prediction can be better than that on average.

# %%
animals = ["cat", "dog", "hen", "cow"]
reasons = {"eat": "full", "sleep": "hungry", "run": "tired", "sing": "shy"}
ways = [
    "the {animal} did not want to {verb} because it was {reason}",
    "the {animal} was {reason} and did not want to {verb}",
    "the {reason} {animal} did not {verb}",
]
language = [way.format(animal=animal, verb=verb, reason=reason).split()
            for way in ways for animal in animals for verb, reason in reasons.items()]
lexicon = sorted({word for sentence in language for word in sentence})
best_honest = math.log(len(language)) / (sum(len(sentence) - 1 for sentence in language) / len(language))

longest = max(len(sentence) for sentence in language)
texts = torch.full((len(language), longest), -1)  # (48, 11)
for row, sentence in enumerate(language):
    texts[row, : len(sentence)] = torch.tensor([lexicon.index(word) for word in sentence])
targets = torch.cat((texts[:, 1:], torch.full((len(language), 1), -1)), dim=1)  # (48, 11), the next word

# %% [markdown]
# Two models are trained on it for 150 steps, one with the triangle and one without. Which one will have
# the smaller loss?

# %%
ask.which_loss_is_smaller()

# %%
small = TransformerConfig(vocab_size=len(lexicon), block_size=16, n_embd=32, n_head=2, n_layer=2, dropout=0.0)


def trained(Model, steps=150):
    """A model trained to predict the next word, and its loss at every step."""
    torch.manual_seed(0)
    model, losses = Model(small), []
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(steps):
        _, loss = model(texts, targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return model.eval(), losses


TrainedDecoder = check.decoder.yours_if_it_passes(Decoder, package.Decoder)
with_triangle, honest = trained(TrainedDecoder)
without_triangle, leaky = trained(package.Encoder)

# %%
steps = list(range(1, len(honest) + 1))
figures.curves(
    {figures.whose(TrainedDecoder): (steps, honest), "without the triangle": (steps, leaky),
     "best honest loss": ([1, len(steps)], [best_honest, best_honest])},
    x_label="training step", y_label="loss",
    title="With the triangle, and without it",
    caption="With the triangle the loss comes down to what chance allows. Without it, it falls below.",
)

# %% [markdown]
# Without the triangle the loss looks splendid. It is too good: no honest prediction gets below the line. This
# model has learned one thing, *the next word is the word to my right*. Now take the word to the right
# away. Give both only the beginning of a sentence, as when they write, and measure the same loss again:

# %%
@torch.no_grad()
def next_word(model, beginning):
    """The probabilities (V,) of the word after the beginning."""
    ids = torch.tensor([[lexicon.index(word) for word in beginning]])  # (1, T)
    return model(ids)[0][0, -1].softmax(-1)


def loss_of_beginnings(model):
    """The mean loss of every word of the language, given only the words before it."""
    chances = [next_word(model, sentence[:t])[lexicon.index(sentence[t])]
               for sentence in language for t in range(1, len(sentence))]
    return -torch.stack(chances).log().mean().item()


def share_of_sentences(model, count=200):
    """How many of the texts that a model writes begin with a sentence of the language."""
    torch.manual_seed(0)
    start = torch.full((count, 1), lexicon.index("the"))  # (count, 1)
    written = [[lexicon[word] for word in row] for row in package.generate(model, start, longest - 1).tolist()]
    return sum(any(row[: len(sentence)] == sentence for sentence in language) for row in written) / count


print(f"best honest loss {best_honest:.2f}\n")
print(f"{'':18} loss in training   given the beginning only   sentences of the language")
for name, model, losses in (("with the triangle", with_triangle, honest), ("without it", without_triangle, leaky)):
    print(f"{name:18} {losses[-1]:16.2f} {loss_of_beginnings(model):26.2f} {share_of_sentences(model):27.0%}")

# %%
chances = next_word(with_triangle, "the cat did not want to".split())
figures.distribution(
    chances, lexicon,
    title="After “the cat did not want to”, with the triangle",
    caption="In the language each of the four verbs follows in a quarter of the cases. The model has learned that.",
)

# %%
figures.distribution(
    next_word(without_triangle, "the cat did not want to".split()), lexicon,
    title="After “the cat did not want to”, without it",
    caption="One verb takes most of it. This model never had to find out how often each follows.",
)

# %% [markdown]
# It has not learned how often one word follows another, because looking right was easier. A loss
# that falls faster than you can explain is a reason to test for leaks, not to be glad.
#
# **And when it writes?** Then the *last* position has no future. But the earlier ones do: the model reads
# the text so far again, and without the mask position 3 would suddenly attend to position 5, as it never did in
# training. So the mask stays on. Here the trained decoder predicts the next word with its own mask, and
# with an encoder's:

# %%
unmasked = package.Encoder(small).eval()
unmasked.load_state_dict(with_triangle.state_dict())
for name, model in (("with the mask", with_triangle), ("without it", unmasked)):
    chances = next_word(model, "the cat did not want to".split())
    best = chances.argsort(descending=True)[:4].tolist()
    print(f"{name:14}", ", ".join(f"{lexicon[word]} {chances[word]:.2f}" for word in best))

# %% [markdown]
# ## In papers
#
# A model that predicts each word from the words before it is **autoregressive**: it factors the probability
# of a text,
#
# $$p(x_1, \dots, x_T) = \prod_{t=1}^{T} p(x_t \mid x_1, \dots, x_{t-1})$$
#
# and its loss is −log of that, divided by the number of words. To be trained on the true words before each
# position, and not on its own guesses, is called **teacher forcing**; that is why one pass is enough for a whole
# sentence.
#
# | here | elsewhere |
# |---|---|
# | causal mask, triangle | *look-ahead mask*, *subsequent mask*; "masking out […] illegal connections" (Vaswani et al. 2017, section 3.2.3); `is_causal=True` in `F.scaled_dot_product_attention` |
# | decoder | *decoder-only*, *causal language model*: GPT, Llama |
# | mask with a prefix | *prefix LM* (Raffel et al. 2020) |
# | targets, shifted by one | *labels*; Hugging Face shifts them for you |
#
# ## The PyTorch calls
#
# ### `torch.tril(input, diagonal=0)`
#
# **In:** a matrix, or many, in the last two axes. **Out:** the same with 0 above the
# diagonal. `diagonal=1` keeps one diagonal more, `diagonal=-1` one fewer.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.tril.html)

# %%
print(torch.tril(torch.ones(3, 3)))
assert torch.tril(torch.ones(3, 3)).tolist() == [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
assert torch.tril(torch.ones(2, 5, 3, 3)).shape == (2, 5, 3, 3)
assert torch.tril(torch.ones(3, 3), diagonal=-1).sum() == 3

# %% [markdown]
# ### `torch.triu(input, diagonal=0)`
#
# **In:** the same. **Out:** 0 *below* the diagonal. For masks in which True means hidden,
# as `nn.MultiheadAttention` expects them, `torch.triu(torch.ones(T, T), diagonal=1).bool()` is
# the causal one.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.triu.html)

# %%
hidden = torch.triu(torch.ones(3, 3), diagonal=1).bool()
print(hidden)
assert torch.equal(~hidden, torch.tril(torch.ones(3, 3)).bool())

# %% [markdown]
# ### `torch.zeros(*size)`
#
# **In:** the sizes. **Out:** a tensor of zeros; floats, unless `dtype` says otherwise. A
# usual way to build a tensor is to begin with zeros and to write into it. Here is the
# triangle built that way, row by row:
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.zeros.html)

# %%
triangle = torch.zeros(4, 4)
for row in range(4):
    triangle[row, : row + 1] = 1
print(triangle)
assert torch.equal(triangle, torch.tril(torch.ones(4, 4)))
assert torch.zeros(2, 3, dtype=torch.bool).any().item() is False

# %% [markdown]
# ## Where next
#
# Your decoder predicts, at every position, what may come next, and it has only looked back. So it can
# be asked for one word, the word can be appended to the text, and it can be asked again. In
# [notebook 6](../06-generation/06-generation.ipynb) it begins to write.

# %%
from ninelives.progress import where_am_i

where_am_i()
