"""Draws of independent events against numpy's geometric gaps, frame by frame."""

import math

import numpy as np
import pytest

from scnnbio.encoding import thinning
from scnnbio.encoding.thinning import Thinning, drawn_of


def one_by_one(probability, first, rng, size=None):
    """The rule of the docstring with Generator.geometric, one candidate after another."""
    found = []
    for p, begin, end in zip(probability, first[:-1], first[1:], strict=True):
        active = np.flatnonzero(p > 0)
        cells = int(end - begin) * len(active)
        if not cells:
            continue
        greatest = float(p.max())
        expected = cells * greatest
        at_once = size or int(expected + 4 * math.sqrt(expected)) + 8
        last, places = -1, []
        while last < cells:
            for gap in rng.geometric(greatest, at_once).tolist():
                last += gap
                places.append(last)
        places = [place for place in places if place < cells]
        for place, chance in zip(places, rng.random(len(places)).tolist(), strict=True):
            step, which = divmod(place, len(active))
            if chance * greatest < p[active[which]]:
                found.append((int(begin) + step + 1, int(active[which])))
    return found


def drawn(sample, seed):
    step, unit = sample(np.random.default_rng(seed))
    assert step.dtype == unit.dtype == np.int32
    return list(zip(step.tolist(), unit.tolist(), strict=True))


#: Frames of 3 to 40 steps; in some of them no unit can fire, in others a part of them.
FIRST = np.array([0, 3, 10, 50, 60, 90])


@pytest.mark.parametrize("largest", [1e-3, 0.02, 0.3, 0.34, 1.0])
@pytest.mark.parametrize("silent", [0.0, 0.4])
def test_the_same_events_as_geometric_gaps(largest, silent):
    rng = np.random.default_rng(1)
    probability = largest * rng.random((5, 30))
    probability[rng.random(probability.shape) < silent] = 0.0
    if silent:
        probability[1] = 0.0
    probability[2, 3] = largest
    sample = Thinning(probability, FIRST)
    for seed in range(5):
        expected = one_by_one(probability, FIRST, np.random.default_rng(seed))
        assert drawn(sample, seed) == expected
    assert expected or largest < 0.01


@pytest.mark.parametrize("at_once", [5, 40])
def test_frames_that_need_more_candidates_than_are_drawn_at_once(monkeypatch, at_once):
    # The usual number suffices in all but a few of a hundred thousand frames.
    monkeypatch.setattr(thinning, "_AT_ONCE", at_once)
    probability = 0.2 * np.random.default_rng(2).random((5, 12))
    sample = Thinning(probability, FIRST)
    sample._rows = [row._replace(size=3) for row in sample._rows]
    for seed in range(5):
        assert drawn(sample, seed) == one_by_one(
            probability, FIRST, np.random.default_rng(seed), size=3
        )


def test_nothing_can_fire():
    assert drawn(Thinning(np.zeros((2, 3)), np.array([0, 1, 2])), 0) == []
    assert drawn(Thinning(np.zeros((2, 0)), np.array([0, 1, 2])), 0) == []
    # A gap of 1e300 steps is beyond the end, and no overflow.
    assert drawn(Thinning(np.full((2, 3), 5e-324), np.array([0, 1, 2])), 0) == []


@pytest.mark.parametrize("size", [None, 3])
def test_trials_side_by_side_are_those_of_each_alone(size):
    # Different rates, gaps that numpy draws otherwise, silent frames, and none at all. With few
    # candidates at once, many frames need more of them, and the others must not notice.
    rng = np.random.default_rng(3)
    tables = [largest * rng.random((5, 30)) for largest in (1e-3, 0.02, 0.3, 0.9)]
    tables[1][2:4] = 0.0
    tables[2][rng.random((5, 30)) < 0.4] = 0.0
    tables.append(np.zeros((5, 30)))
    samplers = [Thinning(table, FIRST) for table in tables]
    for sampler in samplers:
        if size is not None:
            sampler._size[:] = size
    for seed in range(5):
        found = drawn_of(samplers, [np.random.default_rng([seed, k]) for k in range(5)])
        for k, (step, unit) in enumerate(found):
            assert step.dtype == unit.dtype == np.int32
            expected = one_by_one(tables[k], FIRST, np.random.default_rng([seed, k]), size)
            assert list(zip(step.tolist(), unit.tolist(), strict=True)) == expected


def test_side_by_side_in_several_groups(monkeypatch):
    monkeypatch.setattr(thinning, "_AT_ONCE", 20)
    tables = [0.2 * np.random.default_rng(k).random((5, 12)) for k in range(3)]
    found = drawn_of(
        [Thinning(table, FIRST) for table in tables], [np.random.default_rng(k) for k in range(3)]
    )
    for k, (step, unit) in enumerate(found):
        expected = one_by_one(tables[k], FIRST, np.random.default_rng(k))
        assert list(zip(step.tolist(), unit.tolist(), strict=True)) == expected
