"""The stimulus: a plain value with random access to the frames of any trial."""

from __future__ import annotations

import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from scnnbio.errors import SpecError
from scnnbio.units import carries_unit, is_several, plain
from scnnbio.values import Value


class FileRead(NamedTuple):
    """A file from which a stimulus is made."""

    path: str
    #: Digest of its bytes when it was read, in hexadecimal digits.
    sha256: str


class FileSkipped(NamedTuple):
    """A file or folder among those that were read, which was skipped."""

    path: str
    reason: str


class Files(NamedTuple):
    """The files that a stimulus read, and those that it skipped."""

    read: tuple[FileRead, ...] = ()
    skipped: tuple[FileSkipped, ...] = ()

    def provenance(self) -> dict[str, list[dict[str, str]]]:
        """The same in plain lists, for ``run.json``; empty where nothing was read."""
        rows = {
            "files_read": [file._asdict() for file in self.read],
            "files_skipped": [file._asdict() for file in self.skipped],
        }
        return {kind: files for kind, files in rows.items() if files}


class Separated(NamedTuple):
    """Frames as a sum of pictures whose strengths change in time."""

    #: (n_frames, pictures)
    strengths: np.ndarray
    #: (pictures, rows, columns), contrast units.
    pictures: np.ndarray


class Stimulus(Value, ABC):
    """A stimulus, one trial after another.

    A subclass is a frozen, final dataclass. Its fields are its parameters and nothing else:
    numbers, strings, booleans and tuples of them, so that a stimulus is saved by its fields. Every
    field has a default.

    Notes
    -----
    A pixel is one grid point of the network's input. Luminance is in units of contrast: the
    difference from the mean luminance divided by the mean luminance, so that 0 is the mean grey
    and a grating of contrast 0.5 runs from -0.5 to 0.5. Row 0 is the top of the picture.
    """

    #: Fields that hold the path of a file or folder. In a document they begin at its folder.
    paths: ClassVar[tuple[str, ...]] = ()
    #: Values of these fields that are keywords instead of paths.
    no_paths: ClassVar[tuple[str, ...]] = ()

    @property
    @abstractmethod
    def n_trials(self) -> int:
        """Number of trials."""

    @property
    @abstractmethod
    def duration(self) -> float:
        """Duration of one trial (ms)."""

    @abstractmethod
    def frames(self, trial: int, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
        """Frames of one trial; each lasts ``duration / n_frames``.

        Parameters
        ----------
        trial : int
            From 0 to ``n_trials - 1``; any order, any number of times.
        shape : tuple of int
            Rows and columns (pixels).
        rng : numpy.random.Generator
            The only source of randomness. Seed it by (seed, trial) to reproduce a trial's frames.

        Returns
        -------
        numpy.ndarray
            (n_frames, rows, columns), float64, contrast units.

        Raises
        ------
        SpecError
            If there is no such trial, or the shape is empty.
        """

    def pictures(
        self, trials: Sequence[int], shape: tuple[int, int], rngs: Sequence[np.random.Generator]
    ) -> np.ndarray | None:
        """Frames of several trials of one frame each, drawn together, which is faster.

        Parameters
        ----------
        trials : sequence of int
        shape : tuple of int
            Rows and columns (pixels).
        rngs : sequence of numpy.random.Generator
            One per trial.

        Returns
        -------
        numpy.ndarray or None
            (trials, rows, columns), equal to the only frame of each; None, with nothing drawn, if
            trials cannot be drawn together.
        """
        return None

    def condition(self, trial: int) -> int | None:
        """Number of what a trial shows: trials of one number show equal frames.

        Such frames do not draw from the generator.

        Parameters
        ----------
        trial : int

        Returns
        -------
        int or None
            None if no other trial is known to show the same.
        """
        return None

    def separated(self, trial: int, shape: tuple[int, int]) -> Separated | None:
        """Frames of one trial as a sum of few pictures, equal to :meth:`frames` but for rounding.

        Parameters
        ----------
        trial : int
        shape : tuple of int
            Rows and columns (pixels).

        Returns
        -------
        Separated or None
            None if there is no such sum.
        """
        return None

    @abstractmethod
    def table(self) -> dict[str, np.ndarray]:
        """Parameters that differ between trials: one column per parameter, one row per trial."""

    @property
    def files(self) -> Files:
        """The files that the frames are made of: none, unless a subclass reads any."""
        return Files()


def check_request(stimulus: Stimulus, trial: int, shape: tuple[int, int]) -> None:
    """Raise for a trial that does not exist, or a shape without pixels."""
    if not 0 <= trial < stimulus.n_trials:
        raise SpecError(
            f"there is no trial {trial}; ask for 0 to {stimulus.n_trials - 1}", where="stimulus"
        )
    if len(shape) != 2 or min(shape) < 1:
        raise SpecError(
            f"cannot draw frames of shape {shape}; give (rows, columns), each at least 1",
            where="stimulus",
        )


def count(value: Any, where: str, *, least: int = 1) -> int:
    """Whole number of at least ``least``, or a SpecError."""
    try:
        if carries_unit(value):  # to Python 16 deg is the whole number 16
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise SpecError(f"{value!r} is not a whole number; write an integer", where=where) from None
    if isinstance(value, bool) or number < least:
        raise SpecError(f"{value!r} is too small; write an integer >= {least}", where=where)
    return number


def bounded(value: Any, unit: str, where: str, *, high: float = math.inf) -> float:
    """``value`` as a float in ``unit`` from 0 to ``high``, or a SpecError."""
    number = plain(value, unit, where=where)
    if not 0 <= number <= high:
        span = "0 or more" if high == math.inf else f"from 0 to {high:g}"
        raise SpecError(f"{value!r} is out of range; write a value {span}", where=where)
    return number


def positive(value: Any, unit: str, where: str) -> float:
    """``value`` as a float above 0 in ``unit``, or a SpecError."""
    number = plain(value, unit, where=where)
    if number <= 0:
        raise SpecError(f"{value!r} is not positive; write one above 0", where=where)
    return number


def sequence(values: Any, where: str) -> tuple[Any, ...]:
    """Values as a tuple that is not empty; raises for text, which would split into letters."""
    single = isinstance(values, np.ndarray) and not values.ndim
    if single or isinstance(values, str) or not isinstance(values, Iterable):
        raise SpecError(f"{values!r} is not a list; write a list of values", where=where)
    items = tuple(values)
    if not items:
        raise SpecError("the list is empty; give at least one value", where=where)
    return items


def each(value: Any, check: Callable[[Any], float], where: str) -> float | tuple[float, ...]:
    """One number or a list of them, each checked.

    One number stays one number, so that a description is saved as it was written.
    """
    if not is_several(value):
        return check(value)
    return tuple(check(v) for v in sequence(value, where))


def as_tuple(value: float | tuple[float, ...]) -> tuple[float, ...]:
    """What :func:`each` returned, as a tuple in either case."""
    return value if isinstance(value, tuple) else (value,)


def n_frames(duration: float, frame: float) -> int:
    """Number of frames of ``frame`` ms that fill ``duration`` ms exactly, or a SpecError."""
    number = round(duration / frame)
    if number < 1 or abs(number * frame - duration) > 1e-6 * duration:
        raise SpecError(
            f"frames of {frame:g} ms do not fill the duration of {duration:g} ms; "
            "make duration a whole number of frames",
            where="stimulus.frame",
        )
    return number
