r"""Surrogates for the derivative of a spike: the slopes of four soft thresholds.

A neuron fires where its excess over threshold x is not negative, a step whose derivative is zero or
infinite. In the backward pass the derivative of a soft step s(x/w) stands in its place (Neftci,
Mostafa & Zenke 2019, IEEE Signal Process Mag 36:51). Each soft step here goes from 0 to 1 and has
the slope 1/w at threshold:

============ ============================================ ==================================
kind         slope, times w, with y = x/w                 used by
============ ============================================ ==================================
fast-sigmoid :math:`1/(1 + 2|y|)^2`                       Zenke & Ganguli 2018, Neural Comput
                                                          30:1514
arctan       :math:`1/(1 + (\pi y)^2)`                    Fang et al. 2021, ICCV
triangle     :math:`\max(0, 1 - |y|)`                     Esser et al. 2016, PNAS 113:11441;
                                                          Bellec et al. 2018, NeurIPS
boxcar       1 where :math:`|y| < 1/2`                    Hubara et al. 2016, NeurIPS
============ ============================================ ==================================
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, final, get_args

from scnnbio.errors import SpecError, not_one_of
from scnnbio.units import Number, plain
from scnnbio.values import Value

Kind = Literal["fast-sigmoid", "arctan", "triangle", "boxcar"]
_WRITTEN: dict[str, str] = {
    "fast-sigmoid": "1/(1 + 2*abs(y))**2",
    "arctan": "1/(1 + (pi*y)**2)",
    "triangle": "max(0, 1 - abs(y))",
    "boxcar": "int(abs(y) < 0.5)",
}


@final
@dataclass(frozen=True)
class Surrogate(Value):
    """A soft threshold whose slope replaces the derivative of a spike.

    Parameters
    ----------
    kind : {"fast-sigmoid", "arctan", "triangle", "boxcar"}
    width : float
        One over the slope at threshold, as a share of the distance from a neuron's initial state to
        its threshold; so it means the same to a neuron in mV and to one without unit.

    Raises
    ------
    SpecError
        If there is no such kind, or the width is not positive.
    """

    kind: Kind = "arctan"
    width: Number = 1.0

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise SpecError(not_one_of(self.kind, get_args(Kind)), where="surrogate.kind")
        object.__setattr__(self, "width", plain(self.width, "1", where="surrogate.width"))
        if self.width <= 0:
            raise SpecError(f"{self.width:g} is not positive", where="surrogate.width")

    def slope(self, y: Any) -> Any:
        """Slope of the soft step at y, a tensor in widths from threshold; 1 at threshold."""
        if self.kind == "fast-sigmoid":
            return (1.0 + 2.0 * y.abs()).pow(-2)
        if self.kind == "arctan":
            return 1.0 / (1.0 + (math.pi * y).square())
        if self.kind == "triangle":
            return (1.0 - y.abs()).clamp(min=0.0)
        return (y.abs() < 0.5).to(y.dtype)

    @property
    def written(self) -> str:
        """The slope as text."""
        return _WRITTEN[self.kind]

    def step(self, y: Any) -> Any:
        """The soft step itself, from 0 to 1, whose derivative :meth:`slope` is."""
        if self.kind == "fast-sigmoid":
            return 0.5 + y / (1.0 + 2.0 * y.abs())
        if self.kind == "arctan":
            return 0.5 + (math.pi * y).arctan() / math.pi
        if self.kind == "triangle":
            near = y.clamp(-1.0, 1.0)
            return 0.5 + near - 0.5 * near * near.abs()
        return (0.5 + y).clamp(0.0, 1.0)
