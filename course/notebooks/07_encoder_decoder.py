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
# In French, "it" is *il* or *elle*: a cat is a *he*, a cow is a *she*. Whoever translates the
# sentence has to know who was full, and has to write a word at a time.
# **How do you hand what one Transformer has understood to another one that writes?**
#
# At the end you will have built
#
# - `predicting_rows`, which picks the scores that say something about the answer,
# - `EncoderDecoder`, two Transformers that are trained as one, from a single loss.
#
# With the weights of a translator that was trained for the course, your class will turn the
# cat's sentence into French.
#
# | | |
# |---|---|
# | Time | about 60 minutes |
# | Points | 18 |
# | What you should know | [Notebook 4](../04-encoder/04-encoder.ipynb) and [notebook 5](../05-decoder/05-decoder.ipynb); from [notebook 3](../03-transformer/03-transformer.ipynb) what `hidden_cache` and `return_hidden` are |

# %%
import torch
from torch import nn
from torch.nn import functional as F

import ninelives.checks.encoder_decoder as check
import ninelives.model as package
from ninelives import figures, weights
from ninelives.config import TransformerConfig
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
# Here is a translator with weights, made of an encoder and a decoder. Look at the words for
# "it" and for what "it" was. In the last two sentences nothing but the order of the animals
# has changed.

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
# sentence, which is all there from the start. So an **encoder** reads the English, every word
# looking at every word. Only the French, which is not there yet, is left to a **decoder**.
#
# What passes from one to the other? Not scores, and not a word. The encoder hands over its
# *hidden states*: for each English word the vector that comes out of its last block, in which
# by then the rest of the sentence has left its mark. They are put **in front of** the vectors of
# the French words, as if they were the beginning of the same text.

# %%
english = "the cat did not want to eat because it was full"
prefix = tokenizer.encode(english).unsqueeze(0)  # (1, P)
targets = prefix_generation(translator, prefix, 24, temperature=0, end_token=tokenizer.end_token)  # (1, T)
french = [tokenizer.words[word] for word in targets[0].tolist()]
english_words = english.split()

(B, P), T = prefix.shape, targets.shape[1]
C, V = translator.decoder.config.n_embd, translator.decoder.config.vocab_size
figures.shape_diagram(
    [
        ("prefix", f"(B, P) = ({B}, {P})", english),
        ("hidden states", f"(B, P, n_embd) = ({B}, {P}, {C})", "what the encoder gives with return_hidden=True"),
        ("joined", f"(B, P + T, n_embd) = ({B}, {P + T}, {C})",
         f"behind them the decoder's embeddings of {T} French words, at positions from 0"),
        ("decoder's blocks", f"(B, P + T, n_embd) = ({B}, {P + T}, {C})", "one attention for both, under a joint mask"),
        ("logits", f"(B, P + T, vocab_size) = ({B}, {P + T}, {V})", "a score for every word of the vocabulary"),
    ],
    caption="One sentence's way through encoder and decoder. The two meet where their vectors are joined.",
    title="From English to the scores of French words",
)

# %% [markdown]
# ### The joint mask
#
# In the joined text, who may look at whom? Take a shorter pair.

# %%
short_english, short_french = "the cat is full".split(), "le chat est plein".split()
with torch.no_grad():
    hidden = torch.ones(1, 4, C)  # four rows that are no padding
    causal = package.Decoder(translator.decoder.config).get_attention_mask(torch.tensor([4]))  # (1, 1, 4, 4)
    together = masks.joint_mask(hidden, causal)  # (1, 1, 8, 8)

figures.mask(
    together[0, 0], short_english + short_french, title="Prefix and answer in one mask",
    caption="Four blocks. English looks at English freely; French looks at all the English, and back at French. "
    "The upper right corner is closed: what is read must not depend on what is written.",
)

# %% [markdown]
# - **English to English** (upper left): all open. These words are all there from the start.
# - **French to English** (lower left): all open. This is where the translation comes from.
# - **French to French** (lower right): a triangle. Nobody looks ahead.
# - **English to French** (upper right): all closed.
#
# You wrote the lower right block in notebook 5, and `joint_mask` builds the rest around it.
# The decoder does this for you as soon as it is given a `hidden_cache`.
#
# (The Transformer of 2017 does it a little differently. There each block of the decoder has two
# attentions, one for the French and one, called *cross-attention*, for the English. Here one
# attention does both. That is simpler, it is the way of your `hidden_cache`, and what is said
# below about rows and losses is true of both.)
#
# ### Which row says what
#
# Each row of the logits says what comes *next*. Read them from top to bottom. The first rows
# belong to English words, and nobody asks them anything. The **last row of the prefix**
# is the first that counts: all the English has been read, no French is there, so what comes next
# is the first word of the answer.

# %%
with torch.no_grad():
    logits, loss = translator(prefix, targets)  # (1, P + T, V)
said = [tokenizer.words[word] for word in logits[0].argmax(-1).tolist()]

print("row   it has read              most likely next   which is")
for row in range(P - 2, P + T):
    seen = english_words[row] if row < P else french[row - P]
    target = row - (P - 1)
    which = "asked by nobody" if target < 0 else f"targets[:, {target}]" if target < T else "behind the last target"
    print(f"{row:3}   … {seen:22} {said[row] if target >= 0 else '–':18} {which}")

# %% [markdown]
# So T + 1 rows could speak about the answer, and T of them have a target to be compared with: from
# row P − 1 to the last but one.
#
# ## Build it
#
# ### Exercise 1 · The rows that predict
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
# A slice along axis 1, `logits[:, first : end]`. The end is not part of it, and −1 stands for the last.
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
### BEGIN HIDDEN TESTS
check.predicting_rows(predicting_rows, "one row for each target", seed=1)
check.predicting_rows(predicting_rows, "one row for each target", seed=2)
### END HIDDEN TESTS

# %% solution="padding-first"
def padding_first(hidden_cache):
    """hidden_cache: (B, P, n_embd), zero where there is padding. Returns the same rows, those of padding first."""
    ### BEGIN SOLUTION
    is_word = (hidden_cache != 0).any(-1)  # (B, P)
    order = is_word.long().argsort(dim=1, stable=True)  # (B, P)
    return hidden_cache.gather(1, order.unsqueeze(-1).expand_as(hidden_cache))  # (B, P, C)
    ### END SOLUTION

# %% points=2 test="padding-first-values"
check.padding_first(padding_first, "values")
check.padding_first(padding_first, "gradient")
### BEGIN HIDDEN TESTS
check.padding_first(padding_first, "values", seed=1)
check.padding_first(padding_first, "values", seed=2)
### END HIDDEN TESTS

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

# %% points=2 test="joint-mask-blocks"
check.joint_mask(joint_mask, "four blocks")
### BEGIN HIDDEN TESTS
check.joint_mask(joint_mask, "four blocks", seed=1)
### END HIDDEN TESTS

# %% points=2 test="joint-mask-padding"
check.joint_mask(joint_mask, "padding")
check.joint_mask(joint_mask, "mask forms")
### BEGIN HIDDEN TESTS
check.joint_mask(joint_mask, "padding", seed=1)
check.joint_mask(joint_mask, "mask forms", seed=1)
### END HIDDEN TESTS

# %% solution="prefix-decoder"
class PrefixDecoder(Decoder):
    def join(self, hidden_cache, x, attention_mask):
        """hidden_cache: (B, P, n_embd), x: (B, T, n_embd), attention_mask: (B, 1, T, T)."""
        ### BEGIN SOLUTION
        hidden_cache = padding_first(hidden_cache)  # (B, P, C)
        return torch.cat((hidden_cache, x), dim=1), joint_mask(hidden_cache, attention_mask)
        ### END SOLUTION

# %% points=1 test="prefix-decoder-join"
check.prefix_decoder(PrefixDecoder, "join")
### BEGIN HIDDEN TESTS
check.prefix_decoder(PrefixDecoder, "join", seed=1)
### END HIDDEN TESTS

# %% points=1 test="prefix-decoder-decoder"
check.prefix_decoder(PrefixDecoder, "decoder")
### BEGIN HIDDEN TESTS
check.prefix_decoder(PrefixDecoder, "decoder", seed=1)
### END HIDDEN TESTS

# %% [markdown]
# ### Exercise 2 · Two Transformers as one
#
# **8 points · about 15 minutes · read, hand over, write**
#
# | | shape | |
# |---|---|---|
# | in: `prefix` | `(B, P)` | English ids, −1 where a sentence is padded at its end |
# | in: `targets` | `(B, T)` | French ids, −1 where an answer is padded at its end |
# | out | `(logits, loss)` | logits `(B, P + T, vocab_size)` of all rows; loss a single number |
#
# 1. Let the encoder read the prefix. You want its hidden states, `(B, P, n_embd)`, not its scores.
# 2. Give the targets to the decoder **twice**: as the words it reads, and as the words it is to predict.
#    And give it the hidden states, as its `hidden_cache`. It returns logits and loss.
#
# Your decoder knows already which row predicts which target (exercise 1 is in its `forward`: you wrote
# it in notebook 3), and it ignores targets that are −1.
#
# Padded prefixes need nothing from you, as long as you hand the hidden states over **as they are**.
# The encoder leaves zeros where there is padding, and the decoder takes a row of zeros for
# padding, at which nobody looks.
#
# <details><summary>Hint 1: a nudge</summary>
#
# Two lines. Look up the arguments of `forward` in notebook 3: idx, targets, hidden_cache, return_hidden.
#
# </details>
# <details><summary>Hint 2: the first line</summary>
#
# `self.encoder(…, return_hidden=True)` gives one tensor, not a pair.
#
# </details>
# <details><summary>Hint 3: the second line</summary>
#
# The decoder's second argument is targets, and its third is the cache. Say the name: `hidden_cache=…`.
#
# </details>

# %% solution="encoder-decoder"
class EncoderDecoder(nn.Module):
    def __init__(self, encoder_config, decoder_config):
        super().__init__()
        self.encoder = Encoder(encoder_config)
        self.decoder = PrefixDecoder(decoder_config)

    def forward(self, prefix, targets):
        """prefix: (B, P), targets: (B, T), int64, -1 is padding. Returns logits (B, P + T, vocab_size) and the loss."""
        ### BEGIN SOLUTION
        hidden_cache = self.encoder(prefix, return_hidden=True)  # (B, P, C)
        logits, _ = self.decoder(targets, hidden_cache=hidden_cache)  # (B, P + T, V)
        rows = predicting_rows(logits, prefix.shape[1])  # (B, T, V)
        return logits, F.cross_entropy(rows.flatten(0, 1), targets.flatten(), ignore_index=-1)
        ### END SOLUTION

# %% [markdown]
# #### Check it

# %% points=1 test="encoder-decoder-parts"
check.encoder_decoder(EncoderDecoder, "parts")
### BEGIN HIDDEN TESTS
check.encoder_decoder(EncoderDecoder, "parts", seed=1)
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
# The last check asks for manners. A configuration belongs to whoever made it, and must not be changed.
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
# The first cell decides whose class is used from here on. The second gives it the weights of
# the translator.

# %%
YourEncoderDecoder = check.encoder_decoder.yours_if_it_passes(EncoderDecoder, package.EncoderDecoder)

# %%
model = weights.copy_into(YourEncoderDecoder(translator.encoder.config, translator.decoder.config), translator)
print(translate(model, english))

# %% [markdown]
# **Alone and in a batch.** Four sentences of different lengths, each once alone and once in a padded
# batch. The logits that predict the answer must not differ, up to rounding.

# %%
pairs = [english, "the dog was followed by the hen because it was lost",
         "the cat did not want to eat the fish because it was rotten",
         "the cow did not want to eat because it was full"]
prefixes = [tokenizer.encode(text) for text in pairs]
end = tokenizer.end_token
answers = [prefix_generation(model, one.unsqueeze(0), 24, temperature=0, end_token=end)[0] for one in prefixes]
in_one_batch = nn.utils.rnn.pad_sequence(prefixes, batch_first=True, padding_value=-1)  # (4, P), -1 at the end
all_answers = nn.utils.rnn.pad_sequence(answers, batch_first=True, padding_value=-1)  # (4, T)
print("lengths:", [len(one) for one in prefixes], "and", [len(one) for one in answers])

with torch.no_grad():
    together = model(in_one_batch, all_answers)[0][:, in_one_batch.shape[1] - 1 :]  # (4, T + 1, V)
    for row, (one, answer) in enumerate(zip(prefixes, answers)):
        alone = model(one.unsqueeze(0), answer.unsqueeze(0))[0][0, len(one) - 1 :]  # (T_b + 1, V)
        print(f"sentence {row + 1}: largest difference {(together[row, : len(alone)] - alone).abs().max():.1e}")

# %% [markdown]
# **One loss for both.** Nobody tells the encoder what to do: there is no target for its output. Its
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
        size = gradient_of(part)
        print(f"{name} {place:10} {'no gradient' if size is None else f'{size:.3f}'}")

# %% [markdown]
# It arrives in every block of the encoder, and in its embedding. Only the encoder's `lm_head` has
# none: you asked for hidden states, so nobody uses its scores.
#
# ## Play with it
#
# **The joint mask, by hand.** Two pairs in one batch. Each has two lengths: that of the English (*Prefix*) and that
# of the French (*Words*). Make an English sentence shorter: its padding moves to the front, so that
# the last row of the prefix is always a word, since that row has to predict. (The order of cache rows
# changes nothing else: positions are inside them.) Walk through the rows. Does any word look at padding?

# %%
MaskLab(
    ["le chat est plein".split(), "il dort".split()],
    prefix=["the cat is full".split(), "it sleeps".split()],
    causal=True,
    get_attention_mask=model.decoder.get_attention_mask,
)

# %% [markdown]
# **Where does each French word look?** The rows of the next explorer are the French words, in the moment when
# they are *written*: the row of "chat" is the row that predicts it, which has read "le". The columns are
# the English words, and behind them the French ones. All heads of the decoder, on your own class.
#
# Begin with the head that is shown. Look at "il", then at "le". Then go to heads 2 and 3, and look at "chat". Is it what you expected?
#
# Click a head in the grid below the picture. To see English alone, hide the French columns in the tab *Hide words*.

# %%
attentions = torch.cat(answer_attentions(model, prefix, targets))  # (L, H, T + 1, P + T)
attentions = attentions[:, :, :T]  # the row behind the last word is left out
AttentionExplorer(attentions, french, columns=english_words + french, token=french.index("il"))

# %% [markdown]
# How much of its attention does a French word spend on the English sentence, and does it look at the word that
# it translates? Measured for every head, on the pairs of this sentence that a dictionary would give:

# %%
dictionary = [("le", "the"), ("chat", "cat"), ("voulait", "want"), ("pas", "not"), ("manger", "eat"),
              ("parce", "because"), ("il", "it"), ("rassasié", "full")]
places = [(french.index(word), english_words.index(meaning)) for word, meaning in dictionary]
on_english = attentions[..., :P].sum(-1)  # (L, H, T)

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
    attentions[best_layer, best_head, :, :P] , french, english_words, mark=places,
    title=f"Layer {best_layer + 1}, head {best_head + 1}: French looks at English",
    caption=f"The head with the most weight on the framed cells, the best of {len(measured)}. "
            "What is missing to 1 in a row goes to French words.",
)

# %% [markdown]
# Some words attend to the word that a dictionary gives: "il" to "it", "le" to "the". But "chat" does not attend to "cat":

# %%
for head, word in ((0, "il"), (0, "le"), (0, "chat"), (3, "chat")):
    row = attentions[0, head, french.index(word)]  # (P + T,)
    print(f"layer 1, head {head + 1}:", figures.read_row(row, [word], 0, english_words + french))

# %% [markdown]
# It attends to "the", a word that means nothing. Mind what a column is: not a word, but the vector that the encoder has
# made at the word's *position*. By then other words have left their mark in it. So attention tells *where* something is
# fetched, and not *what*. To find that out, operate on the cache. Encode the sentence of the cat and that of the cow, swap
# one row, and let the decoder write:

# %%
def hidden_states(text):
    with torch.no_grad():
        return model.encoder(tokenizer.encode(text).unsqueeze(0), return_hidden=True)  # (1, P, C)


of_the_cat, of_the_cow = hidden_states(english), hidden_states(english.replace("cat", "cow"))
for row in (1, 0, 8):
    mixed = of_the_cat.clone()
    mixed[:, row] = of_the_cow[:, row]
    one_by_one = stream(model.decoder, prefix[:, :0], 24, temperature=0, hidden_cache=mixed, end_token=end)
    written = torch.stack(list(one_by_one), dim=1)  # (1, new)
    print(f"the cow's row at “{english_words[row]}”:\n    {tokenizer.decode(written[0])}")

# %% [markdown]
# Swap the row of "cat": nothing happens. Swap the row of the first "the", and it is *la vache*. The encoder has moved the
# animal to the position of "the", and the decoder fetches it there, as its heads said. If you read the words at the edge of
# the picture alone, you conclude that the decoder ignores the cat.
#
# Now the row of **"it"**, the same word in both sentences. The animal is still a cat, but it has become *elle* and *rassasiée*. So the
# vector of "it" knows who "it" is. The encoder has found it out, and the decoder reads it there when it has to
# choose the pronoun. That was the question of this course.
#
# And if the English words themselves change, which French ones do?

# %%
before = translate(model, english).split()
for old, new in (("cat", "cow"), ("full", "sick")):
    after = translate(model, english.replace(old, new)).split()
    print(f"{old} → {new}: " + " ".join(word if word in before else word.upper() for word in after))

# %% [markdown]
# Another animal, and article, pronoun and adjective turn with it, the last of them ten words later.
# Another reason, and one word changes. All this has passed through the cache.
#
# ## A common misreading
#
# > "Use hidden states … and indices tensor to get scores and **their corresponding losses**."
#
# Scores and losses "correspond": row by row, it seems. The rows of the French words are the last T rows of the
# logits, there are T targets, and the shapes fit without any thought. So why not compare row P + t
# with target t?
#
# Because that row *has read* target t. It need not predict anything. Two small models learn to translate
# 36 of 48 little sentences: one with the right rows, one a row too late.

# %%
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


P_small = known_english.shape[1]
right, right_losses = trained(P_small - 1)
late, late_losses = trained(P_small)

# %%
figures.curves(
    {"right rows": (range(200), right_losses), "one row late": (range(200), late_losses)},
    x_label="training step", y_label="loss",
    title="Two trainings",
    caption="The training that compares the wrong rows looks the better one: it is done sooner.",
)

# %% [markdown]
# By its loss the second model is the quicker learner. Let both translate sentences that they have not seen:

# %%
def small_translation(model, text):
    words = prefix_generation(model, ids([text]), 8, temperature=0, end_token=lexicon.index("<end>"))[0]
    return " ".join(lexicon[word] for word in words.tolist())


for text, _ in unseen[:4]:
    print(f"{text}\n    right rows:   {small_translation(right, text)}")
    print(f"    one row late: {small_translation(late, text)}")
for name, model_ in (("right rows", right), ("one row late", late)):
    hits = sum(small_translation(model_, text) == wanted for text, wanted in unseen)
    print(f"{name:13} {hits} of {len(unseen)} unseen sentences")

# %% [markdown]
# The second has learnt to say what it has just read. Its first word is drawn from a row that was never trained,
# and from there on it repeats. As with the missing triangle of notebook 5, a loss that is too good
# was the warning.
#
# **And the start token?** Many translators put a special word, *start*, in front of every answer, for the sake of
# the same count: T words to be predicted need T rows before them. Here the last row of the prefix
# does that service, so there is no start token to be made, and none to be forgotten. But without a
# prefix there is no such row, and the model says so:

# %%
try:
    package.EncoderDecoder(small, small)(torch.empty(1, 0, dtype=torch.long), known_french[:1])
except ValueError as error:
    print(error)

# %% [markdown]
# ## The PyTorch calls
#
# ### `nn.utils.rnn.pad_sequence(sequences, batch_first=False, padding_value=0.0)`
#
# **In:** a list of tensors of different lengths. **Out:** with `batch_first=True` one tensor `(B, longest)`, the
# shorter ones filled up at their end. In this course the value is −1.
# [Documentation](https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.rnn.pad_sequence.html)

# %%
batch = nn.utils.rnn.pad_sequence([torch.tensor([5, 6, 7]), torch.tensor([8])], batch_first=True, padding_value=-1)
print(batch)
assert batch.tolist() == [[5, 6, 7], [8, -1, -1]]

# %% [markdown]
# ### `Tensor.backward`
#
# **In:** a single number that was computed from parameters. **Out:** nothing; but each parameter p that had a part in
# it has now `p.grad`, of its own shape: how much the number changes when p does. What had no part keeps
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
# module has these values now. Names and shapes must all fit, else a RuntimeError lists what does not.
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
