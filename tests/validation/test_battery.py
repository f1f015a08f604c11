"""The V1 properties of Brain-Score: its ceilings, its score, and the properties of known spikes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from scnnbio.analysis import tuning
from scnnbio.analysis.measures_of_orientation import orthogonal_preferred
from scnnbio.errors import SpecError
from scnnbio.recording import Recording, Spikes
from scnnbio.validation import CLAIMS, Evidence
from scnnbio.validation.battery import LARGEST, SPONTANEOUS, TEXTURE, BrainScoreProperty
from scnnbio.validation.brain_score_counts import PROPERTIES, Property
from scnnbio.validation.similarity import (
    brain_score_similarity,
    ks_similarity,
    similarity_floor,
)

NAMES = [found.name for found in PROPERTIES]


def drawn(found: Property, rng: np.random.Generator, n: int) -> np.ndarray:
    """Values drawn from the published histogram, evenly within each bin."""
    place = rng.choice(len(found.counts), n, p=np.array(found.counts) / sum(found.counts))
    return found.edges[place] + np.diff(found.edges)[place] * rng.uniform(0.01, 0.99, n)


@pytest.mark.parametrize("found", PROPERTIES, ids=NAMES)
def test_the_ceiling_is_that_of_brain_score(found: Property) -> None:
    # Printed by Brain-Score's own regression tests, to three digits, with their own draws.
    assert brain_score_similarity(found.counts, found.counts) == pytest.approx(
        found.ceiling, abs=0.002
    )


def test_similarity_by_hand() -> None:
    published = np.array([0.2, 0.3, 0.5])
    # All in the first bin is 0.8 away, all in the last 0.5: the first is the farthest there is.
    assert ks_similarity(np.array([1.0, 0.0, 0.0]), published) == pytest.approx(0.0)
    assert ks_similarity(np.array([0.0, 0.0, 1.0]), published) == pytest.approx(1 - 0.5 / 0.8)
    assert ks_similarity(published, published) == 1.0
    with pytest.raises(SpecError, match="same bins"):
        brain_score_similarity([1, 2], [1, 2, 3])


@pytest.mark.parametrize("found", PROPERTIES, ids=NAMES)
def test_units_drawn_from_the_published_histogram_reach_the_ceiling(found: Property) -> None:
    claim, rng = CLAIMS[f"brainscore_{found.name}"], np.random.default_rng(3)
    outcome = claim.compare(drawn(found, rng, 2000))
    assert outcome.agrees
    assert outcome.value == pytest.approx(1.0, abs=0.04)
    assert outcome.against["alexnet"] == found.alexnet
    # Of a population with one value, in the bin that holds the fewest published cells.
    centre = float((found.edges[:-1] + np.diff(found.edges) / 2)[int(np.argmin(found.counts))])
    other = claim.compare(np.full(200, centre))
    assert not other.agrees
    assert other.value < 0.85


def test_of_samples_of_the_published_histogram_one_in_twenty_is_refused() -> None:
    claim, rng = CLAIMS["brainscore_modulation_ratio"], np.random.default_rng(0)
    (found,) = (p for p in PROPERTIES if p.name == "modulation_ratio")
    floor = similarity_floor(found.counts, 60)
    counts = rng.multinomial(60, np.array(found.counts) / sum(found.counts), 400)
    below = np.mean([brain_score_similarity(c, found.counts) < floor for c in counts])
    # Three standard errors of a share of 5 % in 400.
    assert below == pytest.approx(0.05, abs=0.033)
    # Cells of AlexNet's similarity are distinguished from the data.
    assert found.alexnet < floor
    assert claim.minimum == 20


# --------------------------------------------------------------------- properties of spikes

ANGLES = np.arange(0.0, 180.0, 15.0)
N = 24


def shown(curves: np.ndarray, column: str, values: np.ndarray, calm: int = 0, **fixed) -> Recording:  # type: ignore[no-untyped-def]
    """Cells (n, values) that fire exactly so many spikes in 1 s, and ``calm`` in a blank.

    Spikes of a cell stand evenly, so that a 4 Hz modulation is none.
    """
    counts = np.column_stack([np.rint(curves).astype(int), np.full(len(curves), calm)])
    unit, trial = np.indices(counts.shape)
    each = counts.ravel()
    place = np.arange(each.sum()) - np.repeat(np.cumsum(each) - each, each)
    time = (place + 0.5) / np.repeat(each, each) * 1000.0
    n = counts.shape[1]
    table = {"orientation": 0.0, "spatial_frequency": 1.0, "temporal_frequency": 4.0,
             "contrast": 1.0, "diameter": 2.0} | fixed  # fmt: skip
    trials = {name: np.full(n, value) for name, value in table.items()}
    trials[column] = np.append(values, np.nan)
    trials["contrast"][-1] = 0.0
    trials["duration"] = np.full(n, 1000.0)
    spikes = Spikes(time, np.repeat(unit.ravel(), each), np.repeat(trial.ravel(), each))
    return Recording({"v1": spikes}, {"v1": (len(curves), 1, 1)}, trials)


def measured(recording: Recording, name: str, mapped: bool = False) -> np.ndarray:
    claim = CLAIMS[f"brainscore_{name}{'_mapped' if mapped else ''}"]
    score = claim.judge(recording, population="v1")
    assert score.verdict in ("agrees", "disagrees"), score.reason
    return claim.measured(Evidence(recording, ("v1",))).values


@pytest.fixture(scope="module")
def tuned() -> tuple[np.ndarray, Recording]:
    rng = np.random.default_rng(2)
    turn = np.cos(2 * np.deg2rad(ANGLES - rng.choice(ANGLES, N)[:, None]))
    curves = np.rint(5 + 100 * np.exp(rng.uniform(0.5, 4, N)[:, None] * (turn - 1)))
    return curves, shown(curves, "orientation", ANGLES, calm=2)


def test_orientation_properties_are_those_of_the_curves(tuned) -> None:  # type: ignore[no-untyped-def]
    curves, recording = tuned
    variance = tuning.circular_variance(curves, ANGLES)
    width, ratio = tuning.half_bandwidth(curves, ANGLES), orthogonal_preferred(curves, ANGLES)
    wanted = {
        "circular_variance": variance, "orth_pref_ratio": ratio, "opr_cv_diff": ratio - variance,
        "max_dc": curves.max(axis=1), "or_selective": np.isfinite(width).astype(float),
        "or_bandwidth": width[np.isfinite(width)],
        "cv_bandwidth_ratio": (variance / width)[np.isfinite(width)],
    }  # fmt: skip
    for name, values in wanted.items():
        np.testing.assert_allclose(measured(recording, name), values, err_msg=name)


def test_a_map_gives_the_recorded_medians_and_properties_of_mapped_curves(tuned) -> None:  # type: ignore[no-untyped-def]
    curves, recording = tuned
    slope = (LARGEST - SPONTANEOUS) / (np.median(curves.max(axis=1)) - 2.0)
    mapped = np.maximum(SPONTANEOUS + slope * (curves - 2.0), 0.0)
    largest = measured(recording, "max_dc", mapped=True)
    assert np.median(largest) == pytest.approx(LARGEST)
    np.testing.assert_allclose(
        measured(recording, "circular_variance", mapped=True),
        tuning.circular_variance(mapped, ANGLES),
    )


def test_units_that_respond_with_less_than_5_hz_are_left_out(tuned) -> None:  # type: ignore[no-untyped-def]
    curves, _ = tuned
    faint = np.concatenate([curves, np.full((3, len(ANGLES)), 7.0)])  # 5 Hz above, not more
    claim = CLAIMS["brainscore_circular_variance"]
    score = claim.judge(shown(faint, "orientation", ANGLES, calm=2), population="v1")
    assert score.n == N
    assert score.excluded["largest response not 5 Hz above the spontaneous rate"] == 3


def test_sizes_are_those_of_the_curves() -> None:
    diameters = np.array([0.25, 0.5, 1.0, 2.0, 4.0, 8.0])
    # Peak 100 at 1 deg, 95 % of it at 0.5, plateau 40 from 4 deg on (1.05 * 40 = 42).
    curve = np.array([30.0, 95.0, 100.0, 60.0, 41.0, 40.0])
    recording = shown(np.tile(curve, (N, 1)), "diameter", diameters)
    assert set(measured(recording, "grating_summation_field")) == {0.5}
    assert set(measured(recording, "surround_diameter")) == {4.0}
    np.testing.assert_allclose(measured(recording, "surround_suppression_index"), 0.6)
    # Without suppression a unit has an index, and no diameters.
    flat = shown(np.tile(np.minimum(curve.cumsum(), 150), (N, 1)), "diameter", diameters)
    assert set(measured(flat, "surround_suppression_index")) == {0.0}
    score = CLAIMS["brainscore_surround_diameter"].judge(flat, population="v1")
    assert (score.verdict, score.excluded["has no surround diameter"]) == ("insufficient data", N)


def test_spatial_frequencies_are_those_of_the_curves() -> None:
    frequency = 2.0 ** np.arange(-1, 5, 0.5)
    # Gaussian over octaves about 2 cycles/deg; sigma 1 octave falls to 0.707 at 0.83 octaves.
    curve = 100 * np.exp(-((np.log2(frequency) - 1.0) ** 2) / 2)
    recording = shown(np.tile(curve, (N, 1)), "spatial_frequency", frequency)
    np.testing.assert_allclose(measured(recording, "peak_sf"), 2.0, rtol=0.05)
    assert set(measured(recording, "sf_selective")) == {1.0}
    # 100 * 2^(-2 * 0.833) = 31.5; the smoothing by (0.2, 1, 0.2) widens it somewhat.
    np.testing.assert_allclose(measured(recording, "sf_bandwidth"), 31.5, atol=2.5)
    bare = dataclasses.replace(
        recording, trials={k: v for k, v in recording.trials.items() if k != "diameter"}
    )
    score = CLAIMS["brainscore_peak_sf"].judge(bare, population="v1")
    assert (score.verdict, "need not be in cycles/deg" in score.reason) == ("not applicable", True)


def test_modulation_of_spikes_at_one_phase() -> None:
    # 25 spikes within a hundredth of each cycle of 250 ms have F1/F0 = 2, evenly spread ones 0.
    recording = shown(np.tile(np.where(ANGLES == 0, 100.0, 10.0), (N, 1)), "orientation", ANGLES)
    np.testing.assert_allclose(measured(recording, "modulation_ratio"), 0.0, atol=1e-6)
    spikes = recording.spikes["v1"]
    locked = np.floor(spikes.time / 250.0) * 250.0 + 100.0 + (spikes.time % 250.0) / 100.0
    at_once = dataclasses.replace(
        recording, spikes={"v1": Spikes(locked, spikes.unit, spikes.trial)}
    )
    np.testing.assert_allclose(measured(at_once, "modulation_ratio"), 2.0, atol=0.01)
    # The map scales F1 by its slope and moves F0 too: here F0 becomes 33.8 and F1 200 * slope.
    slope = (LARGEST - SPONTANEOUS) / 100.0
    np.testing.assert_allclose(
        measured(at_once, "modulation_ratio", mapped=True), 200 * slope / LARGEST, atol=0.01
    )


@pytest.mark.parametrize("name", TEXTURE)
def test_texture_properties_have_no_public_counts(name: str) -> None:
    score = CLAIMS[f"brainscore_{name}"].judge(
        Recording({}, {"v1": 3}, {"duration": [1.0]}), population="v1"
    )
    assert score.verdict == "not applicable"
    assert score.reason.startswith("no public counts")


def test_without_blanks_no_unit_is_known_to_respond(tuned) -> None:  # type: ignore[no-untyped-def]
    recording = tuned[1].select(contrast=1.0)
    score = CLAIMS["brainscore_max_dc"].judge(recording, population="v1")
    assert (score.verdict, score.reason[:9]) == ("not applicable", "no blanks")
    with pytest.raises(SpecError, match="is not one of circular_variance"):
        BrainScoreProperty("texture_sparseness")
