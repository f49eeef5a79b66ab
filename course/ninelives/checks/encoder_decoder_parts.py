"""Notebook 7: what the two parts of an EncoderDecoder must be, before anything asks its forward."""

import torch
from torch import nn
from torch.nn import functional as F

from ninelives.checks.exercise import CheckFailed, build, run, same_values
from ninelives.config import TransformerConfig

ONE_CONFIG_EACH = "each part is built from its own configuration: Encoder(encoder_config), PrefixDecoder(decoder_config)."
PARTS_AS_GIVEN = "self.encoder = Encoder(encoder_config) and self.decoder = PrefixDecoder(decoder_config): keep the __init__ of the exercise."


def keeps_layers_in_a_list(module: nn.Module) -> bool:
    """Whether a module has an attribute of its own that is a list, tuple or dictionary with layers in it."""
    kept = [value for name, value in vars(module).items() if not name.startswith("_") and isinstance(value, list | tuple | dict)]
    return any(isinstance(part, nn.Module) for value in kept for part in (value.values() if isinstance(value, dict) else value))


def want_encoder(module: nn.Module, prefix: torch.Tensor, vocab_size: int) -> None:
    """Refuse an encoder that reads a prefix (B, P) from left to right only, or one that attends to padding."""
    other = prefix.clone()
    other[:, -1] = (other[:, -1] + 1) % vocab_size
    with torch.no_grad():
        hidden, after = (run(module.encoder, ids, None, None, True, what="self.encoder") for ids in (prefix, other))
        if same_values(after[:, 0], hidden[:, 0]):
            raise CheckFailed(
                "self.encoder: another last word changes nothing about the first one.",
                "an encoder, in which every word attends to the whole sentence.",
                PARTS_AS_GIVEN,
            )
        padded = run(module.encoder, F.pad(prefix, (0, 3), value=-1), None, None, True, what="self.encoder")
    if not same_values(padded[:, : prefix.shape[1]], hidden):
        raise CheckFailed(
            "self.encoder: padding after a sentence changes the hidden states of its words.",
            "no change: nothing attends to padding.",
            PARTS_AS_GIVEN,
        )


def want_own_configs(answer, encoder: TransformerConfig, decoder: TransformerConfig) -> None:
    """Refuse parts that were built from the other's configuration, or both from one."""
    module = build(answer, encoder, decoder)
    can_read = [longest(part) for part in (module.encoder, module.decoder)]
    wanted = [(encoder.block_size, encoder.vocab_size), (decoder.block_size, decoder.vocab_size)]
    if can_read == wanted[::-1]:
        raise CheckFailed(
            "self.encoder has the sizes of decoder_config, and self.decoder those of encoder_config.",
            "Encoder(encoder_config) and PrefixDecoder(decoder_config).",
            "the two configurations are swapped: Encoder(encoder_config), PrefixDecoder(decoder_config).",
        )
    for name, seen, want in zip(("encoder", "decoder"), can_read, wanted, strict=True):
        if seen != want:
            raise CheckFailed(
                f"self.{name} reads up to {seen[0]} tokens, and ids up to {seen[1] - 1}.",
                f"{want[0]} tokens and ids up to {want[1] - 1}, as {name}_config says.",
                ONE_CONFIG_EACH,
            )


def longest(part: nn.Module) -> tuple[int, int]:
    """How many tokens a Transformer reads, and how many words it knows: tried, since its layers may have any names."""
    def reads(length: int, last_id: int) -> bool:
        try:
            with torch.no_grad():
                part(torch.full((1, length), last_id), None, None, True)
        except Exception:
            return False
        return True

    block_size = next((n for n in range(24, 0, -1) if reads(n, 0)), 0)
    return block_size, next((n for n in range(48, 0, -1) if reads(1, n - 1)), 0)
