"""Learning of shared kernels and thresholds, compared with the closed forms of their rules."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from scnnbio.plasticity import SharedSTDP
from scnnbio.validation.claim import About, Measure, Measured
from scnnbio.validation.closed_forms import closed
from scnnbio.validation.comparisons import AllWithin
from scnnbio.validation.evidence import Evidence
from scnnbio.validation.protocol import Missing


class ScaledWeights(Measure):
    """Every weight of the learned kernel, scaled so that its rule's bounds are 0 and 1."""

    name: ClassVar[str] = "scaled_weight"
    about: ClassVar[About] = "projection"

    def of(self, evidence: Evidence) -> Measured:
        """Scale the weights."""
        kernel, name = evidence.weights, evidence.projection
        rule = evidence.run.experiment.network.projection(name).plasticity
        if not isinstance(rule, SharedSTDP):
            raise Missing(f"{name!r} does not learn by a rule with bounds")
        return Measured((kernel.ravel() - rule.w_min) / (rule.w_max - rule.w_min))


class ThresholdError(Measure):
    """Learned thresholds minus ``start + eta (spikes - target seconds)``, one per map.

    A map whose threshold came near its lower bound is excluded: there the threshold cannot fall.
    """

    name: ClassVar[str] = "threshold_error"
    unit: ClassVar[str] = "mV"

    def of(self, evidence: Evidence) -> Measured:
        """Sum the spikes of each map."""
        run, name = evidence.run, evidence.population
        layer = run.experiment.network.population(name)
        rule = layer.homeostasis
        if rule is None or name not in run.weights:
            raise Missing(f"{name!r} does not learn a threshold")
        if rule.half_life is not None:
            raise Missing(
                "the learning rate of the thresholds decays; this measure has no closed form for"
                " that"
            )
        maps, rows, columns = layer.shape
        spikes = np.bincount(run.recording.spikes_of(name).unit // (rows * columns), minlength=maps)
        seconds = float(run.recording.trials["duration"].sum()) / 1e3
        start = np.broadcast_to(layer.values()[rule.parameter], (maps,))
        expected = start + rule.eta * (spikes - np.broadcast_to(rule.target, (maps,)) * seconds)
        shots = run.recording.snapshots.get(name)
        lowest = (
            run.weights[name]
            if shots is None
            else np.minimum(shots.values.min(axis=0), run.weights[name])
        )
        bound = -np.inf if rule.minimum is None else rule.minimum
        free = lowest > bound + 1.0
        return Measured(
            (run.weights[name] - expected)[free],
            {"within 1 mV of the lowest threshold": int((~free).sum())},
            np.flatnonzero(free),
        )


class RelativeWins(Measure):
    """Spikes of each map in the second half of the trials, divided by its target."""

    name: ClassVar[str] = "relative_wins"

    def of(self, evidence: Evidence) -> Measured:
        """Count the spikes of each map."""
        run, name = evidence.run, evidence.population
        layer = run.experiment.network.population(name)
        if layer.homeostasis is None:
            raise Missing(f"{name!r} does not learn a threshold")
        maps, rows, columns = layer.shape
        half, spikes = run.recording.n_trials // 2, run.recording.spikes_of(name)
        late = spikes.unit[spikes.trial >= half] // (rows * columns)
        seconds = float(run.recording.trials["duration"][half:].sum()) / 1e3
        wanted = np.broadcast_to(layer.homeostasis.target, (maps,)) * seconds
        return Measured(np.bincount(late, minlength=maps) / wanted, neurons=np.arange(maps))


CLAIMS = (
    AllWithin(
        name="kernel_bounds",
        observation=closed(
            "learned weights, from the rule's lower bound (0) to its upper (1)",
            "closed form: weights never pass soft bounds",
            0.0,
            1.0,
        ),
        measure=ScaledWeights(),
    ),
    AllWithin(
        name="threshold_sum",
        observation=closed(
            "learned threshold, minus start + eta (spikes - target time)",
            "closed form: integral of the threshold's rule over the run",
            -1e-6,
            1e-6,
            "mV",
        ),
        measure=ThresholdError(),
    ),
    AllWithin(
        name="equal_wins",
        observation=closed(
            "spikes of a map in the second half of the run, divided by its target",
            "closed form: fixed point of the threshold's rule",
            0.8,
            1.2,
        ),
        measure=RelativeWins(),
    ),
)
