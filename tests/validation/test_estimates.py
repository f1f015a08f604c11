"""Numbers with intervals, and what scores say together."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy

from scnnbio.validation import CLAIMS, Score
from scnnbio.validation.estimates import Estimate, fraction_of, median_of, median_of_counts
from scnnbio.validation.summary import chance_note, counted, shortfalls


def test_the_interval_of_a_median_holds_it_in_95_of_100_samples() -> None:
    # Exponential values, whose median is log(2); the interval is exact for every distribution, and
    # no shorter one between two of the values holds 95 %.
    for n in (8, 25, 100):
        samples = np.random.default_rng(n).exponential(size=(2000, n))
        found = [median_of(sample) for sample in samples]
        held = np.mean([one.low <= np.log(2) <= one.high for one in found])
        low = int(scipy.stats.binom.ppf(0.025, n, 0.5))
        exact = 1 - 2 * scipy.stats.binom.cdf(low - 1, n, 0.5)
        assert held == pytest.approx(exact, abs=4 * np.sqrt(0.05 / 2000))
        assert exact >= 0.95


def test_medians_of_infinite_and_few_values() -> None:
    found = median_of(np.array([1.0, 2.0, np.inf, np.inf, np.inf]))
    assert (found.value, found.low, found.high) == (np.inf, 1.0, np.inf)
    assert str(median_of(np.zeros(0))) == ""


def test_the_median_of_a_histogram_is_that_of_evenly_spread_values() -> None:
    counts, edges = np.array([4, 10, 20, 6]), np.array([0.0, 1.0, 2.0, 4.0, 8.0])
    spread = np.concatenate(
        [
            low + (np.arange(n) + 0.5) / n * (high - low)
            for n, low, high in zip(counts, edges[:-1], edges[1:], strict=True)
        ]
    )
    found, wanted = median_of_counts(counts, edges), median_of(spread)
    assert found.value == pytest.approx(wanted.value, abs=0.06)
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high))
    # Half of the cells lie above all bins.
    assert median_of_counts(counts, edges, above=50).value == math.inf


def test_fractions_have_the_exact_interval() -> None:
    # Clopper and Pearson's interval of 0 of n reaches to 1 - 0.025^(1/n).
    found = fraction_of(0, 20)
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(1 - 0.025 ** (1 / 20))
    assert str(fraction_of(43, 64)) == "fraction 0.672 (95 %: 0.543 to 0.784)"


def test_an_estimate_survives_json() -> None:
    for one in (Estimate("median", 2.0, 1.0, math.inf, 7), fraction_of(3, 9), Estimate("x", 1.5)):
        again = Estimate.of(one.plain())
        assert str(again) == str(one)
    assert str(Estimate("", math.nan, -math.inf, 3.0, interval="tolerance")) == (
        "tolerance: 3 or less"
    )


def test_a_published_median_has_an_interval() -> None:
    # 1.57 quartile ranges over the square root of n: McGill, Tukey and Larsen (1978).
    seen = CLAIMS["ringach2002_circular_variance"].observation.estimate
    assert seen is not None
    reach = 1.57 * (0.785 - 0.335) / np.sqrt(308)
    assert (seen.value, seen.low, seen.high) == pytest.approx((0.605, 0.605 - reach, 0.605 + reach))


def score(verdict: str, used_for: str = "test", **more: object) -> Score:
    told = {"quantity": "latency", "species": "cat V1", "unit": "ms"}
    return Score("a", 1.0, {}, told, verdict, "it is late", used_for=used_for, **more)  # type: ignore[arg-type]


def test_claims_of_choice_are_counted_apart() -> None:
    scores = [score("agrees"), score("disagrees"), score("disagrees", "choice")]
    scores += [score("chosen for", "choice"), score("insufficient data")]
    held, chosen = counted(scores)
    assert (held.total, held.verdicts["agrees"], held.verdicts["disagrees"]) == (3, 1, 1)
    assert (chosen.total, chosen.verdicts["chosen for"], chosen.verdicts["agrees"]) == (2, 1, 0)
    # One of twenty tests at 5 % fails by chance: two were made.
    assert "2 held-out claims were judged one by one" in chance_note(scores)
    assert "about 0.1 would disagree by chance" in chance_note(scores)
    assert chance_note(scores[2:]) == ""


def test_what_a_model_is_not_is_a_sentence_with_both_numbers() -> None:
    ours, theirs = median_of(np.full(9, 60.0)).plain(), Estimate("", 40.0, 30.0, 50.0, 8, "range")
    late = score(
        "disagrees", estimate=ours, published=theirs.plain(), stage="x", population=("v1",)
    )
    (told,) = shortfalls([score("agrees"), late, score("not applicable")])
    assert told.sentence == (
        "The model is unlike cat V1 in this: latency (ms) (x: v1). Median 60 (95 %: 60 to 60) here,"
        " 40 (range: 30 to 50) published."
    )
    assert shortfalls([score("disagrees")])[0].sentence.endswith("latency (ms). It is late.")
