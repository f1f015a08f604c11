"""Each learning rule by itself, against answers that are worked out elsewhere.

Sums over pairs and triplets of spikes by their definition, Brian2's own ``Synapses`` with shared
weights, and published data. All rules at once: test_learning.py.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from scnnbio import backends
from scnnbio.connectors import ConvolutionConnector
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIF
from scnnbio.plasticity import (
    PFISTER_GERSTNER_2006,
    LearningRule,
    SharedSTDP,
    TripletSTDP,
)
from scnnbio.population import Population, SpikeSource
from tests.backends.test_learning import RANK_ORDER, given
from tests.backends.test_reference import pair

FloatArray = NDArray[np.float64]

# -- pairs and triplets by their definition -------------------------------------------------------


def change(rule: LearningRule, pre: FloatArray, post: FloatArray) -> float:
    """What a rule with hard bounds far away adds to a weight: a sum over pairs and triplets.

    For each spike, the earlier ones of each kind count with their exponentials; with nearest
    pairing only the last of them does. No trace is stepped.
    """

    def sum_of(spikes: FloatArray, now: float, tau: float, *, before: bool = False) -> float:
        past = spikes[spikes < now - 1e-9] if before else spikes[spikes <= now + 1e-9]
        past = past[-1:] if rule.pairing == "nearest" else past  # type: ignore[attr-defined]
        return float(np.exp(-(now - past) / tau).sum())

    total = 0.0
    if isinstance(rule, SharedSTDP):
        # An arrival comes before a postsynaptic spike of the same stamp.
        total += sum(rule.a_plus * sum_of(pre, t, rule.tau_plus) - rule.a_post for t in post)
        total -= sum(rule.a_minus * sum_of(post, t, rule.tau_minus, before=True) for t in pre)
    elif isinstance(rule, TripletSTDP):
        for t in post:
            slow = sum_of(post, t, rule.tau_y, before=True)
            total += sum_of(pre, t, rule.tau_plus) * (rule.a2_plus + rule.a3_plus * slow)
        for t in pre:
            slow = sum_of(pre, t, rule.tau_x, before=True)
            fast = sum_of(post, t, rule.tau_minus, before=True)
            total -= fast * (rule.a2_minus + rule.a3_minus * slow)
    return total


def measured(
    rule: LearningRule, pre: FloatArray, post: FloatArray, backend: str = "reference"
) -> float:
    """The same from a simulation: one weight learns; another, strong one makes the neuron fire."""
    # The tested weight moves by less than 1, 10 mV, which does not reach the threshold 15 mV away.
    network = pair(
        np.array([[[[0.0]], [[8.0]]]]), (2, 1, 1), weight=10.0, delay=1.0, receptor="membrane",
        plasticity=dataclasses.replace(rule, w_min=-20.0, w_max=20.0), parameters={"tau_m": 1.0},
    )  # fmt: skip
    times = tuple((float(t), 0) for t in pre) + tuple((float(t), 1) for t in post)
    duration = float(np.ceil(max(pre.max(), post.max()) + 5.0))
    run = backends.get(backend).run(given(network, times, duration=duration, dt=1.0))
    np.testing.assert_allclose(run.recording.spikes["post"].time, post + 1.0, atol=1e-9)
    return float(run.weights["pre_post"][0, 0, 0, 0])


HARD = {"bounds": "hard", "a_plus": 0.02, "a_minus": 0.015, "a_post": 0.001}
RULES: dict[str, LearningRule] = {
    "pairs": SharedSTDP(**HARD),  # type: ignore[arg-type]
    "nearest pairs": SharedSTDP(**HARD, pairing="nearest"),  # type: ignore[arg-type]
    "triplets": TripletSTDP.published("hippocampus"),
    "nearest triplets": TripletSTDP.published("visual-cortex", "full", "nearest"),
    # Traces that fall through hundreds of time constants, and one that is gone in a step.
    "soon forgotten": SharedSTDP(**HARD, tau_plus=1.5, tau_minus=1e-3),  # type: ignore[arg-type]
}


@pytest.mark.parametrize(
    ("name", "backend"),
    [
        *itertools.product(RULES, ("reference", "brian2")),
        pytest.param("soon forgotten", "brian2-standalone", marks=pytest.mark.slow),
    ],
)
def test_random_trains_add_up_to_their_pairs_and_triplets(name: str, backend: str) -> None:
    rng = np.random.default_rng(7)
    pre, post = (np.sort(rng.choice(np.arange(1, 300), 40, replace=False)) for _ in range(2))
    expected = change(RULES[name], pre.astype(float), post.astype(float))
    assert abs(expected) > 1e-2
    found = measured(RULES[name], pre.astype(float), post.astype(float), backend)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)


def test_the_window_of_a_pair() -> None:
    """a_plus exp(-s/tau_plus) for the presynaptic spike first, -a_minus exp(s/tau_minus) after."""
    rule = SharedSTDP(bounds="hard", a_plus=0.02, a_minus=0.015)
    for shift in (-60.0, -10.0, -1.0, 0.0, 1.0, 10.0, 60.0):
        expected = 0.02 * np.exp(-shift / 17.0) if shift >= 0 else -0.015 * np.exp(shift / 34.0)
        found = measured(rule, np.array([70.0]), np.array([70.0 + shift]))
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_power_bounds_lie_between_hard_and_soft() -> None:
    """One pair after 10 ms, from 0.3: 0.3 + a_plus exp(-10/17) (1 - 0.3)^mu."""
    for mu in (0.02, 0.5, 1.0, 2.0):
        rule = SharedSTDP(a_plus=0.1, bounds="power", mu=mu)
        network = pair(
            np.array([[[[0.3]], [[1.0]]]]), (2, 1, 1), weight=20.0, receptor="membrane",
            plasticity=rule, parameters={"tau_m": 1.0},
        )  # fmt: skip
        run = backends.get("reference").run(given(network, ((5.0, 0), (15.0, 1)), dt=1.0))
        expected = 0.3 + 0.1 * np.exp(-10.0 / 17.0) * 0.7**mu
        np.testing.assert_allclose(run.weights["pre_post"][0, 0, 0, 0], expected, rtol=1e-12)


@pytest.mark.parametrize("backend", ["reference", "brian2"])
def test_rank_order_learning_as_text(backend: str) -> None:
    """Kheradpisheh et al. 2018: +a_plus w (1 - w) for what arrived, -a_minus w (1 - w) else."""
    kernel = np.array([[[[0.3, 0.6]], [[0.9, 0.8]]]])
    network = pair(
        kernel, (2, 1, 2), weight=20.0, receptor="membrane", plasticity=RANK_ORDER,
        parameters={"tau_m": 1.0},
    )  # fmt: skip
    run = backends.get(backend).run(given(network, ((5.0, 0), (15.0, 2), (20.0, 3)), dt=1.0))
    np.testing.assert_allclose(run.recording.spikes["post"].time, [16.0, 21.0])
    steps = {(0, 0): (1, 1), (0, 1): (-1, -1), (1, 0): (1, 1), (1, 1): (-1, 1)}
    for (channel, column), signs in steps.items():
        w = kernel[0, channel, 0, column]
        for sign in signs:
            w += (0.1 if sign > 0 else -0.06) * w * (1 - w)
        np.testing.assert_allclose(run.weights["pre_post"][0, channel, 0, column], w, rtol=1e-13)


# -- Brian2's own synapses ------------------------------------------------------------------------

#: In Brian2's words: equations of the traces, what a spike of each side does, and our rule.
SYNAPSES: dict[str, tuple[str, str, str, LearningRule]] = {
    "pairs, soft": (
        """dx/dt = -x/(17*ms) : 1 (event-driven)
           dy/dt = -y/(34*ms) : 1 (event-driven)""",
        "w = clip(w - 0.02*y*w, 0, 1); x += 1",
        "w = clip(w + 0.03*x*(1 - w) - 0.005*w, 0, 1); y += 1",
        SharedSTDP(a_plus=0.03, a_minus=0.02, a_post=0.005),
    ),
    "nearest pairs, hard": (
        """dx/dt = -x/(17*ms) : 1 (event-driven)
           dy/dt = -y/(34*ms) : 1 (event-driven)""",
        "w = clip(w - 0.03*y, 0, 1); x = 1",
        "w = clip(w + 0.02*x, 0, 1); y = 1",
        SharedSTDP(a_plus=0.02, a_minus=0.03, bounds="hard", pairing="nearest"),
    ),
    "triplets": (
        """dr1/dt = -r1/(16.8*ms) : 1 (event-driven)
           dr2/dt = -r2/(101*ms) : 1 (event-driven)
           do1/dt = -o1/(33.7*ms) : 1 (event-driven)
           do2/dt = -o2/(125*ms) : 1 (event-driven)""",
        "w = clip(w - o1*(0.005 + 0.003*r2), 0, 1); r1 += 1; r2 += 1",
        "w = clip(w + r1*(0.001 + 0.004*o2), 0, 1); o1 += 1; o2 += 1",
        TripletSTDP(a2_plus=0.001, a3_plus=0.004, a2_minus=0.005, a3_minus=0.003),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", SYNAPSES)
def test_brian2s_own_synapses_with_shared_weights_learn_the_same(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One synapse an edge with traces of its own, all places on one weight, and our spikes."""
    import brian2 as b2

    model, on_pre, on_post, rule = SYNAPSES[case]
    rng = np.random.default_rng(2)
    convolution = ConvolutionConnector(
        rng.uniform(0.2, 0.9, (2, 2, 3, 2)), (2, 5, 5), stride=(1, 2), padding=(1, 0)
    )
    network = Network(
        (
            Population("pre", (2, 5, 5), SpikeSource()),
            Population("post", convolution.out_shape, LIF, {"tau_m": 15.0}),
        ),
        (Projection("pre", "post", convolution, 1.2, 1.5, plasticity=rule),),
    )
    times = tuple((float(t), int(u)) for t in range(1, 190) for u in rng.choice(50, 3, False))
    learned = {
        backend: backends.get(backend).run(given(network, times, duration=200.0))
        for backend in ("reference", "brian2")
    }
    fired = learned["reference"].recording.spikes["post"]
    assert len(fired.time) > 50
    at, source = np.array(times).T
    b2.set_device("runtime")
    monkeypatch.setitem(b2.prefs, "codegen.target", "numpy")
    clock = b2.Clock(dt=0.5 * b2.ms)
    arrivals = b2.SpikeGeneratorGroup(50, source.astype(int), (at + 1.5) * b2.ms, clock=clock)
    outputs = b2.SpikeGeneratorGroup(
        network.population("post").size, fired.unit, fired.time * b2.ms, clock=clock
    )
    kernel = b2.NeuronGroup(convolution.kernel.size, "w : 1", clock=clock)
    kernel.w = convolution.kernel.ravel()
    edges = convolution.edges()
    synapses = b2.Synapses(
        arrivals,
        outputs,
        f"{model}\ntap : integer (constant)",
        on_pre=on_pre,
        on_post=on_post,
        clock=clock,
    )
    synapses.variables.add_reference("w", kernel, "w", index="tap")
    synapses.connect(i=edges.pre, j=edges.post)
    synapses.tap = edges.tap
    b2.Network(arrivals, outputs, kernel, synapses).run(200 * b2.ms, namespace={})
    found = np.asarray(kernel.w).reshape(convolution.kernel.shape)
    assert np.abs(found - convolution.kernel).max() > 0.05
    for run in learned.values():
        np.testing.assert_allclose(run.weights["pre_post"], found, rtol=0, atol=1e-12)


# -- Pfister & Gerstner 2006: how pairing depends on its frequency ---------------------------------

#: Change of a synapse in visual cortex by 60 pairs, post 10 ms after pre and 10 ms before, at five
#: frequencies (Hz): mean and standard error of Sjostrom, Turrigiano & Nelson 2001, Neuron 32:1149,
#: as Pfister & Gerstner 2006 take them.
FREQUENCIES = (0.1, 10.0, 20.0, 40.0, 50.0)
SJOSTROM: dict[float, tuple[tuple[float, ...], tuple[float, ...]]] = {
    10.0: ((-0.04, 0.14, 0.29, 0.53, 0.56), (0.05, 0.10, 0.14, 0.11, 0.26)),
    -10.0: ((-0.29, -0.41, -0.34, 0.56, 0.75), (0.08, 0.11, 0.10, 0.32, 0.19)),
}


def _pairing(frequency: float, shift: float) -> tuple[FloatArray, FloatArray]:
    pre = 20.0 + np.arange(60) * 1000.0 / frequency
    return pre, pre + shift


def _misfit(rule: LearningRule, computed: Callable[..., float] = change) -> float:
    """Mean squared deviation from the data in standard errors."""
    errors = [
        (computed(rule, *_pairing(frequency, shift)) - mean) / error
        for shift, (means, widths) in SJOSTROM.items()
        for frequency, mean, error in zip(FREQUENCIES, means, widths, strict=True)
    ]
    return float(np.mean(np.square(errors)))


@pytest.mark.parametrize(
    "fit", [key for key in PFISTER_GERSTNER_2006 if key[0] == "visual-cortex"], ids=" ".join
)
def test_published_triplets_fit_the_data_they_were_fitted_to(fit: tuple[str, str, str]) -> None:
    """Each published set lies within a standard error; its pair part alone is far off."""
    rule = TripletSTDP.published(*fit)  # type: ignore[arg-type]
    assert _misfit(rule) < 0.4
    assert _misfit(dataclasses.replace(rule, a3_plus=0.0, a3_minus=0.0)) > 5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("frequency", "backend"),
    [
        *((50.0, backend) for backend in ("reference", "brian2")),
        *(pytest.param(f, "reference", marks=pytest.mark.slow) for f in (20.0, 40.0)),
    ],
)
def test_simulated_pairing_gives_the_published_frequency_dependence(
    frequency: float, backend: str
) -> None:
    for shift in (10.0, -10.0):
        rule = TripletSTDP.published("visual-cortex", "minimal")
        pre, post = _pairing(frequency, shift)
        found = measured(rule, pre, post, backend)
        np.testing.assert_allclose(found, change(rule, pre, post), rtol=0, atol=1e-12)
        means, errors = SJOSTROM[shift]
        k = FREQUENCIES.index(frequency)
        assert abs(found - means[k]) < 1.5 * errors[k]
