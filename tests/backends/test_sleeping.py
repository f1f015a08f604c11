"""Neurons that sleep: the bound on the steps that they miss, and the catching up."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from scnnbio import backends
from scnnbio.backends._expressions import evaluate
from scnnbio.backends._linear import threshold_form
from scnnbio.backends.brian2.sleeping import HORIZONS, MAX_SLEEP, Sleep, sleep_of
from scnnbio.backends.steps import step_constants
from scnnbio.connectors import ConvolutionConnector, LateralInhibitionConnector
from scnnbio.encoding import LGN, Encoding, PoissonCode
from scnnbio.experiment import Experiment, Record, Sampling
from scnnbio.network import Network, Projection
from scnnbio.neurons.integrator import integrator
from scnnbio.neurons.library import LIBRARY
from scnnbio.plasticity import SharedSTDP, SharedThreshold, WinnerTakeAll
from scnnbio.population import Population, SpikeSource
from scnnbio.stimuli import WhiteNoise

LINEAR = [
    "IF",
    "LIF",
    "LIF_curr_alpha",
    "LIF_sfa",
    "LIF_subtract",
    *(f"GLIF{k}" for k in (1, 2, 3)),
]
EPS = 2.0**-52


def _population(model: str, **changes: object) -> Population:
    parameters = {"tau_refrac": 2.0, **changes}
    return Population("v1", (3, 2, 2), LIBRARY[model], parameters=parameters)


def _sleep(population: Population, **falls: np.ndarray) -> Sleep | None:
    held = {s.name for s in population.model.states if s.held_when_refractory}
    return sleep_of(population, step_constants(population, 0.1), falls, held, set(), EPS)


@pytest.mark.parametrize("model", [*LINEAR, "GLIF4"])
def test_many_steps_at_once_are_one_long_step(model: str) -> None:
    """The oracle is the matrix exponential over a time step as long as all of them."""
    population = _population(model, tau_syn_E=[3.0, 5.0, 8.0])
    sleep = _sleep(population)
    assert sleep is not None
    for count in (1, 2, 17, MAX_SLEEP):
        long = step_constants(population, 0.1 * count)
        for name, values in sleep.powers.items():
            expected = np.broadcast_to(long[name], values[count - 1].shape)
            np.testing.assert_allclose(values[count - 1], expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("model", ["LIF_cond_exp", "LIF_shunting", "AdEx", "Izhikevich"])
def test_curved_neurons_do_not_sleep(model: str) -> None:
    assert _sleep(Population("v1", (3, 2, 2), LIBRARY[model])) is None


def test_neurons_do_not_sleep_where_a_held_state_feeds_one_that_moves_on() -> None:
    population = _population("LIF_sfa")
    everything, constants = (
        {s.name for s in population.model.states},
        step_constants(population, 0.1),
    )
    assert sleep_of(population, constants, {}, {"v"}, set(), EPS) is not None
    assert sleep_of(population, constants, {}, everything - {"v"}, set(), EPS) is None


def _scattered(model: str, spread: float) -> tuple[Population, Sleep, dict[str, np.ndarray]]:
    """2000 neurons of each of three cells, somewhere; of ``spread`` in all but the potential."""
    drives = {"i_offset": [0.5, -0.3, 0.1], "tau_syn_E": [3.0, 20.0, 5.0]}
    known = LIBRARY[model].parameters
    population = _population(model, **{n: v for n, v in drives.items() if n in known})
    sleep = _sleep(population)
    assert sleep is not None
    rng = np.random.default_rng(2)
    names = [update.state for update in integrator(population.model).updates]
    states = {name: rng.normal(0.0, spread, (2000, 3)) for name in names}
    states["v"] = rng.normal(-60.0, 8.0, (2000, 3))
    return population, sleep, states


def _stepped(
    population: Population, states: dict[str, np.ndarray]
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """States one step on, and how far above threshold they are."""
    known, form = {**step_constants(population, 0.1), **states}, threshold_form(population)
    updates = integrator(population.model).updates
    after = {update.state: evaluate(update.expression, known) for update in updates}
    far = np.einsum("sk,kns->ns", form[:, :-1], [*after.values()]) + form[:, -1]
    return after, far


@pytest.mark.slow
@pytest.mark.parametrize("model", LINEAR)
def test_nobody_comes_further_than_the_bound(model: str) -> None:
    """The oracle takes all the steps one by one."""
    population, sleep, states = _scattered(model, 1.0)
    known = {**sleep.constants, **states}
    bounds = {count: evaluate(text, known) for count, text in sleep.reaches.items()}
    far = []
    for _ in range(max(HORIZONS)):
        states, above = _stepped(population, states)
        far.append(above)
    for count, bound in bounds.items():
        over = bound - np.max(far[:count], axis=0)
        assert over.min() >= -1e-12
        # It is a bound, not a wall: close where the states make it so.
        assert over.min() < 0.5


def _above(population: Population, states: dict[str, np.ndarray]) -> np.ndarray:
    """How far above threshold neurons are as they stand."""
    form, names = (
        threshold_form(population),
        [u.state for u in integrator(population.model).updates],
    )
    values = [states[name] for name in names]
    return np.einsum("sk,kns->ns", form[:, :-1], values) + form[:, -1]


@pytest.mark.slow
@pytest.mark.parametrize("model", [*LINEAR, "LIF_curr_delta"])
def test_no_neuron_is_pushed_further_than_spikes_may_push(model: str) -> None:
    """The oracle takes all the steps, in any of which a spike may arrive.

    The threshold is checked after the spike of the same step, which moves the potential of
    ``LIF_curr_delta`` itself.
    """
    population, sleep, states = _scattered(model, 0.0)
    bound = evaluate(sleep.reaches[HORIZONS[-1]], {**sleep.constants, **states})
    rng, driven = np.random.default_rng(5), sorted(set(population.model.receptors.values()))
    crossed = np.zeros_like(bound, dtype=bool)
    still = bound
    for _ in range(HORIZONS[-1]):
        states, far = _stepped(population, states)
        assert np.all(far <= bound + 1e-12)
        crossed |= far > still
        for name in driven:
            size = rng.normal(0.1, 0.5, bound.shape) * (rng.random(bound.shape) < 0.1)
            low, high = sleep.pushes[name]
            states[name] = states[name] + size
            bound = bound + np.maximum(np.maximum(low * size, high * size), 0.0)
        assert np.all(_above(population, states) <= bound + 1e-12)
    # Without what spikes may push it would be no bound.
    assert crossed.any()


def test_the_bound_is_of_use() -> None:
    """Whoever rests, or is 3 mV below threshold with a usual current, may sleep."""
    population = _population("LIF")
    sleep = _sleep(population)
    assert sleep is not None
    for potential, current, asleep in ((-65.0, 0.0, True), (-53.0, 0.2, True), (-50.1, 0.5, False)):
        states = {"v": np.array([potential]), "I_exc": np.array([current]), "I_inh": np.zeros(1)}
        bound = evaluate(sleep.reaches[HORIZONS[0]], {**sleep.constants, **states})
        assert np.all(bound < 0) == asleep


def test_a_threshold_that_falls_is_looked_at_where_it_will_be() -> None:
    population = _population("LIF")
    states = {"v": np.array([-60.0]), "I_exc": np.zeros(1), "I_inh": np.zeros(1)}
    level = population.values()["v_thresh"]
    still, moving = _sleep(population), _sleep(population, v_thresh=np.full(3, 0.02))
    assert still is not None
    assert moving is not None
    for count in HORIZONS:
        fixed = evaluate(still.reaches[count], {**still.constants, **states})
        text = {**moving.constants, **states, "v_thresh": level}
        np.testing.assert_allclose(evaluate(moving.reaches[count], text), fixed[0] + 0.02 * count)


# -- whole networks -------------------------------------------------------------------------------


def _case(
    model: str = "LIF",
    reset: bool = True,
    plastic: bool = False,
    dt: float = 0.1,
    weight: float = 0.9,
    size: int = 10,
    gain: float = 40.0,
    jumps: bool = False,
    competition: WinnerTakeAll | None = None,
    **parameters: object,
) -> Experiment:
    """A layer of 6 x 6 x 6 neurons or more, in which hardly anybody fires at a time."""
    rng = np.random.default_rng(4)
    cells = (2, size, size)
    kernel = rng.normal(0.15, 0.4, (6, 2, 5, 5))
    convolution = ConvolutionConnector(np.abs(np.tanh(kernel)) if plastic else kernel, cells)
    shape, states = tuple(convolution.out_shape), ("v",) if jumps else ("v", "I_exc")
    rule = SharedSTDP(tau_plus=10.0, a_plus=0.02, a_minus=0.01, a_post=0.01) if plastic else None
    threshold = SharedThreshold(eta=0.4, target=25.0, minimum=-60.0) if plastic else None
    return Experiment(
        Network(
            (
                Population("lgn", cells, SpikeSource()),
                Population(
                    "v1",
                    shape,
                    LIBRARY[model],
                    parameters=parameters,
                    homeostasis=threshold,
                    competition=competition,
                ),
            ),
            (
                Projection(
                    "lgn",
                    "v1",
                    convolution,
                    weight=weight,
                    delay=1.0,
                    plasticity=rule,
                    receptor="membrane" if jumps else "excitatory",
                ),
                Projection(
                    "v1",
                    "v1",
                    LateralInhibitionConnector(shape, "both", radius=1),
                    weight=-0.4,
                    delay=7 * dt,
                    receptor="membrane" if jumps else "inhibitory",
                ),
            ),
        ),
        WhiteNoise(n_trials=3, duration=120.0, frame=40.0),
        Encoding(LGN(), PoissonCode(gain=gain, max_rate=60.0)),
        record=Record(
            spikes=("lgn", "v1"),
            signals=(Sampling("v1", states, units=(0, 7, 64, 215), period=3 * dt),),
        ),
        dt=dt,
        seed=3,
        reset=reset,
    )


SLEEPERS = {
    "learning, trials that run on": _case(plastic=True, reset=False),
    "a parameter a channel": _case(
        tau_m=[10.0, 12.0, 15.0, 20.0, 30.0, 8.0],
        tau_refrac=[0.0, 0.5, 2.0, 3.0, 10.0, 1.0],
        i_offset=[0.3, 0.25, 0.0, 0.1, 0.05, 0.2],
    ),
    "adapting": _case("GLIF3"),
    # Many spikes in one sleep, none of which is enough.
    "pushed little by little": _case(
        plastic=True, reset=False, dt=0.5, weight=2.0, size=24, gain=4.0
    ),
    # Spikes move the potential itself, which the threshold reads in the same step.
    "jumps": _case("LIF_curr_delta", jumps=True, weight=2.0, tau_refrac=3.0),
    "jumps, learning": _case(
        "LIF_curr_delta",
        jumps=True,
        plastic=True,
        reset=False,
        dt=0.5,
        size=24,
        gain=4.0,
        weight=8.0,
        tau_refrac=2.0,
    ),
    "jumps, competing": _case(
        "LIF_curr_delta",
        jumps=True,
        plastic=True,
        dt=1.0,
        size=16,
        gain=8.0,
        weight=8.0,
        tau_refrac=0.0,
        competition=WinnerTakeAll(radius=1),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SLEEPERS)
def test_sleepers_fire_as_the_reference(name: str) -> None:
    """The reference takes every step of every neuron."""
    case = SLEEPERS[name]
    run, oracle = (backends.get(b).run(case) for b in ("brian2-standalone", "reference"))
    fired = {n: oracle.recording.spikes[n] for n in ("lgn", "v1")}
    assert len(fired["v1"].time) > 30
    for population, expected in fired.items():
        spikes = run.recording.spikes[population]
        np.testing.assert_array_equal(spikes.time, expected.time)
        np.testing.assert_array_equal(spikes.unit, expected.unit)
    for name_, signal in oracle.recording.signals["v1"].items():
        found = run.recording.signals["v1"][name_].values
        np.testing.assert_allclose(found, signal.values, rtol=0, atol=1e-9)
    for name_, weights in oracle.weights.items():
        np.testing.assert_allclose(run.weights[name_], weights, rtol=0, atol=1e-10)


@pytest.mark.slow
def test_whoever_is_observed_sleeps_on() -> None:
    """Recording changes no bit, and neither do threads."""
    case = SLEEPERS["learning, trials that run on"]
    blind = dataclasses.replace(case, record=Record(spikes=("v1",)))
    runs = [
        backends.get("brian2-standalone").run(case),
        backends.get("brian2-standalone").run(blind),
        backends.get("brian2-standalone", {"threads": 2}).run(case),
    ]
    for other in runs[1:]:
        np.testing.assert_array_equal(
            runs[0].recording.spikes["v1"].unit, other.recording.spikes["v1"].unit
        )
        for name, weights in runs[0].weights.items():
            np.testing.assert_array_equal(weights, other.weights[name])
    for name, signal in runs[0].recording.signals["v1"].items():
        np.testing.assert_array_equal(signal.values, runs[2].recording.signals["v1"][name].values)
