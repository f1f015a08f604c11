"""Recordings: what they refuse, how they are cut, and that storage loses nothing."""

from __future__ import annotations

import numpy as np
import pytest

from scnnbio.errors import SpecError
from scnnbio.recording import Recording, Signal, Snapshots, Spikes, concatenate
from tests.recordings import made, random_recording, small


def test_spikes_are_sorted_by_trial_then_time_then_unit() -> None:
    spikes = small().spikes["v1"]
    assert spikes.trial.tolist() == [0, 0, 1, 2]
    assert spikes.unit.tolist() == [0, 3, 1, 2]


def test_arrays_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="read-only"):
        small().spikes["v1"].time[0] = 3.0


def test_counts_agree_with_a_loop() -> None:
    recording = random_recording(np.random.default_rng(3))
    expected = np.zeros((recording.n_trials, recording.size("v1")), dtype=int)
    spikes = recording.spikes["v1"]
    for time, unit, trial in zip(spikes.time, spikes.unit, spikes.trial, strict=True):
        if 20.0 < time <= 60.0:
            expected[trial, unit] += 1
    np.testing.assert_array_equal(recording.counts("v1", (20.0, 60.0)), expected)
    assert recording.counts("v1").sum() == len(spikes)


@pytest.mark.parametrize("pooled", [(1, 1), (2, 3), (3, 2), (9, 9)])
def test_pooled_counts_agree_with_a_loop(pooled: tuple[int, int]) -> None:
    shape, (high, wide) = (2, 5, 7), pooled
    rng = np.random.default_rng(3)
    spikes = Spikes(rng.uniform(0.1, 100, 400), rng.integers(0, 70, 400), rng.integers(0, 3, 400))
    recording = Recording({"v1": spikes}, {"v1": shape}, {"duration": [100.0] * 3})
    expected = np.zeros((3, 2, -(-5 // high), -(-7 // wide)), dtype=int)
    for time, unit, trial in zip(spikes.time, spikes.unit, spikes.trial, strict=True):
        if 20.0 < time <= 80.0:
            channel, row, column = np.unravel_index(unit, shape)
            expected[trial, channel, row // high, column // wide] += 1
    found = recording.counts("v1", (20.0, 80.0), pooled=pooled)
    assert found.tolist() == expected.reshape(3, -1).tolist()
    sparse = recording.sparse_counts("v1", (20.0, 80.0), pooled=pooled)
    assert sparse.toarray().tolist() == found.tolist()
    assert sparse.nnz == np.count_nonzero(found)
    assert sparse.dtype == found.dtype


@pytest.mark.parametrize("pooled", [(0, 2), (2,), (1, 2, 3), 2])
def test_a_block_is_two_whole_numbers(pooled: object) -> None:
    with pytest.raises(SpecError, match=r"counts\.pooled: .* is not \(rows, columns\) of a block"):
        small().counts("v1", pooled=pooled)  # type: ignore[arg-type]


def test_sparse_counts_of_many_trials_cost_what_the_spikes_cost() -> None:
    """60,000 trials of 54,000 units would be 26 GB as a dense array."""
    unit, trial = np.array([0, 53_999, 53_999]), np.array([5, 59_999, 59_999])
    spikes = {"v1": Spikes([1.0, 1.0, 2.0], unit, trial)}
    recording = Recording(spikes, {"v1": (60, 30, 30)}, {"duration": np.full(60_000, 10.0)})
    counts = recording.sparse_counts("v1")
    assert counts.shape == (60_000, 54_000)
    assert (counts.nnz, counts[5, 0], counts[59_999, 53_999]) == (2, 1, 2)
    # Pooled to one place, 60,000 times 60 numbers are dense.
    assert recording.counts("v1", pooled=(30, 30)).shape == (60_000, 60)


def test_window_owns_its_end_and_not_its_beginning() -> None:
    recording = made({"a": Spikes([5.0, 10.0], [0, 0], [0, 0])}, {"duration": [10.0]})
    assert recording.counts("a", (0.0, 5.0)).item() == 1
    assert recording.counts("a", (5.0, 10.0)).item() == 1


def test_laboratory_data_without_shapes_fit() -> None:
    recording = made({"units": Spikes([1.0], [6], [0])}, {"duration": [5.0]})
    assert recording.shapes["units"] == (7, 1, 1)
    assert made({}, {"duration": [5.0]}, shapes={"a": 4}).shapes["a"] == (4, 1, 1)
    assert recording.trials["stage"].tolist() == ["run"]


@pytest.mark.parametrize(
    ("conditions", "trials"),
    [
        ({"stage": "gratings"}, [1, 2]),
        ({"orientation": 22.5}, [2]),
        ({"orientation": [0, 22.5 * (1 + 1e-12)]}, [1, 2]),
        ({"orientation": np.nan}, [0]),
        ({"stage": {"learn", "gratings"}, "name": "β"}, [2]),
        ({"stage": "none"}, []),
    ],
)
def test_select(conditions: dict[str, object], trials: list[int]) -> None:
    selected = small().select(**conditions)
    assert selected.trials["start"].tolist() == [10.0 * t for t in trials]
    np.testing.assert_array_equal(selected.counts("v1"), small().counts("v1")[trials])
    assert selected.signals["v1"]["v"].values.shape == (2 * len(trials), 2)


def test_snapshots_follow_their_trial_and_the_first_state_stays() -> None:
    shots = small().select(stage="gratings").snapshots["lgn_v1"]
    assert shots.trial.tolist() == [-1, 1]
    assert shots.values.tolist() == [[0.0, 1.0], [4.0, 5.0]]


def test_unknown_column_and_population_are_named() -> None:
    with pytest.raises(SpecError, match="no column 'angle'; there are stage"):
        small().select(angle=3)
    with pytest.raises(SpecError, match="no population 'v2'; there is v1"):
        small().counts("v2")
    with pytest.raises(SpecError, match="no spikes of 'a'; there are none"):
        made({}, {"duration": [1.0]}, {"a": 3}).counts("a")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Spikes([1.0], [0, 1], [0, 0]), "equal length"),
        (lambda: Spikes([np.nan], [0], [0]), "not finite"),
        (lambda: Signal(np.zeros((2, 1)), [0, 1], 1.0, "mV", [0, 0], [1.0, 2.0]), "samples"),
        (lambda: Signal(np.zeros((1, 1)), [0], 0.0, "mV", [0], [1.0]), "positive"),
        (lambda: Snapshots([0], np.zeros((2, 3))), "one entry per trial"),
        (lambda: made({}, {"stage": ["a"]}), "'duration' .* missing"),
        (lambda: made({}, {"duration": [0.0]}), "positive"),
        (lambda: made({}, {"duration": [1.0], "x": [1, 2]}), "one value per trial"),
        (lambda: made({}, {"duration": [1.0], "x": [None]}), "holds object; give numbers or text"),
        (lambda: made({"a/b": Spikes([], [], [])}, {"duration": [1.0]}), "is not a valid name"),
        (lambda: made({"a": Spikes([2.0], [0], [0])}, {"duration": [1.0]}), "outside trial 0"),
        (
            lambda: made({"a": Spikes([1.0], [0], [1])}, {"duration": [1.0]}),
            "trial 1 does not exist",
        ),
        (
            lambda: made({"a": Spikes([1.0], [4], [0])}, {"duration": [1.0]}, {"a": (2, 1, 1)}),
            "unit 4 does not exist",
        ),
        (lambda: made({}, {"duration": [1.0]}, {"a": (2, 1)}), "channel, row, column"),
        (
            lambda: made(
                {}, {"duration": [1.0]}, snapshots={"k": Snapshots([1], np.zeros((1, 1)))}
            ),
            "trial",
        ),
    ],
)
def test_refuses(make: object, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        make()  # type: ignore[operator]


def test_concatenate_is_undone_by_select() -> None:
    recording = small()
    parts = [recording.select(stage="learn"), recording.select(stage="gratings")]
    joined = concatenate(parts)
    np.testing.assert_array_equal(joined.counts("v1"), recording.counts("v1"))
    for name, values in recording.trials.items():
        np.testing.assert_array_equal(joined.trials[name], values)
    assert joined.signals["v1"]["v"].values.tolist() == recording.signals["v1"]["v"].values.tolist()
    # The second part's initial state is the state after the first part's last trial.
    assert joined.snapshots["lgn_v1"].trial.tolist() == [-1, 0, 0, 2]


def test_concatenate_fills_absent_columns() -> None:
    one = made({}, {"duration": [1.0], "contrast": [1], "name": ["a"]})
    other = made({}, {"duration": [1.0]})
    joined = concatenate([one, other])
    np.testing.assert_array_equal(joined.trials["contrast"], [1.0, np.nan])
    assert joined.trials["name"].tolist() == ["a", ""]


def test_what_was_not_recorded_does_not_count_as_silent() -> None:
    """Both have v1, two spikes and one; the second has no lgn."""
    both = made({"v1": Spikes([1.0, 1.0], [0, 2], [0, 1]), "lgn": Spikes([1.0], [0], [1])},
                {"duration": [2.0, 2.0], "stage": ["a", "a"]}, {"v1": 3, "lgn": 2})  # fmt: skip
    one = made(
        {"v1": Spikes([1.0], [1], [0])}, {"duration": [2.0], "stage": ["b"]}, {"v1": 3, "lgn": 2}
    )
    joined = concatenate([both, one])
    assert joined.counts("v1").tolist() == [[1, 0, 0], [0, 0, 1], [0, 1, 0]]
    for count in (joined.counts, joined.sparse_counts):
        with pytest.raises(SpecError, match=r"'lgn' was not recorded in 1 of 3 trials.* trial 2"):
            count("lgn")
    again = concatenate([concatenate([one, both]), one])
    assert again.trials["not_recorded"].tolist() == ["lgn", "", "", "lgn"]
    for recording in (joined, again):
        assert recording.select(stage="a").equals(both)
        part = recording.select(stage="b").take([0])
        assert part.equals(one)
        with pytest.raises(SpecError, match="no spikes of 'lgn'"):
            part.counts("lgn")
    assert "not_recorded" not in concatenate([both, both]).trials


def test_concatenate_refuses_what_does_not_fit() -> None:
    trials = {"duration": [1.0]}
    with pytest.raises(SpecError, match="no recordings; give"):
        concatenate([])
    with pytest.raises(SpecError, match="concatenate recordings of one network"):
        concatenate([made({}, trials, {"a": 3}), made({}, trials, {"a": 4})])
    signals = [Signal(np.zeros((1, 1)), [0], p, "mV", [0], [1.0]) for p in (1.0, 2.0)]
    parts = [made({}, trials, {"a": 1}, {"a": {"v": s}}) for s in signals]
    with pytest.raises(SpecError, match="period of two Signal objects differ"):
        concatenate(parts)
    with pytest.raises(SpecError, match="text in one recording"):
        concatenate([made({}, trials | {"x": ["a"]}), made({}, trials | {"x": [1]})])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Spikes([1.0], [0.5], [0]), "Spikes.unit: 0.5 is not a whole number"),
        (lambda: Spikes([1.0], [np.nan], [0]), "Spikes.unit: nan is not a whole number"),
        (lambda: Spikes([1.0], [2**31], [0]), "2147483648 is above 2147483647"),
        (lambda: Spikes([1.0], [0], [2**32]), "4294967296 is above"),
        (lambda: Spikes([1.0], [-1], [0]), "Spikes.unit: -1 is below 0"),
        (lambda: Spikes([1.0], [True], [0]), "must be whole numbers"),
        (lambda: Spikes(np.ma.masked_array([1.0], [True]), [0], [0]), "masked"),
        (lambda: Spikes([1.0 + 2j], [0], [0]), "is not a quantity in ms"),
        (lambda: Signal([[1.0]], [0], np.nan, "mV", [0], [1.0]), "Signal.period: nan is not"),
        (lambda: Signal([[1.0]], [0], 1.0, "mV", [0], [np.nan]), "Signal.time: nan is not"),
        (lambda: Signal([[1.0, 2.0]], [0, 0], 1.0, "mV", [0], [1.0]), "a unit has two columns"),
        (lambda: Snapshots([-2], np.zeros((1, 1))), "Snapshots.trial: -2 is below -1"),
        (lambda: made({}, {"duration": [np.nan]}), "nan is not finite"),
        (lambda: made({}, {"duration": [1.0], "start": [np.nan]}), "nan is not finite"),
        (lambda: made({}, {"duration": [1.0, 2.0], "x": ["a", 1.0]}), "holds both text"),
        (lambda: made({}, {"duration": [1.0]}, {"a": 2.5}), "2.5 is not a whole number"),
        (
            lambda: made(
                {}, {"duration": [1.0]}, {"a": 1},
                {"a": {"v": Signal([[1.0]], [0], 1.0, "mV", [0], [2.0])}},
            ),
            "a sample at 2 ms lies outside trial 0",
        ),
        (lambda: small().counts("v1", (5.0, 2.0)), "from 5 to 2 ms is empty"),
        (lambda: small().counts("v1", (np.nan, 2.0)), "nan is not finite"),
        (lambda: small().counts("v1", (1.0, 2.0, 3.0)), "is not a time window"),
        (lambda: small().take([0.5]), "0.5 is not a whole number"),
        (lambda: small().take([-1]), "trial -1 does not exist; there are 3"),
        (lambda: small().take([True, False]), "mask of shape .2,. for 3 trials"),
        (lambda: small().select(orientation="left"), "'left' is not a quantity"),
    ],
)  # fmt: skip
def test_what_would_be_changed_in_silence_is_refused(make: object, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        make()  # type: ignore[operator]


def test_take_reads_a_mask_as_a_mask() -> None:
    taken = small().take([True, False, True])
    assert taken.trials["start"].tolist() == [0.0, 20.0]
    assert taken.equals(small().take([0, 2]))


def test_quantities_are_times() -> None:
    import brian2
    import quantities as pq

    # 0.1 s are 100 ms.
    for time in ([0.1, 0.2] * pq.s, [0.1, 0.2] * brian2.second, ["0.1 s", 200 * brian2.ms]):
        spikes = Spikes(time, [0, 1], [0, 0])
        assert spikes.time.tolist() == [100.0, 200.0]
    trials = {"duration": [0.5] * pq.s, "angle": [np.pi] * pq.rad, "f": [4] * pq.Hz}
    recording = made({"a": spikes}, trials)
    assert recording.trials["duration"].tolist() == [500.0]
    np.testing.assert_allclose(recording.trials["angle"], 180.0)
    for window in [(0 * pq.s, 0.15 * pq.s), [0.0, 0.15] * pq.s, ("0 s", 150 * brian2.ms)]:
        assert recording.counts("a", window).tolist() == [[1, 0]]
    for wanted in (0.5 * pq.s, "500 ms", "500", [0.5 * pq.s], 500):
        assert recording.select(duration=wanted).n_trials == 1
    with pytest.raises(SpecError, match=r"does not convert to any of ms, mV.*"):
        made({}, trials | {"f": [1.0] / pq.deg})
    signal = Signal([[0.07]] * pq.V, [0], 0.1 * pq.s, "mV", [0], [0.2] * pq.s)
    assert (signal.values.item(), signal.period, signal.time.item()) == (70.0, 100.0, 200.0)


def test_a_monitor_of_brian2_is_in_seconds(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    import brian2

    monkeypatch.setitem(brian2.prefs, "codegen.target", "numpy")
    group = brian2.SpikeGeneratorGroup(2, [0, 1], [0.1, 0.2] * brian2.second)
    monitor = brian2.SpikeMonitor(group)
    brian2.Network(group, monitor).run(0.3 * brian2.second)
    spikes = Spikes(monitor.t, np.asarray(monitor.i), [0, 0])
    np.testing.assert_allclose(spikes.time, [100.0, 200.0], rtol=1e-12)


def test_equals_sees_a_difference() -> None:
    assert small().equals(small())
    assert not small().equals(small().take([0, 1]))


# -------------------------------------------------------------------------------------- Neo


def test_neo_round_trip_keeps_all_but_the_snapshots() -> None:
    recording = small()
    back = Recording.from_neo(recording.to_neo())
    without = Recording(recording.spikes, recording.shapes, recording.trials, recording.signals)
    assert back.equals(without)


def test_neo_block_is_annotated() -> None:
    block = small().to_neo(trials=[0], units={"v1": [3]})
    (segment,) = block.segments
    (train,) = segment.spiketrains
    assert segment.annotations["stage"] == "learn"
    assert (train.annotations["unit"], train.annotations["channel"]) == (3, 1)
    assert (train.annotations["row"], train.annotations["column"]) == (0, 1)
    assert (float(train.t_start), float(train.t_stop)) == (0.0, 10.0)
    assert train.magnitude.tolist() == [10.0]
    (analog,) = segment.analogsignals
    assert analog.array_annotations["unit"].tolist() == [3]
    assert analog.units.dimensionality.string == "mV"
    with pytest.raises(SpecError, match="units of 'v1': unit 4 does not exist; there are 4"):
        small().to_neo(units=[4])


def test_a_laboratory_block_without_annotations() -> None:
    import neo
    import quantities as pq

    block = neo.Block()
    segment = neo.Segment()
    segment.spiketrains.append(neo.SpikeTrain([1.1, 1.3], t_start=1.0, t_stop=2.0, units=pq.s))
    segment.spiketrains.append(neo.SpikeTrain([], t_start=1.0, t_stop=2.0, units=pq.s))
    block.segments.append(segment)
    recording = Recording.from_neo(block)
    np.testing.assert_allclose(recording.spikes["units"].time, [100.0, 300.0])
    assert recording.trials["duration"].tolist() == [1000.0]
    block.segments.append(neo.Segment(name="empty"))
    with pytest.raises(SpecError, match="annotate it with its duration"):
        Recording.from_neo(block)


def test_what_is_read_only_is_taken_as_it_is_and_all_else_copied() -> None:
    """A recording of millions of spikes is not copied when it is passed on."""
    time, unit = np.array([1.0, 2.0]), np.array([0, 1], np.int32)
    time.setflags(write=False)
    spikes = Spikes(time, unit, np.zeros(2, np.int32))
    assert spikes.time is time
    assert not np.shares_memory(spikes.unit, unit)
    unit[0] = 5
    assert spikes.unit.tolist() == [0, 1]
    # A read-only view of an array that other code may still write to is not safe to keep.
    below = np.array([1.0, 2.0])
    view = below[:]
    view.setflags(write=False)
    assert not np.shares_memory(Spikes(view, unit, np.zeros(2, np.int32)).time, below)


@pytest.mark.parametrize("time", [-1.0, 11.0])
def test_a_spike_outside_its_trial_is_found_wherever_it_stands(time: float) -> None:
    trials = {"duration": [20.0, 20.0, 10.0, 20.0]}
    spikes = Spikes([5.0, 15.0, time, 5.0, 15.0], [0, 0, 0, 1, 2], [0, 1, 2, 2, 3])
    with pytest.raises(SpecError, match=f"{time:g} ms lies outside trial 2, which lasts 10 ms"):
        made({"a": spikes}, trials)
