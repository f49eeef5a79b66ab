"""Wrong answers to notebook 3 that are more than a mistake in a formula; those are registered in the checks."""

import torch
from torch import nn
from torch.nn import functional as F

from answers import refused_by
from ninelives import model
from ninelives.checks.transformer import block, transformer
from ninelives.checks.transformer_block import GivenBlock
from ninelives.checks.transformer_mistakes import Given


@refused_by(block, "shape", "not written yet", "run its cell again, then this check")
class BlockNotWritten(GivenBlock):
    def forward(self, x, attention_mask=None):
        raise NotImplementedError()


@refused_by(block, "shape", "the function has no `return`.")
class BlockWithoutReturn(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x + self.attend(x, attention_mask)
        x = x + self.transform(x)


@refused_by(block, "shape", "changed the tensor that it was given", "work on x.clone()")
class AddedInPlace(GivenBlock):
    def forward(self, x, attention_mask=None):
        x += self.attend(x, attention_mask)
        x += self.transform(x)
        return x


@refused_by(block, "shape", "the block has no self.norm_2", "leave __init__ as it was given; write forward only.")
class PartLeftOut(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.norm_1 = nn.LayerNorm(config.n_embd)
        self.attention = model.MultiHeadSelfAttention(config)
        self.mlp = nn.Linear(config.n_embd, config.n_embd)

    def forward(self, x, attention_mask=None):
        return x + self.mlp(x + self.attention(self.norm_1(x), attention_mask))


@refused_by(block, "values", "two lines: x plus attention of norm_1(x)")
class ResidualHalved(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = 0.5 * x + self.attend(x, attention_mask)
        return x + self.transform(x)


@refused_by(block, "mask", "pass attention_mask to attention as it is")
class AlwaysCausal(GivenBlock):
    def forward(self, x, attention_mask=None):
        if attention_mask is not None:
            attention_mask = torch.ones(x.shape[1], x.shape[1]).tril()
        x = x + self.attend(x, attention_mask)
        return x + self.transform(x)


@refused_by(block, "gradient", "no gradient has reached", "or a layer that forward does not use.")
class AttentionDetached(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x + self.attend(x, attention_mask).detach()
        return x + self.transform(x)


@refused_by(block, "gradient", "one of the paths from x", " to the output is cut off")
class ResidualDetached(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x.detach() + self.attend(x, attention_mask)
        return x + self.transform(x)


@refused_by(block, "shape", "the mlp of __init__ was changed: its inner width is 4 · n_embd")
class MlpTwiceAsWide(GivenBlock):
    def __init__(self, config):
        super().__init__(config)
        C = config.n_embd
        self.mlp = nn.Sequential(nn.Linear(C, 2 * C), nn.GELU(), nn.Linear(2 * C, C))

    def forward(self, x, attention_mask=None):
        x = x + self.attend(x, attention_mask)
        return x + self.transform(x)


class WithAnotherMlp(GivenBlock):
    """The given block, but for a part of its mlp."""

    def __init__(self, config):
        super().__init__(config)
        self.change()

    def forward(self, x, attention_mask=None):
        x = x + self.attend(x, attention_mask)
        return x + self.transform(x)


@refused_by(block, "values", "consists of Linear, ReLU, Linear, Dropout", "GELU stands between its two linear layers")
class ReluForGelu(WithAnotherMlp):
    def change(self):
        self.mlp[1] = nn.ReLU()


@refused_by(block, "values", "GELU stands between its two linear layers")
class NormInTheMlp(WithAnotherMlp):
    def change(self):
        self.mlp[3] = nn.Tanh()


@refused_by(block, "values", "the mlp ends with nn.Dropout(config.dropout)")
class MlpWithoutDropout(WithAnotherMlp):
    def change(self):
        del self.mlp[3]


@refused_by(block, "values", "the mlp ends with nn.Dropout(config.dropout)")
class AttentionDroppedTwice(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x + self.mlp[3](self.attend(x, attention_mask))
        return x + self.transform(x)


@refused_by(block, "values", "something is random. Both parts have their dropout already")
class DroppedInEvaluationToo(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x + F.dropout(self.attend(x, attention_mask), 0.1)
        return x + self.transform(x)


@refused_by(block, "shape", "it goes to attention alone, after the vectors")
class MaskBeforeTheVectors(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x + self.attention(attention_mask, self.norm_1(x))
        return x + self.transform(x)


@refused_by(block, "shape", "self.norm_2 is Identity()", "leave __init__ as it was given; write forward only.")
class NormLeftOut(WithAnotherMlp):
    def change(self):
        self.norm_2 = nn.Identity()


@refused_by(block, "gradient", "one of the paths from ", " to the output is cut off")
class AttentionDetachedUnderAMask(GivenBlock):
    def forward(self, x, attention_mask=None):
        attended = self.attend(x, attention_mask)
        x = x + (attended if attention_mask is None else attended.detach())
        return x + self.transform(x)


@refused_by(block, "shape", "the mlp works on each token alone")
class MaskForTheMlp(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x + self.attend(x, attention_mask)
        return x + self.mlp(self.norm_2(x), attention_mask)


@refused_by(block, "shape", "attention makes queries, keys and values itself")
class ThreeTimesX(GivenBlock):
    def forward(self, x, attention_mask=None):
        n = self.norm_1(x)
        x = x + self.attention(n, n, n, attention_mask)
        return x + self.transform(x)


@refused_by(block, "shape", "a new layer is made in forward, `", "with new weights in every call: use the one in `__init__`.")
class NormMadeInForward(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x + self.attention(nn.LayerNorm(x.shape[-1])(x), attention_mask)
        return x + self.transform(x)


@refused_by(block, "values", "no number may be clamped or rounded on its way")
class SumClamped(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x + self.attend(x, attention_mask)
        return (x + self.transform(x)).clamp(-100, 100)


@refused_by(block, "values", "in training mode", "look for a line that asks self.training")
class BlocksDroppedInTraining(GivenBlock):
    """Stochastic depth, which the exercise does not ask for."""

    def forward(self, x, attention_mask=None):
        if self.training:
            return x + self.attend(x, attention_mask)
        x = x + self.attend(x, attention_mask)
        return x + self.transform(x)


@refused_by(block, "values", "changed the mode of ", "leave .eval() and .train() to the caller.")
class MlpInEvaluation(GivenBlock):
    def forward(self, x, attention_mask=None):
        self.mlp.eval()
        x = x + self.attend(x, attention_mask)
        return x + self.transform(x)


@refused_by(block, "mask", "in training mode", "look for a line that asks self.training")
class MaskInEvaluationOnly(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x + self.attend(x, None if self.training else attention_mask)
        return x + self.transform(x)


@refused_by(block, "mask", "changed the tensor that it was given", "work on x.clone()")
class MaskOpenedInPlace(GivenBlock):
    def forward(self, x, attention_mask=None):
        if attention_mask is not None:
            attention_mask[..., 0] = 1
        x = x + self.attend(x, attention_mask)
        return x + self.transform(x)


@refused_by(block, "mask", "pass attention_mask to attention as it is")
class MaskOfTheFirstCall(GivenBlock):
    """Kept while the shape is the same."""

    kept = None

    def forward(self, x, attention_mask=None):
        if attention_mask is not None and (self.kept is None or self.kept.shape != attention_mask.shape):
            self.kept = attention_mask
        x = x + self.attend(x, attention_mask if attention_mask is None else self.kept)
        return x + self.transform(x)


@refused_by(block, "gradient", "overwrites what backward still needs")
class AddedIntoACopy(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x.clone()
        x += self.attend(x, attention_mask)
        x += self.transform(x)
        return x


@refused_by(block, "gradient", "requires_grad of ", "leave out requires_grad_(False).")
class NormsFrozen(GivenBlock):
    def __init__(self, config):
        super().__init__(config)
        self.norm_1.requires_grad_(False)

    def forward(self, x, attention_mask=None):
        x = x + self.attend(x, attention_mask)
        return x + self.transform(x)


@refused_by(transformer, "logits", "Transformer.forward is not written yet", "run its cell again, then this check")
class TransformerNotWritten(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        raise NotImplementedError()


@refused_by(transformer, "logits", "after you change your TransformerBlock, run its cell, then that")
class OnABlockNotWritten(Given):
    def __init__(self, config):
        super().__init__(config)
        self.layers["blocks"] = nn.ModuleList(BlockNotWritten(config) for _ in range(config.n_layer))


@refused_by(transformer, "logits", "self.layers with embedding", "leave __init__ as it was given; write forward only.")
class AnotherConstructor(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.embedding = model.Embedding(config)
        self.lm_head = nn.Linear(config.n_embd, config.vocab_size)

    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        return self.lm_head(self.embedding(idx)), None


@refused_by(transformer, "logits", "without targets it is `return logits, None`.")
class LogitsAlone(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        logits, loss = super().forward(idx, targets, hidden_cache, return_hidden)
        return logits if loss is None else (logits, loss)


@refused_by(transformer, "loss", "with targets it is `return logits, loss`.")
class LossAlone(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        logits, loss = super().forward(idx, targets, hidden_cache, return_hidden)
        return (logits, None) if loss is None else loss


@refused_by(transformer, "logits", "the function has no `return`.")
class TransformerWithoutReturn(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        super().forward(idx, targets, hidden_cache, return_hidden)


@refused_by(transformer, "logits", "without targets the loss is a Tensor", "test `if targets is None`")
class LossOfTheIds(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        return super().forward(idx, idx if targets is None else targets, hidden_cache, return_hidden)


@refused_by(transformer, "logits", "without targets the loss is a Tensor", "0 would be that of a perfect model")
class LossOfNothing(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        logits, loss = super().forward(idx, targets, hidden_cache, return_hidden)
        return logits, torch.tensor(0.0) if loss is None else loss


@refused_by(transformer, "logits", "without targets the loss is 0.", "0 would be that of a perfect model")
class LossOfNothingAsANumber(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        logits, loss = super().forward(idx, targets, hidden_cache, return_hidden)
        return logits, 0 if loss is None else loss


@refused_by(transformer, "logits", "forward returns the loss first", "swap the two that `return` gives")
class LossFirst(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        result = super().forward(idx, targets, hidden_cache, return_hidden)
        return result if return_hidden else result[::-1]


@refused_by(transformer, "loss", "forward returns the loss first", "swap the two that `return` gives")
class LossFirstWithTargets(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        result = super().forward(idx, targets, hidden_cache, return_hidden)
        return result if targets is None or return_hidden else result[::-1]


@refused_by(transformer, "logits", "1 block", "leave __init__ as it was given; write forward only.")
class OneBlock(Given):
    def __init__(self, config):
        super().__init__(config)
        self.layers["blocks"] = self.layers["blocks"][:1]


@refused_by(transformer, "logits", "changed the tensor that it was given", "work on x.clone()")
class PaddingOverwritten(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        is_padding = idx == -1
        idx[is_padding] = 0
        return super().forward(idx, targets, hidden_cache, return_hidden)


@refused_by(transformer, "logits", "embedding, every block in its order, norm, lm_head")
class ScoresScaled(Given):
    def scores(self, x):
        return super().scores(x) / x.shape[-1] ** 0.5


@refused_by(transformer, "logits", "padding needs nothing here")
class PaddingEmbeddedAsZeros(Given):
    def through_blocks(self, x, mask):
        return super().through_blocks(x * self.is_token, mask)

    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        self.is_token = (idx != -1).unsqueeze(-1)
        return super().forward(idx, targets, hidden_cache, return_hidden)


@refused_by(transformer, "mask", "here it returns None, but in encoders and decoders a mask")
class MaskNeverAskedFor(Given):
    def mask(self, idx):
        return None


@refused_by(transformer, "mask", "`(idx != -1).sum(1)`, of shape (B,).")
class CountsAsAColumn(Given):
    def mask(self, idx):
        return self.get_attention_mask((idx != -1).sum(1, keepdim=True), idx.shape[1])


@refused_by(transformer, "mask", "a list of ", "so that the counts stay a tensor")
class CountsAsAList(Given):
    def mask(self, idx):
        return self.get_attention_mask([int((row != -1).sum()) for row in idx], idx.shape[1])


@refused_by(transformer, "mask", "num_tokens of dtype torch.float32", "a sum of True and False is a whole number already")
class CountsAsFloats(Given):
    def mask(self, idx):
        return self.get_attention_mask((idx != -1).float().sum(1), idx.shape[1])


@refused_by(transformer, "mask", "the number of positions in idx.", "T counts the positions of idx, padding too: ")
class BlockSizeForT(Given):
    def mask(self, idx):
        return self.get_attention_mask((idx != -1).sum(1), self.config.block_size)


@refused_by(transformer, "mask", "in idx: the longest sequence has only", "T counts the positions of idx, padding too: ")
class LongestForT(Given):
    def mask(self, idx):
        num_tokens = (idx != -1).sum(1)
        return self.get_attention_mask(num_tokens, int(num_tokens.max()))


@refused_by(transformer, "logits", "` stands without parentheses: this is the method itself")
class MaskNotCalled(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        attention_mask = self.get_attention_mask
        x = self.through_blocks(self.layers["embedding"](idx), attention_mask)
        return self.scores(self.normalise(x)), None


@refused_by(transformer, "logits", "a new layer is made in forward, `", "with new weights in every call: use the one in `__init__`.")
class FinalNormMadeInForward(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        x = self.through_blocks(self.layers["embedding"](idx), self.mask(idx))
        return self.scores(nn.LayerNorm(self.config.n_embd)(x)), None


@refused_by(transformer, "mask", "without T", "pass the number of positions as well")
class PositionsNotGiven(Given):
    def mask(self, idx):
        return self.get_attention_mask((idx != -1).sum(1))


@refused_by(transformer, "mask", "pass the mask to every block as it is.")
class DiagonalOpened(Given):
    def mask(self, idx):
        mask = super().mask(idx)
        return mask if mask is None else mask | torch.eye(idx.shape[1], dtype=torch.bool)


@refused_by(transformer, "loss", "a target of −1 marks a position without a target")
class PaddingNotIgnored(Given):
    def loss(self, logits, targets):
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


@refused_by(transformer, "loss", "F.cross_entropy does both at once")
class LossLayerMadeOfTheTensors(Given):
    def loss(self, logits, targets):
        return nn.CrossEntropyLoss(logits.flatten(0, 1), targets.flatten())


@refused_by(transformer, "logits", "lm_head stands beside self.layers, not in it")
class HeadAmongTheLayers(Given):
    def scores(self, x):
        return self.layers["lm_head"](x)


@refused_by(transformer, "loss", "leave the targets as they are")
class TargetsCountedFromOne(Given):
    def loss(self, logits, targets):
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten() + 1, ignore_index=0)


@refused_by(transformer, "cache", "self.join gives the vectors first and the mask second")
class JoinTakenTheOtherWayRound(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        if hidden_cache is None:
            return super().forward(idx, targets, None, return_hidden)
        mask, x = self.join(hidden_cache, self.layers["embedding"](idx), self.mask(idx))
        return self.scores(self.normalise(self.through_blocks(x, mask))), None


@refused_by(transformer, "loss", "index -1 is out of bounds", "a target of −1 marks a position without a target")
class NoTargetGathered(Given):
    def loss(self, logits, targets):
        return -logits.log_softmax(-1).gather(-1, targets.unsqueeze(-1)).mean()


@refused_by(transformer, "loss", "the loss has shape", "it is the mean over all positions that have a target")
class LossForEveryPosition(Given):
    def loss(self, logits, targets):
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1, reduction="none")


@refused_by(transformer, "loss", "flatten both, or give the scores as (B, vocab_size, T).")
class NothingFlattened(Given):
    def loss(self, logits, targets):
        return F.cross_entropy(logits, targets, ignore_index=-1)


@refused_by(transformer, "loss", "F.cross_entropy(scores (N, vocab_size), targets (N,), ignore_index=-1).")
class LossSmoothed(Given):
    def loss(self, logits, targets):
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1, label_smoothing=0.1)


@refused_by(transformer, "loss", "the same logits as without targets")
class ScoresOfIgnoredPositionsZero(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        if targets is None:
            return super().forward(idx, None, hidden_cache, return_hidden)
        logits, loss = super().forward(idx, targets, hidden_cache)
        return logits * (targets != -1).unsqueeze(-1), loss


@refused_by(transformer, "loss", "the loss is None", "where targets are given, return `logits, loss`.")
class LossLeftOut(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        return super().forward(idx, None, hidden_cache, return_hidden)


@refused_by(transformer, "loss", "leave out .item() or float(…).")
class LossAsANumber(Given):
    def loss(self, logits, targets):
        return super().loss(logits, targets).item()


@refused_by(transformer, "hidden states", "return_hidden is not used.")
class ReturnHiddenNotUsed(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        return super().forward(idx, targets, hidden_cache)


@refused_by(transformer, "hidden states", "and targets, forward returns a tuple of 2", "with it the vectors are returned, whether")
class TargetsBeforeReturnHidden(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        return super().forward(idx, targets, hidden_cache, return_hidden and targets is None)


@refused_by(transformer, "hidden states", "`return x`, without a loss.")
class HiddenAndALoss(Given):
    def hidden(self, x, idx):
        return super().hidden(x, idx), None


@refused_by(transformer, "hidden states", "return the vectors after the final norm, with 0 wherever idx is −1.")
class HiddenOfLengthOne(Given):
    def hidden(self, x, idx):
        return F.normalize(super().hidden(x, idx), dim=-1)


@refused_by(transformer, "gradient", "backward() cannot be called on the loss", "or argmax.")
class LossDetached(Given):
    def loss(self, logits, targets):
        return super().loss(logits.detach(), targets)


@refused_by(transformer, "gradient", "one of the paths from layers.embedding.token.weight", " to the output is cut off")
class EmbeddingsDetached(Given):
    def through_blocks(self, x, mask):
        return super().through_blocks(x.detach(), mask)


@refused_by(transformer, "gradient", "one of the paths from ", " to the output is cut off")
class LogitsDetachedWithoutTargets(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        result = super().forward(idx, targets, hidden_cache, return_hidden)
        return result if return_hidden or targets is not None else (result[0].detach(), None)


@refused_by(transformer, "gradient", "leave out .detach() and torch.no_grad().")
class HiddenDetached(Given):
    def hidden(self, x, idx):
        return super().hidden(x, idx).detach()


@refused_by(transformer, "gradient", "requires_grad of ", "leave out requires_grad_(False).")
class EmbeddingFrozen(Given):
    def __init__(self, config):
        super().__init__(config)
        self.layers["embedding"].requires_grad_(False)


@refused_by(transformer, "gradient", "overwrites what backward still needs")
class FinalNormScaledInPlace(Given):
    def normalise(self, x):
        x = x.clone()
        normed = super().normalise(x)
        x += 1
        return normed


@refused_by(transformer, "logits", "in training mode", "look for a line that asks self.training")
class DropoutOfItsOwn(Given):
    def through_blocks(self, x, mask):
        return F.dropout(super().through_blocks(x, mask), 0.2, self.training)


@refused_by(transformer, "logits", "in training mode", "look for a line that asks self.training")
class NormInEvaluationOnly(Given):
    def normalise(self, x):
        return x if self.training else super().normalise(x)


@refused_by(transformer, "logits", "changed the mode of ", "leave .eval() and .train() to the caller.")
class PutIntoEvaluation(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        self.eval()
        return super().forward(idx, targets, hidden_cache, return_hidden)


@refused_by(transformer, "logits", "embedding, every block in its order, norm, lm_head")
class ScoresClamped(Given):
    def scores(self, x):
        return super().scores(x).clamp(-30, 30)


@refused_by(transformer, "logits", "a list of modules has no forward of its own")
class ListOfBlocksCalled(Given):
    def through_blocks(self, x, mask):
        return self.layers["blocks"](x, mask)


@refused_by(transformer, "logits", "a loop over self.layers gives names")
class LoopOverTheNames(Given):
    def through_blocks(self, x, mask):
        for layer in self.layers:
            x = layer(x, mask)
        return x


@refused_by(transformer, "logits", "compute a loss only where `targets is not None`")
class LossAlways(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        logits, _ = super().forward(idx)
        return logits, F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1)


@refused_by(transformer, "logits", "compute a loss only where `targets is not None`")
class LossOfNoTargets(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        logits, _ = super().forward(idx)
        return logits, F.cross_entropy(logits.transpose(1, 2), targets, ignore_index=-1)


@refused_by(transformer, "logits", "join only where `hidden_cache is not None`")
class JoinAlways(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        x, mask = self.join(hidden_cache, self.layers["embedding"](idx), self.mask(idx))
        return self.scores(self.normalise(self.through_blocks(x, mask))), None


@refused_by(transformer, "mask", "in training mode", "look for a line that asks self.training")
class NoMaskInTraining(Given):
    def through_blocks(self, x, mask):
        return super().through_blocks(x, None if self.training else mask)


@refused_by(transformer, "mask", "the mask of an earlier batch is kept on self")
class MaskKept(Given):
    kept = None

    def mask(self, idx):
        if self.kept is None or self.kept[0] != idx.shape:
            self.kept = idx.shape, super().mask(idx)
        return self.kept[1]


@refused_by(transformer, "mask", "pass the mask to every block as it is.")
class MaskOverwritten(Given):
    def through_blocks(self, x, mask):
        if mask is not None:
            mask[..., -1] = True
        return super().through_blocks(x, mask)


@refused_by(transformer, "mask", "the mask has a different size from attention's x")
class MaskOfNumTokensAlone(Given):
    def through_blocks(self, x, mask):
        return super().through_blocks(x, mask if mask is None else mask[..., :-1])


@refused_by(transformer, "loss", "in training mode", "look for a line that asks self.training")
class SmoothedInTraining(Given):
    def loss(self, logits, targets):
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1, label_smoothing=0.1 * self.training)


@refused_by(transformer, "loss", "with scores 20 times as large", "F.cross_entropy(scores (N, vocab_size), targets (N,)")
class ProbabilitiesClamped(Given):
    def loss(self, logits, targets):
        p = logits.softmax(-1).clamp(min=1e-9).log()
        return F.nll_loss(p.flatten(0, 1), targets.flatten(), ignore_index=-1)


@refused_by(transformer, "loss", "`.view` cannot read numbers that do not lie in order in memory")
class TargetsViewed(Given):
    def loss(self, logits, targets):
        return F.cross_entropy(logits.view(-1, logits.shape[-1]), targets.view(-1), ignore_index=-1)


@refused_by(transformer, "loss", "cross_entropy takes the scores first and the targets second")
class ScoresAndTargetsSwapped(Given):
    def loss(self, logits, targets):
        return F.cross_entropy(targets.flatten(), logits.flatten(0, 1), ignore_index=-1)


@refused_by(transformer, "loss", "cross_entropy needs one row of scores for each target")
class ScoresOfTheWrongRows(Given):
    def loss(self, logits, targets):
        return F.cross_entropy(logits[:, :-1].flatten(0, 1), targets.flatten(), ignore_index=-1)


@refused_by(transformer, "hidden states", "in training mode", "look for a line that asks self.training")
class ZerosInEvaluationOnly(Given):
    def hidden(self, x, idx):
        return x if self.training else super().hidden(x, idx)


@refused_by(transformer, "hidden states", "`idx != -1` has the shape (B, T)")
class ZerosWithoutAnAxis(Given):
    def hidden(self, x, idx):
        return x * (idx != -1)


@refused_by(transformer, "join", "write it inside the class, with the same indentation as forward.")
class NoJoin(Given):
    join = None


@refused_by(transformer, "join", "Transformer.join is not written yet", "run its cell again, then this check")
class JoinNotWritten(Given):
    def join(self, hidden_cache, x, attention_mask):
        raise NotImplementedError()


@refused_by(transformer, "join", "the function has no `return`.")
class JoinWithoutReturn(Given):
    def join(self, hidden_cache, x, attention_mask):
        x = torch.cat((hidden_cache, x), dim=1)


@refused_by(transformer, "join", "return both: what the blocks read, and the mask for it")
class JoinWithoutAMask(Given):
    def join(self, hidden_cache, x, attention_mask):
        return torch.cat((hidden_cache, x), dim=1)


@refused_by(transformer, "join", "the vectors come first: swap the two.")
class MaskFirst(Given):
    def join(self, hidden_cache, x, attention_mask):
        return None, torch.cat((hidden_cache, x), dim=1)


@refused_by(transformer, "join", "the mask of the T tokens does not fit P + T rows")
class MaskOfTheTokensAlone(Given):
    def join(self, hidden_cache, x, attention_mask):
        return torch.cat((hidden_cache, x), dim=1), attention_mask


@refused_by(transformer, "join", "here everything attends to everything")
class CausalOverAllRows(Given):
    def join(self, hidden_cache, x, attention_mask):
        x = torch.cat((hidden_cache, x), dim=1)
        return x, torch.ones(x.shape[1], x.shape[1]).tril()


@refused_by(transformer, "join", "hides more than attention_mask hides", "here everything attends to everything")
class CausalWhereThereIsAMask(Given):
    def join(self, hidden_cache, x, attention_mask):
        x = torch.cat((hidden_cache, x), dim=1)
        return x, None if attention_mask is None else torch.ones(x.shape[1], x.shape[1]).tril()


@refused_by(transformer, "join", "torch.cat joins along an axis that is there: dim=1.")
class CacheStacked(Given):
    def join(self, hidden_cache, x, attention_mask):
        return torch.stack((hidden_cache, x), dim=1), None


@refused_by(transformer, "join", "Put the rows one after the other")
class CacheAdded(Given):
    def join(self, hidden_cache, x, attention_mask):
        return hidden_cache + x, None


@refused_by(transformer, "join", "torch.cat joins along one axis")
class CacheJoinedAlongTheBatch(Given):
    def join(self, hidden_cache, x, attention_mask):
        return torch.cat((hidden_cache, x), dim=0), None


@refused_by(transformer, "join", "changed the tensor that it was given", "work on x.clone()")
class CacheCentredInPlace(Given):
    def join(self, hidden_cache, x, attention_mask):
        hidden_cache -= hidden_cache.mean(-1, keepdim=True)
        return super().join(hidden_cache, x, attention_mask)


@refused_by(transformer, "join", "the rows of hidden_cache as they are, then those of x")
class CacheHalved(Given):
    def join(self, hidden_cache, x, attention_mask):
        return super().join(hidden_cache / 2, x, attention_mask)


@refused_by(transformer, "cache", "hidden_cache is not used, or its rows are cut off")
class CacheRowsCutOff(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        if return_hidden:
            return super().forward(idx, targets, hidden_cache, return_hidden)
        logits, loss = super().forward(idx, targets, hidden_cache)
        return logits[:, logits.shape[1] - idx.shape[1] :], loss


@refused_by(transformer, "cache", "embed idx, hand cache and embeddings to self.join")
class CacheAddedToTheScores(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        if hidden_cache is None:
            return super().forward(idx, targets, None, return_hidden)
        return super().forward(idx, None, hidden_cache)[0] + hidden_cache.mean(), None


class JoinsItself(Given):
    """A right forward but for `joined`, which each answer below spoils."""

    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        if hidden_cache is None:
            return super().forward(idx, targets, None, return_hidden)
        x, mask = self.joined(hidden_cache, self.layers["embedding"](idx), self.mask(idx))
        return self.scores(self.normalise(self.through_blocks(x, mask))), None


@refused_by(transformer, "cache", "forward joins the two itself. Let it call the method")
class JoinNotCalled(JoinsItself):
    def joined(self, hidden_cache, x, mask):
        return torch.cat((hidden_cache, x), dim=1), None


@refused_by(transformer, "cache", "hand both over as they are, hidden_cache first and then the embedded idx")
class JoinedBeforeJoin(JoinsItself):
    def joined(self, hidden_cache, x, mask):
        self.join(hidden_cache, torch.cat((hidden_cache, x), dim=1), mask)
        return torch.cat((hidden_cache, x), dim=1), None


@refused_by(transformer, "cache", "a different mask from the one that get_attention_mask returned", "hand its mask to join: notebook 7")
class JoinWithoutTheMask(JoinsItself):
    def joined(self, hidden_cache, x, mask):
        return self.join(hidden_cache, x, None)


@refused_by(transformer, "cache", "forward does not call get_attention_mask", "ask get_attention_mask first, and hand its mask to join",
            "hand its mask to join: notebook 7")
class JoinWithoutAsking(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        if hidden_cache is None:
            return super().forward(idx, targets, None, return_hidden)
        x, mask = self.join(hidden_cache, self.layers["embedding"](idx), None)
        return self.scores(self.normalise(self.through_blocks(x, mask))), None


@refused_by(transformer, "cache", "the mask that join returns is not passed to the blocks")
class MaskOfJoinNotUsed(JoinsItself):
    def joined(self, hidden_cache, x, mask):
        x, _ = self.join(hidden_cache, x, mask)
        return x, None


@refused_by(transformer, "cache", "what join returns goes into the blocks as it is.")
class VectorsOfJoinNotUsed(JoinsItself):
    def joined(self, hidden_cache, x, mask):
        _, mask = self.join(hidden_cache, x, mask)
        return torch.cat((hidden_cache, x), dim=1), mask


@refused_by(transformer, "cache", "something of the earlier call is kept on self")
class CacheKept(Given):
    kept = None

    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        self.kept = self.kept if hidden_cache is None else hidden_cache
        if self.kept is None or len(self.kept) != len(idx):
            return super().forward(idx, targets, None, return_hidden)
        logits, _ = super().forward(idx, targets, self.kept)
        return logits if hidden_cache is not None else logits[:, -idx.shape[1] :], None


@refused_by(transformer, "cache", "one of the paths from hidden_cache", " to the output is cut off")
class CacheDetached(Given):
    def join(self, hidden_cache, x, attention_mask):
        return super().join(hidden_cache.detach(), x, attention_mask)


@refused_by(transformer, "cache", "in training mode", "look for a line that asks self.training")
class CacheInEvaluationOnly(JoinsItself):
    def joined(self, hidden_cache, x, mask):
        return self.join(torch.zeros_like(hidden_cache) if self.training else hidden_cache, x, mask)


@refused_by(transformer, "cache", "with no token after the cache (T = 0)", "after a cache idx may be empty")
class NeedsAToken(JoinsItself):
    def joined(self, hidden_cache, x, mask):
        return self.join(hidden_cache, x - x.amax() + x.amax(), mask)
