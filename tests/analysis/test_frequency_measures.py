"""Spatial and temporal frequency: measures of Poisson spikes whose curves are known."""

import numpy as np
import pytest

from scnnbio.analysis.curve_shapes import flanks
from scnnbio.analysis.measurements import Bootstrap
from scnnbio.analysis.measures_of_frequency import (
    spatial_frequency_measures,
    temporal_frequency_measures,
)
from scnnbio.errors import SpecError
from tests.analysis.synthetic import coverage, modulated, poisson

FREQUENCIES = 2.0 ** np.arange(-1.0, 4.1, 0.5)


def bell(frequency, peak=2.0, width=0.8, height=40.0):
    """Gaussian over octaves."""
    return height * np.exp(-0.5 * (np.log2(frequency / peak) / width) ** 2)


def test_flanks_of_a_curve_without_noise():
    octaves = np.log2(FREQUENCIES)
    found = flanks(bell(FREQUENCIES)[None], octaves, 0.5, smoothing=(1.0,))
    half = 0.8 * np.sqrt(2 * np.log(2))
    assert found.peak[0] == pytest.approx(1.0, abs=0.02)
    assert found.low[0] == pytest.approx(1.0 - half, abs=0.01)
    assert found.high[0] == pytest.approx(1.0 + half, abs=0.01)
    rising = flanks(np.arange(11.0)[None] + 20.0, octaves, 0.5, smoothing=(1.0,))
    assert rising.peak[0] == octaves[-1]
    assert np.isnan([rising.low[0], rising.high[0]]).all()
    with pytest.raises(SpecError, match="a curve needs 3 or more"):
        flanks(np.ones((1, 2)), [0.0, 1.0], 0.5)


def shown(curve, repeats, units, seed, name="spatial_frequency"):
    rng = np.random.default_rng(seed)
    rates = np.repeat(np.tile(curve, repeats)[:, None], units, axis=1)
    return poisson(rates, {name: np.tile(FREQUENCIES, repeats)}, rng)


def test_spatial_frequency_and_its_coverage():
    found = spatial_frequency_measures(
        shown(bell(FREQUENCIES), 30, 150, 1), "v1", bootstrap=Bootstrap(draws=80)
    )
    # Of the true curve, smoothed as the measure does it.
    octaves = np.log2(FREQUENCIES)
    half = flanks(bell(FREQUENCIES)[None], octaves, 0.5)
    upper = flanks(bell(FREQUENCIES)[None], octaves, 2**-0.5)
    truths = {
        "peak_spatial_frequency": 2.0,
        "spatial_bandwidth": half.high[0] - half.low[0],
        "low_high_ratio": 100 * 2.0 ** (upper.low - upper.high)[0],
    }
    for name, truth in truths.items():
        assert np.median(found[name].value) == pytest.approx(truth, rel=0.03), name
        assert coverage(found[name], truth) > 0.85, name
    # Smoothing widens little: the closed form of the bell is near.
    assert truths["spatial_bandwidth"] == pytest.approx(2 * 0.8 * 1.1774, rel=0.1)
    assert (found["spatial_frequency_selective"].value == 1).all()
    assert found["low_pass_spatial"].mean().value[0] == 0.0


def test_low_pass_units_are_told():
    low = 40.0 / (1 + (FREQUENCIES / 4.0) ** 4)
    found = spatial_frequency_measures(shown(low, 40, 10, 1), "v1", bootstrap=Bootstrap(draws=20))
    assert found["low_pass_spatial"].mean().value[0] == 1.0
    assert found["spatial_bandwidth"].insufficient[0] == (
        "does not fall to half height at low frequencies"
    )
    assert (found["spatial_frequency_selective"].value == 0).all()


def test_temporal_frequency_by_mean_and_by_modulation():
    # The mean is flat; the modulation is tuned to 2 Hz.
    rng = np.random.default_rng(4)
    frequency = np.tile([1.0, 2.0, 4.0, 8.0, 16.0], 60)
    depth = bell(frequency, 4.0, 0.9, 0.9)
    kept = [modulated(30.0, d, frequency[depth == d], rng, size=20) for d in np.unique(depth)]
    for recording in kept:  # one frequency each makes no curve
        with pytest.raises(SpecError, match="frequencies; a curve needs 3 or more"):
            temporal_frequency_measures(recording, "v1")
    from scnnbio.recording import concatenate

    whole = concatenate(kept)
    by_f1 = temporal_frequency_measures(whole, "v1", response="f1", bootstrap=Bootstrap(draws=40))
    assert np.median(by_f1["peak_temporal_frequency"].value) == pytest.approx(4.0, rel=0.1)
    # F1 of noise raises the flanks a little: the closed form is 2.12 octaves.
    assert np.median(by_f1["temporal_bandwidth"].value) == pytest.approx(2.4, abs=0.4)
    assert 4.0 < np.median(by_f1["high_cutoff"].value) < 12.0
    by_mean = temporal_frequency_measures(whole, "v1", bootstrap=Bootstrap(draws=5))
    assert (by_mean["low_pass_temporal"].value == 1).all()


def test_wrong_requests_are_refused():
    recording = shown(bell(FREQUENCIES), 2, 1, 1)
    with pytest.raises(SpecError, match="response"):
        spatial_frequency_measures(recording, "v1", response="f2")
    with pytest.raises(SpecError, match="no column 'temporal_frequency'"):
        temporal_frequency_measures(recording, "v1")
