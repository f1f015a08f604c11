"""Results with intervals: their form, and the coverage of the bootstrap for means."""

import numpy as np
import pytest

from scnnbio.analysis.measurements import Bootstrap, Measurement, measured
from scnnbio.errors import SpecError


def test_weights_add_up_to_one_per_condition_and_have_the_variance_of_a_mean():
    condition = np.array([0, 0, 0, 0, 1, -1, 1, 2])
    weights = Bootstrap(draws=20_000, seed=1).weights(condition)
    for c in range(2):
        np.testing.assert_allclose(weights[:, condition == c].sum(axis=1), 1.0)
    assert not weights[:, 5].any()
    assert np.isnan(weights[:, 7]).all()  # one trial tells nothing of its noise
    # Of four values: the variance of the resampled mean is s^2 / 4, with s^2 unbiased.
    values = np.array([1.0, 5.0, 2.0, 9.0])
    means = weights[:, :4] @ values
    assert means.mean() == pytest.approx(values.mean(), abs=0.05)
    assert means.var() == pytest.approx(values.var(ddof=1) / 4, rel=0.03)


def test_interval_of_a_normal_distribution_and_its_shift_against_bias():
    rng = np.random.default_rng(3)
    draws = rng.normal(10.0, 2.0, (100_000, 1))
    low, high = Bootstrap().interval([10.0], draws)[:, 0]
    assert (low, high) == (pytest.approx(10 - 3.92, abs=0.05), pytest.approx(10 + 3.92, abs=0.05))
    # Resamples lie 1 above a value of 9: it lies 1 above the truth, 8.
    low, high = Bootstrap(level=0.9).interval([9.0], draws)[:, 0]
    assert (low, high) == (pytest.approx(8 - 3.29, abs=0.05), pytest.approx(8 + 3.29, abs=0.05))


def test_interval_of_an_angle_goes_around():
    rng = np.random.default_rng(3)
    draws = rng.normal(179.0, 2.0, (50_000, 1)) % 180.0
    low, high = Bootstrap().interval([179.0], draws, 180.0)[:, 0]
    assert (low, high) == (pytest.approx(175.08, abs=0.1), pytest.approx(182.92, abs=0.1))


def test_no_interval_where_resamples_have_no_value():
    draws = np.ones((100, 2))
    draws[:5, 0], draws[:11, 1] = np.nan, np.nan
    ends = Bootstrap().interval([1.0, 1.0], draws)
    np.testing.assert_array_equal(ends, [[1.0, np.nan], [1.0, np.nan]])
    assert np.isnan(Bootstrap(draws=0).interval([1.0], np.ones((0, 1)))).all()


def test_a_missing_value_says_why():
    nan = np.nan
    found = measured(
        "x", "Hz", [1.0, 2.0, nan], np.ones((10, 3)), np.array([3, 1, 3]), Bootstrap(),
        [("few trials", np.array([False, True, False]))],
    )  # fmt: skip
    assert found.insufficient == ("", "few trials", "not defined for this response")
    np.testing.assert_array_equal(found.value, [1.0, nan, nan])
    np.testing.assert_array_equal(np.isnan(found.low), [False, True, True])
    assert found.table()["insufficient"].tolist() == list(found.insufficient)
    assert str(found) == "x (Hz): 1 of 3 have a value"
    with pytest.raises(SpecError, match="for every missing value"):
        Measurement("x", "1", [nan], [nan], [nan], np.array([1]), ("",), "trials", 0.95, {})
    with pytest.raises(SpecError, match="differ in length"):
        Measurement("x", "1", [1.0], [nan], [nan], np.array([1, 2]), ("",), "trials", 0.95, {})


def test_intervals_end_where_a_quantity_does():
    draws = np.random.default_rng(1).normal(0.9, 0.2, (2000, 1))
    one = measured("circular_variance", "1", [0.9], draws, np.array([5]), Bootstrap())
    assert (one.high[0], one.low[0]) == (1.0, pytest.approx(0.51, abs=0.03))
    free = measured("x", "1", [0.9], draws, np.array([5]), Bootstrap())
    assert free.high[0] == pytest.approx(1.29, abs=0.03)
    held = measured("x", "1", [0.9], draws, np.array([5]), Bootstrap(), limits=(0.8, 1.1))
    assert (held.low[0], held.high[0]) == (0.8, 1.1)


def test_summaries_of_a_population():
    values = np.arange(101.0)
    found = measured("x", "Hz", values, np.tile(values, (2, 1)), np.full(101, 4), Bootstrap())
    median = found.median(Bootstrap(draws=4000))
    assert median.value[0] == 50.0
    assert median.n[0] == 101
    # The order statistics about the median: 1.96 sqrt(101) / 2 = 9.8 ranks.
    assert (median.low[0], median.high[0]) == (pytest.approx(40, abs=2), pytest.approx(60, abs=2))
    assert str(median).startswith("median x: 50 Hz (")
    assert found.mean().value[0] == 50.0
    few = measured("x", "Hz", values[:3], np.ones((2, 3)), np.full(3, 4), Bootstrap()).median()
    assert str(few) == "median x: insufficient: 3 units have a value"


@pytest.mark.parametrize("change", [{"draws": -1}, {"draws": 1.5}, {"level": 1.0}, {"seed": True}])
def test_wrong_ways_are_refused(change):
    with pytest.raises(SpecError):
        Bootstrap(**change)


def test_intervals_of_a_few_trials_are_as_wide_as_students():
    rng = np.random.default_rng(3)
    draws = rng.normal(0.0, 1.0, (100_000, 3))
    ends = Bootstrap().interval([0.0, 0.0, 0.0], draws, freedom=np.array([4, 19, 10_000]))
    # Ends of 95 % of Student's distribution for 4, 19 and very many degrees of freedom (tables).
    np.testing.assert_allclose(ends[1], [2.776, 2.093, 1.960], rtol=0.02)
    # Means of 12 values: the normal distribution's ends hold 0 in 92.4 of 100, Student's in 95.
    values = rng.normal(0.0, 1.0, (12, 2000))
    means = Bootstrap(draws=1000).weights(np.zeros(12, dtype=np.int64)) @ values
    for freedom, share in ((None, 0.924), (np.full(2000, 11), 0.95)):
        low, high = Bootstrap().interval(values.mean(axis=0), means, freedom=freedom)
        assert ((low <= 0) & (high >= 0)).mean() == pytest.approx(share, abs=0.017)
