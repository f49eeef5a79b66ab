"""What the source of an answer shows of a mistake: a result that is dropped, a number read from another cell."""

import ast
import dis
import inspect
import linecache
import math
import sys
import textwrap
from collections.abc import Iterator
from functools import lru_cache
from types import CodeType, FunctionType, ModuleType, NoneType
from typing import Any

import torch

# Methods and functions that give a new tensor and leave the old one as it was.
GIVE_A_NEW_TENSOR = {
    "cat", "clamp", "contiguous", "expand", "flatten", "float", "flip", "log_softmax", "long", "masked_fill", "permute", "repeat",
    "reshape", "roll", "softmax", "squeeze", "stack", "transpose", "tril", "triu", "unsqueeze", "view", "where",
}

KEEPS = {"append", "extend", "setdefault", "update"}
LAYERS_WITH_WEIGHTS = {
    "Decoder", "Encoder", "LayerNorm", "Linear", "MultiHeadSelfAttention", "MultiheadAttention", "PrefixDecoder", "Transformer", "TransformerBlock",
}

ENDS_WITHOUT_RETURN = "one way through the function ends without `return`: a branch was not taken, or `return` is indented too far."


def functions_of(answer: Any) -> list[FunctionType]:
    """An answer's own functions: itself, or the methods that its class statement defines."""
    answer = inspect.unwrap(answer) if callable(answer) else answer
    parts = vars(answer).values() if isinstance(answer, type) else [answer]
    return [inspect.unwrap(part) for part in parts if isinstance(part, FunctionType)]


@lru_cache(maxsize=32)
def syntax_of(function: FunctionType) -> ast.AST | None:
    """A function's source, parsed; None if Python does not know it."""
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return None


def mistake_in_source(answer: Any) -> str:
    """The cause of a refusal that the source alone shows, or nothing. Asked only after a check has refused the answer."""
    return (dropped_result(answer) or joined_before_compared(answer) or compared_by_identity(answer) or not_called(answer) or called_on_the_class(answer)
            or made_in_forward(answer) or argument_passed_over(answer) or read_from_another_cell(answer))


def dropped_result(answer: Any) -> str:
    """A sentence on a line such as `scores.masked_fill(…)`, which computes a tensor that nothing keeps."""
    for function in functions_of(answer):
        for node in ast.walk(syntax_of(function) or ast.Pass()):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Attribute):
                call = node.value.func
                if call.attr in GIVE_A_NEW_TENSOR:
                    name = ast.unparse(call)
                    return f"the result of `{name}(…)` is not kept: it is a new tensor, and the old one stays as it was. Write `… = {name}(…)`."
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Compare) and isinstance(node.value.ops[0], ast.Eq):
                return f"`{ast.unparse(node)}` compares, and changes nothing: `==` asks whether two things are equal, `=` sets one."
    return ""


def joined_before_compared(answer: Any) -> str:
    """A sentence on `j < n & j <= i`, which Python reads as `j < (n & j) <= i`. Parentheses around `n & j` make it meant."""
    for function in functions_of(answer):
        source = textwrap.dedent(inspect.getsource(function)).splitlines() if (syntax := syntax_of(function)) else []
        for node in ast.walk(syntax or ast.Pass()):
            for part in [node.left, *node.comparators] if isinstance(node, ast.Compare) else ():
                joined = isinstance(part, ast.BinOp) and isinstance(part.op, ast.BitAnd | ast.BitOr)
                before = source[part.lineno - 1].encode()[: part.col_offset].decode().rstrip() if joined else ""
                if joined and not before.endswith("("):
                    sign = "&" if isinstance(part.op, ast.BitAnd) else "|"
                    return (f"Python reads `{ast.unparse(part)}` first, since `{sign}` binds more tightly than a comparison: put each comparison "
                            f"in parentheses, `(… < …) {sign} (… < …)`.")
    return ""


def compared_by_identity(answer: Any) -> str:
    """A sentence on `idx is not -1`, which compares two objects and not their numbers."""
    for function in functions_of(answer):
        for node in ast.walk(syntax_of(function) or ast.Pass()):
            if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Is | ast.IsNot) and _is_number(node.comparators[0]):
                written, sign = ast.unparse(node), "==" if isinstance(node.ops[0], ast.Is) else "!="
                return (f"`{written}` asks whether the two are the same object, not whether they are equal: write "
                        f"`{ast.unparse(node.left)} {sign} {ast.unparse(node.comparators[0])}`.")
    return ""


def _is_number(node: ast.expr) -> bool:
    node = node.operand if isinstance(node, ast.UnaryOp) else node
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def not_called(answer: Any) -> str:
    """A sentence on a line such as `mask = self.get_attention_mask`, which keeps a method and not what it returns."""
    if not isinstance(answer, type):
        return ""
    for function in functions_of(answer):
        for node in ast.walk(syntax_of(function) or ast.Pass()):
            value = node.value if isinstance(node, ast.Assign) else None
            if isinstance(value, ast.Attribute) and ast.unparse(value.value) == "self" and not hasattr(torch.nn.Module, value.attr):
                if isinstance(getattr(answer, value.attr, None), FunctionType):
                    return (f"`{ast.unparse(value)}` stands without parentheses: this is the method itself, not what it returns. "
                            f"Call it, `{ast.unparse(value)}(…)`.")
    return ""


def called_on_the_class(answer: Any) -> str:
    """A sentence on a call such as `Encoder.get_attention_mask(num_tokens, T)` in a class that derives from Encoder: self is missing."""
    if not isinstance(answer, type):
        return ""
    bases = {base.__name__: base for base in answer.__mro__[1:]}
    for function in functions_of(answer):
        for node in ast.walk(syntax_of(function) or ast.Pass()):
            call = node.func if isinstance(node, ast.Call) else None
            if not isinstance(call, ast.Attribute) or not isinstance(call.value, ast.Name) or call.value.id not in bases:
                continue
            is_method = isinstance(inspect.getattr_static(bases[call.value.id], call.attr, None), FunctionType)
            if is_method and [ast.unparse(given) for given in node.args[:1]] != ["self"]:
                return (f"`{ast.unparse(call)}(…)` is called on the class, which takes your first argument for self. "
                        f"Write `super().{call.attr}(…)`.")
    return ""


def made_in_forward(answer: Any) -> str:
    """A sentence on a layer such as `nn.LayerNorm(C)(x)`, whose weights are new in every call."""
    for function in functions_of(answer):
        for node in ast.walk(syntax_of(function) or ast.Pass()) if function.__name__ == "forward" else ():
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in LAYERS_WITH_WEIGHTS:
                name = ast.unparse(node.func)
                if not name.startswith("self."):
                    return f"a new layer is made in forward, `{name}(…)`, with new weights in every call: use the one in `__init__`."
    return ""


def argument_passed_over(answer: Any) -> str:
    """A sentence on `tokenizer.end_token` or `VOCABULARY` in a function that is given `end_token` or `vocabulary`: the notebook's is read instead."""
    for function in functions_of(answer):
        arguments = set(inspect.signature(function).parameters)
        for node in ast.walk(syntax_of(function) or ast.Pass()):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.attr in arguments:
                name = node.value.id
                if name in set(globals_read(function.__code__)) and not isinstance(function.__globals__.get(name), ModuleType | NoneType):
                    return (f"your code reads `{ast.unparse(node)}` from the notebook. The function is given its own, which may be another: "
                            f"use the argument `{node.attr}`.")
        for name in set(globals_read(function.__code__)) - _written_into(function):
            value = function.__globals__.get(name)
            if name.isupper() and name.lower() in arguments and isinstance(value, str | dict | list | tuple | torch.Tensor):
                return f"`{name}` is a name of the notebook, and may hold something else than what the function is given: use its argument `{name.lower()}`."
    return ""


def _written_into(function: FunctionType) -> set[str]:
    """Names of what a function keeps something in: `NAME[key] = …`, `NAME.setdefault(…)`."""
    written = set()
    for node in ast.walk(syntax_of(function) or ast.Pass()):
        kept = isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store) or isinstance(node, ast.Attribute) and node.attr in KEEPS
        if kept and isinstance(node.value, ast.Name):
            written.add(node.value.id)
    return written


def ends_without_return(answer: Any) -> bool:
    """Whether a function, or a class's forward, has a `return` with a value, which was then not reached."""
    return any(
        isinstance(node, ast.Return) and node.value is not None
        for function in functions_of(answer)
        if function.__name__ == "forward" or not isinstance(answer, type)
        for node in ast.walk(syntax_of(function) or ast.Pass())
    )


def read_from_another_cell(answer: Any) -> str:
    """A sentence on a size, tensor, model or tokenizer of the notebook that an answer reads, although another cell made it.

    Functions that the answer calls, written in the notebook too, are looked at as well. A global that the answer sets
    itself, with `global`, is its own.
    """
    waiting, seen = functions_of(answer), set()
    own = {name for function in waiting for name in globals_set(function.__code__)}
    while waiting:
        function = waiting.pop()
        seen.add(function)
        for name in globals_read(function.__code__):
            value = None if name in own else function.__globals__.get(name)
            if isinstance(value, FunctionType) and value.__globals__ is function.__globals__ and value not in seen:
                waiting.append(value)
            elif ((_is_size(value) or _is_thing(value)) and not _is_constant_of_package(name, value)
                  and not _only_handed_on(answer, function, name, value) and name not in _names_made_in(function.__code__.co_filename)):
                return _told(answer, function, name, value)
    return ""


def _told(answer: Any, function: FunctionType, name: str, value: Any) -> str:
    if _is_thing(value):
        kind = "tensor" if isinstance(value, torch.Tensor) else type(value).__name__
        return (f"your code reads the {kind} `{name}` from a cell further up. Use what the function is given; in a class, "
                "use its own layers, `self.…`.")
    if isinstance(answer, type) and any(name in method.__code__.co_names for method in functions_of(answer) if method.__name__ == "__init__"):
        return f"your code reads `{name}` = {value} from a cell further up. The class has one of its own: `self.{name}`."
    given = [argument for argument in inspect.signature(function).parameters if argument not in {"self", "model", "config"}]
    return (f"your code reads `{name}` = {value} from a cell further up, and the check's input has other sizes. Take them from what the "
            f"function is given, for instance from `{given[0] if given else 'x'}.shape`.")


def _only_handed_on(answer: Any, function: FunctionType, name: str, value: Any) -> bool:
    """Whether a function gives a configuration of the notebook to a class, as in `Encoder(config)`, and reads no setting of it."""
    syntax = syntax_of(function)
    if syntax is None or isinstance(answer, type) or not type(value).__module__.startswith("ninelives.config"):
        return False
    return name not in {ast.unparse(node.value) for node in ast.walk(syntax) if isinstance(node, ast.Attribute)}


def _is_size(value: Any) -> bool:
    """Whether a value may be a size or a setting; −1, −inf and 1e-9 are constants that an answer may well name."""
    return isinstance(value, int | float) and math.isfinite(value) and (isinstance(value, bool) or 1e-4 < value < 1e5)


def _is_constant_of_package(name: str, value: Any) -> bool:
    """Whether the notebook has it from this package, as `SEP`: an import of the notebook's, meant to be read in answers."""
    return name.isupper() and any(
        vars(module).get(name) is value for key, module in [*sys.modules.items()] if key.startswith("ninelives.") and module is not None
    )


def _is_thing(value: Any) -> bool:
    """Whether a value is a tensor, a model with parameters, or another object of a class of this package or the notebook, such as a tokenizer."""
    if isinstance(value, torch.nn.Module):
        return any(True for _ in value.parameters())
    made_in = type(value).__module__
    return isinstance(value, torch.Tensor) or made_in == "__main__" or made_in.startswith(("ninelives.text", "ninelives.config"))


def globals_read(code: CodeType) -> Iterator[str]:
    """The global names that a function reads, those of functions inside it too. `x.n_head` reads none."""
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield instruction.argval
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from globals_read(constant)


def globals_set(code: CodeType) -> Iterator[str]:
    """The global names that a function sets, those of functions inside it too."""
    yield from (instruction.argval for instruction in dis.get_instructions(code) if instruction.opname == "STORE_GLOBAL")
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from globals_set(constant)


def _names_made_in(filename: str) -> set[str]:
    """The names that a cell, or a file, sets itself."""
    try:
        statements = ast.parse("".join(linecache.getlines(filename))).body
    except SyntaxError:
        return set()
    functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    nodes = [node for statement in statements if not isinstance(statement, functions) for node in ast.walk(statement)]
    return {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)} | {
        node.asname or node.name for node in nodes if isinstance(node, ast.alias)
    }
