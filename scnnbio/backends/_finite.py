"""NaN and infinite states end a run, with an error that names population, state and time.

A state that is not finite stays so, and comparing it with a threshold is false: the neuron would be
silent without any message. The fast backends therefore check states at the end of each trial,
before the next reset; if a state is not finite, they run that trial again and check after every
step, to find the time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError
from scnnbio.experiment import Experiment


class NotFinite(SpecError):
    """A state became infinite or NaN.

    Parameters
    ----------
    experiment : Experiment
    population, state : str
    unit : int
        One of the affected neurons, in the public numbering.
    step : float
        Steps since the run began, up to the check that found it.
    """

    def __init__(
        self, experiment: Experiment, population: str, state: str, unit: int, step: float
    ) -> None:
        per_trial = experiment.trial_steps
        self.population, self.state, self.unit, self.step = population, state, unit, step
        self.trial = int(-(-step // per_trial)) - 1
        time = (step - self.trial * per_trial) * experiment.dt
        super().__init__(
            f"state {state!r} of neuron {unit} became infinite or NaN at {time:.6g} ms of trial"
            f" {self.trial}; check its equations for a division by zero, for a root, logarithm or"
            " power of a negative number, or for unbounded growth, or use a smaller dt",
            where=f"population {population!r}",
        )


def check_finite(
    experiment: Experiment,
    population: str,
    states: Mapping[str, NDArray[Any]],
    step: float,
    public: NDArray[np.int64] | None = None,
) -> None:
    """Raise unless all states are finite.

    Parameters
    ----------
    experiment : Experiment
    population : str
    states : mapping of str to ndarray (neurons,)
    step : float
        Steps since the run began.
    public : ndarray of int64 (neurons,), optional
        Public number of each neuron, where the states are in another order.

    Raises
    ------
    NotFinite
    """
    for name, values in states.items():
        # The sum is a fast check; if it is not finite (it may overflow), all values are checked.
        if not np.isfinite(values.sum()) and not np.isfinite(values).all():
            unit = int(np.flatnonzero(~np.isfinite(values))[0])
            raise NotFinite(
                experiment, population, name, unit if public is None else int(public[unit]), step
            )
