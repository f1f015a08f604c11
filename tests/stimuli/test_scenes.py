"""Natural scenes: what is shown lies in the photograph, and the gaze moves as declared."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from scnnbio.errors import DataError, SpecError
from scnnbio.stimuli import NaturalScenes

RNG = np.random.default_rng(0)
PPD = 16.0


@pytest.fixture
def folder(tmp_path):
    """A photograph whose luminance tells the place: columns in one, rows in the other."""
    column = np.tile(np.arange(200, dtype=np.uint8)[None] + 20, (200, 1))
    Image.fromarray(column).save(tmp_path / "a.png")
    return tmp_path


def gaze(scenes, trial=0):
    """Column of the middle pixel of each frame, from its luminance."""
    frames = scenes.frames(trial, (9, 9), RNG)
    # Contrast units: (grey - mean) / mean, of grey 20 to 219.
    return (frames[:, 4, 4] + 1.0) * 119.5 - 20.0


def scenes(folder, **changes):
    base = {"sequences": 4, "duration": 4000.0, "pixels_per_degree": PPD, "order": "listed"}
    return NaturalScenes(str(folder), **{**base, **changes})


def test_the_gaze_stands_still_between_saccades_and_stays_inside(folder):
    shown = scenes(folder, regularity=1000.0, fixation=200.0, saccade=1.0)
    for trial in range(4):
        column = gaze(shown, trial)
        assert column.min() >= 4.0 - 1e-6
        assert column.max() <= 195.0 + 1e-6
        jumps = np.flatnonzero(np.diff(column))
        # Nearly regular fixations of twenty frames: all jumps fall on their ends, one by one.
        assert np.abs(np.diff(jumps) - 20).max() <= 3
        assert 18 <= len(jumps) <= 20


def test_saccades_have_their_mean_amplitude(folder):
    shown = scenes(folder, fixation=10.0, regularity=1000.0, saccade=0.25, sequences=1,
                   duration=20_000.0)  # fmt: skip
    steps = np.diff(gaze(shown)) / PPD
    # One component of an isotropic jump of exponential length a: mean of |a cos| is 2 a / pi.
    expected = 2 / np.pi * 0.25
    assert np.abs(steps).mean() == pytest.approx(expected, rel=0.08)


def test_drift_spreads_as_diffusion(folder):
    shown = scenes(folder, fixation=1e6, drift=0.02, sequences=30, duration=300.0)
    paths = np.stack([gaze(shown, k) for k in range(30)]) / PPD
    steps = np.diff(paths, axis=1)
    assert steps.var() == pytest.approx(2 * 0.02 / 100.0, rel=0.15)  # of 870: 3 sd are 14 %


def test_repeats_are_one_movie(folder):
    shown = scenes(folder, repeats=2, sequences=2, drift=0.1, duration=100.0)
    np.testing.assert_array_equal(shown.frames(0, (9, 9), RNG), shown.frames(2, (9, 9), RNG))
    assert not np.array_equal(shown.frames(0, (9, 9), RNG), shown.frames(1, (9, 9), RNG))
    assert shown.table()["sequence"].tolist() == [0.0, 1.0, 0.0, 1.0]
    assert [file.path for file in shown.files.read] == [str(folder / "a.png")]


def test_a_photograph_without_room_is_refused(folder):
    with pytest.raises(DataError, match="no room"):
        scenes(folder).frames(0, (200, 9), RNG)


def test_an_aperture_shows_the_middle_of_the_same_movie(folder):
    whole = scenes(folder, sequences=2, duration=100.0, drift=0.1)
    cut = dataclasses.replace(whole, diameters=(0.25, 0.5), blanks=1)
    table = cut.table()
    assert table["sequence"].tolist()[:4] == [0.0, 0.0, 1.0, 1.0]
    assert table["diameter"].tolist()[:4] == [0.25, 0.5, 0.25, 0.5]
    assert np.isnan(table["diameter"][-1])
    movie = whole.frames(1, (9, 9), RNG)
    for trial, diameter in ((2, 0.25), (3, 0.5)):
        # 16 pixels to a degree: a radius of 2 and of 4 pixels.
        y, x = np.indices((9, 9)) - 4.0
        inside = np.hypot(x, y) <= 8.0 * diameter
        np.testing.assert_array_equal(cut.frames(trial, (9, 9), RNG), movie * inside)
    assert "diameter" not in whole.table()
    # Half of the light passes in the middle of a soft edge, 2 pixels from the centre.
    soft = dataclasses.replace(cut, edge=0.125).frames(2, (9, 9), RNG)
    np.testing.assert_allclose(soft[:, 4, 6], movie[:, 4, 6] / 2)
    with pytest.raises(SpecError, match="nowhere open"):
        dataclasses.replace(cut, edge=0.3)


@pytest.mark.parametrize("name", ["fixation", "regularity", "saccade", "drift", "reduce", "edge"])
def test_wrong_values_are_refused(folder, name):
    with pytest.raises(SpecError) as caught:
        dataclasses.replace(scenes(folder), **{name: -1})
    assert caught.value.where == f"stimulus.{name}"
