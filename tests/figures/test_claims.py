"""The figure of a claim, for every rule: both sides, their intervals, and the numbers behind it."""

from __future__ import annotations

import csv
import dataclasses
import io
from types import SimpleNamespace

import numpy as np
import pytest

from scnnbio.errors import SpecError
from scnnbio.experiment import ClaimBinding
from scnnbio.figures.claims import Side, claim_caption, claim_figure, judged_claims
from scnnbio.figures.numbers import drawn_numbers, numbers_text
from scnnbio.validation import CLAIMS, Evidence, Measured
from scnnbio.validation.claim import Claim
from tests.analysis.synthetic import poisson

RNG = np.random.default_rng(3)
#: Values as a model could have them, for a claim of each rule.
VALUES = {
    "ringach2002_circular_variance": RNG.uniform(0.2, 0.8, 60),  # DistributionLike, in bins
    "ringach2002_half_bandwidth": np.append(RNG.uniform(10, 80, 59), np.inf),  # beyond all bins
    "ringach2002_nx_ny": RNG.uniform(-0.8, 0.0, (60, 2)),  # in bins of two quantities
    "evoked_rate": RNG.gamma(4.0, 8.0, 60),  # Median
    "ringach2002_complex_share": RNG.uniform(0, 2, 60),  # FractionLike
    "noise_control": RNG.uniform(0.7, 1, 60),  # FractionAtMost
    "shunt_resistance": np.array([1.001, 0.999, 1.01]),  # AllWithin
    "return_rate": np.array([[1.02, 0.9, 1.1], [0.97, 0.8, 1.2]]),  # Covered
    "ringach2002_spontaneous_rate": RNG.exponential(2.0, 60),  # MediansOverlap
    "ecker2010_noise_correlation": RNG.normal(0.1, 0.1, 60),  # MeansOverlap
    "ringach2002_variance_and_bandwidth": RNG.normal(size=(60, 2)),  # CorrelationOverlaps
    "ringach2002_complex_broader": RNG.uniform(0, 2, (60, 2)),  # Ordered
    "smith2006_cross_orientation": RNG.normal(0.3, 0.2, 60),  # Positive
    "churchland2010_onset": np.array([[0.2, 0.1, 0.3]]),  # IntervalAbove
    "encoding": RNG.uniform(0.1, 0.9, (60, 2)),  # Predicts
    "brainscore_max_dc": RNG.gamma(4.0, 8.0, 60),  # SimilarAsBrainScore
}


def judged(name: str, values: np.ndarray, label: str = "model") -> tuple[Claim, Side]:
    claim = CLAIMS[name]
    measured = Measured(values, {"silent": 2})
    outcome = claim.compare(values)
    bound = ClaimBinding(name, "shown", ("v1",))
    verdict = "agrees" if outcome.agrees else "disagrees"
    return claim, Side(
        label, claim._score(verdict, outcome.reason, bound, measured, outcome), measured
    )


def test_every_rule_is_among_them() -> None:
    rules = {type(claim) for claim in CLAIMS.values()}
    assert rules == {type(CLAIMS[name]) for name in VALUES}


@pytest.mark.parametrize("name", VALUES)
def test_a_claim_of_each_rule_is_drawn_with_both_sides(name: str) -> None:
    claim, side = judged(name, VALUES[name])
    figure = claim_figure(claim, [side])
    rows = list(drawn_numbers(figure))
    labels = [label.get_text() for a in figure.axes for label in a.get_yticklabels()]
    assert "model" in labels
    # Of these the direction alone is published, without a number.
    alone = ("smith2006_cross_orientation", "churchland2010_onset")
    assert ("published" in labels) == (name not in alone)
    if VALUES[name].ndim == 1 and claim.observation.counts is not None:
        seen = claim.observation
        bins = [row for row in rows if row[3] == "bin"]
        theirs = [row[6] for row in bins if "model" not in row[4]]
        inside = theirs[: len(seen.counts)]
        total = seen.counts.sum() + seen.above
        np.testing.assert_allclose(sorted(map(float, inside)), sorted(seen.counts / total))
    caption = claim_caption(claim, [side])
    assert side.score.reason in caption
    assert claim.observation.source in caption
    assert "2 (silent)" in caption


def test_the_numbers_of_both_sides_are_those_of_the_score() -> None:
    claim, side = judged("evoked_rate", VALUES["evoked_rate"])
    figure = claim_figure(claim, [side])
    rows, last = list(drawn_numbers(figure)), len(figure.axes)
    ours = sorted({float(row[5]) for row in rows if row[0] == last and row[6] == 1})
    low, high = side.score.estimate["low"], side.score.estimate["high"]
    assert ours == pytest.approx([low, np.median(VALUES["evoked_rate"]), high])
    seen = claim.observation
    assert {float(row[5]) for row in rows if row[0] == last and row[6] == 0} == {
        seen.value,
        *seen.interval,
    }


def test_two_sides_are_drawn_side_by_side() -> None:
    values = VALUES["ringach2002_circular_variance"]
    claim, one = judged("ringach2002_circular_variance", values)
    _, other = judged("ringach2002_circular_variance", values[::2] * 0.5, "VISp")
    figure = claim_figure(claim, [one, other])
    table = list(csv.DictReader(io.StringIO(numbers_text(figure))))
    named = {row["series"] for row in table if row["drawn_as"] == "bin" and row["panel"] == "1"}
    assert named >= {"model (n = 60)", "VISp (n = 30)"}
    with pytest.raises(SpecError, match="1 to 3 sides"):
        claim_figure(claim, [])


def test_scores_without_the_numbers_of_both_sides_get_them() -> None:
    # As scores.json had them before they held estimates: half of the figure would stay empty.
    angles = np.tile(np.arange(8) * 22.5, 5)
    rates = np.tile(20.0 + 10.0 * np.cos(np.deg2rad(2 * angles))[:, None], 30)
    table = {"orientation": angles, "contrast": np.ones(len(angles))}
    evidence = Evidence(poisson(rates, table, np.random.default_rng(1)), ("v1",))
    bound = ClaimBinding("ringach2002_circular_variance", "shown", ("v1",))
    score = CLAIMS[bound.claim].judge(evidence, bound=bound)
    old = dataclasses.replace(score, estimate={}, published={})
    results = SimpleNamespace(evidence={"shown": evidence}, claims=(bound,), scores=(old,))
    _, side = judged_claims(results)["claim_ringach2002_circular_variance"]  # type: ignore[arg-type]
    assert side.score.estimate == score.estimate
