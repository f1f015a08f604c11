"""SpiNNaker without sPyNNaker: the integer model, what is refused, and the tables of precision.

That the integer model is the machine's is shown in test_spinnaker_binaries.py by its own code. Here
the expected values are closed forms and the reference backend, within the machine's precision.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from scnnbio import backends
from scnnbio.backends.spinnaker import arithmetic
from scnnbio.backends.spinnaker.lowering import Lowered, lower
from scnnbio.connectors import (
    ConvolutionConnector,
    LateralInhibitionConnector,
    PoolingConnector,
)
from scnnbio.errors import DataError, SpecError, UnsupportedError
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIBRARY, LIF
from scnnbio.plasticity import SharedSTDP, SharedThreshold
from scnnbio.population import Population, SpikeSource
from scnnbio.stimuli import WhiteNoise
from tests.backends.spinnaker_cases import once, pair, ran, refusal
from tests.oracles.spinnaker_board import driven

#: No board that a developer has is found.
pytestmark = pytest.mark.usefixtures("home")


@pytest.mark.parametrize("dt", [1.0, 0.5])
def test_a_jump_is_the_weight_and_decays_as_the_membrane(dt: float) -> None:
    run, step = once(pair("LIF", "membrane", 4.0, delay=3.0, tau_m=16.0, cm=0.3), dt=dt)
    v = run.recording.signals["v1"]["v"].values[:, 0]
    since = np.arange(len(v)) - step - round(3.0 / dt)
    expected = -65.0 + np.where(since >= 0, 4.0 * np.exp(-since * dt / 16.0), 0.0)
    # A decay in steps of 2**-15 is off by up to 2**-15 * 16, the resistance by as much.
    np.testing.assert_allclose(v, expected, rtol=0, atol=4e-3)
    assert v.max() == pytest.approx(-61.0, abs=2e-3)


def test_a_current_carries_its_charge_from_the_step_after_its_arrival() -> None:
    run, step = once(pair(weight=2.0, delay=2.0, tau_m=20.0, cm=1.0, tau_syn_E=5.0))
    v = run.recording.signals["v1"]["v"].values[:, 0]
    t = np.maximum(np.arange(len(v)) - step - 2.0, 0.0)
    # Closed form of a current 2 nA exp(-t/5) on a membrane of 20 MOhm and 20 ms.
    exact = -65.0 + 2.0 * 20.0 * 5.0 / (20.0 - 5.0) * (np.exp(-t / 20.0) - np.exp(-t / 5.0))
    assert v[step + 2] == -65.0
    # Within a step the machine takes the mean: a step of 1 ms costs 1/40 of the slope at most.
    np.testing.assert_allclose(v, exact, rtol=0, atol=2.0 / 40.0)


@pytest.mark.parametrize("refractory", [0.0, 1.0, 3.5])
def test_a_neuron_is_held_for_whole_steps(refractory: float) -> None:
    # A constant current far above threshold: one spike in every 1 + t_ref/dt steps.
    network = pair(tau_m=10.0, cm=0.1, i_offset=50.0, tau_refrac=refractory)
    run = ran(network, dt=0.5, stimulus=WhiteNoise(1, 30.0, 30.0))
    times = run.recording.spikes["v1"].time
    np.testing.assert_allclose(np.diff(times), 0.5 + refractory, rtol=0, atol=1e-9)
    assert len(times) > 5


@pytest.mark.parametrize("steps", range(1, 12))
def test_the_machines_quotient_of_period_and_step_is_met(steps: int) -> None:
    # 0.3 ms is less in s16.15, so that the machine would round a whole quotient up.
    network = pair(tau_m=10.0, cm=0.1, i_offset=50.0, tau_refrac=round(steps * 0.3, 1), delay=0.3)
    run = ran(network, dt=0.3, stimulus=WhiteNoise(1, 30.0, 30.0))
    between = np.diff(run.recording.spikes["v1"].time) / 0.3
    np.testing.assert_allclose(between, steps + 1, rtol=0, atol=1e-6)


def test_the_exponential_is_that_of_the_machine_and_near_the_true_one() -> None:
    # Two values read from a core's memory, for time constants of 3.3 and 7.1 ms at 1 ms.
    found = arithmetic.fine_decay(1.0, np.array([3.3, 7.1]))
    np.testing.assert_array_equal(found, [3172227279, 3730739867])
    exponent = -np.arange(0, 10 << 15, 97)
    exact = np.exp(exponent / 2**15)
    np.testing.assert_allclose(arithmetic.exponential(exponent) / 2**32, exact, rtol=0, atol=3e-6)


@pytest.mark.parametrize(
    ("bound", "shift"), [(0.0, 0), (0.3, 0), (1.0, 1), (100.0, 7), (64.0, 7), (63.9, 6)]
)
def test_a_ring_holds_what_it_is_asked_to(bound: float, shift: int) -> None:
    # The exponent of the least power of two above it.
    assert arithmetic.ring_shift(bound) == shift
    assert bound < 2**shift


def test_parameters_weights_and_signs_reach_the_neurons_as_on_the_reference() -> None:
    rng = np.random.default_rng(2)
    connector = ConvolutionConnector(rng.uniform(-0.2, 1.0, (3, 2, 3, 3)), (2, 7, 7), stride=2)
    shape = connector.out_shape
    network = Network(
        (
            Population("lgn", (2, 7, 7), SpikeSource()),
            Population("v1", shape, LIF, {"tau_m": [8.0, 15.0, 40.0], "tau_refrac": 3.0}),
        ),
        (
            Projection("lgn", "v1", connector, weight=0.9, delay=2.0),
            Projection(
                "v1",
                "v1",
                LateralInhibitionConnector(shape),
                weight=-0.2,
                delay=3.0,
                receptor="inhibitory",
            ),
        ),
    )
    experiment = driven(network, stimulus=WhiteNoise(4, 200.0, 20.0))
    ours, exact = (backends.get(n).run(experiment) for n in ("spinnaker", "reference"))
    counts = [np.bincount(run.recording.spikes["v1"].unit, minlength=27) for run in (ours, exact)]
    assert counts[1].sum() > 500
    # Neurons of three time constants fire at rates of their own, and as often on both.
    assert np.corrcoef(*counts)[0, 1] > 0.99
    assert counts[0].sum() == pytest.approx(counts[1].sum(), rel=0.05)


@pytest.mark.parametrize(
    ("model", "initial"),
    [
        ("LIF", {"I_exc": [0.5, 0.0], "I_inh": [0.0, -0.4]}),
        ("LIF_cond_exp", {"g_exc": [0.02, 0.0], "g_inh": [0.0, 0.08]}),
    ],
)
def test_synapses_begin_from_their_initial_values(model: str, initial: dict[str, object]) -> None:
    """Against a grid ten times as fine, on which a conductance hardly changes in a step."""
    network = pair(model, weight=0.0, kernel=np.zeros((2, 2, 1, 1)), v_thresh=0.0)
    layer = dataclasses.replace(network.population("v1"), initial=initial)
    network = dataclasses.replace(network, populations=(network.populations[0], layer))
    experiment = driven(network, dt=0.1, stimulus=WhiteNoise(1, 40.0, 40.0))
    fine = dataclasses.replace(experiment, dt=0.01, input_dt=0.1)
    runs = backends.get("spinnaker").run(experiment), backends.get("brian2").run(fine)
    ours, exact = (run.recording.signals["v1"]["v"].values for run in runs)
    exact = exact[::10]
    assert np.abs(exact + 65.0).max(axis=0).min() > 1.0
    np.testing.assert_allclose(ours, exact, rtol=0, atol=0.02)


def test_initial_currents_of_the_other_sign_are_refused() -> None:
    network = pair("LIF")
    layer = dataclasses.replace(network.population("v1"), initial={"I_exc": -0.5})
    network = dataclasses.replace(network, populations=(network.populations[0], layer))
    assert "an initial I_exc of either sign" in refusal(network)


@pytest.mark.slow
def test_conductances_fire_as_elsewhere_and_less_where_rings_are_too_small() -> None:
    rng = np.random.default_rng(4)
    connector = ConvolutionConnector(rng.uniform(0.1, 1.0, (2, 2, 3, 3)), (2, 6, 6), stride=2)
    network = Network(
        (
            Population("lgn", (2, 6, 6), SpikeSource()),
            Population("v1", connector.out_shape, LIBRARY["LIF_cond_exp"], {"tau_m": 15.0}),
        ),
        (Projection("lgn", "v1", connector, weight=0.01),),
    )
    experiment = driven(network, rate=20.0, stimulus=WhiteNoise(2, 300.0, 20.0))
    # At 1 ms the other grids are far off; at 0.1 ms, with the same input, they are near the limit.
    fine = dataclasses.replace(experiment, dt=0.1, input_dt=1.0)
    ours, exact = backends.get("spinnaker").run(experiment), backends.get("brian2").run(fine)
    counts = [run.provenance["output_spikes"]["v1"] for run in (ours, exact)]
    assert counts[1] > 100
    assert counts[0] == pytest.approx(counts[1], rel=0.05)
    assert ours.provenance["mapping"]["warnings"] == []
    busy = driven(network, rate=150.0)
    wide, narrow = (
        backends.get("spinnaker", {"headroom": share}).run(busy) for share in (1.0, 0.01)
    )
    fired = [run.provenance["output_spikes"]["v1"] for run in (wide, narrow)]
    assert fired[1] < fired[0]
    told = " | ".join(narrow.provenance["mapping"]["warnings"])
    assert "if all neurons that project there fire in one step; input above is lost" in told
    assert "ring buffers were full" in told
    # Weights are finer by the powers of two that were saved.
    steps = [r.provenance["mapping"]["populations"][1]["weight step +"] for r in (wide, narrow)]
    assert round(steps[0] / steps[1]) == 16


def test_trials_begin_from_rest_after_a_silence_that_is_not_part_of_them() -> None:
    network = pair("LIF", "membrane", 4.0, tau_m=5.0)
    apart = ran(network, reset=True, stimulus=WhiteNoise(3, 20.0, 20.0))
    assert apart.provenance["mapping"]["silence"] == 60.0
    signal = apart.recording.signals["v1"]["v"]
    assert len(signal.values) == 3 * 20
    np.testing.assert_allclose(signal.values[signal.time == 0], -65.0, rtol=0, atol=1e-3)
    exact = backends.get("reference").run(apart.experiment).recording.signals["v1"]["v"]
    np.testing.assert_allclose(signal.values, exact.values, rtol=0, atol=1e-2)


def loop() -> Network:
    """Two neurons that keep each other firing for ever once they were excited."""
    kernel = np.zeros((2, 2, 1, 1))
    kernel[0, 1] = kernel[1, 0] = 1.0
    layer = Population("v1", (2, 1, 1), LIF, {"tau_m": 5.0})
    forward = ConvolutionConnector(np.ones((2, 2, 1, 1)), (2, 1, 1))
    return Network(
        (Population("lgn", (2, 1, 1), SpikeSource()), layer),
        (
            Projection("lgn", "v1", forward, weight=20.0, receptor="membrane"),
            Projection(
                "v1",
                "v1",
                ConvolutionConnector(kernel, (2, 1, 1)),
                weight=20.0,
                delay=4.0,
                receptor="membrane",
            ),
        ),
    )


def test_a_network_that_does_not_come_to_rest_is_refused_after_the_run() -> None:
    with pytest.raises(UnsupportedError, match=r"still fires at the end.*backend\.gap=.*reset"):
        ran(loop(), reset=True)
    assert ran(loop()).provenance["output_spikes"]["v1"] > 10


def test_numbers_that_do_not_fit_the_machine_are_told() -> None:
    assert "tau_m/cm of" in refusal(pair(cm=1e-5))
    assert "v_thresh of 70000" in refusal(pair(v_thresh=7e4))
    assert "add up to 80000 nA in one step" in refusal(pair(weight=8e4))
    with pytest.raises(DataError, match="out of range for the machine's numbers"):
        ran(pair(weight=9000.0, cm=0.01, v_thresh=60000.0, v_reset=0.0))


def test_what_the_machine_cannot_take_is_listed_with_a_remedy() -> None:
    assert "Izhikevich is not one of the machine's cell types" in refusal(pair("Izhikevich"))
    mixed = pair()
    more = dataclasses.replace(mixed.projections[0], receptor="membrane", name="more")
    both = Network(mixed.populations, (*mixed.projections, more))
    assert "no cell type with all the receptors excitatory, membrane; use only" in refusal(both)
    with pytest.raises(SpecError, match="must not be negative"):  # on no backend
        pair("LIF_cond_exp", weight=-1.0)
    assert "a constant current keeps neurons" in refusal(pair(i_offset=0.1), reset=True)
    assert "microseconds" in refusal(
        pair(delay=1 / 3), dt=1 / 3, stimulus=WhiteNoise(1, 40.0, 40.0)
    )


def test_both_signs_on_both_receptors_have_to_decay_alike() -> None:
    signed = np.array([[[[1.0]], [[-1.0]]]])
    network = pair(kernel=signed, tau_syn_E=2.0, tau_syn_I=8.0)
    # Alone, the negative part keeps the time constant of its receptor.
    lowered = lower(driven(network))
    assert isinstance(lowered, Lowered)
    cells = lowered.layers["v1"].cells
    assert cells is not None
    assert cells.parameters["tau_syn_I"].tolist() == [2.0]
    more = dataclasses.replace(network.projections[0], receptor="inhibitory", name="more")
    with pytest.raises(SpecError, match="'inhibitory' of LIF would excite"):
        Network(network.populations, (*network.projections, more))


def test_a_lag_adds_to_the_delay() -> None:
    kernel = np.array([4.0, 2.0, 0.0, 0.0]).reshape(1, 2, 1, 1, 2)
    network = pair("LIF", "membrane", tau_m=16.0)
    lagged = ConvolutionConnector(kernel, (2, 1, 1), lags=(0.0, 6.0))
    forward = dataclasses.replace(network.projections[0], connector=lagged)
    run, step = once(Network(network.populations, (forward,)))
    v = run.recording.signals["v1"]["v"].values[:, 0]
    since = np.arange(len(v)) - step - np.array([[1.0], [7.0]])
    jumps = np.where(since >= 0, np.array([[4.0], [2.0]]) * np.exp(-since / 16.0), 0.0)
    np.testing.assert_allclose(v, -65.0 + jumps.sum(axis=0), rtol=0, atol=4e-3)
    rows = run.provenance["mapping"]["projections"]
    assert [(row["lag"], row["ticks"]) for row in rows] == [(0.0, 1), (6.0, 7)]


def test_pooling_by_the_first_spike_is_refused_by_name() -> None:
    pooling = PoolingConnector((2, 2, 2), 2, mode="first-spike")
    network = Network(
        (Population("lgn", (2, 2, 2), SpikeSource()), Population("v1", (2, 1, 1), LIF)),
        (Projection("lgn", "v1", pooling),),
    )
    assert "pooling by the first spike is not available on spinnaker; run it" in refusal(network)


def test_learning_is_refused_by_name() -> None:
    network = pair()
    plastic = dataclasses.replace(network.projections[0], plasticity=SharedSTDP())
    layer = dataclasses.replace(
        network.populations[1], homeostasis=SharedThreshold(eta=0.1, target=10.0)
    )
    told = refusal(Network((network.populations[0], layer), (plastic,)))
    assert "SharedSTDP is not available on spinnaker" in told
    assert "SharedThreshold is not available on spinnaker" in told
    assert told.count("learn on brian2-standalone") == 2


def test_which_projections_the_machine_convolves() -> None:
    def paths(size: tuple[int, int], **rest: object) -> dict[str, str]:
        kernel = np.random.default_rng(0).normal(size=(2, 2, *size))
        connector = ConvolutionConnector(kernel, (2, 9, 9), **rest)  # type: ignore[arg-type]
        layer = Population("v1", connector.out_shape, LIF)
        source = Population("lgn", (2, 9, 9), SpikeSource())
        network = Network((source, layer), (Projection("lgn", "v1", connector),))
        return dict(backends.get("spinnaker").run(driven(network)).provenance["pathways"])

    assert paths((3, 3)) == {"lgn_v1": "native"}
    assert paths((5, 5), padding=2) == {"lgn_v1": "native"}
    # Even, oblong, with a stride; and planes of 3 x 3, which would take a core each.
    for size, rest in (((2, 2), {}), ((3, 5), {}), ((3, 3), {"stride": 2}), ((7, 7), {})):
        assert paths(size, **rest) == {"lgn_v1": "expanded"}
