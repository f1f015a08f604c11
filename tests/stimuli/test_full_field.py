"""Uniform fields against their definition."""

import numpy as np
import pytest

from scnnbio.errors import SpecError
from scnnbio.stimuli import FullField

RNG = np.random.default_rng(0)


def test_a_flicker_is_uniform_in_space_and_sinusoidal_in_time():
    field = FullField(0.2, 0.5, 5.0, duration=1000.0, frame=4.0)
    frames = field.frames(0, (3, 4), RNG)
    assert frames.shape == (250, 3, 4)
    assert np.ptp(frames, axis=(1, 2)).max() == 0
    # A discrete Fourier transform over whole cycles: nothing but the mean and five cycles.
    spectrum = np.fft.rfft(frames[:, 0, 0]) / 250
    assert spectrum[0] == pytest.approx(0.2)
    # Half the amplitude, as a sine (phase -90 deg) taken half a frame late.
    assert spectrum[5] == pytest.approx(0.25 * -1j * np.exp(2j * np.pi * 5 * 0.002))
    rest = np.delete(np.abs(spectrum), [0, 5])
    assert rest.max() < 1e-12


def test_steps_are_trials_in_the_order_given_and_one_frame_each():
    field = FullField((0.1, 1.0, 0.1), duration=20_000.0)
    assert field.n_trials == 3
    frames = [field.frames(k, (2, 2), RNG) for k in range(3)]
    assert [f.shape for f in frames] == [(1, 2, 2)] * 3
    assert [f[0, 1, 1] for f in frames] == [0.1, 1.0, 0.1]
    np.testing.assert_array_equal(field.table()["luminance"], [0.1, 1.0, 0.1])


def test_repeats_change_slowest_and_frequency_fastest():
    table = FullField((0.0, 0.1), 0.1, (2.0, 8.0), repeats=2).table()
    assert table["repeat"].tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert table["luminance"].tolist() == [0.0, 0.0, 0.1, 0.1] * 2
    assert table["temporal_frequency"].tolist() == [2.0, 8.0] * 4


@pytest.mark.parametrize(
    ("parameters", "where"),
    [
        ({"contrast": -0.1}, "stimulus.contrast"),
        ({"luminance": ()}, "stimulus.luminance"),
        ({"luminance": "bright"}, "stimulus.luminance"),
        ({"temporal_frequency": -1.0}, "stimulus.temporal_frequency"),
        ({"repeats": 0}, "stimulus.repeats"),
        ({"contrast": 0.5, "temporal_frequency": 50.0, "frame": 10.0}, "stimulus.frame"),
        ({"contrast": 0.5, "duration": 55.0, "frame": 10.0}, "stimulus.frame"),
    ],
)
def test_wrong_values_are_refused(parameters, where):
    with pytest.raises(SpecError) as caught:
        FullField(**parameters)
    assert caught.value.where == where
