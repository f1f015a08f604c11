"""Numbers of a step that every backend derives from a description in the same way."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scnnbio.backends._linear import parameter_sets
from scnnbio.connectors import PoolingConnector
from scnnbio.errors import SpecError
from scnnbio.experiment import Experiment
from scnnbio.network import Projection
from scnnbio.neurons.integrator import integrator
from scnnbio.population import Population, spread


def step_constants(population: Population, dt: float) -> dict[str, NDArray[np.float64]]:
    """Constants of a population's integrator, one value per set of parameters.

    Sets are those of :func:`~scnnbio.backends._linear.parameter_sets`: one for all neurons (1,),
    one per channel, or one per neuron.

    Raises
    ------
    SpecError
        If one of them is not finite, for instance because a time constant is zero.
    """
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        constants = _constants(population, dt)
    for name, values in constants.items():
        if not np.isfinite(values).all():
            raise SpecError(
                f"{name} of its exact step is not finite with these parameters at dt = {dt:g} ms;"
                " check for a time constant or capacitance of zero",
                where=f"population {population.name!r}.parameters",
            )
    return constants


def _constants(population: Population, dt: float) -> dict[str, NDArray[np.float64]]:
    sets, step = parameter_sets(population), integrator(population.model)
    if not population.differs_within_channels:
        return step.constants(sets, dt)
    # Only parameters in the equations matter; sets with equal ones are solved once.
    named = sorted(
        {str(s) for rate in population.model.sympy().values() for s in rate.free_symbols}
    )
    rows = np.stack([sets[name] for name in named if name in sets] or [np.zeros(1)], axis=1)
    _, first, places = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    found = step.constants({name: values[first] for name, values in sets.items()}, dt)
    return {n: v if len(v) == 1 else v[places.ravel()] for n, v in found.items()}


def gate_steps(experiment: Experiment, projection: Projection) -> int:
    """Window of a pooling that passes first spikes only, in steps; 0 for other connectors.

    A spike that arrives in step s of the run passes if none has passed since the last multiple of
    the window that is below s.
    """
    connector = projection.connector
    if not isinstance(connector, PoolingConnector) or not connector.passes_first_spike:
        return 0
    if connector.window is None:
        return experiment.trial_steps
    return experiment.steps(connector.window, "window")


def initial_states(population: Population) -> dict[str, NDArray[np.float64]]:
    """Initial value of every state variable, one per channel (channels,) or per neuron."""
    values = population.values()
    zero = np.zeros(population.shape[0])
    model, own = population.model, population.initial
    found = {
        state.name: values[model.initial[state.name]] if state.name in model.initial else zero
        for state in model.states
    }
    for name, value in own.items():
        each = np.ndim(value) == 3
        found[name] = spread(value, population.size if each else population.shape[0])
    return found


def refractory_steps(population: Population, dt: float) -> NDArray[np.int64]:
    """Refractory period in whole steps, per channel or per neuron."""
    name = population.model.refractory
    if name is None:
        return np.zeros(population.shape[0], dtype=np.int64)
    return np.round(population.values()[name] / dt).astype(np.int64)
