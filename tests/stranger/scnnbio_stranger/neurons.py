"""A neuron: an instance of NeuronModel, whose name is that of its entry point."""

from scnnbio import NeuronModel, Parameter

#: LIF with a slow excitatory current, such as that of NMDA receptors, beside the fast one.
LIF_SLOW = NeuronModel(
    name="LIF_slow",
    equations="""
    dv/dt = (v_rest - v)/tau_m + (I_fast + I_slow + I_inh)/cm : volt (unless refractory)
    dI_fast/dt = -I_fast/tau_fast : amp
    dI_slow/dt = -I_slow/tau_slow : amp
    dI_inh/dt = -I_inh/tau_inh : amp
    """,
    threshold="v >= v_thresh",
    reset="v = v_reset",
    refractory="tau_refrac",
    initial={"v": "v_rest"},
    receptors={"excitatory": "I_fast", "slow": "I_slow", "inhibitory": "I_inh"},
    parameters={
        "v_rest": Parameter(-65.0, "mV"),
        "v_reset": Parameter(-65.0, "mV"),
        "v_thresh": Parameter(-50.0, "mV"),
        "cm": Parameter(1.0, "nF", "(0, inf)"),
        "tau_m": Parameter(20.0, "ms", "(0, inf)"),
        "tau_fast": Parameter(2.0, "ms", "(0, inf)"),
        "tau_slow": Parameter(80.0, "ms", "(0, inf)"),
        "tau_inh": Parameter(5.0, "ms", "(0, inf)"),
        "tau_refrac": Parameter(2.0, "ms", "[0, inf)"),
    },
    reference="Gerstner et al. 2014, Neuronal Dynamics, section 3.1",
)
