"""Cache of compiled code, so that each program is compiled once.

The cache is ``$SCNNBIO_CACHE``, or ``scnnbio`` in ``$XDG_CACHE_HOME`` or ``~/.cache``, with a
folder for each backend that compiles. It can be removed at any time. Two processes may build the
same program at the same time: each builds in its own folder, and the first to finish renames its
folder to the final name.

Programs from the cache are run, so that it has to be private: its folders belong to the user who
runs them, and only that user can write to them.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from scnnbio.backends._scratch import scratch_folder
from scnnbio.errors import DataError, ScnnbioError, unwritable


def cache_folder(backend: str) -> Path:
    """Folder for the compiled code of a backend, which may not exist yet.

    Raises
    ------
    DataError
        If it exists and is not private; see :func:`check_private`.
    """
    if own := os.environ.get("SCNNBIO_CACHE"):
        folder = Path(own).expanduser().absolute() / backend
    else:
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
        folder = Path(base).expanduser().absolute() / "scnnbio" / backend
    check_private(folder)
    return folder


def check_private(folder: Path) -> None:
    """Raise unless a folder is absent, or only this user can write to it.

    A folder of this user's to which others can write is closed to them; what they had put there is
    not used, see :func:`is_intact`.

    Raises
    ------
    DataError
        If another user owns the folder, or it is not a folder.
    """
    try:
        found = folder.stat()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise DataError(
            f"the cache of compiled code cannot be read ({error.strerror}); set SCNNBIO_CACHE to"
            " another folder",
            where=str(folder),
        ) from None
    if not stat.S_ISDIR(found.st_mode):
        raise DataError(
            "is a file, and the cache of compiled code needs a folder; set SCNNBIO_CACHE to one",
            where=str(folder),
        )
    if found.st_uid != os.geteuid():
        raise DataError(
            "the cache of compiled code belongs to another user, whose programs are not run; set"
            " SCNNBIO_CACHE to a folder of your own",
            where=str(folder),
        )
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        with contextlib.suppress(OSError):
            folder.chmod(stat.S_IRWXU)
            return
        raise DataError(
            "other users can write to the cache of compiled code; set SCNNBIO_CACHE to a folder"
            " that is yours alone",
            where=str(folder),
        )


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

    Folders that killed processes left there are removed.

    Parameters
    ----------
    parent : Path
        Created, for this user alone, if absent.
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
    with contextlib.ExitStack() as stack:
        try:
            parent.mkdir(mode=stat.S_IRWXU, parents=True, exist_ok=True)
            work = stack.enter_context(scratch_folder("build-", parent))
        except OSError as error:
            raise DataError(
                f"the cache of compiled code cannot be written ({error.strerror}); set"
                " SCNNBIO_CACHE to a folder that can be written",
                where=str(parent),
            ) from error
        try:
            yield work
        except OSError as error:
            if isinstance(error, ScnnbioError):
                raise
            raise DataError(
                f"building {what} failed ({error.strerror}); free some space, or set SCNNBIO_CACHE"
                " to another folder",
                where=str(work),
            ) from error


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


def is_intact(file: Path, copy: Path | None = None) -> bool:
    """Whether a file of the cache is there, is this user's, and has the digest of when it was made.

    Parameters
    ----------
    file : Path
        The digest is in a file ``sha256`` beside it.
    copy : Path, optional
        A copy, which has to have that digest instead.

    Raises
    ------
    OSError
        If one of the files is there and cannot be read.
    """
    try:
        owners = {place.stat().st_uid for place in (file.parent, file)}
        said = (file.parent / "sha256").read_text(errors="replace")
        return owners == {os.geteuid()} and digest_of(copy or file) == said
    except FileNotFoundError:
        return False
