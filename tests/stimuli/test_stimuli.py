"""What every stimulus promises, whatever it shows."""

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scnnbio.errors import SpecError
from scnnbio.stimuli import (
    FullField,
    GaussianNoise,
    GratingPatches,
    Gratings,
    MovingBars,
    NaturalScenes,
    Photographs,
    SparseNoise,
    Stimulus,
    WhiteNoise,
)

STIMULI = [
    Photographs("white-noise", n_trials=5),
    Photographs("white-noise", n_trials=5, zoom=(1.0, 2.0), reduce=2, min_contrast=0.5),
    Gratings((0.0, 30.0), repeats=2, blanks=1, duration=50.0),
    FullField((0.1, -0.2), (0.0, 0.5), (2.0, 5.0), repeats=2, duration=50.0),
    FullField((0.1, 1.0), duration=5000.0),
    WhiteNoise(5, duration=50.0),
    WhiteNoise(5, duration=50.0, check=3, distribution="gaussian"),
    GratingPatches(
        (0.0, 30.0), diameters=(0.5,), edge=0.1, repeats=2, blanks=3, duration=50.0, seed=1
    ),
    GratingPatches(
        (0.0, 30.0), temporal_frequencies=(0.0,), contrasts=(0.5,), mask_contrasts=(0.0, 0.5)
    ),
    MovingBars((0.0, 30.0), lengths=(0.3,), contrasts=(-1.0, 0.5), blanks=1, duration=50.0),
    SparseNoise(2, spots=3, spot=0.125, repeats=2, duration=50.0),
    GaussianNoise(2, temporal_exponent=1.0, repeats=2, duration=50.0),
    NaturalScenes(sequences=2, repeats=2, fixation=20.0, drift=0.5, duration=50.0),
]

each = pytest.mark.parametrize("stimulus", STIMULI, ids=repr)


@each
def test_frames_have_the_promised_form(stimulus):
    for trial in range(stimulus.n_trials):
        frames = stimulus.frames(trial, (7, 9), np.random.default_rng(trial))
        assert frames.ndim == 3
        assert frames.shape[1:] == (7, 9)
        assert frames.dtype == np.float64
        assert np.isfinite(frames).all()


@each
def test_a_trial_depends_on_its_own_generator_alone(stimulus):
    # Random access: the same trial asked for in another order is the same.
    def draw(trial):
        return stimulus.frames(trial, (8, 8), np.random.default_rng((3, trial)))

    forwards = [draw(k) for k in range(stimulus.n_trials)]
    backwards = [draw(k) for k in reversed(range(stimulus.n_trials))]
    for a, b in zip(forwards, reversed(backwards), strict=True):
        np.testing.assert_array_equal(a, b)


@each
def test_table_has_a_row_a_trial(stimulus):
    assert all(len(column) == stimulus.n_trials for column in stimulus.table().values())


@each
def test_parameters_survive_text(stimulus):
    # JSON knows what TOML knows: numbers, strings, booleans, lists.
    text = json.dumps(dataclasses.asdict(stimulus), allow_nan=False)
    again = type(stimulus)(**json.loads(text))
    assert again == stimulus
    assert hash(again) == hash(stimulus)
    assert again.digest() == stimulus.digest()


def test_digests_tell_stimuli_apart():
    assert len({s.digest() for s in STIMULI}) == len(STIMULI)


@each
@pytest.mark.parametrize("trial", [-1, 10_000])
def test_there_is_no_such_trial(stimulus, trial):
    with pytest.raises(SpecError, match="there is no trial"):
        stimulus.frames(trial, (8, 8), np.random.default_rng(0))


@each
@pytest.mark.parametrize("shape", [(0, 8), (8,), (8, 8, 8)])
def test_a_shape_without_pixels_is_refused(stimulus, shape):
    with pytest.raises(SpecError, match="frames of shape"):
        stimulus.frames(0, shape, np.random.default_rng(0))


@pytest.mark.parametrize("kind", [Photographs, Gratings, WhiteNoise])
def test_fields_cannot_be_changed(kind):
    with pytest.raises(dataclasses.FrozenInstanceError):
        kind().duration = 1.0
    assert issubclass(kind, Stimulus)


@pytest.mark.parametrize("kind", [Photographs, Gratings, WhiteNoise])
@pytest.mark.parametrize("duration", [0, -1.0, float("nan"), float("inf"), "5 mV", "soon", True])
def test_a_duration_that_is_none_is_refused(kind, duration):
    with pytest.raises(SpecError, match=r"stimulus\.duration"):
        kind(duration=duration)


@pytest.mark.parametrize("kind", [Photographs, WhiteNoise])
@pytest.mark.parametrize("n_trials", [0, -3, 1.5, "7", None, True])
def test_a_number_of_trials_that_is_none_is_refused(kind, n_trials):
    with pytest.raises(SpecError, match=r"stimulus\.n_trials"):
        kind(n_trials=n_trials)


def test_quantities_become_plain_numbers():
    noise = WhiteNoise(np.int64(3), duration="0.5 s", frame="20 ms")
    assert (noise.n_trials, noise.duration, noise.frame) == (3, 500.0, 20.0)
    assert type(noise.n_trials) is int
    assert Gratings(["90 deg"], temporal_frequency="2 Hz").temporal_frequency == 2.0


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), trial=st.integers(0, 4))
def test_trials_differ(seed, trial):
    noise = STIMULI[0]
    a = noise.frames(trial, (6, 6), np.random.default_rng((seed, trial)))
    b = noise.frames(trial, (6, 6), np.random.default_rng((seed, trial + 1)))
    assert not np.array_equal(a, b)
