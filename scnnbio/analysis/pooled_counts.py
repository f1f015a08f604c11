"""Spike counts of a layer in windows of places: what a read-out sees of a recording."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError, not_one_of
from scnnbio.recording import Recording
from scnnbio.recording.checks import Shape
from scnnbio.units import Window, plain_window
from scnnbio.values import Value

if TYPE_CHECKING:
    from scipy.sparse import csr_array

OfCount = Literal["count", "root", "binary"]

#: Trials that are counted at a time: what that takes beside the features stays small.
_AT_ONCE = 4096


@dataclass(frozen=True)
class PooledCounts(Value):
    """Spike counts of a layer in square windows of places, channel by channel.

    Parameters
    ----------
    population : str
    size : int
        Rows and columns of a window.
    stride : int, optional
        Rows and columns from one window to the next; ``size`` if not given. Windows overlap where
        it is smaller.
    padding : int
        Rows and columns beyond the edge of the layer that windows may begin and end in; it is below
        ``size``. As in a convolution, a last window that is not whole is left out.
    of_count : {"count", "root", "binary"}
        What a feature is: the count; its square root, so that counts that vary in proportion to
        their mean vary alike (Bartlett 1936, J R Stat Soc Suppl 3:68); or 1 where there is any
        spike.
    windows : tuple of (float, float), optional
        Times within the trial in ms, each counted apart, t0 < t <= t1; the whole trial if empty.

    Raises
    ------
    SpecError
        If a number is out of range.
    """

    population: str
    size: int
    stride: int | None = None
    padding: int = 0
    of_count: OfCount = "count"
    windows: tuple[Window, ...] = ()

    def __post_init__(self) -> None:
        where = "PooledCounts"
        object.__setattr__(self, "size", _at_least(1, self.size, f"{where}.size"))
        stride = self.size if self.stride is None else self.stride
        object.__setattr__(self, "stride", _at_least(1, stride, f"{where}.stride"))
        object.__setattr__(self, "padding", _at_least(0, self.padding, f"{where}.padding"))
        if self.padding >= self.size:
            raise SpecError(
                f"{self.padding} is not below the size {self.size}: a window would hold no place",
                where=f"{where}.padding",
            )
        if self.of_count not in get_args(OfCount):
            raise SpecError(not_one_of(self.of_count, get_args(OfCount)), where=f"{where}.of_count")
        times = tuple(plain_window(w, where=f"{where}.windows") for w in self.windows)
        object.__setattr__(self, "windows", times)

    def shape(self, layer: Shape) -> Shape:
        """Shape (channel, row, column) of the windows over a layer.

        Raises
        ------
        SpecError
            If not one window fits.
        """
        channels, *sides = layer
        rows, columns = ((n + 2 * self.padding - self.size) // self._stride + 1 for n in sides)
        if min(rows, columns) < 1:
            raise SpecError(
                f"a window of {self.size} x {self.size} does not fit a layer of {layer[1]} x"
                f" {layer[2]} with padding {self.padding}; make it smaller",
                where="PooledCounts.size",
            )
        return channels, rows, columns

    def of(self, recording: Recording) -> csr_array:
        """Features of every trial.

        Parameters
        ----------
        recording : Recording

        Returns
        -------
        scipy.sparse.csr_array of float32, shape (trials, features)
            Features lie (time window, channel, row, column) in C order. Memory goes with the
            features that are not 0: trials are counted a few thousand at a time.

        Raises
        ------
        SpecError
            If there are no such spikes, or no window fits.
        """
        from scipy.sparse import csr_array, hstack, vstack

        recording.size(self.population)  # or an error that names those there are
        layer = recording.shapes[self.population]
        pooling = self._pooling(layer)
        spikes = recording.spikes_of(self.population)
        times = self.windows or (None,)
        blocks = []
        for begin, end in _blocks(recording.n_trials):
            # Spikes are sorted by trial.
            low, high = np.searchsorted(spikes.trial, (begin, end))
            at, unit, trial = (
                values[low:high] for values in (spikes.time, spikes.unit, spikes.trial)
            )
            parts = []
            for window in times:
                inside = slice(None) if window is None else (at > window[0]) & (at <= window[1])
                place = (trial[inside] - begin, unit[inside])
                one = np.ones(len(place[0]), dtype=np.float32)
                counts = csr_array((one, place), shape=(end - begin, int(np.prod(layer))))
                parts.append(counts @ pooling)
            blocks.append(hstack(parts, format="csr"))
        width = len(times) * int(np.prod(self.shape(layer)))
        if not blocks:
            return csr_array((0, width), dtype=np.float32)
        found = csr_array(vstack(blocks, format="csr"))
        if self.of_count == "binary":
            found.data[:] = 1.0
        elif self.of_count == "root":
            np.sqrt(found.data, out=found.data)
        return found

    @property
    def _stride(self) -> int:
        return self.size if self.stride is None else self.stride

    def _pooling(self, layer: Shape) -> csr_array:
        """Which units (rows) each window (columns) holds."""
        from scipy.sparse import csr_array, eye_array, kron

        channels, rows, columns = self.shape(layer)
        sides = (
            self._along(n, number) for n, number in zip(layer[1:], (rows, columns), strict=True)
        )
        places = kron(*map(csr_array, sides), format="csr")
        every = kron(eye_array(channels, dtype=np.float32), places, format="csr")
        return csr_array(every, dtype=np.float32)

    def _along(self, length: int, windows: int) -> NDArray[np.float32]:
        begin = np.arange(windows) * self._stride - self.padding
        place = np.arange(length)[:, np.newaxis]
        return ((place >= begin) & (place < begin + self.size)).astype(np.float32)


def _blocks(n_trials: int) -> Iterator[tuple[int, int]]:
    for begin in range(0, n_trials, _AT_ONCE):
        yield begin, min(begin + _AT_ONCE, n_trials)


def _at_least(least: int, value: Any, where: str) -> int:
    try:
        number = least - 1 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = least - 1
    if number < least:
        raise SpecError(f"{value!r} is not a whole number of at least {least}", where=where)
    return number
