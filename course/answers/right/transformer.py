"""Right answers to notebook 3, each in its own way."""

import torch
from torch import nn
from torch.nn import functional as F

from answers import accepted_by
from ninelives import model
from ninelives.checks.transformer import block, transformer


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


@accepted_by(block)
class PartsInALoop(model.TransformerBlock):
    def forward(self, x, attention_mask=None):
        parts = [(self.norm_1, lambda n: self.attention(n, attention_mask)), (self.norm_2, self.mlp)]
        for norm, part in parts:
            x = x + part(norm(x))
        return x


@accepted_by(block)
class NormsByTheFunction(model.TransformerBlock):
    def normed(self, layer, x):
        return F.layer_norm(x, x.shape[-1:], layer.weight, layer.bias, layer.eps)

    def forward(self, x, attention_mask=None):
        x = self.attention(x=self.normed(self.norm_1, x), attention_mask=attention_mask).add(x)
        for layer in [self.mlp]:
            x = layer(self.normed(self.norm_2, x)) + x
        return x


@accepted_by(block)
class MlpTakenApart(model.TransformerBlock):
    """Neither attention nor the mlp is called as a layer."""

    def forward(self, x, attention_mask=None):
        up, act, down, drop = self.mlp
        x = x + self.attention.forward(self.norm_1(x), attention_mask)
        return x + drop(down(act(up(self.norm_2(x)))))


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
    def join(self, hidden_cache, x, attention_mask):
        return torch.cat((hidden_cache, x), dim=1), None

    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        is_token = idx != -1
        attention_mask = self.get_attention_mask(is_token.sum(1), idx.shape[1])
        x = self.layers["embedding"](idx)
        if hidden_cache is not None:
            x, attention_mask = self.join(hidden_cache, x, attention_mask)
        for block in self.layers["blocks"]:
            x = block(x, attention_mask)
        x = self.layers["norm"](x)
        if return_hidden:
            return x * is_token.unsqueeze(-1)
        logits = self.lm_head(x)
        if targets is None:
            return logits, None
        return logits, F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1)


@accepted_by(transformer)
class ByGathering(model.Transformer):
    """The loss by gathering, the mask by keyword, the joined vectors in a list."""

    def join(self, hidden_cache, x, attention_mask):
        return [torch.hstack([hidden_cache, x]), None]

    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        B, T = idx.size()
        x = self.layers.embedding(idx)
        mask = self.get_attention_mask(num_tokens=(idx >= 0).long().sum(-1), T=T)
        if hidden_cache is not None:
            x, mask = self.join(hidden_cache=hidden_cache, x=x, attention_mask=mask)
        for k in range(len(self.layers.blocks)):
            x = self.layers.blocks[k](x, attention_mask=mask)
        x = self.layers.norm(x)
        if return_hidden:
            return x.masked_fill((idx == -1)[:, :, None], 0.0)
        logits = self.lm_head(x)
        loss = None
        if targets is not None:
            log_p = logits.log_softmax(-1)
            counted = targets >= 0
            loss = -log_p.gather(-1, targets.clamp(min=0)[..., None])[..., 0][counted].mean()
        return [logits, loss]


@accepted_by(transformer)
class HelperMethods(model.Transformer):
    """Cut into methods; the loss with the axes swapped; a new tensor filled in two slices."""

    def run_blocks(self, x, mask):
        for block in self.layers["blocks"]:
            x = block(x, mask)
        return self.layers["norm"](x)

    def join(self, hidden_cache, x, attention_mask):
        P = hidden_cache.shape[1]
        joined = x.new_zeros(len(x), P + x.shape[1], x.shape[2])
        joined[:, :P] = hidden_cache
        joined[:, P:] = x
        return joined, None

    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        mask = self.get_attention_mask(torch.count_nonzero(idx + 1, dim=1), idx.shape[1])
        x = self.layers["embedding"](idx)
        if hidden_cache is not None:
            x, mask = self.join(hidden_cache, x, mask)
        hidden = self.run_blocks(x, mask)
        if return_hidden:
            return torch.where((idx == -1).unsqueeze(2), 0, hidden)
        logits = self.lm_head(hidden)
        if targets is None:
            return logits, None
        return logits, F.cross_entropy(logits.mT, targets, ignore_index=-1)


@accepted_by(transformer)
class MaskOfOnesBehindACache(model.Transformer):
    """A mask that hides nothing, instead of None; the loss from log-probabilities."""

    def join(self, hidden_cache, x, attention_mask):
        joined = torch.cat((hidden_cache, x), -2)
        return joined, torch.ones(len(x), 1, joined.shape[1], joined.shape[1])

    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        real = (idx != -1).float()
        mask = self.get_attention_mask(real.sum(1).long(), idx.shape[1])
        x = self.layers["embedding"](idx)
        x, mask = (x, mask) if hidden_cache is None else self.join(hidden_cache, x, mask)
        for block in self.layers["blocks"].children():
            x = block(x, mask)
        x = self.layers["norm"](x)
        if return_hidden:
            return torch.einsum("btc,bt->btc", x, real.to(x))
        logits = self.lm_head(x)
        return logits, None if targets is None else F.nll_loss(
            logits.log_softmax(-1).reshape(-1, logits.shape[-1]), targets.reshape(-1), ignore_index=-1
        )


@accepted_by(transformer)
class MaskGrownBehindACache(InTheOrderOfTheText):
    """The tokens keep their mask among themselves, and everything else is open."""

    def join(self, hidden_cache, x, attention_mask):
        if attention_mask is not None:
            P = hidden_cache.shape[1]
            attention_mask = F.pad(attention_mask, (P, 0, P, 0), value=True)
        return torch.cat((hidden_cache, x), dim=1), attention_mask


@accepted_by(transformer)
class LayersByTheirForward(InTheOrderOfTheText):
    """No layer is called as a layer."""

    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        is_token = idx != -1
        attention_mask = self.get_attention_mask(is_token.sum(1), idx.shape[1])
        x = self.layers["embedding"].forward(idx)
        if hidden_cache is not None:
            x, attention_mask = self.join(hidden_cache, x, attention_mask)
        for block in self.layers["blocks"]:
            x = block.forward(x, attention_mask)
        x = self.layers["norm"].forward(x)
        if return_hidden:
            return x * is_token.unsqueeze(-1)
        logits = self.lm_head.forward(x)
        if targets is None:
            return logits, None
        return logits, F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1)


@accepted_by(transformer)
class ThePackages(model.Transformer):
    """It knows of padding in a cache and of joint masks already."""


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
