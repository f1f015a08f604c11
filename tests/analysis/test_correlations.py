"""Noise and signal correlation of counts whose correlation is known."""

from __future__ import annotations

import numpy as np
import pytest

from scnnbio.analysis.correlations import noise_correlation, signal_correlation
from scnnbio.analysis.rates import Responses, responses
from scnnbio.errors import SpecError
from scnnbio.recording import Recording, Spikes


def table(counts: np.ndarray, condition: np.ndarray) -> Responses:
    """Responses with counts (trials, units)."""
    place = np.arange(condition.max() + 1)
    return Responses("v1", {"orientation": place * 10.0}, condition, counts, (0.0, 500.0))


@pytest.mark.slow
def test_noise_correlation_of_a_shared_poisson_train() -> None:
    # Two units share a Poisson train of share rho of their rate, and have one each of the rest:
    # counts are Poisson, of correlation rho. A third is independent. Rates rise tenfold over the
    # conditions and fall for the second unit, which is signal and must not be seen.
    # Standard error 1 / sqrt(6000) = .013.
    rng = np.random.default_rng(0)
    rho, trials = 0.3, 1500
    spikes: list[tuple[float, int, int]] = []
    condition = np.repeat(np.arange(4), trials)
    rate = np.array([2.0, 8.0, 14.0, 20.0])[condition]
    shared = rng.poisson(rho * rate)
    own = rng.poisson((1 - rho) * rate, (2, len(rate)))
    extra = 12.0 * condition[::-1]  # a part of the second unit's counts that does not vary
    counts = np.stack([shared + own[0], shared + own[1] + extra.astype(int), rng.poisson(rate)])
    for unit, row in enumerate(counts):
        for trial, number in enumerate(row):
            spikes += [(t, unit, trial) for t in rng.uniform(0, 500, number)]
    time, unit, trial = map(np.array, zip(*spikes, strict=True))
    recording = Recording(
        {"v1": Spikes(time, unit, trial)},
        {"v1": 3},
        {"duration": np.full(len(rate), 500.0), "orientation": condition * 45.0},
    )
    by = responses(recording, "v1", ("orientation",))
    found = noise_correlation(by)
    assert list(zip(found.first, found.second, strict=True)) == [(0, 1), (0, 2), (1, 2)]
    np.testing.assert_allclose(found.value, [rho, 0.0, 0.0], atol=0.045)
    assert found.n.tolist() == [6000] * 3
    assert found.mean == pytest.approx(found.value.mean())
    # Without the z-scores the stimulus would make it negative.
    assert np.corrcoef(by.counts[:, 0], by.counts[:, 1])[0, 1] < 0


def test_noise_correlation_is_the_mean_of_those_within_conditions() -> None:
    # Of conditions of as many trials each; numpy's coefficient within each.
    rng = np.random.default_rng(1)
    counts = rng.poisson(5.0, (40, 2)) + rng.poisson(2.0, (40, 1))
    condition = np.tile(np.arange(4), 10)
    within = [np.corrcoef(counts[condition == c].T)[0, 1] for c in range(4)]
    found = noise_correlation(table(counts, condition))
    assert found.value[0] == pytest.approx(np.mean(within))


def test_conditions_without_variance_are_left_out_of_the_pair() -> None:
    rng = np.random.default_rng(2)
    counts = rng.poisson(5.0, (40, 3))
    condition = np.repeat([0, 1], 20)
    counts[:20, 0] = 3  # unit 0 does not vary in the first condition
    counts[:, 2] = 0  # unit 2 never fires
    found = noise_correlation(table(counts, condition))
    assert found.value[0] == pytest.approx(np.corrcoef(counts[20:, :2].T)[0, 1])
    assert found.n.tolist() == [20, 0, 0]
    assert np.isnan(found.value[1:]).all()
    assert found.n_undefined == 2
    assert noise_correlation(table(counts, condition), min_trials=21).n_undefined == 3


def test_trials_without_a_condition_count_nothing() -> None:
    rng = np.random.default_rng(3)
    counts = rng.poisson(5.0, (30, 2))
    condition = np.where(np.arange(30) < 20, 0, -1)
    alone = table(counts[:20], condition[:20])
    assert noise_correlation(table(counts, condition)).value == noise_correlation(alone).value


def test_signal_correlation_of_known_tuning() -> None:
    # Means a cos and a cos shifted by d around the circle: correlation cos d. Poisson counts of
    # 400 trials: noise of sqrt(30 / 400) beside a modulation of 20.
    rng = np.random.default_rng(4)
    angle = np.arange(8) * np.pi / 4
    shifts = np.deg2rad([0.0, 60.0, 90.0, 180.0])
    means = 30 + 20 * np.cos(angle[:, None] - shifts[None, :])
    condition = np.repeat(np.arange(8), 400)
    found = signal_correlation(table(rng.poisson(means[condition]), condition))
    first = found.first == 0
    np.testing.assert_allclose(found.value[first], np.cos(shifts[1:]), atol=0.03)
    assert set(found.n) == {8}


def test_signal_correlation_needs_tuning_and_conditions() -> None:
    counts = np.tile([[1, 4], [2, 4], [3, 4]], (10, 1))
    found = signal_correlation(table(counts, np.tile(np.arange(3), 10)), min_conditions=3)
    assert np.isnan(found.value).all()  # the second has no tuning
    rising = np.tile([[1, 3], [2, 5], [3, 7]], (10, 1))
    by = table(rising, np.tile(np.arange(3), 10))
    assert signal_correlation(by, min_conditions=3).value[0] == pytest.approx(1.0)
    assert signal_correlation(by).n_undefined == 1  # four conditions are needed


def test_one_unit_makes_no_pair() -> None:
    with pytest.raises(SpecError, match="1 units make no pair"):
        noise_correlation(table(np.zeros((4, 2), dtype=int), np.zeros(4, dtype=int)), units=[0])
