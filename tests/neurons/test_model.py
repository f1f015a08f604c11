"""A neuron written by a user: what is reserved, and what is refused with its place."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest
import sympy

from scnnbio.errors import SpecError
from scnnbio.neurons import IF, LIBRARY, LIF, NeuronModel, Parameter

#: A user's own ten lines: adaptation by a current that each spike raises.
OWN = {
    "name": "Adaptive",
    "equations": """
        dv/dt = (v_rest - v)/tau_m + (I - w)/cm : volt (unless refractory)
        dI/dt = -I/tau_s : amp
        dw/dt = -w/tau_w : amp
    """,
    "threshold": "v >= v_thresh",
    "reset": "v = v_rest; w += b",
    "refractory": "tau_ref",
    "parameters": {
        "v_rest": Parameter(-70, "mV"),
        "v_thresh": Parameter("-0.05 V", "mV"),
        "tau_m": Parameter(20, "ms"),
        "tau_s": Parameter(5, "ms"),
        "tau_w": Parameter(100, "ms"),
        "tau_ref": Parameter(2, "ms"),
        "cm": Parameter("200 pF", "nF"),
        "b": Parameter(0.1, "nA"),
    },
    "receptors": {"excitatory": "I"},
    "initial": {"v": "v_rest"},
}


def own(**changes: object) -> NeuronModel:
    return NeuronModel(**{**OWN, **changes})


def changed(name: str, parameter: Parameter) -> dict[str, Parameter]:
    return {**OWN["parameters"], name: parameter}


def test_a_users_own_model() -> None:
    model = own()
    assert [(s.name, s.unit, s.held_when_refractory) for s in model.states] == [
        ("v", "volt", True),
        ("I", "amp", False),
        ("w", "amp", False),
    ]
    assert [model.unit_of(s.name) for s in model.states] == ["mV", "nA", "nA"]
    assert model.resets == (("v", "=", "v_rest"), ("w", "+=", "b"))
    assert model.parameters["v_thresh"].default == -50.0  # -0.05 V in mV
    assert model.parameters["cm"].default == 0.2  # 200 pF in nF
    v, current, w = (sympy.Symbol(n, real=True) for n in ("v", "I", "w"))
    rest, tau, cm = (sympy.Symbol(n, real=True) for n in ("v_rest", "tau_m", "cm"))
    # The right-hand side, typed anew.
    assert sympy.simplify(model.sympy()["v"] - ((rest - v) / tau + (current - w) / cm)) == 0


def test_models_are_values() -> None:
    assert own() == own()
    assert hash(own()) == hash(own())
    assert own() != own(threshold="v > v_thresh")
    assert own() != own(parameters=changed("b", Parameter(0.2, "nA")))
    with pytest.raises(dataclasses.FrozenInstanceError):
        LIF.name = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        LIF.parameters["cm"] = Parameter(1, "nF")  # type: ignore[index]


@pytest.mark.parametrize("model", LIBRARY.values(), ids=lambda m: m.name)
def test_the_library_is_dimensionally_sound_and_cited(model: NeuronModel) -> None:
    assert list(model.sympy()) == [state.name for state in model.states]
    assert model.reference


def test_the_library_has_the_parameters_of_pynn() -> None:
    # PyNN is the oracle: LIF is called with the names and units of IF_curr_exp.
    from pyNN.standardmodels.cells import IF_curr_exp

    assert set(LIF.parameters) == set(IF_curr_exp.default_parameters)
    assert set(LIF.parameters) - set(IF.parameters) == {"tau_m"}


REFUSED = [
    ({"equations": ""}, "Adaptive.equations"),
    ({"equations": "v' = -v/tau_m"}, "Adaptive.equations"),
    ({"equations": "dv/dt = -v/tau_m"}, "Adaptive.equations"),
    ({"equations": "dv/dt = : volt"}, "Adaptive.equations"),
    ({"equations": "dv/dt = -v/tau_m : volt (clock-driven)"}, "Adaptive.equations"),
    ({"equations": "dv/dt = -v/tau_m : furlong"}, "Adaptive.dv/dt"),
    ({"equations": "dv/dt = -v/tau_m : Network"}, "Adaptive.dv/dt"),
    ({"equations": OWN["equations"] + "dv/dt = -v/tau_m : volt"}, "Adaptive.v"),
    ({"equations": OWN["equations"].replace("tau_w", "tau_x")}, "Adaptive.dw/dt"),
    ({"equations": OWN["equations"].replace("tau_w", "__import__('os')")}, "Adaptive.dw/dt"),
    ({"equations": "dv/dt = " + " " * 3000 + "-v/tau_m ! volt"}, "Adaptive.equations"),
    ({"equations": "dv/dt = -v/tau_m : volt\n" * 2000}, "Adaptive.equations"),
    ({"threshold": "v"}, "Adaptive.threshold"),
    ({"threshold": "u > 1"}, "Adaptive.threshold"),
    ({"threshold": "open('x')"}, "Adaptive.threshold"),
    ({"reset": "v == 1"}, "Adaptive.reset"),
    ({"reset": "v = u"}, "Adaptive.reset"),
    ({"reset": "tau_m = v"}, "Adaptive.reset"),
    ({"receptors": {"excitatory": "g"}}, "Adaptive.receptors.excitatory"),
    ({"receptors": {"excitatory": "tau_m"}}, "Adaptive.receptors.excitatory"),
    ({"receptors": {"excitatory": ["v"]}}, "Adaptive.receptors.excitatory"),
    ({"receptors": ["v"]}, "receptors"),
    ({"refractory": "tau"}, "Adaptive.refractory"),
    ({"refractory": "b"}, "Adaptive.refractory"),
    ({"refractory": 2.0}, "Adaptive.refractory"),
    ({"initial": {"v": "tau_m"}}, "Adaptive.initial.v"),
    ({"initial": {"v": "rest"}}, "Adaptive.initial.v"),
    ({"initial": {"u": "v_rest"}}, "Adaptive.initial"),
    ({"parameters": {**OWN["parameters"], "v": Parameter(1, "mV")}}, "Adaptive.v"),
    ({"parameters": {**OWN["parameters"], "pi": Parameter(3, "1")}}, "Adaptive.pi"),
    ({"parameters": {**OWN["parameters"], "t": Parameter(3, "ms")}}, "Adaptive.t"),
    ({"parameters": {**OWN["parameters"], "lambda": Parameter(3, "ms")}}, "Adaptive.lambda"),
    ({"parameters": {**OWN["parameters"], "x": 3.0}}, "Adaptive.parameters.x"),
    ({"name": 3}, "name"),
    ({"equations": None}, "equations"),
]


@pytest.mark.parametrize(("change", "where"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_wrong_is_told_with_its_place(change: dict[str, object], where: str) -> None:
    with pytest.raises(SpecError) as caught:
        own(**change)
    assert caught.value.where == where


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"equations": OWN["equations"].replace("(I - w)/cm", "I")}, "Adaptive.dv/dt"),
        ({"equations": OWN["equations"].replace("-w/tau_w", "-w")}, "Adaptive.dw/dt"),
        ({"equations": OWN["equations"].replace("-w/tau_w", "exp(w)/tau_w")}, "Adaptive.dw/dt"),
        ({"equations": OWN["equations"].replace("-w/tau_w", "(w > b)*b/tau_w")}, "Adaptive.dw/dt"),
        ({"threshold": "v >= tau_m"}, "Adaptive.threshold"),
        ({"threshold": "v >= -50"}, "Adaptive.threshold"),
        ({"reset": "v = b"}, "Adaptive.reset"),
        ({"reset": "v *= v_rest"}, "Adaptive.reset"),
    ],
)
def test_wrong_dimensions_point_at_the_term(change: dict[str, object], where: str) -> None:
    with pytest.raises(SpecError) as caught:
        own(**change).sympy()
    assert caught.value.where == where
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["free_at", "t_in_timesteps", "dt", "exp", "i", "inf"])
def test_names_that_mean_something_elsewhere_are_taken(name: str) -> None:
    # A parameter of such a name would be read as the simulator's variable: other spikes, no error.
    with pytest.raises(SpecError, match="is reserved"):
        own(parameters={**OWN["parameters"], name: Parameter(1.0, "1")})


@pytest.mark.parametrize("unit", ["s", "V", "pF", "furlong", "", None, 3])
def test_parameters_are_counted_in_one_unit_a_dimension(unit: object) -> None:
    # Backends work in plain numbers: a parameter in V beside a state in mV would be 1000 off.
    with pytest.raises(SpecError):
        Parameter(1.0, unit)  # type: ignore[arg-type]


def test_a_default_with_another_dimension_is_refused() -> None:
    with pytest.raises(SpecError, match="voltage"):
        Parameter("20 mV", "ms")


@pytest.mark.slow
def test_brian2_runs_no_preferences_of_the_working_folder(tmp_path: Path) -> None:
    # Brian2 executes a file of this name when it is imported.
    (tmp_path / "brian_preferences").write_text(
        "from pathlib import Path\nPath('ran.marker').touch()\nopen('ran.too', 'w').close()\n"
    )
    code = "import scnnbio; scnnbio.LIF.sympy(); import brian2, os; print(os.getcwd())"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path,
        env={**os.environ, "MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["brian_preferences"]
