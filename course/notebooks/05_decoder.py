# %% [markdown]
# # 5 · Decoder
#
# *The cat did not want to eat because it was full.*
#
# To understand this sentence you may read all of it before you decide who was full. To
# write it, word by word, you cannot: when you have come to "it", there is no "full" yet.

# %% [markdown]
# ## The question
#
# A model that writes is trained to predict the next word at every place of a sentence, at
# all places at once. But the sentence that it is shown contains the next word.
# **How do you keep a model from copying the answer?**
#
# At the end you will have built
#
# - `causal_mask`, a triangle: nobody looks ahead,
# - `Decoder`, an encoder with that triangle in its mask, which can learn to write.
#
# | | |
# |---|---|
# | Time | about 40 minutes |
# | Points | 7 |
# | What you should know | [Notebook 4](../04-encoder/04-encoder.ipynb) |

# %%
import math

import torch
from torch import nn

import ninelives.checks.decoder as check
import ninelives.model as package
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
# A sentence of eleven words is ten questions, and training asks all of them in one pass:

# %%
words = "The cat did not want to eat because it was full".split()
for place in (0, 1, 7, 8, 9):
    print(f"place {place}: {' '.join(words[: place + 1])} → {words[place + 1]}")

# %% [markdown]
# The answer at place 8 is "was", and "was" stands at place 9 of the input. In an encoder
# place 8 may look there. A decoder has another mask:

# %%
vocabulary = sorted(set(words))
idx = torch.tensor([[vocabulary.index(word) for word in words]])  # (1, T)
T = len(words)
config = TransformerConfig(vocab_size=len(vocabulary), block_size=16, n_embd=12, n_head=2, n_layer=2, dropout=0.0)

everything = package.Encoder(config).get_attention_mask(torch.tensor([T]))[0, 0]  # (T, T)
past = package.Decoder(config).get_attention_mask(torch.tensor([T]))[0, 0]  # (T, T)
figures.masks_side_by_side(
    [everything, past], words, ["Encoder", "Decoder"],
    caption="The same sentence in both. In the decoder everything above the diagonal is closed: "
    "what stands there comes later.",
)

# %% [markdown]
# Go along the row of "it". What may it look at?

# %%
it = words.index("it")
for name, mask in (("encoder", everything), ("decoder", past)):
    seen = [word for word, may in zip(words, mask[it]) if may]
    cat, full = ("yes" if word in seen else "no" for word in ("cat", "full"))
    print(f"{name}: cat {cat:4} full {full:4} ({' '.join(seen)})")

# %% [markdown]
# **At "it", a decoder has seen "cat" but not "full".** An encoder has seen both. So an
# encoder can find out at "it" who is meant. A decoder cannot: had the sentence gone on
# *because it was rotten*, its vector of "it" would be the same, to the last digit. This is
# no flaw. It is the price of being able to write, and the reason why the translator of
# notebook 7 has one of each.
#
# ### A leak, made visible
#
# A mask is a promise: output i does not depend on input j, if j comes later. Whether a
# model keeps it can be measured. The gradient d output[i] / d input[j] says how much
# output i changes when the vector of word j changes a little. If it is exactly 0, word j
# has no influence at all.

# %%
def with_random_weights(Model, seed=1):
    """A model whose weights are large enough to matter."""
    torch.manual_seed(seed)
    model = Model(config).eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.6)
    return model


def dependence(model, idx):
    """(T, T): the size of d output[i] / d input[j] for every pair of places."""
    inputs = []
    embedding = next(layer for layer in model.modules() if "Embedding" in type(layer).__name__)
    hook = embedding.register_forward_hook(lambda layer, arguments, vectors: inputs.append(vectors))
    scores, _ = model(idx)  # (1, T, V)
    hook.remove()
    rows = [torch.autograd.grad(scores[0, i].sum(), inputs[0], retain_graph=True)[0] for i in range(idx.shape[1])]
    return torch.cat(rows).norm(dim=-1)  # (T, T, C) to (T, T)


figures.future_leak(
    dependence(with_random_weights(package.Encoder), idx), words,
    caption="An encoder: every output depends on every input, also on those that come later.",
)

# %%
figures.future_leak(
    dependence(with_random_weights(package.Decoder), idx), words,
    caption="A decoder: above the diagonal there is nothing, not even a rounding error.",
)

# %% [markdown]
# ## Build it
#
# ### Exercise 1 · The triangle
#
# **1 point · about 5 minutes · nobody looks ahead**
#
# | | shape | |
# |---|---|---|
# | in: `T` | a number | how many places |
# | out | `(T, T)` | row i is 1 (True) at the places 0 … i, and 0 (False) behind them |
#
# Bool, whole numbers or floats: as you like.
#
# <details><summary>Hint 1: a nudge</summary>
#
# Draw it for T = 3. Row 0 may look at place 0, row 1 at the places 0 and 1, row 2 at all
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
    """(T, T), 1 = may attend: the row to the column, if the column is not behind the row."""
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
# **6 points · about 10 minutes · an encoder becomes a decoder**
#
# A place is open if *both* allow it: the encoder's mask, which closes padding, and the
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
# The encoder's mask need not be written again: `super().get_attention_mask(num_tokens, T)`
# calls the one of the class above.
#
# </details>
# <details><summary>Hint 2: both masks at once</summary>
#
# Two bool masks are joined with `&`, masks of 0 and 1 by multiplying. `(B, 1, T, T)` and
# `(T, T)` broadcast. When T is None, the encoder's mask tells you how large it is: `mask.shape[-1]`.
#
# </details>
# <details><summary>Hint 3: shorter</summary>
#
# `torch.tril` works on the last two axes and leaves the others alone. It can be applied to
# the encoder's mask as it is, if that has T rows.
#
# </details>

# %% solution="decoder"
class Decoder(Encoder):
    def get_attention_mask(self, num_tokens, T=None):
        """num_tokens: (B,); T: how many places, by default the largest. Returns (B, 1, T, T)."""
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
# The measurement from above, on your own class:

# %%
YourDecoder = check.decoder.yours_if_it_passes(Decoder, package.Decoder)

# %%
decoder = with_random_weights(YourDecoder)
figures.future_leak(dependence(decoder, idx), words, caption="What each output of your decoder depends on.")

# %% [markdown]
# **Is the padding part needed at all?** Padding stands at the end. A word that looks only
# back never meets it, so for real words the triangle alone closes all that has to be
# closed. Only the rows of padding differ: with the triangle alone they look at other
# padding. Nobody reads those rows, as long as padding is at the end.
#
# It is kept so that the mask says what it means, in every row: *nobody looks at padding*.
# Whoever reads it, or prints it, need not work out first why the triangle would have done.
#
# ## Play with it
#
# Two sentences in one batch. Switch *Causal* off and on, change the lengths, and walk through
# the rows: the line below says who may look at whom, and the bars what is left of the softmax.
# Your `get_attention_mask` is called whenever a length changes. With *Causal* off the dots show
# where it differs from an encoder's.

# %%
MaskLab([words, "The dog was lost".split()], causal=True, get_attention_mask=decoder.get_attention_mask)

# %% [markdown]
# ### A prefix in front
#
# In notebook 7 a decoder will write French with an English sentence in front of it. The
# English words, the *prefix*, are all there from the start: everybody may look at them,
# and they look at each other freely. The French words look at the prefix, and back. So the
# mask has two blocks, and one corner that stays empty: the prefix must not look at
# what is written after it.

# %%
MaskLab(
    ["le chat est plein".split(), "il dort".split()],
    prefix=["the cat is full".split(), "it sleeps".split()],
    causal=True,
    get_attention_mask=decoder.get_attention_mask,
)

# %% [markdown]
# ## A common misreading
#
# > "The causal mask matters when the model **generates**. In training the whole sentence
# > is known anyway, so there is nothing to hide."
#
# It sounds right, and it is the wrong way round. When a model generates, there is no future
# to look at. The mask is for **training**. Leave it out there, and see.
#
# A small language of 48 sentences: four animals, four things they did not want to do, for each
# of these its reason, and three ways to say it. Some words are drawn by chance, and nobody can
# guess them better than chance allows. One of 48 sentences takes log 48 to guess, shared among
# its words. No honest loss can stay below that for long.

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

# %%
small = TransformerConfig(vocab_size=len(lexicon), block_size=16, n_embd=32, n_head=2, n_layer=2, dropout=0.0)


def trained(Model, steps=150):
    """A model trained to predict the next word, and its loss at every step."""
    torch.manual_seed(0)
    model, losses = Model(small), []
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(steps):
        chosen = torch.randint(len(texts), (32,))
        _, loss = model(texts[chosen], targets[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return model.eval(), losses


with_triangle, honest = trained(YourDecoder)
without_triangle, leaky = trained(package.Encoder)

# %%
steps = list(range(1, len(honest) + 1))
figures.curves(
    {"with triangle": (steps, honest), "without": (steps, leaky),
     "best honest": ([1, len(steps)], [best_honest, best_honest])},
    x_label="training step", y_label="loss",
    title="Two models learn to predict the next word",
    caption="Without the triangle the loss falls below what anyone could reach who does not know the answer.",
)

# %% [markdown]
# Without the triangle the loss looks splendid. It is too good: nobody comes below the line
# by predicting. This model has learnt one thing, *the next word is the one that stands to my
# right*. Now let both predict for a beginning, where nothing stands to the right:

# %%
@torch.no_grad()
def next_word(model, beginning):
    """The probabilities (V,) of the word after the beginning."""
    idx = torch.tensor([[lexicon.index(word) for word in beginning]])  # (1, T)
    return model(idx)[0][0, -1].softmax(-1)


print(f"{'':44} {'with the triangle':18} without it")
for beginning in ("the cat did not want to", "the cat did not want to eat because it was",
                  "the cat was full and did not want to", "the full cat did not"):
    guesses = [next_word(model, beginning.split()) for model in (with_triangle, without_triangle)]
    guessed = [f"{lexicon[guess.argmax()]} {guess.max():.2f}" for guess in guesses]
    print("{:44} {:18} {}".format(beginning + " …", *guessed))

# %% [markdown]
# In all but the first line the sentence says which word must follow. How often does each
# model find it, at the end of all 48 sentences?

# %%
for name, model, losses in (("with the triangle", with_triangle, honest), ("without it", without_triangle, leaky)):
    right = sum(lexicon[next_word(model, sentence[:-1]).argmax()] == sentence[-1] for sentence in language)
    print(f"{name:18} {right} of {len(language)} last words, loss in training {losses[-1]:.3f}")

# %%
figures.distribution(
    next_word(with_triangle, "the cat did not want to".split()), lexicon,
    title="After “the cat did not want to”, with the triangle",
    caption="Four verbs share nearly all of it, as the language has it.",
)

# %%
figures.distribution(
    next_word(without_triangle, "the cat did not want to".split()), lexicon,
    title="After “the cat did not want to”, without it",
    caption="One verb takes nearly all. This model never had to find out what may follow.",
)

# %% [markdown]
# It knows which words often stand side by side. Much of what needs reading back it has not
# learnt, since looking to the right was easier.
#
# A loss that falls faster than you can explain is a reason to draw the picture of gradients,
# not to be glad.
#
# ## The PyTorch calls
#
# ### `torch.tril(input, diagonal=0)`
#
# **In:** a matrix, or many, in the last two axes. **Out:** the same with 0 above the
# diagonal. `diagonal=1` keeps one line more, `diagonal=-1` one line less.
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
# as `nn.MultiheadAttention` wants them, `torch.triu(torch.ones(T, T), diagonal=1).bool()` is
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
# usual way to build a tensor is to begin with zeros and to write into it. The triangle in
# this way, row by row:
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
# Your decoder knows, at every place, what may come next, and it has only looked back. So
# it can be asked for one word, the word can be put behind the text, and it can be asked
# again. In [notebook 6](../06-generation/06-generation.ipynb) it begins to write.
