"""Arrays in npy and npz files of numpy, read without running code from them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from scnnbio.archives import arrays_of
from scnnbio.errors import DataError
from scnnbio.files import no_device
from scnnbio.stimuli.base import FileRead

#: Name of the array of values in an npz file; other arrays are columns of the trial table.
_VALUES = "values"
#: Largest unpacked size in bytes; a larger file is damaged or unsuitable.
_MOST_BYTES = 2**34


def read_values(path: str | Path) -> tuple[NDArray[Any], dict[str, NDArray[Any]], FileRead]:
    """Read values from an npy file, or from an npz file with columns of a trial table.

    Parameters
    ----------
    path : str or Path
        An npz file holds the array ``values``; every other array in it is a column.

    Returns
    -------
    values : numpy.ndarray
    columns : dict of str to numpy.ndarray
    file : FileRead
        The path, and the SHA-256 of the file's bytes.

    Raises
    ------
    DataError
        If the file cannot be read, has another format, contains Python objects, or lacks
        ``values``.
    """
    where = str(Path(path).absolute())
    try:
        content = no_device(Path(path)).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"cannot be read: {reason}", where=where) from None
    try:
        arrays = arrays_of(content, _MOST_BYTES)
    except ValueError as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(
            f"is not an npy or npz file of numbers ({reason}); write it by numpy.save or"
            " numpy.savez, without Python objects",
            where=where,
        ) from None
    if "" in arrays:
        arrays = {_VALUES: arrays[""]}
    if _VALUES not in arrays:
        raise DataError(
            f"holds no array {_VALUES!r}; write it by numpy.savez(path, {_VALUES}=...)", where=where
        )
    values = arrays.pop(_VALUES)
    return values, arrays, FileRead(where, hashlib.sha256(content).hexdigest())
