"""Contrast, masks and size: measures of Poisson spikes whose curves are known."""

import numpy as np
import pytest

from scnnbio.analysis.measurements import Bootstrap
from scnnbio.analysis.measures_of_contrast import (
    contrast_invariance,
    contrast_measures,
    cross_orientation_suppression,
    fit_naka_rushton,
)
from scnnbio.analysis.measures_of_size import size_measures
from scnnbio.errors import SpecError
from tests.analysis.synthetic import coverage, modulated, poisson

CONTRASTS = np.array([0.0, 0.03, 0.06, 0.12, 0.25, 0.5, 1.0])
FEW = Bootstrap(draws=60)


def naka_rushton(c, c50=0.2, n=2.5, top=40.0, base=3.0):
    return base + top * c**n / (c**n + c50**n)


def test_fit_of_a_curve_without_noise_is_exact():
    curves = np.stack([naka_rushton(CONTRASTS), naka_rushton(CONTRASTS, 0.5, 1.2, 10.0, 0.0)])
    fit = fit_naka_rushton(curves, CONTRASTS)
    np.testing.assert_allclose(np.exp(fit.p), [0.2, 0.5], rtol=0.03)
    np.testing.assert_allclose(np.exp(fit.q), [2.5, 1.2], rtol=0.03)
    np.testing.assert_allclose(fit.scale, [40.0, 10.0], rtol=0.03)
    np.testing.assert_allclose(fit.offset, [3.0, 0.0], atol=0.1)
    with pytest.raises(SpecError, match="four contrasts"):
        fit_naka_rushton(curves[:, :3], CONTRASTS[:3])


def responses(curve, repeats, units, seed):
    rng = np.random.default_rng(seed)
    contrast = np.tile(CONTRASTS, repeats)
    rates = np.repeat(np.tile(curve, repeats)[:, None], units, axis=1)
    return poisson(rates, {"contrast": contrast}, rng)


def test_contrast_response_and_its_coverage():
    found = contrast_measures(
        responses(naka_rushton(CONTRASTS), 20, 150, 1), "v1", bootstrap=Bootstrap(draws=80)
    )
    truths = {"c50": 0.2, "exponent": 2.5, "largest_response": 40.0, "offset": 3.0}
    for name, truth in truths.items():
        assert np.nanmedian(found[name].value) == pytest.approx(truth, rel=0.1), name
        assert coverage(found[name], truth) > 0.87, name
    straight = contrast_measures(responses(20 * CONTRASTS**1.0, 60, 1, 2), "v1", bootstrap=FEW)
    assert "does not saturate" in straight["c50"].insufficient[0]
    flat = contrast_measures(responses(0 * CONTRASTS + 9.0, 10, 1, 2), "v1", bootstrap=FEW)
    assert flat["c50"].insufficient[0]


@pytest.mark.parametrize("widening", [1.0, 0.5])
def test_contrast_invariance(widening):
    # Concentration 2 at full contrast; at 0.3 the same, or half of it, which is wider.
    rng = np.random.default_rng(3)
    angles = np.tile(np.arange(12) * 15.0, 100)
    contrast = np.repeat([0.3, 1.0], 600)
    kappa = np.where(contrast == 1.0, 2.0, 2.0 * widening)
    turned = np.cos(2 * np.deg2rad(angles - 60.0)) - 1
    rates = 1.0 + np.where(contrast == 1.0, 40.0, 20.0) * np.exp(kappa * turned)
    table = {"orientation": angles, "contrast": contrast}
    found = contrast_invariance(
        poisson(np.repeat(rates[:, None], 40, axis=1), table, rng), "v1", bootstrap=FEW
    )
    width = [np.arccos(1 - np.log(2) / k) for k in (2.0 * widening, 2.0)]
    truth = width[0] / width[1]
    ratio = found["half_width_ratio_at_0.3"]
    assert np.median(ratio.value) == pytest.approx(truth, rel=0.03)
    assert coverage(ratio, truth) > 0.8  # of 40
    assert (ratio.n == 1200).all()


def test_cross_orientation_suppression():
    rng = np.random.default_rng(1)
    orientation, mask = (g.ravel() for g in np.meshgrid([0.0, 90.0], [0.0, 0.25, 0.5]))
    orientation, mask = np.tile(orientation, 60), np.tile(mask, 60)
    # A unit for 0 deg. Its mask at right angles divides; at 90 the mask drives it most of all,
    # and is no response to the grating that it masks.
    alone = np.where(orientation == 0.0, 22.0, 2.0)
    rates = np.where(
        orientation == 0.0, 2.0 + 20.0 / (1 + 2 * mask), np.where(mask > 0, 60.0, alone)
    )
    blank = np.full(40, np.nan)
    table = {
        "orientation": np.concatenate([orientation, blank]),
        "mask_contrast": np.concatenate([mask, 0 * np.zeros(40)]),
        "mask_orientation": np.concatenate([np.full(360, 90.0), blank]),
        "contrast": np.concatenate([np.full(360, 0.5), np.zeros(40)]),
    }
    each = np.concatenate([rates, np.full(40, 2.0)])
    recording = poisson(np.repeat(each[:, None], 150, axis=1), table, rng)
    found = cross_orientation_suppression(recording, "v1", bootstrap=Bootstrap(draws=80))
    assert list(found) == ["suppression_by_mask_0.25", "suppression_by_mask_0.5"]
    for name, truth in (("suppression_by_mask_0.25", 1 / 3), ("suppression_by_mask_0.5", 0.5)):
        assert np.median(found[name].value) == pytest.approx(truth, abs=0.02)
        assert coverage(found[name], truth) > 0.88
    weak = cross_orientation_suppression(recording, "v1", bootstrap=FEW, least_rate=50.0)
    assert "less than 50 Hz" in weak["suppression_by_mask_0.5"].insufficient[0]
    with pytest.raises(SpecError, match="no trial has a mask"):
        cross_orientation_suppression(recording.select(mask_contrast=0.0), "v1")


DIAMETERS = np.array([0.25, 0.5, 1.0, 2.0, 4.0, 8.0])
SIZES = np.array([5.0, 12.0, 30.0, 24.0, 18.5, 18.0])


def test_size_of_a_complex_cell():
    rng = np.random.default_rng(2)
    diameter = np.concatenate([np.tile(DIAMETERS, 80), np.full(60, np.nan)])
    rates = np.concatenate([np.tile(SIZES + 2.0, 80), np.full(60, 2.0)])
    table = {
        "diameter": diameter,
        "contrast": np.where(np.isnan(diameter), 0.0, 1.0),
        "temporal_frequency": np.where(np.isnan(diameter), np.nan, 4.0),
    }
    found = size_measures(
        poisson(np.repeat(rates[:, None], 150, axis=1), table, rng), "v1",
        bootstrap=Bootstrap(draws=80),
    )  # fmt: skip
    # Peak 30, plateau 18 above the spontaneous rate; 95 % of the peak at 1 deg alone. A response
    # of 18.5 is within 1.05 of the plateau, so that the surround ends at 4 deg.
    index = found["surround_suppression_index"]
    assert np.median(index.value) == pytest.approx(0.4, abs=0.01)
    assert coverage(index, 0.4) > 0.88
    assert (found["grating_summation_field"].value == 1.0).mean() > 0.95
    assert np.median(found["surround_diameter"].value) == 4.0
    assert np.median(found["surround_summation_ratio"].value) == 4.0


def test_size_of_a_simple_cell_is_that_of_its_modulation():
    rng = np.random.default_rng(2)
    diameter = np.tile(DIAMETERS, 60)
    recording = modulated(
        np.tile(SIZES, 60), 1.0, np.full(360, 4.0), rng, size=40, trials={"diameter": diameter}
    )
    found = size_measures(recording, "v1", bootstrap=FEW)
    # F1 equals the mean here, and noise makes either the larger: both have the same index.
    assert np.median(found["surround_suppression_index"].value) == pytest.approx(0.4, abs=0.03)
    # Without any spikes beyond the grating's: a response below 50 Hz is insufficient on demand.
    none = size_measures(recording, "v1", bootstrap=FEW, least_response=50.0)
    assert "less than 50 Hz" in none["surround_diameter"].insufficient[0]


def test_a_field_that_needs_the_whole_screen_has_no_size():
    rng = np.random.default_rng(2)
    diameter = np.tile([1.0, 2.0, np.inf], 40)
    rates = np.tile([5.0, 10.0, 40.0], 40)[:, None]
    table = {"diameter": diameter, "temporal_frequency": np.full(120, 4.0)}
    found = size_measures(poisson(rates, table, rng), "v1", bootstrap=FEW)
    assert found["grating_summation_field"].insufficient == ("reached with the whole screen alone",)
    assert found["surround_suppression_index"].value[0] == 0.0
