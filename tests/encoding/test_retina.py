"""P and M cells against the closed forms of their papers."""

import csv
from pathlib import Path

import numpy as np
import pytest
import scipy

from scnnbio.encoding import Encoding, PoissonCode, Retina
from scnnbio.errors import SpecError
from scnnbio.experiment.input_documents import encoding_from
from scnnbio.inputs import FromFrames
from scnnbio.stimuli import GratingPatches

DATA = Path(__file__).parents[2] / "../shared/data/retina_macaque"


def seen(cell, frames, duration, **changes):
    """Response of the ON cells about a high mean rate, which nothing rectifies."""
    retina = Retina.published(cell, mean_rate=1e5, **changes)
    return retina.drive(frames, duration)[:, 0] - 1e5


def flicker(frequency, contrast, size, duration=2000.0):
    t = np.arange(int(duration)) + 0.5
    wave = contrast * np.sin(2 * np.pi * frequency * t / 1e3)
    return np.broadcast_to(wave[:, None, None], (len(t), size, size))


def first_harmonic(response, frequency):
    """Complex amplitude of the last second, as a multiple of a sine."""
    last = response[-1000:, 0, 0]
    t = np.arange(len(response))[-1000:] + 0.5
    return 2j * np.mean(last * np.exp(-2j * np.pi * frequency * t / 1e3))


@pytest.mark.parametrize(("cell", "contrast"), [("P", 0.5), ("M", 0.02), ("M", 0.4)])
@pytest.mark.parametrize("frequency", [1.0, 4.0, 10.0, 30.0])
def test_flicker_is_followed_as_the_transfer_function_says(cell, contrast, frequency):
    changes = {"surround_sensitivity": 0.0, "surround_radius": 0.2, "pixels_per_degree": 8.0}
    margin = Retina.published(cell, **changes).margin
    frames = flicker(frequency, contrast, 2 * margin + 1)
    found = first_harmonic(seen(cell, frames, 2000.0, **changes), frequency) / contrast
    retina = Retina.published(cell, **changes)
    # A luminance that is constant for 1 ms is sinc(f) of the sinusoid; nothing else is lost.
    expected = retina.transfer([frequency], contrast)[0]
    assert abs(found / expected - 1) < 0.004


def test_transfer_function_at_points_that_are_known():
    # At 0 Hz the cascade is A (1 - H_S); far above both time constants it falls with 1/f^N_L.
    p, m = Retina.published("P"), Retina.published("M")
    assert p.transfer([0.0])[0] == pytest.approx(54.57 * 0.27)
    assert abs(m.transfer([0.0])[0]) == pytest.approx(0.0, abs=1e-9)
    # By hand at 10 Hz: w = 0.0628 rad/ms, P: w tau_S = 2.028, w tau_L = 0.0975.
    high = 1 - 0.73 / (1 + 2.0276j)
    low = (1 + 0.097478j) ** -31.5
    expected = 54.57 * abs(high) * abs(low)
    assert abs(p.transfer([10.0])[0]) == pytest.approx(expected, rel=1e-3)
    # Contrast gain control: at C_1/2 the time constant is half, so that at a low frequency the
    # gain of H_S = 1, w tau_S, is half of that at contrast 0.
    low_frequency = np.abs(m.transfer([0.01], 0.048) / m.transfer([0.01], 0.0))[0]
    assert low_frequency == pytest.approx(0.5, rel=1e-3)
    # And the peak moves to higher frequencies.
    f = np.linspace(0.5, 60.0, 400)
    peaks = [f[np.abs(m.transfer(f, c)).argmax()] for c in (0.01, 0.1, 0.5)]
    assert peaks == sorted(peaks)
    assert peaks[0] < peaks[-1] - 3.0


@pytest.mark.parametrize("cell", ["P", "M"])
def test_volumes_of_the_field_are_those_of_the_closed_form(cell):
    # A uniform step of 1: the steady rate is A (1 - H_S) (1 - w), with w the ratio of the volumes
    # pi k r^2 of the two Gaussians.
    changes = {"pixels_per_degree": 16.0, "high_pass_strength": 0.5, "half_contrast": 0.0}
    retina = Retina.published(cell, **changes)
    size = 2 * retina.margin + 1
    rate = seen(cell, np.ones((1, size, size)), 1500.0, **changes)[-1, 0, 0]
    volumes = {"P": (325.2 * 0.03**2, 4.4 * 0.18**2), "M": (148.0 * 0.1**2, 1.1 * 0.72**2)}
    center, surround = volumes[cell]
    assert retina.surround_weight == pytest.approx(surround / center)
    assert rate == pytest.approx(retina.gain * 0.5 * (1 - surround / center), rel=1e-4)


def test_a_disk_sums_as_the_closed_form():
    # Light of a disk of radius R: 1 - exp(-(R / r)^2) of a Gaussian's volume.
    ppd = 100.0
    changes = {"pixels_per_degree": ppd, "high_pass_strength": 0.0, "low_pass": 1.0, "stages": 1.0}
    retina = Retina.published("P", **changes)
    half = retina.margin
    x = np.arange(-half, half + 1) / ppd
    for radius in (0.03, 0.1, 0.25):
        disk = (np.hypot(x[None], x[:, None]) <= radius).astype(float)[None]
        rate = seen("P", disk, 60.0, **changes)[-1, 0, 0]
        center, surround = (1 - np.exp(-((radius / r) ** 2)) for r in (0.03, 0.18))
        expected = retina.gain * (center - retina.surround_weight * surround)
        assert rate == pytest.approx(expected, rel=0.06, abs=0.5), radius  # pixels of a disk


@pytest.mark.parametrize("frequency", [0.5, 2.0, 6.0])
def test_gratings_are_filtered_in_space_as_the_closed_form(frequency):
    changes = {"pixels_per_degree": 64.0, "high_pass_strength": 0.0, "low_pass": 1.0,
               "stages": 1.0}  # fmt: skip
    retina = Retina.published("P", **changes)
    size = 2 * retina.margin + 1
    x = (np.arange(size) - retina.margin) / 64.0
    grating = np.broadcast_to(np.cos(2 * np.pi * frequency * x), (1, size, size))
    rate = seen("P", grating, 60.0, **changes)[-1, 0, 0]
    pixel = np.sinc(frequency / 64.0)  # a pixel is uniform
    expected = retina.gain * retina.spatial_gain([frequency])[0] * pixel
    assert rate == pytest.approx(expected, rel=2e-3)
    center, surround = (
        np.exp(-((np.pi * 0.03 * frequency) ** 2)),
        np.exp(-((np.pi * 0.18 * frequency) ** 2)),
    )
    weight = 4.4 * 0.18**2 / (325.2 * 0.03**2)
    assert retina.spatial_gain([frequency])[0] == pytest.approx(center - weight * surround)


def test_impulse_response_is_the_gamma_density_after_the_delay():
    changes = {"surround_sensitivity": 0.0, "high_pass_strength": 0.0, "pixels_per_degree": 8.0}
    retina = Retina.published("P", **changes)
    size = 2 * retina.margin + 1
    frames = np.zeros((200, size, size))
    frames[0] = 1.0
    rate = seen("P", frames, 200.0, **changes)[:, 0, 0]
    t = np.arange(200) + 0.5
    # The flash is 1 ms long and centred on 0.5 ms.
    density = scipy.stats.gamma.pdf(t - 0.5 - 3.5, 31.5, scale=48.87 / 31.5)
    np.testing.assert_allclose(rate, 54.57 * density, atol=0.01)


def test_on_and_off_are_opposite_and_rectified():
    retina = Retina.published("M", pixels_per_degree=8.0, mean_rate=0.5)
    size = 2 * retina.margin + 3
    frames = flicker(5.0, 0.5, size, 1000.0)
    rates = retina.drive(frames, 1000.0)
    assert rates.shape == (1000, 2, 3, 3)
    free = seen("M", frames, 1000.0, pixels_per_degree=8.0)
    np.testing.assert_allclose(rates[:, 0], np.maximum(0.5 + free, 0.0), atol=1e-6)
    np.testing.assert_allclose(rates[:, 1], np.maximum(0.5 - free, 0.0), atol=1e-6)
    assert (rates[300:] == 0).any()
    assert retina.drive(0 * frames, 1000.0) == pytest.approx(0.5)


def test_frames_longer_than_steps_are_held():
    retina = Retina.published("P", pixels_per_degree=8.0)
    size = 2 * retina.margin + 1
    frames = np.random.default_rng(1).normal(0.0, 0.3, (6, size, size))
    rates = retina.drive(frames, 60.0)
    assert len(rates) == 60
    np.testing.assert_allclose(rates, retina.drive(frames.repeat(10, axis=0), 60.0), atol=1e-9)
    # A frame of 1/60 s is not a whole number of steps.
    assert len(retina.drive(frames, 100.0)) == 100


@pytest.mark.skipif(not DATA.is_dir(), reason=f"needs {DATA}")
def test_cascades_have_the_medians_of_the_tables():
    def medians(name):
        with (DATA / name).open() as file:
            return {r["Parameter"]: float(r["Median"]) for r in csv.DictReader(file)
                    if r["Type"] == "ALL"}  # fmt: skip

    for cell, name, names in (
        ("P", "Benardete_1997_VisNeurosci_midget.csv",
         {"gain": "A_cen", "low_pass": "NLTL_cen", "stages": "NL_cen", "delay": "D_cen",
          "high_pass_strength": "HS_cen", "high_pass": "TS_cen",
          "surround_delay": "deltaNLTL_sur", "mean_rate": "Mean"}),
        ("M", "Benardete_1999_VisNeurosci_parasol.csv",
         {"gain": "A", "low_pass": "NLTL", "stages": "NL", "high_pass_strength": "HS",
          "high_pass": "T0", "half_contrast": "Chalf", "delay": "D", "mean_rate": "Mean"}),
    ):  # fmt: skip
        table = medians(name)
        for key, column in names.items():
            value = getattr(Retina.published(cell), key)
            assert value == pytest.approx(table[column], rel=2e-3), (cell, key)


def test_it_encodes_and_has_a_form_in_a_document():
    retina = Retina.published("P", pixels_per_degree=16.0)
    encoding = Encoding(retina, PoissonCode(gain=1.0))
    stimulus = GratingPatches((0.0,), duration=500.0)
    shape = (4 + 2 * retina.margin,) * 2
    frames = stimulus.frames(0, shape, np.random.default_rng(0))
    step, unit = encoding.spikes(frames, 500.0, 0.5, np.random.default_rng(0))
    # 32 cells at 30 Hz for half a second: a Poisson count of 480, with what the grating adds.
    assert 350 < len(step) < 700
    assert unit.max() < 32
    again = encoding_from(
        {"lgn": {"kind": "retina"}, "code": {"kind": "poisson", "gain": 1.0}}, "encoding"
    )
    assert again == encoding
    FromFrames(stimulus, encoding)
    with pytest.raises(SpecError, match="make them equal"):
        FromFrames(GratingPatches(pixels_per_degree=32.0), encoding)


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"center_radius": 0.2}, "surround_radius"),
        ({"stages": 0.5}, "stages"),
        ({"high_pass_strength": 1.2}, "high_pass_strength"),
        ({"pixels_per_degree": 0.0}, "pixels_per_degree"),
        ({"half_contrast": -0.1}, "half_contrast"),
        ({"step": 0.0}, "step"),
    ],
)
def test_wrong_values_are_refused(changes, where):
    with pytest.raises(SpecError) as caught:
        Retina(**changes)
    assert caught.value.where == f"encoding.lgn.{where}"


def test_what_it_lacks_is_told():
    with pytest.raises(SpecError, match="needs the duration"):
        Retina().drive(np.zeros((1, 99, 99)))
    with pytest.raises(SpecError, match="leave no cell"):
        Retina().drive(np.zeros((1, 9, 9)), 10.0)
    with pytest.raises(SpecError, match="K"):
        Retina.published("K")
