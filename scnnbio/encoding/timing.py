"""Codes in the timing of several spikes: their phase in an oscillation, and bursts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, final

import numpy as np

from scnnbio.encoding.checks import set_count, set_numbers
from scnnbio.encoding.codes import (
    Code,
    Drive,
    FirstFrame,
    frame_starts,
    on_grid,
    places_of,
    request,
    trial_of,
)
from scnnbio.errors import SpecError
from scnnbio.units import Degrees, Hertz, Milliseconds


@final
@dataclass(frozen=True)
class PhaseCode(Code):
    """Each cell fires once per cycle of an oscillation, the stronger its drive the earlier.

    In each whole cycle of the trial, a cell of drive c fires at the phase
    ``first + span * (1 - c)``, for the drive of the frame in which the cycle begins. A drive above
    1 counts as 1; a cell without drive is silent.

    Parameters
    ----------
    frequency : float
        Of the oscillation (Hz), which has phase 0 when the trial begins.
    first : float
        Phase (deg) of the greatest drive.
    span : float
        From there to the phase of the least drive (deg); ``first + span`` is below 360.

    Raises
    ------
    SpecError
        If a value is out of range.

    Notes
    -----
    The decoder takes the circular mean of the phases of a cell's spikes in a frame, half a step
    earlier than their stamps. It needs no beginning, only the oscillation. If spikes vary by sigma,
    n cycles give a drive of standard deviation ``sigma frequency 360 / (span sqrt(n))``.

    References
    ----------
    Hopfield JJ (1995) Pattern recognition computation using action potential timing for stimulus
    representation. Nature 376:33-36.
    """

    frequency: Hertz = 40.0
    first: Degrees = 90.0
    span: Degrees = 180.0
    kind: Literal["phase"] = field(default="phase", kw_only=True)

    def __post_init__(self) -> None:
        where = "encoding.code"
        set_numbers(self, where, "Hz", "frequency", positive=True)
        set_numbers(self, where, "deg", "first")
        set_numbers(self, where, "deg", "span", positive=True)
        if self.first + self.span >= 360.0:
            raise SpecError(
                f"phases reach to {self.first + self.span:g} deg, into the next cycle; first + span"
                " is below 360",
                where=f"{where}.span",
            )

    @property
    def period(self) -> float:
        """Duration of a cycle (ms)."""
        return 1000.0 / self.frequency

    def spikes(
        self, drive: Drive, duration: Milliseconds, dt: Milliseconds, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Spikes of one trial. See :meth:`Code.spikes`; nothing is drawn from ``rng``."""
        drive, duration, dt, n_steps = request(drive, duration, dt)
        begins = self._cycles(duration)
        frame = self._frames(begins, len(drive), n_steps, dt)
        strength = drive.reshape(len(drive), -1)[frame]
        cycle, unit = np.nonzero(strength > 0)
        weakness = 1.0 - np.minimum(strength[cycle, unit], 1.0)
        phase = self.first + self.span * weakness
        return on_grid(begins[cycle] + self.period * phase / 360.0, unit, dt)

    def _cycles(self, duration: float) -> np.ndarray:
        """Beginnings (ms) of the whole cycles of a trial."""
        number = int(duration / self.period + 1e-9)
        if not number:
            raise SpecError(
                f"a trial of {duration:g} ms has no cycle of {self.frequency:g} Hz; lengthen it",
                where="encoding.code.frequency",
            )
        return np.arange(number) * self.period

    @staticmethod
    def _frames(begins: np.ndarray, n_frames: int, n_steps: int, dt: float) -> np.ndarray:
        """Frame in which each cycle begins."""
        first = frame_starts(n_frames, n_steps, dt)
        step = np.minimum(np.floor(begins / dt + 1e-9).astype(np.int64), n_steps - 1)
        return np.searchsorted(first, step, side="right") - 1

    def decoded(
        self,
        step: np.ndarray,
        unit: np.ndarray,
        n_units: int,
        duration: Milliseconds,
        dt: Milliseconds,
        n_frames: int = 1,
    ) -> np.ndarray:
        """Drive that the phases stand for. See :meth:`Code.decoded`."""
        _, duration, dt, n_steps = request(np.zeros((1, 1)), duration, dt)
        step, unit, dt = trial_of(step, unit, n_units, duration, dt)
        begins = self._cycles(duration)
        of_cycle = self._frames(begins, n_frames, n_steps, dt)
        turns = (step - 0.5) * dt / self.period
        # A spike before the first phase by more than half of the rest belongs to the cycle before.
        rest = (360.0 - self.span) / 720.0
        cycle = np.floor(turns - self.first / 360.0 + rest).astype(np.int64)
        cell = of_cycle[np.clip(cycle, 0, len(begins) - 1)] * n_units + unit
        around = np.exp(2j * np.pi * turns)
        mean = np.zeros(n_frames * n_units, dtype=complex)
        np.add.at(mean, cell, around)
        # Relative to the middle of all phases, so that none of them is near the cut.
        middle = np.deg2rad(self.first + self.span / 2.0)
        away = np.rad2deg(np.angle(mean * np.exp(-1j * middle)))
        found = np.clip(0.5 - away / self.span, 0.0, 1.0)
        silent = np.bincount(cell, minlength=len(mean)) == 0
        return np.where(silent, 0.0, found).reshape(n_frames, n_units)


@final
@dataclass(frozen=True)
class BurstCode(FirstFrame):
    """Each cell fires one burst: the stronger its drive, the more spikes, and the closer.

    A cell of drive c fires ``ceil(most * c)`` spikes, ``longest - (longest - shortest) * c`` apart,
    from ``onset`` on. Only the first frame counts; a drive above 1 counts as 1.

    Parameters
    ----------
    most : int
        Spikes of the greatest drive.
    shortest, longest : float
        Intervals within a burst (ms), of the greatest and of the least drive.
    onset : float
        Beginning of the bursts (ms).

    Raises
    ------
    SpecError
        If a value is out of range.

    Notes
    -----
    The decoder takes the drive from the mean interval of a burst, and bounds it by the number of
    spikes: an error of the interval never moves the drive by more than ``1 / most``. A single spike
    stands for ``1 / (2 most)``, no spike for 0.

    References
    ----------
    Guo W, Fouda ME, Eltawil AM, Salama KN (2021) Neural coding in spiking neural networks: a
    comparative study for robust neuromorphic systems. Front Neurosci 15:638474.
    """

    most: int = 5
    shortest: Milliseconds = 2.0
    longest: Milliseconds = 8.0
    onset: Milliseconds = 0.0
    kind: Literal["burst"] = field(default="burst", kw_only=True)

    def __post_init__(self) -> None:
        where = "encoding.code"
        set_count(self, where, "most")
        set_numbers(self, where, "ms", "shortest", "longest", positive=True)
        set_numbers(self, where, "ms", "onset")
        if self.shortest > self.longest:
            raise SpecError(
                f"shortest {self.shortest:g} ms is above longest {self.longest:g} ms; exchange"
                " them",
                where=f"{where}.shortest",
            )

    @property
    def length(self) -> float:
        """Duration of the longest burst (ms)."""
        number = np.arange(self.most)  # of intervals, of which the least drive has the longest
        widest = self.longest - (self.longest - self.shortest) * number / self.most
        return float((number * widest).max())

    def spikes(
        self, drive: Drive, duration: Milliseconds, dt: Milliseconds, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Spikes of one trial. See :meth:`Code.spikes`; nothing is drawn from ``rng``."""
        drive, duration, dt, _ = request(drive, duration, dt)
        if self.onset + self.length > duration:
            raise SpecError(
                f"bursts last to {self.onset + self.length:g} ms, beyond the trial of"
                f" {duration:g} ms; shorten the intervals or lengthen the stimulus",
                where="encoding.code.longest",
            )
        if self.shortest < dt:
            raise SpecError(
                f"intervals of {self.shortest:g} ms are below the step of {dt:g} ms, so that two"
                " spikes would be one; lengthen them or use a smaller dt",
                where="encoding.code.shortest",
            )
        strength = np.minimum(drive[0].ravel(), 1.0)
        number = np.ceil(self.most * np.maximum(strength, 0.0) - 1e-9).astype(np.int64)
        unit = np.repeat(np.arange(len(strength)), number)
        place = places_of(number)
        interval = self.longest - (self.longest - self.shortest) * strength[unit]
        return on_grid(self.onset + place * interval, unit, dt)

    def _static(self, step: np.ndarray, unit: np.ndarray, dt: float, n_units: int) -> np.ndarray:
        number = np.bincount(unit, minlength=n_units)
        first, last = np.full(n_units, np.inf), np.full(n_units, -np.inf)
        np.minimum.at(first, unit, step)
        np.maximum.at(last, unit, step)
        top = np.minimum(number, self.most) / self.most
        bottom = np.maximum(top - 1.0 / self.most, 0.0)
        found = (top + bottom) / 2.0
        several = (number > 1) & (self.longest > self.shortest)
        interval = dt * (last - first)[several] / (number[several] - 1)
        by_interval = (self.longest - interval) / (self.longest - self.shortest)
        found[several] = np.clip(by_interval, bottom[several], top[several])
        return found
