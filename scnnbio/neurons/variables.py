"""Parameters and state variables of a neuron: their units and ranges."""

from __future__ import annotations

import math
import re
import reprlib
from dataclasses import dataclass
from typing import Annotated

from scnnbio.errors import SpecError
from scnnbio.units import PLAIN, In, plain
from scnnbio.values import Value

_INTERVAL = re.compile(r"[\[(]\s*(\S+?)\s*,\s*(\S+?)\s*[\])]")


@dataclass(frozen=True)
class Parameter(Value):
    """A parameter of a neuron: its default, unit and range.

    Parameters
    ----------
    default : float
        Value in ``unit``, or text such as ``"0.02 s"``.
    unit : str
        One of :data:`scnnbio.units.PLAIN`, the units of all backends.
    range : str
        Allowed values in ``unit``, as an interval: ``"(0, inf)"`` is all positive numbers,
        ``"[0, 1]"`` includes its ends.

    Raises
    ------
    SpecError
        If the unit is unknown, the value has another unit, or it is outside the range.

    Examples
    --------
    >>> Parameter("0.02 s", "ms", "(0, inf)").default
    20.0
    """

    default: Annotated[float, In(None)]
    unit: str
    range: str = "(-inf, inf)"

    def __post_init__(self) -> None:
        if self.unit not in PLAIN:
            raise SpecError(
                f"parameters are in {', '.join(PLAIN)}, not in {reprlib.repr(self.unit)}; the value"
                " itself may be text such as '0.02 s'",
                where="unit",
            )
        object.__setattr__(self, "default", plain(self.default, self.unit, where="default"))
        low, high = self.bounds
        ends = self.range.strip()
        text = f"{ends[0]}{low:g}, {high:g}{ends[-1]}"
        object.__setattr__(self, "range", text)
        self.check(self.default, where="default")

    @property
    def bounds(self) -> tuple[float, float]:
        """Ends of the range, in the unit."""
        found = _INTERVAL.fullmatch(self.range.strip()) if isinstance(self.range, str) else None
        try:
            low, high = map(float, found.groups() if found else ())
            whole = not (math.isnan(low) or math.isnan(high)) and low <= high
        except ValueError:
            whole = False
        if not whole:
            raise SpecError(
                f"{reprlib.repr(self.range)} is not an interval; write '(0, inf)' for all"
                " positive numbers, or '[0, 1]' with its ends",
                where="range",
            )
        return low, high

    @property
    def bounded(self) -> bool:
        """Whether the range excludes any number."""
        return self.bounds != (-math.inf, math.inf)

    def check(self, value: Annotated[float, In(None)], where: str) -> float:
        """Convert a value to the parameter's unit, and check its range.

        Parameters
        ----------
        value : float, str or quantity
        where : str
            Path into the document, for error messages.

        Returns
        -------
        float

        Raises
        ------
        SpecError
            If the unit does not fit, or the value is outside the range.
        """
        value = plain(value, self.unit, where=where)
        low, high = self.bounds
        above = value >= low if self.range[0] == "[" else value > low
        below = value <= high if self.range[-1] == "]" else value < high
        if not (above and below):
            unit = "" if self.unit == "1" else f" {self.unit}"
            raise SpecError(
                f"{value:g}{unit} is outside its range {self.range}{unit}; give a value within it",
                where=where,
            )
        return value


@dataclass(frozen=True)
class StateVariable:
    """One differential equation: ``d name/dt = rate``, in SI dimension ``unit``."""

    name: str
    rate: str
    unit: str
    held_when_refractory: bool

    @property
    def is_given(self) -> bool:
        """Whether its derivative is zero, so that only an input changes it."""
        return self.rate == "0"
