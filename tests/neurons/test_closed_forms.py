"""What follows from the equations, each against a simulation."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

from scnnbio.errors import SpecError
from scnnbio.neurons import IF, LIBRARY, LIF, NeuronModel
from scnnbio.neurons.algebra import propagator
from scnnbio.neurons.closed_form import closed_form, equilibrium, transfer_function
from scnnbio.neurons.homeostasis import homeostatic
from scnnbio.neurons.linearised import (
    effective_membrane,
    euler_stability,
    fixed_point,
    frequency_response,
    linearise,
)
from scnnbio.neurons.rates import firing_rate, homeostasis_eigenvalues
from scnnbio.neurons.synapses import AlphaKernel
from scnnbio.units import si_factor
from tests.neurons.driven import run, spike_times, trace, values


def number(
    expression: sympy.Expr, model: NeuronModel, start: dict[str, float], t: float, **p: float
) -> float:
    """A closed form's value in the unit of v, from plain numbers."""
    si = {sympy.Symbol("t", real=True): t * 1e-3}
    for name, value in values(model, **p).items():
        si[sympy.Symbol(name, real=True)] = value * si_factor(model.parameters[name].unit)
    for state in model.states:
        factor = si_factor(model.unit_of(state.name))
        si[sympy.Symbol(f"{state.name}_0", real=True)] = start.get(state.name, 0.0) * factor
    return float(expression.subs(si)) * 1e3


MODELS = ["IF", "LIF", "LIF_curr_alpha", "LIF_sfa", "GLIF3"]


@pytest.mark.parametrize("name", MODELS)
def test_the_closed_form_is_the_exact_step(name: str) -> None:
    """The exponential of the augmented matrix is the oracle, here with unequal time constants."""
    model = LIBRARY[name]
    start = {s.name: 0.3 * (k + 1) for k, s in enumerate(model.states)}
    p = {"tau_syn_E": 3.0, "tau_syn_I": 8.0, "i_offset": 0.2}
    formula = closed_form(model)["v"]
    for t in (0.0, 1.0, 12.0):
        sets = {n: np.array([v]) for n, v in values(model, **p).items()}
        exact = propagator(model, sets, t)
        expected = (exact.matrix[0] @ np.array(list(start.values())) + exact.offset[0])[0]
        found = number(formula, model, start, t, **p)
        assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", ["LIF", "LIF_curr_alpha"])
def test_equal_time_constants(name: str) -> None:
    model, start = LIBRARY[name], {"v": -60.0, "I_exc": 1.0, "x_exc": 2.0, "I_inh": -0.5}
    p = {"tau_syn_E": 20.0}
    sets = {n: np.array([v]) for n, v in values(model, **p).items()}
    for t in (2.0, 30.0):
        exact = propagator(model, sets, t)
        z = np.array([start.get(s.name, 0.0) for s in model.states])
        found = number(closed_form(model, {"tau_syn_E": "tau_m"})["v"], model, start, t, **p)
        assert found == pytest.approx((exact.matrix[0] @ z + exact.offset[0])[0], rel=1e-12)


def test_the_closed_form_of_a_simulated_trace() -> None:
    time, v = trace(run(LIF, 40.0, dt=0.5, i_offset=0.5))
    formula = closed_form(LIF)["v"]
    for k in (0, 1, 30, 79):
        expected = number(formula, LIF, {"v": -65.0}, time[k], i_offset=0.5, tau_syn_E=4.0)
        assert v[k] == pytest.approx(expected, abs=1e-9)


def test_closed_forms_that_do_not_exist() -> None:
    circle = NeuronModel(
        "circle",
        "dx/dt = -y/s : 1\ndy/dt = x/s : 1",
        "x > 2",
        "x = 0",
        {"s": LIF.parameters["tau_m"]},
        {},
    )
    with pytest.raises(SpecError, match="x, y depend on each other in a cycle"):
        closed_form(circle)
    with pytest.raises(SpecError, match="not linear"):
        closed_form(LIBRARY["AdEx"])
    with pytest.raises(SpecError, match=r"LIF\.equal: 'tau_x'"):
        closed_form(LIF, {"tau_x": "tau_m"})


# -- equilibrium ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["LIF", "LIF_cond_exp", "GLIF5", "LIF_cond_alpha"])
def test_equilibrium_in_symbols_and_in_numbers(name: str) -> None:
    model = LIBRARY[name]
    found = fixed_point(model, {"i_offset": 0.1})
    p = values(model)
    assert found["v"] == pytest.approx(p["v_rest"] + 0.1 * p["tau_m"] / p["cm"])
    for state, formula in equilibrium(model).items():
        expected = number(formula, model, {}, 0.0, i_offset=0.1)
        scale = 1e3 * si_factor(model.unit_of(state))
        assert found[state] * scale == pytest.approx(expected, abs=1e-12)


@pytest.mark.slow
def test_equilibria_of_curved_neurons() -> None:
    """Izhikevich: 0.04 v^2 + (5 - b) v + 140 = 0, so -70 and -50 mV at b = 0.2."""
    model = LIBRARY["Izhikevich"]
    assert fixed_point(model)["v"] == pytest.approx(-70.0)
    assert fixed_point(model, start={"v": -45.0})["v"] == pytest.approx(-50.0)
    assert np.linalg.eigvals(linearise(model, at={"v": -50.0, "u": -10.0}).matrix).real.max() > 0
    # AdEx rests just above E_L, where the exponential lifts it by delta_T exp((E_L - V_T)/delta_T).
    assert fixed_point(LIBRARY["AdEx"])["v"] == pytest.approx(-70.6, abs=1e-3)
    with pytest.raises(SpecError, match="no fixed point near the start"):
        fixed_point(model, {"i_offset": 0.05})


def test_equilibria_that_do_not_exist() -> None:
    with pytest.raises(
        SpecError, match=r"IF\.dv/dt: 'v' has no equilibrium .* does not depend on it"
    ):
        equilibrium(IF)
    with pytest.raises(SpecError, match="its equation is nonlinear"):
        equilibrium(
            NeuronModel(
                "square",
                "dv/dt = v*v/(a*s) : volt",
                "v > a",
                "v = 0*a",
                {"a": LIF.parameters["v_rest"], "s": LIF.parameters["tau_m"]},
                {},
            )
        )


# -- forward Euler --------------------------------------------------------------------------------


def test_forward_eulers_limit_is_twice_the_membrane_time_constant() -> None:
    model = LIBRARY["LIF_curr_delta"]
    stability = euler_stability(model)
    assert stability.limit == pytest.approx(40.0)
    for dt, regime, grows in (
        (5.0, "decays", False),
        (30.0, "alternates", False),
        (39.9, "alternates", False),
        (40.1, "diverges", True),
        (50.0, "diverges", True),
    ):
        assert stability.regime(dt) == regime
        deviation = 1.0
        for _ in range(100):  # forward Euler itself
            deviation += dt * -deviation / 20.0
        assert bool(abs(deviation) > 1) is grows
        assert deviation == pytest.approx(float(stability.factors(dt)[0].real) ** 100)


def test_the_fastest_state_sets_the_limit() -> None:
    assert euler_stability(LIF, {"tau_syn_E": 2.0}).limit == pytest.approx(4.0)
    assert euler_stability(IF).limit == pytest.approx(10.0)
    # A conductance of 0.05 uS beside a leak of 0.05 uS halves the time constant, so the limit too.
    p = {"tau_syn_E": 100.0, "tau_syn_I": 100.0, "tau_syn_S": 100.0}
    open_ = linearise(LIBRARY["LIF_shunting"], p, {"v": -65.0, "g_shunt": 0.05})
    assert -2 / np.diag(open_.matrix).min() == pytest.approx(20.0)
    at = {"v": -65.0, "g_shunt": 0.05}
    assert euler_stability(LIBRARY["LIF_shunting"], p, at).limit == pytest.approx(20.0)


def test_complex_eigenvalues_in_an_euler_loop() -> None:
    """Limit -2 Re/|e|^2 of a damped oscillator, against iterating the map."""
    s = LIF.parameters["tau_m"]
    model = NeuronModel(
        "ring",
        "dx/dt = (-x - 3*y)/s : 1\ndy/dt = (3*x - y)/s : 1",
        "x > 2",
        "x = 0",
        {"s": s},
        {},
    )
    limit = euler_stability(model).limit
    assert limit == pytest.approx(20.0 * 2 / 10)
    for factor, grows in ((0.98, False), (1.02, True)):
        step = np.eye(2) + factor * limit * np.array([[-1, -3], [3, -1]]) / 20.0
        norm = np.linalg.norm(np.linalg.matrix_power(step, 2000))
        assert bool(norm > 2) is grows


def test_no_step_is_stable_where_the_point_is_not() -> None:
    with pytest.raises(SpecError, match="itself is unstable"):
        euler_stability(LIBRARY["Izhikevich"], at={"v": -50.0, "u": -10.0})


# -- rates ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["LIF", "IF", "LIF_cond_exp", "GLIF1"])
def test_the_rate_on_the_grid_is_that_of_the_simulation(name: str) -> None:
    model, dt = LIBRARY[name], 0.1
    for current in (0.53, 0.91, 1.7):
        if name == "LIF_cond_exp":  # nonlinear for the backend: the same membrane, as LIF
            simulated, other = LIF, LIBRARY[name]
        else:
            simulated = other = model
        times = spike_times(run(simulated, 200.0, dt=dt, i_offset=current, tau_refrac=2.0))
        expected = float(firing_rate(other, current, {"tau_refrac": 2.0}, dt=dt))
        if expected == 0:
            assert not len(times)
        else:
            assert 1e3 / np.diff(times) == pytest.approx(expected)
        free = float(firing_rate(other, current, {"tau_refrac": 2.0}))
        assert free == pytest.approx(expected, rel=0.02)


def test_the_f_i_curve_of_the_textbook() -> None:
    """1 / (t_ref + tau ln(RI / (RI - 15 mV))), with R = 20 MOhm and tau = 20 ms."""
    found = firing_rate(LIF, [0.7, 0.75, 0.8, 3.0, 1e9], {"tau_refrac": 4.0})
    expected = [0, 0, *(1e3 / (4 + 20 * np.log(20 * i / (20 * i - 15))) for i in (0.8, 3.0)), 250]
    assert found == pytest.approx(np.array(expected))


def test_subtractive_and_shunting_inhibition_on_the_f_i_curve() -> None:
    """Both move the rheobase; by g (v_thresh - v_rest) for the shunt (Holt & Koch 1997)."""
    model = LIBRARY["LIF_shunting"]
    current = np.linspace(0.8, 6, 30)
    shifted = firing_rate(model, current, held={"I_inh": -0.3})
    assert shifted == pytest.approx(firing_rate(model, current - 0.3))
    rheobase = 0.75 + 0.05 * 15
    below, above = firing_rate(model, [rheobase - 1e-6, rheobase + 1e-6], held={"g_shunt": 0.05})
    assert below == 0
    assert above > 0


def test_rates_that_have_no_such_form() -> None:
    with pytest.raises(SpecError, match="a spike also changes I_sfa"):
        firing_rate(LIBRARY["LIF_sfa"], 1.0)
    with pytest.raises(SpecError, match="not linear in v"):
        firing_rate(LIBRARY["AdEx"], 1.0)
    with pytest.raises(SpecError, match="does not reset v below its threshold"):
        firing_rate(LIF, 1.0, {"v_reset": -50.0})


def test_an_open_conductance_shortens_and_divides() -> None:
    """g_L = 0.05 uS; with 0.15 uS more, a quarter of both, and a mean of the reversals."""
    leak = effective_membrane(LIF)
    assert (leak.tau, leak.resistance, leak.v_inf) == pytest.approx((20.0, 20.0, -65.0))
    open_ = effective_membrane(
        LIBRARY["LIF_cond_exp"], {"g_exc": 0.05, "g_inh": 0.1}, {"i_offset": 0.2}
    )
    v_inf = (0.05 * -65 + 0.05 * 0 + 0.1 * -70 + 0.2) / 0.2
    assert (open_.tau, open_.resistance, open_.v_inf) == pytest.approx((5.0, 5.0, v_inf))
    assert np.isinf(effective_membrane(IF).tau)
    with pytest.raises(SpecError, match="'g_x'"):
        effective_membrane(LIF, {"g_x": 1.0})


# -- transfer functions ---------------------------------------------------------------------------


def test_the_transfer_function_is_kernel_times_membrane() -> None:
    """R/(1 + s tau_m) times the kernel's own, in mV ms per nA."""
    frequency = np.array([0.0, 5.0, 40.0, 200.0])
    model = LIBRARY["LIF_curr_alpha"]
    found = frequency_response(model, "excitatory", frequency)
    s = 2j * np.pi * frequency * 1e-3
    assert found == pytest.approx(20.0 / (1 + s * 20.0) * AlphaKernel(5.0).transfer(frequency))
    formula = transfer_function(model, "excitatory")
    p = {sympy.Symbol(n, real=True): v for n, v in (("tau_m", 0.02), ("tau_syn_E", 0.005))}
    p[sympy.Symbol("cm", real=True)] = 1e-9
    for f, h in zip(frequency, found, strict=True):
        value = complex(formula.subs({**p, sympy.Symbol("s"): 2j * np.pi * f}))
        # V s / A is 1e-3 mV ms / nA, up to powers of ten: 1e3 * 1e3 * 1e-9.
        assert value * 1e-3 == pytest.approx(h, rel=1e-9)


def test_the_transfer_function_against_a_modulated_train() -> None:
    """A train whose density follows a sine, put through the exact step: gain and phase."""
    dt, frequency = 0.1, 20.0
    sets = {n: np.array([v]) for n, v in values(LIF).items()}
    exact = propagator(LIF, sets, dt)
    time = np.arange(1, 8001) * dt
    rate = np.sin(2 * np.pi * frequency * 1e-3 * time)
    z, v = np.array([-65.0, 0.0, 0.0]), []
    for r in rate:
        z = exact.matrix[0] @ z + exact.offset[0]
        z[1] += r * dt
        v.append(z[0] + 65.0)
    late = time > 300
    basis = np.exp(2j * np.pi * frequency * 1e-3 * time[late])
    gain = 2 * np.mean(np.array(v)[late] * np.conj(basis)) * 1j
    expected = frequency_response(LIF, "excitatory", frequency)
    assert gain == pytest.approx(complex(expected), rel=0.02)


def test_a_transfer_function_about_an_open_conductance() -> None:
    """At DC, one spike a ms of weight w opens w tau; dv/dg = R (E - v)."""
    model, held = LIBRARY["LIF_cond_exp"], {"v": -65.0, "g_inh": 0.05}
    found = complex(frequency_response(model, "excitatory", 0.0, at=held))
    assert found == pytest.approx(5.0 * 10.0 * 65.0)
    with pytest.raises(SpecError, match="'membrane' is not one of excitatory, inhibitory"):
        frequency_response(model, "membrane", 0.0)
    with pytest.raises(SpecError, match="'x' is not one of"):
        transfer_function(LIF, "excitatory", "x")


# -- homeostasis ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("eta", "tau"), [(0.05, 200.0), (0.2, 200.0), (2.0, 400.0)])
def test_the_eigenvalues_of_the_homeostatic_loop(eta: float, tau: float) -> None:
    """Trace of the 2 x 2 Jacobian -1/tau and determinant -eta s/tau, by numpy's eigenvalues."""
    slope = -3.0
    jacobian = [[0.0, eta], [slope * 1e-3 / tau, -1 / tau]]  # f in spikes a ms
    expected = np.sort_complex(np.linalg.eigvals(jacobian))
    found = np.sort_complex(homeostasis_eigenvalues(slope, eta, tau))
    assert found == pytest.approx(expected)
    oscillates = abs(found[0].imag) > 0
    assert bool(oscillates) is (eta * 3e-3 * tau > 0.25)


@pytest.mark.slow
def test_a_homeostatic_threshold_returns_with_its_eigenvalue() -> None:
    """The threshold's distance to its end falls as exp(lambda t), lambda from measured df/dV_th."""
    eta, tau, target, current = 0.5, 100.0, 40.0, 2.0
    model = homeostatic(LIF, eta, target, tau)
    # Where the rate is on target, and the slope there, from the measured f(V_th).
    levels = np.linspace(-55, -35, 4001)
    measured = np.array(
        [float(firing_rate(LIF, current, {"v_thresh": level})) for level in levels[::20]]
    )
    rest = np.interp(-target, -measured, levels[::20])
    slope = np.interp(rest, levels[::20], np.gradient(measured, levels[::20]))
    found = run(model, 4000.0, 0.2, ("theta_h",), i_offset=current, v_thresh=rest - 2.0)
    time, theta = trace(found, "theta_h")
    # Means over four intervals of 25 ms smooth the sawtooth of single spikes.
    width = 500
    means = theta[: len(theta) // width * width].reshape(-1, width).mean(axis=1)
    centres = time[: len(means) * width].reshape(-1, width).mean(axis=1)
    distance = means[-6:].mean() - means
    chosen = (centres > 300) & (centres < 1500)
    fitted = np.polyfit(centres[chosen], np.log(distance[chosen]), 1)[0]
    assert fitted == pytest.approx(homeostasis_eigenvalues(slope, eta, tau)[0].real, rel=0.1)
