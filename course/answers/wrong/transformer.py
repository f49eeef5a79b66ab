"""Wrong answers to notebook 3."""

import torch
from torch import nn
from torch.nn import functional as F

from answers import refused_by
from ninelives import model
from ninelives.checks.transformer import block, transformer
from ninelives.model.masks import joint_mask


class GivenBlock(model.TransformerBlock):
    """The constructor of exercise 1."""

    def read(self, x, attention_mask=None):
        return self.attention(self.norm_1(x), attention_mask)

    def work(self, x):
        return self.mlp(self.norm_2(x))


@refused_by(block, "shape", "not written yet")
class BlockNotWritten(GivenBlock):
    def forward(self, x, attention_mask=None):
        raise NotImplementedError()


@refused_by(block, "shape", "has no `return`")
class BlockWithoutReturn(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x + self.read(x, attention_mask)
        x = x + self.work(x)


@refused_by(block, "shape", "changed the tensor that it was given")
class AddedInPlace(GivenBlock):
    def forward(self, x, attention_mask=None):
        x += self.read(x, attention_mask)
        x += self.work(x)
        return x


@refused_by(block, "shape", "the block has no self.norm_2")
class PartLeftOut(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.norm_1 = nn.LayerNorm(config.n_embd)
        self.attention = model.MultiHeadSelfAttention(config)
        self.mlp = nn.Linear(config.n_embd, config.n_embd)

    def forward(self, x, attention_mask=None):
        return x + self.mlp(x + self.attention(self.norm_1(x), attention_mask))


@refused_by(block, "shape", "They are to be added")
class SideBySide(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = torch.cat((x, self.read(x, attention_mask)), dim=1)
        return x + self.work(x)


@refused_by(block, "shape", "the batch axis is gone")
class Squeezed(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x + self.read(x, attention_mask)
        return (x + self.work(x)).squeeze(0)


@refused_by(block, "values", "post-norm")
class PostNorm(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = self.norm_1(x + self.attention(x, attention_mask))
        return self.norm_2(x + self.mlp(x))


@refused_by(block, "values", "on what the parts give")
class NormOfTheResult(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x + self.norm_1(self.attention(x, attention_mask))
        return x + self.norm_2(self.mlp(x))


@refused_by(block, "values", "nothing is added to what came in")
class NoResiduals(GivenBlock):
    def forward(self, x, attention_mask=None):
        return self.work(self.read(x, attention_mask))


@refused_by(block, "values", "the first sum is missing")
class NoFirstResidual(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = self.read(x, attention_mask)
        return x + self.work(x)


@refused_by(block, "values", "the second sum is missing")
class NoSecondResidual(GivenBlock):
    def forward(self, x, attention_mask=None):
        return self.work(x + self.read(x, attention_mask))


@refused_by(block, "values", "x is added twice")
class ResidualTwice(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x + x + self.read(x, attention_mask)
        return x + self.work(x)


@refused_by(block, "values", "once more at the end")
class FirstInputAddedAgain(GivenBlock):
    def forward(self, x, attention_mask=None):
        between = x + self.read(x, attention_mask)
        return x + between + self.work(between)


@refused_by(block, "values", "what attention gave is lost")
class SecondSumWithTheFirstInput(GivenBlock):
    def forward(self, x, attention_mask=None):
        return x + self.work(x + self.read(x, attention_mask))


@refused_by(block, "values", "the norm is for the part's eyes only")
class AddedToTheNormed(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = self.norm_1(x)
        x = x + self.attention(x, attention_mask)
        x = self.norm_2(x)
        return x + self.mlp(x)


@refused_by(block, "values", "attention's result is added to the normed x")
class FirstAddedToTheNormed(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = self.norm_1(x)
        x = x + self.attention(x, attention_mask)
        return x + self.work(x)


@refused_by(block, "values", "the mlp's result is added to the normed x")
class SecondAddedToTheNormed(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = self.norm_2(x + self.read(x, attention_mask))
        return x + self.mlp(x)


@refused_by(block, "values", "norm_1 is used twice")
class FirstNormTwice(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x + self.read(x, attention_mask)
        return x + self.mlp(self.norm_1(x))


@refused_by(block, "values", "norm_2 is used twice")
class SecondNormTwice(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x + self.attention(self.norm_2(x), attention_mask)
        return x + self.work(x)


@refused_by(block, "values", "the two norms have changed places")
class NormsSwapped(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x + self.attention(self.norm_2(x), attention_mask)
        return x + self.mlp(self.norm_1(x))


@refused_by(block, "values", "no norm is used")
class NoNorms(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x + self.attention(x, attention_mask)
        return x + self.mlp(x)


@refused_by(block, "values", "norm_1 is not used")
class NoFirstNorm(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x + self.attention(x, attention_mask)
        return x + self.work(x)


@refused_by(block, "values", "norm_2 is not used")
class NoSecondNorm(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x + self.read(x, attention_mask)
        return x + self.mlp(x)


@refused_by(block, "values", "the mlp comes before attention")
class MlpFirst(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x + self.work(x)
        return x + self.read(x, attention_mask)


@refused_by(block, "values", "each with the other's norm")
class MlpFirstWithTheFirstNorm(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x + self.mlp(self.norm_1(x))
        return x + self.attention(self.norm_2(x), attention_mask)


@refused_by(block, "values", "the mlp reads the old x")
class BothFromTheSame(GivenBlock):
    def forward(self, x, attention_mask=None):
        return x + self.read(x, attention_mask) + self.work(x)


@refused_by(block, "values", "the mlp reads attention's result alone")
class MlpOfAttention(GivenBlock):
    def forward(self, x, attention_mask=None):
        return x + self.work(self.read(x, attention_mask))


@refused_by(block, "values", "the mlp is not used")
class NoMlp(GivenBlock):
    def forward(self, x, attention_mask=None):
        return x + self.read(x, attention_mask)


@refused_by(block, "values", "attention is not used")
class NoAttention(GivenBlock):
    def forward(self, x, attention_mask=None):
        return x + self.work(x)


@refused_by(block, "values", "the Transformer's business")
class OneNormMore(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x + self.read(x, attention_mask)
        return self.norm_2(x + self.work(x))


@refused_by(block, "values", "two lines")
class ResidualHalved(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = 0.5 * x + self.read(x, attention_mask)
        return x + self.work(x)


@refused_by(block, "mask", "attention gets no mask")
class MaskNotPassedOn(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x + self.read(x)
        return x + self.work(x)


@refused_by(block, "mask", "the mask is transposed")
class MaskTransposed(GivenBlock):
    def forward(self, x, attention_mask=None):
        if attention_mask is not None:
            attention_mask = attention_mask.transpose(-2, -1)
        x = x + self.read(x, attention_mask)
        return x + self.work(x)


@refused_by(block, "mask", "as it came")
class AlwaysCausal(GivenBlock):
    def forward(self, x, attention_mask=None):
        if attention_mask is not None:
            attention_mask = torch.ones(x.shape[1], x.shape[1]).tril()
        x = x + self.read(x, attention_mask)
        return x + self.work(x)


@refused_by(block, "gradient", "no gradient has reached")
class AttentionDetached(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x + self.read(x, attention_mask).detach()
        return x + self.work(x)


@refused_by(block, "gradient", "one of the paths from x to the output is cut off")
class ResidualDetached(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x.detach() + self.read(x, attention_mask)
        return x + self.work(x)


class Given(model.Transformer):
    """A right answer to exercise 2, cut into steps of which each wrong one replaces some."""

    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        mask = self.mask(idx)
        x = self.layers["embedding"](idx)
        if hidden_cache is not None:
            x, mask = self.joined(hidden_cache, idx, x, mask)
        x = self.normed(self.through(x, mask))
        if return_hidden:
            return self.hidden(x, idx)
        logits = self.scores(x)
        if targets is None:
            return logits, None
        if hidden_cache is not None:
            return logits, self.loss(self.aligned(logits, hidden_cache.shape[1], idx.shape[1]), targets)
        return logits, self.loss(logits, targets)

    def mask(self, idx):
        return self.get_attention_mask((idx != -1).sum(1), idx.shape[1])

    def joined(self, cache, idx, x, mask):
        return torch.cat((cache, x), dim=1), joint_mask(cache, idx, mask)

    def through(self, x, mask):
        for block in self.layers["blocks"]:
            x = block(x, mask)
        return x

    def normed(self, x):
        return self.layers["norm"](x)

    def hidden(self, x, idx):
        return x * (idx != -1).unsqueeze(-1)

    def scores(self, x):
        return self.lm_head(x)

    def aligned(self, logits, P, T):
        return logits[:, P - 1 : P - 1 + T]

    def loss(self, logits, targets):
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1)


@refused_by(transformer, "logits", "Transformer.forward is not written yet")
class TransformerNotWritten(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        raise NotImplementedError()


@refused_by(transformer, "logits", "exercise 1 first")
class OnABlockNotWritten(Given):
    def __init__(self, config):
        super().__init__(config)
        self.layers["blocks"] = nn.ModuleList(BlockNotWritten(config) for _ in range(config.n_layer))


@refused_by(transformer, "logits", "leave __init__ as it was given")
class AnotherConstructor(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.embedding = model.Embedding(config)
        self.lm_head = nn.Linear(config.n_embd, config.vocab_size)

    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        return self.lm_head(self.embedding(idx)), None


@refused_by(transformer, "logits", "return logits, None")
class LogitsAlone(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        logits, loss = super().forward(idx, targets, hidden_cache, return_hidden)
        return logits if loss is None else (logits, loss)


@refused_by(transformer, "logits", "has no `return`")
class TransformerWithoutReturn(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        super().forward(idx, targets, hidden_cache, return_hidden)


@refused_by(transformer, "logits", "lm_head is missing")
class HeadLeftOut(Given):
    def scores(self, x):
        return x


@refused_by(transformer, "logits", "an argmax picks one word")
class MostLikelyWord(Given):
    """The misreading of section 3, second half."""

    def scores(self, x):
        return self.lm_head(x).argmax(-1)


@refused_by(transformer, "logits", "these are probabilities")
class SoftmaxInside(Given):
    """The misreading of section 3, first half."""

    def scores(self, x):
        return self.lm_head(x).softmax(-1)


@refused_by(transformer, "logits", "these are log-probabilities")
class LogSoftmaxInside(Given):
    def scores(self, x):
        return self.lm_head(x).log_softmax(-1)


@refused_by(transformer, "logits", "the best word has 1")
class OneHotOfTheBest(Given):
    def scores(self, x):
        scores = self.lm_head(x)
        return F.one_hot(scores.argmax(-1), scores.shape[-1]).to(scores)


@refused_by(transformer, "logits", "only one place is scored")
class LastPlaceOnly(Given):
    def scores(self, x):
        return self.lm_head(x[:, -1])


@refused_by(transformer, "logits", "flattened into one axis")
class FlattenedLogits(Given):
    def scores(self, x):
        return self.lm_head(x).flatten(0, 1)


@refused_by(transformer, "logits", "without targets the loss is")
class LossOfNothing(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        logits, loss = super().forward(idx, targets, hidden_cache, return_hidden)
        return logits, torch.tensor(0.0) if loss is None else loss


@refused_by(transformer, "logits", "the final norm is missing")
class NoFinalNorm(Given):
    def normed(self, x):
        return x


@refused_by(transformer, "logits", "the final norm stands inside the loop")
class FinalNormInTheLoop(Given):
    def through(self, x, mask):
        for block in self.layers["blocks"]:
            x = self.layers["norm"](block(x, mask))
        return x

    def normed(self, x):
        return x


@refused_by(transformer, "logits", "after every block and again")
class FinalNormInTheLoopAndAfter(Given):
    def through(self, x, mask):
        for block in self.layers["blocks"]:
            x = self.layers["norm"](block(x, mask))
        return x


@refused_by(transformer, "logits", "taken before the blocks")
class FinalNormFirst(Given):
    def through(self, x, mask):
        return super().through(self.layers["norm"](x), mask)

    def normed(self, x):
        return x


@refused_by(transformer, "logits", "no block is used")
class NoBlocks(Given):
    def through(self, x, mask):
        return x


@refused_by(transformer, "logits", "only the first of the 3 blocks")
class FirstBlockOnly(Given):
    def through(self, x, mask):
        for block in self.layers["blocks"]:
            return block(x, mask)


@refused_by(transformer, "logits", "each block is given the embeddings")
class EachBlockReadsTheEmbeddings(Given):
    def through(self, x, mask):
        for block in self.layers["blocks"]:
            result = block(x, mask)
        return result


@refused_by(transformer, "logits", "the last of the 3 blocks is not used")
class LastBlockLeftOut(Given):
    def through(self, x, mask):
        for block in self.layers["blocks"][:-1]:
            x = block(x, mask)
        return x


@refused_by(transformer, "logits", "the first block is used 3 times")
class OneBlockManyTimes(Given):
    def through(self, x, mask):
        for _ in self.layers["blocks"]:
            x = self.layers["blocks"][0](x, mask)
        return x


@refused_by(transformer, "logits", "the last one first")
class BlocksBackwards(Given):
    def through(self, x, mask):
        for block in reversed(self.layers["blocks"]):
            x = block(x, mask)
        return x


@refused_by(transformer, "logits", "what came into a block is added")
class SumsAroundTheBlocks(Given):
    def through(self, x, mask):
        for block in self.layers["blocks"]:
            x = x + block(x, mask)
        return x


@refused_by(transformer, "logits", "the embeddings are added once more")
class EmbeddingsAddedAtTheEnd(Given):
    def through(self, x, mask):
        return x + super().through(x, mask)


@refused_by(transformer, "logits", "changed the tensor that it was given")
class PaddingOverwritten(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        is_padding = idx == -1
        idx[is_padding] = 0
        return super().forward(idx, targets, hidden_cache, return_hidden)


@refused_by(transformer, "logits", "nobody is hidden")
class PaddingHiddenWithoutBeingAsked(Given):
    def mask(self, idx):
        B, T = idx.shape
        asked = super().mask(idx)
        return (idx != -1)[:, None, None, :].expand(B, 1, T, T) if asked is None else asked


@refused_by(transformer, "mask", "never called")
class MaskNeverAskedFor(Given):
    def mask(self, idx):
        return None


@refused_by(transformer, "mask", "the blocks do not get it")
class MaskNotHandedOn(Given):
    def through(self, x, mask):
        for block in self.layers["blocks"]:
            x = block(x)
        return x


@refused_by(transformer, "mask", "only the first block gets the mask")
class MaskForTheFirstBlock(Given):
    def through(self, x, mask):
        for block in self.layers["blocks"]:
            x, mask = block(x, mask), None
        return x


@refused_by(transformer, "mask", "padding is counted")
class PaddingCounted(Given):
    def mask(self, idx):
        B, T = idx.shape
        return self.get_attention_mask(torch.full((B,), T), T)


@refused_by(transformer, "mask", "id 0 is taken for padding")
class FirstWordTakenForPadding(Given):
    def mask(self, idx):
        return self.get_attention_mask((idx > 0).sum(1), idx.shape[1])


@refused_by(transformer, "mask", "this is the number of places")
class NumberOfPlacesGiven(Given):
    def mask(self, idx):
        return self.get_attention_mask(idx.shape[1], idx.shape[1])


@refused_by(transformer, "mask", "the mask must be as large as idx")
class PlacesNotGiven(Given):
    def mask(self, idx):
        return self.get_attention_mask((idx != -1).sum(1))


@refused_by(transformer, "loss", "`ignore_index=-1` leaves it out")
class PaddingNotIgnored(Given):
    def loss(self, logits, targets):
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


@refused_by(transformer, "loss", "as if the word 0 were wanted")
class PaddingCountedAsTheFirstWord(Given):
    def loss(self, logits, targets):
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten().clamp(min=0))


@refused_by(transformer, "loss", "the word with id 0 is left out")
class FirstWordIgnored(Given):
    def loss(self, logits, targets):
        return F.cross_entropy(logits.flatten(0, 1), targets.clamp(min=0).flatten(), ignore_index=0)


@refused_by(transformer, "loss", "the sum over all places")
class LossSummed(Given):
    def loss(self, logits, targets):
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1, reduction="sum")


@refused_by(transformer, "loss", "divided by all places")
class LossOverAllPlaces(Given):
    def loss(self, logits, targets):
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1, reduction="none").mean()


@refused_by(transformer, "loss", "a single number")
class LossForEveryPlace(Given):
    def loss(self, logits, targets):
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1, reduction="none")


@refused_by(transformer, "loss", "the loss of probabilities")
class LossOfProbabilities(Given):
    def loss(self, logits, targets):
        return F.cross_entropy(logits.softmax(-1).flatten(0, 1), targets.flatten(), ignore_index=-1)


@refused_by(transformer, "loss", "the targets are shifted by one place")
class TargetsShifted(Given):
    def loss(self, logits, targets):
        return super().loss(logits[:, :-1], targets[:, 1:])


@refused_by(transformer, "loss", "only the last place is scored")
class LossOfTheLastPlace(Given):
    def loss(self, logits, targets):
        return F.cross_entropy(logits[:, -1], targets[:, -1].clamp(min=0))


@refused_by(transformer, "loss", "mixes words and tokens")
class LossReshaped(Given):
    def loss(self, logits, targets):
        B, T, V = logits.shape
        return F.cross_entropy(logits.reshape(B, V, T), targets, ignore_index=-1)


@refused_by(transformer, "loss", "for each sequence first")
class MeanOfMeans(Given):
    def loss(self, logits, targets):
        losses = [super(MeanOfMeans, self).loss(rows[None], words[None]) for rows, words in zip(logits, targets) if (words != -1).any()]
        return torch.stack(losses).mean()


@refused_by(transformer, "loss", "the perplexity")
class Perplexity(Given):
    def loss(self, logits, targets):
        return super().loss(logits, targets).exp()


@refused_by(transformer, "loss", "flatten both")
class NothingFlattened(Given):
    def loss(self, logits, targets):
        return F.cross_entropy(logits, targets, ignore_index=-1)


@refused_by(transformer, "loss", "the loss is None")
class LossLeftOut(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        return super().forward(idx, None, hidden_cache, return_hidden)


@refused_by(transformer, "loss", "leave out .item()")
class LossAsANumber(Given):
    def loss(self, logits, targets):
        return super().loss(logits, targets).item()


@refused_by(transformer, "hidden", "return_hidden is not used")
class ReturnHiddenNotUsed(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        return super().forward(idx, targets, hidden_cache)


@refused_by(transformer, "hidden", "these are the logits")
class LogitsAsHidden(Given):
    def hidden(self, x, idx):
        return self.lm_head(x)


@refused_by(transformer, "hidden", "without a loss")
class HiddenAndALoss(Given):
    def hidden(self, x, idx):
        return super().hidden(x, idx), None


@refused_by(transformer, "hidden", "before the final norm")
class HiddenBeforeTheNorm(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        if not return_hidden:
            return super().forward(idx, targets, hidden_cache)
        return self.hidden(self.through(self.layers["embedding"](idx), self.mask(idx)), idx)


@refused_by(transformer, "hidden", "they are not 0 where idx is −1")
class PaddingNotZero(Given):
    def hidden(self, x, idx):
        return x


@refused_by(transformer, "hidden", "the other way round")
class TokensZero(Given):
    def hidden(self, x, idx):
        return x * (idx == -1).unsqueeze(-1)


@refused_by(transformer, "hidden", "id 0 is taken for padding")
class HiddenOfTheFirstWordZero(Given):
    def hidden(self, x, idx):
        return x * (idx > 0).unsqueeze(-1)


@refused_by(transformer, "hidden", "only one is returned")
class HiddenOfTheLastPlace(Given):
    def hidden(self, x, idx):
        return x[:, -1]


@refused_by(transformer, "cache", "the cache is not used")
class CacheNotUsed(Given):
    def joined(self, cache, idx, x, mask):
        return x, mask


@refused_by(transformer, "cache", "the rows of the cache are cut off")
class CacheRowsCutOff(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        if return_hidden:
            return super().forward(idx, targets, hidden_cache, return_hidden)
        logits, loss = super().forward(idx, targets, hidden_cache)
        return logits[:, -idx.shape[1] :], loss


@refused_by(transformer, "cache", "the cache stands behind the tokens")
class CacheBehind(Given):
    def joined(self, cache, idx, x, mask):
        return torch.cat((x, cache), dim=1), joint_mask(cache, idx, mask)


@refused_by(transformer, "cache", "the positions are counted on")
class PositionsCountedOn(Given):
    def joined(self, cache, idx, x, mask):
        P, T = cache.shape[1], idx.shape[1]
        embedding = self.layers["embedding"]
        places = torch.arange(P, P + T).clamp(max=embedding.position.num_embeddings - 1)
        return super().joined(cache, idx, embedding.token(idx.clamp(min=0)) + embedding.position(places), mask)


@refused_by(transformer, "cache", "torch.cat joins along one axis")
class CacheJoinedAlongTheBatch(Given):
    def joined(self, cache, idx, x, mask):
        return torch.cat((cache, x), dim=0), joint_mask(cache, idx, mask)


@refused_by(transformer, "cache", "attention got a mask of another size")
class MaskOfTheTokensAlone(Given):
    def joined(self, cache, idx, x, mask):
        # None would fit any size.
        mask = torch.ones(len(idx), 1, idx.shape[1], idx.shape[1]) if mask is None else mask
        return torch.cat((cache, x), dim=1), mask


@refused_by(transformer, "cache", "the blocks get no mask")
class CacheWithoutAMask(Given):
    def joined(self, cache, idx, x, mask):
        return torch.cat((cache, x), dim=1), None


@refused_by(transformer, "cache", "joint_mask got None")
class JointMaskOfNone(Given):
    def joined(self, cache, idx, x, mask):
        return torch.cat((cache, x), dim=1), joint_mask(cache, idx, None)


@refused_by(transformer, "cache", "the final norm is taken of the cache already")
class CacheNormed(Given):
    def joined(self, cache, idx, x, mask):
        return super().joined(self.layers["norm"](cache), idx, x, mask)


@refused_by(transformer, "cache", "the cache is put in front after the blocks")
class CachePastTheBlocks(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        if hidden_cache is None:
            return super().forward(idx, targets, None, return_hidden)
        x = self.through(self.layers["embedding"](idx), self.mask(idx))
        return self.scores(self.normed(torch.cat((hidden_cache, x), dim=1))), None


@refused_by(transformer, "cache", "the loss is taken from the first row on")
class LossFromTheFirstRow(Given):
    def aligned(self, logits, P, T):
        return logits[:, :T]


@refused_by(transformer, "cache", "the loss is taken from row P on")
class LossFromTheFirstToken(Given):
    def aligned(self, logits, P, T):
        return logits[:, P:]


@refused_by(transformer, "cache", "changed the tensor that it was given")
class CacheNormedInPlace(Given):
    def joined(self, cache, idx, x, mask):
        cache -= cache.mean(-1, keepdim=True)
        return super().joined(cache, idx, x, mask)


@refused_by(transformer, "gradient", "backward() cannot start at the loss")
class LossDetached(Given):
    def loss(self, logits, targets):
        return super().loss(logits.detach(), targets)


@refused_by(transformer, "gradient", "one of the paths from hidden_cache to the output is cut off")
class CacheDetached(Given):
    def joined(self, cache, idx, x, mask):
        return super().joined(cache.detach(), idx, x, mask)


@refused_by(transformer, "gradient", "one of the paths from layers.embedding.token.weight")
class EmbeddingsDetached(Given):
    def through(self, x, mask):
        P = x.shape[1] - self.places if self.places else 0
        return super().through(torch.cat((x[:, :P], x[:, P:].detach()), dim=1), mask)

    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        self.places = idx.shape[1]
        return super().forward(idx, targets, hidden_cache, return_hidden)


@refused_by(transformer, "gradient", "no gradient goes through the hidden states")
class HiddenDetached(Given):
    def hidden(self, x, idx):
        return super().hidden(x, idx).detach()
