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
#: Counts of the Fano factor: their length in ms, when they end if the trial lasts, and how many
#: trials a variance needs.
FANO_LENGTH, FANO_END, FANO_TRIALS = 500.0, 530.0, 5


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
    """CV of each cell's intervals at its best grating, by Elephant."""
    best = evidence.responses.best()
    kept = np.flatnonzero(evidence.responsive)
    found = irregularity.irregularity(
        evidence.gratings,
        evidence.population,
        units=evidence.units[kept],
        trials=[np.flatnonzero(evidence.responses.condition == best[cell]) for cell in kept],
        window=evidence.window,
    )
    few = {"fewer than 20 intervals": found.n_undefined}
    return Measured(found.cv[~np.isnan(found.cv)], _silent(evidence) | few)


def count_fano_factor(evidence: Evidence) -> Measured:
    """Fano factor of each cell's counts in 500 ms, by Elephant, averaged over gratings.

    All gratings with a mean count of at least 1 count, not the best alone: of few trials a
    grating, the best is the one that varied least. Elephant divides by the number of trials,
    which is undone, or five trials of a Poisson process would have 0.8.
    """
    last = float(evidence.gratings.trials["duration"].min())
    if last < FANO_LENGTH:
        raise Missing(f"trials of {last:g} ms are shorter than {FANO_LENGTH:g} ms")
    end = min(last, FANO_END)
    window = (end - FANO_LENGTH, end)
    table = evidence.responses
    if table.n_trials.min() < FANO_TRIALS:
        raise Missing(
            f"{table.n_trials.min()} trials a grating are fewer than the {FANO_TRIALS} that a"
            " variance needs"
        )
    counts = evidence.gratings.counts(evidence.population, window)[:, evidence.units]
    cut: rates.Responses = replace(table, counts=counts, window=window)
    factors = irregularity.fano_factor(cut)[:, evidence.responsive]
    factors *= (table.n_trials / (table.n_trials - 1))[:, None]
    number = (~np.isnan(factors)).sum(axis=0)
    means = np.nansum(factors, axis=0)[number > 0] / number[number > 0]
    few = {"mean count below 1": int((number == 0).sum())}
    return Measured(means, _silent(evidence) | few)
