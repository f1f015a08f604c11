"""Agreement of recordings made by hand, whose differences are known."""

from __future__ import annotations

import json

import numpy as np
import pytest

from scnnbio.analysis.agreement import Agreement, Settings, agreement
from scnnbio.analysis.paired import paired_rate
from scnnbio.errors import SpecError
from scnnbio.recording import Recording, Spikes

TRIAL = 1000.0
Trains = dict[tuple[int, int], list[float]]


def made(trains: Trains, units: int = 4, trials: int = 2, duration: float = TRIAL) -> Recording:
    """A recording of given spike times by (trial, unit), handed over in no order."""
    rows = [(t, unit, trial) for (trial, unit), times in trains.items() for t in times]
    rows = [rows[k] for k in np.random.default_rng(0).permutation(len(rows))]
    rows.sort(key=lambda row: (row[2], row[0]))  # a recording is sorted by trial, then time
    time, unit, trial = zip(*rows, strict=True) if rows else ((), (), ())
    spikes = Spikes(np.array(time, float), np.array(unit, np.int32), np.array(trial, np.int32))
    return Recording({"v1": spikes}, {"v1": (units, 1, 1)}, {"duration": np.full(trials, duration)})


BASE: Trains = {(0, 0): [10.0, 50.0], (0, 1): [20.0], (1, 0): [30.0], (1, 2): [5.0, 6.0]}


def compared(changes: Trains, settings: Settings | None = None) -> Agreement:
    return agreement(made(BASE), made({**BASE, **changes}), "v1", settings)


def test_identical_recordings_are_no_distance_apart() -> None:
    found = compared({})
    assert found.all_identical
    assert (found.units, found.active, found.spikes) == (4, 3, (6, 6))
    assert (found.identical, found.same_counts) == (1.0, 1.0)
    assert found.shift == found.first_difference == (0.0, 0.0)
    assert (found.van_rossum.mean, found.victor_purpura.mean) == (0.0, 0.0)
    assert (found.van_rossum.n, found.van_rossum.of) == (4, 4)
    assert (found.rate.difference, found.rate.low, found.rate.high) == (0.0, 0.0, 0.0)


def test_the_distances_of_one_shifted_spike_have_a_closed_form() -> None:
    found = compared({(0, 1): [23.0]})
    # One of four trains. Exponentials of 10 ms that are d apart have a squared distance of
    # 2 (1 - exp(-d/10)), in units of a single one's square; moving a spike by d costs d/10.
    assert found.van_rossum.largest == pytest.approx(np.sqrt(2 * (1 - np.exp(-0.3))), rel=1e-12)
    assert found.van_rossum.mean == pytest.approx(found.van_rossum.largest / 4, rel=1e-12)
    assert found.victor_purpura.largest == pytest.approx(0.3, rel=1e-12)
    assert found.first_difference == (0.0, 3.0)
    assert found.shift == (0.0, 3.0)
    assert found.identical == pytest.approx(2 / 3)
    assert found.same_counts == 1.0
    assert not found.all_identical


def test_another_time_scale_changes_the_distances_as_it_should() -> None:
    found = compared({(0, 1): [23.0]}, Settings(tau=1.0))
    assert found.van_rossum.largest == pytest.approx(np.sqrt(2 * (1 - np.exp(-3.0))), rel=1e-12)
    # To move the spike would cost 3: it is cheaper to delete it and insert another.
    assert found.victor_purpura.largest == pytest.approx(2.0, rel=1e-12)


def test_a_spike_too_many_is_distance_one() -> None:
    found = compared({(1, 1): [500.0]})
    assert found.van_rossum.largest == pytest.approx(1.0, rel=1e-12)
    assert found.victor_purpura.largest == pytest.approx(1.0, rel=1e-12)
    assert (found.van_rossum.of, found.first_missing) == (5, 1)
    assert found.same_counts == pytest.approx(4 / 5)
    assert found.count_difference == (pytest.approx(1 / 5), 1)
    # What has other counts is no shift: the other spikes lie where they lay.
    assert found.shift == (0.0, 0.0)
    # Neuron 1 fires in both trials now: two of three neurons are as they were.
    assert found.identical == pytest.approx(2 / 3)
    # 6 and 7 spikes of four neurons in two seconds.
    assert (found.rate.reference, found.rate.other) == (6 / 8, 7 / 8)
    assert found.rate.difference == pytest.approx(1 / 6)
    assert found.rate.low == 0.0
    assert found.rate.high > 1 / 6


def test_rounding_of_a_time_is_no_difference() -> None:
    assert compared({(0, 1): [20.0 + 1e-9]}).all_identical
    assert not compared({(0, 1): [20.0 + 1e-3]}).all_identical


@pytest.mark.slow
def test_of_many_trains_a_seeded_sample_is_measured_and_counted() -> None:
    rng = np.random.default_rng(2)
    ours = {(0, unit): sorted(rng.uniform(0, 900, 5)) for unit in range(300)}
    theirs = {key: [t + 2.0 for t in times] for key, times in ours.items()}
    pair = made(ours, 300, 1), made(theirs, 300, 1)
    some = [agreement(*pair, "v1", Settings(trains=50, seed=s)).van_rossum for s in (1, 1, 2)]
    assert [(d.n, d.of, d.left_out) for d in some] == [(50, 300, 0)] * 3
    assert some[0] == some[1] != some[2]
    all_of_them = agreement(*pair, "v1", Settings(trains=300))
    assert all_of_them.victor_purpura.n == 300
    assert some[0].mean == pytest.approx(all_of_them.van_rossum.mean, rel=0.05)
    # Every spike moved by 2 of 10 ms.
    assert all_of_them.victor_purpura.mean == pytest.approx(5 * 0.2, rel=1e-9)


def test_trains_too_long_for_the_distances_are_left_out_and_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("scnnbio.analysis.agreement._LONGEST", 1)
    found = compared({(0, 1): [23.0]}).van_rossum
    assert (found.n, found.of, found.left_out) == (2, 4, 2)


def test_cv_counts_neurons_with_too_few_intervals() -> None:
    rng = np.random.default_rng(3)
    regular = {(0, 0): list(np.arange(1, 21) * 10.0), (0, 1): [5.0, 7.0]}
    random = {**regular, (0, 0): sorted(rng.uniform(1, 999, 20))}
    found = agreement(made(regular, 3, 1), made(random, 3, 1), "v1").cv
    intervals = np.diff(random[0, 0])
    assert found.reference == pytest.approx(0.0, abs=1e-12)
    assert found.other == pytest.approx(intervals.std() / intervals.mean())
    assert (found.n, found.undefined) == (1, 1)


def test_cv_is_of_a_seeded_sample_of_many_neurons() -> None:
    rng = np.random.default_rng(4)
    trains = {(0, unit): sorted(rng.uniform(0, 999, 20)) for unit in range(50)}
    pair = made(trains, 50, 1), made(trains, 50, 1)
    some = [agreement(*pair, "v1", Settings(neurons=20, seed=s)).cv for s in (1, 1, 2)]
    assert [(cv.n, cv.undefined) for cv in some] == [(20, 0)] * 3
    assert some[0] == some[1]
    assert some[0].reference != some[2].reference
    assert agreement(*pair, "v1").cv.n == 50


def test_correlation_is_that_of_counts_and_what_is_undefined_is_counted() -> None:
    a, b = [5.0, 15.0, 35.0], [7.0, 12.0, 41.0]  # bins 0 1 3 and 0 1 4 of ten
    trains = {(0, 0): a, (0, 1): b, (0, 2): [10.0 * k + 5 for k in range(10)]}
    found = agreement(
        made(trains, 4, 1, 100.0), made(trains, 4, 1, 100.0), "v1", Settings(bin=10.0)
    ).correlation
    counts = np.zeros((2, 10))
    counts[0, [0, 1, 3]] = counts[1, [0, 1, 4]] = 1
    assert found.reference == pytest.approx(np.corrcoef(counts)[0, 1])
    # Neuron 2 fires once in every bin and has no variance; neuron 3 is silent and not asked.
    assert (found.n, found.undefined) == (1, 2)
    assert found.difference == 0.0


def test_a_stamp_belongs_to_the_bin_that_it_closes() -> None:
    trains = {(0, 0): [10.0, 20.0], (0, 1): [9.0, 19.0]}  # at a bin's end, and within it
    found = agreement(made(trains, 2, 1, 100.0), made(trains, 2, 1, 100.0), "v1").correlation
    assert found.reference == pytest.approx(1.0)


def test_the_interval_covers_what_other_neurons_would_give() -> None:
    """Of Poisson neurons whose rates differ by a tenth, most intervals hold the tenth."""
    rng, held = np.random.default_rng(5), 0
    for _ in range(40):
        trains = [
            {(0, unit): sorted(rng.uniform(0, 1000, n)) for unit, n in enumerate(counts)}
            for counts in (rng.poisson(20, 60), rng.poisson(22, 60))
        ]
        found = paired_rate((made(trains[0], 60, 1), made(trains[1], 60, 1)), "v1", seed=1)
        held += found.low <= 0.1 <= found.high
    assert held >= 34  # 38 are expected; fewer than 34 happen once in a hundred times


def test_silence_is_no_error_and_has_no_numbers() -> None:
    found = agreement(made({}), made({}), "v1")
    assert found.all_identical
    assert np.isnan([found.identical, found.rate.difference, found.van_rossum.mean]).all()
    plain = json.dumps(found.to_dict(), allow_nan=False)
    assert json.loads(plain)["rate"]["difference"] is None


def test_other_trials_are_refused() -> None:
    with pytest.raises(SpecError, match="compare runs of one experiment"):
        agreement(made(BASE), made(BASE, trials=3), "v1")
    uneven = Recording(
        made(BASE).spikes, {"v1": (4, 1, 1)}, {"duration": np.array([TRIAL, 2 * TRIAL])}
    )
    with pytest.raises(SpecError, match="not equally long"):
        agreement(uneven, uneven, "v1")
