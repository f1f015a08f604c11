"""Parts from which neurons are composed: membranes, synapses, and after-effects of spikes.

Each part adds terms of the membrane current, equations, terms of the threshold, statements of the
reset, parameters and receptors. :func:`compose` joins them into a
:class:`~scnnbio.neurons.NeuronModel`::

    compose("mine", leaky(), [exponential_currents(), adaptation_current()], reference="...")

Weights are in nA on a current, in uS on a conductance, in mV on a ``membrane`` receptor. They are
peak values, also of alpha currents.
"""

from __future__ import annotations

from scnnbio.neurons.composition import NOT_NEGATIVE, POSITIVE, Membrane, Part, compose
from scnnbio.neurons.variables import Parameter
from scnnbio.units import Millivolts, plain

__all__ = [
    "BY_SUBTRACTION",
    "NOT_NEGATIVE",
    "POSITIVE",
    "TO_VALUE",
    "Membrane",
    "Part",
    "adaptation_conductance",
    "adaptation_current",
    "adaptive_exponential",
    "after_spike_currents",
    "alpha_conductances",
    "alpha_currents",
    "compose",
    "delta",
    "exponential_conductances",
    "exponential_currents",
    "leaky",
    "perfect",
    "quadratic",
    "shunt",
    "spike_threshold",
    "voltage_threshold",
]


# -- membranes ------------------------------------------------------------------------------------

_POTENTIALS = {
    "v_rest": Parameter(-65.0, "mV"),
    "v_reset": Parameter(-65.0, "mV"),
    "v_thresh": Parameter(-50.0, "mV"),
    "cm": Parameter(1.0, "nF", POSITIVE),
}
TO_VALUE = "v = v_reset"
#: The part of the potential above threshold survives the spike.
BY_SUBTRACTION = "v -= v_thresh - v_reset"


def leaky(reset: str = TO_VALUE) -> Membrane:
    """dv/dt = (v_rest - v)/tau_m + I/cm (Gerstner et al. 2014, Neuronal Dynamics, eq. 1.5)."""
    return Membrane(
        "(v_rest - v)/tau_m + ({currents})/cm",
        "v_thresh",
        reset,
        {**_POTENTIALS, "tau_m": Parameter(20.0, "ms", POSITIVE)},
    )


def perfect(reset: str = TO_VALUE) -> Membrane:
    """dv/dt = I/cm, without leak (Lapicque 1907)."""
    return Membrane("({currents})/cm", "v_thresh", reset, _POTENTIALS)


def adaptive_exponential() -> Membrane:
    """AdEx, with the parameters of Brette & Gerstner 2005, J Neurophysiol 94:3637, table 1.

    ::

        cm dv/dt   = cm/tau_m (v_rest - v + delta_T exp((v - v_thresh)/delta_T)) - w + I
        tau_w dw/dt = a (v - v_rest) - w,          at a spike w += b

    The leak conductance is g_L = cm/tau_m = 30 nS. v_thresh is where the upstroke begins to outrun
    the leak; v_spike only ends an upstroke that no longer depends on it.
    """
    return Membrane(
        "(v_rest - v + delta_T*exp((v - v_thresh)/delta_T))/tau_m + ({currents} - w)/cm",
        "v_spike",
        "v = v_reset; w += b",
        {
            "v_rest": Parameter(-70.6, "mV"),
            "v_reset": Parameter(-70.6, "mV"),
            "v_thresh": Parameter(-50.4, "mV"),
            "v_spike": Parameter(-40.0, "mV"),
            "delta_T": Parameter(2.0, "mV", POSITIVE),
            "cm": Parameter(0.281, "nF", POSITIVE),
            "tau_m": Parameter(281 / 30, "ms", POSITIVE),
            "tau_w": Parameter(144.0, "ms", POSITIVE),
            "a": Parameter(0.004, "uS"),
            "b": Parameter(0.0805, "nA"),
        },
        ("dw/dt = (a*(v - v_rest) - w)/tau_w : amp",),
    )


def quadratic() -> Membrane:
    """Izhikevich 2003, IEEE Trans Neural Netw 14:1569, eqs 1-3, regular spiking.

    ::

        v' = 0.04 v^2 + 5 v + 140 - u + I,   u' = a (b v - u),   v >= 30: v = c, u += d

    with v and u in mV and t in ms, which v_unit and t_unit put in; a and b are numbers, as
    printed. With a capacitance of 1 pF, 1 pA corresponds to one unit of I, as in PyNN and NEST.
    """
    return Membrane(
        "(0.04*v**2/v_unit + 5*v + 140*v_unit - u)/t_unit + ({currents})/cm",
        "v_peak",
        "v = c; u += d",
        {
            "a": Parameter(0.02, "1"),
            "b": Parameter(0.2, "1"),
            "c": Parameter(-65.0, "mV"),
            "d": Parameter(8.0, "mV"),
            "v_peak": Parameter(30.0, "mV"),
            "v_init": Parameter(-70.0, "mV"),
            "u_init": Parameter(-14.0, "mV"),
            "v_unit": Parameter(1.0, "mV", POSITIVE),
            "t_unit": Parameter(1.0, "ms", POSITIVE),
            "cm": Parameter(0.001, "nF", POSITIVE),
        },
        ("du/dt = a*(b*v - u)/t_unit : volt",),
        {"v": "v_init", "u": "u_init"},
    )


# -- synapses -------------------------------------------------------------------------------------

_SIDES = (("excitatory", "exc", "E"), ("inhibitory", "inh", "I"))


def _taus(*names: str) -> dict[str, Parameter]:
    return {name: Parameter(5.0, "ms", POSITIVE) for name in names}


def delta() -> Part:
    """A spike moves the potential itself: receptor ``membrane``, weights in mV."""
    return Part(receptors={"membrane": "v"})


def exponential_currents() -> Part:
    """A jump and exp(-t/tau); a negative weight inhibits, subtractively."""
    return Part(
        currents=("I_exc", "I_inh"),
        equations=tuple(f"dI_{x}/dt = -I_{x}/tau_syn_{s} : amp" for _, x, s in _SIDES),
        parameters=_taus("tau_syn_E", "tau_syn_I"),
        receptors={receptor: f"I_{x}" for receptor, x, _ in _SIDES},
    )


def alpha_currents() -> Part:
    """Currents e t/tau exp(-t/tau): the weight is the peak, as in PyNN. A spike raises x."""
    return Part(
        currents=("I_exc", "I_inh"),
        equations=tuple(
            line
            for _, x, s in _SIDES
            for line in (
                f"dI_{x}/dt = (exp(1)*x_{x} - I_{x})/tau_syn_{s} : amp",
                f"dx_{x}/dt = -x_{x}/tau_syn_{s} : amp",
            )
        ),
        parameters=_taus("tau_syn_E", "tau_syn_I"),
        receptors={receptor: f"x_{x}" for receptor, x, _ in _SIDES},
    )


_REVERSALS = {"e_rev_E": Parameter(0.0, "mV"), "e_rev_I": Parameter(-70.0, "mV")}
_DRIVEN = ("g_exc*(e_rev_E - v)", "g_inh*(e_rev_I - v)")


def exponential_conductances() -> Part:
    """Currents g (E - v) with g a jump and exp(-t/tau); weights are not negative."""
    return Part(
        currents=_DRIVEN,
        equations=tuple(f"dg_{x}/dt = -g_{x}/tau_syn_{s} : siemens" for _, x, s in _SIDES),
        parameters={**_taus("tau_syn_E", "tau_syn_I"), **_REVERSALS},
        receptors={receptor: f"g_{x}" for receptor, x, _ in _SIDES},
    )


def alpha_conductances() -> Part:
    """Currents g (E - v) with g = e t/tau exp(-t/tau) at its peak equal to the weight."""
    return Part(
        currents=_DRIVEN,
        equations=tuple(
            line
            for _, x, s in _SIDES
            for line in (
                f"dg_{x}/dt = (exp(1)*x_{x} - g_{x})/tau_syn_{s} : siemens",
                f"dx_{x}/dt = -x_{x}/tau_syn_{s} : siemens",
            )
        ),
        parameters={**_taus("tau_syn_E", "tau_syn_I"), **_REVERSALS},
        receptors={receptor: f"x_{x}" for receptor, x, _ in _SIDES},
    )


def shunt(reversal: Millivolts | None = None) -> Part:
    """Shunting inhibition: a separate conductance, receptor ``shunting``.

    At its reversal potential it carries no current. It lowers the resistance and quickens the
    membrane (Koch, Poggio & Torre 1983, PNAS 80:2799; Holt & Koch 1997, Neural Comput 9:1001, on
    why the firing rate is shifted rather than divided all the same).

    Parameters
    ----------
    reversal : float, optional
        Default, in mV, of a parameter ``e_rev_S`` at which the conductance reverses. None makes it
        reverse at ``v_rest``. A cell under synaptic bombardment stays above its rest, and such a
        shunt then hyperpolarises it: there, give the reversal potential of chloride.

    Raises
    ------
    SpecError
        If ``reversal`` is not a finite potential.

    Examples
    --------
    >>> sorted(shunt("-70 mV").parameters)
    ['e_rev_S', 'tau_syn_S']
    """
    parameters = _taus("tau_syn_S")
    if reversal is not None:
        parameters["e_rev_S"] = Parameter(plain(reversal, "mV", where="reversal"), "mV")
    return Part(
        currents=(f"g_shunt*({'v_rest' if reversal is None else 'e_rev_S'} - v)",),
        equations=("dg_shunt/dt = -g_shunt/tau_syn_S : siemens",),
        parameters=parameters,
        receptors={"shunting": "g_shunt"},
    )


# -- after-effects of spikes ----------------------------------------------------------------------


def adaptation_current() -> Part:
    """Spike-frequency adaptation: every spike adds q_sfa to an outward current that decays."""
    return Part(
        currents=("-I_sfa",),
        equations=("dI_sfa/dt = -I_sfa/tau_sfa : amp",),
        resets=("I_sfa += q_sfa",),
        parameters={"tau_sfa": Parameter(100.0, "ms", POSITIVE), "q_sfa": Parameter(0.05, "nA")},
    )


def adaptation_conductance() -> Part:
    """Spike-frequency adaptation by a potassium conductance that every spike raises by q_sfa."""
    return Part(
        currents=("g_sfa*(e_rev_sfa - v)",),
        equations=("dg_sfa/dt = -g_sfa/tau_sfa : siemens",),
        resets=("g_sfa += q_sfa",),
        # tau_sfa and e_rev_sfa as in Muller et al. 2007 and PyNN; q_sfa scaled to cm = 1 nF.
        parameters={
            "tau_sfa": Parameter(100.0, "ms", POSITIVE),
            "q_sfa": Parameter(0.015, "uS", NOT_NEGATIVE),
            "e_rev_sfa": Parameter(-75.0, "mV"),
        },
    )


def after_spike_currents() -> Part:
    """Two currents that a spike adds to; frozen while refractory (Teeter et al. 2018).

    At a spike, ``I <- asc_r I exp(-tau_refrac/asc_tau) + asc_amp``: what is left after the
    refractory period, which the model leaves out, and the amplitude at its end.
    """
    return Part(
        currents=("I_asc1", "I_asc2"),
        equations=tuple(
            f"dI_asc{k}/dt = -I_asc{k}/asc_tau{k} : amp (unless refractory)" for k in (1, 2)
        ),
        resets=tuple(
            f"I_asc{k} = asc_r{k}*I_asc{k}*exp(-tau_refrac/asc_tau{k}) + asc_amp{k}" for k in (1, 2)
        ),
        parameters={
            "asc_tau1": Parameter(1000 / 3, "ms", POSITIVE),
            "asc_tau2": Parameter(10.0, "ms", POSITIVE),
            "asc_amp1": Parameter(0.0, "nA"),
            "asc_amp2": Parameter(0.0, "nA"),
            "asc_r1": Parameter(1.0, "1"),
            "asc_r2": Parameter(1.0, "1"),
        },
    )


def spike_threshold() -> Part:
    """A threshold that every spike raises, frozen while refractory (Teeter et al. 2018)."""
    return Part(
        equations=("dtheta_s/dt = -theta_s/th_spike_tau : volt (unless refractory)",),
        thresholds=("theta_s",),
        resets=("theta_s = theta_s*exp(-tau_refrac/th_spike_tau) + th_spike_add",),
        parameters={
            "th_spike_tau": Parameter(8.0, "ms", POSITIVE),
            "th_spike_add": Parameter(2.5, "mV"),
        },
    )


def voltage_threshold() -> Part:
    """A threshold that follows the potential, frozen while refractory (Teeter et al. 2018).

    Their dtheta/dt = a_v (v - E_L) - b_v theta, with th_voltage_tau = 1/b_v and
    th_voltage_gain = a_v/b_v: as time constants and ratios without mixed units.
    """
    return Part(
        equations=(
            "dtheta_v/dt = (th_voltage_gain*(v - v_rest) - theta_v)/th_voltage_tau"
            " : volt (unless refractory)",
        ),
        thresholds=("theta_v",),
        parameters={
            "th_voltage_tau": Parameter(15.0, "ms", POSITIVE),
            "th_voltage_gain": Parameter(0.3, "1"),
        },
    )
