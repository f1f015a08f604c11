"""Tolerance to position: the spread of the places at which a moving bar makes a unit fire."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError
from scnnbio.recording import Recording
from scnnbio.units import Number, plain

Array = NDArray[np.float64]


def bar_positions(recording: Recording, population: str) -> list[Array]:
    """Position of the bar at each spike, of every unit at its best direction.

    Parameters
    ----------
    recording : Recording
        Its trial table has ``direction`` (deg) and ``speed`` (deg/s); the bar passes its centre at
        the middle of the trial, as that of :class:`~scnnbio.stimuli.MovingBars` does.
    population : str

    Returns
    -------
    list of array
        For each unit, deg along the motion, sorted.

    Raises
    ------
    SpecError
        If a column is missing.
    """
    for name in ("direction", "speed"):
        if name not in recording.trials:
            raise SpecError(f"no column {name!r} in the trial table", where="bar_positions")
    direction, speed = (recording.trials[n] for n in ("direction", "speed"))
    shown = ~np.isnan(direction) & ~np.isnan(speed)
    if not shown.any():
        raise SpecError("no trial has a moving bar", where="bar_positions")
    counts = recording.counts(population).astype(np.float64)
    ways = np.unique(direction[shown])
    mean = np.stack([counts[shown & (direction == way)].mean(axis=0) for way in ways])
    best = ways[mean.argmax(axis=0)]
    spikes = recording.spikes_of(population)
    middle = recording.trials["duration"][spikes.trial] / 2
    place = (spikes.time - middle) / 1e3 * speed[spikes.trial]
    own = direction[spikes.trial] == best[spikes.unit]
    return [np.sort(place[own & (spikes.unit == unit)]) for unit in range(len(best))]


def position_spread(recording: Recording, population: str, *, share: Number = 0.5) -> Array:
    """Width of the central part of the positions at which a moving bar makes each unit fire.

    Parameters
    ----------
    recording, population
        As for :func:`bar_positions`.
    share : float
        Share of the spikes in that part, between 0 and 1; half of them by default, whose width is
        the range between quartiles.

    Returns
    -------
    array, shape (units,)
        deg; NaN of a unit with fewer than 10 spikes.
    """
    part = plain(share, "1", where="position_spread.share")
    if not 0 < part < 1:
        raise SpecError(f"{part:g} is not between 0 and 1", where="position_spread.share")
    ends = [(1 - part) / 2, (1 + part) / 2]
    return np.array(
        [
            float(np.diff(np.quantile(place, ends))[0]) if len(place) >= 10 else np.nan
            for place in bar_positions(recording, population)
        ]
    )
