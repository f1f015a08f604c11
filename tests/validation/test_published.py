"""Claims on physiology: their comparisons on known samples, and recordings of known values."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import scipy.special

from scnnbio.recording import Recording, Spikes
from scnnbio.validation import CLAIMS, Evidence, Observation
from scnnbio.validation.intervals import (
    CorrelationOverlaps,
    MeansOverlap,
    MediansOverlap,
    Ordered,
    Positive,
)
from scnnbio.validation.physiology import Physiology
from scnnbio.validation.published_tuning import DIRECTION_INDEX, ORIENTATION_INDEX

UNITS = Path(__file__).parents[3] / "shared" / "data" / "allen_neuropixels_mouse_v1_units.csv"


def claim(kind, seen: Observation, **more):  # type: ignore[no-untyped-def]
    return kind(name="c", observation=seen, measure=Physiology(), **more)


# ------------------------------------------------------------------- comparisons of samples


def test_two_samples_of_one_distribution_overlap_and_others_do_not() -> None:
    # Normal: quartiles at 0.674 standard deviations.
    seen = Observation("x", "p", n=100, value=10.0, interval=(10 - 1.349, 10 + 1.349))
    medians = claim(MediansOverlap, seen)
    means = claim(MeansOverlap, seen, standard_error=0.2)
    rng = np.random.default_rng(0)
    for one in (medians, means):
        verdicts = [one.compare(rng.normal(10.0, 2.0, 60)).agrees for _ in range(60)]
        assert np.mean(verdicts) > 0.95
        assert not any(one.compare(rng.normal(13.0, 2.0, 60)).agrees for _ in range(20))
    found = medians.compare(np.full(30, 10.2))
    # 10 +- 1.57 * 2.698 / 10, by hand.
    assert found.against["published_interval"] == pytest.approx([9.5764, 10.4236], abs=1e-4)
    assert "n = 30" in found.reason
    assert "(n = 100)" in found.reason


def test_a_median_may_be_of_infinite_values() -> None:
    seen = Observation("x", "p", n=100, value=1.0, interval=(0.5, 1.5))
    found = claim(MediansOverlap, seen).compare(np.r_[np.full(5, 1.0), np.full(45, np.inf)])
    assert (found.value, found.agrees) == (np.inf, False)


def test_rank_correlations_overlap_by_their_size() -> None:
    one = claim(CorrelationOverlaps, Observation("rho", "p", n=300, value=0.71))
    rng = np.random.default_rng(1)

    def pair(r: float, n: int) -> np.ndarray:
        # Spearman's coefficient of a normal pair is 6/pi asin(r/2).
        return rng.multivariate_normal([0, 0], [[1, r], [r, 1]], n)

    true = 2 * np.sin(np.pi * 0.71 / 6)
    assert np.mean([one.compare(pair(true, 60)).agrees for _ in range(100)]) > 0.95
    assert not one.compare(pair(0.0, 100)).agrees
    constant = one.compare(np.column_stack([np.ones(30), np.arange(30.0)]))
    assert not constant.sufficient


@pytest.mark.slow
def test_an_ordering_is_found_and_chance_is_not() -> None:
    one = claim(Ordered, Observation("x", "p"), divide=1.0)
    rng = np.random.default_rng(2)
    groups = np.repeat([0.5, 1.5], 20)
    by_chance = [
        one.compare(np.column_stack([groups, rng.normal(size=40)])).agrees for _ in range(200)
    ]
    assert np.mean(by_chance) == pytest.approx(0.05, abs=0.047)  # three standard errors
    larger = np.column_stack([groups, rng.normal(size=40) + 2.0 * (groups < 1)])
    assert one.compare(larger).agrees
    assert not one.compare(np.column_stack([groups[::-1], larger[:, 1]])).agrees
    few = one.compare(np.column_stack([np.full(30, 0.5), np.arange(30.0)]))
    assert (few.sufficient, "30 units at 1 or below and 0 above" in few.reason) == (False, True)


def test_a_direction_is_a_sign_test() -> None:
    one = claim(Positive, Observation("x", "p"))
    # 15 of 20: p = 0.0207 for the one side; 14 of 20: 0.0577.
    assert one.compare(np.r_[np.ones(15), -np.ones(5)]).against["p"] == pytest.approx(
        0.0207, abs=1e-4
    )
    assert not one.compare(np.r_[np.ones(14), -np.ones(6)]).agrees
    assert not one.compare(np.zeros(20)).agrees


# ------------------------------------------------------------------------- known recordings

CELLS, REPEATS = 40, 12
ANGLES = np.arange(0.0, 360.0, 22.5)


def poisson(
    rate: np.ndarray, trials: dict[str, np.ndarray], rng: np.random.Generator,
    simple: np.ndarray | None = None,
) -> Recording:  # fmt: skip
    """Poisson spikes of cells (cells, trials), from 40 ms after onset on.

    Simple cells follow the square of the positive part of a cosine of 4 Hz, whose F1/F0 is
    16 / (3 pi) = 1.70.
    """
    late, full = 40.0, 540.0
    gain = 1.0 if simple is None else np.where(simple, 4.0, 1.0)[:, None]
    counts = rng.poisson(gain * rate * (full - late) / 1000.0)
    unit, trial = np.indices(counts.shape)
    each = counts.ravel()
    time = rng.uniform(late, full, each.sum())
    cells = np.repeat(unit.ravel(), each)
    kept = np.ones(len(time), dtype=bool)
    if simple is not None:
        wave = np.maximum(np.cos(2 * np.pi * (time - late) / 250), 0.0) ** 2
        kept = ~simple[cells] | (rng.uniform(size=len(time)) < wave)
    spikes = Spikes(time[kept], cells[kept], np.repeat(trial.ravel(), each)[kept])
    table = {"duration": np.full(counts.shape[1], full), **trials}
    return Recording({"v1": spikes}, {"v1": (len(rate), 1, 1)}, table)


@pytest.fixture(scope="module")
def gratings() -> tuple[Recording, np.ndarray]:
    """24 complex cells, and 16 simple ones that are tuned more narrowly."""
    rng = np.random.default_rng(5)
    angles = np.tile(np.r_[ANGLES, np.full(4, np.nan)], REPEATS)
    blank = np.isnan(angles)
    simple = np.arange(CELLS) >= 24
    kappa = np.where(simple, 2.0, 0.6) * rng.uniform(0.8, 1.2, CELLS)
    turn = np.cos(2 * np.deg2rad(np.nan_to_num(angles) - rng.uniform(0, 180, CELLS)[:, None]))
    rate = np.where(blank, 1.0, 40.0 * np.exp(kappa[:, None] * (turn - 1)))
    trials = {
        "orientation": angles,
        "temporal_frequency": np.where(blank, 0.0, 4.0),
        "contrast": np.where(blank, 0.0, 1.0),
        "species": np.full(len(angles), "macaque"),
    }
    return poisson(rate, trials, rng, simple), kappa


def judged(name: str, recording: Recording):  # type: ignore[no-untyped-def]
    score = CLAIMS[name].judge(recording, population="v1")
    assert score.verdict in ("agrees", "disagrees"), (name, score.verdict, score.reason)
    return score


def test_measures_of_gratings_are_those_of_the_made_cells(gratings) -> None:  # type: ignore[no-untyped-def]
    recording, kappa = gratings
    seen = Evidence(recording, ("v1",))
    # The circular variance of exp(k cos 2x) is 1 - I1(k)/I0(k).
    true = 1 - scipy.special.ive(1, kappa) / scipy.special.ive(0, kappa)
    protocol = CLAIMS["siegle2021_orientation_index"].protocol
    index = seen.bind(protocol=protocol).measured(Physiology("circular_variance", "one less"))
    np.testing.assert_allclose(index.values, 1 - true, atol=0.13)
    assert np.median(index.values - (1 - true)) == pytest.approx(0.0, abs=0.02)
    score = judged("ringach2002_complex_broader", recording)
    assert score.verdict == "agrees"
    assert judged("ringach2002_variance_and_bandwidth", recording).prediction["spearman"] > 0.5
    # 1 Hz, on 500 of 540 ms.
    assert judged("ringach2002_spontaneous_rate", recording).value == pytest.approx(0.93, abs=0.2)
    # Spikes begin at 40 ms, in bins of 10 ms.
    assert judged("maunsell1992_latency", recording).value == pytest.approx(40.0, abs=4.0)
    # Poisson: CV2 and LV are 1 where the rate is constant.
    assert judged("goris2015_cv2", recording).value == pytest.approx(1.0, abs=0.1)
    assert judged("goris2015_lv", recording).value == pytest.approx(1.0, abs=0.15)
    # Independent cells.
    correlation = judged("ecker2010_noise_correlation", recording)
    assert correlation.n == CELLS * (CELLS - 1) // 2
    assert correlation.value == pytest.approx(0.0, abs=0.011)
    share = judged("ringach2002_complex_share", recording)
    assert (share.prediction["fraction"], share.verdict) == (24 / CELLS, "agrees")
    for name in ("ringach2002_modulation", "devalois1982_cardinal"):
        judged(name, recording)


def test_only_like_is_compared_with_like(gratings) -> None:  # type: ignore[no-untyped-def]
    recording, _ = gratings
    score = CLAIMS["siegle2021_direction_index"].judge(recording, population="v1")
    assert score.verdict == "not applicable"
    assert "the species is macaque in the recording and mouse in the published" in score.reason
    awake = Recording(
        recording.spikes, recording.shapes,
        dict(recording.trials) | {"state": np.full(recording.n_trials, "awake")},
    )  # fmt: skip
    assert judged("ecker2010_noise_correlation", awake).observation["state"] == "awake, fixating"
    for name in ("goris2015_cv2", "ringach2002_modulation"):
        score = CLAIMS[name].judge(awake, population="v1")
        assert score.reason.startswith("the state is awake in the recording and anaesthetised")
    # Of a model, and where the published state is not known, nothing is refused.
    judged("evoked_rate", awake)


def test_the_window_of_a_claim_is_kept(gratings) -> None:  # type: ignore[no-untyped-def]
    short = gratings[0]
    table = dict(short.trials) | {"duration": np.full(short.n_trials, 500.0)}
    spikes = short.spikes["v1"]
    kept = spikes.time <= 500
    cut = Recording(
        {"v1": Spikes(spikes.time[kept], spikes.unit[kept], spikes.trial[kept])}, short.shapes,
        table,
    )  # fmt: skip
    score = CLAIMS["ecker2010_noise_correlation"].judge(cut, population="v1")
    assert (score.verdict, score.reason) == (
        "not applicable", "trials of 500 ms do not hold 30 to 530",
    )  # fmt: skip


def test_suppression_bandwidth_and_invariance_of_made_cells() -> None:
    rng = np.random.default_rng(8)
    sizes = np.tile(np.r_[0.5, 1.0, 2.0, 4.0], 20)
    base = {"temporal_frequency": np.full(len(sizes), 4.0), "contrast": np.ones(len(sizes))}
    rate = np.tile(np.where(sizes < 3, 60.0, 30.0), (CELLS, 1))
    suppressed = poisson(rate, base | {"diameter": sizes}, rng)
    assert judged("cavanaugh2002_suppressed", suppressed).prediction["median"] == pytest.approx(
        0.5, abs=0.1
    )
    mask = np.tile([0.0, 0.5], 40)
    both = poisson(
        np.tile(np.where(mask > 0, 20.0, 40.0), (CELLS, 1)),
        base | {"mask_contrast": mask, "mask_orientation": np.full(80, 90.0)}, rng,
    )  # fmt: skip
    crossed = judged("smith2006_cross_orientation", both)
    assert (crossed.verdict, crossed.value) == ("agrees", pytest.approx(0.5, abs=0.05))
    frequency = np.tile(2.0 ** np.arange(-2, 4, 0.5), 10)
    # A Gaussian over octaves has the full width 2.355 sigma at half height; smoothing adds some.
    curve = 80 * np.exp(-((np.log2(frequency) - 0.75) ** 2) / 2 / 0.8**2)
    scaled = poisson(
        np.tile(curve, (CELLS, 1)),
        {"spatial_frequency": frequency, "contrast": np.ones(len(frequency))}, rng,
    )  # fmt: skip
    found = judged("foster1985_spatial_bandwidth", scaled)
    assert (found.verdict, found.value) == ("agrees", pytest.approx(2.355 * 0.8, abs=0.15))
    angles, contrast = np.tile(ANGLES, 20), np.repeat(np.tile([0.25, 1.0], 10), len(ANGLES))
    turned = 60 * contrast * np.exp(2 * (np.cos(2 * np.deg2rad(angles - 45)) - 1))
    invariant = poisson(
        np.tile(turned, (CELLS, 1)), {"orientation": angles, "contrast": contrast}, rng
    )
    assert judged("sclar1982_contrast_invariance", invariant).verdict == "agrees"


def test_counts_of_the_mouse_are_those_of_the_public_table() -> None:
    if not UNITS.is_file():
        pytest.skip(f"{UNITS} is absent")
    with UNITS.open(newline="") as file:
        rows = [r for r in csv.DictReader(file, delimiter=" ") if "Exc" in r["cell_type"]]
    for column, seen in (("DSI", DIRECTION_INDEX), ("OSI", ORIENTATION_INDEX)):
        values = np.array([float(r[column] or "nan") for r in rows])
        values = values[~np.isnan(values)]
        counts, _ = np.histogram(values, seen.edges)
        assert counts.tolist() == seen.counts.tolist()
        assert np.median(values) == pytest.approx(seen.value, abs=5e-4)
