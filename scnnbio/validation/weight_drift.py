"""Weights between correlated trains, unshared and shared, and the integral of their window."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from scnnbio.analysis.drift import SignalToNoise, changes_of, drift, signal_to_noise
from scnnbio.experiment import Run
from scnnbio.inputs import CorrelatedPairs
from scnnbio.validation.claim import About, Measure, Measured
from scnnbio.validation.closed_forms import closed
from scnnbio.validation.comparisons import AllWithin
from scnnbio.validation.evidence import Evidence
from scnnbio.validation.protocol import Missing


class DriftDeviation(Measure):
    """Mean drift minus the theoretical one, in standard errors, one per correlation and lag."""

    name: ClassVar[str] = "drift_deviation"
    about: ClassVar[About] = "projection"

    def of(self, evidence: Evidence) -> Measured:
        """Compare the learned weights with the integral."""
        _ = evidence.weights  # raises Missing without weights
        return Measured(evidence.once(drift, evidence.projection).deviation)


def sharing(run: Run) -> SignalToNoise:
    """Signal-to-noise ratio of the updates of all projections of a run that learn from pairs.

    Raises
    ------
    Missing
        If weights are shared by fewer than two different numbers of places.
    """
    experiment = run.experiment
    changes = dict(
        changes_of(run, p.name)
        for p in experiment.network.projections
        if p.plasticity is not None and isinstance(experiment.inputs.get(p.pre), CorrelatedPairs)
    )
    if len(changes) < 2:
        raise Missing(
            "the slope needs weights that are shared by at least two different numbers of places"
        )
    return signal_to_noise(changes)


class SharingSlope(Measure):
    """Slope of log(signal to noise of an update) against log(number of places that share it)."""

    name: ClassVar[str] = "sharing_slope"
    about: ClassVar[About] = "network"

    def of(self, evidence: Evidence) -> Measured:
        """Fit the slope."""
        return Measured(np.array([evidence.once(sharing).slope]))


CLAIMS = (
    AllWithin(
        name="stdp_drift",
        observation=closed(
            "mean drift of a weight per place, minus the integral of its window times the"
            " correlation of its trains, in standard errors",
            "closed form: Kempter, Gerstner and van Hemmen (1999), Hebbian learning and spiking"
            " neurons, Phys. Rev. E 59, 4498-4514, equation 9, on the grid",
            -3.0,
            3.0,
        ),
        measure=DriftDeviation(),
    ),
    AllWithin(
        name="sharing_snr",
        observation=closed(
            "slope of log(signal to noise of an update) on log(places that share the weight)",
            "closed form: a sum of P independent updates has P times their mean and sqrt(P)"
            " times their standard deviation",
            0.45,
            0.55,
        ),
        measure=SharingSlope(),
    ),
)
