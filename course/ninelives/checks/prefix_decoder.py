"""Notebook 7: the joint mask, and the decoder that uses it and padding_first."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import nn

from ninelives.checks.exercise import (
    CheckFailed,
    Exercise,
    build,
    ids,
    in_case,
    numbers,
    on_layers_of,
    run,
    same_values,
    want_pair,
    want_tensor,
)
from ninelives.checks.padding_first import (
    NO_NUMBER_ABOVE,
    ONE_ZERO,
    SMALL_NUMBERS,
    SUM_ABOVE,
    ZERO_MEAN,
    cache_of,
    is_word,
    padding_first,
)
from ninelives.checks.transformer_block import in_both_modes, loosened
from ninelives.config import TransformerConfig
from ninelives.model import Decoder, Transformer, masks

__all__ = ["joint_mask", "padding_first", "prefix_decoder"]

KEEPS_A_TENSOR = "keep nothing on self but modules, parameters, numbers and words: no tensor that forward or join has made."

joint_mask = Exercise("joint_mask", error_hints={
    "Sizes of tensors must match": "the four blocks make one square: blocks side by side (dim=-1) have the same number of rows, "
                                   "blocks above each other (dim=-2) the same number of columns.",
    "The expanded size of the tensor": "a region of the mask and what is written into it have different shapes. (hidden_cache != 0).any(-1)[:, None, None, :] "
                                       "is (B, 1, 1, P), attention_mask is (B, 1, T, T), and T is attention_mask.shape[-1].",
    "can't be cast to the desired output type Bool": "attention_mask may hold 1 and 0 instead of True and False: `attention_mask.bool()` takes both.",
})


def mask_cases(seed: int, with_padding: bool) -> list[tuple[str, torch.Tensor, torch.Tensor]]:
    """(when, hidden_cache, attention_mask): B, P and T all different, P = T, single ones, a prefix of one word."""
    B, P, T, C = [(4, 5, 3, 6), (3, 4, 6, 5), (5, 3, 4, 7)][seed % 3]
    cases = []
    for b, p, t, when in ((B, P, T, ""), (2, 4, 4, " and P = T"), (1, P, 1, ", one example and one word"),
                          (3, 1, 2, " and a prefix of one word")):
        lengths = [1 + (row + seed) % p if with_padding else p for row in range(b)]
        words = torch.tensor([1 + (2 * row + seed) % t if with_padding else t for row in range(b)])
        among = causal(words, t)
        cases.append((f"with{'' if with_padding else 'out'} padding{when}", cache_of(lengths, p, C, seed), among))
    return cases


def causal(num_tokens: torch.Tensor, T: int) -> torch.Tensor:
    """(B, 1, T, T) bool: what a decoder's get_attention_mask gives."""
    return (torch.arange(T) < num_tokens.view(-1, 1, 1, 1)) & torch.ones(T, T, dtype=torch.bool).tril()


def want_joint(answer: Callable, when: str, cache: torch.Tensor, among: torch.Tensor, otherwise: str) -> None:
    """Refuse another mask than the package's."""
    (B, P, _), T = cache.shape, among.shape[-1]
    result = run(answer, cache, among)
    N = P + T
    joint_mask.want_shape(result, (B, 1, N, N), "(B, 1, P + T, P + T)", "joint_mask", (cache, among))
    if result.dtype != torch.bool and not ((result == 0) | (result == 1)).all():
        raise CheckFailed(
            f"{when}, the mask holds {numbers(result.unique().double(), 4)}.", "True and False, or 1 and 0.",
            "1 means: may attend, and 0: may not. Nothing is added to the scores here, so no −∞. And torch.empty holds whatever the memory held: "
            "begin with torch.zeros.",
        )
    joint_mask.want_values(
        (result != 0).long(), masks.joint_mask(cache, among).long(), (cache, among),
        what=lambda example, _, row, when=when: f"{when}, row {row} of the mask of example {example} is",
        meaning=f" ({P} columns of the cache, then {T} of the tokens)",
        otherwise=otherwise, row_of=ids, caption="The joint masks: wanted, and yours",
        make=lambda mistake: lambda *given: (mistake(*given) != 0).long(),
    )


@joint_mask.aspect("four blocks")
def opens_the_blocks_that_are_open(answer, seed):
    for when, cache, among in mask_cases(seed, with_padding=False):
        want_joint(answer, when, cache, among, "compare the four blocks one by one with the picture.")


@joint_mask.aspect("padding")
def hides_rows_of_zeros_from_every_row(answer, seed):
    for when, cache, among in mask_cases(seed, with_padding=True):
        otherwise = "columns of padding are 0 in every row: those of the cache where its row is zero, those of the tokens as attention_mask says."
        want_joint(answer, when, cache, among, otherwise)
        # Moved to the front, as the decoder will do it.
        want_joint(answer, f"{when}, the padding first", masks.padding_first(cache), among, otherwise)


@joint_mask.aspect("mask forms")
def accepts_masks_of_any_form(answer, seed):
    _, cache, among = mask_cases(seed, with_padding=True)[0]
    for form, given in (("of dtype int64", among.long()), ("of dtype float32", among.float())):
        want_joint(answer, f"with an attention_mask {form}", cache, given, "True and 1 mean the same, and so do False and 0.")
    free = among.any(-2, keepdim=True).expand_as(among)  # as an encoder's: no triangle
    want_joint(answer, "with an attention_mask that is no triangle", cache, free, "the lower right block is attention_mask, whatever it says.")
    empty = torch.ones(len(cache), 1, 0, 0, dtype=torch.bool)
    with in_case("with no word after the cache (T = 0)",
                 cause="the answer may be empty: notebook 8 begins with none. Take T from attention_mask.shape, rely on no single word, and write "
                       "[P:] instead of [-T:], which takes everything when T is 0."):
        want_joint(answer, "with T = 0", cache, empty, "")


def blocks(hidden_cache: torch.Tensor, attention_mask: torch.Tensor, *, english=None, ahead=None, back=None, french=None) -> torch.Tensor:
    """(B, 1, P + T, P + T): the right mask, with one of its four blocks replaced."""
    (B, P, _), T = hidden_cache.shape, attention_mask.shape[-1]
    word = is_word(hidden_cache)[:, None, None, :]
    english = word.expand(B, 1, P, P) if english is None else english.expand(B, 1, P, P)
    back = word.expand(B, 1, T, P) if back is None else back.expand(B, 1, T, P)
    ahead = torch.zeros(B, 1, P, T, dtype=torch.bool) if ahead is None else ahead.expand(B, 1, P, T)
    french = attention_mask.bool() if french is None else french.expand(B, 1, T, T)
    return torch.cat((torch.cat((english, ahead), -1), torch.cat((back, french), -1)), -2)


YES, NO = torch.ones(1, dtype=torch.bool), torch.zeros(1, dtype=torch.bool)


@joint_mask.mistake("four blocks", "the upper right block is open: the prefix attends to the answer. Its rows must not depend on what "
                                   "is written, so this block is closed.")
def prefix_looks_at_the_answer(hidden_cache, attention_mask):
    return blocks(hidden_cache, attention_mask, ahead=YES)


@joint_mask.mistake("four blocks", "the lower left block is closed: the words of the answer do not attend to the prefix, so nothing of "
                                   "it arrives.")
def answer_does_not_look_back(hidden_cache, attention_mask):
    return blocks(hidden_cache, attention_mask, back=NO)


@joint_mask.mistake("four blocks", "the lower left and the upper right block are swapped: the rows of the answer attend to the columns "
                                   "of the prefix.")
def off_diagonal_blocks_swapped(hidden_cache, attention_mask):
    return blocks(hidden_cache, attention_mask, ahead=YES, back=NO)


@joint_mask.mistake("four blocks", "the mask is transposed: its rows are the words that attend, its columns the words that they attend to.")
def transposed(hidden_cache, attention_mask):
    return blocks(hidden_cache, attention_mask).mT


@joint_mask.mistake("four blocks", "the lower right block is open everywhere: it is attention_mask, with its triangle.")
def triangle_lost(hidden_cache, attention_mask):
    return blocks(hidden_cache, attention_mask, french=YES)


@joint_mask.mistake("four blocks", "everything is open.")
def everything_open(hidden_cache, attention_mask):
    return blocks(hidden_cache, attention_mask, ahead=YES, french=YES)


@joint_mask.mistake("four blocks", "one triangle lies over all P + T rows. The prefix is there from the start: its words attend to each "
                                   "other freely.")
def one_triangle(hidden_cache, attention_mask):
    N = hidden_cache.shape[1] + attention_mask.shape[-1]
    return torch.ones(len(hidden_cache), 1, N, N).tril()


@joint_mask.mistake("four blocks", "the upper left block is closed, so a row of the prefix may attend to nothing.")
def prefix_looks_nowhere(hidden_cache, attention_mask):
    return blocks(hidden_cache, attention_mask, english=NO)


@joint_mask.mistake("four blocks", "each word of the prefix attends to itself alone: its block is open, not a diagonal.")
def prefix_looks_at_itself(hidden_cache, attention_mask):
    return blocks(hidden_cache, attention_mask, english=torch.eye(hidden_cache.shape[1], dtype=torch.bool))


@joint_mask.mistake("four blocks", "the tokens come first and the cache after them. The cache has the first P rows and columns.")
def tokens_first(hidden_cache, attention_mask):
    T = attention_mask.shape[-1]
    return blocks(hidden_cache, attention_mask).roll((T, T), dims=(-2, -1))


@joint_mask.mistake("four blocks", "the mask is inverted: 1 means may attend.")
def inverted(hidden_cache, attention_mask):
    return ~blocks(hidden_cache, attention_mask)


@joint_mask.mistake("four blocks", "the axis of the heads is missing: (B, 1, P + T, P + T), with a 1 that fits every head.")
def without_an_axis_for_heads(hidden_cache, attention_mask):
    return blocks(hidden_cache, attention_mask).squeeze(1)


@joint_mask.mistake("four blocks", "there is one mask for the whole batch. Every example has its own padding: (B, 1, P + T, P + T).")
def one_mask_for_all(hidden_cache, attention_mask):
    return blocks(hidden_cache, attention_mask)[:1]


@joint_mask.mistake("four blocks", "a single row stands for all the rows of the prefix: a block of P rows is needed, .expand(B, 1, P, P).")
def prefix_in_one_row(hidden_cache, attention_mask):
    return blocks(hidden_cache, attention_mask)[:, :, hidden_cache.shape[1] - 1 :]


@joint_mask.mistake("four blocks", "is_word is inverted: the columns of words are closed, and those of padding are open.")
def words_closed(hidden_cache, attention_mask):
    word = ~is_word(hidden_cache)[:, None, None, :]
    return blocks(hidden_cache, attention_mask, english=word, back=word)


@joint_mask.mistake("four blocks", "there are T rows alone. The rows of the prefix go through the decoder too: P + T rows.")
def rows_of_the_answer_alone(hidden_cache, attention_mask):
    return blocks(hidden_cache, attention_mask)[:, :, hidden_cache.shape[1] :]


@joint_mask.mistake("padding", "rows of zeros in the cache are padding, and they are open: nothing may attend to them.")
def padding_of_the_cache_open(hidden_cache, attention_mask):
    return blocks(hidden_cache, attention_mask, english=YES, back=YES)


@joint_mask.mistake("padding", "the answer may still attend to the padding of the prefix: the lower left block needs it closed too.")
def padding_open_for_the_answer(hidden_cache, attention_mask):
    return blocks(hidden_cache, attention_mask, back=YES)


@joint_mask.mistake("padding", "the prefix may still attend to its own padding: the upper left block needs it closed too.")
def padding_open_for_the_prefix(hidden_cache, attention_mask):
    return blocks(hidden_cache, attention_mask, english=YES)


@joint_mask.mistake("padding", "the *rows* of padding are closed instead of its *columns*. A column is what a row attends to.")
def rows_for_columns(hidden_cache, attention_mask):
    word = is_word(hidden_cache)[:, None, :, None]
    return blocks(hidden_cache, attention_mask, english=word, back=YES)


@joint_mask.mistake("padding", "the first columns of the cache are taken for words, as many as there are words. Padding may be in front, too: look at each row.")
def words_counted_from_the_first_column(hidden_cache, attention_mask):
    word = torch.arange(hidden_cache.shape[1]) < is_word(hidden_cache).sum(1).view(-1, 1, 1, 1)
    return blocks(hidden_cache, attention_mask, english=word, back=word)


@joint_mask.mistake("padding", "the last columns of the cache are taken for words, as many as there are words. Padding may come after them, too: look at each row.")
def words_counted_from_the_last_column(hidden_cache, attention_mask):
    P = hidden_cache.shape[1]
    word = torch.arange(P) >= P - is_word(hidden_cache).sum(1).view(-1, 1, 1, 1)
    return blocks(hidden_cache, attention_mask, english=word, back=word)


@joint_mask.mistake("padding", "padding may attend to itself. Its columns stay closed to all rows: its own row is open at the words, so it is not empty.")
def padding_opened_to_itself(hidden_cache, attention_mask):
    mask = blocks(hidden_cache, attention_mask)
    return mask | torch.eye(mask.shape[-1], dtype=torch.bool)


@joint_mask.mistake("padding", "the rows of padding are closed too. A row that may attend to nothing gives NaN: close its column alone.")
def rows_too(hidden_cache, attention_mask):
    word = is_word(hidden_cache)
    return blocks(hidden_cache, attention_mask, english=word[:, None, :, None] & word[:, None, None, :])


@joint_mask.mistake("padding", SUM_ABOVE)
def sum_above_zero_is_a_column(hidden_cache, attention_mask):
    word = (hidden_cache.sum(-1) > 0)[:, None, None, :]
    return blocks(hidden_cache, attention_mask, english=word, back=word)


@joint_mask.mistake("padding", ZERO_MEAN)
def zero_sum_is_no_column(hidden_cache, attention_mask):
    word = (hidden_cache.sum(-1) != 0)[:, None, None, :]
    return blocks(hidden_cache, attention_mask, english=word, back=word)


@joint_mask.mistake("padding", ZERO_MEAN)
def nearly_zero_sum_is_no_column(hidden_cache, attention_mask):
    word = (hidden_cache.sum(-1).abs() > 1e-6)[:, None, None, :]
    return blocks(hidden_cache, attention_mask, english=word, back=word)


@joint_mask.mistake("padding", NO_NUMBER_ABOVE)
def no_number_above_zero_is_no_column(hidden_cache, attention_mask):
    word = (hidden_cache > 0).any(-1)[:, None, None, :]
    return blocks(hidden_cache, attention_mask, english=word, back=word)


@joint_mask.mistake("padding", SMALL_NUMBERS)
def tiny_rows_are_no_columns(hidden_cache, attention_mask):
    word = (hidden_cache.abs() > 1e-6).any(-1)[:, None, None, :]
    return blocks(hidden_cache, attention_mask, english=word, back=word)


@joint_mask.mistake("padding", ONE_ZERO)
def one_zero_is_no_column(hidden_cache, attention_mask):
    word = (hidden_cache != 0).all(-1)[:, None, None, :]
    return blocks(hidden_cache, attention_mask, english=word, back=word)


@joint_mask.mistake("padding", SMALL_NUMBERS)
def small_rows_are_no_columns(hidden_cache, attention_mask):
    word = (hidden_cache.abs().amax(-1) > 0.25)[:, None, None, :]
    return blocks(hidden_cache, attention_mask, english=word, back=word)


@joint_mask.mistake("padding", "padding among the tokens is open: the lower right block is attention_mask as it is, not a new triangle.")
def triangle_of_its_own(hidden_cache, attention_mask):
    T = attention_mask.shape[-1]
    return blocks(hidden_cache, attention_mask, french=torch.ones(T, T, dtype=torch.bool).tril())


@joint_mask.mistake("mask forms", "a triangle is laid over attention_mask, which has its own where one is wanted: the lower right block is "
                                  "attention_mask, just as it comes.")
def triangle_added(hidden_cache, attention_mask):
    T = attention_mask.shape[-1]
    return blocks(hidden_cache, attention_mask, french=attention_mask.bool() & torch.ones(T, T, dtype=torch.bool).tril())


@joint_mask.mistake("padding", "every example gets the mask of the first. Each has its own padding.")
def mask_of_the_first(hidden_cache, attention_mask):
    return blocks(hidden_cache, attention_mask)[:1].expand(len(hidden_cache), -1, -1, -1)


@joint_mask.mistake("padding", "the lower right block of every example is the attention_mask of the first: each has its own, `attention_mask` and not `attention_mask[0]`.")
def answer_of_the_first(hidden_cache, attention_mask):
    return blocks(hidden_cache, attention_mask, french=attention_mask[:1].bool())


NO_WORD_YET = ("an answer may be empty: notebook 8 begins with none. Keep the get_attention_mask of the exercise, which knows of T = 0, and "
               "take no maximum over words.")

NO_JOIN_OF_ITS_OWN = ("it has only the join that it inherits, which is notebook 3's: everything attends to everything. Write `def join(self, hidden_cache, "
                      "x, attention_mask):` inside the class PrefixDecoder.")

prefix_decoder = Exercise("PrefixDecoder", error_hints={
    "Sizes of tensors must match": "the cache and x are joined along axis 1, that of the rows: torch.cat((hidden_cache, x), dim=1).",
    "takes 3 positional arguments but 4 were given": "join takes three arguments besides self: def join(self, hidden_cache, x, attention_mask).",
})


class GivenPrefixDecoder(Decoder):
    """A right answer in the learner's words; each mistake overrides `join`."""

    def join(self, hidden_cache, x, attention_mask):
        hidden_cache = masks.padding_first(hidden_cache)
        return torch.cat((hidden_cache, x), dim=1), masks.joint_mask(hidden_cache, attention_mask)


@contextmanager
def join_of_notebook_3() -> Iterator[None]:
    """Meanwhile the package's Transformer joins as notebook 3 asks: it knows no padding and no joint mask.

    A decoder that leaves the work to its base class is right only if that base is the package's.
    """
    packages = Transformer.join
    Transformer.join = lambda self, hidden_cache, x, attention_mask: (torch.cat((hidden_cache, x), dim=1), None)
    try:
        yield
    finally:
        Transformer.join = packages


def built_decoder(answer: Callable, seed: int) -> tuple[nn.Module, TransformerConfig]:
    """A learner's PrefixDecoder in float64."""
    config = TransformerConfig([31, 29, 23][seed % 3], 11, n_embd=12, n_head=3, n_layer=2, dropout=0.0)
    module = loosened(build(answer, config))
    if not callable(getattr(module, "join", None)):
        raise CheckFailed(
            "your PrefixDecoder has no method join.", "join(self, hidden_cache, x, attention_mask).",
            "write it inside the class; everything else comes from Decoder.",
        )
    want_own_join(module, "PrefixDecoder", NO_JOIN_OF_ITS_OWN)
    return module, config


def want_own_join(module: nn.Module, name: str, cause: str) -> None:
    """Refuse a decoder that inherits its join from the package."""
    if getattr(type(module), "join", None) is Transformer.join:
        raise CheckFailed(f"{name} has no method join of its own.", "a decoder whose join tidies the cache and hides what comes later.", cause)


@prefix_decoder.aspect("join")
def joins_a_tidied_cache_and_its_mask(answer, seed):
    module, config = built_decoder(answer, seed)
    cache = cache_of([5, 2, 3, 1], 5, config.n_embd, seed)
    for b, t in ((4, 3), (1, 1)):
        x = torch.randn(b, t, config.n_embd, generator=torch.Generator().manual_seed(seed + 1)).double()
        want_join(module, cache[4 - b :], x, causal(torch.full((b,), t), t))
    with in_case("with no word after the cache (T = 0)",
                 cause="the answer may be empty: notebook 8 begins with none. No line of join may need a word of x."):
        want_join(module, cache, torch.zeros(4, 0, config.n_embd).double(), torch.ones(4, 1, 0, 0, dtype=torch.bool))
    words = torch.tensor([3, 1, 2, 3])
    x = torch.randn(4, 3, config.n_embd, generator=torch.Generator().manual_seed(seed + 2)).double()
    want_join(module, cache, x, causal(words, 3))
    # An embedding may give zeros for padding, and the same module is asked again: other lengths, the same shapes.
    x = x * (torch.arange(3) < words.unsqueeze(1)).unsqueeze(-1)
    want_join(module, cache_of([1, 4, 5, 2], 5, config.n_embd, seed + 3), x, causal(words, 3))


def want_join(module: nn.Module, cache: torch.Tensor, x: torch.Tensor, among: torch.Tensor) -> None:
    """Refuse other rows, or another mask, than those of padding_first and joint_mask."""
    (B, P, C), T = cache.shape, x.shape[1]
    what = "PrefixDecoder.join"
    with join_of_notebook_3():
        result = run(module.join, cache, x, among, what=what)
    joined, mask = want_pair(result, what, ("vectors", "mask"), otherwise="return both: the joined vectors, and the joint mask.")
    if isinstance(joined, torch.Tensor) and isinstance(mask, torch.Tensor) and (joined.dim(), mask.dim()) == (4, 3):
        raise CheckFailed("PrefixDecoder.join returns the mask first.", "(vectors, mask).", "the vectors come first: swap the two.")
    if mask is None:
        raise CheckFailed(
            "the mask of join is None.", f"a mask, (B, 1, P + T, P + T) = ({B}, 1, {P + T}, {P + T}).",
            "without a mask the answer sees what comes later, and padding too: joint_mask(…).",
        )
    def joined_by(mistake):
        return lambda *given: on_layers_of(module, mistake).join(*given)[0]

    def mask_by(mistake):
        return lambda *given: (on_layers_of(module, mistake).join(*given)[1] != 0).long()

    tidy = masks.padding_first(cache)
    arguments = (cache, x, among)
    prefix_decoder.want_shape(joined, (B, P + T, C), "(B, P + T, n_embd)", "the vectors of join", arguments, make=joined_by)
    prefix_decoder.want_values(
        joined, torch.cat((tidy, x), dim=1), arguments, what="the vectors of join",
        otherwise="padding_first(hidden_cache), and after it x.", caption="What the blocks read: wanted, and yours", make=joined_by,
    )
    want_tensor(mask, "the mask of join")
    prefix_decoder.want_shape(mask, (B, 1, P + T, P + T), "(B, 1, P + T, P + T)", "the mask of join", arguments, make=mask_by)
    prefix_decoder.want_values(
        (mask != 0).long(), masks.joint_mask(tidy, among).long(), arguments,
        what=lambda example, _, row: f"row {row} of the mask of example {example} is",
        otherwise="joint_mask of the cache whose padding has been moved, and of attention_mask.", row_of=ids,
        caption="The masks: wanted, and yours", make=mask_by,
    )


@prefix_decoder.aspect("decoder")
def is_a_decoder_that_reads_a_padded_prefix(answer, seed):
    module, config = built_decoder(answer, seed)
    for training in (False, True):
        with in_both_modes(module, training):
            want_prefix_decoder(module, config, seed, "PrefixDecoder", "derive from Decoder, and override join alone.")
    cache = cache_of([2, 4], 4, config.n_embd, seed).requires_grad_()
    idx = torch.randint(config.vocab_size, (2, 3), generator=torch.Generator().manual_seed(seed))
    logits = scores_of(module, idx, cache)
    gradient = torch.autograd.grad(logits.sum(), cache, allow_unused=True)[0] if logits.requires_grad else None
    if gradient is None or not gradient[is_word(cache)].abs().sum(-1).all():
        raise CheckFailed(
            "no gradient comes back from the scores to some rows of the hidden_cache.", "a gradient for every word: through the cache the encoder learns.",
            "the cache is cut off in join: leave out .detach(), .data, torch.no_grad() and torch.tensor(…).",
        )
    copied(module, "PrefixDecoder")


def copied(module: nn.Module, name: str) -> nn.Module:
    """A copy of a module that has been called; one that cannot be copied is refused."""
    # The attention of notebook 2 may keep its weights with their graph.
    for layer in module.modules():
        if layer is not module:
            vars(layer).update({key: value.detach() for key, value in vars(layer).items() if isinstance(value, torch.Tensor)})
    try:
        return copy.deepcopy(module)
    except Exception as error:
        raise CheckFailed(
            f"copy.deepcopy(…) of your {name} raised {type(error).__name__}: {error}",
            "a copy: training keeps the best model so far in this way.", KEEPS_A_TENSOR,
        ) from None


def want_prefix_decoder(module: nn.Module, config: TransformerConfig, seed: int, name: str, otherwise: str) -> None:
    """Refuse a module that is no decoder after a cache: it looks ahead, ignores the cache, or attends to padding.

    Compared with itself alone, so that the layers may be a learner's own.
    """
    want_own_join(module, name, otherwise)
    P, T, lengths = 5, 4, [2, 5, 3]
    cache = cache_of(lengths, P, config.n_embd, seed)
    idx = torch.randint(config.vocab_size, (3, T), generator=torch.Generator().manual_seed(seed))
    other = idx.clone()
    other[:, -1] = (other[:, -1] + 1) % config.vocab_size
    with torch.no_grad():
        logits, after = scores_of(module, idx, cache), scores_of(module, other, cache)
        if not same_values(after[:, :-1], logits[:, :-1]):
            raise CheckFailed(
                f"{name}: another last word changes the scores of rows before it.", "no change: a row depends on what comes before it.",
                otherwise,
            )
        if same_values(scores_of(module, idx, 2 * cache.flip(0))[:, -1], logits[:, -1]):
            raise CheckFailed(
                f"{name}: another hidden_cache changes nothing.", "other scores: the words attend to the cache.", otherwise)
        with in_case("with no word after the cache (T = 0)", cause=NO_WORD_YET):
            none = scores_of(module, idx[:, :0], cache)
        if not same_values(none[:, -1], logits[:, P - 1]):
            raise CheckFailed(
                f"{name}: with the same cache, the last row of the prefix predicts something else when no word follows.",
                "the same: that row sees the prefix alone.", otherwise)
        for example, length in enumerate(lengths):
            alone = scores_of(module, idx[example : example + 1], cache[example : example + 1, :length])
            if not same_values(logits[example, P - 1 :], alone[0, length - 1 :]):
                raise CheckFailed(
                    f"{name}: in a batch, a prefix of {length} words and {P - length} of padding gives other scores than alone.",
                    "the same: nothing attends to padding, and the last row of the prefix is a word's.", otherwise,
                )


def scores_of(module: nn.Module, idx: torch.Tensor, cache: torch.Tensor) -> torch.Tensor:
    """(B, P + T, V): what a decoder says after a cache."""
    with join_of_notebook_3():
        result = run(module, idx, None, cache, what="the decoder's forward")
    logits, _ = want_pair(result, "the decoder's forward", ("logits", "loss"), otherwise="leave forward to Decoder.")
    rows = cache.shape[1] + idx.shape[1]
    if not isinstance(logits, torch.Tensor) or logits.shape[1] != rows:
        raise CheckFailed(
            f"the decoder gives scores of shape {tuple(getattr(logits, 'shape', ()))} for P + T = {rows} rows.",
            f"({len(idx)}, {rows}, vocab_size).",
            "forward does not hand the cache to self.join: exercise 3 of notebook 3.",
        )
    return logits


@prefix_decoder.mistake("join", "the mask belongs to the cache as it came, but the rows have been moved: give joint_mask what "
                                "padding_first returns.")
class MaskOfTheCacheAsItCame(GivenPrefixDecoder):
    def join(self, hidden_cache, x, attention_mask):
        joined, _ = super().join(hidden_cache, x, attention_mask)
        return joined, masks.joint_mask(hidden_cache, attention_mask)


@prefix_decoder.mistake("join", "the padding is not moved: the last row of the prefix has to be a word's. padding_first(hidden_cache).")
class PaddingNotMoved(GivenPrefixDecoder):
    def join(self, hidden_cache, x, attention_mask):
        return torch.cat((hidden_cache, x), dim=1), masks.joint_mask(hidden_cache, attention_mask)


@prefix_decoder.mistake("join", "padding is moved to the front of cache and embeddings together: padding_first tidies the cache alone, and x comes after "
                                "it as it is.")
class PaddingOfBothFirst(GivenPrefixDecoder):
    def join(self, hidden_cache, x, attention_mask):
        _, mask = super().join(hidden_cache, x, attention_mask)
        return masks.padding_first(torch.cat((hidden_cache, x), dim=1)), mask


@prefix_decoder.mistake("join", "the rows of x are moved too. Only the cache has its padding in the middle; x comes after it as it is.")
class EmbeddingsTidiedToo(GivenPrefixDecoder):
    def join(self, hidden_cache, x, attention_mask):
        return super().join(hidden_cache, masks.padding_first(x), attention_mask)


@prefix_decoder.mistake("join", "the mask is one for P + T + T rows: joint_mask is given the joined vectors. Give it the cache alone.")
class MaskOfTheJoined(GivenPrefixDecoder):
    def join(self, hidden_cache, x, attention_mask):
        joined, _ = super().join(hidden_cache, x, attention_mask)
        return joined, masks.joint_mask(joined, attention_mask)


@prefix_decoder.mistake("join", "the mask is one for T + T rows: joint_mask is given x. Give it the tidied cache.")
class MaskOfTheEmbeddings(GivenPrefixDecoder):
    def join(self, hidden_cache, x, attention_mask):
        joined, _ = super().join(hidden_cache, x, attention_mask)
        return joined, masks.joint_mask(x, attention_mask)


@prefix_decoder.mistake("join", "the batch axis of the vectors is gone: squeeze() removes it when B is 1.")
class BatchSqueezed(GivenPrefixDecoder):
    def join(self, hidden_cache, x, attention_mask):
        joined, mask = super().join(hidden_cache, x, attention_mask)
        return joined.squeeze(0), mask


@prefix_decoder.mistake("join", "the cache comes after the tokens; put it before them.")
class CacheAfter(GivenPrefixDecoder):
    def join(self, hidden_cache, x, attention_mask):
        tidy = masks.padding_first(hidden_cache)
        return torch.cat((x, tidy), dim=1), masks.joint_mask(tidy, attention_mask)


@prefix_decoder.mistake("join", "all P + T rows are open: this is no joint_mask.")
class NothingHidden(GivenPrefixDecoder):
    def join(self, hidden_cache, x, attention_mask):
        joined, mask = super().join(hidden_cache, x, attention_mask)
        return joined, torch.ones_like(mask)


@prefix_decoder.mistake("join", "the mask is that of the tokens alone, (B, 1, T, T). joint_mask builds a larger one around it.")
class MaskOfTheTokens(GivenPrefixDecoder):
    def join(self, hidden_cache, x, attention_mask):
        joined, _ = super().join(hidden_cache, x, attention_mask)
        return joined, attention_mask
