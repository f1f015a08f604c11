"""Modulation and latency of spikes whose rates are known, and of given potentials."""

import numpy as np
import pytest

from scnnbio.analysis.measurements import Bootstrap
from scnnbio.analysis.measures_of_modulation import (
    modulation_measures,
    potential_modulation_measures,
    response_latency,
)
from scnnbio.analysis.modulation import f1_f0
from scnnbio.errors import SpecError
from scnnbio.recording import Recording, Signal, Spikes
from tests.analysis.synthetic import coverage, modulated, poisson, spikes


@pytest.mark.parametrize("ratio", [0.4, 1.0])
def test_modulation_and_its_coverage(ratio):
    rng = np.random.default_rng(1)
    recording = modulated(30.0, ratio, np.full(40, 4.0), rng, size=200, duration=1100.0)
    found = modulation_measures(recording, "v1", bootstrap=Bootstrap(draws=100))
    assert np.median(found["modulation_ratio"].value) == pytest.approx(ratio, abs=0.03)
    # Chance adds sqrt(pi / n) at most, of 1200 spikes.
    assert coverage(found["modulation_ratio"], ratio) > 0.88
    assert np.median(found["f0"].value) == pytest.approx(30.0, rel=0.02)
    assert np.median(found["f1"].value) == pytest.approx(30.0 * ratio, rel=0.05)
    assert found["modulation_ratio_above_spontaneous"].insufficient[0] == "no blanks"


def test_it_is_the_ratio_of_the_spikes_and_aligns_phases():
    rng = np.random.default_rng(2)
    frequency = np.full(30, 8.0)
    recording = modulated(40.0, 0.8, frequency, rng, size=3)
    found = modulation_measures(recording, "v1", bootstrap=Bootstrap(draws=5))
    part = recording.spikes["v1"]
    expected = f1_f0(part.time, 8.0, (0.0, 1000.0), unit=part.unit, n_units=3)
    np.testing.assert_allclose(found["modulation_ratio"].value, expected)
    # A grating that begins a phase later is followed by spikes that much later in its cycle.
    phases = np.tile([0.0, 90.0, 180.0, 270.0], 10)
    shifted = modulated(
        40.0, 0.8, np.full(40, 8.0), rng, size=3, phase=np.deg2rad(phases),
        trials={"phase": phases},
    )  # fmt: skip
    both = modulation_measures(shifted, "v1", bootstrap=Bootstrap(draws=5))
    assert both["modulation_ratio"].value == pytest.approx([0.8] * 3, abs=0.15)


def test_each_trial_has_its_own_frequency():
    # Conditions of several frequencies; each unit is measured at its best one, in whole cycles.
    rng = np.random.default_rng(2)
    frequency = np.tile([3.0, 7.0], 40)
    recording = modulated(np.where(frequency == 7.0, 40.0, 10.0), 0.9, frequency, rng, size=20)
    found = modulation_measures(recording, "v1", bootstrap=Bootstrap(draws=40))
    assert np.median(found["modulation_ratio"].value) == pytest.approx(0.9, abs=0.05)
    assert (found["modulation_ratio"].n == 40).all()


def test_phases_stand_in_for_drift():
    # Static gratings of 8 phases: rate 20 (1 + 0.6 cos(phase - 50 deg)).
    rng = np.random.default_rng(2)
    phase = np.tile(np.arange(8) * 45.0, 50)
    rates = 20.0 * (1 + 0.6 * np.cos(np.deg2rad(phase - 50.0)))
    table = {"phase": phase, "temporal_frequency": np.zeros(400)}
    recording = poisson(np.repeat(rates[:, None], 20, axis=1), table, rng)
    found = modulation_measures(recording, "v1", bootstrap=Bootstrap(draws=40))
    assert np.median(found["modulation_ratio"].value) == pytest.approx(0.6, abs=0.03)


def test_standing_gratings_keep_each_phase_in_each_resample():
    # Two trials of each of 4 phases: were phases drawn at will, a constant rate would be modulated.
    rng = np.random.default_rng(2)
    phase = np.tile(np.arange(4) * 90.0, 20)
    table = {"phase": phase, "temporal_frequency": np.zeros(80)}
    recording = poisson(np.full((80, 60), 50.0), table, rng)
    found = modulation_measures(recording, "v1", bootstrap=Bootstrap(draws=60))
    # Of 4000 spikes: chance alone gives sqrt(pi / n) = 0.028.
    assert np.median(found["modulation_ratio"].value) < 0.05
    assert (found["modulation_ratio"].high < 0.15).all()
    with pytest.raises(SpecError, match="equally spaced phases"):
        modulation_measures(recording.select(phase=90.0), "v1")
    once = recording.take(np.arange(4))
    alone = modulation_measures(once, "v1", bootstrap=Bootstrap(draws=10))["modulation_ratio"]
    assert np.isnan(alone.low).all()


def test_spontaneous_spikes_are_taken_from_the_mean():
    rng = np.random.default_rng(2)
    shown = modulated(30.0, 0.5, np.full(60, 4.0), rng, size=20, trials={"contrast": np.ones(60)})
    blank = modulated(10.0, 0.0, np.full(60, 4.0), rng, size=20, trials={"contrast": np.zeros(60)})
    from scnnbio.recording import concatenate

    found = modulation_measures(concatenate([shown, blank]), "v1", bootstrap=Bootstrap(draws=40))
    above = found["modulation_ratio_above_spontaneous"].value
    assert np.median(above) == pytest.approx(15.0 / 20.0, abs=0.04)
    assert np.median(found["modulation_ratio"].value) == pytest.approx(0.5, abs=0.03)


def test_potential_against_its_sinusoid():
    # v = rest + mean + amplitude cos(2 pi f t), sampled; two conditions, and blanks at rest.
    time = np.arange(0.0, 500.0, 1.0)
    frequency = np.array([4.0, 4.0, 8.0, 8.0, np.nan, np.nan])
    contrast = np.array([1.0, 1.0, 1.0, 1.0, 0.0, 0.0])
    mean = np.array([3.0, 3.2, 1.0, 1.0, 0.0, 0.2])
    level = (
        -65.0
        + mean[:, None]
        + np.where(contrast > 0, 6.0, 0.0)[:, None]
        * np.cos(2 * np.pi * np.nan_to_num(frequency)[:, None] * time / 1e3)
    )
    values = np.stack([level.ravel(), level.ravel() - 5.0], axis=1)
    trial = np.repeat(np.arange(6), 500)
    signal = Signal(values, [0, 2], 1.0, "mV", trial, np.tile(time, 6))
    recording = Recording(
        {"v1": Spikes([], [], [])}, {"v1": (3, 1, 1)},
        {"duration": np.full(6, 500.0), "temporal_frequency": frequency, "contrast": contrast},
        {"v1": {"v": signal}},
    )  # fmt: skip
    found = potential_modulation_measures(recording, "v1", bootstrap=Bootstrap(draws=20))
    # Mean of 3.0 and 3.2 above that of 0 and 0.2; whole cycles leave nothing else.
    assert found["potential_f0"].value[[0, 2]] == pytest.approx([3.0, 3.0])
    assert found["potential_f1"].value[[0, 2]] == pytest.approx([6.0, 6.0])
    assert found["potential_modulation_ratio"].value[[0, 2]] == pytest.approx([2.0, 2.0])
    assert found["potential_f1"].insufficient[1] == "its potential was not sampled"
    with pytest.raises(SpecError, match="no signal 'u'"):
        potential_modulation_measures(recording, "v1", variable="u")


def stepped(latency, rate, base, trials, units, rng):
    """A rate that steps up at a latency; the stimulus begins 100 ms into the trial."""
    n = rng.poisson(rate * 0.3, (trials, units))
    trial, unit = (i.ravel().repeat(n.ravel()) for i in np.indices(n.shape))
    time = rng.uniform(0.0, 300.0, n.sum())
    kept = (time > 100.0 + latency) | (rng.random(n.sum()) < base / rate)
    return spikes(time[kept], unit[kept], trial[kept], units, {"contrast": np.ones(trials)}, 300.0)


def test_latency_of_a_step_and_its_coverage():
    rng = np.random.default_rng(3)
    recording = stepped(42.0, 100.0, 5.0, 60, 100, rng)
    found = response_latency(recording, "v1", onset=100.0, bootstrap=Bootstrap(draws=60))
    # A histogram of 10 ms places a step within a fifth of a bin; its noisy peak is too high, which
    # delays the half rise a little.
    assert np.median(found.value) == pytest.approx(42.0, abs=2.5)
    assert coverage(found, 42.0) > 0.8
    assert found.unit == "ms"
    none = response_latency(stepped(42.0, 5.0, 5.0, 20, 1, rng), "v1", onset=100.0)
    assert "standard errors" in none.insufficient[0]
    unknown = response_latency(recording, "v1")
    assert unknown.insufficient[0] == "no blanks, and nothing before the onset"
