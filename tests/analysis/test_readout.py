"""Read-outs: pooled counts against sums by hand, splits, and a choice that never sees the test."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from scnnbio.analysis import Accuracy, PooledCounts, Split, labels_of, read_out
from scnnbio.analysis.readout import linear_classifiers
from scnnbio.errors import SpecError
from scnnbio.recording import Recording, Spikes

SHAPE = (3, 7, 6)


def drawn(n_trials: int = 5, n_spikes: int = 400, **columns: Any) -> Recording:
    rng = np.random.default_rng(1)
    spikes = Spikes(
        rng.uniform(0.1, 20.0, n_spikes),
        rng.integers(0, np.prod(SHAPE), n_spikes),
        rng.integers(0, n_trials, n_spikes),
    )
    table = {"duration": np.full(n_trials, 20.0), **columns}
    return Recording({"v1": spikes}, {"v1": SHAPE}, table)


def by_hand(recording: Recording, pool: PooledCounts) -> np.ndarray:
    """Windows one by one, over dense counts of units: what a feature is by its definition."""
    parts = []
    for window in pool.windows or (None,):
        counts = recording.counts("v1", window).reshape(-1, *SHAPE)
        pad = pool.padding
        wide = np.pad(counts, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        rows, columns = (
            range(0, n + 2 * pad - pool.size + 1, pool.stride or pool.size) for n in SHAPE[1:]
        )
        sums = [
            wide[:, c, y : y + pool.size, x : x + pool.size].sum(axis=(1, 2))
            for c in range(SHAPE[0])
            for y in rows
            for x in columns
        ]
        parts.append(np.stack(sums, axis=1))
    return np.concatenate(parts, axis=1)


@pytest.mark.parametrize(
    "pool",
    [
        PooledCounts("v1", 2),
        PooledCounts("v1", 3, 2),
        PooledCounts("v1", 4, 3, padding=2),
        PooledCounts("v1", 3, 3, padding=1, windows=((0.0, 8.0), (8.0, 20.0))),
    ],
    ids=str,
)
def test_pooled_counts_are_sums_over_windows(
    pool: PooledCounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = drawn()
    expected = by_hand(recording, pool)
    np.testing.assert_array_equal(pool.of(recording).toarray(), expected)
    monkeypatch.setattr("scnnbio.analysis.pooled_counts._AT_ONCE", 2)
    np.testing.assert_array_equal(pool.of(recording).toarray(), expected)
    root = PooledCounts("v1", pool.size, pool.stride, pool.padding, "root", pool.windows)
    np.testing.assert_allclose(root.of(recording).toarray() ** 2, expected, rtol=1e-6)
    binary = PooledCounts("v1", pool.size, pool.stride, pool.padding, "binary", pool.windows)
    np.testing.assert_array_equal(binary.of(recording).toarray(), expected > 0)


def test_windows_without_overlap_are_the_blocks_of_a_recording() -> None:
    recording = drawn()
    parted = Recording(recording.spikes, {"v1": (14, 3, 3)}, recording.trials)
    found = PooledCounts("v1", 3).of(parted).toarray()
    np.testing.assert_array_equal(found, parted.counts("v1", pooled=(3, 3)))


def test_memory_goes_with_the_spikes() -> None:
    """60,000 digits of 54,880 units are 26 GB as dense 64-bit counts; here a tenth of them."""
    rng = np.random.default_rng(0)
    n_trials, per_trial, shape = 6000, 50, (70, 28, 28)
    trial = np.repeat(np.arange(n_trials), per_trial)
    unit = rng.integers(0, np.prod(shape), len(trial))
    spikes = Spikes(np.ones(len(trial)), unit, trial)
    recording = Recording({"v1": spikes}, {"v1": shape}, {"duration": np.full(n_trials, 2.0)})
    tracemalloc.start()
    features = PooledCounts("v1", 8, 4, 2).of(recording)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Windows begin at -2, 2, ... 22: each of 28 places is in two of seven, but for two at each end.
    assert features.shape == (n_trials, 70 * 49)
    held = np.array([1, 1, *[2] * 24, 1, 1])
    _, row, column = np.unravel_index(unit, shape)
    assert features.sum(dtype=np.float64) == (held[row] * held[column]).sum()
    assert peak < 100e6


def test_labels_never_touch_the_features() -> None:
    one = drawn(label=np.array([0, 1, 0, 1, 1]))
    other = drawn(label=np.array([1, 1, 0, 0, 0]))
    pool = PooledCounts("v1", 3)
    np.testing.assert_array_equal(pool.of(one).toarray(), pool.of(other).toarray())


def test_a_split_is_disjoint_and_stated_by_the_table() -> None:
    part = np.array(["train", "test", "validation", "train", "other"])
    split = Split.by_column(drawn(part=part))
    assert [s.tolist() for s in (split.train, split.validation, split.test)] == [[0, 3], [2], [1]]
    with pytest.raises(SpecError, match=r"trial 3 .* occur twice"):
        Split([1, 3], [2], [3])
    with pytest.raises(SpecError, match="at least one"):
        Split([1], [], [3])
    with pytest.raises(SpecError, match="no column 'part'"):
        Split.by_column(drawn())


def test_a_stratified_split_has_the_same_share_of_each_label() -> None:
    labels = np.repeat(np.arange(10), 50)
    split = Split.stratified(labels, validation=0.16, test=0.2, seed=3)
    for trials, number in ((split.train, 32), (split.validation, 8), (split.test, 10)):
        np.testing.assert_array_equal(np.bincount(labels[trials]), np.full(10, number))
    again = Split.stratified(labels, validation=0.16, test=0.2, seed=3)
    assert split == again
    assert split != Split.stratified(labels, validation=0.16, test=0.2, seed=4)
    with pytest.raises(SpecError, match="leave nothing"):
        Split.stratified(labels, validation=0.5, test=0.5, seed=3)


def test_an_interval_is_wilsons() -> None:
    """Wilson's score interval, written out."""
    found = Accuracy(90, 100)
    z, p, n = 1.959963984540054, 0.9, 100
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    assert found.value == 0.9
    np.testing.assert_allclose(found.interval, (centre - half, centre + half), rtol=1e-9)


def task(noise: float = 0.0) -> tuple[np.ndarray, np.ndarray, Split]:
    """Two clouds in a plane; the validation labels, and those alone, may be given wrongly."""
    rng = np.random.default_rng(2)
    labels = np.tile([3, 8], 100)
    features = rng.normal(0.0, 0.3, (200, 2)) + np.where(labels == 8, 1.0, -1.0)[:, None]
    return features, labels, Split(np.arange(100), np.arange(100, 150), np.arange(150, 200))


def test_clouds_that_a_line_parts_are_told_apart() -> None:
    features, labels, split = task()
    found = read_out(features, labels, split)
    assert found.accuracy == Accuracy(50, 50)
    assert found.confusion.to_numpy().tolist() == [[25, 0], [0, 25]]
    assert found.confusion.index.tolist() == [3, 8]


def test_what_is_chosen_does_not_depend_on_the_test_labels() -> None:
    """The wrong classifier wins on the test trials alone, and is not chosen for that."""
    features, labels, split = task()
    swapped = labels.copy()
    swapped[split.test] = 11 - swapped[split.test]
    both = {
        "near": KNeighborsClassifier(1),
        "constant": LogisticRegression(C=1e-12, fit_intercept=False),
    }
    right, wrong = (read_out(features, given, split, both) for given in (labels, swapped))
    assert right.chosen == wrong.chosen == "near"
    assert right.validation == wrong.validation
    assert wrong.accuracy == Accuracy(0, 50)
    assert wrong.confusion.to_numpy().tolist() == [[0, 25], [25, 0]]


def test_what_does_not_fit_is_refused() -> None:
    features, labels, split = task()
    with pytest.raises(SpecError, match="one per trial"):
        read_out(features, labels[:-1], split)
    with pytest.raises(SpecError, match="trial 199 is not there"):
        read_out(features[:150], labels[:150], split)
    # As an index of numpy, -1 would be the last trial, which may be one of the test.
    with pytest.raises(SpecError, match=r"Split\.validation: there is no trial -1"):
        Split([0], [-1], [2])
    with pytest.raises(SpecError, match=r"read_out: the trials for training do not fit: .* class"):
        read_out(features, np.zeros(200, int), split)
    with pytest.raises(SpecError, match="the label of trial 3 is not finite"):
        read_out(features, np.where(np.arange(200) == 3, np.nan, 1.0), split)
    with pytest.raises(SpecError, match="fewer than two labels"):
        labels_of(drawn(label=np.zeros(5)))
    with pytest.raises(SpecError, match="does not fit a layer of 7 x 6"):
        PooledCounts("v1", 8).of(drawn())
    with pytest.raises(SpecError, match="not below the size"):
        PooledCounts("v1", 2, padding=2)
    with pytest.raises(SpecError, match="did you mean 'root'"):
        PooledCounts("v1", 2, of_count="roots")  # type: ignore[arg-type]
    with pytest.raises(SpecError, match="not positive"):
        linear_classifiers([0.0])
