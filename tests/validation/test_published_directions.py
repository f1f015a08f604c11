"""Claims on directions and orderings, on recordings whose values are known."""

from pathlib import Path

import numpy as np
import pytest

from scnnbio.errors import SpecError
from scnnbio.experiment import ClaimBinding
from scnnbio.recording import Recording
from scnnbio.validation import CLAIMS, Evidence, battery
from scnnbio.validation.physiology import Physiology
from scnnbio.validation.published_sparseness import sparseness_without_noise
from scnnbio.validation.published_variability import VarianceWithMean
from scnnbio.validation.registry import PUBLISHED
from tests.analysis.synthetic import of_counts, poisson

CELLS, REPEATS = 40, 20
#: Four orientations and a blank, each REPEATS times.
SHOWN = np.tile(np.r_[0.0, 45.0, 90.0, 135.0, np.nan], REPEATS)
BLANK = np.isnan(SHOWN)
TABLE = {"orientation": SHOWN, "contrast": np.where(BLANK, 0.0, 1.0)}


def test_the_page_on_claims_names_every_published_one():
    page = (Path(__file__).parents[2] / "docs/background/claims.md").read_text(encoding="utf-8")
    named = {c.name for module in PUBLISHED if module is not battery for c in module.CLAIMS}
    assert not [name for name in named if f"`{name}`" not in page]


def judged(name, recording, population="v1"):
    score = CLAIMS[name].judge(recording, population=population)
    assert score.verdict in ("agrees", "disagrees"), (score.verdict, score.reason)
    return score


def doubly(gain_in_blanks, gain_in_stimuli, shared, seed=0):
    """Counts with a gamma gain per trial, for each cell by itself or for all at once."""
    rng = np.random.default_rng(seed)
    rates = np.where(BLANK[:, None], 20.0, rng.uniform(10.0, 30.0, (1, CELLS)))
    size = (len(SHOWN), 1 if shared else CELLS)
    strength = np.where(BLANK, gain_in_blanks, gain_in_stimuli)[:, None] + 1e-9
    gain = rng.gamma(1 / strength, strength, size)
    return of_counts(rng.poisson(rates * gain * np.ones((1, CELLS))), TABLE, rng)


@pytest.mark.parametrize(
    ("name", "shared"),
    [("churchland2010_onset", False), ("smith2008_spontaneous_correlation", True)],
)
def test_what_falls_with_a_stimulus_is_found_and_the_reverse_is_not(name, shared):
    falls = judged(name, doubly(0.8, 0.05, shared))
    assert (falls.verdict, falls.estimate["low"] > 0) == ("agrees", True)
    rises = judged(name, doubly(0.05, 0.8, shared))
    assert (rises.verdict, rises.estimate["high"] < 0) == ("disagrees", True)
    same = judged(name, doubly(0.2, 0.2, shared=False))
    assert same.value == pytest.approx(0.0, abs=0.25)


def test_one_estimate_of_a_population_takes_no_mixture():
    name = "churchland2010_onset"
    bound = ClaimBinding(name, "shown", ("simple", "complex"), shares=(0.4, 0.6))
    with pytest.raises(SpecError, match="takes no mixture"):
        CLAIMS[name].check(bound, "claims[0]")


def test_the_spontaneous_correlation_is_that_of_the_shared_gain():
    # Of a gain of variance g that all share: g m^2 / (m + g m^2), with a mean count m of 20.
    score = judged("smith2008_spontaneous_correlation", doubly(0.05, 0.0, shared=True))
    assert score.value == pytest.approx(0.05 * 400 / (20 + 0.05 * 400), abs=0.1)
    alone = doubly(0.05, 0.0, shared=True).take(np.flatnonzero(~BLANK))
    lost = CLAIMS["smith2008_spontaneous_correlation"].judge(alone, population="v1")
    assert (lost.verdict, lost.reason) == (
        "not applicable", "no blanks"
    )  # fmt: skip


def test_the_variance_grows_with_the_mean_of_poisson_counts_and_falls_for_binomial_ones():
    rng = np.random.default_rng(3)
    angles = np.tile(np.arange(8) * 22.5, REPEATS)
    table = {"orientation": angles, "contrast": np.ones(len(angles))}
    mean = np.tile(np.linspace(2.0, 60.0, 8), REPEATS)[:, None] * np.ones((1, CELLS))
    assert judged("geisler1997_variance_grows", poisson(mean, table, rng)).verdict == "agrees"
    # Of 20 chances, of which more than half are taken, all before 230 ms.
    counts = rng.binomial(20, np.tile(np.linspace(0.55, 0.95, 8), REPEATS)[:, None], mean.shape)
    time = rng.uniform(31.0, 229.0, counts.sum())
    made = of_counts(counts, table, rng)
    train = made.spikes["v1"]
    early = type(train)(time, train.unit, train.trial)
    recording = Recording({"v1": early}, made.shapes, made.trials)
    assert judged("geisler1997_variance_grows", recording).verdict == "disagrees"
    found = Evidence(recording, ("v1",)).measured(VarianceWithMean())
    assert np.median(found.values) < -0.5


def two(first, second, table, rng) -> Recording:
    """Two populations of Poisson cells."""
    made = [poisson(rates, table, rng) for rates in (first, second)]
    names = ("lgn", "v1")
    spikes = {name: one.spikes["v1"] for name, one in zip(names, made, strict=True)}
    shapes = {name: one.shapes["v1"] for name, one in zip(names, made, strict=True)}
    return Recording(spikes, shapes, made[0].trials)


def test_cutoffs_and_gains_are_ordered_from_the_lgn_to_v1():
    rng = np.random.default_rng(4)
    frequency = np.tile(2.0 ** np.arange(0, 7), REPEATS)
    table = {"temporal_frequency": frequency, "contrast": np.ones(len(frequency))}
    fast, slow = (
        np.tile((60.0 / (1 + (frequency / f) ** 4))[:, None], (1, CELLS)) for f in (20.0, 6.0)
    )
    assert judged("hawken1996_cutoff", two(fast, slow, table, rng), ("lgn", "v1")).value > 8.0
    turned = judged("hawken1996_cutoff", two(slow, fast, table, rng), ("lgn", "v1"))
    assert turned.verdict == "disagrees"
    steady = np.full((len(SHOWN), CELLS), 30.0)
    varied = steady * rng.gamma(1 / 0.3, 0.3, steady.shape)
    # The gain varies by 0.3 in V1, and not in the LGN.
    score = judged("goris2014_gain_variance", two(steady, varied, TABLE, rng), ("lgn", "v1"))
    assert (score.verdict, score.value) == ("agrees", pytest.approx(0.3, abs=0.06))
    one = CLAIMS["goris2014_gain_variance"].judge(
        two(steady, varied, TABLE, rng), population=("v1",)
    )
    assert (one.verdict, "needs two populations" in one.reason) == ("not applicable", True)


def test_a_claim_on_two_animals_takes_a_recording_of_either():
    rng = np.random.default_rng(5)
    rates = np.where(BLANK[:, None], 2.0, 20.0 + 10 * np.nan_to_num(SHOWN)[:, None] / 45)
    for animal, verdict in (
        ("cat", "insufficient data"),
        ("macaque", "insufficient data"),
        ("mouse", "not applicable"),
    ):
        table = TABLE | {"species": np.full(len(SHOWN), animal)}
        made = poisson(rates * np.ones((1, CELLS)), table, rng)
        # Four conditions are too few for this claim, which it says where the animal is right.
        score = CLAIMS["geisler1997_variance_grows"].judge(made, population="v1")
        assert score.verdict == verdict, (animal, score.reason)
    two_areas = two(rates * np.ones((1, CELLS)), rates * np.ones((1, CELLS)),
                    TABLE | {"species": np.full(len(SHOWN), "mouse")}, rng)  # fmt: skip
    score = CLAIMS["goris2014_gain_variance"].judge(two_areas, population=("lgn", "v1"))
    assert "the species is mouse in the recording and macaque" in score.reason


def test_widths_and_ratios_of_made_cells():
    rng = np.random.default_rng(6)
    angles = np.tile(np.arange(24) * 15.0, REPEATS)
    kappa = np.where(np.arange(CELLS) < 30, 4.0, 0.3)
    turned = np.cos(2 * np.deg2rad(angles - 60.0))[:, None] - 1
    tuned = poisson(80.0 * np.exp(kappa * turned),
                    {"orientation": angles, "contrast": np.ones(len(angles))}, rng)  # fmt: skip
    found = Evidence(tuned, ("v1",)).measured(Physiology("full_width"))
    # Full width at half height: arccos(1 - log(2) / k); a curve of k = 0.3 stays above half.
    sharp = np.rad2deg(np.arccos(1 - np.log(2) / 4.0))
    np.testing.assert_allclose(np.median(found.values[:30]), sharp, atol=2.0)
    assert np.isinf(found.values[30:]).all()
    share = judged("devalois1982_full_width", tuned)
    assert share.prediction["fraction"] == pytest.approx(30 / CELLS)
    frequency = np.tile(2.0 ** np.arange(-2, 4, 0.5), REPEATS)
    curve = 80 * np.exp(-((np.log2(frequency) - 0.75) ** 2) / 2 / 0.8**2)
    table = {"spatial_frequency": frequency, "contrast": np.ones(len(curve))}
    scaled = poisson(np.tile(curve[:, None], (1, CELLS)), table, rng)
    ratio = Evidence(scaled, ("v1",)).measured(Physiology("low_high_ratio"))
    # 0.707 of a Gaussian of 0.8 octaves lies sqrt(log(2)) of it from the peak; smoothing adds some.
    expected = 100 * 2.0 ** (-2 * 0.8 * np.sqrt(np.log(2)))
    assert np.median(ratio.values) == pytest.approx(expected, abs=4.0)
    for kind in ("simple", "complex"):
        assert judged(f"schiller1976_{kind}_low_high", scaled).n == CELLS


def test_the_circular_variance_may_rise_as_contrast_falls():
    rng = np.random.default_rng(7)
    angles = np.tile(np.arange(8) * 22.5, 2 * REPEATS)
    contrast = np.repeat([0.2, 1.0], 8 * REPEATS)
    tuned = np.exp(2 * (np.cos(2 * np.deg2rad(angles - 45)) - 1))
    table = {"orientation": angles, "contrast": contrast}
    # The height falls and the offset stays: the width is constant, the circular variance rises.
    rises = 8.0 + 50.0 * contrast * tuned
    score = judged("alitto2004_variance_rises", poisson(np.tile(rises[:, None], CELLS), table, rng))
    assert score.verdict == "agrees"
    shrinks = (8.0 + 50.0 * tuned) * contrast * 2
    same = judged(
        "alitto2004_variance_rises", poisson(np.tile(shrinks[:, None], CELLS), table, rng)
    )
    assert same.value == pytest.approx(0.0, abs=0.05)


def in_apertures(large, small, rng):
    """Movies of one bin of 50 ms in two apertures; rates (movies,) in Hz, all cells alike."""
    movies, repeats = len(large), 30
    table = {
        "sequence": np.tile(np.arange(float(movies)), 2 * repeats),
        "diameter": np.repeat([1.0, 4.0], movies * repeats),
    }
    rates = np.concatenate([np.tile(small, repeats), np.tile(large, repeats)])
    return poisson(np.tile(rates[:, None], CELLS), table, rng, duration=50.0)


def test_sparseness_rises_with_the_surround_and_not_with_a_lower_rate():
    rng = np.random.default_rng(8)
    flat, peaked = np.linspace(20.0, 60.0, 40), np.linspace(0.0, 1.0, 40) ** 4 * 100.0

    def true(rates):
        return (1 - rates.mean() ** 2 / (rates**2).mean()) / (1 - 1 / len(rates))

    sparser = judged("vinje2000_surround_sparsens", in_apertures(peaked, flat, rng))
    assert sparser.verdict == "agrees"
    assert sparser.value == pytest.approx(true(peaked) - true(flat), abs=0.03)
    weaker = judged("vinje2000_surround_sparsens", in_apertures(0.4 * flat, flat, rng))
    assert (weaker.verdict, weaker.value) == ("disagrees", pytest.approx(0.0, abs=0.02))
    # Without repeats nothing is known of the noise.
    once = in_apertures(peaked, flat, rng).take(np.r_[0:40, 1200:1240])
    score = CLAIMS["vinje2000_surround_sparsens"].judge(once, population="v1")
    assert score.reason.startswith("1 repeats of 40 movies of 1 bins")


def test_sparseness_without_noise_is_not_biased():
    rng = np.random.default_rng(9)
    rates = np.linspace(0.5, 3.0, 20)
    counts = rng.poisson(rates[:, None], (5, 20, 4000)).astype(float)
    found = sparseness_without_noise(counts)
    true = (1 - rates.mean() ** 2 / (rates**2).mean()) / (1 - 1 / 20)
    assert np.nanmean(found) == pytest.approx(true, abs=0.01)
    assert np.isnan(sparseness_without_noise(0 * counts)).all()
