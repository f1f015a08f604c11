"""Patches of photographs, each from a random place, at a random angle and magnification."""

from __future__ import annotations

import importlib.util
import math
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple, final

import numpy as np
from scipy import ndimage

from scnnbio.errors import DataError, SpecError
from scnnbio.stimuli.base import FileRead, Files, Stimulus, check_request, count, positive, sequence
from scnnbio.units import Milliseconds, Number, plain

#: Photographs that come with scikit-learn and scikit-image: nature, a town, an animal, textures.
_BUNDLED_IN = {
    "china": ("sklearn", "datasets/images/china.jpg"),
    "flower": ("sklearn", "datasets/images/flower.jpg"),
    "chelsea": ("skimage", "data/chelsea.png"),
    "gravel": ("skimage", "data/gravel.png"),
    "grass": ("skimage", "data/grass.png"),
    "rocket": ("skimage", "data/rocket.jpg"),
    "camera": ("skimage", "data/camera.png"),
}
BUNDLED = tuple(_BUNDLED_IN)

#: Standard deviation of the white-noise control: the median of the bundled photographs'.
NOISE_CONTRAST = 0.5

#: Of red, green and blue (ITU-R BT.709).
_LUMINANCE = np.array([0.2125, 0.7154, 0.0721])

_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"})
_MAX_DRAWS = 100


@final
@dataclass(frozen=True)
class Photographs(Stimulus):
    """Still patches of photographs, a fresh random one each trial.

    Parameters
    ----------
    images : str
        ``"bundled"``: seven photographs that come with scikit-learn and scikit-image.
        ``"white-noise"``: the control; an endless picture whose pixels are independent and
        Gaussian, another one each trial, which then takes the very same way, rotation and
        interpolation included.
        Anything else: path of a folder with photographs (png, jpg, tif, bmp).
    n_trials : int
        Number of trials, each with its own patch.
    duration : float
        Of a trial (ms).
    rotate : bool
        Turn each patch by a random angle, uniform over 360 deg. Photographs hold more horizontal
        and vertical than oblique contours; rotation takes that bias out.
    zoom : tuple of float
        Least and greatest magnification, each at least 1; each trial draws one uniformly. At zoom
        z a pixel of the patch spans 1/z pixels of the (reduced) photograph. Below 1, samples
        would be further apart than pixels, and fine detail would alias: use ``reduce`` there.
    reduce : int
        Photographs are first reduced by averaging blocks of ``reduce`` x ``reduce`` pixels.
    min_contrast : float
        From 0 to below 1. A patch whose standard deviation is less than this fraction of its
        photograph's is drawn again, up to 100 times; then the best of them stands.

    Raises
    ------
    SpecError
        If a value is out of range.

    Notes
    -----
    Colour becomes grey with the luminance weights of ITU-R BT.709 (0.2125, 0.7154, 0.0721). The
    stored, gamma-encoded values are taken as they are: the encoding is compressive, and so are
    photoreceptors. Each photograph is expressed in units of contrast, the
    difference from its mean grey divided by its mean grey. Photographs are chosen with a chance in
    proportion to their area, and patches lie wholly inside, whatever the angle. Sampling is
    bilinear.
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
            "images": _absolute(str(self.images), self.no_paths),
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
        library = None if self.images == "white-noise" else self._library(half)
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
        """A patch, and the standard deviation of the picture that it is of."""
        chosen = None if library is None else library.choose(rng)
        zoom = rng.uniform(*self.zoom)
        angle = rng.uniform(0.0, 360.0) if self.rotate else 0.0
        first = [h / zoom for h in half]
        if chosen is None:
            # Every place of an endless picture is alike: a piece of it, and where between pixels.
            whole = NOISE_CONTRAST / self.reduce
            image = whole * rng.standard_normal([math.ceil(2 * h) + 2 for h in first])
            last = [h + 1.0 for h in first]
        else:
            image, whole = chosen
            last = [n - 1 - h for h, n in zip(first, image.shape, strict=True)]
        row, column = map(rng.uniform, first, last)
        return sample_patch(image, shape, (row, column), angle, zoom), whole

    def _library(self, half: tuple[float, float]) -> Library:
        """The photographs, if each is large enough."""
        library = load_photographs(self.images, self.reduce)
        self._check_size(library, half)
        return library

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

    @property
    def files(self) -> Files:
        """The photographs, and their digests."""
        if self.images == "white-noise":
            return Files()
        if self.images == "bundled":
            found = [_bundled_file(name) for name in BUNDLED]
        else:
            found = _files_in(Path(self.images))
        return Files(tuple(FileRead(str(f), sha256(f.read_bytes()).hexdigest()) for f in found))

    def table(self) -> dict[str, np.ndarray]:
        """No columns: the trials differ by chance alone."""
        return {}


class Library(NamedTuple):
    """Photographs ready to sample: float64, contrast units, read-only."""

    names: tuple[str, ...]
    images: tuple[np.ndarray, ...]
    #: Upper ends of the intervals of [0, 1) in which each photograph is chosen.
    chances: np.ndarray
    #: Standard deviation of each photograph.
    contrasts: tuple[float, ...]

    def choose(self, rng: np.random.Generator) -> tuple[np.ndarray, float]:
        """A photograph and its standard deviation."""
        which = int(np.searchsorted(self.chances, rng.random(), side="right"))
        return self.images[which], self.contrasts[which]


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
        By which the picture appears turned counter-clockwise in the patch (deg).
    zoom : float
        Pixels of the patch per pixel of the image.

    Returns
    -------
    numpy.ndarray
        The patch, of ``shape``.
    """
    turn = math.radians(angle)
    cos, sin = math.cos(turn) / zoom, math.sin(turn) / zoom
    down = (np.arange(shape[0]) - (shape[0] - 1) / 2)[:, np.newaxis]
    right = np.arange(shape[1]) - (shape[1] - 1) / 2
    coordinates = np.empty((2, *shape))
    coordinates[0] = center[0] + cos * down + sin * right
    coordinates[1] = center[1] - sin * down + cos * right
    # "nearest" only guards against rounding at the outermost pixel: callers stay inside.
    patch: np.ndarray = ndimage.map_coordinates(
        image, coordinates, order=1, mode="nearest", prefilter=False
    )
    return patch


@lru_cache(maxsize=8)
def load_photographs(images: str, reduce: int = 1) -> Library:
    """Photographs of a source, reduced and in units of contrast; read once and kept.

    Parameters
    ----------
    images : str
        ``"bundled"`` or a folder, as in :class:`Photographs`.
    reduce : int
        Side of the blocks that are averaged (pixels).

    Returns
    -------
    Library

    Raises
    ------
    DataError
        If the folder is missing or holds no photographs, or a file cannot be read, has no
        contrast or fewer than ``reduce`` pixels on a side.
    """
    if images == "bundled":
        named = {f"bundled photograph {name!r}": _bundled(name) for name in BUNDLED}
    else:
        named = _folder(Path(images).expanduser())
    ready = [_contrast_units(_reduced(grey, reduce, name), name) for name, grey in named.items()]
    area = np.array([image.size for image in ready], float)
    chances = np.cumsum(area) / area.sum()
    chances[-1] = 1.0
    return Library(tuple(named), tuple(ready), chances, tuple(float(i.std()) for i in ready))


def _bundled(name: str) -> np.ndarray:
    return _read(_bundled_file(name))


def _bundled_file(name: str) -> Path:
    # The file alone: to import the library that brings it takes a second, and 50 MB.
    package, place = _BUNDLED_IN[name]
    spec = importlib.util.find_spec(package)
    folders = spec.submodule_search_locations if spec is not None else None
    return Path((folders or [package])[0]) / place


def _folder(folder: Path) -> dict[str, np.ndarray]:
    return {str(file): _read(file) for file in _files_in(folder)}


def _files_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise DataError(
            "no such folder; write 'bundled', 'white-noise' or the path of a folder of photographs",
            where=str(folder),
        )
    files = sorted(f for f in folder.iterdir() if f.suffix.lower() in _SUFFIXES and f.is_file())
    if not files:
        raise DataError(
            "the folder holds no photographs; put png, jpg, tif or bmp files there",
            where=str(folder),
        )
    return files


def _absolute(images: str, words: tuple[str, ...]) -> str:
    """The folder's place from anywhere: what a stimulus shows does not hang on where it runs."""
    return images if not images or images in words else str(Path(images).expanduser().absolute())


def _read(file: Path) -> np.ndarray:
    from PIL import Image

    try:
        with Image.open(file) as picture:
            picture.load()
            stacked = picture.format == "TIFF" and getattr(picture, "n_frames", 1) > 1
            # One channel stays as deep as it is; palettes, CMYK and transparency become colour.
            one = picture.mode in ("L", "F") or picture.mode.startswith("I")
            pixels = np.asarray(picture if one else picture.convert("RGB"))
    except Exception as error:  # decoders raise errors of every kind on damaged files
        reason = " ".join(str(error).split())[:200]
        raise DataError(
            f"cannot be read as an image ({reason}); mend or remove it", where=str(file)
        ) from error
    if stacked:
        raise DataError("the file holds several images; save each as a file", where=str(file))
    return _grey(pixels)


def _grey(pixels: np.ndarray) -> np.ndarray:
    """Luminance on any scale, as contrast units divide it out: (rows, columns)."""
    values = pixels.astype(float)
    return values @ _LUMINANCE if values.ndim == 3 else values


def _reduced(image: np.ndarray, reduce: int, name: str) -> np.ndarray:
    rows, columns = (n // reduce for n in image.shape)
    if rows < 1 or columns < 1:
        raise DataError(
            f"{image.shape[0]}x{image.shape[1]} pixels cannot be reduced by {reduce}; use a "
            "smaller reduce",
            where=name,
        )
    whole = image[: rows * reduce, : columns * reduce]
    blocks: np.ndarray = whole.reshape(rows, reduce, columns, reduce).mean(axis=(1, 3))
    return blocks


def _contrast_units(image: np.ndarray, name: str) -> np.ndarray:
    mean = float(image.mean())
    # Written so that NaN fails too; rounding leaves a uniform picture some 1e-17 of deviation.
    if not (mean > 0 and float(image.std()) > 1e-9 * mean):
        raise DataError(
            "the picture is black, uniform, or holds pixels that are no numbers; remove it",
            where=name,
        )
    scaled = np.ascontiguousarray(image / mean - 1.0)
    scaled.setflags(write=False)
    return scaled


def _half_extent(shape: tuple[int, int], rotate: bool) -> tuple[float, float]:
    """Half of what a patch may reach over, in rows and columns at zoom 1."""
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
