"""SONATA spike files: the layout of the developer guide, round trips, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from scnnbio.errors import DataError, SpecError
from scnnbio.recording import Recording, Signal, Snapshots, Spikes, read_sonata, write_sonata

TRIALS = {"start": [0.0, 100.0, 250.5], "duration": [100.0, 100.0, 100.0]}
SHAPES = {"lgn": (2, 2, 2), "v1": (1, 1, 5)}


def recording() -> Recording:
    """Two populations in three trials, of which the last begins after a gap."""
    lgn = Spikes([0.0, 0.1 + 0.2, 100.0, 3.7, 99.9, 0.0], [7, 0, 3, 3, 1, 2], [0, 0, 0, 1, 1, 2])
    v1 = Spikes([50.0, 50.0, 100.0], [4, 0, 2], [1, 1, 2])
    return Recording({"lgn": lgn, "v1": v1}, SHAPES, TRIALS)


def by_hand(path: Path, **parts: Any) -> Path:
    """A file as the guide describes it: population "pop", spikes sorted by time."""
    times = parts.get("timestamps", np.array([1.5, 2.5, 4.0]))
    with h5py.File(path, "w") as file:
        group = file.create_group(parts.get("group", "spikes/pop"))
        if times is not None:
            group["timestamps"] = times
            if parts.get("units", "ms") is not None:
                group["timestamps"].attrs["units"] = parts.get("units", "ms")
        if parts.get("node_ids", True) is not None:
            group["node_ids"] = parts.get("node_ids", np.array([3, 0, 3], dtype=np.uint64))
        sorting = parts.get("sorting", "by_time")
        if isinstance(sorting, int):
            kind = h5py.enum_dtype({"none": 0, "by_id": 1, "by_time": 2}, basetype="i1")
            group.attrs.create("sorting", sorting, dtype=kind)
        elif sorting is not None:
            group.attrs["sorting"] = sorting
    return path


def test_a_recording_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "spikes.h5"
    write_sonata(recording(), path)
    back = read_sonata(path, trials=TRIALS, shapes=SHAPES)
    for name, spikes in recording().spikes.items():
        np.testing.assert_array_equal(back.spikes[name].unit, spikes.unit)
        np.testing.assert_array_equal(back.spikes[name].trial, spikes.trial)
        np.testing.assert_allclose(back.spikes[name].time, spikes.time, atol=1e-9)
    assert back.shapes == recording().shapes
    one = read_sonata(path, duration=350.5, populations=["v1"])
    assert one.spikes["v1"].time.tolist() == [150.0, 150.0, 350.5]
    assert (list(one.spikes), one.n_trials, one.shapes["v1"]) == (["v1"], 1, (5, 1, 1))


def test_a_file_has_the_layout_of_the_guide(tmp_path: Path) -> None:
    """Names, types and attributes are those of AllenInstitute/sonata, SONATA_DEVELOPER_GUIDE.md."""
    path = tmp_path / "spikes.h5"
    write_sonata(recording(), path)
    with h5py.File(path) as file:
        assert set(file) == {"spikes"}
        assert file.attrs["magic"] == 0x0A7A
        assert file.attrs["version"].tolist() == [0, 1]
        group = file["spikes/lgn"]
        assert set(group) == {"timestamps", "node_ids"}
        assert group["timestamps"].dtype == np.float64
        assert group["timestamps"].attrs["units"] == "ms"
        assert group["node_ids"].dtype == np.uint64
        sorting = h5py.check_enum_dtype(group.attrs.get_id("sorting").dtype)
        assert sorting == {"none": 0, "by_id": 1, "by_time": 2}
        assert group.attrs["sorting"] == sorting["by_time"]
        assert group["timestamps"][:].tolist() == [0.0, 0.1 + 0.2, 100.0, 103.7, 199.9, 250.5]
        assert group["node_ids"][:].tolist() == [7, 0, 3, 3, 1, 2]


@pytest.mark.parametrize("sorting", ["by_time", 2, 0, "none", None])
def test_a_file_by_hand_is_read(tmp_path: Path, sorting: object) -> None:
    found = read_sonata(by_hand(tmp_path / "a.h5", sorting=sorting), duration="5 ms")
    assert found.spikes["pop"].time.tolist() == [1.5, 2.5, 4.0]
    assert found.spikes["pop"].unit.tolist() == [3, 0, 3]
    assert found.shapes == {"pop": (4, 1, 1)}
    assert found.trials["duration"].tolist() == [5.0]


@pytest.mark.parametrize("units", ["s", "seconds", b"second"])
def test_seconds_become_ms(tmp_path: Path, units: object) -> None:
    path = by_hand(tmp_path / "a.h5", units=units, timestamps=np.array([0.0015, 0.25, 4.0]))
    found = read_sonata(path, duration=4000.0)
    np.testing.assert_allclose(found.spikes["pop"].time, [1.5, 250.0, 4000.0], rtol=1e-15)


def test_unsorted_spikes_are_sorted_where_the_file_promises_nothing(tmp_path: Path) -> None:
    path = by_hand(tmp_path / "a.h5", timestamps=np.array([4.0, 1.0, 2.0]), sorting=None)
    assert read_sonata(path, duration=5.0).spikes["pop"].time.tolist() == [1.0, 2.0, 4.0]
    ids = by_hand(
        tmp_path / "b.h5", timestamps=np.array([4.0, 1.0, 2.0]), sorting="by_id",
        node_ids=np.array([0, 3, 3]),
    )  # fmt: skip
    assert read_sonata(ids, duration=5.0).spikes["pop"].unit.tolist() == [3, 3, 0]


def test_spikes_between_trials_are_left_out(tmp_path: Path) -> None:
    """One at the end of a trial is of that trial, not of the next."""
    times = np.array([0.0, 10.0, 10.5, 20.0, 25.0, 30.0, 41.0])
    path = by_hand(tmp_path / "a.h5", timestamps=times, node_ids=np.arange(7))
    trials = {"start": [0.0, 10.0, 30.0], "duration": [10.0] * 3, "contrast": [0.5, 1.0, 0.25]}
    found = read_sonata(path, trials=trials)
    assert found.spikes["pop"].unit.tolist() == [0, 1, 2, 3, 5]
    assert found.spikes["pop"].trial.tolist() == [0, 0, 1, 1, 2]
    assert found.spikes["pop"].time.tolist() == [0.0, 10.0, 0.5, 10.0, 0.0]
    assert found.trials["contrast"].tolist() == [0.5, 1.0, 0.25]


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"group": "pop"}, "has no group /spikes; name a SONATA spike file"),
        ({"group": "spikes"}, "has the layout before populations"),
        ({"timestamps": None}, "/spikes/pop: has no dataset 'timestamps'"),
        ({"node_ids": None}, "/spikes/pop: has no dataset 'node_ids'"),
        ({"units": None}, "'timestamps' has no attribute 'units'; add one, such as 'ms'"),
        ({"units": "mV"}, "'mV' is not a unit of time"),
        ({"units": 3}, "'timestamps' has no attribute 'units'"),
        ({"sorting": "by_luck"}, "'by_luck' is not a sorting"),
        ({"sorting": "by_id"}, "sorted by_id, but spike 1 is not; sort them, or set"),
        ({"timestamps": np.array([4.0, 1.0, 2.0])}, "sorted by_time, but spike 1 is not"),
        ({"timestamps": np.array([4.0, 1.0])}, "has 2 timestamps, but 3 node_ids"),
        ({"timestamps": np.array([1.0, np.nan, 2.0])}, "a timestamp is not finite"),
        ({"timestamps": np.ones((3, 1))}, "'timestamps' is an array of float64 of shape (3, 1)"),
        ({"node_ids": np.array([0.5, 1, 2])}, "'node_ids' is an array of float64"),
        ({"node_ids": np.array([0, -1, 2])}, "neuron -1; neurons count from 0"),
        ({"node_ids": np.array([2**40, 1, 2])}, "neuron 1099511627776 has a number above"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_one_line(tmp_path: Path, parts: dict[str, Any], said: str) -> None:
    path = by_hand(tmp_path / "a.h5", **parts)
    with pytest.raises(DataError) as error:
        read_sonata(path, duration=10.0)
    assert said in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_missing_truncated_or_no_hdf5_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such file"):
        read_sonata(tmp_path / "a.h5", duration=10.0)
    times = np.sort(np.random.default_rng(1).uniform(0, 10, 4000))
    path = by_hand(tmp_path / "a.h5", timestamps=times, node_ids=np.zeros(4000, int))
    whole = path.read_bytes()
    for length in (0, 7, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match="is not HDF5, truncated or damaged"):
            read_sonata(path, duration=10.0)


def test_a_spike_after_the_end_and_an_unknown_neuron_are_refused(tmp_path: Path) -> None:
    path = by_hand(tmp_path / "a.h5")
    with pytest.raises(SpecError, match="a spike at 4 ms lies outside trial 0, which lasts 3 ms"):
        read_sonata(path, duration=3.0)
    with pytest.raises(SpecError, match="unit 3 does not exist; there are 3"):
        read_sonata(path, duration=10.0, shapes={"pop": 3})
    with pytest.raises(SpecError, match="did you mean 'pop'"):
        read_sonata(path, duration=10.0, populations=["Pop"])
    for given in ({}, {"duration": 10.0, "trials": TRIALS}):
        with pytest.raises(SpecError, match="give either its duration, or trials"):
            read_sonata(path, **given)  # type: ignore[arg-type]


def _sampled(old: Recording) -> Recording:
    v = Signal([[1.0]], [0], 0.1, "mV", [0], [0.1])
    shots = {"lgn_v1": Snapshots([-1], np.ones((1, 2)))}
    trials = {**old.trials, "contrast": [0.0, 0.5, 1.0]}
    return Recording(old.spikes, old.shapes, trials, {"v1": {"v": v}}, shots)


def _early(old: Recording) -> Recording:
    return Recording({"v1": Spikes([0.0], [1], [1])}, {"v1": 2}, TRIALS)


def _overlapping(old: Recording) -> Recording:
    return Recording(old.spikes, old.shapes, {**TRIALS, "start": [0.0, 50.0, 250.0]})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            _sampled,
            "cannot hold the signals (v1.v), snapshots (lgn_v1), columns (contrast); give"
            " leave_out=['signals', 'snapshots', 'columns'], and keep the recording itself",
        ),
        (
            _early,
            "a spike of 'v1' at the very beginning of trial 1 would be read as one at the end",
        ),
        (_overlapping, "trial 1 starts at 50 ms, before the trial before it has ended"),
    ],
)
def test_what_the_format_cannot_hold_is_refused_by_name(
    tmp_path: Path, change: Callable[[Recording], Recording], said: str
) -> None:
    with pytest.raises(SpecError) as error:
        write_sonata(change(recording()), tmp_path / "a.h5")
    assert said in str(error.value)
    assert not list(tmp_path.iterdir())


def test_parts_are_left_out_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    parts = ["signals", "snapshots", "columns"]
    write_sonata(_sampled(recording()), path, populations=["v1"], leave_out=parts)
    assert list(read_sonata(path, trials=TRIALS).spikes) == ["v1"]
    with pytest.raises(SpecError, match="did you mean 'signals'"):
        write_sonata(recording(), path, leave_out=["signal"])
    with pytest.raises(DataError, match="read_sonata reads a spike file of SONATA"):
        Recording.load(path)
