"""The coincidence factor against counts by hand, Poisson trains, and a matching by another way."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from scnnbio.analysis.coincidence import (
    Coincidences,
    coincidence_factor,
    coincidences,
    explained_variance,
    pairs,
    reliability,
)
from scnnbio.errors import SpecError


def test_by_hand() -> None:
    # Two of four spikes have a partner within 2 ms; the third model spike has none, and 101 ms is
    # used up by 100 ms. Expected by chance: 2 * (4/1000 ms) * 2 ms * 4 spikes = 0.064.
    data, model = [100.0, 101.0, 300.0, 500.0], [101.5, 302.0, 700.0, 900.0]
    counts = coincidences(data, model, 1000.0)
    assert counts == Coincidences(4, 4, 2, pytest.approx(0.064))
    assert counts.factor == pytest.approx((2 - 0.064) / 4 / (1 - 0.016))


def test_ends_of_the_formula() -> None:
    train = np.arange(20) * 37.0 + 5.0
    assert coincidence_factor(train, train, 1000.0) == pytest.approx(1.0, abs=1e-12)
    # A silent model: no coincidence, none expected.
    assert coincidence_factor(train, [], 1000.0) == 0.0
    # A silent cell beside 20 spikes of the model: no coincidence of 10 spikes on average.
    assert coincidence_factor([], train, 1000.0) == 0.0
    assert math.isnan(coincidence_factor([], [], 1000.0))
    # Spikes that never coincide are worse than chance.
    assert coincidence_factor(train, train + 18.0, 1000.0) < 0


def test_window_is_closed() -> None:
    # 0.3 - 0.1 is less than 0.2 in binary, 0.7 - 0.5 more.
    assert pairs(np.array([0.1]), np.array([0.3]), 0.2) == 1
    assert pairs(np.array([0.5]), np.array([0.7]), 0.2) == 1
    assert pairs(np.array([0.5]), np.array([0.7001]), 0.2) == 0


def test_independent_poisson_trains_give_zero() -> None:
    # 400 pairs of 5 and 8 Hz for 10 s. The mean of the factor is zero to first order in nu Delta
    # = 0.016; its standard error is about sqrt(2 nu Delta N)/N/20.
    rng = np.random.default_rng(5)
    found = [
        coincidence_factor(
            rng.uniform(0, 1e4, rng.poisson(50)), rng.uniform(0, 1e4, rng.poisson(80)), 1e4
        )
        for _ in range(400)
    ]
    error = np.std(found) / 20
    assert error < 0.003
    assert abs(np.mean(found)) < 4 * error


@given(*[st.lists(st.integers(0, 60), max_size=9)] * 2, st.integers(1, 8))
def test_pairs_are_a_largest_matching(first: list[int], second: list[int], window: int) -> None:
    ours, theirs = np.sort(np.array(first, float)), np.sort(np.array(second, float))
    near = np.abs(ours[:, None] - theirs[None]) <= window
    rows, columns = linear_sum_assignment(-near.astype(float))
    assert pairs(ours, theirs, float(window)) == near[rows, columns].sum()


def test_sums_of_sweeps() -> None:
    # Equal trains in sweeps of different rates stay at 1.
    parts = [coincidences(t, t, 1000.0) for t in (np.arange(1, 9) * 100.0, np.array([400.0]))]
    assert (parts[0] + parts[1]).factor == pytest.approx(1.0)
    assert (parts[0] + coincidences([], [], 500.0)).factor == pytest.approx(1.0)


def test_reliability_is_that_of_pairs() -> None:
    trains = [[100.0, 500.0], [101.0, 500.0], [700.0]]
    each = [
        coincidence_factor(trains[i], trains[j], 1000.0)
        for i, j in ((0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1))
    ]
    assert reliability(trains, 1000.0) == pytest.approx(np.mean(each))
    assert math.isnan(reliability(trains[:1], 1000.0))


def test_explained_variance() -> None:
    data = np.array([0.0, 1.0, 2.0, 3.0])
    assert explained_variance(data, data + 5.0) == 1.0  # an offset has no variance
    assert explained_variance(data, np.zeros(4)) == 0.0
    # var(data - model) = var of (0, 0, 1, 1) = 1/4 of var(data) = 5/4, so 1 - 1/5.
    assert explained_variance(data, [0.0, 1.0, 1.0, 2.0]) == pytest.approx(0.8)
    assert explained_variance(data, [0.0, 1.0, 2.0, 9.0], [True, True, True, False]) == 1.0
    assert math.isnan(explained_variance(np.ones(3), data[:3]))


@pytest.mark.parametrize(
    ("data", "model", "duration", "window", "said"),
    [
        ([np.nan], [1.0], 100.0, 2.0, "nan"),
        ([101.0], [1.0], 100.0, 2.0, "101 ms is outside 0 to 100 ms"),
        ([-1.0], [1.0], 100.0, 2.0, "-1 ms is outside"),
        ([[1.0], [2.0]], [1.0], 100.0, 2.0, "not that of one train"),
        ([1.0], [1.0], 0.0, 2.0, "must be positive"),
        ([1.0], [1.0], "2 mV", 2.0, "is a voltage"),
        ([1.0], np.arange(1.0, 30.0), 100.0, 2.0, "cover all 100 ms"),
    ],
)
def test_refusals(data: object, model: object, duration: object, window: float, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        coincidences(data, model, duration, window)  # type: ignore[arg-type]
