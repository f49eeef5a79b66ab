"""Wrong answers to notebook 3 that are more than a mistake in a formula; those are registered in the checks."""

import torch
from torch import nn
from torch.nn import functional as F

from answers import refused_by
from ninelives import model
from ninelives.checks.transformer import block, transformer
from ninelives.checks.transformer_block import GivenBlock
from ninelives.checks.transformer_mistakes import Given
from ninelives.model.masks import joint_mask


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


@refused_by(transformer, "logits", "the function has no `return`.")
class TransformerWithoutReturn(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        super().forward(idx, targets, hidden_cache, return_hidden)


@refused_by(transformer, "logits", "without targets the loss is a Tensor", "test `if targets is None`")
class LossOfNothing(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        logits, loss = super().forward(idx, targets, hidden_cache, return_hidden)
        return logits, torch.tensor(0.0) if loss is None else loss


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


@refused_by(transformer, "loss", "the loss has shape", "it is the mean over all positions that have a target")
class LossForEveryPosition(Given):
    def loss(self, logits, targets):
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1, reduction="none")


@refused_by(transformer, "loss", "cross_entropy takes scores (N, vocab_size) and targets (N,)")
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


@refused_by(transformer, "hidden states", "`return x`, without a loss.")
class HiddenAndALoss(Given):
    def hidden(self, x, idx):
        return super().hidden(x, idx), None


@refused_by(transformer, "hidden states", "return the vectors after the final norm, with 0 wherever idx is −1.")
class HiddenOfLengthOne(Given):
    def hidden(self, x, idx):
        return F.normalize(super().hidden(x, idx), dim=-1)


@refused_by(transformer, "cache", "the rows of the cache are cut off, or the cache is not used")
class CacheRowsCutOff(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        if return_hidden:
            return super().forward(idx, targets, hidden_cache, return_hidden)
        logits, loss = super().forward(idx, targets, hidden_cache)
        return logits[:, -idx.shape[1] :], loss


@refused_by(transformer, "cache", "torch.cat joins along one axis")
class CacheJoinedAlongTheBatch(Given):
    def join(self, cache, idx, x, mask):
        return torch.cat((cache, x), dim=0), joint_mask(cache, idx, mask)


@refused_by(transformer, "cache", "the mask has another size than attention's x")
class MaskOfTheTokensAlone(Given):
    def join(self, cache, idx, x, mask):
        # None would fit any size.
        mask = torch.ones(len(idx), 1, idx.shape[1], idx.shape[1]) if mask is None else mask
        return torch.cat((cache, x), dim=1), mask


@refused_by(transformer, "cache", "cross_entropy needs one row of scores for each target")
class LossOfAllRows(Given):
    def predictions(self, logits, P, T):
        return logits


@refused_by(transformer, "cache", "embed idx, put the cache before it along dim=1")
class CacheReversed(Given):
    def join(self, cache, idx, x, mask):
        return super().join(cache.flip(1), idx, x, mask)


@refused_by(transformer, "cache", "changed the tensor that it was given", "work on x.clone()")
class CacheCentredInPlace(Given):
    def join(self, cache, idx, x, mask):
        cache -= cache.mean(-1, keepdim=True)
        return super().join(cache, idx, x, mask)


@refused_by(transformer, "gradient", "backward() cannot be called on the loss", "or argmax.")
class LossDetached(Given):
    def loss(self, logits, targets):
        return super().loss(logits.detach(), targets)


@refused_by(transformer, "gradient", "one of the paths from hidden_cache", " to the output is cut off")
class CacheDetached(Given):
    def join(self, cache, idx, x, mask):
        return super().join(cache.detach(), idx, x, mask)


@refused_by(transformer, "gradient", "one of the paths from layers.embedding.token.weight", " to the output is cut off")
class EmbeddingsDetached(Given):
    def through_blocks(self, x, mask):
        P = x.shape[1] - self.positions if self.positions else 0
        return super().through_blocks(torch.cat((x[:, :P], x[:, P:].detach()), dim=1), mask)

    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        self.positions = idx.shape[1]
        return super().forward(idx, targets, hidden_cache, return_hidden)


@refused_by(transformer, "gradient", "leave out .detach() and torch.no_grad().")
class HiddenDetached(Given):
    def hidden(self, x, idx):
        return super().hidden(x, idx).detach()
