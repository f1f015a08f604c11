"""Files of values: what is wrong with one is one error, and reading one runs nothing."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from scnnbio import Network, files
from scnnbio.errors import DataError, SpecError
from scnnbio.experiment import Run
from scnnbio.values import VERSION
from tests.described import INSTANCES

KERNEL = "projections/lgn_v1/connector/kernel.npy"


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    INSTANCES[Network]().save(tmp_path / "network")
    return tmp_path / "network"


def head_of(path: Path) -> dict[str, Any]:
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("scnnbio.json"))


def rewritten(path: Path, **members: bytes) -> Path:
    """The archive with other members in it; names are written with ``__`` for a slash."""
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    content |= members
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return path


def with_head(path: Path, change: Callable[[dict[str, Any]], Any]) -> Path:
    head = head_of(path)
    change(head)
    return rewritten(path, **{"scnnbio.json": json.dumps(head).encode()})


def npy(array: np.ndarray, pickled: bool = False) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=pickled)
    return file.getvalue()


class Trap:
    """Makes a folder when it is unpickled."""

    def __reduce__(self) -> Any:
        return os.mkdir, (os.environ["SCNNBIO_TRAP"],)


def test_a_truncated_file_is_one_error(saved: Path) -> None:
    content = saved.read_bytes()
    for length in {*range(0, len(content), 37), len(content) - 1}:
        saved.write_bytes(content[:length])
        with pytest.raises(DataError) as caught:
            Network.load(saved)
        assert str(caught.value).startswith(f"{saved}: is ")
        assert "\n" not in str(caught.value)


def test_a_damaged_byte_is_an_error_or_changes_nothing(saved: Path) -> None:
    network, content = Network.load(saved), bytearray(saved.read_bytes())
    found = 0
    for place in range(0, len(content), 11):
        content[place] ^= 0x55
        saved.write_bytes(content)
        try:
            # Dates and the like are in an archive too, and mean nothing here.
            assert Network.load(saved) == network
        except DataError:
            found += 1
        content[place] ^= 0x55
    assert found > len(content) / 11 / 2


def test_foreign_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with pytest.raises(DataError, match="there is no such file"):
        Network.load(path)
    with pytest.raises(DataError, match="is a folder"):
        Network.load(tmp_path)
    for content, said in (
        (b"", "is empty"),
        (b"name = 'v1'", "not a file that scnnbio saved"),
        (pickle.dumps({"a": 1}), "is a pickle, which is not read"),
        (npy(np.arange(3.0)), "is a single array"),
    ):
        path.write_bytes(content)
        with pytest.raises(DataError, match=said):
            Network.load(path)
    with h5py.File(path, "w") as file:
        file["a"] = 1
    with pytest.raises(DataError, match="is an HDF5 file"):
        Network.load(path)
    with path.open("wb") as opened:
        np.savez(opened, lgn_v1=np.ones(3))
    with pytest.raises(DataError, match=r"an archive without scnnbio\.json"):
        Network.load(path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda h: h.update(version=VERSION + 1), f"has format version {VERSION + 1}, .* update"),
        (lambda h: h.update(version="1"), "has no version"),
        (lambda h: h.update(format="other"), "scnnbio did not write"),
        (lambda h: h.update(kind="Run"), "holds a Run, not a Network"),
        (lambda h: h.pop("content"), "truncated or damaged"),
        (lambda h: h["content"].update(populations=[]), "there is no population"),
        (lambda h: h["content"].update(more=1), "does not describe a Network"),
        (lambda h: h.update(content={"class": "SpikeSource", "name": "a"}), "does not hold the"),
        (
            lambda h: h["content"].update(populations={"class": "os.system"}),
            "not the name of an imported",
        ),
        (
            lambda h: h["content"].update(populations={"class": ["a"]}),
            "not the name of an imported",
        ),
        (lambda h: h["content"].update(populations={"class": "table"}), "a table: 'content'"),
        (lambda h: h["content"].update(populations={"class": "array", "member": "a"}), "damaged"),
        (lambda h: h["content"].update(populations={"class": "KernelConnector"}), "does not desc"),
    ],
)
def test_a_head_that_says_something_else(saved: Path, change: Any, said: str) -> None:
    with pytest.raises(DataError, match=said) as caught:
        Network.load(with_head(saved, change))
    assert caught.value.where == str(saved)


def test_a_head_that_is_no_description(saved: Path) -> None:
    deep = b'{"format": "scnnbio", "version": 1, "kind": "Network", "content": '
    for content in (b"[]", b"{", b"\xff", deep + b"[" * 100_000 + b"]" * 100_000 + b"}"):
        with pytest.raises(DataError):
            Network.load(rewritten(saved, **{"scnnbio.json": content}))


def test_weights_that_are_not_finite_are_refused(saved: Path, tmp_path: Path) -> None:
    kernel = Network.load(saved).projections[0].kernel.copy()
    for value in (np.nan, np.inf):
        kernel[0, 0, 0, 0] = value
        with pytest.raises(DataError, match="make every weight finite"):
            Network.load(rewritten(saved, **{KERNEL: npy(kernel)}))
    run = INSTANCES[Run]()
    run.save(tmp_path / "run")
    for values, said in ((kernel, "finite"), (np.ones((2, 2)), "shape")):
        with pytest.raises(DataError, match=said):
            Run.load(rewritten(tmp_path / "run", **{"weights/lgn_v1.npy": npy(values)}))
        bad = Run(run.experiment, run.recording, {"lgn_v1": values}, {})
        with pytest.raises(SpecError, match=said):
            bad.save(tmp_path / "bad")
        assert not (tmp_path / "bad").exists()


def test_reading_runs_nothing(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trap = saved.with_name("trap")
    monkeypatch.setenv("SCNNBIO_TRAP", str(trap))
    bait = np.array([Trap()], dtype=object)
    for content in (npy(bait, pickled=True), pickle.dumps(Trap())):
        with pytest.raises(DataError):
            Network.load(rewritten(saved, **{KERNEL: content}))
        assert not trap.exists()
    # The trap works.
    pickle.loads(pickle.dumps(Trap()))
    assert trap.exists()


def test_a_bomb_is_not_unpacked(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zeros = npy(np.zeros(3_000_000))
    rewritten(saved, **{KERNEL: zeros})
    assert saved.stat().st_size < 100_000
    monkeypatch.setattr(files, "_MAX_COMPRESSED", 2**20)
    with pytest.raises(DataError, match=r"would unpack to 24,\d+,\d+, which no file of scnnbio"):
        Network.load(saved)


def test_a_bomb_that_says_it_is_small_is_not_unpacked(saved: Path) -> None:
    zeros = npy(np.zeros(3_000_000))
    content = rewritten(saved, **{KERNEL: zeros}).read_bytes()
    size = struct.pack("<L", len(zeros))
    assert content.count(size) == 2  # in the member's own header and in the directory
    saved.write_bytes(content.replace(size, struct.pack("<L", 200)))
    tracemalloc.start()
    with pytest.raises(DataError, match="truncated or damaged"):
        Network.load(saved)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < len(zeros) / 10


def test_a_header_that_promises_more_than_there_is(saved: Path) -> None:
    header = npy(np.zeros(1))
    # Of the same length, so that the header stays whole: 8 * 10**15 bytes.
    huge = header.replace(b"(1,), }                 ", b"(1000000000000000,), }  ")
    assert huge != header
    assert len(huge) == len(header)
    with pytest.raises(DataError, match="8 bytes for an array of shape"):
        Network.load(rewritten(saved, **{KERNEL: huge}))


def test_a_large_value_is_stored_and_read(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Constant weights would pack to next to nothing, as a bomb does.
    monkeypatch.setattr(files, "_MAX_COMPRESSED", 1000)
    network = INSTANCES[Network]()
    network.save(saved)
    assert Network.load(saved) == network
    with zipfile.ZipFile(saved) as archive:
        assert {m.compress_type for m in archive.infolist()} == {zipfile.ZIP_STORED}


def test_what_cannot_be_written_leaves_what_was_there(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, content = Network.load(saved), saved.read_bytes()

    def full(*args: Any, **options: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(files._NPY, "write_array", full)
        with pytest.raises(DataError, match="No space left"):
            network.save(saved)
    assert saved.read_bytes() == content
    assert [p.name for p in saved.parent.iterdir()] == [saved.name]
    with pytest.raises(DataError, match="the folder does not exist"):
        network.save(saved.parent / "no" / "network")


def test_what_cannot_be_restored_is_not_saved(tmp_path: Path) -> None:
    run = INSTANCES[Run]()
    odd = Run(run.experiment, run.recording, run.weights, {"measure": len})
    with pytest.raises(SpecError, match="'name' is not the name of an imported"):
        odd.save(tmp_path / "run")
    assert not list(tmp_path.iterdir())


def test_a_file_is_whole_or_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    files.write_atomically(b"old", path)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(files.os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        files.write_atomically(b"new", path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
