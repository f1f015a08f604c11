"""Distances and floors of histograms against closed forms."""

from __future__ import annotations

import json

import numpy as np
import pytest

from scnnbio.errors import SpecError
from scnnbio.validation.receptive_field_shape import NX_NY
from scnnbio.validation.scores import (
    Score,
    binned_distance,
    chance_limit,
    histogram,
    total_variation,
)


@pytest.mark.parametrize(
    ("p", "q", "distance"),
    [
        ([1, 1], [5, 5], 0.0),
        ([1, 0], [0, 3], 1.0),
        ([1, 1, 2], [1, 1, 0], 0.5),
        ([[1, 0], [0, 1]], [[1, 1], [1, 1]], 0.5),
    ],
)
def test_total_variation(p: list[float], q: list[float], distance: float) -> None:
    assert total_variation(p, q) == pytest.approx(distance)
    assert total_variation(q, p) == pytest.approx(distance)


def test_binned_distance_is_the_largest_step_between_cumulative_shares() -> None:
    assert binned_distance([1, 1, 0, 0], [0, 0, 1, 1]) == pytest.approx(1.0)
    assert binned_distance([1, 0, 1, 0], [0, 1, 0, 1]) == pytest.approx(0.5)


@pytest.mark.parametrize(("p", "q"), [([1], [1, 2]), ([0, 0], [1, 1]), ([-1, 2], [1, 1])])
def test_what_is_no_histogram_is_refused(p: list[float], q: list[float]) -> None:
    with pytest.raises(SpecError):
        total_variation(p, q)


def test_chance_limit_of_a_coin() -> None:
    # |k/n - 1/2| of a fair coin: 95 % lie within 1.96 / (2 sqrt n).
    limit = chance_limit([50, 50], 400, draws=20_000)
    assert limit == pytest.approx(1.96 / 40, rel=0.06)


@pytest.mark.parametrize("n", [64, 144])
def test_chance_limit_of_the_published_receptive_fields(n: int) -> None:
    # An independent draw with another generator, one sample at a time.
    rng = np.random.default_rng(99)
    cells = np.repeat(np.arange(25), NX_NY.counts.ravel())
    distances = [
        total_variation(np.bincount(rng.choice(cells, n), minlength=25), NX_NY.counts.ravel())
        for _ in range(1000)
    ]
    limit = chance_limit(NX_NY.counts, n)
    assert limit == pytest.approx(np.quantile(distances, 0.95), rel=0.05)
    assert limit > np.mean(distances)


def test_chance_limit_repeats() -> None:
    assert chance_limit([1, 2, 3], 20) == chance_limit([1, 2, 3], 20)
    assert chance_limit([1, 2, 3], 21) != chance_limit([1, 2, 3], 20)


def test_histogram_counts_what_lies_outside() -> None:
    counts, below, above = histogram([-1, 0, 0.5, 1, 2, 3, np.inf, -np.inf], [0, 1, 2])
    assert (counts.tolist(), below, above) == ([2, 2], 2, 2)


def test_score_becomes_json_and_back() -> None:
    score = Score(
        "a", np.float64(0.5), {"x": np.array([1.0, np.nan])}, {"n": np.int64(3)}, "agrees", "r",
        n=2, excluded={"silent": np.int64(1)}, source="s",
    )  # fmt: skip
    text = json.dumps(score.to_dict(), allow_nan=False)
    again = Score.from_dict(json.loads(text))
    assert again.prediction == {"x": [1.0, None]}
    assert again.to_dict() == score.to_dict()
