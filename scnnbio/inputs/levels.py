"""Evenly spaced drives, one per channel, through a code: what a code can tell apart."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from scnnbio.encoding import Code
from scnnbio.errors import SpecError
from scnnbio.inputs.base import Draw, Input, Trial, check_trial
from scnnbio.inputs.foreign import checked_spikes
from scnnbio.stimuli.base import count, positive
from scnnbio.units import Milliseconds, plain


@final
@dataclass(frozen=True, eq=False)
class Levels(Input):
    """Drives from 0 to 1, the same in every trial: channel k of n has the drive (k + 1/2)/n.

    All places of a channel have the same drive, and their spikes are drawn independently.

    Parameters
    ----------
    levels : int
        Channels of the source.
    code : Code
        Turns the levels into spikes.
    duration : float
        Of each trial (ms).
    shown : float, optional
        Time from the beginning of a trial for which the drive is there (ms), a whole number of
        steps; then it is 0. The whole trial if not given.
    n_trials : int
        Number of trials.

    Raises
    ------
    SpecError
        If a value is out of range.
    """

    levels: int
    code: Code
    duration: Milliseconds = 100.0
    shown: Milliseconds | None = None
    n_trials: int = 1

    def __post_init__(self) -> None:
        where = "Levels"
        if not isinstance(self.code, Code):
            raise SpecError(f"{self.code!r} is not a code", where=f"{where}.code")
        for name in ("levels", "n_trials"):
            object.__setattr__(self, name, count(getattr(self, name), f"{where}.{name}"))
        object.__setattr__(self, "duration", positive(self.duration, "ms", f"{where}.duration"))
        if self.shown is not None:
            object.__setattr__(self, "shown", positive(self.shown, "ms", f"{where}.shown"))
            if self.shown > self.duration:
                raise SpecError(
                    f"{self.shown:g} ms are longer than the trial of {self.duration:g} ms; shorten"
                    " shown or lengthen duration",
                    where=f"{where}.shown",
                )

    @property
    def drives(self) -> NDArray[np.float64]:
        """Drive of each channel: (levels,)."""
        return (np.arange(self.levels) + 0.5) / self.levels

    @property
    def shape(self) -> tuple[int | None, int | None, int | None]:
        """A channel per level, of any number of places."""
        return self.levels, None, None

    def check_grid(self, dt: Milliseconds) -> None:
        """Raise unless the time for which drives are shown is a whole number of steps."""
        self._frames(plain(dt, "ms", where="dt"))

    def _frames(self, dt: float) -> tuple[int, int]:
        """Number of frames, and of those that have the drive."""
        shown = self.duration if self.shown is None else self.shown
        steps = shown / dt
        if abs(steps - round(steps)) > 1e-6:
            raise SpecError(
                f"{shown:g} ms are not a whole number of steps of {dt:g} ms", where="Levels.shown"
            )
        one = math.gcd(round(steps), round(self.duration / dt))
        return round(self.duration / dt) // one, round(steps) // one

    def spikes(self, trial: int, draw: Draw) -> Trial:
        """Spikes of one trial. See :meth:`Input.spikes`."""
        check_trial(trial, self.n_trials, "Levels")
        frames, shown = self._frames(draw.dt)
        drive = np.zeros((frames, self.levels, draw.shape[1] * draw.shape[2]))
        drive[:shown] = self.drives[:, None]
        found = self.code.spikes(drive, self.duration, draw.dt, draw.rng)
        return checked_spikes(found, self.code, self.duration, draw)

    def table(self) -> dict[str, NDArray[Any]]:
        """Nothing differs between trials."""
        return {}
