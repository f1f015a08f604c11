"""Steps of a run on the machine's clock.

The machine cannot be reset between trials without loading it again. So each trial that begins from
rest is preceded by a silence, in which spikes in flight arrive, refractory periods end, and
potentials and currents decay. After twelve times the longest time constant a potential is within
0.01 mV of rest.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scnnbio.experiment import Experiment

if TYPE_CHECKING:
    from scnnbio.backends.spinnaker.cells import Cells

Steps = NDArray[np.int64]

#: Length of the silence in time constants.
_TIME_CONSTANTS = 12


@dataclass(frozen=True)
class Clock:
    """Trials on the machine's clock.

    Tick k of the machine advances states from step k to k + 1, so a spike in it has the time k + 1.

    Parameters
    ----------
    trial, n_trials : int
        Steps per trial, and number of trials.
    gap : int
        Ticks of silence between two trials.

    Examples
    --------
    >>> clock = Clock(trial=10, n_trials=3, gap=5)
    >>> clock.ticks(np.array([1, 10, 11, 30])).tolist()
    [0, 9, 15, 39]
    >>> clock.stamps(np.array([0, 9, 10, 14, 15, 39])).tolist()
    [1, 10, 0, 0, 11, 30]
    >>> clock.total
    40
    """

    trial: int
    n_trials: int
    gap: int

    @classmethod
    def of(
        cls, experiment: Experiment, cells: Mapping[str, Cells], delay: int, gap: float | None
    ) -> Clock:
        """Make the clock of an experiment.

        Parameters
        ----------
        experiment : Experiment
        cells : mapping of str to Cells
        delay : int
            Longest delay in ticks.
        gap : float or None
            Silence in ms; None for twelve times the longest time constant.
        """
        steps = 0
        if experiment.reset and experiment.n_trials > 1:
            if gap is None:
                constants = [
                    float(values.max())
                    for found in cells.values()
                    for name, values in found.parameters.items()
                    if name.startswith("tau_") and name != "tau_refrac"
                ]
                held = [float(found.parameters["tau_refrac"].max()) for found in cells.values()]
                gap = _TIME_CONSTANTS * max(constants, default=0.0) + max(held, default=0.0)
            steps = max(delay, math.ceil(gap / experiment.dt - 1e-9))
        return cls(experiment.trial_steps, experiment.n_trials, steps)

    @property
    def total(self) -> int:
        """Ticks of the whole run; there is no silence after the last trial."""
        return self.n_trials * (self.trial + self.gap) - self.gap

    def ticks(self, stamps: Steps) -> Steps:
        """Ticks in which spikes with these times (in steps, from 1) are sent."""
        before = stamps - 1
        return np.asarray(before + before // self.trial * self.gap)

    def stamps(self, ticks: Steps) -> Steps:
        """Times (in steps) of spikes fired in these ticks; 0 for those in a silence."""
        trial, within = np.divmod(ticks, self.trial + self.gap)
        return np.where(within < self.trial, trial * self.trial + within + 1, 0)

    def restless(self, ticks: Steps) -> NDArray[np.bool_]:
        """Which spikes are in the second half of a silence, where the network should be at rest."""
        within = ticks % (self.trial + self.gap)
        return np.asarray(within >= self.trial + (self.gap + 1) // 2)
