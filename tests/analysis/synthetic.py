"""Recordings of Poisson spikes whose rates are known."""

from __future__ import annotations

from typing import Any

import numpy as np

from scnnbio.recording import Recording, Spikes


def poisson(
    rates: Any, trials: dict[str, Any], rng: np.random.Generator, duration: float = 1000.0
) -> Recording:
    """Constant rates (trials, units) in Hz."""
    counts = rng.poisson(np.asarray(rates, dtype=np.float64) * duration / 1000.0)
    return of_counts(counts, trials, rng, duration)


def of_counts(
    counts: Any, trials: dict[str, Any], rng: np.random.Generator, duration: float = 1000.0
) -> Recording:
    """Counts (trials, units), at uniform times."""
    trial, unit = np.indices(np.shape(counts))
    number = np.asarray(counts).ravel()
    return spikes(
        rng.uniform(1e-6, duration, number.sum()), unit.ravel().repeat(number),
        trial.ravel().repeat(number), np.shape(counts)[1], trials, duration,
    )  # fmt: skip


def spikes(
    time: Any, unit: Any, trial: Any, size: int, trials: dict[str, Any], duration: float
) -> Recording:
    n = len(next(iter(trials.values())))
    table = {"duration": np.full(n, duration), **trials}
    return Recording({"v1": Spikes(time, unit, trial)}, {"v1": (size, 1, 1)}, table)


def modulated(
    rate: Any, ratio: Any, frequency: Any, rng: np.random.Generator, *, phase: Any = 0.0,
    trials: dict[str, Any] | None = None, size: int = 1, duration: float = 1000.0,
) -> Recording:  # fmt: skip
    """Rates ``rate (1 + ratio cos(2 pi f t - phase))`` of every unit, by thinning.

    ``rate``, ``frequency`` and ``phase`` (rad) are one per trial; the ratio is 0 to 1.
    """
    frequency = np.asarray(frequency, dtype=np.float64)
    n = len(frequency)
    rate, phase = (np.broadcast_to(np.asarray(x, dtype=np.float64), n) for x in (rate, phase))
    number = rng.poisson(np.repeat(rate[:, None], size, axis=1) * (1 + ratio) * duration / 1e3)
    trial, unit = (i.ravel().repeat(number.ravel()) for i in np.indices(number.shape))
    time = rng.uniform(1e-6, duration, number.sum())
    angle = 2 * np.pi * frequency[trial] * time / 1e3 - phase[trial]
    kept = rng.random(len(time)) * (1 + ratio) < 1 + ratio * np.cos(angle)
    table = {"temporal_frequency": frequency, **(trials or {})}
    return spikes(time[kept], unit[kept], trial[kept], size, table, duration)


def coverage(measurement: Any, truth: float, period: float | None = None) -> float:
    """Share of the intervals that hold the truth, of those there are."""
    low, high = np.asarray(measurement.low), np.asarray(measurement.high)
    kept = ~np.isnan(low)
    target = np.full(kept.sum(), truth)
    if period is not None:  # the turn of the truth that is nearest to the middle
        middle = (low + high)[kept] / 2
        target += period * np.round((middle - target) / period)
    return float(((low[kept] <= target) & (target <= high[kept])).mean())
