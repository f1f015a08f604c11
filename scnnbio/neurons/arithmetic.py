"""Meaning of a checked expression: arithmetic on real numbers, the same in every language.

Languages give different results for ``10**-1``, ``3/2`` or ``int(x)`` of a large number, because
they use integers there. Here every number is a double, and every function takes and returns
doubles, so that no result depends on integer types. A condition counts as 0 or 1 where a number is
needed, and a number is true where it is not 0. ``//`` and ``%`` round towards minus infinity, as in
Python: ``x == y*(x // y) + x % y``, and ``x % y`` has the sign of y. ``int`` truncates.

:func:`canonical` rewrites a syntax tree to this meaning, :func:`value` computes it with numpy, and
:class:`scnnbio.backends.notation.Notation` prints it in another language.
"""

from __future__ import annotations

import ast
import contextlib
import operator
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from scnnbio.errors import SpecError

#: Most nested operations. Python parses a sum to a tree as deep as its number of terms.
MAX_TREE_DEPTH = 200
#: Name of the function that converts a condition to a number. Users cannot write names with "_".
TRUTH = "_truth"

#: What each operator of a text does, on any kind of number.
BINARY: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
COMPARE: dict[type, Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_UNARY: dict[type, Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: np.logical_not,
}


def _exprel(x: Any) -> Any:
    from scipy.special import exprel

    return exprel(x)


#: Functions that an expression may call; every backend has an equivalent.
FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: getattr(np, name) for name in ("exp", "log", "log10", "sqrt", "abs", "sin", "cos")},
    **{name: getattr(np, name) for name in ("tan", "sinh", "cosh", "tanh", "arcsin", "arccos")},
    **{name: getattr(np, name) for name in ("arctan", "clip", "sign", "floor", "ceil")},
    "exprel": _exprel,
    "int": np.trunc,
}
#: Operators of a sum or product, with their inverses: a - b + c is a - (b - c).
_ROWS: tuple[dict[type, type], ...] = (
    {ast.Add: ast.Sub, ast.Sub: ast.Add},
    {ast.Mult: ast.Div, ast.Div: ast.Mult},
)
#: A longer sum is split into halves, so that its tree stays shallow for recursive functions.
_LONGEST_ROW = 50

_CALLED = {**FUNCTIONS, TRUTH: lambda x: np.asarray(x).astype(np.float64)}


@contextlib.contextmanager
def deep_trees() -> Iterator[None]:
    """Raise Python's recursion limit for the deepest expression that is allowed.

    Some parsers, such as Brian2's, call a dozen functions per operation.
    """
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, 20 * MAX_TREE_DEPTH + 2000))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def is_condition(node: ast.expr) -> bool:
    """Whether an expression is a condition (true or false) and not a number."""
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.Not)
    if isinstance(node, ast.Constant):
        return isinstance(node.value, bool)
    return isinstance(node, ast.Compare | ast.BoolOp)


def canonical(
    node: ast.expr, values: Mapping[str, float] | None = None, *, where: str = ""
) -> ast.expr:
    """A checked expression in doubles, with constant parts evaluated.

    Parameters
    ----------
    node : ast.expr
    values : mapping of str to float, optional
        Names that are constants.
    where : str, optional
        What the expression belongs to, for error messages.

    Returns
    -------
    ast.expr
        Numbers are combined only by ``+ - * / // % **`` and functions of :data:`FUNCTIONS`, where
        ``int`` takes a number; :data:`TRUTH` converts a condition to a number.

    Raises
    ------
    SpecError
        If a constant part is not a finite number, such as ``1/0``.
    """
    made = _Canonical(values or {}, where)
    return made.condition(node) if is_condition(node) else made.number(node)


class _Canonical:
    def __init__(self, values: Mapping[str, float], where: str) -> None:
        self.values, self.where = values, where

    def number(self, node: ast.expr) -> ast.expr:
        """The node where a number is needed."""
        if is_condition(node):
            return self._folded(_call(TRUTH, [self.condition(node)]))
        match node:
            case ast.Constant():
                return ast.Constant(float(node.value))  # type: ignore[arg-type]
            case ast.Name() if node.id in self.values:
                return ast.Constant(float(self.values[node.id]))
            case ast.UnaryOp():
                return self._folded(ast.UnaryOp(node.op, self.number(node.operand)))
            case ast.BinOp():
                first, rest = _row(node)
                if len(rest) > _LONGEST_ROW:
                    return self._halved([(ast.Add(), first), *rest])
                left, right = self.number(node.left), self.number(node.right)
                return self._folded(ast.BinOp(left, node.op, right))
            case ast.Call(func=ast.Name(id="int"), args=[condition]) if is_condition(condition):
                return self.number(condition)
            case ast.Call(func=ast.Name(id=function)):
                return self._folded(_call(function, [self.number(a) for a in node.args]))
        return node

    def _halved(self, row: list[tuple[ast.operator, ast.expr]]) -> ast.expr:
        """A shallow tree of operands, each with the operator before it; the first's is ignored."""
        if len(row) == 1:
            return self.number(row[0][1])
        middle = len(row) // 2
        left, right = row[:middle], row[middle:]
        between = right[0][0]
        if isinstance(between, ast.Sub | ast.Div):
            # a - b + c is a - (b - c).
            other = next(kinds for kinds in _ROWS if type(between) in kinds)
            right = [(other[type(op)](), part) for op, part in right]
        return self._folded(ast.BinOp(self._halved(left), between, self._halved(right)))

    def condition(self, node: ast.expr) -> ast.expr:
        """The node where a condition is needed."""
        match node:
            case ast.Constant(value=bool()):
                return node
            case ast.UnaryOp(op=ast.Not()):
                return ast.UnaryOp(node.op, self.condition(node.operand))
            case ast.BoolOp():
                return ast.BoolOp(node.op, [self.condition(part) for part in node.values])
            case ast.Compare():
                parts = [self.number(part) for part in node.comparators]
                return ast.Compare(self.number(node.left), node.ops, parts)
        return ast.Compare(self.number(node), [ast.NotEq()], [ast.Constant(0.0)])

    def _folded(self, node: ast.expr) -> ast.expr:
        """The node, evaluated if all its parts are numbers."""
        if not all(isinstance(part, ast.Constant) for part in _parts(node)):
            return node
        with np.errstate(all="ignore"):
            found = float(value(node, {}))
        if not np.isfinite(found):
            raise SpecError(f"{ast.unparse(node)!r} is not a finite number", where=self.where)
        return ast.Constant(found)


def _row(node: ast.BinOp) -> tuple[ast.expr, list[tuple[ast.operator, ast.expr]]]:
    """The first operand of a sum or product, and the others with the operators before them."""
    kinds = next((kinds for kinds in _ROWS if type(node.op) in kinds), {})
    first: ast.expr = node
    rest: list[tuple[ast.operator, ast.expr]] = []
    while isinstance(first, ast.BinOp) and type(first.op) in kinds:
        rest.append((first.op, first.right))
        first = first.left
    return first, rest[::-1]


def _parts(node: ast.expr) -> list[ast.expr]:
    match node:
        case ast.UnaryOp():
            return [node.operand]
        case ast.BinOp():
            return [node.left, node.right]
        case ast.Call():
            return node.args
    return [node]


def _call(function: str, arguments: list[ast.expr]) -> ast.Call:
    return ast.Call(ast.Name(function, ast.Load()), arguments, [])


def value(node: ast.expr, names: Mapping[str, Any]) -> Any:
    """Value of a :func:`canonical` expression.

    Parameters
    ----------
    node : ast.expr
    names : mapping of str to array or float
        Values of all its names.

    Returns
    -------
    array or float
    """
    match node:
        case ast.Constant(value=bool()):
            return node.value
        case ast.Constant():
            # Not Python's float, which raises errors and gives complex numbers.
            return np.float64(node.value)  # type: ignore[arg-type]
        case ast.Name():
            found = names[node.id]
            return np.float64(found) if isinstance(found, int | float) else found
        case ast.UnaryOp():
            return _UNARY[type(node.op)](value(node.operand, names))
        case ast.BinOp():
            return BINARY[type(node.op)](value(node.left, names), value(node.right, names))
        case ast.BoolOp():
            join = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
            result = value(node.values[0], names)
            for part in node.values[1:]:
                result = join(result, value(part, names))
            return result
        case ast.Compare():
            left, right = value(node.left, names), value(node.comparators[0], names)
            return COMPARE[type(node.ops[0])](left, right)
        case ast.Call(func=ast.Name(id=function)):
            return _CALLED[function](*(value(a, names) for a in node.args))
    raise SpecError(f"{type(node).__name__} cannot be evaluated")
