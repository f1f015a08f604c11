"""Looking at the states of a run: whether they are still numbers.

At runtime a network operation does so; a compiled program by itself, when a trial ends, and after
every step of the trial that it is asked to watch (``templates/presentations.h``).
"""

from __future__ import annotations

from typing import Any

import brian2 as b2

from scnnbio.backends._finite import NotFinite, check_finite
from scnnbio.backends.brian2.layout import public_of_internal
from scnnbio.backends.brian2.lowering import Lowered
from scnnbio.backends.brian2.procedural import Procedural
from scnnbio.experiment import Experiment

#: Before a trial begins anew.
_BEFORE = -100


class Finite:
    """Looks at all states at runtime.

    Parameters
    ----------
    lowered : Lowered
    looks_from : int, optional
        The trial from which on it looks after every step; after each trial only, if not given.

    Attributes
    ----------
    objects : list of Brian2 objects
    """

    def __init__(self, lowered: Lowered, looks_from: int | None = None) -> None:
        self.lowered, self.first = lowered, looks_from or 0
        period = lowered.trial if looks_from is None else lowered.experiment.dt * b2.ms
        operation = b2.NetworkOperation(
            self.check, dt=period, when="start", order=_BEFORE, name="check_finite"
        )
        self.objects: list[Any] = [operation]

    def check(self) -> None:
        """Look now.

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


class Look(Procedural):
    """Lets a compiled program look at its states at the end of a step, if it is to watch them."""

    def __init__(self, group: Any, period: int) -> None:
        self._begin("look")
        self.variables.add_constant("N", len(group))
        self.variables.add_reference("_eventspace", group, "_spikespace")
        self._finish("look", "", group, ("end", 100), {"period": period})
        self.add_dependency(group)


def told_by(said: str, experiment: Experiment) -> NotFinite | None:
    """The error that a compiled program ended with; None if it was another one.

    Parameters
    ----------
    said : str
        ``not finite: POPULATION STATE NEURON TRIAL STEP``, the neuron as the program numbers it.
    experiment : Experiment
    """
    mark, _, rest = said.partition(": ")
    if mark != "not finite":
        return None
    name, state, neuron, trial, step = rest.split()
    unit = public_of_internal(experiment.network.population(name).shape)[int(neuron)]
    stamp = int(trial) * experiment.trial_steps + int(step)
    return NotFinite(experiment, name, state, int(unit), stamp)
