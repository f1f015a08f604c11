"""What a recording is made of: spikes, sampled signals, and snapshots of slow arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scnnbio._html import sized
from scnnbio.errors import SpecError
from scnnbio.units import UNITS, In, Milliseconds, plain, plain_array, whole_numbers
from scnnbio.values import Value

#: The largest index that fits a recording's 32-bit arrays.
_MOST = 2**31 - 1


def _frozen(values: ArrayLike, dtype: Any, order: NDArray[np.intp] | None = None) -> NDArray[Any]:
    """A read-only array in the given order; copied only if needed."""
    array = np.asarray(values, dtype=dtype)
    if order is not None:
        array = array[order]
    elif array.flags.writeable or not array.flags.owndata:
        array = array.copy()
    array.setflags(write=False)
    return array


def _indices(values: ArrayLike, where: str, least: int = 0) -> NDArray[np.int32]:
    """Indices as 32-bit integers; copied only if needed."""
    if type(values) is np.ndarray and values.dtype == np.int32:
        index = values
    else:
        whole = whole_numbers(values, where=where)
        if whole.size and whole.max() > _MOST:
            raise SpecError(f"{whole.max()} is above {_MOST}, the largest index", where=where)
        index = whole.astype(np.int32) if not whole.size or whole.min() >= least else whole
    if index.size and index.min() < least:
        raise SpecError(f"{index.min()} is below {least}; indices count from 0", where=where)
    return np.asarray(index, dtype=np.int32)


def _order(*keys: NDArray[Any]) -> NDArray[np.intp] | None:
    """Order by the first key, then the next; None if already sorted."""
    tied = np.ones(max(len(keys[0]) - 1, 0), dtype=bool)
    for key in keys:
        if (tied & (key[1:] < key[:-1])).any():
            return np.lexsort(keys[::-1])
        tied &= key[1:] == key[:-1]
    return None


@dataclass(frozen=True, eq=False)
class Spikes(Value):
    """Spikes of one population, sorted by trial, then time, then unit.

    Parameters
    ----------
    time : array, shape (spikes,)
        ms since the beginning of the trial.
    unit : array of int, shape (spikes,)
        Index of the neuron in its population, flattened in C order.
    trial : array of int, shape (spikes,)
        Row of the trial table.

    Raises
    ------
    SpecError
        If the arrays differ in length, a time is not finite or has another unit, or an index is
        not a whole number from 0.
    """

    time: Annotated[NDArray[np.float64], In("ms")]
    unit: NDArray[np.int32]
    trial: NDArray[np.int32]

    def __post_init__(self) -> None:
        time = plain_array(self.time, "ms", where="Spikes.time")
        unit = _indices(self.unit, "Spikes.unit")
        trial = _indices(self.trial, "Spikes.trial")
        if not (time.ndim == 1 and time.shape == unit.shape == trial.shape):
            raise SpecError(
                f"time {time.shape}, unit {unit.shape} and trial {trial.shape} must be flat and of"
                " equal length",
                where="Spikes",
            )
        order = _order(trial, time, unit)
        object.__setattr__(self, "time", _frozen(time, np.float64, order))
        object.__setattr__(self, "unit", _frozen(unit, np.int32, order))
        object.__setattr__(self, "trial", _frozen(trial, np.int32, order))

    def __len__(self) -> int:
        return len(self.time)

    def __repr__(self) -> str:
        units, trials = len(np.unique(self.unit)), len(np.unique(self.trial))
        return f"Spikes({len(self):,}, units that fired: {units:,}, in trials: {trials:,})"


@dataclass(frozen=True, eq=False)
class Signal(Value):
    """A sampled variable of some units of one population, sorted by trial, then time.

    Parameters
    ----------
    values : array, shape (samples, units)
        In ``quantity``; a missing value is NaN.
    unit : array of int, shape (units,)
        Unit of each column.
    period : float
        ms between samples.
    quantity : str
        Unit of the values, such as ``"mV"``.
    trial : array of int, shape (samples,)
    time : array, shape (samples,)
        ms since the beginning of the trial.

    Raises
    ------
    SpecError
        If the shapes do not fit together, the period is not positive, a unit appears twice, or
        the values are of another dimension than ``quantity``.
    """

    values: Annotated[NDArray[np.float64], In(None, finite=False)]
    unit: NDArray[np.int32]
    period: Milliseconds
    quantity: str
    trial: NDArray[np.int32]
    time: Annotated[NDArray[np.float64], In("ms")]

    def __post_init__(self) -> None:
        if not isinstance(self.quantity, str):
            raise SpecError(f"{self.quantity!r} is not text", where="Signal.quantity")
        values = _values(self.values, self.quantity)
        trial = _indices(self.trial, "Signal.trial")
        time = plain_array(self.time, "ms", where="Signal.time")
        unit = _indices(self.unit, "Signal.unit")
        period = plain(self.period, "ms", where="Signal.period")
        if values.shape != (*trial.shape, *unit.shape) or trial.shape != time.shape:
            raise SpecError(
                f"values {values.shape} must be (samples, units): {time.shape} times,"
                f" {trial.shape} trials, {unit.shape} units",
                where="Signal",
            )
        if len(np.unique(unit)) < len(unit):
            raise SpecError("a unit has two columns; give one column per unit", where="Signal.unit")
        if period <= 0:
            raise SpecError(f"period {period} ms must be positive", where="Signal.period")
        order = _order(trial, time)
        object.__setattr__(self, "values", _frozen(values, np.float64, order))
        object.__setattr__(self, "unit", _frozen(unit, np.int32))
        object.__setattr__(self, "period", period)
        object.__setattr__(self, "trial", _frozen(trial, np.int32, order))
        object.__setattr__(self, "time", _frozen(time, np.float64, order))

    def __repr__(self) -> str:
        samples, units = self.values.shape
        return (
            f"Signal({samples:,} samples of {units:,} units in {self.quantity}, one per"
            f" {self.period:g} ms)"
        )


@dataclass(frozen=True, eq=False)
class Snapshots(Value):
    """Values of an array, such as a kernel, at the beginning of chosen trials.

    Parameters
    ----------
    trial : array of int, shape (snapshots,)
        The trial at whose beginning it was taken.
    values : array, shape (snapshots, ...)

    Raises
    ------
    SpecError
        If the two differ in length.
    """

    trial: NDArray[np.int32]
    values: Annotated[NDArray[np.float64], In("1", finite=False)]

    def __post_init__(self) -> None:
        index = _indices(self.trial, "Snapshots.trial", least=-1)
        numbers = plain_array(self.values, "1", where="Snapshots.values", finite=False)
        trial, values = _frozen(index, np.int32), _frozen(numbers, np.float64)
        if trial.ndim != 1 or values.shape[:1] != trial.shape:
            raise SpecError(
                f"{trial.shape} trials but values of shape {values.shape}; give one entry"
                " per trial",
                where="Snapshots",
            )
        object.__setattr__(self, "trial", trial)
        object.__setattr__(self, "values", values)

    def __repr__(self) -> str:
        size = sized(self.values.shape[1:])
        return f"Snapshots({len(self.trial):,} of {size or 'one number'})"


def _values(values: Any, quantity: str) -> NDArray[np.float64]:
    """Values of a signal as numbers in its unit, which scnnbio need not know."""
    if quantity in UNITS:
        return plain_array(values, quantity, where="Signal.values", finite=False)
    if hasattr(values, "rescale"):
        try:
            values = values.rescale(quantity).magnitude
        except (ValueError, LookupError):
            raise SpecError(
                f"values in {values.dimensionality.string} do not fit {quantity!r}; rescale them",
                where="Signal.values",
            ) from None
    return plain_array(values, "1", where="Signal.values", finite=False)


Part = TypeVar("Part", Spikes, Signal, Snapshots)

#: Fields with one entry per spike, sample or snapshot; the others must agree.
_ALONG = ("time", "trial", "values")


def join(parts: Sequence[tuple[Part, int]]) -> Part:
    """Concatenate spikes, signals or snapshots; each offset is added to the part's trials."""
    first = parts[0][0]
    along = _ALONG + (("unit",) if isinstance(first, Spikes) else ())
    joined: dict[str, Any] = {}
    for name, value in contents(first).items():
        given = [getattr(part, name) for part, _ in parts]
        if name == "trial":
            joined[name] = np.concatenate([part.trial + offset for part, offset in parts])
        elif name in along:
            joined[name] = np.concatenate(given)
        elif all(np.array_equal(value, other) for other in given):
            joined[name] = np.array(value) if isinstance(value, np.ndarray) else value
        else:
            raise SpecError(
                f"the {name} of two {type(first).__name__} objects differ; they must be equal",
                where="concatenate",
            )
    for value in joined.values():
        if isinstance(value, np.ndarray):
            value.setflags(write=False)  # so that the constructor need not copy it
    return type(first)(**joined)


def contents(part: Spikes | Signal | Snapshots) -> dict[str, Any]:
    """Fields by name, without copying."""
    return {f.name: getattr(part, f.name) for f in fields(part)}
