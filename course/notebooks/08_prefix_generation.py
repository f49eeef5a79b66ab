# %% [markdown]
# # 8 · Prefix generation
#
# *The cat did not want to eat because it was full.*
#
# You have a model that scores a French sentence which is already there. Nobody who needs a
# translation has one.

# %% [markdown]
# ## The question
#
# In notebook 6 a decoder continued a text. A translator continues nothing: it *answers*, in
# another language, beginning with an empty page, and it has to know when it is done.
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
# | Time | about 60 minutes |
# | Points | 12 |
# | What you should know | [Notebook 6](../06-generation/06-generation.ipynb) and [notebook 7](../07-encoder-decoder/07-encoder-decoder.ipynb) |

# %%
import torch
from torch import nn

import ninelives.checks.prefix_generation as check
import ninelives.model as package
from ninelives import figures, weights
from ninelives.model import answer_attentions, next_token_probabilities, prefix_stream
from ninelives.text.grammar import every_word, sentences
from ninelives.use_mine import use_mine
from ninelives.widgets import TranslationLab

torch.set_printoptions(precision=2, sci_mode=False)

# %%
EncoderDecoder = use_mine("EncoderDecoder")

# %%
translator, tokenizer = weights.load("translator")
end = tokenizer.end_token
model = weights.copy_into(EncoderDecoder(translator.encoder.config, translator.decoder.config), translator)

# %% [markdown]
# ## See it
#
# The English sentence goes through the encoder. The French page is empty, so the decoder is given no
# word at all, `(1, 0)`, and the hidden states as its cache. That is enough for one row of scores:
# the last row of the prefix. From it comes the first word. It is written on the page, the decoder
# is asked again, and so on:

# %%
english = "the cat did not want to eat because it was full"
prefix = tokenizer.encode(english).unsqueeze(0)  # (1, P)
P = prefix.shape[1]

@torch.no_grad()
def show_page(page):
    """What is written, page (1, t), and what the model would write next."""
    scores = model(prefix, page)[0]  # (1, P + t, V)
    best = scores[0, -1].softmax(-1).topk(3)
    found = zip(best.values.tolist(), best.indices.tolist())
    rivals = ", ".join(f"{tokenizer.words[word]} {p:.2f}" for p, word in found)
    print(f"page: {tokenizer.decode(page[0]) or '(empty)':30} rows of scores: {scores.shape[1]:2}   next: {rivals}")


page = torch.empty(1, 0, dtype=torch.long)  # (1, 0), empty
for word in prefix_stream(model, prefix, 5, temperature=0):  # one word after the other, as you will write it
    show_page(page)
    page = torch.cat([page, word.unsqueeze(1)], dim=1)  # (1, t + 1)

# %% [markdown]
# ### When is it done?
#
# In training every French sentence was followed by one more token, `<end>`. So the model has learnt
# to predict it, like any word, when nothing is left to say. Let it go on to the end, and look at
# where each word looked when it was written. (A word that follows from the French before it need not look
# at the English at all.)

# %%
answer = torch.stack(list(prefix_stream(model, prefix, 24, temperature=0, end_token=end)), dim=1)  # (1, T)
french = [tokenizer.words[word] for word in answer[0].tolist()]
probabilities = model(prefix, answer)[0].detach()[0, P - 1 : -1].softmax(-1)  # (T, V)
looked = torch.cat(answer_attentions(model, prefix, answer)).mean((0, 1))[:-1]  # (T, P + T), the mean of all heads
on_english = looked[:, :P]  # (T, P)

print("word        probability   looks at (mean of all heads)")
for t, word in enumerate(french):
    reads = figures.read_row(looked[t], [word], 0, english.split() + french).removeprefix(word)
    print(f"{word:12} {probabilities[t, answer[0, t]]:10.2f}  {reads}")

# %%
figures.heatmap(
    on_english, french, english.split(), title="Where each French word looked",
    caption="The mean of all heads of the decoder, English columns only. "
            "Rows from top to bottom are steps of the loop.",
)

# %% [markdown]
# ### A batch ends raggedly
#
# Three sentences are translated at once. A batch is a box, so the loop goes on until the *last* of the answers has ended.
# What does it draw for the others in the meantime? Something: nobody has trained the model on
# what comes after the end.

# %%
three = [english, "the dog was followed by the hen because it was lost",
         "the cat did not want to eat the fish because it was rotten"]
rows = [tokenizer.encode(text) for text in three]
batch = nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=-1)  # (3, P)
longest = package.prefix_generation(model, batch, 24, temperature=0, end_token=end).shape[1]
raw = package.prefix_generation(model, batch, longest, temperature=0)  # (3, T), no end token given
for row in raw.tolist():
    print(" ".join(tokenizer.words[word] for word in row))

# %% [markdown]
# So two things are to be done about the end. The loop has to **stop** when every row has ended. And in each row, what stands **behind**
# the end has to become padding, −1, as it does in the targets that such a model is trained on.
#
# ### Encode once
#
# The encoder does not see the French. Whatever is written, the hidden states of the English stay the same. So they are computed
# once, before the loop. (Computing them again at every step gives the same answer, only later.)
#
# ## Build it
#
# ### Exercise 1 · Behind the end
#
# **1 point · about 10 minutes · tidy up a batch of answers**
#
# | | shape | |
# |---|---|---|
# | in: `tokens` | `(B, T)` | token ids |
# | in: `end_token` | a number | the id that ends an answer |
# | out | `(B, T)` | the same, but −1 behind the *first* end token of each row |
#
# The end token itself stays. A row without one stays as it is. Leave the argument alone.
#
# <details><summary>Hint 1: a nudge</summary>
#
# `tokens == end_token` is True at every end. Padding is wherever at least one end stands *before* the place.
#
# </details>
# <details><summary>Hint 2: counting</summary>
#
# `.cumsum(1)` of that counts the ends up to each place, the place itself among them. Take the place itself away again,
# and you have the number of ends before it.
#
# </details>
# <details><summary>Hint 3: filling</summary>
#
# `tokens.masked_fill(where, -1)` gives a new tensor.
#
# </details>

# %% solution="pad-after-end"
def pad_after_end(tokens, end_token):
    """tokens: (B, T) int64. Returns (B, T) int64, with -1 behind the first end token of each row."""
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
# **11 points · about 25 minutes · answer a batch of sentences**
#
# | | shape | |
# |---|---|---|
# | in: `model` | | has `model.encoder` and `model.decoder` |
# | in: `prefix` | `(B, P)` | English ids, −1 where a sentence is padded at its end |
# | in: `max_new_tokens` | a number | the most tokens to write |
# | in: `temperature` | a number | as in notebook 6: 0 is greedy, negative a `ValueError` |
# | in: `end_token` | a number or None | None: nothing ends before `max_new_tokens` |
# | out | `(B, new)` | what is new and nothing else; −1 behind a row's end token |
#
# 1. Refuse a negative temperature. Put the model into eval mode, and at the end back into the mode it was in. Nobody
#    learns here, so no gradients.
# 2. Encode the prefix, once. Begin with an empty answer, `(B, 0)`.
# 3. At each step: the decoder reads **the answer so far**, with the hidden states as its cache. From the last row of its
#    scores draw one token for each row of the batch, and append it.
# 4. Stop as soon as every row has an end token. Pad.
#
# `next_token_probabilities(logits, temperature)` of notebook 6 is there: `(B, vocab_size)` to `(B, vocab_size)`.
#
# <details><summary>Hint 1: a nudge</summary>
#
# Put your `generate` of notebook 6 beside it. Three things differ: the text begins empty, the decoder is given a cache, and there
# is an end.
#
# </details>
# <details><summary>Hint 2: an empty answer</summary>
#
# `prefix[:, :0]` has B rows and no column, and its numbers would be whole ones. `torch.zeros(B, 0)` would hold floats.
#
# </details>
# <details><summary>Hint 3: one step</summary>
#
# `logits, _ = model.decoder(answer, hidden_cache=hidden_cache)`, then `logits[:, -1]`. The last row is the right one
# at every step, also at the first, when it belongs to the prefix, and also if the prefix is padded.
#
# </details>
# <details><summary>Hint 4: has every row ended?</summary>
#
# `(answer == end_token).any(1)` is True for each row that holds an end token, and `.all()` asks whether all do. Mind that 0 is a
# token id too: ask `end_token is not None`.
#
# </details>

# %% solution="prefix-generation"
def prefix_generation(model, prefix, max_new_tokens, temperature=1.0, end_token=None):
    """prefix: (B, P) int64, -1 is padding. Returns (B, new) int64: the answers, -1 behind their end tokens."""
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
# The checks use a toy model whose next token is known, so that they can tell where a wrong token comes from.

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
# "it" is understood. Your loop translates them in one batch. (The first cell decides whose loop it is.)

# %%
YourGeneration = check.prefix_generation.yours_if_it_passes(prefix_generation, package.prefix_generation)

# %%
held_out = sentences("held out", 10, seed=8)


def padded_ids(texts):
    """(B, P) int64, -1 where a sentence is padded at its end."""
    return nn.utils.rnn.pad_sequence([tokenizer.encode(text) for text in texts], batch_first=True, padding_value=-1)


prefixes = padded_ids([sentence.english for sentence in held_out])  # (10, P)
answers = YourGeneration(model, prefixes, 24, 0, end_token=end)  # (10, T)
for sentence, row in zip(held_out, answers):
    translation = tokenizer.decode(row)
    print(f"{'right' if translation == sentence.french else 'WRONG'}   {sentence.english}\n        {translation}")

# %% [markdown]
# **And the temperature?** A story may be bold, a translation should not. The same sentence, three times at each temperature:

# %%
torch.manual_seed(0)
for temperature in (0, 0.5, 1.0, 2.0):
    drawn = YourGeneration(model, prefix.expand(3, -1), 24, temperature, end_token=end)  # (3, T)
    for row in drawn:
        print(f"temperature {temperature:<4} {tokenizer.decode(row)}")

# %% [markdown]
# The model is so sure of nearly every word that a temperature of 1 hardly moves it. At 2, words that it would never choose get
# their chance, and what comes after such a word it has never read.
#
# ## Play with it
#
# Type a sentence and press Enter. It is translated by your loop, and written word by word: above each word stands how
# much the word that is being written looks at it, and below what else might have been written. Go from word to word with the
# slider, or click one. Choose a single head, or the mean of all.
#
# Things to try:
#
# - Exchange the two animals, or make the sentence active: *the hen followed the dog because it was lost*.
# - Stop at the pronoun. How sure is the model? What would have been the other choice?
# - Use a word that it cannot know, such as *zebra*.

# %%
TranslationLab(model, tokenizer, english, generate=YourGeneration)

# %%
print("It knows these words:", ", ".join(every_word("english")))

# %% [markdown]
# ## A common misreading
#
# > "Adjust original generation function to work Encoder-Decoder models. **Add prefix as a parameter** to model along with the
# > indices tensor."
#
# A prefix is what stands in front. In notebook 6 what stood in front was the prompt, and every new token was
# put behind it. So it seems natural to do the same here: put each French word behind the English ones, and let the encoder read it
# all again.

# %%
@torch.no_grad()
def as_if_it_were_a_prompt(model, prefix, most, end_token):
    """Every new word is put behind the prefix, which the encoder reads again."""
    for _ in range(most):
        scores, _ = model.decoder(prefix[:, :0], hidden_cache=model.encoder(prefix, return_hidden=True))
        prefix = torch.cat((prefix, scores[:, -1].argmax(-1, keepdim=True)), dim=1)
        if (prefix == end_token).any():
            break
    return prefix


for sentence in held_out[:3]:
    one = tokenizer.encode(sentence.english).unsqueeze(0)  # (1, P)
    wrong = as_if_it_were_a_prompt(model, one, 14, end)[0, one.shape[1] :]
    answer = YourGeneration(model, one, 24, 0, end_token=end)[0]
    print(sentence.english)
    print(f"    as an answer:  {tokenizer.decode(answer)}\n    as a prompt:   {tokenizer.decode(wrong) or '(nothing)'}")

# %% [markdown]
# The shapes fit, nothing is raised, and the first word is even right: at the first step there is no difference yet. But from the second step on the
# encoder reads English with French behind it, which it has never seen, and the decoder always
# stands before an empty page, where it has learnt to say the *first* word of an answer.
#
# The two texts have two readers. **The prefix goes to the encoder and never grows. The answer goes to the decoder, begins
# empty, and grows.** Counted on more sentences that it has never seen:

# %%
hundred = sentences("held out", 100, seed=9)
answers = YourGeneration(model, padded_ids([sentence.english for sentence in hundred]), 24, 0, end_token=end)
right = sum(tokenizer.decode(row) == sentence.french for row, sentence in zip(answers, hundred))
by_prompt = 0
for sentence in hundred[:20]:
    one = tokenizer.encode(sentence.english).unsqueeze(0)
    by_prompt += tokenizer.decode(as_if_it_were_a_prompt(model, one, 16, end)[0, one.shape[1] :]) == sentence.french
print(f"as an answer: {right} of 100 translations are right; as a prompt: {by_prompt} of 20")

# %% [markdown]
# ## The PyTorch calls
#
# ### `Tensor.cumsum(dim)`
#
# **In:** a tensor. **Out:** the same shape; each place holds the sum of all up to it along `dim`. Of True and
# False it counts the Trues.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.cumsum.html)

# %%
is_end = torch.tensor([[False, True, False, True], [False, False, False, False]])
print(is_end.cumsum(1))
assert is_end.cumsum(1).tolist() == [[0, 1, 1, 2], [0, 0, 0, 0]]

# %% [markdown]
# ### `Tensor.any(dim)` and `Tensor.all(dim)`
#
# **In:** a tensor of True and False. **Out:** whether there is at least one True along `dim`, or nothing but Trues; without
# `dim`, in all of it.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.any.html)

# %%
print(is_end.any(1), is_end.any(1).all())
assert is_end.any(1).tolist() == [True, False]
assert not is_end.any(1).all() and is_end.any()

# %% [markdown]
# ### `Tensor.new_empty(*size)`
#
# **In:** the sizes. **Out:** a tensor of this shape, of the same type and on the same device as the first; what it holds is whatever the
# memory held. With a size of 0 it holds nothing, which is what an answer begins with.
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
# All the weights so far were trained for you. In [notebook 9](../09-training/09-training.ipynb) you train a translator from nothing, on
# your own computer, until it gets the pronoun right, and your loop will tell you when it does.
