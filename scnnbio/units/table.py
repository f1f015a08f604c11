"""The units that scnnbio knows, and annotations by which public parameters declare theirs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

from numpy.typing import ArrayLike

#: symbol → (dimension, factor to the SI unit of that dimension). Angles are in degrees.
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

#: Brian2's names of the SI units, for translating a model's equations.
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

#: scnnbio's own units, one per dimension.
PLAIN = ("ms", "mV", "nA", "nF", "uS", "Hz", "MOhm", "deg", "1")


@dataclass(frozen=True)
class In:
    """Declares the unit of a public parameter: ``Annotated[float, In("ms")]``.

    Parameters
    ----------
    unit : str or None
        One of :data:`UNITS`; None where another argument gives the unit, as for a parameter of a
        neuron.
    finite : bool
        Whether numbers must be finite. In data, NaN is a missing value.
    """

    unit: str | None
    finite: bool = True


Milliseconds = Annotated[float, In("ms")]
Millivolts = Annotated[float, In("mV")]
Hertz = Annotated[float, In("Hz")]
Degrees = Annotated[float, In("deg")]
Number = Annotated[float, In("1")]
#: Arrays of data.
Times = Annotated[ArrayLike, In("ms")]
Rates = Annotated[ArrayLike, In("Hz", finite=False)]
Angles = Annotated[ArrayLike, In("deg")]
#: Begin and end of a time window; a spike at t belongs to it if begin < t <= end.
Window = tuple[Milliseconds, Milliseconds]


def dimension(unit: str) -> str:
    """Name of the dimension that a unit measures.

    Parameters
    ----------
    unit : str
        One of scnnbio's units.

    Returns
    -------
    str
        Such as ``"time"``.
    """
    return UNITS[unit][0]


def si_factor(unit: str) -> float:
    """Factor that turns a number in a unit into SI (degrees for angles).

    Parameters
    ----------
    unit : str
        One of scnnbio's units.

    Returns
    -------
    float
    """
    return UNITS[unit][1]
