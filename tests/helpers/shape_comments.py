"""Follows code as it runs and compares each shape comment, `x = …  # (B, T, C)`, with the value on its line.

A name in a comment means one size within one call of a function: the value of a variable of that name, a size that the
tracer was given, or else the size that it had where it first occurred. An axis may be an expression, `P + T`.
`# (B, T) bool, (B, T)` speaks of the first two of several values, `# (B, T) each` of all. `…` stands for any number of
axes. What follows a comma, a colon or `or` is prose. A comment may end an assignment, a `return`, a `yield` or a call
that changes a tensor in place.
"""

import ast
import io
import re
import sys
import tokenize
from typing import Any, NamedTuple

import torch

SHAPE = re.compile(r"\(([^()]*)\)(?: (bool|int64|uint8|float32|float64)\b)?")
AXIS = re.compile(r"[\w\s+*/-]+")


class Comment(NamedTuple):
    """The shapes that a statement's comment promises."""

    statement: ast.stmt
    text: str
    shapes: list[tuple[list[str], str | None]]  # the axes, and a dtype or None
    each: bool


class Wrong(NamedTuple):
    """A comment that does not fit its value."""

    where: str
    line: int
    text: str
    found: str


def shapes_in(text: str) -> tuple[list[tuple[list[str], str | None]], bool]:
    """The shapes at the beginning of a comment, and whether they hold for each value. No shapes: it is no shape comment."""
    shapes, rest = [], text.removeprefix("#").strip()
    while match := SHAPE.match(rest):
        axes = [axis.strip() for axis in match[1].split(",") if axis.strip()]
        if not axes or not all(axis == "…" or AXIS.fullmatch(axis) and _is_expression(axis) for axis in axes):
            break
        shapes.append((axes, match[2]))
        rest = rest[match.end() :].removeprefix(", ")
    each = rest.startswith(" each")
    if rest.removeprefix(" each") and not re.match(r"[,:;]| or |\w", rest.removeprefix(" each")):
        return [], False
    return shapes, each


def _is_yield(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Yield)


def _is_in_place(node: ast.AST) -> bool:
    """Whether a statement is a call like layer.weight.copy_(…)."""
    called = getattr(getattr(node, "value", None), "func", None) if isinstance(node, ast.Expr) else None
    return isinstance(called, ast.Attribute) and called.attr.endswith("_")


def _is_expression(axis: str) -> bool:
    try:
        ast.parse(axis, mode="eval")
    except SyntaxError:
        return False
    return True


def comments_in(source: str) -> tuple[dict[int, Comment], list[tuple[int, str]]]:
    """Shape comments by the line on which their statement begins, and those (line, text) that end no statement with a value."""
    statements = [
        node for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Return) or _is_yield(node) or _is_in_place(node)
    ]
    ends = {node.end_lineno: node for node in statements}
    found, loose = {}, []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        shapes, each = shapes_in(token.string) if token.type == tokenize.COMMENT else ([], False)
        if not shapes:
            continue
        statement = ends.get(token.start[0])
        if statement is None:
            loose.append((token.start[0], token.string))
        else:
            found[statement.lineno] = Comment(statement, token.string, shapes, each)
    return found, loose


class Tracer:
    """A context in which the shape comments of some sources are compared with what their lines compute.

    Args:
        sources: text of each file by its name in tracebacks.
        sizes: what names mean everywhere. Give different sizes to different names.

    Attributes:
        seen: (file, line) of every comment that was compared with at least one value.
        wrong: the comments that did not fit.
        never: after the run, (file, line, text) of comments that were never compared.
    """

    def __init__(self, sources: dict[str, str], **sizes: int) -> None:
        self.sizes, self.seen, self.wrong = sizes, set(), []
        self.comments, self.loose, self.assigned = {}, [], {}
        for name, source in sources.items():
            self.comments[name], loose = comments_in(source)
            self.loose += [(name, *each) for each in loose]
            stored = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name))
            self.assigned[name] = {node.id for node in stored if isinstance(node.ctx, ast.Store)}

    @property
    def never(self) -> list[tuple[str, int, str]]:
        return self.loose + [
            (name, line, comment.text) for name, comments in self.comments.items() for line, comment in comments.items()
            if (name, line) not in self.seen
        ]

    def __enter__(self) -> "Tracer":
        self.before = sys.gettrace()
        sys.settrace(self.called)
        return self

    def __exit__(self, *problem: object) -> None:
        sys.settrace(self.before)

    def called(self, frame, event, argument):
        comments = self.comments.get(frame.f_code.co_filename)
        # A comprehension runs inside the statement that holds it.
        if not comments or frame.f_code.co_name in ("<listcomp>", "<dictcomp>", "<setcomp>", "<genexpr>", "<lambda>"):
            return None
        return Call(self, frame, comments).step


class Call:
    """One call of a function: the statement that is running, and what names mean in it."""

    def __init__(self, tracer: Tracer, frame, comments: dict[int, Comment]) -> None:
        self.tracer, self.comments, self.file = tracer, comments, frame.f_code.co_filename
        self.running: Comment | None = None
        self.returning: Comment | None = None  # a `return` inside of `with` goes on to the end of the `with`
        self.known: dict[str, tuple[int, int]] = {}  # name or expression: size, and the line that said so first

    def step(self, frame, event, argument):
        if event == "exception":
            self.running = self.returning = None
        elif event == "line":
            if not self.is_inside(frame.f_lineno):
                self.finish(frame)
                self.running = self.comments.get(frame.f_lineno)
        elif event == "return":
            running, self.running = self.running or self.returning, None
            if running and isinstance(running.statement, ast.Return) or running and _is_yield(running.statement):
                self.compare(frame, running, argument)
            elif running:
                self.running = running
                self.finish(frame)
        return self.step

    def is_inside(self, line: int) -> bool:
        """Whether a line belongs to the statement of several lines that is running."""
        if self.running is None:
            return False
        first, last = self.running.statement.lineno, self.running.statement.end_lineno
        return first < last and first <= line <= last

    def finish(self, frame) -> None:
        """Compare the comment of the statement that has just been run."""
        comment, self.running = self.running, None
        if comment is None:
            return
        statement = comment.statement
        if isinstance(statement, ast.Return):
            self.returning = comment
            return
        if _is_yield(statement):
            return
        if isinstance(statement, ast.Expr):
            target = statement.value.func.value
        else:
            # The last target is next to the value: `self.x = x = …`.
            target = statement.targets[-1] if isinstance(statement, ast.Assign) else statement.target
        expression = ast.parse(ast.unparse(target), mode="eval")
        value = eval(compile(expression, "<target>", "eval"), frame.f_globals, frame.f_locals)
        if isinstance(target, ast.Tuple):
            named = [getattr(part, "id", "") != "_" for part in target.elts]
            value = tuple(each for each, has_name in zip(value, named) if has_name)
        self.compare(frame, comment, value)

    def compare(self, frame, comment: Comment, value: Any) -> None:
        values = [each for each in (value if isinstance(value, list | tuple) else [value]) if hasattr(each, "shape")]
        if not comment.each:
            values = values[: len(comment.shapes)]
        if not values:
            return
        line = comment.statement.lineno
        self.tracer.seen.add((self.file, line))
        self.known = {name: (size, first) for name, (size, first) in self.known.items() if first != line}
        shapes = comment.shapes * len(values) if len(comment.shapes) == 1 and comment.each else comment.shapes
        fits = len(shapes) == len(values) and all(
            self.fits(frame, line, axes, each) and (dtype is None or f"torch.{dtype}" == str(getattr(each, "dtype", "")))
            for (axes, dtype), each in zip(shapes, values)
        )
        if not fits:
            found = ", ".join(f"{tuple(each.shape)} {str(getattr(each, 'dtype', '')).removeprefix('torch.')}" for each in values)
            self.tracer.wrong.append(Wrong(self.file, line, comment.text, found))

    def fits(self, frame, line: int, axes: list[str], value: torch.Tensor) -> bool:
        shape = list(value.shape)
        if axes[0] == "…":
            axes, shape = axes[1:], shape[max(0, len(shape) - len(axes) + 1) :]
        return len(axes) == len(shape) and all(self.is_size(frame, line, axis, size) for axis, size in zip(axes, shape))

    def is_size(self, frame, line: int, axis: str, size: int) -> bool:
        """Whether an axis can have this size; where it is the first to say so, it is remembered."""
        names = {node.id for node in ast.walk(ast.parse(axis, mode="eval")) if isinstance(node, ast.Name)}
        meant = {name: self.meaning(frame, name) for name in names}
        unknown = [name for name, value in meant.items() if value is None]
        if not unknown:
            return eval(axis, {}, meant) == size
        if len(unknown) == 1 and re.fullmatch(r"[\w\s+]+", axis) and axis.split().count(unknown[0]) == 1:
            # The only unknown name of a sum is the rest of it.
            rest = size - eval(axis, {}, {**meant, unknown[0]: 0})
            self.known[unknown[0]] = rest, line
            return rest >= 0
        return self.known.setdefault(axis, (size, line))[0] == size

    def meaning(self, frame, name: str) -> int | None:
        # A cell of a notebook knows the variables of all cells before it; only its own count.
        is_local = frame.f_locals is not frame.f_globals or name in self.tracer.assigned[self.file]
        for variables in (frame.f_locals if is_local else {}, self.tracer.sizes):
            if isinstance(variables.get(name), int):
                return variables[name]
        return self.known[name][0] if name in self.known else None
