"""The library's neurons against equations written down anew, closed forms and published numbers."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from scnnbio.errors import SpecError
from scnnbio.neurons import LIBRARY, LIF, NeuronModel, Parameter
from scnnbio.neurons.algebra import linear_system
from scnnbio.neurons.composition import compose
from scnnbio.neurons.homeostasis import homeostatic
from scnnbio.neurons.library import glif
from scnnbio.neurons.linearised import effective_membrane
from scnnbio.neurons.parts import alpha_currents, delta, exponential_currents, leaky, shunt
from scnnbio.neurons.rates import firing_rate
from scnnbio.neurons.synapses import AlphaKernel, ExponentialKernel
from tests.neurons.driven import run, spike_times, trace, values


def test_names() -> None:
    assert set(LIBRARY) == {
        *("IF", "LIF", "LIF_curr_delta", "LIF_curr_alpha", "LIF_cond_exp", "LIF_cond_alpha"),
        *("LIF_shunting", "LIF_subtract", "LIF_sfa", "LIF_cond_exp_sfa", "AdEx", "Izhikevich"),
        *("GLIF1", "GLIF2", "GLIF3", "GLIF4", "GLIF5"),
    }


@pytest.mark.parametrize(
    ("name", "cell", "renamed"),
    [
        ("LIF", "IF_curr_exp", {}),
        ("LIF_curr_alpha", "IF_curr_alpha", {}),
        ("LIF_cond_exp", "IF_cond_exp", {}),
        ("LIF_cond_alpha", "IF_cond_alpha", {}),
        ("AdEx", "EIF_cond_exp_isfa_ista", {}),
    ],
)
def test_parameters_are_named_as_in_pynn(name: str, cell: str, renamed: dict[str, str]) -> None:
    """PyNN's own table of defaults; values where both cite the same paper."""
    from pyNN.standardmodels import cells

    defaults = getattr(cells, cell).default_parameters
    assert set(LIBRARY[name].parameters) == set(defaults)
    if name == "AdEx":
        ours = {n: p.default for n, p in LIBRARY[name].parameters.items()}
        # PyNN rounds tau_m to four digits, counts a in nS and holds for 0.1 ms.
        pynn = {**defaults, "a": defaults["a"] * 1e-3, "tau_refrac": 0.0}
        assert ours == pytest.approx(pynn, rel=1e-5)


@pytest.mark.parametrize(
    ("name", "states", "kernel"),
    [
        ("LIF", ("I_exc",), ExponentialKernel(5.0)),
        ("LIF_curr_alpha", ("x_exc", "I_exc"), AlphaKernel(5.0, "peak")),
    ],
)
def test_synapses_are_their_kernels(name: str, states: tuple[str, ...], kernel) -> None:
    """The equations' impulse response at the receptor is the kernel of unit peak."""
    from scipy.linalg import expm

    model = LIBRARY[name]
    matrix, _ = linear_system(model)
    names = [s.name for s in model.states]
    rows = [names.index(s) for s in states]
    block = np.array(
        matrix.extract(rows, rows).subs("tau_syn_E", 0.005).subs(_real("tau_syn_E"), 0.005),
        dtype=float,
    )
    for t in (0.0, 1.0, 5.0, 12.0):
        response = expm(block * t * 1e-3)[-1, 0]
        assert response == pytest.approx(float(kernel.response(t)), abs=1e-12)


def _real(name: str):
    import sympy

    return sympy.Symbol(name, real=True)


# -- GLIF -----------------------------------------------------------------------------------------


def teeter(level: int, current: float, duration: float) -> list[float]:
    """Spike times by the paper's equations 1-7, solved between events; SI-free, in ms, mV, nA."""
    p = values(glif(level))
    asc, rule, follows = level >= 3, level in (2, 4, 5), level == 5

    def rates(_: float, z: np.ndarray) -> list[float]:
        v, i1, i2, ts, tv = z
        rest, tau, cm = p["v_rest"], p["tau_m"], p["cm"]
        return [
            -(v - rest) / tau + (current + i1 + i2) / cm,
            -i1 / p["asc_tau1"] if asc else 0.0,
            -i2 / p["asc_tau2"] if asc else 0.0,
            -ts / p["th_spike_tau"] if rule else 0.0,
            (p["th_voltage_gain"] * (v - rest) - tv) / p["th_voltage_tau"] if follows else 0.0,
        ]

    def over(_: float, z: np.ndarray) -> float:
        return z[0] - z[3] - z[4] - p["v_thresh"]

    over.terminal, over.direction = True, 1  # type: ignore[attr-defined]
    z, t, spikes = np.array([p["v_rest"], 0, 0, 0, 0]), 0.0, []
    while t < duration:
        part = solve_ivp(rates, (t, duration), z, events=over, rtol=1e-9, atol=1e-11)
        t, z = part.t[-1], part.y[:, -1].copy()
        if not len(part.t_events[0]):
            break
        spikes.append(t)
        if rule:
            above = z[0] - p["v_rest"]
            z[0] = p["v_rest"] + p["voltage_reset_fraction"] * above + p["voltage_reset_add"]
            z[3] = z[3] * np.exp(-p["tau_refrac"] / p["th_spike_tau"]) + p["th_spike_add"]
        else:
            z[0] = p["v_reset"]
        if asc:
            z[1] = z[1] * np.exp(-p["tau_refrac"] / p["asc_tau1"]) + p["asc_amp1"]
            z[2] = z[2] * np.exp(-p["tau_refrac"] / p["asc_tau2"]) + p["asc_amp2"]
        t += p["tau_refrac"]
    return spikes


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
def test_glif_fires_as_the_papers_equations(level: int) -> None:
    """An event-driven solution is the oracle; the grid delays each spike by up to a step."""
    found = spike_times(run(glif(level), 80.0, dt=0.02, i_offset=0.6))
    expected = teeter(level, 0.6, 80.0)
    assert len(expected) > 3
    assert len(found) == len(expected)
    late = found - np.array(expected)
    assert np.all(late > 0)
    assert late[-1] < 0.04 * len(expected)


def test_glif_levels_adapt() -> None:
    """After-spike currents of this cell lengthen intervals; without them they stay the same."""
    for level, adapts in ((1, False), (3, True)):
        intervals = np.diff(spike_times(run(glif(level), 400.0, dt=0.2, i_offset=0.5)))
        assert bool(intervals[-1] > 1.05 * intervals[0]) is adapts


def test_glif_of_no_level() -> None:
    with pytest.raises(SpecError, match="the levels are 1 to 5"):
        glif(6)


def test_glif_with_other_synapses() -> None:
    assert "x_exc" in [s.name for s in glif(3, alpha_currents()).states]


# -- resets and adaptation ------------------------------------------------------------------------


def test_reset_by_subtraction_keeps_what_is_above_threshold() -> None:
    model = LIBRARY["LIF_subtract"]
    once = run(model, 60.0, dt=1.0, i_offset=1.5)
    time, v = trace(once)
    first = spike_times(once)[0]
    p = values(model)
    drive = p["v_rest"] + 1.5 * p["tau_m"] / p["cm"]
    before = drive + (p["v_rest"] - drive) * np.exp(-first / p["tau_m"])
    assert before > p["v_thresh"]
    assert v[time == first][0] == pytest.approx(before - 15.0)


@pytest.mark.slow
def test_adaptation_reaches_the_rate_that_its_mean_current_leaves() -> None:
    """With tau_sfa long, f = f_0(I - q tau f): the mean of the outward current is q tau f."""
    found = run(LIBRARY["LIF_sfa"], 4000.0, dt=0.25, i_offset=1.5, tau_sfa=1000.0, q_sfa=0.02)
    times = spike_times(found)
    rate = 1e3 / np.diff(times)[-5:].mean()
    left = 1.5 - 0.02 * 1000.0 * rate * 1e-3
    assert rate == pytest.approx(float(firing_rate(LIF, left)), rel=0.02)
    assert 1e3 / np.diff(times)[0] > 1.5 * rate


def test_shunting_at_rest_carries_no_current() -> None:
    model = LIBRARY["LIF_shunting"]
    rate = model.sympy()["v"].subs({_real("v"): _real("v_rest"), _real("i_offset"): 0})
    assert {str(s) for s in rate.free_symbols} == {"I_exc", "I_inh", "cm"}


def test_a_shunt_with_a_reversal_of_its_own_draws_the_membrane_there() -> None:
    """v settles at (g_L E_L + g E_S) / (g_L + g); ``shunt()`` itself is the text of always."""
    model = compose("own", leaky(), [shunt("-65 mV")], reference="this test")
    assert shunt().currents == ("g_shunt*(v_rest - v)",)
    assert set(shunt().parameters) == {"tau_syn_S"}
    at = {"v_rest": -80.0, "tau_m": 20.0, "cm": 1.0}
    leak, open_ = 0.05, 0.15
    found = effective_membrane(model, {"g_shunt": open_}, at)
    rest = (leak * -80.0 + open_ * -65.0) / (leak + open_)
    assert found.v_inf == pytest.approx(rest)
    assert found.tau == pytest.approx(1.0 / (leak + open_))
    moved = effective_membrane(model, {"g_shunt": open_}, {**at, "e_rev_S": -70.0})
    assert moved.v_inf == pytest.approx((leak * -80.0 + open_ * -70.0) / (leak + open_))
    # The same in a run, of a conductance that hardly falls.
    at |= {"tau_syn_S": 1e9}
    _, v = trace(run(model, 100.0, initial={"g_shunt": open_, "v": -80.0}, **at))
    assert v[-1] == pytest.approx(rest, abs=1e-5)
    with pytest.raises(SpecError, match="reversal"):
        shunt("3 nS")


# -- homeostasis ----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", ["LIF", "LIF_subtract", "GLIF5"])
def test_homeostasis_brings_the_rate_to_its_target(name: str) -> None:
    model = homeostatic(LIBRARY[name], eta=1.0, target=20.0, tau=100.0)
    current = 0.4 if name.startswith("GLIF") else 2.0
    times = spike_times(run(model, 5000.0, dt=0.5, i_offset=current, tau_refrac=5.0))
    # The loop's slow eigenvalue is about -2/s here: five time constants go by before counting.
    early, late = (np.sum((times > a) & (times <= b)) for a, b in ((0, 100), (2500, 5000)))
    assert early > 4  # far from the target at first
    assert late / 2.5 == pytest.approx(20.0, abs=0.5)


def test_homeostasis_moves_the_threshold_wherever_it_is_named() -> None:
    adex = homeostatic(LIBRARY["AdEx"], "0.1 mV", "5 Hz", "1 s")
    assert "v_thresh + theta_h" in adex.equations
    assert adex.parameters["homeo_tau"].default == 1000.0
    assert [s.name for s in adex.states if s.held_when_refractory] == ["v"]
    adex.sympy()


@pytest.mark.parametrize(
    ("model", "changes", "message"),
    [
        (LIBRARY["Izhikevich"], {}, "'v_thresh' is not a parameter of 'Izhikevich' in mV"),
        (LIF, {"parameter": "tau_m"}, "in mV"),
        (LIF, {"target": 0.0}, "homeo_target: 0.0 is not positive"),
        (
            dataclasses.replace(
                LIF, parameters={**LIF.parameters, "v_x": Parameter(1, "mV")}, name="more"
            ),
            {"parameter": "v_x"},
            "no expression of 'more' names 'v_x'",
        ),
    ],
)
def test_homeostasis_refuses(model: NeuronModel, changes: dict, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        homeostatic(model, **{"eta": 0.1, "target": 5.0, "tau": 100.0, **changes})


# -- composing, and plain units -------------------------------------------------------------------


def test_two_parts_may_not_bring_the_same() -> None:
    with pytest.raises(SpecError, match=r"mine: two parts have the receptor 'excitatory'"):
        compose("mine", leaky(), [exponential_currents(), alpha_currents()], reference="")
    with pytest.raises(SpecError, match="two parts have the receptor 'membrane'"):
        compose("mine", leaky(), [delta(), delta()], reference="")


def test_a_reset_in_which_hz_meets_ms_is_refused() -> None:
    """Evaluated in plain units, exp(-r tau) would be off by a thousand in its exponent."""
    rate = {**LIF.parameters, "r": Parameter(10.0, "Hz")}
    for reset, threshold in (
        ("v = v_reset*exp(-r*tau_m)", "v >= v_thresh"),
        ("v = v_reset + r*tau_m*v", "v >= v_thresh"),
        ("v = v_reset", "v >= v_thresh*(1 + r*tau_m)"),
        ("v = v_reset", "r*tau_m > 1"),
        ("v *= r*tau_m", "v >= v_thresh"),
        ("v = v_reset*(r*tau_m)**2", "v >= v_thresh"),
    ):
        model = dataclasses.replace(LIF, parameters=rate, reset=reset, threshold=threshold)
        with pytest.raises(SpecError, match="write it with a time constant"):
            model.sympy()


def test_a_reset_in_coherent_units_is_taken() -> None:
    more = {
        **LIF.parameters,
        "r": Parameter(10.0, "Hz"),
        "s": Parameter(5.0, "Hz"),
        "R": Parameter(10.0, "MOhm"),
    }
    for reset in (
        "v = v_reset*exp(-r/s)",
        "v = v_rest + R*i_offset + i_offset*tau_m/cm - sqrt(v*v)*(r/s)**2",
        "v = clip(v, v_reset, v_thresh) + abs(v)*sign(r) + v*int(v > v_rest)",
        "v = v_reset + 0*v*exp(-R*cm/tau_m)",
    ):
        dataclasses.replace(LIF, parameters=more, reset=reset).sympy()
