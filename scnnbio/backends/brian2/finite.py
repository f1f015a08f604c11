"""Checks that the states of a run are finite.

At runtime a network operation checks them. A compiled program checks them when a trial ends, and
after every step of one trial if it is asked to watch it (``templates/presentations.h``).
"""

from __future__ import annotations

from typing import Any

import brian2 as b2

from scnnbio.backends._finite import NotFinite, check_finite
from scnnbio.backends.brian2.layout import public_of_internal
from scnnbio.backends.brian2.lowering import Lowered
from scnnbio.backends.brian2.procedural import Procedural
from scnnbio.experiment import Experiment

#: Order of the check: before states are reset for the next trial.
_BEFORE = -100


class Finite:
    """Checks all states at runtime.

    Parameters
    ----------
    lowered : Lowered
    check_steps_from : int, optional
        First trial in which it checks after every step; by default it checks only after each trial.

    Attributes
    ----------
    objects : list of Brian2 objects
    """

    def __init__(self, lowered: Lowered, check_steps_from: int | None = None) -> None:
        self.lowered, self.first = lowered, check_steps_from or 0
        period = lowered.trial if check_steps_from is None else lowered.experiment.dt * b2.ms
        operation = b2.NetworkOperation(
            self.check, dt=period, when="start", order=_BEFORE, name="check_finite"
        )
        self.objects: list[Any] = [operation]

    def check(self) -> None:
        """Check all states now.

        Raises
        ------
        NotFinite
        """
        lowered, experiment = self.lowered, self.lowered.experiment
        step = round(float(b2.defaultclock.t / b2.defaultclock.dt))
        if step <= self.first * experiment.trial_steps:
            return
        for population in experiment.network.populations:
            if not population.is_source:
                variables = lowered.groups[population.name].variables
                states = {s.name: variables[s.name].get_value() for s in population.model.states}
                public = public_of_internal(population.shape)
                check_finite(experiment, population.name, states, step, public)


class FiniteCheck(Procedural):
    """Code with which a compiled program checks its states at the end of watched steps."""

    def __init__(self, group: Any, period: int) -> None:
        self._begin("look")
        self.variables.add_constant("N", len(group))
        self.variables.add_reference("_eventspace", group, "_spikespace")
        self._finish("look", "", group, ("end", 100), {"period": period})
        self.add_dependency(group)


def parse_not_finite(text: str, experiment: Experiment) -> NotFinite | None:
    """The NotFinite error that a compiled program reports; None if it is another error.

    Parameters
    ----------
    text : str
        ``not finite: POPULATION STATE NEURON TRIAL STEP``, with the program's number of the neuron.
    experiment : Experiment
    """
    mark, _, rest = text.partition(": ")
    if mark != "not finite":
        return None
    name, state, neuron, trial, step = rest.split()
    unit = public_of_internal(experiment.network.population(name).shape)[int(neuron)]
    run_step = int(trial) * experiment.trial_steps + int(step)
    return NotFinite(experiment, name, state, int(unit), run_step)
