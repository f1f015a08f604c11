"""LGN cells against a direct correlation and the closed form of the difference of Gaussians."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import correlate2d

from scnnbio.encoding import LGN, PoissonCode
from scnnbio.errors import SpecError
from scnnbio.stimuli import Gratings

PLAIN = {"normalisation_sigma": 0.0}


def gaussian(sigma, radius):
    """Unit-sum Gaussian on whole pixels, written out in two dimensions."""
    row, column = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    weights = np.exp(-(row**2 + column**2) / (2 * sigma**2))
    return weights / weights.sum()


def signed(drive):
    return drive[:, 0] - drive[:, 1]


def test_against_a_direct_correlation():
    # The formula of the docstring by scipy's two-dimensional correlation of valid places only.
    frames = np.random.default_rng(0).normal(size=(3, 31, 34))
    lgn = LGN(0.8, 2.1, 1.7, 0.1)
    kernel = -gaussian(2.1, 7)
    kernel[4:11, 4:11] += gaussian(0.8, 3)
    drive = lgn.drive(frames)
    assert lgn.margin == 7 + 6
    assert drive.shape == (3, 2, 31 - 26, 34 - 26)
    for frame, (on, off) in zip(frames, drive, strict=True):
        d = correlate2d(frame, kernel, "valid")
        energy = correlate2d(d**2, gaussian(1.7, 6), "valid")
        expected = d[6:-6, 6:-6] / np.sqrt(energy + 0.1**2)
        np.testing.assert_allclose(on, np.maximum(expected, 0), atol=1e-12)
        np.testing.assert_allclose(off, np.maximum(-expected, 0), atol=1e-12)


def test_kernel_is_the_one_that_is_applied():
    frame = np.random.default_rng(0).normal(size=(1, 20, 20))
    lgn = LGN(**PLAIN)
    expected = correlate2d(frame[0], lgn.kernel(), "valid")
    np.testing.assert_allclose(signed(lgn.drive(frame))[0], expected, atol=1e-12)
    assert abs(lgn.kernel().sum()) < 1e-12
    assert lgn.margin == lgn.kernel().shape[0] // 2


@settings(max_examples=60, deadline=None)
@given(
    luminance=st.floats(-1e3, 1e3),
    center=st.floats(0.4, 1.5),
    wider=st.floats(1.1, 2.5),
    pool=st.sampled_from([0.0, 2.0]),
)
def test_a_uniform_field_gives_exactly_nothing(luminance, center, wider, pool):
    lgn = LGN(center, center * wider, pool)
    side = 2 * lgn.margin + 2
    np.testing.assert_array_equal(lgn.drive(np.full((2, side, side), luminance)), 0.0)


@pytest.mark.parametrize("frequency", [0.05, 0.1, 0.2, 0.3])
@pytest.mark.parametrize("theta", [0.0, 30.0, 90.0])
def test_gain_for_a_sinusoid(frequency, theta):
    # exp(-2 pi^2 s^2 f^2) of the centre less that of the surround. Six sigmas leave out some 1e-9;
    # sampling adds the same expression at the aliased frequencies, f - 1 and -1 before all.
    error = 2 * np.exp(-2 * (np.pi * (1 - frequency)) ** 2) + 1e-7
    lgn = LGN(1.0, 2.0, truncate=6.0, **PLAIN)
    side = 20 + 2 * lgn.margin
    frames = Gratings((theta,), (frequency,), duration=10).frames(
        0, (side, side), np.random.default_rng(0)
    )
    gain = np.exp(-2 * (np.pi * frequency) ** 2) - np.exp(-2 * (2 * np.pi * frequency) ** 2)
    inside = frames[:, lgn.margin : -lgn.margin, lgn.margin : -lgn.margin]
    np.testing.assert_allclose(signed(lgn.drive(frames)), gain * inside, atol=error)


def test_default_truncation_is_close_to_the_closed_form():
    # Three sigmas leave out 0.27 % of a Gaussian's weight in one dimension.
    lgn = LGN(**PLAIN)
    frames = Gratings((0.0,), (0.12,), duration=10).frames(0, (32, 32), np.random.default_rng(0))
    gain = np.exp(-2 * (np.pi * 0.12) ** 2) - np.exp(-2 * (2 * np.pi * 0.12) ** 2)
    np.testing.assert_allclose(signed(lgn.drive(frames)), gain * frames[:, 6:-6, 6:-6], atol=0.01)


def test_contrast_is_normalised_far_above_c50_and_kept_far_below():
    # r = d / sqrt(E + c50^2), d ~ c and E ~ c^2: constant for E >> c50^2, linear for E << c50^2.
    frames = np.random.default_rng(0).normal(size=(1, 40, 40))
    high, low = LGN(c50=1e-4), LGN(c50=1e3)
    np.testing.assert_allclose(high.drive(2 * frames), high.drive(frames), rtol=1e-5)
    np.testing.assert_allclose(low.drive(2 * frames), 2 * low.drive(frames), rtol=1e-5)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    grey=st.floats(-1, 1),
    center=st.floats(0.4, 1.5),
    wider=st.floats(1.2, 2.5),
    pool=st.sampled_from([0.0, 1.0, 2.5]),
)
def test_symmetries(seed, grey, center, wider, pool):
    lgn = LGN(center, center * wider, pool)
    side = 2 * lgn.margin + 3
    frames = np.random.default_rng(seed).normal(size=(2, side, side))
    drive = lgn.drive(frames)
    assert drive.shape == (2, 2, 3, 3)
    assert (drive >= 0).all()
    assert (drive.min(axis=1) == 0).all()  # never both
    np.testing.assert_allclose(lgn.drive(-frames), drive[:, ::-1], atol=1e-9)
    np.testing.assert_allclose(lgn.drive(frames + grey), drive, atol=1e-9)
    turned = lgn.drive(np.rot90(frames, axes=(1, 2)))
    np.testing.assert_allclose(turned, np.rot90(drive, axes=(2, 3)), atol=1e-9)
    np.testing.assert_array_equal(lgn.drive(frames[1:]), drive[1:])  # frames do not mix


def test_cells_do_not_see_beyond_the_margin():
    # The same middle out of a larger picture has the same drive: no border shows.
    lgn = LGN()
    picture = np.random.default_rng(0).normal(size=(1, 60, 60))
    large = lgn.drive(picture)
    small = lgn.drive(picture[:, 10:-10, 10:-10])
    np.testing.assert_allclose(small, large[:, :, 10:-10, 10:-10], rtol=1e-12)


@pytest.mark.parametrize("shape", [(24, 40), (40, 24), (1, 24, 40), (1, 1, 40, 40)])
def test_frames_without_room_are_refused(shape):
    with pytest.raises(SpecError, match="more than 24 rows"):
        LGN().drive(np.zeros(shape))


@pytest.mark.parametrize(
    ("parameters", "where"),
    [
        ({"sigma_center": 0}, "sigma_center"),
        ({"sigma_center": 2.0}, "sigma_surround"),
        ({"sigma_surround": float("inf")}, "sigma_surround"),
        ({"normalisation_sigma": -1}, "normalisation_sigma"),
        ({"c50": 0}, "c50"),
        ({"c50": -1}, "c50"),
        ({"truncate": 0}, "truncate"),
    ],
)
def test_what_is_refused(parameters, where):
    with pytest.raises(SpecError, match=rf"encoding\.lgn\.{where}: "):
        LGN(**parameters)


def test_unrectified_cells_are_driven_below_zero_by_the_wrong_polarity():
    """Its rectified halves are those of the default, so that nothing else differs."""
    frames = np.random.default_rng(1).normal(size=(2, 30, 30))
    drive = LGN(rectified=False).drive(frames)
    np.testing.assert_array_equal(drive[:, 0], -drive[:, 1])
    np.testing.assert_array_equal(np.maximum(drive, 0.0), LGN().drive(frames))
    assert drive.min() < -0.5


def test_rates_fall_below_the_spontaneous_one():
    """A grating of small contrast drives a signed cell about 10 Hz, each half cycle to both sides.

    The spikes of ON and OFF cells at one place then average to the spontaneous rate; a large
    contrast drives the cells of the wrong polarity to 0. Expected counts are those of a Poisson
    process.
    """
    code = PoissonCode(gain=20.0, spontaneous=10.0, max_rate=200.0)
    lgn = LGN(rectified=False)
    grating = 0.02 * np.sin(2 * np.pi * 0.12 * np.arange(80.0))
    frame = np.broadcast_to(grating, (1, 80, 80))
    drive = lgn.drive(frame)
    rate = code.rate(drive)
    assert rate.min() < 9.0
    assert rate.min() > 0.0
    np.testing.assert_allclose(rate[:, 0] + rate[:, 1], 20.0, atol=1e-9)
    assert code.rate(LGN().drive(frame)).min() == 10.0
    _, unit = code.spikes(drive, 2000.0, 1.0, np.random.default_rng(3))
    half = drive[0, 0].size
    for cells, field in ((unit[unit < half], rate[0, 0]), (unit[unit >= half] - half, rate[0, 1])):
        counts = np.bincount(cells, minlength=half).reshape(field.shape)
        for low in (field < 9.5, field > 10.5):
            expected = 2000.0 * -np.expm1(-field[low] * 1e-3).sum()
            assert abs(counts[low].sum() - expected) < 4 * np.sqrt(expected)
    strong = code.rate(lgn.drive(50 * frame))
    assert strong.min() == 0.0
    assert strong.max() > 20.0


@pytest.mark.parametrize(
    "changes",
    [{"normalisation_sigma": 2**63}, {"sigma_surround": 1e308}, {"truncate": 1e18}],
)
def test_gaussians_wider_than_any_frame_are_one_error(changes):
    with pytest.raises(SpecError, match="pixels on each side") as caught:
        LGN(**changes)
    assert caught.value.where == "encoding.lgn"


def test_what_is_not_a_choice_is_refused():
    with pytest.raises(SpecError, match="true or false") as caught:
        LGN(rectified=0)
    assert caught.value.where == "encoding.lgn.rectified"
