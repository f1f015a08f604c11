"""Digests of the files of a results folder, by which damage and changes are found.

They stand in ``SHA256SUMS``, in the form of the program ``sha256sum``: ``sha256sum --check
SHA256SUMS`` in the folder checks them without scnnbio. A command that writes files of a finished
run anew, such as ``scnnbio figures``, writes their digests anew too.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from scnnbio.errors import DataError, unwritable
from scnnbio.files import write_atomically

DIGESTS = "SHA256SUMS"
#: What killed processes leave, which is not of the results.
_LEFT = re.compile(r"\.kept|\..+\.part")
_LINE = re.compile(r"([0-9a-f]{64})  (?!/)(.+)")
#: Largest file of digests that is read, in bytes: of 100,000 files.
_MOST = 2**24


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def source_digest(folder: Path | None = None) -> str:
    """Digest of scnnbio's source.

    Parameters
    ----------
    folder : Path, optional
        Digest of all files of this folder instead.
    """
    place = folder or Path(__file__).parent
    whole = hashlib.sha256()
    for file in sorted(place.rglob("*" if folder else "*.py")):
        if os.path.isfile(file):
            whole.update(f"{file.relative_to(place).as_posix()} {digest_of(file)}\n".encode())
    return whole.hexdigest()


@functools.cache
def code_digest() -> str:
    """:func:`source_digest` of scnnbio when this process first asked, whatever is edited since."""
    return source_digest()


def files_of(folder: Path) -> Iterator[str]:
    """Files of a results folder, as paths with ``/`` below it, in order; links are files."""
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not _LEFT.fullmatch(name)]
        links = [name for name in folders if (Path(place) / name).is_symlink()]
        at = Path(place).relative_to(folder)
        found += [(at / name).as_posix() for name in (*names, *links) if not _LEFT.fullmatch(name)]
    return iter(sorted(name for name in found if name != DIGESTS))


def write_digests(folder: Path, digests: Mapping[str, str] | None = None) -> None:
    """Write the digests of files of a folder, of all its files by default.

    Raises
    ------
    DataError
        If a file cannot be read, or the digests not written.
    """
    if digests is None:
        digests = {name: digest_of(folder / name) for name in files_of(folder)}
    _write(folder, digests)


def update_digests(folder: Path, written: Iterable[Path]) -> None:
    """Write the digests of some files anew, after these were written.

    A folder without digests, as older versions wrote it, gets none: the rest of it may have
    changed since.
    """
    if (known := read_digests(folder)) is None:
        return
    anew = {path.relative_to(folder).as_posix(): digest_of(path) for path in written}
    _write(folder, {**known, **anew})


def read_digests(folder: Path) -> dict[str, str] | None:
    """Digest of each file, by path below the folder; None if the folder has none.

    Raises
    ------
    DataError
        If they cannot be read, or are damaged.
    """
    path = folder / DIGESTS
    try:
        if not os.path.isfile(path):
            return None
        if path.stat().st_size > _MOST:
            raise DataError("is damaged: it is too large", where=str(path))
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"cannot be read ({error.strerror})", where=str(path)) from None
    except ValueError:
        raise DataError("is damaged: it is not text", where=str(path)) from None
    found = {}
    for number, line in enumerate(lines, start=1):
        known = _LINE.fullmatch(line)
        if known is None or ".." in known[2].split("/"):
            raise DataError(f"is damaged in line {number}", where=str(path))
        found[known[2]] = known[1]
    return found


def _write(folder: Path, digests: Mapping[str, str]) -> None:
    text = "".join(f"{digests[name]}  {name}\n" for name in sorted(digests))
    try:
        write_atomically(text.encode(), folder / DIGESTS)
    except OSError as error:
        raise unwritable(error, folder / DIGESTS) from None
