"""The step as text: exact where it can be, of first order elsewhere, and Brian2's own."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from scnnbio.backends._expressions import evaluate
from scnnbio.errors import SpecError
from scnnbio.neurons import LIBRARY, NeuronModel, Parameter
from scnnbio.neurons.algebra import propagator
from scnnbio.neurons.brian2_loader import load_brian2
from scnnbio.neurons.coherence import per_ms
from scnnbio.neurons.homeostasis import homeostatic
from scnnbio.neurons.integrator import exact_states, integrator
from tests.contract.driven import NOT_LINEAR

#: A state away from rest that stays below the upstroke for 20 ms.
STARTS = {
    "LIF_cond_exp": {"v": -62.0, "g_exc": 0.05, "g_inh": 0.1},
    "LIF_cond_alpha": {"v": -62.0, "g_exc": 0.02, "x_exc": 0.05, "x_inh": 0.1},
    "LIF_shunting": {"v": -62.0, "I_exc": 1.0, "g_shunt": 0.2},
    "LIF_cond_exp_sfa": {"v": -55.0, "g_exc": 0.05, "g_sfa": 0.06},
    "AdEx": {"v": -55.0, "w": 0.05, "g_exc": 0.005},
    "Izhikevich": {"v": -60.0, "u": -10.0, "I_exc": 0.003},
}
LINEAR = [model for name, model in LIBRARY.items() if name not in STARTS]


def defaults(model: NeuronModel) -> dict[str, np.ndarray]:
    return {name: np.array([p.default]) for name, p in model.parameters.items()}


def simulate(
    model: NeuronModel, start: Mapping[str, float], dt: float, steps: int
) -> list[np.ndarray]:
    """States after every step, by evaluating the text."""
    step, values = integrator(model), defaults(model)
    values |= step.constants(values, dt)
    state = {s.name: np.array([start.get(s.name, 0.0)]) for s in model.states}
    rows = []
    for _ in range(steps):
        names = {**values, **state}
        state = {u.state: evaluate(u.expression, names) for u in step.updates}
        rows.append(np.concatenate(list(state.values())))
    return rows


def truth(model: NeuronModel, start: Mapping[str, float], times: np.ndarray) -> np.ndarray:
    """scipy's Runge-Kutta of order 8, on the equations in plain units."""
    units = {n: p.unit for n, p in model.parameters.items()}
    units |= {s.name: model.unit_of(s.name) for s in model.states}
    rates = [per_ms(s.rate, units, units[s.name]) for s in model.states]
    values = {name: p.default for name, p in model.parameters.items()}

    def slope(_: float, z: np.ndarray) -> list[float]:
        names = {**values, **{s.name: x for s, x in zip(model.states, z, strict=True)}}
        return [float(evaluate(rate, names)) for rate in rates]

    begin = [start.get(s.name, 0.0) for s in model.states]
    solved = solve_ivp(slope, (0, times[-1]), begin, "DOP853", t_eval=times, rtol=1e-10, atol=1e-12)
    return solved.y.T


@pytest.mark.parametrize("model", LINEAR, ids=lambda m: m.name)
def test_a_linear_neuron_goes_by_its_exact_propagator(model: NeuronModel) -> None:
    start = {s.name: 0.1 * (k + 1) for k, s in enumerate(model.states)}
    exact = propagator(model, defaults(model), 0.7)
    expected = exact.matrix[0] @ np.array(list(start.values())) + exact.offset[0]
    assert simulate(model, start, 0.7, 1)[0] == pytest.approx(expected, rel=1e-14, abs=1e-14)


def test_which_models_are_linear() -> None:
    curved = {n for n, m in LIBRARY.items() if len(exact_states(m)) < len(m.states)}
    assert curved == set(STARTS) == set(NOT_LINEAR)
    assert exact_states(LIBRARY["AdEx"]) == ("g_exc", "g_inh")
    assert exact_states(homeostatic(LIBRARY["LIF_cond_exp"], 0.1, 5.0, 500.0)) == (
        *("g_exc", "g_inh", "theta_h", "homeo_trace"),
    )


@pytest.mark.parametrize("name", STARTS)
def test_the_order_is_one(name: str) -> None:
    """Slope of log error of the potential at 8 ms over log dt, against Runge-Kutta."""
    model, start = LIBRARY[name], STARTS[name]
    expected = truth(model, start, np.array([8.0]))[0, 0]
    steps = np.array([40, 80, 160, 320])
    errors = [abs(simulate(model, start, 8.0 / n, n)[-1][0] - expected) for n in steps]
    slope = np.polyfit(np.log(8.0 / steps), np.log(errors), 1)[0]
    assert slope == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("name", ["LIF_cond_exp", "LIF_shunting"])
def test_a_trace_with_conductances_in_fine_steps(name: str) -> None:
    model, start = LIBRARY[name], STARTS[name]
    dt, n = 0.01, 2000
    found = np.array(simulate(model, start, dt, n))
    expected = truth(model, start, np.arange(1, n + 1) * dt)
    # First order: the error is below 1e-3 of the excursion, about 3 mV; the synapses are exact.
    assert found[:, 0] == pytest.approx(expected[:, 0], abs=5e-3)
    assert found[:, 1:] == pytest.approx(expected[:, 1:], abs=1e-8)


@pytest.mark.parametrize("name", ["LIF_cond_exp", "LIF_cond_alpha"])
def test_the_potential_goes_by_brian2s_exponential_euler(name: str) -> None:
    """Brian2's own state updater is the oracle, for one step from the same state."""
    b2 = load_brian2()
    model, start = LIBRARY[name], STARTS[name]
    units = {"mV": b2.mV, "nA": b2.nA, "uS": b2.uS, "nF": b2.nF, "ms": b2.ms}
    # Brian2 knows cm as a centimetre.
    namespace = {
        n.replace("cm", "c_m"): p.default * units[p.unit] for n, p in model.parameters.items()
    }
    group = b2.NeuronGroup(
        1,
        model.equations.replace("(unless refractory)", "").replace("/cm", "/c_m"),
        method="exponential_euler",
        namespace=namespace,
        dt=0.5 * b2.ms,
        codeobj_class=b2.NumpyCodeObject,
    )
    for state, value in start.items():
        setattr(group, state, value * units[model.unit_of(state)])
    b2.Network(group).run(0.5 * b2.ms)
    assert simulate(model, start, 0.5, 1)[0][0] == pytest.approx(float(group.v[0] / b2.mV))


def test_frequencies_are_scaled_to_the_step() -> None:
    """dx/dt = -r x + c from x = 0: c/r (1 - exp(-r t)), with r in Hz and t in ms."""
    model = NeuronModel(
        "rates",
        "dx/dt = -r*x + c : 1\ndy/dt = r*(f - y) : hertz",
        "x > 1",
        "x = 0",
        {"r": Parameter(50.0, "Hz"), "c": Parameter(10.0, "Hz"), "f": Parameter(7.0, "Hz")},
        {},
    )
    curved = NeuronModel(
        "curved",
        "dy/dt = r*(f - y*y/f) : hertz",
        "y > f",
        "y = f",
        {"r": Parameter(50.0, "Hz"), "f": Parameter(7.0, "Hz")},
        {},
    )
    x = simulate(model, {}, 5.0, 1)[0][0]
    assert x == pytest.approx(10 / 50 * (1 - np.exp(-0.25)))
    # dy/dt = r f (1 - (y/f)^2): y = f tanh(r t).
    y = simulate(curved, {}, 0.001, 5000)[-1][0]
    assert y == pytest.approx(7.0 * np.tanh(0.25), rel=1e-4)


def test_a_rate_that_does_not_depend_on_its_state() -> None:
    model = NeuronModel(
        "ramp",
        "dv/dt = u*u/(a*s) : volt\ndu/dt = (int(v > a) - 0.5)*a/s : volt",
        "v > a",
        "v = 0*a",
        {"a": Parameter(1.0, "mV"), "s": Parameter(10.0, "ms")},
        {},
    )
    step = integrator(model)
    assert not any(u.exact or "exprel" in u.expression for u in step.updates)
    found = simulate(model, {"v": 2.0, "u": 3.0}, 0.5, 1)[0]
    assert found == pytest.approx([2.0 + 0.5 * 9 / 10, 3.0 + 0.5 * 0.5 / 10])


def test_a_rate_without_derivative_is_refused() -> None:
    model = NeuronModel(
        "steps",
        "dv/dt = -floor(v/a)*a/s : volt",
        "v > a",
        "v = 0*a",
        {"a": Parameter(1.0, "mV"), "s": Parameter(10.0, "ms")},
        {},
    )
    with pytest.raises(
        SpecError, match=r"steps\.dv/dt: the rate has no closed-form derivative in 'v'"
    ):
        integrator(model)


def test_sets_of_parameters_and_names_that_are_taken() -> None:
    model = NeuronModel(
        "two",
        "dv/dt = -v/p_v_v : volt",
        "v > a",
        "v = 0*a",
        {"p_v_v": Parameter(10.0, "ms"), "a": Parameter(1.0, "mV")},
        {},
    )
    step = integrator(model)
    assert step.updates[0].expression == "p_v_v_*v"
    found = step.constants({"p_v_v": np.array([10.0, 20.0]), "a": np.ones(2)}, 1.0)
    assert found["p_v_v_"] == pytest.approx(np.exp([-0.1, -0.05]))


def test_forward_euler_is_the_state_and_its_rate_times_the_step():
    """Against the update written by hand, on an unstable step: nothing exact is left in it."""
    model = dataclasses.replace(LIBRARY["LIF"], integrator="forward-euler")
    assert exact_states(model) == ()
    step, dt = integrator(model), 30.0
    names = {"v": -60.0, "I_exc": 2.0, "I_inh": -0.5}
    values = {n: p.default for n, p in model.parameters.items()} | {step.dt: dt, **names}
    found = {u.state: evaluate(u.expression, values) for u in step.updates}
    assert found["I_exc"] == pytest.approx(2.0 - dt * 2.0 / 5.0)
    assert found["I_inh"] == pytest.approx(-0.5 + dt * 0.5 / 5.0)
    # (-65 + 60)/20 + 1.5/1 mV/ms
    assert found["v"] == pytest.approx(-60.0 + dt * (-0.25 + 1.5))


def test_an_integrator_of_another_name_is_refused():
    with pytest.raises(SpecError, match="forward-euler"):
        dataclasses.replace(LIBRARY["LIF"], integrator="rk4")


def test_constants_that_sympy_has_names_for_are_numbers_in_a_slope() -> None:
    """exp(1) of a rate is "e" to sympy's printer, and no name of the neuron."""
    model = NeuronModel(
        "curved",
        "dv/dt = (exp(1)*v - v**2/unit)/tau : volt",
        "v >= top",
        "v = 0*top",
        {name: Parameter(1.0, unit) for name, unit in
         {"tau": "ms", "unit": "mV", "top": "mV"}.items()},
        {},
    )  # fmt: skip
    assert integrator(model).names == {"v", "tau", "unit", "step"}
    a = math.e - 2 * 0.5
    expected = 0.5 + 0.1 * (math.e * 0.5 - 0.25) * math.expm1(0.1 * a) / (0.1 * a)
    assert simulate(model, {"v": 0.5}, 0.1, 1)[0][0] == pytest.approx(expected, rel=1e-14)
