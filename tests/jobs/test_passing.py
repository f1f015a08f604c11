"""Values between two processes: equal, writable, and gone with the processes."""

from __future__ import annotations

import multiprocessing
import os
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest

from scnnbio import _passing as passing
from scnnbio._passing import received, send


def echo(messages: Connection) -> None:
    send(messages, received(messages))


def there_and_back(value: object) -> object:
    """The value, after a process has received it and sent it back."""
    context = multiprocessing.get_context("forkserver")
    ours, theirs = context.Pipe()
    process = context.Process(target=echo, args=(theirs,))
    process.start()
    theirs.close()
    send(ours, value)
    found = received(ours)
    ours.close()
    process.join()
    return found


def test_arrays_arrive_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create", raising=False)  # as on other systems, on the way there
    value = {
        "large": np.arange(100_001, dtype=np.int32),
        "turned": np.arange(40_000.0).reshape(200, 200).T,
        "bits": np.arange(70_000) % 3 == 0,
        "small": np.arange(3.0),
        "none": np.empty((0, 4)),
        "words": "text",
    }
    found = there_and_back(value)
    assert isinstance(found, dict)
    assert list(found) == list(value)
    for name, expected in value.items():
        np.testing.assert_array_equal(found[name], expected, strict=name != "words")
    found["large"][:] = 7  # a copy of its own
    assert value["large"][5] == 5
    # In one piece of memory each, aligned as numpy's own.
    assert all(found[name].ctypes.data % 64 == 0 for name in ("large", "turned"))


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passing.tempfile, "tempdir", str(tmp_path))
    monkeypatch.delattr(os, "memfd_create", raising=False)
    files = Path("/proc/self/fd") if Path("/proc/self/fd").is_dir() else Path("/dev/fd")
    ours, theirs = multiprocessing.Pipe()
    before = len(list(files.iterdir()))
    for _ in range(3):
        send(ours, np.zeros(10**5))
        assert received(theirs).sum() == 0
    assert list(tmp_path.iterdir()) == []
    assert len(list(files.iterdir())) <= before


def test_a_process_that_ended_is_an_end() -> None:
    ours, theirs = multiprocessing.Pipe()
    theirs.close()
    with pytest.raises(EOFError):
        received(ours)
