"""Equations as text: refuse what is not arithmetic, before any parser that could run it.

Equation strings are an attack surface: several symbolic parsers evaluate their input. Text
therefore passes a whitelist of Python's own syntax tree first, and only then reaches Brian2's
parser.
"""

from __future__ import annotations

import ast
import functools
import math
import re
import reprlib
from collections.abc import Mapping

from scnnbio._turns import unwarned
from scnnbio.errors import SpecError
from scnnbio.neurons.arithmetic import DEEPEST_TREE, FUNCTIONS, canonical, deep_trees, is_condition

_NODES = (
    *(ast.Expression, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.Call, ast.Name),
    *(ast.Load, ast.Constant),
    *(ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow),
    *(ast.UAdd, ast.USub, ast.Not, ast.And, ast.Or),
    *(ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE),
)
#: Characters of an expression or a reset that are read.
LONGEST = 2000
_DEEPEST = 50
_LARGEST_EXPONENT = 20
_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_ASSIGNMENT = re.compile(r"([A-Za-z]\w*)\s*([-+*/]?=)(?!=)(.+)", re.DOTALL)


@deep_trees()
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
    if not isinstance(text, str):
        raise SpecError(f"{reprlib.repr(text)} is not text; write an expression", where=where)
    if len(text) > LONGEST:
        raise SpecError(
            f"the expression has {len(text)} characters; at most {LONGEST} are read", where=where
        )
    if not text.isascii() or set(text) & set("#\\\n\r"):
        raise SpecError(
            f"{reprlib.repr(text)}: an expression is one line of plain ASCII without comments",
            where=where,
        )
    try:
        with unwarned():  # on text such as "1if 2else 3", which is refused
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


def real(text: str, values: Mapping[str, float] | None = None) -> ast.expr:
    """A checked expression as arithmetic on real numbers; :func:`.arithmetic.canonical`.

    Parameters
    ----------
    text : str
        As :func:`check_expression` lets through.
    values : mapping of str to float, optional
        Names that are constants.

    Returns
    -------
    ast.expr

    Raises
    ------
    SpecError
        If the text is not arithmetic, or a constant part of it is not a finite number.

    Examples
    --------
    >>> ast.unparse(real("v*10**-1 + int(v > 2)"))
    'v * 0.1 + _truth(v > 2.0)'
    """
    if not values:
        return _real(text)
    with deep_trees():
        return canonical(_checked(text), values)


@functools.lru_cache(maxsize=512)
def _checked(text: str) -> ast.expr:
    check_expression(text)
    return ast.parse(text.strip(), mode="eval").body


@functools.lru_cache(maxsize=512)
@deep_trees()
def _real(text: str) -> ast.expr:
    return canonical(_checked(text))


def check_number(text: str, *, where: str = "") -> frozenset[str]:
    """Names that an expression uses whose value is a number, or an error if it is anything else.

    Conditions may stand inside ``int()``, which makes them 0 or 1, and nowhere else: simulators
    differ in what a condition times a number is.

    Parameters
    ----------
    text : str
        The expression, in Brian2's notation.
    where : str, optional
        What the expression belongs to, for the error.

    Returns
    -------
    frozenset of str
        As :func:`check_expression`.

    Raises
    ------
    SpecError
        If :func:`check_expression` refuses the text, or a condition stands in place of a number.

    Examples
    --------
    >>> sorted(check_number("a*int(x > 0.5)"))
    ['a', 'x']
    """
    names = check_expression(text, where=where)
    waiting = [ast.parse(text.strip(), mode="eval").body]
    while waiting:
        node = waiting.pop()
        if is_condition(node):
            raise SpecError(
                f"{ast.unparse(node)!r} is a condition where a number is needed; write"
                f" int({ast.unparse(node)})",
                where=where,
            )
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "int":
            continue
        waiting += [n for n in ast.iter_child_nodes(node) if isinstance(n, ast.expr)]
    return names


def sides(threshold: str) -> tuple[str, str]:
    """Both sides of a threshold, the one that has to rise first.

    Parameters
    ----------
    threshold : str
        A condition that :func:`check_expression` lets through.

    Returns
    -------
    rising, level : str

    Raises
    ------
    SpecError
        If the condition is not one ``>``, ``>=``, ``<`` or ``<=``.

    Examples
    --------
    >>> sides("v_thresh <= v")
    ('v', 'v_thresh')
    """
    check_expression(threshold)
    node = ast.parse(threshold.strip(), mode="eval").body
    if not isinstance(node, ast.Compare) or len(node.ops) != 1:
        raise SpecError(f"the threshold {threshold!r} is not one comparison")
    left, right = ast.unparse(node.left), ast.unparse(node.comparators[0])
    if isinstance(node.ops[0], ast.Lt | ast.LtE):
        return right, left
    if not isinstance(node.ops[0], ast.Gt | ast.GtE):
        raise SpecError(f"the threshold {threshold!r} is neither '>=' nor '<='")
    return left, right


def excess_over(threshold: str) -> str:
    """By how much a threshold of one comparison is crossed, as an expression.

    Raises
    ------
    SpecError
        As :func:`sides`.

    Examples
    --------
    >>> excess_over("v >= v_thresh")
    '(v) - (v_thresh)'
    """
    rising, level = sides(threshold)
    return f"({rising}) - ({level})"


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
        raise SpecError("compare two values at a time, and join with 'and'", where=where)


def _arguments(function: ast.expr) -> int:
    return 3 if isinstance(function, ast.Name) and function.id == "clip" else 1


def _is_finite(value: object) -> bool:
    try:
        return isinstance(value, int | float) and math.isfinite(value)
    except OverflowError:  # a whole number beyond all floats
        return False


def _check_size(tree: ast.Expression, where: str) -> None:
    """Refuse powers that a symbolic parser would work out for ever, and what nests too deeply."""
    waiting: list[tuple[ast.AST, float, int, int]] = [(tree, 1.0, 0, 0)]
    while waiting:
        node, power, depth, levels = waiting.pop()
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            power *= max(_exponent(node.right, where), 1.0)
        if power > _LARGEST_EXPONENT:
            raise SpecError(
                f"powers of powers multiply to more than {_LARGEST_EXPONENT}", where=where
            )
        if depth > _DEEPEST:
            raise SpecError(
                f"the expression nests more than {_DEEPEST} deep; split it up", where=where
            )
        if levels > DEEPEST_TREE:
            raise SpecError(
                f"more than {DEEPEST_TREE} operations stand in a row; split the expression up",
                where=where,
            )
        for child in ast.iter_child_nodes(node):
            waiting.append((child, power, depth + (not _in_a_row(node, child)), levels + 1))


def _in_a_row(node: ast.AST, child: ast.AST) -> bool:
    """Whether a term only goes on with a sum, or a factor with a product."""
    if not isinstance(node, ast.BinOp) or child is not node.left:
        return False
    kinds = ((ast.Add, ast.Sub), (ast.Mult, ast.Div))
    return isinstance(child, ast.BinOp) and any(
        isinstance(node.op, kind) and isinstance(child.op, kind) for kind in kinds
    )


def _exponent(node: ast.expr, where: str) -> float:
    """Size of a literal exponent, 1 for a name."""
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
    if not isinstance(text, str) or len(text) > LONGEST:
        raise SpecError(
            f"{reprlib.repr(text)} is not a reset; write 'v = v_reset', in at most {LONGEST}"
            " characters",
            where=where,
        )
    statements = []
    for part in filter(None, map(str.strip, re.split(r"[;\n]", text))):
        match = _ASSIGNMENT.fullmatch(part)
        if match is None:
            raise SpecError(f"{part!r} is not an assignment; write 'v = v_reset'", where=where)
        check_expression(match[3], where=where)
        statements.append((match[1], match[2], match[3].strip()))
    return tuple(statements)


@deep_trees()
def renamed(text: str, names: Mapping[str, str]) -> str:
    """A checked expression with some of its names replaced.

    Parameters
    ----------
    text : str
    names : mapping of str to str
        Old name → new one, or a number, in brackets if it is negative; functions keep theirs.

    Returns
    -------
    str

    Examples
    --------
    >>> renamed("exp(-v/tau)*v", {"v": "x", "exp": "y"})
    'exp(-x / tau) * x'
    """
    return ast.unparse(_Renamer(names).visit(ast.parse(text.strip(), mode="eval")))


class _Renamer(ast.NodeTransformer):
    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = names

    def visit_Call(self, node: ast.Call) -> ast.Call:
        """Go into the arguments and leave the function's name."""
        node.args = [self.visit(argument) for argument in node.args]
        return node

    def visit_Name(self, node: ast.Name) -> ast.Name:
        """Replace a name."""
        return ast.Name(self.names.get(node.id, node.id), ast.Load())


def check_name(name: object, where: str, *, dashes: bool = False) -> None:
    """Refuse what cannot name a thing in every simulator, in HDF5 and in a file's name.

    Parameters
    ----------
    name : str
    where : str
        Path into the document, for the error.
    dashes : bool
        Whether ``-`` may stand in the name; simulators do not take it.

    Raises
    ------
    SpecError
        If the name is not a letter followed by up to 63 letters, digits and underscores.
    """
    text = name.replace("-", "_") if dashes and isinstance(name, str) else name
    if not isinstance(text, str) or len(text) > 64 or not _LABEL.fullmatch(text):
        raise SpecError(
            f"{reprlib.repr(name)} is not a name; use letters, digits and '_', a letter first",
            where=where,
        )
