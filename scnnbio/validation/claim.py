"""What a claim is: an observation, a measure of the model, and how the two are compared."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scnnbio._html import short
from scnnbio.errors import SpecError
from scnnbio.validation.evidence import Evidence
from scnnbio.validation.scores import Score, Verdict
from scnnbio.values import Value

#: Fields of an observation that say how it was made.
PROTOCOL = ("stimulus", "window", "state", "pooling", "differs")


@dataclass(frozen=True, eq=False)
class Observation(Value):
    """A published number or histogram, with where it is from.

    Parameters
    ----------
    quantity : str
        What was measured, such as ``"circular variance"``.
    source : str
        The paper, or ``"design"`` for a control.
    species : str
    n : int, optional
        Cells.
    unit : str
        ``"1"`` for a pure number.
    value : float, optional
        A median or a fraction.
    interval : (float, float), optional
        Quartiles, or the range where ``note`` says so; an end may be infinite.
    counts, edges : array, optional
        Histogram, of shape (bins,) and (bins + 1,), or (bins, bins) and (bins + 1,) for two
        quantities in the same bins.
    above : int
        Cells above the last edge.
    stimulus : str
        What was shown, or done to the neurons.
    window : str
        The stretch of the response that was counted.
    state : str
        Of the animal.
    pooling : str
        How spikes became one number per cell: over which trials and conditions, counted how.
    differs : str
        In what the model's measure is not the published one; empty if in nothing.
    note : str
        What else one must know to compare.
    """

    quantity: str
    source: str
    species: str = "macaque V1"
    n: int | None = None
    unit: str = "1"
    value: float | None = None
    interval: tuple[float, float] | None = None
    counts: NDArray[np.int64] | None = None
    edges: NDArray[np.float64] | None = None
    above: int = 0
    stimulus: str = ""
    window: str = ""
    state: str = ""
    pooling: str = ""
    differs: str = ""
    note: str = ""

    def __repr__(self) -> str:
        found = self.value if self.counts is None else self.counts
        held = "" if found is None else f" {short(found)}"
        return f"Observation({self.quantity!r}{held} in {self.species}: {short(self.source)})"

    def describe(self) -> dict[str, Any]:
        """Plain values of what is given, for a score."""
        given = {
            "quantity": self.quantity,
            "species": self.species,
            "n": self.n,
            "unit": self.unit,
            "value": self.value,
            "interval": None if self.interval is None else _ends(self.interval),
            "counts": None if self.counts is None else self.counts.tolist(),
            "edges": None if self.edges is None else self.edges.tolist(),
            "above": self.above if self.counts is not None else None,
            **{name: getattr(self, name) or None for name in PROTOCOL},
            "note": self.note or None,
        }
        return {name: value for name, value in given.items() if value is not None}


def _ends(interval: tuple[float, float]) -> list[float | None]:
    """Ends of an interval, None where it is open: JSON has no infinity."""
    return [end if math.isfinite(end) else None for end in interval]


@dataclass(frozen=True, eq=False)
class Measured:
    """Numbers of a model, one a cell or kernel, and how many were left out and why.

    Parameters
    ----------
    values : array, shape (n,) or (n, quantities)
        No NaN; infinite where a cell lies beyond any bin.
    excluded : mapping from reason to int
    """

    values: NDArray[np.float64]
    excluded: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """Outcome of holding measured values against an observation."""

    value: float
    agrees: bool
    reason: str
    prediction: Mapping[str, Any]
    against: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False, kw_only=True)
class Claim(ABC):
    """That a model has a property of the cortex, or of its own closed form; never assumed.

    Parameters
    ----------
    name : str
    stage : str
        Stage of a workflow whose run is judged, such as ``"gratings"``.
    observation : Observation
    measure : callable
        From :class:`Evidence` to :class:`Measured`; raises :class:`Missing`, or another SpecError,
        where the run lacks what it needs.
    minimum : int
        With fewer values the verdict is ``"insufficient data"``.
    """

    name: str
    stage: str
    observation: Observation
    measure: Callable[[Evidence], Measured]
    minimum: int = 20

    @abstractmethod
    def compare(self, values: NDArray[np.float64]) -> Comparison:
        """Hold the values of a model against the observation."""

    def judge(self, run: Any) -> Score:
        """Judge a run.

        Parameters
        ----------
        run : Run or Evidence
            Evidence keeps what is expensive for the next claim.

        Returns
        -------
        Score
        """
        evidence = run if isinstance(run, Evidence) else Evidence(run)
        try:
            measured = self.measure(evidence)
        except SpecError as error:
            # Missing, or what a measure refuses: a population or a signal that is not there.
            return self._unjudged(str(error))
        n = len(measured.values)
        if n < self.minimum:
            reason = f"{n} are left to count, {self.minimum} are needed"
            return self._score("insufficient data", reason, measured)
        outcome = self.compare(measured.values)
        verdict: Verdict = "agrees" if outcome.agrees else "disagrees"
        return self._score(verdict, outcome.reason, measured, outcome)

    def _unjudged(self, reason: str) -> Score:
        return self._score("not applicable", reason)

    def _score(
        self,
        verdict: Verdict,
        reason: str,
        measured: Measured | None = None,
        outcome: Comparison | None = None,
    ) -> Score:
        return Score(
            claim=self.name,
            value=None if outcome is None else outcome.value,
            prediction={} if outcome is None else outcome.prediction,
            observation=self.observation.describe() | dict(outcome.against if outcome else {}),
            verdict=verdict,
            reason=reason,
            n=0 if measured is None else len(measured.values),
            excluded={} if measured is None else measured.excluded,
            source=self.observation.source,
        )


def judge_stages(claims: Mapping[str, Claim], runs: Mapping[str, Any]) -> dict[str, Score]:
    """Judge each claim on the run of its stage.

    Parameters
    ----------
    claims : mapping from name to Claim
    runs : mapping from stage to Run or Evidence
        A claim whose stage is not in it is ``"not applicable"``.

    Returns
    -------
    dict from name to Score
    """
    scores = {}
    for name, claim in claims.items():
        if claim.stage in runs:
            scores[name] = claim.judge(runs[claim.stage])
        else:
            scores[name] = claim._unjudged(f"stage {claim.stage!r} was not run")
    return scores
