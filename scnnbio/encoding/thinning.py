"""Independent events of many units, each unit in each step with the probability of its frame."""

from __future__ import annotations

import itertools
import math
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Number of events that are placed at a time, so that temporary arrays fit the processor's cache.
_AT_ONCE = 32768
#: Up to here numpy draws geometric numbers as exponential ones, rounded up.
_INVERTED = 1 / 3
#: Keeps a gap finite where a probability is next to 0. Such a gap is beyond the end of any trial.
_LEAST_SCALE = 1e-290


class _Row(NamedTuple):
    """What is drawn for a frame."""

    #: Pairs of a step and an active unit, and one; an array of no dimension, as is ``scale``,
    #: because numpy takes a Python number twice as slowly.
    beyond: Array
    #: Candidates drawn at once.
    size: int
    #: Largest probability.
    p: float
    #: Rate of the exponential numbers that are rounded up; 0 where numpy draws them otherwise.
    scale: Array


@final
class Thinning:
    """Draws events that are independent over units and steps.

    Tables are made once. Each call then draws another sample.

    Parameters
    ----------
    probability : ndarray (frames, units)
        Of an event in each step of a frame.
    first : ndarray of int (frames + 1,)
        First step, from 0, of each frame, and the number of steps.

    Notes
    -----
    With the largest probability of a frame everywhere, gaps between events over all (step, unit)
    cells in a row are geometric. Each event is then kept with its unit's share of that
    probability. This is exact, at a cost proportional to events, not to steps times units.

    A geometric number is an exponential one, divided by ``-log(1 - p)`` and rounded up. The class
    divides itself, because numpy computes that logarithm for every number. Results are those of
    ``Generator.geometric``, bit for bit.
    """

    def __init__(self, probability: Array, first: NDArray[np.int64]) -> None:
        positive = probability > 0
        self._units = max(probability.shape[1], 1)
        # Places, in the table of all frames and units, of those that can fire; None for all.
        self._active = None if positive.all() else np.flatnonzero(positive)
        self._chance = probability.ravel() if self._active is None else probability[positive]
        width = np.count_nonzero(positive, axis=1)
        shown = np.flatnonzero(width)
        # Of each frame in which a unit can fire: its active units, and where their entries begin.
        self._width = width[shown]
        self._begin = (np.cumsum(width) - width)[shown]
        self._first = first[:-1] + 1
        self._greatest = probability[shown].max(axis=1, initial=0.0)
        cells = self._width * np.diff(first)[shown]
        expected = cells * self._greatest
        size = (expected + 4.0 * np.sqrt(expected)).astype(np.int64) + 8
        self._rows = [
            _Row(np.array(n + 1.0), most, p, np.array(_scale(p)))
            for n, most, p in zip(
                cells.tolist(), size.tolist(), self._greatest.tolist(), strict=True
            )
        ]
        self._groups = _groups(size.tolist())
        # Numbers of 32 bits are divided several times as fast, where they suffice.
        self._number: Any = np.int32 if cells.max(initial=0) < 2**31 else np.int64

    def __call__(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """One sample.

        Returns
        -------
        step, unit : ndarray of int32 (events,)
            Steps from 1; sorted by step, then unit, each pair once.
        """
        found = [(np.empty(0, np.int32), np.empty(0, np.int32))]
        for begin, end in self._groups:
            cell, chance, number = _drawn(self._rows[begin:end], rng)
            ends = np.cumsum(number)
            for at in range(0, len(cell), _AT_ONCE):
                part = slice(at, at + _AT_ONCE)
                inside = np.diff(np.clip(ends, at, part.stop), prepend=at)
                found.append(self._kept(cell[part], chance[part], slice(begin, end), inside))
        steps, units = zip(*found, strict=True)
        return np.concatenate(steps), np.concatenate(units)

    def _kept(
        self, cell: Array, chance: Array, frames: slice, number: NDArray[np.int64]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Keep each event with its unit's share of the largest probability of its frame.

        Parameters
        ----------
        cell : ndarray (events,)
            Number of the (step, active unit) cell in its frame, from 1.
        chance : ndarray (events,)
            Uniform from 0 to 1.
        frames : slice
        number : ndarray of int
            Events of each of these frames.
        """
        width = self._width[frames].astype(self._number)
        # Division by one number is several times as fast.
        wide = width[0] if (width == width[0]).all() else np.repeat(width, number)
        which = cell.astype(self._number)
        which -= 1
        step = which // wide
        which -= step * wide
        place = np.repeat(self._begin[frames], number)
        place += which
        chance *= np.repeat(self._greatest[frames], number)
        kept = np.flatnonzero(chance < self._chance.take(place))
        place = place[kept] if self._active is None else self._active[place[kept]]
        frame, unit = np.divmod(place, self._units)
        step = self._first.take(frame) + step[kept]
        return step.astype(np.int32), unit.astype(np.int32)


def _scale(p: float) -> float:
    return max(-math.log1p(-p), _LEAST_SCALE) if p < _INVERTED else 0.0


def _drawn(rows: list[_Row], rng: np.random.Generator) -> tuple[Array, Array, list[int]]:
    """Candidates of some frames.

    Returns
    -------
    cell : ndarray (candidates,)
        Number of its cell in the frame, from 1: whole, and exact in floating point below 2**53.
    chance : ndarray (candidates,)
        Uniform from 0 to 1.
    number : list of int
        Candidates of each frame.
    """
    most = sum(row.size for row in rows)
    cell, chance, number, total = np.empty(most), np.empty(most), [], 0
    exponential, uniform = rng.standard_exponential, rng.random
    divide, ceil, accumulate = np.divide, np.ceil, np.add.accumulate
    # This loop is the time of most inputs: it has nothing but calls.
    for beyond, size, p, scale in rows:
        found = cell[total : total + size]
        if p < _INVERTED:
            exponential(out=found)
            divide(found, scale, found)
            ceil(found, found)
        else:
            found[:] = rng.geometric(p, size)
        accumulate(found, 0, None, found)
        count = int(found.searchsorted(beyond))
        if count == size:
            more = _more(found[-1], float(beyond) - 1.0, size, p, rng)
            count += len(more)
            cell = np.concatenate([cell[: total + size], more, np.empty(most)])
            chance = np.concatenate([chance, np.empty(len(more) + most)])
        uniform(out=chance[total : total + count])
        total += count
        number.append(count)
    return cell[:total], chance[:total], number


def _more(last: float, cells: float, size: int, p: float, rng: np.random.Generator) -> Array:
    """Candidates of a frame after the last one, where the number drawn at once did not reach."""
    parts = []
    while last <= cells:
        parts.append(last + np.cumsum(rng.geometric(p, size).astype(np.float64)))
        last = float(parts[-1][-1])
    found = np.concatenate([np.empty(0), *parts])
    return found[: found.searchsorted(cells, "right")]


def _groups(sizes: list[int]) -> list[tuple[int, int]]:
    """Runs of frames that together have at most ``_AT_ONCE`` events, or are one frame."""
    cuts, total = [0], 0
    for frame, size in enumerate(sizes):
        if total and total + size > _AT_ONCE:
            cuts.append(frame)
            total = 0
        total += size
    return list(itertools.pairwise([*cuts, len(sizes)])) if sizes else []
