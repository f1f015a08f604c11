"""Recordings on disk: what was saved is read back, and a damaged file is refused."""

from __future__ import annotations

import subprocess
import sys

import h5py
import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scnnbio.errors import DataError
from scnnbio.recording import Recording, Signal, Snapshots, Spikes
from scnnbio.recording.hdf5 import write_tree
from tests.recordings import made, small

CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="/\0")
TAKEN = (".", "duration", "stage", "start")
NAMES = st.text(CHARACTERS, min_size=1).filter(lambda name: name not in TAKEN)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)


@st.composite
def recordings(draw: st.DrawFn) -> Recording:
    n_trials = draw(st.integers(0, 4))
    shape = draw(st.tuples(*[st.integers(1, 3)] * 3))
    size = int(np.prod(shape))
    n = draw(st.integers(0, 8)) if n_trials else 0
    trial = draw(hnp.arrays(np.int32, n, elements=st.integers(0, max(n_trials - 1, 0))))
    unit = draw(hnp.arrays(np.int32, n, elements=st.integers(0, size - 1)))
    time = draw(hnp.arrays(np.float64, n, elements=st.floats(0, 50)))
    columns = draw(
        st.dictionaries(
            NAMES,
            st.one_of(
                st.lists(TEXT, min_size=n_trials, max_size=n_trials),
                hnp.arrays(np.float64, n_trials),
                hnp.arrays(np.int64, n_trials),
                hnp.arrays(np.bool_, n_trials),
            ),
            max_size=3,
        )
    )
    values = draw(hnp.arrays(np.float64, (n, 1)))
    return Recording(
        spikes={draw(NAMES): Spikes(time, unit, trial)},
        shapes={draw(NAMES): shape} | {"v1": shape},
        trials=columns | {"duration": np.full(n_trials, 50.0)},
        signals={"v1": {draw(NAMES): Signal(values, [size - 1], 0.1, "mV", trial, time)}},
        snapshots={draw(NAMES): Snapshots(trial, values)},
    )


@pytest.mark.slow
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(recording=recordings())
def test_storage_returns_exactly_what_was_saved(tmp_path, recording) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "recording.h5"
    recording.save(path)
    loaded = Recording.load(path)
    assert loaded.equals(recording)
    assert {k: v.dtype.kind for k, v in loaded.trials.items()} == {
        k: v.dtype.kind for k, v in recording.trials.items()
    }


def test_large_arrays_survive_compression(tmp_path) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(0)
    spikes = Spikes(rng.uniform(0, 9, 10_000), rng.integers(0, 99, 10_000), np.zeros(10_000))
    recording = made({"v1": spikes}, {"duration": [9.0]})
    recording.save(tmp_path / "r.h5")
    assert Recording.load(tmp_path / "r.h5").equals(recording)


def test_layout_is_the_documented_one(tmp_path) -> None:  # type: ignore[no-untyped-def]
    small().save(tmp_path / "r.h5")
    with h5py.File(tmp_path / "r.h5") as file:
        assert file.attrs["version"] == 1
        assert set(file["spikes/v1"]) == {"time", "unit", "trial"}
        assert set(file["signals/v1/v"]) == {"values", "unit", "trial", "time"}
        assert file["signals/v1/v"].attrs["quantity"] == "mV"
        assert set(file["trials"]) == {"stage", "start", "duration", "orientation", "name"}
        assert h5py.check_string_dtype(file["trials/name"].dtype).encoding == "utf-8"


def test_damaged_files_say_so(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "r.h5"
    with pytest.raises(DataError, match="no such file"):
        Recording.load(path)
    path.write_text("not HDF5")
    with pytest.raises(DataError, match="is not an HDF5 file"):
        Recording.load(path)
    small().save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="truncated or damaged"):
        Recording.load(path)


@pytest.mark.parametrize("place", [3, 40, 600, 900, 2000, -1])
def test_one_changed_byte_is_seen(tmp_path, place: int) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "r.h5"
    small().save(path)
    data = bytearray(path.read_bytes())
    data[place] ^= 0xFF
    path.write_bytes(data)
    # Within the mark itself the file passes for another program's.
    if place % len(data) >= len(b"scnnbio sha256 "):
        with pytest.raises(DataError, match="truncated or damaged"):
            Recording.load(path)
    else:
        assert Recording.load(path).equals(small())


def test_other_files_and_versions_are_refused(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "r.h5"
    with h5py.File(path, "w") as file:
        file["x"] = 1
    with pytest.raises(DataError, match="not a recording of scnnbio"):
        Recording.load(path)
    write_tree(path, {}, kind="recording", version=99)
    with pytest.raises(DataError, match="format version 99, but this scnnbio reads version 1"):
        Recording.load(path)
    write_tree(path, {"trials": {}}, kind="recording", version=1)
    with pytest.raises(DataError, match="is damaged"):
        Recording.load(path)


@pytest.mark.parametrize("mode", ["w", "a"])
def test_a_file_that_is_open_for_writing_says_so(tmp_path, mode: str) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "r.h5"
    small().save(path)
    with h5py.File(path, mode) as file:
        file["more"] = np.zeros(10_000)
        file.flush()
        with pytest.raises(DataError, match="is open for writing elsewhere; close it"):
            Recording.load(path)
    small().save(path)
    assert Recording.load(path).equals(small())


def test_what_another_process_writes_says_so(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "r.h5"
    program = f"""
import h5py
with h5py.File({str(path)!r}, "w") as file:
    file["x"] = 1
    print("open", flush=True)
    input()
"""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", program], **pipes) as writer:
        assert writer.stdout.readline() == "open\n"
        with pytest.raises(DataError, match="is open for writing elsewhere"):
            Recording.load(path)
        writer.communicate("\n")


def test_each_kind_of_file_that_is_no_recording_is_named(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "r.h5"

    def said() -> str:
        with pytest.raises(DataError) as caught:
            Recording.load(path)
        assert caught.value.where == str(path)
        return caught.value.message

    assert said() == "there is no such file"
    path.write_bytes(b"")
    assert said().startswith("is empty")
    path.write_bytes(b"PK\x03\x04" + bytes(2000))
    assert said().startswith("is not an HDF5 file")
    with h5py.File(path, "w") as file:
        file["x"] = np.arange(10_000)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert said().startswith("is truncated")
    path.write_bytes(whole[:16] + bytes(len(whole) - 16))
    assert said().startswith("is damaged")
    path.unlink()
    path.mkdir()
    assert said().startswith("is a folder")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    path.rmdir()
    path.write_bytes(whole)
    monkeypatch.setattr("pathlib.Path.open", refuse)  # root may read everything
    assert said() == "cannot be read: Permission denied"


def test_the_documented_layout_written_by_another_program_is_read(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "r.h5"
    with h5py.File(path, "w") as file:
        file.attrs["kind"], file.attrs["version"] = "recording", 1
        file["trials/duration"] = [10.0]
        file["spikes/units/time"] = [1.0, 3.0]
        file["spikes/units/unit"] = [2, 0]
        file["spikes/units/trial"] = [0, 0]
    recording = Recording.load(path)
    assert recording.counts("units").tolist() == [[1, 0, 1]]
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(DataError, match="is truncated"):
        Recording.load(path)


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "r.h5"
    small().save(path)

    def full_disk(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(h5py.Group, "create_dataset", full_disk)
    with pytest.raises(DataError, match=r"cannot be written .*No space left"):
        small().take([0]).save(path)
    monkeypatch.undo()
    assert Recording.load(path).equals(small())
    assert [p.name for p in tmp_path.iterdir()] == ["r.h5"]
    with pytest.raises(DataError, match="the folder does not exist"):
        small().save(tmp_path / "absent" / "r.h5")
