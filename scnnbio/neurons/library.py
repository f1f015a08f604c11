"""Neurons that the field expects, each with its equations and source."""

from __future__ import annotations

from scnnbio.neurons.model import NeuronModel, Parameter

_CURRENTS = """
dI_exc/dt = -I_exc/tau_syn_E : amp
dI_inh/dt = -I_inh/tau_syn_I : amp
"""

_MEMBRANE = {
    "v_rest": Parameter(-65.0, "mV"),
    "v_reset": Parameter(-65.0, "mV"),
    "v_thresh": Parameter(-50.0, "mV"),
    "cm": Parameter(1.0, "nF"),
    "tau_refrac": Parameter(0.0, "ms"),
    "tau_syn_E": Parameter(5.0, "ms"),
    "tau_syn_I": Parameter(5.0, "ms"),
    "i_offset": Parameter(0.0, "nA"),
}

#: Weights in nA on ``excitatory`` and ``inhibitory``, in mV on ``membrane`` (a delta synapse).
_RECEPTORS = {"excitatory": "I_exc", "inhibitory": "I_inh", "membrane": "v"}

#: Leaky integrate-and-fire with exponential currents, parameters named as PyNN's IF_curr_exp::
#:
#:     dv/dt     = (v_rest - v)/tau_m + (I_exc + I_inh + i_offset)/cm
#:     dI_exc/dt = -I_exc/tau_syn_E,   dI_inh/dt = -I_inh/tau_syn_I
LIF = NeuronModel(
    name="LIF",
    equations="dv/dt = (v_rest - v)/tau_m + (I_exc + I_inh + i_offset)/cm : volt"
    " (unless refractory)" + _CURRENTS,
    threshold="v >= v_thresh",
    reset="v = v_reset",
    refractory="tau_refrac",
    parameters={**_MEMBRANE, "tau_m": Parameter(20.0, "ms")},
    receptors=_RECEPTORS,
    initial={"v": "v_rest"},
    reference="Gerstner et al. 2014, Neuronal Dynamics, eq. 1.5; Brette et al. 2007,"
    " J Comput Neurosci 23:349",
)

#: Integrate-and-fire without leak: the limit of :data:`LIF` at an infinite membrane time constant.
IF = NeuronModel(
    name="IF",
    equations="dv/dt = (I_exc + I_inh + i_offset)/cm : volt (unless refractory)" + _CURRENTS,
    threshold="v >= v_thresh",
    reset="v = v_reset",
    refractory="tau_refrac",
    parameters=_MEMBRANE,
    receptors=_RECEPTORS,
    initial={"v": "v_rest"},
    reference="Lapicque 1907; Gerstner et al. 2014, Neuronal Dynamics, section 1.3",
)

#: Every model of the library by name.
LIBRARY = {model.name: model for model in (IF, LIF)}
