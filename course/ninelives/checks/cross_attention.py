"""Notebook 7, optional: cross-attention, and targets shifted right, as the decoder of 2017 has them."""

from functools import partial

import torch
from torch import nn
from torch.nn import functional as F

from ninelives.checks.attention import GivenAttention
from ninelives.checks.attention_inputs import loop_heads
from ninelives.checks.exercise import CheckFailed, Exercise, build, ids, in_case, on_layers_of, run, want_gradient
from ninelives.checks.transformer_block import in_both_modes, want_trainable
from ninelives.config import TransformerConfig

cross_attention = Exercise("CrossAttention")
shifted_right = Exercise("shifted_right")

LAYERS = ("query", "key", "value", "proj")


class GivenCrossAttention(GivenAttention):
    """A right answer: notebook 2's attention with keys and values of another text, and without its dropout."""

    def forward(self, x, hidden, is_word):
        q, k, v = (loop_heads(part, self.n_head) for part in self.project(x, hidden))
        return self.finish(self.softmax(self.scores(q, k), is_word[:, None, None, :]) @ v)

    def project(self, x, hidden):
        return self.query(x), self.key(hidden), self.value(hidden)

    def finish(self, z):
        return self.proj(self.merge(z))


@cross_attention.aspect("values")
def queries_come_from_one_text_and_keys_and_values_from_the_other(answer, seed):
    module = built(answer, n_head=3)
    for training in (False, True):
        with in_both_modes(module, training):
            want_cross_attention(module, seed, (3, 4, 5), [5, 5, 5], "without padding")
    module.eval()
    with in_case("in a second call with other sentences", cause="something of an earlier call is kept: look at x, hidden and is_word in every call."):
        want_cross_attention(module, seed + 5, (3, 4, 5), [5, 5, 5], "without padding")
    for b, t, p in ((1, 1, 1), (2, 3, 3), (1, 4, 2)):
        want_cross_attention(module, seed, (b, t, p), [p] * b, f"with B = {b}, T = {t} and P = {p}")
    want_cross_attention(built(answer, n_head=1), seed, (3, 4, 5), [5, 5, 5], "with a single head")
    with in_case("with large scores", cause="scores and weights are used as they are: nothing is rounded or kept within bounds."):
        want_cross_attention(module, seed, (3, 4, 5), [5, 5, 5], "without padding", size=4.0)


@cross_attention.aspect("padding")
def hides_the_padding_of_the_other_text(answer, seed):
    module = built(answer, n_head=3)
    want_cross_attention(module, seed, (3, 4, 5), [2, 5, 3], "with padding in the English")
    want_cross_attention(module, seed, (3, 4, 5), [4, 1, 5], "with other lengths in a second call")


@cross_attention.aspect("gradient")
def gradients_reach_every_layer_and_both_texts(answer, seed):
    module = built(answer, n_head=3)
    x, hidden, is_word = texts(seed, (3, 4, 5), [2, 5, 3])
    result = run(module, x.requires_grad_(), hidden.requires_grad_(), is_word, what="CrossAttention.forward")
    # A softmax ignores what a key's bias adds to all its scores.
    want_gradient(module, result, "CrossAttention", may_be_zero=["key.bias"])
    for name, text, rows in (("x", x, x[..., 0] == x[..., 0]), ("hidden", hidden, is_word)):
        if text.grad is None or not text.grad[rows].abs().sum(-1).all():
            raise CheckFailed(
                f"after backward() no gradient has reached {name}.", "one for every word: what made it learns through this layer.",
                f"{name} is cut off: leave out .detach(), .data and torch.no_grad().",
            )


def built(answer, n_head: int) -> nn.Module:
    """A learner's module, with its four layers, in float64 for evaluation."""
    module = build(answer, TransformerConfig(11, 11, n_embd=12, n_head=n_head, n_layer=1, dropout=0.0)).double().eval()
    layers = [getattr(module, name, None) for name in LAYERS]
    if not all(isinstance(layer, nn.Linear) and layer.weight.shape == (12, 12) and layer.bias is not None for layer in layers):
        raise CheckFailed(
            "query, key, value and proj are not four layers nn.Linear(n_embd, n_embd).", "the layers that the exercise gives.",
            "keep the __init__ of the exercise: query, key, value and proj.")
    if len({id(layer.weight) for layer in layers}) < len(layers):
        raise CheckFailed(
            "two of query, key, value and proj share their weights.", "four layers, each with weights of its own.",
            "keep the __init__ of the exercise, which makes each of the four anew.")
    want_trainable(module)
    return module


def texts(seed: int, sizes: tuple[int, int, int], lengths: list[int]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """x (B, T, 12), hidden (B, P, 12), and which of hidden are words (B, P)."""
    (B, T, P), drawn = sizes, torch.Generator().manual_seed(seed)
    x = torch.randn(B, T, 12, generator=drawn).double()
    hidden = torch.randn(B, P, 12, generator=drawn).double()
    return x, hidden, torch.arange(P) < torch.tensor(lengths).unsqueeze(1)


def want_cross_attention(
    module: nn.Module, seed: int, sizes: tuple[int, int, int], lengths: list[int], when: str, size: float = 1.0
) -> None:
    """Refuse anything but PyTorch's own cross-attention with the same weights."""
    x, hidden, is_word = texts(seed, sizes, lengths)
    arguments = (size * x, size * hidden, is_word)
    result = run(module, *arguments, what="CrossAttention.forward")
    make = partial(on_layers_of, module)
    cross_attention.want_shape(result, x.shape, "(B, T, n_embd)", "the output", arguments, make)
    otherwise = "queries of x, keys and values of hidden; then scores, mask, softmax, values, heads merged, proj, as in notebook 2."
    if result.isnan().any():
        otherwise = "every word is hidden, and a softmax of nothing but −∞ is NaN: masked_fill hides where its mask is True, so it needs `~is_word`."
    cross_attention.want_values(
        result, of_pytorch(module, *arguments), arguments, what=f"{when}, the output",
        otherwise=otherwise,
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
    def scores(self, q, k):
        return q @ k.mT


@cross_attention.mistake("values", "the scores are divided by the root of n_embd: each head has vectors of head_size numbers, `q.shape[-1]`.")
class ScaledByTheWholeWidth(GivenCrossAttention):
    def scores(self, q, k):
        return q @ k.mT / self.query.weight.shape[0] ** 0.5


@cross_attention.mistake("values", "the softmax goes over the French, along the wrong axis: each row of weights adds up to 1 over the English, softmax(-1).")
class SoftmaxOverTheQueries(GivenCrossAttention):
    def softmax(self, scores, attention_mask):
        return scores.masked_fill(~attention_mask, float("-inf")).softmax(-2)


@cross_attention.mistake("values", "there is a triangle over the scores. The English is all there from the start: every row attends to all of it.")
class TriangleOverTheScores(GivenCrossAttention):
    def scores(self, q, k):
        return super().scores(q, k).tril()


@cross_attention.mistake("values", "the heads are missing: split queries, keys and values into n_head parts, as in notebook 2.")
class OneHeadForAll(GivenCrossAttention):
    def forward(self, x, hidden, is_word):
        q, k, v = self.project(x, hidden)
        weights = (q @ k.mT / q.shape[-1] ** 0.5).masked_fill(~is_word[:, None, :], float("-inf")).softmax(-1)
        return self.proj(weights @ v)


@cross_attention.mistake("values", "the heads are merged in the wrong order: transpose to (B, T, n_head, head_size) before you flatten.")
class MergedWithoutTranspose(GivenCrossAttention):
    def merge(self, z):
        return z.reshape(len(z), z.shape[2], -1)


@cross_attention.mistake("values", "the output projection is missing: self.proj mixes the heads.")
class WithoutProj(GivenCrossAttention):
    def finish(self, z):
        return self.merge(z)


@cross_attention.mistake("padding", "padding of the English is attended to: use is_word as a mask.")
class PaddingOpen(GivenCrossAttention):
    def softmax(self, scores, attention_mask):
        return scores.softmax(-1)


@cross_attention.mistake("padding", "hidden scores are 0, and e⁰ is 1: they still get weight. Set them to −∞, with masked_fill.")
class ScoresMultipliedByTheMask(GivenCrossAttention):
    def softmax(self, scores, attention_mask):
        return (scores * attention_mask).softmax(-1)


@cross_attention.mistake("padding", "the mask comes after the softmax, so the rows of weights no longer add up to 1: hide the scores before it.")
class WeightsMultipliedByTheMask(GivenCrossAttention):
    def softmax(self, scores, attention_mask):
        return scores.softmax(-1) * attention_mask


@cross_attention.mistake("padding", "the mask is inverted: True in is_word means that there is a word.")
class WordsHidden(GivenCrossAttention):
    def softmax(self, scores, attention_mask):
        return super().softmax(scores, ~attention_mask | attention_mask.all(-1, keepdim=True))


@shifted_right.aspect("values")
def begins_with_the_start_token_and_leaves_out_the_last_target(answer, seed):
    drawn = torch.Generator().manual_seed(seed)
    # Twice the same shape; one word; the start token 0, whose id is a word's elsewhere; ids that need more than 16 bits.
    for (B, T), start, more in (((3, 5), 11, 0), ((3, 5), 12, 0), ((1, 1), 11, 0), ((1, 4), 0, 0), ((2, 4), 0, 1), ((2, 4), 80_000, 70_000)):
        targets = torch.randint(9, (B, T), generator=drawn) + more
        targets[:, 3:] = -1
        want_shifted(answer, targets, start)
    want_shifted(answer, targets.T, 11)
    want_shifted(answer, targets[:1].expand(3, -1), 11)


def want_shifted(answer, targets: torch.Tensor, start_token: int) -> None:
    """Refuse anything but the start token and all targets but the last."""
    result = run(answer, targets, start_token)
    shifted_right.want_shape(result, targets.shape, "(B, T)", "shifted_right", (targets, start_token))
    if result.dtype != torch.int64:
        raise CheckFailed(
            f"shifted_right gives {result.dtype}.", "torch.int64, as the targets are: ids are whole numbers.",
            "torch.full, torch.zeros and torch.ones make other numbers unless they are told dtype=torch.long: targets.new_full((B, 1), start_token).",
        )
    shifted_right.want_values(
        result, F.pad(targets, (1, -1), value=start_token), (targets, start_token),
        what=lambda example: f"for the targets {ids(targets[example])} and the start token {start_token}, shifted_right gives",
        otherwise="the start token, then every target but the last.", caption="The ids: wanted, and yours", row_of=ids, agree=torch.equal,
    )


ZERO_IS_AN_ID = "0 is an id like any other, but Python takes it for False: the start token may be 0."


@shifted_right.mistake("values", ZERO_IS_AN_ID)
def zero_is_no_start_token(targets, start_token):
    return F.pad(targets, (1, -1), value=start_token) if start_token else targets


@shifted_right.mistake("values", ZERO_IS_AN_ID)
def zero_is_replaced_by_padding(targets, start_token):
    return F.pad(targets, (1, -1), value=start_token or -1)


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


@shifted_right.mistake("values", "the start token is a row before the batch. It is a column before the words: join along axis 1.")
def started_along_the_batch(targets, start_token):
    return torch.cat((torch.full_like(targets[:1], start_token), targets[:-1]))


@shifted_right.mistake("values", "the start token replaces the first target. Every target but the last moves one position to the right.")
def first_target_replaced(targets, start_token):
    return torch.cat((torch.full_like(targets[:, :1], start_token), targets[:, 1:]), dim=1)


@shifted_right.mistake("values", "the first target has been left out as well as the last. The decoder reads every target but the last.")
def first_and_last_left_out(targets, start_token):
    return torch.cat((torch.full_like(targets[:, :1], start_token), targets[:, 1:-1]), dim=1)


@shifted_right.mistake("values", "a 0 stands where start_token should be, the argument.")
def zero_for_the_start_token(targets, start_token):
    return F.pad(targets, (1, -1))


@shifted_right.mistake("values", "the padding, −1, has become 0, which is a word.")
def padding_replaced_by_zero(targets, start_token):
    return F.pad(targets, (1, -1), value=start_token).clamp(min=0)


@shifted_right.mistake("values", "the padding, −1, is replaced by the start token too. It stands once, before the first target.")
def padding_replaced_by_the_start_token(targets, start_token):
    shifted = F.pad(targets, (1, -1), value=start_token)
    return shifted.masked_fill(shifted == -1, start_token)
