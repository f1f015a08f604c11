"""Hostile inputs of every reader and parser end in a value or in one error of scnnbio.

``python -m tests.fuzz 10000`` attacks all of them at length, and ``make validate`` does so too.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from scnnbio import LIF, Network, Population, workflow
from scnnbio.analysis.energy import machines
from scnnbio.archives import KINDS, array_of, arrays_of
from scnnbio.errors import DataError, ScnnbioError
from scnnbio.experiment import load
from scnnbio.experiment.documents import setting
from scnnbio.inputs import read_events
from scnnbio.inputs.arrays import read_values
from scnnbio.inputs.idx import read_idx
from scnnbio.inputs.images import read_images
from scnnbio.neurons.parsing import check_number, sides, split_assignments
from scnnbio.nir import read as read_nir
from scnnbio.recording import Recording, read_sonata, read_sweeps
from scnnbio.recording.column_maps import ColumnMap
from scnnbio.recording.nwb import read_nwb
from scnnbio.sweep import Plan
from scnnbio.sweep.grid import grid_of
from scnnbio.units import plain
from scnnbio.verification import verify
from tests.fuzz.attack import attack
from tests.fuzz.mutations import mixed
from tests.fuzz.readers import READERS

#: Readers that need no library which takes long to import, and read within milliseconds.
QUICK = (
    "learning rules", "settings and units", "stored documents", "column maps", "energy tables",
    "sweeps", "weights", "arrays", "values", "idx", "pictures", "fasta", "sweeps of currents",
    "recordings", "drafts", "checkpoints",
    "nir", "events nmnist", "events aedat3", "events arrays",
)  # fmt: skip


def test_every_reader_is_attacked() -> None:
    assert set(QUICK) <= set(READERS)
    kinds = {name.removeprefix("events ") for name in READERS if name.startswith("events ")}
    from scnnbio.inputs.events.formats import FORMATS

    assert kinds == set(FORMATS)


@pytest.mark.slow
@pytest.mark.parametrize("name", QUICK)
def test_a_hundred_hostile_inputs(name: str, tmp_path: Path) -> None:
    """In this process, so that a reader needs no process of its own; the driver has one."""
    reader = READERS[name]
    pytest.importorskip(reader.needs)
    valid = sorted(reader.make(tmp_path))
    for path in valid:
        reader.read(path)
    said = []
    for number in range(100):
        rng = np.random.default_rng([3, number])
        path = valid[number % len(valid)]
        hostile = tmp_path / f"hostile_{path.name}"
        hostile.write_bytes(mixed(reader.mutation, [path.read_bytes()], rng))
        try:
            reader.read(hostile)
        except ScnnbioError as error:
            said.append(str(error))
    assert len(said) >= 5
    assert not any("\n" in text for text in said)


@pytest.mark.slow
def test_the_driver_finds_faults(tmp_path: Path) -> None:
    """A reader with one fault of each kind: whoever finds nothing in it would find nothing."""
    found = attack("a faulty one", 15, tmp_path)
    faults = {"exception", "memory", "slow", "crash", "forbidden"}
    assert {kind: found.counts[kind] for kind in faults} == dict.fromkeys(faults, 1)
    assert found.counts["error"] >= 4


@pytest.mark.validate
@pytest.mark.parametrize("name", READERS)
def test_ten_thousand_hostile_inputs(name: str, tmp_path: Path) -> None:
    if importlib.util.find_spec(READERS[name].needs) is None:
        pytest.skip(f"{READERS[name].needs} is not installed")
    found = attack(name, 10_000, tmp_path)
    assert found.faults == []


TEXT = st.text(max_size=40) | st.text("v()+-*/<>=., 0123456789eExp_", max_size=40)
PARSERS: tuple[Callable[[str], object], ...] = (
    check_number,
    sides,
    split_assignments,
    setting,
    lambda text: grid_of([text]),
    lambda text: plain(text, "ms"),
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=TEXT)
@example(text="9**9**9**9")
@example(text="exp(" * 300 + "1" + ")" * 300)
@example(text="x = [" * 2000)
@example(text="x=" + "7" * 5000)
@example(text="__import__('os').system('true')")
def test_any_text_is_read_or_refused(text: str) -> None:
    said = []
    for parse in PARSERS:
        try:
            parse(text)
        except ScnnbioError as error:
            said.append(str(error))
    assert not any("\n" in text for text in said)


@settings(max_examples=150, deadline=None)
@given(content=st.binary(max_size=200), marked=st.booleans())
def test_any_bytes_are_an_array_or_a_value_error(content: bytes, marked: bool) -> None:
    content = b"\x93NUMPY\x01\x00" + content if marked else content
    for read in (array_of, lambda c: arrays_of(c, 2**20)):
        with contextlib.suppress(ValueError):
            assert all(np.asarray(a).nbytes <= 200 for a in _several(read(content)))


def _several(found: object) -> list[object]:
    return list(found.values()) if isinstance(found, dict) else [found]


def test_a_header_that_claims_terabytes_takes_nothing(tmp_path: Path) -> None:
    """8e12 bytes are claimed; numpy.load asks the system for them."""
    head = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }\n"
    content = b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head + bytes(80)
    path = tmp_path / "a.npy"
    path.write_bytes(content)
    with pytest.raises(DataError, match="80 bytes for an array of shape"):
        read_values(path)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("current_pA.npy", content)
    with pytest.raises(DataError, match="80 bytes for an array of shape"):
        read_sweeps(tmp_path / "a.npz")
    idx = b"\0\0\x08\x02" + (2**16).to_bytes(4, "big") * 2
    (tmp_path / "a").write_bytes(idx)
    with pytest.raises(DataError, match="is cut off: 0 of the 4294967296 bytes"):
        read_idx(tmp_path / "a")


def test_an_array_of_hdf5_that_claims_terabytes_takes_nothing(tmp_path: Path) -> None:
    """Chunks that were never written take no room in the file, and all in memory."""
    path = tmp_path / "r.h5"
    with h5py.File(path, "w") as file:
        file.attrs["kind"], file.attrs["version"] = "recording", 1
        file["trials/duration"] = [10.0]
        file.create_dataset("spikes/v1/time", (10**12,), "f8", chunks=(1000,))
    assert path.stat().st_size < 20_000
    with pytest.raises(DataError, match="claims 8,000,000,000,000 bytes"):
        Recording.load(path)
    with h5py.File(path, "r+") as file:
        file.create_dataset("node/input/weight", (10**6, 10**6), "f8", chunks=(100, 100))
    with pytest.raises(DataError, match="claims 8,000,000,000,000 bytes"):
        read_nir(path, 1.0)
    with pytest.raises(DataError, match="claims 8,000,000,000,000 bytes"):
        read_nwb(path, ColumnMap.of({"layout": "allen"}))
    with pytest.raises(DataError, match="claims 8,000,000,000,000 bytes"):
        read_sonata(path, duration=10.0)
    sweeps = path.rename(tmp_path / "r.nwb")
    with pytest.raises(DataError, match="claims 8,000,000,000,000 bytes"):
        read_sweeps(sweeps)


def test_a_type_of_hdf5_in_place_of_an_array_is_an_error(tmp_path: Path) -> None:
    """HDF5 can name a type, which is neither a group nor an array; the driver found it."""
    path = tmp_path / "r.h5"
    with h5py.File(path, "w") as file:
        file.attrs["kind"], file.attrs["version"] = "recording", 1
        file["trials/duration"] = np.dtype("f8")
    with pytest.raises(DataError, match="'duration' is neither a group nor an array"):
        Recording.load(path)
    with h5py.File(path, "r+") as file:
        file["node/type"] = np.dtype("f8")
    with pytest.raises(DataError, match="'type' is neither a group nor an array"):
        read_nir(path, 1.0)


@pytest.mark.parametrize("read", [load, machines, ColumnMap.load])
def test_a_number_of_thousands_of_digits_is_an_error(
    read: Callable[[Path], object], tmp_path: Path
) -> None:
    """Python refuses to convert it, by an error that is not TOML's; the driver found it."""
    path = tmp_path / "a.toml"
    path.write_text("x = " + "7" * 5000)
    with pytest.raises(ScnnbioError, match="digits"):
        read(path)


def test_a_header_that_is_no_python_is_read_in_no_time() -> None:
    """numpy looks for numbers of Python 2 in it, at each place anew; the driver found it."""
    head = b"{'descr': '<f8', 'fortran_order': False, 'shape: " + b" " * 9000
    content = b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head
    before = time.process_time()
    with pytest.raises(ValueError, match="the header of an array is damaged"):
        array_of(content)
    assert time.process_time() - before < 0.2


@pytest.mark.filterwarnings("ignore:Reading `.npy`")
@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("shape", [b"(2L, 3L)", b"(2, 3)", b"(6,)", b"()"])
def test_headers_are_read_as_numpy_reads_them(version: int, shape: bytes) -> None:
    """Also those that Python 2 wrote, with numbers such as 10L."""
    order = b"True" if version == 2 else b"False"
    head = b"{'descr': '<i2', 'fortran_order': " + order + b", 'shape': " + shape + b", }   \n"
    length = len(head).to_bytes(2 if version == 1 else 4, "little")
    content = b"\x93NUMPY" + bytes([version, 0]) + length + head
    content += np.arange(1 if shape == b"()" else 6, dtype="<i2").tobytes()
    if version == 3 and b"L" in shape:  # there was no Python 2 then
        return
    found, wanted = array_of(content), np.load(io.BytesIO(content))
    assert found.dtype == wanted.dtype
    assert found.shape == wanted.shape
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize(
    "wrong",
    [
        b"{'descr': '<i2', 'fortran_order': 0, 'shape': (1,)}",
        b"{'descr': '<i2', 'fortran_order': False, 'shape': (1.0,)}",
        b"{'descr': '<i2', 'fortran_order': False, 'shape': 1}",
        b"{'descr': '<i2', 'fortran_order': False, 'shape': (1,), 'more': 1}",
        b"{'descr': '<i2', 'shape': (1,)}",
        b"['descr']",
        b"{'descr': '<i2', 'fortran_order': False, 'shape': (1,)}" + b" " * 10_000,
    ],
)
def test_headers_of_another_form_are_damaged(wrong: bytes) -> None:
    content = b"\x93NUMPY\x01\x00" + len(wrong).to_bytes(2, "little") + wrong + bytes(2)
    with pytest.raises(ValueError, match="the header of an array is damaged"):
        array_of(content)
    with pytest.raises(ValueError):  # noqa: PT011 (numpy refuses it, too, in other words)
        np.load(io.BytesIO(content))


@pytest.mark.parametrize("code", [0x110000, 2**32 - 1, 0xD800, 0xDFFF])
@pytest.mark.parametrize("order", "<>")
def test_text_of_numbers_that_are_no_character_is_refused(code: int, order: str) -> None:
    """Python ends with a SystemError where it makes a text of them; the driver found it."""
    last = np.array([0x10FFFF, 0xD7FF, 0xE000, 0, 65, 66], f"{order}u4")
    good = last.view(f"{order}U3")
    table = np.zeros(2, [("n", "i2"), ("name", f"{order}U3")])
    table["name"] = good
    for values, kinds in ((good, KINDS), (table, "V")):
        content = io.BytesIO()
        np.save(content, values)
        whole = content.getvalue()
        np.testing.assert_array_equal(array_of(whole, kinds), values)
        wrong = np.array([code], f"{order}u4").tobytes()
        with pytest.raises(ValueError, match="text has a code point that is not a character"):
            array_of(whole.replace(last[:1].tobytes(), wrong), kinds)


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", f"{'x' * 300}/a"])
def test_a_name_that_no_file_can_have_is_an_error_of_scnnbio(name: str, tmp_path: Path) -> None:
    """pathlib asks the system, and raises what it answers; the driver found it in a document."""
    place = tmp_path / name
    reads: tuple[Callable[[], object], ...] = (
        lambda: load(str(place)),
        lambda: load(place.with_suffix(".toml") if "\0" not in name else place),
        lambda: read_images(str(place)),
        lambda: read_values(place),
        lambda: read_events(place),
        lambda: read_sweeps(f"{place}.csv"),
        lambda: read_nwb(place, ColumnMap.of({"layout": "allen"})),
        lambda: read_sonata(place, duration=1.0),
        lambda: read_nir(place, 1.0),
        lambda: Recording.load(place),
        lambda: ColumnMap.load(place),
        lambda: machines(place),
        lambda: Network((Population("v1", (1, 1, 1), LIF),), ()).save(place),
        lambda: Plan.read(place),
        lambda: workflow.load_results(place),
        lambda: workflow.resume(place),
        lambda: verify(place),
    )
    for read in reads:
        with pytest.raises(ScnnbioError):
            read()


@pytest.mark.parametrize("read", [load, read_events, read_values, read_idx, Recording.load])
def test_a_device_is_not_read(read: Callable[[Path], object]) -> None:
    """/dev/zero has no end; a document may name it."""
    with pytest.raises(DataError, match="it is a device, not a file"):
        read(Path("/dev/zero"))
