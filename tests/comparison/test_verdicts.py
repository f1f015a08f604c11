"""Verdicts on promises, each of them both ways, from recordings whose differences are known."""

from __future__ import annotations

import numpy as np
import pytest

from scnnbio.analysis.agreement import Agreement, Settings, agreement
from scnnbio.backends.promises import Exact, Statistical, UnlessAtThreshold, Within
from scnnbio.comparison.verdicts import FirstDifference, judge_numbers, judge_spikes
from scnnbio.recording import Recording, Spikes

UNITS, DURATION = 80, 2000.0


def poisson(rate: float, seed: int, units: int = UNITS) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [np.sort(rng.uniform(0, DURATION, rng.poisson(rate * DURATION / 1000))) for _ in
            range(units)]  # fmt: skip


def regular(rate: float, seed: int) -> list[np.ndarray]:
    """As many spikes, at equal distances."""
    trains = poisson(rate, seed)
    return [np.linspace(5, DURATION - 5, len(train)) for train in trains]


def compared(ours: list[np.ndarray], theirs: list[np.ndarray]) -> Agreement:
    made = []
    for trains in (ours, theirs):
        unit = np.repeat(np.arange(len(trains)), [len(t) for t in trains]).astype(np.int32)
        time = np.concatenate(trains)
        order = np.argsort(time, kind="stable")
        spikes = Spikes(time[order], unit[order], np.zeros(len(time), np.int32))
        made.append(
            Recording({"v1": spikes}, {"v1": (len(trains), 1, 1)}, {"duration": [DURATION]})
        )
    return agreement(*made, "v1", Settings(trains=1, units=10))


def moved(trains: list[np.ndarray], by: float) -> list[np.ndarray]:
    """The first train's first spike, moved."""
    return [np.concatenate([trains[0][:1] + by, trains[0][1:]]), *trains[1:]]


BASE = poisson(20, 1)
FIRST = FirstDifference("v1", 0, 0, 5.0, "a", "b", distance=1e-13)


def test_exact_means_every_spike() -> None:
    promise = Exact("spikes")
    same = judge_spikes(promise, compared(BASE, BASE), 0.1)
    assert (same.verdict, same.subject, same.of) == ("agrees", "spikes", "v1")
    assert f"all {sum(map(len, BASE))} spikes" in same.reason
    other = judge_spikes(promise, compared(BASE, moved(BASE, 0.1)), 0.1)
    assert (other.verdict, other.reason) == ("disagrees", "1 of 80 neurons that fire differ")
    silent = [np.zeros(0)] * 3
    assert judge_spikes(promise, compared(silent, silent), 0.1).verdict == "insufficient data"


@pytest.mark.parametrize(
    ("first", "verdict", "part"),
    [
        ([FIRST], "agrees", "(1), neurons were at most 1e-13 from threshold"),
        ([FIRST, FirstDifference("v1", 3, 0, 5.0, "a", "b", 1e-3)], "disagrees", "0.001 from"),
        ([FirstDifference("v1", 0, 0, 5.0, "a", "b", None, "lost")], "insufficient data", "; lost"),
        ([FIRST, FirstDifference("v1", 0, 0, 5.0, "a", "b", None, "x")], "insufficient data", "x"),
        ([], "insufficient data", "the first differences are not known"),
    ],
)
def test_a_difference_is_excused_at_the_threshold_only(
    first: list[FirstDifference], verdict: str, part: str
) -> None:
    promise = UnlessAtThreshold("spikes", distance=1e-9)
    assert judge_spikes(promise, compared(BASE, BASE), 0.1).verdict == "agrees"
    found = judge_spikes(promise, compared(BASE, moved(BASE, 0.1)), 0.1, first)
    assert found.verdict == verdict
    assert part in found.reason


PROMISE = Statistical("spikes", rate=0.1, cv=0.15)


@pytest.mark.parametrize(
    ("theirs", "verdict", "part"),
    [
        (poisson(20, 2), "agrees", "mean rate differs by"),
        (poisson(28, 3), "disagrees", "mean rate differs by"),
        (poisson(14, 3), "disagrees", "mean rate differs by -"),
        # The same counts at equal distances: the rate is the same, and the CV is 0 and not 1.
        (regular(20, 1), "disagrees", "CV of intervals differs by -0.9"),
        # A difference as large as what is allowed: half of the interval lies beyond.
        (poisson(22, 4), "insufficient data", "too wide for 0.1"),
    ],
    ids=["alike", "faster", "slower", "regular", "at the bound"],
)
def test_statistics_agree_within_the_bound_and_disagree_beyond_it(
    theirs: list[np.ndarray], verdict: str, part: str
) -> None:
    found = judge_spikes(PROMISE, compared(BASE, theirs), 0.1)
    assert found.verdict == verdict
    assert part in found.reason


def test_few_neurons_say_too_little() -> None:
    found = compared(poisson(20, 1, units=3), poisson(20, 2, units=3))
    strict = Statistical("spikes", rate=0.01, cv=0.01)
    assert judge_spikes(strict, found, 0.1).verdict == "insufficient data"


def test_where_no_neuron_has_intervals_the_rate_alone_is_judged() -> None:
    few = [train[:3] for train in BASE]
    found = judge_spikes(PROMISE, compared(few, few), 0.1)
    assert (found.verdict, "CV of intervals is defined for 0 neurons" in found.reason) == (
        "agrees",
        True,
    )
    silent = [np.zeros(0)] * 3
    assert judge_spikes(PROMISE, compared(silent, silent), 0.1).verdict == "insufficient data"


@pytest.mark.parametrize(
    ("promise", "difference", "verdict"),
    [
        (Within("weights", difference=1e-10), 9e-11, "agrees"),
        (Within("weights", difference=1e-10), 2e-10, "disagrees"),
        (Within("weights", difference=1e-10), float("nan"), "insufficient data"),
        (Exact("weights"), 0.0, "agrees"),
        (Exact("weights"), 1e-16, "disagrees"),
        (None, 0.0, "not applicable"),
    ],
)
def test_numbers_are_held_to_their_bound(
    promise: Within | Exact | None, difference: float, verdict: str
) -> None:
    assert judge_numbers(promise, "weights", "lgn_v1", difference).verdict == verdict


def test_nothing_is_judged_where_nothing_is_promised() -> None:
    found = judge_spikes(None, compared(BASE, BASE), 0.1)
    assert (found.verdict, found.promise) == ("not applicable", "")
