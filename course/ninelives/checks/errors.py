"""What an error that Python or PyTorch raises most likely means in any exercise."""

import inspect
import re
from typing import NamedTuple

from torch import nn


class Hint(NamedTuple):
    """What an error means.

    Args:
        words: a regular expression, found in "TypeError: message", the name of the error and its first line.
        sentence: the likely mistake and what to do.
        line: a regular expression that the learner's line must hold as well.
    """

    words: str
    sentence: str
    line: str = ""


NO_INIT = ("the class is built with arguments, and nothing takes them: it needs the base class that the exercise names, "
           "or an `__init__` with these arguments.")
MISSING_SELF = "`self` is missing: it is the first argument in the `def` line of every method."
SELF_OUTSIDE = "a function outside a class has no `self`: take it out of the `def` line."
CALLS_ITSELF = "it calls itself without end: another function, or one of the layers, must do the work here."
CALLS_ITSELF_NOT_ITS_BASE = "it calls itself without end. To call the method of the base class, write `super().…` instead of `self.…`."

# The usual line that imports a name.
IMPORTS = {
    "F": "from torch.nn import functional as F", "nn": "from torch import nn", "np": "import numpy as np", "numpy": "import numpy",
    "torch": "import torch", "math": "import math", "itertools": "import itertools", "copy": "import copy", "re": "import re",
}

# The first hint that fits is said, so a special one stands before a general one.
HINTS = [
    Hint(r"ellipsis", "three dots in a hint stand for what you have to write there: the tensor, or the sizes."),
    # Classes and methods
    Hint(r"type object 'super' has no attribute", "`super` needs its parentheses: `super().…`."),
    Hint(r"TypeError: .*positional arguments? but",
         "`super()` already passes self: leave `self` out of the parentheses.", line=r"super\(\)\.\w+\(\s*self\b"),
    Hint(r"before Module\.__init__\(\) call|object has no attribute '_(modules|parameters)'",
         "`__init__` must begin with `super().__init__()`, which makes room for the layers."),
    Hint(r"\w+\(\) takes no arguments", NO_INIT),
    Hint(r"must be tuple of ints|'float' object cannot be interpreted as an integer|must be int, not float|"
         r"failed to unpack .*float|TypeError: (expand|repeat|reshape|view)\(\) takes",
         "`/` gives a float, and a size is a whole number: `//` divides whole numbers."),
    Hint(r"__init__\(\) takes .*positional arguments? but",
         "`__init__` takes other arguments than the class is built with: keep the line that begins with `def __init__`, "
         "or leave `__init__` out if the exercise has none."),
    Hint(r"Module \[Module(List|Dict)\] is missing the required \"forward\"",
         "a ModuleList or ModuleDict holds layers and cannot be called itself: call each of its layers in turn, "
         "`for layer in …: x = layer(x)`."),
    Hint(r"is missing the required \"forward\"",
         "the class has no `forward`: the method must have exactly this name, and be indented inside the class."),
    Hint(r"'str' object is not callable",
         "this is a name, not a layer: a loop over a ModuleDict gives the names. The layer itself is `self.layers[name]`."),
    Hint(r"'(tuple|Tensor|list|int|float)' object is not callable|torch.Size' object is not callable",
         "the parentheses follow something that is not a function: parts are taken with brackets, as in `x.shape[1]`, "
         "and a product needs `*`."),
    # Arguments
    Hint(r"unexpected keyword argument", "the function has no argument of this name: compare it with the line that begins with `def`, or with the exercise."),
    Hint(r"TypeError: (ones|zeros|empty|full|rand|randn|eye)\(\) takes .*positional arguments? but",
         "a size is one whole number, and one of these is not: `/` gives a float, which `//` does not, None is no number, and a tensor "
         "becomes one with `int(…)`."),
    Hint(r"sort\(\) (takes from|received an invalid combination of arguments - got \(int, .*stable)", "with `stable` all that sort is given needs its name: `sort(dim=-1, descending=True, stable=True)`."),
    Hint(r"TypeError: .*positional arguments? but", "the call passes more arguments than the function takes: compare it with the line that begins with `def`."),
    Hint(r"missing \d+ required (positional|keyword-only) argument", "the call leaves out an argument that the function needs. Python's message names it."),
    Hint(r"object of type '(int|float)' has no len\(\)", "this is a number already: only what has several parts, such as a list or a tensor, has a length."),
    Hint(r"^KeyError", "the dictionary has no entry under this key: print its keys, `d.keys()`, and compare."),
    Hint(r"'dict' object has no attribute", "the entries of a dictionary are taken with brackets, and a name with quotes: `d[\"name\"]`."),
    Hint(r"'Tensor' object has no attribute '(append|extend|insert|pop|remove)'",
         "this is a method of lists, and tensors have none of that name: `torch.cat` joins two tensors to a new one."),
    Hint(r"not supported between instances of '(str' and '(int|float)|(int|float)' and 'str)'",
         "the quotes make a string of the number: write it without them."),
    Hint(r"can only concatenate (tuple|list) \(not \"(int|float)\"",
         "`+` puts two lists or two tuples together, and adds nothing to their elements: go through them in a loop."),
    # True and False
    Hint(r"Boolean value of Tensor", "a loss such as nn.CrossEntropyLoss is a layer: it is made first, with its settings, and then called with the tensors, "
         "`nn.CrossEntropyLoss(…)(scores, targets)`. F.cross_entropy does both at once.", line=r"nn\.\w+Loss\("),
    Hint(r"Boolean value of Tensor with (more than one|no) value",
         "`if`, `and`, `or` and `not` need a single True or False, and this tensor has many. Whether there is a tensor: "
         "`x is not None`. For each number: `x == 0` instead of `not x`, and `a & b` instead of `a and b`."),
    Hint(r"operator\.invert|bitwise_not\w*\" not implemented for '(Float|Double)", "`~` swaps True and False, and these are floats: write `== 0`, or `.bool()` before it."),
    Hint(r"(Subtraction|Negation), the `-` operator", "True and False cannot be subtracted: first make whole numbers of them with `.long()`."),
    Hint(r"does not support bool", "this operation wants numbers, and these are True and False: `.long()` makes 1 and 0 of them."),
    Hint(r"expected sequence of length \d+ at dim", "these lists have different lengths, and a tensor is a rectangle: first fill up the shorter ones."),
    Hint(r"(?i)Input dtype must be either a floating point.* Got: ", "only floats have a mean: write `.float().mean()`."),
    Hint(r"masked_fill\(\) received an invalid combination of arguments - got \((bool|NoneType), ",
         "masked_fill needs a tensor of True and False: `mask == 0`, for each number of it."),
    Hint(r"masked_fill\(\) .*(, str\)|must be Number, not str)", "a number in quotes is a string: write `float(\"-inf\")`."),
    Hint(r"masked_fill_? only supports boolean masks", "masked_fill takes a mask of True and False: `mask == 0` makes one."),
    Hint(r"'bool' object has no attribute|argument 'input' \(position 1\) must be Tensor, not bool",
         "this is a single True or False, not a tensor: a comparison with None, `x == None`, gives one. Ask `x is None` first."),
    Hint(r"training mode is expected to be boolean", "`model.train` is a method. The flag that says which mode is on is `model.training`."),
    # Numbers, lists and arrays instead of tensors
    Hint(r"unsupported operand type\(s\) for \^|bitwise_xor", "`^` is not a power in Python: write `**`, as in `2 ** -0.5`."),
    Hint(r"cross_entropy.*must be Tensor, not NoneType", "targets is None when nothing is to be scored: compute the loss only `if targets is not None`."),
    Hint(r"expected Tensor as element \d+ in argument 0, but got (int|float)",
         "torch.cat and torch.stack join tensors, and this is a number: put it into a tensor with one axis, `torch.tensor([number])`."),
    Hint(r"zero-dimensional tensor .*cannot be concatenated",
         "a tensor of a single number has no axis to join along: give it one with brackets, `torch.tensor([number])`."),
    Hint(r"(cat|stack)\(\)(: argument 'tensors' .*not Tensor| received an invalid combination of arguments - got \(Tensor)",
         "torch.cat and torch.stack take the tensors in one tuple: `torch.cat((a, b), …)`, with the axis after it, as you have it.", line=r"dim\s*="),
    Hint(r"(cat|stack)\(\)(: argument 'tensors' .*not Tensor| received an invalid combination of arguments - got \(Tensor)",
         "torch.cat and torch.stack take the tensors in one tuple, and then the axis: `torch.cat((a, b), dim=…)`."),
    Hint(r"(must be Tensor, not|but got|got \() ?(list|numpy\.ndarray)|'(list|numpy\.ndarray)' object has no attribute|"
         r"'list' and 'Tensor'|'Tensor' and 'list'|concatenate list \(not \"Tensor|list indices must be",
         "a list or a NumPy array stands where a tensor is needed: `torch.tensor(…)` makes one of a list of numbers, "
         "`torch.stack(…)` of a list of tensors, and `torch.from_numpy(…)` of an array."),
    Hint(r"must be Tensor, not (int|float)|(min|max|minimum|maximum)\(\) received an invalid combination of arguments - got \((int|float)",
         "this is a plain number, and torch's functions take tensors: math.sqrt, math.cos and Python's own min and max take numbers."),
    Hint(r"cannot be converted to (a )?Scalar|[Oo]nly one element tensors can be converted",
         "a single number is needed here, and this tensor has several. The functions of `math` take one number, "
         "torch.sqrt and torch.exp take tensors; `.item()` works for a tensor of one."),
    Hint(r"only integer tensors of a single element can be converted to an index",
         "a size or an index is one whole number, and this tensor is none: `int(x)` for a tensor of one, `x.tolist()` for all."),
    Hint(r"Can't call numpy\(\) on Tensor that requires grad", "NumPy does not know gradients: stay with PyTorch's functions. To look at the numbers alone, write `x.detach().numpy()`."),
    # cross_entropy
    Hint(r"log_softmax\w*\" not implemented for 'Long'", "these are whole numbers where scores are needed: F.cross_entropy takes the scores first, then the targets."),
    Hint(r"Target -\d+ is out of bounds", "−1 marks a position without a target: `F.cross_entropy(…, ignore_index=-1)` leaves it out."),
    # Kinds of numbers
    Hint(r"(softmax|mean|addmm|baddbmm|linear|bmm)\w*\" not implemented for '(Long|Int|Bool)'|not implemented for '(Long|Int|Bool)'",
         "this operation needs floats, and these are whole numbers: write `.float()` before it."),
    Hint(r"torch\.(Short|Char|Byte)Tensor instead \(while checking arguments for embedding",
         "a table looks up rows by int64 or int32, and these are smaller whole numbers: `.long()`, or leave the dtype of torch.arange as it is."),
    Hint(r"(torch\.Bool|CPUBool)\w+ instead \(while checking arguments for embedding",
         "a table looks up rows by whole numbers, and these are True and False, the result of a comparison."),
    Hint(r"(scatter|gather)\w*\(\): Expected dtype int.* for index",
         "the second argument says *where*, in whole numbers, and here it is floats: `x.scatter(-1, order, numbers)`. sort and topk give the "
         "numbers first, then the indices."),
    Hint(r"scalar types?: Long|Expected tensor for argument #1 'indices'|tensors used as indices must be|expected scalar type Long",
         "rows are looked up with whole numbers, and these are floats: `.long()`, or ids that stay whole."),
    Hint(r"must have the same dtype|expected (scalar type|m1 and m2)|but found (Double|Float|Long)",
         "the two tensors hold different kinds of numbers: `.float()` before the operation makes both floats."),
    # Memory
    Hint(r"more than one element of the written-to tensor refers to a single memory location",
         "this tensor was made with expand, so its rows share one memory. Do not write into it: make a new one, "
         "as `mask & …`, `x + …` and torch.tril(x) do."),
    Hint(r"in-place operation", "`x += …`, and a call that ends in an underscore, write into the caller's tensor: `x = x + …` makes a new one."),
    Hint(r"modified by an inplace operation", "`+=`, or a call that ends in an underscore, overwrites numbers that backward() still needs: write `x = x + …`."),
    Hint(r"view size is not compatible", "after transpose the numbers do not lie in order in memory: `reshape` copies them where needed, `view` cannot."),
    # Names
    Hint(r"NameError: name '(inf|nan)'", "infinity is written `float(\"inf\")`, or `math.inf`."),
    Hint(r"NameError: name 'block_size'", "the block size belongs to the model: `model.config.block_size`."),
    Hint(r"UnboundLocalError|free variable '\w+' referenced before",
         "at this line the variable has no value yet: the line that sets it comes later, or in a branch that was not taken."),
    Hint(r"NameError", "Python does not know this name: it is misspelt, or defined in a cell further up that has not been run. "
                       "In a class, layers and settings are `self.…`. Sizes come from `x.shape`."),
    Hint(r"module 'torch\S*' has no attribute|module 'math' has no attribute", "the module has no function of this name: the last section of the notebook lists PyTorch's calls."),
    Hint(r"'(function|method|builtin_function_or_method)' object (has no attribute|is not subscriptable)|must be Tensor, not (function|method|builtin_function_or_method)|got \(?(function|method|builtin_function_or_method)|"
         r"'(function|method|builtin_function_or_method)' and '|' and '(function|method|builtin_function_or_method)'",
         "this is a function that was not called: it needs its parentheses."),
    Hint(r"'(Embedding|Linear|LayerNorm|Dropout|Sequential|MultiHeadSelfAttention|TransformerBlock)'( object is not subscriptable| and '|$)|"
         r"and '(Embedding|Linear|LayerNorm|Dropout|Sequential|MultiHeadSelfAttention|TransformerBlock)'|"
         r"must be Tensor, not (Embedding|Linear|LayerNorm|Dropout|Sequential|MultiHeadSelfAttention|TransformerBlock)",
         "this is the layer itself, not its result: call it with its input, `self.…(x)`."),
    Hint(r"must be Number, not Tensor", "a number is needed here, and this is a tensor: sizes come from `x.shape`."),
    Hint(r"'Tensor' object has no attribute '(stack|cat|concat\w*|arange|ones|zeros|eye)'",
         "this is not a method of tensors: it is called as `torch.…`, with the tensors in its parentheses."),
    Hint(r"'(int|float)' object has no attribute", "this is a plain number, and what follows the dot is for tensors: torch's functions are called as `torch.…`."),
    Hint(r"1D tensors expected", "torch.dot is for two single vectors: `@`, or torch.matmul, makes all dot products at once."),
    Hint(r"For 1D input, 1D target", "the scores have lost an axis: cross_entropy takes scores (N, vocab_size) and targets (N,)."),
    Hint(r"return_types|tuple indices must be",
         "this is a pair or a tuple, and not a tensor: max, min, sort and topk with `dim` give `.values` and `.indices`, of other things a part is "
         "taken with `[0]`."),
    Hint(r"'tuple' object has no attribute|must be Tensor, not tuple|'tuple' and 'Tensor'|'Tensor' and 'tuple'", "this is a tuple of several things, not a tensor: take it apart first, `a, b = …`."),
    Hint(r"NoneType", "something is None there: often the result of a function of yours that has no `return`. "
                      "Does it pass its own check, further up?"),
    Hint(r"AttributeError", "nothing has the name after the dot: compare it with the names in `__init__`, if the class has one, and in the hints."),
    # Python
    Hint(r"too many values to unpack", "there are more things on the right of `=` than names on the left: print the right side, or its shape."),
    Hint(r"not enough values to unpack", "there are fewer things on the right of `=` than names on the left: print the right side, or its shape."),
    Hint(r"ZeroDivisionError", "this number may be 0: treat 0 separately, before you divide."),
    Hint(r"sparse", "sparse tensors cannot take part in every operation: stay with plain tensors."),
    Hint(r"expect(ed|s) a non-empty (list of Tensors|TensorList)", "torch.stack and torch.cat need at least one tensor, and this list is empty."),
    # Sizes
    Hint(r"(tril|triu).* at least 2 dimensions", "`tril` keeps a part of a matrix, so it needs a matrix: torch.ones(T, T)."),
    Hint(r"index out of range in self", "a table was asked for a row that it does not have: its rows are 0 to its length − 1."),
    Hint(r"(?i)(RuntimeError|IndexError|ValueError): .*(\bsize|shape|dimension|\baxis|\baxes|mat1|broadcast|out of bounds|too many indices|numel)",
         "print the shapes before that line and compare them with the shapes in the exercise."),
]


def explanation(error: Exception, line: str = "", answer: object = None) -> str:
    """The likely mistake behind an error, or nothing if no hint fits: a wrong one would be worse.

    Args:
        error: what was raised.
        line: the learner's line that raised it.
        answer: the function, class or module that was called.
    """
    answer = getattr(answer, "func", answer)  # of a functools.partial
    words = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
    missing = re.match(r"NameError: name '(\w+)'", words)
    if missing and missing[1] in IMPORTS:
        return (f"`{missing[1]}` has not been imported: put `{IMPORTS[missing[1]]}` above your answer and run its cell again, or run the first "
                "code cell if it has that line.")
    if isinstance(error, RecursionError) and "deepcopy" not in line:
        return CALLS_ITSELF_NOT_ITS_BASE if _overrides_a_method_of_its_base(answer, line) else CALLS_ITSELF
    attribute = re.search(r"object has no attribute '(\w+)'", words)
    if attribute and f"self.{attribute[1]}(" in line and _is_a_function_beside(answer, attribute[1]):
        return f"`{attribute[1]}` is a function of its own, not a part of the class: call it without `self.`."
    unknown = re.match(r"NameError: name '(\w+)'", words)
    if unknown and isinstance(answer, nn.Module) and hasattr(answer, unknown[1]):
        return f"`{unknown[1]}` belongs to the class: write `self.{unknown[1]}`."
    called = re.search(r"(\w+)\(\) (takes|missing) .*positional argument", words)
    if called and getattr(answer, "__init__", None) is nn.Module.__init__ and called[1] == "__init__":
        return NO_INIT
    if called:
        of_class = answer if isinstance(answer, type) else type(getattr(answer, "__self__", answer))
        function = answer if inspect.isfunction(answer) else getattr(of_class, called[1], None)
        first = list(inspect.signature(function).parameters)[:1] if inspect.isfunction(function) else None
        if inspect.isfunction(answer) and first == ["self"]:
            return SELF_OUTSIDE
        if called[2] == "takes" and not inspect.isfunction(answer) and first is not None and first != ["self"] and function.__name__ == called[1]:
            return MISSING_SELF
    return next((hint.sentence for hint in HINTS if re.search(hint.words, words) and re.search(hint.line, line)), "")


def _overrides_a_method_of_its_base(answer: object, line: str) -> bool:
    """Whether a line calls `self.method(…)` and a base class, other than nn.Module, has this method too."""
    of_class = answer if isinstance(answer, type) else type(getattr(answer, "__self__", answer))
    bases = [base for base in of_class.__mro__[1:] if base not in nn.Module.__mro__]
    return any(name in vars(base) for name in re.findall(r"\bself\.(\w+)\(", line) for base in bases)


def _is_a_function_beside(answer: object, name: str) -> bool:
    """Whether a function of this name stands where the class of an answer was written."""
    answer = getattr(answer, "__self__", answer)  # of a method
    of_class = answer if isinstance(answer, type) else type(answer)
    return any(inspect.isfunction(method.__globals__.get(name)) for method in vars(of_class).values() if inspect.isfunction(method))
