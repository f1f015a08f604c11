"""Independent events of many units, each unit in each step with the probability of its frame."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_Spikes = tuple[np.ndarray, np.ndarray]

#: Number of events that are placed at a time, so that temporary arrays fit the processor's cache.
_AT_ONCE = 32768
#: Up to here numpy draws geometric numbers as exponential ones, rounded up.
_INVERTED = 1 / 3
#: Keeps a gap finite where a probability is next to 0. Such a gap is beyond the end of any trial.
_LEAST_SCALE = 1e-290
#: A chance that is never kept, where there is no candidate.
_NEVER = np.inf


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
        self._shown = self._first[shown]
        self._greatest = probability[shown].max(axis=1, initial=0.0)
        cells = self._width * np.diff(first)[shown]
        expected = cells * self._greatest
        size = (expected + 4.0 * np.sqrt(expected)).astype(np.int64) + 8
        self._cells, self._size = cells, size
        self._scale = np.array([_scale(p) for p in self._greatest.tolist()])
        # Numbers of 32 bits are divided several times as fast, where they suffice.
        self._number: Any = np.int32 if cells.max(initial=0) < 2**31 else np.int64

    @cached_property
    def _rows(self) -> list[_Row]:
        """What is drawn for each frame, where a sample is drawn alone."""
        return [
            _Row(np.array(n + 1.0), most, p, np.array(scale))
            for n, most, p, scale in zip(
                *(a.tolist() for a in (self._cells, self._size, self._greatest, self._scale)),
                strict=True,
            )
        ]

    def __call__(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """One sample.

        Returns
        -------
        step, unit : ndarray of int32 (events,)
            Steps from 1; sorted by step, then unit, each pair once.
        """
        found = [(np.empty(0, np.int32), np.empty(0, np.int32))]
        for begin, end in _groups([row.size for row in self._rows]):
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


def drawn_of(
    samplers: Sequence[Callable[[np.random.Generator], _Spikes]],
    rngs: Sequence[np.random.Generator],
) -> list[_Spikes]:
    """What each sampler draws from its generator; several of :class:`Thinning` side by side."""
    ours = [one for one in samplers if isinstance(one, Thinning)]
    if len(ours) > 1 and len(ours) == len(samplers):
        return drawn_together(ours, rngs)
    return [one(rng) for one, rng in zip(samplers, rngs, strict=True)]


def drawn_together(
    samplers: Sequence[Thinning], rngs: Sequence[np.random.Generator]
) -> list[_Spikes]:
    """One sample of each, as each alone draws it, but frame by frame side by side.

    How many uniform numbers follow the exponential ones of a frame depends on those, so that each
    frame of each trial takes two calls. All else is computed for all trials at once.
    """
    together = _Together(samplers, rngs)
    found: list[list[_Spikes]] = [[_NO_SPIKES] for _ in samplers]
    for frames in _runs(together.sizes):
        for mine, spikes in zip(found, together.spikes(frames), strict=True):
            mine.append(spikes)
    return [
        (np.concatenate([s for s, _ in mine]), np.concatenate([u for _, u in mine]))
        for mine in found
    ]


_NO_SPIKES: _Spikes = (np.empty(0, np.int32), np.empty(0, np.int32))


class _Together:
    """Several samplers side by side; their tables are (trials, frames, 1)."""

    def __init__(self, samplers: Sequence[Thinning], rngs: Sequence[np.random.Generator]) -> None:
        self.samplers, self.rngs = samplers, rngs
        most = max(len(one._size) for one in samplers)

        def table(name: str, none: float, kind: type) -> NDArray[Any]:
            held: NDArray[Any] = np.full((len(samplers), most, 1), none, kind)
            for mine, one in zip(held, samplers, strict=True):
                values = getattr(one, f"_{name}")
                mine[: len(values), 0] = values
            return held

        cells = table("cells", 0, np.int64)
        # Numbers of 32 bits are divided several times as fast, where they suffice.
        size = table("size", 0, np.int64)
        largest = max(len(one._chance) for one in samplers)
        largest += int((cells + 1).max(initial=0)) * int(size.max(initial=0) + 1)
        self.number: Any = np.int32 if largest < 2**31 else np.int64
        self.cells, self.limit = cells.astype(self.number), cells + 1.0
        self.width, self.begin = table("width", 1, self.number), table("begin", 0, np.int64)
        self.first = table("shown", 0, self.number)
        self.scale, self.greatest = table("scale", 1.0, float), table("greatest", 1.0, float)
        self.scale[self.scale == 0] = 1.0
        self.inverted = ((self.greatest < _INVERTED) | (size == 0)).all(axis=(0, 2)).tolist()
        #: Candidates that are drawn at once, by frame and trial.
        self.sizes: list[list[int]] = size[..., 0].T.tolist()

    def spikes(self, frames: range) -> Iterator[_Spikes]:
        """Spikes of each trial in some consecutive frames."""
        return self._kept(frames, *self._drawn(frames))

    def _drawn(self, frames: range) -> tuple[NDArray[Any], Array]:
        """Cell of each candidate in its frame, from 0, and a uniform number from 0 to 1.

        Both are (trials, frames, candidates). Where there is no candidate the second is never kept.
        """
        trials, most = len(self.rngs), max(max(self.sizes[frame]) for frame in frames)
        cells = np.empty((trials, len(frames), most), self.number)
        chances = np.full(cells.shape, _NEVER)
        gaps, beyond = np.zeros((trials, most)), np.empty((trials, most), bool)
        rows = list(gaps)
        exponentials = [rng.standard_exponential for rng in self.rngs]
        uniforms = [rng.random for rng in self.rngs]
        accumulate, reaches = np.add.accumulate, np.greater_equal
        # This loop is the time of most inputs.
        for at, frame in enumerate(frames):
            sizes, cell = self.sizes[frame], cells[:, at, :most]
            if self.inverted[frame]:
                for exponential, row, size in zip(exponentials, rows, sizes, strict=True):
                    exponential(out=row[:size])
            else:
                self._gaps(frame, rows)
            np.divide(gaps, self.scale[:, frame], gaps)
            # A gap beyond the frame is one of any length, and could overflow.
            np.minimum(gaps, self.limit[:, frame], out=gaps)
            np.ceil(gaps, gaps)
            cell[...] = gaps
            cell[:, 0] -= 1
            accumulate(cell, 1, None, cell)
            reaches(cell, self.cells[:, frame], beyond)
            numbers = beyond.argmax(axis=1).tolist()
            drawing = zip(uniforms, numbers, sizes, list(chances[:, at]), strict=True)
            late = []
            for k, (uniform, number, size, chance) in enumerate(drawing):
                if number < size and (number or beyond[k, 0]):
                    uniform(out=chance[:number])
                elif size:
                    late.append(k)
            for k in late:
                cells, chances = self._more(k, frame, cells, chances, at)
        return cells, chances

    def _gaps(self, frame: int, rows: list[Array]) -> None:
        """Draw the gaps of a frame, of which some are whole numbers already."""
        ps = self.greatest[:, frame, 0].tolist()
        for rng, row, size, p in zip(self.rngs, rows, self.sizes[frame], ps, strict=True):
            if p < _INVERTED:
                rng.standard_exponential(out=row[:size])
            else:
                row[:size] = rng.geometric(p, size)

    def _more(
        self, trial: int, frame: int, cells: NDArray[Any], chances: Array, at: int
    ) -> tuple[NDArray[Any], Array]:
        """Draw on where the candidates drawn at once did not reach the end of a frame."""
        size, p = self.sizes[frame][trial], float(self.greatest[trial, frame, 0])
        end, rng = int(self.cells[trial, frame, 0]), self.rngs[trial]
        parts = [cells[trial, at, :size].astype(np.int64)]
        while parts[-1][-1] < end:
            parts.append(parts[-1][-1] + np.cumsum(rng.geometric(p, size)))
        found = np.concatenate(parts)
        found = found[: found.searchsorted(end)]
        missing = max(len(found) - cells.shape[2], 0)
        wider = ((0, 0), (0, 0), (0, missing))
        if missing:
            cells, chances = np.pad(cells, wider), np.pad(chances, wider, constant_values=_NEVER)
        cells[trial, at, : len(found)] = found
        rng.random(out=chances[trial, at, : len(found)])
        return cells, chances

    def _kept(self, frames: range, cells: NDArray[Any], chances: Array) -> Iterator[_Spikes]:
        """Of each trial, the candidates kept with their unit's share of the largest probability."""
        of = slice(frames.start, frames.stop)
        trials, number, most = cells.shape
        width = self.width[:, of]
        # Division by one number is several times as fast.
        wide = width.flat[0] if (width == width.flat[0]).all() else width
        step = cells // wide
        cells -= step * wide
        place = cells + self.begin[:, of]
        chances *= self.greatest[:, of]
        least = np.zeros((trials, number * most))
        for one, places, found in zip(self.samplers, place.reshape(trials, -1), least, strict=True):
            if len(one._chance):
                # Where there is no candidate, any place will do.
                one._chance.take(places, out=found, mode="clip")
        kept = np.flatnonzero(chances.reshape(trials, -1) < least)
        begins = kept.searchsorted(np.arange(trials * number + 1) * most)
        steps = step.ravel()[kept]
        steps += np.repeat(self.first[:, of].ravel(), np.diff(begins))
        units = cells.ravel()[kept]
        for k, one in enumerate(self.samplers):
            mine = slice(*begins[[k * number, (k + 1) * number]].tolist())
            if one._active is not None:
                units[mine] = one._active[place.ravel()[kept[mine]]] % one._units
            yield steps[mine].astype(np.int32), units[mine].astype(np.int32)


def _runs(sizes: list[list[int]]) -> Iterator[range]:
    """Runs of frames that together have at most ``_AT_ONCE`` candidates, or are one frame."""
    begin, total = 0, 0
    for frame, of_trials in enumerate(sizes):
        size = max(of_trials) * len(of_trials)
        if total + size > _AT_ONCE and frame > begin:
            yield range(begin, frame)
            begin, total = frame, 0
        total += size
    if begin < len(sizes):
        yield range(begin, len(sizes))
