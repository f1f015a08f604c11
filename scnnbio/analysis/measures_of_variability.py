"""Variability of counts and irregularity of intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy
from numpy.typing import NDArray

from scnnbio.analysis import irregularity
from scnnbio.analysis.measurements import Bootstrap, Measurement, Reason, measured
from scnnbio.analysis.rates import Responses, window_within
from scnnbio.analysis.tables import grouped
from scnnbio.recording import Recording
from scnnbio.units import Number, Window, plain

Array = NDArray[np.float64]

#: Standard deviations of the gain that are tried.
_GAINS = np.concatenate([[0.0], np.geomspace(0.02, 4.0, 24)])
#: Units whose likelihood is computed at a time, which bounds the memory.
_UNITS = 32


def count_measures(
    recording: Recording,
    population: str,
    by: Sequence[str] | None = None,
    *,
    window: Window | None = None,
    bootstrap: Bootstrap | None = None,
    least_mean_count: Number = 1.0,
    least_repeats: int = 3,
) -> dict[str, Measurement]:
    """Fano factor and gain variance of the spike counts.

    Parameters
    ----------
    recording : Recording
    population : str
    by : sequence of str, optional
        Columns of the trial table that make a condition; all that were varied by default.
    window : (float, float), optional
        ms within the trial, on whose length both depend; the whole trial by default.
    bootstrap : Bootstrap, optional
    least_mean_count : float
        Conditions with a smaller mean count are left out of the Fano factor.
    least_repeats : int
        Conditions with fewer trials are left out.

    Returns
    -------
    dict of str to Measurement
        ``fano_factor``: variance (dividing by trials less one) over mean, averaged over
        conditions. ``gain_variance``: that of a gain which multiplies a Poisson process from trial
        to trial, so that the variance is ``m + gain_variance m^2``; by maximum likelihood of the
        negative binomial distribution, with the mean of each condition as it was found; the gain's
        standard deviation is sought from 0.02 to 4.

    Notes
    -----
    Variances of counts that a gain modulates are skewed, and intervals of the Fano factor too
    short: at a gain variance of 0.3 (20 trials of 5 conditions) they hold it in 90 of 100.

    References
    ----------
    R. L. T. Goris, J. A. Movshon and E. P. Simoncelli (2014), Nat. Neurosci. 17, 858-865,
    doi:10.1038/nn.3711.
    """
    how = bootstrap or Bootstrap()
    least = plain(least_mean_count, "1", where="count_measures.least_mean_count")
    table = grouped(recording, population, by, window)
    kept = [c for c, m in enumerate(table.n_trials) if m >= max(least_repeats, 2)]
    weights = how.weights(table.condition)
    value, used = _fano(table, kept, least)
    draws = _fano_draws(table, kept, least, weights)
    spikes = table.counts[np.isin(table.condition, kept)].sum(axis=0)
    repeats: Reason = (
        f"no condition has {max(least_repeats, 2)} trials", np.full(len(value), not kept)
    )  # fmt: skip
    few = ("no condition has a mean count so large", np.isnan(value))
    gain, gain_draws = _gain(table, kept, weights)
    number = np.full(len(value), int(table.n_trials[kept].sum()))
    return {
        "fano_factor": measured("fano_factor", "1", value, draws, used, how, [repeats, few]),
        "gain_variance": measured(
            "gain_variance", "1", gain, gain_draws, number, how,
            [repeats, ("no spikes", spikes == 0)],
        ),
    }  # fmt: skip


def interval_measures(
    recording: Recording,
    population: str,
    by: Sequence[str] | None = None,
    *,
    window: Window | None = None,
    bootstrap: Bootstrap | None = None,
    least_intervals: int = 20,
) -> dict[str, Measurement]:
    """CV, CV2 and LV of the inter-spike intervals in the condition that drives each unit best.

    Parameters
    ----------
    recording : Recording
    population : str
    by : sequence of str, optional
        As for :func:`count_measures`.
    window : (float, float), optional
        ms within the trial; the whole trial by default.
    bootstrap : Bootstrap, optional
    least_intervals : int
        A unit with fewer is insufficient.

    Returns
    -------
    dict of str to Measurement
        ``cv``, ``cv2`` and ``lv``, each 1 for a Poisson process of constant rate; n counts
        intervals. A rate that changes within the trial raises the CV and hardly the others.

    References
    ----------
    G. R. Holt et al. (1996), J. Neurophysiol. 75, 1806-1814 (CV2);
    S. Shinomoto, K. Shima and J. Tanji (2003), Neural Comput. 15, 2823-2842 (LV).
    """
    how = bootstrap or Bootstrap()
    table = grouped(recording, population, by, window)
    best = table.best()
    trials = [np.flatnonzero(table.condition == b) for b in best]
    found = irregularity.irregularity(
        recording, population, trials=trials, window=window, min_intervals=least_intervals
    )
    sums = _interval_sums(recording, population, table.window)
    draws = np.full((3, how.draws, len(best)), np.nan)
    weights = how.weights(table.condition)
    for condition in np.unique(best):
        units = np.flatnonzero(best == condition)
        rows = np.flatnonzero(table.condition == condition)
        n, isi, square, pairs, two, local = (
            weights[:, rows] @ part[np.ix_(rows, units)] for part in sums
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = isi / n
            draws[0][:, units] = np.sqrt(np.maximum(square / n - mean**2, 0.0)) / mean
            draws[1][:, units] = two / pairs
            draws[2][:, units] = local / pairs
    draws[~np.isfinite(draws)] = np.nan
    few: Reason = (
        f"fewer than {least_intervals} intervals", found.n_intervals < least_intervals
    )  # fmt: skip
    return {
        name: measured(
            name,
            "1",
            value,
            resampled,
            found.n_intervals,
            how,
            [few],
            counted="intervals",
            freedom=table.n_trials[best] - 1,
        )
        for name, value, resampled in zip(
            ("cv", "cv2", "lv"), (found.cv, found.cv2, found.lv), draws, strict=True
        )
    }


def _fano(table: Responses, kept: list[int], least: float) -> tuple[Array, NDArray[np.int64]]:
    """Fano factor of each unit, and the trials that it rests on."""
    factors = irregularity.fano_factor(table, min_mean_count=least)
    factors = factors * (table.n_trials / np.maximum(table.n_trials - 1, 1))[:, None]
    factors = factors[kept]
    some = ~np.isnan(factors)
    number = some.sum(axis=0)
    total = np.where(some, factors, 0.0).sum(axis=0)
    trials = (some * table.n_trials[kept][:, None]).sum(axis=0)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan), trials


def _fano_draws(table: Responses, kept: list[int], least: float, weights: Array) -> Array:
    """Resamples: the same conditions, whose unbiased variance is that of m trials."""
    counts = table.counts.astype(np.float64)
    total = np.zeros((len(weights), counts.shape[1]))
    number = np.zeros_like(total)
    for condition in kept:
        rows = np.flatnonzero(table.condition == condition)
        w, m = weights[:, rows], len(rows)
        mean, square = w @ counts[rows], w @ counts[rows] ** 2
        drawn = max(m - 1, 2)
        # Of m - 1 draws, each from m trials: unbiased twice over.
        spread = (square - mean**2) * drawn / (drawn - 1) * m / (m - 1)
        used = (counts[rows].mean(axis=0) >= least) & (mean > 0)
        total += np.where(used, spread / np.where(mean > 0, mean, 1.0), 0.0)
        number += used
    return np.asarray(np.where(number > 0, total / np.maximum(number, 1), np.nan))


def _gain(table: Responses, kept: list[int], weights: Array) -> tuple[Array, Array]:
    """Gain variance of greatest likelihood (units,), and of resamples (draws, units)."""
    rows = np.flatnonzero(np.isin(table.condition, kept))
    condition = np.searchsorted(kept, table.condition[rows])
    m = table.n_trials[kept].astype(np.float64)
    member = (condition[:, None] == np.arange(len(kept))).astype(np.float64)
    # Weights of a condition add up to its number of trials.
    all_weights = np.concatenate([np.ones((1, len(rows))), weights[:, rows] * m[condition]])
    counts = table.counts[rows]
    found = np.full((len(all_weights), counts.shape[1]), np.nan)
    for first in range(0, counts.shape[1] if len(rows) else 0, _UNITS):
        some = slice(first, first + _UNITS)
        found[:, some] = _likeliest(counts[:, some], all_weights, member, m)
    return found[0], found[1:]


def _likeliest(counts: NDArray[np.int64], weights: Array, member: Array, m: Array) -> Array:
    variance = _GAINS[1:] ** 2
    shape = 1.0 / variance
    table = np.arange(int(counts.max(initial=0)) + 1)[:, None]
    rising = scipy.special.gammaln(table + shape) - scipy.special.gammaln(shape)
    draws, units = len(weights), counts.shape[1]
    # Sum over trials of log Gamma(N + r) - log Gamma(r): (draws, units, gains).
    likely = (weights @ rising[counts].reshape(len(counts), -1)).reshape(draws, units, -1)
    poisson = np.zeros((draws, units))
    for condition, trials in enumerate(m):
        total = weights @ (member[:, condition, None] * counts)
        mean = (total / trials)[..., None]
        log = np.log(np.where(mean > 0, mean, 1.0))
        likely += total[..., None] * (np.log(variance) + log)
        likely -= (total[..., None] + trials * shape) * np.log1p(variance * mean)
        poisson += (total[..., None] * log)[..., 0] - total
    likely = np.concatenate([poisson[..., None], likely], axis=2)
    best = likely.argmax(axis=2)
    return np.asarray(_refined(likely, best) ** 2)


def _refined(likely: Array, best: NDArray[np.int64]) -> Array:
    """Gain at the top of the parabola through three nodes on the logarithm."""
    middle = np.clip(best, 2, len(_GAINS) - 2)
    low, top, high = (
        np.take_along_axis(likely, (middle + k)[..., None], 2)[..., 0] for k in (-1, 0, 1)
    )
    curve = low - 2 * top + high
    shift = np.where(curve < 0, 0.5 * (low - high) / np.where(curve < 0, curve, -1.0), 0.0)
    step = np.log(_GAINS[2] / _GAINS[1])
    inside = (best >= 2) & (best <= len(_GAINS) - 2)
    return np.asarray(_GAINS[best] * np.exp(np.where(inside, np.clip(shift, -1, 1) * step, 0.0)))


def _interval_sums(recording: Recording, population: str, window: Window) -> list[Array]:
    """Sums over the intervals of each trial and unit, each (trials, units).

    Number, sum and sum of squares of intervals; number of adjacent pairs, and the sums over them
    of what CV2 and LV average.
    """
    spikes = recording.spikes_of(population)
    begin, end = window_within(window, recording.trials["duration"], "window")
    inside = (spikes.time > begin) & (spikes.time <= end)
    size, n = recording.size(population), recording.n_trials
    train = spikes.trial[inside].astype(np.int64) * size + spikes.unit[inside]
    order = np.lexsort((spikes.time[inside], train))
    train, time = train[order], spikes.time[inside][order]
    interval, same = np.diff(time), np.diff(train) == 0
    pair = same[1:] & same[:-1]
    one, two = interval[:-1], interval[1:]
    total = np.where(pair & (one + two > 0), one + two, 1.0)
    relative = np.abs(one - two) / total
    undefined = np.where(pair & (one + two == 0), np.nan, 0.0)

    def summed(where: NDArray[np.int64], values: Array | None) -> Array:
        return np.bincount(where, values, minlength=n * size).reshape(n, size).astype(np.float64)

    at, middle = train[1:][same], train[1:-1][pair]
    return [
        summed(at, None),
        summed(at, interval[same]),
        summed(at, interval[same] ** 2),
        summed(middle, None),
        summed(middle, (2 * relative + undefined)[pair]),
        summed(middle, (3 * relative**2 + undefined)[pair]),
    ]
