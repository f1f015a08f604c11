"""Irregularity of spike trains and variability of counts, by Elephant.

Elephant's measures raise, or warn, on trains that are too short for them; here such a train is NaN
and counted. Elephant takes seconds to import, and is imported when first asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scnnbio.analysis.elephants import statistics
from scnnbio.analysis.rates import Responses
from scnnbio.errors import SpecError
from scnnbio.recording import Recording
from scnnbio.units import Number, Window, plain, plain_window

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Irregularity:
    """Irregularity of the inter-spike intervals of each unit.

    Parameters
    ----------
    unit : array of int, shape (units,)
    n_intervals : array of int, shape (units,)
    cv : array, shape (units,)
        Coefficient of variation of all intervals; 1 for a Poisson process.
    cv2 : array, shape (units,)
        Mean of 2 abs(difference) / sum of adjacent intervals; 1 for a Poisson process. Slow changes
        of the rate matter little to it.
    lv : array, shape (units,)
        Local variation, mean of 3 (difference / sum)^2; 1 for a Poisson process.

    Notes
    -----
    A measure is NaN where it is not defined: all three with too few intervals, ``cv`` if every
    interval is zero, ``cv2`` and ``lv`` if two adjacent ones are, whose sum they divide by. Spikes
    of one neuron at one time are two neurons, or an artefact.
    """

    unit: NDArray[np.int64]
    n_intervals: NDArray[np.int64]
    cv: Array
    cv2: Array
    lv: Array

    @property
    def n_undefined(self) -> int:
        """Units for which any of the three measures is NaN."""
        return int((np.isnan(self.cv) | np.isnan(self.cv2) | np.isnan(self.lv)).sum())


def irregularity(
    recording: Recording,
    population: str,
    *,
    units: ArrayLike | None = None,
    trials: Sequence[ArrayLike] | ArrayLike | None = None,
    window: Window | None = None,
    min_intervals: int = 20,
) -> Irregularity:
    """CV, CV2 and LV of each unit's intervals.

    Intervals lie within a trial, and so do the pairs of CV2 and LV; those of all given trials are
    taken together. Give trials of one condition: intervals of several rates vary more than those
    of any. Where a trial holds few intervals, long ones are cut off more often than short
    ones, and the CV is too small.

    Parameters
    ----------
    recording : Recording
    population : str
    units : array of int, optional
        All by default.
    trials : array of int, or one such array a unit, optional
        All by default.
    window : (float, float), optional
        ms; spikes with t0 < t <= t1. The whole trial by default.
    min_intervals : int
        A unit with fewer has NaN.

    Returns
    -------
    Irregularity

    References
    ----------
    G. R. Holt et al. (1996), J. Neurophysiol. 75, 1806-1814 (CV2).
    S. Shinomoto, K. Shima and J. Tanji (2003), Neural Comput. 15, 2823-2842 (LV).
    """
    chosen, trains, wanted = _chosen(recording, population, units, trials, window)
    rows = [
        _measures(trains.of(int(unit), kept), max(min_intervals, 2))
        for unit, kept in zip(chosen, wanted, strict=True)
    ]
    columns = np.array(rows, dtype=np.float64).reshape(len(chosen), 4)
    return Irregularity(
        unit=chosen,
        n_intervals=columns[:, 0].astype(np.int64),
        cv=columns[:, 1],
        cv2=columns[:, 2],
        lv=columns[:, 3],
    )


@dataclass(frozen=True, eq=False)
class TrialCV:
    """Coefficient of variation of intervals trial by trial, averaged.

    Parameters
    ----------
    unit : array of int, shape (units,)
    cv : array, shape (units,)
        Mean over trials of the coefficient of variation within a trial; NaN without such a trial.
    n_trials : array of int, shape (units,)
        Trials that were averaged.
    """

    unit: NDArray[np.int64]
    cv: Array
    n_trials: NDArray[np.int64]

    @property
    def n_undefined(self) -> int:
        """Units without a trial that counts."""
        return int(np.isnan(self.cv).sum())


def trial_cv(
    recording: Recording,
    population: str,
    *,
    units: ArrayLike | None = None,
    trials: Sequence[ArrayLike] | ArrayLike | None = None,
    window: Window | None = None,
    min_intervals: int = 5,
) -> TrialCV:
    """CV of the intervals of each trial, averaged over trials.

    Unlike the CV of :func:`irregularity`, which takes the intervals of all trials together, it
    does not see that the rate changes from trial to trial, or from condition to condition. The
    two may differ by a half, so that the two cannot stand for each other.

    Parameters
    ----------
    recording : Recording
    population : str
    units, trials, window
        As for :func:`irregularity`; the trials may be of several conditions.
    min_intervals : int
        A trial with fewer is left out. The standard deviation divides by their number: of n
        intervals of a Poisson process, the squared CV is (n - 1) / (n + 1) on average.

    Returns
    -------
    TrialCV

    Examples
    --------
    >>> from scnnbio.recording import Spikes
    >>> spikes = Spikes(time=[1.0, 2.0, 4.0, 1.0, 3.0, 7.0], unit=[0] * 6, trial=[0] * 3 + [1] * 3)
    >>> recording = Recording({"v1": spikes}, {}, {"duration": [10.0, 10.0]})
    >>> trial_cv(recording, "v1", min_intervals=2).cv.round(3)
    array([0.333])
    """
    elephant = statistics()
    chosen, trains, wanted = _chosen(recording, population, units, trials, window)
    found, number = np.full(len(chosen), np.nan), np.zeros(len(chosen), dtype=np.int64)
    least = max(min_intervals, 2)
    for row, (unit, kept) in enumerate(zip(chosen, wanted, strict=True)):
        long = [elephant.isi(train) for train in trains.of(int(unit), kept) if len(train) > least]
        # As elephant.cv, to the last bit, which checks the arguments for as long as 50 trials take.
        each = [np.std(intervals) / np.mean(intervals) for intervals in long if intervals.any()]
        if each:
            found[row], number[row] = np.mean(each), len(each)
    return TrialCV(chosen, found, number)


def fano_factor(
    table: Responses, *, conditions: ArrayLike | None = None, min_mean_count: Number = 1.0
) -> Array:
    """Fano factor of each unit's spike counts over the trials of a condition.

    Parameters
    ----------
    table : Responses
        Counts; state its window with the result, on which the factor depends.
    conditions : array of int, shape (units,), optional
        One condition a unit, such as ``table.best()``.
    min_mean_count : float
        NaN for a condition with a smaller mean count, or with a single trial.

    Returns
    -------
    array, shape (conditions, units), or (units,) with ``conditions``
        Variance (dividing by the number of trials) over mean.
    """
    elephant = statistics()
    least = plain(min_mean_count, "1", where="fano_factor.min_mean_count")
    n_trials, n_units = table.n_trials, table.counts.shape[1]
    pairs = (
        [(c, u) for c in range(len(n_trials)) for u in range(n_units)]
        if conditions is None
        else [(int(c), u) for u, c in enumerate(np.asarray(conditions))]
    )
    # Elephant only counts the spikes of each train, so trains without times do.
    blank = np.zeros(int(table.counts.max(initial=0)))
    factors = np.full(len(pairs), np.nan)
    for i, (condition, unit) in enumerate(pairs):
        counts = table.counts[table.condition == condition, unit]
        if len(counts) > 1 and counts.mean() >= least and counts.any():
            factors[i] = elephant.fanofactor([blank[:count] for count in counts])
    return factors if conditions is not None else factors.reshape(len(n_trials), n_units)


def mean_fano_factor(
    table: Responses, *, min_mean_count: Number = 1.0
) -> tuple[Array, NDArray[np.int64]]:
    """Fano factor of each unit's spike counts, averaged over conditions.

    Parameters
    ----------
    table : Responses
        Counts; state its window with the result, on which the factor depends.
    min_mean_count : float
        Conditions in which the unit's mean count is smaller are left out, as are those of a single
        trial.

    Returns
    -------
    mean : array, shape (units,)
        Variance over mean. The variance divides by the number of trials less one: divided by
        their number, as by :func:`fano_factor`, five trials of a Poisson process have 0.8. NaN
        where every condition is left out.
    n_conditions : array of int, shape (units,)
        Conditions that were averaged.
    """
    factors = fano_factor(table, min_mean_count=min_mean_count)
    factors *= (table.n_trials / np.maximum(table.n_trials - 1, 1))[:, None]
    number = (~np.isnan(factors)).sum(axis=0)
    # Each unit's conditions lie next to one another: the sum is the same for any set of units.
    total = np.nansum(np.ascontiguousarray(factors.T), axis=1)
    mean = total / np.maximum(number, 1)
    return np.where(number > 0, mean, np.nan), number


def _chosen(
    recording: Recording,
    population: str,
    units: ArrayLike | None,
    trials: Sequence[ArrayLike] | ArrayLike | None,
    window: Window | None,
) -> tuple[NDArray[np.int64], _Trains, list[NDArray[np.bool_]]]:
    """Units, the spike trains of all, and which trials of each unit count."""
    size = recording.size(population)
    chosen = np.arange(size) if units is None else np.asarray(units, dtype=np.int64)
    trains = _Trains(recording, population, window)
    return chosen, trains, _trials_of_each(trials, recording.n_trials, len(chosen))


class _Trains:
    """Spike times by unit and trial, sorted once, so that a cut is a slice."""

    def __init__(self, recording: Recording, population: str, window: Window | None) -> None:
        spikes = recording.spikes_of(population)
        inside = np.ones(len(spikes), dtype=bool)
        if window is not None:
            begin, end = plain_window(window, where="irregularity.window")
            inside = (spikes.time > begin) & (spikes.time <= end)
        order = np.lexsort((spikes.time[inside], spikes.trial[inside], spikes.unit[inside]))
        self.time = spikes.time[inside][order]
        self.trial = spikes.trial[inside][order]
        # As wide as what is looked up in it, or each look-up would copy the whole.
        self.unit = spikes.unit[inside][order].astype(np.int64)

    def of(self, unit: int, trials: NDArray[np.bool_]) -> list[Array]:
        first, last = np.searchsorted(self.unit, [unit, unit + 1])
        time, trial = self.time[first:last], self.trial[first:last]
        time, trial = time[trials[trial]], trial[trials[trial]]
        return np.split(time, np.flatnonzero(np.diff(trial)) + 1)


def _trials_of_each(
    trials: Sequence[ArrayLike] | ArrayLike | None, n_trials: int, n_units: int
) -> list[NDArray[np.bool_]]:
    if trials is None:
        return [np.ones(n_trials, dtype=bool)] * n_units
    each: list[Any] = list(cast("Sequence[Any]", trials))
    if not each or np.ndim(each[0]) == 0:
        each = [trials] * n_units
    if len(each) != n_units:
        raise SpecError(f"{len(each)} lists of trials for {n_units} units", where="irregularity")
    masks = np.zeros((n_units, n_trials), dtype=bool)
    for mask, kept in zip(masks, each, strict=True):
        mask[np.asarray(kept, dtype=np.int64)] = True
    return list(masks)


def _measures(trains: list[Array], min_intervals: int) -> tuple[float, float, float, float]:
    """Return the number of intervals, CV, CV2 and LV of trains taken together."""
    elephant = statistics()
    intervals = [elephant.isi(train) for train in trains if len(train) > 1]
    number = sum(map(len, intervals))
    long = [train for train in intervals if len(train) > 1]
    if number < min_intervals or not long:
        return number, np.nan, np.nan, np.nan
    together = np.concatenate(intervals)
    whole = float(elephant.cv(together)) if together.any() else np.nan
    if any((train[1:] + train[:-1] == 0).any() for train in long):
        return number, whole, np.nan, np.nan
    # A train of n intervals has n - 1 pairs: so weighted, its mean is one over all pairs.
    pairs = np.array([len(train) - 1 for train in long])
    means = [
        float(np.average([measure(train) for train in long], weights=pairs))
        for measure in (elephant.cv2, elephant.lv)
    ]
    return number, whole, means[0], means[1]
