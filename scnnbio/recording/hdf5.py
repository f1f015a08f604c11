"""Trees of arrays in HDF5 files, written whole or not at all.

A tree is a mapping from names to subtrees, arrays and plain values: a subtree becomes a group, an
array a dataset, and a plain value (text, a number, a tuple of integers) an attribute.
"""

from __future__ import annotations

import hashlib
import io
import math
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from scnnbio._apart import read_apart
from scnnbio.errors import DataError, unwritable
from scnnbio.files import atomic_draft, check_folder, check_readable

if TYPE_CHECKING:
    import h5py

#: Size of the HDF5 user block at the beginning of a file. It holds a checksum, which is verified
#: first, since the HDF5 library may loop forever on a damaged file.
_BLOCK = 512
_MARK = b"scnnbio sha256 "

#: Below this many elements a dataset is stored as it is; chunks and filters would cost more.
_COMPRESS_FROM = 4096

Tree = Mapping[str, Any]

#: Bytes that one byte of a file can unpack to by gzip, and by other compressions.
_MOST_GROWTH, _MOST_GROWTH_OF_OTHERS = 1032, 100_000
#: Bytes of an array that is never too large.
_ALWAYS = 2**20


def write_tree(path: str | os.PathLike[str], tree: Tree, *, kind: str, version: int) -> None:
    """Write ``tree`` to ``path``, replacing an existing file only once all is written.

    Parameters
    ----------
    path : path
        The file to make.
    tree : mapping
        Subtrees, arrays and plain values by name.
    kind : str
        What the file holds; checked on reading.
    version : int
        Version of the layout; checked on reading.

    Raises
    ------
    DataError
        If the folder does not exist or the file cannot be written.
    """
    with new_file(path, _sign, _BLOCK) as file:
        file.attrs["kind"] = kind
        file.attrs["version"] = version
        _write_group(file, tree)


@contextmanager
def new_file(
    path: str | os.PathLike[str],
    finish: Callable[[Path], None] = lambda draft: None,
    block: int = 0,
) -> Iterator[h5py.File]:
    """An HDF5 file to be filled, which replaces an existing one only once all is written.

    Parameters
    ----------
    path : path
    finish : callable
        Called with the path of the draft, when it is closed.
    block : int
        Size of the user block at the beginning of the file.

    Raises
    ------
    DataError
        If the folder does not exist or the file cannot be written.
    """
    import h5py

    target = Path(path)
    check_folder(target)
    try:
        with atomic_draft(target) as partial:
            with (
                _ErrorDeferringFile(partial) as raw,
                h5py.File(raw, "w", userblock_size=block) as file,
            ):
                yield file
            if raw.error is not None:
                raise raw.error
            finish(partial)
    except OSError as error:
        raise unwritable(error, target) from None


def _sign(draft: Path) -> None:
    """Write the checksum of a file into its user block."""
    with draft.open("r+b") as block:
        block.write(_MARK + _digest(draft))


def read_tree(path: str | os.PathLike[str], *, kind: str, version: int) -> dict[str, Any]:
    """Tree that :func:`write_tree` wrote to ``path``.

    Raises
    ------
    DataError
        If the file is missing or a folder, may not be read, is open for writing, not HDF5,
        truncated or damaged, of another kind, or of a version that this one cannot read.
    """
    source = Path(path)
    check_readable(source)
    return read_apart(_read_tree, source, kind, version)


def _read_tree(source: Path, kind: str, version: int) -> dict[str, Any]:
    """:func:`read_tree`, in a process of its own."""
    import h5py

    where = str(source)
    try:
        _check_digest(source)
        with h5py.File(source, "r") as file:
            _check_header(file, kind, version, where)
            check_sizes(file)
            return _read_group(file)
    except (OSError, KeyError, RuntimeError, ValueError) as error:
        if _is_being_written(source):
            what = "is open for writing elsewhere; close it there first"
        elif isinstance(error, DataError):
            raise
        else:
            what = _fault(source, str(error))
        raise DataError(what, where=where) from None


def check_sizes(file: h5py.File) -> None:
    """Raise a ValueError if an array claims more than can have been compressed into the file.

    An array that is divided into chunks takes no room for chunks that were never written, so that
    a file of a few kilobytes can claim terabytes.
    """
    import h5py

    def check(name: str, item: object) -> None:
        if not isinstance(item, h5py.Dataset) or item.shape is None:
            return
        try:
            compression = item.compression
        except (IndexError, TypeError, KeyError):  # h5py trusts the options of a filter
            raise ValueError(f"the compression of {name!r} is damaged") from None
        most = _MOST_GROWTH if compression in (None, "gzip", "lzf") else _MOST_GROWTH_OF_OTHERS
        # In Python's integers, which do not overflow.
        size = math.prod(map(int, item.shape)) * item.dtype.itemsize
        if size > most * item.id.get_storage_size() + _ALWAYS:
            raise ValueError(f"{name!r} claims {size:,} bytes, which the file does not hold")

    file.visititems(check)


def _is_being_written(path: Path) -> bool:
    """Whether any process holds the lock that HDF5 takes for writing."""
    try:
        import fcntl
    except ImportError:  # Windows, where opening such a file fails by itself
        return False
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks
        return False
    return False


def _fault(path: Path, said: str) -> str:
    """Message for a file that HDF5 cannot read."""
    said = " ".join(said.split())
    if path.stat().st_size == 0:
        return "is empty; create it again"
    if not _has_signature(path):
        return "is not an HDF5 file; name one that scnnbio wrote"
    if "truncated" in said:
        return f"is truncated, or still being copied; copy it or create it again ({said})"
    return f"is damaged; create it again ({said})"


class _ErrorDeferringFile(io.FileIO):
    """A file that keeps the first write error instead of raising it.

    The HDF5 library does not survive a write error: it retries when Python exits, and crashes the
    process.
    """

    def __init__(self, path: Path) -> None:
        self.error: OSError | None = None
        super().__init__(path, "w+")

    def write(self, data: Any) -> int:
        """Write all data; after the first error, discard it."""
        rest = memoryview(data)
        try:
            while self.error is None and len(rest):
                rest = rest[super().write(rest) :]
        except OSError as error:
            self.error = error
        return len(data)

    def truncate(self, size: int | None = None) -> int:
        """Set the length; an error is kept."""
        try:
            return super().truncate(size)
        except OSError as error:
            self.error = self.error or error
            return self.tell() if size is None else size


def _check_header(file: h5py.File, kind: str, version: int, where: str) -> None:
    found = file.attrs.get("kind")
    if found != kind:
        other = "; scnnbio.recording.read_sonata reads a spike file of SONATA"
        raise DataError(
            f"is HDF5, but not a {kind} of scnnbio{other if 'spikes' in file else ''}", where=where
        )
    if int(file.attrs.get("version", -1)) != version:
        raise DataError(
            f"has format version {file.attrs.get('version')}, but this scnnbio reads version"
            f" {version}; use the scnnbio that wrote it",
            where=where,
        )


def _write_group(group: h5py.Group, tree: Tree) -> None:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            _write_group(group.create_group(name), value)
        elif isinstance(value, np.ndarray):
            _write_array(group, name, value)
        else:
            group.attrs[name] = value


def _write_array(group: h5py.Group, name: str, values: np.ndarray) -> None:
    import h5py

    if values.dtype.kind == "U":
        group.create_dataset(name, data=values.astype(object), dtype=h5py.string_dtype("utf-8"))
    elif values.size >= _COMPRESS_FROM:
        group.create_dataset(
            name, data=values, compression="gzip", compression_opts=1, shuffle=True
        )
    else:
        group.create_dataset(name, data=values)


def members(group: h5py.Group) -> Iterator[tuple[str, h5py.Group | h5py.Dataset]]:
    """Groups and arrays of a group, by name.

    Raises
    ------
    KeyError
        If a link leads nowhere, or a member is neither.
    """
    import h5py

    for name, item in group.items():
        if item is None:
            raise KeyError(f"the link {name!r} leads nowhere")
        if not isinstance(item, h5py.Group | h5py.Dataset):
            raise KeyError(f"{name!r} is neither a group nor an array")
        yield name, item


def _read_group(group: h5py.Group) -> dict[str, Any]:
    import h5py

    tree: dict[str, Any] = {
        name: _read_attribute(value)
        for name, value in group.attrs.items()
        if not (group.parent == group and name in ("kind", "version"))
    }
    for name, item in members(group):
        tree[name] = _read_group(item) if isinstance(item, h5py.Group) else _read_array(item)
    return tree


def _read_array(dataset: h5py.Dataset) -> np.ndarray:
    import h5py

    if h5py.check_string_dtype(dataset.dtype) is not None:
        return np.asarray(dataset.asstr()[...].tolist(), dtype=np.str_)
    if dataset.shape is None:
        raise KeyError(f"{dataset.name} holds no array")
    values = np.asarray(dataset[...])
    values.setflags(write=False)  # not shared, so that a recording need not copy it
    return values


def _read_attribute(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return tuple(value.tolist())
    return value.item() if isinstance(value, np.generic) else value


def _digest(path: Path) -> bytes:
    """Hexadecimal SHA-256 of what follows the user block."""
    with path.open("rb") as file:
        file.seek(_BLOCK)
        return hashlib.file_digest(file, "sha256").hexdigest().encode()


def _check_digest(path: Path) -> None:
    with path.open("rb") as file:
        block = file.read(_BLOCK)
    if not block.startswith(_MARK):
        return  # another program wrote it, without a checksum
    if block[len(_MARK) : len(_MARK) + 64] != _digest(path):
        raise DataError(
            "is truncated or damaged, or another program changed it: its checksum is not the one it"
            " was written with; create it again",
            where=str(path),
        )


def _has_signature(path: Path) -> bool:
    """Whether the HDF5 signature is at the beginning of the file, or after a user block."""
    size, place = path.stat().st_size, 0
    with path.open("rb") as file:
        while place < size:
            file.seek(place)
            if file.read(8) == b"\x89HDF\r\n\x1a\n":
                return True
            place = max(2 * place, 512)
    return False
