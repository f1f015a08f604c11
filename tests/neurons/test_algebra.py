"""The exact step against closed forms, and against a numerical integrator on random systems."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest
from mpmath import mp
from scipy.integrate import solve_ivp

from scnnbio.errors import SpecError
from scnnbio.neurons import IF, LIF, NeuronModel, Parameter
from scnnbio.neurons.algebra import _exponential, linear_system, propagator


def sets(model: NeuronModel, **values: object) -> dict[str, np.ndarray]:
    """Every parameter, one value a set; those not given at their defaults."""
    n = max((np.size(v) for v in values.values()), default=1)
    return {
        name: np.broadcast_to(np.asarray(values.get(name, p.default), float), (n,))
        for name, p in model.parameters.items()
    }


def step(model: NeuronModel, state: Mapping[str, float], dt: float, **values: object) -> np.ndarray:
    """State after ``dt`` ms, (sets, states)."""
    exact = propagator(model, sets(model, **values), dt)
    z = np.array([state.get(name, 0.0) for name in exact.states])
    return exact.matrix @ z + exact.offset


def membrane(
    t: float, tau_m: float, tau_s: float, cm: float, rest: float, start: float, current: float
) -> float:
    """Closed form of the LIF with one exponential current (Rotter & Diesmann 1999)."""
    decay = np.exp(-t / tau_m)
    if tau_m == tau_s:
        drive = t / cm * decay
    else:
        drive = tau_m * tau_s / (cm * (tau_m - tau_s)) * (decay - np.exp(-t / tau_s))
    return rest + (start - rest) * decay + current * drive


@pytest.mark.parametrize("tau_s", [2.0, 5.0, 19.9999, 20.0, 20.0001, 80.0])
@pytest.mark.parametrize("dt", [0.1, 1.0, 7.5])
def test_lif_with_an_exponential_current(tau_s: float, dt: float) -> None:
    cm, rest, start, current = 0.25, -65.0, -58.0, 0.7
    found = step(
        LIF,
        {"v": start, "I_exc": current},
        dt,
        tau_m=20.0,
        tau_syn_E=tau_s,
        cm=cm,
        v_rest=rest,
    )[0]
    # Near equal time constants the closed form itself loses digits: 1e-16 * tau / |difference|.
    assert found[0] == pytest.approx(membrane(dt, 20.0, tau_s, cm, rest, start, current), abs=1e-8)
    assert found[1] == pytest.approx(current * np.exp(-dt / tau_s), rel=1e-12)


def test_equal_time_constants_give_the_limit() -> None:
    # t/C exp(-t/tau) per nA.
    found = step(LIF, {"v": -65.0, "I_exc": 1.0}, 3.0, tau_m=10.0, tau_syn_E=10.0, cm=0.5)
    assert found[0, 0] == pytest.approx(-65.0 + 3.0 / 0.5 * np.exp(-0.3), abs=1e-11)


def test_without_leak_the_current_is_summed() -> None:
    # v = v0 + I tau_s/C (1 - exp(-t/tau_s)) + i_offset t/C.
    found = step(IF, {"v": -60.0, "I_inh": -0.4}, 4.0, tau_syn_I=8.0, cm=0.5, i_offset=0.05)
    expected = -60.0 - 0.4 * 8.0 / 0.5 * (1 - np.exp(-0.5)) + 0.05 * 4.0 / 0.5
    assert found[0, 0] == pytest.approx(expected, abs=1e-11)


def test_a_constant_current_charges_the_membrane() -> None:
    # v = rest + R I (1 - exp(-t/tau)), R = tau_m/cm.
    found = step(LIF, {"v": -65.0}, 2.5, i_offset=0.3, tau_m=15.0, cm=0.2)
    expected = -65.0 + 0.3 * 15.0 / 0.2 * (1 - np.exp(-2.5 / 15.0))
    assert found[0, 0] == pytest.approx(expected, abs=1e-11)


def test_each_set_of_parameters_has_its_own_step() -> None:
    tau, rest = np.array([5.0, 10.0, 40.0]), np.array([-70.0, -65.0, -60.0])
    found = step(LIF, {"v": -50.0, "I_exc": 0.2}, 1.0, tau_m=tau, v_rest=rest)
    expected = [membrane(1.0, t, 5.0, 1.0, r, -50.0, 0.2) for t, r in zip(tau, rest, strict=True)]
    np.testing.assert_allclose(found[:, 0], expected, atol=1e-10)


@pytest.mark.parametrize("seed", range(4))
def test_random_linear_neurons_against_a_numerical_integrator(seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = ["x", "y", "z"]
    values = {f"a{i}{j}": rng.normal(0, 0.3) for i in range(3) for j in range(3)}
    values |= {f"b{i}": rng.normal(0, 5.0) for i in range(3)}
    lines = [
        f"d{name}/dt = ("
        + " + ".join(f"a{i}{j}*{other}" for j, other in enumerate(names))
        + f" + b{i})/tau : volt"
        for i, name in enumerate(names)
    ]
    parameters = {n: Parameter(v, "mV" if n[0] == "b" else "1") for n, v in values.items()}
    model = NeuronModel(
        "Random",
        "\n".join(lines),
        "x > b0",
        "x = b1",
        {**parameters, "tau": Parameter(7.0, "ms")},
        {"excitatory": "x"},
    )
    start = rng.normal(0, 10.0, 3)
    a = np.array([[values[f"a{i}{j}"] for j in range(3)] for i in range(3)])
    b = np.array([values[f"b{i}"] for i in range(3)])
    solved = solve_ivp(
        lambda _, z: (a @ z + b) / 7.0, (0.0, 12.0), start, rtol=1e-11, atol=1e-11, method="DOP853"
    )
    found = step(model, dict(zip(names, start, strict=True)), 12.0)[0]
    np.testing.assert_allclose(found, solved.y[:, -1], rtol=1e-8, atol=1e-8)


def test_two_half_steps_are_one() -> None:
    # A property of exact steps alone.
    one = propagator(LIF, sets(LIF, i_offset=0.2), 1.0)
    half = propagator(LIF, sets(LIF, i_offset=0.2), 0.5)
    np.testing.assert_allclose(half.matrix[0] @ half.matrix[0], one.matrix[0], atol=1e-14)
    twice = half.matrix[0] @ half.offset[0] + half.offset[0]
    np.testing.assert_allclose(twice, one.offset[0], atol=1e-12)


@pytest.mark.parametrize("dt", [1e-3, 0.1, 1.0, 50.0])
def test_the_exact_step_is_exact_to_the_last_bits(dt: float) -> None:
    """Equal time constants have no eigenvectors to go by: v takes (dt/cm) exp(-dt/tau) of i."""
    values = {"tau_m": 20.0, "tau_syn_E": 20.0, "tau_syn_I": 0.5, "cm": 0.25}
    exact = propagator(LIF, sets(LIF, **values), dt)
    v, i = exact.states.index("v"), exact.states.index("I_exc")
    decay = math.exp(-dt / 20.0)
    few = 4 * np.finfo(float).eps
    np.testing.assert_allclose(exact.matrix[0, v, v], decay, rtol=few)
    np.testing.assert_allclose(exact.matrix[0, v, i], dt / 0.25 * decay, rtol=few)


def izhikevich(rate: str) -> NeuronModel:
    return NeuronModel(
        "Curved",
        f"dv/dt = {rate} : volt\ndu/dt = (v - u)/tau : volt",
        "v > v_peak",
        "v = v_rest",
        {
            "v_rest": Parameter(-65, "mV"),
            "v_peak": Parameter(30, "mV"),
            "tau": Parameter(5, "ms"),
        },
        {"excitatory": "v"},
    )


@pytest.mark.parametrize(
    "rate",
    [
        "(v - v_rest)*(v - v_peak)/(v_peak*tau)",
        "v_peak*exp(v/v_peak)/tau",
        "abs(v)/tau",
        "v_peak*floor(v/v_peak)/tau",
        "v_peak*sign(v)/tau",
        "v_peak*int(v > v_rest)/tau",
        "clip(v, v_rest, v_peak)/tau",
        "v_peak*exprel(v/v_peak)/tau",
    ],
)
def test_a_nonlinear_neuron_is_refused_by_name(rate: str) -> None:
    with pytest.raises(SpecError, match=r"'Curved' is not linear in v") as caught:
        linear_system(izhikevich(rate))
    assert caught.value.where == "Curved.dv/dt"


def test_terms_that_cancel_are_linear() -> None:
    # (v + r)(v - r) - v v = -r r.
    rate = "((v + v_rest)*(v - v_rest) - v*v)/(v_peak*tau)"
    matrix, _ = linear_system(izhikevich(rate))
    assert matrix[0, 0] == 0


@pytest.mark.parametrize("name", ["tau_m", "cm", "tau_syn_E"])
def test_a_time_constant_or_capacitance_of_zero_is_refused(name: str) -> None:
    with pytest.raises(SpecError, match=f"{name} = 0"):
        propagator(LIF, sets(LIF, **{name: 0.0}), 1.0)


@pytest.mark.parametrize(("tau_m", "dt"), [(-1e-3, 10.0), (20.0, 1e308)])
def test_growth_without_bounds_is_refused(tau_m: float, dt: float) -> None:
    with pytest.raises(SpecError, match="not finite"):
        propagator(LIF, sets(LIF, tau_m=tau_m), dt)


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        # By hand, with a = 3 and n = 4: the rate of decay, times tau.
        ("10**-1", 0.1),
        ("int(n)**-1", 0.25),
        ("int(1e9*a)/1e9", 3.0),
        ("int(-1e10*a)/-1e10", 3.0),
        ("int(a > 2) + int(a > 2 and n > 5)", 1.0),
        ("10000000000*10000000000/1e20", 1.0),
        ("a//2 + -a//2 + 3", 2.0),
        ("-a % 2", 1.0),
        ("clip(a, 0, 1)", 1.0),
    ],
)
def test_coefficients_are_arithmetic_on_real_numbers(rate: str, expected: float) -> None:
    model = NeuronModel(
        name="decay",
        equations=f"dv/dt = -({rate})*v/tau : 1",
        threshold="v > 1",
        reset="v = 0",
        parameters={
            "tau": Parameter(10.0, "ms"),
            "a": Parameter(3.0, "1"),
            "n": Parameter(4.0, "1"),
        },
        receptors={"excitatory": "v"},
    )
    values = {name: np.array([p.default]) for name, p in model.parameters.items()}
    found = propagator(model, values, 1.0).matrix
    np.testing.assert_allclose(found, np.exp(-expected / 10.0), rtol=1e-15)


@pytest.mark.parametrize("seed", range(6))
def test_the_matrix_exponential_is_that_of_mpmath_to_the_bit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, 7))
    # Sparse, of any size, and with a row of zeros, as the step of a neuron has.
    block = rng.normal(0, 10.0 ** rng.integers(-3, 2), (size, size))
    block *= rng.random((size, size)) < 0.5
    block[-1] = 0.0
    with mp.workprec(64):
        expected = np.array(mp.expm(mp.matrix(block.tolist())).tolist(), dtype=np.float64)
    np.testing.assert_array_equal(_exponential(block), expected)
