"""CUBA and COBA of Brette et al. 2007, J Comput Neurosci 23:349, written for Brian2 and for NEST.

Nothing of scnnbio runs here: plain groups, Brian2's ``Synapses`` and NEST's ``iaf_psc_exp``, with
the published numbers. Only who is joined to whom and the initial values are handed in, since they
are drawn. Neurons 0..3199 are excitatory.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

N, N_EXC = 4000, 3200
DT = 0.1  # ms
#: Pairs (pre, post).
Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]
#: Spikes as (step, neuron), sorted; a step is named by its end.
Spikes = NDArray[np.int64]

_CUBA = """
dv/dt = (ge + gi - (v - El))/taum : volt (unless refractory)
dge/dt = -ge/taue : volt
dgi/dt = -gi/taui : volt
"""
_COBA = """
dv/dt = (ge*(Ee - v) + gi*(Ei - v) - (v - El))/taum : volt (unless refractory)
dge/dt = -ge/taue : 1
dgi/dt = -gi/taui : 1
"""


def on_brian2(name: str, pairs: Pairs, start: dict[str, NDArray[np.float64]], ms: float) -> Spikes:
    """The published network on Brian2; potentials in mV, conductances in units of the leak."""
    import brian2 as b2

    target = b2.prefs.codegen.target
    b2.prefs.codegen.target = "numpy"
    mv, second = b2.mV, b2.ms
    coba = name == "coba"
    constants = {
        "taum": 20 * second,
        "taue": 5 * second,
        "taui": 10 * second,
        "El": (-60 if coba else -49) * mv,
        "Ee": 0 * mv,
        "Ei": -80 * mv,
        "Vr": -60 * mv,
        "Vt": -50 * mv,
        "we": 0.6 if coba else 1.62 * mv,
        "wi": 6.7 if coba else -9 * mv,
        # Brian2 counts the step of the spike as the first of the refractory ones.
        "hold": 5.1 * second,
    }
    try:
        neurons = b2.NeuronGroup(
            N,
            _COBA if coba else _CUBA,
            threshold="v > Vt",
            reset="v = Vr",
            refractory="hold",
            method="exponential_euler" if coba else "exact",
            dt=DT * second,
            namespace=constants,
        )
        neurons.v = start["v"] * mv
        for state in ("ge", "gi"):
            if state in start:
                setattr(neurons, state, start[state])
        synapses = []
        for on_pre, chosen in (
            ("ge_post += we", pairs[0] < N_EXC),
            ("gi_post += wi", pairs[0] >= N_EXC),
        ):
            made = b2.Synapses(
                neurons, neurons, on_pre=on_pre, delay=DT * second, namespace=constants,
                dt=DT * second,
            )  # fmt: skip
            made.connect(i=pairs[0][chosen], j=pairs[1][chosen])
            synapses.append(made)
        monitor = b2.SpikeMonitor(neurons)
        b2.Network(neurons, synapses, monitor).run(ms * second)
        step = np.round(np.asarray(monitor.t / second) / DT).astype(np.int64) + 1
        return _sorted(step, np.asarray(monitor.i))
    finally:
        b2.prefs.codegen.target = target


def on_nest(pairs: Pairs, v: NDArray[np.float64], ms: float) -> Spikes:
    """CUBA on NEST: its own neuron, one static synapse for each pair."""
    import nest

    nest.ResetKernel()
    nest.set_verbosity("M_ERROR")
    nest.resolution = DT
    parameters: dict[str, Any] = {
        "E_L": -49.0, "V_reset": -60.0, "V_th": -50.0, "tau_m": 20.0, "C_m": 200.0, "t_ref": 5.0,
        "tau_syn_ex": 5.0, "tau_syn_in": 10.0,
    }  # fmt: skip
    neurons = nest.Create("iaf_psc_exp", N, parameters)
    neurons.V_m = v.tolist()
    recorder = nest.Create("spike_recorder", {"time_in_steps": True})
    first = int(neurons[0].tolist()[0])
    # 1.62 mV and -9 mV over an input resistance of 100 MOhm, in pA.
    weight = np.where(pairs[0] < N_EXC, 16.2, -90.0)
    nest.Connect(
        pairs[0] + first,
        pairs[1] + first,
        "one_to_one",
        {"synapse_model": "static_synapse", "weight": weight, "delay": np.full(len(weight), DT)},
    )
    nest.Connect(neurons, recorder)
    nest.Simulate(ms + DT)
    events = recorder.events
    step = np.asarray(events["times"], np.int64)
    found = _sorted(step, np.asarray(events["senders"], np.int64) - first)
    nest.ResetKernel()
    return found[found[:, 0] <= round(ms / DT)]


def _sorted(step: NDArray[np.int64], neuron: NDArray[np.int64]) -> Spikes:
    order = np.lexsort((neuron, step))
    return np.stack([step[order], neuron[order]], axis=1)
