import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.overrides import _get_current_function_mode_stack

from ninelives.figures.caught import attention_caught


class Breaks(nn.Module):
    """Attention, and then an error where `where` says so."""

    def __init__(self, where):
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.where = where

    def forward(self, x):
        x, _ = self.attention(x, x, x)
        if self.where == "within":
            raise RuntimeError("broken")
        return F.scaled_dot_product_attention(x, x[..., :3], x) if self.where == "in attention" else x


X = torch.ones(1, 4, 8)


def left_behind(model):
    hooks = [len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.modules()]
    return sum(hooks), torch.backends.mha.get_fastpath_enabled(), torch.is_grad_enabled(), _get_current_function_mode_stack()


@pytest.mark.parametrize("where", ["within", "in attention", "nowhere"])
def test_nothing_is_left_behind_whatever_happens_inside(where):
    model = Breaks(where).eval()
    before, function = left_behind(model), F.scaled_dot_product_attention
    try:
        with attention_caught(model) as calls:
            model(X)
    except RuntimeError:
        assert where != "nowhere"
    else:
        assert where == "nowhere"
    assert [call.module for call in calls] == ["attention"]
    assert left_behind(model) == before == (0, True, True, [])
    assert F.scaled_dot_product_attention is function


def test_a_fast_path_that_was_off_stays_off():
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with attention_caught(None):
            pass
        assert not torch.backends.mha.get_fastpath_enabled()
    finally:
        torch.backends.mha.set_fastpath_enabled(True)


def test_a_softmax_that_is_not_attention_is_not_taken_for_it():
    with attention_caught(None) as calls:
        torch.ones(2, 3).softmax(-1)  # (B, V)
        torch.ones(2, 3, 5).softmax(-1)  # (B, T, V)
        torch.ones(2, 4, 3, 3).softmax(1)
        torch.ones(2, 4, 3, 3).log_softmax(-1)
    assert calls == []


def test_calls_outside_of_modules_and_after_a_module_has_failed_are_named_by_what_runs():
    class Tries(nn.Module):
        def __init__(self):
            super().__init__()
            self.part = Breaks("within")

        def forward(self, x):
            try:
                return self.part(x)
            except RuntimeError:
                return F.scaled_dot_product_attention(x, x, x)

    with attention_caught(model := Tries().eval()) as calls:
        model(X)
    assert [call.module for call in calls] == ["part.attention", ""]
