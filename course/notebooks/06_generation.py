# %% [markdown]
# # 6 · Use your model to generate
#
# *The cat …*
#
# Your decoder gives a score to every word that could come next. Now it shall write.

# %% [markdown]
# ## The question
#
# **How do scores for the next word become a text?**
#
# Choose a word, put it behind the text, and ask again. All of the art is in the choosing.
# At the end you will have built
#
# - `next_token_probabilities`, which turns scores into probabilities, bold or careful ones,
# - `generate`, which writes with any model of this course.
#
# | | |
# |---|---|
# | Time | about 60 minutes |
# | Points | 15 |
# | What you should know | [Notebook 3](../03-transformer/03-transformer.ipynb): logits and softmax; [notebook 5](../05-decoder/05-decoder.ipynb): what a decoder sees |

# %%
import math

import torch
from torch.nn import functional as F

import ninelives.checks.generation as check
import ninelives.model as package
from ninelives import figures, weights
from ninelives.use_mine import use_mine
from ninelives.widgets import TemperatureLab

torch.set_printoptions(precision=2, sci_mode=False)

# %% [markdown]
# A model is needed that has something to say. The *storyteller* is a decoder that was trained on
# sentences like the cat's. If your own `Decoder` of notebook 5 is there and passes its check, it gets
# the storyteller's weights.

# %%
Decoder = use_mine("Decoder")
storyteller, tokenizer = weights.load("storyteller")
vocabulary = tokenizer.words
model = weights.copy_into(Decoder(storyteller.config), storyteller)
print(f"{len(vocabulary)} words, and the end of a sentence is written {vocabulary[tokenizer.end_token]}")

# %% [markdown]
# ## See it
#
# What may follow the beginning of our sentence, "the cat"? The model reads it and gives scores at every
# place. The last place is the one that has seen all of it.

# %%
prompt = "the cat"
idx = tokenizer.encode(prompt).unsqueeze(0)  # (1, T)
with torch.no_grad():
    logits, _ = model(idx)  # (1, T, vocab_size)
scores = logits[:, -1]  # (1, vocab_size), of the last place
print("idx   ", tuple(idx.shape), "\nlogits", tuple(logits.shape), "\nscores", tuple(scores.shape))

# %%
probabilities = package.next_token_probabilities(scores)[0]  # (vocab_size,)
figures.distribution(
    probabilities, vocabulary,
    title="What comes after “the cat”",
    caption="The softmax of the scores. Many words would do, and some are likelier than others.",
)

# %% [markdown]
# One could always take the first. That is called *greedy*, and it has a weakness: the same
# beginning gives the same text for ever. One could also **draw** a word, as from an urn, so that each
# comes as often as its probability says. Then the text is another one each time.
#
# ### The temperature
#
# Between the two there is a dial. All scores are divided by one number, the *temperature*,
# before the softmax. Watch two words, the first and the third. Their scores differ by some amount, and the
# softmax makes a ratio of it: e to the power of the difference. Divide, and the difference shrinks or grows.

# %%
first, _, third = scores[0].topk(3).values.tolist()
print(f"scores {first:.2f} and {third:.2f}: they differ by {first - third:.2f}\n")
print("temperature   difference ÷ temperature   the first is likelier by a factor of")
for temperature in (0.2, 0.5, 1.0, 2.0, 5.0):
    difference = (first - third) / temperature
    print(f"{temperature:11} {difference:26.2f} {math.exp(difference):38,.2f}")

# %% [markdown]
# A small temperature sharpens: the likeliest word gets nearly everything. A large one flattens: all
# words come closer together. In the limit of 0 the choice is greedy; in the limit of infinity it is a
# throw of a die with one face for each word.

# %%
TEMPERATURES = (0.2, 0.5, 1.0, 1.5, 3.0)
order = scores[0].argsort(descending=True)[:12]
figures.curves(
    {f"temperature {t:g}": (range(1, 13), package.next_token_probabilities(scores, t)[0, order]) for t in TEMPERATURES},
    x_label="the twelve likeliest words, in order", y_label="probability",
    title="One prompt, five temperatures",
    caption=f"After “{prompt}”. The order of the words never changes, only how much each gets.",
)

# %% [markdown]
# ### How undecided is it?
#
# One number says how much is left to chance, the *entropy*: the mean of −ln p over all draws. It is 0
# when one word has everything, and ln V when all V words are equal. Its power, e to the entropy, is
# easier to imagine: *so many equally likely words would be just as undecided*.

# %%
def entropy(p):
    """The entropy in nats of probabilities (V,). A word that never comes adds nothing."""
    return -torch.special.xlogy(p, p).sum().item()


print("temperature   entropy   as undecided as among")
for t in TEMPERATURES:
    H = entropy(package.next_token_probabilities(scores, t)[0])
    print(f"{t:11} {H:9.2f} {math.exp(H):15.1f} words")
print(f"\n{len(vocabulary)} equal words would have the entropy ln {len(vocabulary)} = {math.log(len(vocabulary)):.2f}.")

# %% [markdown]
# How undecided a model is depends on the text far more than on the dial. At some places the language
# leaves no choice, at others much. Here is the entropy at each place of the sentence:

# %%
sentence = "the cat did not want to eat because it was full"
words = sentence.split()
with torch.no_grad():
    by_place = package.next_token_probabilities(model(tokenizer.encode(sentence).unsqueeze(0))[0][0])  # (T, vocab_size)
for word, p in zip(words, by_place):
    H, likeliest = entropy(p), vocabulary[p.argmax()]
    print(f"after {word:8} entropy {H:5.2f}  likeliest: {likeliest:8} {p.max():.2f}   {'▪' * round(8 * H)}")

# %% [markdown]
# ### The same prompt at five temperatures
#
# Three texts each. Where do they repeat themselves, where do they surprise, and where do they fall apart?

# %%
generator = torch.Generator().manual_seed(6)
for t in TEMPERATURES:
    print(f"temperature {t:g}")
    for row in package.generate(model, idx.expand(3, -1), 14, t, end_token=tokenizer.end_token, generator=generator):
        print("   ", tokenizer.decode(row))

# %% [markdown]
# ## Build it
#
# ### Exercise 1 · From scores to probabilities
#
# **5 points · about 15 minutes · easy · the dial**
#
# | | shape | |
# |---|---|---|
# | in: `logits` | `(B, V)` | scores of the V words, for each of B sequences; −inf for a word that must not come |
# | in: `temperature` | a number, 0 or more | |
# | out | `(B, V)` | probabilities, floats; each row adds up to 1 |
#
# The probabilities are the softmax of the logits **divided by** the temperature. At temperature 0 the likeliest
# word of each row gets 1 and all others 0.
#
# <details><summary>Hint 1: a nudge</summary>
#
# Dividing by 0 gives infinity, and the softmax of infinity is NaN. So ask first whether the temperature is 0.
#
# </details>
# <details><summary>Hint 2: along which axis?</summary>
#
# Each row belongs to one sequence, and the words stand along the last axis. `dim=-1`.
#
# </details>
# <details><summary>Hint 3: a row of 0 and 1</summary>
#
# `logits.argmax(dim=-1)` is the place of the largest number of each row, `(B,)`. `F.one_hot(places, V)` makes rows of
# 0 and 1 of it, whole numbers; `.float()` makes them floats.
#
# </details>
# <details><summary>Hint 4: if you write the softmax by hand</summary>
#
# float32 ends near e^88. Take the maximum of each row away first: it changes no ratio, and no power is above 1.
# `F.softmax` does so by itself.
#
# </details>

# %% solution="next-token"
def next_token_probabilities(logits, temperature):
    """(B, V) scores to (B, V) probabilities."""
    B, V = logits.shape
    ### BEGIN SOLUTION
    if temperature == 0:
        return F.one_hot(logits.argmax(dim=-1), V).float()  # (B, V)
    return F.softmax(logits / temperature, dim=-1)  # (B, V)
    ### END SOLUTION

# %% [markdown]
# #### Check it

# %% points=1 test="next-token-shape"
check.next_token_probabilities(next_token_probabilities, "shape")
### BEGIN HIDDEN TESTS
check.next_token_probabilities(next_token_probabilities, "shape", seed=1)
### END HIDDEN TESTS

# %% points=2 test="next-token-values"
check.next_token_probabilities(next_token_probabilities, "values")
### BEGIN HIDDEN TESTS
check.next_token_probabilities(next_token_probabilities, "values", seed=1)
check.next_token_probabilities(next_token_probabilities, "values", seed=2)
### END HIDDEN TESTS

# %% points=1 test="next-token-greedy"
check.next_token_probabilities(next_token_probabilities, "greedy")
### BEGIN HIDDEN TESTS
check.next_token_probabilities(next_token_probabilities, "greedy", seed=1)
### END HIDDEN TESTS

# %% points=1 test="next-token-extremes"
check.next_token_probabilities(next_token_probabilities, "extremes")
### BEGIN HIDDEN TESTS
check.next_token_probabilities(next_token_probabilities, "extremes", seed=1)
### END HIDDEN TESTS

# %% [markdown]
# **Why divide the scores, and not the probabilities?** A draw looks only at ratios. Divide all probabilities by 2,
# and every ratio is what it was. The texts look right, they even vary, and the dial does nothing:

# %%
p = package.next_token_probabilities(scores)[0]
halved = p / 0.5 / (p / 0.5).sum()  # shared out anew, as a draw does
sharpened = package.next_token_probabilities(scores, 0.5)[0]
print("word           as it is   probabilities ÷ 0.5   scores ÷ 0.5")
for word in order[:5]:
    print(f"{vocabulary[word]:12} {p[word]:10.3f} {halved[word]:21.3f} {sharpened[word]:14.3f}")

# %% [markdown]
# ### Exercise 2 · A text
#
# **10 points · about 25 minutes · medium · the loop that writes**
#
# | | shape | |
# |---|---|---|
# | in: `model` | | `model(idx)` gives `(logits, loss)`, logits `(B, T, V)`; `model.config.block_size` is the most it can read |
# | in: `idx` | `(B, T)` | the prompts, whole numbers |
# | in: `max_new_tokens` | a number | how many tokens to write; may be 0 |
# | in: `temperature` | a number | 0: greedy; below 0: a `ValueError` |
# | out | `(B, T + max_new_tokens)` | the prompts, each with its new tokens behind it |
#
# `max_new_tokens` times:
#
# 1. Feed the text to the model: all of it, or the last `block_size` tokens if it is longer.
# 2. Take the logits of the **last** place.
# 3. Turn them into probabilities. For this use `probabilities_of`, which the next cell defines: your exercise 1, if it
#    passes, or the package's.
# 4. Draw one token for each sequence.
# 5. Append it to the text.
#
# Around the loop, good manners:
#
# - A negative temperature is refused with `raise ValueError("…")`.
# - While it writes, the model is in eval mode, so that no dropout makes holes in what it reads. Afterwards it is in the
#   mode in which it came.
# - Nobody learns here, so no graph is built for gradients.
# - `idx` of the caller stays as it is.
#
# The checks come in an order in which you can write: the loop first, manners last.
#
# <details><summary>Hint 1: the draw</summary>
#
# `torch.multinomial(probabilities, 1)` draws from each row of `(B, V)` and gives `(B, 1)`. For probabilities of 0 and 1 it
# gives the word that has the 1, so greedy needs no case of its own.
#
# </details>
# <details><summary>Hint 2: appending</summary>
#
# `idx = torch.cat((idx, token), dim=1)` makes a new tensor: `(B, T)` and `(B, 1)` give `(B, T + 1)`.
#
# </details>
# <details><summary>Hint 3: the last place, the last tokens</summary>
#
# Places count from 0, and −1 is the last: `logits[:, -1]` is `(B, V)`. `idx[:, -n:]` are the last n tokens, or all if
# there are fewer. Cut only what the model is fed, not the text itself.
#
# </details>
# <details><summary>Hint 4: the manners</summary>
#
# Keep `model.training`, then call `model.eval()`; after the loop give `model.train(…)` what you have kept. And the loop
# stands in a block of its own:
#
# ```python
# with torch.no_grad():
#     for …
# ```
#
# </details>

# %%
probabilities_of = check.next_token_probabilities.yours_if_it_passes(
    next_token_probabilities, package.next_token_probabilities
)

# %% solution="generate"
def generate(model, idx, max_new_tokens, temperature):
    """Continues the prompts idx (B, T). Returns (B, T + max_new_tokens)."""
    ### BEGIN SOLUTION
    if temperature < 0:
        raise ValueError(f"temperature is {temperature}: it must be 0 or more.")
    was_training = model.training
    model.eval()
    with torch.no_grad():
        for _ in range(max_new_tokens):
            logits, _ = model(idx[:, -model.config.block_size :])  # (B, T, V)
            probabilities = probabilities_of(logits[:, -1], temperature)  # (B, V)
            token = torch.multinomial(probabilities, 1)  # (B, 1)
            idx = torch.cat((idx, token), dim=1)  # one token longer
    model.train(was_training)
    return idx
    ### END SOLUTION

# %% [markdown]
# #### Check it

# %% points=1 test="generate-shape"
check.generate(generate, "shape")
### BEGIN HIDDEN TESTS
check.generate(generate, "shape", seed=1)
### END HIDDEN TESTS

# %% points=2 test="generate-feed-back"
check.generate(generate, "feed back")
### BEGIN HIDDEN TESTS
check.generate(generate, "feed back", seed=1)
check.generate(generate, "feed back", seed=2)
### END HIDDEN TESTS

# %% points=2 test="generate-draws"
check.generate(generate, "draws")
### BEGIN HIDDEN TESTS
check.generate(generate, "draws", seed=1)
### END HIDDEN TESTS

# %% points=1 test="generate-greedy"
check.generate(generate, "greedy")
### BEGIN HIDDEN TESTS
check.generate(generate, "greedy", seed=1)
### END HIDDEN TESTS

# %% points=1 test="generate-negative"
check.generate(generate, "negative")
### BEGIN HIDDEN TESTS
check.generate(generate, "negative", seed=1)
### END HIDDEN TESTS

# %% points=1 test="generate-block-size"
check.generate(generate, "block size")
### BEGIN HIDDEN TESTS
check.generate(generate, "block size", seed=1)
### END HIDDEN TESTS

# %% points=1 test="generate-mode"
check.generate(generate, "mode")
### BEGIN HIDDEN TESTS
check.generate(generate, "mode", seed=1)
### END HIDDEN TESTS

# %% points=1 test="generate-no-traces"
check.generate(generate, "no gradients kept")
### BEGIN HIDDEN TESTS
check.generate(generate, "no gradients kept", seed=1)
### END HIDDEN TESTS

# %% [markdown]
# ### Does it draw as it should?
#
# From here on everything runs on your own `generate`, if it passes. Four thousand copies of the
# prompt, one new word each: how often does each word come, and how often should it?

# %%
your_generate = check.generate.yours_if_it_passes(generate, package.generate)

# %%
COPIES = 4000
shown = order[:6]
print(f"{'':28}" + "".join(f"{vocabulary[word]:>10}" for word in shown))
for t in (0.3, 0.7, 1.0, 2.0):
    with torch.no_grad():
        new = your_generate(model, idx.expand(COPIES, -1), 1, t)[:, -1]  # (COPIES,)
    shares = torch.bincount(new, minlength=len(vocabulary)) / COPIES  # (vocab_size,)
    p = package.next_token_probabilities(scores, t)[0]  # (vocab_size,)
    print(f"temperature {t:3g}, probability" + "".join(f"{x:10.3f}" for x in p[shown]))
    print(f"{'share drawn':>28}" + "".join(f"{x:10.3f}" for x in shares[shown]))
    print(f"{'':28}largest difference of all {len(vocabulary)} words: {(shares - p).abs().max():.3f}")

# %% [markdown]
# They are not equal, and need not be: chance is at work. With four times as many draws the differences are
# about half as large.
#
# ### Your model tells a story

# %%
for t in (0.5, 1.0):
    text = your_generate(model, idx, 14, t)  # (1, T + 14)
    print(f"temperature {t:g}:", tokenizer.decode(text[0]))

# %% [markdown]
# ## Play with it
#
# Move the temperature and watch the bars. Then draw.
#
# - **Draw a word** appends one word. Under it stands the probability that it had. The model reads it, and the
#   bars are those of the next word.
# - **Ten tries** draws ten times from these bars and appends nothing. The dots show how often each word came. Press it
#   until they settle.
# - **Write on** writes until the sentence ends or you stop it. **Step back** takes the last word away.
#
# The thin line in each bar stays where the word stands at temperature 1. On a slider, Enter draws and Backspace steps back.
#
# Two more dials are used in practice, since every word has its chance, the absurd ones too.
# *Top-k* keeps the k likeliest words and shares their probability out anew. *Top-p* (or *nucleus*) keeps the fewest
# words that together have at least the probability p: many where the model is undecided, few where it is sure
# (Holtzman et al. 2019).
#
# Try this: at what temperature does the sentence still end with a reason that makes sense? Turn the temperature up to
# 3 and top-p down to 0.5. What happens to the texts?

# %%
TemperatureLab(model, idx, vocabulary, end_token=tokenizer.end_token, next_token_probabilities=probabilities_of)

# %% [markdown]
# The last line under the bars compares them with your `next_token_probabilities` at every temperature you choose.
#
# How many words do the two dials keep at two places of the sentence?

# %%
print(f"{'':10} {'after “the cat”':>26} {'after “the cat did not want”':>30}")
places = (by_place[words.index("cat")], by_place[words.index("want")])
for name, settings in (("all words", {}), ("top-k 5", {"top_k": 5}), ("top-p 0.9", {"top_p": 0.9})):
    kept = [int((package.next_token_probabilities(p.log(), **settings) > 0).sum()) for p in places]
    print(f"{name:10} {kept[0]:26} {kept[1]:30}")

# %% [markdown]
# ## A common misreading
#
# > "Logits has shape **(B, T)** so, we use slicing notation to get the last element along the T dimension. […] Sample from
# > **multivariate** distribution to get the next word token."
#
# Both words are nearly right, and both lead astray.
#
# **The shape.** Logits have three axes, `(B, T, V)`: a score for every word, at every place. Whoever believes in two takes the
# last element of the last axis. That runs without an error:

# %%
with torch.no_grad():
    logits, _ = model(idx)  # (1, T, V)
print("logits         ", tuple(logits.shape))
print("logits[:, -1]  ", tuple(logits[:, -1].shape), " the last place: scores of all words")
print("logits[..., -1]", tuple(logits[..., -1].shape), f" the last word, “{vocabulary[-1]}”: its score at all places")

# %% [markdown]
# The softmax then shares probability among *places*, and the draw is the number of a place. It is a small
# whole number, so it looks like a word's. Here is what is written in this way:

# %%
def misread(text, steps):
    with torch.no_grad():
        for _ in range(steps):
            place = torch.multinomial(model(text)[0][..., -1].softmax(-1), 1)  # (1, 1)
            text = torch.cat((text, place), dim=1)
    return text


torch.manual_seed(0)
for name, text in (("last place", package.generate(model, idx, 10, 0.8)), ("last word", misread(idx, 10))):
    print(f"{name}:", " ".join(vocabulary[word] for word in text[0]))
    print(f"{'':10} largest new id {text[0, idx.shape[1] :].max().item()}, of {len(vocabulary)} words")

# %% [markdown]
# A sign to look for: no new id is ever larger than the text is long.
#
# **The draw.** One word out of V is drawn from a *categorical* distribution; counting many such draws gives the *multinomial* one,
# and so PyTorch's function is called. A *multivariate* distribution is something else: a draw from it is a whole vector. The
# best known is the multivariate normal one. Draw noise from it, add it to the scores, take the largest:

# %%
draws, V = 20_000, len(vocabulary)
torch.manual_seed(0)
noise = torch.distributions.MultivariateNormal(torch.zeros(V), torch.eye(V))
noisy = scores + noise.sample((draws,))  # (draws, V)
by_noise = torch.bincount(noisy.argmax(-1), minlength=V) / draws
by_multinomial = torch.bincount(torch.multinomial(probabilities, draws, replacement=True), minlength=V) / draws
print("word         probability   multinomial   multivariate normal")
for word in order[:8]:
    print(f"{vocabulary[word]:12} {probabilities[word]:11.3f} {by_multinomial[word]:13.3f} {by_noise[word]:21.3f}")
of_multinomial, of_noise = ((counted - probabilities).abs().max() for counted in (by_multinomial, by_noise))
print(f"largest difference of all words: {of_multinomial:.3f} and {of_noise:.3f}")

# %% [markdown]
# Such texts look quite sensible, and the words come in the right order of frequency. Only a count shows that they do not come as
# often as the model means them to. (There is noise with which this way is exact, Gumbel's: −ln(−ln u) for u
# between 0 and 1. Your check accepts it.)

# %%
gumbel = scores - torch.empty(draws, V).exponential_().log()  # (draws, V); -ln of an exponential number is Gumbel's
by_gumbel = torch.bincount(gumbel.argmax(-1), minlength=V) / draws
print(f"with Gumbel's noise the largest difference is {(by_gumbel - probabilities).abs().max():.3f}")

# %% [markdown]
# ## What the package's generate does besides
#
# Your loop reads the whole text again for each new word. But in a decoder no word looks at a later one, so what the earlier
# words are made into, their keys and values in every layer, never changes. The package keeps them, and reads only
# the one new word in each step. It gives the same scores:

# %%
torch.manual_seed(0)
yours = your_generate(model, idx, 30, 0)
theirs = package.generate(storyteller, idx, 30, 0)
print("the same text:", torch.equal(yours, theirs))

# %% [markdown]
# It also stops at an end token, takes a generator for draws that can be repeated, and hands out word after word as they are
# drawn:

# %%
words_so_far = ["the", "cat"]
chance = torch.Generator().manual_seed(9)
for token in package.stream(storyteller, idx, 14, 0.7, end_token=tokenizer.end_token, generator=chance):
    words_so_far.append(vocabulary[token.item()])
    print(" ".join(words_so_far))

# %% [markdown]
# ## The PyTorch calls
#
# ### `torch.multinomial(input, num_samples, replacement=False)`
#
# **In:** weights `(B, V)` or `(V,)`, not negative; they need not add up to 1. **Out:** `(B, num_samples)`, for each row the
# numbers of what was drawn. Without `replacement` nothing comes twice in a row of draws.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.multinomial.html)

# %%
urns = torch.tensor([[0.0, 3.0, 1.0], [1.0, 0.0, 0.0]])
tokens = torch.multinomial(urns, 1)
many = torch.multinomial(urns[0], 4000, replacement=True)
print(tokens.tolist(), "share of 1:", (many == 1).float().mean())
assert tokens.shape == (2, 1) and tokens[1] == 0 and tokens[0] != 0
assert abs((many == 1).float().mean() - 3 / 4) < 0.05

# %% [markdown]
# ### `torch.argmax(input, dim)`
#
# **In:** a tensor and an axis. **Out:** where along that axis the largest number stands; the axis is gone.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.argmax.html)

# %%
best = torch.argmax(torch.tensor([[0.1, 2.0, 0.3], [5.0, -1.0, 0.0]]), dim=-1)
print(best)
assert best.tolist() == [1, 0]

# %% [markdown]
# ### `F.one_hot(tensor, num_classes)`
#
# **In:** whole numbers `(*)`. **Out:** `(*, num_classes)` whole numbers, 1 at the number's own place and 0 elsewhere.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.one_hot.html)

# %%
marked = F.one_hot(torch.tensor([1, 0]), 3)
print(marked.tolist(), marked.dtype)
assert marked.tolist() == [[0, 1, 0], [1, 0, 0]] and marked.dtype == torch.int64

# %% [markdown]
# ### `torch.no_grad`
#
# **As a `with` block, or as `@torch.no_grad()` above a function:** what is computed inside is not recorded for gradients.
# It takes less memory and time. Afterwards everything is as before.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.no_grad.html)

# %%
weight = torch.ones(2, requires_grad=True)
with torch.no_grad():
    inside = weight * 2
print(inside.requires_grad, (weight * 2).requires_grad)
assert not inside.requires_grad and torch.is_grad_enabled()

# %% [markdown]
# ## Where next
#
# Your model writes whatever comes to its mind. To translate, it must be told what to say. In
# [notebook 7](../07-encoder-decoder/07-encoder-decoder.ipynb) an encoder reads the English sentence, and a decoder
# writes with all of that in view.
