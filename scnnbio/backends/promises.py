"""What a backend promises of a run: exactly, to a tolerance, or statistically.

A promise is held against the time conventions of :mod:`scnnbio.backends.base`, which ``reference``
writes out. Two backends are held against each other by the weaker promise of the two.
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
#: Parts of a run, and what they are.
SUBJECTS = {
    "input": "spikes of the source",
    "spikes": "spikes of the neurons",
    "signals": "sampled states, where the spikes are the same",
    "weights": "learned kernels and thresholds",
}


@dataclass(frozen=True)
class Promise(ABC):
    """What a backend promises of one part of a run.

    Parameters
    ----------
    subject : {"input", "spikes", "signals", "weights"}
    longest_dt : float
        Only on grids of this step (ms) and finer.
    why : str
        What limits it, for the support table.
    """

    #: One of the three strengths.
    strength: ClassVar[Strength]
    #: From the strongest promise to the weakest.
    rank: ClassVar[int]
    #: What such a promise can be given of.
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
                raise SpecError(f"{bound:g} is no positive bound", where=f"promise.{name}")

    @abstractmethod
    def __str__(self) -> str:
        """The promise in a line."""

    def bounds(self) -> dict[str, float]:
        """The numbers that it is held to."""
        own = {item.name for item in dataclasses.fields(Promise)}
        names = [item.name for item in dataclasses.fields(self) if item.name not in own]
        return {name: getattr(self, name) for name in names}

    def covers(self, experiment: Experiment) -> bool:
        """Whether it is given for an experiment."""
        return experiment.dt <= self.longest_dt * (1 + 1e-9)


@final
@dataclass(frozen=True)
class Exact(Promise):
    """The same numbers to the last bit: every spike at its step."""

    strength: ClassVar[Strength] = "exact"
    rank: ClassVar[int] = 0
    subjects: ClassVar[tuple[str, ...]] = tuple(SUBJECTS)

    def __str__(self) -> str:
        return "exact"


@final
@dataclass(frozen=True)
class Within(Promise):
    """Numbers that differ by a bound at most.

    Parameters
    ----------
    difference : float
        In the unit of what is compared: that of the state, mV for thresholds, 1 for kernels.
    """

    strength: ClassVar[Strength] = "tolerance"
    rank: ClassVar[int] = 1
    subjects: ClassVar[tuple[str, ...]] = ("signals", "weights")

    difference: float = field(kw_only=True)

    def __str__(self) -> str:
        return f"tolerance: differ by {self.difference:g} at most"


@final
@dataclass(frozen=True)
class UnlessAtThreshold(Promise):
    """The same spikes, unless a neuron comes so close to its threshold that rounding decides.

    What such a spike causes may differ too, to the end of the trial.

    Parameters
    ----------
    distance : float
        From the threshold, in its unit (mV).
    """

    strength: ClassVar[Strength] = "tolerance"
    rank: ClassVar[int] = 2

    distance: float = field(kw_only=True)

    def __str__(self) -> str:
        return f"tolerance: the same unless a neuron stands within {self.distance:g} of threshold"


@final
@dataclass(frozen=True)
class Statistical(Promise):
    """Neurons that fire alike, though not the same spikes.

    Parameters
    ----------
    rate : float
        Largest difference of the mean rate, as a share of it.
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
    """The promise that holds between two backends that gave these.

    Parameters
    ----------
    one, other : Promise
        Of one subject.

    Returns
    -------
    Promise
        That of the lower rank; of two of a kind, the larger bound of each.

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
