"""Cache of compiled code, so that each program is compiled once.

The cache is ``$SCNNBIO_CACHE``, or ``scnnbio`` in ``$XDG_CACHE_HOME`` or ``~/.cache``, with a
folder for each backend that compiles. It can be removed at any time. Two processes may build the
same program at the same time: each builds in its own folder, and the first to finish renames its
folder to the final name.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from scnnbio.errors import DataError, ScnnbioError, unwritable

#: Unfinished builds older than this many seconds (a day) are removed.
_MAX_AGE = 86_400.0


def cache_folder(backend: str) -> Path:
    """Folder for the compiled code of a backend."""
    if own := os.environ.get("SCNNBIO_CACHE"):
        return Path(own).expanduser().absolute() / backend
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser().absolute() / "scnnbio" / backend


def check_full_disk(output: str, folder: Path) -> None:
    """Raise if a compiler failed because the disk is full.

    Parameters
    ----------
    output : str
        Output of the compiler that failed.
    folder : Path
        Folder to which it wrote.

    Raises
    ------
    DataError
        If the disk is full.
    """
    full = os.strerror(errno.ENOSPC)
    if full in output:
        raise unwritable(OSError(errno.ENOSPC, full), folder)


@contextlib.contextmanager
def new_folder(parent: Path, what: str) -> Iterator[Path]:
    """A temporary folder to build in, in the same parent folder as the result.

    Parameters
    ----------
    parent : Path
        Created if absent.
    what : str
        What is built, for messages.

    Yields
    ------
    Path
        The folder; removed at the end, unless renamed.

    Raises
    ------
    DataError
        If the folder cannot be created or written.
    """
    try:
        parent.mkdir(parents=True, exist_ok=True)
        _remove_unfinished(parent)
        work = Path(tempfile.mkdtemp(prefix="building-", dir=parent))
    except OSError as error:
        raise DataError(
            f"the cache of compiled code cannot be written ({error.strerror}); set SCNNBIO_CACHE"
            " to a folder that can be written",
            where=str(parent),
        ) from error
    try:
        yield work
    except OSError as error:
        if isinstance(error, ScnnbioError):
            raise
        raise DataError(
            f"building {what} failed ({error.strerror}); free some space, or set SCNNBIO_CACHE to"
            " another folder",
            where=str(work),
        ) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _remove_unfinished(parent: Path) -> None:
    """Remove old builds of killed processes; recent ones may belong to a running process."""
    for folder in parent.glob("building-*"):
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime > _MAX_AGE:
                shutil.rmtree(folder, ignore_errors=True)


def digest_of(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def publish(work: Path, home: Path) -> None:
    """Rename a finished folder; if another process was first, use that one's folder."""
    try:
        work.rename(home)
    except OSError:
        if not home.is_dir():
            raise
