"""Library of standard neurons, each with equations, defaults and reference.

Each is composed of :mod:`~scnnbio.neurons.parts`, which hold equations and units. Names
follow PyNN; a parameter of the same name has PyNN's unit and meaning. ``scnnbio explain NAME``
prints a model in full.

=================== ==============================================================================
IF, LIF             integrate-and-fire without and with leak; exponential currents, and a
                    ``membrane`` receptor (a delta synapse)
LIF_curr_delta      delta synapses: spikes move the potential
LIF_curr_alpha      alpha currents
LIF_cond_exp        exponential conductances
LIF_cond_alpha      alpha conductances
LIF_shunting        subtractive currents, and a conductance that reverses at rest
LIF_subtract        reset by subtraction
LIF_sfa             spike-frequency adaptation by a current
LIF_cond_exp_sfa    spike-frequency adaptation by a conductance
GLIF1 ... GLIF5     Teeter et al. 2018
AdEx                adaptive exponential
Izhikevich          quadratic, with recovery
=================== ==============================================================================
"""

from __future__ import annotations

import dataclasses

from scnnbio.errors import SpecError
from scnnbio.neurons import parts
from scnnbio.neurons.composition import compose
from scnnbio.neurons.model import NeuronModel
from scnnbio.neurons.variables import Parameter
from scnnbio.registry import Registry, instances

_TEXTBOOK = "Gerstner et al. 2014, Neuronal Dynamics"
_REVIEW = "Brette et al. 2007, J Comput Neurosci 23:349"

#: Leaky integrate-and-fire with exponential currents, parameters named as PyNN's IF_curr_exp::
#:
#:     dv/dt     = (v_rest - v)/tau_m + (I_exc + I_inh + i_offset)/cm
#:     dI_exc/dt = -I_exc/tau_syn_E,   dI_inh/dt = -I_inh/tau_syn_I
#:
#: Weights in nA on ``excitatory`` and ``inhibitory``, in mV on ``membrane`` (a delta synapse).
LIF = compose(
    "LIF",
    parts.leaky(),
    [parts.exponential_currents(), parts.delta()],
    reference=f"{_TEXTBOOK}, eq. 1.5; {_REVIEW}",
)

#: Integrate-and-fire without leak: the limit of :data:`LIF` at an infinite membrane time constant.
IF = compose(
    "IF",
    parts.perfect(),
    [parts.exponential_currents(), parts.delta()],
    reference=f"Lapicque 1907; {_TEXTBOOK}, section 1.3",
)

#: dv/dt = (v_rest - v)/tau_m + i_offset/cm; a spike moves v. PyNN's IF_curr_delta.
LIF_CURR_DELTA = compose(
    "LIF_curr_delta", parts.leaky(), [parts.delta()], reference=f"{_TEXTBOOK}, eq. 1.5"
)

#: LIF whose currents are w e t/tau exp(-t/tau). PyNN's IF_curr_alpha.
LIF_CURR_ALPHA = compose(
    "LIF_curr_alpha",
    parts.leaky(),
    [parts.alpha_currents()],
    reference="Rall 1967, J Neurophysiol 30:1138; Rotter & Diesmann 1999, Biol Cybern 81:381",
)

#: cm dv/dt = cm (v_rest - v)/tau_m + g_exc (e_rev_E - v) + g_inh (e_rev_I - v) + i_offset.
#: PyNN's IF_cond_exp.
LIF_COND_EXP = compose(
    "LIF_cond_exp",
    parts.leaky(),
    [parts.exponential_conductances()],
    reference=f"{_REVIEW}; {_TEXTBOOK}, section 3.1",
)

#: As LIF_cond_exp, with g = w e t/tau exp(-t/tau). PyNN's IF_cond_alpha.
LIF_COND_ALPHA = compose(
    "LIF_cond_alpha", parts.leaky(), [parts.alpha_conductances()], reference=f"{_REVIEW}; Rall 1967"
)

#: Subtractive inhibition (``inhibitory``, nA, negative weights) beside shunting inhibition
#: (``shunting``, uS).
LIF_SHUNTING = compose(
    "LIF_shunting",
    parts.leaky(),
    [parts.exponential_currents(), parts.shunt()],
    reference="Koch, Poggio & Torre 1983, PNAS 80:2799; Holt & Koch 1997, Neural Comput 9:1001",
)

#: LIF whose reset subtracts v_thresh - v_reset from v, so that no charge is lost on a time grid.
LIF_SUBTRACT = compose(
    "LIF_subtract",
    parts.leaky(parts.BY_SUBTRACTION),
    [parts.exponential_currents(), parts.delta()],
    reference="Rueckauer et al. 2017, Front Neurosci 11:682",
)

#: LIF with dI_sfa/dt = -I_sfa/tau_sfa, I_sfa += q_sfa at a spike; I_sfa is subtracted from the
#: current.
LIF_SFA = compose(
    "LIF_sfa",
    parts.leaky(),
    [parts.exponential_currents(), parts.adaptation_current()],
    reference=f"Benda & Herz 2003, Neural Comput 15:2523; {_TEXTBOOK}, section 6.1",
)

#: LIF_cond_exp with g_sfa (e_rev_sfa - v), g_sfa += q_sfa at a spike.
LIF_COND_EXP_SFA = compose(
    "LIF_cond_exp_sfa",
    parts.leaky(),
    [parts.exponential_conductances(), parts.adaptation_conductance()],
    reference="Muller et al. 2007, Neural Comput 19:2958; Dayan & Abbott 2001, eq. 5.13",
)

#: Brette & Gerstner 2005, table 1, with exponential conductances (PyNN's EIF_cond_exp_isfa_ista;
#: a in uS here).
ADEX = compose(
    "AdEx",
    parts.adaptive_exponential(),
    [parts.exponential_conductances()],
    reference="Brette & Gerstner 2005, J Neurophysiol 94:3637",
    parameters={"e_rev_I": Parameter(-80.0, "mV")},
)

#: Izhikevich 2003, regular spiking, with exponential currents.
IZHIKEVICH = compose(
    "Izhikevich",
    parts.quadratic(),
    [parts.exponential_currents(), parts.delta()],
    reference="Izhikevich 2003, IEEE Trans Neural Netw 14:1569",
)

_TEETER = "Teeter et al. 2018, Nat Commun 9:709, eqs 1-7; medians of their excitatory cells"

#: Medians over the excitatory neurons of mouse V1 that Teeter et al. 2018 fitted each level to
#: (362, 144, 362, 144 and 143 cells). Potentials in mV (the threshold above rest), times in ms, cm
#: in nF. Each parameter has its own median, so no single cell has all of them. The refractory
#: period is that of all 362 cells (4.65 ms for the smaller sets is not a multiple of usual steps).
_MEDIANS = {
    1: {"v_rest": -75.5408, "v_thresh": 34.7498, "cm": 0.107072, "tau_m": 18.996, "t_ref": 4.6},
    2: {"v_rest": -75.1973, "v_thresh": 35.4579, "cm": 0.107339, "tau_m": 18.6244, "t_ref": 4.6},
    3: {"v_rest": -75.5408, "v_thresh": 30.2607, "cm": 0.107072, "tau_m": 19.7622, "t_ref": 4.6},
    4: {"v_rest": -75.1973, "v_thresh": 30.4004, "cm": 0.107339, "tau_m": 19.4063, "t_ref": 4.6},
    5: {"v_rest": -75.2013, "v_thresh": 22.0184, "cm": 0.107218, "tau_m": 19.6667, "t_ref": 4.6},
}
#: Medians of the reset rule (levels 2, 4, 5); the paper gives its decay as a rate in 1/ms.
_RESET_RULE = {
    "voltage_reset_fraction": 0.4957,
    "voltage_reset_add": 7.83,
    "th_spike_tau": 1 / 0.2414,
    "th_spike_add": 2.661,
}
#: Medians of the after-spike currents (levels 3, 4, 5), amplitudes in nA.
_CURRENTS = {
    "asc_tau1": 1000 / 3,
    "asc_tau2": 10.0,
    "asc_amp1": -0.01205,
    "asc_amp2": -0.1952,
}
#: Medians of the threshold that follows the potential (level 5): a_v and b_v in 1/ms.
_FOLLOWING = {"th_voltage_tau": 1 / 0.06855, "th_voltage_gain": 0.02211 / 0.06855}


def glif(level: int, synapses: parts.Part | None = None) -> NeuronModel:
    """The generalized leaky integrate-and-fire neuron of Teeter et al. 2018.

    ::

        cm dv/dt = cm (v_rest - v)/tau_m + I_asc1 + I_asc2 + I
        spike where v >= v_thresh + theta_s + theta_v;  all states held for tau_refrac
        2, 4, 5: v <- v_rest + voltage_reset_fraction (v - v_rest) + voltage_reset_add
        2, 4, 5: dtheta_s/dt = -theta_s/th_spike_tau, raised by th_spike_add
        3, 4, 5: dI_asc/dt = -I_asc/asc_tau, raised by asc_amp
        5:       dtheta_v/dt = (th_voltage_gain (v - v_rest) - theta_v)/th_voltage_tau

    Parameters
    ----------
    level : int
        1 leaky, 2 with reset rules, 3 with after-spike currents, 4 with both, 5 with both and a
        threshold that follows the potential.
    synapses : Part, optional
        Exponential currents by default.

    Returns
    -------
    NeuronModel
        Named GLIF1 to GLIF5.

    Raises
    ------
    SpecError
        If the level is not 1 to 5.

    Notes
    -----
    The potential at a spike is that of the time step at which the threshold crossing is detected;
    NEST's ``glif_psc`` resets from the potential one step earlier, and uses the mean of each
    after-spike current over a step. Both differences vanish as the step decreases.
    ``voltage_reset_add`` is minus the paper's delta V, as in NEST.
    """
    if level not in _MEDIANS:
        raise SpecError(f"there is no GLIF{level}; the levels are 1 to 5", where="level")
    cell = dict(_MEDIANS[level])
    cell["tau_refrac"] = cell.pop("t_ref")
    cell["v_reset"] = cell["v_rest"]
    cell["v_thresh"] = round(cell["v_rest"] + cell["v_thresh"], 4)
    membrane, added = parts.leaky(), [synapses or parts.exponential_currents()]
    if level in (2, 4, 5):
        membrane = _with_reset_rule(membrane)
        added.append(parts.spike_threshold())
        cell |= _RESET_RULE
        del cell["v_reset"]
    if level >= 3:
        added.append(parts.after_spike_currents())
        cell |= _CURRENTS
    if level == 5:
        added.append(parts.voltage_threshold())
        cell |= _FOLLOWING
    model = compose(f"GLIF{level}", membrane, added, reference=_TEETER)
    values = {n: dataclasses.replace(model.parameters[n], default=v) for n, v in cell.items()}
    return dataclasses.replace(model, parameters={**model.parameters, **values})


def _with_reset_rule(membrane: parts.Membrane) -> parts.Membrane:
    rule = {
        "voltage_reset_fraction": Parameter(0.5, "1"),
        "voltage_reset_add": Parameter(8.0, "mV"),
    }
    others = {name: p for name, p in membrane.parameters.items() if name != "v_reset"}
    return dataclasses.replace(
        membrane,
        reset="v = v_rest + voltage_reset_fraction*(v - v_rest) + voltage_reset_add",
        parameters={**others, **rule},
    )


GLIF1, GLIF2, GLIF3, GLIF4, GLIF5 = (glif(level) for level in _MEDIANS)

_NAMES = (
    *("IF", "LIF", "LIF_curr_delta", "LIF_curr_alpha", "LIF_cond_exp", "LIF_cond_alpha"),
    *("LIF_shunting", "LIF_subtract", "LIF_sfa", "LIF_cond_exp_sfa"),
    *("GLIF1", "GLIF2", "GLIF3", "GLIF4", "GLIF5", "AdEx", "Izhikevich"),
)
#: Every model by name: those above, and those of installed packages.
LIBRARY: Registry[NeuronModel] = Registry(
    "neuron",
    "scnnbio.neurons",
    {name: f"scnnbio.neurons.library:{name.upper()}" for name in _NAMES},
    instances(NeuronModel, name="name"),
)
