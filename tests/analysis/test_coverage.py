"""Coverage of the bootstrap intervals at many draws, and how long the measures take."""

import numpy as np
import pytest

from benchmarks import measures
from scnnbio.analysis import (
    Bootstrap,
    contrast_measures,
    count_measures,
    interval_measures,
    modulation_measures,
    size_measures,
    sparseness,
    sparseness_measures,
    spatial_frequency_measures,
)
from scnnbio.analysis.curve_shapes import flanks
from tests.analysis.synthetic import coverage, modulated, of_counts, poisson
from tests.analysis.test_contrast_measures import CONTRASTS, DIAMETERS, SIZES, naka_rushton
from tests.analysis.test_frequency_measures import FREQUENCIES, bell
from tests.analysis.test_variability_measures import MEANS, ORIENTATIONS, gamma_trains

MANY = Bootstrap(draws=500)
UNITS = 600

pytestmark = pytest.mark.validate


def told(found, truths, least):
    """Print the share of intervals that hold the truth, and hold it to a range."""
    for name, truth in truths.items():
        share = coverage(found[name], truth)
        print(f"{name}: {share:.3f} of {int(found[name].sufficient.sum())}")
        assert least <= share <= 0.99, name


def alike(rates, name, values, repeats, seed):
    column = np.tile(values, repeats)
    each = np.repeat(np.tile(rates, repeats)[:, None], UNITS, axis=1)
    return poisson(each, {name: column}, np.random.default_rng(seed))


def test_contrast():
    recording = alike(naka_rushton(CONTRASTS), "contrast", CONTRASTS, 20, 1)
    truths = {"c50": 0.2, "exponent": 2.5, "largest_response": 40.0, "offset": 3.0}
    told(contrast_measures(recording, "v1", bootstrap=MANY), truths, 0.88)


def test_spatial_frequency():
    recording = alike(bell(FREQUENCIES), "spatial_frequency", FREQUENCIES, 20, 1)
    half = flanks(bell(FREQUENCIES)[None], np.log2(FREQUENCIES), 0.5)
    truths = {"peak_spatial_frequency": 2.0, "spatial_bandwidth": half.high[0] - half.low[0]}
    told(spatial_frequency_measures(recording, "v1", bootstrap=MANY), truths, 0.88)


def test_size():
    recording = alike(SIZES, "diameter", DIAMETERS, 40, 2)
    trials = dict(recording.trials) | {"temporal_frequency": np.full(recording.n_trials, 4.0)}
    timed = type(recording)(recording.spikes, recording.shapes, trials)
    told(size_measures(timed, "v1", bootstrap=MANY), {"surround_suppression_index": 0.4}, 0.88)


@pytest.mark.parametrize("ratio", [0.3, 0.6, 1.0])
def test_modulation(ratio):
    recording = modulated(30.0, ratio, np.full(20, 4.0), np.random.default_rng(1), size=UNITS)
    told(modulation_measures(recording, "v1", bootstrap=MANY), {"modulation_ratio": ratio}, 0.88)


@pytest.mark.parametrize("gain", [0.05, 0.3])
def test_counts(gain):
    rng = np.random.default_rng(1)
    each = np.repeat(MEANS[:, None], UNITS, axis=1)
    drive = each * rng.gamma(1 / gain, gain, each.shape)
    recording = of_counts(rng.poisson(drive), {"orientation": ORIENTATIONS}, rng)
    found = count_measures(recording, "v1", bootstrap=MANY)
    told(found, {"fano_factor": 1 + gain * MEANS[:5].mean(), "gain_variance": gain}, 0.85)


@pytest.mark.parametrize("shape", [1.0, 4.0])
def test_intervals(shape):
    recording = gamma_trains(shape, UNITS, 12, np.random.default_rng(2))
    truths = {"cv": 1 / np.sqrt(shape), "lv": 3 / (2 * shape + 1)}
    told(interval_measures(recording, "v1", bootstrap=MANY), truths, 0.88)


def test_sparseness():
    rng = np.random.default_rng(4)
    rates = rng.permuted(np.tile(np.linspace(0.0, 60.0, 20), (UNITS, 1)), axis=1).T
    table = {"sequence": np.tile(np.arange(20.0), 12)}
    found = sparseness_measures(poisson(np.tile(rates, (12, 1)), table, rng), "v1", bootstrap=MANY)
    truth = float(sparseness(np.linspace(0.0, 60.0, 20)[None])[0])
    told(found, {"lifetime_sparseness": truth}, 0.88)


def test_a_thousand_trains_of_100_s_take_less_than_two_minutes():
    found = measures.seconds(measures.trains())
    print(found)
    # Of a processor, since others may use the machine; one core alone keeps within the two minutes.
    assert sum(row["cpu_s"] for row in found.values()) < 120.0
