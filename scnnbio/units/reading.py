"""Plain numbers from arguments of any accepted form."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError
from scnnbio.units.conversion import carries_unit, expected, is_view, numbers_of, own_unit, short
from scnnbio.units.table import PLAIN


def plain(value: Any, unit: str, *, where: str = "") -> float:
    """Convert ``value`` to a number in ``unit``.

    Parameters
    ----------
    value : float, str or quantity
        A number (already in ``unit``), text such as ``"20 ms"``, or a quantity of
        ``quantities`` or Brian2.
    unit : str
        One of :data:`UNITS`.
    where : str, optional
        Path into the document, for error messages.

    Returns
    -------
    float

    Raises
    ------
    SpecError
        If the unit does not fit, or the number is not finite.

    Examples
    --------
    >>> plain("0.02 s", "ms")
    20.0
    >>> plain(20, "ms")
    20.0
    """
    try:
        if type(value) is float or type(value) is int:
            number = float(value)
        else:
            found = numbers_of(value, unit, where)
            if found.ndim:
                raise SpecError(
                    f"{short(value)} is not a single value; give {expected(unit)}", where=where
                )
            number = float(found)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise SpecError(
            f"{short(value)} is not finite; write {expected(unit)} that is", where=where
        )
    return number


def plain_array(
    values: Any, unit: str, *, where: str = "", finite: bool = True
) -> NDArray[np.float64]:
    """Convert ``values`` to an array of numbers in ``unit``, of the same shape.

    Parameters
    ----------
    values : array_like, text or quantities
        Numbers (already in ``unit``), an array of ``quantities`` or Brian2, or nested
        lists of values that :func:`plain` accepts.
    unit : str
        One of :data:`UNITS`.
    where : str, optional
        Path into the document, for error messages.
    finite : bool
        Whether every number must be finite. In data NaN is a missing value.

    Returns
    -------
    ndarray of float64
        ``values`` itself, not a copy, if it is such an array.

    Raises
    ------
    SpecError
        If the unit does not fit, the lists are not rectangular, or a number is not finite.

    Examples
    --------
    >>> plain_array(["0.02 s", 5, "500 us"], "ms")
    array([20. ,  5. ,  0.5])
    """
    try:
        numbers = numbers_of(values, unit, where)
    except OverflowError:
        raise SpecError(f"{short(values)} holds a number that is not finite", where=where) from None
    if finite and not np.isfinite(numbers).all():
        wrong = numbers[~np.isfinite(numbers)].flat[0]
        raise SpecError(
            f"{wrong} is not finite; write {expected(unit, True)} that are", where=where
        )
    return numbers


def plain_window(window: Any, *, where: str = "window") -> tuple[float, float]:
    """Begin and end of a time window, in ms.

    Parameters
    ----------
    window : sequence of two times
    where : str
        What the window is, for the message of an error.

    Returns
    -------
    tuple of float

    Raises
    ------
    SpecError
        If it is not two finite times with begin < end.
    """
    ends = plain_array(window, "ms", where=where)
    if ends.shape != (2,):
        raise SpecError(
            f"{short(window)} is not a time window; give (begin, end) in ms", where=where
        )
    begin, end = ends.tolist()
    if not begin < end:
        raise SpecError(
            f"the window from {begin:g} to {end:g} ms is empty; give begin < end", where=where
        )
    return begin, end


def plain_values(value: Any, unit: str, *, where: str = "") -> float | tuple[float, ...]:
    """One number, or a tuple of numbers if ``value`` is a list or an array.

    Parameters
    ----------
    value : number, quantity, text, or a list or array of these
    unit : str
        Unit of what is returned.
    where : str
        What the value is, for the message of an error.

    Returns
    -------
    float or tuple of float
    """
    if not is_several(value):
        return plain(value, unit, where=where)
    numbers = plain_array(value, unit, where=where)
    if numbers.ndim != 1 or not numbers.size:
        raise SpecError(
            f"{short(value)} is not a flat list of {expected(unit, True)}; give at least one",
            where=where,
        )
    return tuple(numbers.tolist())


def is_several(value: Any) -> bool:
    """Whether a value is a list or an array, not one number, text or quantity.

    Parameters
    ----------
    value : object

    Returns
    -------
    bool
    """
    return isinstance(value, list | tuple) or (
        (isinstance(value, np.ndarray) or is_view(value)) and np.ndim(value) > 0
    )


def whole_numbers(values: Any, *, where: str = "") -> NDArray[np.int64]:
    """Indices as 64-bit integers, of the same shape.

    Parameters
    ----------
    values : array of whole numbers
    where : str
        What the values are, for the message of an error.

    Returns
    -------
    numpy.ndarray

    Raises
    ------
    SpecError
        If a value is not a whole number, is true or false, or has a unit.
    """
    numbers = np.asarray(values) if not carries_unit(values) else None
    if numbers is not None and not numbers.size:
        return np.zeros(numbers.shape, dtype=np.int64)
    if numbers is None or numbers.dtype.kind not in "iuf":
        raise SpecError(f"{short(values)} must be whole numbers", where=where)
    whole = numbers.astype(np.int64) if numbers.dtype.kind != "f" else _truncated(numbers)
    if (whole != numbers).any():
        wrong = numbers[whole != numbers].flat[0]
        raise SpecError(f"{wrong} is not a whole number; count from 0", where=where)
    return whole


def without_unit(value: Any, *, where: str = "") -> Any:
    """Convert quantities to numbers in scnnbio's own units; return other values unchanged.

    Parameters
    ----------
    value : object
    where : str
        What the value is, for the message of an error.

    Returns
    -------
    object
        Numbers in place of quantities; lists stay lists.

    Raises
    ------
    SpecError
        If scnnbio has no unit of the quantity's dimension.
    """
    if isinstance(value, list | tuple) and any(map(carries_unit, value)):
        return [without_unit(item, where=where) for item in value]
    if not carries_unit(value):
        return value
    for unit in PLAIN:
        try:
            return plain_array(value, unit, where=where, finite=False)[()]
        except SpecError:
            continue
    raise SpecError(
        f"{short(value)} does not convert to any of {', '.join(PLAIN)}; give a plain number, with"
        " its unit in the column's name",
        where=where,
    )


def in_own_unit(value: Any, *, where: str = "") -> NDArray[np.float64]:
    """Convert numbers, quantities or text to numbers in scnnbio's own units; NaN is allowed.

    Parameters
    ----------
    value : number, quantity, text, or a list or array of these
    where : str
        What the value is, for the message of an error.

    Returns
    -------
    numpy.ndarray

    Examples
    --------
    >>> in_own_unit(["0.5 s", 3])
    array([500.,   3.])
    """
    if isinstance(value, str):
        return plain_array(value, own_unit(value), where=where)
    if isinstance(value, list | tuple):
        return np.array([in_own_unit(item, where=where) for item in value], dtype=np.float64)
    return plain_array(without_unit(value, where=where), "1", where=where, finite=False)


def _truncated(numbers: NDArray[Any]) -> NDArray[np.int64]:
    # Values without a 64-bit integer become 0, which differs from them.
    fits = np.abs(numbers) < 2.0**63
    return np.where(fits, numbers, 0).astype(np.int64)
