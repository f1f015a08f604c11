"""Where the steps of a run lie on the machine's clock.

The machine cannot be reset between trials without loading it again. So a trial that begins from
rest follows a silence, in which spikes in flight arrive, refractory neurons are freed, and
potentials and currents decay. Twelve of the longest time constants bring a potential within 0.01 mV
of rest.
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

_TIME_CONSTANTS = 12


@dataclass(frozen=True)
class Clock:
    """Trials on the machine's clock.

    Tick k of the machine takes states from k to k + 1 steps, so what fires in it is stamped k + 1.

    Parameters
    ----------
    trial, n_trials : int
        Steps of a trial, and how many there are.
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
        """The clock of an experiment.

        Parameters
        ----------
        experiment : Experiment
        cells : mapping of str to Cells
        delay : int
            Longest delay in ticks.
        gap : float or None
            Silence in ms instead of twelve of the longest time constants.
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
        """Ticks of the whole run; nothing follows the last trial."""
        return self.n_trials * (self.trial + self.gap) - self.gap

    def ticks(self, stamps: Steps) -> Steps:
        """Ticks in which spikes with these stamps (1 and up) are sent."""
        before = stamps - 1
        return np.asarray(before + before // self.trial * self.gap)

    def stamps(self, ticks: Steps) -> Steps:
        """Stamps of spikes fired in these ticks; 0 for those in a silence."""
        trial, within = np.divmod(ticks, self.trial + self.gap)
        return np.where(within < self.trial, trial * self.trial + within + 1, 0)

    def restless(self, ticks: Steps) -> NDArray[np.bool_]:
        """Whether spikes fall into the second half of a silence, where the network should rest."""
        within = ticks % (self.trial + self.gap)
        return np.asarray(within >= self.trial + (self.gap + 1) // 2)
