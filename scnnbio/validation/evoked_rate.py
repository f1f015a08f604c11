"""Firing rate at the best grating."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from scnnbio.validation.claim import Measure, Measured, Observation
from scnnbio.validation.comparisons import Median
from scnnbio.validation.evidence import Evidence
from scnnbio.validation.orientation_tuning import CIRCULAR_VARIANCE, GRATINGS
from scnnbio.validation.papers import RINGACH_2002

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
    differs="the largest of many means of a few trials is somewhat above the true largest rate",
)


class BestRate(Measure):
    """Mean rate of each cell at its best grating."""

    name: ClassVar[str] = "evoked_rate"
    unit: ClassVar[str] = "Hz"

    def of(self, evidence: Evidence) -> Measured:
        """Measure the cells that are not silent."""
        kept = evidence.responsive
        values = evidence.responses.rates.max(axis=0)[kept]
        return Measured(values, evidence.silent, evidence.units[kept])


def spontaneous_rates(
    evidence: Evidence, window: tuple[float, float]
) -> NDArray[np.float64] | None:
    """Rates of the central units in trials of mean grey, Hz; None without such trials.

    Parameters
    ----------
    evidence : Evidence
        Of all trials.
    window : (float, float)
        ms within the trial.
    """
    recording = evidence.recording
    contrast = recording.trials.get("contrast")
    if contrast is None or not (contrast == 0.0).any():
        return None
    grey = recording.take(np.flatnonzero(contrast == 0.0))
    low, high = window
    counts = grey.counts(evidence.population, (low, high))[:, evidence.units]
    return np.asarray(counts.mean(axis=0) / (high - low) * 1000.0)


CLAIMS = (
    Median(name="evoked_rate", observation=EVOKED_RATE, measure=BestRate(), protocol=GRATINGS),
)
