"""Promises of backends about results: exact, to a tolerance, or statistical.

A promise refers to the time conventions of :mod:`scnnbio.backends.base`, which ``reference``
implements. Two backends are compared by the weaker of their promises.
"""

from __future__ import annotations

import dataclasses
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, final

from scnnbio.errors import SpecError, not_one_of
from scnnbio.experiment import Experiment

Strength = Literal["exact", "tolerance", "statistical"]
#: Parts of a run's results, with a description.
SUBJECTS = {
    "input": "spikes of the source",
    "spikes": "spikes of the neurons",
    "signals": "sampled states, where the spikes are the same",
    "weights": "learned kernels and thresholds",
}


@dataclass(frozen=True)
class Promise(ABC):
    """A backend's promise for one part of a run's results.

    Parameters
    ----------
    subject : {"input", "spikes", "signals", "weights"}
    longest_dt : float
        Largest time step (ms) for which it is given.
    why : str
        Reason for its limits, for the support table.
    """

    #: One of the three strengths.
    strength: ClassVar[Strength]
    #: Order from the strongest promise (0) to the weakest.
    rank: ClassVar[int]
    #: Subjects for which such a promise can be given.
    subjects: ClassVar[tuple[str, ...]] = ("input", "spikes")

    subject: str
    longest_dt: float = field(default=math.inf, kw_only=True)
    why: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        if self.subject not in self.subjects:
            raise SpecError(
                not_one_of(self.subject, self.subjects), where=f"{type(self).__name__}.subject"
            )
        for name, bound in self.bounds().items():
            if not 0 < bound < math.inf:
                raise SpecError(
                    f"{bound:g} is not a positive, finite bound", where=f"promise.{name}"
                )

    @abstractmethod
    def __str__(self) -> str:
        """The promise as one line of text."""

    def bounds(self) -> dict[str, float]:
        """Its bounds, by name."""
        own = {item.name for item in dataclasses.fields(Promise)}
        names = [item.name for item in dataclasses.fields(self) if item.name not in own]
        return {name: getattr(self, name) for name in names}

    def covers(self, experiment: Experiment) -> bool:
        """Whether it applies to an experiment."""
        return experiment.dt <= self.longest_dt * (1 + 1e-9)


@final
@dataclass(frozen=True)
class Exact(Promise):
    """Identical numbers, to the last bit: every spike in the same step."""

    strength: ClassVar[Strength] = "exact"
    rank: ClassVar[int] = 0
    subjects: ClassVar[tuple[str, ...]] = tuple(SUBJECTS)

    def __str__(self) -> str:
        return "exact"


@final
@dataclass(frozen=True)
class Within(Promise):
    """Numbers that differ at most by a bound.

    Parameters
    ----------
    difference : float
        Bound in the unit of the compared values: that of the state, mV for thresholds, 1 for
        kernels.
    """

    strength: ClassVar[Strength] = "tolerance"
    rank: ClassVar[int] = 1
    subjects: ClassVar[tuple[str, ...]] = ("signals", "weights")

    difference: float = field(kw_only=True)

    def __str__(self) -> str:
        return f"tolerance: differ by at most {self.difference:g}"


@final
@dataclass(frozen=True)
class UnlessAtThreshold(Promise):
    """The same spikes, unless a neuron comes so close to threshold that rounding decides.

    Later spikes of the same trial that such a difference causes may differ too.

    Parameters
    ----------
    distance : float
        Distance from threshold, in the threshold's unit (mV).
    """

    strength: ClassVar[Strength] = "tolerance"
    rank: ClassVar[int] = 2

    distance: float = field(kw_only=True)

    def __str__(self) -> str:
        return f"tolerance: the same unless a neuron is within {self.distance:g} of threshold"


@final
@dataclass(frozen=True)
class Statistical(Promise):
    """Similar firing statistics, but not the same spikes.

    Parameters
    ----------
    rate : float
        Largest relative difference of the mean rate.
    cv : float
        Largest difference of the mean coefficient of variation of intervals.
    """

    strength: ClassVar[Strength] = "statistical"
    rank: ClassVar[int] = 3

    rate: float = field(kw_only=True)
    cv: float = field(kw_only=True)

    def __str__(self) -> str:
        return f"statistical: mean rate to {self.rate:.0%}, CV of intervals to {self.cv:g}"


def weaker(one: Promise, other: Promise) -> Promise:
    """The promise that applies between two backends.

    Parameters
    ----------
    one, other : Promise
        Promises of the two backends for the same subject.

    Returns
    -------
    Promise
        The weaker kind of promise; for two of the same kind, the larger of each bound.

    Examples
    --------
    >>> print(weaker(Exact("spikes"), Statistical("spikes", rate=0.05, cv=0.05)))
    statistical: mean rate to 5%, CV of intervals to 0.05
    """
    if type(one) is not type(other):
        return max(one, other, key=lambda promise: promise.rank)
    theirs = other.bounds()
    bounds: dict[str, Any] = {n: max(b, theirs[n]) for n, b in one.bounds().items()}
    return dataclasses.replace(one, **bounds)
