"""Checked expressions in the notation of what compiles them: NESTML and C++."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from scnnbio.errors import SpecError
from scnnbio.neurons.parsing import check_expression

_BINARY = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
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
    power : str
        A power, of ``{0}`` to ``{1}``.
    functions : mapping of str to str
        Our name of a function → the language's.
    """

    name: str
    power: str
    functions: Mapping[str, str]

    def text(self, expression: str, names: Mapping[str, str]) -> str:
        """An expression in this notation, every operation in parentheses.

        Parameters
        ----------
        expression : str
            As :func:`~scnnbio.neurons.parsing.check_expression` lets through.
        names : mapping of str to str
            What stands for each name.

        Raises
        ------
        SpecError
            If the language does not have what the expression asks for.
        """
        check_expression(expression)
        return self._print(ast.parse(expression.strip(), mode="eval").body, names)

    def _print(self, node: ast.expr, names: Mapping[str, str]) -> str:
        match node:
            case ast.Constant(value=bool() as value):
                return "true" if value else "false"
            case ast.Constant():
                # Never an integer: it would be divided as one.
                return repr(float(node.value))  # type: ignore[arg-type]
            case ast.Name():
                return names[node.id]
            case ast.UnaryOp():
                return f"({_UNARY[type(node.op)]}{self._print(node.operand, names)})"
            case ast.BinOp(op=ast.Pow()):
                return self.power.format(
                    self._print(node.left, names), self._print(node.right, names)
                )
            case ast.BinOp() if type(node.op) in _BINARY:
                left, right = self._print(node.left, names), self._print(node.right, names)
                return f"({left} {_BINARY[type(node.op)]} {right})"
            case ast.BoolOp():
                join = " and " if isinstance(node.op, ast.And) else " or "
                return f"({join.join(self._print(value, names) for value in node.values)})"
            case ast.Compare():
                return self._compare(node, names)
            case ast.Call(
                func=ast.Name(id="int"), args=[ast.Compare() | ast.BoolOp() as condition]
            ):
                return f"({self._print(condition, names)} ? 1.0 : 0.0)"
            case ast.Call(func=ast.Name(id=function)) if function in self.functions:
                arguments = ", ".join(self._print(argument, names) for argument in node.args)
                return f"{self.functions[function]}({arguments})"
        raise SpecError(f"{ast.unparse(node)!r} has no counterpart in {self.name}")

    def _compare(self, node: ast.Compare, names: Mapping[str, str]) -> str:
        values = [self._print(value, names) for value in (node.left, *node.comparators)]
        triples = zip(values, node.ops, values[1:], strict=False)
        parts = [f"({a} {_COMPARE[type(op)]} {b})" for a, op, b in triples]
        return parts[0] if len(parts) == 1 else f"({' and '.join(parts)})"


NESTML = Notation(
    "NESTML",
    "({0} ** {1})",
    {
        **{name: name for name in ("exp", "log10", "abs", "sin", "cos", "tan", "sinh", "cosh")},
        **{name: name for name in ("tanh", "clip", "floor", "ceil", "exprel")},
        "log": "ln",
    },
)

CPP = Notation(
    "C++",
    "std::pow({0}, {1})",
    {
        **{name: f"std::{name}" for name in ("exp", "log", "log10", "sqrt", "abs", "sin", "cos")},
        **{name: f"std::{name}" for name in ("tan", "sinh", "cosh", "tanh", "floor", "ceil")},
        **{f"arc{name}": f"std::a{name}" for name in ("sin", "cos", "tan")},
        **{name: name for name in ("clip", "sign", "exprel")},  # ours: learning_kernel.h
        "int": "std::trunc",
    },
)
