"""Variability of counts and intervals of processes whose statistics are known."""

import numpy as np
import pytest

from scnnbio.analysis.irregularity import irregularity
from scnnbio.analysis.measurements import Bootstrap
from scnnbio.analysis.measures_of_correlation import correlation_measures
from scnnbio.analysis.measures_of_sparseness import sparseness, sparseness_measures
from scnnbio.analysis.measures_of_variability import count_measures, interval_measures
from scnnbio.errors import SpecError
from tests.analysis.synthetic import coverage, of_counts, poisson, spikes

ORIENTATIONS = np.tile(np.arange(5) * 36.0, 40)
MEANS = np.tile([2.0, 5.0, 10.0, 20.0, 40.0], 40)


def counted(counts):
    table = {"orientation": ORIENTATIONS[: len(counts)]}
    return of_counts(counts, table, np.random.default_rng(0))


@pytest.mark.parametrize("gain", [0.0, 0.1, 0.5])
def test_fano_factor_and_gain_variance_and_their_coverage(gain):
    # A Poisson process times a gamma gain of variance g: counts of variance m + g m^2.
    rng = np.random.default_rng(1)
    each = np.repeat(MEANS[:, None], 100, axis=1)
    drive = each * rng.gamma(1 / gain, gain, each.shape) if gain else each
    found = count_measures(counted(rng.poisson(drive)), "v1", bootstrap=Bootstrap(draws=80))
    fano = 1 + gain * MEANS[:5].mean()
    assert found["fano_factor"].value.mean() == pytest.approx(fano, rel=0.05)
    assert coverage(found["fano_factor"], fano) > 0.85
    value = found["gain_variance"]
    # Fitted means take one degree of freedom of forty. Of a hundred intervals, from 80 draws.
    assert np.median(value.value) == pytest.approx(gain, rel=0.08, abs=0.003)
    if gain:
        assert coverage(value, gain) > 0.8
    assert (value.n == 200).all()


def test_the_value_of_the_fano_factor_has_no_bias_of_few_trials():
    rng = np.random.default_rng(1)
    few = counted(rng.poisson(np.repeat(MEANS[:20, None], 600, axis=1)))
    found = count_measures(few, "v1", bootstrap=Bootstrap(draws=0))
    assert found["fano_factor"].value.mean() == pytest.approx(1.0, abs=0.03)


def test_counts_that_do_not_suffice():
    silent = counted(np.zeros((200, 2), dtype=int))
    found = count_measures(silent, "v1", bootstrap=Bootstrap(draws=10))
    assert found["fano_factor"].insufficient[0] == "no condition has a mean count so large"
    assert found["gain_variance"].insufficient[0] == "no spikes"
    once = counted(np.ones((5, 1), dtype=int))
    told = count_measures(once, "v1", bootstrap=Bootstrap(draws=10))
    assert told["fano_factor"].insufficient[0] == "no condition has 3 trials"


def gamma_trains(shape, units, trials, rng, rate=50.0, duration=2000.0):
    n = int(rate * duration / 1e3 * 1.6)
    gaps = rng.gamma(shape, 1e3 / rate / shape, (trials, units, n))
    time = gaps.cumsum(axis=2)
    trial, unit, _ = np.indices(time.shape)
    kept = time <= duration
    return spikes(
        time[kept], unit[kept], trial[kept], units, {"orientation": np.zeros(trials)}, duration
    )


@pytest.mark.parametrize("shape", [1.0, 4.0])
def test_irregularity_of_a_gamma_process_and_its_coverage(shape):
    recording = gamma_trains(shape, 100, 12, np.random.default_rng(2))
    found = interval_measures(recording, "v1", bootstrap=Bootstrap(draws=80))
    # LV of a gamma process is 3 / (2 k + 1) (Shinomoto et al. 2003), its CV 1 / sqrt(k).
    truths = {"cv": 1 / np.sqrt(shape), "lv": 3 / (2 * shape + 1)}
    for name, truth in truths.items():
        assert found[name].value.mean() == pytest.approx(truth, rel=0.02), name
        assert coverage(found[name], truth) > 0.85, name
    # The resamples take Elephant's measures apart into sums: with every weight 1 they agree.
    same = irregularity(recording, "v1")
    np.testing.assert_allclose(found["cv2"].value, same.cv2)
    middle = (found["cv2"].low + found["cv2"].high) / 2
    np.testing.assert_allclose(middle, same.cv2, atol=0.04)


def test_few_intervals_do_not_suffice():
    recording = gamma_trains(1.0, 1, 1, np.random.default_rng(2), rate=5.0)
    found = interval_measures(recording, "v1", bootstrap=Bootstrap(draws=5))
    assert found["cv"].insufficient == ("fewer than 20 intervals",)


@pytest.mark.slow
def test_noise_and_signal_correlation_and_their_coverage():
    # Normal counts of a shared part: r = 0.3 for each pair. Tuning of unit 0 and 1 alike, of unit 2
    # opposite.
    rng = np.random.default_rng(3)
    inside = {"noise_correlation": 0, "mean_noise_correlation": 0}
    tuning = 60.0 + 20.0 * np.cos(np.deg2rad(ORIENTATIONS))[:, None] * np.array([1.0, 1.0, -1.0])
    for _ in range(60):
        noise = np.sqrt(0.3) * rng.normal(size=(200, 1)) + np.sqrt(0.7) * rng.normal(size=(200, 3))
        counts = np.rint(tuning + 6.0 * noise).astype(int)
        found = correlation_measures(counted(counts), "v1", bootstrap=Bootstrap(draws=60))
        for name in inside:
            inside[name] += coverage(found[name], 0.3)
    assert inside["noise_correlation"] / 60 > 0.87  # of 180 that depend a little
    assert inside["mean_noise_correlation"] / 60 > 0.83
    pairs = found["signal_correlation"]
    assert list(pairs.index) == ["unit_1", "unit_2"]
    # Noise of 40 trials draws the coefficient from 1 to 1 / (1 + 36 / 40 / 200).
    assert pairs.value == pytest.approx([1.0, -1.0, -1.0], abs=0.02)
    assert str(found["mean_noise_correlation"]).startswith("mean_noise_correlation: 0.")


def test_means_of_many_pairs_are_those_of_all_pairs():
    rng = np.random.default_rng(3)
    counts = rng.poisson(np.repeat(MEANS[:100, None], 210, axis=1))
    counts[:, 5] = 0  # which never varies
    recording = counted(counts)
    many = correlation_measures(recording, "v1", bootstrap=Bootstrap(draws=6))
    assert np.isnan(many["noise_correlation"].low).all()  # 21945 pairs
    kept = many["noise_correlation"].value
    assert np.isnan(kept).sum() == 209
    assert many["mean_noise_correlation"].value[0] == pytest.approx(np.nanmean(kept))
    low, high = many["mean_noise_correlation"].low[0], many["mean_noise_correlation"].high[0]
    assert -0.02 < low < high < 0.02


def test_sparseness_of_given_rates():
    # Exponential responses: <r>^2 / <r^2> is 1/2 for very many.
    rates = np.random.default_rng(1).exponential(1.0, (3, 200_000))
    np.testing.assert_allclose(sparseness(rates), 0.5, atol=0.01)
    # m of n alike: (1 - m/n) / (1 - 1/n).
    assert sparseness([[1.0, 1.0, 0.0, 0.0, 0.0]]) == pytest.approx((1 - 2 / 5) / (1 - 1 / 5))
    assert np.isnan(sparseness([[0.0, 0.0]]))[0]


@pytest.mark.slow
def test_lifetime_and_population_sparseness_and_their_coverage():
    rng = np.random.default_rng(4)
    rates = rng.permuted(np.tile(np.linspace(0.0, 60.0, 20), (150, 1)), axis=1).T
    trials = np.tile(np.arange(20.0), 25)
    recording = poisson(np.tile(rates, (25, 1)), {"sequence": trials}, rng)
    found = sparseness_measures(recording, "v1", bootstrap=Bootstrap(draws=80))
    truth = float(sparseness(np.linspace(0.0, 60.0, 20)[None])[0])
    life = found["lifetime_sparseness"]
    assert np.median(life.value) == pytest.approx(truth, abs=0.01)
    assert coverage(life, truth) > 0.87
    crowd = found["population_sparseness"]
    expected = sparseness(rates)
    np.testing.assert_allclose(crowd.value, expected, atol=0.03)
    inside = (np.asarray(crowd.low) <= expected) & (expected <= np.asarray(crowd.high))
    assert inside.mean() > 0.7  # of 20
    mean = found["mean_population_sparseness"]
    assert mean.low[0] <= expected.mean() <= mean.high[0]


def test_bins_of_a_movie_are_stimuli():
    # One unit that fires in the third of ten bins alone is as sparse as can be.
    recording = spikes([25.0, 26.0], [0, 0], [0, 1], 2, {"sequence": [0.0, 0.0]}, 100.0)
    found = sparseness_measures(recording, "v1", ["sequence"], bin_width=10.0)
    assert found["lifetime_sparseness"].value[0] == 1.0
    assert found["lifetime_sparseness"].insufficient[1] == "no spikes"
    assert found["population_sparseness"].insufficient[2] == "fewer than 5 units"
    with pytest.raises(SpecError, match="whole number of bins"):
        sparseness_measures(recording, "v1", ["sequence"], bin_width=30.0)
