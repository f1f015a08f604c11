"""Where compiled code is kept between runs, so that it is compiled once.

The cache is ``$SCNNBIO_CACHE``, or ``scnnbio`` in ``$XDG_CACHE_HOME`` or ``~/.cache``, with a
folder for each backend that compiles. What is in it can be removed at any time. Two processes may
build the same thing at once: each does so in a folder of its own, and the first one to finish gives
its folder the final name.
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

#: Seconds after which nobody builds any more: a day.
_LEFT = 86_400.0


def cache_folder(backend: str) -> Path:
    """Folder in which the compiled code of a backend is kept."""
    if own := os.environ.get("SCNNBIO_CACHE"):
        return Path(own).expanduser().absolute() / backend
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser().absolute() / "scnnbio" / backend


def refuse_full_disk(said: str, folder: Path) -> None:
    """Tell a full disk from a compiler that fails.

    Parameters
    ----------
    said : str
        By the compiler, which has failed.
    folder : Path
        Where it wrote.

    Raises
    ------
    DataError
        If there was no place.
    """
    full = os.strerror(errno.ENOSPC)
    if full in said:
        raise unwritable(OSError(errno.ENOSPC, full), folder)


@contextlib.contextmanager
def new_folder(parent: Path, what: str) -> Iterator[Path]:
    """A folder to build in, beside the place that its result moves to.

    Parameters
    ----------
    parent : Path
        Made if it is not there.
    what : str
        What is built, for messages.

    Yields
    ------
    Path
        Removed at the end, unless it has been moved.

    Raises
    ------
    DataError
        If the folder cannot be made or written.
    """
    try:
        parent.mkdir(parents=True, exist_ok=True)
        _remove_left(parent)
        work = Path(tempfile.mkdtemp(prefix="building-", dir=parent))
    except OSError as error:
        raise DataError(
            f"the cache of compiled code cannot be written ({error.strerror}); set SCNNBIO_CACHE"
            " to a folder that can",
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


def _remove_left(parent: Path) -> None:
    """Remove what a process left that was killed as it built: long ago, so that none is at it."""
    for folder in parent.glob("building-*"):
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime > _LEFT:
                shutil.rmtree(folder, ignore_errors=True)


def digest_of(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def keep(work: Path, home: Path) -> None:
    """Give a finished folder its name; if another process was first, its folder is as good."""
    try:
        work.rename(home)
    except OSError:
        if not home.is_dir():
            raise
