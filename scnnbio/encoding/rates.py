"""Codes whose rate follows the drive: the base class, Poisson spikes and evenly spaced ones."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar, Literal, final

import numpy as np
from numpy.typing import NDArray

from scnnbio.encoding.checks import set_numbers
from scnnbio.encoding.codes import (
    Code,
    Drive,
    Sampler,
    frame_starts,
    places_of,
    request,
    trial_of,
)
from scnnbio.encoding.thinning import Thinning
from scnnbio.errors import SpecError, not_one_of
from scnnbio.units import Hertz, Milliseconds, plain_array

Array = NDArray[np.float64]


@dataclass(frozen=True)
class RateCode(Code):
    """Spikes at a rate that follows the drive, ``spontaneous + gain * drive``, clipped.

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
        return self.sampler(drive, duration, dt)(rng)

    def sampler(self, drive: Drive, duration: Milliseconds, dt: Milliseconds) -> Sampler:
        """Prepare the spikes of several trials of one drive. See :meth:`Code.sampler`."""
        drive, duration, dt, n_steps = request(drive, duration, dt)
        if self.max_rate * dt > 1000.0:
            raise SpecError(
                f"{self.max_rate:g} Hz is more than one spike per step of {dt:g} ms; use dt of "
                f"{1000.0 / self.max_rate:g} ms or less, or lower max_rate",
                where="encoding.code.max_rate",
            )
        n = len(drive)
        return self._sampler(self.rate(drive.reshape(n, -1)), frame_starts(n, n_steps, dt), dt)

    def _sampler(self, rate: Array, first: NDArray[np.int64], dt: float) -> Sampler:
        """Prepare what :meth:`_drawn` draws."""
        return partial(self._drawn, rate, first, dt)

    @abstractmethod
    def _drawn(
        self, rate: Array, first: NDArray[np.int64], dt: float, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Spikes, as :meth:`spikes` gives them.

        Parameters
        ----------
        rate : ndarray (frames, units)
            Hz.
        first : ndarray of int (frames + 1,)
            See :func:`~scnnbio.encoding.codes.frame_starts`.
        """

    def decoded(
        self,
        step: np.ndarray,
        unit: np.ndarray,
        n_units: int,
        duration: Milliseconds,
        dt: Milliseconds,
        n_frames: int = 1,
    ) -> np.ndarray:
        """Drive that the rate of each frame stands for. See :meth:`Code.decoded`.

        The estimate is not clipped: a unit without a spike stands for ``-spontaneous / gain``.
        """
        if self.gain == 0:
            raise SpecError(
                "a gain of 0 Hz leaves no trace of the drive; raise it", where="encoding.code.gain"
            )
        _, duration, dt, n_steps = request(np.zeros((1, 1)), duration, dt)
        step, unit, dt = trial_of(step, unit, n_units, duration, dt)
        first = frame_starts(n_frames, n_steps, dt)
        rate = self._rates(step - 1, unit, n_units, first, dt)
        return (np.minimum(rate, self.max_rate) - self.spontaneous) / self.gain

    def _rates(
        self,
        step: NDArray[np.int64],
        unit: NDArray[np.int64],
        n_units: int,
        first: NDArray[np.int64],
        dt: float,
    ) -> Array:
        """Rate (frames, units) in Hz, for steps from 0: the spikes by the time."""
        steps = np.diff(first)[:, None]
        return counted(step, unit, n_units, first) / (steps * dt * 1e-3)


def counted(
    step: NDArray[np.int64], unit: NDArray[np.int64], n_units: int, first: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Spikes of each frame and unit: (frames, units), for steps from 0."""
    frame = np.searchsorted(first, step, side="right") - 1
    n_frames = len(first) - 1
    flat = np.bincount(frame * n_units + unit, minlength=n_frames * n_units)
    return flat.reshape(n_frames, n_units)


def hazard_of(rate: Array, first: NDArray[np.int64], dt: float) -> Array:
    """Expected number of spikes in each step: (steps, units)."""
    return np.repeat(rate, np.diff(first), axis=0) * (dt / 1000.0)


@final
@dataclass(frozen=True)
class PoissonCode(RateCode):
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

    Notes
    -----
    The decoder is the maximum of the likelihood, ``-log(1 - k / n) / dt`` for k spikes in n steps,
    cut at ``max_rate``. In T seconds its variance is about ``rate / T``, and its bias
    ``rate * dt / (2 T)``, which vanishes with the time step.
    """

    tolerates_rounding: ClassVar[bool] = True

    kind: Literal["poisson"] = field(default="poisson", kw_only=True)

    def _drawn(
        self, rate: Array, first: NDArray[np.int64], dt: float, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        return self._sampler(rate, first, dt)(rng)

    def _sampler(self, rate: Array, first: NDArray[np.int64], dt: float) -> Sampler:
        # In place: the table is as large as all that came before.
        probability = np.multiply(rate, -dt)
        probability /= 1000.0
        np.expm1(probability, out=probability)
        np.negative(probability, out=probability)
        return Thinning(probability, first)

    def _rates(
        self,
        step: NDArray[np.int64],
        unit: NDArray[np.int64],
        n_units: int,
        first: NDArray[np.int64],
        dt: float,
    ) -> Array:
        share = counted(step, unit, n_units, first) / np.diff(first)[:, None]
        return hazard_rate(share, dt)


def hazard_rate(share: Array, dt: float) -> Array:
    """Rate (Hz) at which a unit fires in this share of the steps of ``dt`` ms; may be infinite."""
    with np.errstate(divide="ignore"):
        return -np.log1p(-share) / (dt * 1e-3)


@final
@dataclass(frozen=True)
class RegularCode(RateCode):
    """Evenly spaced spikes: a cell fires whenever the integral of its rate has grown by one.

    Parameters
    ----------
    gain, max_rate, spontaneous : float
        As for :class:`~scnnbio.encoding.PoissonCode` (Hz).
    begins : {"random", "middle"}
        Where the integral begins. ``"random"``: between 0 and 1, drawn for each cell, so that the
        mean count of any time is the integral. ``"middle"``: at one half, so that the count is the
        integral, rounded, and cells of equal drive fire together.

    Raises
    ------
    SpecError
        If a value is out of range.

    Notes
    -----
    The decoder divides the count by the time. For an integral of ``n + f``, n whole, the count is
    ``n + 1`` with probability f if the beginning is random: no bias, and a variance of
    ``f (1 - f)``. From the middle its error is at most one half of a spike.
    """

    begins: Literal["random", "middle"] = "random"
    kind: Literal["regular"] = field(default="regular", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.begins not in ("random", "middle"):
            raise SpecError(
                not_one_of(self.begins, ("random", "middle")), where="encoding.code.begins"
            )

    def _drawn(
        self, rate: Array, first: NDArray[np.int64], dt: float, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        units = rate.shape[1]
        grown: Array = np.full(units, 0.5)
        if self.begins == "random":
            grown = np.asarray(rng.random(units))
        steps, owners = [], []
        for of_frame, begin, end in zip(rate, first[:-1], first[1:], strict=True):
            each = of_frame * (dt / 1000.0)
            before, grown = grown, grown + each * (end - begin)
            # A sum that should be a whole number may be less by rounding.
            told, whole = (np.floor(sums + 1e-9).astype(np.int64) for sums in (before, grown))
            unit = np.repeat(np.arange(units), whole - told)
            place = places_of(whole - told)
            # Steps from the frame's beginning until the sum reaches the next whole number.
            after = np.ceil((told[unit] + 1 + place - before[unit]) / each[unit] - 1e-9)
            steps.append(begin + np.clip(after.astype(np.int64), 1, end - begin) - 1)
            owners.append(unit)
        return in_order(np.concatenate(steps), np.concatenate(owners), units)


def in_order(
    step: NDArray[np.int64], unit: NDArray[np.int64], n_units: int
) -> tuple[np.ndarray, np.ndarray]:
    """Spikes at steps from 0, sorted by step, then unit, and each pair once."""
    flat = np.unique(step * n_units + unit)
    return (flat // n_units + 1).astype(np.int32), (flat % n_units).astype(np.int32)


def dead_steps(refractory: float, dt: float) -> int:
    """Shortest time between two spikes, in steps; 1 without a dead time."""
    return max(math.ceil(refractory / dt - 1e-9), 1)
