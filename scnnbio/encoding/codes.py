"""Codes: how the drive of the LGN cells becomes spikes on the grid of time steps."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, final

import numpy as np

from scnnbio.encoding.checks import set_numbers
from scnnbio.errors import SpecError, not_one_of
from scnnbio.units import Hertz, In, Milliseconds, plain, plain_array
from scnnbio.values import Value

Drive = Annotated[np.ndarray, In("1")]

#: Number of spikes that are placed at a time, so that temporary arrays fit the processor's cache.
_AT_ONCE = 32768


class Code(Value, ABC):
    """How the drive of the LGN cells becomes spikes. Subclasses are frozen, final dataclasses."""

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


_SPACINGS = ("contrast", "rank", "relative-rank")


@final
@dataclass(frozen=True)
class LatencyCode(Code):
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
    spacing : {"contrast", "rank", "relative-rank"}
        ``"contrast"``: latency ``onset + window * (1 - c / c_max)``, for drive c.
        ``"rank"``: latency ``onset + window * rank / budget``, with ranks from 0.
        ``"relative-rank"``: latency ``onset + window * rank / n``, for n cells that fire: a picture
        that drives few cells fills the window too.
        All are rounded up to the time step, to step 1 at least.

    Raises
    ------
    SpecError
        If a value is out of range.

    References
    ----------
    Thorpe S, Delorme A, Van Rullen R (2001) Spike-based strategies for rapid processing. Neural
    Networks 14:715-725.
    """

    budget: int = 50
    window: Milliseconds = 20.0
    onset: Milliseconds = 0.0
    spacing: Literal["contrast", "rank", "relative-rank"] = "contrast"
    kind: Literal["latency"] = field(default="latency", kw_only=True)

    def __post_init__(self) -> None:
        where = "encoding.code"
        if isinstance(self.budget, bool) or not isinstance(self.budget, int | np.integer):
            raise SpecError(f"{self.budget!r} is not a whole number", where=f"{where}.budget")
        if self.budget < 1:
            raise SpecError(f"{self.budget} is too small; write 1 or more", where=f"{where}.budget")
        object.__setattr__(self, "budget", int(self.budget))
        set_numbers(self, where, "ms", "window", positive=True)
        set_numbers(self, where, "ms", "onset")
        if self.spacing not in _SPACINGS:
            raise SpecError(not_one_of(self.spacing, _SPACINGS), where=f"{where}.spacing")

    def spikes(
        self, drive: Drive, duration: Milliseconds, dt: Milliseconds, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Spikes of one trial. See :meth:`Code.spikes`; nothing is drawn from ``rng``."""
        drive, duration, dt, _ = _request(drive, duration, dt)
        if self.onset + self.window > duration:
            raise SpecError(
                f"onset {self.onset:g} ms and window {self.window:g} ms outlast the trial of "
                f"{duration:g} ms; shorten them or lengthen the stimulus",
                where="encoding.code.window",
            )
        strength = drive[0].ravel()
        unit = _strongest(strength, self.budget)
        if self.spacing == "contrast":
            fraction = 1.0 - strength[unit] / strength[unit[:1]]
        else:
            most = self.budget if self.spacing == "rank" else max(len(unit), 1)
            fraction = np.arange(len(unit)) / most
        latency = self.onset + self.window * fraction
        # A latency on the grid must not move to the next step by rounding.
        step = np.maximum(np.ceil(latency / dt - 1e-9), 1.0).astype(np.int32)
        order = np.lexsort((unit, step))
        return step[order], unit[order].astype(np.int32)


@final
@dataclass(frozen=True)
class PoissonCode(Code):
    """Independent Poisson spikes, at a rate that follows the drive frame by frame.

    The rate is ``spontaneous + gain * drive``, cut at 0 and ``max_rate``, and a cell fires in a
    step with probability ``1 - exp(-rate * dt)``, as a Poisson process does.

    Parameters
    ----------
    gain : float
        Rate per unit of drive (Hz).
    max_rate : float
        Greatest rate (Hz).
    spontaneous : float
        Rate without drive (Hz).

    Raises
    ------
    SpecError
        If a value is out of range.
    """

    gain: Hertz = 50.0
    max_rate: Hertz = 200.0
    spontaneous: Hertz = 0.0
    kind: Literal["poisson"] = field(default="poisson", kw_only=True)

    def __post_init__(self) -> None:
        where = "encoding.code"
        set_numbers(self, where, "Hz", "gain", "spontaneous")
        set_numbers(self, where, "Hz", "max_rate", positive=True)
        if self.spontaneous > self.max_rate:
            raise SpecError(
                f"spontaneous {self.spontaneous:g} Hz is above max_rate {self.max_rate:g} Hz; "
                "lower it or raise max_rate",
                where=f"{where}.spontaneous",
            )

    def rate(self, drive: Drive) -> np.ndarray:
        """Rate (Hz) at a drive, element by element."""
        drive = plain_array(drive, "1", where="drive")
        return np.clip(self.spontaneous + self.gain * drive, 0.0, self.max_rate)

    def spikes(
        self, drive: Drive, duration: Milliseconds, dt: Milliseconds, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Spikes of one trial. See :meth:`Code.spikes`."""
        drive, duration, dt, n_steps = _request(drive, duration, dt)
        if self.max_rate * dt > 1000.0:
            raise SpecError(
                f"{self.max_rate:g} Hz is more than one spike per step of {dt:g} ms; use dt of "
                f"{1000.0 / self.max_rate:g} ms or less, or lower max_rate",
                where="encoding.code.max_rate",
            )
        n = len(drive)
        if n > n_steps:
            raise SpecError(
                f"{n} frames in {n_steps} steps of {dt:g} ms: frames would be lost; use a smaller "
                "dt or longer frames",
                where="encoding.code",
            )
        probability = -np.expm1(-self.rate(drive.reshape(n, -1)) * dt / 1000.0)
        # Step k belongs to frame (k - 1) * n // n_steps, in integers, so that no step is lost.
        first = -(-np.arange(n + 1) * n_steps // n)
        drawn = [
            bernoulli(p, int(b - a), rng, offset=int(a) + 1)
            for p, a, b in zip(probability, first[:-1], first[1:], strict=True)
        ]
        steps, units = zip(*drawn, strict=True)
        return np.concatenate(steps), np.concatenate(units)


def _request(drive: Any, duration: Any, dt: Any) -> tuple[np.ndarray, float, float, int]:
    """Drive, duration and time step as plain numbers, and the number of steps."""
    strength = plain_array(drive, "1", where="drive")
    length, step = plain(duration, "ms", where="duration"), plain(dt, "ms", where="dt")
    return strength, length, step, _n_steps(length, step)


def _strongest(strength: np.ndarray, budget: int) -> np.ndarray:
    """Indices of the ``budget`` greatest positive values, greatest first, ties by index."""
    candidates = np.flatnonzero(strength > 0)
    if len(candidates) > budget:
        cut = len(candidates) - budget
        least = np.partition(strength[candidates], cut)[cut]
        candidates = candidates[strength[candidates] >= least]
    order = np.argsort(-strength[candidates], kind="stable")
    return candidates[order[:budget]]


def bernoulli(
    probability: np.ndarray, n_steps: int, rng: np.random.Generator, *, offset: int
) -> tuple[np.ndarray, np.ndarray]:
    """Successes of independent draws, for each unit in each step, sorted by (step, unit).

    With the largest probability everywhere, gaps between successes over all (step, unit) cells in
    a row are geometric; each success is then kept with its unit's share of that probability. This
    is exact, at a cost proportional to spikes, not to steps times units.
    """
    active = np.flatnonzero(probability > 0)
    cells = n_steps * len(active)
    if cells == 0:
        return np.empty(0, np.int32), np.empty(0, np.int32)
    p = probability[active]
    greatest = float(p.max())
    expected = cells * greatest
    size = int(expected + 4.0 * math.sqrt(expected)) + 8
    parts, last = [], -1
    while last < cells:
        gaps = rng.geometric(greatest, size)
        # Gaps beyond the end are clipped, so that their sum does not overflow.
        np.minimum(gaps, cells + 1, out=gaps)
        parts.append(np.cumsum(gaps, out=gaps))
        gaps += last
        last = int(gaps[-1])
    cell = np.concatenate(parts) if len(parts) > 1 else parts[0]
    cell = cell[: np.searchsorted(cell, cells)]
    steps, units = [np.empty(0, np.int32)], [np.empty(0, np.int32)]
    for begin in range(0, len(cell), _AT_ONCE):
        step, place = np.divmod(cell[begin : begin + _AT_ONCE], len(active))
        stands = rng.random(len(place)) * greatest < p[place]
        steps.append((step[stands] + offset).astype(np.int32))
        units.append(active[place[stands]].astype(np.int32))
    return np.concatenate(steps), np.concatenate(units)


def _n_steps(duration: float, dt: float) -> int:
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
