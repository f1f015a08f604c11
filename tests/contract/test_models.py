"""Every model of the library on every backend, from the same object.

- *exact*: the input spikes, and which spikes are fired on which step;
- *tolerance*: every state variable within 1e-9 of the reference's, and, up to its first spike,
  within 1e-6 mV of the closed form that sympy finds, where the model is linear;
- *refused*: only what has a reason. docs/background/support.md lists every pair of a backend and a
  model, and is held against the backends' answers by tests/backends/test_promises.py.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import pytest
import sympy

from scnnbio import backends
from scnnbio.experiment import Experiment, Run
from scnnbio.neurons.closed_form import closed_form
from scnnbio.population import Population
from scnnbio.units import si_factor
from tests.contract.driven import MODELS, NOT_LINEAR, UNITS, experiment

GRIDS = [
    "reference",
    "brian2",
    pytest.param("brian2-standalone", marks=pytest.mark.slow),
    pytest.param("nest", marks=[pytest.mark.slow, pytest.mark.nest]),
]
LINEAR = [name for name in MODELS if name not in NOT_LINEAR]


@functools.cache
def finished(backend: str) -> Run:
    """One run of all models, made when the first test asks for it."""
    return backends.get(backend).run(everything())


@functools.cache
def everything() -> Experiment:
    return experiment(MODELS)


@pytest.mark.slow
@pytest.mark.parametrize("backend", [*GRIDS, "event-driven"])
@pytest.mark.parametrize("name", MODELS)
def test_a_grid_runs_every_model_and_the_event_driven_solution_the_linear_ones(
    backend: str, name: str
) -> None:
    refused = backends.get(backend).unsupported(experiment([name]))
    assert bool(refused) == (backend == "event-driven" and name not in LINEAR)
    assert all(problem.remedy for problem in refused)


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_every_model_fires_and_is_not_saturated(name: str) -> None:
    """Otherwise the comparisons below would say little."""
    run = finished("reference")
    per_neuron = len(run.recording.spikes[name].time) / run.experiment.network.population(name).size
    assert 0.5 < per_neuron / run.experiment.n_trials < 15


@pytest.mark.slow
@pytest.mark.parametrize("backend", GRIDS)
@pytest.mark.parametrize("name", ["lgn", *MODELS])
def test_the_same_spikes(backend: str, name: str) -> None:
    found, expected = (finished(b).recording.spikes[name] for b in (backend, "reference"))
    np.testing.assert_array_equal(found.trial, expected.trial)
    np.testing.assert_array_equal(found.unit, expected.unit)
    np.testing.assert_allclose(found.time, expected.time, rtol=0, atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("backend", GRIDS)
@pytest.mark.parametrize("name", MODELS)
def test_the_same_states(backend: str, name: str) -> None:
    found, expected = (finished(b).recording.signals[name] for b in (backend, "reference"))
    for variable, signal in expected.items():
        scale = np.abs(signal.values).max()
        np.testing.assert_allclose(found[variable].values, signal.values, rtol=0, atol=1e-9 * scale)


@pytest.mark.slow
@pytest.mark.parametrize("backend", GRIDS)
@pytest.mark.parametrize("name", LINEAR)
def test_the_potential_is_the_closed_form_up_to_the_first_spike(backend: str, name: str) -> None:
    """sympy's solution, piece by piece between the arrivals, knows nothing of a time step."""
    run = finished(backend)
    compared = 0
    for trial in range(run.experiment.n_trials):
        for unit in UNITS:
            found = _until_first_spike(run, name, trial, unit)
            expected = _closed(run, name, trial, unit, len(found))
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
            compared += len(found)
    assert compared > 200


def _until_first_spike(run: Run, name: str, trial: int, unit: int) -> np.ndarray:
    signal, spikes = run.recording.signals[name]["v"], run.recording.spikes[name]
    times = spikes.time[(spikes.trial == trial) & (spikes.unit == unit)]
    kept = (signal.trial == trial) & (signal.time < times.min(initial=np.inf) - 1e-6)
    return signal.values[kept, list(signal.unit).index(unit)]


def _closed(run: Run, name: str, trial: int, unit: int, samples: int) -> np.ndarray:
    """v on the grid from the closed form, restarted at every arrival."""
    experiment, recording = run.experiment, run.recording
    population = experiment.network.population(name)
    channel = unit // (population.shape[1] * population.shape[2])
    solution = _solution(population, channel)
    names = [s.name for s in population.model.states]
    jumps = np.zeros((samples + 1, len(names)))
    lgn = recording.spikes["lgn"]
    fired = lgn.trial == trial
    for projection in experiment.network.incoming(name):
        edges, kernel = projection.connector.edges(), projection.kernel.ravel()
        column = names.index(population.model.receptors[projection.receptor])
        mine = edges.post == unit
        for pre, tap in zip(edges.pre[mine], edges.tap[mine], strict=True):
            for time in lgn.time[fired & (lgn.unit == pre)]:
                step = round((time + projection.delay) / experiment.dt)
                if step <= samples:
                    jumps[step, column] += projection.weight * kernel[tap]
    state = np.array(
        [
            population.values()[population.model.initial[n]][channel]
            if n in population.model.initial
            else 0.0
            for n in names
        ]
    )
    since, v = 0, []
    for step in range(samples):
        now = solution((step - since) * experiment.dt, state)
        if jumps[step].any():
            state, since = now + jumps[step], step
            now = state
        v.append(now[names.index("v")])
    return np.array(v)


@functools.cache
def _solution(population: Population, channel: int) -> Callable[[float, np.ndarray], np.ndarray]:
    """States after t ms from a state, in plain units."""
    model, values = population.model, population.values()
    formulas = closed_form(model)
    numbers = {
        sympy.Symbol(n, real=True): float(v[channel]) * si_factor(model.parameters[n].unit)
        for n, v in values.items()
    }
    scale = np.array([si_factor(model.unit_of(n)) for n in formulas])
    arguments = [sympy.Symbol("t", real=True)]
    arguments += [sympy.Symbol(f"{n}_0", real=True) for n in formulas]
    function = sympy.lambdify(arguments, [f.subs(numbers) for f in formulas.values()], "math")
    return lambda t, z: np.array(function(t * 1e-3, *(z * scale))) / scale
