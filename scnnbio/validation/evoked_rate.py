"""Firing rate at the best grating."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from scnnbio.validation.claim import Measure, Measured
from scnnbio.validation.comparisons import Median
from scnnbio.validation.evidence import Evidence
from scnnbio.validation.observation import Observation
from scnnbio.validation.orientation_tuning import CIRCULAR_VARIANCE, GRATINGS
from scnnbio.validation.papers import RINGACH_2002
from scnnbio.validation.protocol import ANY, Missing

EVOKED_RATE = Observation(
    quantity="mean rate at the best grating",
    source=RINGACH_2002,
    unit="Hz",
    value=33.4,
    interval=(19.0, 55.0),
    stimulus="drifting grating at each cell's best orientation",
    window=CIRCULAR_VARIANCE.window,
    state=CIRCULAR_VARIANCE.state,
    pooling="mean over trials, spontaneous rate (median 0.85 Hz) not subtracted; quartiles over"
    " cells",
    differs="the largest of many means over few trials is somewhat above the true largest rate",
)


class BestRate(Measure):
    """Mean rate of each cell at its best grating."""

    name: ClassVar[str] = "evoked_rate"
    unit: ClassVar[str] = "Hz"
    windowed: ClassVar[bool] = True

    def of(self, evidence: Evidence) -> Measured:
        """Measure the cells that are not silent."""
        kept = evidence.responsive
        values = evidence.responses.rates.max(axis=0)[kept]
        return Measured(values, evidence.silent, evidence.units[kept])


class SpontaneousRate(Measure):
    """Mean rate of each cell in trials of mean grey, silent cells included."""

    name: ClassVar[str] = "spontaneous_rate"
    unit: ClassVar[str] = "Hz"
    windowed: ClassVar[bool] = True

    def of(self, evidence: Evidence) -> Measured:
        """Count spikes in the window of the gratings; Missing without trials of mean grey."""
        whole = evidence.bind(protocol=ANY)
        contrast = whole.recording.trials.get("contrast")
        if contrast is None or not (contrast == 0.0).any():
            raise Missing("no trials of mean grey")
        grey = whole.recording.take(np.flatnonzero(contrast == 0.0))
        low, high = evidence.responses.window
        counts = grey.counts(evidence.population, (low, high))[:, evidence.units]
        return Measured(counts.mean(axis=0) / (high - low) * 1000.0, neurons=evidence.units)


CLAIMS = (
    Median(
        name="evoked_rate",
        observation=EVOKED_RATE,
        measure=BestRate(),
        protocol=GRATINGS,
        beside=(SpontaneousRate(),),
    ),
)
