"""Rules that wait for a reward: sums over pairs and rewards, and a task that needs it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from scnnbio import backends
from scnnbio.connectors import ConvolutionConnector, DenseConnector
from scnnbio.errors import SpecError
from scnnbio.experiment import Experiment, Record
from scnnbio.inputs import FromSpikes
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIBRARY
from scnnbio.plasticity import MSTDP, MSTDPET, LearningRule, Reward, WinnerTakeAll
from scnnbio.population import Population, SpikeSource, ValueSource

FloatArray = NDArray[np.float64]
CELL = LIBRARY["LIF_curr_delta"]
VALUES = {"v_rest": 0, "v_reset": 0, "v_thresh": "1 mV", "tau_m": "1 ms", "tau_refrac": 0}


def network(rule: LearningRule, reward: Population | None = None) -> Network:
    """One weight learns; another, strong one makes the neuron fire; two channels give a reward."""
    kernel = np.array([0.0, 2.0]).reshape(1, 2, 1, 1)
    far = dataclasses.replace(rule, w_min=-20.0, w_max=20.0)
    return Network(
        (
            Population("pre", (2, 1, 1), SpikeSource()),
            reward or Population("reward", (2, 1, 2), SpikeSource()),
            Population("post", (1, 1, 1), CELL, VALUES),
        ),
        (
            Projection(
                "pre", "post", ConvolutionConnector(kernel, (2, 1, 1)), receptor="membrane",
                plasticity=far,
            ),
        ),
    )  # fmt: skip


def learned(
    rule: LearningRule,
    pre: FloatArray,
    post: FloatArray,
    rewards: dict[int, FloatArray],
    backend: str = "reference",
) -> float:
    """Change of the weight; a spike of ``pre`` arrives when one of ``post`` of its step fires."""
    times = np.concatenate([pre, post])
    unit = np.repeat([0, 1], [len(pre), len(post)])
    when = np.concatenate(list(rewards.values()))
    which = np.repeat(list(rewards), [len(v) for v in rewards.values()])
    end = float(max(times.max(), when.max()) + 10)

    def train(at: FloatArray, units: FloatArray, size: tuple[int, int, int]) -> FromSpikes:
        order = np.lexsort((units, at))
        zero = np.zeros(len(at), int)
        return FromSpikes(at[order], units[order], zero, size=size, duration=end)

    experiment = Experiment(
        network(rule),
        inputs={"pre": train(times, unit, (2, 1, 1)), "reward": train(when, which, (2, 1, 2))},
        record=Record(spikes=["post"]),
        dt=1.0,
    )
    run = backends.get(backend).run(experiment)
    np.testing.assert_array_equal(run.recording.spikes["post"].time, np.sort(post) + 1.0)
    return float(run.weights["pre_post"][0, 0, 0, 0])


# -- one pair, in closed form ----------------------------------------------------------------------


@pytest.mark.parametrize("shift", [-12.0, 0.0, 7.0])
def test_a_pair_waits_for_its_reward(shift: float) -> None:
    """Its change times exp(-wait/tau_e), from the later of its spikes to the reward's arrival."""
    rule = MSTDPET(20.0, 30.0, 0.02, 0.015, tau_e=25.0, reward=Reward("reward", (2.0, -0.5), 3.0))
    pair = 0.02 * np.exp(-shift / 20.0) if shift >= 0 else -0.015 * np.exp(shift / 30.0)
    complete = 41.0 + max(shift, 0.0)  # arrivals and spikes are a step after the source's
    for unit, value in ((0, 2.0), (1, 2.0), (2, -0.5), (3, -0.5)):
        at = {unit: np.array([70.0])}
        found = learned(rule, np.array([40.0]), np.array([40.0 + shift]), at)
        expected = value * pair * np.exp(-(73.0 - complete) / 25.0)
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_reward_that_lasts_is_an_integral() -> None:
    """The sum over steps of two exponentials that decay together: a geometric series."""
    rule = MSTDPET(a_plus=0.02, tau_e=25.0, reward=Reward("reward", 1.0, 1.0, tau=10.0))
    found = learned(rule, np.array([40.0]), np.array([45.0]), {0: np.array([59.0])})
    # To the end of the trial: steps 60 to 69.
    ratio = np.exp(-1 / 25.0 - 1 / 10.0)
    steps = (1 - ratio**10) / (1 - ratio)
    expected = 0.02 * np.exp(-5 / 20.0) * np.exp(-(60.0 - 46.0) / 25.0) * steps
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize(("late", "counts"), [(0.0, False), (1.0, True), (2.0, False)])
def test_mstdp_rewards_the_step_before(late: float, counts: bool) -> None:
    """Florian 2007: w(t + dt) = w(t) + r(t + dt) zeta(t)."""
    rule = MSTDP(a_plus=0.02, reward=Reward("reward", (0.7, 0.0), delay=1.0))
    # The postsynaptic spike is in step 46; a reward of time t arrives in step t + 1.
    found = learned(rule, np.array([40.0]), np.array([45.0]), {0: np.array([45.0 + late])})
    expected = 0.7 * 0.02 * np.exp(-5 / 20.0) if counts else 0.0
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)


# -- random trains, by the definition --------------------------------------------------------------


def summed(
    rule: MSTDP | MSTDPET, pre: FloatArray, post: FloatArray, rewards: dict[int, FloatArray]
) -> float:
    """The change by its definition: for every reward, all pairs before it; nothing is stepped."""
    reward, values = rule.reward, np.repeat(rule.reward.by_channel(2), 2)
    arrived, fired = pre + 1.0, post + 1.0

    def zeta(step: float) -> float:
        found = 0.0
        if step in fired:
            before = arrived[arrived <= step]
            found += rule.a_plus * np.exp(-(step - before) / rule.tau_plus).sum()
        if step in arrived:
            earlier = fired[fired < step]
            found -= rule.a_minus * np.exp(-(step - earlier) / rule.tau_minus).sum()
        return float(found)

    end = max(map(np.max, (pre, post, *rewards.values()))) + 10.0
    change = {step: zeta(step) for step in np.arange(1.0, end + 1.0)}
    came = [(t + reward.delay, values[u]) for u, times in rewards.items() for t in times]
    total = 0.0
    for step in np.arange(1.0, end + 1.0):
        if reward.tau is None:
            level = sum(value for at, value in came if at == step)
        else:
            past = [(at, value) for at, value in came if at <= step]
            level = sum(value * np.exp(-(step - at) / reward.tau) for at, value in past)
        if isinstance(rule, MSTDP):
            total += level * change.get(step - 1.0, 0.0)
        else:
            total += level * sum(
                one * np.exp(-(step - at) / rule.tau_e) for at, one in change.items() if at < step
            )
    return float(total)


RULES = {
    "MSTDP": MSTDP(20.0, 30.0, 0.02, 0.015, reward=Reward("reward", (1.0, -0.4), 2.0, tau=12.0)),
    "MSTDPET": MSTDPET(20.0, 30.0, 0.02, 0.015, reward=Reward("reward", (1.0, -0.4), 4.0)),
}


@pytest.mark.parametrize("backend", ["reference", "brian2"])
@pytest.mark.parametrize("name", RULES)
def test_random_trains_and_rewards_add_up(name: str, backend: str) -> None:
    rng = np.random.default_rng(11)
    pre, post = (np.sort(rng.choice(np.arange(1, 200), 30, False)).astype(float) for _ in range(2))
    rewards = {u: np.sort(rng.choice(np.arange(1, 200), 9, False)).astype(float) for u in range(4)}
    expected = summed(RULES[name], pre, post, rewards)
    assert abs(expected) > 1e-2
    found = learned(RULES[name], pre, post, rewards, backend)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)


# -- a task ----------------------------------------------------------------------------------------


def answered(rule: LearningRule, wanted: tuple[int, int], seed: int = 1) -> float:
    """Share of right answers to two noisy patterns, of which each wants one of two cells to win.

    A critic of the network rewards the winner's spikes: what it wants is told by a source, which
    silences what would praise the other cell, and what would blame the wanted one.
    """

    def shown(network: Network, seed: int) -> tuple[Experiment, NDArray[np.int64]]:
        rng, n = np.random.default_rng(seed), 50
        pattern = rng.integers(0, 2, n)
        fires = rng.random((n, 50, 20)) < 0.06
        fires &= np.arange(20) // 10 == pattern[:, None, None]
        trial, step, unit = np.nonzero(fires)
        want = np.array(wanted)[pattern]
        inputs = {
            "eye": FromSpikes(step + 1.0, unit, trial, (20, 1, 1), n, 60.0),
            "target": FromSpikes(np.ones(n), want, np.arange(n), (2, 1, 1), n, 60.0),
        }
        return Experiment(network, inputs=inputs, record=Record(spikes=["choice"]), dt=1.0), want

    rng = np.random.default_rng(3)
    kernel = rng.uniform(0.4, 0.6, (2, 20, 1, 1))
    # Praise of each cell, then blame of each.
    praise = [[1.0, 0.0], [0.0, 1.0]]
    judged = DenseConnector([*praise, *praise], (2, 1, 1), (2, 1, 2))
    hushed = DenseConnector([*praise[::-1], *praise], (2, 1, 1), (2, 1, 2))
    leaky, perfect = ({**VALUES, "tau_m": tau} for tau in ("20 ms", "1e6 ms"))
    before = Network(
        (
            Population("eye", (20, 1, 1), SpikeSource()),
            Population("target", (2, 1, 1), SpikeSource()),
            Population("choice", (2, 1, 1), CELL, leaky, competition=WinnerTakeAll(silence=True)),
            Population("critic", (2, 1, 2), CELL, perfect),
        ),
        (
            Projection(
                "eye", "choice", ConvolutionConnector(kernel, (20, 1, 1)), 0.5,
                receptor="membrane", plasticity=rule,
            ),
            Projection("choice", "critic", judged, 2.0, receptor="membrane"),
            Projection("target", "critic", hushed, -1000.0, receptor="membrane"),
        ),
    )  # fmt: skip
    run = backends.get("brian2").run(shown(before, seed)[0])
    after, want = shown(before.with_weights(run.weights).without_plasticity(), seed + 1)
    counts = backends.get("brian2").run(after).recording.counts("choice")
    return float(np.mean(counts.argmax(axis=1) == want))


@pytest.mark.slow
def test_what_is_wanted_is_learned_by_reward() -> None:
    """The same patterns and weights to begin with: only the reward tells the two tasks apart."""
    rewarded = MSTDPET(a_plus=0.01, a_minus=0.01, reward=Reward("critic", (1.0, -1.0)))
    assert min(answered(rewarded, (0, 1)), answered(rewarded, (1, 0))) > 0.95


# -- what is refused -------------------------------------------------------------------------------


def test_a_reward_has_to_fit_the_network() -> None:
    where = "projection 'pre_post'.plasticity.reward"
    with pytest.raises(SpecError, match="there is no population 'critic'") as caught:
        network(MSTDP(reward=Reward("critic")))
    assert caught.value.where == f"{where}.population"
    with pytest.raises(SpecError, match="3 values for 2 channels") as caught:
        network(MSTDP(reward=Reward("reward", (1.0, 2.0, 3.0))))
    assert caught.value.where == f"{where}.values"
    with pytest.raises(SpecError, match="fires no spikes") as caught:
        network(MSTDP(reward=Reward("reward")), Population("reward", (2, 1, 2), ValueSource()))
    assert caught.value.where == f"{where}.population"
    given = FromSpikes([1.0], [0], [0], size=(2, 1, 1), duration=9.0)
    rewarded = FromSpikes([1.0], [0], [0], size=(2, 1, 2), duration=9.0)
    late = network(MSTDP(reward=Reward("reward", delay=1.5)))
    with pytest.raises(SpecError, match="not a whole number of steps") as caught:
        Experiment(late, inputs={"pre": given, "reward": rewarded}, dt=1.0)
    assert caught.value.where == f"{where}.delay"
