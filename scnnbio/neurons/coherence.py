"""Expressions in scnnbio's own units: check their coherence, and convert rates of change.

ms, mV, nA, nF, uS and MOhm are coherent: nA times MOhm is mV, nF times MOhm is ms, nA times ms over
nF is mV. An expression in these units has the same value as in SI. Hz is not coherent with them: Hz
times ms is 1/1000. Thresholds and resets are evaluated as written, so one in which this matters is
refused; rates of change are scaled when a model is translated for a backend.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping

from scnnbio.errors import SpecError
from scnnbio.units import dimension, si_factor

#: Functions that keep the unit of their arguments.
_UNIT_PRESERVING = frozenset({"abs", "clip"})


def check_coherence(text: str, units: Mapping[str, str], result: str, *, where: str = "") -> None:
    """Raise unless an expression has the same value in plain units as in SI.

    Parameters
    ----------
    text : str
        A checked expression with consistent dimensions.
    units : mapping of str to str
        Plain unit of each name.
    result : str
        Plain unit of the value.
    where : str, optional
        What the expression belongs to, for the error.

    Raises
    ------
    SpecError
        If its value in plain units is wrong by a power of ten.

    Examples
    --------
    >>> check_coherence("R*I", {"R": "MOhm", "I": "nA"}, "mV")
    >>> check_coherence("exp(-f*tau)", {"f": "Hz", "tau": "ms"}, "1")
    Traceback (most recent call last):
    scnnbio.errors.SpecError: 'exp(-f*tau)' is evaluated in ms, mV, nA ... but Hz times ms is ...
    """
    powers = {name: round(math.log10(si_factor(unit))) for name, unit in units.items()}
    try:
        found = _power(ast.parse(text.strip(), mode="eval").body, powers)
    except _MixedError:
        found = None
    if found != round(math.log10(si_factor(result))):
        raise SpecError(
            f"{text!r} is evaluated in ms, mV, nA ... but Hz times ms is 1/1000, not 1; write it"
            " with a time constant in place of the rate",
            where=where,
        )


class _MixedError(Exception):
    """Two terms are wrong by different powers of ten."""


def _power(node: ast.expr, powers: Mapping[str, int]) -> float:
    """Power of ten that converts the value in plain units to SI."""
    match node:
        case ast.Name():
            return powers[node.id]
        case ast.UnaryOp():
            return _power(node.operand, powers)
        case ast.BinOp(op=ast.Mult()):
            return _power(node.left, powers) + _power(node.right, powers)
        case ast.BinOp(op=ast.Div()):
            return _power(node.left, powers) - _power(node.right, powers)
        case ast.BinOp(op=ast.Pow()):
            return _of_power(node, powers)
        case ast.BinOp():  # sums, remainders and whole quotients compare their two sides
            common = _same(node.left, node.right, powers=powers)
            return 0 if isinstance(node.op, ast.FloorDiv) else common
        case ast.BoolOp():
            return _same(*node.values, powers=powers)
        case ast.Compare():
            _same(node.left, *node.comparators, powers=powers)
            return 0
        case ast.Call(func=ast.Name(id=function)):
            return _of_call(function, node.args, powers)
    return 0


def _of_power(node: ast.BinOp, powers: Mapping[str, int]) -> float:
    base = _power(node.left, powers)
    if _power(node.right, powers):
        raise _MixedError
    if base == 0:
        return 0
    try:
        return base * float(ast.literal_eval(node.right))
    except ValueError:  # a name: then the base must be coherent
        raise _MixedError from None


def _of_call(function: str, values: list[ast.expr], powers: Mapping[str, int]) -> float:
    common = _same(*values, powers=powers)
    if function == "sqrt":
        return common / 2
    if function in _UNIT_PRESERVING:
        return common
    if common and function != "sign":
        raise _MixedError
    return 0


def _same(*nodes: ast.expr, powers: Mapping[str, int]) -> float:
    found = {_power(node, powers) for node in nodes}
    if len(found) > 1:
        raise _MixedError
    return found.pop()


def per_ms(rate: str, units: Mapping[str, str], unit: str) -> str:
    """Convert a rate of change from SI, so that plain numbers give ``unit`` per ms.

    Parameters
    ----------
    rate : str
        A checked expression with consistent dimensions.
    units : mapping of str to str
        Plain unit of each name.
    unit : str
        Plain unit of the changing variable.

    Returns
    -------
    str

    Examples
    --------
    >>> per_ms("eta*(x/tau - target)", {"eta": "mV", "tau": "ms", "target": "Hz", "x": "1"}, "mV")
    'eta * (x / tau - 0.001 * target)'
    """
    tree = _InKilohertz(units).visit(ast.parse(rate.strip(), mode="eval"))
    text = ast.unparse(tree)
    return f"1000.0*({text})" if dimension(unit) == "frequency" else text


class _InKilohertz(ast.NodeTransformer):
    """Converts every frequency from Hz to kHz, which is coherent with ms."""

    def __init__(self, units: Mapping[str, str]) -> None:
        self.units = units

    def visit_Call(self, node: ast.Call) -> ast.Call:
        """Go into the arguments and leave the function's name."""
        node.args = [self.visit(argument) for argument in node.args]
        return node

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Scale a frequency."""
        if dimension(self.units[node.id]) != "frequency":
            return node
        return ast.BinOp(ast.Constant(0.001), ast.Mult(), node)
