"""Codes: how the drive of the LGN cells becomes spikes on the grid of time steps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, ClassVar, Literal, final

import numpy as np

from scnnbio.encoding.checks import set_count, set_numbers
from scnnbio.errors import SpecError, not_one_of
from scnnbio.units import In, Milliseconds, plain, plain_array
from scnnbio.values import Value

Drive = Annotated[np.ndarray, In("1")]

#: Draws the spikes of one trial after another, each from its generator: steps and units.
Sampler = Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray]]


class Code(Value, ABC):
    """How the drive of the LGN cells becomes spikes. Subclasses are frozen, final dataclasses."""

    #: Whether a rounding error of the drive moves a spike with no more than its own probability.
    #: A code that ranks cells cannot say so: equal drives would change places.
    tolerates_rounding: ClassVar[bool] = False

    @abstractmethod
    def spikes(
        self, drive: Drive, duration: Milliseconds, dt: Milliseconds, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Spikes of one trial.

        Parameters
        ----------
        drive : numpy.ndarray
            (n_frames, ...); the axes after the first are flattened to units. Below 0 is no drive
            to a latency code, and lowers the rate of a Poisson code. Every frame lasts
            ``duration / n_frames``.
        duration : float
            Of the trial (ms), a whole number of steps.
        dt : float
            Time step (ms).
        rng : numpy.random.Generator
            The only source of randomness.

        Returns
        -------
        step : numpy.ndarray
            (n_spikes,), int32, from 1 to ``duration / dt``; the spike is stamped ``step * dt``.
        unit : numpy.ndarray
            (n_spikes,), int32. Sorted by step, then unit; no pair occurs twice.

        Raises
        ------
        SpecError
            If the code does not fit the duration or the time step.
        """

    def sampler(self, drive: Drive, duration: Milliseconds, dt: Milliseconds) -> Sampler:
        """Prepare the spikes of several trials of one drive.

        Parameters
        ----------
        drive : numpy.ndarray
        duration : float
            Of a trial (ms).
        dt : float
            Time step (ms).

        Returns
        -------
        callable
            Returns for a generator what :meth:`spikes` returns for it.
        """
        return partial(self.spikes, drive, duration, dt)

    def spikes_of(
        self,
        drives: Drive,
        duration: Milliseconds,
        dt: Milliseconds,
        rngs: Sequence[np.random.Generator],
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Spikes of several trials, which may be faster than one after another.

        Parameters
        ----------
        drives : numpy.ndarray
            (trials, n_frames, ...)
        duration : float
            Of each trial (ms).
        dt : float
            Time step (ms).
        rngs : sequence of numpy.random.Generator
            One per trial.

        Returns
        -------
        list
            What :meth:`spikes` returns for each.
        """
        return [self.spikes(d, duration, dt, rng) for d, rng in zip(drives, rngs, strict=True)]

    def decoded(
        self,
        step: np.ndarray,
        unit: np.ndarray,
        n_units: int,
        duration: Milliseconds,
        dt: Milliseconds,
        n_frames: int = 1,
    ) -> np.ndarray:
        """Drive that the spikes of one trial stand for.

        Parameters
        ----------
        step, unit : numpy.ndarray
            (n_spikes,), as :meth:`spikes` gives them.
        n_units : int
        duration : float
            Of the trial (ms), a whole number of steps.
        dt : float
            Time step (ms).
        n_frames : int
            Number of frames that the drive had.

        Returns
        -------
        numpy.ndarray
            (n_frames, n_units). What a unit without a spike stands for depends on the code.

        Raises
        ------
        SpecError
            If the code has no decoder, or the spikes are not those of such a trial.
        """
        raise SpecError(
            f"{type(self).__name__} has no decoder; give it a method decoded()",
            where="encoding.code",
        )


class FirstFrame(Code):
    """A code of the first frame only, for static pictures."""

    def decoded(
        self,
        step: np.ndarray,
        unit: np.ndarray,
        n_units: int,
        duration: Milliseconds,
        dt: Milliseconds,
        n_frames: int = 1,
    ) -> np.ndarray:
        """Drive that the spikes stand for. See :meth:`Code.decoded`; ``n_frames`` must be 1."""
        if n_frames != 1:
            raise SpecError(
                f"{n_frames} frames are asked for, and the code has only the first; use"
                " n_frames = 1",
                where="encoding.code",
            )
        given = trial_of(step, unit, n_units, duration, dt)
        return self._static(*given, n_units)[np.newaxis]

    @abstractmethod
    def _static(self, step: np.ndarray, unit: np.ndarray, dt: float, n_units: int) -> np.ndarray:
        """Drive of each unit, for spikes sorted by step, then unit."""


_SPACINGS = ("contrast", "rank", "relative-rank", "absolute")


@final
@dataclass(frozen=True)
class LatencyCode(FirstFrame):
    """The strongest cells fire once each, the stronger the earlier.

    Only the first frame counts: the code is for static pictures. Nothing is random; cells with
    equal drive fire in the order of their numbers.

    Parameters
    ----------
    budget : int
        Largest number of cells that fire; cells without drive never do.
    window : float
        Time from the first latency to the last (ms).
    onset : float
        Latency of the strongest cell (ms).
    spacing : {"contrast", "rank", "relative-rank", "absolute"}
        ``"contrast"``: latency ``onset + window * (1 - c / c_max)``, for drive c.
        ``"rank"``: latency ``onset + window * rank / budget``, with ranks from 0.
        ``"relative-rank"``: latency ``onset + window * rank / n``, for n cells that fire: a picture
        that drives few cells fills the window too.
        ``"absolute"``: latency ``onset + window * (1 - c)``; a drive above 1 counts as 1.
        All are rounded up to the time step, to step 1 at least.

    Raises
    ------
    SpecError
        If a value is out of range.

    Notes
    -----
    The decoder inverts the latency of each cell's first spike, which was half a step earlier on
    average. Of the spacing ``"contrast"`` it gives the drive relative to the strongest cell's, of
    ranks the drive that falls evenly with the rank; cells that share a step share their mean rank.
    A cell without a spike has drive 0. A latency of standard deviation sigma gives a drive of
    standard deviation ``sigma / window``.

    References
    ----------
    Thorpe S, Delorme A, Van Rullen R (2001) Spike-based strategies for rapid processing. Neural
    Networks 14:715-725.
    """

    budget: int = 50
    window: Milliseconds = 20.0
    onset: Milliseconds = 0.0
    spacing: Literal["contrast", "rank", "relative-rank", "absolute"] = "contrast"
    kind: Literal["latency"] = field(default="latency", kw_only=True)

    def __post_init__(self) -> None:
        where = "encoding.code"
        set_count(self, where, "budget")
        set_numbers(self, where, "ms", "window", positive=True)
        set_numbers(self, where, "ms", "onset")
        if self.spacing not in _SPACINGS:
            raise SpecError(not_one_of(self.spacing, _SPACINGS), where=f"{where}.spacing")

    def spikes(
        self, drive: Drive, duration: Milliseconds, dt: Milliseconds, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Spikes of one trial. See :meth:`Code.spikes`; nothing is drawn from ``rng``."""
        return self.spikes_of(plain_array(drive, "1", where="drive")[None], duration, dt, (rng,))[0]

    def spikes_of(
        self,
        drives: Drive,
        duration: Milliseconds,
        dt: Milliseconds,
        rngs: Sequence[np.random.Generator],
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Spikes of several trials. See :meth:`Code.spikes_of`; nothing is drawn."""
        drives, duration, dt, n_steps = request(drives, duration, dt)
        if self.onset + self.window > duration:
            raise SpecError(
                f"onset {self.onset:g} ms and window {self.window:g} ms outlast the trial of "
                f"{duration:g} ms; shorten them or lengthen the stimulus",
                where="encoding.code.window",
            )
        strength = drives[:, 0].reshape(len(drives), -1)
        trial, unit, rank, number = _strongest(strength, self.budget)
        fired = strength[trial, unit]
        if self.spacing == "contrast":
            fraction = 1.0 - fired / fired[np.arange(len(rank)) - rank]
        elif self.spacing == "absolute":
            fraction = 1.0 - np.minimum(fired, 1.0)
        elif self.spacing == "rank":
            fraction = rank / self.budget
        else:
            fraction = rank / number[trial]
        step = _rounded_up(self.onset + self.window * fraction, dt)
        # One number per spike, in the order of trial, step and unit.
        size, steps = strength.shape[1], n_steps + 1
        order = np.sort((trial * steps + step) * max(size, 1) + unit)
        step, unit = np.divmod(order, max(size, 1))
        step, unit = (step % steps).astype(np.int32), unit.astype(np.int32)
        ends = np.cumsum(number)
        return [(step[a:b], unit[a:b]) for a, b in zip(ends - number, ends, strict=True)]

    def _static(self, step: np.ndarray, unit: np.ndarray, dt: float, n_units: int) -> np.ndarray:
        drive = np.zeros(n_units)
        fired, first = np.unique(unit, return_index=True)
        time = step[first]
        if self.spacing in ("contrast", "absolute"):
            fraction = ((time - 0.5) * dt - self.onset) / self.window
            drive[fired] = 1.0 - np.clip(fraction, 0.0, 1.0)
            return drive
        most = self.budget if self.spacing == "rank" else max(len(fired), 1)
        _, which, shared = np.unique(time, return_inverse=True, return_counts=True)
        rank = np.cumsum(shared) - (shared + 1) / 2
        drive[fired] = 1.0 - rank[which] / most
        return drive


def on_grid(time: np.ndarray, unit: np.ndarray, dt: float) -> tuple[np.ndarray, np.ndarray]:
    """Spikes at times (ms), rounded up to the time step, to step 1 at least, and sorted."""
    step = _rounded_up(time, dt).astype(np.int32)
    order = np.lexsort((unit, step))
    return step[order], unit[order].astype(np.int32)


def _rounded_up(time: np.ndarray, dt: float) -> np.ndarray:
    """First step, at least 1, at or after each time (ms)."""
    # A time on the grid must not move to the next step by rounding.
    return np.maximum(np.ceil(time / dt - 1e-9), 1.0).astype(np.int64)


def places_of(numbers: np.ndarray) -> np.ndarray:
    """0, 1, ... for the spikes of each unit, of which each fires so many in a row."""
    place: np.ndarray = np.arange(numbers.sum()) - np.repeat(np.cumsum(numbers) - numbers, numbers)
    return place


def trial_of(
    step: Any, unit: Any, n_units: int, duration: Any, dt: Any
) -> tuple[np.ndarray, np.ndarray, float]:
    """Steps and units of a trial, sorted, and the time step; or a SpecError."""
    length, dt = plain(duration, "ms", where="duration"), plain(dt, "ms", where="dt")
    last = whole_steps(length, dt)
    step, unit = np.asarray(step), np.asarray(unit)
    kinds = {step.dtype.kind, unit.dtype.kind} - {"i", "u"}
    if step.ndim != 1 or step.shape != unit.shape or (kinds and len(step)):
        raise SpecError("steps and units are two rows of equally many whole numbers", where="step")
    if len(step) and not (1 <= step.min() <= step.max() <= last):
        raise SpecError(f"a step is not from 1 to {last}, as the duration has them", where="step")
    if len(unit) and not (0 <= unit.min() <= unit.max() < n_units):
        raise SpecError(f"a unit is not from 0 to {n_units - 1}", where="unit")
    order = np.lexsort((unit, step))
    return step[order].astype(np.int64), unit[order].astype(np.int64), dt


def frame_starts(n_frames: int, n_steps: int, dt: float) -> np.ndarray:
    """First step, from 0, of each frame, and the number of steps: (n_frames + 1,).

    Step k, from 0, belongs to frame ``k * n_frames // n_steps``, in whole numbers.

    Raises
    ------
    SpecError
        If there are more frames than steps.
    """
    if n_frames > n_steps:
        raise SpecError(
            f"{n_frames} frames in {n_steps} steps of {dt:g} ms: frames would be lost; use a "
            "smaller dt or longer frames",
            where="encoding.code",
        )
    return -(-np.arange(n_frames + 1) * n_steps // n_frames)


def request(drive: Any, duration: Any, dt: Any) -> tuple[np.ndarray, float, float, int]:
    """Drive, duration and time step as plain numbers, and the number of steps."""
    strength = plain_array(drive, "1", where="drive")
    length, step = plain(duration, "ms", where="duration"), plain(dt, "ms", where="dt")
    return strength, length, step, whole_steps(length, step)


def _strongest(
    strength: np.ndarray, budget: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The ``budget`` greatest positive values of each row, greatest first, ties by index.

    Returns
    -------
    row, index, rank : numpy.ndarray of int (values,)
        Row after row; ranks from 0.
    number : numpy.ndarray of int (rows,)
        Values of each row.
    """
    candidate = strength > 0
    if strength.shape[1] > budget:
        cut = strength.shape[1] - budget
        least = np.partition(strength, cut, axis=1)[:, cut]
        candidate &= strength >= least[:, None]
    number = np.count_nonzero(candidate, axis=1)
    # A table of few columns is sorted several times as fast as one list of rows and values.
    held = np.arange(number.max(initial=0)) < number[:, None]
    place = np.zeros(held.shape, np.int64)
    place[held] = np.flatnonzero(candidate)
    value = np.where(held, -strength.ravel()[place], 0.0)
    order = np.argsort(value, axis=1, kind="stable")[:, :budget]
    number = np.minimum(number, budget)
    row, rank = np.repeat(np.arange(len(number)), number), places_of(number)
    return row, place[row, order[row, rank]] - row * strength.shape[1], rank, number


def whole_steps(duration: float, dt: float) -> int:
    """Steps of ``dt`` in ``duration``, or a SpecError."""
    if not dt > 0:
        raise SpecError(f"{dt:g} ms is not a time step; use one above 0", where="dt")
    number = round(duration / dt)
    if number < 1 or abs(number * dt - duration) > 1e-6 * dt:
        raise SpecError(
            f"a trial of {duration:g} ms is not a whole number of steps of {dt:g} ms; change dt or "
            "the duration",
            where="dt",
        )
    return number
