"""Claims on the irregularity of spike trains and the variability of counts."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from scnnbio.analysis.irregularity import irregularity
from scnnbio.recording import Recording, Spikes
from scnnbio.validation import CLAIMS, Evidence
from scnnbio.validation.orientation_tuning import GRATINGS
from tests.validation.v1_runs import (
    poisson_run,
    recorded,
    renewal_run,
    von_mises,
)


@pytest.mark.slow
def test_poisson_cells_are_as_irregular_as_cortex() -> None:
    evidence = Evidence(poisson_run(40.0), "v1")
    for name in ("isi_cv", "fano_factor"):
        score = CLAIMS[name].judge(evidence)
        assert score.verdict == "agrees", score.reason
        assert score.value == pytest.approx(1.0, abs=0.08)
        assert score.n == 30


def test_few_trials_of_a_poisson_process_are_still_one() -> None:
    # 48 gratings of 5 trials: the best alone, by Elephant alone, has a median of .6.
    rng = np.random.default_rng(8)
    counts = rng.poisson(20, (60, 48 * 5))
    unit, trial = np.indices(counts.shape)
    spikes = Spikes(
        rng.uniform(0, 1000, counts.sum()),
        np.repeat(unit, counts.ravel()),
        np.repeat(trial, counts.ravel()),
    )
    trials = {
        "duration": np.full(240, 1000.0),
        "orientation": np.tile(np.arange(0, 180, 15.0), 20),
        "spatial_frequency": np.tile(np.repeat([0.08, 0.12, 0.17, 0.24], 12), 5),
    }
    run = SimpleNamespace(weights={}, recording=Recording({"v1": spikes}, {"v1": 60}, trials))
    score = CLAIMS["fano_factor"].judge(run, population="v1")
    assert score.value == pytest.approx(1.0, abs=0.04)
    assert score.verdict == "agrees"


@pytest.mark.slow
def test_regular_cells_are_not() -> None:
    run = recorded(von_mises(np.full(25, 2.0), np.zeros(25)), repeats=5)
    for name in ("isi_cv", "fano_factor"):
        score = CLAIMS[name].judge(run, population="v1")
        assert score.verdict == "disagrees"
        assert score.value == pytest.approx(0.0, abs=1e-9)


def test_cells_as_irregular_as_the_recorded_ones_agree_though_their_rate_drifts() -> None:
    # Gamma intervals of CV 1.1 in each trial, which so few of them bring down to 1, and a gain
    # that varies by a factor of 2: as in the recordings, the CV of all intervals at the best
    # grating is far above that of a trial.
    evidence = Evidence(renewal_run(shape=0.83, gain=0.7), "v1")
    score = CLAIMS["isi_cv"].judge(evidence)
    assert score.verdict == "agrees", score.reason
    shown = evidence.bind(protocol=GRATINGS)
    best = shown.responses.best()
    pooled = irregularity(
        shown.recording, "v1",
        trials=[np.flatnonzero(shown.responses.condition == b) for b in best],
    ).cv  # fmt: skip
    assert np.median(pooled) > 1.2


@pytest.mark.slow
def test_regular_and_bursting_cells_disagree() -> None:
    # Gamma intervals of shape k: CV 1 / sqrt(k), 0.5 and 1.8.
    for shape, low, high in ((4.0, 0.4, 0.55), (0.3, 1.2, 1.9)):
        score = CLAIMS["isi_cv"].judge(renewal_run(shape), population="v1")
        assert score.verdict == "disagrees"
        assert low < score.value < high


def test_too_few_cells_or_spikes_are_insufficient() -> None:
    few = CLAIMS["isi_cv"].judge(renewal_run(cells=19), population="v1")
    assert few.verdict == "insufficient data"
    short = CLAIMS["isi_cv"].judge(renewal_run(seconds=0.05), population="v1")
    assert short.verdict == "insufficient data"
    assert short.excluded["fewer than 10 trials of 5 intervals"] == 25


@pytest.mark.slow
def test_the_cv_is_of_all_orientations_at_the_best_spatial_frequency() -> None:
    # Poisson at the preferred frequency, regular and slower at the other: only the first counts.
    run = renewal_run()
    recording = run.recording
    n = recording.n_trials
    regular = np.arange(50.0, 1000.0, 100.0)
    spikes = recording.spikes["v1"]
    more = [np.tile(regular, 25 * n), np.repeat(np.arange(25), 10 * n)]
    trial = np.tile(np.repeat(np.arange(n) + n, 10), 25)
    both = Recording(
        {"v1": Spikes(np.r_[spikes.time, more[0]], np.r_[spikes.unit, more[1]],
                      np.r_[spikes.trial, trial])},
        {"v1": 25},
        {
            "duration": np.full(2 * n, 1000.0),
            "orientation": np.tile(recording.trials["orientation"], 2),
            "spatial_frequency": np.repeat([0.1, 0.2], n),
        },
    )  # fmt: skip
    claim = CLAIMS["isi_cv"]
    wanted = claim.measured(Evidence(run, "v1")).values
    found = claim.measured(Evidence(both, "v1")).values
    np.testing.assert_allclose(found, wanted)


def test_the_fano_factor_is_of_the_window_that_is_given() -> None:
    # 20 spikes in the second half of every trial, and Poisson counts in the first.
    run = poisson_run(40.0)
    spikes, recording = run.recording.spikes["v1"], run.recording
    first = spikes.time <= 500.0
    unit, trial = np.indices((30, recording.n_trials))
    parts = [spikes.time[first], np.tile(500.0 + 20 * np.arange(1, 21), unit.size)]
    both = Spikes(
        np.concatenate(parts),
        np.r_[spikes.unit[first], np.repeat(unit.ravel(), 20)],
        np.r_[spikes.trial[first], np.repeat(trial.ravel(), 20)],
    )
    changed = SimpleNamespace(
        weights={}, recording=Recording({"v1": both}, recording.shapes, recording.trials)
    )
    claim = CLAIMS["fano_factor"]

    def judged(window: tuple[float, float] | None):  # type: ignore[no-untyped-def]
        return claim.judge(Evidence(changed, "v1", window=window))

    assert judged((500.0, 1000.0)).value == pytest.approx(0.0, abs=1e-12)
    assert judged((0.0, 500.0)).value == pytest.approx(1.0, abs=0.08)
    assert judged((0.0, 500.0)).verdict == "agrees"
    # Without a window 30 to 530 ms, of which the last 30 hold one spike and no variance.
    assert judged(None).value == pytest.approx(470 / 500, abs=0.1)
    short = judged((0.0, 400.0))
    assert short.verdict == "not applicable"
    assert "shorter than the 500 ms" in short.reason


@pytest.mark.parametrize(("factor", "verdict"), [(1.0, "agrees"), (3.0, "disagrees")])
def test_counts_of_known_fano_factor(factor: float, verdict: str) -> None:
    # Pairs of spikes have twice the variance over the mean, triples three times.
    run = poisson_run(40.0 / factor)
    spikes = run.recording.spikes["v1"]
    n = int(factor)
    times = np.concatenate([np.clip(spikes.time + k, 0, 1000) for k in range(n)])
    repeated = Spikes(times, np.tile(spikes.unit, n), np.tile(spikes.trial, n))
    recording = Recording({"v1": repeated}, run.recording.shapes, run.recording.trials)
    score = CLAIMS["fano_factor"].judge(recording, population="v1")
    assert score.value == pytest.approx(factor, rel=0.05)
    assert score.verdict == verdict


GORIS = Path(__file__).parents[2] / "../shared/data/goris2015"


@pytest.mark.skipif(not GORIS.exists(), reason=f"{GORIS} is not there")
def test_the_source_recordings_themselves_agree() -> None:
    """The five V1 units of the observation, as their authors made them public."""
    import dataclasses

    from scipy.io import loadmat

    time, unit, trial, columns = [], [], [], []
    for number, name in enumerate(("m620r35", "m624l54", "m625r58", "m625r62", "m627r58")):
        loaded = loadmat(GORIS / f"{name}_tp.mat", squeeze_me=True, struct_as_record=False)
        trials = loaded["S"].tp.exp.trial
        contrast = np.nan_to_num(np.stack([np.asarray(c, float) for c in trials.con]))
        shown = np.flatnonzero(((contrast > 0).sum(axis=0) == 1) & (contrast.sum(axis=0) > 0.99))
        for k in shown:
            times = 1000.0 * np.atleast_1d(np.asarray(trials.spikeTimes[k], float))
            time.append(times)
            unit.append(np.full(len(times), number))
            trial.append(np.full(len(times), len(columns)))
            # One unit was recorded at a time: its trials are a condition of their own.
            columns.append((float(trials.ori[0][k]), float(number)))
    orientation, block = np.array(columns).T
    values = []
    for number in range(5):
        recording = Recording(
            {"v1": Spikes(np.concatenate(time), np.concatenate(unit), np.concatenate(trial))},
            {"v1": 5},
            {"duration": np.full(len(block), 1010.0), "orientation": orientation},
        ).take(np.flatnonzero(block == number))
        claim = dataclasses.replace(CLAIMS["isi_cv"], minimum=1)
        values += claim.measured(Evidence(recording, "v1")).values.tolist()
    np.testing.assert_allclose(sorted(values), [0.92, 0.95, 0.99, 1.07, 2.22], atol=0.005)
    assert claim.compare(np.array(values)).agrees
