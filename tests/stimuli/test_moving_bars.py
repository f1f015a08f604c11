"""Moving bars against their light and their path."""

import numpy as np
import pytest

from scnnbio.errors import SpecError
from scnnbio.stimuli import MovingBars

RNG = np.random.default_rng(0)


def only(**changes):
    parameters = {
        "orientations": (90.0,), "speeds": (3.0,), "widths": (0.3,), "lengths": (1.0,),
        "duration": 200.0, **changes,
    }  # fmt: skip
    return MovingBars(**parameters).frames(0, (64, 64), RNG)


@pytest.mark.parametrize("theta", [0.0, 90.0, 180.0, 270.0])
def test_every_frame_has_the_light_of_the_bar(theta):
    frames = only(orientations=(theta,), contrasts=(-0.5,))
    np.testing.assert_allclose(frames.sum(axis=(1, 2)) / 16.0**2, -0.5 * 0.3 * 1.0)


@pytest.mark.parametrize("theta", [0.0, 30.0, 90.0, 200.0])
def test_its_middle_moves_at_its_speed_towards_its_direction(theta):
    frames = only(orientations=(theta,), center=(0.2, -0.3))
    x = (np.arange(64) - 31.5) / 16.0
    mass = frames.sum(axis=(1, 2))
    middle = np.stack([(frames.sum(axis=1) @ x) / mass, -(frames.sum(axis=2) @ x) / mass])
    seconds = (np.arange(20) + 0.5) / 100.0 - 0.1
    direction = np.deg2rad(theta + 90.0)
    towards = np.array([np.cos(direction), np.sin(direction)])
    expected = np.array([[0.2], [-0.3]]) + 3.0 * towards[:, None] * seconds
    np.testing.assert_allclose(middle, expected, atol=0.01)  # a sixth of a pixel


def test_a_bar_without_a_length_crosses_the_screen():
    frames = only(lengths=())
    assert np.ptp(frames, axis=1).max() < 1e-12
    assert MovingBars(order="listed").table()["length"][0] == np.inf


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"contrasts": (-1.5,)}, "stimulus.contrasts"),
        ({"widths": (0.05,)}, "stimulus.widths"),
        ({"lengths": (0.0,)}, "stimulus.lengths"),
        ({"speeds": (31.0,)}, "stimulus.speeds"),
        ({"speeds": ()}, "stimulus.speeds"),
    ],
)
def test_wrong_values_are_refused(changes, where):
    with pytest.raises(SpecError) as caught:
        only(**changes)
    assert caught.value.where == where
