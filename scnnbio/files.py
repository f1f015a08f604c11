"""One file per value: its canonical form, its arrays and its provenance.

The file is a zip archive. ``scnnbio.json`` holds the canonical form, in which each array is
replaced by the name of a member of the archive; each such member is an array in numpy's own format,
so that ``numpy.load`` opens the file too. Reading a file runs only the constructors of value
classes, which check their arguments.
"""

from __future__ import annotations

import contextlib
import errno
import glob
import io
import json
import os
import platform
import re
import stat
import time
import zipfile
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from scnnbio.archives import array_of
from scnnbio.errors import DataError, SpecError, unwritable
from scnnbio.values import VERSION, Value, canonical, class_name, restored, same

V = TypeVar("V", bound=Value)

#: numpy's reader and writer of arrays, which has no type annotations.
_NPY: Any = np.lib.format

_HEAD = "scnnbio.json"
#: Files are compressed up to this many bytes. A file that unpacks to more, and to more than its own
#: size, was not written here: it may be a zip bomb.
_MAX_COMPRESSED = 2**30
#: Growth of an uncompressed file on unpacking that is allowed, for names and headers.
_MAX_GROWTH = 1.1
#: Seconds after which a draft that no process of this machine writes is left over.
_LONG_AGO = 3600.0
#: First bytes of other kinds of files, and their names.
_FOREIGN = {
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "a single array",
    b"\x80": "a pickle, which is not read",
}


def save(
    value: Value, path: str | os.PathLike[str], about: Mapping[str, object] | None = None
) -> None:
    """Write a value to one file, completely or not at all.

    Parameters
    ----------
    value : Value
    path : path
    about : mapping, optional
        Provenance of the value, as plain values; see :func:`provenance`.

    Raises
    ------
    SpecError
        If the value cannot be restored from its form, because part of it is of a class that is not
        a :class:`~scnnbio.values.Value` or that refuses its own canonical fields.
    DataError
        If the file cannot be written.
    """
    form = canonical(value)
    again = restored(form)  # raises here any error that a reader would get
    if type(again) is not type(value) or not same(canonical(again), form):
        raise SpecError(f"this {type(value).__name__} cannot be restored from its canonical form")
    arrays: dict[str, np.ndarray] = {}
    head = {
        "format": "scnnbio",
        "version": VERSION,
        "kind": class_name(type(value)),
        "content": _without_arrays(form, arrays, ()),
        "made_by": {
            "scnnbio": version("scnnbio"),
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        "provenance": _without_arrays(canonical(about or {}), arrays, ("provenance",)),
    }
    check_folder(Path(path))
    try:
        with atomic_draft(Path(path)) as draft:
            _write(draft, json.dumps(head, indent=1).encode(), arrays)
    except OSError as error:
        raise unwritable(error, path) from None


def load(path: str | os.PathLike[str], kind: type[V]) -> V:
    """Read the value that :func:`save` wrote.

    Parameters
    ----------
    path : path
    kind : type
        Expected class.

    Returns
    -------
    instance of ``kind``

    Raises
    ------
    DataError
        If the file is missing, truncated, damaged, too large when unpacked, written by another
        program or a newer version of scnnbio, or holds another class.
    """
    with _opened(Path(path)) as (archive, head):
        if head["kind"] != class_name(kind):
            raise DataError(f"holds a {head['kind']}, not a {kind.__name__}", where=str(path))
        form = _with_arrays(head["content"], archive)
    try:
        value = restored(form)
    except (SpecError, RecursionError) as error:
        raise DataError(f"is damaged, or of another version ({error})", where=str(path)) from None
    if not isinstance(value, kind):
        raise DataError(f"does not hold the {kind.__name__} that it names", where=str(path))
    return value


def provenance(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Provenance of the value in a file, and the versions that wrote the file.

    Parameters
    ----------
    path : path

    Returns
    -------
    dict
        ``made_by`` (versions of scnnbio, numpy and Python) and the argument ``about`` of
        :func:`save`.

    Raises
    ------
    DataError
        As :func:`load`.
    """
    with _opened(Path(path)) as (archive, head):
        given = _with_arrays(head.get("provenance", {}), archive)
        return {"made_by": head.get("made_by", {}), **restored(given)}


@contextlib.contextmanager
def atomic_draft(path: Path) -> Iterator[Path]:
    """A draft file that replaces ``path`` if the block ends without an error.

    If the process dies at any moment, the old file stays, and no partial one.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    # In the same folder, so that the rename stays within one file system and is atomic.
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    _remove_parts(path)
    try:
        yield draft
        os.replace(draft, path)
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)


def _remove_parts(path: Path) -> None:
    """Remove drafts of a file that killed processes of this machine left long ago."""
    for draft in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        number = draft.name.removesuffix(".part").rpartition(".")[2]
        with contextlib.suppress(OSError, ValueError, OverflowError):
            # Another machine may be writing it in a folder that both see.
            if abs(time.time() - draft.stat().st_mtime) > _LONG_AGO:
                try:
                    os.kill(int(number), 0)
                except ProcessLookupError:
                    draft.unlink(missing_ok=True)


def write_atomically(content: bytes, path: Path) -> None:
    """Write a file, completely or not at all.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    with atomic_draft(path) as draft:
        draft.write_bytes(content)


def check_folder(path: Path) -> None:
    """Raise a DataError unless a file can have this name, and the folder for it exists."""
    if "\0" in path.name:
        raise DataError("a name cannot contain a NUL", where=repr(path.name))
    if not os.path.isdir(path.parent):
        raise DataError("the folder does not exist; make it first", where=str(path.parent))


def foreign_kind(content: bytes) -> str:
    """Kind of a file that cannot hold a value, from its first bytes; otherwise ``""``."""
    if not content:
        return "empty"
    return next((kind for mark, kind in _FOREIGN.items() if content.startswith(mark)), "")


def _without_arrays(form: Any, arrays: dict[str, np.ndarray], place: tuple[str, ...]) -> Any:
    """The form with names in place of arrays, which are added to ``arrays``."""
    if isinstance(form, dict):
        return {key: _without_arrays(v, arrays, (*place, key)) for key, v in form.items()}
    if isinstance(form, list):
        named = enumerate(form)
        return [_without_arrays(v, arrays, (*place, _label(v, k))) for k, v in named]
    if not isinstance(form, np.ndarray):
        return form
    name = "/".join(re.sub(r"[^\w.-]+", "_", part)[:80] for part in place)
    while name in arrays:
        name += "_"
    arrays[name] = form
    return {"class": "array", "member": name}


def _label(form: Any, index: int) -> str:
    """The name of an item that has one, as a projection has; otherwise its index."""
    name = form.get("name") if isinstance(form, dict) else None
    return name if isinstance(name, str) and name else str(index)


def _with_arrays(form: Any, archive: zipfile.ZipFile) -> Any:
    """The form with names replaced by arrays."""
    if isinstance(form, list):
        return [_with_arrays(item, archive) for item in form]
    if not isinstance(form, dict):
        return form
    if form.get("class") == "array":
        return _array(_content(archive, f"{form['member']}.npy"))
    return {key: _with_arrays(item, archive) for key, item in form.items()}


def _write(path: Path, head: bytes, arrays: Mapping[str, np.ndarray]) -> None:
    size = len(head) + sum(array.nbytes + 2**10 for array in arrays.values())
    packing = zipfile.ZIP_DEFLATED if size < _MAX_COMPRESSED else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(_member(_HEAD, packing), head, compresslevel=1)
        for name, array in arrays.items():
            member, plain = _member(f"{name}.npy", packing), np.asarray(array, order="C")
            if packing == zipfile.ZIP_STORED:  # may be large: written without a copy in memory
                with archive.open(member, "w", force_zip64=True) as file:
                    _NPY.write_array(file, plain, allow_pickle=False)
                continue
            content = io.BytesIO()
            _NPY.write_array(content, plain, allow_pickle=False)
            archive.writestr(member, content.getbuffer(), compresslevel=1)


def _member(name: str, packing: int) -> zipfile.ZipInfo:
    """An archive member without a date, so that equal values give equal files."""
    member = zipfile.ZipInfo(name)
    member.compress_type, member.external_attr = packing, 0o644 << 16
    return member


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tuple[zipfile.ZipFile, dict[str, Any]]]:
    """The archive and its head; any error becomes a DataError."""
    check_readable(path)
    try:
        with path.open("rb") as file:
            kind = foreign_kind(file.read(8))
        if kind:
            raise DataError(f"is {kind}, not a file that scnnbio saved", where=str(path))
        with zipfile.ZipFile(path) as archive:
            _check_size(archive, path)
            yield archive, _head(archive, path)
    except DataError:
        raise
    # A damaged archive may raise any error of zipfile, zlib, json and numpy.
    except Exception as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise DataError(
            f"is truncated or damaged, or not a file that scnnbio saved ({said}); create it again",
            where=str(path),
        ) from None


def _check_size(archive: zipfile.ZipFile, path: Path) -> None:
    size, packed = sum(member.file_size for member in archive.infolist()), path.stat().st_size
    if size > max(_MAX_COMPRESSED, _MAX_GROWTH * packed):
        raise DataError(
            f"has {packed:,} bytes and would unpack to {size:,}, which no file of scnnbio does; use"
            " a file that scnnbio saved",
            where=str(path),
        )


def _content(archive: zipfile.ZipFile, name: str) -> bytes:
    """Content of a member; unpacks at most its declared size, and zipfile checks its checksum."""
    member = archive.getinfo(name)
    with archive.open(member) as file:
        return file.read(member.file_size + 1)


def _head(archive: zipfile.ZipFile, path: Path) -> dict[str, Any]:
    if _HEAD not in archive.namelist():
        raise DataError(
            f"is an archive without {_HEAD}, so scnnbio did not save it", where=str(path)
        )
    head = json.loads(_content(archive, _HEAD))
    if not isinstance(head, dict) or head.get("format") != "scnnbio":
        raise DataError(f"is an archive whose {_HEAD} scnnbio did not write", where=str(path))
    found = head.get("version")
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise DataError("is damaged: it has no version", where=str(path))
    if found > VERSION:
        raise DataError(
            f"has format version {found}, and this scnnbio reads up to version {VERSION}; update"
            " scnnbio",
            where=str(path),
        )
    return head


def _array(content: bytes) -> np.ndarray:
    """An array in numpy's format, read-only."""
    array = array_of(content)
    array.setflags(write=False)
    return array


def no_device(path: Path) -> Path:
    """The path, unless it is of a device, such as ``/dev/zero``, which can be read without end.

    Raises
    ------
    OSError
        If it is one.
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return path  # opening it raises the error
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        raise OSError(errno.EINVAL, "it is a device, not a file")
    return path


def check_readable(path: Path) -> None:
    """Raise unless a file can be read.

    Raises
    ------
    DataError
        If it is missing or a folder, or the system refuses to open it.
    """
    try:
        with no_device(path).open("rb"):
            pass
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: a NUL in the name
        raise DataError("there is no such file", where=str(path)) from None
    except IsADirectoryError:
        raise DataError("is a folder; name a file in it", where=str(path)) from None
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}", where=str(path)) from None
