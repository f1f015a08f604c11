"""Comparisons that take the size of both samples into account, and tests of signs and orderings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from scnnbio.errors import SpecError
from scnnbio.validation.claim import Claim, Outcome
from scnnbio.validation.estimates import Estimate, notched

Array = NDArray[np.float64]

#: Resamples of units, and permutations; their seed.
_DRAWS, _SEED = 2000, 0
#: Standard errors of 95 %.
_Z = 1.96


def _resampled(values: Array, of: str) -> tuple[float, float]:
    """95 % interval of a median or a mean over units, which are drawn again."""
    rows = np.random.default_rng(_SEED).integers(0, len(values), (_DRAWS, len(values)))
    found = getattr(np, of)(values[rows], axis=1)
    # Values may be infinite, between which nothing can be interpolated.
    low, high = np.quantile(found, [0.025, 0.975], method="inverted_cdf")
    return float(low), float(high)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class MediansOverlap(Claim):
    """The median is the published one, as far as both samples can tell.

    The published median has the interval ``median +- 1.57 * (quartile range) / sqrt(n)``, the
    model's that of resampled units, both of 95 %. The model agrees if the two overlap, which two
    samples of one distribution nearly always do: an agreement says that no difference was found.

    References
    ----------
    R. McGill, J. W. Tukey and W. A. Larsen (1978), Am. Stat. 32, 12-16.
    """

    def compare(self, values: Array) -> Outcome:
        """Hold the two intervals against each other; see :class:`MediansOverlap`."""
        seen = self.observation
        if seen.value is None or seen.interval is None or seen.n is None:
            raise SpecError("a median, quartiles and n are needed", where=f"claim {self.name!r}")
        published = notched(seen.value, seen.interval, seen.n)
        return _overlap(values, "median", published, seen.n)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class MeansOverlap(Claim):
    """The mean is the published one, as far as both samples can tell.

    The published interval is the mean and 1.96 of its standard errors, the model's that of
    resampled units, or pairs of them. The model agrees if the two overlap.

    Parameters
    ----------
    standard_error : float
        Of the published mean, in the observation's unit.
    """

    standard_error: float

    def compare(self, values: Array) -> Outcome:
        """Hold the two intervals against each other; see :class:`MeansOverlap`."""
        seen = self.observation
        if seen.value is None or seen.n is None:
            raise SpecError("a mean and its n are needed", where=f"claim {self.name!r}")
        reach = _Z * self.standard_error
        return _overlap(values, "mean", (seen.value - reach, seen.value + reach), seen.n)


def _overlap(values: Array, of: str, published: tuple[float, float], n: int) -> Outcome:
    low, high = _resampled(values, of)
    center = float(getattr(np, of)(values))
    agrees = low <= published[1] and published[0] <= high
    relation = "overlaps" if agrees else "does not overlap"
    return Outcome(
        value=center,
        agrees=bool(agrees),
        reason=f"the {of} {center:.3g} ({low:.3g} to {high:.3g}, n = {len(values)}) {relation} the"
        f" published {published[0]:.3g} to {published[1]:.3g} (n = {n}); intervals of 95 %",
        prediction={of: center, "interval": [low, high]},
        against={"published_interval": list(published)},
        estimate=Estimate(of, center, low, high, len(values)),
        published=Estimate(of, sum(published) / 2, *published, n),
    )


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class CorrelationOverlaps(Claim):
    """The rank correlation of two quantities is the published one, as far as both samples can tell.

    Values have two columns. Intervals of 95 % come from Fisher's transformation of Spearman's
    coefficient with the variance of Bonett and Wright, (1 + r^2 / 2) / (n - 3).

    References
    ----------
    D. G. Bonett and T. A. Wright (2000), Psychometrika 65, 23-28.
    """

    def compare(self, values: Array) -> Outcome:
        """Hold the two intervals against each other; see :class:`CorrelationOverlaps`."""
        seen = self.observation
        if seen.value is None or seen.n is None:
            raise SpecError("a coefficient and its n are needed", where=f"claim {self.name!r}")
        if (values == values[0]).all(axis=0).any():
            return Outcome(
                float("nan"), False, "one of the two does not vary", {}, sufficient=False
            )
        found = float(scipy.stats.spearmanr(values[:, 0], values[:, 1]).statistic)
        ours, theirs = _spearman(found, len(values)), _spearman(seen.value, seen.n)
        agrees = ours[0] <= theirs[1] and theirs[0] <= ours[1]
        relation = "overlaps" if agrees else "does not overlap"
        return Outcome(
            value=found,
            agrees=agrees,
            reason=f"Spearman's {found:.2f} ({ours[0]:.2f} to {ours[1]:.2f}, n = {len(values)})"
            f" {relation} the published {theirs[0]:.2f} to {theirs[1]:.2f} (n = {seen.n})",
            prediction={"spearman": found, "interval": list(ours)},
            against={"published_interval": list(theirs)},
            estimate=Estimate("Spearman's coefficient", found, *ours, len(values)),
            published=Estimate("Spearman's coefficient", seen.value, *theirs, seen.n),
        )


def _spearman(coefficient: float, n: int) -> tuple[float, float]:
    reach = _Z * np.sqrt((1 + coefficient**2 / 2) / (n - 3))
    middle = np.arctanh(np.clip(coefficient, -0.999999, 0.999999))
    return float(np.tanh(middle - reach)), float(np.tanh(middle + reach))


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Ordered(Claim):
    """Units of one group have larger values than those of the other, by a permutation test.

    Values have two columns: what divides the units, and what is compared. The model agrees if the
    median is larger in the group whose first column is at most ``divide``, and permutations of the
    groups reach that difference in fewer than 5 of 100.

    Parameters
    ----------
    divide : float
        In the unit of the first column.
    least : int
        Units that each group needs; with fewer the data are insufficient.
    """

    divide: float
    least: int = 5

    def __post_init__(self) -> None:
        object.__setattr__(self, "divide", float(self.divide))  # 1 is 1.0

    def compare(self, values: Array) -> Outcome:
        """Permute the groups; see :class:`Ordered`."""
        first = values[:, 0] <= self.divide
        sizes = int(first.sum()), int((~first).sum())
        if min(sizes) < self.least:
            return Outcome(
                float("nan"), False,
                f"{sizes[0]} units at {self.divide:g} or below and {sizes[1]} above it:"
                f" {self.least} are needed on both sides", {}, sufficient=False,
            )  # fmt: skip

        def difference(column: Array, axis: int = -1) -> Array:
            return np.asarray(
                np.median(column[..., : sizes[0]], axis=axis)
                - np.median(column[..., sizes[0] :], axis=axis)
            )

        column = np.concatenate([values[first, 1], values[~first, 1]])
        rng = np.random.default_rng(_SEED)
        found = float(difference(column))
        shuffled = difference(rng.permuted(np.tile(column, (_DRAWS, 1)), axis=1))
        p = (1 + int((shuffled >= found - 1e-12).sum())) / (_DRAWS + 1)
        return Outcome(
            value=found,
            agrees=p < 0.05,
            reason=f"the medians differ by {found:.3g} ({sizes[0]} and {sizes[1]} units);"
            f" permutation test p = {p:.2g}",
            prediction={"difference": found, "sizes": list(sizes)},
            against={"p": p},
            estimate=_difference(values[first, 1], values[~first, 1]),
        )


def _difference(one: Array, other: Array) -> Estimate:
    """Difference of the medians of two groups; its interval resamples the units of each."""
    rng = np.random.default_rng(_SEED)
    drawn = [
        np.median(group[rng.integers(0, len(group), (_DRAWS, len(group)))], axis=1)
        for group in (one, other)
    ]
    low, high = np.quantile(drawn[0] - drawn[1], [0.025, 0.975])
    found = float(np.median(one) - np.median(other))
    return Estimate("difference of medians", found, float(low), float(high), len(one) + len(other))


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Positive(Claim):
    """Most units have a positive value, by a sign test at 5 %: a claim on a direction alone."""

    def compare(self, values: Array) -> Outcome:
        """Count the positive and the negative values; see :class:`Positive`."""
        above, below = int((values > 0).sum()), int((values < 0).sum())
        p = 1.0
        if above + below:
            p = float(scipy.stats.binomtest(above, above + below, alternative="greater").pvalue)
        return Outcome(
            value=float(np.median(values)),
            agrees=p < 0.05,
            reason=f"{above} units are above 0 and {below} below it; sign test p = {p:.2g}",
            prediction={"median": float(np.median(values)), "above": above, "below": below},
            against={"p": p},
        )


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class IntervalAbove(Claim):
    """An estimate of the population is above 0, by its 95 % interval: a claim on a direction alone.

    Values have three columns: the estimate, and the ends of its interval.
    """

    minimum: int = 1

    def compare(self, values: Array) -> Outcome:
        """Hold the lower end against 0; see :class:`IntervalAbove`."""
        value, low, high = values[0].tolist()
        agrees = low > 0
        relation = "above" if agrees else "not above"
        return Outcome(
            value=value,
            agrees=agrees,
            reason=f"{value:.3g} ({low:.3g} to {high:.3g}) is {relation} 0 by its interval of 95 %",
            prediction={"estimate": value, "interval": [low, high]},
            estimate=Estimate("estimate", value, low, high),
        )
