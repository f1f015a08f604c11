"""Conversion of quantities to plain numbers.

Inside scnnbio every number is in one of PyNN's units (ms, mV, nA, nF, uS, Hz), deg or MOhm. Public
functions accept numbers, text such as ``"20 ms"``, and quantities of ``quantities`` or Brian2, and
convert them once: with :func:`plain`, or :func:`plain_array` for arrays.

Every public parameter that takes such a number declares its unit in its annotation, with
:class:`In` or an alias such as ``Milliseconds``; a test tries each of them.
"""

from __future__ import annotations

from scnnbio.units.conversion import carries_unit
from scnnbio.units.reading import (
    in_own_unit,
    is_several,
    plain,
    plain_array,
    plain_values,
    plain_window,
    whole_numbers,
    without_unit,
)
from scnnbio.units.table import (
    BRIAN2_NAMES,
    PLAIN,
    UNITS,
    Angles,
    Degrees,
    Hertz,
    In,
    Milliseconds,
    Millivolts,
    Number,
    Rates,
    Times,
    Window,
    dimension,
    si_factor,
)

__all__ = [
    "BRIAN2_NAMES",
    "PLAIN",
    "UNITS",
    "Angles",
    "Degrees",
    "Hertz",
    "In",
    "Milliseconds",
    "Millivolts",
    "Number",
    "Rates",
    "Times",
    "Window",
    "carries_unit",
    "dimension",
    "in_own_unit",
    "is_several",
    "plain",
    "plain_array",
    "plain_values",
    "plain_window",
    "si_factor",
    "whole_numbers",
    "without_unit",
]
