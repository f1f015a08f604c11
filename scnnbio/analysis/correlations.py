"""Correlation of spike counts between neurons: noise and signal correlation.

Elephant correlates binned trains of one trial; these two are taken over trials and conditions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scnnbio.analysis.rates import Responses
from scnnbio.errors import SpecError

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Correlations:
    """A correlation coefficient for each pair of units.

    Parameters
    ----------
    first, second : array of int, shape (pairs,)
        Columns of the counts: every pair once, the first below the second.
    value : array, shape (pairs,)
        Pearson's coefficient; NaN where it is not defined.
    n : array of int, shape (pairs,)
        Number of trials, or conditions, of each coefficient.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    value: Array
    n: NDArray[np.int64]

    @property
    def n_undefined(self) -> int:
        """Number of pairs whose coefficient is NaN."""
        return int(np.isnan(self.value).sum())

    @property
    def mean(self) -> float:
        """Mean over the pairs with a defined coefficient; NaN without any."""
        defined = self.value[~np.isnan(self.value)]
        return float(defined.mean()) if len(defined) else float("nan")


def noise_correlation(
    table: Responses, *, units: ArrayLike | None = None, min_trials: int = 10
) -> Correlations:
    """Correlation of the counts of two units over trials of the same stimulus.

    The counts of each unit are standardised to mean 0 and variance 1 within each condition, and
    correlated over the trials of all conditions, which removes the effect of the stimulus on both.
    A condition in which either unit's count never varies is ignored for the pair.

    Parameters
    ----------
    table : Responses
        Counts. State their window with the result, since the coefficient depends on it.
    units : array of int, optional
        Columns of the counts; all by default.
    min_trials : int
        A pair with fewer trials is NaN.

    Returns
    -------
    Correlations
        The standard error is about 1 / sqrt(n - conditions).

    References
    ----------
    W. Bair, E. Zohary and W. T. Newsome (2001), J. Neurosci. 21, 1676-1697 (z-scores within
    conditions); A. Kohn and M. A. Smith (2005), J. Neurosci. 25, 3661-3673,
    doi:10.1523/JNEUROSCI.5106-04.2005; A. S. Ecker et al. (2010), Science 327, 584-587,
    doi:10.1126/science.1179867.
    """
    counts = _columns(table, units)
    n_conditions = len(table.n_trials)
    scores, varies = np.zeros(counts.shape), np.zeros((n_conditions, counts.shape[1]), dtype=bool)
    for condition in range(n_conditions):
        rows = table.condition == condition
        here = counts[rows]
        spread = here.std(axis=0)
        varies[condition] = spread > 0
        scores[rows] = (here - here.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    # Where one of a pair does not vary, its score and the product are 0. Within a condition
    # the scores have mean 0 and variance 1, so that the mean product is Pearson's coefficient.
    weight = table.n_trials.astype(np.float64)
    n = (varies * weight[:, None]).T @ varies
    return _pairs(scores.T @ scores, n, min_trials)


def signal_correlation(
    table: Responses, *, units: ArrayLike | None = None, min_conditions: int = 4
) -> Correlations:
    """Correlation of the mean responses of two units over conditions: the similarity of tuning.

    Means over few trials are noisy: shared noise biases the coefficient upwards, and independent
    noise biases it towards 0.

    Parameters
    ----------
    table : Responses
        Counts.
    units : array of int, optional
        Columns of the counts; all by default.
    min_conditions : int
        With fewer conditions every pair is NaN.

    Returns
    -------
    Correlations
        NaN where a unit's mean response is the same in all conditions.

    References
    ----------
    A. Kohn and M. A. Smith (2005), J. Neurosci. 25, 3661-3673,
    doi:10.1523/JNEUROSCI.5106-04.2005.
    """
    counts = _columns(table, units)
    means = np.stack(
        [counts[table.condition == c].mean(axis=0) for c in range(len(table.n_trials))]
    )
    centred = means - means.mean(axis=0)
    norm = np.sqrt((centred**2).sum(axis=0))
    varies = norm > 1e-12 * np.maximum(np.abs(means).max(axis=0, initial=0.0), 1.0)
    unit = np.where(varies, centred / np.where(varies, norm, 1.0), 0.0)
    n = np.where(varies[:, None] & varies[None, :], float(len(means)), 0.0)
    # Products of unit vectors are the coefficients; _pairs divides by n, hence the factor.
    return _pairs(unit.T @ unit * len(means), n, min_conditions)


def _columns(table: Responses, units: ArrayLike | None) -> Array:
    counts = table.counts if units is None else table.counts[:, np.asarray(units, dtype=np.int64)]
    if counts.shape[1] < 2:
        raise SpecError(
            f"{counts.shape[1]} units make no pair; choose two or more", where="correlations.units"
        )
    return counts.astype(np.float64)


def _pairs(products: Array, n: Array, least: int) -> Correlations:
    """Mean products of all pairs above the diagonal; NaN where ``n`` is too small."""
    first, second = np.triu_indices(len(products), k=1)
    number = np.rint(n[first, second]).astype(np.int64)
    enough = number >= max(least, 2)
    value = np.where(enough, products[first, second] / np.maximum(number, 1), np.nan)
    return Correlations(first, second, value, number)
