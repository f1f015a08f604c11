"""Irregularity and Fano factors of trains whose statistics are known."""

from __future__ import annotations

import numpy as np
import pytest

from scnnbio.analysis.irregularity import (
    fano_factor,
    irregularity,
    mean_fano_factor,
    trial_cv,
)
from scnnbio.analysis.rates import Responses, responses
from scnnbio.errors import SpecError
from scnnbio.recording import Recording, Spikes


def recorded(trains: list[list[np.ndarray]], duration: float) -> Recording:
    """Recording of trains[unit][trial]."""
    flat = [(t, u, k) for u, unit in enumerate(trains) for k, t in enumerate(unit)]
    lengths = [len(t) for t, _, _ in flat]
    return Recording(
        {
            "v1": Spikes(
                np.concatenate([t for t, _, _ in flat]),
                np.repeat([u for _, u, _ in flat], lengths),
                np.repeat([k for _, _, k in flat], lengths),
            )
        },
        {"v1": (len(trains), 1, 1)},
        {"duration": np.full(len(trains[0]), duration), "a": np.zeros(len(trains[0]))},
    )


def gamma_train(rng: np.random.Generator, shape: float, duration: float) -> np.ndarray:
    """Renewal train of mean interval 20 ms, with gamma intervals."""
    intervals = rng.gamma(shape, 20.0 / shape, int(duration / 20 * 1.5))
    time = np.cumsum(intervals)
    assert time[-1] > duration
    return time[time < duration]


def test_gamma_renewal_trains() -> None:
    # CV = 1 / sqrt(k). LV = 3 / (2 k + 1). CV2 of a Poisson process is 1; k = 4 is integrated:
    # u = x / (x + y) is Beta(4, 4), and CV2 = 2 E|2 u - 1|.
    rng = np.random.default_rng(0)
    shapes = np.array([1.0, 4.0])
    trains = [[gamma_train(rng, k, 40_000.0) for _ in range(4)] for k in shapes]
    found = irregularity(recorded(trains, 40_000.0), "v1")
    np.testing.assert_allclose(found.cv, 1 / np.sqrt(shapes), rtol=0.04)
    np.testing.assert_allclose(found.lv, 3 / (2 * shapes + 1), rtol=0.04)
    u = (np.arange(100_000) + 0.5) / 100_000
    beta = u**3 * (1 - u) ** 3
    expected = 2 * (np.abs(2 * u - 1) * beta).sum() / beta.sum()
    np.testing.assert_allclose(found.cv2, [1.0, expected], rtol=0.04)


def test_a_regular_train_has_none() -> None:
    found = irregularity(recorded([[np.arange(10.0, 1000.0, 10.0)]], 1000.0), "v1")
    np.testing.assert_allclose([found.cv[0], found.cv2[0], found.lv[0]], 0.0, atol=1e-12)
    assert found.n_intervals[0] == 98


@pytest.mark.parametrize("n_spikes", [0, 1, 2, 3, 20])
def test_short_trains_are_nan_and_counted(n_spikes: int) -> None:
    regular = np.arange(10.0, 1000.0, 10.0)
    found = irregularity(recorded([[regular[:n_spikes]], [regular]], 1000.0), "v1")
    assert np.isnan([found.cv[0], found.cv2[0], found.lv[0]]).all()
    assert found.n_undefined == 1


def test_intervals_do_not_cross_trials() -> None:
    # Regular within each trial, and unlike between them only across their border.
    one, two = np.arange(10.0, 500.0, 10.0), np.arange(307.0, 900.0, 10.0)
    found = irregularity(recorded([[one, two]], 1000.0), "v1")
    assert found.cv[0] == pytest.approx(0.0, abs=1e-12)
    assert found.n_intervals[0] == len(one) + len(two) - 2


def test_two_spikes_a_trial_have_intervals_but_no_pairs() -> None:
    found = irregularity(recorded([[np.array([1.0, 2.0])] * 30], 10.0), "v1")
    assert found.n_intervals[0] == 30
    assert np.isnan(found.cv2[0])


def test_trials_of_each_unit_and_window() -> None:
    fast, slow = np.arange(10.0, 1001.0, 10.0), np.arange(20.0, 1001.0, 20.0)
    recording = recorded([[fast, slow], [fast, slow]], 1000.0)
    found = irregularity(recording, "v1", trials=[[0], [1]], window=(0.0, 500.0))
    assert found.n_intervals.tolist() == [49, 24]
    both = irregularity(recording, "v1", units=[1], trials=[0, 1])
    assert both.n_intervals.tolist() == [len(fast) + len(slow) - 2]
    with pytest.raises(SpecError, match="1 lists of trials for 2 units"):
        irregularity(recording, "v1", trials=[[0]])


def test_fano_factor_of_poisson_and_constant_counts() -> None:
    # Poisson: 1, with standard error sqrt(2 / n) = .045 for 1000 trials.
    rng = np.random.default_rng(1)
    poisson = [np.sort(rng.uniform(0, 100, rng.poisson(10))) for _ in range(1000)]
    constant = [np.arange(1.0, 6.0)] * 1000
    silent = [np.zeros(0)] * 1000
    table = responses(recorded([poisson, constant, silent], 100.0), "v1", by=("a",))
    found = fano_factor(table)
    assert found.shape == (1, 3)
    assert found[0, 0] == pytest.approx(1.0, abs=0.14)
    assert found[0, 1] == 0.0
    assert np.isnan(found[0, 2])
    np.testing.assert_array_equal(fano_factor(table, conditions=table.best()), found[0])


def test_the_mean_fano_factor_has_the_unbiased_variance() -> None:
    rng = np.random.default_rng(7)
    counts = rng.poisson([[0.2, 3.0, 5.0]], (12, 3))
    condition = np.repeat([0, 1, 2], [5, 6, 1])  # the last has one trial, and no variance
    counts[condition == 0, 1] = 0
    table = Responses("v1", {"c": np.arange(3)}, condition, counts, (0.0, 500.0))
    mean, number = mean_fano_factor(table, min_mean_count=1.0)
    each: list[list[float]] = [[], [], []]
    for unit, found in enumerate(each):
        for k in (0, 1):
            of = counts[condition == k, unit]
            if of.mean() >= 1:
                found.append(of.var(ddof=1) / of.mean())
    assert number.tolist() == [len(found) for found in each] == [0, 1, 2]
    assert np.isnan(mean[0])
    np.testing.assert_allclose(mean[1:], [np.mean(found) for found in each[1:]])


def test_fano_factor_divides_by_the_number_of_trials() -> None:
    # Counts 1 and 3: variance 1, mean 2.
    trains = [np.array([1.0]), np.array([1.0, 2.0, 3.0])]
    table = responses(recorded([trains], 10.0), "v1", by=("a",))
    assert fano_factor(table)[0, 0] == pytest.approx(0.5)
    assert np.isnan(fano_factor(table, min_mean_count=2.5)[0, 0])


def test_two_spikes_at_one_time_are_undefined_and_counted() -> None:
    # Intervals 0, 0, 10, ...: CV is defined, CV2 and LV divide 0 by 0 once. All at one time: none.
    regular = np.arange(10.0, 500.0, 10.0)
    doubled = np.concatenate([[5.0, 5.0, 5.0], regular])
    trains = [[regular], [doubled], [np.full(30, 7.0)]]
    found = irregularity(recorded(trains, 1000.0), "v1")
    assert found.n_undefined == 2
    intervals = np.diff(doubled)
    assert found.cv[1] == pytest.approx(intervals.std() / intervals.mean())
    assert np.isnan([found.cv2[1], found.lv[1], found.cv[2]]).all()
    each = trial_cv(recorded(trains, 1000.0), "v1")
    assert each.n_undefined == 1
    assert each.n_trials.tolist() == [1, 1, 0]


def test_cv_of_a_trial_does_not_see_rates_that_change_between_trials() -> None:
    # Regular within each trial at two rates: 0 in every trial; pooled, intervals of 10 and 40 ms
    # in numbers 4 to 1 have mean 16, variance 144: CV 0.75.
    fast, slow = np.arange(10.0, 1001.0, 10.0), np.arange(40.0, 1001.0, 40.0)
    recording = recorded([[fast, slow]], 1000.0)
    found = trial_cv(recording, "v1")
    assert found.cv[0] == pytest.approx(0.0, abs=1e-12)
    assert found.n_trials[0] == 2
    assert irregularity(recording, "v1").cv[0] == pytest.approx(0.75, abs=0.01)


@pytest.mark.parametrize("n", [5, 20])
def test_squared_cv_of_so_many_poisson_intervals(n: int) -> None:
    # Intervals between n + 1 spikes of a Poisson process, over their sum, are a flat Dirichlet:
    # the mean of CV^2 is (n - 1) / (n + 1). 1000 trials of the same n.
    rng = np.random.default_rng(3)
    trains = [[np.cumsum(rng.exponential(1.0, n + 1))] for _ in range(1000)]
    found = trial_cv(recorded(trains, 1000.0), "v1")
    assert np.mean(found.cv**2) == pytest.approx((n - 1) / (n + 1), rel=0.04)
    short = trial_cv(recorded(trains[:5], 1000.0), "v1", min_intervals=n + 1)
    assert short.n_undefined == 5


def test_units_trials_and_window_of_the_trial_cv() -> None:
    rng = np.random.default_rng(4)
    trains = [[np.sort(rng.uniform(0, 1000, 60)) for _ in range(4)] for _ in range(3)]
    recording = recorded(trains, 1000.0)
    found = trial_cv(recording, "v1", units=[2], trials=[1, 3], window=(200.0, 800.0))
    wanted = []
    for k in (1, 3):
        inside = trains[2][k][(trains[2][k] > 200) & (trains[2][k] <= 800)]
        wanted.append(np.diff(inside).std() / np.diff(inside).mean())
    assert found.cv[0] == pytest.approx(np.mean(wanted))
