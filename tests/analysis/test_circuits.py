"""Measures of circuits on numbers whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from scnnbio.analysis.masking import fit_masks, masked_curves
from scnnbio.analysis.sparse_codes import reconstruction_error
from scnnbio.analysis.tolerance import position_spread
from scnnbio.errors import SpecError
from scnnbio.recording import Recording, Spikes

CONTRAST = np.array([0.04, 0.08, 0.12, 0.18, 0.25, 0.35, 0.5])


def rate(contrast: np.ndarray, c50: float) -> np.ndarray:
    """The Naka-Rushton function, with 30 Hz, an exponent of 2 and 1 Hz of offset."""
    return 1.0 + 30.0 * contrast**2 / (contrast**2 + c50**2)


def test_a_mask_that_divides_contrast_is_told_from_one_that_subtracts() -> None:
    alone = rate(CONTRAST, 0.15)
    divided, scaled = rate(CONTRAST, 0.15 * 2), 1.0 + 0.6 * (alone - 1.0)
    less = np.maximum(alone - 6.0, 0.0)
    found = fit_masks([alone] * 3, [divided, scaled, less], CONTRAST)
    for unit, name in enumerate(("contrast gain", "response gain", "subtraction")):
        assert found.r_squared[name][unit] == pytest.approx(1.0, abs=1e-5)
        others = [v[unit] for n, v in found.r_squared.items() if n != name]
        assert max(others) < 0.999
    assert found.factor["contrast gain"][0] == pytest.approx(2.0, rel=0.01)
    assert found.factor["response gain"][1] == pytest.approx(0.6, rel=0.01)
    assert found.factor["subtraction"][2] == pytest.approx(6.0, rel=0.01)
    assert found.c50[0] == pytest.approx(0.15, rel=0.01)
    assert found.division[0] > 0 > found.division[2]


def test_a_silent_unit_has_no_fit() -> None:
    found = fit_masks([np.zeros(7)], [np.zeros(7)], CONTRAST)
    assert np.isnan(found.division).all()
    with pytest.raises(SpecError, match="7 contrasts"):
        fit_masks([np.zeros(6)], [np.zeros(6)], CONTRAST)


def test_curves_are_those_of_each_units_best_orientation() -> None:
    # Unit 0 prefers 0 deg and unit 1 prefers 90 deg; the mask halves what the grating adds. The
    # orthogonal grating with the mask of the preferred orientation drives a unit more than any.
    angle, contrast, mask = (
        g.ravel() for g in np.meshgrid([0.0, 90.0], CONTRAST, [0.0, 0.5], indexing="ij")
    )
    preferred = np.stack([angle == 0.0, angle == 90.0], axis=1)
    counts = np.where(preferred, (40 * contrast * (1 - mask))[:, None], 30 * (mask > 0)[:, None])
    counts = np.rint(counts).astype(int)
    trial, unit = np.indices(counts.shape)
    spikes = Spikes(
        np.full(counts.sum(), 500.0), unit.ravel().repeat(counts.ravel()),
        trial.ravel().repeat(counts.ravel()),
    )  # fmt: skip
    trials = {
        "duration": np.full(len(angle), 1000.0), "orientation": angle, "contrast": contrast,
        "mask_contrast": mask, "mask_orientation": np.full(len(angle), 90.0),
    }  # fmt: skip
    found = masked_curves(Recording({"v1": spikes}, {"v1": (2, 1, 1)}, trials), "v1")
    np.testing.assert_array_equal(found.alone, np.tile(np.rint(40 * CONTRAST), (2, 1)))
    np.testing.assert_array_equal(found.masked, np.tile(np.rint(20 * CONTRAST), (2, 1)))
    assert found.suppression[:, -1] == pytest.approx([0.5, 0.5])


def test_the_spread_of_positions_is_that_of_the_bar() -> None:
    # A bar at 4 deg/s passes the centre after 250 ms; spikes at equal distances over 0.8 deg in
    # the direction of 0 deg have quartiles 0.4 deg apart. The other direction has fewer spikes.
    at = np.linspace(150.0, 350.0, 401)
    spikes = Spikes(
        np.append(at, [10.0, 490.0]), np.zeros(403, int), np.append(np.zeros(401, int), [1, 1])
    )
    trials = {"duration": [500.0] * 2, "direction": [0.0, 90.0], "speed": [4.0] * 2}
    recording = Recording({"v1": spikes}, {"v1": (2, 1, 1)}, trials)
    spread = position_spread(recording, "v1")
    assert spread[0] == pytest.approx(0.4, abs=1e-9)
    assert np.isnan(spread[1])  # silent
    assert position_spread(recording, "v1", share=0.8)[0] == pytest.approx(0.64, abs=1e-9)


def test_pictures_are_reconstructed_from_what_tells_them() -> None:
    rng = np.random.default_rng(0)
    counts = rng.poisson(3.0, (200, 12)).astype(float)
    shown = counts @ rng.normal(size=(12, 20))
    assert reconstruction_error(counts, shown).max() < 1e-4
    noise = reconstruction_error(counts, rng.normal(size=(200, 20)))
    assert noise.min() > 0.9
    # Half of the variance of each pixel is noise of its own.
    half = shown + rng.normal(size=shown.shape) * shown.std(axis=0)
    assert reconstruction_error(counts, half).mean() == pytest.approx(0.5, abs=0.06)
