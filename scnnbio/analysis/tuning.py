"""Tuning to orientation and direction, and modulation by a drifting grating.

Curves stand along the last axis, so that many units are measured at once. What a curve does not
have (a silent unit's preferred orientation, the bandwidth of a curve that never falls) is NaN.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from scnnbio.errors import SpecError
from scnnbio.units import (
    Angles,
    In,
    Number,
    Rates,
    Times,
    Window,
    plain,
    plain_array,
    plain_window,
    whole_numbers,
)

Array = NDArray[np.float64]
Frequencies = Annotated[ArrayLike, In("Hz")]

#: Step of the splined curve on which a bandwidth is read, deg.
_FINE = 0.25


def _curves(rates: ArrayLike, angles: ArrayLike, where: str) -> tuple[Array, Array]:
    curves = plain_array(rates, "Hz", where=f"{where}.rates", finite=False)
    axis = plain_array(angles, "deg", where=f"{where}.angles")
    if axis.ndim != 1 or curves.shape[-1:] != axis.shape or not axis.size:
        raise SpecError(
            f"rates {curves.shape} need one value an angle {axis.shape} along the last axis",
            where=where,
        )
    return curves, axis


def _period(angles: Array, where: str) -> float:
    """180 or 360: the turn that equally spaced angles share."""
    steps = np.diff(angles)
    if len(angles) > 2 and np.allclose(steps, steps[0]):
        for turn in (180.0, 360.0):
            if np.isclose(steps[0] * len(angles), turn):
                return turn
    raise SpecError("angles must rise in equal steps through 180 or 360 deg", where=where)


def _resultant(rates: ArrayLike, orientations: ArrayLike, where: str) -> NDArray[np.complex128]:
    """Sum of r exp(2 i angle) over the sum of r; NaN where all are zero."""
    curves, angles = _curves(rates, orientations, where)
    total = curves.sum(axis=-1)
    vector = curves @ np.exp(2j * np.deg2rad(angles))
    safe = np.where(total > 0, total, 1.0)
    return np.asarray(np.where(total > 0, vector / safe, np.nan))


def circular_variance(rates: Rates, orientations: Angles) -> Array:
    """Circular variance, 1 - abs(sum r exp(2 i angle)) / sum r.

    Parameters
    ----------
    rates : array, shape (..., angles)
        Not negative; mean rates, the spontaneous rate not subtracted.
    orientations : array, shape (angles,)
        deg, equally spaced over 180 or 360.

    Returns
    -------
    array, shape (...)
        0 for one orientation alone, 1 for none preferred, NaN where no rate is positive.

    References
    ----------
    D. L. Ringach, R. M. Shapley and M. J. Hawken (2002), J. Neurosci. 22, 5639-5651,
    doi:10.1523/JNEUROSCI.22-13-05639.2002.

    Examples
    --------
    >>> circular_variance([[0.0, 5.0, 0.0, 0.0], [5.0, 5.0, 5.0, 5.0]], [0, 45, 90, 135])
    array([0., 1.])
    """
    return np.asarray(1.0 - np.abs(_resultant(rates, orientations, "circular_variance")))


def preferred_orientation(rates: Rates, orientations: Angles) -> Array:
    """Direction of the resultant, deg from 0 to 180.

    Parameters
    ----------
    rates : array, shape (..., angles)
    orientations : array, shape (angles,)
        deg, equally spaced over 180 or 360.

    Returns
    -------
    array, shape (...)
    """
    resultant = _resultant(rates, orientations, "preferred_orientation")
    return np.asarray(np.rad2deg(np.angle(resultant)) / 2.0 % 180.0)


def _contrast(rates: ArrayLike, angles: ArrayLike, turn: float, where: str) -> Array:
    """(preferred - turned) / (preferred + turned), of the largest rate."""
    curves, axis = _curves(rates, angles, where)
    period = _period(axis, where)
    shift = turn / (axis[1] - axis[0])
    if turn >= period or not np.isclose(shift, round(shift)):
        raise SpecError(f"angles need one at {turn:g} deg from each", where=where)
    best = curves.argmax(axis=-1)[..., None]
    other = (best + round(shift)) % len(axis)
    preferred = np.take_along_axis(curves, best, -1)[..., 0]
    turned = np.take_along_axis(curves, other, -1)[..., 0]
    total = preferred + turned
    safe = np.where(total > 0, total, 1.0)
    return np.asarray(np.where(total > 0, (preferred - turned) / safe, np.nan))


def orientation_selectivity(rates: Rates, orientations: Angles) -> Array:
    """Orientation selectivity index, (preferred - orthogonal) / (preferred + orthogonal).

    Parameters
    ----------
    rates : array, shape (..., angles)
    orientations : array, shape (angles,)
        deg, equally spaced over 180 or 360, with one at right angles to each.

    Returns
    -------
    array, shape (...)
    """
    return _contrast(rates, orientations, 90.0, "orientation_selectivity")


def direction_selectivity(rates: Rates, directions: Angles) -> Array:
    """Direction selectivity index, (preferred - opposite) / (preferred + opposite).

    Parameters
    ----------
    rates : array, shape (..., angles)
    directions : array, shape (angles,)
        deg, equally spaced over 360, an even number.

    Returns
    -------
    array, shape (...)
    """
    return _contrast(rates, directions, 180.0, "direction_selectivity")


def half_bandwidth(
    rates: Rates,
    angles: Angles,
    *,
    fraction: Number = 2**-0.5,
    smoothing: tuple[Number, ...] = (0.4, 1.0, 0.4),
    baseline: Frequencies = 0.0,
) -> Array:
    """Half the width of a tuning curve at a fraction of its peak.

    The curve is smoothed by a window over neighbouring samples, joined by a periodic cubic
    spline, and followed from its peak both ways to where it first falls below the fraction.

    Parameters
    ----------
    rates : array, shape (..., angles)
    angles : array, shape (angles,)
        deg, equally spaced over 180 (orientations) or 360 (directions).
    fraction : float
        Of the peak; 1 / sqrt(2) by default. This is not the half width at half height.
    smoothing : sequence of float
        Weights of the window, an odd number, scaled to sum to 1. Being in samples it widens with
        their distance: compare curves sampled alike. ``(1,)`` for none.
    baseline : float or array, shape (...)
        Subtracted from the rates, such as each unit's spontaneous rate. None is subtracted by
        default, as in the paper; a baseline widens the curve.

    Returns
    -------
    array, shape (...)
        deg; NaN where the curve does not fall below the fraction on both sides within half a
        turn, or is nowhere above the baseline.

    Raises
    ------
    SpecError
        If the angles do not go around, or the baseline is not one value per curve.

    References
    ----------
    D. L. Ringach, R. M. Shapley and M. J. Hawken (2002), J. Neurosci. 22, 5639-5651,
    doi:10.1523/JNEUROSCI.22-13-05639.2002.
    """
    curves, axis = _curves(rates, angles, "half_bandwidth")
    period = _period(axis, "half_bandwidth")
    level = plain_array(baseline, "Hz", where="half_bandwidth.baseline")
    if level.ndim and level.shape != curves.shape[:-1]:
        raise SpecError(
            f"{level.shape} values for {curves.shape[:-1]} curves; give one value per curve",
            where="half_bandwidth.baseline",
        )
    curves = curves - level[..., None]
    fraction = plain(fraction, "1", where="half_bandwidth.fraction")
    weights = plain_array(smoothing, "1", where="half_bandwidth.smoothing")
    window = weights / weights.sum()
    if len(window) % 2 == 0:
        raise SpecError("an odd number of weights is needed", where="half_bandwidth.smoothing")
    reach = len(window) // 2
    smooth = sum(w * np.roll(curves, k - reach, axis=-1) for k, w in enumerate(window))
    closed = np.concatenate([smooth, smooth[..., :1]], axis=-1)
    around = np.append(axis, axis[0] + period)
    spline = scipy.interpolate.CubicSpline(around, closed, axis=-1, bc_type="periodic")
    fine = spline(axis[0] + np.arange(0, period, _FINE))
    n = fine.shape[-1]
    peak = fine.argmax(axis=-1)[..., None]
    height = np.take_along_axis(fine, peak, -1)
    reached = np.arange(n // 2 + 1)
    sides = [
        _first_fall(np.take_along_axis(fine, (peak + way * reached) % n, -1), fraction * height)
        for way in (-1, 1)
    ]
    width = (sides[0] + sides[1]) / 2.0 * _FINE
    return np.asarray(np.where(height[..., 0] > 0, width, np.nan))


def _first_fall(curve: Array, level: Array) -> Array:
    """Count samples from the first to where ``curve`` first falls below ``level``; NaN if never."""
    below = curve < level
    after = below.argmax(axis=-1)[..., None]
    high = np.take_along_axis(curve, np.maximum(after - 1, 0), -1)
    low = np.take_along_axis(curve, after, -1)
    step = np.where(high > low, high - low, 1.0)
    place = after - 1 + (high - level) / step
    return np.asarray(np.where(below.any(axis=-1), place[..., 0], np.nan))


def f1_f0(
    time: Times,
    temporal_frequency: Rates,
    window: Window,
    *,
    trial: ArrayLike | None = None,
    baseline: Frequencies = 0.0,
    unit: ArrayLike | None = None,
    n_units: int = 1,
) -> Array:
    """Modulation ratio: amplitude of the rate at the grating's frequency over its mean.

    Trials of one frequency are taken as one: a spike counts by its phase in the cycle. Trials of
    several frequencies share no phase, so that F1 is the mean of the amplitudes at each frequency,
    weighted by the time spent at it, and F0 the mean rate over the same time. Only whole cycles
    are counted, from the window's beginning, since a part of a cycle is a modulation of its own.

    Parameters
    ----------
    time : array, shape (spikes,)
        ms within the trial.
    temporal_frequency : float or array, shape (trials,)
        Hz: one for all trials, or one per trial.
    window : (float, float)
        ms; spikes with t0 < t <= t1 count.
    trial : array of int, shape (spikes,), optional
        Which trial each spike is of; needed where ``temporal_frequency`` has one per trial.
    baseline : float or array, shape (n_units,)
        Hz, such as the spontaneous rate, subtracted from F0. It needs one frequency per trial,
        which tells how long was recorded.
    unit : array of int, shape (spikes,), optional
        Which unit each spike is of.
    n_units : int

    Returns
    -------
    array, shape (n_units,)
        From 0 to 2 without a baseline; above 1 the cell is called simple. NaN for a unit whose
        mean rate is not above its baseline. Chance alone gives n spikes a ratio of
        sqrt(pi / n) on average, for each frequency.

    Raises
    ------
    SpecError
        If the window holds no whole cycle, a frequency is not positive, or what is needed with
        several trials is missing.

    References
    ----------
    B. C. Skottun et al. (1991), Vision Res. 31, 1079-1086.

    Examples
    --------
    Two trials at 4 and 8 Hz, with one spike per cycle:

    >>> time = [50.0, 300.0, 20.0, 145.0, 270.0, 395.0]
    >>> f1_f0(time, [4.0, 8.0], (0.0, 500.0), trial=[0, 0, 1, 1, 1, 1])
    array([2.])
    """
    times = plain_array(time, "ms", where="f1_f0.time")
    units = np.zeros(len(times), dtype=np.int64) if unit is None else whole_numbers(unit)
    each = _frequencies(temporal_frequency)
    trials = _trials(times, trial, np.ndim(temporal_frequency) > 0, len(each))
    level = np.broadcast_to(plain_array(baseline, "Hz", where="f1_f0.baseline"), (n_units,))
    if level.any() and not np.ndim(temporal_frequency):
        raise SpecError(
            "a baseline needs one frequency per trial, which says how long was recorded",
            where="f1_f0.baseline",
        )
    span = plain_window(window, where="f1_f0.window")
    spikes, amplitude, seconds = np.zeros(n_units), np.zeros(n_units), 0.0
    for frequency, number in zip(*np.unique(each, return_counts=True), strict=True):
        cycle = 1000.0 / float(frequency)
        length = _whole_cycles(span, cycle)
        kept = (times > span[0]) & (times <= span[0] + length + 1e-6)
        kept &= each[trials] == frequency
        phase = 2.0 * np.pi * times[kept] / cycle
        counted, real, imaginary = (
            np.bincount(units[kept], weights, minlength=n_units)
            for weights in (np.ones(len(phase)), np.cos(phase), np.sin(phase))
        )
        spikes += counted
        amplitude += 2.0 * np.hypot(real, imaginary)
        seconds += length / 1000.0 * int(number)
    # Both times the seconds, which leaves counts as they are where there is no baseline.
    above = spikes - level * seconds
    safe = np.where(above > 0, above, 1.0)
    return np.asarray(np.where(above > 0, amplitude / safe, np.nan))


def _frequencies(given: ArrayLike) -> Array:
    each = np.atleast_1d(plain_array(given, "Hz", where="f1_f0.temporal_frequency", finite=False))
    if each.ndim != 1 or not each.size or not (np.isfinite(each) & (each > 0)).all():
        raise SpecError(
            "a temporal frequency must be positive; leave out trials without a grating",
            where="f1_f0.temporal_frequency",
        )
    return each


def _trials(times: Array, trial: ArrayLike | None, several: bool, n: int) -> NDArray[np.int64]:
    """Index into the frequencies of each spike."""
    if trial is None or not several:
        if several and n > 1:
            raise SpecError(
                f"{n} frequencies and no trial of each spike; give 'trial'", where="f1_f0.trial"
            )
        return np.zeros(len(times), dtype=np.int64)
    trials = np.asarray(trial, dtype=np.int64)
    if trials.shape != times.shape or (trials.size and not 0 <= trials.min() <= trials.max() < n):
        raise SpecError(
            f"each of {len(times)} spikes needs a trial from 0 to {n - 1}", where="f1_f0.trial"
        )
    return trials


def _whole_cycles(window: tuple[float, float], cycle: float) -> float:
    """How long the whole cycles last that the window holds, ms."""
    cycles = int((window[1] - window[0]) / cycle + 1e-9)
    if cycles < 1:
        raise SpecError(
            f"{window} ms holds no cycle of {cycle:g} ms; record for longer",
            where="f1_f0.window",
        )
    return cycles * cycle
