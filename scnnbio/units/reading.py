"""Numbers from what a user hands in."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError
from scnnbio.units.conversion import asked, carries_unit, is_view, numbers_of, own_unit, short
from scnnbio.units.table import (
    PLAIN,
)


def plain(value: Any, unit: str, *, where: str = "") -> float:
    """Number of ``value`` in ``unit``.

    Parameters
    ----------
    value : float, str or quantity
        A number (taken to be in ``unit`` already), text such as ``"20 ms"``, or a quantity of
        ``quantities`` or Brian2.
    unit : str
        One of :data:`UNITS`.
    where : str, optional
        Path into the document, for the error.

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
                raise SpecError(f"{short(value)} is not {asked(unit)} alone", where=where)
            number = float(found)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise SpecError(f"{short(value)} is not finite; write {asked(unit)} that is", where=where)
    return number


def plain_array(
    values: Any, unit: str, *, where: str = "", finite: bool = True
) -> NDArray[np.float64]:
    """Numbers of ``values`` in ``unit``, of the same shape.

    Parameters
    ----------
    values : array_like, text or quantities
        Numbers (taken to be in ``unit`` already), an array of ``quantities`` or Brian2, or nested
        lists of whatever :func:`plain` takes.
    unit : str
        One of :data:`UNITS`.
    where : str, optional
        Path into the document, for the error.
    finite : bool
        Whether every number must be finite. In data NaN is a missing value.

    Returns
    -------
    ndarray of float64
        What was given, not a copy, if it is that already.

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
        raise SpecError(f"a number of {short(values)} is not finite", where=where) from None
    if finite and not np.isfinite(numbers).all():
        wrong = numbers[~np.isfinite(numbers)].flat[0]
        raise SpecError(f"{wrong} is not finite; write {asked(unit, True)} that are", where=where)
    return numbers


def plain_window(window: Any, *, where: str = "window") -> tuple[float, float]:
    """Begin and end of a window of time in ms.

    Raises
    ------
    SpecError
        If it is not two finite times of which the second is the later.
    """
    ends = plain_array(window, "ms", where=where)
    if ends.shape != (2,):
        raise SpecError(f"{short(window)} is not a window; give (begin, end) in ms", where=where)
    begin, end = ends.tolist()
    if not begin < end:
        raise SpecError(
            f"a window from {begin:g} to {end:g} ms holds no time; give (begin, end)", where=where
        )
    return begin, end


def plain_values(value: Any, unit: str, *, where: str = "") -> float | tuple[float, ...]:
    """One number, or a tuple of them where a list or an array was given."""
    if not is_several(value):
        return plain(value, unit, where=where)
    numbers = plain_array(value, unit, where=where)
    if numbers.ndim != 1 or not numbers.size:
        raise SpecError(
            f"{short(value)} is not a flat list of {asked(unit, True)}; give at least one",
            where=where,
        )
    return tuple(numbers.tolist())


def is_several(value: Any) -> bool:
    """Whether a value is a list or an array, and not one number, text or quantity."""
    return isinstance(value, list | tuple) or (
        (isinstance(value, np.ndarray) or is_view(value)) and np.ndim(value) > 0
    )


def whole_numbers(values: Any, *, where: str = "") -> NDArray[np.int64]:
    """Indices as 64-bit integers, of the same shape.

    Raises
    ------
    SpecError
        If one is not a whole number, or they are true and false, or carry a unit.
    """
    numbers = np.asarray(values) if not carries_unit(values) else None
    if numbers is not None and not numbers.size:
        return np.zeros(numbers.shape, dtype=np.int64)
    if numbers is None or numbers.dtype.kind not in "iuf":
        raise SpecError(f"{short(values)} are not whole numbers", where=where)
    whole = numbers.astype(np.int64) if numbers.dtype.kind != "f" else _truncated(numbers)
    if (whole != numbers).any():
        wrong = numbers[whole != numbers].flat[0]
        raise SpecError(f"{wrong} is not a whole number; count from 0", where=where)
    return whole


def without_unit(value: Any, *, where: str = "") -> Any:
    """A value, of which quantities become numbers in scnnbio's own unit of their dimension.

    Raises
    ------
    SpecError
        If none of these units has the dimension.
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
        f"{short(value)} is in none of {', '.join(PLAIN)}; give the number, and name its unit in"
        " the name",
        where=where,
    )


def in_own_unit(value: Any, *, where: str = "") -> NDArray[np.float64]:
    """Numbers, quantities or text as numbers in scnnbio's own units; NaN stays.

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
    # What is not finite, or too large, has no integer; 0 differs from it.
    fits = np.abs(numbers) < 2.0**63
    return np.where(fits, numbers, 0).astype(np.int64)
