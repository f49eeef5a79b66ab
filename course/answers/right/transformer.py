"""Right answers to notebook 3, each in its own way."""

import torch
from torch import nn
from torch.nn import functional as F

from answers import accepted_by
from ninelives import model
from ninelives.checks.transformer import block, transformer
from ninelives.model.masks import joint_mask


@accepted_by(block)
class TwoLines(model.TransformerBlock):
    def forward(self, x, attention_mask=None):
        x = x + self.attention(self.norm_1(x), attention_mask)
        return x + self.mlp(self.norm_2(x))


@accepted_by(block)
class StepByStep(model.TransformerBlock):
    def forward(self, x, attention_mask=None):
        read = self.attention(self.norm_1(x), attention_mask=attention_mask)
        between = torch.add(read, x)
        worked = self.mlp(self.norm_2(between))
        return torch.stack((between, worked)).sum(0)


@accepted_by(block)
class OnACopyInPlace(model.TransformerBlock):
    def forward(self, x, attention_mask=None):
        result = x.clone()
        result += self.attention(self.norm_1(x), attention_mask)
        return result + self.mlp(self.norm_2(result))


@accepted_by(block)
class MaskOfOnes(model.TransformerBlock):
    """None is turned into a mask that hides nothing, and the norm is written out."""

    def forward(self, x, attention_mask=None):
        if attention_mask is None:
            attention_mask = torch.ones(len(x), 1, x.shape[1], x.shape[1])
        h = (x - x.mean(-1, keepdim=True)) / torch.sqrt(x.var(-1, unbiased=False, keepdim=True) + self.norm_1.eps)
        x = x + self.attention(h * self.norm_1.weight + self.norm_1.bias, attention_mask)
        return x + self.mlp(self.norm_2(x))


class HandWrittenAttention(nn.Module):
    """A learner's own, as `use_mine` brings it: one layer for queries, keys and values."""

    def __init__(self, config):
        super().__init__()
        self.n_head = config.n_head
        self.qkv = nn.Linear(config.n_embd, 3 * config.n_embd)
        self.proj = nn.Linear(config.n_embd, config.n_embd)

    def forward(self, x, attention_mask=None):
        q, k, v = (torch.stack(part.chunk(self.n_head, -1), 1) for part in self.qkv(x).chunk(3, -1))
        scores = q @ k.mT / q.shape[-1] ** 0.5
        if attention_mask is not None:
            scores = scores.masked_fill(attention_mask == 0, float("-inf"))
        return self.proj(torch.cat((scores.softmax(-1) @ v).unbind(1), -1))


@accepted_by(block)
class OnAnotherAttention(model.TransformerBlock):
    def __init__(self, config):
        super().__init__(config)
        self.attention = HandWrittenAttention(config)


@accepted_by(transformer)
class InTheOrderOfTheText(model.Transformer):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        T = idx.shape[1]
        is_token = idx != -1
        attention_mask = self.get_attention_mask(is_token.sum(1), T)
        x = self.layers["embedding"](idx)
        first = 0
        if hidden_cache is not None:
            attention_mask = joint_mask(hidden_cache, idx, attention_mask)
            x = torch.cat((hidden_cache, x), dim=1)
            first = hidden_cache.shape[1] - 1
        for block in self.layers["blocks"]:
            x = block(x, attention_mask)
        x = self.layers["norm"](x)
        if return_hidden:
            return x * is_token.unsqueeze(-1)
        logits = self.lm_head(x)
        if targets is None:
            return logits, None
        predictions = logits[:, first : first + T]
        return logits, F.cross_entropy(predictions.flatten(0, 1), targets.flatten(), ignore_index=-1)


@accepted_by(transformer)
class EmptyCache(model.Transformer):
    """No cache is a cache of no rows; the loss by gathering; the mask by keyword."""

    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        B, T = idx.size()
        x = self.layers.embedding(idx)
        mask = self.get_attention_mask(num_tokens=(idx >= 0).long().sum(-1), T=T)
        P = 0
        if hidden_cache is not None:
            P = hidden_cache.size(1)
            mask = joint_mask(hidden_cache, idx, mask)
            x = torch.hstack([hidden_cache, x])
        for k in range(len(self.layers.blocks)):
            x = self.layers.blocks[k](x, attention_mask=mask)
        x = self.layers.norm(x)
        if return_hidden:
            return x.masked_fill((idx == -1)[:, :, None], 0.0)
        logits = self.lm_head(x)
        loss = None
        if targets is not None:
            rows = logits[:, -T - 1 : -1] if P else logits
            log_p = rows.log_softmax(-1)
            counted = targets >= 0
            loss = -log_p.gather(-1, targets.clamp(min=0)[..., None])[..., 0][counted].mean()
        return [logits, loss]


@accepted_by(transformer)
class HelperMethods(model.Transformer):
    """Cut into methods; the loss with the axes swapped."""

    def run_blocks(self, x, mask):
        for block in self.layers["blocks"]:
            x = block(x, mask)
        return self.layers["norm"](x)

    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        mask = self.get_attention_mask(torch.count_nonzero(idx + 1, dim=1), idx.shape[1])
        x = self.layers["embedding"](idx)
        if hidden_cache is not None:
            x = torch.cat([hidden_cache, x], 1)
            mask = joint_mask(hidden_cache, idx, mask)
        hidden = self.run_blocks(x, mask)
        if return_hidden:
            return torch.where((idx == -1).unsqueeze(2), 0, hidden)
        logits = self.lm_head(hidden)
        if targets is None:
            return logits, None
        before = logits.shape[1] - idx.shape[1]
        scores = logits.narrow(1, max(before - 1, 0), idx.shape[1])
        return logits, F.cross_entropy(scores.mT, targets, ignore_index=-1)


@accepted_by(transformer)
class FloatMask(model.Transformer):
    """The joint mask as numbers; targets padded at the rows that predict nothing, instead of a slice."""

    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        real = (idx != -1).float()
        mask = self.get_attention_mask(real.sum(1).long(), idx.shape[1])
        x = self.layers["embedding"](idx)
        if hidden_cache is not None:
            mask = joint_mask(hidden_cache, idx, mask).float()
            x = torch.cat((hidden_cache, x), -2)
        for block in self.layers["blocks"].children():
            x = block(x, mask)
        x = self.layers["norm"](x)
        if return_hidden:
            return torch.einsum("btc,bt->btc", x, real.to(x))
        logits = self.lm_head(x)
        if targets is not None and hidden_cache is not None:
            targets = F.pad(targets, (hidden_cache.shape[1] - 1, 1), value=-1)
        return logits, None if targets is None else F.nll_loss(
            logits.log_softmax(-1).reshape(-1, logits.shape[-1]), targets.reshape(-1), ignore_index=-1
        )


@accepted_by(transformer)
class OnAnotherAttentionThroughout(model.Transformer):
    """Made of a learner's own parts."""

    def __init__(self, config):
        super().__init__(config)
        self.layers["blocks"] = nn.ModuleList(OnAnotherAttention(config) for _ in range(config.n_layer))


@accepted_by(transformer)
class AboutABlockThatIsWrong(model.Transformer):
    """A mistake in exercise 1 costs nothing in exercise 2."""

    class Doubled(model.TransformerBlock):
        def forward(self, x, attention_mask=None):
            return 2 * x + self.attention(self.norm_1(x), attention_mask)

    def __init__(self, config):
        super().__init__(config)
        self.layers["blocks"] = nn.ModuleList(self.Doubled(config) for _ in range(config.n_layer))
