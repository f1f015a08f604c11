"""The reference backend against closed forms."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pytest
from scipy.signal import correlate

from scnnbio import backends
from scnnbio.connectors import ConvolutionConnector
from scnnbio.encoding import LGN, Encoding
from scnnbio.encoding.codes import Code
from scnnbio.errors import SpecError, UnsupportedError
from scnnbio.experiment import Experiment, Record, Run, Sampling
from scnnbio.network import Network, Projection
from scnnbio.neurons import IF, LIF, NeuronModel, Parameter
from scnnbio.plasticity import SharedSTDP, SharedThreshold
from scnnbio.population import Population, SpikeSource
from scnnbio.stimuli import WhiteNoise
from tests.backends.networks import experiment, small_network

DT = 0.1


@dataclass(frozen=True)
class Given(Code):
    """Spikes written down by the test: (stamp in ms, unit)."""

    times: tuple[tuple[float, int], ...] = ()
    kind: Literal["given"] = "given"

    def spikes(self, drive, duration, dt, rng):
        rows = sorted((round(t / dt), u) for t, u in self.times)
        steps, units = zip(*rows, strict=True) if rows else ((), ())
        return np.array(steps, dtype=np.int32), np.array(units, dtype=np.int32)


def run(
    network: Network,
    times: tuple[tuple[float, int], ...] = (),
    duration: float = 60.0,
    n_trials: int = 1,
    backend: str = "reference",
    dt: float = DT,
) -> Run:
    return backends.get(backend).run(
        Experiment(
            network,
            WhiteNoise(n_trials=n_trials, duration=duration, frame=duration),
            Encoding(LGN(normalisation_sigma=0.0), Given(times)),
            Record(spikes=("post",), signals=(Sampling("post", ("v",)),)),
            dt=dt,
        )
    )


def pair(
    kernel: np.ndarray, in_shape: tuple[int, int, int], neuron=LIF, **options: object
) -> Network:
    parameters = options.pop("parameters", {})
    homeostasis = options.pop("homeostasis", None)
    connector = ConvolutionConnector(kernel, in_shape)
    return Network(
        (
            Population("pre", in_shape, SpikeSource()),
            Population(
                "post", connector.out_shape, neuron, parameters=parameters, homeostasis=homeostasis
            ),
        ),
        (Projection("pre", "post", connector, **options),),
    )


def test_one_spike_gives_the_closed_form_of_the_membrane_potential():
    """v(t) = w/cm tau_m tau_s/(tau_m - tau_s) (exp(-t/tau_m) - exp(-t/tau_s)), after the delay."""
    network = pair(np.full((1, 2, 1, 1), 0.5), (2, 1, 1), weight=0.8, delay=1.5)
    trace = run(network, ((2.0, 0),)).recording.signals["post"]["v"]
    since = trace.time - 3.5
    tau_m, tau_s = 20.0, 5.0
    shape = np.exp(-since / tau_m) - np.exp(-since / tau_s)
    expected = -65 + np.where(since > 0, 0.4 * tau_m * tau_s / (tau_m - tau_s) * shape, 0.0)
    np.testing.assert_allclose(trace.values[:, 0], expected, rtol=0, atol=1e-11)


def test_a_delta_synapse_jumps_by_its_weight_when_the_spike_arrives():
    network = pair(
        np.full((1, 2, 1, 1), 0.5), (2, 1, 1), weight=3.0, delay=1.0, receptor="membrane"
    )
    trace = run(network, ((2.0, 0),)).recording.signals["post"]["v"]
    expected = -65 + np.where(trace.time >= 3.0 - 1e-9, 1.5 * np.exp(-(trace.time - 3.0) / 20.0), 0)
    np.testing.assert_allclose(trace.values[:, 0], expected, rtol=0, atol=1e-11)


def test_constant_current_fires_at_the_closed_form_intervals():
    """Period t_ref + tau_m ln((v_inf - v_reset)/(v_inf - v_thresh)), each part up to the grid."""
    parameters = {"i_offset": 1.0, "tau_refrac": 2.0}
    network = pair(np.zeros((1, 2, 1, 1)), (2, 1, 1), parameters=parameters)
    times = run(network, duration=200.0).recording.spikes["post"].time
    rise = np.ceil(20.0 * np.log(20.0 / 5.0) / DT) * DT
    np.testing.assert_allclose(times[0], rise, atol=1e-9)
    np.testing.assert_allclose(np.diff(times), rise + 2.0, atol=1e-9)


def test_the_neuron_without_leak_fires_at_the_closed_form_intervals():
    network = pair(np.zeros((1, 2, 1, 1)), (2, 1, 1), IF, parameters={"i_offset": 0.7})
    times = run(network, duration=100.0).recording.spikes["post"].time
    np.testing.assert_allclose(np.diff(times), np.ceil(15.0 / 0.7 / DT) * DT, atol=1e-9)


def test_a_picture_of_spikes_drives_each_place_by_the_correlation_with_the_kernel():
    """Charge that one volley of spikes delivers, against scipy.signal.correlate."""
    rng = np.random.default_rng(0)
    kernel = rng.uniform(0, 1, (3, 2, 3, 3))
    picture = rng.random((2, 6, 7)) < 0.4
    network = pair(kernel, (2, 6, 7), weight=0.2, receptor="membrane")
    spikes = tuple((1.0, int(u)) for u in np.flatnonzero(picture))
    trace = run(network, spikes, duration=10.0).recording.signals["post"]["v"]
    arrived = np.argmin(np.abs(trace.time - 2.0))
    expected = [
        sum(correlate(picture[c].astype(float), kernel[o, c], "valid") for c in range(2))
        for o in range(3)
    ]
    np.testing.assert_allclose(
        trace.values[arrived] + 65, 0.2 * np.ravel(expected), rtol=0, atol=1e-11
    )


def assert_one_pair_follows_the_rule(backend: str, bounds: str) -> None:
    """Pre at 5 ms (arrives at 6) and 15 ms, post forced at 8 ms: the rule's own formula."""
    rule = SharedSTDP(
        tau_plus=10.0, tau_minus=20.0, a_plus=0.1, a_minus=0.05, a_post=0.02, bounds=bounds
    )
    # The second input fires the neuron at once: weight 0.9 x 20 mV. The first does not: 0.5 x 20.
    kernel = np.array([[[[0.5]], [[0.9]]]])
    network = pair(
        kernel, (2, 1, 1), weight=20.0, delay=1.0, receptor="membrane", plasticity=rule,
        parameters={"tau_m": 1.0},
    )  # fmt: skip
    result = run(network, ((5.0, 0), (7.0, 1), (15.0, 0)), backend=backend)
    np.testing.assert_allclose(result.recording.spikes["post"].time, [8.0], atol=1e-9)
    up = (lambda w: 1 - w) if bounds == "soft" else (lambda w: 1.0)
    down = (lambda w: w) if bounds == "soft" else (lambda w: 1.0)
    first, second = 0.5, 0.9
    first += 0.1 * np.exp(-2.0 / 10.0) * up(first) - 0.02 * down(first)
    second = min(1.0, second + 0.1 * up(second) - 0.02 * down(second))
    first -= 0.05 * np.exp(-8.0 / 20.0) * down(first)
    np.testing.assert_allclose(result.weights["pre_post"].ravel(), [first, second], atol=1e-12)


@pytest.mark.parametrize("backend", ["reference", "brian2"])
@pytest.mark.parametrize("bounds", ["soft", "hard"])
def test_one_pair_of_spikes_changes_the_weight_by_the_rule(backend, bounds):
    assert_one_pair_follows_the_rule(backend, bounds)


def test_every_place_that_uses_a_kernel_element_contributes():
    """Two places fire together: the shared element takes both steps, one after the other."""
    rule = SharedSTDP(tau_plus=1e9, a_plus=0.1, a_post=0.0)
    kernel = np.full((1, 2, 1, 1), 0.5)
    network = pair(kernel, (2, 1, 2), weight=40.0, receptor="membrane", plasticity=rule)
    result = run(network, ((1.0, 0), (1.0, 1)), duration=10.0)
    assert len(result.recording.spikes["post"].time) == 2
    once = 0.5 + 0.1 * 0.5
    np.testing.assert_allclose(
        result.weights["pre_post"].ravel(), [once + 0.1 * (1 - once), 0.5], rtol=1e-7
    )


@pytest.mark.slow
def test_a_shared_threshold_drives_its_map_to_the_target():
    """At rest the mean drift of the threshold is zero, so the rate is the target."""
    rule = SharedThreshold(eta=0.5, target=(40.0, 80.0), minimum=-64.0)
    network = pair(
        np.zeros((2, 2, 1, 1)), (2, 1, 1), parameters={"i_offset": 3.0}, homeostasis=rule
    )
    result = run(network, duration=500.0, n_trials=8)
    counts = result.recording.counts("post")[4:].mean(axis=0) / 0.5
    np.testing.assert_allclose(counts, [40.0, 80.0], rtol=0.05)


def test_a_spike_in_flight_at_the_end_of_a_trial_is_lost_with_reset():
    network = pair(
        np.full((1, 2, 1, 1), 1.0), (2, 1, 1), weight=30.0, delay=5.0, receptor="membrane"
    )
    lost = run(network, ((8.0, 0),), duration=10.0, n_trials=2)
    assert len(lost.recording.spikes["post"].time) == 0
    running = backends.get("reference").run(dataclasses.replace(lost.experiment, reset=False))
    np.testing.assert_allclose(running.recording.spikes["post"].time, [3.0], atol=1e-9)
    np.testing.assert_array_equal(running.recording.spikes["post"].trial, [1])


def test_wrong_dimensions_are_an_error_and_a_step_without_slope_is_not_supported():
    base = {"threshold": "v >= v_thresh", "reset": "v = v_rest", "receptors": {"e": "v"}}
    parameters = {
        "v_rest": Parameter(-65.0, "mV"),
        "v_thresh": Parameter(-50.0, "mV"),
        "tau_m": Parameter(20.0, "ms"),
    }
    for right, error, message in (
        ("(v_rest - v)*tau_m", SpecError, "volt/second is needed"),
        ("floor(v/v_rest)*v_rest/tau_m", UnsupportedError, "no closed-form derivative in 'v'"),
    ):
        model = NeuronModel("own", f"dv/dt = {right} : volt", parameters=parameters, **base)
        network = pair(np.ones((1, 2, 1, 1)), (2, 1, 1), model, receptor="e")
        with pytest.raises(error, match=message):
            run(network)


def test_a_shared_threshold_may_not_move_what_the_exact_step_was_computed_with():
    """v_rest is in the propagator's offset, which is computed once."""
    rule = SharedThreshold(eta=0.1, target=10.0, parameter="v_rest")
    network = pair(np.ones((1, 2, 1, 1)), (2, 1, 1), LIF, homeostasis=rule)
    with pytest.raises(UnsupportedError, match="homeostasis changes 'v_rest'"):
        run(network)


@pytest.mark.parametrize("exact", [False, True])
def test_a_recording_is_put_together_in_pieces(
    exact: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In whatever order a backend hands spikes over, and wherever pieces end; against numpy."""
    from scnnbio.backends import outcome

    monkeypatch.setattr(outcome, "_PIECE", 7)
    case = experiment(small_network(), stimulus=WhiteNoise(n_trials=5, duration=20.0))
    per_trial, rng = case.trial_steps, np.random.default_rng(3)
    step = rng.integers(1, 5 * per_trial + 1, 400)
    unit = rng.integers(0, 50, 400).astype(np.int32)
    trial = (step - 1) // per_trial
    time = (step - trial * per_trial) * case.dt
    if exact:
        time = rng.uniform(0.0, 20.0, 400)
    order = np.lexsort((unit, time, trial))
    found = outcome._in_trials(case, step, unit, time if exact else None)
    assert np.array_equal(found.time, time[order])
    assert np.array_equal(found.unit, unit[order])
    assert np.array_equal(found.trial, trial[order])
