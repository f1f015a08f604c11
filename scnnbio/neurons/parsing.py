"""Parsing of expressions, thresholds, resets and names.

Equation strings are an attack surface: several symbolic parsers evaluate their input. So
:mod:`scnnbio.neurons.whitelist` first checks that Python's syntax tree of the text holds arithmetic
only; after that the text reaches Brian2's parser.
"""

from __future__ import annotations

import ast
import functools
import re
import reprlib
from collections.abc import Mapping

from scnnbio.errors import SpecError
from scnnbio.neurons.arithmetic import canonical, deep_trees, is_condition
from scnnbio.neurons.whitelist import MAX_TEXT, check_expression

_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_ASSIGNMENT = re.compile(r"([A-Za-z]\w*)\s*([-+*/]?=)(?!=)(.+)", re.DOTALL)


def real(text: str, values: Mapping[str, float] | None = None) -> ast.expr:
    """A checked expression as arithmetic on real numbers; see ``canonical`` in ``arithmetic``.

    Parameters
    ----------
    text : str
        Text that :func:`check_expression` accepts.
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
    """Names in an expression whose value is a number; raises if its value is a condition.

    Conditions are allowed only inside ``int()``, which converts them to 0 or 1: simulators differ
    in the value of a condition times a number.

    Parameters
    ----------
    text : str
        The expression, in Brian2's notation.
    where : str, optional
        What the expression belongs to, for error messages.

    Returns
    -------
    frozenset of str
        As :func:`check_expression`.

    Raises
    ------
    SpecError
        If :func:`check_expression` rejects the text, or a condition is used as a number.

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
    """Both sides of a threshold; the first must exceed the second for a spike.

    Parameters
    ----------
    threshold : str
        A condition that :func:`check_expression` accepts.

    Returns
    -------
    rising, level : str

    Raises
    ------
    SpecError
        If the condition is not a single comparison by ``>``, ``>=``, ``<`` or ``<=``.

    Examples
    --------
    >>> sides("v_thresh <= v")
    ('v', 'v_thresh')
    """
    check_expression(threshold)
    node = ast.parse(threshold.strip(), mode="eval").body
    if not isinstance(node, ast.Compare) or len(node.ops) != 1:
        raise SpecError(f"the threshold {threshold!r} is not a single comparison")
    left, right = ast.unparse(node.left), ast.unparse(node.comparators[0])
    if isinstance(node.ops[0], ast.Lt | ast.LtE):
        return right, left
    if not isinstance(node.ops[0], ast.Gt | ast.GtE):
        raise SpecError(f"the threshold {threshold!r} compares by neither '>=' nor '<='")
    return left, right


def excess_over(threshold: str) -> str:
    """Excess over a threshold, as an expression; the threshold must be a single comparison.

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


def split_assignments(text: str, *, where: str = "") -> tuple[tuple[str, str, str], ...]:
    """Statements ``name op expression`` of a reset, checked.

    Parameters
    ----------
    text : str
        Assignments separated by semicolons or line ends, such as ``"v = v_reset; w += b"``.
    where : str, optional
        What the text belongs to, for error messages.

    Returns
    -------
    tuple of (name, operator, expression)
        The operator is ``=``, ``+=``, ``-=``, ``*=`` or ``/=``.

    Raises
    ------
    SpecError
        If a statement is not such an assignment.
    """
    if not isinstance(text, str) or len(text) > MAX_TEXT:
        raise SpecError(
            f"{reprlib.repr(text)} is not a reset; write 'v = v_reset', in at most {MAX_TEXT}"
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
        Old name → new name or number, negative ones in brackets; functions are not renamed.

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
        """Visit the arguments, but not the function's name."""
        node.args = [self.visit(argument) for argument in node.args]
        return node

    def visit_Name(self, node: ast.Name) -> ast.Name:
        """Replace a name."""
        return ast.Name(self.names.get(node.id, node.id), ast.Load())


def check_name(name: object, where: str, *, dashes: bool = False) -> None:
    """Raise unless a name is valid in every simulator, in HDF5 and in file names.

    Parameters
    ----------
    name : str
    where : str
        Path into the document, for error messages.
    dashes : bool
        Whether ``-`` is allowed in the name; simulators do not accept it.

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
