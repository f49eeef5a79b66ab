# %% [markdown]
# # 6 · Use your model to generate
#
# *The cat …*
#
# Your decoder gives a score to every word that could come next. Now let it write.

# %% [markdown]
# ## The question
#
# **How do scores for the next word become a text?**
#
# Choose a word, append it to the text, and ask again. The whole art is in the choosing.
# At the end you will have built
#
# - `next_token_probabilities`, which turns scores into probabilities, bold or careful ones,
# - `generate`, which writes with any model of this course,
# - `keep_top_k` and `keep_top_p`, which keep absurd words out,
# - and, if you like, attention that remembers its keys and values.
#
# | | |
# |---|---|
# | Time | about 80 minutes, and 15 for the optional exercise |
# | Points | 24 |
# | Before you start | [Notebook 3](../03-transformer/03-transformer.ipynb): logits and softmax; [notebook 5](../05-decoder/05-decoder.ipynb): what a decoder sees |
#
# After a restart of the kernel: select the cell that you want to go on with, then *Run → Run All Above Selected Cell*.
# If *Run All* stops at a check that does not pass yet: select the first cell below the checks, then
# *Run → Run Selected Cell and All Below*.

# %%
import math
import time

import torch
from torch.nn import functional as F

import ninelives.checks.generation as check
import ninelives.model as package
import ninelives.questions.generation as ask
from ninelives import figures, weights
from ninelives.config import TransformerConfig
from ninelives.use_mine import use_mine
from ninelives.widgets import TemperatureLab

torch.set_printoptions(precision=2, sci_mode=False)

# %% [markdown]
# We need a model that has something to say. The *storyteller* is a decoder that was trained on sentences like the
# cat's. If your own `Decoder` of notebook 5 is there and passes its checks, it gets the storyteller's weights.

# %%
Decoder = use_mine("Decoder")
storyteller, tokenizer = weights.load("storyteller")
vocabulary = tokenizer.words
model = weights.copy_into(Decoder(storyteller.config), storyteller)
print(f"{len(vocabulary)} words, and the end of a sentence is written {vocabulary[tokenizer.end_token]}")

# %% [markdown]
# ## See it
#
# What may follow the beginning of our sentence, "the cat"? The model reads it and gives scores at every position.
# The last position has seen all of it.

# %%
prompt = "the cat"
idx = tokenizer.encode(prompt).unsqueeze(0)  # (1, T)
with torch.no_grad():
    logits, _ = model(idx)  # (1, T, vocab_size)
scores = logits[:, -1]  # (1, vocab_size), of the last position
print("idx   ", tuple(idx.shape), "\nlogits", tuple(logits.shape), "\nscores", tuple(scores.shape))

# %%
probabilities = package.next_token_probabilities(scores)[0]  # (vocab_size,)
figures.distribution(
    probabilities, vocabulary,
    title="What comes after “the cat”",
    caption="The softmax of the scores. Many words are possible, and some are likelier than others.",
)

# %% [markdown]
# You could always take the likeliest. That is called *greedy*, and it has a weakness: the same beginning
# always gives the same text. Or you could **draw** a word, as from an urn, so that each comes as often as its
# probability says; this is called *sampling*. Then you get a different text every time.
#
# ### The temperature
#
# Between the two there is a dial. All scores are divided by one number, the *temperature*, before the softmax. The
# softmax turns the difference of two scores into a ratio: e to the power of the difference. Divide, and the
# difference shrinks or grows. Here are two pairs of words, the first and the third, and the first and the second:

# %%
best = scores[0].topk(3)
(first, second, third), names = best.values.tolist(), [vocabulary[word] for word in best.indices.tolist()]
print(f"scores: {names[0]} {first:.2f}, {names[1]} {second:.2f}, {names[2]} {third:.2f}\n")
print(f"temperature   “{names[0]}” is likelier than “{names[2]}” by a factor of   than “{names[1]}”")
for temperature in (0.2, 0.5, 1.0, 2.0, 5.0):
    far, near = math.exp((first - third) / temperature), math.exp((first - second) / temperature)
    print(f"{temperature:11} {far:43,.2f} {near:24.2f}")

# %% [markdown]
# A small temperature sharpens, and a large one flattens. As the temperature goes to infinity, the choice becomes a roll of a die
# with one face per word; as it goes to 0, it becomes greedy. How near to greedy is 0.2?

# %%
ask.how_sharp_is_a_small_temperature()

# %%
TEMPERATURES = (0.2, 0.5, 1.0, 1.5, 3.0)
figures.distributions(
    {f"{t:g}": package.next_token_probabilities(scores, t)[0] for t in TEMPERATURES}, vocabulary,
    title="One prompt, five temperatures",
    caption=f"After “{prompt}”. The order of the words never changes, only how much each gets.",
)

# %% [markdown]
# At 0.2 all words are gone but two. These two have nearly the same score, and a small difference divided by 0.2 is still a
# small difference: the first gets 0.60, the second 0.40. A low temperature cuts off what is far behind. It does not
# decide between equals.
#
# ### How undecided is it?
#
# One number says how much is left to chance, the *entropy*: the mean of −ln p over all draws. It is 0 when one
# word has everything, and ln V when all V words are equal. e to the entropy is easier to picture: *so many equally likely
# words would be just as undecided*. Papers call it the **perplexity**.

# %%
def entropy(p):
    """The entropy in nats of probabilities (V,). A word that never comes adds nothing."""
    return -torch.special.xlogy(p, p).sum().item()


print("temperature   entropy   perplexity: as undecided as among")
for t in TEMPERATURES:
    nats = entropy(package.next_token_probabilities(scores, t)[0])
    print(f"{t:11} {nats:9.2f} {math.exp(nats):27.1f} words")
print(f"\n{len(vocabulary)} equal words would have the entropy ln {len(vocabulary)} = {math.log(len(vocabulary)):.2f}.")

# %% [markdown]
# How undecided a model is depends on the text far more than on the dial. At some positions the language leaves
# no choice, at others much. Here is the entropy at each position of the sentence:

# %%
sentence = "the cat did not want to eat because it was full"
words = sentence.split()
with torch.no_grad():
    by_position = package.next_token_probabilities(model(tokenizer.encode(sentence).unsqueeze(0))[0][0])  # (T, V)
for word, p in zip(words, by_position):
    nats, likeliest = entropy(p), vocabulary[p.argmax()]
    print(f"after {word:8} entropy {nats:5.2f}  likeliest: {likeliest:8} {p.max():.2f}   {'▪' * round(8 * nats)}")

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
# **5 points · about 12 minutes · easy · the dial**
#
# | | shape | |
# |---|---|---|
# | in: `logits` | `(B, V)` | scores of the V words, for each of B sequences; −inf for a word that must not come |
# | in: `temperature` | a number, 0 or more | |
# | out | `(B, V)` | probabilities, floats; each row adds up to 1 |
#
# The probabilities are the softmax of the logits **divided by** the temperature. At temperature 0 the likeliest word of
# each row gets 1 and all others 0. (If several words share the highest score, one of them gets it, or they share it:
# the row still adds up to 1.)
#
# <details><summary>Hint 1: a nudge</summary>
#
# Dividing by 0 gives infinity, and the softmax of infinity is NaN. So ask first whether the temperature is 0.
#
# </details>
# <details><summary>Hint 2: along which axis?</summary>
#
# Each row belongs to one sequence, and the words are along the last axis. `dim=-1`.
#
# </details>
# <details><summary>Hint 3: a row of 0 and 1</summary>
#
# `logits.argmax(dim=-1)` is the index of the largest number of each row, `(B,)`. `F.one_hot(…, V)` makes rows of V numbers
# 0 and 1 of it, whole numbers; `.float()` makes them floats.
#
# </details>
# <details><summary>Hint 4: if you write the softmax by hand</summary>
#
# float32 ends near e^88. Subtract the maximum of each row first: it changes no ratio, and no power is above 1.
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
# **Why divide the scores, and not the probabilities?** What would the dial do then?

# %%
ask.what_divided_probabilities_do()

# %%
p = package.next_token_probabilities(scores)[0]
halved = p / 0.5 / (p / 0.5).sum()  # renormalised, as a draw does
sharpened = package.next_token_probabilities(scores, 0.5)[0]
print("word           as it is   probabilities ÷ 0.5   scores ÷ 0.5")
for word in scores[0].argsort(descending=True)[:5]:
    print(f"{vocabulary[word]:12} {p[word]:10.3f} {halved[word]:21.3f} {sharpened[word]:14.3f}")

# %% [markdown]
# ### Exercise 2 · A text
#
# **12 points · about 30 minutes · medium · the loop that writes**
#
# | | shape | |
# |---|---|---|
# | in: `model` | | `model(idx)` gives `(logits, loss)`, logits `(B, T, V)`; `model.config.block_size` is the most it can read |
# | in: `idx` | `(B, T)` | the prompts, whole numbers |
# | in: `max_new_tokens` | a number | how many tokens to write at most; may be 0 |
# | in: `temperature` | a number | 0: greedy; below 0: a `ValueError` |
# | in: `end_token` | a number or None | the id that ends a text; None: nothing ends before `max_new_tokens` |
# | out | `(B, T + new)` | the prompts, each followed by its new tokens |
#
# At most `max_new_tokens` times:
#
# 1. Feed the text to the model: all of it, or the last `model.config.block_size` tokens if it is longer.
# 2. Take the logits of the **last** position.
# 3. Turn them into probabilities. For this use `probabilities_of`, which the next cell defines: your exercise 1, if it
#    passes, or the package's.
# 4. Draw one token for each sequence.
# 5. Append it to the text.
# 6. If there is an `end_token`, stop as soon as *every* row has drawn it, at this step or earlier. End tokens in the prompt do not
#    count. (A row that has ended goes on drawing until the others have. What it holds after its end is not looked at;
#    `tokenizer.decode` stops reading there, and notebook 8 tidies it up.)
#
# And leave everything as you found it:
#
# - Refuse a negative temperature with `raise ValueError("…")`, before anything else.
# - While it writes, the model is in eval mode, so that dropout does not punch holes in its input. Afterwards it is back in the
#   mode it was in.
# - Nothing is trained here, so no graph is built for gradients.
# - The caller's `idx` is not changed.
#
# The checks follow the order in which you would write it: the loop first, the end token last.
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
# <details><summary>Hint 3: the last position, the last tokens</summary>
#
# Positions count from 0, and −1 is the last: `logits[:, -1]` is `(B, V)`. `idx[:, -n:]` are the last n tokens, or all if
# there are fewer. Cut only what the model is fed, not the text itself.
#
# </details>
# <details><summary>Hint 4: mode and gradients</summary>
#
# Keep `model.training`, then call `model.eval()`; after the loop pass the saved value to `model.train(…)`. And the loop
# is in a block of its own:
#
# ```python
# with torch.no_grad():
#     for …
# ```
#
# </details>
# <details><summary>Hint 5: the end</summary>
#
# Keep the number of tokens in the prompt, n. Then `idx[:, n:]` are the new tokens, and `(idx[:, n:] == end_token).any(1)` says for each
# row whether one of them is the end. `break` leaves the loop. The id of the end may be 0, so ask `end_token is not None`.
#
# </details>

# %%
probabilities_of = check.next_token_probabilities.yours_if_it_passes(
    next_token_probabilities, package.next_token_probabilities
)

# %% solution="generate"
def generate(model, idx, max_new_tokens, temperature, end_token=None):
    """Continues the prompts idx (B, T). Returns (B, T + new), new at most max_new_tokens."""
    ### BEGIN SOLUTION
    if temperature < 0:
        raise ValueError(f"temperature is {temperature}: it must be 0 or more.")
    was_training, num_prompt = model.training, idx.shape[1]
    model.eval()
    with torch.no_grad():
        for _ in range(max_new_tokens):
            logits, _ = model(idx[:, -model.config.block_size :])  # (B, T, V)
            probabilities = probabilities_of(logits[:, -1], temperature)  # (B, V)
            token = torch.multinomial(probabilities, 1)  # (B, 1)
            idx = torch.cat((idx, token), dim=1)  # one token longer
            if end_token is not None and (idx[:, num_prompt:] == end_token).any(1).all():
                break
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

# %% points=2 test="generate-end-token"
check.generate(generate, "end token")
### BEGIN HIDDEN TESTS
check.generate(generate, "end token", seed=1)
check.generate(generate, "end token", seed=2)
### END HIDDEN TESTS

# %% [markdown]
# ### Does it draw as it should?
#
# The next cells run on your own `generate`, if it passes. Four thousand copies of the
# prompt, one new word each: how often does each word come, and how often should it?

# %%
my_generate = check.generate.yours_if_it_passes(generate, package.generate)

# %%
COPIES = 4000
shown = scores[0].argsort(descending=True)[:6]
print(f"{'':28}" + "".join(f"{vocabulary[word]:>10}" for word in shown))
for t in (0.3, 0.7, 1.0, 2.0):
    with torch.no_grad():
        new = my_generate(model, idx.expand(COPIES, -1), 1, t)[:, -1]  # (COPIES,)
    shares = torch.bincount(new, minlength=len(vocabulary)) / COPIES  # (vocab_size,)
    p = package.next_token_probabilities(scores, t)[0]  # (vocab_size,)
    print(f"temperature {t:3g}, probability" + "".join(f"{x:10.3f}" for x in p[shown]))
    print(f"{'share drawn':>28}" + "".join(f"{x:10.3f}" for x in shares[shown]))
    print(f"{'':28}largest difference of all {len(vocabulary)} words: {(shares - p).abs().max():.3f}")

# %% [markdown]
# They are not equal, and need not be: chance is at work. With four times as many draws the differences are
# about half as large.
#
# ### The model tells a story

# %%
for t in (0.5, 1.0):
    text = my_generate(model, idx, 20, t, end_token=tokenizer.end_token)  # (1, T + new)
    print(f"temperature {t:g}:", tokenizer.decode(text[0]))

# %% [markdown]
# Without an end token it goes on and tells another story after the first. Greedy, it soon finds one that it
# likes too much:

# %%
for line in " ".join(vocabulary[word] for word in my_generate(model, idx, 76, 0)[0]).split("<end>"):
    print(line.strip())

# %% [markdown]
# This loop is not a fault of a small model. Large ones fall into it as well when they always take the likeliest word:
# what has been said once becomes likelier to be said again (Holtzman et al. 2019, "The Curious Case of Neural Text Degeneration").
# So we draw. But with a temperature of 1 every word has its chance, the absurd ones too. Two more dials keep
# these out.
#
# ### Exercise 3 · Top-k
#
# **3 points · about 8 minutes · medium · only the k likeliest**
#
# | | shape | |
# |---|---|---|
# | in: `probabilities` | `(B, V)` | each row adds up to 1 |
# | in: `k` | a number, 1 or more | how many words to keep; V or more: all |
# | out | `(B, V)` | the k likeliest words of each row, renormalised: in the ratios that they had, so that the row adds up to 1 again; 0 for all others |
#
# (If several words tie for the last place, keep all of them or just enough.)
#
# <details><summary>Hint 1: a nudge</summary>
#
# If you knew the k-th largest number of each row, a comparison would tell which words to keep.
#
# </details>
# <details><summary>Hint 2: the calls</summary>
#
# `probabilities.topk(k, dim=-1).values` are the k largest numbers of each row, in order, `(B, k)`; the k-th is
# `[:, -1:]`, `(B, 1)`. k must not be above V: `min(k, V)`. And a row divided by `.sum(-1, keepdim=True)`
# adds up to 1.
#
# </details>

# %% solution="keep-top-k"
def keep_top_k(probabilities, k):
    """(B, V) to (B, V): the k likeliest words of each row, renormalised."""
    ### BEGIN SOLUTION
    kth = probabilities.topk(min(k, probabilities.shape[-1]), dim=-1).values[:, -1:]  # (B, 1)
    kept = probabilities.masked_fill(probabilities < kth, 0.0)  # (B, V)
    return kept / kept.sum(-1, keepdim=True)  # (B, V)
    ### END SOLUTION

# %% [markdown]
# #### Check it

# %% points=1 test="keep-top-k-shape"
check.keep_top_k(keep_top_k, "shape")
### BEGIN HIDDEN TESTS
check.keep_top_k(keep_top_k, "shape", seed=1)
### END HIDDEN TESTS

# %% points=1 test="keep-top-k-values"
check.keep_top_k(keep_top_k, "values")
### BEGIN HIDDEN TESTS
check.keep_top_k(keep_top_k, "values", seed=1)
check.keep_top_k(keep_top_k, "values", seed=2)
### END HIDDEN TESTS

# %% points=1 test="keep-top-k-edges"
check.keep_top_k(keep_top_k, "edges")
### BEGIN HIDDEN TESTS
check.keep_top_k(keep_top_k, "edges", seed=1)
### END HIDDEN TESTS

# %% [markdown]
# ### Exercise 4 · Top-p
#
# **4 points · about 15 minutes · hard · as many as it takes**
#
# A fixed k keeps too many words where the model is sure, and too few where it is not. *Top-p*, or *nucleus sampling*, keeps
# the **fewest** words that together have at least the probability p.
#
# | | shape | |
# |---|---|---|
# | in: `probabilities` | `(B, V)` | each row adds up to 1 |
# | in: `p` | a number above 0, at most 1 | |
# | out | `(B, V)` | the fewest likeliest words of each row that have at least p together, renormalised; 0 for all others |
#
# The likeliest word is always kept, and with p = 1 all are. Of words that are exactly equal, keep those with the smaller ids first.
#
# <details><summary>Hint 1: a nudge</summary>
#
# Sort one row of four words by hand, from likely to unlikely: 0.5, 0.3, 0.15, 0.05. With p = 0.7 two words are kept. What do you know,
# at each word, about the words *before* it?
#
# </details>
# <details><summary>Hint 2: which are kept?</summary>
#
# A word is kept if all likelier words together have less than p. In the sorted row that sum is
# `ordered.cumsum(-1) - ordered`.
#
# </details>
# <details><summary>Hint 3: there and back</summary>
#
# `ordered, order = probabilities.sort(dim=-1, descending=True, stable=True)` sorts each row; `order` says which id is where. To bring
# numbers back to their own words: `torch.zeros_like(ordered).scatter(-1, order, ordered)`.
#
# </details>

# %% solution="keep-top-p"
def keep_top_p(probabilities, p):
    """(B, V) to (B, V): the fewest likeliest words of each row that have at least p together, renormalised."""
    ### BEGIN SOLUTION
    ordered, order = probabilities.sort(dim=-1, descending=True, stable=True)  # (B, V) each
    before = ordered.cumsum(-1) - ordered  # (B, V), what all likelier words have together
    kept = ordered.masked_fill(before >= p, 0.0)  # (B, V)
    kept = kept / kept.sum(-1, keepdim=True)  # (B, V)
    return torch.zeros_like(kept).scatter(-1, order, kept)  # (B, V)
    ### END SOLUTION

# %% [markdown]
# #### Check it

# %% points=1 test="keep-top-p-shape"
check.keep_top_p(keep_top_p, "shape")
### BEGIN HIDDEN TESTS
check.keep_top_p(keep_top_p, "shape", seed=1)
### END HIDDEN TESTS

# %% points=2 test="keep-top-p-values"
check.keep_top_p(keep_top_p, "values")
### BEGIN HIDDEN TESTS
check.keep_top_p(keep_top_p, "values", seed=1)
check.keep_top_p(keep_top_p, "values", seed=2)
### END HIDDEN TESTS

# %% points=1 test="keep-top-p-edges"
check.keep_top_p(keep_top_p, "edges")
### BEGIN HIDDEN TESTS
check.keep_top_p(keep_top_p, "edges", seed=1)
### END HIDDEN TESTS

# %% [markdown]
# How many words do the two keep at two positions of the sentence?

# %%
my_top_k = check.keep_top_k.yours_if_it_passes(
    keep_top_k, lambda probabilities, k: package.next_token_probabilities(probabilities.log(), top_k=k)
)
my_top_p = check.keep_top_p.yours_if_it_passes(
    keep_top_p, lambda probabilities, p: package.next_token_probabilities(probabilities.log(), top_p=p)
)
print(f"\n{'':10} {'after “the cat”':>26} {'after “the cat did not want”':>30}")
rows = by_position[[words.index("cat"), words.index("want")]]  # (2, V)
for name, kept in (("all words", rows), ("top-k 5", my_top_k(rows, 5)), ("top-p 0.9", my_top_p(rows, 0.9))):
    cat, want = (kept > 0).sum(-1).tolist()
    print(f"{name:10} {cat:26} {want:30}")

# %% [markdown]
# ### If you like · Keys and values are kept
#
# **no points · about 15 minutes · why a chat need not read everything again for each new word**
#
# Your loop reads the whole text again for each new word. But in a decoder no word attends to a later one, so what the earlier words
# are made into, their keys and values in every layer, never changes. If you keep them, you have to compute only one row
# per step: that of the new word.
#
# | | shape | |
# |---|---|---|
# | in: `q`, `k`, `v` | `(B, H, 1, head_size)` | query, key and value of the new word |
# | in: `kept` | a pair | keys and values of the words before it, each `(B, H, t, head_size)`; t may be 0 |
# | out | a pair | the result of the attention, `(B, H, 1, head_size)`; and `(keys, values)`, each `(B, H, t + 1, head_size)` |
#
# The new word attends to all earlier words and to itself, as in notebook 2: softmax(q · keysᵀ ÷ √head_size) · values.
# Does it need a mask?
#
# <details><summary>Hint: the two steps</summary>
#
# `torch.cat((keys, k), dim=2)`, and the same for the values. Then one row of scores, `q @ keys.transpose(-2, -1)`,
# `(B, H, 1, t + 1)`. Nothing in it comes later, so there is nothing to mask.
#
# </details>

# %% solution="attend-with-cache"
def attend_with_cache(q, k, v, kept):
    """One row of attention, and the keys and values with one more row."""
    ### BEGIN SOLUTION
    keys, values = torch.cat((kept[0], k), dim=2), torch.cat((kept[1], v), dim=2)  # (B, H, t + 1, head_size)
    weights = F.softmax(q @ keys.transpose(-2, -1) / math.sqrt(q.shape[-1]), dim=-1)  # (B, H, 1, t + 1)
    return weights @ values, (keys, values)
    ### END SOLUTION

# %%
check.attend_with_cache.optional(attend_with_cache)

# %% [markdown]
# What is it worth? Two decoders with the same weights write 128 words. One keeps keys and values, as the package's does. The
# other reads everything again, as your loop does.

# %%
class ReadsAllAgain(package.Decoder):
    """The package keeps keys and values only for its own Decoder."""


def seconds_to_write(Model, count=128):
    """The time (count,) from the start to each word."""
    torch.manual_seed(0)
    writer = Model(TransformerConfig(vocab_size=100, block_size=256, n_embd=128, n_head=4, n_layer=2, dropout=0.0))
    begin, seconds = time.perf_counter(), []
    for _ in package.stream(writer, torch.zeros(1, 1, dtype=torch.long), count):
        seconds.append(time.perf_counter() - begin)
    return seconds


seconds_to_write(package.Decoder, 8)  # the first calls of all are slower
kept_seconds, again_seconds = seconds_to_write(package.Decoder), seconds_to_write(ReadsAllAgain)
counted = list(range(1, len(kept_seconds) + 1))
figures.curves(
    {"all read again": (counted, again_seconds), "keys and values kept": (counted, kept_seconds)},
    x_label="words written", y_label="seconds since the start",
    title="The same text, written in two ways",
    caption="Read again, the text costs T rows for its T-th word, so about T²/2 rows in all. "
            "With a cache each word costs one row. Each step also takes a fixed time, with a cache or without.",
)

# %%
rows_read = len(counted) * (len(counted) + 1) // 2
print(f"rows computed in every layer: {rows_read} and {len(counted)}")
print(f"seconds:                      {again_seconds[-1]:.2f} and {kept_seconds[-1]:.2f}")

# %% [markdown]
# The times differ less than the rows do. Calling the layers takes a while at every step, however few rows there are, and both
# pay for it. For this small model and this short text that is a large part of the time. The longer the text and the larger
# the model, the more the rows count.

# %% [markdown]
# ## Play with it
#
# Move the temperature and watch the bars. Then draw.
#
# - **Draw a word** appends one word. Under it is the probability that it had. The model reads it, and the
#   bars are those of the next word.
# - **Ten tries** draws ten times from these bars and appends nothing. The dots show how often each word came. Press it
#   until they settle.
# - **Write on** writes until the sentence ends or you stop it. **Step back** takes the last word away.
#
# The thin line in each bar stays where the word is at temperature 1. On a slider, Enter draws and Backspace steps back.
#
# Try this: up to what temperature does the sentence still end with a reason that makes sense? Turn the temperature up to
# 3 and top-p down to 0.5. What happens to the texts?
#
# While the notebook runs, your own `next_token_probabilities` is called at every temperature that you choose, even if it is wrong.
# Where it differs from the bars (before top-k and top-p), an orange dot shows what it gives, and the line under the bars says by how much.

# %%
TemperatureLab(
    model, idx, vocabulary, end_token=tokenizer.end_token, next_token_probabilities=next_token_probabilities
)

# %% [markdown]
# ## A common misreading
#
# The loop needs the scores of the last position.

# %%
ask.which_slice_is_the_last_position()

# %% [markdown]
# Logits have three axes, `(B, T, V)`: a score for every word, at every position. If you think there are two, you take the last
# element of the last axis. That runs without an error:

# %%
with torch.no_grad():
    logits, _ = model(idx)  # (1, T, V)
print("logits         ", tuple(logits.shape))
print("logits[:, -1]  ", tuple(logits[:, -1].shape), " the last position: scores of all words")
print("logits[..., -1]", tuple(logits[..., -1].shape), f" the last word, “{vocabulary[-1]}”: its scores")

# %% [markdown]
# The softmax then shares probability among *positions*, and the draw is the number of a position. It is a small
# whole number, so it looks like a word's. This is what it writes:

# %%
def misread(text, steps):
    with torch.no_grad():
        for _ in range(steps):
            position = torch.multinomial(model(text)[0][..., -1].softmax(-1), 1)  # (1, 1)
            text = torch.cat((text, position), dim=1)
    return text


torch.manual_seed(0)
for name, text in (("last position", package.generate(model, idx, 10, 0.8)), ("last word", misread(idx, 10))):
    print(f"{name}:", " ".join(vocabulary[word] for word in text[0]))
    print(f"{'':10} largest new id {text[0, idx.shape[1] :].max().item()}, of {len(vocabulary)} words")

# %% [markdown]
# A sign to look for: no new id is ever larger than the text is long.
#
# **And a word.** One word out of V is drawn from a *categorical* distribution; counting many such draws gives the *multinomial*
# one, hence the name of PyTorch's function. A *multivariate* distribution is something else: each draw from it is a whole vector. You
# will meet the two words mixed up.
#
# ## In papers
#
# To write is to draw from the product of notebook 5, one factor after another, which is why such models are called **autoregressive**:
#
# $$x_t \sim p(x \mid x_1, \dots, x_{t-1}) = \mathrm{softmax}(z_t / \tau)$$
#
# | here | elsewhere |
# |---|---|
# | temperature | τ or T; the name is from physics, where $e^{-E/T}$ has the same form |
# | to draw | *sampling*; greedy is *argmax decoding*, often seen beside *beam search* |
# | top-p | *nucleus sampling* (Holtzman et al. 2019) |
# | e to the entropy, e to the loss | *perplexity* |
# | keys and values kept | *KV cache*; `past_key_values` in Hugging Face |
# | `end_token`, `max_new_tokens` | `eos_token_id`, `max_new_tokens` |
#
# The package's `generate` takes `top_k`, `top_p`, `end_token`, and a `generator` for draws that can be
# repeated. Its `stream` yields each word as it is drawn:

# %%
words_so_far = ["the", "cat"]
chance = torch.Generator().manual_seed(9)
for token in package.stream(storyteller, idx, 14, 0.7, top_p=0.9, end_token=tokenizer.end_token, generator=chance):
    words_so_far.append(vocabulary[token.item()])
    print(" ".join(words_so_far))

# %% [markdown]
# ## The PyTorch calls
#
# ### `torch.multinomial(input, num_samples, replacement=False)`
#
# **In:** weights `(B, V)` or `(V,)`, not negative; they need not add up to 1. **Out:** `(B, num_samples)`, for each row the
# indices that were drawn. Without `replacement` nothing comes twice in a row of draws.
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
# **In:** a tensor and an axis. **Out:** where along that axis the largest number is; the axis is gone.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.argmax.html)

# %%
best = torch.argmax(torch.tensor([[0.1, 2.0, 0.3], [5.0, -1.0, 0.0]]), dim=-1)
print(best)
assert best.tolist() == [1, 0]

# %% [markdown]
# ### `F.one_hot(tensor, num_classes)`
#
# **In:** whole numbers `(*)`. **Out:** `(*, num_classes)` whole numbers, 1 at the index that the number names and 0 elsewhere.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.one_hot.html)

# %%
marked = F.one_hot(torch.tensor([1, 0]), 3)
print(marked.tolist(), marked.dtype)
assert marked.tolist() == [[0, 1, 0], [1, 0, 0]] and marked.dtype == torch.int64

# %% [markdown]
# ### `Tensor.topk(k, dim)` and `Tensor.sort(dim, descending, stable)`
#
# **In:** how many, and an axis. **Out:** a pair, the numbers from large to small, and their indices. `sort` gives all
# of them; with `stable=True` equal numbers keep their order.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.topk.html)

# %%
row = torch.tensor([0.1, 0.6, 0.3])
largest, where = row.topk(2)
print(largest, where)
assert where.tolist() == [1, 2]
ordered, order = row.sort(descending=True, stable=True)
assert order.tolist() == [1, 2, 0] and torch.equal(row[order], ordered)
assert torch.equal(torch.zeros(3).scatter(-1, order, ordered), row)

# %% [markdown]
# ### `Tensor.cumsum(dim)`
#
# **In:** an axis. **Out:** the same shape: at each index the sum of all numbers up to it, itself included.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.cumsum.html)

# %%
print(torch.tensor([5, 3, 2]).cumsum(-1))
assert torch.tensor([5, 3, 2]).cumsum(-1).tolist() == [5, 8, 10]

# %% [markdown]
# ### `torch.no_grad`
#
# **As a `with` block, or as `@torch.no_grad()` above a function:** what is computed inside is not recorded for gradients.
# That takes less memory and time. Afterwards everything is as before.
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
# Your model writes whatever comes to mind. To translate, it must be told what to say. In
# [notebook 7](../07-encoder-decoder/07-encoder-decoder.ipynb) an encoder reads the English sentence, and a decoder
# writes with all of that in view.
#
# And a model of today? Six small changes and 135 million real weights: [from 2017 to today](../labs/today.ipynb), a lab without points.

# %%
from ninelives.progress import where_am_i

where_am_i()
