"""Quantities at the doors, plain numbers inside.

Inside scnnbio every number is in one of PyNN's units: ms, mV, nA, nF, uS, Hz, and deg, MOhm
besides. What a user hands in, as a number, as text such as ``"20 ms"``, or as a quantity of
``quantities`` or Brian2, passes :func:`plain` once.
"""

from __future__ import annotations

import math
import re
import reprlib
from typing import Any

import numpy as np

from scnnbio.errors import SpecError, hint

#: symbol → (dimension, factor to the SI unit of that dimension). Angles count in degrees.
UNITS: dict[str, tuple[str, float]] = {
    "s": ("time", 1.0),
    "ms": ("time", 1e-3),
    "us": ("time", 1e-6),
    "V": ("voltage", 1.0),
    "mV": ("voltage", 1e-3),
    "uV": ("voltage", 1e-6),
    "A": ("current", 1.0),
    "nA": ("current", 1e-9),
    "pA": ("current", 1e-12),
    "F": ("capacitance", 1.0),
    "nF": ("capacitance", 1e-9),
    "pF": ("capacitance", 1e-12),
    "S": ("conductance", 1.0),
    "uS": ("conductance", 1e-6),
    "nS": ("conductance", 1e-9),
    "Hz": ("frequency", 1.0),
    "kHz": ("frequency", 1e3),
    "Ohm": ("resistance", 1.0),
    "MOhm": ("resistance", 1e6),
    "deg": ("angle", 1.0),
    "rad": ("angle", 180.0 / math.pi),
    "1": ("number", 1.0),
}

#: The SI dimensions in Brian2's notation, for lowering a model's text.
BRIAN2_NAMES = {
    "time": "second",
    "voltage": "volt",
    "current": "amp",
    "capacitance": "farad",
    "conductance": "siemens",
    "frequency": "hertz",
    "resistance": "ohm",
    "number": "1",
}

#: What scnnbio counts in, one unit a dimension.
PLAIN = ("ms", "mV", "nA", "nF", "uS", "Hz", "MOhm", "deg", "1")

_TEXT = re.compile(r"([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)\s*([A-Za-z]*|1)")
_LONGEST = 80


def dimension(unit: str) -> str:
    """Name of the dimension that ``unit`` measures, such as ``"time"``."""
    return UNITS[unit][0]


def si_factor(unit: str) -> float:
    """Factor that turns a number in ``unit`` into SI (degrees for angles)."""
    return UNITS[unit][1]


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
    if isinstance(value, bool | np.bool_):
        raise SpecError(f"{value} is not a number; write a quantity in {unit}", where=where)
    try:
        if isinstance(value, int | float):
            number = float(value)
        elif isinstance(value, str):
            number = _from_text(value, unit, where)
        else:
            number = _from_quantity(value, unit, where)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise SpecError(
            f"{reprlib.repr(value)} is not finite; write a finite quantity in {unit}", where=where
        )
    return number


def _from_text(text: str, unit: str, where: str) -> float:
    match = _TEXT.fullmatch(text.strip()) if len(text) <= _LONGEST else None
    if match is None:
        raise SpecError(
            f"{reprlib.repr(text)} is not a quantity; write it like '20 {unit}'", where=where
        )
    symbol = match[2] or unit
    if symbol not in UNITS:
        known = [u for u in UNITS if dimension(u) == dimension(unit)]
        said = hint(symbol, known, "use one of")
        raise SpecError(f"{text!r}: unknown unit {symbol!r}; {said}", where=where)
    if dimension(symbol) != dimension(unit):
        raise SpecError(
            f"{text!r} is a {dimension(symbol)}, but a {dimension(unit)} is needed;"
            f" write it like '20 {unit}'",
            where=where,
        )
    return _converted(match[1], symbol, unit)


def _converted(text: str, symbol: str, unit: str) -> float:
    """Number in another unit of its dimension, rounded once: 500 us are 0.5 ms, not 0.4999."""
    ratio = si_factor(symbol) / si_factor(unit)
    return float(text) * ratio if dimension(unit) == "angle" else _scaled(text, ratio)


def _scaled(text: str, power_of_ten: float) -> float:
    mantissa, _, exponent = text.lower().partition("e")
    return float(f"{mantissa}e{int(exponent or 0) + round(math.log10(power_of_ten))}")


def _from_quantity(value: Any, unit: str, where: str) -> float:
    if hasattr(value, "rescale"):  # quantities, neo
        try:
            value = value.rescale("dimensionless" if unit == "1" else unit.replace("O", "o"))
        except ValueError as error:
            raise SpecError(f"{value} does not fit {unit}: {error}", where=where) from None
    elif hasattr(value, "has_same_dimensions"):  # Brian2
        return _from_brian2(value, unit, where)
    try:
        array = np.asarray(value)
        single = array.ndim == 0 and array.dtype.kind in "iuf"
    except (TypeError, ValueError):
        single = False
    if not single:
        raise SpecError(f"{reprlib.repr(value)} is not one quantity in {unit}", where=where)
    return float(value)


def _from_brian2(value: Any, unit: str, where: str) -> float:
    import brian2

    name = BRIAN2_NAMES.get(dimension(unit), "1")
    reference = brian2.Quantity(1.0) if name == "1" else getattr(brian2, name)
    if np.ndim(value) or not value.has_same_dimensions(reference):
        raise SpecError(f"{value} is not one quantity in {unit}", where=where)
    number = float(value)
    if name == "1" or not math.isfinite(number):
        return number
    return _scaled(repr(number), 1.0 / si_factor(unit))
