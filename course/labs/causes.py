# %% [markdown]
# # Lab · What causes the answer
#
# *The dog followed the hen because it was lost.* Il était perdu.
#
# In a trained translator "it" attends to the right animal, and the picture is so clear that it looks like an explanation. Is it one? A
# heatmap shows where a head looks. It does not show whether anything depends on that. To know it, you have to change something and see
# whether the answer changes.
#
# This is a lab: it has no points, and nothing in it has to be solved. The course's translator is used at once, and your own from
# notebook 9 if you have trained one.
#
# In this lab layers and heads are counted from 0, as in code. The notebooks and the front page count them from 1: their layer 2, head 4
# is layer 1, head 3 here.

# %% [markdown]
# ## The question
#
# **On which words, and on which heads, does *il* or *elle* depend, and would attention's own picture have told you?**
#
# | | |
# |---|---|
# | Time | about 30 minutes |
# | Points | none |
# | Before you start | [Notebook 2](../02-attention/02-attention.ipynb), [notebook 7](../07-encoder-decoder/07-encoder-decoder.ipynb) and [notebook 9](../09-training/09-training.ipynb) |
#
# After a restart of the kernel, select the cell where you were and choose Run → Run All Above Selected Cell.

# %%
from collections import Counter

import torch
from IPython.display import display

from ninelives import figures, weights
from ninelives.config import TransformerConfig
from ninelives.model import Encoder, answer_attentions, with_heads_from, without_heads
from ninelives.model.causes import (
    ablation,
    gradient_times_input,
    heads_of,
    logit_difference,
    occlusion,
    patching,
    word_choice,
)
from ninelives.model.interventions import what_heads_say, with_heads_saying
from ninelives.text import sentences
from ninelives.text.grammar import every_word, parse
from ninelives.training import handed_in
from ninelives.use_mine import use_mine
from ninelives.widgets import HeadLab

# %% [markdown]
# ## See it
#
# A sentence, and the same with the animals swapped. Nothing but the two nouns differs, and with them the pronoun:

# %%
model, tokenizer = weights.load("translator")
sentence = parse("the dog followed the hen because it was lost")


def swapped(sentence):
    """The sentence with its two animals swapped."""
    names = {sentence.antecedent: sentence.other, sentence.other: sentence.antecedent}
    return parse(" ".join(names.get(word, word) for word in sentence.english.split()))


for each in (sentence, swapped(sentence)):
    print(f"{each.english}   (it is the {each.antecedent})\n    {each.french}\n")

# %% [markdown]
# Here is attention's own picture: the row of "it" in all heads of the encoder. In layers 1 and 2, seven of eight heads look at the dog and at
# almost nothing else.

# %%
words = sentence.english.split()
it = words.index("it")
attentions = torch.cat(model.encoder.attentions(tokenizer.encode(sentence.english)[None]), dim=1)  # (1, 12, T, T)
figures.heatmap(
    attentions[0, :, it], [f"layer {k // 4}, head {k % 4}" for k in range(12)], words,
    title='What "it" attends to in the encoder', caption="One row for each head: from “it” to every word.",
)

# %% [markdown]
# ### One number for the answer
#
# The translator has written "le chien a suivi la poule parce qu'" and has to choose. What it thinks of the choice is
#
# $$\log p(\text{il}) - \log p(\text{elle}).$$
#
# It is positive where *il* is more likely, and 0 where both are equally likely. It is also the difference of the two *logits*, since the
# softmax subtracts the same number from both; papers call it the logit difference. Everything below is a change of this one number.

# %%
def asked(some, tokenizer):
    """Sentences of one length as a batch of choices between il and elle, each after the right words before it."""
    prefix = torch.stack([tokenizer.encode(each.english) for each in some])  # (B, P)
    answer = torch.stack([tokenizer.encode(each.french) for each in some])  # (B, T)
    return word_choice(prefix, answer, tuple(tokenizer.encode("il elle").tolist()))


choice, other_choice = asked([sentence], tokenizer), asked([swapped(sentence)], tokenizer)
with torch.no_grad():
    for each, of_each in ((sentence, choice), (swapped(sentence), other_choice)):
        print(f"{each.english}:  {logit_difference(model, of_each).item():+.1f}")

# %% [markdown]
# ## Hide a word
#
# The simplest experiment is *occlusion*: set a word's vector to 0, keep its position, and see how much of the difference is lost. A
# word with a positive number speaks for *il*, one with a negative number for *elle*.
#
# The second row below needs no experiment. It is the gradient of the difference with respect to a word's vector, times that vector. If
# the model were linear, both rows would be the same.

# %%
hidden, sloped = occlusion(model, choice)[0], gradient_times_input(model, choice)[0]  # (P,), (P,)
for name, lost in (("lost when it is hidden", hidden), ("gradient × input", sloped)):
    print(f"{name:24}" + "   ".join(f"{word} {number:+.1f}" for word, number in zip(words, lost.tolist())))
print(f"\nThe numbers of gradient × input add up to {sloped.sum().item():+.1f}.")

# %% [markdown]
# More than the whole difference can be lost: it then goes below 0, and the model says *elle*.
#
# Hiding shows what attention did not: *lost* weighs about as much as *dog*. That is right, since the reason is what decides
# between the two animals. There is no single word that is *the* cause.
#
# The gradient sees next to nothing. It asks what a small step in a word's vector would do, and hiding a word is a large one. One reason why
# small steps do little is in the map above: where a softmax gives 1.00, it is flat. The model is *saturated*.

# %% [markdown]
# ## Take a head out
#
# What a head contributes is its slice of what the projection reads. With zeros in this slice, the other heads and the MLPs go on
# without it. `without_heads` does this to a model while a `with` block is open, and leaves nothing behind:
#
#     with without_heads(model, [(1, 2)]):        # layer 1, head 2; the layers of the encoder come first
#         logits, _ = model(prefix, targets)
#
# It works on your own attention of notebook 2. There you can see that a slice is a head: all heads together give all that
# attention gives, except the projection's bias, which is the same for every token.

# %%
MultiHeadSelfAttention = use_mine("MultiHeadSelfAttention")
config = TransformerConfig(vocab_size=5, block_size=5, n_embd=12, n_head=3, n_layer=1)
encoder, attention = Encoder(config), MultiHeadSelfAttention(config).eval()
encoder.layers["blocks"][0].attention = attention
x = torch.randn(2, 5, 12)  # (B, T, C)
with torch.no_grad():
    whole, of_heads = attention(x, None), []
    for head in range(3):
        with without_heads(encoder, [(0, head)]):
            of_heads.append(whole - attention(x, None))  # (B, T, C)
rest = whole - sum(of_heads)  # (B, T, C)
print(f"Without what the heads give, tokens differ by at most {(rest - rest[0, 0]).abs().max().item():.6f}.")

# %% [markdown]
# Now the translator, each head taken out alone:

# %%
def grid(numbers, what):
    """A number for each head, as a map: three layers of the encoder, then two of the decoder."""
    return figures.heatmap(
        numbers.view(5, 4), ["encoder 0", "encoder 1", "encoder 2", "decoder 0", "decoder 1"],
        [f"head {head}" for head in range(4)],
        title=f"How much of log p(il) − log p(elle) is lost when a head is {what}",
        caption=f"“{sentence.english}”",
    )


grid(ablation(model, choice)[0], "taken out")

# %% [markdown]
# The seven heads that look at the dog: take any of them out, and almost nothing happens. Is their picture a picture of
# something that nobody uses? Not so fast. When several heads say the same, each alone can be spared. So take more of them out:

# %%
layer_1, layer_2 = ([(layer, head) for head in range(4)] for layer in (1, 2))
with torch.no_grad():
    print(f"all heads                       {logit_difference(model, choice).item():+.1f}")
    for name, heads in (("layer 1", layer_1), ("layer 2", layer_2), ("layers 1 and 2", layer_1 + layer_2)):
        with without_heads(model, heads):
            print(f"{f'without {name}':32}{logit_difference(model, choice).item():+.1f}")

# %% [markdown]
# Each of the two layers can be spared. Both cannot. A test of one head at a time would have called all eight useless.

# %% [markdown]
# ## Patch a head in
#
# Zeros are a strange thing for a head to say. A gentler experiment keeps two whole sentences: let one head say what it says when the model
# reads the sentence with the animals *swapped*, and leave all others as they are. This is *activation patching*. It changes only what this head passes
# on of the swap, both in the English and in the French that is written so far, since the other sentence brings its own:
#
#     with with_heads_from(model, [(3, 0)], other_prefix, other_answer):
#         logits, _ = model(prefix, answer)

# %%
grid(patching(model, choice, other_choice)[0], "patched in from the swapped sentence")

# %%
row = answer_attentions(model, choice.prefix, choice.answer)[0][0, 0, -1]  # (P + T,)
columns = words + tokenizer.decode(choice.answer[0]).replace("'", "' ").split()
said = figures.read_row(row[None], ["its row"], 0, columns)
print(f"Decoder layer 0, head 0, before the pronoun is written: {said}.")

# %% [markdown]
# One head of the decoder carries the whole choice: with it alone from the other sentence, *il* becomes *elle*. Does it look at the
# dog? No, at "it". The encoder has written into the vector of "it" who is meant, and the decoder picks it up there. From the first
# layer on, the vectors are mixtures. A weight on the column of a word is no longer a weight on the *word*.
#
# ### More than the pronoun
#
# So far we have looked at one word. But a head that is patched in says something else at every step, also when other words are
# written. Which of them does it change, when the right words stand before each? And which head changes the ending of *perdu*?

# %%
def both_texts(sentence):
    """The English (1, P) and the French (1, T) of a sentence."""
    return [tokenizer.encode(text)[None] for text in (sentence.english, sentence.french)]


here, there = both_texts(sentence), both_texts(swapped(sentence))
for layer in (0, 1):
    with torch.no_grad(), with_heads_from(model, [(3 + layer, 0)], *there):
        logits, _ = model(*here)  # (1, P + T, V)
    print(f"decoder layer {layer}, head 0, from the swapped sentence:")
    for p, word in zip(logits[0, len(words) - 1 : -1].softmax(-1), here[1][0].tolist()):  # (V,)
        if p.argmax() != word:
            print(f"    {tokenizer.words[p.argmax()]} {p.max():.2f} instead of {tokenizer.words[word]} {p[word]:.2f}")

# %% [markdown]
# The head that turns the pronoun turns the hen into a frog, too. At that step it says what it says where the other sentence has *chien*.
# *La* is written already, so the noun has to be feminine, but which one is no longer clear: the frog is a little more likely than the hen. And it
# leaves the ending: that *perdu* becomes *perdue* is up to a head of the other layer, which leaves the pronoun. You will see all this in the lab
# below, where the sentence is written again from its beginning: there the ending also follows the pronoun that has just been written.
#
# ## Play with it
#
# Press a word to hide it, or a head to take it out or patch it in, and the translation is written again. With the keyboard: Tab, arrow keys,
# Enter. You can type other sentences of the course's grammar.
#
# - Which single head turns *il* into *elle* when it is patched in? Is there one that does so when it is taken out?
# - Try "the dog followed the hen because it was kind". Which head of encoder layer 0 can no longer be spared? And hide *hen*, which "it"
#   stands for now: why is so little lost?
# - In "the cat did not want to eat because it was full" there is one animal. What does the choice depend on now?

# %%
HeadLab(model, tokenizer, sentence.english, words=every_word("english"), parse=parse)

# %% [markdown]
# ### Your own model
#
# If you have trained a translator in notebook 9, here is yours:

# %%
own, own_tokenizer, whose_model = model, tokenizer, "the course's"
try:
    own, own_tokenizer, _ = handed_in.read("../09-training/own")
    whose_model = "your"
    display(HeadLab(own, own_tokenizer, sentence.english, words=every_word("english"), parse=parse))
except handed_in.NoTraining:
    print("There is no model in ../09-training/own yet; this lab goes on with the course's.")
except handed_in.Refused as reason:
    print(f"Your model cannot be read, and this lab goes on with the course's: {reason}")

# %% [markdown]
# ## Two hundred sentences
#
# One sentence proves nothing. Here are 200 that were held out from training, with one measure after the other. First the words: which
# one has the largest number? Then the heads: what does each look at, and what is lost without it? All numbers count for the *right* pronoun.

# %%
ROLES = ("animal meant", "other animal", "verb", "reason", "it", "another")


def role(sentence, position):
    """What a word is for the choice."""
    parts = (sentence.antecedent, sentence.other, sentence.verb, sentence.reason, "it")
    word = sentence.english.split()[position]
    return ROLES[parts.index(word)] if word in parts else "another"


def groups_of(model):
    """Names of heads and of groups of heads, and which they are."""
    n_encoder = len(model.encoder.layers["blocks"])
    names = [
        f"encoder {layer}" if layer < n_encoder else f"decoder {layer - n_encoder}" for layer, _ in heads_of(model)
    ]
    found = {f"{name}, head {pair[1]}": [pair] for name, pair in zip(names, heads_of(model))}
    for name in dict.fromkeys(names):
        found[f"{name}, all heads"] = [pair for other, pair in zip(names, heads_of(model)) if other == name]
    found["encoder, all but layer 0"] = [pair for pair in heads_of(model) if 0 < pair[0] < n_encoder]
    return found


@torch.no_grad()
def lost_by_group(model, choice, other, sign):
    """How much is lost without each group of heads, and with it from other sentences: (groups, 2, B)."""
    whole, said = logit_difference(model, choice), what_heads_say(model, other.prefix, other.answer)  # (B,)
    lost = []
    for heads in groups_of(model).values():
        for changed in (without_heads(model, heads), with_heads_saying(model, heads, said)):
            with changed:
                lost.append(sign * (whole - logit_difference(model, choice)))  # (B,)
    return torch.stack(lost).unflatten(0, (-1, 2))  # (groups, 2, B)


def measured(model, tokenizer, some):
    """By each method the role of the word with the largest number; of the heads the weight on the animal, what is lost
    and what is turned; and how often the pronoun is right."""
    by_method, weight, lost, whole = {}, [], [], []
    for voice in ("active", "passive"):  # sentences of one voice have one length
        batch = [each for each in some if each.voice == voice]
        choice, other = asked(batch, tokenizer), asked([swapped(each) for each in batch], tokenizer)
        sign = torch.tensor([1.0 if each.pronoun == "il" else -1.0 for each in batch])  # (B,)
        animal = torch.tensor([each.english.split().index(each.antecedent) for each in batch])  # (B,)
        it, P = batch[0].english.split().index("it"), choice.prefix.shape[1]
        encoder = torch.cat(model.encoder.attentions(choice.prefix), dim=1)[:, :, it]  # (B, encoder's heads, P)
        decoder = torch.cat(answer_attentions(model, choice.prefix, choice.answer), dim=1)  # (B, decoder's heads, …)
        decoder = decoder[:, :, -1, :P]  # (B, decoder's heads, P)
        on_animal = torch.cat([encoder, decoder], dim=1)[torch.arange(len(batch)), :, animal]  # (B, heads)
        best = on_animal.mean(0)[: encoder.shape[1]].argmax()
        numbers = {
            "attention from “it”, best encoder head": encoder[:, best],
            "attention from “it”, whole encoder": encoder.mean(1),
            "attention before the pronoun, decoder": decoder.mean(1),
            "lost when the word is hidden": sign.unsqueeze(1) * occlusion(model, choice),
            "gradient × input": sign.unsqueeze(1) * gradient_times_input(model, choice),
        }
        for method, of_words in numbers.items():  # (B, P)
            largest = of_words.argmax(1).tolist()
            by_method.setdefault(method, []).extend(role(each, k) for each, k in zip(batch, largest))
        weight.append(on_animal)
        lost.append(lost_by_group(model, choice, other, sign))
        with torch.no_grad():
            whole.append(sign * logit_difference(model, choice))  # (B,)
    lost, whole = torch.cat(lost, dim=-1), torch.cat(whole)  # (groups, 2, B), (B,)
    turned, right = (lost > whole).float().mean(-1), (whole > 0).float().mean()
    return by_method, torch.cat(weight).mean(0), lost.mean(-1), turned, right


def rank_correlation(a, b):
    """Spearman's ρ of two vectors (N,): 1 for the same order, −1 for the opposite one, about 0 for no relation."""
    ranks = torch.stack([a.argsort().argsort(), b.argsort().argsort()]).float()  # (2, N)
    return torch.corrcoef(ranks)[0, 1].item()


def print_table(model, tokenizer, some):
    """Print what `measured` finds."""
    by_method, weight, lost, turned, right = measured(model, tokenizer, some)
    print(f"{len(some)} sentences, in {right:.0%} of which the pronoun is right.\n")
    print(f"{'Where the largest number is':40}" + "".join(f"{name:>13}" for name in ROLES))
    for method, roles in by_method.items():
        print(f"{method:40}" + "".join(f"{Counter(roles)[name] / len(roles):13.0%}" for name in ROLES))
    print(f"\n{'':26}{'weight on':>12}{'taken out':>24}{'patched in':>24}")
    print(f"{'':26}{'the animal':>12}" + 2 * f"{'lost':>12}{'turned':>12}")
    for k, name in enumerate(groups_of(model)):
        on_animal = f"{weight[k].item():12.2f}" if k < len(weight) else f"{'':12}"
        changes = [f"{lost[k, how].item():12.1f}{turned[k, how].item():12.0%}" for how in (0, 1)]
        print(f"{name:26}{on_animal}{''.join(changes)}")
    for how, what in enumerate(("taken out", "patched in")):
        rho = rank_correlation(weight, lost[: len(weight), how])
        print(f"Weight on the animal, and what is lost when a head is {what}: ρ = {rho:+.2f}")


print(f"What follows is computed by {whose_model} model.\n")
held_out = sentences("held out", 200, seed=4)
print_table(own, own_tokenizer, held_out)

# %% [markdown]
# *Weight on the animal* is the mean weight from "it" in the encoder, and from the row that writes the pronoun in the decoder. *Turned* is the share
# of sentences in which the other pronoun is now more likely. ρ compares two orders of the heads.
#
# This is what the table says of the **course's** translator. Where yours differs, believe the table.
#
# - **Attention answers another question.** From "it", the best head finds the animal in every sentence: it is a fine guess of what the
#   pronoun means. But the heads with the largest weights are not those without which the answer is lost. The two orders have hardly anything to do with each other.
# - **The heads that matter most alone look elsewhere.** Heads 1 and 2 of encoder layer 0 give the animal about a third of their weight or less.
#   Head 0 of decoder layer 0 gives it 0.01, and turns nine pronouns of ten when it alone is patched in.
# - **What can be spared alone may still be needed.** No head of encoder layers 1 and 2 turns more than one sentence in twenty when it is taken out. Neither does layer 1 or 2
#   as a whole turn more than one in ten. Without both, nearly half of the pronouns turn, as by tossing a coin.
# - **The decoder's picture leaves out the animal.** Its column is the largest in hardly any sentence, although everything depends on
#   it: the animal has come along inside "it".
# - **The words that decide are three**, the animal, the verb and the reason, in about equal shares. Attention from "it" names only the first, and gradient × input
#   none of them in about a third of the sentences.
#
# ### Where else is the gender written?
#
# In the French that the translator has written itself: *le chien*, *la poule*. Does the pronoun depend on that? Swap *le* and *la*
# there, and leave the English as it is:

# %%
@torch.no_grad()
def turned_by_articles(model, tokenizer, some):
    """The share of sentences in which the pronoun turns when le and la are swapped in the French before it."""
    le, la = tokenizer.encode("le la").tolist()
    turned = []
    for voice in ("active", "passive"):
        choice = asked([each for each in some if each.voice == voice], tokenizer)
        is_le, is_la = choice.answer == le, choice.answer == la  # (B, T) each
        other = choice._replace(answer=choice.answer.masked_fill(is_le, la).masked_fill(is_la, le))
        turned.append(logit_difference(model, choice) * logit_difference(model, other) < 0)  # (B,)
    return torch.cat(turned).float().mean().item()


print(f"the course's translator: {turned_by_articles(model, tokenizer, held_out):.0%} of the pronouns turn")
if own is not model:
    print(f"yours: {turned_by_articles(own, own_tokenizer, held_out):.0%} of the pronouns turn")

# %% [markdown]
# The course's translator does not take the gender from there. A model that was trained from nothing is free to do it the other
# way: to learn from the English only whether "it" is the first animal or the second, and to look the gender up in its own *le* or *la*. If **yours** does, hiding
# the English animal costs it little, and patching finds nothing in its encoder: first or second is the same in the swapped sentence. Two models with the same
# answers need not have the same reasons, and none of it could be seen in the answers.

# %% [markdown]
# ## What each method can show, and what it cannot
#
# | method | shows | does not show |
# |---|---|---|
# | attention weights | where a head looks | whether anything depends on it. Jain and Wallace 2019, "Attention is not Explanation", find that other weights often give the same answer. Wiegreffe and Pinter 2019, "Attention is not not Explanation", reply that this depends on what is asked of an explanation, and that weights chosen at will are no weights that a model would learn. Both are about the weights; neither makes them causes. |
# | hiding a word | what is lost without it | what the model does with it. A sentence with a hole was never seen in training. The model then falls back on a guess, and if the guess is right by chance, nothing seems lost. |
# | gradient × input | what a small step in each vector would change, in one backward pass | large changes: where the model is saturated, the slope is small. Sundararajan et al. 2017, "Axiomatic Attribution for Deep Networks", take the mean of the gradients on the way from 0 to the vector, *integrated gradients*; these do add up to all that is lost on this way. |
# | taking heads out | which heads are needed. Michel et al. 2019, "Are Sixteen Heads Really Better than One?", and Voita et al. 2019, "Analyzing Multi-Head Self-Attention", find that most can go | what heads do together: several that say the same can each be spared. And a head that says 0 is one that the model has never met. |
# | patching heads in | through which heads a difference between two sentences passes. Vig et al. 2020, "Investigating Gender Bias in Language Models Using Causal Mediation Analysis", ask it of heads, Meng et al. 2022, "Locating and Editing Factual Associations in GPT", of hidden states, word by word and layer by layer | what both sentences have in common. Swapping the animals leaves verb and reason alone, so the heads of encoder layer 0 that read them have nearly 0 in the table. |
#
# So none of them is *the* explanation. Each is the answer to one question, asked about one change.

# %% [markdown]
# ## Where next
#
# Things to try: patch from a sentence with another *reason* instead (kind for lost). Which heads stand out now? Write integrated gradients: the
# mean of the gradients at 20 points between 0 and the words' vectors, times the vectors. Do they add up to what is lost when all words are hidden? Then
# take heads out of the model of the [Shakespeare lab](shakespeare.ipynb): which of them does it need to write a name to its end?
