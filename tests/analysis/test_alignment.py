"""Alignment of random trains, against trains compared one by one in plain Python."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scnnbio.analysis.alignment import align
from scnnbio.recording import Recording, Spikes

UNITS, TRIALS = 3, 2
Trains = dict[tuple[int, int], list[float]]


@st.composite
def trains(draw: st.DrawFn) -> Trains:
    """Few times from a small grid, so that equal trains and equal counts are common."""
    steps = st.lists(st.integers(1, 6), max_size=3, unique=True)
    return {
        (trial, unit): sorted(0.1 * step for step in draw(steps))
        for trial in range(TRIALS)
        for unit in range(UNITS)
    }


def made(found: Trains) -> Recording:
    rows = sorted((trial, t, unit) for (trial, unit), times in found.items() for t in times)
    trial, time, unit = (np.array(column) for column in zip(*rows, strict=True)) if rows else (
        np.zeros(0), np.zeros(0), np.zeros(0)
    )  # fmt: skip
    spikes = Spikes(time.astype(float), unit.astype(np.int32), trial.astype(np.int32))
    return Recording({"v1": spikes}, {"v1": (UNITS, 1, 1)}, {"duration": [1.0] * TRIALS})


@settings(max_examples=150, deadline=None)
@given(ours=trains(), theirs=trains())
def test_trains_are_compared_as_one_by_one(ours: Trains, theirs: Trains) -> None:
    found = align(made(ours), made(theirs), "v1")
    shifts = []
    for (trial, unit), one in ours.items():
        other, place = theirs[trial, unit], (trial, unit)
        assert (found.counts[0][place], found.counts[1][place]) == (len(one), len(other))
        assert found.active[place] == bool(one or other)
        assert found.same_counts[place] == (len(one) == len(other))
        assert found.identical[place] == (one == other)
        np.testing.assert_equal(found.first[0][place], one[0] if one else np.nan)
        if len(one) == len(other):
            shifts += [b - a for a, b in zip(one, other, strict=True)]
        cut = found.times(trial * UNITS + unit)
        assert (cut[0].tolist(), cut[1].tolist()) == (one, other)
        if one != other:
            # The earliest spike that stands in one list and not, at its place, in the other.
            k = next(k for k in range(9) if one[k : k + 1] != other[k : k + 1])
            nexts = [times[k] if k < len(times) else np.inf for times in (one, other)]
            time, owner = found.first_difference(trial * UNITS + unit)
            assert (time, owner) == (min(nexts), int(nexts[1] < nexts[0]))
    np.testing.assert_allclose(found.shift, shifts, atol=1e-12)


def test_a_difference_below_a_millionth_of_a_millisecond_is_none() -> None:
    one, other = made({(0, 0): [0.3]}), made({(0, 0): [0.1 + 0.2]})
    assert 0.3 != 0.1 + 0.2
    assert align(one, other, "v1").identical.all()
    assert align(one, made({(0, 0): [0.3 + 1e-5]}), "v1").shift == pytest.approx(1e-5)
