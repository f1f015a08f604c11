"""Which of several models comes nearest to an observation, and how certain that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError
from scnnbio.validation.claim import Claim, Measured
from scnnbio.validation.comparisons import DistributionLike, FractionLike, Median
from scnnbio.validation.protocol import Missing
from scnnbio.validation.scores import total_variation

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Nearness:
    """Distances of models from an observation.

    Parameters
    ----------
    claim : str
    names : tuple of str
        Of the models.
    distance, low, high : array (models,)
        Distance, and its 95 % interval when the values of a model are drawn again.
    chance : array (models,)
        Share of those draws in which a model is nearer than all others.
    n : array of int (models,)
        Number of values.
    minimum : int
        Number of values that the claim needs.
    """

    claim: str
    names: tuple[str, ...]
    distance: Array
    low: Array
    high: Array
    chance: Array
    n: NDArray[np.int64]
    minimum: int

    @property
    def nearest(self) -> str:
        """The model that is nearest in 95 % of draws.

        Empty if there is none, or if a model has fewer values than the claim needs.
        """
        if self.n.min() < self.minimum:
            return ""
        best = int(np.argmax(self.chance))
        return self.names[best] if self.chance[best] >= 0.95 else ""


def distance(claim: Claim, values: Array) -> float:
    """Distance of measured values from what a claim says of cortex.

    Parameters
    ----------
    claim : Claim
        On a histogram: the total variation distance, as in its verdict. On a fraction: the
        difference of the fractions. On a median: the difference from the published one, or from the
        middle of the published interval.
    values : array (n,) or (n, quantities)

    Returns
    -------
    float
        In the unit of the claim's observation.

    Raises
    ------
    SpecError
        For claims of other kinds.
    """
    seen = claim.observation
    if isinstance(claim, DistributionLike):
        published, counts = claim.binned(values)
        return float(total_variation(counts, published))
    if isinstance(claim, FractionLike) and seen.value is not None:
        return float(_from_fraction(claim, np.mean(values < claim.below)))
    if isinstance(claim, Median) and seen.interval is not None:
        middle = float(np.mean(seen.interval)) if seen.value is None else seen.value
        return abs(float(np.median(values)) - middle)
    raise SpecError("has no distance from its observation", where=f"claim {claim.name!r}")


def _from_fraction(claim: FractionLike, fractions: Any) -> Any:
    """Difference of fractions from the published one."""
    return np.abs(fractions - claim.observation.value)


def _drawn(claim: Claim, own: Array, draws: int, rng: np.random.Generator) -> Array:
    """Distances of a model whose values are drawn again (draws,)."""
    if isinstance(claim, FractionLike):
        # Values that are all below, or all above, are so in each draw of them, as if there could
        # be no others: hence the posterior of the fraction.
        hits = np.count_nonzero(own < claim.below)
        return np.asarray(_from_fraction(claim, rng.beta(hits + 0.5, len(own) - hits + 0.5, draws)))
    return np.array(
        [distance(claim, own[rng.integers(0, len(own), len(own))]) for _ in range(draws)]
    )


def nearness(
    claim: Claim, measured: Mapping[str, Measured], *, draws: int = 1000, seed: int = 1
) -> Nearness:
    """Compare how near models come to an observation, by drawing their values again.

    The values of a model are drawn with replacement (bootstrap). A fraction is drawn from its
    posterior with Jeffreys' prior (Brown, Cai & DasGupta 2001, Stat Sci 16:101), which has a width
    where all values are on one side. The distance of a histogram grows by chance as values get
    fewer, so compare models with similar numbers of values.

    Parameters
    ----------
    claim : Claim
    measured : mapping of str to Measured
        What was measured of each model.
    draws : int
    seed : int

    Returns
    -------
    Nearness

    Raises
    ------
    SpecError
        For claims that have no distance; :class:`Missing` where a model has no values.
    """
    rng, names = np.random.default_rng(seed), tuple(measured)
    values = [measured[name].values for name in names]
    for name, own in zip(names, values, strict=True):
        if not len(own):
            raise Missing(f"{claim.name} found no values in {name!r}")
    drawn = np.array([_drawn(claim, own, draws, rng) for own in values])
    low, high = np.quantile(drawn, [0.025, 0.975], axis=1)
    first = drawn == drawn.min(axis=0)
    chance = (first & (first.sum(axis=0) == 1)).mean(axis=1)
    found = np.array([distance(claim, own) for own in values])
    numbers = np.array([*map(len, values)])
    return Nearness(claim.name, names, found, low, high, chance, numbers, claim.minimum)
