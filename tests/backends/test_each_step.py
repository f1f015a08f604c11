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
from scnnbio.neurons import LIBRARY, NeuronModel, Parameter
from scnnbio.plasticity import EachStep, Reward, Trace, TraceRule, WinnerTakeAll
from scnnbio.population import Population, SpikeSource

FloatArray = NDArray[np.float64]
EYE, HIDDEN, OUT = (2, 5, 2), (3, 5, 2), (4, 1, 2)
TAU, TAU_OUT, DELAY, TRIALS, STEPS, SHARP, FAR = 20.0, 15.0, 2, 3, 30, 2e3, 1e4
VALUES = {"v_rest": 0.0, "v_reset": 0.0, "v_thresh": 1.0, "tau_refrac": 0.0, "tau_m": TAU}
#: Two more states: one that holds a current, and one that spikes can reach without any effect.
_PLAIN = LIBRARY["LIF_subtract"]
CELL = dataclasses.replace(
    _PLAIN,
    name="LIF_told",
    equations=f"{_PLAIN.equations.rstrip()}\n"
    "derror/dt = (signal - error)/tau_error : amp\ndprobe/dt = -probe/tau_error : 1\n",
    parameters={
        **_PLAIN.parameters, "signal": Parameter(0.0, "nA"), "tau_error": Parameter(0.01, "ms"),
    },
    receptors={**_PLAIN.receptors, "probe": "probe", "error": "error"},
)  # fmt: skip
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


def told() -> tuple[Experiment, FloatArray]:
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


def test_with_eprop_s_signal_the_rule_sums_up_eprop_s_gradient() -> None:
    """Torch's gradient, of a shared kernel with lags; the learning kernel moves no neuron."""
    torch = pytest.importorskip("torch")
    from scnnbio.backends.torch import Surrogate, Training
    from scnnbio.backends.torch.eprop import EProp

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    case = Experiment(layers(_PLAIN), inputs={"eye": shown()}, record=Record(("hid",)), dt=1.0)
    training = Training(sharpness=SHARP, surrogate=Surrogate("triangle"))
    whole = EProp(case, "label", "out", training).gradients()["eye_hid"].numpy()
    torch.set_num_threads(before)
    experiment, gradient = told()
    assert np.abs(whole).max() > 1e-2
    np.testing.assert_allclose(gradient, whole, rtol=1e-12, atol=1e-14)
    for name in ("reference", "brian2"):
        run = backends.get(name).run(experiment)
        np.testing.assert_allclose(run.weights["learns"], -whole, rtol=1e-9, atol=1e-12)


@pytest.mark.slow
def test_a_compiled_program_changes_the_same_weights() -> None:
    experiment, gradient = told()
    run = backends.get("brian2-standalone").run(experiment)
    np.testing.assert_allclose(run.weights["learns"], -gradient, rtol=1e-9, atol=1e-12)
