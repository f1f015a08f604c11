"""The simulated sensor against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from scnnbio.errors import SpecError
from scnnbio.inputs import EventSensor, saccades
from scnnbio.stimuli import MovingBars

#: No refractory period and no dark light: the closed form.
PLAIN = {"refractory": 0.0, "dark": 0.0}


@pytest.mark.parametrize("rise", [1.7, -1.3, 0.19, 0.2])
@pytest.mark.parametrize("frames", [2, 11])
def test_a_ramp_gives_an_event_per_threshold(rise: float, frames: int) -> None:
    # A ramp of the logarithm by d crosses k thresholds at k threshold/d of its time.
    light = np.exp(np.linspace(0.0, rise, frames))[:, None, None] * np.array([[1.0, 20.0]])
    duration = 100_000.0
    events = EventSensor(on=0.2, off=0.25, **PLAIN).record(light, duration / 1e3 / (frames - 1))
    threshold = 0.2 if rise > 0 else 0.25
    n = int(abs(rise) / threshold + 1e-9)
    times = np.ceil(np.arange(1, n + 1) * threshold / abs(rise) * duration - 0.01)
    for pixel in (0, 1):  # the logarithm does not care for the scale
        np.testing.assert_allclose(events.t[events.x == pixel], times, atol=1)
    assert (np.asarray(events.p) == (rise > 0)).all()


def test_thresholds_of_pixels_are_mismatched() -> None:
    sensor = EventSensor(on=0.2, mismatch=0.1, seed=3, **PLAIN)
    light = np.exp(np.linspace(0.0, 5.0, 3))[:, None, None] * np.ones((40, 40))
    events = sensor.record(light, 10.0)
    on = sensor.thresholds(1600)[0]
    np.testing.assert_array_equal(events.counts()[0].ravel(), np.floor(5.0 / on))
    # 1600 pixels: the standard error of a deviation of 0.02 is 0.0004.
    assert on.std() == pytest.approx(0.02, abs=0.002)
    assert sensor.thresholds(1600)[0].tolist() == on.tolist()


def test_a_refractory_pixel_forgets_what_it_did_not_see() -> None:
    # 2 in 100 ms: a threshold of 0.2 after 10 ms; blind for 5 ms, then 10 ms to the next one.
    light = np.exp(np.linspace(0.0, 2.0, 2))[:, None, None]
    events = EventSensor(on=0.2, refractory=5.0, dark=0.0).record(light, 100.0)
    np.testing.assert_allclose(np.asarray(events.t) / 1e3, 10.0 + 15.0 * np.arange(7), atol=1e-3)


def test_a_moving_edge_reaches_each_pixel_in_turn() -> None:
    # A bar of 4 pixels at 1 pixel per frame of 10 ms; its side is a ramp of one pixel.
    bars = MovingBars(
        orientations=(270.0,), speeds=(10.0,), widths=(0.4,), contrasts=(0.8,), duration=300.0,
        pixels_per_degree=10,
    )  # fmt: skip
    frames = bars.frames(0, (5, 11), np.random.default_rng(0))
    events = EventSensor(on=0.15, off=0.15, **PLAIN).record(1 + frames, 10.0)
    n = int(np.log(1.8) / 0.15)  # floor(delta log I / threshold), on the way up and down
    assert (events.counts() == n).all()
    first = np.array([events.t[(events.x == x) & events.p].min() for x in range(11)])
    np.testing.assert_allclose(np.diff(first), 10_000, atol=1)  # to the right, 10 ms a pixel


def test_noise_is_poisson_and_waits_for_the_refractory_period() -> None:
    sensor, rng = EventSensor(noise=20.0, refractory=10.0), np.random.default_rng(1)
    events = sensor.record(np.ones((100, 20, 20)), 50.0, rng)
    # A dead time of 10 ms: a rate of 20 Hz/(1 + 20 Hz 10 ms) over 5 s and 400 pixels.
    expected = 20.0 / 1.2 * 5.0 * 400
    assert len(events) == pytest.approx(expected, abs=4 * np.sqrt(expected))
    assert np.asarray(events.p).mean() == pytest.approx(0.5, abs=0.02)
    for pixel in range(20):
        one = (events.x == pixel) & (events.y == 0)
        assert np.diff(np.asarray(events.t)[one]).min() >= 10_000
    with pytest.raises(SpecError, match=r"noise needs a random generator"):
        sensor.record(np.ones((2, 1, 1)), 1.0)


def test_no_light_has_no_logarithm() -> None:
    with pytest.raises(SpecError, match=r"light of -0.2 and dark of 0.01 have no logarithm"):
        EventSensor().record(np.full((2, 1, 1), -0.2), 1.0)


def test_saccades_return_to_where_they_began() -> None:
    image = np.random.default_rng(2).random((12, 12))
    movie = saccades(image, size=(20, 24), amplitude=2.0, duration=10.0, frame=0.5)
    assert movie.shape == (61, 20, 24)
    np.testing.assert_allclose(movie[0], movie[-1])
    # A third of the way: the image stands 2 pixels lower, and in the middle of its row.
    np.testing.assert_allclose(movie[20][6:18, 6:18], image)
    # Events of a light that returns: as many thresholds up as down, but for the last one.
    counts = EventSensor(on=0.1, off=0.1, **PLAIN).record(0.1 + movie, 0.5).counts().astype(int)
    assert counts.sum() > 5000
    assert abs(counts[0] - counts[1]).max() <= 1
