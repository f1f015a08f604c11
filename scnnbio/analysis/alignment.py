"""Comparison of two recordings of the same trials and neurons, train by train."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError
from scnnbio.recording import Recording

Array = NDArray[np.float64]
Counts = NDArray[np.int64]

#: Times closer than this (ms) are equal: k * dt differs by rounding between recordings.
_SAME = 1e-6


@dataclass(frozen=True, eq=False)
class Alignment:
    """Spike trains of one population in two recordings; a train is one neuron in one trial.

    Parameters
    ----------
    counts : (array, array), each of shape (trials, units)
        Spikes in the first recording, the reference, and in the other.
    first : (array, array), each of shape (trials, units)
        Time of the first spike (ms); NaN where there is none.
    shift : array, shape (pairs,)
        ``other - reference`` in ms, of the k-th spike and the k-th, in trains with as many spikes
        in both; sorted by trial, unit, time.
    train : array of int, shape (pairs,)
        Train of each pair: ``trial * units + unit``.
    spikes : ((array of int, array), (array of int, array))
        Train and time (ms) of every spike of both recordings, sorted by both.
    """

    counts: tuple[Counts, Counts]
    first: tuple[Array, Array]
    shift: Array
    train: Counts
    spikes: tuple[tuple[Counts, Array], tuple[Counts, Array]]

    def times(self, train: int) -> tuple[Array, Array]:
        """Spike times (ms) of a train in both recordings."""
        return _cut(*self.spikes[0], train), _cut(*self.spikes[1], train)

    @cached_property
    def active(self) -> NDArray[np.bool_]:
        """Trains with a spike in either recording, shape (trials, units)."""
        return np.asarray((self.counts[0] > 0) | (self.counts[1] > 0))

    @cached_property
    def same_counts(self) -> NDArray[np.bool_]:
        """Trains with the same number of spikes in both, shape (trials, units)."""
        return np.asarray(self.counts[0] == self.counts[1])

    @cached_property
    def identical(self) -> NDArray[np.bool_]:
        """Trains with the same spikes at the same times, shape (trials, units)."""
        differs = np.zeros(self.active.size, dtype=bool)
        differs[self.train[np.abs(self.shift) > _SAME]] = True
        return np.asarray(self.same_counts & ~differs.reshape(self.active.shape))

    def first_difference(self, train: int) -> tuple[float, int]:
        """Time of a train's first difference (ms), and which recording (0 or 1) has that spike."""
        ours, theirs = self.times(train)
        shared = min(len(ours), len(theirs))
        apart = np.flatnonzero(np.abs(ours[:shared] - theirs[:shared]) > _SAME)
        place = int(apart[0]) if len(apart) else shared
        next_ = [float(t[place]) if place < len(t) else np.inf for t in (ours, theirs)]
        return min(next_), int(next_[1] < next_[0])


def align(reference: Recording, other: Recording, population: str) -> Alignment:
    """Compare the trains of two recordings.

    Parameters
    ----------
    reference, other : Recording
        Recordings of the same trials.
    population : str

    Returns
    -------
    Alignment

    Raises
    ------
    SpecError
        If the recordings have different trials or neurons.
    """
    counts = reference.counts(population), other.counts(population)
    if counts[0].shape != counts[1].shape:
        raise SpecError(
            f"{counts[0].shape} and {counts[1].shape} trials and neurons; compare runs of one"
            " experiment",
            where=f"population {population!r}",
        )
    same = (counts[0] == counts[1]).ravel()
    ours, theirs = (_by_train(recording, population) for recording in (reference, other))
    paired = [time[same[train]] for train, time in (ours, theirs)]
    return Alignment(
        counts=counts,
        first=(_first(*ours, counts[0]), _first(*theirs, counts[1])),
        shift=paired[1] - paired[0],
        train=ours[0][same[ours[0]]],
        spikes=(ours, theirs),
    )


def _by_train(recording: Recording, population: str) -> tuple[Counts, Array]:
    """Train and time of every spike, sorted by both."""
    spikes = recording.spikes_of(population)
    train = spikes.trial.astype(np.int64) * recording.size(population) + spikes.unit
    order = np.lexsort((spikes.time, train))
    return train[order], spikes.time[order]


def _cut(train: Counts, time: Array, wanted: int) -> Array:
    begin, end = np.searchsorted(train, [wanted, wanted + 1])
    return time[begin:end]


def _first(train: Counts, time: Array, counts: Counts) -> Array:
    found = np.full(counts.size, np.nan)
    trains, place = np.unique(train, return_index=True)
    found[trains] = time[place]
    return found.reshape(counts.shape)
