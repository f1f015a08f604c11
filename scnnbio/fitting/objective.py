"""How well a response reproduces recorded sweeps: coincident spikes, and the potential between."""

from __future__ import annotations

import dataclasses
import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scnnbio.analysis.coincidence import (
    WINDOW,
    Coincidences,
    coincidences,
    explained_variance,
)
from scnnbio.errors import SpecError, not_one_of
from scnnbio.fitting._responses import Response
from scnnbio.recording.sweeps import Sweep
from scnnbio.units import Milliseconds, Millivolts, plain, plain_array
from scnnbio.values import Value

Array = NDArray[np.float64]

#: What is minimised.
KINDS = ("both", "coincidence", "trace")
#: Factor of a model that fires so often that chance explains every coincidence.
_WORST = -1.0


@dataclass(frozen=True)
class Objective(Value):
    """What a fit minimises.

    Parameters
    ----------
    kind : {"both", "coincidence", "trace"}
        ``"coincidence"`` is 1 minus the coincidence factor of all sweeps together. ``"trace"`` is
        the root mean square difference of the potentials, outside of recorded spikes, divided by
        the standard deviation of the recorded potential there. ``"both"`` is their sum.
    window : float
        Largest distance of two coincident spikes (ms).
    level : float
        Potential (mV) whose upward crossing marks a recorded spike.
    cut : (float, float)
        Time before and after each recorded spike (ms) that does not count in the trace, since the
        neuron models have no spike shape. What the model fires without the cell counts.

    Raises
    ------
    SpecError
        If the kind is unknown, or a time is not positive.
    """

    kind: str = "both"
    window: Milliseconds = WINDOW
    level: Millivolts = -20.0
    cut: tuple[Milliseconds, Milliseconds] = (2.0, 5.0)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise SpecError(not_one_of(self.kind, KINDS), where="objective.kind")
        object.__setattr__(self, "window", plain(self.window, "ms", where="objective.window"))
        object.__setattr__(self, "level", plain(self.level, "mV", where="objective.level"))
        times = plain_array(self.cut, "ms", where="objective.cut")
        if times.shape != (2,):
            raise SpecError(
                f"shape {times.shape} is not that of two times, before and after a spike",
                where="objective.cut",
            )
        before, after = (float(time) for time in times)
        object.__setattr__(self, "cut", (before, after))
        if self.window <= 0 or before < 0 or after < 0:
            raise SpecError(
                "the window must be positive, and the cut times must not be negative",
                where="objective",
            )


@dataclass(frozen=True)
class SweepScore:
    """How well a model reproduces one sweep.

    Parameters
    ----------
    name : str
    spikes, model_spikes : int
    coincidence_factor : float
        NaN where neither fires.
    trace_error : float
        Root mean square difference of the potentials outside of recorded spikes (mV).
    explained_variance : float
        Share of the variance of the recorded potential there; NaN where it does not vary.
    """

    name: str
    spikes: int
    model_spikes: int
    coincidence_factor: float
    trace_error: Millivolts
    explained_variance: float


@dataclass(frozen=True, eq=False)
class Scores:
    """How well a model reproduces several sweeps.

    Parameters
    ----------
    sweeps : tuple of SweepScore
    coincidence_factor : float
        From the counts of all sweeps.
    trace_error : float
        From all samples (mV).
    explained_variance : float
        From all samples.
    """

    sweeps: tuple[SweepScore, ...]
    coincidence_factor: float
    trace_error: Millivolts
    explained_variance: float


class Target:
    """Recorded sweeps, from which candidates are scored.

    Parameters
    ----------
    sweeps : sequence of Sweep
        All with one period, the step of the simulation.
    objective : Objective

    Raises
    ------
    SpecError
        If a sweep begins in a spike, spikes leave nothing of the potential, or there is nothing to
        fit: no spike for a coincidence factor, no variance for a trace.
    """

    def __init__(self, sweeps: Sequence[Sweep], objective: Objective) -> None:
        self.sweeps, self.objective = tuple(sweeps), objective
        self.spikes = tuple(sweep.spikes(objective.level) for sweep in sweeps)
        self.kept = tuple(
            _kept(sweep, spikes, objective.cut)
            for sweep, spikes in zip(sweeps, self.spikes, strict=True)
        )
        recorded = np.concatenate([s.potential[k] for s, k in zip(sweeps, self.kept, strict=True)])
        if objective.kind == "coincidence" and not sum(map(len, self.spikes)):
            raise SpecError(
                f"no sweep crosses {objective.level:g} mV, so no spike can coincide; fit the"
                ' trace (kind = "trace"), or lower the level that marks a spike',
                where="objective",
            )
        if not recorded.size:
            raise SpecError(
                "recorded spikes follow each other so closely that nothing of the potential is"
                " left between them; shorten the cut",
                where="objective.cut",
            )
        self.spread = float(recorded.std())
        if objective.kind != "coincidence" and not self.spread:
            raise SpecError("the potential never varies; there is nothing to fit", where="sweeps")

    def differences(self, response: Response) -> Array:
        """Model minus recorded potential (mV), of all samples that count, sweep after sweep."""
        return np.concatenate([
            potential[kept] - sweep.potential[kept]
            for potential, sweep, kept in zip(
                response.potentials, self.sweeps, self.kept, strict=True
            )
        ])  # fmt: skip

    def loss(self, response: Response | SpecError) -> float:
        """What is minimised; infinite for a response that is not finite."""
        if isinstance(response, SpecError):
            return math.inf
        kind, total = self.objective.kind, 0.0
        if kind != "coincidence":
            total += float(np.sqrt(np.mean(self.differences(response) ** 2))) / self.spread
        if kind != "trace":
            factor = self._together(response)
            # Where neither fires, the model agrees.
            total += 0.0 if math.isnan(factor) else 1.0 - factor
        return total if math.isfinite(total) else math.inf

    def counts(self, response: Response) -> list[Coincidences | None]:
        """Coincidences sweep by sweep; None for a model that fires at nearly every window."""
        found: list[Coincidences | None] = []
        for sweep, data, model in zip(self.sweeps, self.spikes, response.spikes, strict=True):
            if 2 * self.objective.window * len(model) >= sweep.duration:
                found.append(None)
                continue
            found.append(coincidences(data, model, sweep.duration, self.objective.window))
        return found

    def _together(self, response: Response) -> float:
        counts = self.counts(response)
        known = [one for one in counts if one is not None]
        if len(known) < len(counts):
            return _WORST
        return sum(known, Coincidences()).factor

    def scores(self, response: Response) -> Scores:
        """Every measure of a response."""
        rows = []
        for k, (sweep, counts) in enumerate(zip(self.sweeps, self.counts(response), strict=True)):
            ours, theirs, kept = sweep.potential, response.potentials[k], self.kept[k]
            rows.append(
                SweepScore(
                    sweep.name,
                    len(self.spikes[k]),
                    len(response.spikes[k]),
                    _WORST if counts is None else counts.factor,
                    _root_mean_square((theirs - ours)[kept]),
                    explained_variance(ours, theirs, kept),
                )
            )
        kept = np.concatenate(self.kept)
        whole = [
            np.concatenate(parts)
            for parts in ([s.potential for s in self.sweeps], response.potentials)
        ]
        return Scores(
            tuple(rows),
            self._together(response),
            _root_mean_square(self.differences(response)),
            explained_variance(whole[0], whole[1], kept),
        )


def joined(parts: Sequence[tuple[Target, Response]]) -> tuple[Target, Response]:
    """Several targets and the responses to them as one, in the order of the parts."""
    target = Target([s for part, _ in parts for s in part.sweeps], parts[0][0].objective)
    potentials, spikes = (
        tuple(x for _, response in parts for x in operator.attrgetter(name)(response))
        for name in (f.name for f in dataclasses.fields(Response))
    )
    return target, Response(potentials, spikes)


def _kept(sweep: Sweep, spikes: Array, cut: tuple[float, float]) -> NDArray[np.bool_]:
    """Samples that are not within the cut around a recorded spike."""
    times = np.arange(len(sweep.potential)) * sweep.period
    kept = np.ones(len(times), dtype=bool)
    for spike in spikes:
        kept &= (times < spike - cut[0] - 1e-9) | (times > spike + cut[1] + 1e-9)
    return kept


def _root_mean_square(differences: Array) -> float:
    return float(np.sqrt(np.mean(differences**2))) if differences.size else math.nan
