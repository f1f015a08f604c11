"""Whitelist of what expressions may contain, checked before another parser reads the text."""

from __future__ import annotations

import ast
import math
import reprlib

from scnnbio._exclusive import ignore_warnings
from scnnbio.errors import SpecError
from scnnbio.neurons.arithmetic import FUNCTIONS, MAX_TREE_DEPTH, canonical, deep_trees

_NODES = (
    *(ast.Expression, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.Call, ast.Name),
    *(ast.Load, ast.Constant),
    *(ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow),
    *(ast.UAdd, ast.USub, ast.Not, ast.And, ast.Or),
    *(ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE),
)
#: Longest text of an expression or a reset, in characters.
MAX_TEXT = 2000
_MAX_DEPTH = 50
_LARGEST_EXPONENT = 20


@deep_trees()
def check_expression(text: str, *, where: str = "") -> frozenset[str]:
    """Names in an arithmetic expression; raises if the text is anything else.

    Parameters
    ----------
    text : str
        The expression, in Brian2's notation.
    where : str, optional
        What the expression belongs to, for error messages.

    Returns
    -------
    frozenset of str
        Names of variables, without those of functions.

    Raises
    ------
    SpecError
        If the text is too long, is not an expression, or contains anything but arithmetic,
        comparisons, finite numbers, plain names and the functions of :data:`FUNCTIONS`.

    Examples
    --------
    >>> sorted(check_expression("(v_rest - v)/tau_m"))
    ['tau_m', 'v', 'v_rest']
    """
    if not isinstance(text, str):
        raise SpecError(f"{reprlib.repr(text)} is not text; write an expression", where=where)
    if len(text) > MAX_TEXT:
        raise SpecError(
            f"the expression has {len(text)} characters; at most {MAX_TEXT} are allowed",
            where=where,
        )
    if not text.isascii() or set(text) & set("#\\\n\r"):
        raise SpecError(
            f"{reprlib.repr(text)}: an expression is one line of plain ASCII without comments",
            where=where,
        )
    try:
        with ignore_warnings():  # Python warns about text such as "1if 2else 3"
            tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise SpecError(
            f"{reprlib.repr(text)} is not an expression; write arithmetic such as"
            " '(v_rest - v)/tau_m'",
            where=where,
        ) from None
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    names = set()
    for node in ast.walk(tree):
        _check_node(node, where)
        if isinstance(node, ast.Name) and id(node) not in called:
            names.add(node.id)
    _check_size(tree, where)
    canonical(tree.body, where=where)
    return frozenset(names)


def _check_node(node: ast.AST, where: str) -> None:
    if not isinstance(node, _NODES):
        raise SpecError(f"{type(node).__name__} is not allowed in an equation", where=where)
    if isinstance(node, ast.Name) and node.id.startswith("_"):
        raise SpecError(f"{node.id!r}: names may not start with an underscore", where=where)
    if isinstance(node, ast.Constant) and not _is_finite(node.value):
        raise SpecError(f"{reprlib.repr(node.value)} is not a finite number", where=where)
    if isinstance(node, ast.Call) and not (
        isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS and not node.keywords
    ):
        allowed = ", ".join(sorted(FUNCTIONS))
        raise SpecError(f"only these functions may be called: {allowed}", where=where)
    if isinstance(node, ast.Call) and len(node.args) != _arguments(node.func):
        raise SpecError(
            f"{ast.unparse(node.func)} takes {_arguments(node.func)} values, not {len(node.args)}",
            where=where,
        )
    if isinstance(node, ast.Compare) and len(node.ops) > 1:
        raise SpecError(
            "compare two values at a time, and join comparisons with 'and'", where=where
        )


def _arguments(function: ast.expr) -> int:
    return 3 if isinstance(function, ast.Name) and function.id == "clip" else 1


def _is_finite(value: object) -> bool:
    try:
        return isinstance(value, int | float) and math.isfinite(value)
    except OverflowError:  # an integer that overflows a double
        return False


def _check_size(tree: ast.Expression, where: str) -> None:
    """Raise for powers that a symbolic parser would expand endlessly, and for deep nesting."""
    waiting: list[tuple[ast.AST, float, int, int]] = [(tree, 1.0, 0, 0)]
    while waiting:
        node, power, depth, levels = waiting.pop()
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            power *= max(_exponent(node.right, where), 1.0)
        if power > _LARGEST_EXPONENT:
            raise SpecError(
                f"powers of powers multiply to more than {_LARGEST_EXPONENT}", where=where
            )
        if depth > _MAX_DEPTH:
            raise SpecError(
                f"the expression is nested more than {_MAX_DEPTH} deep; split it up", where=where
            )
        if levels > MAX_TREE_DEPTH:
            raise SpecError(
                f"a sum or product has more than {MAX_TREE_DEPTH} terms; split the expression up",
                where=where,
            )
        for child in ast.iter_child_nodes(node):
            waiting.append((child, power, depth + (not _in_a_row(node, child)), levels + 1))


def _in_a_row(node: ast.AST, child: ast.AST) -> bool:
    """Whether the child continues the sum or product of its parent."""
    if not isinstance(node, ast.BinOp) or child is not node.left:
        return False
    kinds = ((ast.Add, ast.Sub), (ast.Mult, ast.Div))
    return isinstance(child, ast.BinOp) and any(
        isinstance(node.op, kind) and isinstance(child.op, kind) for kind in kinds
    )


def _exponent(node: ast.expr, where: str) -> float:
    """Absolute value of a literal exponent; 1 for a name."""
    while isinstance(node, ast.UnaryOp):
        node = node.operand
    if isinstance(node, ast.Name):
        return 1.0
    if isinstance(node, ast.Constant) and abs(_number(node)) <= _LARGEST_EXPONENT:
        return abs(_number(node))
    raise SpecError(
        f"an exponent must be a name or a number up to {_LARGEST_EXPONENT}", where=where
    )


def _number(node: ast.Constant) -> float:
    return float(node.value) if isinstance(node.value, int | float) else math.inf
