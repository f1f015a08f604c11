"""Drift of weights between correlated trains: theory against the sum over all pairs, and runs."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from models.stdp_pairs import build
from scnnbio import Experiment, Record, SharedSTDP, backends
from scnnbio.analysis.drift import (
    changes_of,
    drift,
    expected_drift,
    signal_to_noise,
    window,
)
from scnnbio.errors import SpecError
from scnnbio.experiment import Run
from scnnbio.inputs import CorrelatedPairs, Draw

CORRELATION = (0.0, 0.3, 0.3, 0.3, 0.3, 0.3)
LAG = (0.0, -20.0, -5.0, 0.0, 5.0, 20.0)
#: No one of six means lies farther from its expectation in 95 of 100 experiments.
FARTHEST = 2.64
RULE = SharedSTDP(a_plus=0.01, a_minus=0.0085, bounds="hard", w_min=-1e6, w_max=1e6)


def run(backend: str, pairs: int, side: int, duration: float, **options: object) -> Run:
    shown = CorrelatedPairs(pairs, 20.0, CORRELATION, LAG, duration)
    network = build(pairs=pairs, sides=(side,))
    record = Record(spikes=(f"trains_{side**2}",))
    experiment = Experiment(
        network, inputs={f"trains_{side**2}": shown}, record=record, dt=1.0, **options
    )  # type: ignore[arg-type]
    return backends.get(backend).run(experiment)


def test_the_integral_is_the_mean_of_sums_over_all_pairs_of_spikes() -> None:
    """No simulation and no trace: the window over every pair of spikes of drawn trains."""
    shown = CorrelatedPairs(1440, 40.0, CORRELATION, LAG, 200.0)
    rng = np.random.default_rng(3)
    step, unit = shown.spikes(0, Draw((2880, 1, 1), 1.0, rng, rng))
    change = np.zeros(1440)
    for pair in range(1440):
        pre, post = (step[unit == 2 * pair + k].astype(float) for k in (0, 1))
        shift = (post[:, None] - pre[None, :]).ravel()
        change[pair] = (
            0.01 * np.exp(-shift[shift >= 0] / 17.0).sum()
            - 0.0085 * np.exp(shift[shift < 0] / 34.0).sum()
        )
    # All spikes of the trial pair here: none arrives too late.
    expected = expected_drift(RULE, shown, 1.0, 0.0)
    for k in range(6):
        found = change[k::6] / 0.2
        error = found.std(ddof=1) / np.sqrt(len(found))
        assert abs(found.mean() - expected[k]) < FARTHEST * error


def test_the_integral_over_a_short_trial_is_the_sum_over_its_steps() -> None:
    """Step by step: the joint probability of every two steps times the window."""
    for c, lag in ((0.4, 3.0), (0.4, -3.0), (0.7, 0.0)):
        shown = CorrelatedPairs(1, 50.0, c, lag, 30.0)
        p, total = 0.05, 0.0
        alone = p * (1 - c) / (1 - c * p)
        for m in range(1, 30):  # of 30 steps, the last one's spikes arrive too late
            second = p if 1 <= m - lag <= 30 else alone
            for n in range(1, 30):
                joint = p * second if m - n != lag else p * (c + (1 - c) * alone)
                total += joint * window(RULE, float(m - n))
        assert expected_drift(RULE, shown, 1.0)[0] == pytest.approx(total / 0.03, rel=1e-9)


def test_the_window_is_what_one_pair_changes() -> None:
    assert window(RULE, 0.0) == 0.01
    assert window(RULE, "17 ms") == pytest.approx(0.01 / np.e)
    assert window(RULE, -34.0) == pytest.approx(-0.0085 / np.e)


def test_weights_drift_as_the_integral_says() -> None:
    found = drift(run("reference", 60, 1, 3000.0), "learned_1")
    assert found.n.tolist() == [10] * 6
    assert np.abs(found.deviation).max() < 3.4  # 2.64 of a normal distribution is that of t, 9
    # The window's shape is seen, not only zero: causal pairs rise above anticausal ones.
    assert found.mean[4] > found.mean[2] + 5 * found.error[2]


@pytest.mark.validate
@pytest.mark.parametrize("backend", ["reference", "brian2", "brian2-standalone", "nest"])
def test_weights_drift_as_the_integral_says_on_every_backend_that_learns(backend: str) -> None:
    if backend == "nest":
        pytest.importorskip("nest")
    found = drift(run(backend, 288, 1, 20_000.0), "learned_1")
    assert np.abs(found.deviation).max() < FARTHEST
    shared = drift(run(backend, 288, 4, 2000.0), "learned_16")
    assert shared.places == 16
    assert np.abs(shared.deviation).max() < FARTHEST


def test_a_shared_weight_moves_by_the_pairs_of_all_its_places() -> None:
    """The window over every pair of recorded spikes, place by place."""
    done = run("brian2", 4, 2, 500.0)
    spikes = done.recording.spikes["trains_4"]
    places, moved = changes_of(done, "learned_4")
    assert places == 4
    for pair in range(4):
        total = 0.0
        for place in range(4):
            pre, post = (
                spikes.time[spikes.unit == (2 * pair + side) * 4 + place] for side in (0, 1)
            )
            # What would arrive, or fire, after the end is not there.
            shift = ((post[post < 500])[:, None] - (pre[pre < 500])[None, :]).ravel()
            total += sum(window(RULE, float(s)) for s in shift)
        assert moved[pair] == pytest.approx(total, abs=1e-9)


def test_signal_to_noise_grows_as_the_root_of_the_places() -> None:
    """Drawn numbers: a mean of P over a standard deviation of the root of P."""
    rng = np.random.default_rng(1)
    changes = {places: rng.normal(places, np.sqrt(places), 4000) for places in (1, 4, 16, 64)}
    found = signal_to_noise(changes, draws=200)
    assert found.slope == pytest.approx(0.5, abs=0.02)
    assert found.interval[0] < 0.5 < found.interval[1]
    np.testing.assert_allclose(found.ratio, np.sqrt(found.places), rtol=0.08)
    alike = signal_to_noise({places: rng.normal(1.0, 1.0, 4000) for places in (1, 4, 16)})
    assert alike.interval[1] < 0.1
    # Depression has the ratio of potentiation; a mean of 0 has no logarithm.
    falling = signal_to_noise({places: -values for places, values in changes.items()}, draws=200)
    assert falling.slope == found.slope
    assert falling.interval == found.interval
    with pytest.raises(SpecError, match="do not have one sign"):
        signal_to_noise({1: np.array([1.0, 2.0]), 4: np.array([-1.0, -3.0])})


def test_other_rules_are_refused() -> None:
    shown = CorrelatedPairs(2)
    for changes in ({"bounds": "soft"}, {"pairing": "nearest"}):
        with pytest.raises(SpecError, match="hard bounds and all-to-all"):
            expected_drift(dataclasses.replace(RULE, **changes), shown, 1.0)  # type: ignore[arg-type]
    with pytest.raises(SpecError, match="two numbers of places"):
        signal_to_noise({1: np.ones(3)})
