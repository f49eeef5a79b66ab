# %% [markdown]
# # 7 · Encoder–decoder
#
# *The cat did not want to eat because it was full.*
#
# You have a Transformer that reads and one that writes. The reader can find out who was
# full. The writer can say so, but it does not know what the reader has read.

# %% [markdown]
# ## The question
#
# In French, "it" is *il* or *elle*: a cat is a *he*, a cow is a *she*. Anyone who translates the
# sentence has to know who was full, and has to write one word at a time.
# **How do you hand what one Transformer has understood to another one that writes?**
#
# At the end you will have built
#
# - `joint_mask`, which says who may attend to whom in two texts at once,
# - `PrefixDecoder`, your decoder, which can now begin after a text that another Transformer has read,
# - `EncoderDecoder`, two Transformers that are trained as one, from a single loss.
#
# With the weights of a translator that was trained for the course, your class will turn the
# cat's sentence into French.
#
# | | |
# |---|---|
# | Time | about 90 minutes |
# | Points | 18 |
# | Before you start | [Notebook 4](../04-encoder/04-encoder.ipynb) and [notebook 5](../05-decoder/05-decoder.ipynb); from [notebook 3](../03-transformer/03-transformer.ipynb) the method `join` |
#
# After a restart of the kernel: *Run → Run All Above Selected Cell*. A check that does not pass
# yet stops *Run All*: select the first cell below the checks, then *Run → Run Selected Cell and All Below*.

# %%
import math

import torch
from torch import nn
from torch.nn import functional as F

import ninelives.checks.encoder_decoder as check
import ninelives.model as package
import ninelives.questions.encoder_decoder as ask
from ninelives import figures, weights
from ninelives.config import TransformerConfig
from ninelives.figures import whose
from ninelives.model import answer_attentions, masks, prefix_generation, stream
from ninelives.use_mine import use_mine
from ninelives.widgets import AttentionExplorer, MaskLab

torch.set_printoptions(precision=2, sci_mode=False)

# %%
Encoder = use_mine("Encoder")
Decoder = use_mine("Decoder")

# %% [markdown]
# ## See it
#
# Here is the course's *translator*: an encoder and a decoder, trained on 40,000 sentences like the cat's and their French. Its
# encoder began as the *antecedent* encoder of notebook 2, and keeps its first two layers. Look at the words for
# "it" and for what "it" was. In the last two sentences nothing but the order of the animals
# has changed. (The classes in this section are the package's, and so are the masks. Yours come further down.)

# %%
translator, tokenizer = weights.load("translator")


def translate(model, english):
    """The most likely French, word by word. How that is done is the subject of notebook 8."""
    prefix = tokenizer.encode(english).unsqueeze(0)  # (1, P)
    return tokenizer.decode(prefix_generation(model, prefix, 24, temperature=0, end_token=tokenizer.end_token)[0])


for text in (
    "the cat did not want to eat because it was full",
    "the cow did not want to eat because it was full",
    "the dog was followed by the hen because it was lost",
    "the hen was followed by the dog because it was lost",
):
    print(f"{text}\n    {translate(translator, text)}\n")

# %% [markdown]
# Why two Transformers, and not one? In notebook 5 you saw the price of writing: at "it" a
# decoder has seen "cat", but not "full". A translator need not pay it for the English
# sentence, which is all there from the start. So an **encoder** reads the English, and every word
# attends to every word. Only the French, which is not there yet, is left to a **decoder**.
#
# What passes from one to the other? Not scores, and not a word. The encoder hands over its
# *hidden states*: for each English word the vector that comes out of its last block, which
# by now carries traces of the whole sentence. They are put **before** the embeddings of
# the French words, as if they were the beginning of the same text. You wrote that step in notebook 3: `join`.

# %%
english = "the cat did not want to eat because it was full"
english_words = english.split()
prefix = tokenizer.encode(english).unsqueeze(0)  # (1, P)
targets = prefix_generation(translator, prefix, 24, temperature=0, end_token=tokenizer.end_token)  # (1, T)
french = [tokenizer.words[word] for word in targets[0].tolist()]
n_english, n_french = len(english_words), len(french)

figures.two_columns(
    english_words, french, reader=f"encoder, {translator.encoder.config.n_layer} blocks",
    writer=f"decoder: {translator.decoder.config.n_layer} blocks, one attention for both, under a joint mask",
    n_embd=translator.decoder.config.n_embd, vocab_size=translator.decoder.config.vocab_size,
    predicts={n_english - 1 + t: word for t, word in enumerate(french)},
    title="English and French meet in the decoder",
    caption="Left, the encoder reads English. Right, the French is embedded. The two are joined, and one "
            "decoder reads both. The coloured rows of its scores predict the French words below them; the grey "
            "ones are not asked.",
)

# %% [markdown]
# ### The joint mask
#
# In the joined text, who may attend to whom? Take a shorter pair.

# %%
short_english, short_french = "the cat is small".split(), "le chat est petit".split()


def mask_of_a_pair(joint, hidden_cache):
    """(P + 4, P + 4): what a joint mask is for the P rows of a cache (1, P, n_embd), and four French words."""
    causal = package.Decoder(translator.decoder.config).get_attention_mask(torch.tensor([4]))  # (1, 1, 4, 4)
    return joint(hidden_cache, causal)[0, 0]  # (P + 4, P + 4)


figures.mask(
    mask_of_a_pair(masks.joint_mask, torch.ones(1, 4, translator.decoder.config.n_embd)),
    short_english + short_french,
    title="Prefix and answer in one mask",
    blocks=[len(short_english)],
    caption="Four blocks. English attends to English freely; a French word attends to all the English, to the "
    "French before it and to itself. The upper right block is closed: what is read must not depend on what is written.",
)

# %% [markdown]
# - **English to English** (upper left): all open. These words are all there from the start.
# - **French to English** (lower left): all open. This is where the translation comes from.
# - **French to French** (lower right): a triangle. No word attends to what comes later.
# - **English to French** (upper right): all closed.
#
# You wrote the lower right block in notebook 5. Soon you build the other three around it.
#
# ### Padding in the middle
#
# In a batch the English sentences have different lengths, and the shorter ones are padded at their end. Alone, that is harmless. But
# now the French comes after the prefix, so the padding ends up *in the middle* of the joined text:

# %%
def padded_hidden_states(texts):
    """(B, P, C): the encoder's hidden states, zeros where there is padding."""
    ids = [tokenizer.encode(text) for text in texts]
    padded = nn.utils.rnn.pad_sequence(ids, batch_first=True, padding_value=-1)  # (B, P)
    with torch.no_grad():
        return translator.encoder(padded, return_hidden=True)


two_sentences = padded_hidden_states(["the dog was followed by the hen", "the cat was lost"])  # (2, 7, C)
shorter = "the cat was lost".split()
figures.table_picture(
    two_sentences[1, :, :16], [*shorter, "pad", "pad", "pad"],
    title="The shorter sentence, as the encoder gives it",
    caption="One row for each position, the first 16 channels. Rows of padding are zeros. "
            "The French would come after the last one.",
)

# %%
figures.table_picture(
    masks.padding_first(two_sentences)[1, :, :16], ["pad", "pad", "pad", *shorter],
    title="The same, with the padding moved",
    caption="Now the last row belongs to a word, “lost”, as in every sentence of the batch. No word has changed.",
)

# %% [markdown]
# Moving the padding to the front costs nothing. No word notices: the order of these rows plays no part in attention, since
# each vector carries its own position, and the padding is hidden from all. But the **last row** of the prefix is now a word in each
# sentence of the batch. The next section shows why that matters.
#
# ### Which row says what
#
# Each row of the logits predicts what comes *next*. There is one row for each English word, then one for each French word.

# %%
ask.which_row_predicts_the_first_word()

# %%
with torch.no_grad():
    logits, loss = translator(prefix, targets)  # (1, P + T, V)
said = [tokenizer.words[word] for word in logits[0].argmax(-1).tolist()]

print("row   belongs to               most likely next   which is")
for row in range(n_english - 2, n_english + n_french):
    seen = english_words[row] if row < n_english else french[row - n_english]
    target = row - (n_english - 1)
    which = "not asked" if target < 0 else f"targets[:, {target}]" if target < n_french else "after the last target"
    print(f"{row:3}   {seen:24} {said[row] if target >= 0 else '–':18} {which}")

# %% [markdown]
# Read the table from top to bottom. The first rows belong to English words. Each of them has seen the whole English sentence, but the
# word after its own is English, too, and nobody asks for that. The **last row of the prefix** is the first that counts: what comes
# after it is the first word of the answer. T + 1 rows could say something about the answer, and T of them have a target to be compared
# with: from row P − 1 to the last but one.
#
# ## Build it
#
# ### Exercise 1 · Padding first
#
# **2 points · about 10 minutes · tidy up a cache**
#
# | | shape | |
# |---|---|---|
# | in: `hidden_cache` | `(B, P, n_embd)` | what the encoder gives; a row of zeros is padding, and it comes at the end |
# | out | `(B, P, n_embd)` | the same rows: those of zeros first, then those of the words, in their order |
#
# Every example has its own amount of padding. A row is padding when **all** its numbers are 0: their sum will not do, since a new layer
# norm makes the mean of every vector 0. The gradient has to pass through: leave the numbers in the graph.
#
# <details><summary>Hint 1: a nudge</summary>
#
# A loop over the examples is fine: put the rows of zeros before the others with `torch.cat`, and the results together with
# `torch.stack`.
#
# </details>
# <details><summary>Hint 2: which rows are words</summary>
#
# `(hidden_cache != 0).any(-1)`, of shape `(B, P)`, is True at words. It can choose rows: `one[is_word]`, `one[~is_word]`.
#
# </details>
# <details><summary>Hint 3: without a loop</summary>
#
# Sort the positions by `is_word.long()`: `argsort(dim=1, stable=True)` puts False before True, and keeps the order among equals.
# `hidden_cache.gather(1, index)` then takes the rows, if the index has the shape of the cache: `order.unsqueeze(-1).expand_as(hidden_cache)`.
#
# </details>

# %% solution="padding-first"
def padding_first(hidden_cache):
    """hidden_cache: (B, P, n_embd), zero where there is padding. Returns the same rows, those of padding first."""
    ### BEGIN SOLUTION
    is_word = (hidden_cache != 0).any(-1)  # (B, P)
    order = is_word.long().argsort(dim=1, stable=True)  # (B, P)
    return hidden_cache.gather(1, order.unsqueeze(-1).expand_as(hidden_cache))  # (B, P, C)
    ### END SOLUTION

# %% [markdown]
# #### Check it

# %% points=1 test="padding-first-values"
check.padding_first(padding_first, "values")
### BEGIN HIDDEN TESTS
check.padding_first(padding_first, "values", seed=1)
check.padding_first(padding_first, "values", seed=2)
### END HIDDEN TESTS

# %% points=1 test="padding-first-gradient"
check.padding_first(padding_first, "gradient")
### BEGIN HIDDEN TESTS
check.padding_first(padding_first, "gradient", seed=1)
### END HIDDEN TESTS

# %% [markdown]
# ### Exercise 2 · The joint mask
#
# **4 points · about 20 minutes · four blocks, and no padding**
#
# | | shape | |
# |---|---|---|
# | in: `hidden_cache` | `(B, P, n_embd)` | the prefix; rows of zeros are padding, wherever they are |
# | in: `attention_mask` | `(B, 1, T, T)` | the decoder's own mask for the T tokens, 1 or True where a row may attend; T may be 0 |
# | out | `(B, 1, P + T, P + T)` | the four blocks of the picture above |
#
# The lower right block is `attention_mask` as it came: it knows the padding of the tokens already. In the two left blocks every
# column of padding is closed, for all rows. The *rows* of padding stay open to the words: a row that may attend to nothing would
# have a softmax of NaN.
#
# <details><summary>Hint 1: a nudge</summary>
#
# Start with zeros, `(B, 1, P + T, P + T)`, and fill in two regions: all rows of the first P columns, and the last T rows of the last T columns.
# Or build four blocks and put them together with `torch.cat`, two along dim=−1, then both along dim=−2.
#
# </details>
# <details><summary>Hint 2: the columns of the cache</summary>
#
# `(hidden_cache != 0).any(-1)` has the shape `(B, P)`. As one row for all rows of a mask it needs two more axes:
# `[:, None, None, :]` makes it `(B, 1, 1, P)`.
#
# </details>
# <details><summary>Hint 3: sizes</summary>
#
# Take B and P from `hidden_cache.shape`, and T from `attention_mask.shape[-1]`.
#
# </details>

# %% solution="joint-mask"
def joint_mask(hidden_cache, attention_mask):
    """hidden_cache: (B, P, n_embd), attention_mask: (B, 1, T, T). Returns (B, 1, P + T, P + T)."""
    ### BEGIN SOLUTION
    (B, P, _), T = hidden_cache.shape, attention_mask.shape[-1]
    is_word = (hidden_cache != 0).any(-1)[:, None, None, :]  # (B, 1, 1, P)
    above = torch.cat((is_word.expand(B, 1, P, P), torch.zeros(B, 1, P, T, dtype=torch.bool)), dim=-1)
    below = torch.cat((is_word.expand(B, 1, T, P), attention_mask.bool()), dim=-1)
    return torch.cat((above, below), dim=-2)  # (B, 1, P + T, P + T)
    ### END SOLUTION

# %% [markdown]
# #### Check it

# %% points=2 test="joint-mask-blocks"
check.joint_mask(joint_mask, "four blocks")
### BEGIN HIDDEN TESTS
check.joint_mask(joint_mask, "four blocks", seed=1)
check.joint_mask(joint_mask, "four blocks", seed=2)
### END HIDDEN TESTS

# %% points=1 test="joint-mask-padding"
check.joint_mask(joint_mask, "padding")
### BEGIN HIDDEN TESTS
check.joint_mask(joint_mask, "padding", seed=1)
check.joint_mask(joint_mask, "padding", seed=2)
### END HIDDEN TESTS

# %% points=1 test="joint-mask-forms"
check.joint_mask(joint_mask, "mask forms")
### BEGIN HIDDEN TESTS
check.joint_mask(joint_mask, "mask forms", seed=1)
### END HIDDEN TESTS

# %% [markdown]
# #### See it at work
#
# The shorter of the two sentences above, with its French. First `padding_first` moves the padding, then `joint_mask` closes its
# columns. Wrong functions are drawn too, if they can be: compare the picture with the two above.

# %%
def at_work(padding_first, joint_mask):
    """The joint mask of the second sentence, once its padding has been moved, and four French words."""
    tidied = padding_first(two_sentences)[1:]  # (1, 7, C)
    is_padding = (tidied[0] == 0).all(-1).tolist()
    return figures.mask(
        mask_of_a_pair(joint_mask, tidied),
        ["pad" if pad else "word" for pad in is_padding] + ["le", "chat", "était", "perdu"],
        title=f"The mask from {whose(padding_first)} and {whose(joint_mask)}",
        caption="Seven rows of the cache, then four French words. In a correct mask no row may attend to a column of "
                "padding, and the last row before “le” is a word's.",
    )


your_padding_first = check.padding_first.yours_if_it_runs(
    padding_first, masks.padding_first, lambda mine: at_work(mine, masks.joint_mask), trial_decides=True)
your_joint_mask = check.joint_mask.yours_if_it_runs(
    joint_mask, masks.joint_mask, lambda mine: at_work(masks.padding_first, mine), trial_decides=True)
at_work(your_padding_first, your_joint_mask)

# %% [markdown]
# ### Exercise 3 · A decoder that begins after a prefix
#
# **2 points · about 10 minutes · override one method**
#
# In notebook 3 `join` put the cache first and let everything attend to everything. For a decoder that will not do. Derive from it, and
# join in another way: move the padding of the cache to the front, put the embeddings after it, and return the joint mask of the two.
# `forward` stays as it is: it calls `self.join`, and now finds yours.
#
# `get_attention_mask` is given. It is for an answer that is still empty, T = 0, as in notebook 8: notebook 5 never asked your mask for
# that, and not every right mask can be empty.
#
# | | shape | |
# |---|---|---|
# | in: `hidden_cache`, `x` | `(B, P, n_embd)`, `(B, T, n_embd)` | |
# | in: `attention_mask` | `(B, 1, T, T)` | |
# | out | `(vectors, mask)` | `(B, P + T, n_embd)` and `(B, 1, P + T, P + T)` |
#
# <details><summary>Hint 1: a nudge</summary>
#
# Two of your own functions and one `torch.cat`. Which cache does the mask belong to, the one that came or the tidied one?
#
# </details>

# %% solution="prefix-decoder"
class PrefixDecoder(Decoder):
    def get_attention_mask(self, num_tokens, T=None):
        if T == 0:
            return torch.ones(len(num_tokens), 1, 0, 0, dtype=torch.bool)
        return super().get_attention_mask(num_tokens, T)

    def join(self, hidden_cache, x, attention_mask):
        """hidden_cache: (B, P, n_embd), x: (B, T, n_embd), attention_mask: (B, 1, T, T). Returns vectors and mask."""
        ### BEGIN SOLUTION
        hidden_cache = padding_first(hidden_cache)  # (B, P, C)
        return torch.cat((hidden_cache, x), dim=1), joint_mask(hidden_cache, attention_mask)
        ### END SOLUTION

# %% [markdown]
# #### Check it

# %% points=1 test="prefix-decoder-join"
check.prefix_decoder(PrefixDecoder, "join")
### BEGIN HIDDEN TESTS
check.prefix_decoder(PrefixDecoder, "join", seed=1)
check.prefix_decoder(PrefixDecoder, "join", seed=2)
### END HIDDEN TESTS

# %% points=1 test="prefix-decoder-decoder"
check.prefix_decoder(PrefixDecoder, "decoder")
### BEGIN HIDDEN TESTS
check.prefix_decoder(PrefixDecoder, "decoder", seed=1)
check.prefix_decoder(PrefixDecoder, "decoder", seed=2)
### END HIDDEN TESTS

# %% [markdown]
# ### Exercise 4 · The rows that predict
#
# **1 point · about 5 minutes · know where the answer is**
#
# | | shape | |
# |---|---|---|
# | in: `logits` | `(B, P + T, vocab_size)` | what the decoder gives |
# | in: `P` | a number | how many rows the prefix has |
# | out | `(B, T, vocab_size)` | row t of it predicts `targets[:, t]` |
#
# <details><summary>Hint 1: a nudge</summary>
#
# With P = 3 and T = 2 the rows are 0 … 4. Row 2 predicts the first target and row 3 the second. And row 4?
#
# </details>
# <details><summary>Hint 2: the slice</summary>
#
# A slice along axis 1, `logits[:, first : end]`. The end is not part of it, and −1 stands for the last. T is not an argument:
# you do not need it.
#
# </details>

# %% solution="predicting-rows"
def predicting_rows(logits, P):
    """logits: (B, P + T, vocab_size). Returns (B, T, vocab_size), the rows that predict the T targets."""
    ### BEGIN SOLUTION
    return logits[:, P - 1 : -1]  # (B, T, V)
    ### END SOLUTION

# %% [markdown]
# #### Check it

# %% points=1 test="predicting-rows-rows"
check.predicting_rows(predicting_rows, "one row for each target")
check.predicting_rows(predicting_rows, "numbers as they are")
### BEGIN HIDDEN TESTS
check.predicting_rows(predicting_rows, "one row for each target", seed=1)
check.predicting_rows(predicting_rows, "one row for each target", seed=2)
### END HIDDEN TESTS

# %% [markdown]
# ### Exercise 5 · Two Transformers as one
#
# **9 points · about 20 minutes · read, hand over, compare**
#
# | | shape | |
# |---|---|---|
# | in: `prefix` | `(B, P)` | English ids, −1 where a sentence is padded at its end |
# | in: `targets` | `(B, T)` | French ids, −1 where an answer is padded at its end |
# | out | `(logits, loss)` | logits `(B, P + T, vocab_size)` of all rows; loss a single number |
#
# 1. Let the encoder read the prefix. You want its hidden states, `(B, P, n_embd)`, not its scores.
# 2. Let the decoder read the targets, with the hidden states as its `hidden_cache`. It returns the logits of all P + T
#    rows, and None: it does not know which of its rows predict.
# 3. You do. Compare the predicting rows with the targets: `F.cross_entropy`, as in notebook 3, and targets that are −1 do not count.
#
# `forward` of both is the one that you wrote in notebook 3: `forward(idx, targets=None, hidden_cache=None, return_hidden=False)`.
# Padded prefixes need nothing more from you, as long as you hand the hidden states over **as they are**: their rows of zeros
# tell your `PrefixDecoder` what is padding.
#
# <details><summary>Hint 1: a nudge</summary>
#
# Three lines and a `return`. Say the names of arguments: `return_hidden=…`, `hidden_cache=…`.
#
# </details>
# <details><summary>Hint 2: the first line</summary>
#
# `self.encoder(…, return_hidden=True)` gives one tensor, not a pair.
#
# </details>
# <details><summary>Hint 3: the loss</summary>
#
# `predicting_rows(logits, prefix.shape[1])` is `(B, T, V)` and targets is `(B, T)`. `flatten(0, 1)` of the first and `flatten()` of the
# second make them `(B · T, V)` and `(B · T,)`.
#
# </details>

# %% solution="encoder-decoder"
class EncoderDecoder(nn.Module):
    def __init__(self, encoder_config, decoder_config):
        super().__init__()
        self.encoder = Encoder(encoder_config)
        self.decoder = PrefixDecoder(decoder_config)

    def forward(self, prefix, targets):
        """prefix (B, P), targets (B, T), int64, -1 is padding. Returns logits (B, P + T, vocab_size) and loss."""
        ### BEGIN SOLUTION
        hidden_cache = self.encoder(prefix, return_hidden=True)  # (B, P, C)
        logits, _ = self.decoder(targets, hidden_cache=hidden_cache)  # (B, P + T, V)
        rows = predicting_rows(logits, prefix.shape[1])  # (B, T, V)
        return logits, F.cross_entropy(rows.flatten(0, 1), targets.flatten(), ignore_index=-1)
        ### END SOLUTION

# %% [markdown]
# #### Check it
#
# The checks run on your own encoder and decoder. The first one tries the two before any check tries `forward`.

# %% points=1 test="encoder-decoder-parts"
check.encoder_decoder(EncoderDecoder, "parts")
### BEGIN HIDDEN TESTS
check.encoder_decoder(EncoderDecoder, "parts", seed=1)
check.encoder_decoder(EncoderDecoder, "parts", seed=2)
### END HIDDEN TESTS

# %% points=2 test="encoder-decoder-logits"
check.encoder_decoder(EncoderDecoder, "logits")
### BEGIN HIDDEN TESTS
check.encoder_decoder(EncoderDecoder, "logits", seed=1)
check.encoder_decoder(EncoderDecoder, "logits", seed=2)
### END HIDDEN TESTS

# %% points=2 test="encoder-decoder-loss"
check.encoder_decoder(EncoderDecoder, "loss")
### BEGIN HIDDEN TESTS
check.encoder_decoder(EncoderDecoder, "loss", seed=1)
check.encoder_decoder(EncoderDecoder, "loss", seed=2)
### END HIDDEN TESTS

# %% points=2 test="encoder-decoder-padding"
check.encoder_decoder(EncoderDecoder, "padding")
### BEGIN HIDDEN TESTS
check.encoder_decoder(EncoderDecoder, "padding", seed=1)
check.encoder_decoder(EncoderDecoder, "padding", seed=2)
### END HIDDEN TESTS

# %% points=1 test="encoder-decoder-gradient"
check.encoder_decoder(EncoderDecoder, "gradient")
### BEGIN HIDDEN TESTS
check.encoder_decoder(EncoderDecoder, "gradient", seed=1)
### END HIDDEN TESTS

# %% [markdown]
# The last check is about good manners. A configuration belongs to the one who made it, and must not be changed.
# And a copy of the model must stand on its own feet: training keeps the best model so far as a copy.

# %% points=1 test="encoder-decoder-manners"
check.encoder_decoder(EncoderDecoder, "config")
check.encoder_decoder(EncoderDecoder, "copy")
### BEGIN HIDDEN TESTS
check.encoder_decoder(EncoderDecoder, "config", seed=1)
check.encoder_decoder(EncoderDecoder, "copy", seed=1)
### END HIDDEN TESTS

# %% [markdown]
# ### Your class translates
#
# The first cell decides whose class is used from here on, and says so: yours whenever it can be run, also if a check has found a
# mistake in it. Then look for what the mistake does. The second cell gives the class the weights of the translator.

# %%
def with_the_translators_weights(encoder_decoder):
    """A model of this class that has been used in every way in which this notebook uses it."""
    model = weights.copy_into(encoder_decoder(translator.encoder.config, translator.decoder.config), translator)
    logits, loss = model(prefix, targets)  # (1, P + T, V), ()
    (logits.sum() + loss).backward()
    translate(model, english)
    answer_attentions(model, prefix, targets)
    return model


YourEncoderDecoder = check.encoder_decoder.yours_if_it_runs(
    EncoderDecoder, package.EncoderDecoder, with_the_translators_weights)

# %%
model = with_the_translators_weights(YourEncoderDecoder)
model.zero_grad()
print(f"{whose(model)}: {translate(model, english)}")

# %% [markdown]
# **Alone and in a batch.** Four sentences of different lengths, each once alone and once in a padded
# batch. The logits that predict the answer may differ by rounding alone.

# %%
pairs = [english, "the dog was followed by the hen because it was lost",
         "the cat did not want to eat the fish because it was rotten",
         "the cow did not want to eat because it was full"]
prefixes = [tokenizer.encode(text) for text in pairs]
end_of_answer = tokenizer.end_token
answers = [prefix_generation(model, one.unsqueeze(0), 24, temperature=0, end_token=end_of_answer)[0]
           for one in prefixes]
in_one_batch = nn.utils.rnn.pad_sequence(prefixes, batch_first=True, padding_value=-1)  # (4, P), -1 at the end
all_answers = nn.utils.rnn.pad_sequence(answers, batch_first=True, padding_value=-1)  # (4, T)
print("lengths:", [len(one) for one in prefixes], "and", [len(one) for one in answers])

with torch.no_grad():
    together = model(in_one_batch, all_answers)[0][:, in_one_batch.shape[1] - 1 :]  # (4, T + 1, V)
    for row, (one, answer) in enumerate(zip(prefixes, answers)):
        alone = model(one.unsqueeze(0), answer.unsqueeze(0))[0][0, len(one) - 1 :]  # (T_b + 1, V)
        print(f"sentence {row + 1}: largest difference {(together[row, : len(alone)] - alone).abs().max():.1e}")

# %% [markdown]
# **One loss for both.** Nothing tells the encoder what to do: there is no target for its output. Its
# gradient comes from the French words, back through the decoder and through the cache. Does it arrive?

# %%
def gradient_of(part):
    """The norm of all gradients in a part of the model; None where there are none."""
    gradients = [p.grad for p in part.parameters() if p.grad is not None]
    return torch.cat([gradient.flatten() for gradient in gradients]).norm().item() if gradients else None


torch.manual_seed(0)
untrained = YourEncoderDecoder(translator.encoder.config, translator.decoder.config)
_, loss = untrained(in_one_batch, all_answers)
loss.backward()
for name in ("decoder", "encoder"):
    half = getattr(untrained, name)
    blocks = list(half.layers["blocks"])
    places = [("lm_head", half.lm_head), *[(f"block {k + 1}", blocks[k]) for k in reversed(range(len(blocks)))],
              ("embedding", half.layers["embedding"])]
    for place, part in places:
        norm = gradient_of(part)
        print(f"{name} {place:10} {'no gradient' if norm is None else f'{norm:.3f}'}")

# %% [markdown]
# It arrives in every block of the encoder, and in its embedding. Only the encoder's `lm_head` has
# none: you asked for hidden states, so its scores are not used.
#
# ### Optional · The decoder of 2017
#
# **No points · about 20 minutes · cross-attention and a start token**
#
# What you have built is called a *prefix LM*: the decoder treats the encoder's vectors like a prompt, which runs through all its
# blocks. The Transformer of 2017 does it differently, in two ways.
#
# **Cross-attention.** Its decoder reads the French alone. But each of its blocks has a second attention between the first
# and the mlp: the **queries come from the French, the keys and values from the English**. So every block attends to the encoder's
# vectors and no block changes them, and each block has matrices of its own for it: 16 · n_embd² parameters instead of 12.
#
# **A start token.** Its decoder has T rows and not P + T. There is no row before the first French word, so nothing could predict it. A
# special word is put before the answer, and the last word is left out: the decoder reads *start, le, chat, …* and predicts *le, chat, …, end*.
#
# | | shape | |
# |---|---|---|
# | in: `x` | `(B, T, n_embd)` | French |
# | in: `hidden` | `(B, P, n_embd)` | English, from the encoder |
# | in: `is_word` | `(B, P)` bool | False where the English is padded |
# | out of `CrossAttention` | `(B, T, n_embd)` | |
# | out of `shifted_right(targets, start_token)` | `(B, T)` | what the decoder reads when it has to predict `targets` |
#
# <details><summary>Hint 1: which attention is it?</summary>
#
# The one of notebook 2, with `hidden` instead of x at two of its four layers. The scores are `(B, n_head, T, P)`: not square.
#
# </details>
# <details><summary>Hint 2: padding</summary>
#
# One row of the mask serves all rows: `is_word[:, None, None, :]`.
#
# </details>

# %% solution="decoder-of-2017"
class CrossAttention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.n_head = config.n_head
        self.query = nn.Linear(config.n_embd, config.n_embd)
        self.key = nn.Linear(config.n_embd, config.n_embd)
        self.value = nn.Linear(config.n_embd, config.n_embd)
        self.proj = nn.Linear(config.n_embd, config.n_embd)

    def forward(self, x, hidden, is_word):
        """x: (B, T, n_embd), hidden: (B, P, n_embd), is_word: (B, P) bool. Returns (B, T, n_embd)."""
        ### BEGIN SOLUTION
        q, k, v = (part.unflatten(-1, (self.n_head, -1)).transpose(1, 2)
                   for part in (self.query(x), self.key(hidden), self.value(hidden)))
        dot_products = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])  # (B, H, T, P)
        dot_products = dot_products.masked_fill(~is_word[:, None, None, :], float("-inf"))  # (B, H, T, P)
        z = dot_products.softmax(-1) @ v  # (B, H, T, head_size)
        return self.proj(z.transpose(1, 2).flatten(2))  # (B, T, C)
        ### END SOLUTION


def shifted_right(targets, start_token):
    """targets: (B, T) int64. Returns (B, T): start_token first, and then all targets but the last."""
    ### BEGIN SOLUTION
    return torch.cat((targets.new_full((len(targets), 1), start_token), targets[:, :-1]), dim=1)  # (B, T)
    ### END SOLUTION

# %%
check.cross_attention.optional(CrossAttention)
check.shifted_right.optional(shifted_right)

# %% [markdown]
# Both ways work. T5 and BART have such a decoder, with cross-attention. Models that write only, such as GPT, have no encoder at all, and
# read the text to be translated as the beginning of their own.
#
# ## Play with it
#
# **The joint mask, by hand.** Two pairs in one batch. Each has two lengths: that of the English (*Prefix*) and that
# of the French (*Words*). Make an English sentence shorter: its padding moves to the front, so that
# the last row of the prefix is always a word's, since that row has to predict. Walk through the rows. Does any word attend to padding?
# (The scores are invented. They belong to positions, not to words.) Below the masks a line says whether your `joint_mask` agrees.

# %%
MaskLab(
    ["le chat est petit".split(), "il dort".split()],
    prefix=["the cat is small".split(), "it sleeps".split()],
    causal=True,
    joint_mask=joint_mask,
)

# %% [markdown]
# **What does each French word attend to?** The rows of the next explorer are the French words, at the moment when
# they are *written*: the row of "chat" is the row that predicts it, which has read "le". The columns are
# the English words, and after them the French ones. You see all heads of the decoder, of the class that the line *Running on …*
# above names.
#
# Begin with the head that is shown, and look at "il", then at "le". Then look at "chat", in all four heads of layer 1. Is it what you
# expected?
#
# Click a head in the grid beside the heatmap. To see English alone, hide the French columns in the tab *Hide words*: one click.

# %%
attentions = torch.cat(answer_attentions(model, prefix, targets))  # (L, H, T + 1, P + T)
attentions = attentions[:, :, :n_french]  # the row after the last word is left out
AttentionExplorer(
    attentions, french, columns=english_words + french, token=french.index("il"),
    groups={"English": range(n_english), "French": range(n_english, n_english + n_french)}, first=1,
)

# %% [markdown]
# How much of its attention does a French word spend on the English sentence, and does it attend to the word that
# it translates? Measured for every head, on the pairs of this sentence that a dictionary would give:

# %%
dictionary = [("le", "the"), ("chat", "cat"), ("voulait", "want"), ("pas", "not"), ("manger", "eat"),
              ("parce", "because"), ("il", "it"), ("rassasié", "full")]
places = [(french.index(word), english_words.index(meaning)) for word, meaning in dictionary]
on_english = attentions[..., :n_english].sum(-1)  # (L, H, T)

print("layer  head   on English, mean   on the word that it translates, mean")
measured = {}
for layer in range(attentions.shape[0]):
    for head in range(attentions.shape[1]):
        on_its_word = torch.stack([attentions[layer, head, row, column] for row, column in places]).mean().item()
        measured[layer, head] = on_its_word
        print(f"{layer + 1:5} {head + 1:5} {on_english[layer, head].mean():15.2f} {on_its_word:24.2f}")
best_layer, best_head = max(measured, key=measured.get)

# %%
figures.heatmap(
    attentions[best_layer, best_head, :, :n_english], french, english_words, mark=places,
    title=f"Layer {best_layer + 1}, head {best_head + 1}: French attends to English",
    caption=f"From {whose(model)}: of its {len(measured)} heads, the one with the most weight in the framed cells. "
            "The rest of each row, up to 1, goes to French words.",
)

# %% [markdown]
# Some words attend to the word that a dictionary gives: "le" to "the", "rassasié" to "full". But in layer 1 "chat" does not attend
# to "cat", in any head:

# %%
for head, word in ((0, "il"), (0, "le"), (0, "chat"), (1, "chat"), (2, "chat"), (3, "chat")):
    weights_of_word = attentions[0, head, french.index(word)]  # (P + T,)
    print(f"layer 1, head {head + 1}:", figures.read_row(weights_of_word, [word], 0, english_words + french))

# %% [markdown]
# It attends to "the", a word that says nothing about the animal. Remember what a column is: not a word, but the vector that the encoder has
# made at the word's *position*. By then it carries traces of other words. So attention tells *where* something is
# fetched, and not *what*. To find that out, operate on the cache: encode the sentence of the cat and that of the cow, swap
# one row, and let the decoder write.

# %%
ask.which_row_changes_the_pronoun()

# %%
def hidden_states(text):
    with torch.no_grad():
        return model.encoder(tokenizer.encode(text).unsqueeze(0), return_hidden=True)  # (1, P, C)


of_the_cat, of_the_cow = hidden_states(english), hidden_states(english.replace("cat", "cow"))
for row in (1, 0, 8):
    mixed = of_the_cat.clone()
    mixed[:, row] = of_the_cow[:, row]
    one_by_one = stream(model.decoder, prefix[:, :0], 24, temperature=0, hidden_cache=mixed, end_token=end_of_answer)
    written = torch.stack(list(one_by_one), dim=1)  # (1, new)
    print(f"the cow's row at “{english_words[row]}”:\n    {tokenizer.decode(written[0])}")

# %% [markdown]
# Swap the row of "cat": nothing happens. Swap the row of the first "the", and it is *la vache*. The encoder has moved the
# animal to the position of "the", and the decoder fetches it there, as its heads showed. If you look at the words at the edge of
# the picture alone, you conclude that the decoder ignores the cat.
#
# Now the row of **"it"**, the same word in both sentences. The animal is still a cat, but it has become *elle* and *rassasiée*. So the
# vector of "it" knows who "it" is. The encoder has found it out, and the decoder fetches it there when it has to
# choose the pronoun. That was the question of this course.
#
# And if the English words themselves change, which French ones do?

# %%
before = translate(model, english).split()
for old, new in (("cat", "cow"), ("full", "sick")):
    after = translate(model, english.replace(old, new)).split()
    print(f"{old} → {new}: " + " ".join(word if word in before else word.upper() for word in after))

# %% [markdown]
# With another animal, article, noun, pronoun and adjective change, up to the last word of the sentence.
# With another reason, one word changes. All this has passed through the cache.
#
# ## A common misreading
#
# Logits and targets "correspond", row by row. The rows of the French words are the last T rows of the
# logits, there are T targets, and the shapes fit without any thought. So why not compare row P + t
# with target t?
#
# Two small models are trained to translate 36 of 48 little sentences: one with the right rows, one a row too late.

# %%
def little_sentences():
    """48 pairs of an English sentence and its French, such as ("the cat was lost", "le chat était perdu <end>")."""
    animals = {"cat": ("le", "chat"), "dog": ("le", "chien"), "hen": ("la", "poule"), "cow": ("la", "vache")}
    qualities = {"tired": ("fatigué", "fatiguée"), "lost": ("perdu", "perdue"),
                 "hurt": ("blessé", "blessée"), "small": ("petit", "petite")}
    texts = []
    for animal, (article, noun) in animals.items():
        for quality, forms in qualities.items():
            adjective = forms[article == "la"]
            texts += [
                (f"the {animal} was {quality}", f"{article} {noun} était {adjective} <end>"),
                (f"the {animal} was not {quality}", f"{article} {noun} n' était pas {adjective} <end>"),
                (f"the {quality} {animal} slept", f"{article} {noun} {adjective} dormait <end>"),
            ]
    return texts


texts = little_sentences()
lexicon = sorted({word for pair in texts for text in pair for word in text.split()})


def ids(sentences):
    """(B, T) int64, -1 where padded at the end."""
    rows = [torch.tensor([lexicon.index(word) for word in text.split()]) for text in sentences]
    return nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=-1)


order = torch.randperm(len(texts), generator=torch.Generator().manual_seed(4)).tolist()
known, unseen = [texts[k] for k in order[:36]], [texts[k] for k in order[36:]]
known_english, known_french = (ids(side) for side in zip(*known))  # (36, P), (36, T)

# %%
small = TransformerConfig(len(lexicon), 12, n_embd=32, n_head=2, n_layer=2, dropout=0.0)


def trained(first_row, steps=200):
    """A model trained with the row `first_row` of the logits compared with the first target."""
    torch.manual_seed(0)
    model, losses = YourEncoderDecoder(small, small), []
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(steps):
        logits, _ = model(known_english, known_french)  # (36, P + T, V)
        rows = logits[:, first_row : first_row + known_french.shape[1]]  # (36, T, V)
        loss = F.cross_entropy(rows.flatten(0, 1), known_french.flatten(), ignore_index=-1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return model.eval(), losses


longest = known_english.shape[1]
right, right_losses = trained(longest - 1)
late, late_losses = trained(longest)

# %%
steps = range(1, len(right_losses) + 1)
figures.curves(
    {"right rows": (steps, right_losses), "one row late": (steps, late_losses)},
    x_label="training step", y_label="loss",
    title="Two trainings",
    caption="Around step 25 the training that compares the wrong rows has about half the loss of the other: "
            "it looks like the better one.",
)

# %%
print(f"loss in step 25: {right_losses[25 - 1]:.2f} with the right rows, {late_losses[25 - 1]:.2f} one row late")
ask.what_the_lower_loss_means()

# %% [markdown]
# Let both translate sentences that they have not seen:

# %%
def small_translation(model, text):
    words = prefix_generation(model, ids([text]), 8, temperature=0, end_token=lexicon.index("<end>"))[0]
    return " ".join(lexicon[word] for word in words.tolist())


for text, _ in unseen[:2]:
    print(f"{text}\n    right rows:   {small_translation(right, text)}")
    print(f"    one row late: {small_translation(late, text)}")
for name, model_ in (("right rows", right), ("one row late", late)):
    hits = sum(small_translation(model_, text) == wanted for text, wanted in unseen)
    print(f"{name:13} {hits} of {len(unseen)} unseen sentences")

# %% [markdown]
# The second has learned to say what it has just read. Its first word comes from a row that was never trained,
# and from there on it repeats. As with the missing triangle of notebook 5, a loss that is too good
# was the warning.
#
# **And the start token?** T words to be predicted need T rows before them. In the decoder of 2017 a start token makes room for the first.
# Here the last row of the prefix plays that part: you need no start token, and cannot forget it. But without a
# prefix there is no such row, and the model says so:

# %%
try:
    package.EncoderDecoder(small, small)(torch.empty(1, 0, dtype=torch.long), known_french[:1])
except ValueError as error:
    print(error)

# %% [markdown]
# ## In papers
#
# | here | in papers |
# |---|---|
# | an encoder's vectors before a decoder's own | *prefix language model*, prefix LM (Raffel et al. 2020, "Exploring the Limits of Transfer Learning", figures 3 and 4) |
# | `hidden_cache` | *encoder output*, *memory*; not the *KV cache* |
# | the decoder of 2017 | *encoder–decoder attention* or *cross-attention* (Vaswani et al. 2017, section 3.2.3): softmax(Q Kᵀ / √d_k) V, with Q from the decoder and K, V from the encoder's output |
# | start token | *BOS*, "beginning of sequence"; the targets are *shifted right* (figure 1 there) |
# | training on the words of the right answer | *teacher forcing* |
#
# ## The PyTorch calls
#
# ### `nn.utils.rnn.pad_sequence(sequences, batch_first=False, padding_value=0.0)`
#
# **In:** a list of tensors of different lengths. **Out:** with `batch_first=True` one tensor `(B, longest)`, the
# shorter ones padded at their end. In this course the value is −1.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.rnn.pad_sequence.html)

# %%
batch = nn.utils.rnn.pad_sequence([torch.tensor([5, 6, 7]), torch.tensor([8])], batch_first=True, padding_value=-1)
print(batch)
assert batch.tolist() == [[5, 6, 7], [8, -1, -1]]

# %% [markdown]
# ### `Tensor.argsort(dim=-1, descending=False, stable=False)`
#
# **In:** a tensor. **Out:** whole numbers of the same shape: the positions of its elements, smallest first, along `dim`. With
# `stable=True` equal elements keep their order.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.argsort.html)

# %%
print(torch.tensor([[1, 1, 0, 1, 0]]).argsort(dim=1, stable=True))
assert torch.tensor([[1, 1, 0, 1, 0]]).argsort(dim=1, stable=True).tolist() == [[2, 4, 0, 1, 3]]

# %% [markdown]
# ### `Tensor.gather(dim, index)`
#
# **In:** a tensor, and whole numbers with as many axes. **Out:** the shape of `index`. Each number says from which position along `dim`
# the element comes; all its other positions stay the same. An index that was expanded over the channels takes whole rows.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.gather.html)

# %%
rows = torch.tensor([[[1, 10], [2, 20], [3, 30]]])  # (1, 3, 2)
index = torch.tensor([[2, 0, 1]]).unsqueeze(-1).expand_as(rows)  # (1, 3, 2)
print(rows.gather(1, index))
assert rows.gather(1, index).tolist() == [[[3, 30], [1, 10], [2, 20]]]

# %% [markdown]
# ### `Tensor.backward`
#
# **In:** a single number that was computed from parameters. **Out:** nothing; but each parameter p that had a part in
# it now has `p.grad`, of its own shape: how much the number changes when p does. What had no part keeps
# `None`. That is how you found out that the loss reaches the encoder.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.Tensor.backward.html)

# %%
used, unused = nn.Linear(2, 1), nn.Linear(2, 1)
used(torch.tensor([[3.0, 4.0]])).sum().backward()
print(used.weight.grad, unused.weight.grad)
assert used.weight.grad.tolist() == [[3.0, 4.0]] and unused.weight.grad is None

# %% [markdown]
# ### `Module.load_state_dict(state_dict)`
#
# **In:** a dictionary from the names of parameters to tensors, as `state_dict()` of another module gives it. **Out:** the
# module has these values now. Names and shapes must all fit, or else a RuntimeError lists what does not.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.load_state_dict)

# %%
first, second = nn.Linear(2, 3), nn.Linear(2, 3)
report = second.load_state_dict(first.state_dict())
print(list(first.state_dict()), report)
assert report.missing_keys == [] and report.unexpected_keys == []
assert torch.equal(first.weight, second.weight) and first.weight is not second.weight

# %% [markdown]
# ## Where next
#
# Your class gives scores for an answer that is already there. That is all that training needs. A translator has
# no answer yet: it has to write one, word after word. In
# [notebook 8](../08-prefix-generation/08-prefix-generation.ipynb) you write the loop that does it.

# %%
from ninelives.progress import where_am_i

where_am_i()
