"""Spikes of another code that are moved, or lost, at random."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, final

import numpy as np

from scnnbio.encoding.checks import set_numbers
from scnnbio.encoding.codes import Code, Drive, LatencyCode, request
from scnnbio.errors import SpecError
from scnnbio.units import Milliseconds, Number


@dataclass(frozen=True)
class _Altered(Code):
    """The spikes of another code, altered; what they stand for is read by its decoder."""

    code: Code = field(default_factory=LatencyCode)

    def __post_init__(self) -> None:
        if not isinstance(self.code, Code):
            raise SpecError(f"{self.code!r} is not a code", where="encoding.code.code")

    def decoded(
        self,
        step: np.ndarray,
        unit: np.ndarray,
        n_units: int,
        duration: Milliseconds,
        dt: Milliseconds,
        n_frames: int = 1,
    ) -> np.ndarray:
        """Drive that the other code's decoder gives, for the altered spikes as they are."""
        return self.code.decoded(step, unit, n_units, duration, dt, n_frames)


@final
@dataclass(frozen=True)
class JitteredCode(_Altered):
    """The spikes of another code, each moved by a time from a normal distribution.

    Times are rounded to the time step. A spike that would leave the trial is reflected at its end,
    so that none is lost; two spikes of a cell in one step are one.

    Parameters
    ----------
    code : Code
        Whose spikes are moved.
    sigma : float
        Standard deviation of the times (ms).

    Raises
    ------
    SpecError
        If a value is out of range.
    """

    sigma: Milliseconds = 1.0
    kind: Literal["jittered"] = field(default="jittered", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        set_numbers(self, "encoding.code", "ms", "sigma")

    def spikes(
        self, drive: Drive, duration: Milliseconds, dt: Milliseconds, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Spikes of one trial. See :meth:`Code.spikes`."""
        drive, duration, dt, n_steps = request(drive, duration, dt)
        step, unit = self.code.spikes(drive, duration, dt, rng)
        moved = np.rint(step + rng.normal(0.0, self.sigma / dt, len(step))).astype(np.int64) - 1
        # Reflected at both ends, as often as needed.
        around = np.mod(moved, 2 * n_steps)
        inside = np.where(around < n_steps, around, 2 * n_steps - 1 - around)
        size = drive[0].size
        flat = np.unique(inside * size + unit)
        return (flat // size + 1).astype(np.int32), (flat % size).astype(np.int32)


@final
@dataclass(frozen=True)
class ThinnedCode(_Altered):
    """The spikes of another code, each of which is lost with the same probability.

    Parameters
    ----------
    code : Code
        Whose spikes are lost.
    lost : float
        Probability, from 0 to 1, that a spike is lost, independently of all others.

    Raises
    ------
    SpecError
        If a value is out of range.
    """

    lost: Number = 0.1
    kind: Literal["thinned"] = field(default="thinned", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        set_numbers(self, "encoding.code", "1", "lost")
        if self.lost > 1:
            raise SpecError(
                f"{self.lost:g} is not a probability; write a number from 0 to 1",
                where="encoding.code.lost",
            )

    def spikes(
        self, drive: Drive, duration: Milliseconds, dt: Milliseconds, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Spikes of one trial. See :meth:`Code.spikes`."""
        step, unit = self.code.spikes(drive, duration, dt, rng)
        kept = rng.random(len(step)) >= self.lost
        return step[kept], unit[kept]
