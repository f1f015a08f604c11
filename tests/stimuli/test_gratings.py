"""Gratings against the Fourier transform and the formula of a plane wave."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scnnbio.errors import SpecError
from scnnbio.stimuli import Gratings

RNG = np.random.default_rng(0)


def peak(frame):
    """Frequency (cycles/pixel) along x (right) and y (up) of the strongest Fourier component."""
    power = np.abs(np.fft.fft2(frame)) ** 2
    power[0, 0] = 0
    row, column = np.unravel_index(power.argmax(), power.shape)
    return np.fft.fftfreq(frame.shape[1])[column], -np.fft.fftfreq(frame.shape[0])[row]


@settings(max_examples=60, deadline=None)
@given(kx=st.integers(-15, 15), ky=st.integers(-15, 15))
def test_a_frame_peaks_at_the_declared_frequency_and_orientation(kx, ky):
    # Whole numbers of cycles in 64 pixels fall on one bin of the transform.
    if (kx, ky) == (0, 0):
        return
    frequency = np.hypot(kx, ky) / 64
    direction = np.degrees(np.arctan2(ky, kx))
    grating = Gratings((direction - 90.0,), (frequency,), phases=(20.0,), duration=10)
    found = peak(grating.frames(0, (64, 64), RNG)[0])
    np.testing.assert_allclose(np.hypot(*found), frequency)
    # A real picture has the wave and its mirror image: the same bars.
    assert np.isclose(np.abs(np.dot(found, (kx, ky))), np.hypot(*found) * np.hypot(kx, ky))


def test_orientation_zero_is_horizontal_bars_drifting_up():
    # f = 1/8, f_t = 12.5 Hz: in 10 ms the bars move 0.125 cycles, one pixel, up.
    first, second = Gratings((0.0,), (0.125,), 12.5, duration=20).frames(0, (16, 16), RNG)
    assert np.ptp(first, axis=1).max() < 1e-12
    np.testing.assert_allclose(second, np.roll(first, -1, axis=0), atol=1e-12)


def test_orientation_ninety_is_vertical_bars_drifting_left():
    first, second = Gratings((90.0,), (0.125,), 12.5, duration=20).frames(0, (16, 16), RNG)
    assert np.ptp(first, axis=0).max() < 1e-12
    np.testing.assert_allclose(second, np.roll(first, -1, axis=1), atol=1e-12)


def test_orientation_forty_five_rises_to_the_right():
    (frame,) = Gratings((45.0,), duration=10).frames(0, (12, 12), RNG)
    np.testing.assert_allclose(frame[1:, :-1], frame[:-1, 1:], atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(theta=st.floats(0, 360), f_t=st.floats(0.5, 40))
def test_drift_by_phase_of_successive_frames(theta, f_t):
    # Projected on the wave towards orientation + 90, the phase falls by 2 pi f_t frame.
    grating = Gratings((theta,), (0.2,), f_t, duration=30)
    frames = grating.frames(0, (40, 40), RNG)
    row, column = np.mgrid[:40, :40]
    phi = np.radians(theta + 90)
    window = np.outer(np.hanning(40), np.hanning(40))
    wave = window * np.exp(-2j * np.pi * 0.2 * (column * np.cos(phi) - row * np.sin(phi)))
    phase = np.unwrap(np.angle((frames * wave).sum(axis=(1, 2))))
    np.testing.assert_allclose(np.diff(phase), -2 * np.pi * f_t * 0.01, atol=0.01)


def test_phase_is_that_of_the_centre_at_the_beginning():
    # Half a frame later, at the middle of the first: sin(phase - 2 pi f_t frame / 2).
    (frame,) = Gratings((30.0,), temporal_frequency=4.0, phases=(50.0,), duration=10).frames(
        0, (9, 9), RNG
    )
    assert np.isclose(frame[4, 4], np.sin(np.radians(50) - 2 * np.pi * 4 * 0.005))


def test_contrast_is_the_amplitude():
    full = Gratings((20.0,), duration=10).frames(0, (16, 16), RNG)
    faint = Gratings((20.0,), contrast=0.25, duration=10).frames(0, (16, 16), RNG)
    np.testing.assert_allclose(faint, 0.25 * full)


def test_table_lists_all_combinations_in_the_declared_order():
    grating = Gratings((0, 90), (0.1, 0.2), (1.0, 2.0), (0.5, 1.0), (0, 180), repeats=2, blanks=3)
    table = grating.table()
    assert grating.n_trials == 2 * 2**5 + 3
    names = ("orientation", "spatial_frequency", "temporal_frequency", "contrast", "phase")
    rows = list(zip(table["repeat"], *(table[n] for n in names), strict=True))[:-3]
    assert rows == sorted(rows)
    assert len(set(rows)) == 64
    assert table["repeat"].dtype.kind == "i"


def test_blanks_come_last_and_are_grey():
    grating = Gratings(4, blanks=2, duration=50)
    table = grating.table()
    assert np.isnan(table["orientation"]).tolist() == [False] * 4 + [True] * 2
    assert table["contrast"].tolist() == [1.0] * 4 + [0.0] * 2
    assert table["repeat"].tolist() == [0, 0, 0, 0, 0, 1]
    np.testing.assert_array_equal(grating.frames(5, (4, 4), RNG), np.zeros((5, 4, 4)))


def test_frames_agree_with_the_table():
    grating = Gratings((0, 40), (0.1, 0.25), (1.0, 3.0), (0.3, 1.0), (0, 70), 2, duration=20)
    table = grating.table()
    for trial in range(grating.n_trials):
        row = {k: v[trial] for k, v in table.items()}
        alone = Gratings(
            (row["orientation"],),
            (row["spatial_frequency"],),
            row["temporal_frequency"],
            row["contrast"],
            (row["phase"],),
            duration=20,
        )
        np.testing.assert_array_equal(
            grating.frames(trial, (5, 6), RNG), alone.frames(0, (5, 6), RNG)
        )


@pytest.mark.parametrize(
    ("temporal_frequency", "expected"), [(4.0, (0, 90, 180, 270)), (0.0, (0, 45, 90, 135))]
)
def test_a_number_of_orientations(temporal_frequency, expected):
    assert Gratings(4, temporal_frequency=temporal_frequency).orientations == expected


@pytest.mark.parametrize(
    ("parameters", "where"),
    [
        ({"orientations": ()}, "orientations"),
        ({"orientations": (float("nan"),)}, "orientations"),
        ({"orientations": 0}, "orientations"),
        ({"orientations": "90"}, "orientations"),
        ({"spatial_frequencies": ()}, "spatial_frequencies"),
        ({"spatial_frequencies": (0.6,)}, "spatial_frequencies"),
        ({"spatial_frequencies": (0.0,)}, "spatial_frequencies"),
        ({"spatial_frequencies": 0.1}, "spatial_frequencies"),
        ({"temporal_frequency": -1.0}, "temporal_frequency"),
        ({"temporal_frequency": 50.0}, "frame"),
        ({"temporal_frequency": ()}, "temporal_frequency"),
        ({"contrast": 1.5}, "contrast"),
        ({"contrast": (0.5, -0.1)}, "contrast"),
        ({"phases": ()}, "phases"),
        ({"repeats": 0}, "repeats"),
        ({"blanks": -1}, "blanks"),
        ({"frame": 0}, "frame"),
        ({"frame": 30.0}, "frame"),
        ({"frame": 1000.0}, "frame"),
    ],
)
def test_what_is_refused(parameters, where):
    with pytest.raises(SpecError, match=rf"stimulus\.{where}: ") as caught:
        Gratings(**parameters)
    assert "\n" not in str(caught.value)


def test_too_many_orientations_are_refused_before_they_are_made():
    with pytest.raises(SpecError, match="too many"):
        Gratings(orientations=10**9)
