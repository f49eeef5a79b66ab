from types import FunctionType, SimpleNamespace

import pytest
import torch
from torch import nn

from ninelives.checks.source import (
    argument_passed_over,
    called_on_the_class,
    compared_by_identity,
    dropped_result,
    ends_without_return,
    joined_before_compared,
    read_from_another_cell,
)
from ninelives.config import TransformerConfig
from ninelives.text import WordTokenizer

CONFIG = TransformerConfig(vocab_size=9, block_size=8, n_embd=4, n_head=2, n_layer=1, dropout=0.0)
HERE = 7


def in_a_notebook(source, **made_in_other_cells):
    """`f` as a cell defines it where other cells have made these names."""
    namespace = {"torch": torch, "nn": nn, **made_in_other_cells}
    exec(source, namespace)
    return namespace["f"]


@pytest.mark.parametrize(("source", "made", "told"), [
    ("def f(q): return q / head_size", {"head_size": 2}, "`head_size` = 2"),
    ("def f(q): return [q / head_size for _ in range(3)]", {"head_size": 2}, "`head_size` = 2"),
    ("def f(q): return g(q)\ndef g(q): return q / head_size", {"head_size": 2}, "`head_size` = 2"),
    ("def f(q): return q * table", {"table": torch.ones(3)}, "the tensor `table`"),
    ("def f(x): return model(x)", {"model": nn.Linear(2, 2)}, "the Linear `model`"),
    ("def f(x): return x == tokenizer.end_token", {"tokenizer": WordTokenizer(["a"])}, "the WordTokenizer `tokenizer`"),
    ("def f(x): return x[:, : config.n_head]", {"config": CONFIG}, "the TransformerConfig `config`"),
    ("class f(nn.Module):\n def __init__(self): super().__init__(config)", {"config": CONFIG}, "the TransformerConfig `config`"),
    ("class f(nn.Module):\n def forward(self, x): return x[:, :T]", {"T": 12}, "`T` = 12"),
    ("class f(nn.Module):\n def __init__(self): self.n_head = 3\n def forward(self, x): return n_head", {"n_head": 2}, "`self.n_head`"),
])
def test_a_size_or_tensor_of_another_cell_is_named(source, made, told):
    assert told in read_from_another_cell(in_a_notebook(source, **made))


@pytest.mark.parametrize(("source", "made"), [
    ("def f(x): return x.n_head", {"n_head": 2}),  # an attribute
    ("def f(T): return T", {"T": 12}),  # an argument
    ("def f(x):\n T = x.shape[1]\n return T", {"T": 12}),
    ("def f(x): return x * hidden", {"hidden": float("-inf")}),
    ("def f(x): return x == padding", {"padding": -1}),
    ("def f(x): return x + tiny", {"tiny": 1e-9}),
    ("def f(x): return config.n_head", {"config": object()}),
    ("def f(x):\n global kept\n kept = 3\n return kept", {"kept": 3}),  # set by the function itself
    ("def f(x): return gelu(x)", {"gelu": nn.GELU()}),  # a module without parameters is as good as a function
])
def test_what_is_no_size_of_another_cell_is_not_named(source, made):
    assert read_from_another_cell(in_a_notebook(source, **made)) == ""


def test_a_configuration_of_another_cell_is_named_only_if_a_setting_of_it_is_read():
    def handed_on(x):
        return nn.Identity(settings)(x)  # noqa: F821

    def read(x):
        return nn.Identity(settings)(x[:, : settings.n_head])  # noqa: F821

    cell = {"nn": nn, "settings": CONFIG}
    assert read_from_another_cell(FunctionType(handed_on.__code__, cell)) == ""
    assert "the TransformerConfig `settings`" in read_from_another_cell(FunctionType(read.__code__, cell))


@pytest.mark.parametrize(("source", "told"), [
    ("def f(model, end_token): return tokenizer.end_token", True),
    ("def f(model, end_token): return other(tokenizer.end_token if end_token is None else end_token)", True),
    ("def f(tokenizer, end_token): return tokenizer.end_token", False),  # an argument's own
    ("def f(model, ones): return torch.ones(3)", False),  # a function of a module
    ("def f(model): return tokenizer.end_token", False),
])
def test_a_part_of_the_notebook_that_is_read_instead_of_the_argument_is_named(source, told, tmp_path):
    cell = tmp_path / "cell.py"
    cell.write_text(source)
    namespace = {"torch": torch, "tokenizer": SimpleNamespace(end_token=5)}
    exec(compile(source, str(cell), "exec"), namespace)
    assert ("`tokenizer.end_token`" in argument_passed_over(namespace["f"])) is told


def test_a_method_called_on_a_base_class_without_self_is_named():
    class Base:
        def mask(self, x):
            return x

    class WithSelf(Base):
        def mask(self, x):
            return Base.mask(self, x) + len(str.upper("other"))

    class WithoutSelf(Base):
        def mask(self, x):
            return Base.mask(x)

    assert called_on_the_class(WithSelf) == ""
    assert "`super().mask(…)`" in called_on_the_class(WithoutSelf)


def test_a_constant_beside_the_answer_is_its_own():
    def scaled(x):
        return HERE * x

    assert read_from_another_cell(scaled) == ""


def test_a_result_that_nothing_keeps_is_found():
    def dropped(scores, mask):
        scores.masked_fill(mask == 0, 0)
        return scores

    def kept(scores, mask):
        print(scores)
        scores = scores.masked_fill(mask == 0, 0)
        scores.add_(1)
        return scores

    class Dropped(nn.Module):
        def forward(self, x, y):
            torch.cat((x, y))
            return x

    assert "`scores.masked_fill(…)` is not kept" in dropped_result(dropped)
    assert "`torch.cat(…)` is not kept" in dropped_result(Dropped)
    assert dropped_result(kept) == ""


def test_a_return_that_was_not_reached_is_told_from_one_that_is_missing():
    def in_a_branch(x):
        if x:
            return x

    def missing(x):
        x + 1

    assert ends_without_return(in_a_branch)
    assert not ends_without_return(missing)


def test_comparisons_that_are_joined_before_they_are_made_are_found():
    def chained(i, n):
        return i < n & i <= 3

    def one_comparison(i, mask):
        return i < 2 | mask

    def in_parentheses(i, n, mask):
        return ((i < n) & (i <= 3)) | (mask == (i & n)) | ((i & n) == 0)

    assert joined_before_compared(chained).startswith("Python reads `n & i` first, since `&` binds")
    assert joined_before_compared(one_comparison).startswith("Python reads `2 | mask` first, since `|` binds")
    assert joined_before_compared(in_parentheses) == ""


def test_numbers_compared_by_identity_are_found():
    def by_identity(idx):
        return (idx is not -1).sum(1)

    def is_there(mask, other):
        return mask is not None and mask is not other

    assert compared_by_identity(by_identity).startswith("`idx is not -1` asks whether the two are the same object")
    assert compared_by_identity(by_identity).endswith("write `idx != -1`.")
    assert compared_by_identity(is_there) == ""
