"""Patches of photographs, each from a random place, at a random angle and magnification."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple, final

import numpy as np

from scnnbio.errors import DataError, SpecError
from scnnbio.stimuli.base import Files, Stimulus, check_request, count, positive, sequence
from scnnbio.stimuli.pictures import Library, load_photographs
from scnnbio.units import Milliseconds, Number, plain

#: Standard deviation of the white-noise control: the median of the bundled photographs'.
NOISE_CONTRAST = 0.5

_MAX_DRAWS = 100


@final
@dataclass(frozen=True)
class Photographs(Stimulus):
    """Static patches of photographs, a new random one in each trial.

    Parameters
    ----------
    images : str
        ``"bundled"``: seven photographs that come with scikit-learn and scikit-image.
        ``"white-noise"``: the control; an endless picture whose pixels are independent and
        Gaussian, a new one in each trial, which then passes the same processing, rotation and
        interpolation included.
        Anything else: path of a folder with photographs (png, jpg, tif, bmp), which are taken in
        the order of their names. Hidden files, folders and files of other kinds are skipped, with
        a warning; :attr:`files` lists them.
    n_trials : int
        Number of trials, each with its own patch.
    duration : float
        Of a trial (ms).
    rotate : bool
        Turn each patch by a random angle, uniform over 360 deg. Photographs hold more horizontal
        and vertical than oblique contours; rotation removes that bias.
    zoom : tuple of float
        Smallest and largest magnification, each at least 1; each trial draws one uniformly. At zoom
        z a pixel of the patch spans 1/z pixels of the (reduced) photograph. Below 1, samples
        would be further apart than pixels, and fine detail would alias: use ``reduce`` there.
    reduce : int
        Photographs are first reduced by averaging blocks of ``reduce`` x ``reduce`` pixels.
    min_contrast : float
        From 0 to below 1. A patch whose standard deviation is less than this fraction of its
        photograph's is drawn again, up to 100 times; then the best of them is used.

    Raises
    ------
    SpecError
        If a value is out of range.

    Notes
    -----
    Colour becomes grey with the luminance weights of ITU-R BT.709 (0.2125, 0.7154, 0.0721). The
    stored, gamma-encoded values are taken as they are: the encoding is compressive, and so are
    photoreceptors. Photographs are turned as their EXIF orientation says, as a viewer does. Each
    is expressed in units of contrast, the difference from its mean grey divided by its mean grey.
    That is meaningful only for luminances: a picture with pixels below 0, such as a whitened one,
    is refused, and so are files that cannot be read exactly as stored (transparent pixels, several
    pictures in a file, colours of 16 bits, deep pixels of which 0 is white). Photographs are chosen
    with a probability proportional to their area, and patches lie wholly inside at every angle.
    Sampling is bilinear.
    """

    paths: ClassVar[tuple[str, ...]] = ("images",)
    no_paths: ClassVar[tuple[str, ...]] = ("bundled", "white-noise")

    images: str = "bundled"
    n_trials: int = 1000
    duration: Milliseconds = 50.0
    rotate: bool = True
    zoom: tuple[Number, Number] = (1.0, 1.0)
    reduce: int = 1
    min_contrast: Number = 0.0
    kind: Literal["photographs"] = field(default="photographs", kw_only=True)

    def __post_init__(self) -> None:
        where = "stimulus"
        clean: dict[str, Any] = {
            "images": absolute(str(self.images), self.no_paths),
            "n_trials": count(self.n_trials, f"{where}.n_trials"),
            "duration": positive(self.duration, "ms", f"{where}.duration"),
            "zoom": _zoom(self.zoom, f"{where}.zoom"),
            "reduce": count(self.reduce, f"{where}.reduce"),
            "min_contrast": plain(self.min_contrast, "1", where=f"{where}.min_contrast"),
        }
        for name, value in clean.items():
            object.__setattr__(self, name, value)
        if not self.images:
            raise SpecError(
                "no images; write 'bundled', 'white-noise' or a folder", where=f"{where}.images"
            )
        if not isinstance(self.rotate, bool):
            raise SpecError(f"{self.rotate!r} is not true or false", where=f"{where}.rotate")
        if not 0 <= self.min_contrast < 1:
            raise SpecError(
                f"{self.min_contrast:g} would refuse most patches; write a fraction from 0 to "
                "below 1",
                where=f"{where}.min_contrast",
            )

    def frames(self, trial: int, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
        """One frame: (1, rows, columns). See :meth:`Stimulus.frames`.

        Raises
        ------
        DataError
            If the folder or a file in it cannot be used, or a photograph is too small for a patch
            of this shape.
        """
        check_request(self, trial, shape)
        half = _half_extent(shape, self.rotate)
        library = None if self.images == "white-noise" else self._library
        if library is not None:
            self._check_size(library, half)
        best, best_contrast = np.empty(0), -1.0
        for _ in range(_MAX_DRAWS):
            patch, whole = self._drawn(shape, half, library, rng)
            if self.min_contrast == 0:
                return patch[np.newaxis]
            contrast = float(patch.std()) / whole
            if contrast > best_contrast:
                best, best_contrast = patch, contrast
            if contrast >= self.min_contrast:
                break
        return best[np.newaxis]

    def _drawn(
        self,
        shape: tuple[int, int],
        half: tuple[float, float],
        library: Library | None,
        rng: np.random.Generator,
    ) -> tuple[np.ndarray, float]:
        """A patch, and the standard deviation of its picture."""
        image, patch, whole = self._chosen(half, library, rng)
        row, column, angle, zoom = patch
        return sample_patch(image, shape, (row, column), angle, zoom), whole

    def _chosen(
        self, half: tuple[float, float], library: Library | None, rng: np.random.Generator
    ) -> tuple[np.ndarray, _Patch, float]:
        """A picture, a patch of it, and the standard deviation of the picture."""
        # Numbers drawn together are those that one call after another draws, and faster.
        chances = rng.random(3 - (library is None) - (not self.rotate)).tolist()
        angle = 360.0 * chances.pop() if self.rotate else 0.0
        zoom = _between(*self.zoom, chances.pop())
        first = [h / zoom for h in half]
        if library is None:
            # All places of an endless picture are equivalent: draw a piece, and the subpixel
            # offset.
            whole = NOISE_CONTRAST / self.reduce
            image = whole * rng.standard_normal([math.ceil(2 * h) + 2 for h in first])
            last = [h + 1.0 for h in first]
        else:
            image, whole = library.choose(chances.pop())
            last = [n - 1 - h for h, n in zip(first, image.shape, strict=True)]
        row, column = map(_between, first, last, rng.random(2).tolist())
        return image, _Patch(row, column, angle, zoom), whole

    def pictures(
        self, trials: Sequence[int], shape: tuple[int, int], rngs: Sequence[np.random.Generator]
    ) -> np.ndarray | None:
        """Patches of several trials. See :meth:`Stimulus.pictures`.

        Without patches that are drawn again.
        """
        if self.min_contrast > 0:
            return None
        half = _half_extent(shape, self.rotate)
        library = None if self.images == "white-noise" else self._library
        if library is not None:
            self._check_size(library, half)
        # Patches of one photograph are sampled together, and so are pieces of noise of one size.
        of: dict[Any, list[tuple[int, np.ndarray, _Patch]]] = {}
        for i, (trial, rng) in enumerate(zip(trials, rngs, strict=True)):
            check_request(self, trial, shape)
            image, patch, _ = self._chosen(half, library, rng)
            key = image.shape if library is None else id(image)
            of.setdefault(key, []).append((i, image, patch))
        found = np.empty((len(trials), *shape))
        for ours in of.values():
            places, images, patches = zip(*ours, strict=True)
            whole = np.stack(images) if library is None else images[0]
            found[list(places)] = sample_patches(whole, shape, patches)
        return found

    @cached_property
    def _library(self) -> Library:
        """The photographs as first read, so that they do not change during a run."""
        return load_photographs(self.images, self.reduce)

    def __getstate__(self) -> dict[str, Any]:
        """Only the parameters: a copy reads the photographs again."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @property
    def files(self) -> Files:
        """The photographs with their digests, and the skipped files of their folder.

        Raises
        ------
        DataError
            As for :meth:`frames`.
        """
        return Files() if self.images == "white-noise" else self._library.files

    def _check_size(self, library: Library, half: tuple[float, float]) -> None:
        need = tuple(math.ceil(2 * h / self.zoom[0]) + 1 for h in half)
        for name, image in zip(library.names, library.images, strict=True):
            if image.shape[0] < need[0] or image.shape[1] < need[1]:
                raise DataError(
                    f"{image.shape[0]}x{image.shape[1]} pixels are too few for a patch that needs "
                    f"{need[0]}x{need[1]}; use larger photographs, a smaller reduce "
                    f"(now {self.reduce}) or a greater zoom",
                    where=name,
                )

    def table(self) -> dict[str, np.ndarray]:
        """No columns: trials differ only by chance."""
        return {}


def absolute(images: str, words: tuple[str, ...]) -> str:
    """Absolute path of a folder, so that a stimulus does not depend on the working folder."""
    return images if not images or images in words else str(Path(images).expanduser().absolute())


def _between(low: float, high: float, chance: float) -> float:
    """A number from low to high at a chance from 0 to 1, as ``Generator.uniform`` computes it."""
    return low + (high - low) * chance


class _Patch(NamedTuple):
    """Place of a patch in its picture."""

    #: Row and column of the picture that the middle of the patch falls on.
    row: float
    column: float
    #: Counter-clockwise rotation of the picture in the patch (deg).
    angle: float
    #: Pixels of the patch per pixel of the picture.
    zoom: float


def sample_patch(
    image: np.ndarray,
    shape: tuple[int, int],
    center: tuple[float, float],
    angle: float,
    zoom: float,
) -> np.ndarray:
    """Bilinear samples of an image on a turned and magnified grid.

    Parameters
    ----------
    image : numpy.ndarray
        (rows, columns), float64.
    shape : tuple of int
        Rows and columns of the patch.
    center : tuple of float
        Row and column of the image that the middle of the patch falls on.
    angle : float
        Counter-clockwise rotation of the picture in the patch (deg).
    zoom : float
        Pixels of the patch per pixel of the image.

    Returns
    -------
    numpy.ndarray
        The patch, of ``shape``.
    """
    return sample_patches(image, shape, [_Patch(*center, angle, zoom)])[0]


def sample_patches(
    image: np.ndarray, shape: tuple[int, int], patches: Sequence[_Patch]
) -> np.ndarray:
    """Several patches, as :func:`sample_patch` gives each: (patches, rows, columns).

    They are of one image, (rows, columns), or each of its own, (patches, rows, columns).
    """
    row, column, _, zoom = (np.array(v)[:, None, None] for v in zip(*patches, strict=True))
    turns = [math.radians(patch.angle) for patch in patches]
    cos = np.array([math.cos(turn) for turn in turns])[:, None, None] / zoom
    sin = np.array([math.sin(turn) for turn in turns])[:, None, None] / zoom
    down = (np.arange(shape[0]) - (shape[0] - 1) / 2)[:, np.newaxis]
    right = np.arange(shape[1]) - (shape[1] - 1) / 2
    return _bilinear(image, row + cos * down + sin * right, column - sin * down + cos * right)


def _bilinear(image: np.ndarray, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Bilinear samples at places inside an image; rows and columns are changed.

    With several images, the first axis of the places is that of the images.

    They are those of :func:`scipy.ndimage.map_coordinates` of order 1, which takes three times as
    long because it looks after each border.
    """
    rows, columns = image.shape[-2:]
    above, left = _below(row, rows), _below(column, columns)
    row -= above
    column -= left
    above *= columns
    above += left
    place = above.astype(np.intp)
    if image.ndim > 2:
        place += (np.arange(len(image)) * (rows * columns))[:, np.newaxis, np.newaxis]
    flat, next_row, next_column = image.ravel(), columns * (rows > 1), int(columns > 1)
    found: np.ndarray = np.zeros(row.shape)
    # The place is in whole numbers now, so that its array is free.
    part = above
    for down, of_row in ((0, 1.0 - row), (next_row, row)):
        for right, of_column in ((0, 1.0 - column), (next_column, column)):
            # A place is inside, so that "clip", which checks nothing, changes nothing.
            flat[down + right :].take(place, out=part, mode="clip")
            part *= of_row
            part *= of_column
            found += part
    return found


def _below(places: np.ndarray, number: int) -> np.ndarray:
    """The pixel at or before each place, of which another follows.

    Callers stay inside. Places that do not are cut, in place, which guards against rounding at the
    outermost pixel.
    """
    if not (places.min() >= 0.0 and places.max() < number - 1.0):
        np.maximum(places, 0.0, out=places)
        np.minimum(places, number - 1.0, out=places)
        return np.minimum(np.floor(places), max(number - 2.0, 0.0))
    return np.floor(places)


def _half_extent(shape: tuple[int, int], rotate: bool) -> tuple[float, float]:
    """Half of the largest extent of a patch, in rows and columns at zoom 1."""
    rows, columns = (shape[0] - 1) / 2, (shape[1] - 1) / 2
    return (math.hypot(rows, columns),) * 2 if rotate else (rows, columns)


def _zoom(value: Any, where: str) -> tuple[float, float]:
    numbers = tuple(plain(v, "1", where=where) for v in sequence(value, where))
    if len(numbers) != 2:
        raise SpecError(f"{len(numbers)} values; write [least, greatest]", where=where)
    low, high = numbers
    if low < 1:
        raise SpecError(
            f"a zoom of {low:g} would alias; use 1 or more, and reduce to make pictures smaller",
            where=where,
        )
    if low > high:
        raise SpecError(f"least {low:g} is above greatest {high:g}; swap them", where=where)
    return low, high
