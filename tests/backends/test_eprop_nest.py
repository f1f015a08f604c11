"""NEST's own e-prop: one synapse of ``eprop_iaf_psc_delta``, with the error of its readout.

NEST updates a weight when its next spike passes. What it has summed up by then is compared with a
rule of :class:`scnnbio.plasticity.EachStep` that gets NEST's error as its learning signal.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from scnnbio import backends
from scnnbio.connectors import ConvolutionConnector
from scnnbio.experiment import Experiment, Record
from scnnbio.inputs import FromCurrents, FromSpikes
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIBRARY
from scnnbio.plasticity import EachStep, Trace, TraceRule
from scnnbio.population import Population, SpikeSource
from tests.backends.signalled import with_error

pytest.importorskip("nest")
pytestmark = [pytest.mark.nest, pytest.mark.slow]

#: Spikes of the synapse, and of another that makes the neuron fire; the last one ends NEST's sum.
A = [6.0, 10.0, 15.0, 16.0, 24.0, 32.0, 41.0, 61.0]
B = [7.0, 9.0, 14.0, 21.0, 23.0, 31.0, 34.0, 42.0, 46.0]
STEPS, TAU, TAU_E, STRONG, BACK = 70, 20.0, 15.0, 0.8, 1.7
#: So small a rate that NEST's weight, which begins at 0, moves no potential that counts.
ETA = 1e-13


def nests() -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """Change of the weight over the rate, the readout's error by step, and spike times."""
    import nest

    nest.ResetKernel()
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.resolution = 1.0
    rest = {"C_m": 1.0, "E_L": 0.0, "V_m": 0.0}
    cell = nest.Create("eprop_iaf_psc_delta", 1, {
        **rest, "I_e": 0.0, "V_th": 1.0, "V_reset": 0.0, "t_ref": 0.0, "tau_m": TAU,
        "kappa": math.exp(-1 / TAU_E), "surrogate_gradient_function": "piecewise_linear",
        "surrogate_gradient_height": 1.0, "surrogate_gradient_width": 1.0, "c_reg": 0.0,
    })  # fmt: skip
    readout = nest.Create("eprop_readout", 1, {**rest, "tau_m": 15.0})
    nest.SetDefaults("eprop_synapse", {"optimizer": {
        "optimizer": "gradient_descent", "batch_size": 1, "eta": ETA, "Wmin": -9.0, "Wmax": 9.0,
        "optimize_each_step": True,
    }})  # fmt: skip
    relays = nest.Create("parrot_neuron", 2)
    for relay, times in zip(relays, (A, B), strict=True):
        # A relay fires a step later than its generator.
        nest.Connect(
            nest.Create("spike_generator", 1, {"spike_times": [t - 1.0 for t in times]}), relay
        )
    plastic = {"synapse_model": "eprop_synapse", "delay": 1.0}
    nest.Connect(relays[0], cell, "one_to_one", {**plastic, "weight": 0.0})
    nest.Connect(relays[1], cell, "one_to_one", {"weight": STRONG, "delay": 1.0})
    nest.Connect(cell, readout, "one_to_one", {**plastic, "weight": 0.6})
    back = {"synapse_model": "eprop_learning_signal_connection", "delay": 1.0, "weight": BACK}
    nest.Connect(readout, cell, "one_to_one", back)
    # Learning is on all the time (receptor 1), and the target changes twice (receptor 2).
    for receptor, times, values in (
        (1, [1.0], [1.0]),
        (2, [1.0, 20.0, 35.0], [0.7, -0.4, 0.9]),
    ):
        given = {"amplitude_times": times, "amplitude_values": values}
        nest.Connect(
            nest.Create("step_rate_generator", 1, given), readout, "one_to_one",
            {"synapse_model": "rate_connection_delayed", "receptor_type": receptor, "delay": 1.0},
        )  # fmt: skip
    meter = nest.Create("multimeter", 1, {"interval": 1.0, "record_from": ["error_signal"]})
    nest.Connect(meter, readout)
    fired = nest.Create("spike_recorder")
    nest.Connect(cell, fired)
    nest.Simulate(float(STEPS))
    error = np.zeros(STEPS + 1)
    error[np.round(meter.events["times"]).astype(int)] = meter.events["error_signal"]
    change = nest.GetConnections(relays[0], cell).weight / ETA
    times = np.asarray(fired.events["times"])
    nest.ResetKernel()
    return float(change), error, times


def test_nest_changes_the_weight_by_the_same_sum() -> None:
    """NEST pairs the eligibility of a step with the error of the next one at the readout."""
    change, error, times = nests()
    cell = with_error(LIBRARY["LIF_curr_delta"])
    rule = TraceRule(
        traces={"x": Trace("pre", TAU)},
        w_min=-1e4,
        w_max=1e4,
        each_step=EachStep(
            "-error*e", {"v": "mV", "error": "nA"}, "x*clip(1 - abs(v - 1), 0, 1)", TAU_E
        ),
    )
    one, values = (1, 1, 1), {"v_rest": 0, "v_reset": 0, "v_thresh": 1, "tau_m": TAU}
    network = Network(
        (
            Population("a", one, SpikeSource()),
            Population("b", one, SpikeSource()),
            Population("cell", one, cell, {**values, "tau_refrac": 0}),
        ),
        (
            Projection(
                "a", "cell", ConvolutionConnector([[[[0.0]]]], one), receptor="probe",
                plasticity=rule,
            ),
            Projection(
                "b", "cell", ConvolutionConnector([[[[1.0]]]], one), STRONG, receptor="membrane"
            ),
        ),
    )  # fmt: skip
    signal = np.zeros(STEPS)
    # The step that ends at t, up to that before the last spike is fired.
    ends = np.arange(1, int(A[-1]))
    signal[ends - 1] = BACK * error[ends + 1]
    inputs = {
        name: FromSpikes(at, [0] * len(at), [0] * len(at), size=one, duration=float(STEPS))
        for name, at in (("a", A), ("b", B))
    }
    currents = FromCurrents(signal.reshape(STEPS, *one), frame=1.0, unit="nA", port="signal")
    case = Experiment(
        network, inputs={**inputs, "cell": currents}, record=Record(("cell",)), dt=1.0
    )
    assert abs(change) > 100
    for name in ("reference", "brian2"):
        run = backends.get(name).run(case)
        np.testing.assert_array_equal(run.recording.spikes["cell"].time, times)
        assert run.weights["a_cell"].item() == pytest.approx(change, rel=1e-10)
