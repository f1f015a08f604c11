"""Delta modulation: a spike for each rise of the drive by a threshold, as an event camera sends."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, final

import numpy as np

from scnnbio.encoding.checks import set_numbers
from scnnbio.encoding.codes import Code, Drive, frame_starts, places_of, request, trial_of
from scnnbio.encoding.rates import counted
from scnnbio.errors import SpecError
from scnnbio.units import Milliseconds, Number


@final
@dataclass(frozen=True)
class DeltaCode(Code):
    """A cell fires when its drive is a threshold above the level that it last told.

    The level of each cell begins at 0 and follows the drive in steps of ``threshold``, up with a
    spike and down without one: the falls of a drive are the rises of its negative, which the OFF
    cell of :class:`~scnnbio.encoding.Pixels` encodes. A level moves once per time step at most, and
    the next steps encode what is left of a change.

    Parameters
    ----------
    threshold : float
        Change of the drive that one spike stands for.

    Raises
    ------
    SpecError
        If it is not above 0.

    Notes
    -----
    The decoder takes the first half of the units for a drive and the second half for its negative,
    as :class:`~scnnbio.encoding.Pixels` has them, and gives the level at the end of each frame. If
    no frame changes by more thresholds than it has steps, the level is off by less than a
    threshold: late by one half of it on average where the drive grows, early where it falls.

    References
    ----------
    Lichtsteiner P, Posch C, Delbruck T (2008) A 128 x 128 120 dB 15 us latency asynchronous
    temporal contrast vision sensor. IEEE J Solid-State Circuits 43:566-576.
    """

    threshold: Number = 0.1
    kind: Literal["delta"] = field(default="delta", kw_only=True)

    def __post_init__(self) -> None:
        set_numbers(self, "encoding.code", "1", "threshold", positive=True)

    def spikes(
        self, drive: Drive, duration: Milliseconds, dt: Milliseconds, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Spikes of one trial. See :meth:`Code.spikes`; nothing is drawn from ``rng``."""
        drive, duration, dt, n_steps = request(drive, duration, dt)
        first = frame_starts(len(drive), n_steps, dt)
        level = np.zeros(drive[0].size, dtype=np.int64)
        steps, units = [], []
        for frame, begin, end in zip(drive, first[:-1], first[1:], strict=True):
            # A change of a whole number of thresholds must not be less by rounding.
            away = frame.ravel() / self.threshold - level
            whole = np.trunc(away + np.copysign(1e-9, away)).astype(np.int64)
            moved = np.clip(whole, -(end - begin), end - begin)
            level += moved
            rises = np.maximum(moved, 0)
            unit = np.repeat(np.arange(len(level)), rises)
            place = places_of(rises)
            order = np.lexsort((unit, place))
            steps.append((begin + place + 1)[order])
            units.append(unit[order])
        return np.concatenate(steps).astype(np.int32), np.concatenate(units).astype(np.int32)

    def decoded(
        self,
        step: np.ndarray,
        unit: np.ndarray,
        n_units: int,
        duration: Milliseconds,
        dt: Milliseconds,
        n_frames: int = 1,
    ) -> np.ndarray:
        """Drive at the end of each frame. See :meth:`Code.decoded`."""
        if n_units % 2:
            raise SpecError(
                f"{n_units} units are not a drive and its negative; give an even number",
                where="encoding.code",
            )
        _, duration, dt, n_steps = request(np.zeros((1, 1)), duration, dt)
        step, unit, dt = trial_of(step, unit, n_units, duration, dt)
        first = frame_starts(n_frames, n_steps, dt)
        rises = counted(step - 1, unit, n_units, first).cumsum(axis=0)
        on, off = np.split(rises, 2, axis=1)
        return self.threshold * np.concatenate([on - off, off - on], axis=1)
