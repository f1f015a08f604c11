"""Noise on a screen: counts of spots, variance and slope of spectra."""

import dataclasses

import numpy as np
import pytest

from scnnbio.errors import SpecError
from scnnbio.stimuli import GaussianNoise, SparseNoise

RNG = np.random.default_rng(0)


def test_sparse_noise_has_its_spots_on_the_grid_and_no_others():
    noise = SparseNoise(1, spot=0.25, spots=3, contrast=0.5, duration=2000.0)
    frames = noise.frames(0, (18, 17), RNG)
    # 4 x 4 pixels a spot: 4 x 4 places, and what is left over stays grey.
    assert not frames[:, 16:].any()
    assert not frames[:, :, 16:].any()
    cells = frames[:, :16, :16].reshape(200, 4, 4, 4, 4).transpose(0, 1, 3, 2, 4)
    assert np.ptp(cells, axis=(3, 4)).max() == 0
    values = cells[:, :, :, 0, 0]
    assert (np.abs(values[values != 0]) == 0.5).all()
    np.testing.assert_array_equal((values != 0).sum(axis=(1, 2)), 3)
    # Every place and sign as often: binomial, of 600 spots over 16 places and over 2 signs.
    per_place = (values != 0).sum(axis=0)
    assert np.abs(per_place - 600 / 16).max() < 4 * np.sqrt(600 / 16)
    assert abs(np.sign(values).sum()) < 4 * np.sqrt(600)


@pytest.mark.parametrize(("polarity", "sign"), [("bright", 1.0), ("dark", -1.0)])
def test_polarity(polarity, sign):
    frames = SparseNoise(1, polarity=polarity, duration=100.0).frames(0, (8, 8), RNG)
    assert set(np.unique(frames)) == {0.0, sign}


@pytest.mark.parametrize(
    "noise", [SparseNoise(2, repeats=3, duration=50.0), GaussianNoise(2, repeats=3, duration=50.0)]
)
def test_repeats_are_one_movie_and_sequences_are_not(noise):
    table = noise.table()
    frames = [noise.frames(k, (12, 12), np.random.default_rng(k)) for k in range(6)]
    for sequence in (0.0, 1.0):
        same = np.flatnonzero(table["sequence"] == sequence)
        assert len(same) == 3
        for k in same:
            np.testing.assert_array_equal(frames[k], frames[same[0]])
    first, other = (np.flatnonzero(table["sequence"] == s)[0] for s in (0.0, 1.0))
    assert not np.array_equal(frames[first], frames[other])
    changed = dataclasses.replace(noise, seed=1, order="listed")
    assert not np.array_equal(changed.frames(0, (12, 12), RNG), frames[first])


@pytest.mark.parametrize(("space", "time"), [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (2.0, 0.5)])
def test_spectra_fall_with_their_exponents(space, time):
    noise = GaussianNoise(
        40, contrast=0.2, spatial_exponent=space, temporal_exponent=time, duration=320.0,
        order="listed",
    )  # fmt: skip
    movies = [noise.frames(k, (32, 32), RNG) for k in range(40)]
    power = np.mean([np.abs(np.fft.fftn(m)) ** 2 for m in movies], axis=0)
    # Frames have the mean luminance.
    assert power[:, 0, 0].max() < 1e-20
    f = np.fft.fftfreq(32)
    radius = np.hypot(f[:, None], f[None, :])
    kept = (radius > 0) & (radius < 0.5)
    line = np.polyfit(np.log(radius[kept]), np.log(power.sum(axis=0)[kept]), 1)
    assert line[0] == pytest.approx(-2 * space, abs=0.05)
    slow = np.abs(f[1:])
    line = np.polyfit(np.log(slow), np.log(power[1:].sum(axis=(1, 2))), 1)
    assert line[0] == pytest.approx(-2 * time, abs=0.08)
    # Variance as declared, within its own spread from movie to movie.
    each = np.array([m.var() for m in movies])
    assert each.mean() == pytest.approx(0.2**2, abs=4 * each.std() / np.sqrt(40) + 1e-12)


@pytest.mark.parametrize(
    ("kind", "changes", "where"),
    [
        (SparseNoise, {"spot": 0.3}, "stimulus.spot"),
        (SparseNoise, {"spots": 0}, "stimulus.spots"),
        (SparseNoise, {"polarity": "grey"}, "stimulus.polarity"),
        (SparseNoise, {"contrast": 2.0}, "stimulus.contrast"),
        (SparseNoise, {"sequences": 0}, "stimulus.sequences"),
        (GaussianNoise, {"contrast": -0.1}, "stimulus.contrast"),
        (GaussianNoise, {"spatial_exponent": 5.0}, "stimulus.spatial_exponent"),
    ],
)
def test_wrong_values_are_refused(kind, changes, where):
    with pytest.raises(SpecError) as caught:
        kind(**changes)
    assert caught.value.where == where


def test_a_screen_too_small_for_its_spots_is_refused():
    with pytest.raises(SpecError, match="1 places for 2 spots"):
        SparseNoise(1, spots=2, duration=50.0).frames(0, (4, 4), RNG)
