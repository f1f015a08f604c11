"""Temporary folders that are removed even if the process that made them is killed.

The process locks its folder, and the system releases the lock however the process ends. Whoever
makes the next folder of the same kind removes those that no process holds.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

#: Seconds for which a folder is left alone though no process holds it: a process may be about to
#: lock it, and a program whose parent was killed may take a moment to end.
_GRACE = 60.0
#: Characters that tempfile adds to a prefix.
_RANDOM = 8


@contextlib.contextmanager
def scratch_folder(prefix: str, parent: Path | None = None) -> Iterator[Path]:
    """A temporary folder; those of killed processes are removed first.

    Parameters
    ----------
    prefix : str
        Begin of its name. Folders of this user with the same prefix are of the same kind.
    parent : Path, optional
        The system's folder for temporary files if not given.

    Yields
    ------
    Path
        Removed at the end, unless it was renamed.

    Raises
    ------
    OSError
        If it cannot be created.
    """
    place = Path(tempfile.gettempdir()) if parent is None else parent
    remove_abandoned(prefix, place)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def remove_abandoned(prefix: str, parent: Path) -> None:
    """Remove this user's folders of a kind that no process holds."""
    for folder in parent.glob(f"{prefix}{'?' * _RANDOM}"):
        with contextlib.suppress(OSError):
            _remove_if_abandoned(folder)


def _remove_if_abandoned(folder: Path) -> None:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(folder, flags)
    try:
        found = os.fstat(descriptor)
        # Either way: a clock that was set back leaves folders of the future.
        recent = abs(time.time() - found.st_mtime) < _GRACE
        if found.st_uid != os.geteuid() or recent:
            return
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(descriptor)
