"""Reading in a process of its own: what it returns arrives, and its end is one error."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from scnnbio import _apart
from scnnbio._apart import limits, read_apart
from scnnbio.errors import DataError, SpecError
from scnnbio.recording import Recording
from tests import apart_cases
from tests.recordings import small


@pytest.fixture
def path(tmp_path: Path) -> Path:
    place = tmp_path / "a.bin"
    place.write_bytes(b"abc")
    return place


def test_what_is_read_arrives_from_one_process(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_apart(apart_cases.content, path, 2) == b"abcabc"
    first = read_apart(apart_cases.process, path)
    assert first != os.getpid()
    monkeypatch.chdir(path.parent)  # another folder than the one in which the process started
    assert read_apart(apart_cases.content, Path("a.bin")) == b"abc"
    with ThreadPoolExecutor(4) as threads:
        counts = list(threads.map(lambda k: read_apart(apart_cases.content, path, k), range(20)))
    assert counts == [b"abc" * k for k in range(20)]
    assert read_apart(apart_cases.process, path) == first


def test_a_recording_whose_heap_makes_hdf5_loop_is_damaged(tmp_path: Path) -> None:
    """Text is in a heap of objects with sizes; HDF5 adds 16 to this one and goes on by 0 bytes."""
    path = tmp_path / "r.h5"
    small().save(path)
    data = bytearray(path.read_bytes())
    size = data.index(b"GCOL") + 24
    data[size : size + 8] = (2**64 - 16).to_bytes(8, "little")
    data[15:79] = hashlib.sha256(data[512:]).hexdigest().encode()
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"is damaged: .* more than 0\.\d+ s of CPU time") as caught:
        Recording.load(path)
    assert caught.value.where == str(path)
    small().save(path)
    assert Recording.load(path).equals(small())


@pytest.mark.parametrize(
    ("read", "said"),
    [
        (apart_cases.crash, r"is damaged: reading it crashed \(signal 6\)"),
        (apart_cases.leave, "the process that reads it ended with status 7"),
        (apart_cases.hoard, r"is damaged: .* cannot take 1,073,745,124 bytes of memory"),
        (apart_cases.hostile, "holds what cannot be read"),
        (apart_cases.unsendable, "holds what cannot be read"),
    ],
)
def test_what_ends_the_process_is_one_error(
    read: Callable[[Path], object], said: str, path: Path
) -> None:
    with pytest.raises(DataError, match=said) as caught:
        read_apart(read, path)
    assert caught.value.where == str(path)
    assert [one.name for one in path.parent.iterdir()] == ["a.bin"]
    assert read_apart(apart_cases.content, path) == b"abc"


def test_what_waits_for_ever_is_ended(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read_apart(apart_cases.content, path)
    monkeypatch.setattr(_apart, "_PATIENCE", 0.0)
    monkeypatch.setattr(_apart, "_PATIENCE_PER_SECOND", 0.1)
    with pytest.raises(DataError, match="waits for something that does not come"):
        read_apart(apart_cases.wait, path)
    monkeypatch.undo()
    assert read_apart(apart_cases.content, path) == b"abc"


def test_errors_and_warnings_are_those_of_reading(path: Path) -> None:
    with pytest.raises(SpecError, match="has no trials") as caught:
        read_apart(apart_cases.refuse, path)
    assert caught.value.where == f"{path}: table"
    with pytest.raises(KeyError, match="a fault of ours") as fault:
        read_apart(apart_cases.fail, path)
    assert "apart_cases.py" in "".join(fault.value.__notes__)
    with pytest.warns(UserWarning, match="an odd file"):
        assert read_apart(apart_cases.warn, path) == "read"


def test_limits_grow_with_the_file(path: Path) -> None:
    assert limits(path.parent / "absent")[0] < 1
    np.zeros(10**6, dtype=np.uint8).tofile(path)
    assert limits(path) == (pytest.approx(5.8), 2**30 + 1100 * 10**6)


FORKED = """
import os, sys
from pathlib import Path
from scnnbio._apart import read_apart
from tests import apart_cases
path = Path(sys.argv[1])
first = read_apart(apart_cases.process, path)
child = os.fork()
if child == 0:
    other = read_apart(apart_cases.process, path)
    sys.exit(0 if other != first and read_apart(apart_cases.process, path) == other else 1)
assert os.waitpid(child, 0)[1] == 0
assert read_apart(apart_cases.process, path) == first
print(first)
"""


def test_a_fork_has_a_process_of_its_own_and_none_is_left(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", FORKED, str(path)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        cwd=Path(__file__).parents[1],
    )
    assert done.stderr == ""
    assert done.returncode == 0
    with pytest.raises(ProcessLookupError):
        os.kill(int(done.stdout), 0)
