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


def held(path: Path) -> bool:
    """Whether a process holds the lock on a file; asking never keeps another one from taking it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return not _taken(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _taken(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait_for(descriptor: int, path: Path, until: float) -> None:
    while not _taken(descriptor, fcntl.LOCK_EX):
        if _taken(descriptor, fcntl.LOCK_SH):
            # Others only ask, as :func:`held` does, each for a moment.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            time.sleep(0.0005)
        elif time.monotonic() < until:
            time.sleep(0.05)
        else:
            raise InUse(
                "another process is using this folder; wait until it has ended",
                where=str(path.parent),
            )
