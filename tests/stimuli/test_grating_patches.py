"""Gratings in an aperture against closed forms, and their spectra."""

import numpy as np
import pytest

from scnnbio.errors import SpecError
from scnnbio.stimuli import GratingPatches

RNG = np.random.default_rng(0)


def only(**changes):
    """Frames of the single condition of a stimulus."""
    parameters = {
        "orientations": (30.0,), "spatial_frequencies": (2.0,), "temporal_frequencies": (4.0,),
        "pixels_per_degree": 16.0, "frame_rate": 100.0, "duration": 500.0, **changes,
    }  # fmt: skip
    shape = parameters.pop("shape", (32, 32))
    return GratingPatches(**parameters).frames(0, shape, RNG)


def place(shape=(32, 32), pixels_per_degree=16.0):
    x = (np.arange(shape[1]) - (shape[1] - 1) / 2) / pixels_per_degree
    y = ((shape[0] - 1) / 2 - np.arange(shape[0])) / pixels_per_degree
    return np.meshgrid(x, y)


def test_luminance_is_the_formula():
    frames = only(phases=(40.0,), contrasts=(0.7,), center=(0.25, -0.5))
    x, y = place()
    t = (7 + 0.5) * 0.01
    along = (x - 0.25) * np.cos(np.deg2rad(120)) + (y + 0.5) * np.sin(np.deg2rad(120))
    expected = 0.7 * np.sin(2 * np.pi * (2.0 * along - 4.0 * t) + np.deg2rad(40))
    np.testing.assert_allclose(frames[7], expected, atol=1e-12)


@pytest.mark.parametrize("theta", [0.0, 90.0])
@pytest.mark.parametrize(("f", "f_t"), [(2.0, 4.0), (6.5, 30.0)])
def test_spectrum_has_one_peak_at_the_stated_frequencies(theta, f, f_t):
    # 2 deg and 0.5 s: frequencies fall on the bins. A drifting grating is one bin and its mirror.
    frames = only(orientations=(theta,), spatial_frequencies=(f,), temporal_frequencies=(f_t,))
    spectrum = np.abs(np.fft.fftn(frames)) / frames.size
    axis = 1 if theta == 0.0 else 2
    peak = np.unravel_index(spectrum.argmax(), spectrum.shape)
    cycles = np.abs(np.fft.fftfreq(32)[peak[axis]]) * 16.0
    hertz = np.abs(np.fft.fftfreq(50)[peak[0]]) * 100.0
    assert (cycles, hertz) == (pytest.approx(f), pytest.approx(f_t))
    assert spectrum[peak] == pytest.approx(0.5)
    assert (spectrum > 1e-9).sum() == 2


def test_drift_is_towards_orientation_plus_90():
    # A quarter cycle later the grating stands a quarter cycle further along its direction.
    frames = only(orientations=(90.0,), temporal_frequencies=(25.0,), spatial_frequencies=(2.0,))
    # 180 deg is to the left: two pixels of 16 per deg are a quarter of half a degree.
    np.testing.assert_allclose(frames[1][:, :-2], frames[0][:, 2:], atol=1e-12)


@pytest.mark.parametrize("contrast", [0.05, 1.0])
def test_michelson_and_rms_contrast(contrast):
    frames = only(contrasts=(contrast,), orientations=(0.0,), shape=(320, 8), frame_rate=1000.0)
    light = 1.0 + frames  # of mean 1
    michelson = (light.max() - light.min()) / (light.max() + light.min())
    # Samples miss the crest by half a pixel and frame at most.
    assert michelson == pytest.approx(contrast, rel=1e-3)
    assert frames.std() == pytest.approx(contrast / np.sqrt(2), rel=1e-6)
    assert frames.mean() == pytest.approx(0.0, abs=1e-12)


def test_counterphase_is_two_gratings_that_drift_apart():
    shown = only(motion="counterphase", contrasts=(0.8,))
    there = only(contrasts=(0.4,))
    # Turned by 180 deg a grating is seen from its other side: its phase turns its sign.
    back = only(orientations=(210.0,), contrasts=(0.4,), phases=(180.0,))
    np.testing.assert_allclose(shown, there + back, atol=1e-12)


def test_a_plaid_is_the_sum_of_its_gratings():
    plaid = only(contrasts=(0.3,), mask_contrasts=(0.5,), mask_orientations=(60.0,))
    parts = only(contrasts=(0.3,)) + only(orientations=(90.0,), contrasts=(0.5,))
    np.testing.assert_allclose(plaid, parts, atol=1e-12)


@pytest.mark.parametrize("edge", [0.0, 0.5, 1.0])
def test_apertures_have_the_area_of_their_closed_form(edge):
    # A grating of phase 90 deg and a very low frequency is a disk of luminance 1 nearly.
    disk = {
        "spatial_frequencies": (1e-6,), "temporal_frequencies": (0.0,), "phases": (90.0,),
        "edge": edge, "shape": (192, 192), "pixels_per_degree": 32.0,
    }  # fmt: skip
    # The edge adds 2 pi w^2 (1/8 - 1/pi^2), the integral of 2 pi r over the odd half cosine.
    soft = 2 * np.pi * edge**2 * (1 / 8 - 1 / np.pi**2)
    area = only(diameters=(4.0,), **disk).sum() / 32.0**2
    assert area == pytest.approx(np.pi * 4.0 + soft, rel=2e-3)
    ring = only(diameters=(4.0,), inner_diameters=(1.5,), **disk).sum() / 32.0**2
    assert ring == pytest.approx(np.pi * (4.0 - 0.75**2), rel=4e-3)


def test_aperture_and_annulus_make_up_the_field():
    whole = only()
    inner, ring = only(diameters=(1.0,), edge=0.25), only(inner_diameters=(1.0,), edge=0.25)
    np.testing.assert_allclose(inner + ring, whole, atol=1e-12)
    x, y = place()
    outside = np.hypot(x, y) > 0.5 + 0.125
    assert np.abs(inner[:, outside]).max() == 0.0


def test_a_grating_that_stands_is_one_frame():
    frames = only(temporal_frequencies=(0.0,))
    np.testing.assert_array_equal(frames, only(temporal_frequencies=(0.0, 4.0), order="listed")[:1])
    assert frames.shape == (1, 32, 32)


def test_the_table_gives_direction_and_an_open_aperture():
    table = GratingPatches((0.0, 300.0), order="listed", blanks=1).table()
    np.testing.assert_array_equal(table["direction"], [90.0, 30.0, np.nan])
    np.testing.assert_array_equal(table["diameter"], [np.inf, np.inf, np.nan])
    np.testing.assert_array_equal(table["contrast"], [1.0, 1.0, 0.0])
    np.testing.assert_array_equal(table["mask_contrast"], [0.0, 0.0, 0.0])


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"spatial_frequencies": (8.0,)}, "stimulus.spatial_frequencies"),  # Nyquist itself
        ({"spatial_frequencies": (2.0, 9.0)}, "stimulus.spatial_frequencies"),
        ({"spatial_frequencies": (0.0,)}, "stimulus.spatial_frequencies"),
        ({"temporal_frequencies": (4.0, 50.0)}, "stimulus.temporal_frequencies"),
        ({"contrasts": (1.1,)}, "stimulus.contrasts"),
        ({"mask_contrasts": (0.1,)}, "stimulus.mask_contrasts"),
        ({"diameters": (0.0,)}, "stimulus.diameters"),
        ({"diameters": (1.0,), "edge": 1.5}, "stimulus.diameters"),
        ({"diameters": (1.0,), "inner_diameters": (1.0,)}, "stimulus.inner_diameters"),
        ({"inner_diameters": (0.5,), "edge": 0.6}, "stimulus.inner_diameters"),
        ({"motion": "rotating"}, "stimulus.motion"),
        ({"center": (1.0,)}, "stimulus.center"),
        ({"orientations": ()}, "stimulus.orientations"),
        ({"diameters": "wide"}, "stimulus.diameters"),
    ],
)
def test_wrong_values_are_refused(changes, where):
    with pytest.raises(SpecError) as caught:
        GratingPatches(**changes)
    assert caught.value.where == where
