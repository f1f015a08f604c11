"""An input: what drives a source population, whatever its shape."""

from dataclasses import dataclass
from typing import final

import numpy as np

from scnnbio.inputs import Draw, Input
from scnnbio.units import Milliseconds, plain


@final
@dataclass(frozen=True, eq=False)
class FromMetronome(Input):
    """Every neuron fires once per period, one neuron after another.

    Parameters
    ----------
    trials : int
    period, length : float
        Of a round, and of a trial (ms).
    """

    trials: int = 1
    period: Milliseconds = 20.0
    length: Milliseconds = 200.0

    def __post_init__(self) -> None:
        for name in ("period", "length"):
            value = plain(getattr(self, name), "ms", where=f"metronome.{name}")
            object.__setattr__(self, name, value)

    @property
    def n_trials(self) -> int:
        return self.trials

    @property
    def duration(self) -> float:
        return self.length

    @property
    def shape(self) -> tuple[None, None, None]:
        return (None, None, None)

    def spikes(self, trial: int, draw: Draw) -> tuple[np.ndarray, np.ndarray]:
        size = int(np.prod(draw.shape))
        steps, period = round(self.length / draw.dt), round(self.period / draw.dt)
        unit = np.arange(size)
        first = 1 + unit * period // size
        step = first + period * np.arange(-(-steps // period))[:, None]
        step, unit = step.ravel(), np.broadcast_to(unit, step.shape).ravel()
        order = np.lexsort((unit, step))
        order = order[step[order] <= steps]
        return step[order].astype(np.int32), unit[order].astype(np.int32)

    def table(self) -> dict[str, np.ndarray]:
        return {}
