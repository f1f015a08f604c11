"""A lock between processes, released by the system however the process that holds it ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from scnnbio.errors import DataError, unwritable


class InUse(DataError):
    """Another process holds the lock."""


@contextlib.contextmanager
def locked(path: Path, wait: float = 0.0) -> Iterator[int]:
    """Hold a lock on a file.

    Parameters
    ----------
    path : Path
        Created if absent; its folder must exist.
    wait : float
        Seconds to wait for another process that holds it.

    Yields
    ------
    int
        The file's descriptor. A process that inherits it holds the lock as well, until it ends.

    Raises
    ------
    InUse
        If another process holds the lock.
    DataError
        If the file cannot be created.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise unwritable(error, path) from error
    try:
        _wait_for(descriptor, path, time.monotonic() + wait)
        yield descriptor
    finally:
        # Closed and not unlocked, since a child process may still hold the lock.
        os.close(descriptor)


def _wait_for(descriptor: int, path: Path, until: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() < until:
                time.sleep(0.05)
                continue
            raise InUse(
                "another process is using this folder; wait until it has ended",
                where=str(path.parent),
            ) from None
        return
