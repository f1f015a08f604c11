"""Checked expressions, evaluated on numpy arrays by walking their syntax tree: nothing is run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scnnbio.neurons.arithmetic import value
from scnnbio.neurons.parsing import real


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
    >>> float(evaluate("2*v + 1", {"v": 3.0}))
    7.0
    """
    return value(real(text), names)
