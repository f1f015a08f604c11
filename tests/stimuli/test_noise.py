"""White noise against the moments of its distribution."""

import numpy as np
import pytest

from scnnbio.errors import SpecError
from scnnbio.stimuli import WhiteNoise


@pytest.mark.parametrize("distribution", ["binary", "gaussian"])
def test_moments(distribution):
    noise = WhiteNoise(1, duration=2000, contrast=0.3, distribution=distribution)
    values = noise.frames(0, (16, 16), np.random.default_rng(1))
    n = values.size
    assert values.shape == (200, 16, 16)
    # Standard errors of a mean and of a standard deviation (normal; 0 for binary values).
    assert abs(values.mean()) < 4 * 0.3 / np.sqrt(n)
    assert abs(values.std() - 0.3) < 4 * 0.3 / np.sqrt(2 * n)
    for shifted in (values[1:] * values[:-1], values[:, 1:] * values[:, :-1]):
        assert abs(shifted.mean()) < 4 * 0.09 / np.sqrt(shifted.size)


def test_binary_checks_take_two_values():
    frames = WhiteNoise(1, contrast=0.3).frames(0, (8, 8), np.random.default_rng(1))
    np.testing.assert_array_equal(np.unique(frames), [-0.3, 0.3])


def test_checks_are_squares():
    frames = WhiteNoise(1, check=3, distribution="gaussian").frames(
        0, (7, 8), np.random.default_rng(1)
    )
    assert len(np.unique(frames[0])) == 9
    for rows in (slice(0, 3), slice(3, 6), slice(6, 7)):
        for columns in (slice(0, 3), slice(3, 6), slice(6, 8)):
            assert np.ptp(frames[:, rows, columns], axis=(1, 2)).max() == 0


@pytest.mark.parametrize(
    ("parameters", "where"),
    [
        ({"contrast": -0.1}, "contrast"),
        ({"contrast": 2}, "contrast"),
        ({"check": 0}, "check"),
        ({"distribution": "pink"}, "distribution"),
        ({"frame": 7}, "frame"),
    ],
)
def test_what_is_refused(parameters, where):
    with pytest.raises(SpecError, match=rf"stimulus\.{where}: "):
        WhiteNoise(**parameters)
