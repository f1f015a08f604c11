"""A state that is no number any more ends a run, with population, state and time.

What is not finite stays so, and compares as false with any threshold: its neuron would be silent,
and nothing would say why. The fast backends therefore look at the states when a trial ends, before
the next one begins anew, and run that trial once more, looking after every step, for the time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError
from scnnbio.experiment import Experiment


class NotFinite(SpecError):
    """A state that became infinite, or not a number.

    Parameters
    ----------
    experiment : Experiment
    population, state : str
    unit : int
        One neuron of those concerned, in the public numbering.
    step : float
        Steps since the run began, at the end of which it was found.
    """

    def __init__(
        self, experiment: Experiment, population: str, state: str, unit: int, step: float
    ) -> None:
        per_trial = experiment.trial_steps
        self.population, self.state, self.unit, self.step = population, state, unit, step
        self.trial = int(-(-step // per_trial)) - 1
        time = (step - self.trial * per_trial) * experiment.dt
        super().__init__(
            f"state {state!r} of neuron {unit} became infinite or not a number at {time:.6g} ms of"
            f" trial {self.trial}; look in its equations for a division by zero, for a root,"
            " logarithm or power of what may be negative, or for growth without bound, or take a"
            " smaller dt",
            where=f"population {population!r}",
        )


def check_finite(
    experiment: Experiment,
    population: str,
    states: Mapping[str, NDArray[Any]],
    step: float,
    public: NDArray[np.int64] | None = None,
) -> None:
    """Refuse to go on with states that are not finite.

    Parameters
    ----------
    experiment : Experiment
    population : str
    states : mapping of str to ndarray (neurons,)
    step : float
        Steps since the run began.
    public : ndarray of int64 (neurons,), optional
        The public number of each neuron, where they lie in another order.

    Raises
    ------
    NotFinite
    """
    for name, values in states.items():
        # One number tells of all, and tells wrongly only where a sum overflows.
        if not np.isfinite(values.sum()) and not np.isfinite(values).all():
            unit = int(np.flatnonzero(~np.isfinite(values))[0])
            raise NotFinite(
                experiment, population, name, unit if public is None else int(public[unit]), step
            )
