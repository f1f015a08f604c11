"""Codes with a memory of the last spike: gamma processes, and Poisson with a dead time."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass, field
from typing import Literal, final

import numpy as np
from numpy.typing import NDArray

from scnnbio.encoding.checks import set_numbers
from scnnbio.encoding.codes import Code, Drive
from scnnbio.errors import SpecError
from scnnbio.units import Hertz, Milliseconds, Number, plain, plain_array

Steps = NDArray[np.int32]


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

    @abstractmethod
    def _drawn(
        self, hazard: NDArray[np.float64], dt: float, rng: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Step (from 0) and unit of each spike, for expected counts per step (steps, units)."""

    def spikes(
        self, drive: Drive, duration: Milliseconds, dt: Milliseconds, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Spikes of one trial. See :meth:`Code.spikes`."""
        strength = plain_array(drive, "1", where="drive")
        length, step = plain(duration, "ms", where="duration"), plain(dt, "ms", where="dt")
        n_steps = self._n_steps(length, step, len(strength))
        rate = np.clip(self.spontaneous + self.gain * strength, 0.0, self.max_rate)
        # Step k belongs to frame k * n // n_steps, in whole numbers.
        frame = np.arange(n_steps) * len(strength) // n_steps
        hazard = rate.reshape(len(strength), -1)[frame] * (step / 1000.0)
        place, unit = self._drawn(hazard, step, rng)
        flat = np.unique(place * hazard.shape[1] + unit)  # sorted by step, then unit
        return (
            (flat // hazard.shape[1] + 1).astype(np.int32),
            (flat % hazard.shape[1]).astype(np.int32),
        )

    def _n_steps(self, length: float, step: float, n_frames: int) -> int:
        if not step > 0:
            raise SpecError(f"{step:g} ms is not a time step; use one above 0", where="dt")
        number = round(length / step)
        if number < 1 or abs(number * step - length) > 1e-6 * step:
            raise SpecError(
                f"a trial of {length:g} ms is not a whole number of steps of {step:g} ms; change"
                f" dt "
                "or the duration",
                where="dt",
            )
        if self.max_rate * step > 1000.0:
            raise SpecError(
                f"{self.max_rate:g} Hz is more than one spike per step of {step:g} ms; use dt of "
                f"{1000.0 / self.max_rate:g} ms or less, or lower max_rate",
                where="encoding.code.max_rate",
            )
        if n_frames > number:
            raise SpecError(
                f"{n_frames} frames in {number} steps of {step:g} ms: frames would be lost; use a "
                "smaller dt or longer frames",
                where="encoding.code",
            )
        return number


@final
@dataclass(frozen=True)
class GammaCode(RateCode):
    """A gamma process, more regular for larger shapes.

    The time between spikes, in units of the rate's integral, has a gamma distribution of mean 1
    and the given shape: at a constant rate a coefficient of variation of ``1 / sqrt(shape)``. The
    first interval is the time from a random moment to the next spike, so that the mean rate is
    correct from the beginning. Two spikes in one step count as one.

    Parameters
    ----------
    gain, max_rate, spontaneous : float
        As for :class:`~scnnbio.encoding.PoissonCode` (Hz).
    shape : float
        1 or more; 1 is a Poisson process.

    Raises
    ------
    SpecError
        If a value is out of range.

    References
    ----------
    Cox DR (1962) Renewal theory. Methuen, London.
    """

    shape: Number = 4.0
    kind: Literal["gamma"] = field(default="gamma", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        set_numbers(self, "encoding.code", "1", "shape")
        if self.shape < 1:
            raise SpecError(
                f"{self.shape:g} is out of range; write 1 or more", where="encoding.code.shape"
            )

    def _drawn(
        self, hazard: NDArray[np.float64], dt: float, rng: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        grown = hazard.cumsum(axis=0)
        units, last = hazard.shape[1], grown[-1]
        most = float(last.max(initial=0.0))
        at_once = math.ceil(most + 6 * math.sqrt(most / self.shape) + 4)
        # From any time to the next event: a uniform part of an interval chosen by its length.
        whole = np.asarray(rng.gamma(self.shape + 1, 1 / self.shape, units))
        part = whole * rng.random(units)
        steps, owner = [], []
        # The integrals of all units as one increasing sequence.
        span = most + 1.0
        row = (grown + span * np.arange(units)).T.ravel()
        going = np.arange(units)
        while len(going):
            gaps = np.asarray(rng.gamma(self.shape, 1 / self.shape, (len(going), at_once)))
            times = part[going][:, None] + np.concatenate(
                [np.zeros((len(going), 1)), gaps.cumsum(axis=1)], axis=1
            )
            inside = times[:, :-1] < last[going][:, None]
            which = np.broadcast_to(going[:, None], inside.shape)[inside]
            found = np.searchsorted(row, times[:, :-1][inside] + span * which, side="right")
            steps.append(np.minimum(found - which * len(hazard), len(hazard) - 1))
            owner.append(which)
            part[going] = times[:, -1]
            going = going[times[:, -1] < last[going]]
        return np.concatenate([np.empty(0, np.int64), *steps]), np.concatenate(
            [np.empty(0, np.int64), *owner]
        )


@final
@dataclass(frozen=True)
class RefractoryCode(RateCode):
    """Poisson spikes with a dead time after each.

    The rate r applies outside the dead time: at constant r the cell fires at
    ``r / (1 + r * refractory)``. No cell is in its dead time when a trial begins.

    Parameters
    ----------
    gain, max_rate, spontaneous : float
        As for :class:`~scnnbio.encoding.PoissonCode` (Hz).
    refractory : float
        Dead time (ms), rounded up to whole steps: the shortest time between two spikes.

    Raises
    ------
    SpecError
        If a value is out of range.

    References
    ----------
    Berry MJ, Meister M (1998) Refractoriness and neural precision. J Neurosci 18:2200-2211.
    """

    refractory: Milliseconds = 2.0
    kind: Literal["refractory"] = field(default="refractory", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        set_numbers(self, "encoding.code", "ms", "refractory")

    def _drawn(
        self, hazard: NDArray[np.float64], dt: float, rng: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        dead = max(math.ceil(self.refractory / dt - 1e-9), 1)
        unit, step = np.nonzero((rng.random(hazard.shape) < -np.expm1(-hazard)).T)
        row = unit * (len(hazard) + dead) + step  # rising, units further apart than the dead time
        kept = np.zeros(len(row), dtype=bool)
        # For all units at once: go from a spike to the first one after its dead time.
        here = np.searchsorted(unit, np.unique(unit))
        ends = np.searchsorted(unit, np.unique(unit), side="right")
        while len(here):
            kept[here] = True
            after = np.searchsorted(row, row[here] + dead)
            going = after < ends
            here, ends = after[going], ends[going]
        return step[kept], unit[kept]
