"""Checked expressions written in other languages: Brian2, NESTML and C++.

The text has the meaning of :mod:`~scnnbio.neurons.arithmetic` on real numbers. Functions of a
language that use integers, such as Brian2's ``floor``, are replaced by others.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scnnbio.errors import SpecError
from scnnbio.neurons.arithmetic import FUNCTIONS, TRUTH, is_condition
from scnnbio.neurons.parsing import real

#: C++ source of functions that C++ lacks, to be included by compiled expressions.
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
    """How a language writes functions, operators and constants.

    Parameters
    ----------
    name : str
    formats : mapping of str to str
        Format of each function, with ``{0}``, ``{1}``, ... for its arguments, also of ``//``,
        ``%``, ``**`` and :data:`~scnnbio.neurons.arithmetic.TRUTH`.
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
            Text that :func:`~scnnbio.neurons.whitelist.check_expression` accepts. A condition is 1
            if true, else 0.
        names : mapping of str to str or float
            Replacement of each name: text, or a number that becomes part of the expression.

        Raises
        ------
        SpecError
            If the language cannot express it.
        """
        tree, texts = _with_numbers(expression, names)
        text = self._print(tree, texts)
        return self.formats[TRUTH].format(text) if is_condition(tree) else text

    def condition(self, expression: str, names: Mapping[str, str | float]) -> str:
        """An expression that is true or false; arguments as for :meth:`number`."""
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
                # Compilers optimise powers such as x**2; the result is a double, as the base is.
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

#: Brian2's functions, and scnnbio's (:mod:`scnnbio.backends.brian2.functions`) in place of those
#: that use integers.
BRIAN2 = Notation(
    "Brian2",
    {
        **_SHARED,
        **{name: _call(f"_{name}") for name in ("floor", "ceil", "sign")},
        # Brian2's clip returns the lower bound in C++ if the bounds are swapped.
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

#: Function → its name in a NESTML model, and the C++ that defines it there.
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
        # Defined in learning_kernel.h.
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
