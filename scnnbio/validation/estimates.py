"""Numbers with their 95 % intervals, as scores and reports give them for both sides of a claim."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: What the interval of an observation is, unless it is one of 95 %.
AS_PUBLISHED = "quartiles or range"
#: Half the length of a 95 % interval of a median, in quartile ranges over the square root of n.
_NOTCH = 1.57
#: Tail of a 95 % interval on each side.
_TAIL = 0.025


@dataclass(frozen=True)
class Estimate:
    """A number of a sample and its interval.

    Parameters
    ----------
    statistic : str
        Such as ``"median"``.
    value : float
    low, high : float
        Ends of the interval; NaN without one, infinite where it is open.
    n : int, optional
        Size of the sample.
    interval : str
        What the interval is.
    """

    statistic: str
    value: float
    low: float = math.nan
    high: float = math.nan
    n: int | None = None
    interval: str = "95 %"

    def __str__(self) -> str:
        if math.isnan(self.value) and math.isnan(self.low):
            return ""
        number = "" if math.isnan(self.value) else f"{self.value:.3g}"
        found = " ".join(filter(None, (self.statistic, number)))
        if math.isnan(self.low):
            return found
        span = f"{self.interval}: {self._ends()}"
        return f"{found} ({span})" if found else span

    def _ends(self) -> str:
        if math.isinf(self.high):
            return f"{self.low:.3g} or more"
        return (
            f"{self.high:.3g} or less"
            if math.isinf(self.low)
            else f"{self.low:.3g} to {self.high:.3g}"
        )

    def plain(self) -> dict[str, Any]:
        """Values that JSON can hold; an end that is not finite becomes None."""
        numbers = {name: getattr(self, name) for name in ("value", "low", "high")}
        finite = {name: x if math.isfinite(x) else None for name, x in numbers.items()}
        return {"statistic": self.statistic, **finite, "n": self.n, "interval": self.interval}

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Estimate:
        """Read what :meth:`plain` wrote; a missing end counts as open beside one that is there."""
        value, low, high = (given.get(name) for name in ("value", "low", "high"))
        some = low is not None or high is not None
        return cls(
            str(given.get("statistic", "")),
            math.nan if value is None else float(value),
            (-math.inf if some else math.nan) if low is None else float(low),
            (math.inf if some else math.nan) if high is None else float(high),
            given.get("n"),
            str(given.get("interval", "95 %")),
        )


def _ranks(n: int) -> tuple[int, int]:
    """Ranks from 0 of the values between which the median of a distribution lies in 95 %."""
    low = int(scipy.stats.binom.ppf(_TAIL, n, 0.5)) - 1
    return max(low, 0), min(n - 1 - low, n - 1)


def median_of(values: Array) -> Estimate:
    """Median of a sample, with the interval between two of its values, by the sign test.

    Parameters
    ----------
    values : array, shape (n,)
        Infinite values count as the largest.

    Returns
    -------
    Estimate
        With fewer than 6 values the interval, which is then all of them, holds less than 95 %.
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    if not len(ordered):
        return Estimate("median", math.nan)
    low, high = _ranks(len(ordered))
    middle = (len(ordered) - 1) / 2
    ends = ordered[[math.floor(middle), math.ceil(middle)]]
    center = float(ends[0] if ends[0] == ends[1] else ends.mean())
    return Estimate("median", center, float(ordered[low]), float(ordered[high]), len(ordered))


def fraction_of(hits: int, n: int) -> Estimate:
    """Fraction of a sample, with the exact interval of Clopper and Pearson (1934)."""
    if not n:
        return Estimate("fraction", math.nan)
    found = scipy.stats.binomtest(int(hits), int(n)).proportion_ci(0.95, method="exact")
    return Estimate("fraction", hits / n, float(found.low), float(found.high), int(n))


def median_of_counts(counts: Array, edges: Array, above: int = 0) -> Estimate:
    """Median of a histogram, interpolated within its bin; see :func:`median_of`.

    Parameters
    ----------
    counts : array of int, shape (bins,)
    edges : array, shape (bins + 1,)
    above : int
        Number above the last edge, which has no place there: infinite.
    """
    total = int(np.sum(counts)) + above
    if not total:
        return Estimate("median", math.nan)
    reached = np.concatenate([[0], np.cumsum(counts)])

    def at(number: float) -> float:
        if number > reached[-1]:
            return math.inf
        k = int(np.clip(np.searchsorted(reached, number, side="left"), 1, len(counts)))
        part = (number - reached[k - 1]) / max(reached[k] - reached[k - 1], 1)
        return float(edges[k - 1] + part * (edges[k] - edges[k - 1]))

    low, high = _ranks(total)
    # A value of rank r, from 0, stands in the middle of its own share of the bin.
    return Estimate("median", at(total / 2), at(low + 0.5), at(high + 0.5), total)


def notched(median: float, quartiles: tuple[float, float], n: int) -> tuple[float, float]:
    """95 % interval of a median of which the quartiles are known.

    References
    ----------
    R. McGill, J. W. Tukey and W. A. Larsen (1978), Am. Stat. 32, 12-16.
    """
    reach = _NOTCH * (quartiles[1] - quartiles[0]) / math.sqrt(n)
    return median - reach, median + reach
