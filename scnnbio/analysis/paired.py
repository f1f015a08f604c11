"""Statistics of the same neurons in two recordings, and how sure their difference is.

The interval of a difference comes from resampling neurons (bootstrap), and says how far it would
move with other neurons of the same kind. Neurons share their input and compete, so that other seeds
may move it more, or less (decision 0015 has numbers).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scnnbio._exclusive import ignore_warnings
from scnnbio.analysis.irregularity import irregularity
from scnnbio.errors import SpecError
from scnnbio.recording import Recording
from scnnbio.units import Milliseconds, plain

Array = NDArray[np.float64]
Pair = tuple[Recording, Recording]

_RESAMPLES = 1000


@dataclass(frozen=True)
class Statistic:
    """A mean over neurons, or pairs of them, in both recordings.

    Parameters
    ----------
    reference, other : float
        NaN if it is defined for none.
    difference, low, high : float
        ``other - reference`` and its interval of 95 %, by resampling neurons (bootstrap).
    n : int
        Neurons, or pairs, for which both are defined.
    undefined : int
        Those for which either is not.
    """

    reference: float
    other: float
    difference: float
    low: float
    high: float
    n: int
    undefined: int

    def to_dict(self) -> dict[str, float | int | None]:
        """Plain values; what is not defined is None."""
        values = dataclasses.asdict(self)
        return {key: value if math.isfinite(value) else None for key, value in values.items()}


def paired_rate(pair: Pair, population: str, seed: int) -> Statistic:
    """Mean rate (Hz) over all neurons; the difference is a share of the reference's.

    Parameters
    ----------
    pair : (Recording, Recording)
        The reference and the other.
    population : str
    seed : int
        Of the interval.

    Returns
    -------
    Statistic
    """
    ours, theirs = (mean_rates(recording, population) for recording in pair)

    def relative(chosen: NDArray[np.int64]) -> float:
        total = ours[chosen].sum()
        return float((theirs[chosen].sum() - total) / total) if total > 0 else float("nan")

    value, low, high = _interval(relative, len(ours), seed)
    return Statistic(mean(ours), mean(theirs), value, low, high, len(ours), 0)


def mean_rates(recording: Recording, population: str) -> Array:
    """Mean rate of each neuron over all trials (Hz), shape (units,)."""
    seconds = float(recording.trials["duration"].sum()) / 1000.0
    return np.asarray(recording.counts(population).sum(axis=0) / seconds)


def paired_cv(
    pair: Pair, population: str, units: NDArray[np.int64], min_intervals: int, seed: int
) -> Statistic:
    """Mean coefficient of variation of intervals, over neurons with intervals enough in both.

    Parameters
    ----------
    pair : (Recording, Recording)
    population : str
    units : array of int
        Neurons to look at.
    min_intervals : int
        A neuron with fewer has none.
    seed : int
        Of the interval.

    Returns
    -------
    Statistic
    """
    ours, theirs = (
        irregularity(recording, population, units=units, min_intervals=min_intervals).cv
        for recording in pair
    )
    defined = ~(np.isnan(ours) | np.isnan(theirs))
    gap, n = (theirs - ours)[defined], int(defined.sum())
    value, low, high = _interval(lambda chosen: mean(gap[chosen]), n, seed)
    undefined = len(units) - n
    return Statistic(mean(ours[defined]), mean(theirs[defined]), value, low, high, n, undefined)


def paired_correlation(
    pair: Pair, population: str, units: NDArray[np.int64], width: Milliseconds, seed: int
) -> Statistic:
    """Mean correlation of spike counts, over pairs of neurons.

    Parameters
    ----------
    pair : (Recording, Recording)
    population : str
    units : array of int
        Neurons whose pairs are taken.
    width : float
        Of a bin (ms), shortened so that a trial is a whole number of bins.
    seed : int
        Of the interval.

    Returns
    -------
    Statistic

    Raises
    ------
    SpecError
        If trials are not equally long.
    """
    width = plain(width, "ms", where="paired_correlation.width")
    ours, theirs = (_coefficients(recording, population, units, width) for recording in pair)
    # A neuron is no pair with itself, in a resample no more than in the sample.
    defined = ~(np.isnan(ours) | np.isnan(theirs)) & ~np.eye(len(units), dtype=bool)
    gap = np.where(defined, theirs - ours, 0.0)

    def difference(chosen: NDArray[np.int64]) -> float:
        square = np.ix_(chosen, chosen)
        number = defined[square].sum()
        return float(gap[square].sum() / number) if number else float("nan")

    value, low, high = _interval(difference, len(units), seed)
    n = int(defined.sum()) // 2
    undefined = len(units) * (len(units) - 1) // 2 - n
    return Statistic(mean(ours[defined]), mean(theirs[defined]), value, low, high, n, undefined)


def _coefficients(
    recording: Recording, population: str, units: NDArray[np.int64], width: float
) -> Array:
    """Correlation of each pair of neurons' spike counts; NaN where one has no variance."""
    import neo
    import quantities as pq
    from elephant.conversion import BinnedSpikeTrain
    from elephant.spike_train_correlation import correlation_coefficient

    found = np.full((len(units), len(units)), np.nan)
    durations = np.unique(recording.trials["duration"])
    if len(durations) > 1:
        raise SpecError(
            "trials are not equally long, so that no bin fits all; take those of one stage",
            where=f"correlation of population {population!r}",
        )
    duration = float(durations.sum())
    bins = recording.n_trials * max(1, round(duration / width))
    alive = np.flatnonzero(recording.counts(population).sum(axis=0)[units] > 0)
    if len(alive) < 2 or bins < 2:
        return found
    spikes, stop = recording.spikes_of(population), duration * recording.n_trials
    # A stamp closes its step, and belongs to the bin that it closes.
    time = np.maximum(spikes.trial * duration + spikes.time - 1e-6, 0.0)
    trains = [
        neo.SpikeTrain(np.sort(time[spikes.unit == unit]), units=pq.ms, t_stop=stop)
        for unit in units[alive]
    ]
    with ignore_warnings(
        "The 'copy' argument in Quantity",
        "the matrix subclass is not the recommended way",
        # A neuron with as many spikes in every bin has no correlation: Elephant's NaN, and warning.
        "invalid value encountered",
    ):
        binned = BinnedSpikeTrain(trains, n_bins=bins, t_start=0 * pq.ms, t_stop=stop * pq.ms)
        found[np.ix_(alive, alive)] = correlation_coefficient(binned)
    return found


def _interval(
    measure: Callable[[NDArray[np.int64]], float], size: int, seed: int
) -> tuple[float, float, float]:
    """A measure of all neurons, and the 95 % of it over resamples of them."""
    if not size:
        return float("nan"), float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    value = measure(np.arange(size))
    drawn = np.array([measure(rng.integers(size, size=size)) for _ in range(_RESAMPLES)])
    drawn = drawn[np.isfinite(drawn)]
    if not np.isfinite(value) or not drawn.size:
        return value, float("nan"), float("nan")
    low, high = np.quantile(drawn, [0.025, 0.975])
    return value, float(low), float(high)


def mean(values: NDArray[np.generic]) -> float:
    """Mean, or NaN of nothing."""
    return float(values.mean()) if values.size else float("nan")  # type: ignore[attr-defined]
