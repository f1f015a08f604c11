"""Checks of the arrays that a recording is made of."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scnnbio.errors import SpecError
from scnnbio.recording.samples import Signal, Spikes
from scnnbio.units import whole_numbers

Shape = tuple[int, int, int]

#: A spike time may exceed its trial by this much (ms): k * dt is rounded.
_SLACK = 1e-6


def checked_shape(name: str, given: Any) -> Shape:
    """The shape as (channel, row, column); a single number of units n becomes (n, 1, 1)."""
    where = f"Recording.shapes[{name!r}]"
    lengths = np.atleast_1d(whole_numbers(given, where=where))
    parts = tuple(lengths.ravel().tolist())
    if len(parts) == 1:
        parts = (*parts, 1, 1)
    if len(parts) != 3 or min(parts) < 0:
        raise SpecError(
            f"{given} is not (channel, row, column) nor a number of units",
            where=where,
        )
    return parts


def check_index(what: str, index: NDArray[Any], size: int, where: str) -> None:
    """Raise unless all indices lie in 0 to ``size - 1``."""
    if index.size and not (index.min() >= 0 and index.max() < size):
        wrong = index.min() if index.min() < 0 else index.max()
        raise SpecError(
            f"{what} {wrong} does not exist; there are {size}, counted from 0", where=where
        )


def check_spike_times(spikes: Spikes, duration: NDArray[np.float64], where: str) -> None:
    """Raise unless every spike lies in its trial; checks the first and last of each, as sorted."""
    trial = np.arange(
        len(duration), dtype=np.int32
    )  # as the spikes' dtype: searchsorted would copy them
    begin, end = (np.searchsorted(spikes.trial, trial, side) for side in ("left", "right"))
    trial = trial[begin < end]
    for time in (spikes.time[begin[trial]], spikes.time[end[trial] - 1]):
        outside = (time < -_SLACK) | (time > duration[trial] + _SLACK)
        if outside.any():
            first = int(np.argmax(outside))
            raise SpecError(
                f"a spike at {time[first]:g} ms lies outside trial {trial[first]}, which lasts"
                f" {duration[trial[first]]:g} ms; times count from the beginning of the trial",
                where=where,
            )


def check_sample_times(signal: Signal, duration: NDArray[np.float64], where: str) -> None:
    """Raise unless every sample lies in its trial."""
    outside = (signal.time < -_SLACK) | (signal.time > duration[signal.trial] + _SLACK)
    if outside.any():
        first = int(np.argmax(outside))
        trial = signal.trial[first]
        raise SpecError(
            f"a sample at {signal.time[first]:g} ms lies outside trial {trial}, which lasts"
            f" {duration[trial]:g} ms; times count from the beginning of the trial",
            where=where,
        )


def chosen_indices(chosen: ArrayLike, size: int, what: str, where: str) -> NDArray[np.int64]:
    """Indices from 0 to ``size - 1``, or those where a mask of that size is true.

    Raises
    ------
    SpecError
        If one is not a whole number, or lies outside.
    """
    given = np.asarray(chosen)
    if given.dtype.kind == "b":
        if given.shape != (size,):
            raise SpecError(
                f"a mask of shape {given.shape} for {size} {what}s; give one value per {what}",
                where=where,
            )
        return np.flatnonzero(given)
    index = np.atleast_1d(whole_numbers(chosen, where=where)).ravel()
    check_index(what, index, size, where)
    return index
