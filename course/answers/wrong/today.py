"""Wrong answers to the exercises of lab `today` that are more than a mistake in a formula."""

import copy

import torch
from torch import nn
from torch.nn import functional as F

from answers import refused_by
from ninelives.checks.grouped_queries import GivenGrouped
from ninelives.checks.rms_norm import GivenRMSNorm
from ninelives.checks.rotate import angles_of, by_complex_numbers, turned_by
from ninelives.checks.swiglu import GivenSwiGLU
from ninelives.checks.today import grouped_query_attention, remove_biases, rms_norm, rotate, swiglu, tie_embeddings

# Exercise 1: RMSNorm


@refused_by(rms_norm, "shape", "not written yet", "run its cell again, then this check")
class NothingWritten(GivenRMSNorm):
    def forward(self, x):
        raise NotImplementedError()


@refused_by(rms_norm, "shape", "the function has no `return`.")
class NothingReturned(GivenRMSNorm):
    def forward(self, x):
        x / (self.mean_square(x) + self.eps).sqrt() * self.weight


@refused_by(rms_norm, "shape", "`keepdim=True` leaves the mean an axis of size 1")
class AxisOfTheMeanLost(GivenRMSNorm):
    def forward(self, x):
        return x / (x.pow(2).mean(-1) + self.eps).sqrt() * self.weight


@refused_by(rms_norm, "shape", "RMSNorm has a scale for each channel, and no shift")
class WithAShift(GivenRMSNorm):
    def __init__(self, n_embd, eps=1e-5):
        super().__init__(n_embd, eps)
        self.shift = nn.Parameter(torch.zeros(n_embd))

    def forward(self, x):
        return super().forward(x) + self.shift


@refused_by(rms_norm, "shape", "a dtype is written down, as by `.float()`")
class LeftInFloat32(GivenRMSNorm):
    def forward(self, x):
        return super().forward(x.float()).float()


@refused_by(rms_norm, "shape", "changed the tensor", "work on x.clone()")
class DividedInPlace(GivenRMSNorm):
    def forward(self, x):
        x /= (self.mean_square(x) + self.eps).sqrt()
        return x * self.weight


@refused_by(rms_norm, "values", "each vector is divided by the root of the mean of its own squares")
class OneChannelLeftOut(GivenRMSNorm):
    def mean_square(self, x):
        return x[..., 1:].pow(2).mean(-1, keepdim=True)


@refused_by(rms_norm, "values", "each vector is divided by the root of the mean of its own squares")
class MedianOfTheSquares(GivenRMSNorm):
    def mean_square(self, x):
        return x.pow(2).median(-1, keepdim=True).values


@refused_by(rms_norm, "values", "something from an earlier call is kept and used again: compute it from this call's x, every time.")
class RootOfTheFirstCall(GivenRMSNorm):
    def forward(self, x):
        self.kept = getattr(self, "kept", {})
        root = self.kept.setdefault(tuple(x.shape), (self.mean_square(x) + self.eps).sqrt())
        return x / root * self.weight


@refused_by(rms_norm, "values", "for short vectors it is right: no number may be clamped or rounded on its way.")
class LongVectorsCutOff(GivenRMSNorm):
    def forward(self, x):
        return super().forward(x.clamp(-50, 50))


@refused_by(rms_norm, "values", "leave __init__ as it was given: the weight begins as torch.ones(n_embd).")
class WeightBeginsAtZero(GivenRMSNorm):
    def __init__(self, n_embd, eps=1e-5):
        super().__init__(n_embd, eps)
        nn.init.zeros_(self.weight)


@refused_by(rms_norm, "values", "in the other mode it is right. RMSNorm does the same in both modes.")
class NormInTrainingOnly(GivenRMSNorm):
    def forward(self, x):
        return super().forward(x) if self.training else x * self.weight


@refused_by(rms_norm, "eps", "eps is added to the mean of the squares, before the root")
class EpsDividedByTheChannels(GivenRMSNorm):
    def forward(self, x):
        return x / ((x.pow(2).sum(-1, keepdim=True) + self.eps) / x.shape[-1]).sqrt() * self.weight


@refused_by(rms_norm, "gradient", "the root is cut off from x: leave out .detach(), .data, .item() and torch.no_grad().")
class RootWithoutGradient(GivenRMSNorm):
    def mean_square(self, x):
        return super().mean_square(x).detach()


@refused_by(rms_norm, "gradient", "or a layer that forward does not use")
class WeightWithoutGradient(GivenRMSNorm):
    def forward(self, x):
        return x / (self.mean_square(x) + self.eps).sqrt() * self.weight.detach()


# Exercise 2: rotate


@refused_by(rotate, "shape", "not written yet", "run its cell again, then this check")
def nothing_written(x, positions, base=10_000.0):
    raise NotImplementedError()


@refused_by(rotate, "shape", "two shapes do not fit together: the angles are (T, head_size / 2)")
def angles_for_every_channel(x, positions, base=10_000.0):
    size = x.shape[-1]
    angles = positions.unsqueeze(-1) * base ** (-torch.arange(size) / size)
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * angles.cos() - b * angles.sin(), a * angles.sin() + b * angles.cos()], dim=-1)


@refused_by(rotate, "shape", "the angles are of another dtype than x")
def left_in_float64(x, positions, base=10_000.0):
    return by_complex_numbers(x, positions, base)


@refused_by(rotate, "shape", "print the shape after each of your lines")
def one_half_returned(x, positions, base=10_000.0):
    return by_complex_numbers(x, positions, base).to(x.dtype).chunk(2, dim=-1)[0]


@refused_by(rotate, "shape", "changed the tensor", "work on x.clone()")
def turned_in_place(x, positions, base=10_000.0):
    x[:] = by_complex_numbers(x, positions, base).to(x.dtype)
    return x


@refused_by(rotate, "values", "angles = positions.unsqueeze(-1) · speeds; with x as two halves a and b")
def half_of_the_pairs(x, positions, base=10_000.0):
    """As in models that rotate a part of each head."""
    quarter = max(1, x.shape[-1] // 4)
    turned, half = by_complex_numbers(x, positions, base).to(x.dtype), x.shape[-1] // 2
    result = x.clone()
    result[..., :quarter], result[..., half : half + quarter] = turned[..., :quarter], turned[..., half : half + quarter]
    return result


@refused_by(rotate, "values", "angles = positions.unsqueeze(-1) · speeds; with x as two halves a and b")
def speeds_in_even_steps(x, positions, base=10_000.0):
    half = x.shape[-1] // 2
    angles = positions.unsqueeze(-1) * torch.linspace(1, 1 / base, half)
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * angles.cos() - b * angles.sin(), a * angles.sin() + b * angles.cos()], dim=-1).to(x.dtype)


KEPT = {}


@refused_by(rotate, "values", "something from an earlier call is kept and used again: compute it from this call's x and positions")
def result_of_the_first_call(x, positions, base=10_000.0):
    key = (tuple(x.shape), x.dtype, tuple(positions.tolist()), base)
    return KEPT.setdefault(key, by_complex_numbers(x, positions, base).to(x.dtype))


@refused_by(rotate, "values", "for short vectors it is right: no number may be clamped or rounded on its way.")
def long_vectors_cut_off(x, positions, base=10_000.0):
    return by_complex_numbers(x.clamp(-50, 50), positions, base).to(x.dtype)


@refused_by(rotate, "positions", "angles = positions.unsqueeze(-1) · speeds; with x as two halves a and b")
def at_most_two_hundred_positions(x, positions, base=10_000.0):
    return by_complex_numbers(x, positions.clamp(max=200), base).to(x.dtype)


@refused_by(rotate, "positions", "angles may grow with the position without a limit: leave positions as they are.")
def at_most_two_thousand_positions(x, positions, base=10_000.0):
    return by_complex_numbers(x, positions.clamp(max=2047), base).to(x.dtype)


@refused_by(rotate, "positions", "a position is looked up in a table that ends before it.")
def from_a_table_that_ends(x, positions, base=10_000.0):
    return turned_by(x, angles_of(x, torch.arange(2048), base)[positions].float()).to(x.dtype)


@refused_by(rotate, "positions", "positions, speeds or angles are rounded to the dtype of x")
def angles_in_the_dtype_of_x(x, positions, base=10_000.0):
    return turned_by(x, angles_of(x, positions, base).to(x.dtype))


@refused_by(rotate, "positions", "positions, speeds or angles are rounded to the dtype of x")
def positions_in_the_dtype_of_x(x, positions, base=10_000.0):
    return turned_by(x, angles_of(x, positions.to(x.dtype), base).float()).to(x.dtype)


@refused_by(rotate, "gradient", "leave out .detach(), .data, .item(), torch.no_grad(), and torch.tensor(…) of a tensor.")
def without_gradient(x, positions, base=10_000.0):
    return by_complex_numbers(x.detach(), positions, base).to(x.dtype)


# Exercise 3: SwiGLU


@refused_by(swiglu, "shape", "not written yet", "run its cell again, then this check")
class SwigluNotWritten(GivenSwiGLU):
    def forward(self, x):
        raise NotImplementedError()


@refused_by(swiglu, "shape", "a layer got other than its channels: gate and up take x")
class OneAfterTheOther(GivenSwiGLU):
    def forward(self, x):
        return self.down(self.up(F.silu(self.gate(x))))


@refused_by(swiglu, "shape", "`@` is a matrix product. The gate multiplies channel by channel")
class MatrixProduct(GivenSwiGLU):
    def forward(self, x):
        return self.down(F.silu(self.gate(x)) @ self.up(x))


@refused_by(swiglu, "shape", "leave __init__ as it was given and write forward only: real weights are loaded by these names.")
class OtherNames(nn.Module):
    def __init__(self, n_embd, n_hidden):
        super().__init__()
        self.w1, self.v, self.w2 = nn.Linear(n_embd, n_hidden), nn.Linear(n_embd, n_hidden), nn.Linear(n_hidden, n_embd)

    def forward(self, x):
        return self.w2(F.silu(self.w1(x)) * self.v(x))


@refused_by(swiglu, "values", "down(silu(gate(x)) · up(x)): one product, number by number, and nothing else.")
class UpHalved(GivenSwiGLU):
    def forward(self, x):
        return self.down(F.silu(self.gate(x)) * self.up(x) / 2)


@refused_by(swiglu, "values", "down(silu(gate(x)) · up(x)): one product, number by number, and nothing else.")
class GateKeptBelowOne(GivenSwiGLU):
    def forward(self, x):
        return self.down(F.silu(self.gate(x)).clamp(max=1) * self.up(x))


@refused_by(swiglu, "values", "something from an earlier call is kept and used again: compute it from this call's x, every time.")
class GateOfTheFirstCall(GivenSwiGLU):
    def forward(self, x):
        self.kept = getattr(self, "kept", {})
        return self.down(self.kept.setdefault(tuple(x.shape), F.silu(self.gate(x))) * self.up(x))


@refused_by(swiglu, "values", "for short vectors it is right: no number may be clamped or rounded on its way.")
class LongInputsCutOff(GivenSwiGLU):
    def forward(self, x):
        x = x.clamp(-20, 20)
        return self.down(F.silu(self.gate(x)) * self.up(x))


@refused_by(swiglu, "values", "in training it is right. SwiGLU does the same in both modes.")
class GateInTrainingOnly(GivenSwiGLU):
    def forward(self, x):
        return self.down(F.silu(self.gate(x)) * self.up(x) if self.training else self.up(x))


@refused_by(swiglu, "gradient", "or a layer that forward does not use")
class GateWithoutGradient(GivenSwiGLU):
    def forward(self, x):
        return self.down(F.silu(self.gate(x)).detach() * self.up(x))


# Exercise 4: GroupedQueryAttention


@refused_by(grouped_query_attention, "shape", "not written yet", "run its cell again, then this check")
class AttentionNotWritten(GivenGrouped):
    def forward(self, x, attention_mask=None, cache=None):
        raise NotImplementedError()


@refused_by(grouped_query_attention, "shape", "`k.transpose(-2, -1)` has this form.")
class KeysNotTransposed(GivenGrouped):
    def scores(self, q, k):
        return q @ k / q.shape[-1] ** 0.5


@refused_by(grouped_query_attention, "shape", "a linear layer got other than n_embd channels: join the heads before proj")
class HeadsNotSwappedBack(GivenGrouped):
    def merged(self, z):
        return z.flatten(2)


@refused_by(grouped_query_attention, "shape", "two sizes do not fit together. Look at three places")
class TokensBeforeHeads(GivenGrouped):
    def split(self, x, n_head):
        return x.unflatten(-1, (n_head, -1))


@refused_by(grouped_query_attention, "shape", "two sizes do not fit together. Look at three places")
class SharedKeysMissing(GivenGrouped):
    def shared(self, k):
        return k


@refused_by(grouped_query_attention, "shape", "keys and values have n_kv_head heads, and real weights are loaded by these names.")
class KeysForEveryHead(GivenGrouped):
    def __init__(self, config):
        super().__init__(config)
        self.key, self.value, self.n_kv_head = nn.Linear(config.n_embd, config.n_embd), nn.Linear(config.n_embd, config.n_embd), self.n_head


@refused_by(grouped_query_attention, "values", "query, key and value, each cut into heads; q and k rotated")
class WeightsCubed(GivenGrouped):
    def masked(self, scores, attention_mask):
        return 3 * super().masked(scores, attention_mask)


@refused_by(grouped_query_attention, "values", "query, key and value, each cut into heads; q and k rotated")
class GroupsReversed(GivenGrouped):
    def shared(self, k):
        return super().shared(k.flip(1))


@refused_by(grouped_query_attention, "values", "keep them for pictures, as in notebook 2")
class WeightsNotKept(GivenGrouped):
    def forward(self, x, attention_mask=None, cache=None):
        result = super().forward(x, attention_mask, cache)
        del self.weights
        return result


@refused_by(grouped_query_attention, "values", "keep them for pictures, as in notebook 2")
class ScoresKept(GivenGrouped):
    def masked(self, scores, attention_mask):
        self.scores_before = super().masked(scores, attention_mask)
        return self.scores_before

    def forward(self, x, attention_mask=None, cache=None):
        result = super().forward(x, attention_mask, cache)
        self.weights = self.scores_before
        return result


@refused_by(grouped_query_attention, "values", "something from an earlier call is kept and used again: nothing but `cache` may come from there.")
class KeysOfTheFirstCall(GivenGrouped):
    def shared(self, k):
        self.first = getattr(self, "first", {})
        return self.first.setdefault((tuple(k.shape), len(self.first) if len(self.first) < 2 else 0), super().shared(k))

    def forward(self, x, attention_mask=None, cache=None):
        self.results = getattr(self, "results", {})
        return self.results.setdefault(tuple(x.shape), GivenGrouped.forward(self, x, attention_mask, cache))


@refused_by(grouped_query_attention, "values", "it is right for other sizes: take n_head, n_kv_head and head_size from the config.")
class AtLeastTwoKeyHeads(GivenGrouped):
    def shared(self, k):
        return super().shared(k) * (1 if self.n_kv_head > 1 else 0.5)


@refused_by(grouped_query_attention, "values", "after model.eval() it is right. There is no dropout here")
class Dropout(GivenGrouped):
    def merged(self, z):
        return super().merged(F.dropout(z, 0.1, self.training))


@refused_by(grouped_query_attention, "mask", "−∞ where the mask is 0, then the softmax, and nothing else.")
class HiddenAWeightOfATenth(GivenGrouped):
    def masked(self, scores, attention_mask):
        return scores if attention_mask is None else scores.masked_fill(attention_mask == 0, -2.0)


@refused_by(grouped_query_attention, "mask", "the mask may be bool, whole numbers or floats; `attention_mask == 0` works for all of them.")
class BoolMasksOnly(GivenGrouped):
    def masked(self, scores, attention_mask):
        return scores if attention_mask is None else scores.masked_fill(~attention_mask, float("-inf"))


@refused_by(grouped_query_attention, "cache", "keys and values are repeated before they are kept, so nothing is saved")
class RepeatedBeforeTheyAreKept(GivenGrouped):
    def kept(self, k, v, cache):
        return super().kept(GivenGrouped.shared(self, k), GivenGrouped.shared(self, v), cache)

    def shared(self, k):
        return k


@refused_by(grouped_query_attention, "cache", "the cache is not used, or used more than once")
class CacheNotUsed(GivenGrouped):
    def kept(self, k, v, cache):
        return k, v


@refused_by(grouped_query_attention, "cache", "one call for both, `k, v = cache.extend(k, v)`, keeps the new keys")
class ExtendedTwice(GivenGrouped):
    def kept(self, k, v, cache):
        if cache is None:
            return k, v
        k = cache.extend(k, v)[0]
        return k, cache.extend(k, v)[1]


@refused_by(grouped_query_attention, "cache", "one call for both, `k, v = cache.extend(k, v)`, keeps the new keys")
class OnlyKeysTakenFromTheCache(GivenGrouped):
    def kept(self, k, v, cache):
        return super().kept(k, v, cache)[0], v


@refused_by(grouped_query_attention, "cache", "the positions end before they begin.")
class PositionsUpToT(GivenGrouped):
    def rotated(self, q, k, start):
        positions = torch.arange(start, q.shape[2])
        return by_complex_numbers(q, positions, self.rope_base), by_complex_numbers(k, positions, self.rope_base)


@refused_by(grouped_query_attention, "cache", "rotate the new q and k by their positions, from cache.length on")
class NewestKeyForgotten(GivenGrouped):
    def kept(self, k, v, cache):
        keys, values = super().kept(k, v, cache)
        return (keys, values) if cache is None or k.shape[2] > 1 else (keys[:, :, :-1], values[:, :, :-1])


@refused_by(grouped_query_attention, "gradient", "or a layer that forward does not use")
class KeysWithoutGradient(GivenGrouped):
    def shared(self, k):
        return super().shared(k.detach())


# Exercise 5: tie_embeddings


@refused_by(tie_embeddings, "one matrix", "not written yet", "run its cell again, then this check")
def tying_not_written(model):
    raise NotImplementedError()


@refused_by(tie_embeddings, "one matrix", "a weight must stay an nn.Parameter: assign the parameter of the other layer itself")
def tensor_assigned(model):
    model.layers["embedding"].token.weight = model.lm_head.weight.data


@refused_by(tie_embeddings, "one matrix", "a parameter is written into. Nothing is copied here")
def written_while_autograd_records(model):
    model.layers["embedding"].token.weight.copy_(model.lm_head.weight)


@refused_by(tie_embeddings, "one matrix", 'the table is `model.layers["embedding"].token`')
def looked_for_in_the_model(model):
    model.token.weight = model.lm_head.weight


@refused_by(tie_embeddings, "one matrix", "this is the wrong way round for a model of PyTorch's")
def the_embeddings_matrix_kept(model):
    model.lm_head.weight = model.layers["embedding"].token.weight


@refused_by(tie_embeddings, "one matrix", "a whole layer was put in the place of the other")
def the_embedding_as_lm_head(model):
    model.lm_head = model.layers["embedding"].token


@refused_by(tie_embeddings, "one matrix", "a whole layer was put in the place of the other")
def lm_head_as_the_embedding(model):
    model.layers["embedding"].token = model.lm_head


@refused_by(tie_embeddings, "one matrix", "nothing is made or copied here: one layer takes the other's parameter.")
def a_new_matrix(model):
    model.lm_head.weight = nn.Parameter(model.lm_head.weight.detach().clone())
    model.layers["embedding"].token.weight = model.lm_head.weight


@refused_by(tie_embeddings, "one matrix", "only the two matrices of words are joined: leave every other layer alone.")
def positions_cleared_as_well(model):
    model.layers["embedding"].token.weight = model.lm_head.weight
    nn.init.zeros_(model.layers["norm"].weight)


@refused_by(tie_embeddings, "one matrix", "only the two matrices of words are joined: leave every other layer alone.")
def another_table_tied(model):
    model.layers["embedding"].position.weight = model.lm_head.weight


@refused_by(tie_embeddings, "one matrix", "they share their memory and have a gradient each")
def memory_shared(model):
    model.layers["embedding"].token.weight.data = model.lm_head.weight.data


@refused_by(tie_embeddings, "one matrix", "the numbers were copied. After the first training step they differ again")
def numbers_copied(model):
    with torch.no_grad():
        model.layers["embedding"].token.weight.copy_(model.lm_head.weight)


@refused_by(tie_embeddings, "one matrix", "the numbers were copied. After the first training step they differ again")
def loaded_from_a_state_dict(model):
    model.layers["embedding"].token.load_state_dict(model.lm_head.state_dict())


@refused_by(tie_embeddings, "one matrix", "nothing has changed: assign one layer's weight to the other")
def a_variable_assigned(model):
    token = model.layers["embedding"].token.weight
    token = model.lm_head.weight
    return token


@refused_by(tie_embeddings, "one matrix", "nothing has changed: assign one layer's weight to the other")
def another_model_tied(given):
    other = copy.deepcopy(given)
    other.layers["embedding"].token.weight = other.lm_head.weight
    return other


@refused_by(tie_embeddings, "one matrix", "each has a parameter of its own: assign one layer's weight to the other")
def swapped(model):
    token, head = model.layers["embedding"].token, model.lm_head
    token.weight, head.weight = head.weight, token.weight


@refused_by(tie_embeddings, "training", "one of the two paths is cut off: leave out .detach(), requires_grad_(False) and hooks.")
def frozen(model):
    model.lm_head.weight.requires_grad_(False)
    model.layers["embedding"].token.weight = model.lm_head.weight


# Exercise 6: remove_biases


@refused_by(remove_biases, "no bias", "not written yet", "run its cell again, then this check")
def removing_not_written(model):
    raise NotImplementedError()


@refused_by(remove_biases, "no bias", "some modules have none, and after `del` a layer does not find its own")
def asked_of_every_module(model):
    for module in model.modules():
        if module.bias is not None:
            module.bias = None


@refused_by(remove_biases, "the rest", "some modules have none, and after `del` a layer does not find its own")
def deleted(model):
    for module in model.modules():
        if getattr(module, "bias", None) is not None:
            del module.bias


@refused_by(remove_biases, "no bias", "in the place of a bias a module takes an nn.Parameter or None")
def set_to_the_number_0(model):
    for module in model.modules():
        if hasattr(module, "bias"):
            module.bias = 0


@refused_by(remove_biases, "no bias", "the biases are 0 now, and will be learned again")
def set_to_zeros(model):
    for module in model.modules():
        if getattr(module, "bias", None) is not None:
            nn.init.zeros_(module.bias)


@refused_by(remove_biases, "no bias", "the biases are frozen, and are still added")
def biases_frozen(model):
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            parameter.requires_grad = False


@refused_by(remove_biases, "no bias", "those of LayerNorm are left")
def of_linear_layers_only(model):
    for module in model.modules():
        if isinstance(module, nn.Linear):
            module.bias = None


@refused_by(remove_biases, "no bias", "those of the linear layers are left")
def of_norms_only(model):
    for module in model.modules():
        if isinstance(module, nn.LayerNorm):
            module.bias = None


@refused_by(remove_biases, "no bias", "no layer has lost its bias.")
def of_the_outermost_only(model):
    for module in model.children():
        if getattr(module, "bias", None) is not None:
            module.bias = None


@refused_by(remove_biases, "no bias", "no layer has lost its bias.")
def nothing_done(model):
    pass


@refused_by(remove_biases, "no bias", "no layer has lost its bias.")
def a_name_assigned(model):
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            parameter = None


@refused_by(remove_biases, "no bias", "no layer has lost its bias.")
def a_name_deleted(model):
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            del parameter


@refused_by(remove_biases, "no bias", "no layer has lost its bias.")
def a_loop_left_at_once(model):
    for module in model.modules():
        if getattr(module, "bias", None) is not None:
            module.bias = None
        return model


@refused_by(remove_biases, "no bias", "no layer has lost its bias.")
def another_attribute(model):
    for module in model.modules():
        module.use_bias = False


@refused_by(remove_biases, "no bias", "no layer has lost its bias.")
def a_new_layer_in_a_name(model):
    for module in model.modules():
        if isinstance(module, nn.Linear):
            module = nn.Linear(module.in_features, module.out_features, bias=False)


@refused_by(remove_biases, "no bias", "`setattr` takes no path")
def set_by_a_path(model):
    for name, _ in list(model.named_parameters()):
        if name.endswith("bias"):
            setattr(model, name, None)


@refused_by(remove_biases, "no bias", "a copy has no biases, and the model that is passed in still has them: change that one.")
def of_a_copy(given):
    other = copy.deepcopy(given)
    for module in other.modules():
        if getattr(module, "bias", None) is not None:
            module.bias = None
    return other


@refused_by(remove_biases, "the rest", "the model itself is left out. `model.modules()` gives it first, and then all that is in it.")
def not_of_the_model_itself(model):
    for module in list(model.modules())[1:]:
        if getattr(module, "bias", None) is not None:
            module.bias = None


PART = "only a part of the model has lost its biases: go through all of `model.modules()`, and return, if at all, after the loop."


@refused_by(remove_biases, "no bias", PART)
def of_the_first_block_only(model):
    for module in model.layers["blocks"][0].modules():
        if getattr(module, "bias", None) is not None:
            module.bias = None


@refused_by(remove_biases, "no bias", PART)
def of_all_blocks_only(model):
    for module in model.layers["blocks"].modules():
        if getattr(module, "bias", None) is not None:
            module.bias = None


@refused_by(remove_biases, "no bias", PART)
def returned_after_the_first(model):
    for module in model.modules():
        if getattr(module, "bias", None) is not None:
            module.bias = None
            return model


@refused_by(remove_biases, "the rest", "a layer was made again, or a weight was changed")
def layers_made_again(model):
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.Linear):
                setattr(module, name, nn.Linear(child.in_features, child.out_features, bias=False))
            elif isinstance(child, nn.LayerNorm):
                child.bias = None


@refused_by(remove_biases, "the rest", "a layer was made again, or a weight was changed")
def weights_of_norms_as_well(model):
    for module in model.modules():
        if getattr(module, "bias", None) is not None:
            module.bias = None
            if isinstance(module, nn.LayerNorm):
                module.weight = None


@refused_by(remove_biases, "the rest", "something else was changed: set only the biases to None.")
def other_eps_as_well(model):
    for module in model.modules():
        if getattr(module, "bias", None) is not None:
            module.bias = None
        if hasattr(module, "eps"):
            module.eps = 1.0
