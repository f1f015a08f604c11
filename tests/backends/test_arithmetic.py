"""Text is arithmetic on real numbers, in every place that takes it and on every backend.

Expressions are drawn over the whole grammar. What they are is computed by mpmath with fifty digits
(``tests/oracles/real_arithmetic.py``), from the same text.
"""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from scnnbio import backends
from scnnbio.connectors import ConvolutionConnector
from scnnbio.encoding import LGN, Encoding
from scnnbio.errors import SpecError
from scnnbio.experiment import Experiment, Record, Run, Sampling
from scnnbio.network import Network, Population, Projection, SpikeSource
from scnnbio.neurons import NeuronModel, Parameter
from scnnbio.neurons.parsing import check_expression
from scnnbio.plasticity import Trace, TraceRule
from scnnbio.stimuli import WhiteNoise
from tests.backends.test_reference import Given
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


@functools.cache
def drawn(count: int) -> Mapping[str, tuple[list[float], list[float]]]:
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


def backend_or_skip(name: str) -> str:
    if name == "nest" and importlib.util.find_spec("pynestml") is None:
        pytest.skip("needs NEST and NESTML")
    return name


GRID = ("reference", "brian2", "brian2-standalone", pytest.param("nest", marks=pytest.mark.nest))


def parameters() -> dict[str, Parameter]:
    return {
        **{name: Parameter(1.0, "1") for name in SETS},
        "tau": Parameter(1.0, "ms"),
        "code": Parameter(0.0, "1"),
    }


def simulated(
    backend: str,
    model: NeuronModel,
    record: tuple[str, ...] = (),
    rule: TraceRule | None = None,
    kernel: np.ndarray | None = None,
    **values: object,
) -> Run:
    """One trial of four steps of a millisecond; two inputs fire at 1 ms and arrive at 2 ms."""
    kernel = np.ones((CHANNELS, 2, 1, 1)) if kernel is None else kernel
    network = Network(
        (
            Population("pre", (2, 1, 1), SpikeSource()),
            Population("post", (CHANNELS, 1, 1), model, parameters={**SETS, **values}),
        ),
        (
            Projection(
                "pre",
                "post",
                ConvolutionConnector(kernel, (2, 1, 1)),
                delay=1.0,
                plasticity=rule,
            ),
        ),
    )
    signals = (Sampling("post", record),) if record else ()
    experiment = Experiment(
        network,
        WhiteNoise(1, 4.0, 4.0),
        Encoding(LGN(normalisation_sigma=0.0), Given(((1.0, 0), (1.0, 1)))),
        Record(spikes=("post",), signals=signals),
        dt=1.0,
    )
    return backends.get(backend_or_skip(backend)).run(experiment)


def check(
    found: Mapping[str, np.ndarray], cases: Mapping[str, tuple[list[float], list[float]]]
) -> None:
    """Each state (channels,) against the expression of its number."""
    for number, (text, (expected, error)) in enumerate(cases.items()):
        for x, y, bound in zip(found[f"s{number}"], expected, error, strict=True):
            np.testing.assert_allclose(x, y, rtol=0, atol=bound, err_msg=text)


@pytest.mark.slow
@pytest.mark.parametrize("backend", GRID)
def test_equations_are_arithmetic_on_real_numbers(backend: str) -> None:
    """By forward Euler, ``ds/dt = x/tau`` from 0 is x after a step as long as tau."""
    cases = drawn(DRAWN)
    states = [f"ds{k}/dt = ({text})/tau : 1" for k, text in enumerate(cases)]
    model = NeuronModel(
        name="rates",
        equations="\n".join([*states, "dv/dt = 0/tau : 1"]),
        threshold="v > 1e30",
        reset="v = 0",
        parameters=parameters(),
        receptors={"excitatory": "v"},
        integrator="forward-euler",
    )
    names = tuple(f"s{k}" for k in range(len(cases)))
    signals = simulated(backend, model, names).recording.signals["post"]
    check({name: signals[name].values[1] for name in names}, cases)


@pytest.mark.slow
@pytest.mark.parametrize("backend", [*GRID, "event-driven"])
def test_resets_are_arithmetic_on_real_numbers(backend: str) -> None:
    """v reaches its threshold within the first step; what the reset assigns stands from then on."""
    cases = drawn(DRAWN)
    # The text of a reset has an upper length, so several neurons share the expressions.
    for texts in _parts(list(cases), 1800):
        states = [f"ds{k}/dt = 0/tau : 1" for k in range(len(texts))]
        model = NeuronModel(
            name="resets",
            equations="\n".join([*states, "dv/dt = 1/tau : 1"]),
            threshold="v >= 0.5",
            reset="; ".join([*(f"s{k} = {text}" for k, text in enumerate(texts)), "v = -100"]),
            parameters=parameters(),
            receptors={"excitatory": "v"},
        )
        names = tuple(f"s{k}" for k in range(len(texts)))
        signals = simulated(backend, model, names).recording.signals["post"]
        check({name: signals[name].values[1] for name in names}, {t: cases[t] for t in texts})


def _parts(texts: list[str], longest: int) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for text in texts:
        if sum(len(t) + 8 for t in [*parts[-1], text]) > longest:
            parts.append([])
        parts[-1].append(text)
    return parts


@pytest.mark.slow
@pytest.mark.parametrize("backend", GRID)
def test_thresholds_are_arithmetic_on_real_numbers(backend: str) -> None:
    """Twelve comparisons make a number, and a channel fires where it is the expected one."""
    cases = dict(list(drawn(DRAWN).items())[::10][:12])
    levels = {text: sorted(values)[1] + 0.37 for text, (values, _) in cases.items()}
    bits = [f"{2**k}*int({text} > {levels[text]!r})" for k, text in enumerate(cases)]
    expected = [
        sum(2.0**k * (values[c] > levels[t]) for k, (t, (values, _)) in enumerate(cases.items()))
        for c in range(CHANNELS)
    ]
    # Two channels are asked for a number that is off by one: these stay silent.
    asked = np.array(expected) + np.array([0.0, 1.0, 0.0, 1.0])
    model = NeuronModel(
        name="thresholds",
        equations="dv/dt = 0/tau : 1",
        threshold=f"{' + '.join(bits)} == code",
        reset="v = 0",
        parameters=parameters(),
        receptors={"excitatory": "v"},
    )
    spikes = simulated(backend, model, code=asked).recording.spikes["post"]
    np.testing.assert_array_equal(np.bincount(spikes.unit, minlength=CHANNELS), [4, 0, 4, 0])


@pytest.mark.slow
@pytest.mark.parametrize("backend", GRID)
@pytest.mark.parametrize("side", ["pre", "post"])
def test_learning_rules_are_arithmetic_on_real_numbers(backend: str, side: str) -> None:
    """Each element of a kernel takes, at its only spike, the expression of its number."""
    chosen = {
        text: values[0]
        for text, (values, _) in drawn(DRAWN).items()
        if abs(values[0]) < 1e9 and len(text) < 60
    }
    texts = list(chosen)[::4][: CHANNELS * 2 * 3]
    first = np.arange(CHANNELS * 2.0).reshape(CHANNELS, 2, 1, 1)
    model = NeuronModel(
        name="once",
        equations="dv/dt = 0/tau : 1",
        threshold="v > 0.5",
        reset="v = -1e30",
        parameters=parameters(),
        receptors={"excitatory": "v"},
    )
    for part in range(0, len(texts), first.size):
        mine = texts[part : part + first.size]
        mine += [mine[0]] * (first.size - len(mine))
        change = " + ".join(f"int(w == {k})*({text})" for k, text in enumerate(mine))
        rule = TraceRule(
            traces={"x": Trace("pre", 20.0)},
            **{f"on_{side}": f"{change} - w"},
            parameters=GIVEN[0],
            w_min=-1e12,
            w_max=1e12,
        )
        found = simulated(backend, model, rule=rule, kernel=first).weights
        expected = np.array([chosen[text] for text in mine])
        np.testing.assert_allclose(found["pre_post"].ravel(), expected, rtol=1e-8, atol=1e-8)
