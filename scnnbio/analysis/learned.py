"""What learning left: weights at their bounds, silent and runaway maps, thresholds, convergence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scnnbio.experiment import Run
from scnnbio.network import Projection

#: Share of the range between the bounds within which a weight counts as at its bound.
_AT_BOUND = 0.05
#: Share of the spikes that refractoriness and the time step allow, above which a map runs away.
_RUNAWAY = 0.5
#: Share of the trials, at the end of a stage, in which maps are counted as silent or runaway.
_LAST = 0.5


@dataclass(frozen=True, eq=False)
class Learned:
    """State of a projection after a run in which its kernel learned.

    Parameters
    ----------
    projection : str
    low, high : float
        Shares of the weights within 5 % of the range from the lower and from the upper bound.
    moved : float
        Mean absolute change of a weight in the run.
    settled : float
        Rate of change between the last two snapshots, as a share of that between the first two;
        the final weights count as a snapshot. NaN without snapshots.
    maps : int
    silent, runaway : int or None
        Maps that fired no spike in the last half of the trials; and those with a neuron that fired
        in more than half of the steps that refractoriness leaves. None if spikes were not
        recorded.
    threshold : float
        Mean change of the shared threshold in mV; NaN without one.
    """

    projection: str
    low: float
    high: float
    moved: float
    settled: float
    maps: int
    silent: int | None
    runaway: int | None
    threshold: float

    def __str__(self) -> str:
        parts = [f"{self.low:.0%} of weights at the lower bound, {self.high:.0%} at the upper"]
        if np.isfinite(self.settled):
            parts.append(f"weights change at {self.settled:.2g} of their first rate")
        if self.silent is not None:
            parts.append(f"{self.silent} of {self.maps} maps silent, {self.runaway} runaway")
        if np.isfinite(self.threshold):
            parts.append(f"thresholds moved by {self.threshold:+.2g} mV")
        return f"{self.projection}: {'; '.join(parts)}"


def learned(run: Run) -> tuple[Learned, ...]:
    """Diagnostics of every projection that learned in a run.

    Parameters
    ----------
    run : Run

    Returns
    -------
    tuple of Learned
        Empty if nothing learned.
    """
    return tuple(_of(run))


def _of(run: Run) -> Iterator[Learned]:
    for projection in run.experiment.network.projections:
        rule = projection.plasticity
        if rule is None or projection.name not in run.weights:
            continue
        present = projection.connector.present
        before, after = projection.kernel[present], run.weights[projection.name][present]
        near = _AT_BOUND * (rule.w_max - rule.w_min)
        silent, runaway = _activity(run, projection)
        yield Learned(
            projection=projection.name,
            low=float(np.mean(after <= rule.w_min + near)),
            high=float(np.mean(after >= rule.w_max - near)),
            moved=float(np.mean(np.abs(after - before))),
            settled=_settled(run, projection),
            maps=run.experiment.network.population(projection.post).shape[0],
            silent=silent,
            runaway=runaway,
            threshold=_threshold(run, projection),
        )


def _settled(run: Run, projection: Projection) -> float:
    """How fast weights change at the end, as a share of the beginning."""
    shots = run.recording.snapshots.get(projection.name)
    if shots is None or len(shots.trial) < 2:
        return float("nan")
    last = run.weights[projection.name]
    values = np.concatenate([shots.values, last[np.newaxis]])
    trials = np.append(np.maximum(shots.trial, 0), run.experiment.n_trials)
    change = np.abs(np.diff(values, axis=0)).reshape(len(values) - 1, -1).mean(axis=1)
    each = change / np.maximum(np.diff(trials), 1)
    rates: NDArray[np.float64] = each[np.diff(trials) > 0]
    return float(rates[-1] / rates[0]) if len(rates) > 1 and rates[0] else float("nan")


def _activity(run: Run, projection: Projection) -> tuple[int | None, int | None]:
    """Silent and runaway maps of the layer."""
    recording, experiment = run.recording, run.experiment
    if projection.post not in recording.spikes:
        return None, None
    population = experiment.network.population(projection.post)
    spikes = recording.spikes[projection.post]
    first = int(recording.n_trials * (1.0 - _LAST))
    units = spikes.unit[spikes.trial >= first]
    counts = np.bincount(units, minlength=population.size).reshape(population.shape[0], -1)
    held = population.model.refractory
    waits = 0.0 if held is None else float(np.min(population.values()[held]))
    shortest = max(waits, 0.0) + experiment.dt
    most = _RUNAWAY * (recording.n_trials - first) * experiment.trial_duration / shortest
    return int((counts.sum(axis=1) == 0).sum()), int((counts.max(axis=1) > most).sum())


def _threshold(run: Run, projection: Projection) -> float:
    population = run.experiment.network.population(projection.post)
    rule = population.homeostasis
    if rule is None or population.name not in run.weights:
        return float("nan")
    before = population.channel_values(rule.parameter)
    return float(np.mean(run.weights[population.name] - before))
