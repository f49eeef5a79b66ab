# %% [markdown]
# # Lab · Five ways to write a sum
#
# In notebook 9, letters or words as tokens made a large difference. But a sentence is difficult to
# measure with. A sum is not: it is right or wrong, and nothing about it is a matter of taste. So here the model, the
# sums and the recipe stay the same, and only the **way of writing** changes.
#
# This is a lab: it has no points, and nothing in it has to be solved. A trained model comes with the course, so you can run
# every cell without training anything.

# %% [markdown]
# ## The question
#
# A decoder reads `123+456=` and should write `579`. Is a number one token, or is each digit one? Do short numbers get leading
# zeros? Does the answer begin with its first digit or with its last?
# **How much of what a model learns is decided by how its text is split and ordered?**
#
# | | |
# |---|---|
# | Time | about 20 minutes; five to ten more if you train a model |
# | Points | none |
# | Before you start | [Notebook 5](../05-decoder/05-decoder.ipynb), [notebook 6](../06-generation/06-generation.ipynb) and [notebook 9](../09-training/09-training.ipynb) |
#
# After a restart of the kernel, select the cell where you were and choose Run → Run All Above Selected Cell.

# %%
import math
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

from IPython.display import display

from ninelives import figures, weights
from ninelives.model import generate
from ninelives.recipes import addition
from ninelives.recipes.addition import LESSONS
from ninelives.text.addition import FORMATS, carries, held_out
from ninelives.widgets import AttentionExplorer, TrainingMonitor

# %% [markdown]
# ## See it
#
# The same three sums in the five formats, and how many tokens there are to choose from. A bar separates two tokens:

# %%
for name, form in FORMATS.items():
    texts = [form.question(a, b) + form.answer(a, b) for a, b in ((123, 456), (7, 64), (578, 422))]
    written = [f"{'|'.join(form.tokenizer.cut(text)):25}" for text in texts]
    print(f"{name:17} {form.tokenizer.vocab_size:5,}  ", *written)

# %% [markdown]
# ### Why the order could matter
#
# A decoder writes from left to right, and what it has written stays. On paper you add from right to left, since a carry
# goes to the left. To write the first digit first, you have to know all carries before you have written anything.
# One digit of the question can change every digit of the answer:

# %%
plain, backwards = FORMATS["plain"], FORMATS["reversed"]
for a, b in ((457, 542), (457, 543)):
    print(f"{plain.question(a, b)}{plain.answer(a, b):>4}    reversed: {backwards.answer(a, b)}")

# %% [markdown]
# In the reversed answer, each digit needs two digits of the question and one carry, and that carry follows from the position
# before: its two digits, and what was written for them. In the plain answer, the first digit may need all six.
#
# ### Why the zeros could matter
#
# With leading zeros, the last digit of the first number is always the third token. Without them it is the first, the second or the
# third, and the model has to count before it can add. But how often?

# %%
lengths = Counter(len(str(number)) for number in range(1000))
same_place = (lengths[3] / 1000) ** 2
print(f"both numbers have three digits in {same_place:.0%} of the sums; there, padding changes nothing in the question")

# %% [markdown]
# ### Why a token for each number could matter
#
# Then there are no digits to add. 578 and 579 are as different as *cat* and *soup*, until the sums themselves show
# what they have in common.

# %% [markdown]
# ## The measure
#
# 2,000 sums are held out: no model is trained on them, nor on the same sum with its numbers swapped. A sum is **solved** if the
# whole answer is right, with the most likely token each time. How far does guessing get?

# %%
sums = held_out()
results = Counter(a + b for a, b in sums)
answer, times = results.most_common(1)[0]
print(f"{len(sums):,} sums, for instance " + ", ".join(f"{a}+{b}" for a, b in sums[:4]))
print(f"always the same answer, {answer}, is right in {times / len(sums):.1%} of them")
print(f"{sum(carries(a, b) > 0 for a, b in sums) / len(sums):.0%} of them have a carry")

# %% [markdown]
# ## One recipe, five formats
#
# All five models have the sizes and the recipe with which the comparisons of notebook 9 start:

# %%
runs = addition.saved_runs()
five = {name: runs[name] for name in FORMATS}
start, sizes = addition.START, runs["plain"].config[""]
print(f"rate {start.learning_rate:g}, batches of {start.batch_size}, dropout {sizes['dropout']}, "
      f"{start.max_iters:,} steps; n_embd {sizes['n_embd']}, {sizes['n_head']} heads, {sizes['n_layer']} layers")
print(f"that is {start.max_iters * start.batch_size:,} random sums of the {1000 * 1000:,} that there are")

# %%
def solved_by_step(run):
    """Steps and the share of sums that were solved after each, in per cent."""
    return [entry["step"] for entry in run.history], [100 * entry["solved"] for entry in run.history]


figures.curves(
    {name: solved_by_step(run) for name, run in five.items()}, x_label="step", y_label="sums solved, %",
    title="One recipe, five formats", caption=f"Measured on {addition.WATCHED:,} sums that are held out. One run each.",
)

# %%
def first_past(run, share):
    """The first step after which more than this share of the sums was solved, or never."""
    return next((f"{entry['step']:,}" for entry in run.history if entry["solved"] > share), "never")


print(f"{'format':18} {'solved':>7} {'past 10 %':>10} {'past 50 %':>10} {'past 80 %':>10} {'loss':>6}  parameters")
for name, run in five.items():
    jumps = " ".join(f"{first_past(run, share):>10}" for share in (0.1, 0.5, 0.8))
    print(f"{name:18} {run.history[-1]['solved']:7.1%} {jumps} {run.history[-1]['loss']:6.2f} {run.parameters:11,}")

# %% [markdown]
# Look at the shape first. For thousands of steps nothing seems to happen, and then a curve jumps. What the last step shows is mostly
# *when* each jump came: stopped at 4,000 steps, all of them would have looked like failures. So be careful with a table that has
# one number for each format, including this one. These are single runs; with another seed a jump may come earlier or later.
#
# Then the order. The plain format, in which people write, jumped later than the one with the answer reversed, as
# expected. But leading zeros did more than reversing, although they change the question in only one sum of five: in
# their format every digit has a position of its own, in the answer too. Both together did best. And a number that is one token
# hides its digits: such a model would have to learn each of a thousand names from what it does in sums.
#
# ### What others have measured
#
# Lee et al. 2023, "Teaching Arithmetic to Small Transformers" ([arXiv 2307.03381](https://arxiv.org/abs/2307.03381)), have
# done this with a model of 10.6 million parameters. Their horizontal axis is a different one: *how many different
# sums* the model was given, each of them many times. Ours shows *steps*, and few sums come twice. So compare the shapes and the order
# of the curves, not the numbers.

# %%
published = {  # accuracy in per cent, by how many sums there were to train on
    "plain": {1000: 0.4, 2000: 1.7, 3000: 29, 4000: 62, 5000: 81, 10_000: 87, 20_000: 90},
    "reversed": {1000: 1.6, 2000: 31, 3000: 79, 4000: 98, 5000: 99.8, 10_000: 100, 20_000: 100},
}
figures.curves(
    {name: (list(points), list(points.values())) for name, points in published.items()},
    x_label="different sums to train on", y_label="sums solved, %", title="Published: plain and reversed",
    caption="arXiv 2307.03381, three-digit addition. The reversed answer is learned from fewer sums, and better.",
)

# %% [markdown]
# ## Where the loss is taken
#
# There is one more choice, and it can hardly be seen in the text. In all five runs the model learns to predict **every**
# token, those of the question too. But nobody can predict the question: its digits are random. What does it cost to try?

# %%
form = FORMATS["padded, reversed"]
tokens = len(form.question(0, 0)) + len(form.answer(0, 0)) + 1  # and the end token
guessed = 5  # six digits are random; the first is no target, since nothing comes before it
floor = guessed * math.log(10) / (tokens - 1)
print(f"{tokens - 1} targets, {guessed} of them random digits: the loss cannot fall below {floor:.3f}")
for name in ("padded", "padded, reversed"):
    losses = [entry["loss"] for entry in five[name].history]
    print(f"{name:16} loss at step 2,000 {losses[3]:.3f}, at the end {losses[-1]:.3f}")

# %% [markdown]
# So nearly all of the remaining loss is noise that no training can remove, and each step follows the gradient of that noise too. What is left for
# the sums is a small part of a noisy whole.
#
# Here are two runs with another recipe: larger batches, a larger rate that comes down at the end, no dropout. They differ only in the
# loss. One takes it on every token, the other on the answer only: the targets of the question are −1.

# %%
idx, targets = addition.examples([(123, 456)], form, answer_only=True)
print("read  ", [form.tokenizer.words[i] for i in idx[0].tolist()])
print("target", ["–" if i == -1 else form.tokenizer.words[i] for i in targets[0].tolist()])

# %%
two = {"answer only": runs["best"], "every token": runs["best, loss on every token"]}
recipe = addition.BEST
print(f"rate {recipe.learning_rate:g}, batches of {recipe.batch_size}, no dropout, {recipe.max_iters:,} steps")
for label, run in two.items():
    last = run.history[-1]
    print(f"loss on {label:12} solved {last['solved']:6.1%}, past 80 % at step {first_past(run, 0.8):>5}, "
          f"loss at the end {last['loss']:.3f}")
figures.curves(
    {label: solved_by_step(run) for label, run in two.items()}, x_label="step", y_label="sums solved, %",
    title="The loss on the answer, and on every token",
    caption="The same model, sums, batches and rate. Padded and reversed.",
)

# %% [markdown]
# Both get there. But where the loss is taken on every token, the jump comes after more than twice as many steps, and the remaining
# loss is nearly all noise. A target that cannot be predicted teaches nothing, and its gradient disturbs what could be
# learned. So ask of every target whether you want it: a −1 in its place can save half of a training.
#
# And compare with the section before. The format and the loss are the same in these two runs, but the recipe is not:

# %%
for label, name in (("the first recipe", "padded, reversed"), ("the other one", "best, loss on every token")):
    run = runs[name]
    steps = next(entry["step"] for entry in run.history if entry["solved"] > 0.8)
    print(f"{label:17} rate {run.recipe.learning_rate:g}, batches of {run.recipe.batch_size:3}: past 80 % after "
          f"{steps:5,} steps and {steps * run.recipe.batch_size:7,} sums")

# %% [markdown]
# The other recipe needs a fraction of the steps, but it reads more sums. Larger batches save steps, and so time, as
# the sums of a batch are computed side by side; they do not save examples. The recipe decides as much as the format does.

# %% [markdown]
# ## Train one yourself
#
# Choose a format and a recipe, set `train_now` to True, and run the cell. Stop it whenever you like, for instance when its curve is at the
# top: run the cell again, and it goes on from the folder. The first choice is the best recipe from above with another
# seed. Does the jump come at the same step? Other choices are in the comments. If you change your choice, choose another folder too.

# %%
train_now = False
lesson = replace(LESSONS["best"], recipe=replace(LESSONS["best"].recipe, seed=1))
# lesson = replace(lesson, format=FORMATS["plain"])
# lesson = replace(LESSONS["plain"], recipe=replace(addition.START, batch_size=128))
folder = Path("addition")

if train_now:
    monitor = TrainingMonitor("yours", lesson.recipe.max_iters, beside={name: run.history for name, run in two.items()})
    display(monitor)
    model, run = await monitor.watch(addition.train_lesson, lesson, folder=folder)
    form, whose = lesson.format, "your model"
else:
    print("Nothing is trained: train_now is False.")
    model, _ = weights.load("addition")  # the run "answer only" from above
    form, whose = LESSONS["best"].format, "the course's model"
print(f"What follows is computed by {whose}.")

# %% [markdown]
# ### Sums of your own
#
# Two numbers below 1,000, with a plus between them. Change the text and run the cell.

# %%
def solve(text):
    """What the model writes after a sum such as "123+456"."""
    found = re.fullmatch(r"\s*(\d+)\s*\+\s*(\d+)\s*", text)
    if not found:
        print(f"{text!r} is not a sum such as 123+456.")
        return
    a, b = map(int, found.groups())
    wanted = a + b
    try:
        prompt = form.tokenizer.encode(form.question(a, b))  # (Q,)
    except ValueError as problem:
        print(problem)
        return
    written = generate(model, prompt[None], 6, 0, end_token=form.tokenizer.end_token)[0, len(prompt) :]  # (new,)
    answer = form.tokenizer.decode(written)
    verdict = "right" if form.read(answer) == wanted else f"but {wanted} is right"
    print(f"{form.question(a, b)}{answer:6} {a} + {b} = {form.read(answer)}, {verdict}")


print(f"This is {whose}:")
solve("578+422")
solve("7+64")

# %% [markdown]
# ### Are carries harder?
#
# All 2,000 held-out sums, by the number of carries. The course's model solves every one of them. A model of yours that is stopped early
# shows which sums are hard at first:

# %%
for times in range(4):
    some = [(a, b) for a, b in sums if carries(a, b) == times]
    print(f"{whose}   carries: {times}   solved: {addition.solved(model, form, some):6.1%} of {len(some):3} sums")

# %% [markdown]
# ### What does it attend to?
#
# The rows below are what the model has read, including its own answer. The row of `=` writes the first digit of the
# answer, the next row the second, and so on. Go through the heads: which digits of the question does each of these rows attend to?
# Layers and heads are counted from 1 here.

# %%
text, tokens = form.question(578, 422) + form.answer(578, 422), form.tokenizer
AttentionExplorer(model.attentions(tokens.encode(text)[None]), tokens.cut(text), token="=", first=1)

# %% [markdown]
# ## Where next
#
# Things to try, each by one line in the cell that trains: another seed; the loss on the answer only, in the plain format;
# the first recipe with larger batches. Where a curve jumps, a single run says little. Which of your results do you see again with
# another seed?
#
# A program that adds takes one line. A model that *writes* sums has to find out, from nothing but text, what addition is.
# How the text is written decides how much there is to find out. The same is true of the labs on
# [pronunciation](pronunciation.ipynb) and on [Shakespeare](shakespeare.ipynb), where nobody can say which way is best.
