"""A published number or histogram, and how it was made."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scnnbio._html import short
from scnnbio.validation.estimates import AS_PUBLISHED, Estimate, median_of_counts, notched
from scnnbio.values import Value

#: Fields of an observation that describe its method.
OBSERVED = ("stimulus", "window", "state", "pooling", "differs")


@dataclass(frozen=True, eq=False)
class Observation(Value):
    """A published number or histogram, with its source.

    Parameters
    ----------
    quantity : str
        What was measured, such as ``"circular variance"``.
    source : str
        The paper, or ``"design"`` for a control.
    species : str
    n : int, optional
        Cells.
    unit : str
        ``"1"`` for a pure number.
    value : float, optional
        Median or fraction.
    interval : (float, float), optional
        Quartiles, or the range where ``note`` says so; an end can be infinite.
    counts, edges : array, optional
        Histogram, of shape (bins,) and (bins + 1,), or (bins, bins) and (bins + 1,) for two
        quantities in the same bins.
    above : int
        Number of cells above the last edge.
    stimulus : str
        What was shown to the animal, or applied to the neurons.
    window : str
        Part of the response in which spikes were counted.
    state : str
        State of the animal.
    pooling : str
        How spikes were reduced to one number per cell: by which count, over which trials.
    differs : str
        How the model's measure differs from the published one; empty if it does not.
    note : str
        Further facts that a comparison needs.
    """

    quantity: str
    source: str
    species: str = "macaque V1"
    n: int | None = None
    unit: str = "1"
    value: float | None = None
    interval: tuple[float, float] | None = None
    counts: NDArray[np.int64] | None = None
    edges: NDArray[np.float64] | None = None
    above: int = 0
    stimulus: str = ""
    window: str = ""
    state: str = ""
    pooling: str = ""
    differs: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        for name, kind in (("counts", np.int64), ("edges", np.float64)):
            if getattr(self, name) is not None:
                held = np.array(getattr(self, name), dtype=kind)
                held.setflags(write=False)  # like the arrays of every Value
                object.__setattr__(self, name, held)

    def __repr__(self) -> str:
        found = self.value if self.counts is None else self.counts
        held = "" if found is None else f" {short(found)}"
        return f"Observation({self.quantity!r}{held} in {self.species}: {short(self.source)})"

    @property
    def estimate(self) -> Estimate | None:
        """The published number with its interval; of a histogram the median, None of two axes."""
        if self.counts is not None and self.edges is not None and self.counts.ndim == 1:
            found = median_of_counts(self.counts.astype(np.float64), self.edges, self.above)
            if self.value is None:
                return found
            if self.interval is None or self.n is None:
                return replace(found, value=self.value)
            # Of the cells themselves, which no bin blurs.
            low, high = notched(self.value, self.interval, self.n)
            return replace(found, value=self.value, low=low, high=high)
        if self.value is None and self.interval is None:
            return None
        low, high = self.interval or (math.nan, math.nan)
        value = math.nan if self.value is None else self.value
        return Estimate("", value, low, high, self.n, AS_PUBLISHED)

    def describe(self) -> dict[str, Any]:
        """The given fields as plain values, for a score."""
        given = {
            "quantity": self.quantity,
            "species": self.species,
            "n": self.n,
            "unit": self.unit,
            "value": self.value,
            "interval": None if self.interval is None else _ends(self.interval),
            "counts": None if self.counts is None else self.counts.tolist(),
            "edges": None if self.edges is None else self.edges.tolist(),
            "above": self.above if self.counts is not None else None,
            **{name: getattr(self, name) or None for name in OBSERVED},
            "note": self.note or None,
        }
        return {name: value for name, value in given.items() if value is not None}


def _ends(interval: tuple[float, float]) -> list[float | None]:
    """Ends of an interval, None where it is open, since JSON has no infinity."""
    return [end if math.isfinite(end) else None for end in interval]
