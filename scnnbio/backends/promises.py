"""What a backend promises of a run: exactly, to a tolerance, or statistically.

A promise is held against the time conventions of :mod:`scnnbio.backends.base`, which ``reference``
writes out. Two backends are held against each other by the weaker promise of the two.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, final

from scnnbio.errors import SpecError
from scnnbio.experiment import Experiment
from scnnbio.neurons.algebra import linear_system
from scnnbio.units import plain

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
    neurons : {"any", "linear"}
        ``"linear"``: only where all neurons of the network have linear equations.
    why : str
        What limits it, for the support table.
    """

    #: One of the three strengths.
    strength: ClassVar[Strength]
    #: From the strongest promise to the weakest.
    rank: ClassVar[int]

    subject: str
    neurons: Literal["any", "linear"] = field(default="any", kw_only=True)
    why: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        if self.subject not in SUBJECTS:
            raise SpecError(f"{self.subject!r} is not one of {', '.join(SUBJECTS)}")
        for item in dataclasses.fields(self):
            if item.name not in ("subject", "neurons", "why"):
                bound = plain(getattr(self, item.name), "1", where=f"promise.{item.name}")
                if bound <= 0:
                    raise SpecError(f"{bound:g} is not positive", where=f"promise.{item.name}")

    @abstractmethod
    def __str__(self) -> str:
        """The promise in a line."""

    def covers(self, experiment: Experiment) -> bool:
        """Whether it is given for an experiment."""
        return self.neurons == "any" or all(
            p.is_source or _is_linear(p.model) for p in experiment.network.populations
        )


@final
@dataclass(frozen=True)
class Exact(Promise):
    """The same numbers to the last bit: every spike at its step."""

    strength: ClassVar[Strength] = "exact"
    rank: ClassVar[int] = 0

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
class Shifted(Promise):
    """Spikes near each other in time, where a neuron fires as often.

    Parameters
    ----------
    steps : float
        Median distance of the k-th spike from the k-th, in time steps of the coarser grid.
    """

    strength: ClassVar[Strength] = "tolerance"
    rank: ClassVar[int] = 3

    steps: float = field(kw_only=True)

    def __str__(self) -> str:
        return f"tolerance: {self.steps:g} step apart at most, in the median"


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
    rank: ClassVar[int] = 4

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
    >>> print(weaker(Exact("spikes"), Shifted("spikes", steps=1)))
    tolerance: 1 step apart at most, in the median
    """
    if type(one) is not type(other):
        return max(one, other, key=lambda promise: promise.rank)
    bounds: dict[str, Any] = {
        item.name: max(getattr(one, item.name), getattr(other, item.name))
        for item in dataclasses.fields(one)
        if item.name not in ("subject", "neurons", "why")
    }
    return dataclasses.replace(one, **bounds)


def _is_linear(model: Any) -> bool:
    try:
        linear_system(model)
    except SpecError:
        return False
    return True
