"""Gamma and refractory codes against the statistics of their processes."""

import numpy as np
import pytest

from scnnbio.encoding import GammaCode, PoissonCode, RefractoryCode
from scnnbio.errors import SpecError

DT = 0.1


def trains(code, drive, duration=20_000.0, units=20, seed=1):
    frames = np.broadcast_to(np.asarray(drive, dtype=float)[:, None], (len(drive), units))
    step, unit = code.spikes(frames, duration, DT, np.random.default_rng(seed))
    return step * DT, unit


def intervals(time, unit):
    order = np.lexsort((time, unit))
    gaps, same = np.diff(time[order]), np.diff(unit[order]) == 0
    return gaps[same]


@pytest.mark.parametrize("shape", [1.0, 4.0, 9.5])
def test_a_gamma_process_has_its_rate_and_its_cv(shape):
    time, unit = trains(GammaCode(gain=1.0, shape=shape), [40.0])
    gaps = intervals(time, unit)
    assert gaps.mean() == pytest.approx(25.0, rel=0.03)
    assert gaps.std() / gaps.mean() == pytest.approx(1 / np.sqrt(shape), rel=0.04)
    # The rate is right from the beginning: 400 units in the first 10 ms.
    early, _ = trains(GammaCode(gain=1.0, shape=shape), [40.0], duration=10.0, units=4000)
    assert len(early) == pytest.approx(4000 * 0.4, abs=4 * np.sqrt(1600))


@pytest.mark.parametrize("refractory", [0.0, 2.0, 10.0])
def test_a_dead_time_lowers_the_rate_as_it_should(refractory):
    rate = 100.0
    time, unit = trains(RefractoryCode(gain=1.0, refractory=refractory), [rate])
    expected = rate / (1 + rate * refractory / 1e3)
    assert len(time) / 20 / 20 == pytest.approx(expected, rel=0.02)
    gaps = intervals(time, unit)
    assert gaps.min() >= max(refractory, DT) - 1e-9
    # Beyond the dead time intervals are exponential.
    assert (gaps - gaps.min()).mean() == pytest.approx(1e3 / rate, rel=0.03)


@pytest.mark.parametrize("code", [GammaCode(gain=1.0, spontaneous=10.0), RefractoryCode(
    gain=1.0, spontaneous=10.0, refractory=0.0)])  # fmt: skip
def test_the_rate_follows_the_frames(code):
    # Rates of 10, 60, 0 (-20 cut) and 200 (cut) Hz.
    time, _ = trains(code, [0.0, 50.0, -20.0, 900.0], duration=8000.0, units=40)
    counts = np.histogram(time, [0.0, 2000.0, 4000.0, 6000.0, 8000.01])[0] / 2 / 40
    np.testing.assert_allclose(counts, [10.0, 60.0, 0.0, 200.0], rtol=0.05, atol=0.05)


@pytest.mark.parametrize("code", [GammaCode(), RefractoryCode()])
def test_spikes_have_the_promised_form(code):
    drive = np.random.default_rng(3).random((5, 2, 3, 4)) * 3
    step, unit = code.spikes(drive, 500.0, 0.5, np.random.default_rng(2))
    assert step.dtype == unit.dtype == np.int32
    assert 1 <= step.min() <= step.max() <= 1000
    pairs = step.astype(np.int64) * 24 + unit
    assert (np.diff(pairs) > 0).all()
    again = code.spikes(drive, 500.0, 0.5, np.random.default_rng(2))
    np.testing.assert_array_equal(step, again[0])
    none, _ = code.spikes(np.zeros((1, 4)), 50.0, 0.5, np.random.default_rng(2))
    assert len(none) == 0


@pytest.mark.parametrize("kind", [GammaCode, RefractoryCode])
def test_what_does_not_fit_is_refused_as_by_a_poisson_code(kind):
    rng = np.random.default_rng(0)
    wrong = (
        ({"max_rate": 900.0}, np.ones((1, 2)), 50.0, 2.0),
        ({}, np.ones((1, 2)), 50.0, 0.3),
        ({}, np.ones((40, 2)), 10.0, 0.5),
        ({}, np.ones((1, 2)), 10.0, 0.0),
    )
    for changes, drive, duration, dt in wrong:
        messages = []
        for code in (kind(**changes), PoissonCode(**changes)):
            with pytest.raises(SpecError) as caught:
                code.spikes(drive, duration, dt, rng)
            messages.append(caught.value.where)
        assert messages[0] == messages[1]
    with pytest.raises(SpecError, match="above max_rate"):
        kind(spontaneous=300.0)


def test_wrong_values_are_refused():
    with pytest.raises(SpecError, match="1 or more"):
        GammaCode(shape=0.5)
    with pytest.raises(SpecError, match="refractory"):
        RefractoryCode(refractory=-1.0)
