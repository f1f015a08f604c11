"""Variability of spike counts: the Fano factor."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np

from scnnbio.analysis import irregularity
from scnnbio.validation.claim import Measure, Measured
from scnnbio.validation.comparisons import Median
from scnnbio.validation.evidence import Evidence
from scnnbio.validation.observation import Observation
from scnnbio.validation.protocol import Missing, Protocol

#: When counting begins if the trial is long enough (ms), and the mean count that a condition
#: exceeds.
FANO_ONSET, FANO_MEAN = 30.0, 1.0

#: Five trials per grating, which a variance needs, and the 500 ms in which spikes were counted.
REPEATED = Protocol(
    stimulus="drifting gratings",
    columns=("orientation",),
    highest="contrast",
    repeats=5,
    duration=500.0,
)

FANO_FACTOR = Observation(
    quantity="Fano factor of counts in 500 ms",
    source="Public recordings of A. S. Ecker et al. (2010), Science 327, 584-587,"
    " doi:10.1126/science.1179867",
    species="macaque V1",
    n=272,
    value=0.94,
    interval=(0.73, 1.21),
    stimulus="static or drifting gratings of eight orientations",
    window="30 to 530 ms after onset",
    state="awake, fixating",
    pooling="variance (dividing by n - 1) over mean, per condition with a mean count above 1;"
    " quartiles over cells. How a cell's conditions were joined is not stated",
    differs="is the mean over a cell's conditions. The model has neither small eye movements nor a"
    " state that drifts, which add variance in awake animals",
    note="under anaesthesia, natural frames, 200 ms: 1.95 (1.53 to 2.53)",
)


class MeanFanoFactor(Measure):
    """Fano factor of each cell's counts in 500 ms, by Elephant, averaged over gratings.

    Every grating with a mean count above 1 contributes, not the best alone: with few trials per
    grating, the best is the one that happened to vary least.
    """

    name: ClassVar[str] = "fano_factor"
    windowed: ClassVar[bool] = True

    def of(self, evidence: Evidence) -> Measured:
        """Measure the cells that are not silent and whose mean count exceeds 1 at some grating."""
        window, kept = _window(evidence), evidence.responsive
        counts = evidence.recording.counts(evidence.population, window)[:, evidence.units]
        cut = replace(evidence.responses, counts=counts[:, kept], window=window)
        least = float(np.nextafter(FANO_MEAN, np.inf))
        factor, number = irregularity.mean_fano_factor(cut, min_mean_count=least)
        fires = number > 0
        few = {"mean count not above 1": int((~fires).sum())}
        return Measured(factor[fires], evidence.silent | few, evidence.units[kept][fires])


def _window(evidence: Evidence) -> tuple[float, float]:
    """The 500 ms in which spikes are counted: the first of a given window, else 30 to 530 ms.

    The Fano factor grows with the window, so that only windows of equal length compare.
    """
    length = evidence.protocol.duration
    last = float(evidence.recording.trials["duration"].min())
    low, high = evidence.window or (0.0, last)
    high = min(high, last)
    if high - low < length:
        raise Missing(
            f"{low:g} to {high:g} ms are shorter than the {length:g} ms of the recordings"
        )
    begin = low if evidence.window else min(FANO_ONSET, high - length)
    return begin, begin + length


CLAIMS = (
    Median(
        name="fano_factor", observation=FANO_FACTOR, measure=MeanFanoFactor(), protocol=REPEATED
    ),
)
