"""A code: from the drive of each cell, by frames, to spikes on the grid."""

from dataclasses import dataclass, field
from typing import Literal, final

import numpy as np

from scnnbio.encoding import Code
from scnnbio.units import Hertz, Milliseconds, plain


@final
@dataclass(frozen=True)
class SteadyCode(Code):
    """Each cell fires whenever its rate, the gain times its drive, has added up to a spike."""

    gain: Hertz = 200.0
    kind: Literal["steady"] = field(default="steady", kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "gain", plain(self.gain, "Hz", where="encoding.code.gain"))

    def spikes(
        self,
        drive: np.ndarray,
        duration: Milliseconds,
        dt: Milliseconds,
        rng: np.random.Generator,
    ) -> tuple[np.ndarray, np.ndarray]:
        steps = round(duration / dt)
        shown = drive.reshape(len(drive), -1)[np.arange(steps) * len(drive) // steps]
        # No cell fires twice in a step.
        each = np.clip(shown * self.gain * dt / 1000, 0.0, 1.0)
        count = np.floor(np.cumsum(each, axis=0) + rng.random(each.shape[1]))
        step, unit = np.nonzero(np.diff(count, axis=0, prepend=0.0))
        return (step + 1).astype(np.int32), unit.astype(np.int32)
