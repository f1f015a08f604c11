"""The same experiment and seed gives the same spikes on every backend.

The oracle is the reference backend, which handles one edge at a time; it is itself held against
closed forms in test_reference.py.
"""

from __future__ import annotations

import os
import signal
import threading

import numpy as np
import pytest

from scnnbio import backends
from scnnbio.connectors import ConvolutionConnector
from scnnbio.experiment import Experiment, Record, Run, Sampling
from scnnbio.network import Network, Projection
from scnnbio.neurons import NeuronModel, Parameter
from scnnbio.neurons.brian2_loader import load_brian2
from scnnbio.plasticity import SharedSTDP, SharedThreshold
from scnnbio.population import Population
from scnnbio.stimuli import Photographs
from tests.backends.networks import experiment, small_network

PAIR = SharedSTDP(tau_plus=10.0, a_plus=0.03, a_minus=0.01, a_post=0.01)
THRESHOLD = SharedThreshold(eta=0.3, target=(40.0, 60.0, 80.0, 100.0, 120.0), minimum=-62.0)

CASES: dict[str, Experiment] = {
    "static": experiment(small_network()),
    "soft bounds": experiment(small_network(PAIR, homeostasis=THRESHOLD)),
    "hard bounds": experiment(
        small_network(SharedSTDP(a_plus=0.02, a_minus=0.02, a_post=0.005, bounds="hard"))
    ),
    "slowing": experiment(
        small_network(
            SharedSTDP(a_plus=0.05, a_post=0.02, half_life=100.0),
            homeostasis=SharedThreshold(eta=0.5, target=90.0, half_life=150.0),
        )
    ),
    "stride and padding": experiment(small_network(PAIR, stride=2, padding=2)),
    "long delay": experiment(small_network(PAIR, delay=4.5)),
    "one step of delay": experiment(small_network(PAIR, delay=0.5)),
    "no refractoriness": experiment(small_network(PAIR, refractory=0.0)),
    "delta synapse": experiment(small_network(PAIR, receptor="membrane", weight=2.0)),
    "a parameter a channel": experiment(
        small_network(
            PAIR,
            parameters={
                "tau_m": [10.0, 12.0, 15.0, 20.0, 30.0],
                "tau_refrac": [0.0, 0.5, 2.0, 3.0, 10.0],
                "v_thresh": [-50.0, -52.0, -54.0, -51.0, -53.0],
                "tau_syn_E": [5.0, 12.0, 5.0, 5.0, 4.0],
                "v_rest": [-65.0, -66.0, -65.0, -64.0, -65.0],
            },
        )
    ),
    "equal time constants": experiment(small_network(parameters={"tau_syn_E": 15.0})),
    "trials that run on": experiment(small_network(PAIR, homeostasis=THRESHOLD), reset=False),
    "not learning": experiment(small_network(PAIR, homeostasis=THRESHOLD), learning=False),
}


@pytest.fixture(scope="module")
def reference() -> dict[str, Run]:
    return {name: backends.get("reference").run(case) for name, case in CASES.items()}


def _assert_same(run: Run, oracle: Run) -> None:
    for population in ("lgn", "v1"):
        ours, theirs = run.recording.spikes[population], oracle.recording.spikes[population]
        for name in ("time", "unit", "trial"):
            np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))
    assert len(oracle.recording.spikes["v1"].time) > 20, "the case is too quiet to show anything"
    assert set(run.weights) == set(oracle.weights)
    for name, weights in oracle.weights.items():
        np.testing.assert_allclose(run.weights[name], weights, rtol=0, atol=1e-10)
    for name, kept in oracle.recording.snapshots.items():
        ours_kept = run.recording.snapshots[name]
        np.testing.assert_array_equal(ours_kept.trial, kept.trial)
        np.testing.assert_allclose(ours_kept.values, kept.values, rtol=0, atol=1e-10)
    for variable, sampled in oracle.recording.signals["v1"].items():
        ours_signal = run.recording.signals["v1"][variable]
        np.testing.assert_array_equal(ours_signal.time, sampled.time)
        np.testing.assert_allclose(ours_signal.values, sampled.values, rtol=0, atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_runtime_fires_as_the_reference(case: str, reference: dict[str, Run]) -> None:
    _assert_same(backends.get("brian2").run(CASES[case]), reference[case])


@pytest.mark.slow
@pytest.mark.parametrize(
    "case", ["slowing", "stride and padding", "long delay", "a parameter a channel"]
)
def test_standalone_fires_as_the_reference(case: str, reference: dict[str, Run]) -> None:
    _assert_same(backends.get("brian2-standalone").run(CASES[case]), reference[case])


def test_learning_changes_the_kernel_where_it_should(reference: dict[str, Run]) -> None:
    start = CASES["soft bounds"].network.projection("lgn_v1").kernel
    assert np.abs(reference["soft bounds"].weights["lgn_v1"] - start).max() > 0.01
    assert reference["not learning"].weights == {}


def test_the_same_seed_gives_the_same_spikes_and_another_seed_others() -> None:
    case = CASES["static"]
    again = backends.get("reference").run(case).recording.spikes["v1"]
    other = (
        backends.get("reference").run(experiment(small_network(), seed=6)).recording.spikes["v1"]
    )
    first = backends.get("reference").run(case).recording.spikes["v1"]
    np.testing.assert_array_equal(first.time, again.time)
    assert len(first.time) != len(other.time) or not np.array_equal(first.unit, other.unit)


#: One neuron that fires once and then as often as it may: exp(900) is larger than any number, so
#: the step from ``v_up`` is infinite. Its inputs have names that a lowering may want for itself.
UPSTROKE = NeuronModel(
    "Upstroke",
    "dv/dt = (delta*exp(v/delta) - v + free + new_v)/tau : volt (unless refractory)\n"
    "dfree/dt = -free/tau : volt\ndnew_v/dt = -new_v/tau : volt",
    "v > v_peak",
    "v = v_up",
    {
        "v_peak": Parameter(1000, "mV"),
        "v_up": Parameter(900, "mV"),
        "delta": Parameter(1, "mV"),
        "tau": Parameter(5, "ms"),
        "tau_refrac": Parameter(2, "ms"),
    },
    {"excitatory": "free", "other": "new_v"},
    refractory="tau_refrac",
)


@pytest.mark.parametrize(
    "backend",
    [
        "reference",
        "brian2",
        pytest.param("brian2-standalone", marks=pytest.mark.slow),
        pytest.param("nest", marks=[pytest.mark.slow, pytest.mark.nest]),
    ],
)
def test_a_held_state_stays_where_it_is_though_its_step_overflows(backend: str) -> None:
    """From the first spike on, v is v_up while it is held, and infinite right after."""
    kernel = np.ones((1, 2, 8, 8))
    convolution = ConvolutionConnector(kernel, (2, 8, 8))
    network = Network(
        (small_network().population("lgn"), Population("v1", (1, 1, 1), UPSTROKE)),
        (
            Projection("lgn", "v1", convolution, weight=1.0),
            Projection("lgn", "v1", convolution, weight=0.5, receptor="other", name="half"),
        ),
    )
    kept = Record(("v1",), (Sampling("v1", ("v", "free", "new_v")),))
    recording = backends.get(backend).run(experiment(network, record=kept)).recording
    spikes, signal = recording.spikes["v1"], recording.signals["v1"]["v"]
    # The same input by half.
    free, half = (recording.signals["v1"][name].values for name in ("free", "new_v"))
    assert free.max() > 1
    np.testing.assert_allclose(half, free / 2, atol=1e-9)
    for trial in range(12):
        times = spikes.time[spikes.trial == trial]
        # 2 ms held and a step of 0.5 ms, in what is left of 40 ms.
        np.testing.assert_allclose(times, np.arange(times[0], 40.0 + 1e-9, 2.5))
        after = (signal.trial == trial) & (signal.time >= times[0])
        np.testing.assert_array_equal(signal.values[after], 900.0)


def test_an_interrupt_from_the_keyboard_is_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    """Brian2 by itself would stop and hand back what there is, as if it were all."""
    case = experiment(small_network(), stimulus=Photographs(n_trials=500, duration=40.0))
    keyboard = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))

    def begin(phase: str, done: float, total: float) -> None:
        if phase == "simulating" and done == 0:
            keyboard.start()

    # As in a terminal, even if these tests run where interrupts are ignored.
    handler = load_brian2()._int_handler
    monkeypatch.setattr(handler, "previous_handler", signal.default_int_handler)
    here = signal.signal(signal.SIGINT, handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            backends.get("brian2").run(case, begin)
    finally:
        signal.signal(signal.SIGINT, here)


def test_brian2_leaves_the_preferences_and_the_device_as_they_were() -> None:
    import brian2

    before = brian2.prefs.codegen.target
    backends.get("brian2").run(CASES["static"])
    assert brian2.prefs.codegen.target == before
    assert type(brian2.get_device()).__name__ == "RuntimeDevice"
