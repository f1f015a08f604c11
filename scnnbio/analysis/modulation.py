"""Modulation of spikes by a drifting grating."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scnnbio.errors import SpecError
from scnnbio.units import In, Rates, Times, Window, plain_array, plain_window, whole_numbers

Array = NDArray[np.float64]
Frequencies = Annotated[ArrayLike, In("Hz")]


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
