"""Decline of the variability at stimulus onset, on counts whose Fano factors are known."""

import numpy as np
import pytest

from scnnbio.analysis import Bootstrap, onset_measures
from scnnbio.errors import SpecError
from scnnbio.recording import Recording
from tests.analysis.synthetic import coverage, spikes

UNITS, TRIALS = 60, 40


def around_onset(before, after, seed=0, onset=200.0) -> Recording:
    """Trials of 400 ms with counts (trials, units) in the 100 ms before and from 50 ms after."""
    rng = np.random.default_rng(seed)
    time, unit, trial = [], [], []
    for begin, counts in ((onset - 100.0, before), (onset + 50.0, after)):
        where = np.indices(counts.shape)
        trial.append(where[0].repeat(counts.ravel()))
        unit.append(where[1].repeat(counts.ravel()))
        time.append(rng.uniform(begin + 1e-6, begin + 100.0, counts.sum()))
    table = {"orientation": np.zeros(len(before)), "contrast": np.ones(len(before))}
    flat = (np.concatenate(x) for x in (time, unit, trial))
    return spikes(*flat, before.shape[1], table, 400.0)


def quenched(rng, gain=0.5):
    """Rates multiplied by a gamma gain before the onset: a Fano factor of 1 + gain mean."""
    mean = rng.uniform(2.0, 6.0, UNITS)
    varied = mean * rng.gamma(1 / gain, gain, (TRIALS, UNITS))
    return mean, rng.poisson(varied), rng.poisson(np.tile(mean, (TRIALS, 1)))


def test_a_gain_that_ends_at_the_onset():
    held = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        mean, before, after = quenched(rng)
        found = onset_measures(
            around_onset(before, after), "v1", onset=200.0, bootstrap=Bootstrap(draws=200)
        )
        # 0.5 of the mean count, which is 4 for these units.
        held.append(coverage(found["fano_fall_unmatched"], 0.5 * 4.0))
        assert found["fano_fall"].value[0] == pytest.approx(0.5 * mean.mean(), abs=0.5)
        assert found["fano_after"].value[0] == pytest.approx(1.0, abs=0.12)
    assert np.mean(held) >= 0.85


def test_a_change_of_the_rate_alone_does_not_count():
    # A binomial count of 20 chances: a Fano factor of 1 - mean / 20, which a larger rate lowers.
    rng = np.random.default_rng(1)
    low, high = rng.uniform(1.0, 7.0, 300), rng.uniform(3.0, 14.0, 300)
    counts = [rng.binomial(20, mean / 20, (TRIALS, 300)) for mean in (low, high)]
    found = onset_measures(around_onset(*counts), "v1", onset=200.0)
    # Means of 4 and 8.5.
    assert found["fano_fall_unmatched"].value[0] == pytest.approx(4.5 / 20, abs=0.04)
    fall = found["fano_fall"]
    assert fall.value[0] == pytest.approx(0.0, abs=0.04)
    assert fall.low[0] < 0.0 < fall.high[0]
    # Of two uniform densities, 1/6 on 1 to 7 and 1/11 on 3 to 14, the smaller share is 4/11.
    assert found["matched_share"].value[0] == pytest.approx(4 / 11, abs=0.12)


def test_blanks_are_what_came_before_where_the_trial_begins_with_the_stimulus():
    rng = np.random.default_rng(2)
    _, before, after = quenched(rng)
    whole = around_onset(before, after, onset=100.0)
    # The same counts as blanks and as stimuli, each in a trial of its own, 50 to 150 ms.
    early = whole.spikes["v1"].time <= 100.0
    train = whole.spikes["v1"]
    time = np.where(early, train.time + 50.0, train.time - 100.0)
    trial = np.where(early, train.trial, train.trial + TRIALS)
    shown = np.repeat([0.0, 1.0], TRIALS)
    table = {"orientation": np.where(shown > 0, 0.0, np.nan), "contrast": shown}
    apart = spikes(time, train.unit, trial, UNITS, table, 400.0)
    one = onset_measures(whole, "v1", onset=100.0)
    other = onset_measures(apart, "v1")
    assert other["fano_fall"].value[0] == pytest.approx(one["fano_fall"].value[0], abs=1e-12)
    with pytest.raises(SpecError, match="nothing is known from before the onset"):
        onset_measures(whole, "v1")


def test_too_little_is_insufficient():
    rng = np.random.default_rng(3)
    one = rng.poisson(1.0, (TRIALS, 8)), rng.poisson(20.0, (TRIALS, 8))
    few = onset_measures(around_onset(*one), "v1", onset=200.0)["fano_fall"]
    assert few.insufficient == ("8 units fire before and after, 10 are needed",)
    apart = onset_measures(around_onset(*one), "v1", onset=200.0, least_units=5)
    assert apart["fano_fall"].insufficient[0].startswith("mean counts before and after match in")
    assert apart["fano_fall_unmatched"].sufficient.all()
    with pytest.raises(SpecError, match="is empty"):
        onset_measures(around_onset(*one), "v1", onset=200.0, width=0.0)
