"""What a run records: spikes, sampled signals, snapshots of learned kernels and thresholds."""

from __future__ import annotations

import operator
import reprlib
from dataclasses import dataclass
from typing import Any

from scnnbio.errors import SpecError
from scnnbio.units import Milliseconds, plain
from scnnbio.values import Value


@dataclass(frozen=True)
class Sampling(Value):
    """Request to sample state variables of a population over time.

    Parameters
    ----------
    population : str
        Population to sample.
    variables : tuple of str
        Names of state variables.
    units : tuple of int, optional
        Neurons to sample; all if not given.
    period : float, optional
        Time between samples in ms; the time step if not given.
    """

    population: str
    variables: tuple[str, ...]
    units: tuple[int, ...] | None = None
    period: Milliseconds | None = None

    def __post_init__(self) -> None:
        where = "record.signals"
        object.__setattr__(self, "variables", _names(self.variables, f"{where}.variables"))
        if not self.variables:
            raise SpecError("names no variable; name at least one", where=f"{where}.variables")
        if self.units is not None:
            object.__setattr__(self, "units", _units(self.units, f"{where}.units"))
        if self.period is not None:
            object.__setattr__(self, "period", plain(self.period, "ms", where=f"{where}.period"))


@dataclass(frozen=True)
class Record(Value):
    """What a run records.

    Parameters
    ----------
    spikes : tuple of str
        Populations whose spikes are recorded.
    signals : tuple of Sampling
        State variables to sample.
    snapshots : int
        Largest number of snapshots of learning kernels and thresholds, equally spaced from the
        first trial on.
    """

    spikes: tuple[str, ...] = ()
    signals: tuple[Sampling, ...] = ()
    snapshots: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "spikes", _names(self.spikes, "record.spikes"))
        object.__setattr__(self, "signals", tuple(self.signals))
        sampled = [(s.population, name) for s in self.signals for name in s.variables]
        for pair in sampled:
            if sampled.count(pair) > 1:
                raise SpecError(
                    f"{pair[1]!r} of population {pair[0]!r} is sampled twice; name all its units"
                    " at once",
                    where="record.signals",
                )
        if isinstance(self.snapshots, bool) or not isinstance(self.snapshots, int):
            raise SpecError(f"{self.snapshots!r} is not a whole number", where="record.snapshots")
        if self.snapshots < 0:
            raise SpecError("snapshots cannot be negative", where="record.snapshots")


def _names(values: Any, where: str) -> tuple[str, ...]:
    """Names as a tuple without repeats; raises for a bare text, which would split into letters."""
    if not isinstance(values, list | tuple) or not all(isinstance(v, str) for v in values):
        raise SpecError(f"{reprlib.repr(values)} is not a list of names", where=where)
    return tuple(dict.fromkeys(values))


def _units(values: Any, where: str) -> tuple[int, ...]:
    try:
        units = tuple(operator.index(v) for v in values)
    except TypeError:
        units = ()
    if not units or len(set(units)) < len(units):
        raise SpecError(
            f"{reprlib.repr(values)} is not a list of different neuron numbers", where=where
        )
    return units
