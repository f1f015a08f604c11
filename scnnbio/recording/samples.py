"""What a recording is made of: spikes, sampled signals, and snapshots of slow arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scnnbio.errors import SpecError
from scnnbio.values import Value


def _frozen(values: ArrayLike, dtype: Any, order: NDArray[np.intp] | None = None) -> NDArray[Any]:
    """A read-only array in an order: the one given if it is that already, else a copy."""
    array = np.asarray(values, dtype=dtype)
    if order is not None:
        array = array[order]
    elif array.flags.writeable or not array.flags.owndata:
        array = array.copy()
    array.setflags(write=False)
    return array


def _order(*keys: NDArray[Any]) -> NDArray[np.intp] | None:
    """Order by the first key, then the next; None if they are in order."""
    tied = np.ones(max(len(keys[0]) - 1, 0), dtype=bool)
    for key in keys:
        if (tied & (key[1:] < key[:-1])).any():
            return np.lexsort(keys[::-1])
        tied &= key[1:] == key[:-1]
    return None


@dataclass(frozen=True, eq=False)
class Spikes(Value):
    """Spikes of one population, kept sorted by trial, then time, then unit.

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
        If the arrays are not of one length, or a time is not finite.
    """

    time: NDArray[np.float64]
    unit: NDArray[np.int32]
    trial: NDArray[np.int32]

    def __post_init__(self) -> None:
        time = np.asarray(self.time, dtype=np.float64)
        unit = np.asarray(self.unit, dtype=np.int32)
        trial = np.asarray(self.trial, dtype=np.int32)
        if not (time.ndim == 1 and time.shape == unit.shape == trial.shape):
            raise SpecError(
                f"time {time.shape}, unit {unit.shape} and trial {trial.shape} must be flat and of"
                " one length",
                where="Spikes",
            )
        if not np.isfinite(time).all():
            raise SpecError("a spike time is not finite; leave such spikes out", where="Spikes")
        order = _order(trial, time, unit)
        object.__setattr__(self, "time", _frozen(time, np.float64, order))
        object.__setattr__(self, "unit", _frozen(unit, np.int32, order))
        object.__setattr__(self, "trial", _frozen(trial, np.int32, order))

    def __len__(self) -> int:
        return len(self.time)


@dataclass(frozen=True, eq=False)
class Signal(Value):
    """A sampled variable of some units of one population, sorted by trial, then time.

    Parameters
    ----------
    values : array, shape (samples, units)
    unit : array of int, shape (units,)
        Which units the columns are.
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
        If the shapes do not fit together or the period is not positive.
    """

    values: NDArray[np.float64]
    unit: NDArray[np.int32]
    period: float
    quantity: str
    trial: NDArray[np.int32]
    time: NDArray[np.float64]

    def __post_init__(self) -> None:
        values = np.asarray(self.values, dtype=np.float64)
        trial = np.asarray(self.trial, dtype=np.int32)
        time = np.asarray(self.time, dtype=np.float64)
        unit = np.asarray(self.unit, dtype=np.int32)
        if values.shape != (*trial.shape, *unit.shape) or trial.shape != time.shape:
            raise SpecError(
                f"values {values.shape} must be (samples, units): {time.shape} times,"
                f" {trial.shape} trials, {unit.shape} units",
                where="Signal",
            )
        if not self.period > 0:
            raise SpecError(f"period {self.period} ms must be positive", where="Signal.period")
        order = _order(trial, time)
        object.__setattr__(self, "values", _frozen(values, np.float64, order))
        object.__setattr__(self, "unit", _frozen(unit, np.int32))
        object.__setattr__(self, "period", float(self.period))
        object.__setattr__(self, "trial", _frozen(trial, np.int32, order))
        object.__setattr__(self, "time", _frozen(time, np.float64, order))


@dataclass(frozen=True, eq=False)
class Snapshots(Value):
    """An array, such as a kernel, as it stood after some trials.

    Parameters
    ----------
    trial : array of int, shape (snapshots,)
        The trial after which it was taken; -1 is the state before the first trial.
    values : array, shape (snapshots, ...)

    Raises
    ------
    SpecError
        If the two are not of one length.
    """

    trial: NDArray[np.int32]
    values: NDArray[np.float64]

    def __post_init__(self) -> None:
        trial, values = _frozen(self.trial, np.int32), _frozen(self.values, np.float64)
        if trial.ndim != 1 or values.shape[:1] != trial.shape:
            raise SpecError(
                f"{trial.shape} trials but values of shape {values.shape}; give one a trial",
                where="Snapshots",
            )
        object.__setattr__(self, "trial", trial)
        object.__setattr__(self, "values", values)


Part = TypeVar("Part", Spikes, Signal, Snapshots)

#: Fields with one entry a spike, sample or snapshot; the others must agree.
_ALONG = ("time", "trial", "values")


def join(parts: Sequence[tuple[Part, int]]) -> Part:
    """Spikes, signals or snapshots after each other, their trials counted on."""
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
            joined[name] = value
        else:
            raise SpecError(
                f"the {name} of one {type(first).__name__} differs from another's",
                where="concatenate",
            )
    for value in joined.values():
        if isinstance(value, np.ndarray):
            value.setflags(write=False)  # so that it is taken as it is
    return type(first)(**joined)


def contents(part: Spikes | Signal | Snapshots) -> dict[str, Any]:
    """Fields by name, without copying."""
    return {f.name: getattr(part, f.name) for f in fields(part)}
