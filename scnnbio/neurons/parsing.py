"""Equations as text: refuse what is not arithmetic, before any parser that could run it.

Equation strings are an attack surface: several symbolic parsers evaluate their input. Text
therefore passes a whitelist of Python's own syntax tree first, and only then reaches Brian2's
parser.
"""

from __future__ import annotations

import ast
import math
import re

from scnnbio.errors import SpecError

#: Functions an expression may call; each exists on every backend's side of the lowering.
FUNCTIONS = frozenset(
    "exp log log10 sqrt abs sin cos tan sinh cosh tanh arcsin arccos arctan exprel clip sign int"
    " floor ceil".split()
)
_NODES = (
    ast.Expression,
    ast.BinOp,
    ast.UnaryOp,
    ast.BoolOp,
    ast.Compare,
    ast.Call,
    ast.Name,
    ast.Load,
    ast.Constant,
    ast.operator,
    ast.unaryop,
    ast.boolop,
    ast.cmpop,
)
_LONGEST = 2000
_LARGEST_EXPONENT = 20
_ASSIGNMENT = re.compile(r"\s*([A-Za-z]\w*)\s*([-+*/]?=)(?!=)\s*(.+?)\s*")


def check_expression(text: str, *, where: str = "") -> frozenset[str]:
    """Names that an arithmetic expression uses, or an error if it is anything else.

    Parameters
    ----------
    text : str
        The expression, in Brian2's notation.
    where : str, optional
        What the expression belongs to, for the error.

    Returns
    -------
    frozenset of str
        Names of the variables, functions left out.

    Raises
    ------
    SpecError
        If the text is too long, is no expression, or holds anything but arithmetic, comparisons,
        finite numbers, plain names and the functions of :data:`FUNCTIONS`.

    Examples
    --------
    >>> sorted(check_expression("(v_rest - v)/tau_m"))
    ['tau_m', 'v', 'v_rest']
    """
    if len(text) > _LONGEST:
        raise SpecError(
            f"the expression has {len(text)} characters; at most {_LONGEST} are read", where=where
        )
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise SpecError(
            f"{text!r} is not an expression; write arithmetic such as '(v_rest - v)/tau_m'",
            where=where,
        ) from None
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    names = set()
    for node in ast.walk(tree):
        _check_node(node, where)
        if isinstance(node, ast.Name) and id(node) not in called:
            names.add(node.id)
    return frozenset(names)


def _check_node(node: ast.AST, where: str) -> None:
    if not isinstance(node, _NODES):
        raise SpecError(f"{type(node).__name__} is not allowed in an equation", where=where)
    if isinstance(node, ast.Name) and node.id.startswith("_"):
        raise SpecError(f"{node.id!r}: names may not start with an underscore", where=where)
    if isinstance(node, ast.Constant) and not (
        type(node.value) in (int, float, bool) and math.isfinite(node.value)
    ):
        raise SpecError(f"{node.value!r} is not a finite number", where=where)
    if isinstance(node, ast.Call):
        if not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS or node.keywords:
            allowed = ", ".join(sorted(FUNCTIONS))
            raise SpecError(f"only these functions may be called: {allowed}", where=where)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        _check_power(node.right, where)


def _check_power(exponent: ast.expr, where: str) -> None:
    while isinstance(exponent, ast.UnaryOp):
        exponent = exponent.operand
    if isinstance(exponent, ast.Name):
        return
    if isinstance(exponent, ast.Constant) and abs(exponent.value) <= _LARGEST_EXPONENT:
        return
    raise SpecError(
        f"an exponent must be a name or a number up to {_LARGEST_EXPONENT}", where=where
    )


def split_assignments(text: str, *, where: str = "") -> tuple[tuple[str, str, str], ...]:
    """Statements ``name op expression`` of a reset, checked.

    Parameters
    ----------
    text : str
        Assignments separated by semicolons or line ends, such as ``"v = v_reset; w += b"``.
    where : str, optional
        What the text belongs to, for the error.

    Returns
    -------
    tuple of (name, operator, expression)
        The operator is ``=``, ``+=``, ``-=``, ``*=`` or ``/=``.

    Raises
    ------
    SpecError
        If a statement is not such an assignment.
    """
    statements = []
    for part in re.split(r"[;\n]", text):
        if not part.strip():
            continue
        match = _ASSIGNMENT.fullmatch(part)
        if match is None:
            raise SpecError(
                f"{part.strip()!r} is not an assignment; write 'v = v_reset'", where=where
            )
        check_expression(match[3], where=where)
        statements.append((match[1], match[2], match[3]))
    return tuple(statements)
