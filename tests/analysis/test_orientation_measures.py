"""Orientation and direction measures of Poisson spikes whose tuning curves are known."""

import numpy as np
import pytest

from scnnbio.analysis import tuning
from scnnbio.analysis.measurements import Bootstrap
from scnnbio.analysis.measures_of_orientation import (
    direction_measures,
    fit_von_mises,
    half_width,
    orientation_measures,
    orthogonal_preferred,
    peak_orientation,
)
from scnnbio.errors import SpecError
from tests.analysis.synthetic import coverage, poisson

ANGLES = np.arange(12) * 15.0
DIRECTIONS = np.arange(16) * 22.5


def von_mises(angles, kappa=2.0, place=67.5, base=4.0, height=20.0):
    turned = 2 * np.deg2rad(np.asarray(angles) - place)
    return base + height * np.exp(kappa * (np.cos(turned) - 1))


def shown(rates, repeats, units, seed, *, angles=ANGLES, blanks=0, spontaneous=2.0, extra=None):
    rng = np.random.default_rng(seed)
    column = np.concatenate([np.tile(angles, repeats), np.full(blanks, np.nan)])
    table = {
        "orientation": column, "contrast": np.where(np.isnan(column), 0.0, 1.0), **(extra or {})
    }  # fmt: skip
    each = np.concatenate([np.tile(rates, repeats), np.full(blanks, spontaneous)])
    return poisson(np.repeat(each[:, None], units, axis=1), table, rng)


def truths():
    """Measures of the true curve itself."""
    curve = von_mises(ANGLES)[None]
    return {
        "circular_variance": tuning.circular_variance(curve, ANGLES)[0],
        "half_bandwidth": tuning.half_bandwidth(curve, ANGLES)[0],
        "orthogonal_preferred": orthogonal_preferred(curve, ANGLES)[0],
        "preferred_orientation": 67.5,
        "fitted_orientation": 67.5,
        "fitted_half_width": half_width([2.0])[0],
        "half_bandwidth_above_spontaneous": tuning.half_bandwidth(curve - 2.0, ANGLES)[0],
        "largest_rate": curve.max(),
    }


def test_many_trials_give_the_measures_of_the_true_curve():
    found = orientation_measures(
        shown(von_mises(ANGLES), 1500, 2, 1, blanks=3000), "v1", bootstrap=Bootstrap(draws=20)
    )
    for name, truth in truths().items():
        # 6e4 spikes at the best orientation: half a percent and a third of a degree.
        assert found[name].value == pytest.approx([truth] * 2, rel=0.03), name
    cv, width = found["circular_variance"].value, found["half_bandwidth"].value
    np.testing.assert_allclose(found["circular_variance_per_deg"].value, cv / width)
    ratio = found["orthogonal_preferred"].value
    np.testing.assert_allclose(found["orthogonal_less_variance"].value, ratio - cv)
    np.testing.assert_allclose(found["orientation_selectivity"].value, (1 - ratio) / (1 + ratio))
    assert (found["orientation_selective"].value == 1).all()
    assert (found["circular_variance"].n == 12 * 1500).all()
    # At half of the whole height the offset widens the curve.
    top = 24.0
    whole = half_width([2.0], [(top / 2 - 4.0) / 20.0])[0]
    assert found["fitted_half_width_of_whole"].value == pytest.approx([whole] * 2, rel=0.03)


def test_the_value_is_that_of_the_tables():
    recording = shown(von_mises(ANGLES), 4, 5, 2)
    found = orientation_measures(recording, "v1", bootstrap=Bootstrap(draws=0))
    rates = recording.counts("v1").reshape(4, 12, 5).mean(axis=0).T
    np.testing.assert_allclose(
        found["circular_variance"].value, tuning.circular_variance(rates, ANGLES)
    )
    np.testing.assert_allclose(found["half_bandwidth"].value, tuning.half_bandwidth(rates, ANGLES))
    assert np.isnan(found["half_bandwidth"].low).all()


def test_many_half_bandwidths_are_those_of_one():
    rates = np.random.default_rng(0).gamma(2.0, 5.0, (300, 12))
    one, many = tuning.half_bandwidth(rates, ANGLES), tuning.half_bandwidths(rates, ANGLES)
    assert (np.isnan(one) == np.isnan(many)).mean() > 0.99
    both = ~np.isnan(one) & ~np.isnan(many)
    assert np.nanmedian(np.abs(one - many)[both]) < 0.01


@pytest.mark.slow
@pytest.mark.parametrize("repeats", [10])
def test_intervals_cover_the_truth(repeats):
    # 200 units alike: a coverage of 0.95 is measured to within 0.015 (one sd).
    found = orientation_measures(
        shown(von_mises(ANGLES), repeats, 200, 5, blanks=20), "v1", bootstrap=Bootstrap(draws=100)
    )
    for name, truth in truths().items():
        period = 180.0 if name.endswith("_orientation") else None
        # The largest of twelve noisy rates is above that of the best orientation, and half widths
        # of smoothed noise are wider: what is biased by the choice of the peak covers less.
        least = 0.8 if name in ("largest_rate", "orthogonal_preferred") else 0.87
        assert coverage(found[name], truth, period) >= least, name


@pytest.mark.validate
@pytest.mark.parametrize("repeats", [5, 10, 40])
def test_coverage_over_many_draws(repeats):
    found = orientation_measures(
        shown(von_mises(ANGLES), repeats, 2000, 6, blanks=50), "v1",
        bootstrap=Bootstrap(draws=500),
    )  # fmt: skip
    for name, truth in truths().items():
        period = 180.0 if name.endswith("_orientation") else None
        share = coverage(found[name], truth, period)
        print(f"{repeats} repeats, {name}: {share:.3f}")
        least = 0.75 if name in ("largest_rate", "orthogonal_preferred") else 0.89
        assert least <= share <= 0.99, name


def test_reasons_are_told():
    flat = np.full(12, 10.0)
    found = orientation_measures(shown(flat, 3000, 1, 1), "v1", bootstrap=Bootstrap(draws=10))
    assert found["half_bandwidth"].insufficient == (
        "does not fall to 0.71 of its peak on both sides",
    )
    assert found["orientation_selective"].value[0] == 0
    assert found["half_bandwidth_above_spontaneous"].insufficient == ("no blanks",)
    silent = orientation_measures(shown(0 * flat, 3, 1, 1), "v1", bootstrap=Bootstrap(draws=10))
    assert {m.insufficient for m in silent.values()} >= {("no spikes",)}
    once = orientation_measures(shown(flat, 1, 1, 1), "v1", bootstrap=Bootstrap(draws=10))
    assert once["circular_variance"].insufficient == ("fewer than 2 trials at a value",)


def test_each_unit_is_measured_at_its_best_value_of_what_else_varied():
    rng = np.random.default_rng(1)
    orientation = np.tile(ANGLES, 80)
    contrast = np.repeat([0.1, 1.0], 480)
    rates = np.where(contrast == 1.0, von_mises(orientation), 1.0)
    recording = poisson(
        np.stack([rates, rates], axis=1), {"orientation": orientation, "contrast": contrast}, rng
    )
    best = orientation_measures(recording, "v1", bootstrap=Bootstrap(draws=5))
    low = orientation_measures(
        recording, "v1", bootstrap=Bootstrap(draws=5), fixed={"contrast": 0.1}
    )
    assert (best["circular_variance"].value < 0.7).all()
    assert (low["circular_variance"].value > 0.85).all()
    assert (low["circular_variance"].n == 480).all()


def test_direction():
    curve = 2.0 + 30.0 * np.exp(np.cos(np.deg2rad(DIRECTIONS - 90.0)) * 2 - 2)
    found = direction_measures(
        shown(curve, 60, 100, 3, angles=DIRECTIONS), "v1", bootstrap=Bootstrap(draws=80)
    )
    truth = (32.0 - curve[12]) / (32.0 + curve[12])
    assert np.median(found["direction_selectivity"].value) == pytest.approx(truth, abs=0.01)
    assert coverage(found["direction_selectivity"], truth) > 0.85
    # An orientation of 90 moves towards 180.
    assert (found["preferred_direction"].value == 180.0).all()
    vector = np.abs((curve * np.exp(1j * np.deg2rad(DIRECTIONS))).sum()) / curve.sum()
    assert np.median(found["direction_circular_variance"].value) == pytest.approx(
        1 - vector, abs=0.01
    )


def test_fit_of_a_curve_without_noise_is_exact():
    kappa, place = np.array([0.5, 2.0, 10.0]), np.array([5.0, 93.0, 176.0])
    curves = np.stack([von_mises(ANGLES, k, x) for k, x in zip(kappa, place, strict=True)])
    fit = fit_von_mises(curves, ANGLES)
    np.testing.assert_allclose(np.exp(fit.q), kappa, rtol=0.02)
    np.testing.assert_allclose(fit.p % 180.0, place, atol=0.3)
    np.testing.assert_allclose(fit.scale, 20.0, rtol=0.02)
    np.testing.assert_allclose(fit.offset, 4.0, atol=0.25)
    assert fit.r_squared.min() > 0.9999
    # The curve at the half width is half of its height above the offset.
    width = half_width(kappa[1:])
    for k, x in zip(kappa[1:], width, strict=True):
        assert von_mises(x, k, 0.0, 0.0, 1.0) == pytest.approx(0.5)
    assert np.isnan(half_width([0.3]))[0]


def test_orthogonal_and_peak_of_given_curves():
    curve = np.zeros((1, 12))
    curve[0, [2, 8]] = 10.0, 4.0
    assert orthogonal_preferred(curve, ANGLES) == pytest.approx(0.4)
    # Of directions both sides count.
    both = np.zeros((1, 16))
    both[0, [3, 7, 15]] = 10.0, 6.0, 1.0
    assert orthogonal_preferred(both, DIRECTIONS) == pytest.approx(0.35)
    assert peak_orientation(von_mises(ANGLES)[None], ANGLES) == pytest.approx(67.5, abs=0.5)
    with pytest.raises(SpecError, match="right angles"):
        orthogonal_preferred(np.ones((1, 9)), np.arange(9) * 20.0)
