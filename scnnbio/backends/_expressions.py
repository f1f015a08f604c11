"""Checked expressions, evaluated on numpy arrays by walking their syntax tree: nothing is run."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from scnnbio.errors import SpecError
from scnnbio.neurons.parsing import check_expression

_BINARY: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_COMPARE: dict[type, Callable[[Any, Any], Any]] = {
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


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: getattr(np, name) for name in ("exp", "log", "log10", "sqrt", "abs", "sin", "cos")},
    **{name: getattr(np, name) for name in ("tan", "sinh", "cosh", "tanh", "arcsin", "arccos")},
    **{name: getattr(np, name) for name in ("arctan", "clip", "sign", "floor", "ceil")},
    "exprel": _exprel,
    "int": lambda x: np.asarray(x).astype(int),
}


def evaluate(text: str, names: Mapping[str, Any]) -> Any:
    """Value of a checked expression.

    Parameters
    ----------
    text : str
        An expression that :func:`~scnnbio.neurons.parsing.check_expression` lets through.
    names : mapping of str to array or float
        Value of every name in it.

    Returns
    -------
    array or float

    Raises
    ------
    SpecError
        If the expression is not plain arithmetic.

    Examples
    --------
    >>> evaluate("2*v + 1", {"v": 3.0})
    7.0
    """
    check_expression(text)
    return _value(ast.parse(text.strip(), mode="eval").body, names)


def _value(node: ast.expr, names: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant():
            return node.value
        case ast.Name():
            return names[node.id]
        case ast.UnaryOp():
            return _UNARY[type(node.op)](_value(node.operand, names))
        case ast.BinOp():
            left, right = _value(node.left, names), _value(node.right, names)
            return _BINARY[type(node.op)](left, right)
        case ast.BoolOp():
            join = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
            result = _value(node.values[0], names)
            for part in node.values[1:]:
                result = join(result, _value(part, names))
            return result
        case ast.Compare():
            return _compare(node, names)
        case ast.Call(func=ast.Name(id=function)):
            return _FUNCTIONS[function](*(_value(a, names) for a in node.args))
    raise SpecError(f"{type(node).__name__} cannot be evaluated")


def _compare(node: ast.Compare, names: Mapping[str, Any]) -> Any:
    values = [_value(part, names) for part in (node.left, *node.comparators)]
    result: Any = True
    for left, op, right in zip(values, node.ops, values[1:], strict=False):
        result = np.logical_and(result, _COMPARE[type(op)](left, right))
    return result
