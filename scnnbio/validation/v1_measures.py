"""How a model's numbers are made for the claims of :mod:`scnnbio.validation.v1`.

Spikes are measured at the central place of each map, each cell at its own best grating; a cell
that is silent there is left out and counted.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from scnnbio.analysis import irregularity, rates, tuning
from scnnbio.errors import SpecError
from scnnbio.validation.claim import Measured
from scnnbio.validation.evidence import Evidence, Missing

Array = NDArray[np.float64]

#: Fits that explain no more are left out, as in the paper.
MIN_R_SQUARED = 0.7
#: Counts of the Fano factor: their length in ms, when they begin if the trial lasts, how many
#: trials a variance needs, and the mean count that a condition exceeds.
FANO_LENGTH, FANO_ONSET, FANO_TRIALS, FANO_MEAN = 500.0, 30.0, 5, 1.0
#: Intervals that a trial needs for its CV, as in the recordings, and such trials that a cell needs.
CV_INTERVALS, CV_TRIALS = 5, 10


def log_nx_ny(evidence: Evidence) -> Measured:
    """Decimal logarithms of n_x and n_y of the Gabor fits with R^2 above 0.7."""
    table = evidence.kernel_measures
    empty = np.isnan(table.r_squared)
    good = ~empty & (table.r_squared > MIN_R_SQUARED)
    values = np.log10(np.stack([table.n_x[good], table.n_y[good]], axis=1))
    return Measured(
        values, {"empty kernels": int(empty.sum()), "R^2 <= 0.7": int((~good & ~empty).sum())}
    )


def kernel_circular_variance(evidence: Evidence) -> Measured:
    """Circular variance of the kernels."""
    variance = evidence.kernel_measures.circular_variance
    empty = np.isnan(variance)
    return Measured(variance[~empty], {"empty kernels": int(empty.sum())})


def _silent(evidence: Evidence) -> dict[str, int]:
    floor = f"below {evidence.min_rate:g} Hz in every condition"
    return {floor: int((~evidence.responsive).sum())}


def _curves(evidence: Evidence) -> tuple[Array, Array]:
    """Angles, and tuning curves of the cells that are not silent."""
    angles, curves = evidence.orientation_curves
    if len(angles) < 4:
        raise Missing(f"{len(angles)} orientations are too few for a tuning curve")
    curves = curves[evidence.responsive]
    if np.isnan(curves).any():
        raise Missing("not every orientation was shown at every spatial frequency")
    return angles, curves


def spike_circular_variance(evidence: Evidence) -> Measured:
    """Circular variance of each cell's mean rates."""
    angles, curves = _curves(evidence)
    return Measured(tuning.circular_variance(curves, angles), _silent(evidence))


def spike_half_bandwidth(evidence: Evidence) -> Measured:
    """Half bandwidth of each cell; infinite where its curve never falls far enough."""
    angles, curves = _curves(evidence)
    try:
        width = tuning.half_bandwidth(curves, angles)
    except SpecError as error:  # angles that are not equally spaced over a turn
        raise Missing(str(error)) from None
    return Measured(np.where(np.isnan(width), np.inf, width), _silent(evidence))


def evoked_rate(evidence: Evidence) -> Measured:
    """Mean rate of each cell at its best grating, Hz."""
    return Measured(evidence.responses.rates.max(axis=0)[evidence.responsive], _silent(evidence))


def interval_cv(evidence: Evidence) -> Measured:
    """CV of each cell's intervals in a trial, by Elephant, averaged over trials.

    Of all orientations, at the cell's own best of what else varies, as in the recordings. All
    intervals at the best grating taken together are another measure: it sees the rate change from
    trial to trial.
    """
    table, best = evidence.responses, evidence.responses.best()
    kept = np.flatnonzero(evidence.responsive)
    others = [column for name, column in table.conditions.items() if name != "orientation"]
    trials = []
    for cell in kept:
        same = np.ones(len(table.n_trials), dtype=bool)
        for column in others:
            same &= column == column[best[cell]]
        trials.append(np.flatnonzero(np.isin(table.condition, np.flatnonzero(same))))
    found = irregularity.trial_cv(
        evidence.gratings,
        evidence.population,
        units=evidence.units[kept],
        trials=trials,
        window=evidence.window,
        min_intervals=CV_INTERVALS,
    )
    enough = found.n_trials >= CV_TRIALS
    few = {f"fewer than {CV_TRIALS} trials of {CV_INTERVALS} intervals": int((~enough).sum())}
    return Measured(found.cv[enough], _silent(evidence) | few)


def count_fano_factor(evidence: Evidence) -> Measured:
    """Fano factor of each cell's counts in 500 ms, by Elephant, averaged over gratings.

    All gratings with a mean count above 1 count, not the best alone: of few trials a grating, the
    best is the one that varied least. Elephant divides by the number of trials, which is undone,
    or five trials of a Poisson process would have 0.8.
    """
    window = _fano_window(evidence)
    table = evidence.responses
    if table.n_trials.min() < FANO_TRIALS:
        raise Missing(
            f"{table.n_trials.min()} trials a grating are fewer than the {FANO_TRIALS} that a"
            " variance needs"
        )
    counts = evidence.gratings.counts(evidence.population, window)[:, evidence.units]
    cut: rates.Responses = replace(table, counts=counts, window=window)
    least = float(np.nextafter(FANO_MEAN, np.inf))
    factors = irregularity.fano_factor(cut, min_mean_count=least)[:, evidence.responsive]
    factors *= (table.n_trials / (table.n_trials - 1))[:, None]
    number = (~np.isnan(factors)).sum(axis=0)
    means = np.nansum(factors, axis=0)[number > 0] / number[number > 0]
    few = {"mean count not above 1": int((number == 0).sum())}
    return Measured(means, _silent(evidence) | few)


def _fano_window(evidence: Evidence) -> tuple[float, float]:
    """The 500 ms that are counted: the first of the window that was given, else 30 to 530 ms.

    The factor grows with the window, so that no other length will do.
    """
    last = float(evidence.gratings.trials["duration"].min())
    low, high = evidence.window or (0.0, last)
    high = min(high, last)
    if high - low < FANO_LENGTH:
        raise Missing(
            f"{low:g} to {high:g} ms are shorter than the {FANO_LENGTH:g} ms that were counted"
        )
    begin = low if evidence.window else min(FANO_ONSET, high - FANO_LENGTH)
    return begin, begin + FANO_LENGTH
