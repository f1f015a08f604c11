"""Claims judged on data whose answer is known before."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import ive

from scnnbio.analysis.receptive_fields import gabor
from scnnbio.experiment import ClaimBinding
from scnnbio.recording import Recording
from scnnbio.validation import CLAIMS, Evidence, judge_all
from scnnbio.validation.orientation_tuning import CIRCULAR_VARIANCE, GRATINGS, HALF_BANDWIDTH
from scnnbio.validation.oriented_kernels import ORIENTED_CELLS
from scnnbio.validation.receptive_field_shape import NX_NY
from tests.validation.v1_runs import (
    EMPTY,
    ORIENTATIONS,
    kernels,
    poisson_run,
    published_nx_ny,
    published_values,
    recorded,
    von_mises,
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


ON_KERNELS = ("ringach2002_nx_ny", "oriented_fraction", "noise_control")
ON_SPIKES = (
    "ringach2002_circular_variance", "ringach2002_half_bandwidth", "evoked_rate", "isi_cv",
    "fano_factor",
)  # fmt: skip
ON_V1 = {name: CLAIMS[name] for name in (*ON_KERNELS, *ON_SPIKES)}


def test_every_claim_has_its_source_and_says_how_it_was_observed() -> None:
    for name, claim in ON_V1.items():
        seen = claim.observation
        assert name == claim.name
        assert "doi:" in seen.source or name == "noise_control"
        assert all((seen.stimulus, seen.window, seen.state, seen.pooling)), name
        told = seen.describe()
        assert {"stimulus", "window", "state", "pooling"} <= set(told)


def test_measures_that_are_not_the_published_ones_say_so() -> None:
    # The intervals are measured as in the recordings; the control has no published side.
    same = {name for name, claim in ON_V1.items() if not claim.observation.differs}
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
    assert "19 values remain" in score.reason


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
    evidence = Evidence(run, projection="lgn_v1", progress=lambda done, total: calls.append(done))
    scores = [CLAIMS[name].judge(evidence) for name in ("oriented_fraction", "ringach2002_nx_ny")]
    assert calls == list(range(1, 21))
    assert scores[0].value == 1.0
    # n = 2.5 * .18 = .45, between 10**-.52 and 10**-.28, in both: the bin of 19 of 79.
    assert scores[1].value == pytest.approx(1 - 19 / 79)


def test_cells_of_the_published_circular_variances_agree() -> None:
    # The circular variance of a von Mises curve is 1 - I1(kappa) / I0(kappa).
    rng = np.random.default_rng(4)
    wanted = published_values(CIRCULAR_VARIANCE, rng, 150)
    kappa = [brentq(lambda k, c=c: 1 - ive(1, k) / ive(0, k) - c, 1e-9, 1e3) for c in wanted]
    run = recorded(von_mises(np.array(kappa), rng.uniform(0, 180, 150)))
    score = CLAIMS["ringach2002_circular_variance"].judge(run, population="v1")
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
        recorded(von_mises(kappa, rng.uniform(0, 180, 150))), population="v1"
    )
    assert score.verdict == "agrees"
    assert score.prediction["outside"] == np.isinf(wanted).sum()


def test_cells_that_are_all_sharp_or_all_flat_disagree() -> None:
    preferred = np.linspace(0, 170, 30)
    for kappa in (0.0, 8.0):
        evidence = Evidence(recorded(von_mises(np.full(30, kappa), preferred)), "v1")
        for name in ("ringach2002_circular_variance", "ringach2002_half_bandwidth"):
            assert CLAIMS[name].judge(evidence).verdict == "disagrees"


def test_evoked_rate_is_at_the_best_grating_and_silent_cells_are_left_out() -> None:
    curves = von_mises(np.full(40, 2.0), np.zeros(40))
    curves[:5] = 0.0
    score = CLAIMS["evoked_rate"].judge(recorded(curves, peak=30.0), population="v1")
    assert score.value == pytest.approx(30.0)
    assert score.verdict == "agrees"
    assert score.excluded == {"below 1 Hz in every condition": 5}
    score = CLAIMS["evoked_rate"].judge(recorded(curves, peak=100.0), population="v1")
    assert score.verdict == "disagrees"


def test_silent_network_is_insufficient_everywhere_and_never_a_crash() -> None:
    evidence = Evidence(recorded(np.zeros((30, len(ORIENTATIONS))), repeats=5), "v1")
    for name in ON_SPIKES:
        score = CLAIMS[name].judge(evidence)
        assert score.verdict == "insufficient data"
        assert score.excluded["below 1 Hz in every condition"] == 30
        json.dumps(score.to_dict(), allow_nan=False)


def test_only_the_highest_contrast_counts() -> None:
    run = poisson_run(40.0)
    contrast = np.where(np.arange(160) < 80, 0.1, 1.0)
    trials = dict(run.recording.trials) | {"contrast": contrast}
    recording = Recording(run.recording.spikes, run.recording.shapes, trials)
    evidence = Evidence(SimpleNamespace(recording=recording, weights={}), "v1").bind(
        protocol=GRATINGS
    )
    assert evidence.recording.n_trials == 80
    assert evidence.responses.n_trials.tolist() == [20] * 4


# ----------------------------------------------------------------------- not applicable


def test_what_a_run_lacks_is_said() -> None:
    blank = Evidence(SimpleNamespace(recording=EMPTY, weights={}), "v1", "lgn_v1")
    scores = {name: claim.judge(blank) for name, claim in ON_V1.items()}
    assert scores["oriented_fraction"].reason == "the run has no weights of 'lgn_v1'"
    assert scores["evoked_rate"].reason.startswith("no trials of drifting gratings: no column")
    assert {score.verdict for score in scores.values()} == {"not applicable"}
    shown = poisson_run(40.0)
    reasons = {name: ON_V1[name].judge(shown, population="v2").reason for name in ON_SPIKES}
    assert set(reasons.values()) == {"the run recorded no spikes of 'v2'"}


def test_trials_that_do_not_serve_are_said() -> None:
    run = poisson_run(40.0)

    def judged(name: str, **columns: np.ndarray) -> str:
        trials = dict(run.recording.trials) | columns
        recording = Recording(run.recording.spikes, run.recording.shapes, trials)
        score = CLAIMS[name].judge(recording, population="v1")
        assert score.verdict == "not applicable"
        return score.reason

    assert "no trials of drifting gratings" in judged(
        "evoked_rate", orientation=np.full(160, np.nan)
    )
    uneven = np.tile([0.0, 10.0, 90.0, 135.0], 40)
    assert "equal steps" in judged("ringach2002_half_bandwidth", orientation=uneven)
    two = np.tile([0.0, 90.0], 80)
    assert "fewer than the 4" in judged("ringach2002_circular_variance", orientation=two)
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
    bound = [
        ClaimBinding(name, stage, **of)
        for name, stage, of in (
            ("ringach2002_nx_ny", "learn", {"projection": "lgn_v1"}),
            ("noise_control", "control", {"projection": "lgn_v1"}),
            ("evoked_rate", "gratings", {"population": "v1"}),
        )
    ]
    scores = judge_all(bound, {"learn": learnt, "gratings": Evidence(poisson_run(40.0))})
    assert [score.claim for score in scores] == [one.claim for one in bound]
    assert [(s.stage, s.population, s.projection) for s in scores] == [
        (one.stage, one.population, one.projection) for one in bound
    ]
    assert [score.verdict for score in scores] == ["agrees", "not applicable", "agrees"]
    assert "'control' was not run" in scores[1].reason
    json.dumps([score.to_dict() for score in scores], allow_nan=False)
