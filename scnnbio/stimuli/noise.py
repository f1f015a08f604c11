"""White noise in space and time, for mapping receptive fields by reverse correlation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, final

import numpy as np

from scnnbio.errors import SpecError, not_one_of
from scnnbio.stimuli.base import Stimulus, bounded, check_request, count, n_frames, positive
from scnnbio.units import Milliseconds, Number


@final
@dataclass(frozen=True)
class WhiteNoise(Stimulus):
    """Checks whose luminance is independent in space, time and trials, with mean 0.

    The frames of a trial can be drawn again from the trial's generator, so that a spike-triggered
    average needs no stored frames.

    Parameters
    ----------
    n_trials : int
        Number of trials.
    duration : float
        Of a trial (ms); a whole number of frames.
    frame : float
        Duration of a frame (ms).
    contrast : float
        Standard deviation of the luminance, 0 to 1 (contrast units).
    check : int
        Side of a square check (pixels). Checks begin at the upper left corner; those at the
        lower and the right edge may be cut.
    distribution : {"binary", "gaussian"}
        Binary checks are +contrast or -contrast with equal chance.

    Raises
    ------
    SpecError
        If a value is out of range.

    References
    ----------
    Chichilnisky EJ (2001) A simple white noise analysis of neuronal light responses. Network
    12:199-213.
    """

    n_trials: int = 1000
    duration: Milliseconds = 500.0
    frame: Milliseconds = 10.0
    contrast: Number = 0.5
    check: int = 1
    distribution: Literal["binary", "gaussian"] = "binary"
    kind: Literal["white-noise"] = field(default="white-noise", kw_only=True)

    def __post_init__(self) -> None:
        where = "stimulus"
        clean = {
            "n_trials": count(self.n_trials, f"{where}.n_trials"),
            "duration": positive(self.duration, "ms", f"{where}.duration"),
            "frame": positive(self.frame, "ms", f"{where}.frame"),
            "contrast": bounded(self.contrast, "1", f"{where}.contrast", high=1),
            "check": count(self.check, f"{where}.check"),
        }
        for name, value in clean.items():
            object.__setattr__(self, name, value)
        if self.distribution not in ("binary", "gaussian"):
            raise SpecError(
                not_one_of(self.distribution, ("binary", "gaussian")), where=f"{where}.distribution"
            )
        n_frames(self.duration, self.frame)

    def frames(self, trial: int, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
        """Frames of one trial: (n_frames, rows, columns). See :meth:`Stimulus.frames`."""
        check_request(self, trial, shape)
        rows, columns = shape
        checks = (
            n_frames(self.duration, self.frame),
            -(-rows // self.check),
            -(-columns // self.check),
        )
        if self.distribution == "binary":
            values = 2.0 * rng.integers(0, 2, checks) - 1.0
        else:
            values = rng.standard_normal(checks)
        pixels = values.repeat(self.check, axis=1).repeat(self.check, axis=2)
        return self.contrast * pixels[:, :rows, :columns]

    def table(self) -> dict[str, np.ndarray]:
        """No columns: trials differ only by chance."""
        return {}
