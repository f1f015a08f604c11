"""A stimulus: a frozen dataclass of plain values, each with a default."""

from dataclasses import dataclass, field
from typing import Literal, final

import numpy as np

from scnnbio.stimuli import Stimulus
from scnnbio.units import Hertz, Milliseconds, Number, plain


@final
@dataclass(frozen=True)
class Rings(Stimulus):
    """Concentric rings that move outwards, one trial per spatial frequency.

    Parameters
    ----------
    frequencies : tuple of float
        Cycles per pixel.
    speed : float
        Cycles per second (Hz).
    duration, frame : float
        Of a trial, and of each of its frames (ms).
    contrast : float
    """

    frequencies: tuple[Number, ...] = (0.1, 0.2)
    speed: Hertz = 4.0
    duration: Milliseconds = 200.0
    frame: Milliseconds = 10.0
    contrast: Number = 0.5
    # The name of the entry point.
    kind: Literal["rings"] = field(default="rings", kw_only=True)

    def __post_init__(self) -> None:
        units = {"speed": "Hz", "duration": "ms", "frame": "ms", "contrast": "1"}
        for name, unit in units.items():
            value = plain(getattr(self, name), unit, where=f"stimulus.{name}")
            object.__setattr__(self, name, value)
        values = tuple(plain(f, "1", where="stimulus.frequencies") for f in self.frequencies)
        object.__setattr__(self, "frequencies", values)

    @property
    def n_trials(self) -> int:
        return len(self.frequencies)

    def frames(self, trial: int, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
        row, column = (np.arange(n) - (n - 1) / 2 for n in shape)
        distance = np.hypot(row[:, None], column)
        seconds = np.arange(round(self.duration / self.frame))[:, None, None] * self.frame / 1000
        cycles = self.frequencies[trial] * distance - self.speed * seconds
        return self.contrast * np.cos(2 * np.pi * cycles)

    def table(self) -> dict[str, np.ndarray]:
        return {"frequency": np.array(self.frequencies)}
