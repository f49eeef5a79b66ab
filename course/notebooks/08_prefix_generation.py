# %% [markdown]
# # 8 · Prefix generation
#
# *The cat did not want to eat because it was full.*
#
# You have a model that scores a French sentence which is already there. If you need a translation,
# you do not have that sentence yet.

# %% [markdown]
# ## The question
#
# In notebook 6 a decoder continued a text. A translator continues nothing: it *answers*, in
# another language. It begins with an empty page, and it has to know when it is done.
# **How does a model write an answer?**
#
# At the end you will have built
#
# - `pad_after_end`, which tidies up a batch of answers of different lengths,
# - `prefix_generation`, the loop that answers a batch of sentences at once.
#
# Then you type a sentence, and your loop translates it.
#
# | | |
# |---|---|
# | Time | about 70 minutes |
# | Points | 13 |
# | Before you start | [Notebook 6](../06-generation/06-generation.ipynb) and [notebook 7](../07-encoder-decoder/07-encoder-decoder.ipynb) |
#
# After a restart of the kernel, select the cell where you were and choose Run → Run All Above Selected Cell. A check that
# fails stops *Run All*: to go on anyway, select the first cell below the checks and choose
# Run → Run Selected Cell and All Below.

# %%
import math
import textwrap
import time

import torch
from torch import nn

import ninelives.checks.prefix_generation as check
import ninelives.model as package
import ninelives.questions.prefix_generation as ask
from ninelives import figures, weights
from ninelives.model import answer_attentions, next_token_probabilities, prefix_stream
from ninelives.text.grammar import every_word, sentences
from ninelives.use_mine import use_mine
from ninelives.widgets import TranslationLab

torch.set_printoptions(precision=2, sci_mode=False)

# %%
EncoderDecoder = use_mine("EncoderDecoder")

# %% [markdown]
# The weights are those of the course's *translator*, as in notebook 7. They go into your class, if yours was found:

# %%
translator, tokenizer = weights.load("translator")
model = weights.copy_into(
    EncoderDecoder(translator.encoder.config, translator.decoder.config), translator)

# %% [markdown]
# ## See it
#
# The English sentence goes through the encoder. The French page is empty.

# %%
ask.where_the_first_word_comes_from()

# %% [markdown]
# Here is the loop at work. At each step the decoder is given the page as it is, at first no word at all, `(1, 0)`, with the
# hidden states of the English as its cache. The last row of its scores says what comes next. That word is
# written on the page, and the decoder is called again:

# %%
english = "the cat did not want to eat because it was full"
prefix = tokenizer.encode(english).unsqueeze(0)  # (1, P)


@torch.no_grad()
def show_page(page):
    """What is written, page (1, t), and what the model would write next."""
    scores, _ = model(prefix, page)  # (1, P + t, V)
    best = scores[0, -1].softmax(-1).topk(3)
    found = zip(best.values.tolist(), best.indices.tolist())
    likely = ", ".join(f"{tokenizer.words[word]} {p:.2f}" for p, word in found)
    text = tokenizer.decode(page[0]) or "(empty)"
    print(f"page: {text:30} rows of scores: {scores.shape[1]:2}   next: {likely}")


def watch_it_write(steps):
    page = prefix[:, :0]  # (1, 0), empty
    for word in prefix_stream(model, prefix, steps, temperature=0):  # as your loop will
        show_page(page)
        page = torch.cat([page, word.unsqueeze(1)], dim=1)  # (1, t + 1)


watch_it_write(5)

# %% [markdown]
# ### When is it done?
#
# In training, every French sentence was followed by one more token, `<end>`. So the model has learned
# to predict it like any other word, when nothing is left to say. Let it write to the end, and see
# what each word attended to when it was written. (A word that follows from the French before it need not
# attend to the English at all.)

# %%
answer = torch.stack(
    list(prefix_stream(model, prefix, 24, temperature=0, end_token=tokenizer.end_token)), dim=1)  # (1, T)
french = [tokenizer.words[word] for word in answer[0].tolist()]


@torch.no_grad()
def attended_to():
    """(T, P + T): the mean weights of all heads, a row for each word of the answer; printed with its probability."""
    rows = torch.cat(answer_attentions(model, prefix, answer)).mean((0, 1))[:-1]  # (T, P + T)
    first = prefix.shape[1] - 1  # the row that predicts the first word
    probabilities = model(prefix, answer)[0][0, first:-1].softmax(-1)  # (T, V)
    print("word        probability   attends to (mean of all heads)")
    for t, word in enumerate(french):
        said = figures.read_row(rows[t], [word], 0, english.split() + french)
        print(f"{word:12} {probabilities[t, answer[0, t]]:10.2f}   {said.removeprefix(f'{word} attends to ')}")
    return rows


attended = attended_to()

# %%
figures.heatmap(
    attended[:, : prefix.shape[1]], french, english.split(),
    title="What each French word attended to when it was written",
    caption="The mean of all heads of the decoder, English columns only. "
            "Rows from top to bottom are steps of the loop.",
)

# %% [markdown]
# ### The rows of a batch end at different steps
#
# Three sentences are translated at once. A batch is a rectangle: all rows have the same length. Here the loop makes 18
# steps, whatever it writes. What comes after `<end>`? Something does, since the loop draws a token for each row at each
# step. But nobody has trained the model on what comes after the end:

# %%
three = [english, "the dog was followed by the hen because it was lost",
         "the cat did not want to eat the fish because it was rotten"]
batch = nn.utils.rnn.pad_sequence(
    [tokenizer.encode(text) for text in three], batch_first=True, padding_value=-1)  # (3, P)


def show_rows(steps):
    for row in package.prefix_generation(model, batch, steps, temperature=0).tolist():
        words = [tokenizer.words[word] for word in row]
        length = words.index("<end>") + 1
        print(f"{length} tokens, then {steps - length} more:", *words)


show_rows(18)

# %%
ask.when_the_loop_may_stop()

# %% [markdown]
# So the end needs two things. The loop has to **stop** as soon as every row has ended. And in each row, what comes **after**
# the first end token has to become padding, −1, as in the targets that such a model is trained on.
#
# ### Encode once
#
# The encoder does not see the French. Whatever is written, the hidden states of the English stay the same. So they are computed
# once, before the loop. Computing them again at every step gives the same answer, only later. How much later?

# %%
@torch.no_grad()
def milliseconds(work, times=20):
    work()
    began = time.perf_counter()
    for _ in range(times):
        work()
    return 1000 * (time.perf_counter() - began) / times


@torch.no_grad()
def what_encoding_once_saves(sentences_at_once, words):
    ids = prefix.expand(sentences_at_once, -1)  # (B, P)
    states = model.encoder(ids, return_hidden=True)  # (B, P, C)
    half = ids[:, : words // 2]  # (B, t), as long as an answer is half-way
    encoding = milliseconds(lambda: model.encoder(ids, return_hidden=True))
    decoding = milliseconds(lambda: model.decoder(half, hidden_cache=states))
    print(f"{sentences_at_once} sentences: the encoder takes {encoding:.0f} ms, "
          f"a step of the decoder about {decoding:.0f} ms")
    once, always = encoding + words * decoding, words * (encoding + decoding)
    print(f"an answer of {words} words takes about {once:.0f} ms if the English is encoded once, "
          f"{always:.0f} ms if at every step")


what_encoding_once_saves(64, words=14)

# %% [markdown]
# ## Build it
#
# ### Exercise 1 · After the end
#
# **1 point · about 10 minutes · tidy up a batch of answers**
#
# | | shape | |
# |---|---|---|
# | in: `tokens` | `(B, T)` | token ids, int64; T is at least 1 |
# | in: `end_token` | a number | the id that ends an answer; it may be 0 |
# | out | `(B, T)` | the same ids, int64, but −1 after the *first* end token of each row |
#
# The end token itself stays. A row without one stays as it is. Leave the argument unchanged.
#
# `Tensor.cumsum` is explained in [notebook 6](../06-generation/06-generation.ipynb).
#
# <details><summary>Hint 1: a nudge</summary>
#
# `tokens == end_token` is True at every end. A position becomes padding if there is at least one end *before* it.
#
# </details>
# <details><summary>Hint 2: counting</summary>
#
# `is_end = tokens == end_token`. Then `is_end.cumsum(1)` counts the ends up to each position, including that position.
# Subtract the position itself, `is_end.long()`, and you have the number of ends before it. (`.long()` makes numbers of
# True and False, which PyTorch cannot subtract.)
#
# </details>
# <details><summary>Hint 3: filling</summary>
#
# `tokens.masked_fill(where, -1)` gives a new tensor, with −1 wherever `where` is True.
#
# </details>

# %% solution="pad-after-end"
def pad_after_end(tokens, end_token):
    """tokens: (B, T) int64. Returns (B, T) int64, with -1 after the first end token of each row."""
    ### BEGIN SOLUTION
    is_end = tokens == end_token  # (B, T)
    ends_before = is_end.cumsum(1) - is_end.long()  # (B, T)
    return tokens.masked_fill(ends_before > 0, -1)  # (B, T)
    ### END SOLUTION

# %% [markdown]
# #### Check it

# %% points=1 test="pad-after-end-values"
check.pad_after_end(pad_after_end, "values")
### BEGIN HIDDEN TESTS
check.pad_after_end(pad_after_end, "values", seed=1)
check.pad_after_end(pad_after_end, "values", seed=2)
### END HIDDEN TESTS

# %% [markdown]
# ### Exercise 2 · The loop
#
# **12 points · about 25 minutes · answer a batch of sentences**
#
# | | shape | |
# |---|---|---|
# | in: `model` | | has `model.encoder` and `model.decoder` |
# | in: `prefix` | `(B, P)` | English ids, −1 where a sentence is padded at its end |
# | in: `max_new_tokens` | a number | the most tokens to write; 0 gives `(B, 0)` |
# | in: `temperature` | a number | as in notebook 6: 0 is greedy, negative a `ValueError` |
# | in: `end_token` | a number or None | None: nothing ends before `max_new_tokens`, and nothing is padded |
# | out | `(B, new)` | what is new and nothing else, int64; −1 after a row's end token |
#
# 1. Refuse a negative temperature, first of all. Put the model into eval mode, and at the end back into the mode that it was in.
#    Nothing is trained here, so no gradients.
# 2. Encode the prefix, once. Begin with an empty answer, `(B, 0)`.
# 3. At each step, the decoder reads **the whole answer so far**, with the hidden states as its cache. From the last row of its
#    scores draw one token for each row of the batch, and append it.
# 4. Stop as soon as every row has an end token. Pad.
#
# The two halves of the model, as you wrote them:
#
# | call | gives |
# |---|---|
# | `model.encoder(prefix, return_hidden=True)` | the hidden states, `(B, P, n_embd)` |
# | `model.decoder(answer, hidden_cache=…)` | a pair: logits `(B, P + t, vocab_size)`, and None as there are no targets |
# | `next_token_probabilities(logits, temperature)` of notebook 6 | `(B, vocab_size)` to `(B, vocab_size)` |
#
# `Tensor.any`, `Tensor.all` and empty tensors are explained [below](#The-PyTorch-calls).
#
# <details><summary>Hint 1: a nudge</summary>
#
# Put your `generate` of notebook 6 beside it. Three things differ: the text begins empty, the decoder is given a cache, and the
# answer is padded after its end.
#
# </details>
# <details><summary>Hint 2: an empty answer</summary>
#
# `prefix[:, :0]` has B rows and no columns, and holds int64. `torch.zeros(B, 0)` would hold floats.
#
# </details>
# <details><summary>Hint 3: one step</summary>
#
# `logits, _ = model.decoder(answer, hidden_cache=hidden_cache)`, then `logits[:, -1]`. The last row is the right one
# at every step: at the first, when it belongs to the prefix, and also if the prefix is padded. Draw with
# `torch.multinomial(probabilities, 1)`, which gives `(B, 1)`.
#
# </details>
# <details><summary>Hint 4: has every row ended?</summary>
#
# `(answer == end_token).any(1)` is True for each row that contains an end token, and `.all()` asks whether all do. Both only
# make sense with an end token, and 0 may be one: first ask `end_token is not None`. Leave the loop with `break`, so that the mode is
# restored after it.
#
# </details>

# %% solution="prefix-generation"
def prefix_generation(model, prefix, max_new_tokens, temperature=1.0, end_token=None):
    """prefix: (B, P) int64, -1 is padding. Returns (B, new) int64: the answers, -1 after their end tokens."""
    ### BEGIN SOLUTION
    if temperature < 0:
        raise ValueError(f"temperature is {temperature}: it must be 0 (greedy) or above.")
    was_training = model.training
    model.eval()
    with torch.no_grad():
        hidden_cache = model.encoder(prefix, return_hidden=True)  # (B, P, C)
        answer = prefix[:, :0]  # (B, 0)
        for _ in range(max_new_tokens):
            logits, _ = model.decoder(answer, hidden_cache=hidden_cache)  # (B, P + t, V)
            token = torch.multinomial(next_token_probabilities(logits[:, -1], temperature), 1)  # (B, 1)
            answer = torch.cat((answer, token), dim=1)  # (B, t + 1)
            if end_token is not None and (answer == end_token).any(1).all():
                break
    model.train(was_training)
    return answer if end_token is None else pad_after_end(answer, end_token)
    ### END SOLUTION

# %% [markdown]
# #### Check it
#
# The checks use a toy model whose next token is known, so that they can tell where a wrong token comes from. Each
# check relies on the ones above it, so fix them from the top.

# %% points=1 test="prefix-generation-shape"
check.prefix_generation(prefix_generation, "shape")
### BEGIN HIDDEN TESTS
check.prefix_generation(prefix_generation, "shape", seed=1)
### END HIDDEN TESTS

# %% points=2 test="prefix-generation-feed-back"
check.prefix_generation(prefix_generation, "feed back")
### BEGIN HIDDEN TESTS
check.prefix_generation(prefix_generation, "feed back", seed=1)
check.prefix_generation(prefix_generation, "feed back", seed=2)
### END HIDDEN TESTS

# %% points=1 test="prefix-generation-padding"
check.prefix_generation(prefix_generation, "padding")
### BEGIN HIDDEN TESTS
check.prefix_generation(prefix_generation, "padding", seed=1)
### END HIDDEN TESTS

# %% points=1 test="prefix-generation-encode-once"
check.prefix_generation(prefix_generation, "encode once")
### BEGIN HIDDEN TESTS
check.prefix_generation(prefix_generation, "encode once", seed=1)
### END HIDDEN TESTS

# %% points=2 test="prefix-generation-end"
check.prefix_generation(prefix_generation, "end")
### BEGIN HIDDEN TESTS
check.prefix_generation(prefix_generation, "end", seed=1)
check.prefix_generation(prefix_generation, "end", seed=2)
### END HIDDEN TESTS

# %% points=2 test="prefix-generation-draws"
check.prefix_generation(prefix_generation, "draws")
### BEGIN HIDDEN TESTS
check.prefix_generation(prefix_generation, "draws", seed=1)
### END HIDDEN TESTS

# %% points=1 test="prefix-generation-greedy"
check.prefix_generation(prefix_generation, "greedy")
### BEGIN HIDDEN TESTS
check.prefix_generation(prefix_generation, "greedy", seed=1)
### END HIDDEN TESTS

# %% points=1 test="prefix-generation-negative"
check.prefix_generation(prefix_generation, "negative")
### BEGIN HIDDEN TESTS
check.prefix_generation(prefix_generation, "negative", seed=1)
### END HIDDEN TESTS

# %% points=1 test="prefix-generation-manners"
check.prefix_generation(prefix_generation, "leaves the model as it was")
### BEGIN HIDDEN TESTS
check.prefix_generation(prefix_generation, "leaves the model as it was", seed=1)
### END HIDDEN TESTS

# %% [markdown]
# ### Ten sentences that the translator has never seen
#
# In training, the two animals of each of these sentences never met. They have different genders, so the pronoun is right only if
# the model knows what "it" is. They are translated in one batch. The next cell says whose loop does it:

# %%
held_out = sentences("held out", 10, seed=8)


def padded_ids(texts):
    """(B, P) int64, -1 where a sentence is padded at its end."""
    return nn.utils.rnn.pad_sequence(
        [tokenizer.encode(text) for text in texts], batch_first=True, padding_value=-1)


def translations(generation, texts, temperature=0):
    """The French for each of the texts."""
    answers = generation(model, padded_ids(texts), 24, temperature, end_token=tokenizer.end_token)  # (B, new)
    return [tokenizer.decode(row) for row in answers]


loop = check.prefix_generation.yours_if_it_runs(
    prefix_generation, package.prefix_generation, lambda mine: translations(mine, [english]))

# %%
for sentence, translation in zip(held_out, translations(loop, [one.english for one in held_out])):
    verdict = "right" if translation == sentence.french else "WRONG"
    print(f"{verdict}   {sentence.english}\n        {translation}")

# %% [markdown]
# ## Play with it
#
# ### A sentence that the model is not sure about
#
# Nearly everywhere this model is almost certain, because the grammar of its sentences is small. Here is one where it is not. In the
# course's sentences it is the one being teased who is shy, but the passive of "teased" together with "shy" was held back from its training:

# %%
unsure = "the pig was teased by the owl because it was shy"


def how_often(temperature, times=500):
    """How many of `times` drawn translations say il, and how many elle."""
    drawn = translations(loop, [unsure] * times, temperature)
    said = {"il": 0, "elle": 0, "neither": 0}
    for text in drawn:
        words = tokenizer.cut(text)
        said["il" if "il" in words else "elle" if "elle" in words else "neither"] += 1
    print(f"temperature {temperature:<4}", *(f"{word} {count:3}  " for word, count in said.items()),
          f"{len(set(drawn)):3} different translations")
    print(textwrap.fill(f"one of them: {drawn[-1]}", 100, initial_indent="    ", subsequent_indent=" " * 17))


torch.manual_seed(0)
for temperature in (0, 0.2, 1.0, 2.0):
    how_often(temperature)

# %% [markdown]
# At temperature 0 all are the same. Already at 0.2 the pronoun varies, since *il* and *elle* are almost equally likely
# to the model, 0.53 and 0.46, while every other word is certain. The temperature of 0.2 makes about two to one of that. At 1 the draws
# follow the model's own probabilities. At 2, words that it would hardly ever choose get their chance, and it has never read what comes
# after such a word. A story may be bold; a translation should not be.
#
# These are counts of random draws: with another seed each would be different by 10 or 20. With 50 draws instead of 500, chance could
# hide the difference between 0.2 and 1.
#
# ### Several answers at once: beam search
#
# A greedy loop decides word by word and never looks back. **Beam search** keeps the best few answers at each step, by the
# probability of *all* their words, and lengthens each of them by its most likely words. With one beam it is greedy. This is the
# loop once more, with several pages; read it, there is nothing to write:

# %%
@torch.no_grad()
def beam_search(prefix, beams, most=24):
    """prefix: (1, P). The best answers, as many as there are beams: (log-probability, words), best first."""
    states = model.encoder(prefix, return_hidden=True)  # (1, P, C)
    pages = [(0.0, [])]  # the log-probability of a page, and its words
    for _ in range(most):
        longer = [(score, words) for score, words in pages if tokenizer.end_token in words]
        for score, words in pages:
            if tokenizer.end_token in words:
                continue
            page = torch.tensor([words], dtype=torch.long)  # (1, t)
            logits, _ = model.decoder(page, hidden_cache=states)  # (1, P + t, V)
            best = logits[0, -1].log_softmax(-1).topk(beams)
            longer += [(score + more, [*words, word])
                       for more, word in zip(best.values.tolist(), best.indices.tolist())]
        pages = sorted(longer, reverse=True)[:beams]
    return pages


for score, words in beam_search(tokenizer.encode(unsure).unsqueeze(0), beams=3):
    print(f"{math.exp(score):.3f}   {tokenizer.decode(words)}")

# %% [markdown]
# Here greedy and beam search agree on the best answer, and beam search shows the second as well, which is nearly as probable. The two
# can differ only where the word that looks best at first leads to an answer that is less probable as a whole. A model that is
# almost certain of every word gives little occasion for that.
#
# The most probable answer need not be the right one. Try *the turtle was chased by the parrot because it was angry*. The best
# answer is wrong, for greedy and beam search alike, and the right one comes second.
#
# ### Type a sentence
#
# Press Enter, and the sentence is translated and written word by word. The bar above each word shows how
# much the word that is being written attends to it; below you see which words were most likely at this step. Move from word to word with the
# slider, or click one. Choose a single head, or the mean of all. The line at the bottom says whose model and whose loop have
# written it.
#
# Things to try:
#
# - The lab opens at the pronoun. What would have been the other choice, and what does this word attend to?
# - Swap the two animals, or make the sentence active: *the owl teased the pig because it was shy*. Is the model surer?
# - Use a word that it cannot know, such as *zebra*.
# - Show it to somebody who has no Python: `lab.save_html("translator.html")` writes a page that translates with your model.

# %%
lab = TranslationLab(
    model, tokenizer, unsure, generate=prefix_generation, words=every_word("english"))
lab.step = next((k for k, word in enumerate(lab.french, 1) if word in ("il", "elle")), len(lab.french))
lab

# %%
known = every_word("english")
print(textwrap.fill(f"It knows these {len(known)} English words: " + ", ".join(known), 100))

# %% [markdown]
# ## A common misreading
#
# In notebook 6 the function was called `generate(model, idx, …)`: a prompt went in, and it came out longer. "Generation with a prefix"
# sounds like the same thing.

# %%
ask.where_a_new_word_goes()

# %% [markdown]
# Here is what happens if the prefix is treated as a prompt: each French word is appended to the English ones, and the encoder reads it
# all again.

# %%
@torch.no_grad()
def as_if_it_were_a_prompt(text, most=14):
    """Every new word is appended to the prefix, which the encoder reads again."""
    one = tokenizer.encode(text).unsqueeze(0)  # (1, P)
    grown = one
    for _ in range(most):
        states = model.encoder(grown, return_hidden=True)  # (1, P + t, C)
        scores, _ = model.decoder(grown[:, :0], hidden_cache=states)  # (1, P + t, V)
        grown = torch.cat((grown, scores[:, -1].argmax(-1, keepdim=True)), dim=1)  # (1, P + t + 1)
        if (grown == tokenizer.end_token).any():
            break
    return tokenizer.decode(grown[0, one.shape[1] :])


for sentence in held_out[:3]:
    print(sentence.english)
    print(f"    as an answer:  {translations(loop, [sentence.english])[0]}")
    print(f"    as a prompt:   {as_if_it_were_a_prompt(sentence.english) or '(nothing)'}")

# %% [markdown]
# The shapes fit, no error is raised, and the first word is even right: at the first step there is no difference yet. But from the second step
# on, the encoder reads English followed by French, which it has never seen, and the decoder always
# starts from an empty page, where it has learned to write the *first* word of an answer.
#
# The two texts have two readers. **The prefix goes to the encoder and never grows. The answer goes to the decoder, begins
# empty, and grows.** Counted on more sentences that the model has never seen:

# %%
hundred = sentences("held out", 100, seed=9)
answers = translations(loop, [sentence.english for sentence in hundred])
right = sum(text == sentence.french for text, sentence in zip(answers, hundred))
by_prompt = sum(as_if_it_were_a_prompt(one.english, most=16) == one.french for one in hundred[:20])
print(f"as an answer: {right} of 100 translations are right; as a prompt: {by_prompt} of 20")

# %% [markdown]
# ## In papers
#
# Sutskever et al. 2014, "Sequence to Sequence Learning" ([arXiv 1409.3215](https://arxiv.org/abs/1409.3215)), write the probability
# of an answer $y_1, \dots, y_T$ to a sentence as a product, where $x$ is what the encoder has made of the sentence:
#
# $$p(y_1, \dots, y_T \mid x) = \prod_{t=1}^{T} p(y_t \mid x, y_1, \dots, y_{t-1})$$
#
# and each factor is a softmax over the last row of the decoder's scores. $y_T$ is the end token. A model that writes this way is called
# **autoregressive**.
#
# | here | in papers |
# |---|---|
# | prefix | source sentence, input, context |
# | answer | target sentence, output |
# | end token | EOS, "end of sequence" |
# | `prefix_generation`, the loop | decoding, inference |
# | temperature 0 | greedy decoding, greedy search |
# | the most probable of several answers | beam search, beam size *k*; often with a length penalty, since every further word lowers the product (Wu et al. 2016, [arXiv 1609.08144](https://arxiv.org/abs/1609.08144), section 7) |
# | hidden states of the encoder | encoder output, memory. They are *not* the KV cache: that one holds the keys and values of the words that have been written |
#
# In the Transformer of 2017 the decoder starts from a start token, and cross-attention reads the encoder's output. Here the
# hidden states come first in the decoder's own sequence, so the last of them plays the part of the start token. A single model that
# reads its prefix in both directions and then writes is called a *prefix LM* (Raffel et al. 2020,
# [arXiv 1910.10683](https://arxiv.org/abs/1910.10683), section 3.2).

# %% [markdown]
# ## The PyTorch calls
#
# ### `Tensor.any(dim)` and `Tensor.all(dim)`
#
# **In:** a tensor of True and False. **Out:** whether there is at least one True along `dim`, or only Trues; without
# `dim`, in the whole tensor.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.any.html)

# %%
is_end = torch.tensor([[False, True, False, True], [False, False, False, False]])
print(is_end.any(1), is_end.any(1).all())
assert is_end.any(1).tolist() == [True, False]
assert not is_end.any(1).all() and is_end.any()

# %% [markdown]
# ### `Tensor.new_empty(*size)`
#
# **In:** the sizes. **Out:** a tensor of this shape, with the dtype and the device of the tensor that it is called on. Its values are whatever
# the memory held before. With a size of 0 there are no values, which is how an answer begins.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.Tensor.new_empty.html)

# %%
ids = torch.tensor([[4, 8], [2, 9]])
empty = ids.new_empty(2, 0)
print(empty.dtype, tuple(empty.shape))
assert empty.dtype == torch.int64 and empty.shape == (2, 0)
assert torch.cat((empty, ids), dim=1).tolist() == [[4, 8], [2, 9]]
assert torch.zeros(1, 0).dtype == torch.float32, "zeros and empty make floats unless they are told otherwise"

# %% [markdown]
# ## Where next
#
# All weights so far were trained for you. In [notebook 9](../09-training/09-training.ipynb) you train a translator from nothing, on
# your own computer, until it gets the pronoun right. The measure of its success is the loop that you wrote here: how many sentences does
# it translate correctly, word for word?

# %%
from ninelives.progress import where_am_i

where_am_i()
