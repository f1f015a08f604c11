"""A stream of events, and what is done to it."""

from __future__ import annotations

import numpy as np
import pytest
import quantities as pq

from scnnbio.errors import SpecError
from scnnbio.inputs import Events
from tests.inputs.event_files import columns, some_events


def table(events: Events) -> list[tuple[int, ...]]:
    return list(zip(*(column.tolist() for column in columns(events)), strict=True))


def test_events_are_sorted_and_counted() -> None:
    events = Events([30, 10, 10], [1, 0, 2], [0, 1, 1], [1, 0, 1], (2, 3))
    assert table(events) == [(10, 0, 1, 0), (10, 2, 1, 1), (30, 1, 0, 1)]
    assert events.counts().tolist() == [[[0, 1, 0], [0, 0, 1]], [[0, 0, 0], [1, 0, 0]]]
    # ON first, then rows and columns, flattened.
    assert events.units("both").tolist() == [6 + 3, 5, 1]
    assert events.units("merged").tolist() == [3, 5, 1]
    assert (len(events), events.first, events.duration) == (3, 10, 0.02)


def test_times_of_other_units() -> None:
    given = Events(np.array([0.03, 2.1]) * pq.ms, [0, 0], [0, 0], [1, 1], (1, 1))
    assert given.t.tolist() == [30, 2100]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": [0, 3]}, r"event 1 has x = 3, and x is from 0 to 2"),
        ({"y": [-1, 0]}, r"event 0 has y = -1"),
        ({"p": [1, 2]}, r"event 1 has p = 2, and p is from 0 to 1"),
        ({"x": [0]}, r"four flat arrays of equal length"),
        ({"size": (2, 0)}, r"is not \(rows, columns\)"),
        ({"t": [0, 0.5]}, r"0.5 us is not a whole number of us"),
        ({"t": [0, 2**60]}, r"285 years"),
    ],
)
def test_what_is_no_stream(change: dict[str, object], message: str) -> None:
    given = {"t": [1, 2], "x": [0, 1], "y": [0, 1], "p": [0, 1], "size": (2, 3), **change}
    with pytest.raises(SpecError, match=message):
        Events(**given)


def test_slices() -> None:
    events = some_events()
    slices = list(events.by_time(5.0, begin=1.0))
    t = np.asarray(events.t)
    assert len(slices) == int((t[-1] - 1000) / 5000)
    for k, piece in enumerate(slices):
        first = 1000 + 5000 * k
        expected = t[(t >= first) & (t < first + 5000)] - first
        np.testing.assert_array_equal(piece.t, expected)
    pieces = list(events.by_count(500))
    assert [len(piece) for piece in pieces] == [500, 500]
    np.testing.assert_array_equal(pieces[1].t, t[500:1000] - t[500])


def test_crop_and_subsample() -> None:
    events = some_events()
    part = events.crop(3, 5, 10, 20)
    expected = [(t, x - 5, y - 3, p) for t, x, y, p in table(events) if 5 <= x < 25 and 3 <= y < 13]
    assert table(part) == expected
    assert part.size == (10, 20)
    with pytest.raises(SpecError, match=r"rows 30 to 39 and columns 0 to 3 are not all on a"):
        events.crop(30, 0, 10, 4)
    # 34 pixels are 11 of three, and one that is left out.
    coarse = events.subsample(3)
    assert coarse.size == (11, 11)
    assert table(coarse) == [
        (t, x // 3, y // 3, p) for t, x, y, p in table(events) if x < 33 and y < 33
    ]


def test_the_background_activity_filter_event_by_event() -> None:
    events, window = some_events(600, seed=4, size=(9, 7)), 400
    seen: list[tuple[int, ...]] = []
    kept = []
    for t, x, y, p in table(events):
        around = [s for s, i, j, _ in seen if max(abs(i - x), abs(j - y)) == 1 and t - s <= window]
        if around:
            kept.append((t, x, y, p))
        seen.append((t, x, y, p))
    assert 100 < len(kept) < 550
    assert table(events.denoise(window / 1e3)) == kept
    assert not len(Events([], [], [], [], (3, 3)).denoise(5.0))


def test_random_changes() -> None:
    events, rng = some_events(4000), np.random.default_rng(3)
    # 4000 draws: the standard error is 0.007.
    assert len(events.drop(0.3, rng)) / 4000 == pytest.approx(0.7, abs=0.03)
    wide = Events(np.full(4000, 10**6), events.x, events.y, events.p, events.size)
    moved = np.asarray(wide.jitter(2.0, rng).t) - 10**6
    assert moved.std() == pytest.approx(2000, rel=0.05)
    mixed = events.shuffled(rng)
    np.testing.assert_array_equal(mixed.counts(), events.counts())
    np.testing.assert_array_equal(mixed.t, events.t)
    assert (mixed.units("both") != events.units("both")).mean() > 0.9
