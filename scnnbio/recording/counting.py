"""Spike counts of a recording: of each unit, or of blocks of neighbouring units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError
from scnnbio.recording.checks import Shape
from scnnbio.recording.samples import Spikes
from scnnbio.units import Window, plain_window, whole_numbers


@dataclass(frozen=True, eq=False)
class SpikeColumns:
    """Trial of each counted spike, and its column in the table of counts.

    Parameters
    ----------
    trial, column : array of int, shape (spikes,)
    n_columns : int
    """

    trial: NDArray[np.integer]
    column: NDArray[np.integer]
    n_columns: int


def spike_columns(
    spikes: Spikes, shape: Shape, window: Window | None, pooled: tuple[int, int] | None, where: str
) -> SpikeColumns:
    """Spikes within the window, each with its column; see :meth:`Recording.counts`."""
    trial, unit = spikes.trial, spikes.unit
    if window is not None:
        begin, end = plain_window(window, where=f"{where}.window")
        inside = (spikes.time > begin) & (spikes.time <= end)
        trial, unit = trial[inside], unit[inside]
    if pooled is None:
        return SpikeColumns(trial, unit, int(np.prod(shape)))
    high, wide = _block(pooled, where)
    blocks = (shape[0], -(-shape[1] // high), -(-shape[2] // wide))
    # Computed per unit and not per spike, since there are more spikes than units.
    channel, row, column = np.indices(shape)
    block = (channel * blocks[1] + row // high) * blocks[2] + column // wide
    return SpikeColumns(trial, block.ravel()[unit], int(np.prod(blocks)))


def _block(pooled: tuple[int, int], where: str) -> tuple[int, int]:
    sizes = whole_numbers(pooled, where=f"{where}.pooled")
    if sizes.shape != (2,) or sizes.min() < 1:
        raise SpecError(
            f"{pooled!r} is not (rows, columns) of a block, each 1 or more",
            where=f"{where}.pooled",
        )
    return int(sizes[0]), int(sizes[1])
