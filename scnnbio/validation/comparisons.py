"""Rules that compare a model's values with an observation."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from scnnbio.errors import SpecError
from scnnbio.validation.claim import Claim, Outcome
from scnnbio.validation.estimates import Estimate, fraction_of
from scnnbio.validation.scores import (
    binned_distance,
    chance_limit,
    histogram,
    total_variation,
)

Array = NDArray[np.float64]

#: Number of draws for the chance limit, and their seed.
_DRAWS, _SEED = 2000, 0
#: What two quantities at once are judged by, in place of a median.
_DISTANCE = "total variation distance"


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class DistributionLike(Claim):
    """The values are distributed as published.

    The value is the total variation distance over the published bins and one more bin for all that
    lies outside. The model agrees if that is within the chance limit, within which 95 % of samples
    of its size from the published histogram stay (:func:`~scnnbio.validation.chance_limit`).
    """

    def compare(self, values: Array) -> Outcome:
        """Compare with the published histogram; see :class:`DistributionLike`."""
        published, counts = self.binned(values)
        value = total_variation(counts, published)
        limit = chance_limit(published, len(values), draws=_DRAWS, seed=_SEED)
        agrees = value <= limit
        prediction = {
            "counts": counts[:-1].tolist() if values.ndim == 1 else self._square(counts[:-1]),
            "outside": int(counts[-1]),
            "median": np.median(values, axis=0).tolist(),
        }
        if values.ndim == 1:
            prediction["kolmogorov_smirnov"] = binned_distance(counts, published)
        relation = "within" if agrees else "beyond"
        return Outcome(
            value=value,
            agrees=bool(agrees),
            reason=f"total variation distance {value:.3f} is {relation} the chance limit of"
            f" {limit:.3f}, which 95 % of samples of {len(values)} from the published histogram"
            " stay within",
            prediction=prediction,
            against={"chance_limit": limit},
            estimate=None if values.ndim == 1 else Estimate(_DISTANCE, value, n=len(values)),
            published=(
                None
                if values.ndim == 1
                else Estimate(
                    _DISTANCE, math.nan, 0.0, limit, len(values), "95 % of samples of its size"
                )
            ),
        )

    def binned(self, values: Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Published and model counts, flat; the last bin counts what lies outside."""
        seen = self.observation
        if seen.counts is None or seen.edges is None:
            raise SpecError("a histogram is needed", where=f"claim {self.name!r}")
        published = np.append(seen.counts.ravel(), seen.above)
        if values.ndim == 1:
            counts, below, above = histogram(values, seen.edges)
            return published, np.append(counts, below + above)
        joint, _, _ = np.histogram2d(values[:, 0], values[:, 1], bins=[seen.edges, seen.edges])
        inside = joint.astype(np.int64)
        return published, np.append(inside.ravel(), len(values) - inside.sum())

    def _square(self, counts: NDArray[np.int64]) -> list[list[int]]:
        side = int(np.sqrt(len(counts)))
        rows: list[list[int]] = counts.reshape(side, side).tolist()
        return rows


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Median(Claim):
    """The median of the values lies in the published interval (quartiles, or the range)."""

    def compare(self, values: Array) -> Outcome:
        """Compare the median with the published interval."""
        if self.observation.interval is None:
            raise SpecError("an interval is needed", where=f"claim {self.name!r}")
        low, high = self.observation.interval
        lower, median, upper = np.quantile(values, [0.25, 0.5, 0.75])
        agrees = low <= median <= high
        relation = "within" if agrees else "outside"
        return Outcome(
            value=float(median),
            agrees=bool(agrees),
            reason=f"the median {median:.3g} is {relation} the published {low:g} to {high:g}",
            prediction={"median": float(median), "quartiles": [float(lower), float(upper)]},
        )


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class FractionLike(Claim):
    """The fraction of values below a bound is the published one.

    Both fractions are counts of a sample. The model agrees unless Fisher's exact test distinguishes
    the two at 5 %; the test is exact at any size and at fractions of 0 and 1, where an interval by
    the normal distribution does not.
    """

    below: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "below", float(self.below))  # 1 is 1.0

    def compare(self, values: Array) -> Outcome:
        """Compare with the published fraction; see :class:`FractionLike`."""
        seen = self.observation
        if seen.value is None or seen.n is None:
            raise SpecError("a fraction and its n are needed", where=f"claim {self.name!r}")
        hits, n = int((values < self.below).sum()), len(values)
        published = round(seen.value * seen.n)
        table = [[hits, n - hits], [published, seen.n - published]]
        p = float(scipy.stats.fisher_exact(table).pvalue)
        agrees = p >= 0.05
        outcome = "does not distinguish" if agrees else "distinguishes"
        return Outcome(
            value=hits / n,
            agrees=agrees,
            reason=f"{hits} of {n} against {published} of {seen.n}: Fisher's exact test {outcome}"
            f" them (p = {p:.2g})",
            prediction={"fraction": hits / n, "median": float(np.median(values))},
            against={"p": p, "below": self.below},
            estimate=fraction_of(hits, n),
            published=fraction_of(published, seen.n),
        )


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class FractionAtMost(Claim):
    """At most a stated fraction of the values lies below a bound."""

    below: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "below", float(self.below))  # 1 is 1.0

    def compare(self, values: Array) -> Outcome:
        """Compare with the largest fraction allowed."""
        if self.observation.value is None:
            raise SpecError("a fraction is needed", where=f"claim {self.name!r}")
        hits, n = int((values < self.below).sum()), len(values)
        agrees = hits <= self.observation.value * n
        return Outcome(
            value=hits / n,
            agrees=bool(agrees),
            reason=f"{hits} of {n} are below {self.below:g}; at most"
            f" {self.observation.value:.0%} may be",
            prediction={"fraction": hits / n, "median": float(np.median(values))},
            against={"below": self.below},
            estimate=fraction_of(hits, n),
            published=Estimate("at most", self.observation.value),
        )


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class AllWithin(Claim):
    """Every value lies in an interval: a tolerance about a closed form or another solution."""

    minimum: int = 1

    def compare(self, values: Array) -> Outcome:
        """Compare every value with the interval; the score's value is the farthest one."""
        if self.observation.interval is None:
            raise SpecError("an interval is needed", where=f"claim {self.name!r}")
        low, high = self.observation.interval
        with np.errstate(invalid="ignore"):
            beyond = np.maximum(low - values, values - high)
        beyond = np.where(np.isnan(beyond), -np.inf, beyond)  # infinite, as its end may be
        farthest = float(values[int(np.argmax(beyond))])
        outside = int((beyond > 0).sum())
        found = f"{outside} of {len(values)} do not lie" if outside else f"all {len(values)} lie"
        return Outcome(
            value=farthest,
            agrees=not outside,
            reason=f"{found} {_between(low, high)}; {farthest:.3g} is the farthest",
            estimate=Estimate(
                "farthest",
                farthest,
                float(values.min()),
                float(values.max()),
                len(values),
                "all values",
            ),
            published=Estimate("", math.nan, low, high, interval="tolerance"),
            prediction={
                "lowest": float(values.min()),
                "highest": float(values.max()),
                "farthest": farthest,
            },
        )


def _between(low: float, high: float) -> str:
    if not np.isfinite(high):
        return f"at {low:g} or above"
    return f"at {high:g} or below" if not np.isfinite(low) else f"from {low:g} to {high:g}"


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Covered(Claim):
    """The expected value lies in the confidence interval of every estimate.

    Values have three columns: the estimate, and the ends of its 95 % interval.
    """

    minimum: int = 1

    def compare(self, values: Array) -> Outcome:
        """Compare every interval with the expected value."""
        expected = self.observation.value
        if expected is None:
            raise SpecError("a value is needed", where=f"claim {self.name!r}")
        inside = (values[:, 1] <= expected) & (expected <= values[:, 2])
        estimates = ", ".join(f"{v:.3g} ({low:.3g} to {high:.3g})" for v, low, high in values[:5])
        return Outcome(
            value=float(inside.mean()),
            agrees=bool(inside.all()),
            reason=f"{int(inside.sum())} of {len(values)} intervals of 95 % contain {expected:g}:"
            f" {estimates}",
            estimate=fraction_of(int(inside.sum()), len(values)),
            prediction={"fraction": float(inside.mean()), "estimates": values.tolist()},
        )
