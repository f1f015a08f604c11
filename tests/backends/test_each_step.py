"""Rules that act in each step, by states of neurons: e-prop's gradient, sums by hand, the order.

The gradient of e-prop is torch's. The learning signal is computed here in numpy, from the equations
of the neurons, and given to the simulators as a current.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from scnnbio import backends
from scnnbio.connectors import ConvolutionConnector, DenseConnector
from scnnbio.errors import SpecError
from scnnbio.experiment import Experiment, Record
from scnnbio.inputs import FromCurrents, FromSpikes
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIBRARY, NeuronModel
from scnnbio.plasticity import EachStep, Reward, Trace, TraceRule, WinnerTakeAll
from scnnbio.population import Population, SpikeSource
from tests.backends.signalled import with_error

FloatArray = NDArray[np.float64]
EYE, HIDDEN, OUT = (2, 5, 2), (3, 5, 2), (4, 1, 2)
TAU, TAU_OUT, DELAY, TRIALS, STEPS, SHARP, FAR = 20.0, 15.0, 2, 3, 30, 2e3, 1e4
VALUES = {"v_rest": 0.0, "v_reset": 0.0, "v_thresh": 1.0, "tau_refrac": 0.0, "tau_m": TAU}
CELL = with_error(LIBRARY["LIF_subtract"])
TRACES = {"x": Trace("pre", TAU)}
EPROP = TraceRule(
    traces=TRACES,
    w_min=-50.0,
    w_max=50.0,
    each_step=EachStep(
        "-error*e",
        states={"v": "mV", "error": "nA"},
        eligible="x*clip(1 - abs(v - 1), 0, 1)",
        tau=TAU_OUT,
    ),
)


#: Whether a neuron of the source fires (trial, step, neuron), a step before its time in ms.
SPIKES = np.random.default_rng(0).random((TRIALS, STEPS - 4, 20)) < 0.12


def shown() -> FromSpikes:
    trial, time, unit = np.nonzero(SPIKES)
    return FromSpikes(
        time + 1.0, unit, trial, size=EYE, n_trials=TRIALS, duration=float(STEPS),
        trials={"label": np.arange(TRIALS)},
    )  # fmt: skip


def forward(network: Network) -> tuple[FloatArray, FloatArray]:
    """Learning signal (trial, step, hidden neuron), and e-prop's gradient, by the equations."""
    spikes = np.pad(SPIKES.astype(float), ((0, 0), (1, 3), (0, 0)))
    feed, back = (network.projection(n).connector for n in ("eye_hid", "hid_out"))
    edges, to_out = feed.edges(), back.edges()
    lags = np.array([1, 3])[feed.lag_index(edges)]
    weights = np.zeros((30, 8))
    weights[to_out.pre, to_out.post] = back.kernel.ravel()[to_out.tap]
    keep, keep_out = math.exp(-1 / TAU), math.exp(-1 / TAU_OUT)
    signals, gradient = np.zeros((TRIALS, STEPS, 30)), np.zeros(feed.kernel.size)
    for trial in range(TRIALS):
        v, x, e, out = np.zeros(30), np.zeros(len(edges)), np.zeros(len(edges)), np.zeros(8)
        fired, eligible, error = np.zeros((STEPS, 30)), [], np.zeros((STEPS, 8))
        for step in range(STEPS):
            # Step 0 ends at 1 ms.
            when = step + 1 - lags
            due = np.where(when >= 0, spikes[trial, np.maximum(when, 0), edges.pre], 0.0)
            x = keep * x + due
            v = keep * v
            np.add.at(v, edges.post, feed.kernel.ravel()[edges.tap] * due)
            e = keep_out * e + x * np.clip(1 - np.abs(v[edges.post] - 1), 0, 1)
            eligible.append(e)
            fired[step] = v >= 1
            v = v - fired[step]
            out = keep_out * out + (fired[step - DELAY] @ weights if step >= DELAY else 0.0)
            likely = np.exp(out.reshape(4, 2).mean(1) / FAR * SHARP)
            likely /= likely.sum()
            likely[trial] -= 1.0
            error[step] = np.repeat(likely, 2) * SHARP / (2 * TRIALS) / FAR
        assert fired.sum() > 30
        # The readout of a step hears of the step DELAY before.
        signals[trial, : STEPS - DELAY] = (error @ weights.T)[DELAY:]
        moved = sum(signals[trial, s, edges.post] * eligible[s] for s in range(STEPS))
        gradient += np.bincount(edges.tap, weights=moved, minlength=feed.kernel.size)
    return signals, gradient.reshape(feed.kernel.shape)


def layers(cell: NeuronModel, *more: Projection) -> Network:
    """A convolution with lags and padding, and a readout that never fires."""
    rng = np.random.default_rng(1)
    kernel = rng.normal(0.1, 0.5, (3, 2, 3, 3, 2))
    feed = ConvolutionConnector(kernel, EYE, padding=1, lags=[0.0, 2.0])
    back = DenseConnector(rng.normal(0, 0.2, (8, 30)), HIDDEN, OUT)
    last = {**VALUES, "v_thresh": FAR, "tau_m": TAU_OUT}
    return Network(
        (
            Population("eye", EYE, SpikeSource()),
            Population("hid", HIDDEN, cell, VALUES),
            Population("out", OUT, LIBRARY["LIF_curr_delta"], last),
        ),
        (
            Projection("eye", "hid", feed, receptor="membrane"),
            Projection("hid", "out", back, receptor="membrane", delay=float(DELAY)),
            *more,
        ),
    )


def signalled() -> tuple[Experiment, FloatArray]:
    """The network with a kernel that only learns, and e-prop's gradient of the one that acts."""
    learns = Projection(
        "eye", "hid", ConvolutionConnector(np.zeros((3, 2, 3, 3, 2)), EYE, padding=1,
        lags=[0.0, 2.0]), receptor="probe", plasticity=EPROP, name="learns",
    )  # fmt: skip
    network = layers(CELL, learns)
    signals, gradient = forward(network)
    # The state follows the current with 0.01 ms, so it is the current to the last bit.
    currents = FromCurrents(
        signals.reshape(TRIALS, STEPS, *HIDDEN), frame=1.0, unit="nA", port="signal"
    )
    made = Experiment(
        network, inputs={"eye": shown(), "hid": currents}, record=Record(("hid", "out")), dt=1.0
    )
    return made, gradient


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_with_eprop_s_signal_the_rule_sums_up_eprop_s_gradient() -> None:
    """Torch's gradient, of a shared kernel with lags; the learning kernel moves no neuron."""
    from scnnbio.backends.torch import Surrogate, Training
    from scnnbio.backends.torch.eprop import EProp

    case = Experiment(
        layers(LIBRARY["LIF_subtract"]), inputs={"eye": shown()}, record=Record(("hid",)), dt=1.0
    )
    training = Training(sharpness=SHARP, surrogate=Surrogate("triangle"))
    whole = EProp(case, "label", "out", training).gradients()["eye_hid"].numpy()
    experiment, gradient = signalled()
    assert np.abs(whole).max() > 1e-2
    np.testing.assert_allclose(gradient, whole, rtol=1e-12, atol=1e-14)
    for name in ("reference", "brian2"):
        run = backends.get(name).run(experiment)
        np.testing.assert_allclose(run.weights["learns"], -whole, rtol=1e-9, atol=1e-12)


@pytest.mark.slow
def test_a_compiled_program_changes_the_same_weights() -> None:
    experiment, gradient = signalled()
    run = backends.get("brian2-standalone").run(experiment)
    np.testing.assert_allclose(run.weights["learns"], -gradient, rtol=1e-9, atol=1e-12)


# -- one synapse, by hand --------------------------------------------------------------------------


def one(each: EachStep, weight: float, backend: str, **rule: Any) -> tuple[float, int]:
    """Change of a weight that acts on nothing, and spikes; the other weight moves the neuron.

    Two trials of 12 ms; the source fires at 2 ms and at 5 ms, which arrive a step later.
    """
    source = FromSpikes([2.0, 5.0, 2.0, 5.0], [0] * 4, [0, 0, 1, 1], size=(1, 1, 1), n_trials=2,
                        duration=12.0)  # fmt: skip
    made = TraceRule(traces=TRACES, each_step=each, w_min=-50.0, w_max=50.0, **rule)
    acting = ConvolutionConnector(np.full((1, 1, 1, 1), weight), (1, 1, 1))
    learning = ConvolutionConnector(np.zeros((1, 1, 1, 1)), (1, 1, 1))
    network = Network(
        (Population("pre", (1, 1, 1), SpikeSource()), Population("post", (1, 1, 1), CELL, VALUES)),
        (
            Projection("pre", "post", acting, receptor="membrane"),
            Projection("pre", "post", learning, receptor="probe", plasticity=made, name="learns"),
        ),
    )
    experiment = Experiment(network, inputs={"pre": source}, record=Record(("post",)), dt=1.0)
    run = backends.get(backend).run(experiment)
    return float(run.weights["learns"].item()), run.recording.spikes["post"].time.size


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["reference", "brian2"])
def test_the_order_within_a_step(backend: str) -> None:
    """An arrival counts in its step, the potential is that before the reset, y that of before."""
    counted = EachStep("int(v >= 1)", {"v": "mV"})
    assert one(counted, 1.5, backend) == (4.0, 4)
    # x is 1 in the step of the first arrival, and then 1 + exp(-3/20), where v crosses threshold.
    traced = EachStep("x*int(v >= 1)", {"v": "mV"})
    found, fired = one(traced, 1.5, backend)
    assert fired == 4
    assert found == pytest.approx(2 * (2 + math.exp(-3 / 20)), rel=1e-12)
    # on_post comes after: it finds the weight that this step has changed to 1.
    found, _ = one(counted, 1.5, backend, on_post="10*int(w > 0.5)*int(w < 1.5)")
    assert found == 13.0 + 1.0


@pytest.mark.parametrize("backend", ["reference", "brian2"])
def test_an_eligibility_is_a_filter_that_a_trial_begins_anew(backend: str) -> None:
    """Sums of exponentials: v = k^n, x = k^n, and e their product through a filter."""
    tau_e = 7.0
    found, fired = one(EachStep("e", {"v": "mV"}, "x*v", tau_e), 0.3, backend)
    keep, keep_e, v, x, e, total = math.exp(-1 / TAU), math.exp(-1 / tau_e), 0.0, 0.0, 0.0, 0.0
    for step in range(1, 13):
        came = step in (3, 6)
        v, x = keep * v + 0.3 * came, keep * x + came
        e = keep_e * e + x * v
        total += e
    assert fired == 0
    assert found == pytest.approx(2 * total, rel=1e-12)


def test_a_rate_that_halves_scales_the_change_of_each_step() -> None:
    """The rate of step n is 2^(-n/5): a geometric series."""
    for backend in ("reference", "brian2"):
        found, _ = one(EachStep("1"), 0.3, backend, half_life=5.0)
        assert found == pytest.approx(sum(2 ** (-n / 5) for n in range(1, 25)), rel=1e-12)


# -- what is refused, and how it is written --------------------------------------------------------


def learning(each: EachStep, **layer: Any) -> Network:
    rule = TraceRule(traces=TRACES, parameters={"eta": 0.1}, each_step=each)
    kernel = ConvolutionConnector(np.full((1, 1, 1, 1), 0.5), (1, 3, 3))
    return Network(
        (
            Population("pre", (1, 3, 3), SpikeSource()),
            Population("post", (1, 3, 3), CELL, VALUES, **layer),
        ),
        (Projection("pre", "post", kernel, receptor="membrane", plasticity=rule),),
    )


@pytest.mark.parametrize(
    ("fields", "words", "where"),
    [
        ({"change": "x*v"}, "'v' is neither a trace, a parameter nor one of 'states'", ".change"),
        ({"change": "e"}, "'e' is neither", ".change"),
        ({"change": "e", "eligible": "e", "tau": 9.0}, "'e' is neither", ".eligible"),
        ({"change": "open('x')"}, "only these functions", ".change"),
        ({"change": ""}, "not an expression", ".change"),
        ({"change": "x", "tau": 9.0}, "give both or none", ""),
        ({"change": "e", "eligible": "x"}, "give both or none", ""),
        ({"change": "e", "eligible": "x", "tau": 0.0}, "not positive", ".tau"),
        ({"change": "x", "states": {"v": "volts"}}, "'volts'", ".states.v"),
        ({"change": "x", "states": {"x": "mV"}}, "something else", ".states.x"),
        ({"change": "x", "states": {"u": "mV"}}, "has no state 'u'", ".states.u"),
        ({"change": "x", "states": {"signal": "nA"}}, "has no state 'signal'", ".states.signal"),
        ({"change": "x", "states": {"v": "nA"}}, "is in 'mV', not in 'nA'", ".states.v"),
    ],
)
def test_what_is_wrong_is_said_with_its_path(fields: Any, words: str, where: str) -> None:
    with pytest.raises(SpecError) as caught:
        learning(EachStep(**fields))
    assert words in str(caught.value)
    assert caught.value.where.endswith(f"plasticity.each_step{where}")


def test_what_does_not_go_together_is_refused() -> None:
    each = EachStep("eta*x")
    with pytest.raises(SpecError, match="only winners learn"):
        learning(each, competition=WinnerTakeAll())
    with pytest.raises(SpecError, match="give one of them"):
        TraceRule(each_step=EachStep("w"), reward=Reward("post"))
    kernel = ConvolutionConnector(np.full((8, 1, 20, 20), 0.5), (1, 200, 200))
    with pytest.raises(SpecError, match="up to 104,8"):
        Network(
            (
                Population("pre", (1, 200, 200), SpikeSource()),
                Population("post", kernel.out_shape, CELL),
            ),
            (Projection("pre", "post", kernel, receptor="membrane", plasticity=EPROP),),
        )


def test_a_rule_without_it_has_the_digest_that_it_had() -> None:
    """As at commit b4486a6, which had no each_step."""
    rule = TraceRule(traces=TRACES, on_post="a*x", parameters={"a": 0.1})
    assert rule.digest() == "29c64097545eb39a301a5882d087e564daf7d3f822b72ae6f43fb1fd3c9021b0"
    assert dataclasses.replace(rule, each_step=EachStep("a")).digest() != rule.digest()
