"""Reading picture files as arrays of contrast."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import os
import unicodedata
import warnings
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from scnnbio.errors import DataError, FilesSkipped
from scnnbio.files import no_device
from scnnbio.stimuli.base import FileRead, Files, FileSkipped

if TYPE_CHECKING:
    from PIL.Image import Image

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

#: Luminance weights of red, green and blue (ITU-R BT.709).
_LUMINANCE = np.array([0.2125, 0.7154, 0.0721])

_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"})

# Fields of TIFF 6.0 (Adobe 1992, section 8): numbers of the tags.
_BITS, _PHOTOMETRIC = 258, 262


class Library(NamedTuple):
    """Photographs ready to sample: float64, contrast units, read-only."""

    names: tuple[str, ...]
    images: tuple[np.ndarray, ...]
    #: Upper ends of the intervals of [0, 1) that select each photograph.
    chances: np.ndarray
    #: Standard deviation of each photograph.
    contrasts: tuple[float, ...]
    #: The files that were read, and those that were skipped.
    files: Files

    def choose(self, chance: float) -> tuple[np.ndarray, float]:
        """The photograph in whose interval a number from 0 to 1 is, and its deviation."""
        which = int(self.chances.searchsorted(chance, side="right"))
        return self.images[which], self.contrasts[which]


def load_photographs(images: str, reduce: int = 1) -> Library:
    """Load the photographs of a source, reduced and in units of contrast.

    They are cached, and read again when a file of the folder has changed.

    Parameters
    ----------
    images : str
        ``"bundled"`` or a folder, as in :class:`~scnnbio.stimuli.Photographs`.
    reduce : int
        Side of the blocks that are averaged (pixels).

    Returns
    -------
    Library

    Raises
    ------
    DataError
        If the folder is missing or holds no photographs, or a file cannot be read, is no
        photograph in the sense of :class:`~scnnbio.stimuli.Photographs`, or has fewer than
        ``reduce`` pixels on a side.

    Warns
    -----
    FilesSkipped
        If a folder contains files that are not read; once per state of the folder.
    """
    if images == "bundled":
        return _loaded(images, (), reduce)
    folder = Path(images).expanduser().absolute()
    return _loaded(str(folder), _state(folder), reduce)


@lru_cache(maxsize=8)
def _loaded(images: str, state: tuple[Any, ...], reduce: int) -> Library:
    """Photographs of a source in a state of its files."""
    if images == "bundled":
        paths = {f"bundled photograph {name!r}": _bundled(name) for name in BUNDLED}
        skipped: tuple[FileSkipped, ...] = ()
    else:
        found, skipped = _listed(Path(images))
        paths = {_shown(path): path for path in found}
    ready, read = [], []
    for name, path in paths.items():
        grey, digest = read_picture(path)
        ready.append(_contrast_units(_reduced(grey, reduce, name), name))
        read.append(FileRead(_shown(path), digest))
    if skipped:
        _tell(images, skipped)
    area = np.array([image.size for image in ready], float)
    chances = np.cumsum(area) / area.sum()
    chances[-1] = 1.0
    contrasts = tuple(float(image.std()) for image in ready)
    return Library(tuple(paths), tuple(ready), chances, contrasts, Files(tuple(read), skipped))


def _bundled(name: str) -> Path:
    # Only the file: importing its library would take a second, and 50 MB.
    package, place = _BUNDLED_IN[name]
    spec = importlib.util.find_spec(package)
    folders = spec.submodule_search_locations if spec is not None else None
    return Path((folders or [package])[0]) / place


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """Entries of a folder, in the same order on every file system."""
    if not os.path.isdir(folder):
        problem = (
            "is a file; name the folder that it is in"
            if os.path.exists(folder)
            else "no such folder; write 'bundled', 'white-noise' or the path of a folder of"
            " photographs"
        )
        raise DataError(problem, where=_shown(folder))
    try:
        with os.scandir(folder) as entries:
            # macOS decomposes accented letters in names; other systems keep them as written.
            return sorted(entries, key=lambda e: (unicodedata.normalize("NFC", e.name), e.name))
    except OSError as error:
        raise DataError(
            f"cannot be listed ({error.strerror}); make it readable", where=_shown(folder)
        ) from None


def _state(folder: Path) -> tuple[Any, ...]:
    """Names, sizes and times of a folder's entries, which change when a file does."""
    state = []
    for entry in _entries(folder):
        try:
            status = entry.stat()
        except OSError:  # a broken link
            state.append((entry.name, 0, 0))
        else:
            state.append((entry.name, status.st_size, status.st_mtime_ns))
    return tuple(state)


def _listed(folder: Path) -> tuple[list[Path], tuple[FileSkipped, ...]]:
    """The pictures of a folder, and its other entries with the reason to skip them."""
    found, skipped = [], []
    for entry in _entries(folder):
        path = Path(entry.path)
        reason = _reason_to_skip(entry, path.suffix.lower())
        if reason:
            skipped.append(FileSkipped(_shown(path), reason))
        else:
            found.append(path)
    if not found:
        there = f" ({_some(skipped)})" if skipped else ""
        raise DataError(
            f"the folder holds no photographs{there}; put png, jpg, tif or bmp files there",
            where=_shown(folder),
        )
    return found, tuple(skipped)


def _reason_to_skip(entry: os.DirEntry[str], suffix: str) -> str:
    if entry.name.startswith("."):
        return "hidden file"
    if os.path.isdir(entry):
        return "folder"
    if not os.path.isfile(entry):
        return "broken link" if entry.is_symlink() else "not a file"
    return "" if suffix in _SUFFIXES else "not a png, jpg, tif or bmp file"


def _tell(folder: str, skipped: tuple[FileSkipped, ...]) -> None:
    number = f"{len(skipped)} of its entries are" if len(skipped) > 1 else "one of its entries is"
    warnings.warn(
        f"{_shown(Path(folder))}: {number} not read as photographs: {_some(skipped)}",
        FilesSkipped,
        stacklevel=2,
    )


def _some(skipped: Sequence[FileSkipped], most: int = 5) -> str:
    """The first skipped files, as text."""
    names = [f"{Path(file.path).name} ({file.reason})" for file in skipped[:most]]
    more = [f"and {len(skipped) - most} more"] if len(skipped) > most else []
    return ", ".join(names + more)


def _shown(path: Path) -> str:
    """A path as printable text, with undecodable bytes as escapes."""
    return str(path).encode("utf-8", "backslashreplace").decode("utf-8")


def read_picture(file: Path) -> tuple[np.ndarray, str]:
    """Luminance of a picture file, oriented as a viewer shows it.

    Parameters
    ----------
    file : Path

    Returns
    -------
    luminance : numpy.ndarray
        (rows, columns), float64, on any scale, which contrast units remove.
    digest : str
        SHA-256 of the file's bytes, in hexadecimal digits.

    Raises
    ------
    DataError
        If the file cannot be read, holds several pictures, transparent pixels, or deeper pixels
        than can be read whole.
    """
    from PIL import Image, ImageOps

    where = _shown(file)
    try:
        content = no_device(file).read_bytes()
        with Image.open(io.BytesIO(content)) as picture:
            trouble = _trouble(picture, content)
            picture.load()
            pixels, through = _pixels(ImageOps.exif_transpose(picture))
    except Exception as error:  # decoders raise errors of many kinds on damaged files
        reason = " ".join((getattr(error, "strerror", None) or str(error)).split())[:200]
        raise DataError(
            f"cannot be read as an image ({reason}); mend or remove it", where=where
        ) from error
    if not trouble and through:
        trouble = "the picture has transparent pixels; lay it on a background"
    if trouble:
        raise DataError(trouble, where=where)
    values = pixels.astype(float)
    luminance = values @ _LUMINANCE if values.ndim == 3 else values
    return luminance, hashlib.sha256(content).hexdigest()


def _trouble(picture: Image, content: bytes) -> str:
    """Why Pillow would not return the stored pixels of a file, and what to do; empty if it does."""
    # An MPO is a camera's JPEG, with a preview or the second eye's photograph after the first.
    if getattr(picture, "n_frames", 1) > 1 and picture.format != "MPO":
        return "the file holds several images; save each as a file"
    deep = False
    if picture.format == "PNG":
        # Bit depth and colour type of the header (PNG 1.2, section 4.1.1): 0 is grey alone.
        deep = content[24] == 16 and content[25] != 0
    elif picture.format == "TIFF":
        tags: Any = picture.tag_v2  # type: ignore[attr-defined]
        bits = tags.get(_BITS, (1,))
        deep = len(bits) > 1 and max(bits) > 8
        if max(bits) > 8 and tags.get(_PHOTOMETRIC) == 0:
            return "0 is white in the file; save it so that 0 is black"
    if deep:
        return "colours of 16 bits cannot be read whole; save 8 bits a colour, or 16 bits of grey"
    return ""


def _pixels(picture: Image) -> tuple[np.ndarray, bool]:
    """Grey at its full depth, or red, green and blue; and whether pixels are transparent."""
    if picture.mode in ("L", "F") or picture.mode.startswith("I"):
        grey = np.asarray(picture)
        key = picture.info.get("transparency")
        return grey, isinstance(key, int) and bool((grey == key).any())
    if not picture.has_transparency_data:
        return np.asarray(picture.convert("RGB")), False
    colour = np.asarray(picture.convert("RGBA"))
    return colour[..., :3], bool(colour[..., 3].min() < 255)


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
    if not np.isfinite(image).all():
        raise DataError("holds pixels that are infinite or NaN; mend or remove it", where=name)
    least, mean = float(image.min()), float(image.mean())
    if least < 0:
        # A whitened picture: its mean is 0 apart from rounding, so that contrast is undefined.
        raise DataError(
            f"holds pixels below 0 (down to {least:.4g}), which are not luminances, so that"
            f" contrast"
            " has no meaning; save the picture that it was made of, or add a constant that puts its"
            " mean at the mean luminance",
            where=name,
        )
    # Rounding gives a uniform picture a deviation of about 1e-17.
    if not float(image.std()) > 1e-9 * mean:
        raise DataError("the picture is black or uniform; remove it", where=name)
    scaled = np.ascontiguousarray(image / mean - 1.0)
    scaled.setflags(write=False)
    return scaled
