"""Text is arithmetic on real numbers, in every place that takes it and on every backend.

Expressions are drawn over the whole grammar. What they are is computed by mpmath with fifty digits
(``tests/oracles/real_arithmetic.py``), from the same text.
"""

from __future__ import annotations

import functools
import importlib.util
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from scnnbio import backends
from scnnbio.connectors import ConvolutionConnector
from scnnbio.encoding import LGN, Encoding
from scnnbio.errors import SpecError
from scnnbio.experiment import Experiment, Record, Run, Sampling
from scnnbio.network import Network, Projection
from scnnbio.neurons import NeuronModel, Parameter
from scnnbio.neurons.whitelist import check_expression
from scnnbio.plasticity import Trace, TraceRule
from scnnbio.population import Population, SpikeSource
from scnnbio.stimuli import WhiteNoise
from tests.backends.test_reference import Given, pair
from tests.oracles.real_arithmetic import UndecidedError, real_value

#: Values of what an expression may name, one set a channel.
SETS: dict[str, tuple[float, ...]] = {
    "a": (3.0, -2.5, 0.1, 7.0),
    "b": (2.0, 0.75, -3.0, 1e3),
    "n": (4.0, -3.0, 2.0, -7.0),
    "k": (2.0, 1.0, -2.0, 3.0),
}
CHANNELS = len(SETS["a"])
GIVEN = [{name: values[c] for name, values in SETS.items()} for c in range(CHANNELS)]

#: Wrong somewhere before this file was there: whole numbers that were counted as such.
EXAMPLES = (
    "10**-1",
    "a*10**-1",
    "int(n)**-1",
    "int(1e9*a)",
    "int(50000*a)*int(50000*a)",
    "10000000000*10000000000",
    "floor(1e10*a)",
    "ceil(-1e12*a)",
    "sign(a)**-1 + sign(n)/2",
    "(sign(a) + sign(b) + 1)/(3*sign(n))",
    "int(a > b)**-1*0 + int(a > b or b >= a)/3",
    "(int(a > 0) + int(b > 0))/(int(n > 0) + 3)",
    "7//2 + -7//2 + 7//-2 + -7//-2",
    "7 % 3 + 10*(-7 % 3) + 100*(7 % -3) + 1000*(-7 % -3)",
    "n//2 + 10*(n % 3) + 100*(n % -3)",
    "1//0.1 + 1 % 0.1",
    "1/3*3 - 2/3",
    "2**0.5 + 2**-0.5",
    "9007199254740993 - 9007199254740992",
    "3000000000 + int(3000000000)",
    "abs(int(-1e11*a))",
    "clip(int(1e10*a), -3000000000, 3000000000)",
    "n**2 + n**3 + n**-2",
    "1e-10 + 6.02e20*a",
    "int(-0.5) + int(0.5) + int(-1.5) + int(2.9999999999999996)",
    "log10(1000000000000) + sqrt(int(n)**2)",
)

_numbers = st.one_of(
    st.integers(0, 12).map(str),
    st.integers(10**8, 10**14).map(str),
    st.floats(1e-3, 1e3).map(repr),
    st.sampled_from(["0.1", "1e-10", "6.02e20", "1e9", "2147483648", ".5", "0x10"]),
)
_FREE = ("sqrt", "abs", "sign", "int", "floor", "ceil", "int", "floor")
_CURVED = ("exp", "log", "log10", "sin", "cos", "tan", "sinh", "cosh", "tanh", "exprel")
_CURVED += ("arcsin", "arccos", "arctan")


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    condition = st.builds(
        "{} {} {}".format, inner, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), inner
    )
    joined = st.builds(
        "({}) {} not ({})".format, condition, st.sampled_from(["and", "or"]), condition
    )
    return st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(["+", "-", "*", "/"]), inner),
        st.builds("({} {} {})".format, inner, st.sampled_from(["//", "%"]), inner),
        st.builds("({})**{}".format, inner, st.sampled_from(["2", "3", "-1", "0.5", "-2", "k"])),
        st.builds("(-{})".format, inner),
        st.builds("{}({})".format, st.sampled_from(_FREE), inner),
        st.builds("{}({})".format, st.sampled_from(_CURVED), inner),
        st.builds("clip({}, {}, {})".format, inner, inner, inner),
        st.builds("int({})".format, st.one_of(condition, joined)),
    )


EXPRESSIONS = st.recursive(st.one_of(st.sampled_from(sorted(SETS)), _numbers), _grown, max_leaves=9)


def _decided(text: str) -> tuple[list[float], list[float]] | None:
    """Its value and error in every set, if doubles have to agree on all."""
    try:
        check_expression(text)
        found = [real_value(text, names) for names in GIVEN]
    except (SpecError, UndecidedError):
        return None
    return [value for value, _ in found], [error for _, error in found]


#: Expression → its value and the bound on the error, in every set.
Cases = Mapping[str, tuple[list[float], list[float]]]


@functools.cache
def drawn(count: int) -> Cases:
    """Expressions with their values: the examples, and as many drawn ones, always the same."""
    found: dict[str, tuple[list[float], list[float]]] = {}

    @settings(
        max_examples=20 * count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(EXPRESSIONS)
    def collect(text: str) -> None:
        if len(found) < count and len(text) < 100 and any(name in text for name in SETS):
            decided = _decided(text)
            if decided is not None:
                found[text] = decided

    collect()
    assert len(found) == count
    for text in EXAMPLES:
        decided = _decided(text)
        if decided is not None:
            found[text] = decided
    return found


DRAWN = 120
CHOSEN_FOR_LEARNING = 24
GRID = ("reference", "brian2", "brian2-standalone", pytest.param("nest", marks=pytest.mark.nest))


def _model(name: str, states: list[str], threshold: str, reset: str, **more: str) -> NeuronModel:
    parameters = {name: Parameter(1.0, "1") for name in SETS}
    return NeuronModel(
        name=name,
        equations="\n".join(states),
        threshold=threshold,
        reset=reset,
        parameters={**parameters, "tau": Parameter(1.0, "ms"), "code": Parameter(0.0, "1")},
        receptors={"excitatory": "v"},
        **more,  # type: ignore[arg-type]
    )


def equations_model(texts: list[str]) -> NeuronModel:
    """By forward Euler, ``ds/dt = x/tau`` from 0 is x after a step as long as tau."""
    states = [f"ds{k}/dt = ({text})/tau : 1" for k, text in enumerate(texts)]
    return _model(
        "rates",
        [*states, "dv/dt = 0/tau : 1"],
        "v > 1e30",
        "v = 0",
        integrator="forward-euler",
    )


def resets_model(texts: list[str]) -> NeuronModel:
    """v reaches its threshold within the first step; what the reset assigns stands from then on."""
    return _model(
        "resets",
        [*(f"ds{k}/dt = 0/tau : 1" for k in range(len(texts))), "dv/dt = 1/tau : 1"],
        "v >= 0.5",
        "; ".join([*(f"s{k} = {text}" for k, text in enumerate(texts)), "v = -100"]),
    )


def thresholds_model(cases: Cases) -> tuple[NeuronModel, list[float]]:
    """Comparisons make a number; a channel fires where it is that of its ``code``."""
    levels = {text: sorted(values)[1] + 0.37 for text, (values, _) in cases.items()}
    bits = [f"{2**k}*int({text} > {levels[text]!r})" for k, text in enumerate(cases)]
    expected = [
        sum(2.0**k * (values[c] > levels[t]) for k, (t, (values, _)) in enumerate(cases.items()))
        for c in range(CHANNELS)
    ]
    model = _model("thresholds", ["dv/dt = 0/tau : 1"], f"{' + '.join(bits)} == code", "v = 0")
    return model, expected


def learning_rule(side: str, texts: list[str]) -> TraceRule:
    """An element of the kernel that is the number k takes the expression of that number."""
    change = " + ".join(f"int(w == {k})*({text})" for k, text in enumerate(texts))
    return TraceRule(
        traces={"x": Trace("pre", 20.0)},
        **{f"on_{side}": f"{change} - w"},  # type: ignore[arg-type]
        parameters=GIVEN[0],
        w_min=-1e12,
        w_max=1e12,
    )


def learnt_cases() -> dict[str, float]:
    cases = {text: values[0] for text, (values, _) in drawn(DRAWN).items() if len(text) < 55}
    small = [text for text, value in cases.items() if abs(value) < 1e9]
    step = len(small) // CHOSEN_FOR_LEARNING
    return {text: cases[text] for text in small[::step][:CHOSEN_FOR_LEARNING]}


def parts(cases: Cases, longest: int = 1800) -> list[Cases]:
    """The text of a reset has an upper length, so several neurons share the expressions."""
    found: list[Cases] = [{}]
    for text, case in cases.items():
        if sum(len(t) + 8 for t in [*found[-1], text]) > longest:
            found.append({})
        found[-1] = {**found[-1], text: case}
    return found


@functools.cache
def ran(backend: str) -> Run:
    """All of it in one network: four steps of a millisecond; inputs fire at 1, arrive at 2 ms."""
    if backend == "nest" and importlib.util.find_spec("pynestml") is None:
        pytest.skip("needs NEST and NESTML")
    cases = drawn(DRAWN)
    # The source has an ON and an OFF channel.
    source = (2, 1, CHOSEN_FOR_LEARNING // CHANNELS // 2)
    kernel = np.arange(CHOSEN_FOR_LEARNING * 1.0).reshape(CHANNELS, *source)
    resets = [resets_model(list(part)) for part in parts(for_resets(backend))]
    models = {f"resets{k}": model for k, model in enumerate(resets)}
    values: dict[str, dict[str, object]] = {}
    rules: dict[str, TraceRule] = {}
    if backend != "event-driven":
        models["rates"] = equations_model(list(for_equations()))
        models["thresholds"], expected = thresholds_model(dict(list(cases.items())[::10][:12]))
        # Two channels are asked for a number that is off by one: these stay silent.
        values["thresholds"] = {"code": np.array(expected) + np.array([0.0, 1.0, 0.0, 1.0])}
        once = _model("once", ["dv/dt = 0/tau : 1"], "v > 0.5", "v = -1e30")
        for side in ("pre", "post"):
            models[f"learns_{side}"] = once
            rules[f"learns_{side}"] = learning_rule(side, list(learnt_cases()))
    network = Network(
        (
            Population("input", source, SpikeSource()),
            *(
                Population(name, (CHANNELS, 1, 1), model, {**SETS, **values.get(name, {})})
                for name, model in models.items()
            ),
        ),
        tuple(
            Projection(
                "input",
                name,
                ConvolutionConnector(kernel, source),
                delay=1.0,
                plasticity=rules.get(name),
                name=f"to_{name}",
            )
            for name in models
        ),
    )
    sampled = [n for n in models if n.startswith("r")]
    experiment = Experiment(
        network,
        WhiteNoise(1, 4.0, 4.0),
        Encoding(
            LGN(normalisation_sigma=0.0), Given(tuple((1.0, k) for k in range(np.prod(source))))
        ),
        Record(
            spikes=("thresholds",) if "thresholds" in models else (),
            signals=tuple(Sampling(n, tuple(s.name for s in models[n].states)) for n in sampled),
        ),
        dt=1.0,
    )
    return backends.get(backend).run(experiment)


def for_equations() -> Cases:
    return dict(list(drawn(DRAWN).items())[::2])


def for_resets(backend: str) -> Cases:
    """What equations do not take; where they take none, all."""
    cases = drawn(DRAWN)
    return cases if backend == "event-driven" else dict(list(cases.items())[1::2])


def check(backend: str, population: str, cases: Cases) -> None:
    signals = ran(backend).recording.signals[population]
    for number, (text, (expected, error)) in enumerate(cases.items()):
        found = signals[f"s{number}"].values[1]
        for x, y, bound in zip(found, expected, error, strict=True):
            np.testing.assert_allclose(x, y, rtol=0, atol=bound, err_msg=text)


@pytest.mark.slow
@pytest.mark.parametrize("backend", GRID)
def test_equations_are_arithmetic_on_real_numbers(backend: str) -> None:
    check(backend, "rates", for_equations())


@pytest.mark.slow
@pytest.mark.parametrize("backend", [*GRID, "event-driven"])
def test_resets_are_arithmetic_on_real_numbers(backend: str) -> None:
    for k, part in enumerate(parts(for_resets(backend))):
        check(backend, f"resets{k}", part)


@pytest.mark.slow
@pytest.mark.parametrize("backend", GRID)
def test_thresholds_are_arithmetic_on_real_numbers(backend: str) -> None:
    spikes = ran(backend).recording.spikes["thresholds"]
    np.testing.assert_array_equal(np.bincount(spikes.unit, minlength=CHANNELS), [4, 0, 4, 0])


@pytest.mark.slow
@pytest.mark.parametrize("backend", GRID)
@pytest.mark.parametrize("side", ["pre", "post"])
def test_learning_rules_are_arithmetic_on_real_numbers(backend: str, side: str) -> None:
    found = ran(backend).weights[f"to_learns_{side}"].ravel()
    for text, expected, weight in zip(learnt_cases(), learnt_cases().values(), found, strict=True):
        # The other elements' changes, below 1e9 each, are multiplied by 0.
        np.testing.assert_allclose(weight, expected, rtol=1e-8, atol=1e-8, err_msg=text)


@pytest.mark.slow
@pytest.mark.nest
def test_every_float_survives_nestml() -> None:
    """NESTML itself prints nine digits and strips zeros, so that 1e-10 became 0.1."""
    if importlib.util.find_spec("pynestml") is None:
        pytest.skip("needs NESTML")
    from scnnbio.backends.nest import build
    from scnnbio.backends.nest.nestml import nestml_model

    rng = np.random.default_rng(4)
    bits = rng.integers(0, 0x7FF0000000000000, 60, dtype=np.uint64)
    numbers = [1e-10, 1e10, 6.02e20, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308]
    numbers += [0.1 + 0.2, 1 / 3, 100.0, 2.0**53, *bits.view(np.float64).tolist()]
    half = len(numbers) // 2
    model = _model(
        "constants",
        ["dv/dt = (a*" + " + a*".join(map(repr, numbers[:half])) + ")/tau : 1"],
        "v > 1",
        "v = a*" + " + a*".join(map(repr, numbers[half:])),
        integrator="forward-euler",
    )
    made = nestml_model(model)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "generated").mkdir()
        (work / f"{made.name}.nestml").write_text(made.text)
        build._generate(work, made.name, made.name.replace("_neuron", "module"))
        text = (work / "generated" / f"{made.name}.cpp").read_text()
    found = {float(n) for n in re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w.])", text)}
    assert set(numbers) <= found


@pytest.mark.slow
@pytest.mark.nest
def test_constants_reach_nest_to_the_last_bit() -> None:
    if importlib.util.find_spec("pynestml") is None:
        pytest.skip("needs NEST and NESTML")
    numbers = [1e-10, 1e10, 6.02e20, 0.1 + 0.2, 1 / 3, 1e-300, 1.7976931348623157e308]
    made = pair(np.ones((1, 2, 1, 1)), (2, 1, 1), resets_model([f"{n!r}" for n in numbers]))
    experiment = Experiment(
        made,
        WhiteNoise(1, 4.0, 4.0),
        Encoding(LGN(normalisation_sigma=0.0), Given(())),
        Record(signals=(Sampling("post", tuple(f"s{k}" for k in range(len(numbers)))),)),
        dt=1.0,
    )
    signals = backends.get("nest").run(experiment).recording.signals["post"]
    assert [float(signals[f"s{k}"].values[1, 0]) for k in range(len(numbers))] == numbers
