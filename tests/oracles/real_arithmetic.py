"""The real number that an expression is, with a bound on what rounding may do to it.

Fifty digits by mpmath, straight from Python's syntax tree. Beside each value goes a bound on how
far a computation in doubles may be from it; where that bound reaches across a jump of ``floor``,
``%`` or a comparison, the expression has no value that doubles have to agree on, and is left out.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Mapping
from typing import Any

import mpmath

mpmath.mp.dps = 50
_EXACT = {"+", "-", "*", "/", "//", "%", "floor", "ceil", "int", "sign", "abs", "clip", "neg"}
_JUMPS = {"//", "floor", "ceil", "int", "sign"}


class UndecidedError(Exception):
    """Doubles may give something else, or the value is not an ordinary number."""


def _whole(x: Any) -> Any:
    return mpmath.sign(x) * mpmath.floor(abs(x))


def _clip(x: Any, least: Any, most: Any) -> Any:
    if least > most:
        raise UndecidedError
    return min(max(x, least), most)


_NAMES = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
}
_MEANS: dict[str, Callable[..., Any]] = {
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "/": lambda x, y: x / y,
    "//": lambda x, y: mpmath.floor(x / y),
    "%": lambda x, y: x - y * mpmath.floor(x / y),
    "**": lambda x, y: x**y,
    "neg": lambda x: -x,
    "exprel": lambda x: mpmath.expm1(x) / x if x else mpmath.mpf(1),
    "int": _whole,
    "abs": abs,
    "clip": _clip,
    **{name: getattr(mpmath, name) for name in ("exp", "log", "log10", "sqrt", "sign", "floor")},
    **{name: getattr(mpmath, name) for name in ("ceil", "sin", "cos", "tan", "sinh", "cosh")},
    **{f"arc{name}": getattr(mpmath, f"a{name}") for name in ("sin", "cos", "tan")},
    "tanh": mpmath.tanh,
}
_COMPARE: dict[type, Callable[[Any, Any], bool]] = {
    ast.Lt: lambda x, y: x < y,
    ast.LtE: lambda x, y: x <= y,
    ast.Gt: lambda x, y: x > y,
    ast.GtE: lambda x, y: x >= y,
    ast.Eq: lambda x, y: x == y,
    ast.NotEq: lambda x, y: x != y,
}


def real_value(text: str, names: Mapping[str, float]) -> tuple[float, float]:
    """Value of an expression, and how far a double may be from it.

    Raises
    ------
    UndecidedError
    """
    try:
        number, error = _Real(names).number(ast.parse(text, mode="eval").body)
    except (ZeroDivisionError, OverflowError, ValueError):
        raise UndecidedError from None
    return float(number), float(error)


class _Real:
    def __init__(self, names: Mapping[str, float]) -> None:
        self.names = names

    def number(self, node: ast.expr) -> tuple[Any, Any]:
        match node:
            case ast.Constant():
                return mpmath.mpf(float(node.value)), mpmath.mpf(0)
            case ast.Name():
                return mpmath.mpf(self.names[node.id]), mpmath.mpf(0)
            case ast.UnaryOp(op=ast.USub()):
                return self.applied("neg", node.operand)
            case ast.UnaryOp(op=ast.UAdd()):
                return self.number(node.operand)
            case ast.BinOp():
                return self.applied(_NAMES[type(node.op)], node.left, node.right)
            case ast.Call(func=ast.Name(id="int"), args=[ast.Compare() | ast.BoolOp() as inner]):
                return mpmath.mpf(self.condition(inner)), mpmath.mpf(0)
            case ast.Call(func=ast.Name(id=name)):
                return self.applied(name, *node.args)
        return mpmath.mpf(self.condition(node)), mpmath.mpf(0)

    def applied(self, name: str, *nodes: ast.expr) -> tuple[Any, Any]:
        values = [self.number(node) for node in nodes]
        middle = self.ordinary(_MEANS[name](*(x for x, _ in values)))
        corners = itertools.product(*((x - e, x + e) if e else (x,) for x, e in values))
        around = [self.ordinary(_MEANS[name](*corner)) for corner in corners]
        error = max(abs(x - middle) for x in around)
        if error and (name in _JUMPS or (name == "%" and error > abs(middle) / 2)):
            raise UndecidedError
        if name == "%" and any(e for _, e in values) and not self.same_quotient(values):
            raise UndecidedError
        if error or name not in _EXACT or mpmath.mpf(float(middle)) != middle:
            # A library's power or sine may be some units in the last place off.
            error += abs(middle) * mpmath.mpf(2) ** -50
        if error > abs(middle) * 1e-9:
            raise UndecidedError
        return middle, error

    def same_quotient(self, values: list[tuple[Any, Any]]) -> bool:
        corners = itertools.product(*((x - e, x + e) for x, e in values))
        return len({mpmath.floor(x / y) for x, y in corners}) == 1

    def ordinary(self, x: Any) -> Any:
        if not isinstance(x, mpmath.mpf) or not mpmath.isfinite(x):
            raise UndecidedError
        if x and not 1e-200 < abs(x) < 1e200:
            raise UndecidedError
        return x

    def condition(self, node: ast.expr) -> bool:
        match node:
            case ast.UnaryOp(op=ast.Not()):
                return not self.condition(node.operand)
            case ast.BoolOp():
                found = [self.condition(part) for part in node.values]
                return all(found) if isinstance(node.op, ast.And) else any(found)
            case ast.Compare():
                (x, dx), (y, dy) = self.number(node.left), self.number(node.comparators[0])
                if abs(x - y) <= dx + dy and dx + dy:
                    raise UndecidedError
                return _COMPARE[type(node.ops[0])](x, y)
            case ast.Constant(value=bool()):
                return bool(node.value)
        x, dx = self.number(node)
        if x == 0 and dx:
            raise UndecidedError
        return bool(x != 0)
