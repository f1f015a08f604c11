"""A stream of events from an event camera, and what is done to it before a network sees it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Annotated, Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scnnbio.errors import SpecError
from scnnbio.stimuli.base import Files, bounded, count, positive
from scnnbio.units import In, Milliseconds, Number, plain, plain_array, whole_numbers
from scnnbio.values import Value

#: Rows and columns of the largest sensor: addresses are kept in 16 bits.
LARGEST = 2**16
#: Tolerance (us) of times in other units.
_ROUNDING = 1e-3
#: Times in us are below this, as double precision holds every whole number up to it.
LATEST = 2**53


@final
@dataclass(frozen=True, eq=False)
class Events(Value):
    """Events of one recording, in order of time.

    Parameters
    ----------
    t : array of int (events,)
        Times in us. Events are sorted by time; events of equal time keep their order.
    x, y : array of int (events,)
        Column, from the left, and row, from the top.
    p : array of bool (events,)
        Polarity: true (1) for ON, false (0) for OFF.
    size : tuple of int
        Rows and columns of the sensor.
    files : Files, optional
        The files that were read. Events are identified by their content, not by their files.

    Raises
    ------
    SpecError
        If lengths differ, an event is outside the sensor, or a polarity is not 0 or 1.

    Examples
    --------
    >>> Events(t=[30, 10], x=[0, 1], y=[0, 0], p=[1, 0], size=(1, 2)).t
    array([10, 30])
    """

    t: Annotated[ArrayLike, In("us")]
    x: ArrayLike
    y: ArrayLike
    p: ArrayLike
    size: tuple[int, int]
    files: Files = field(default=Files())

    def __post_init__(self) -> None:
        where = "Events"
        size = whole_numbers(self.size, where=f"{where}.size")
        if size.shape != (2,) or size.min() < 1 or size.max() > LARGEST:
            raise SpecError(
                f"{self.size!r} is not (rows, columns), each from 1 to {LARGEST}",
                where=f"{where}.size",
            )
        rows, columns = size.tolist()
        if not isinstance(self.files, Files):
            raise SpecError(f"{self.files!r} is not of the type Files", where=f"{where}.files")
        t = _microseconds(self.t)
        x, y, p = (self._whole(name) for name in "xyp")
        if not t.shape == x.shape == y.shape == p.shape == (t.size,):
            raise SpecError(
                f"t, x, y and p of shapes {t.shape}, {x.shape}, {y.shape} and {p.shape}; give four"
                " flat arrays of equal length",
                where=where,
            )
        for name, values, end in (("x", x, columns), ("y", y, rows), ("p", p, 2)):
            outside = np.flatnonzero((values < 0) | (values >= end))
            if outside.size:
                raise SpecError(
                    f"event {outside[0]} has {name} = {values[outside[0]]}, and {name} is from 0 to"
                    f" {end - 1}",
                    where=f"{where}.{name}",
                )
        if t.size > 1 and (t[1:] < t[:-1]).any():
            order = np.argsort(t, kind="stable")
            t, x, y, p = t[order], x[order], y[order], p[order]
        kinds = {"t": np.int64, "x": np.uint16, "y": np.uint16, "p": np.bool_}
        for (name, kind), given in zip(kinds.items(), (t, x, y, p), strict=True):
            column: NDArray[Any] = np.asarray(given, kind)
            if column is getattr(self, name) and column.flags.writeable:
                column = column.copy()  # the user's own
            column.setflags(write=False)
            object.__setattr__(self, name, column)
        object.__setattr__(self, "size", (rows, columns))

    def _whole(self, name: str) -> NDArray[Any]:
        given = getattr(self, name)
        if isinstance(given, np.ndarray) and given.dtype.kind in "bu":
            return given  # as readers give them; converting half a million would take longer
        return whole_numbers(given, where=f"Events.{name}")

    def canonical_fields(self) -> dict[str, Any]:
        """Identity: the events, not their files."""
        return {name: getattr(self, name) for name in ("t", "x", "y", "p", "size")}

    def __len__(self) -> int:
        return int(np.size(self.t))

    def __repr__(self) -> str:
        rows, columns = self.size
        span = f" over {self.duration:g} ms" if len(self) else ""
        return f"Events({len(self)} events of {rows} x {columns} pixels{span})"

    @property
    def first(self) -> int:
        """Time of the first event (us); 0 if there is none."""
        return int(np.asarray(self.t)[0]) if len(self) else 0

    @property
    def duration(self) -> float:
        """Time from the first event to the last (ms)."""
        t = np.asarray(self.t)
        return float(t[-1] - t[0]) / 1e3 if len(t) else 0.0

    def counts(self) -> NDArray[np.int64]:
        """Number of events of each pixel: (2, rows, columns), ON first."""
        rows, columns = self.size
        unit = self.units("both")
        return np.bincount(unit, minlength=2 * rows * columns).reshape(2, rows, columns)

    def units(self, polarity: str) -> NDArray[np.int64]:
        """Neuron of each event in a source of flattened (channel, row, column).

        Parameters
        ----------
        polarity : {"both", "merged"}
            Two channels, ON and OFF, or one channel for all events.
        """
        rows, columns = self.size
        place = np.asarray(self.y, np.int64) * columns + np.asarray(self.x)
        return place + rows * columns * ~np.asarray(self.p) if polarity == "both" else place

    def _taken(self, which: Any, size: tuple[int, int] | None = None) -> Events:
        t, x, y, p = (np.asarray(getattr(self, name))[which] for name in "txyp")
        return Events(t, x, y, p, size or self.size, self.files)

    # ------------------------------------------------------------------ which events are kept

    def on(self) -> Events:
        """The ON events."""
        return self._taken(np.asarray(self.p))

    def off(self) -> Events:
        """The OFF events."""
        return self._taken(~np.asarray(self.p))

    def between(self, begin: Milliseconds, end: Milliseconds) -> Events:
        """Events with ``begin <= t < end``, at their times.

        Parameters
        ----------
        begin, end : float
            ms.

        Raises
        ------
        SpecError
            If the end is not after the beginning.
        """
        first = plain(begin, "ms", where="begin")
        last = plain(end, "ms", where="end")
        if last <= first:
            raise SpecError(f"{last:g} ms is not after {first:g} ms", where="end")
        cut = np.searchsorted(np.asarray(self.t), [_us(first), _us(last)])
        return self._taken(slice(*cut))

    def by_time(self, duration: Milliseconds, begin: Milliseconds = 0.0) -> tuple[Events, ...]:
        """Slices of equal duration, one after another, whose times begin at 0.

        The last slice that would reach beyond the last event is left out.

        Parameters
        ----------
        duration : float
            Of each slice (ms).
        begin : float
            Beginning of the first slice (ms).

        Returns
        -------
        tuple of Events
            With ``k * duration <= t - begin < (k + 1) * duration``.
        """
        length = positive(duration, "ms", "duration")
        start = plain(begin, "ms", where="begin")
        t = np.asarray(self.t)
        n = int((t[-1] / 1e3 - start) / length) if len(t) else 0
        edges = start + length * np.arange(n + 1)
        return tuple(
            self.between(first, last).shifted(-first)
            for first, last in itertools.pairwise(edges.tolist())
        )

    def by_count(self, n: int) -> tuple[Events, ...]:
        """Slices of ``n`` events each, whose first event is at 0; a shorter last one is left out.

        Parameters
        ----------
        n : int
        """
        n = count(n, "n")
        pieces = (self._taken(slice(first, first + n)) for first in range(0, len(self) - n + 1, n))
        return tuple(piece.shifted(-piece.first / 1e3) for piece in pieces)

    def crop(self, row: int, column: int, rows: int, columns: int) -> Events:
        """Events of a part of the sensor, which becomes the whole sensor.

        Parameters
        ----------
        row, column : int
            Its first row and column.
        rows, columns : int
            Its size.

        Raises
        ------
        SpecError
            If it reaches beyond the sensor.
        """
        top, left = count(row, "crop.row", least=0), count(column, "crop.column", least=0)
        height, width = count(rows, "crop.rows"), count(columns, "crop.columns")
        if top + height > self.size[0] or left + width > self.size[1]:
            raise SpecError(
                f"rows {top} to {top + height - 1} and columns {left} to {left + width - 1} are not"
                f" all on a sensor of {self.size[0]} x {self.size[1]}",
                where="crop",
            )
        x, y = np.asarray(self.x, np.int64) - left, np.asarray(self.y, np.int64) - top
        kept = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        t, p = np.asarray(self.t)[kept], np.asarray(self.p)[kept]
        return Events(t, x[kept], y[kept], p, (height, width), self.files)

    def subsample(self, factor: int) -> Events:
        """Events of a sensor whose pixels are ``factor`` x ``factor`` of these.

        Every event is kept. Rows and columns that do not fill a large pixel are left out.

        Parameters
        ----------
        factor : int

        Raises
        ------
        SpecError
            If the sensor is smaller than one large pixel.
        """
        factor = count(factor, "factor")
        rows, columns = (length // factor for length in self.size)
        if not rows or not columns:
            raise SpecError(
                f"{factor} is more than a sensor of {self.size[0]} x {self.size[1]} has",
                where="factor",
            )
        whole = self.crop(0, 0, rows * factor, columns * factor)
        x, y = (np.asarray(values) // factor for values in (whole.x, whole.y))
        return Events(whole.t, x, y, whole.p, (rows, columns), self.files)

    def denoise(self, window: Milliseconds) -> Events:
        """Events that another event supports: the background activity filter.

        An event is kept if one of the eight pixels around its own had an event of either polarity
        at most ``window`` before it.

        Parameters
        ----------
        window : float
            ms.

        References
        ----------
        Delbruck 2008, Frame-free dynamic digital vision, Proc. Intl. Symp. on Secure-Life
        Electronics, 21-26.
        """
        return self._taken(_supported(self, _us(positive(window, "ms", "window"))))

    def drop(self, fraction: Number, rng: np.random.Generator) -> Events:
        """Lose each event with a probability.

        Parameters
        ----------
        fraction : float
            From 0 to 1.
        rng : numpy.random.Generator
        """
        lost = bounded(fraction, "1", "fraction", high=1.0)
        return self._taken(rng.random(len(self)) >= lost)

    # ------------------------------------------------------------------ when events happen

    def shifted(self, by: Milliseconds) -> Events:
        """The same events at times that are later by a constant.

        Parameters
        ----------
        by : float
            ms; below 0 for earlier.
        """
        shift = _us(plain(by, "ms", where="by"))
        return Events(np.asarray(self.t) + shift, self.x, self.y, self.p, self.size, self.files)

    def jitter(self, sigma: Milliseconds, rng: np.random.Generator) -> Events:
        """Move each event by a normal deviate.

        Parameters
        ----------
        sigma : float
            Standard deviation (ms).
        rng : numpy.random.Generator
        """
        spread = bounded(sigma, "ms", "sigma") * 1e3
        moved = np.asarray(self.t) + np.rint(rng.normal(0.0, spread, len(self))).astype(np.int64)
        return Events(moved, self.x, self.y, self.p, self.size, self.files)

    def shuffled(self, rng: np.random.Generator) -> Events:
        """Permute times among events: pixels keep their counts, and the order of events is lost.

        Parameters
        ----------
        rng : numpy.random.Generator
        """
        t = rng.permutation(np.asarray(self.t))
        return Events(t, self.x, self.y, self.p, self.size, self.files)


def _us(ms: float) -> int:
    return round(ms * 1e3)


def _microseconds(given: Any) -> NDArray[np.int64]:
    where = "Events.t"
    if isinstance(given, np.ndarray) and given.dtype == np.int64:
        t = given
    else:
        numbers = plain_array(given, "us", where=where)
        t = np.rint(numbers).astype(np.int64)
        # A quantity in another unit is rounded when it is converted.
        if (np.abs(t - numbers) > _ROUNDING).any():
            wrong = numbers[np.abs(t - numbers) > _ROUNDING].flat[0]
            raise SpecError(f"{wrong:g} us is not a whole number of us; round it", where=where)
    if t.size and (t.min() <= -LATEST or t.max() >= LATEST):
        raise SpecError(f"a time is not within {LATEST:,} us, which is 285 years", where=where)
    return t


def _supported(events: Events, window: int) -> NDArray[np.bool_]:
    """Events that a neighbour's event precedes by at most ``window`` us."""
    n, pad = len(events), events.size[1] + 2
    t, index = np.asarray(events.t), np.arange(n)
    place = (np.asarray(events.y, np.int64) + 1) * pad + np.asarray(events.x) + 1
    # Sorted by pixel, then by position in the stream.
    keys = np.sort(place * n + index)
    kept = np.zeros(n, bool)
    for step in (dy * pad + dx for dy in (-1, 0, 1) for dx in (-1, 0, 1) if dy or dx):
        beside = place + step
        latest = keys[np.searchsorted(keys, beside * n + index) - 1]
        kept |= (latest // n == beside) & (t - t[latest % n] <= window)
    return kept
