"""Wrong answers to any exercise: they raise errors, or show their mistake in the source.

Each proves one sentence of ninelives.checks.errors, source, want, run or exercise.
"""

import math
import signal
from functools import partial

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from answers import refused_by
from ninelives import model
from ninelives.checks.attention import attention_scores, masked_softmax, multi_head_self_attention, split_heads
from ninelives.checks.decoder import causal_mask, decoder
from ninelives.checks.embeddings import embedding, position_indices
from ninelives.checks.encoder_decoder import Given, encoder_decoder
from ninelives.checks.prefix_generation import prefix_generation
from ninelives.checks.transformer import block
from ninelives.config import TransformerConfig
from ninelives.text import WordTokenizer

in_positions = partial(refused_by, position_indices, "shape")
in_an_embedding = partial(refused_by, embedding, "shape")
in_a_block = partial(refused_by, block, "shape")
in_attention = partial(refused_by, multi_head_self_attention, "shape")
in_scores = partial(refused_by, attention_scores, "shape")
in_softmax = partial(refused_by, masked_softmax, "rows add up to 1")
in_a_mask = partial(refused_by, decoder, "shape")


# Loops


@in_positions("does not come to an end at your line", "a line in the loop must change it, or end the loop with `break`")
def while_without_an_end(idx):
    signal.setitimer(signal.ITIMER_VIRTUAL, 0.01)  # a check waits for ten seconds
    positions = torch.zeros_like(idx)
    while positions.shape == idx.shape:
        positions = positions + 1
    return positions


# Dictionaries, lists and texts


@in_positions("three dots in a hint stand for what you have to write there")
def dots_of_a_hint(idx):
    return torch.arange(idx.shape[1]).expand(...)


@in_positions("the dictionary has no entry under this key")
def key_that_is_not_there(idx):
    return {"B": idx.shape[0], "T": idx.shape[1]}["C"]


@in_positions("the entries of a dictionary are taken with brackets")
def entry_after_a_dot(idx):
    return torch.arange({"T": idx.shape[1]}.T)


@in_positions("this is a method of lists, and tensors have none")
def tensor_appended(idx):
    positions = torch.arange(idx.shape[1])
    positions.append(positions)
    return positions


@in_positions("the quotes make a string of the number")
def compared_with_a_text(idx):
    return torch.arange(idx.shape[1] if idx.shape[1] > "0" else 1)


@in_positions("and adds nothing to their elements")
def number_added_to_a_list(idx):
    return torch.tensor(list(range(idx.shape[1])) + 1)


@in_positions("only what has several parts, such as a list or a tensor, has a length")
def length_of_a_number(idx):
    return torch.arange(len(idx.shape[1]))


@in_positions("with `stable` all that sort is given needs its name")
def axis_of_a_stable_sort_without_its_name(idx):
    return torch.arange(idx.shape[1]).sort(-1, descending=True, stable=True).values.flip(0)


@in_positions("the second argument says *where*, in whole numbers")
def numbers_and_indices_swapped(idx):
    indices, numbers = torch.arange(idx.shape[1]).float().sort()
    return torch.zeros(idx.shape[1]).scatter(-1, indices, numbers.float())


@in_a_mask("`~` swaps True and False, and these are floats")
class FloatsInverted(model.Encoder):
    def get_attention_mask(self, num_tokens, T=None):
        mask = super().get_attention_mask(num_tokens, T)
        return mask * ~torch.ones(mask.shape[-2:]).triu(1)


@in_a_mask("binds more tightly than a comparison: put each comparison in parentheses")
class JoinedBeforeCompared(model.Encoder):
    def get_attention_mask(self, num_tokens, T=None):
        position = torch.arange(int(num_tokens.max()) if T is None else T)
        return position < num_tokens.view(-1, 1, 1, 1) & position <= position.unsqueeze(1)


# Classes and methods


@in_a_mask("`super` needs its parentheses")
class SuperWithoutParentheses(model.Encoder):
    def get_attention_mask(self, num_tokens, T=None):
        return torch.tril(super.get_attention_mask(num_tokens, T))


@in_a_mask("`super()` already passes self")
class SelfPassedToSuper(model.Encoder):
    def get_attention_mask(self, num_tokens, T=None):
        return torch.tril(super().get_attention_mask(self, num_tokens, T))


@in_an_embedding("`__init__` must begin with `super().__init__()`")
class SuperInitForgotten(nn.Module):
    def __init__(self, config):
        self.token = nn.Embedding(config.vocab_size, config.n_embd)


@in_a_mask("it calls itself without end. To call the method of the base class")
class CallsItself(model.Encoder):
    def get_attention_mask(self, num_tokens, T=None):
        return torch.tril(self.get_attention_mask(num_tokens, T))


@in_scores("and this list is empty")
def list_never_filled(q, k):
    scores = []
    return torch.stack(scores)


@in_scores("it calls itself without end: another function")
def calls_itself(q, k):
    return calls_itself(q, k) / math.sqrt(q.shape[-1])


@in_an_embedding("it calls itself without end: another function")
class ForwardCallsItself(model.Embedding):
    def forward(self, idx):
        return self(idx)


@in_a_mask("`self` is missing: it is the first argument")
class SelfForgotten(model.Encoder):
    def get_attention_mask(num_tokens, T=None):
        return torch.tril(model.Encoder.get_attention_mask(num_tokens, T))


@in_positions("a function outside a class has no `self`")
def position_indices_with_self(self, idx):
    B, T = idx.shape
    return torch.arange(T).expand(B, T)


@in_an_embedding("the class is built with arguments, and nothing takes them")
class BaseAndInitForgotten:
    def forward(self, idx):
        return self.token(idx)


@in_an_embedding("the class is built with arguments, and nothing takes them")
class InitForgotten(nn.Module):
    def forward(self, idx):
        return self.token(idx)


@in_an_embedding("`__init__` takes other arguments than the class is built with")
class InitWithoutConfig(nn.Module):
    def __init__(self):
        super().__init__()


@in_an_embedding("the class has no `forward`")
class ForwardMisnamed(model.Embedding):
    forward = nn.Module.forward

    def foward(self, idx):
        return self.token(idx)


@in_attention("a ModuleList or ModuleDict holds layers and cannot be called itself")
class ListIsCalled(model.MultiHeadSelfAttention):
    def __init__(self, config):
        super().__init__(config)
        self.layers = nn.ModuleList([nn.Linear(config.n_embd, config.n_embd)])

    def forward(self, x, attention_mask=None):
        return self.layers(x)


@in_attention("this is a name, not a layer")
class NamesAreCalled(model.MultiHeadSelfAttention):
    def __init__(self, config):
        super().__init__(config)
        self.layers = nn.ModuleDict({"mlp": nn.Linear(config.n_embd, config.n_embd)})

    def forward(self, x, attention_mask=None):
        for layer in self.layers:
            x = layer(x)
        return x


# Calls


@in_positions("the parentheses follow something that is not a function")
def shape_is_called(idx):
    return torch.arange(idx.shape(1))


@in_positions("the function has no argument of this name")
def size_by_another_name(idx):
    return F.one_hot(idx, classes=23)


@in_positions("the call passes more arguments than the function takes")
def helper_called_with_too_much(idx):
    def one_row(T):
        return torch.arange(T)

    return one_row(*idx.shape)


@in_softmax("the call leaves out an argument that the function needs")
def softmax_without_dim(scores, attention_mask):
    return torch.softmax(scores.masked_fill(attention_mask == 0, -math.inf))


@in_scores("in one tuple: `torch.cat((a, b), …)`", "with the axis after it, as you have it")
def catenated_without_a_tuple(q, k):
    return torch.cat(q, k, dim=-1)


@in_scores("in one tuple, and then the axis")
def catenated_without_a_tuple_and_axis(q, k):
    return torch.cat(q, k)


@in_scores("this is a function that was not called: it needs its parentheses.", "'builtin_function_or_method' object has no attribute")
def contiguous_not_called(q, k):
    return (q @ k.contiguous.transpose(-2, -1)) / math.sqrt(q.shape[-1])


@in_positions("torch.cat and torch.stack join tensors, and this is a number")
def number_appended(idx):
    return torch.cat([torch.arange(idx.shape[1] - 1), idx.shape[1] - 1])


@in_positions("a tensor of a single number has no axis to join along")
def number_without_an_axis_appended(idx):
    return torch.cat([torch.arange(idx.shape[1] - 1), torch.tensor(idx.shape[1] - 1)])


# True and False


@in_softmax("`if`, `and`, `or` and `not` need a single True or False")
def mask_asked_by_if(scores, attention_mask):
    return scores.masked_fill(not attention_mask, -math.inf).softmax(-1)


@in_positions("True and False cannot be subtracted")
def flags_subtracted(idx):
    return (idx >= -1).cumsum(1) - (idx >= -1).bool() * (idx - idx) - 1 - (1 - (idx >= -1))


@in_scores("only floats have a mean")
def mean_of_flags(q, k):
    return (q > 0).mean(-1) @ k


@in_softmax("masked_fill needs a tensor of True and False")
def mask_compared_with_none(scores, attention_mask):
    return scores.masked_fill(attention_mask == None, -math.inf).softmax(-1)  # noqa: E711, the mistake


@in_softmax("a number in quotes is a string")
def infinity_in_quotes(scores, attention_mask):
    return scores.masked_fill(attention_mask == 0, "-inf").softmax(-1)


@in_positions("masked_fill takes a mask of True and False: `mask == 0` makes one.")
def filled_by_a_mask_of_floats(idx):
    return torch.arange(idx.shape[1]).expand(idx.shape).masked_fill(idx.float(), 0)


@in_softmax("this is a single True or False, not a tensor")
def none_found_by_comparing(scores, attention_mask):
    hidden = (attention_mask == None).any()  # noqa: E711, the mistake
    return scores.masked_fill(hidden, -math.inf).softmax(-1)


@in_positions("asks whether the two are the same object, not whether they are equal", "write `idx != -1`.")
def compared_by_is_not(idx):
    return (idx is not -1).cumsum(1) - 1


@in_a_block("`model.train` is a method")
class ModeKeptFromTheMethod(model.TransformerBlock):
    def forward(self, x, attention_mask=None):
        was = self.train
        self.eval()
        result = super().forward(x, attention_mask)
        self.train(was)
        return result


# Numbers, lists and arrays


@in_scores("`^` is not a power in Python")
def divided_by_a_power(q, k):
    return q @ k.transpose(-2, -1) * q.shape[-1] ^ -0.5


@in_scores("this is a plain number, and torch's functions take tensors")
def root_of_a_number_by_torch(q, k):
    return q @ k.transpose(-2, -1) / torch.sqrt(q.shape[-1])


@in_softmax("a single number is needed here, and this tensor has several")
def exponentials_by_math(scores, attention_mask):
    powers = math.exp(scores) * attention_mask
    return powers / powers.sum(-1, keepdim=True)


@in_positions("a size or an index is one whole number, and this tensor is none")
def tensor_as_a_size(idx):
    return torch.tensor([[t for t in range(idx)] for _ in idx])


@in_positions("a list or a NumPy array stands where a tensor is needed")
def list_of_numbers_expanded(idx):
    return list(range(idx.shape[1])).expand(idx.shape)


@in_an_embedding("NumPy does not know gradients")
class ThroughNumpy(model.Embedding):
    def forward(self, idx):
        return torch.from_numpy(self.token.weight.numpy()[idx])


@in_positions("`/` gives a float, and a size is a whole number")
def length_by_division(idx):
    return torch.arange(idx.shape[1]).expand(idx.numel() / idx.shape[1], -1)


@in_positions("max, min, sort and topk with `dim` give a pair")
def values_and_indices(idx):
    return idx.sort(dim=1)


@in_positions("this comes from NumPy")
def positions_by_numpy(idx):
    return np.arange(idx.shape[1])[None].repeat(idx.shape[0], 0)


@in_an_embedding("this is the layer itself, not its result")
class LayersAdded(model.Embedding):
    def forward(self, idx):
        return self.token + self.position


@in_an_embedding("this is the layer itself, not its result")
class LayersIndexed(model.Embedding):
    def forward(self, idx):
        return self.token[idx] + self.position[positions_beside(idx)]


def positions_beside(idx):
    return torch.arange(idx.shape[1]).expand(idx.shape)


@in_an_embedding("`positions_beside` is a function of its own", "call it without `self.`")
class FunctionCalledAsAMethod(model.Embedding):
    def forward(self, idx):
        return self.token(idx) + self.position(self.positions_beside(idx))


@in_an_embedding("this is a function that was not called", "must be Tensor, not function")
class FunctionLookedUp(model.Embedding):
    def forward(self, idx):
        return self.token(idx) + self.position(positions_beside)


@in_positions("a number is needed here, and this is a tensor: sizes come from `x.shape`.")
def tensor_for_a_number(idx):
    return torch.arange(idx)


@in_positions("this is not a method of tensors: it is called as `torch.…`")
def function_as_a_method(idx):
    return torch.arange(idx.shape[1]).stack(len(idx))


@in_positions("this is a plain number, and what follows the dot is for tensors")
def method_of_a_number(idx):
    return idx.shape[1].arange()


@in_scores("torch.dot is for two single vectors")
def dot_of_four_axes(q, k):
    return torch.dot(q, k)


@in_scores("the scores have lost an axis")
def scores_of_one_axis(q, k):
    return F.cross_entropy(q.flatten(), torch.zeros(7, dtype=torch.int64))


@in_softmax('infinity is written `float("inf")`')
def infinity_without_a_module(scores, attention_mask):
    return scores.masked_fill(attention_mask == 0, -inf).softmax(-1)  # noqa: F821, the mistake


@in_an_embedding("`token` belongs to the class: write `self.token`", "belongs to the class: write `self.")
class LayerWithoutSelf(model.Embedding):
    def forward(self, idx):
        return token(idx)  # noqa: F821, the mistake


@in_an_embedding("this is a tuple of several things, not a tensor", "must be Tensor, not tuple")
class PairLookedUp(model.Embedding):
    def forward(self, idx):
        return self.token((idx, idx))


@in_positions("this is a function that was not called")
def parentheses_forgotten(idx):
    return torch.ones_like(idx).cumsum(1).sub(1).contiguous


@in_scores("this is a single number: sum, mean, argmax and others")
def summed_over_all(q, k):
    return (q * k).sum()


@in_scores("these are whole numbers where scores are needed")
def targets_before_scores(q, k):
    return F.cross_entropy(torch.arange(len(q)), k)


@in_scores("`F.cross_entropy(…, ignore_index=-1)` leaves it out.")
def padding_as_a_target(q, k):
    rows = q.flatten(0, -2)  # (N, head_size)
    return F.cross_entropy(rows, torch.full((len(rows),), -1))


@in_scores("targets is None when nothing is to be scored")
def loss_without_targets(q, k):
    return F.cross_entropy(q.flatten(0, -2), None)


@in_positions("this operation needs floats, and these are whole numbers")
def softmax_of_ids(idx):
    return idx.softmax(-1)


@in_an_embedding("rows are looked up with whole numbers, and these are floats")
class FloatsLookedUp(model.Embedding):
    def forward(self, idx):
        return self.token(idx / 1)


@in_scores("the two tensors hold different kinds of numbers")
def keys_made_whole(q, k):
    return q @ k.transpose(-2, -1).long()


# Memory


@in_a_mask("this tensor was made with expand, so its rows share one memory")
class WrittenIntoExpandedRows(model.Encoder):
    def get_attention_mask(self, num_tokens, T=None):
        mask = super().get_attention_mask(num_tokens, T)[:, :, :1]  # (B, 1, 1, T)
        mask = mask.expand(-1, 1, mask.shape[-1], -1)
        mask &= torch.ones(mask.shape[-2:], dtype=torch.bool).tril()
        return mask


@refused_by(embedding, "gradient", "overwrites numbers that backward() still needs")
class OverwrittenAfterUse(model.Embedding):
    def forward(self, idx):
        vectors = super().forward(idx)
        work = torch.tanh(vectors)
        result = vectors + 0 * work
        work += 1
        return result


@in_positions("after transpose the numbers do not lie in order in memory")
def viewed_after_transpose(idx):
    return torch.ones_like(idx).cumsum(1).transpose(0, 1).view(idx.shape) - 1


# Names


@in_positions("the block size belongs to the model")
def block_size_from_nowhere(idx):
    return torch.arange(block_size)[: idx.shape[1]].expand(idx.shape)  # noqa: F821, the mistake


@in_positions("code cell if it has that line.", "`itertools` has not been imported: put `import itertools` above your answer")
def not_imported(idx):
    return torch.tensor(list(itertools.accumulate([1] * idx.shape[1])))  # noqa: F821, the mistake


@in_positions("at this line the variable has no value yet")
def set_in_a_branch(idx):
    if idx.shape[1] > 1000:
        T = idx.shape[1]
    return torch.arange(T).expand(idx.shape)


@in_positions("the module has no function of this name")
def function_of_another_name(idx):
    return torch.aranges(idx.shape[1]).expand(idx.shape)


@in_positions("this is a tuple of several things, not a tensor")
def pair_not_taken_apart(idx):
    return torch.meshgrid(torch.arange(idx.shape[0]), torch.arange(idx.shape[1]), indexing="ij").contiguous()


# Python


@in_scores("there are more things on the right of `=`")
def three_axes_expected(q, k):
    B, T, head_size = q.shape
    return q @ k.transpose(-2, -1) / head_size**0.5


@in_positions("there are fewer things on the right of `=`")
def three_axes_of_ids_expected(idx):
    B, T, C = idx.shape
    return torch.arange(T).expand(B, T)


@in_positions("this number may be 0: treat 0 separately")
def divided_by_the_first_position(idx):
    return torch.tensor([[t // t for t in range(idx.shape[1])] for _ in idx])


@in_positions("a table was asked for a row that it does not have: its rows are 0", "index out of range")
def longer_than_the_table(idx):
    return F.embedding(torch.arange(idx.shape[1]), torch.zeros(2, 1))


@in_positions("one way through the function ends without `return`")
def return_in_a_branch(idx):
    if idx.shape[1] > 1000:
        return torch.arange(idx.shape[1]).expand(idx.shape)


# What the source shows


@refused_by(masked_softmax, "mask", "the result of `scores.masked_fill(", "(…)` is not kept: it is a new tensor")
def filled_and_dropped(scores, attention_mask):
    scores.masked_fill(attention_mask == 0, -math.inf)
    return scores.softmax(-1)


def from_another_cell(source, name, **made_there):
    """What a cell defines in a notebook where another cell has made these names already."""
    namespace = {"math": math, "torch": torch, "model": model, **made_there}
    exec(source, namespace)
    namespace[name].__module__ = __name__
    return namespace[name]


size_of_another_cell = refused_by(
    attention_scores, "scale", "your code reads `head_size` = 2 from a cell further up", ", and the check's input has other sizes", "from `q.shape`")(
    from_another_cell("def scores_of(q, k): return q @ k.transpose(-2, -1) / math.sqrt(head_size)", "scores_of", head_size=2))

tensor_of_another_cell = in_an_embedding("your code reads the tensor `token_table`", "Use what the function is given; in a class")(
    from_another_cell("""
class Embedding(model.Embedding):
    def forward(self, idx):
        return token_table[idx]
""", "Embedding", token_table=torch.zeros(4, 3)))

setting_of_another_cell = refused_by(
    split_heads, "shape", "your code reads `n_embd` = 64 from a cell further up", ", and the check's input has other sizes")(
    from_another_cell("""
def split_heads(x, n_head):
    return split(x, n_head)

def split(x, n_head):
    return x.view(*x.shape[:2], n_head, n_embd // n_head).transpose(1, 2)
""", "split_heads", n_embd=64))

model_of_another_cell = refused_by(
    encoder_decoder, "logits", "your code reads the EncoderDecoder `translator`", "Use what the function is given; in a class")(
    from_another_cell("""
class EncoderDecoder(Given):
    def forward(self, prefix, targets):
        return translator(prefix, targets)
""", "EncoderDecoder", Given=Given, translator=model.EncoderDecoder(*2 * [TransformerConfig(31, 17, n_embd=4, n_head=1, n_layer=1)])))

tokenizer_of_another_cell = refused_by(
    prefix_generation, "shape", "your code reads the WordTokenizer `tokenizer`", "Use what the function is given; in a class")(
    from_another_cell("""
@torch.no_grad()
def prefix_generation(model, prefix, max_new_tokens, temperature, end_token=None):
    hidden_cache, answer = model.encoder(prefix, return_hidden=True), prefix[:, :0]
    for _ in range(max_new_tokens):
        token = model.decoder(answer, hidden_cache=hidden_cache)[0][:, -1].argmax(-1, keepdim=True)
        answer = torch.cat((answer, token), dim=1)
        if (answer == tokenizer.end_token).any():
            break
    return answer
""", "prefix_generation", tokenizer=WordTokenizer(["a", "b", "c"])))

own_setting_forgotten = in_a_block("your code reads `n_embd` = 3 from", "The class has one of its own")(
    from_another_cell("""
class TransformerBlock(model.TransformerBlock):
    def __init__(self, config):
        super().__init__(config)
        self.n_embd = config.n_embd

    def forward(self, x, attention_mask=None):
        return x.reshape(-1, n_embd)
""", "TransformerBlock", n_embd=3))


@refused_by(causal_mask, "values", "a size is one whole number, and one of these is not")
def sizes_are_floats(T):
    return torch.ones(T / 1, T / 1)


@in_scores("this is a pair or a tuple, and not a tensor: max, min, sort and topk")
def largest_score_subtracted(q, k):
    scores = q @ k.transpose(-2, -1)
    return scores - scores.max(dim=-1)
