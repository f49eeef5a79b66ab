"""Notebook 3, exercise 2: the mistakes that the checks of the Transformer know, each as an answer."""

import torch
from torch import nn
from torch.nn import functional as F

from ninelives import model
from ninelives.checks.exercise import Exercise

NOT_FLAT = ("cross_entropy takes scores (N, vocab_size) and targets (N,): flatten both, or give the scores as "
            "(B, vocab_size, T).")
NO_TARGET = "a target of −1 marks a position without a target: `ignore_index=-1` leaves it out of the loss."
TARGETS_ARE_NONE = "targets is None when none are given: compute a loss only where `targets is not None`."
transformer = Exercise("Transformer", error_hints={
    "Target -1 is out of bounds": NO_TARGET,
    "index -1 is out of bounds": NO_TARGET,
    "Target ": "a target is the id of a word, from 0 to vocab_size − 1, or −1 for none: leave the targets as they are.",
    "layer_norm(): argument 'input' (position 1) must be Tensor, not NoneType":
        "x is None there. self.join gives the vectors first and the mask second: `x, attention_mask = self.join(…)`.",
    "class indices": NOT_FLAT,
    "Expected target size": NOT_FLAT,
    "to match target batch_size": "cross_entropy needs one row of scores for each target: flatten the first two axes of "
                                  "the scores, and all axes of the targets.",
    "attention_mask has shape": "the mask has a different size from attention's x: it is get_attention_mask(num_tokens, T), "
                                "and with a cache the one that self.join returns.",
    "Sizes of tensors must match": "torch.cat joins along one axis, and all others must agree: join the cache and the "
                                   "embeddings along the tokens, dim=1.",
    "but got NoneType": "hidden_cache is None when none is given: join only where `hidden_cache is not None`.",
    "view size is not compatible": "`.view` cannot read numbers that do not lie in order in memory, as after transpose, or in a slice such as "
                                   "text[:, 1:], of which batches are made: `.flatten()` and `.reshape(…)` can.",
    "[ModuleList] is missing": 'a list of modules has no forward of its own: `for block in self.layers["blocks"]:`, each '
                               "block on what the one before it gave.",
    "log_softmax_lastdim_kernel_impl": "cross_entropy takes the scores first and the targets second.",
    "'str' object is not callable": 'a loop over self.layers gives names. The blocks are in self.layers["blocks"].',
    "'target' (position 2) must be Tensor": TARGETS_ARE_NONE,
    "'lm_head'": "lm_head stands beside self.layers, not in it: `self.lm_head`.",
    "'NoneType' object has no attribute 'flatten'": TARGETS_ARE_NONE,
    "'NoneType' object has no attribute 'view'": TARGETS_ARE_NONE,
    "'NoneType' object has no attribute 'reshape'": TARGETS_ARE_NONE,
})


class Given(model.Transformer):
    """A right answer, cut into steps. Each mistake below replaces one of them."""

    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        mask = self.mask(idx)
        x = self.layers["embedding"](idx)  # (B, T, C)
        if hidden_cache is not None:
            x, mask = self.join(hidden_cache, x, mask)
        x = self.normalise(self.through_blocks(x, mask))  # (B, P + T, C)
        if return_hidden:
            return self.hidden(x, idx)
        logits = self.scores(x)  # (B, P + T, V)
        return logits, None if targets is None else self.loss(logits, targets)

    def mask(self, idx):
        return self.get_attention_mask((idx != -1).sum(1), idx.shape[1])  # (B, 1, T, T) or None

    def join(self, hidden_cache, x, attention_mask):
        return torch.cat((hidden_cache, x), dim=1), None  # (B, P + T, C)

    def through_blocks(self, x, mask):
        for one in self.layers["blocks"]:
            x = one(x, mask)
        return x

    def normalise(self, x):
        return self.layers["norm"](x)

    def hidden(self, x, idx):
        return x * (idx != -1).unsqueeze(-1)

    def scores(self, x):
        return self.lm_head(x)

    def loss(self, logits, targets):
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1)


ONE_POSITION = ("only one position is scored, or the mean of all. Return the scores of every position: training needs them all.")


@transformer.mistake("logits", "these are vectors, not scores: lm_head is missing.")
class HeadLeftOut(Given):
    def scores(self, x):
        return x


@transformer.mistake("logits", "one number is left of each position's scores, as by argmax or max. forward returns the scores of all words; "
                               "choosing comes later, in notebook 6.")
class MostLikelyWord(Given):
    def scores(self, x):
        return self.lm_head(x).argmax(-1)


@transformer.mistake("logits", ONE_POSITION)
class LastPositionOnly(Given):
    def scores(self, x):
        return self.lm_head(x[:, -1])


@transformer.mistake("logits", ONE_POSITION)
class LastPositionAlone(Given):
    def scores(self, x):
        return self.lm_head(x[:, -1:])


@transformer.mistake("logits", "sequences and positions are flattened into one axis. Flatten them for the loss only, "
                               "and return the logits as they were.")
class FlattenedLogits(Given):
    def scores(self, x):
        return self.lm_head(x).flatten(0, 1)


@transformer.mistake("logits", "the last two axes are swapped, as cross_entropy accepts them. Swap them for the loss "
                               "only, and return the logits as they were.")
class SwappedLogits(Given):
    def scores(self, x):
        return self.lm_head(x).transpose(1, 2)


@transformer.mistake("logits", "these are probabilities: a softmax was taken. forward returns raw scores; "
                               "cross_entropy takes the softmax itself, and generation divides the scores by a "
                               "temperature first.")
class SoftmaxInside(Given):
    def scores(self, x):
        return self.lm_head(x).softmax(-1)


@transformer.mistake("logits", "these are log-probabilities: forward returns raw scores, and cross_entropy takes the "
                               "softmax itself.")
class LogSoftmaxInside(Given):
    def scores(self, x):
        return self.lm_head(x).log_softmax(-1)


@transformer.mistake("logits", "the best word has 1 and all others have 0: forward returns the scores of all words; "
                               "argmax has no gradient.")
class OneHotOfTheBest(Given):
    def scores(self, x):
        scores = self.lm_head(x)
        return F.one_hot(scores.argmax(-1), scores.shape[-1]).to(scores)


@transformer.mistake("logits", "the final norm is missing: it comes between the last block and lm_head.")
class NoFinalNorm(Given):
    def normalise(self, x):
        return x


@transformer.mistake("logits", "the final norm is inside the loop, after every block. Apply it once, after the last.")
class FinalNormInTheLoop(Given):
    def through_blocks(self, x, mask):
        for one in self.layers["blocks"]:
            x = self.layers["norm"](one(x, mask))
        return x

    def normalise(self, x):
        return x


@transformer.mistake("logits", "the final norm is applied after every block and again at the end. Apply it once, "
                               "after the last block.")
class FinalNormInTheLoopAndAfter(Given):
    def through_blocks(self, x, mask):
        for one in self.layers["blocks"]:
            x = self.layers["norm"](one(x, mask))
        return x


@transformer.mistake("logits", "the final norm is applied before the blocks. Apply it after the last.")
class FinalNormFirst(Given):
    def through_blocks(self, x, mask):
        return super().through_blocks(self.layers["norm"](x), mask)

    def normalise(self, x):
        return x


@transformer.mistake("logits", "no block is used.")
class NoBlocks(Given):
    def through_blocks(self, x, mask):
        return x


@transformer.mistake("logits", "only the first block is used: is there a `return` or a `break` inside the loop, or no "
                               "loop?")
class FirstBlockOnly(Given):
    def through_blocks(self, x, mask):
        for one in self.layers["blocks"]:
            return one(x, mask)


@transformer.mistake("logits", "only the last block counts, because each block is given the embeddings. Give each "
                               "what the one before it returned.")
class EachBlockReadsTheEmbeddings(Given):
    def through_blocks(self, x, mask):
        for one in self.layers["blocks"]:
            result = one(x, mask)
        return result


@transformer.mistake("logits", "the last block is not used.")
class LastBlockLeftOut(Given):
    def through_blocks(self, x, mask):
        for one in self.layers["blocks"][:-1]:
            x = one(x, mask)
        return x


@transformer.mistake("logits", "the first block is not used.")
class FirstBlockLeftOut(Given):
    def through_blocks(self, x, mask):
        for one in self.layers["blocks"][1:]:
            x = one(x, mask)
        return x


@transformer.mistake("logits", 'the first block is used in every layer. Each layer has its own block: loop over '
                               'self.layers["blocks"].')
class FirstBlockEverywhere(Given):
    def through_blocks(self, x, mask):
        for _ in self.layers["blocks"]:
            x = self.layers["blocks"][0](x, mask)
        return x


@transformer.mistake("logits", 'the last block is used in every layer. Each layer has its own block: loop over '
                               'self.layers["blocks"].')
class LastBlockEverywhere(Given):
    def through_blocks(self, x, mask):
        for _ in self.layers["blocks"]:
            x = self.layers["blocks"][-1](x, mask)
        return x


@transformer.mistake("logits", "the blocks run in reverse order.")
class BlocksBackwards(Given):
    def through_blocks(self, x, mask):
        for one in reversed(self.layers["blocks"]):
            x = one(x, mask)
        return x


@transformer.mistake("logits", "every block is used twice.")
class EveryBlockTwice(Given):
    def through_blocks(self, x, mask):
        for one in self.layers["blocks"]:
            x = one(one(x, mask), mask)
        return x


@transformer.mistake("logits", "the input of each block is added to its output: the block adds it already.")
class SumsAroundTheBlocks(Given):
    def through_blocks(self, x, mask):
        for one in self.layers["blocks"]:
            x = x + one(x, mask)
        return x


@transformer.mistake("logits", "the embeddings are added again at the end: the sums inside the blocks hold them "
                               "already.")
class EmbeddingsAddedAtTheEnd(Given):
    def through_blocks(self, x, mask):
        return x + super().through_blocks(x, mask)


@transformer.mistake("logits", "the blocks get a mask that hides padding. Here get_attention_mask returns None, which "
                               "hides nothing: hiding padding comes in the next notebook.")
class PaddingHiddenUnasked(Given):
    def mask(self, idx):
        B, T = idx.shape
        asked = super().mask(idx)
        return (idx != -1)[:, None, None, :].expand(B, 1, T, T) if asked is None else asked


@transformer.mistake("mask", "forward calls get_attention_mask but does not pass its mask on: `block(x, "
                             "attention_mask)`.")
class MaskNotPassedOn(Given):
    def through_blocks(self, x, mask):
        return super().through_blocks(x, None)


@transformer.mistake("mask", "only the first block gets the mask: every block needs it.")
class MaskForTheFirstBlock(Given):
    def through_blocks(self, x, mask):
        for one in self.layers["blocks"]:
            x, mask = one(x, mask), None
        return x


@transformer.mistake("mask", "padding is counted. Count the positions where idx is not −1.")
class PaddingCounted(Given):
    def mask(self, idx):
        B, T = idx.shape
        return self.get_attention_mask(torch.full((B,), T), T)


@transformer.mistake("mask", "padding is counted. Count the positions where idx is not −1.")
class PaddingAloneCounted(Given):
    def mask(self, idx):
        return self.get_attention_mask((idx == -1).sum(1), idx.shape[1])


@transformer.mistake("mask", "the word with id 0 is taken for padding. Padding is −1.")
class FirstWordTakenForPadding(Given):
    def mask(self, idx):
        return self.get_attention_mask((idx > 0).sum(1), idx.shape[1])


@transformer.mistake("mask", "these are the ids. Count the positions where idx is not −1: `(idx != -1).sum(1)`.")
class IdsGiven(Given):
    def mask(self, idx):
        return self.get_attention_mask(idx, idx.shape[1])


@transformer.mistake("mask", "this says which positions hold tokens. Sum it along axis 1.")
class TokensNotCounted(Given):
    def mask(self, idx):
        return self.get_attention_mask(idx != -1, idx.shape[1])


@transformer.mistake("mask", "this is the count of the whole batch: `.sum(1)` counts each sequence.")
class WholeBatchCounted(Given):
    def mask(self, idx):
        return self.get_attention_mask((idx != -1).sum(), idx.shape[1])


@transformer.mistake("mask", "this is the number of positions. Give the number of tokens of each sequence.")
class NumberOfPositionsGiven(Given):
    def mask(self, idx):
        return self.get_attention_mask(idx.shape[1], idx.shape[1])


@transformer.mistake("loss", "this is the loss of predicting idx itself: cross_entropy gets the scores and targets.")
class IdxForTargets(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        return super().forward(idx, None if targets is None else idx, hidden_cache, return_hidden)


@transformer.mistake("loss", "positions where idx is −1 are left out, although they have a target. Only where the target is "
                             "−1 does a position not count.")
class TargetsAtPaddingIgnored(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        counted = None if targets is None else targets.masked_fill(idx == -1, -1)
        return super().forward(idx, counted, hidden_cache, return_hidden)


@transformer.mistake("loss", "the losses are summed. Their mean does not grow with the size of the batch: leave "
                             "`reduction` of cross_entropy alone.")
class LossSummed(Given):
    def loss(self, logits, targets):
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1, reduction="sum")


@transformer.mistake("loss", "the sum is divided by the number of positions, and those whose target is −1 are counted "
                             "too.")
class LossOverAllPositions(Given):
    def loss(self, logits, targets):
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1, reduction="none").mean()


@transformer.mistake("loss", "the sum is divided by the number of sequences; divide it by the number of targets.")
class LossOverSequences(Given):
    def loss(self, logits, targets):
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1, reduction="sum") / len(targets)


@transformer.mistake("loss", "this is the loss of probabilities: cross_entropy takes the softmax itself, so give it "
                             "the raw logits.")
class LossOfProbabilities(Given):
    def loss(self, logits, targets):
        return super().loss(logits.softmax(-1), targets)


@transformer.mistake("loss", "positions with target −1 count as if word 0 were the target: `ignore_index=-1` leaves "
                             "them out.")
class IgnoredCountAsTheFirstWord(Given):
    def loss(self, logits, targets):
        return super().loss(logits, targets.clamp(min=0))


@transformer.mistake("loss", "positions with target −1 count as if the last word were the target, since index −1 is "
                             "the last one: `ignore_index=-1` of cross_entropy leaves them out.")
class IgnoredCountAsTheLastWord(Given):
    def loss(self, logits, targets):
        scores = logits.flatten(0, 1).log_softmax(-1)
        return -scores[torch.arange(len(scores)), targets.flatten()].mean()


@transformer.mistake("loss", "the word with id 0 is left out, as if it were padding. Only −1 is left out.")
class FirstWordIgnored(Given):
    def loss(self, logits, targets):
        return super().loss(logits, targets.masked_fill(targets == 0, -1))


@transformer.mistake("loss", "the targets are shifted by one position. They are shifted already: row t predicts "
                             "targets[:, t].")
class TargetsShifted(Given):
    def loss(self, logits, targets):
        return super().loss(logits[:, :-1], targets[:, 1:])


@transformer.mistake("loss", "the scores are shifted by one position. Row t predicts targets[:, t].")
class ScoresShifted(Given):
    def loss(self, logits, targets):
        return super().loss(logits[:, 1:], targets[:, :-1])


@transformer.mistake("loss", "only the last position is scored: every position has a target.")
class LossOfTheLastPosition(Given):
    def loss(self, logits, targets):
        return super().loss(logits[:, -1:], targets[:, -1:])


@transformer.mistake("loss", "this is the mean over the sequences of each sequence's mean: every target counts alike, "
                             "so take one mean over all.")
class MeanOfMeans(Given):
    def loss(self, logits, targets):
        has_target = (targets != -1).any(1)
        return torch.stack([super(MeanOfMeans, self).loss(rows[None], words[None])
                            for rows, words in zip(logits[has_target], targets[has_target])]).mean()


@transformer.mistake("loss", "the scores are reshaped where two axes should be swapped, which mixes words and tokens: "
                             "flatten(0, 1), or transpose(1, 2).")
class LossReshaped(Given):
    def loss(self, logits, targets):
        B, T, V = logits.shape
        return F.cross_entropy(logits.reshape(B, V, T), targets, ignore_index=-1)


@transformer.mistake("loss", "this is the perplexity, e to the power of the loss.")
class Perplexity(Given):
    def loss(self, logits, targets):
        return super().loss(logits, targets).exp()


@transformer.mistake("loss", "the sign is wrong.")
class NegativeLoss(Given):
    def loss(self, logits, targets):
        return -super().loss(logits, targets)


@transformer.mistake("loss", "this is the share of wrong words, not the cross-entropy.")
class ShareOfWrongWords(Given):
    def loss(self, logits, targets):
        return (logits.argmax(-1) != targets)[targets != -1].to(logits).mean()


@transformer.mistake("loss", "this averages the probabilities. Cross-entropy averages their logarithms.")
class MeanOfProbabilities(Given):
    def loss(self, logits, targets):
        words = targets.clamp(min=0).unsqueeze(-1)  # (B, T, 1)
        probabilities = logits.softmax(-1).gather(-1, words).squeeze(-1)  # (B, T)
        return 1 - probabilities[targets != -1].mean()


@transformer.mistake("hidden states", "these are the logits. Return the vectors that lm_head would read.")
class LogitsAsHidden(Given):
    def hidden(self, x, idx):
        return self.lm_head(x)


@transformer.mistake("hidden states", "the tokens are averaged, or only one is returned: return the vectors of all "
                                      "positions.")
class HiddenOfTheLastPosition(Given):
    def hidden(self, x, idx):
        return x[:, -1]


class BeforeTheNorm(Given):
    """`hidden` is given what the blocks return."""

    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        if not return_hidden:
            return super().forward(idx, targets, hidden_cache)
        return self.hidden(self.through_blocks(self.layers["embedding"](idx), self.mask(idx)), idx)


@transformer.mistake("hidden states", "the final norm has not been applied to them: they are what lm_head reads.")
class HiddenBeforeTheNorm(BeforeTheNorm):
    pass


@transformer.mistake("hidden states", "the final norm has not been applied to them, and they are not 0 where idx is −1.")
class HiddenBeforeTheNormWithPadding(BeforeTheNorm):
    def hidden(self, x, idx):
        return x


@transformer.mistake("hidden states", "they are not 0 where idx is −1. Rows of zeros tell the reader of hidden_cache "
                                      "that there is no token: multiply by `(idx != -1).unsqueeze(-1)`.")
class PaddingNotZero(Given):
    def hidden(self, x, idx):
        return x


@transformer.mistake("hidden states", "the zeros are at the tokens and the vectors at the padding: swap the two.")
class TokensZero(Given):
    def hidden(self, x, idx):
        return x * (idx == -1).unsqueeze(-1)


@transformer.mistake("hidden states", "the word with id 0 is taken for padding. Padding is −1.")
class HiddenOfTheFirstWordZero(Given):
    def hidden(self, x, idx):
        return x * (idx > 0).unsqueeze(-1)


@transformer.mistake("hidden states", "these are the embeddings.")
class EmbeddingsAsHidden(Given):
    def hidden(self, x, idx):
        return super().hidden(self.layers["embedding"](idx), idx)


@transformer.mistake("hidden states", "the zeros are set before the blocks, whose sums and norms turn them into other "
                                      "numbers: set them last.")
class ZerosBeforeTheBlocks(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        if not return_hidden:
            return super().forward(idx, targets, hidden_cache)
        x = self.hidden(self.layers["embedding"](idx), idx)
        return self.normalise(self.through_blocks(x, self.mask(idx)))


@transformer.mistake("hidden states", "the zeros are set before the final norm, which adds its bias to them: set them "
                                      "last.")
class ZerosBeforeTheNorm(BeforeTheNorm):
    def hidden(self, x, idx):
        return self.normalise(super().hidden(x, idx))


@transformer.mistake("join", "these are the embeddings alone: the rows of hidden_cache come before them.")
class CacheLeftOut(Given):
    def join(self, hidden_cache, x, attention_mask):
        return x, None


@transformer.mistake("join", "these are the rows of the cache alone: the embeddings x come after them.")
class EmbeddingsLeftOut(Given):
    def join(self, hidden_cache, x, attention_mask):
        return hidden_cache, None


@transformer.mistake("join", "the cache comes after the tokens; put it before them.")
class CacheAfterTheTokens(Given):
    def join(self, hidden_cache, x, attention_mask):
        return torch.cat((x, hidden_cache), dim=1), None


@transformer.mistake("join", "the cache is normalised. Leave it as it is: the other Transformer has applied its final "
                             "norm already.")
class CacheNormalised(Given):
    def join(self, hidden_cache, x, attention_mask):
        return super().join(self.layers["norm"](hidden_cache), x, attention_mask)


@transformer.mistake("join", "every row of the cache is the mean of all: leave the rows as they are, one for each word "
                             "that was read.")
class MeanOfTheCache(Given):
    def join(self, hidden_cache, x, attention_mask):
        return super().join(hidden_cache.mean(1, keepdim=True).expand_as(hidden_cache), x, attention_mask)


@transformer.mistake("join", "only one row of the cache is kept, or the mean of its rows. All P rows come before the embeddings.")
class LastRowOfTheCache(Given):
    def join(self, hidden_cache, x, attention_mask):
        return super().join(hidden_cache[:, -1:], x, attention_mask)


@transformer.mistake("join", "the rows of the cache are in reverse order.")
class CacheReversed(Given):
    def join(self, hidden_cache, x, attention_mask):
        return super().join(hidden_cache.flip(1), x, attention_mask)


@transformer.mistake("cache", "hidden_cache is not used, or its rows are cut off. Return the logits of all P + T rows.")
class CacheNotUsed(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        return super().forward(idx, targets, None, return_hidden)


@transformer.mistake("cache", "join is called with the two in the wrong order: self.join(hidden_cache, x, attention_mask).")
class JoinedTheOtherWayRound(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        if hidden_cache is None:
            return super().forward(idx, targets, None, return_hidden)
        x, mask = self.join(self.layers["embedding"](idx), hidden_cache, self.mask(idx))
        return self.scores(self.normalise(self.through_blocks(x, mask))), None


def counting_on(embedding: nn.Module, idx: torch.Tensor, P: int) -> torch.Tensor:
    """(B, T, C): the embeddings of idx at the positions P, P + 1, …"""
    return embedding(F.pad(idx, (P, 0)))[:, P:]


@transformer.mistake("cache", "the positions of the tokens continue after those of the cache. They start at 0 again: "
                              "embed idx alone, then join.")
class PositionsCountedOn(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        if hidden_cache is None:
            return super().forward(idx, targets, None, return_hidden)
        embedded = counting_on(self.layers["embedding"], idx, hidden_cache.shape[1])
        x, mask = self.join(hidden_cache, embedded, self.mask(idx))
        return self.scores(self.normalise(self.through_blocks(x, mask))), None


@transformer.mistake("cache", "the cache joins the tokens only after the blocks. Join them before: the cache passes "
                              "through all blocks with the tokens.")
class CachePastTheBlocks(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        if hidden_cache is None:
            return super().forward(idx, targets, None, return_hidden)
        x = self.through_blocks(self.layers["embedding"](idx), self.mask(idx))
        x, _ = self.join(hidden_cache, x, None)
        return self.scores(self.normalise(x)), None
