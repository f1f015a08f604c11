"""Claims judged on data whose answer is known before."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import ive

from scnnbio.analysis.irregularity import irregularity
from scnnbio.analysis.receptive_fields import KernelMeasures, gabor
from scnnbio.recording import Recording, Spikes
from scnnbio.validation import Evidence, judge_stages
from scnnbio.validation.v1 import (
    CIRCULAR_VARIANCE,
    CLAIMS,
    HALF_BANDWIDTH,
    NX_NY,
    ORIENTED_CELLS,
)

EMPTY = Recording({}, {}, {"duration": np.zeros(0)})


def kernels(**columns: np.ndarray) -> Evidence:
    """Evidence whose kernels measure as given."""
    n = len(next(iter(columns.values())))
    table = {column.name: np.full(n, np.nan) for column in fields(KernelMeasures)}
    run = SimpleNamespace(recording=EMPTY, weights={})
    return Evidence(run, measures=KernelMeasures(**(table | columns)))


def published_nx_ny(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Cells drawn from the published joint histogram, evenly within each bin."""
    shares = NX_NY.counts.ravel() / NX_NY.counts.sum()
    row, column = np.divmod(rng.choice(25, n, p=shares), 5)
    low, width = NX_NY.edges[:-1], np.diff(NX_NY.edges)
    within = rng.uniform(0.01, 0.99, (2, n))
    return (
        10 ** (low[row] + width[row] * within[0]),
        10 ** (low[column] + width[column] * within[1]),
    )


# ---------------------------------------------------------------- the published numbers


def test_histograms_hold_the_published_numbers_of_cells() -> None:
    assert NX_NY.counts.sum() == NX_NY.n
    assert CIRCULAR_VARIANCE.counts.sum() == CIRCULAR_VARIANCE.n
    assert HALF_BANDWIDTH.counts.sum() + HALF_BANDWIDTH.above == HALF_BANDWIDTH.n
    assert CIRCULAR_VARIANCE.counts[:6].sum() == round(ORIENTED_CELLS.value * ORIENTED_CELLS.n)


@pytest.mark.parametrize("seen", [CIRCULAR_VARIANCE, HALF_BANDWIDTH])
def test_medians_and_quartiles_lie_in_the_bins_that_the_counts_say(seen) -> None:  # type: ignore[no-untyped-def]
    cumulative = np.cumsum(seen.counts) / seen.n
    published_quartiles = (seen.interval[0], seen.value, seen.interval[1])
    for share, published in zip((0.25, 0.5, 0.75), published_quartiles, strict=True):
        place = int(np.searchsorted(cumulative, share))
        # A bin's rim may fall on either side of it by the rounding of one count.
        assert seen.edges[place] - 1 / seen.n <= published
        assert published <= seen.edges[place + 1] + (seen.edges[1] - seen.edges[0]) * 0.1


def test_every_claim_has_its_source_and_stage_and_says_how_it_was_observed() -> None:
    for name, claim in CLAIMS.items():
        seen = claim.observation
        assert name == claim.name
        assert claim.stage in ("learn", "control", "gratings")
        assert "doi:" in seen.source or name == "noise_control"
        assert all((seen.stimulus, seen.window, seen.state, seen.pooling)), name
        told = seen.describe()
        assert {"stimulus", "window", "state", "pooling"} <= set(told)


def test_measures_that_are_not_the_published_ones_say_so() -> None:
    # The intervals are measured as in the recordings; the control has no published side.
    same = {name for name, claim in CLAIMS.items() if not claim.observation.differs}
    assert same == {"isi_cv", "noise_control"}


# ------------------------------------------------------------------------------ kernels


@pytest.mark.parametrize("n", [64, 256])
def test_cells_of_the_published_histogram_agree(n: int) -> None:
    n_x, n_y = published_nx_ny(np.random.default_rng(0), n)
    score = CLAIMS["ringach2002_nx_ny"].judge(kernels(n_x=n_x, n_y=n_y, r_squared=np.full(n, 0.9)))
    assert score.verdict == "agrees"
    assert score.value <= score.observation["chance_limit"]
    assert score.prediction["outside"] == 0
    assert np.sum(score.prediction["counts"]) == score.n == n


def test_blobs_disagree() -> None:
    rng = np.random.default_rng(1)
    blob = {"n_x": rng.uniform(0.11, 0.16, 64), "n_y": rng.uniform(0.11, 0.16, 64)}
    score = CLAIMS["ringach2002_nx_ny"].judge(kernels(**blob, r_squared=np.full(64, 0.99)))
    assert score.verdict == "disagrees"
    assert score.value == pytest.approx(1 - 2 / 79)  # all in a bin that holds 2 of 79


def test_values_outside_the_bins_are_a_mismatch() -> None:
    far = np.full(40, 5.0)
    score = CLAIMS["ringach2002_nx_ny"].judge(kernels(n_x=far, n_y=far, r_squared=np.ones(40)))
    assert score.value == pytest.approx(1.0)
    assert score.prediction["outside"] == 40


def test_poor_fits_and_empty_kernels_are_left_out_and_counted() -> None:
    n_x, n_y = published_nx_ny(np.random.default_rng(2), 64)
    quality = np.full(64, 0.9)
    quality[:10], quality[10:13] = 0.7, np.nan
    score = CLAIMS["ringach2002_nx_ny"].judge(kernels(n_x=n_x, n_y=n_y, r_squared=quality))
    assert score.n == 51
    assert score.excluded == {"empty kernels": 3, "R^2 <= 0.7": 10}


def test_few_kernels_are_not_judged() -> None:
    few = np.full(19, 0.4)
    score = CLAIMS["ringach2002_nx_ny"].judge(kernels(n_x=few, n_y=few, r_squared=np.ones(19)))
    assert score.verdict == "insufficient data"
    assert score.value is None
    assert "19 are left" in score.reason


@pytest.mark.parametrize(
    ("oriented", "verdict"), [(50, "agrees"), (42, "agrees"), (95, "disagrees"), (5, "disagrees")]
)
def test_oriented_fraction_of_a_hundred(oriented: int, verdict: str) -> None:
    variance = np.where(np.arange(100) < oriented, 0.4, 0.8)
    score = CLAIMS["oriented_fraction"].judge(kernels(circular_variance=variance))
    assert (score.value, score.verdict) == (oriented / 100, verdict)


@pytest.mark.parametrize(("oriented", "verdict"), [(0, "agrees"), (5, "agrees"), (6, "disagrees")])
def test_noise_control_allows_five_in_a_hundred(oriented: int, verdict: str) -> None:
    variance = np.where(np.arange(100) < oriented, 0.4, 0.8)
    score = CLAIMS["noise_control"].judge(kernels(circular_variance=variance))
    assert score.verdict == verdict
    assert "design" in score.source


def test_kernels_themselves_are_measured_once() -> None:
    rng = np.random.default_rng(3)
    images = [
        gabor((11, 11), sigma_x=2.5, sigma_y=2.5, theta=t, frequency=0.18, phase=90)
        for t in rng.uniform(0, 180, 20)
    ]
    kernel = np.stack([np.maximum(images, 0), np.maximum(np.negative(images), 0)], axis=1)
    calls: list[int] = []
    run = SimpleNamespace(recording=EMPTY, weights={"lgn_v1": kernel})
    evidence = Evidence(run, progress=lambda done, total: calls.append(done))
    scores = [CLAIMS[name].judge(evidence) for name in ("oriented_fraction", "ringach2002_nx_ny")]
    assert calls == list(range(1, 21))
    assert scores[0].value == 1.0
    # n = 2.5 * .18 = .45, between 10**-.52 and 10**-.28, in both: the bin of 19 of 79.
    assert scores[1].value == pytest.approx(1 - 19 / 79)


# ------------------------------------------------------------------------------- spikes

ORIENTATIONS = np.arange(0, 180, 4.0)


def von_mises(kappa: np.ndarray, preferred: np.ndarray) -> np.ndarray:
    turn = np.cos(2 * np.deg2rad(ORIENTATIONS[None, :] - preferred[:, None]))
    return np.exp(kappa[:, None] * (turn - 1.0))


def recorded(curves: np.ndarray, peak: float = 100.0, repeats: int = 1) -> SimpleNamespace:
    """Run of cells at the middle of 3 x 3 places that fire their curve, and silence around.

    A second spatial frequency drives each cell half as much.
    """
    maps, n = curves.shape
    counts = np.rint(np.stack([curves, curves / 2], axis=1) * peak).astype(int)
    counts = np.tile(counts.reshape(maps, -1), repeats)
    unit, trial = np.indices(counts.shape)
    each = counts.ravel()
    start = np.repeat(np.cumsum(each) - each, each)
    place = np.arange(each.sum()) - start
    total = np.repeat(each, each)
    return SimpleNamespace(
        weights={},
        recording=Recording(
            {"v1": Spikes((place + 0.5) / total * 1000, np.repeat(unit.ravel(), each) * 9 + 4,
                          np.repeat(trial.ravel(), each))},
            {"v1": (maps, 3, 3)},
            {
                "duration": np.full(counts.shape[1], 1000.0),
                "orientation": np.tile(ORIENTATIONS, 2 * repeats),
                "spatial_frequency": np.tile(np.repeat([0.1, 0.2], n), repeats),
            },
        ),
    )  # fmt: skip


def published_values(seen, rng: np.random.Generator, n: int) -> np.ndarray:  # type: ignore[no-untyped-def]
    """Values drawn from the published histogram; infinite above its last edge."""
    counts = np.append(seen.counts, seen.above)
    place = rng.choice(len(counts), n, p=counts / counts.sum())
    lower = np.append(seen.edges[:-1], np.inf)
    return lower[place] + (np.diff(seen.edges)[0]) * rng.uniform(0.1, 0.9, n)


def test_cells_of_the_published_circular_variances_agree() -> None:
    # The circular variance of a von Mises curve is 1 - I1(kappa) / I0(kappa).
    rng = np.random.default_rng(4)
    wanted = published_values(CIRCULAR_VARIANCE, rng, 150)
    kappa = [brentq(lambda k, c=c: 1 - ive(1, k) / ive(0, k) - c, 1e-9, 1e3) for c in wanted]
    run = recorded(von_mises(np.array(kappa), rng.uniform(0, 180, 150)))
    score = CLAIMS["ringach2002_circular_variance"].judge(run)
    assert score.verdict == "agrees"
    assert score.n == 150
    assert score.prediction["median"] == pytest.approx(np.median(wanted), abs=0.02)


def test_cells_of_the_published_bandwidths_agree() -> None:
    # A von Mises curve falls to 2**-.5 of its peak at w where kappa = ln 2 / 2 / (1 - cos 2w).
    rng = np.random.default_rng(5)
    wanted = published_values(HALF_BANDWIDTH, rng, 150)
    turn = np.where(np.isinf(wanted), 0.0, np.deg2rad(wanted))
    with np.errstate(divide="ignore"):
        kappa = np.where(turn > 0, np.log(2) / 2 / (1 - np.cos(2 * turn)), 0.0)
    score = CLAIMS["ringach2002_half_bandwidth"].judge(
        recorded(von_mises(kappa, rng.uniform(0, 180, 150)))
    )
    assert score.verdict == "agrees"
    assert score.prediction["outside"] == np.isinf(wanted).sum()


def test_cells_that_are_all_sharp_or_all_flat_disagree() -> None:
    preferred = np.linspace(0, 170, 30)
    for kappa in (0.0, 8.0):
        evidence = Evidence(recorded(von_mises(np.full(30, kappa), preferred)))
        for name in ("ringach2002_circular_variance", "ringach2002_half_bandwidth"):
            assert CLAIMS[name].judge(evidence).verdict == "disagrees"


def test_evoked_rate_is_at_the_best_grating_and_silent_cells_are_left_out() -> None:
    curves = von_mises(np.full(40, 2.0), np.zeros(40))
    curves[:5] = 0.0
    score = CLAIMS["evoked_rate"].judge(recorded(curves, peak=30.0))
    assert score.value == pytest.approx(30.0)
    assert score.verdict == "agrees"
    assert score.excluded == {"below 1 Hz in every condition": 5}
    assert CLAIMS["evoked_rate"].judge(recorded(curves, peak=100.0)).verdict == "disagrees"


def poisson_run(rate: float, n_cells: int = 30, repeats: int = 40) -> SimpleNamespace:
    rng = np.random.default_rng(6)
    counts = rng.poisson(rate, (n_cells, 4 * repeats))
    unit, trial = np.indices(counts.shape)
    return SimpleNamespace(
        weights={},
        recording=Recording(
            {"v1": Spikes(rng.uniform(0, 1000, counts.sum()), np.repeat(unit, counts.ravel()),
                          np.repeat(trial, counts.ravel()))},
            {"v1": (n_cells, 1, 1)},
            {
                "duration": np.full(4 * repeats, 1000.0),
                "orientation": np.tile([0.0, 45.0, 90.0, 135.0], repeats),
                "contrast": np.ones(4 * repeats),
            },
        ),
    )  # fmt: skip


def test_poisson_cells_are_as_irregular_as_cortex() -> None:
    evidence = Evidence(poisson_run(40.0))
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
    score = CLAIMS["fano_factor"].judge(run)
    assert score.value == pytest.approx(1.0, abs=0.04)
    assert score.verdict == "agrees"


def test_regular_cells_are_not() -> None:
    run = recorded(von_mises(np.full(25, 2.0), np.zeros(25)), repeats=5)
    for name in ("isi_cv", "fano_factor"):
        score = CLAIMS[name].judge(run)
        assert score.verdict == "disagrees"
        assert score.value == pytest.approx(0.0, abs=1e-9)


def test_silent_network_is_insufficient_everywhere_and_never_a_crash() -> None:
    evidence = Evidence(recorded(np.zeros((30, len(ORIENTATIONS))), repeats=5))
    for claim in CLAIMS.values():
        if claim.stage == "gratings":
            score = claim.judge(evidence)
            assert score.verdict == "insufficient data"
            assert score.excluded["below 1 Hz in every condition"] == 30
            json.dumps(score.to_dict(), allow_nan=False)


def test_only_the_highest_contrast_counts() -> None:
    run = poisson_run(40.0)
    contrast = np.where(np.arange(160) < 80, 0.1, 1.0)
    trials = dict(run.recording.trials) | {"contrast": contrast}
    recording = Recording(run.recording.spikes, run.recording.shapes, trials)
    evidence = Evidence(SimpleNamespace(recording=recording, weights={}))
    assert evidence.gratings.n_trials == 80
    assert evidence.responses.n_trials.tolist() == [20] * 4


# ---------------------------------------------------------- irregularity and variability


def renewal_run(
    shape: float = 1.0, gain: float = 0.0, cells: int = 25, seconds: float = 1.0, seed: int = 0
) -> SimpleNamespace:
    """Cells tuned to orientation whose rate has a log-normal gain in every trial.

    Intervals are gamma of the given shape: 1 is a Poisson process. Orientation 0 to 170 deg in
    steps of 10, 6 repeats, 40 Hz at the best.
    """
    rng = np.random.default_rng(seed)
    orientation = np.tile(np.arange(0, 180, 10.0), 6)
    time, unit, trial = [], [], []
    for cell in range(cells):
        turn = np.cos(2 * np.deg2rad(orientation - 170.0 * cell / cells))
        rate = 40.0 * np.exp(1.5 * (turn - 1)) * np.exp(gain * rng.normal(size=len(orientation)))
        for k, r in enumerate(rate):
            steps = rng.gamma(shape, 1000.0 / r / shape, int(3 * r * seconds) + 20)
            # Begun long before the trial, so that the trial begins anywhere in an interval.
            times = np.cumsum(steps) - rng.uniform(0, steps[:5].sum())
            times = times[(times > 0) & (times < 1000.0 * seconds)]
            time.append(times)
            unit.append(np.full(len(times), cell))
            trial.append(np.full(len(times), k))
    spikes = Spikes(np.concatenate(time), np.concatenate(unit), np.concatenate(trial))
    table = {"duration": np.full(len(orientation), 1000.0 * seconds), "orientation": orientation}
    return SimpleNamespace(weights={}, recording=Recording({"v1": spikes}, {"v1": cells}, table))


def test_cells_as_irregular_as_the_recorded_ones_agree_though_their_rate_drifts() -> None:
    # Gamma intervals of CV 1.1 in each trial, which so few of them bring down to 1, and a gain
    # that varies by a factor of 2: as in the recordings, the CV of all intervals at the best
    # grating is far above that of a trial.
    evidence = Evidence(renewal_run(shape=0.83, gain=0.7))
    score = CLAIMS["isi_cv"].judge(evidence)
    assert score.verdict == "agrees", score.reason
    best = evidence.responses.best()
    pooled = irregularity(
        evidence.gratings, "v1",
        trials=[np.flatnonzero(evidence.responses.condition == b) for b in best],
    ).cv  # fmt: skip
    assert np.median(pooled) > 1.2


def test_regular_and_bursting_cells_disagree() -> None:
    # Gamma intervals of shape k: CV 1 / sqrt(k), 0.5 and 1.8.
    for shape, low, high in ((4.0, 0.4, 0.55), (0.3, 1.2, 1.9)):
        score = CLAIMS["isi_cv"].judge(renewal_run(shape))
        assert score.verdict == "disagrees"
        assert low < score.value < high


def test_too_few_cells_or_spikes_are_insufficient() -> None:
    few = CLAIMS["isi_cv"].judge(renewal_run(cells=19))
    assert few.verdict == "insufficient data"
    short = CLAIMS["isi_cv"].judge(renewal_run(seconds=0.05))
    assert short.verdict == "insufficient data"
    assert short.excluded["fewer than 10 trials of 5 intervals"] == 25


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
    wanted = claim.measure(Evidence(run)).values
    found = claim.measure(Evidence(SimpleNamespace(recording=both, weights={}))).values
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
        return claim.judge(Evidence(changed, window=window))

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
    score = CLAIMS["fano_factor"].judge(SimpleNamespace(recording=recording, weights={}))
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
        values += claim.measure(
            Evidence(SimpleNamespace(recording=recording, weights={}))
        ).values.tolist()
    np.testing.assert_allclose(sorted(values), [0.92, 0.95, 0.99, 1.07, 2.22], atol=0.005)
    assert claim.compare(np.array(values)).agrees


# ----------------------------------------------------------------------- not applicable


def test_what_a_run_lacks_is_said() -> None:
    blank = SimpleNamespace(recording=EMPTY, weights={})
    reasons = {name: claim.judge(blank).reason for name, claim in CLAIMS.items()}
    assert reasons["oriented_fraction"] == "the run has no weights of 'lgn_v1'"
    assert reasons["evoked_rate"] == "the run recorded no spikes of 'v1'"
    assert {claim.judge(blank).verdict for claim in CLAIMS.values()} == {"not applicable"}


def test_trials_that_do_not_serve_are_said() -> None:
    run = poisson_run(40.0)

    def judged(name: str, **columns: np.ndarray) -> str:
        trials = dict(run.recording.trials) | columns
        recording = Recording(run.recording.spikes, run.recording.shapes, trials)
        score = CLAIMS[name].judge(SimpleNamespace(recording=recording, weights={}))
        assert score.verdict == "not applicable"
        return score.reason

    assert "no gratings" in judged("evoked_rate", orientation=np.full(160, np.nan))
    uneven = np.tile([0.0, 10.0, 90.0, 135.0], 40)
    assert "equal steps" in judged("ringach2002_half_bandwidth", orientation=uneven)
    two = np.tile([0.0, 90.0], 80)
    assert "too few" in judged("ringach2002_circular_variance", orientation=two)
    longer = np.full(160, 1000.0) + (np.arange(160) == 0)
    assert "give a window" in judged("evoked_rate", duration=longer)
    each = np.repeat(np.arange(40.0), 4)
    assert "fewer than the 5" in judged("fano_factor", spatial_frequency=each)
    partial = np.tile([0.1, 0.2, 0.1, 0.1], 40)
    assert "not every orientation" in judged(
        "ringach2002_circular_variance", spatial_frequency=partial
    )


def test_stages_are_judged_on_their_own_run() -> None:
    n_x, n_y = published_nx_ny(np.random.default_rng(0), 64)
    learnt = kernels(
        n_x=n_x, n_y=n_y, r_squared=np.ones(64), circular_variance=np.linspace(0.2, 1, 64)
    )
    scores = judge_stages(CLAIMS, {"learn": learnt, "gratings": poisson_run(40.0)})
    assert list(scores) == list(CLAIMS)
    assert scores["ringach2002_nx_ny"].verdict == "agrees"
    assert scores["noise_control"].verdict == "not applicable"
    assert "'control' was not run" in scores["noise_control"].reason
    json.dumps([score.to_dict() for score in scores.values()], allow_nan=False)
