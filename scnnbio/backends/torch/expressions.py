"""Checked expressions as functions of tensors: one operation per node of the syntax tree.

The operations are those of :mod:`scnnbio.neurons.arithmetic`, in the same order, so that a step of
a neuron is the reference's step. No text is executed as code.
"""

from __future__ import annotations

import ast
import functools
import operator
from collections.abc import Callable, Mapping
from typing import Any

import torch

from scnnbio.errors import SpecError
from scnnbio.neurons.arithmetic import BINARY, COMPARE, FUNCTIONS, TRUTH, deep_trees
from scnnbio.neurons.parsing import real

Names = Mapping[str, Any]
Expression = Callable[[Names], Any]

#: Beyond this, exprel is infinite in double precision.
_ENDS = 1e4
#: Below this, three terms of the series of exprel are exact in double precision.
_SMALL = 1e-5


def _exprel(x: Any) -> Any:
    """(exp(x) - 1)/x, with a gradient at 0."""
    small = x.abs() < _SMALL
    away = torch.where(small, 1.0, x.clamp(max=_ENDS))
    return torch.where(small, 1.0 + x * (0.5 + x / 6.0), torch.expm1(away) / away)


def _clip(x: Any, least: Any, most: Any) -> Any:
    low, high = (torch.as_tensor(end, dtype=x.dtype) for end in (least, most))
    return torch.minimum(torch.maximum(x, low), high)


_UNARY: dict[type, Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: torch.logical_not,
}
_CALLED: dict[str, Callable[..., Any]] = {
    **{name: getattr(torch, name) for name in ("exp", "log", "log10", "sqrt", "abs", "sin")},
    **{name: getattr(torch, name) for name in ("cos", "tan", "sinh", "cosh", "tanh", "arcsin")},
    **{name: getattr(torch, name) for name in ("arccos", "arctan", "sign", "floor", "ceil")},
    "clip": _clip,
    "exprel": _exprel,
    "int": torch.trunc,
    TRUTH: lambda x: x.to(torch.get_default_dtype()) if isinstance(x, torch.Tensor) else float(x),
}
if missing := set(FUNCTIONS) - set(
    _CALLED
):  # every function that expressions can call must be here
    raise SpecError(f"torch has no {', '.join(sorted(missing))}")


@functools.lru_cache(maxsize=512)
@deep_trees()
def compiled(text: str) -> Expression:
    """A checked expression as a function of the tensors that it names.

    Parameters
    ----------
    text : str
        An expression that :func:`~scnnbio.neurons.whitelist.check_expression` lets through.

    Returns
    -------
    callable
        From a mapping of names to tensors to a tensor, or to a number where the text names nothing.

    Raises
    ------
    SpecError
        If the expression is not plain arithmetic.

    Examples
    --------
    >>> compiled("2*v + int(v > 1)")({"v": torch.tensor([1.0, 3.0])}).tolist()
    [2.0, 7.0]
    """
    return _function(real(text))


def _function(node: ast.expr) -> Expression:
    match node:
        case ast.Constant():
            value = node.value
            return lambda names: value
        case ast.Name():
            name = node.id
            return lambda names: names[name]
        case ast.UnaryOp():
            change, inner = _UNARY[type(node.op)], _function(node.operand)
            return lambda names: change(inner(names))
        case ast.BinOp():
            return _joined(BINARY[type(node.op)], node.left, node.right)
        case ast.BoolOp():
            join = torch.logical_and if isinstance(node.op, ast.And) else torch.logical_or
            parts = [_function(part) for part in node.values]
            return lambda names: functools.reduce(join, (part(names) for part in parts))
        case ast.Compare():
            return _joined(COMPARE[type(node.ops[0])], node.left, node.comparators[0])
        case ast.Call(func=ast.Name(id=function)):
            called, given = _CALLED[function], [_function(a) for a in node.args]
            return lambda names: called(*(argument(names) for argument in given))
    raise SpecError(f"{type(node).__name__} cannot be evaluated")


def _joined(join: Callable[[Any, Any], Any], left: ast.expr, right: ast.expr) -> Expression:
    one, other = _function(left), _function(right)
    return lambda names: join(one(names), other(names))
