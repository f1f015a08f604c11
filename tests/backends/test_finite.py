"""A state that is no number any more ends the run, with population, state and time, everywhere."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from scnnbio.backends import get
from scnnbio.backends._finite import NotFinite, check_finite
from scnnbio.connectors import ConvolutionConnector
from scnnbio.experiment import Experiment, Record
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIBRARY, LIF, NeuronModel, Parameter
from scnnbio.population import Population, SpikeSource
from tests.backends.networks import experiment, small_network

#: A spike multiplies x by 1e100 and adds 1: the fifth one is beyond all numbers (1, 1e100, 1e200,
#: 1e300, infinity), since x does not decay so far within the run. ``first`` makes it the first one.
GROWS = NeuronModel(
    name="grows",
    equations="dv/dt = (v_rest - v)/tau : volt\ndx/dt = -x/tau : 1",
    threshold="v >= v_thresh",
    reset="v = v_rest; x = (x + first)*growth + 1",
    parameters={
        "v_rest": Parameter(0.0, "mV"),
        "v_thresh": Parameter(10.0, "mV"),
        "tau": Parameter(10.0, "ms"),
        "growth": Parameter(1e100, "1"),
        "first": Parameter(0.0, "1"),
    },
    receptors={"membrane": "v"},
    initial={"v": "v_rest"},
)
#: As soon as the potential is above zero its rate is that of infinity less infinity.
BLOWS = dataclasses.replace(
    GROWS,
    name="blows",
    equations=(
        "dv/dt = (v_rest - v)/tau + (exp(v/unit*growth) - exp(2*v/unit*growth))*unit/tau : volt\n"
        "dx/dt = -x/tau : 1"
    ),
    parameters={**GROWS.parameters, "unit": Parameter(1.0, "mV")},
    reset="v = v_rest; x = 0",
)


def case(
    model: NeuronModel = GROWS,
    weight: float = 30.0,
    parameters: dict[str, float] | None = None,
    **changes: object,
) -> Experiment:
    """Every input spike makes one neuron of each of three channels fire, beside a calm layer."""
    connector = ConvolutionConnector(np.ones((3, 2, 1, 1)), (2, 8, 8))
    network = Network(
        (
            Population("lgn", (2, 8, 8), SpikeSource()),
            Population("calm", connector.out_shape, LIF),
            Population("v1", connector.out_shape, model, parameters or {}),
        ),
        (
            Projection("lgn", "calm", connector, weight=0.1),
            Projection("lgn", "v1", connector, weight=weight, receptor="membrane"),
        ),
    )
    return experiment(network, **{"record": Record(spikes=("v1",)), **changes})


def expected(made: Experiment, spikes: int) -> tuple[int, float, int]:
    """Trial, ms and the first neuron of those that first got so many spikes, from the input."""
    inputs, per_trial = made.input_stream(), made.trial_steps
    pairs = np.unique(np.stack([inputs.step + 2, inputs.unit % 64]), axis=1)
    seen = np.zeros(64, int)
    last = -1
    for step, place in pairs.T:
        trial = (step - 1) // per_trial
        if made.reset and trial != last:
            seen[:], last = 0, trial
        seen[place] += 1
        if seen[place] == spikes:
            first = min(p for s, p in pairs.T if s == step and seen[p] + (p > place) >= spikes)
            return int(trial), float((step - trial * per_trial) * made.dt), int(min(first, place))
    raise AssertionError("no neuron fires so often")


ON_A_GRID = [
    "reference",
    "brian2",
    pytest.param("brian2-standalone", marks=pytest.mark.slow),
    pytest.param("nest", marks=[pytest.mark.nest, pytest.mark.slow]),
]
ALL = [*ON_A_GRID, "event-driven"]


def error_of(backend: str, made: Experiment, **options: object) -> NotFinite:
    if backend == "nest":
        pytest.importorskip("nest")
    with pytest.raises(NotFinite) as caught:
        get(backend, options).run(made)
    return caught.value


@pytest.mark.parametrize("backend", ALL)
@pytest.mark.parametrize("spikes", [1, 5])
def test_the_error_names_population_state_and_time(backend, spikes):
    made = case(parameters={"first": 1e300 if spikes == 1 else 0.0}, reset=False)
    trial, time, _ = expected(made, spikes)
    error = error_of(backend, made)
    assert (error.population, error.state) == ("v1", "x")
    assert error.where == "population 'v1'"
    found = re.search(r"neuron (\d+) .* at ([\d.]+) ms of trial (\d+);", error.message)
    assert (int(found[3]), float(found[2])) == (trial, pytest.approx(time))
    assert error.exit_code == 2


@pytest.mark.parametrize("backend", ON_A_GRID)
def test_what_a_trial_would_reset_is_found_before(backend):
    made = case(parameters={"first": 1e300})
    assert made.reset
    trial, time, _ = expected(made, 1)
    error = error_of(backend, made)
    assert (error.trial, (error.step - trial * made.trial_steps) * made.dt) == (trial, time)


@pytest.mark.parametrize("backend", ON_A_GRID)
def test_a_potential_that_is_no_number_is_not_silence(backend):
    made = case(BLOWS, weight=5.0)
    error = error_of(backend, made)
    assert (error.population, error.state) == ("v1", "v")
    trial, time, _ = expected(made, 1)
    # The jump arrives, and the next step is infinity less infinity.
    assert (error.trial, error.step) == (trial, trial * made.trial_steps + time / made.dt + 1)


@pytest.mark.parametrize(
    ("backend", "options"),
    [
        ("brian2-standalone", {"threads": 2}),
        ("brian2-standalone", {"precision": "single"}),
        pytest.param("nest", {"threads": 2}, marks=pytest.mark.nest),
    ],
)
@pytest.mark.slow
def test_options_change_nothing_of_it(backend, options):
    single = options.get("precision") == "single"
    made = case(parameters={"first": 1e30, "growth": 1e30} if single else {"first": 1e300})
    trial, time, _ = expected(made, 1)
    error = error_of(backend, made, **options)
    assert (error.trial, (error.step - trial * made.trial_steps) * made.dt) == (trial, time)


@pytest.mark.slow
def test_a_kept_run_tells_it_too_and_again(tmp_path):
    made = case(GROWS, reset=False)
    backend = get("brian2-standalone", {"checkpoint_seconds": 0.0})
    errors = []
    for _ in range(2):
        with pytest.raises(NotFinite) as caught:
            backend.run(made, checkpoint=tmp_path)
        errors.append(str(caught.value))
    assert errors[0] == errors[1]


@pytest.mark.slow
def test_an_upstroke_beyond_all_numbers_is_none():
    """AdEx may overflow within a step: it crosses its threshold then, and is reset."""
    steep = Population("v1", (1, 1, 1), LIBRARY["AdEx"], {"v_spike": 1e6, "i_offset": 2.0})
    network = Network((Population("lgn", (2, 8, 8), SpikeSource()), steep), ())
    made = experiment(network, record=Record(spikes=("v1",)), reset=False)
    runs = [get(name).run(made) for name in ("reference", "brian2", "brian2-standalone")]
    for run in runs:
        assert run.provenance["output_spikes"]["v1"] > 10
        np.testing.assert_array_equal(
            run.recording.spikes["v1"].time, runs[0].recording.spikes["v1"].time
        )


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_any_of_them_is_found(value):
    made = experiment(small_network())
    states = {"v": np.zeros(7), "u": np.array([0.0, value, 0.0, value, 1.0])}
    with pytest.raises(NotFinite, match=r"'u' of neuron 3 .* at 10\.5 ms of trial 2"):
        check_finite(made, "v1", states, 2 * made.trial_steps + 21, np.array([5, 3, 4, 1, 0]))
    # A sum beyond all numbers, of numbers that are not.
    with np.errstate(over="ignore"):
        check_finite(made, "v1", {"v": np.full(4, 1e308)}, 1)
