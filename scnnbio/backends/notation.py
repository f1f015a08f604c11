"""Checked expressions in the notation of what runs them: Brian2, NESTML and C++.

What is printed is the :mod:`~scnnbio.neurons.arithmetic` of real numbers. Where a language has a
function that counts in integers, such as Brian2's ``floor``, another one stands in its place.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scnnbio.errors import SpecError
from scnnbio.neurons.arithmetic import FUNCTIONS, TRUTH, is_condition
from scnnbio.neurons.parsing import real

#: C++ of what C++ does not have, for whoever compiles expressions.
ARITHMETIC = Path(__file__).with_name("arithmetic.h")

_BINARY = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_CALLED = {ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**"}
_COMPARE = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
_UNARY = {ast.USub: "-", ast.UAdd: "+", ast.Not: "not "}


@dataclass(frozen=True)
class Notation:
    """How a language writes what it does not share with the others.

    Parameters
    ----------
    name : str
    formats : mapping of str to str
        How a function of ours is written, with ``{0}``, ``{1}``, ... for its values; ``//``, ``%``,
        ``**`` and :data:`~scnnbio.neurons.arithmetic.TRUTH` among them.
    true, false : str
    """

    name: str
    formats: Mapping[str, str]
    true: str = "true"
    false: str = "false"

    def number(self, expression: str, names: Mapping[str, str | float]) -> str:
        """An expression whose value is a number, every operation in parentheses.

        Parameters
        ----------
        expression : str
            As :func:`~scnnbio.neurons.whitelist.check_expression` lets through. A condition is 1
            where it holds, else 0.
        names : mapping of str to str or float
            What stands for each name: text, or a number that is part of the expression.

        Raises
        ------
        SpecError
            If the language does not have what the expression asks for.
        """
        tree, texts = _with_numbers(expression, names)
        text = self._print(tree, texts)
        return self.formats[TRUTH].format(text) if is_condition(tree) else text

    def condition(self, expression: str, names: Mapping[str, str | float]) -> str:
        """An expression that is true or false; as :meth:`number`."""
        tree, texts = _with_numbers(expression, names)
        text = self._print(tree, texts)
        return text if is_condition(tree) else f"({text} != 0.0)"

    def _print(self, node: ast.expr, names: Mapping[str, str]) -> str:
        match node:
            case ast.Constant(value=bool() as value):
                return self.true if value else self.false
            case ast.Constant(value=float() as number):
                return repr(number) if number >= 0 else f"({number!r})"
            case ast.Name():
                return names[node.id]
            case ast.UnaryOp():
                return f"({_UNARY[type(node.op)]}{self._print(node.operand, names)})"
            case ast.BinOp() if type(node.op) in _BINARY:
                left, right = self._print(node.left, names), self._print(node.right, names)
                return f"({left} {_BINARY[type(node.op)]} {right})"
            case ast.BinOp(op=ast.Pow(), right=ast.Constant(value=float() as exponent)) if (
                exponent.is_integer() and abs(exponent) < 100
            ):
                # Compilers know powers such as x**2; the base is a double, so all of it is.
                whole = str(int(exponent)) if exponent >= 0 else f"({int(exponent)})"
                return self.formats["**"].format(self._print(node.left, names), whole)
            case ast.BinOp():
                return self._call(_CALLED[type(node.op)], [node.left, node.right], names)
            case ast.BoolOp():
                join = " and " if isinstance(node.op, ast.And) else " or "
                return f"({join.join(self._print(value, names) for value in node.values)})"
            case ast.Compare():
                left = self._print(node.left, names)
                right = self._print(node.comparators[0], names)
                return f"({left} {_COMPARE[type(node.ops[0])]} {right})"
            case ast.Call(func=ast.Name(id=function)):
                return self._call(function, node.args, names)
        raise SpecError(f"{ast.unparse(node)!r} has no counterpart in {self.name}")

    def _call(self, function: str, values: list[ast.expr], names: Mapping[str, str]) -> str:
        return self.formats[function].format(*(self._print(value, names) for value in values))


def _with_numbers(
    expression: str, names: Mapping[str, str | float]
) -> tuple[ast.expr, dict[str, str]]:
    numbers = {name: value for name, value in names.items() if not isinstance(value, str)}
    texts = {name: value for name, value in names.items() if isinstance(value, str)}
    return real(expression, numbers), texts


def _call(function: str, values: int = 1) -> str:
    return f"{function}({', '.join(f'{{{k}}}' for k in range(values))})"


_SHARED = {name: _call(name, 3 if name == "clip" else 1) for name in FUNCTIONS}

#: Brian2's own functions, and ours (:mod:`scnnbio.backends.brian2.functions`) in place of those
#: that count in integers.
BRIAN2 = Notation(
    "Brian2",
    {
        **_SHARED,
        **{name: _call(f"_{name}") for name in ("floor", "ceil", "sign")},
        # Brian2's own gives in C++ the lower bound where the bounds are the wrong way round.
        "clip": "_clip({0}, {1}, {2})",
        "int": "_trunc({0})",
        "**": "({0}**{1})",
        "//": "_floor_divide({0}, {1})",
        "%": "_remainder({0}, {1})",
        TRUTH: "_truth({0})",
    },
    "True",
    "False",
)

#: Functions of C++ → what a NESTML model calls, which has to define it by that C++.
IN_CPP = {
    "sqrt": ("square_root", "std::sqrt( x )"),
    "arcsin": ("arc_sine", "std::asin( x )"),
    "arccos": ("arc_cosine", "std::acos( x )"),
    "arctan": ("arc_tangent", "std::atan( x )"),
    "int": ("truncated", "std::trunc( x )"),
    "sign": ("sign_of", "scnnbio_sign( x )"),
    "//": ("floor_divided", "scnnbio_floor_divide( x, y )"),
    "%": ("remainder_of", "scnnbio_remainder( x, y )"),
}
NESTML = Notation(
    "NESTML",
    {
        **_SHARED,
        "log": "ln({0})",
        "**": "({0} ** {1})",
        TRUTH: "({0} ? 1.0 : 0.0)",
        **{name: _call(own, 1 + (name in "//%")) for name, (own, _) in IN_CPP.items()},
    },
)

CPP = Notation(
    "C++",
    {
        **{name: _call(f"std::{name}") for name in FUNCTIONS},
        **{f"arc{name}": _call(f"std::a{name}") for name in ("sin", "cos", "tan")},
        # Ours: learning_kernel.h.
        "clip": "clip({0}, {1}, {2})",
        "exprel": "exprel({0})",
        "int": "std::trunc({0})",
        "sign": "scnnbio_sign({0})",
        "**": "std::pow({0}, {1})",
        "//": "scnnbio_floor_divide({0}, {1})",
        "%": "scnnbio_remainder({0}, {1})",
        TRUTH: "({0} ? 1.0 : 0.0)",
    },
)
