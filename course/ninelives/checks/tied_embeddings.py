"""Lab `today`, exercises 5 and 6: a Transformer whose words stand in one matrix, and one without biases."""

import copy
from collections.abc import Callable

import torch
from torch import nn

from ninelives.checks.exercise import CheckFailed, Exercise, counted, run, same, same_values
from ninelives.config import TransformerConfig
from ninelives.model import Decoder
from ninelives.model.today import TodayConfig, TodayDecoder

tie_embeddings = Exercise("tie_embeddings", error_hints={
    "cannot assign": "a weight must stay an nn.Parameter: assign the parameter of the other layer itself, `… .weight = … .weight`, not a tensor made of it.",
    "leaf Variable": "a parameter is written into. Nothing is copied here: one layer takes the other's parameter, `… .weight = … .weight`.",
    "has no attribute 'token'": "the table is `model.layers[\"embedding\"].token`, and its numbers are in `.weight`.",
})
remove_biases = Exercise("remove_biases", error_hints={
    "object has no attribute 'bias'": "some modules have none, and after `del` a layer does not find its own: `getattr(module, \"bias\", None)` asks, "
                                      "and `module.bias = None` takes it away.",
    "cannot assign": "in the place of a bias a module takes an nn.Parameter or None: `module.bias = None`.",
})

TABLES, BIASES = ("token.weight", "lm_head.weight"), ("bias",)


def decoders(seed: int) -> list[Decoder]:
    """A decoder as in notebook 5, one of today, and one of another size; with weights that matter, and of sizes that are all different."""
    torch.manual_seed(seed)
    sizes = {"vocab_size": 17 + seed % 3, "block_size": 9, "n_embd": 12, "n_head": 3, "n_layer": 2, "dropout": 0.0}
    made = [Decoder(TransformerConfig(**sizes)), TodayDecoder(TodayConfig(**sizes, tied=False, bias=True)),
            Decoder(TransformerConfig(**sizes | {"n_embd": 8, "n_head": 2, "n_layer": 1}))]
    with torch.no_grad():
        for model in made:
            for parameter in model.parameters():
                parameter.normal_(std=0.4)
    return made


def ids(model: Decoder, seed: int) -> torch.Tensor:
    """(2, 6) int64."""
    return torch.randint(model.config.vocab_size, (2, 6), generator=torch.Generator().manual_seed(seed))


def changed_by(answer: Callable, model: Decoder, what: str) -> Decoder:
    """The model after the learner's function, called on it."""
    run(answer, model, what=what)
    return model


def others_of(model: Decoder, left_out: tuple[str, ...]) -> dict[str, nn.Parameter]:
    """The parameters of a model by name, without those whose names end in this way."""
    return {name: parameter for name, parameter in model.named_parameters(remove_duplicate=False) if not name.endswith(left_out)}


def want_the_rest(before: dict[str, nn.Parameter], values: dict[str, torch.Tensor], after: dict[str, nn.Parameter], cause: str) -> None:
    """Refuse another parameter, or other numbers, than before."""
    for name, parameter in before.items():
        if after.get(name) is not parameter or not same(parameter.detach(), values[name]):
            raise CheckFailed(
                f"{name} is {'missing' if name not in after else 'another parameter' if after[name] is not parameter else 'changed'}.",
                "the same parameter with the same numbers.", cause,
            )


@tie_embeddings.aspect("one matrix")
def is_one_parameter_in_two_layers(answer, seed):
    for model in decoders(seed):
        rows, scores = model.layers["embedding"].token.weight, model.lm_head.weight
        before = others_of(model, TABLES)
        values = {name: parameter.detach().clone() for name, parameter in before.items()}
        scores_before = scores.detach().clone()
        changed_by(answer, model, "tie_embeddings")
        if not isinstance(model.lm_head, nn.Linear) or not isinstance(model.layers["embedding"].token, nn.Embedding):
            raise CheckFailed(
                f"the token embedding is of class {type(model.layers['embedding'].token).__name__} now, and lm_head of class {type(model.lm_head).__name__}.",
                "nn.Embedding and nn.Linear, as before: one looks rows up, the other multiplies.",
                "a whole layer was put in the place of the other. Only their weights become one: `….token.weight = ….lm_head.weight`.",
            )
        token, head = model.layers["embedding"].token.weight, model.lm_head.weight
        want_the_rest(before, values, others_of(model, TABLES),
                      "only the two matrices of words are joined: leave every other layer alone.")
        if token is not head:
            raise CheckFailed(
                "model.lm_head.weight and model.layers[\"embedding\"].token.weight are two parameters"
                f"{' with the same numbers' if same(token.detach(), head.detach()) else ''}.",
                "one nn.Parameter under two names: `is` says True.", two_because(token, head, rows, scores),
            )
        if head is rows:
            raise CheckFailed(
                "the matrix that both have is the embedding's.", "lm_head's.",
                "this is the wrong way round for a model of PyTorch's, whose embedding begins √n_embd times too large for scores: "
                "`model.layers[\"embedding\"].token.weight = model.lm_head.weight`.",
            )
        if head is not scores or not same(head.detach(), scores_before):
            raise CheckFailed(
                "the matrix that both have is a new one, or its numbers have changed.", "the parameter that lm_head had, as it was.",
                "nothing is made or copied here: one layer takes the other's parameter.",
            )


def two_because(token: nn.Parameter, head: nn.Parameter, rows: nn.Parameter, scores: nn.Parameter) -> str:
    """Why the two are not one."""
    if token.data_ptr() == head.data_ptr():
        return ("they share their memory and have a gradient each, so that an optimizer changes the numbers twice: assign the parameter itself, "
                "not its `.data`.")
    if same(token.detach(), head.detach()):
        return "the numbers were copied. After the first training step they differ again: assign the parameter itself."
    if token is rows and head is scores:
        return "nothing has changed: assign one layer's weight to the other, in the model that is passed in."
    return "each has a parameter of its own: assign one layer's weight to the other, `….token.weight = ….lm_head.weight`."


@tie_embeddings.aspect("training")
def is_trained_from_both_sides(answer, seed):
    for model in decoders(seed)[:2]:
        wanted = copy.deepcopy(model)
        wanted.layers["embedding"].token.weight = wanted.lm_head.weight
        changed_by(answer, model, "tie_embeddings")
        for each in (model, wanted):
            idx = ids(each, seed)
            _, loss = each(idx[:, :-1], idx[:, 1:])
            loss.backward()
        gradients = [each.lm_head.weight.grad for each in (model, wanted)]
        if gradients[0] is None or not same_values(*gradients):
            raise CheckFailed(
                "the gradient of the matrix is another one.", "the sum of two: as rows that are read, and as scores that are given.",
                "one of the two paths is cut off: leave out .detach(), requires_grad_(False) and hooks.",
            )


@remove_biases.aspect("no bias")
def leaves_no_bias(answer, seed):
    for model in decoders(seed):
        before = biases_of(model)
        returned = run(answer, model, what="remove_biases")
        left = biases_of(model)
        if left:
            first = next(iter(left))
            raise CheckFailed(
                f"{counted(len(left), 'bias')} of {len(before)} {'is' if len(left) == 1 else 'are'} left, among them {first} of a {left[first]}.",
                "no parameter that is called bias.", left_because(model, before, left, returned),
            )


def biases_of(model: Decoder) -> dict[str, str]:
    """The class of the layer of each bias, by the bias's name."""
    names = [name for name, _ in model.named_parameters() if name.endswith("bias")]
    return {name: type(model.get_submodule(name.rpartition(".")[0])).__name__ for name in names}


def left_because(model: Decoder, before: dict[str, str], left: dict[str, str], returned: object) -> str:
    """Why there are still biases."""
    parameters = [parameter for name, parameter in model.named_parameters() if name in left]
    if not any(parameter.any() for parameter in parameters):
        return "the biases are 0 now, and will be learned again: `module.bias = None` takes them away."
    if not any(parameter.requires_grad for parameter in parameters):
        return "the biases are frozen, and are still added: `module.bias = None` takes them away."
    if left == before:
        if isinstance(returned, nn.Module) and returned is not model and not biases_of(returned):
            return "a copy has no biases, and the model that is passed in still has them: change that one."
        if any("." in name for module in model.modules() for name in vars(module)):
            return ("`setattr` takes no path: with dots in its name it makes a new attribute of the model. Set `bias` of the layer itself, "
                    "`module.bias = None` for the modules of `model.modules()`.")
        return ("no layer has lost its bias. `module.bias = None` takes it away, for each module of `model.modules()`: `model.children()` has only the outermost, "
                "and a name such as a loop's `p` that gets another value leaves the model as it is.")
    if left == {name: kind for name, kind in before.items() if kind == "LayerNorm"}:
        return "those of LayerNorm are left: ask every module for its bias, not only nn.Linear."
    if left == {name: kind for name, kind in before.items() if kind == "Linear"}:
        return "those of the linear layers are left: ask every module for its bias, not only LayerNorm."
    return "only a part of the model has lost its biases: go through all of `model.modules()`, and return, if at all, after the loop."


@remove_biases.aspect("the rest")
def changes_nothing_else(answer, seed):
    for model in decoders(seed):
        before = others_of(model, BIASES)
        values = {name: parameter.detach().clone() for name, parameter in before.items()}
        wanted = copy.deepcopy(model)
        with torch.no_grad():
            for name, parameter in wanted.named_parameters():
                if name.endswith("bias"):
                    parameter.zero_()
        changed_by(answer, model, "remove_biases")
        want_the_rest(before, values, dict(model.named_parameters()),
                      "a layer was made again, or a weight was changed: keep every module and its weight, and set only its bias to None.")
        idx = ids(model, seed)
        logits = run(model, idx, what="the model without biases")[0]
        if not same_values(logits, wanted(idx)[0]):
            raise CheckFailed(
                "the logits are others than with biases of 0.", "the same: without a bias nothing is added.",
                "something else was changed: set only the biases to None.",
            )
    for layer in (nn.Linear(3, 2, bias=False), nn.Sequential(nn.Linear(3, 3), nn.GELU(), nn.LayerNorm(3, bias=False))):
        run(answer, layer, what="remove_biases")
    for layer in (nn.Linear(3, 2), nn.LayerNorm(3)):
        run(answer, layer, what="remove_biases")
        if layer.bias is not None:
            raise CheckFailed(
                f"for a model that is one {type(layer).__name__}, its bias is left.", "None: `remove_biases` takes any model.",
                "the model itself is left out. `model.modules()` gives it first, and then all that is in it.",
            )
