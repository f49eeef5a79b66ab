"""Notebook 7, optional: cross-attention, and targets shifted right, as the decoder of 2017 has them."""

from functools import partial

import torch
from torch import nn
from torch.nn import functional as F

from ninelives.checks.exercise import Exercise, build, ids, on_layers_of, run
from ninelives.config import TransformerConfig

cross_attention = Exercise("CrossAttention")
shifted_right = Exercise("shifted_right")


class GivenCrossAttention(nn.Module):
    """The constructor of the exercise, and a right answer cut into steps. Each mistake replaces one."""

    def __init__(self, config):
        super().__init__()
        self.n_head = config.n_head
        self.query = nn.Linear(config.n_embd, config.n_embd)
        self.key = nn.Linear(config.n_embd, config.n_embd)
        self.value = nn.Linear(config.n_embd, config.n_embd)
        self.proj = nn.Linear(config.n_embd, config.n_embd)

    def forward(self, x, hidden, is_word):
        q, k, v = (part.unflatten(-1, (self.n_head, -1)).transpose(1, 2) for part in self.project(x, hidden))
        scores = self.mask(self.scale(q @ k.transpose(-2, -1)), is_word)  # (B, H, T, P)
        return self.merge(scores.softmax(-1) @ v)

    def project(self, x, hidden):
        return self.query(x), self.key(hidden), self.value(hidden)

    def scale(self, scores):
        return scores / (self.query.out_features // self.n_head) ** 0.5

    def mask(self, scores, is_word):
        return scores.masked_fill(~is_word[:, None, None, :], float("-inf"))

    def merge(self, z):
        return self.proj(z.transpose(1, 2).flatten(2))


@cross_attention.aspect("values")
def queries_come_from_one_text_and_keys_and_values_from_the_other(answer, seed):
    want_cross_attention(answer, seed, [5, 5, 5], "without padding")


@cross_attention.aspect("padding")
def hides_the_padding_of_the_other_text(answer, seed):
    want_cross_attention(answer, seed, [2, 5, 3], "with padding in the English")


def want_cross_attention(answer, seed: int, lengths: list[int], when: str) -> None:
    """Refuse anything but PyTorch's own cross-attention with the same weights."""
    config = TransformerConfig(11, 11, n_embd=12, n_head=3, n_layer=1, dropout=0.0)
    module = build(answer, config).double().eval()
    drawn = torch.Generator().manual_seed(seed)
    x = torch.randn(3, 4, 12, generator=drawn).double()
    hidden = torch.randn(3, 5, 12, generator=drawn).double()
    is_word = torch.arange(5) < torch.tensor(lengths).unsqueeze(1)
    arguments = (x, hidden, is_word)
    result = run(module, *arguments, what="CrossAttention.forward")
    make = partial(on_layers_of, module)
    cross_attention.want_shape(result, x.shape, "(B, T, n_embd)", "the output", arguments, make)
    cross_attention.want_values(
        result, of_pytorch(module, x, hidden, is_word), arguments, what=f"{when}, the output",
        otherwise="queries of x, keys and values of hidden; then scores, mask, softmax, values, heads merged, proj, as in notebook 2.",
        caption="The output: wanted, and yours", make=make,
    )


def of_pytorch(module: nn.Module, x: torch.Tensor, hidden: torch.Tensor, is_word: torch.Tensor) -> torch.Tensor:
    """(B, T, C): the reference."""
    theirs = nn.MultiheadAttention(x.shape[-1], module.n_head, batch_first=True, dtype=torch.float64)
    parts = [module.query, module.key, module.value]
    theirs.load_state_dict({
        "in_proj_weight": torch.cat([part.weight for part in parts]), "in_proj_bias": torch.cat([part.bias for part in parts]),
        "out_proj.weight": module.proj.weight, "out_proj.bias": module.proj.bias,
    })
    return theirs(x, hidden, hidden, key_padding_mask=~is_word)[0].detach()


@cross_attention.mistake("values", "this is self-attention: keys and values come from hidden, the other text.")
class SelfAttention(GivenCrossAttention):
    def forward(self, x, hidden, is_word):
        return super().forward(x, x, torch.ones(x.shape[:2], dtype=torch.bool))


@cross_attention.mistake("values", "the two texts are swapped: the queries come from x, the French, keys and values from hidden.")
class TextsSwapped(GivenCrossAttention):
    def forward(self, x, hidden, is_word):
        return super().forward(hidden, x, torch.ones(x.shape[:2], dtype=torch.bool))


@cross_attention.mistake("values", "the scores are not divided by the root of head_size.")
class NotScaled(GivenCrossAttention):
    def scale(self, scores):
        return scores


@cross_attention.mistake("values", "the output projection is missing: self.proj mixes the heads.")
class WithoutProj(GivenCrossAttention):
    def merge(self, z):
        return z.transpose(1, 2).flatten(2)


@cross_attention.mistake("padding", "padding of the English is attended to: use is_word as a mask.")
class PaddingOpen(GivenCrossAttention):
    def mask(self, scores, is_word):
        return scores


@cross_attention.mistake("padding", "the mask is inverted: True in is_word means that there is a word.")
class WordsHidden(GivenCrossAttention):
    def mask(self, scores, is_word):
        return scores.masked_fill(is_word[:, None, None, :] & ~is_word.all(1)[:, None, None, None], -1e30)


@shifted_right.aspect("values")
def begins_with_the_start_token_and_leaves_out_the_last_target(answer, seed):
    for B, T in ((3, 5), (1, 1), (2, 4)):
        targets = torch.randint(9, (B, T), generator=torch.Generator().manual_seed(seed))
        targets[:, 3:] = -1
        result = run(answer, targets, 11)
        shifted_right.want_shape(result, (B, T), "(B, T)", "shifted_right", (targets, 11))
        shifted_right.want_values(
            result, F.pad(targets, (1, -1), value=11), (targets, 11), what=lambda example: f"row {example} of shifted_right is",
            otherwise="the start token, then every target but the last.", caption="The ids: wanted, and yours", row_of=ids,
        )


@shifted_right.mistake("values", "the targets are not shifted: the decoder would read the word that it has to predict.")
def not_shifted(targets, start_token):
    return targets


@shifted_right.mistake("values", "they are shifted to the left: the first target is gone, and the start token is at the end.")
def shifted_left(targets, start_token):
    return F.pad(targets[:, 1:], (0, 1), value=start_token)


@shifted_right.mistake("values", "there is one position too many: the last target is not read, it is only predicted.")
def last_target_kept(targets, start_token):
    return F.pad(targets, (1, 0), value=start_token)


@shifted_right.mistake("values", "the last target has gone round to the front: the start token belongs there.")
def rolled(targets, start_token):
    return targets.roll(1, dims=1)
