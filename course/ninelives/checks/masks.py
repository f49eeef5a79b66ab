"""What notebooks 4 and 5 both ask of a mask."""

import torch

from ninelives.checks.exercise import CheckFailed, want_tensor

A_MATRIX = "`tril` keeps a part of a matrix, so it needs a matrix: torch.ones(T, T)."

# What PyTorch and Python say of masks in either notebook, and what it means there.
MASK_HINTS = {
    "takes 2 positional arguments but 3 were given":
        "the method is called with num_tokens and T: `def get_attention_mask(self, num_tokens, T=None)`.",
    "bitwise_and":
        "`&` works on bool masks only, and torch.ones makes floats: multiply the two, or write `!= 0` after each.",
    "must be Tensor, not int": A_MATRIX, "tril(): argument 'input' (position 1) must be Tensor, not tuple": A_MATRIX,
}


COMPARISON = "a comparison such as `<` or `==` gives only True and False."
ADDED = "two masks are added, or joined with `@`, which adds products; where both must allow, multiply them with `*` or use `&`."


def want_zeros_and_ones(
    result: torch.Tensor, what: str, added: str = ADDED, otherwise: str = COMPARISON,
    wanted: str = "",
) -> None:
    """Refuse a mask that holds anything but 0 and 1, False and True; `added` is the cause of 2, 3 …, `otherwise` that of another number."""
    want_tensor(result, what)
    odd = result[(result != 0) & (result != 1)]
    if odd.numel():
        number = odd.flatten()[0].item()
        raise CheckFailed(
            f"{what} holds {number:.3g}.",
            wanted or "only 1 (True, may attend) and 0 (False, may not).",
            "−∞ belongs in the scores; attention puts it there, wherever the mask is 0." if number < -1e3
            else added if number > 1 and number == int(number)
            else otherwise,
        )


def same_mask(mask: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether another mask allows just the same, whatever its dtype and whether it repeats its rows and heads."""
    return other.dim() == 4 and other.shape[::3] == mask.shape[::3] and torch.equal(mask, other.bool().expand_as(mask))
