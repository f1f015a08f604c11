"""Evaluation of checked expressions on numpy arrays, from their syntax tree, without ``eval``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scnnbio.neurons.arithmetic import value
from scnnbio.neurons.parsing import real


def evaluate(text: str, names: Mapping[str, Any]) -> Any:
    """Value of a checked expression.

    Parameters
    ----------
    text : str
        An expression that :func:`~scnnbio.neurons.whitelist.check_expression` accepts.
    names : mapping of str to array or float
        Values of all its names.

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


def assigned(old: NDArray[np.float64], operator: str, new: Any) -> NDArray[np.float64]:
    """Value of a variable after an assignment in a reset.

    Parameters
    ----------
    old : ndarray of float64
    operator : str
        As :func:`~scnnbio.neurons.parsing.split_assignments` returns it.
    new : array or float
        Value of the right-hand side.

    Returns
    -------
    ndarray of float64
        In the shape of ``old``.
    """
    combine = {"+=": np.add, "-=": np.subtract, "*=": np.multiply, "/=": np.divide}
    value = new if operator == "=" else combine[operator](old, new)
    return np.broadcast_to(np.asarray(value, np.float64), old.shape)
