"""Conversion to numbers from text, ``quantities``, Brian2, and lists of these."""

from __future__ import annotations

import math
import re
import reprlib
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError, hint
from scnnbio.units.table import BRIAN2_NAMES, PLAIN, UNITS, dimension, si_factor

#: Dimension → its unit in SI.
_SI = {dimension: unit for unit, (dimension, factor) in reversed(UNITS.items()) if factor == 1.0}

_TEXT = re.compile(r"([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)\s*([A-Za-z]*|1)")
#: Longest text of a quantity, and of a value that an error quotes.
MAX_TEXT = 80


def short(value: Any) -> str:
    """The value as an error message quotes it: short, and on one line."""
    text = str(value) if carries_unit(value) else reprlib.repr(value)
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 3]}..."


def expected(unit: str, several: bool = False) -> str:
    """What is expected, for error messages: ``"a quantity in ms"``."""
    if unit == "1":
        return "numbers" if several else "a number"
    return f"quantities in {unit}" if several else f"a quantity in {unit}"


def _example(unit: str) -> str:
    return "20" if unit == "1" else f"20 {unit}"


def is_view(value: Any) -> bool:
    """Whether it is a Brian2 ``VariableView``, as groups and monitors return."""
    return hasattr(value, "dim") and hasattr(value, "get_item") and hasattr(value, "variable")


def carries_unit(value: Any) -> bool:
    """Whether it is a quantity, or an array of quantities, of any library.

    Parameters
    ----------
    value : object

    Returns
    -------
    bool
    """
    return (
        hasattr(value, "rescale")
        or hasattr(value, "has_same_dimensions")
        or hasattr(value, "dimensionality")
        or (isinstance(value, np.ndarray) and hasattr(value, "unit"))
        or is_view(value)
    )


def numbers_of(value: Any, unit: str, where: str) -> NDArray[np.float64]:
    """Numbers in ``unit``, with the shape of ``value``; NaN and infinity are allowed."""
    if type(value) is np.ndarray and value.dtype.kind in "iuf":
        return np.asarray(value, dtype=np.float64)
    if isinstance(value, str):
        return np.asarray(_from_text(value, unit, where))
    if carries_unit(value):
        return _from_quantities(value, unit, where)
    if isinstance(value, bool | np.bool_):
        raise SpecError(f"{value} is not a number; write {expected(unit)}", where=where)
    if isinstance(value, list | tuple) and not all(type(v) in (int, float) for v in value):
        return _from_rows(value, unit, where)
    if np.any(getattr(value, "mask", False)):  # numpy.ma itself is slow to import
        raise SpecError("some values are masked; remove or fill them", where=where)
    try:
        array = np.asarray(value)
        if array.dtype.kind in "OU" and array.ndim:
            return _from_rows(array.tolist(), unit, where)
        if array.dtype.kind == "O" and isinstance(value, int):
            return np.asarray(float(value))  # an integer of more than 64 bits
    except (TypeError, ValueError):
        array = np.asarray(None)
    if array.dtype.kind not in "iuf":
        raise SpecError(f"{short(value)} is not {expected(unit, array.ndim > 0)}", where=where)
    return np.asarray(array, dtype=np.float64)


def _from_rows(rows: Any, unit: str, where: str) -> NDArray[np.float64]:
    """Numbers from a list, converted one by one, since numpy would drop their units."""
    parts = [numbers_of(row, unit, where) for row in rows]
    if len({part.shape for part in parts}) > 1:
        raise SpecError("not an array of numbers; give a rectangular one", where=where)
    return np.array(parts, dtype=np.float64)


def _from_text(text: str, unit: str, where: str) -> float:
    match = _TEXT.fullmatch(text.strip()) if len(text) <= MAX_TEXT else None
    if match is None:
        raise SpecError(
            f"{reprlib.repr(text)} is not a quantity; write it like '{_example(unit)}'", where=where
        )
    symbol = match[2] or unit
    if symbol not in UNITS:
        known = [u for u in UNITS if dimension(u) == dimension(unit)]
        said = hint(symbol, known, "use one of")
        raise SpecError(f"{text!r}: unknown unit {symbol!r}; {said}", where=where)
    if dimension(symbol) != dimension(unit):
        raise SpecError(
            f"{text!r} is a {dimension(symbol)}, but a {dimension(unit)} is needed;"
            f" write it like '{_example(unit)}'",
            where=where,
        )
    return _converted(match[1], symbol, unit)


def _converted(text: str, symbol: str, unit: str) -> float:
    """Number in another unit of its dimension, rounded once: 500 us is exactly 0.5 ms."""
    ratio = si_factor(symbol) / si_factor(unit)
    return float(text) * ratio if dimension(unit) == "angle" else _scaled(text, ratio)


def _scaled(text: str, power_of_ten: float) -> float:
    mantissa, _, exponent = text.lower().partition("e")
    return float(f"{mantissa}e{int(exponent or 0) + round(math.log10(power_of_ten))}")


def _from_quantities(value: Any, unit: str, where: str) -> NDArray[np.float64]:
    if is_view(value):
        value = value[:]
        if not hasattr(value, "has_same_dimensions"):  # of dimension 1
            return numbers_of(value, unit, where)
    if hasattr(value, "has_same_dimensions"):
        return _from_brian2(value, unit, where)
    if not hasattr(value, "rescale"):
        raise SpecError(
            f"{short(value)} is a quantity of an unsupported library; write text such as"
            f" '{_example(unit)}', or use 'quantities' or Brian2",
            where=where,
        )
    powers = {part.name: power for part, power in value.dimensionality.items()}
    # 'quantities' treats a radian as 1, but 6 rad/s is not a rate of 6 spikes per second.
    if dimension(unit) == "angle":
        fits = list(powers.values()) == [1] and powers.keys() <= _angles()
    else:
        fits = powers.keys().isdisjoint(_angles())
    if not fits:
        raise SpecError(f"{short(value)} does not fit {unit}", where=where)
    symbol = value.dimensionality.string
    if symbol in UNITS and dimension(symbol) == dimension(unit):
        return _shifted(np.asarray(value.magnitude, dtype=np.float64), symbol, unit)
    try:
        value = value.rescale("dimensionless" if unit == "1" else unit.replace("O", "o"))
    except ValueError as error:
        raise SpecError(f"{short(value)} does not fit {unit}: {error}", where=where) from None
    return np.asarray(value.magnitude, dtype=np.float64)


def _from_brian2(value: Any, unit: str, where: str) -> NDArray[np.float64]:
    import brian2

    name = BRIAN2_NAMES.get(dimension(unit))
    if name is None:
        raise SpecError(
            f"{short(value)} is a Brian2 quantity, and Brian2 has no unit of"
            f" {dimension(unit)}; write text such as '{_example(unit)}'",
            where=where,
        )
    reference = brian2.Quantity(1.0) if name == "1" else getattr(brian2, name)
    if not value.has_same_dimensions(reference):
        raise SpecError(f"{short(value)} does not fit {unit}", where=where)
    numbers = np.array(value, dtype=np.float64, subok=False)
    return numbers if name == "1" else _shifted(numbers, _SI[dimension(unit)], unit)


def _shifted(numbers: NDArray[np.float64], symbol: str, unit: str) -> NDArray[np.float64]:
    """Numbers converted to another unit of their dimension, each rounded once."""
    ratio = si_factor(symbol) / si_factor(unit)
    if ratio == 1.0 or dimension(unit) == "angle":
        return numbers if ratio == 1.0 else numbers * ratio
    scaled = [
        _scaled(repr(number), ratio) if math.isfinite(number) else number
        for number in numbers.ravel().tolist()
    ]
    return np.array(scaled, dtype=np.float64).reshape(numbers.shape)


@cache
def _angles() -> frozenset[str]:
    """Names of the units of angle of ``quantities``."""
    from quantities.units import angle

    parts = (part for part in vars(angle).values() if hasattr(part, "dimensionality"))
    return frozenset(part.name for part in parts) - {"dimensionless", "steradian"}


def own_unit(text: str) -> str:
    """Scnnbio's own unit for the dimension of a text such as ``"2 s"``: here ``"ms"``."""
    match = _TEXT.fullmatch(text.strip()) if len(text) <= MAX_TEXT else None
    symbol = match[2] if match else ""
    known = symbol if symbol in UNITS else "1"
    return next(unit for unit in PLAIN if dimension(unit) == dimension(known))
