"""Networks that keep firing by themselves."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from scnnbio.analysis.irregularity import irregularity
from scnnbio.analysis.tables import firing_rates
from scnnbio.validation.claim import About, Measure, Measured
from scnnbio.validation.comparisons import AllWithin
from scnnbio.validation.evidence import Evidence
from scnnbio.validation.observation import Observation

#: Number of intervals that the CV of a neuron needs.
CV_INTERVALS = 5


class MeanRate(Measure):
    """Mean rate of each neuron over all trials."""

    name: ClassVar[str] = "mean_rate"
    unit: ClassVar[str] = "Hz"
    windowed: ClassVar[bool] = True

    def of(self, evidence: Evidence) -> Measured:
        """Count the spikes of every neuron."""
        table = firing_rates(evidence.recording, evidence.population, window=evidence.window)
        return Measured(table["rate_hz"].to_numpy(), neurons=table.index.to_numpy())


class IntervalCV(Measure):
    """CV of all intervals of a neuron, for neurons with five intervals or more."""

    name: ClassVar[str] = "interval_cv"
    windowed: ClassVar[bool] = True

    def of(self, evidence: Evidence) -> Measured:
        """Measure the neurons with enough intervals."""
        found = irregularity(
            evidence.recording,
            evidence.population,
            window=evidence.window,
            min_intervals=CV_INTERVALS,
        )
        few = np.isnan(found.cv)
        excluded = {f"fewer than {CV_INTERVALS} intervals": int(few.sum())}
        return Measured(found.cv[~few], excluded, found.unit[~few])


class SustainedRate(Measure):
    """Rate of each population in the last fifth of the trials, divided by that in the second fifth.

    The first fifth is ignored. The value is 0 for a population that is silent in the second fifth.
    """

    name: ClassVar[str] = "sustained_rate"
    about: ClassVar[About] = "populations"

    def of(self, evidence: Evidence) -> Measured:
        """Count the spikes of each population."""
        recording = evidence.recording
        last = float(recording.trials["duration"].min())
        names, shares = [part.population for part in evidence.each], []
        for name in names:
            early, late = (
                int(recording.counts(name, (k / 5 * last, (k + 1) / 5 * last)).sum())
                for k in (1, 4)
            )
            shares.append(late / early if early else 0.0)
        return Measured(np.array(shares), populations=tuple(names))


CLAIMS = (
    AllWithin(
        name="self_sustained",
        observation=Observation(
            quantity="rate in the last fifth of the run, divided by that in the second fifth",
            source="R. Brette et al. (2007), Simulation of networks of spiking neurons, J. Comput."
            " Neurosci. 23, 349-398: benchmarks 1 and 2 keep firing by themselves",
            species="the published networks",
            interval=(0.5, 2.0),
            note="the rates are not published; a network that falls silent has 0",
        ),
        measure=SustainedRate(),
        minimum=2,
        beside=(IntervalCV(),),
    ),
)
