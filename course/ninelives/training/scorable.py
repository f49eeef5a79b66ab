"""Whether a learner's own model can be scored when it is handed in, asked before the time for training is spent.

A training is scored without running any code of the learner's: its weights are put into the package's
EncoderDecoder, whose layers must have the same names and do the same.
"""

import torch
from torch import nn

from ninelives.config import TransformerConfig
from ninelives.model import EncoderDecoder

WHERE = {  # the notebook in which each layer of the package's model gets its name
    "embedding": "notebook 1 (`token`, `position`)",
    "attention": "notebook 2 (`query`, `key`, `value`, `proj`)",
    "layers": "notebook 3 (`norm_1`, `attention`, `norm_2`, `mlp`; `layers`, `lm_head`)",
    "encoder": "notebook 7 (`encoder`, `decoder`)",
}


@torch.no_grad()
def why_not_scored(
    model: nn.Module, encoder_config: TransformerConfig, decoder_config: TransformerConfig
) -> str | None:
    """What keeps a model's weights from being scored, in a sentence or two with what to do; None if nothing does.

    Args:
        model: an encoder–decoder of these sizes; it is left as it was.
    """
    model = getattr(model, "_orig_mod", model)  # what torch.compile wraps
    given = EncoderDecoder(encoder_config, decoder_config)
    wanted, found = ({name: tuple(t.shape) for name, t in each.state_dict().items()} for each in (given, model))
    if wanted != found:
        missing = [name for name in wanted if wanted[name] != found.get(name)]
        extra = [name for name in found if found[name] != wanted.get(name)]
        return f"{differences(missing, extra)} {what_to_rename(missing or extra)}; then run this notebook again."
    for part, config in (("encoder", encoder_config), ("decoder", decoder_config)):
        if getattr(getattr(model, part), "config", None) != config:
            return (f"The {part} does not know its sizes: write `self.config = config` into __init__ of your Transformer, "
                    "as notebook 3 gives it.")
    given.load_state_dict(model.state_dict())
    generator = torch.Generator().manual_seed(0)
    idx = torch.randint(1, min(encoder_config.vocab_size, decoder_config.vocab_size), (4, 9), generator=generator)  # (B, T)
    idx[1, 5:] = -1
    was_training = model.training
    apart = (model.eval()(idx, idx)[1] - given.eval()(idx, idx)[1]).abs().item()
    model.train(was_training)
    if not apart < 1e-3:
        return (f"With the same weights, the loss of the package's model is another one (by {apart:.2g}): one of your layers is "
                "used for something else than its name says, such as `key` for the queries. Compare with notebooks 1 to 3.")
    return None


def differences(missing: list[str], extra: list[str]) -> str:
    """The sentence that names the layers."""
    if not extra:
        return f"The model has no {listed(missing)}."
    if not missing:
        return f"The model also has {listed(extra)}, which the package's has not."
    return f"The model has {listed(extra)} where the package's has {listed(missing)}."


def listed(names: list[str]) -> str:
    return ", ".join(names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else "")


def what_to_rename(names: list[str]) -> str:
    """Where the first of these names is given, without a full stop."""
    part = next((part for part in ("attention", "embedding", "layers") if part in names[0].split(".")), "encoder")
    return f"Keep the layers of the given __init__, with their names, in {WHERE[part]}"
